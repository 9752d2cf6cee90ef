"""The names of every file and folder in a workspace, and which names the user may choose."""

from __future__ import annotations

import re
from typing import Any

from ..catalog.backends import numbered_endings
from ..errors import InvalidType, InvalidValue

STATE, LOCK = "experiment-state.json", ".lock"
COMPARISON, CACHE = "comparison", ".cache"
FINAL, BEST, RESUME = "final", "best_model", "resume_state"
INTERMEDIATE = "intermediate"  # its name is in the spec
WEIGHT_KINDS = (BEST, FINAL, RESUME, INTERMEDIATE)
# a comparison's, as Monk calls them
TRAIN_ACCURACY, VAL_ACCURACY = "train_accuracy.png", "val_accuracy.png"
TRAIN_LOSS, VAL_LOSS = "train_loss.png", "val_loss.png"
STATS_TIME, STATS_BEST, STATS_MEMORY = "stats_training_time.png", "stats_best_val_acc.png", "stats_max_gpu_usage.png"
COMPARISON_TABLE, REPORT = "comparison.csv", "report.html"
ACCURACY_CURVE, LOSS_CURVE = "train_val_accuracy.png", "train_val_loss.png"
HISTORY, SAMPLES, HEALTH, PREDICTIONS = "history.csv", "dataset.csv", "health.csv", "test_predictions.csv"
MOST_BYTES = 255  # what file systems take as the name of one folder
_WINDOWS = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
_NAME = re.compile(r"[\w-](?:[\w .@+=,()-]{0,98}[\w@+=()-])?")


def check_name(kind: str, name: Any) -> str:
    """Return a name that is safe as a folder, or raise the error that says why it is not."""
    if not isinstance(name, str):
        raise InvalidType(f"the {kind} name must be a text, not {name!r} ({type(name).__name__})")
    if not _NAME.fullmatch(name) or ".." in name or len(name.encode()) > MOST_BYTES:
        raise InvalidValue(
            f"{name!r} cannot be the {kind} name: begin with a letter, digit, _ or -, then letters, digits, space and "
            f"_ - . @ + = , ( ), at most 100 characters ({MOST_BYTES} bytes), no '..' and no path separators"
        )
    if _WINDOWS.fullmatch(name):
        raise InvalidValue(
            f"{name!r} cannot be the {kind} name: Windows keeps it for itself, and the workspace could not be moved there"
        )
    if kind == "project" and name.lower() == COMPARISON:
        raise InvalidValue(f"{name!r} cannot be a project name: comparisons are kept in that folder; take another name")
    return name


def is_file_of(kind: str, name: str) -> bool:
    """Whether a file in `output/models` is `best_model`, `final` or `resume_state`, whatever ending its backend adds."""
    return re.fullmatch(rf"{kind}([-.].*)?", name) is not None


def kind_of_weights(name: str, prefix: str, backend: str) -> str | None:
    """Which of `WEIGHT_KINDS` a file in `output/models` is.

    Args:
        prefix: of intermediate weights. backend: that trained the run; it says how they end.
    """
    for kind in (BEST, FINAL, RESUME):
        if is_file_of(kind, name):
            return kind
    numbered = rf"{re.escape(prefix)}({numbered_endings(backend)})"
    return INTERMEDIATE if re.fullmatch(numbered, name) else None
