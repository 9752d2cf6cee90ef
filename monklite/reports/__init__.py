"""Runs and evaluations as numbers, charts, tables and pages."""
