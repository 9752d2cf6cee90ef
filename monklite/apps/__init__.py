"""Servers that answer from a trained run or a bundle: the REST routes, and what pages are added to."""
