"""Names of the files and folders in a workspace, and the rules for names that a user chooses."""

from __future__ import annotations

import re
from collections.abc import Container
from typing import Any

from ..catalog.backends import numbered_endings
from ..errors import InvalidType, InvalidValue, shown
from ..spec import WEIGHT_FILES

STATE, LOCK = "experiment-state.json", ".lock"
COMPARISON, CACHE = "comparison", ".cache"
FINAL, BEST, RESUME = WEIGHT_FILES
# the user chooses the prefix of these files; the spec stores it
INTERMEDIATE = "intermediate"
WEIGHT_KINDS = (BEST, FINAL, RESUME, INTERMEDIATE)
# files of a comparison, named as in Monk
COMPARISON_TABLE, REPORT = "comparison.csv", "report.html"
# of a run, for people to fill in; the second one is written beside one that was
MODEL_CARDS = ("model_card.md", "model_card-new.md")
PAIRS_TABLE = "pairs.csv"
ACCURACY_CURVE, LOSS_CURVE = "train_val_accuracy.png", "train_val_loss.png"
CLASSES_CHART = "classes_per_image.png"
# drawings of a user's own network
GRAPH, DESIGN = "graph.png", "design.png"
HISTORY, SAMPLES, HEALTH, NEAR_DUPLICATES = "history.csv", "dataset.csv", "health.csv", "near_duplicates.csv"
# of an evaluation, in its own folder; `PREDICTIONS` is the table of older versions, in the folder of logs
EVALUATED, FIGURES, PREDICTIONS = "predictions.csv", "figures.json", "test_predictions.csv"
CONFUSION_CHART, ROC_CHART = "confusion.png", "roc.png"
PRECISION_RECALL_CHART, CALIBRATION_CHART = "precision_recall.png", "calibration.png"
# pictures of images that were predicted wrongly; further ones are numbered
ERROR_SHEET = "errors.png"
# pictures of the inside of a network; in Monk's folder of that name
VISUALIZATION = "visualization"
LOGS_PREFIX, MODELS_PREFIX, EVALUATION_PREFIX = "output/logs/", "output/models/", "output/evaluation/"
# the evaluation of the validation images by the best epoch; their logits and labels are the numbers from which thresholds are
# chosen, and how far images are from the training images
VALIDATION, LOGITS, DISTANCE = "validation", "logits.safetensors", "distance.safetensors"
# limit of file systems for the name of one folder
MAX_NAME_BYTES = 255
_WINDOWS = re.compile(r"(?i)(con|prn|aux|nul|com[\d¹²³]|lpt[\d¹²³])(\..*)?")
_NAME = re.compile(r"[\w-](?:[\w .@+=,()-]{0,98}[\w@+=()-])?")
_LOG = re.compile(r"[A-Za-z0-9][\w-]{0,79}\.(csv|png)")
_OF_EVALUATION = re.compile(r"[A-Za-z0-9][\w-]{0,79}\.(csv|png|json|safetensors)")
_WEIGHTS = re.compile(r"[A-Za-z0-9][\w.-]{0,119}")
# seconds; a younger leftover of a writer may belong to one that is alive
LEFTOVER_AGE = 3600.0


def check_name(kind: str, name: Any) -> str:
    """Return `name` if it is safe as the name of a folder.

    Raises:
        InvalidType: not a string. InvalidValue: not safe; the message says why.
    """
    if not isinstance(name, str):
        raise InvalidType(f"the {kind} name must be a string, not {shown(name)} ({type(name).__name__})")
    if not _NAME.fullmatch(name) or ".." in name or len(name.encode()) > MAX_NAME_BYTES:
        raise InvalidValue(
            f"{shown(name)} cannot be the {kind} name: begin with a letter, digit, _ or -, then letters, digits, space and "
            f"_ - . @ + = , ( ), at most 100 characters ({MAX_NAME_BYTES} bytes), no '..' and no path separators"
        )
    if _WINDOWS.fullmatch(name):
        raise InvalidValue(
            f"{shown(name)} cannot be the {kind} name: Windows reserves it, and the workspace could not be moved there"
        )
    if kind == "project" and name.lower() == COMPARISON:
        raise InvalidValue(
            f"{shown(name)} cannot be a project name: comparisons are kept in that folder; take another name"
        )
    return name


def is_name(name: str) -> bool:
    """Whether `check_name` accepts a name."""
    try:
        check_name("folder", name)
    except InvalidValue:
        return False
    return True


def is_file_of(kind: str, name: str) -> bool:
    """Whether a file in `output/models` is of that kind (`best_model`, `final`, `resume_state`), with any ending."""
    return re.fullmatch(rf"{kind}([-.].*)?", name) is not None


def kind_of_weights(name: str, prefix: str, backend: str) -> str | None:
    """The kind of a file in `output/models`, one of `WEIGHT_KINDS`, or None.

    Args:
        prefix: of intermediate weights. backend: the one that trained the run; it defines how their names end.
    """
    for kind in (BEST, FINAL, RESUME):
        if is_file_of(kind, name):
            return kind
    numbered = rf"{re.escape(prefix)}({numbered_endings(backend)})"
    return INTERMEDIATE if re.fullmatch(numbered, name) else None


def is_run_file(path: str, prefix: str, backend: str, kinds: Container[str | None] = WEIGHT_KINDS) -> bool:
    """Whether a path, relative to a run's folder, is that of a file that a run may have, other than its state.

    Args:
        prefix, backend: see `kind_of_weights`. kinds: of weights that count.
    """
    if path in (SAMPLES, HEALTH, NEAR_DUPLICATES, *(f"output/{name}" for name in MODEL_CARDS)):
        return True
    if path.startswith(LOGS_PREFIX):
        return _LOG.fullmatch(path.removeprefix(LOGS_PREFIX)) is not None
    if path.startswith(EVALUATION_PREFIX):
        folder, _, name = path.removeprefix(EVALUATION_PREFIX).partition("/")
        return is_name(folder) and _OF_EVALUATION.fullmatch(name) is not None
    name = path.removeprefix(MODELS_PREFIX)
    if not path.startswith(MODELS_PREFIX) or _WEIGHTS.fullmatch(name) is None:
        return False
    return kind_of_weights(name, prefix, backend) in kinds
