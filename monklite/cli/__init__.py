"""The command `monklite`: list, compare, export and prune runs. Training is done from Python."""

from . import archives, models, predicting, removing, runs
from .group import main

__all__ = ["archives", "main", "models", "predicting", "removing", "runs"]
