"""The command `monklite`: list, compare, export and prune runs. Training is done from Python."""

from . import app, archives, bundles, models, passwords, predicting, removing, runs, serving
from .group import main

__all__ = ["app", "archives", "bundles", "main", "models", "passwords", "predicting", "removing", "runs", "serving"]
