"""The command `monklite`: train from a file of settings, list, compare, export and prune runs, and hand them on."""

from . import (
    app,
    archives,
    bundles,
    checking,
    models,
    passwords,
    predicting,
    removing,
    runs,
    serving,
    settings,
    trackers,
    training,
)
from .group import main

__all__ = [
    "app",
    "archives",
    "bundles",
    "checking",
    "main",
    "models",
    "passwords",
    "predicting",
    "removing",
    "runs",
    "serving",
    "settings",
    "trackers",
    "training",
]
