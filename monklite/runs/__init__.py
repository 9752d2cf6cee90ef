"""Runs on disk: their files, states and locks."""
