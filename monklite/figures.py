"""The content of `figures.json`: the figures of one evaluation, each with its 95 % interval and its count.

They are computed once, from the predictions, and everything that shows a figure reads it from here: screen, tables, charts,
pages. NaN stands where there was nothing to compute a figure from.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from .errors import InvalidValue
from .record_rules import COUNT, LABEL, LOSS, MAX_LABEL, MAX_PATH, MOMENT, NAME, SHARE, SHARE_OR_NAN, TEXT
from .rules import ListOf, OneOf, OrNone, Text
from .settings_tree import Frozen
from .tasks import TASKS

SCHEMA = 1
# how an interval was computed, see `statistics`; "none": it was not
WILSON, DELONG, NEWCOMBE, BOOTSTRAP = "Wilson", "DeLong", "Newcombe", "BCa bootstrap"
MOVER, INVERTED_TEST, RULE_OF_THREE, SCORE = "MOVER", "inverted test", "rule of three", "score"
CORRECTED_T, NO_INTERVAL = "corrected t", "none"
METHODS = (WILSON, DELONG, NEWCOMBE, BOOTSTRAP, MOVER, INVERTED_TEST, RULE_OF_THREE, SCORE, CORRECTED_T, NO_INTERVAL)
# names of the figures of a class: `sensitivity` is its recall, `ppv` its precision
SENSITIVITY, SPECIFICITY, PPV, NPV, F1 = "sensitivity", "specificity", "ppv", "npv", "f1"
AUC, AVERAGE_PRECISION = "auc", "average_precision"
CLASS_FIGURES = (SENSITIVITY, SPECIFICITY, PPV, NPV, F1, AUC, AVERAGE_PRECISION)
# names of the figures of all images together, beside `records.ACCURACY` and those of the task
BALANCED_ACCURACY, MACRO_F1, MACRO_AUC = "balanced_accuracy", "macro_f1", "macro_auc"
# of several labels: of all pairs of an image and a label, and means over the labels that occur
PRECISION, RECALL, MACRO_PRECISION, MACRO_RECALL = "precision", "recall", "macro_precision", "macro_recall"
BRIER_SCORE, CALIBRATION_ERROR, LOG_LOSS = "brier_score", "calibration_error", "log_loss"
# points of a curve, at most
MAX_POINTS = 500

Numbers = Annotated[tuple[float, ...], ListOf(LOSS)]


class Estimate(Frozen):
    """A figure with its uncertainty.

    `value`; `low`, `high`: its 95 % interval, NaN if there is none. `count`: the number of images that it is computed from: of
    a proportion the denominator, of an AUC all images. `method`: of the interval, one of `METHODS`.
    """

    value: Annotated[float, LOSS]
    low: Annotated[float, LOSS]
    high: Annotated[float, LOSS]
    count: Annotated[int, COUNT]
    method: Annotated[str, OneOf(METHODS)]


class Curve(Frozen):
    """The points of a curve, at most `MAX_POINTS`, in the order of falling thresholds.

    ROC: `x` is 1 - specificity, `y` sensitivity. Precision and recall: `x` is recall, `y` precision.
    """

    x: Numbers
    y: Numbers
    thresholds: Numbers

    @model_validator(mode="after")
    def _lengths_are_equal(self) -> Curve:
        if not len(self.x) == len(self.y) == len(self.thresholds):
            raise InvalidValue(f"a curve has {len(self.x)}, {len(self.y)} and {len(self.thresholds)} values")
        return self


class Bin(Frozen):
    """Images whose highest score (several labels: whose score) is between `low` and `high`.

    `confidence`: the mean score. `share`: how many of them are right, with its interval; its count is that of the images.
    """

    low: Annotated[float, SHARE]
    high: Annotated[float, SHARE]
    confidence: Annotated[float, SHARE_OR_NAN]
    share: Estimate


class ClassFigures(Frozen):
    """One class against all others. `positives`: images of the class, `negatives`: the others. `figures`: by `CLASS_FIGURES`."""

    positives: Annotated[int, COUNT]
    negatives: Annotated[int, COUNT]
    figures: dict[Annotated[str, NAME], Estimate]
    roc: Curve
    precision_recall: Curve


class Figures(Frozen):
    """One evaluation of a run.

    `name`: its folder in `output/evaluation`. `dataset_path`: of the images, "" for the validation images of the run.
    `fingerprint`, `content`: of the images, as in `records.DatasetRecord`. `predictions`: SHA-256 of `predictions.csv`.
    `n_groups`: of patients or other groups that the intervals take into account; None: each image stands for itself.
    `overall`: figures of all images together, by name. `classes`: by name, those of training in their order. `confusion`: rows
    are true classes, columns predicted ones; empty if images may have several labels. `thresholds`, `views`, `leaks`: as in
    `records.Testing`, and so is `operating_point`, `""` in older ones. `epoch`: whose weights were judged; None: it is unknown.
    """

    version: Annotated[int, COUNT] = SCHEMA
    name: Annotated[str, NAME]
    made: Annotated[str, MOMENT]
    dataset_path: Annotated[str, Text(0, MAX_PATH)]
    fingerprint: Annotated[str, TEXT]
    content: Annotated[str, TEXT]
    predictions: Annotated[str, TEXT]
    weights: Annotated[str, TEXT]
    label_type: Annotated[str, OneOf(tuple(TASKS))]
    n_images: Annotated[int, COUNT]
    n_groups: Annotated[int | None, OrNone(COUNT)] = None
    unreadable: Annotated[int, COUNT] = 0
    overall: dict[Annotated[str, NAME], Estimate]
    classes: dict[Annotated[str, LABEL], ClassFigures]
    confusion: tuple[Annotated[tuple[int, ...], ListOf(COUNT)], ...] = ()
    calibration: tuple[Bin, ...] = ()
    thresholds: dict[Annotated[str, LABEL], Annotated[float, SHARE]] = Field(default_factory=dict)
    views: Annotated[int, COUNT] = 0
    epoch: Annotated[int | None, OrNone(COUNT)] = None
    leaks: Annotated[tuple[str, ...], ListOf(Text(0, MAX_LABEL))] = ()
    operating_point: Annotated[str, TEXT] = ""
