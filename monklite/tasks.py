"""The task: one label or several labels per image, and everything that depends on it.

The task defines targets, activation, correct predictions, the figures (metrics) of an epoch and the one that decides which
epoch is best, the form of a prediction, and the losses that fit. Arrays are NumPy's, except in `correct`, whose arrays may be
a framework's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from .errors import InvalidValue, cut, shown, suggestion
from .rules import Number, PerClass
from .spec import Source, Table

SINGLE, MULTIPLE = "single", "multiple"
SEPARATOR = "|"  # between the labels of one image, where they are written as one text
NO_LABEL = "no label"
# the score above which a label is predicted: one for all labels, or one for each
THRESHOLD = 0.5
Thresholds = float | Mapping[str, float] | Sequence[float]
THRESHOLD_RANGE = Number(least=0, most=1)
Activation = Literal["softmax", "sigmoid"]
TargetForm = Literal["index", "one_hot"]


def label_type(sources: Sequence[Source]) -> str:
    """`single` or `multiple`: one label, or any number of labels, per image of these sources."""
    tables = [source for source in sources if isinstance(source, Table)]
    return MULTIPLE if any(table.label_delimiter or table.label_columns for table in tables) else SINGLE


def task_of(kind: str, classes: tuple[str, ...], activation: Activation | None = None) -> Task:
    """The task of a label type, with a loss of this activation (the label type's usual one by default).

    Raises:
        InvalidValue: a loss of this activation cannot train it.
    """
    return TASKS[kind](classes, activation)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities (n, classes), each row of sum 1, from logits (n, classes)."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Independent probabilities, from logits of any shape."""
    power = np.exp(-np.abs(logits))  # never overflows
    return np.where(logits >= 0, 1 / (1 + power), power / (1 + power))


def log_odds(logits: np.ndarray, activation: Activation) -> np.ndarray:
    """The log-odds float64 (n, classes) of scores, from logits (n, classes); finite also where a score rounds to 0 or 1."""
    logits = logits.astype(np.float64)
    if activation == "sigmoid":
        return logits
    rows, best = np.arange(len(logits)), logits.argmax(axis=1)
    below = logits - logits.max(axis=1, keepdims=True)
    powers = np.exp(below)
    powers[rows, best] = 0.0
    # of each class against the sum of all others, in which the best one counts 1
    odds = below - np.log1p(powers.sum(axis=1, keepdims=True) - powers)
    below[rows, best] = -np.inf
    second = below.max(axis=1)
    odds[rows, best] = -second - np.log(np.exp(below - second[:, None]).sum(axis=1))
    return odds


ACTIVATIONS = {"softmax": softmax, "sigmoid": sigmoid}


class Task(ABC):
    """The kind of labels, with `classes`, the names of the labels, and `activation`, which turns logits into scores.

    `activations`: of the losses that can train it. `min_classes`: that a classifier needs. `deciding_figure`: the figure on
    validation that decides which epoch is best; higher is better. `deciding_title`: its printed name. `exclusive`: whether
    every image has exactly one label. `majority_title`: the most frequent prediction that is always the same.
    `thresholds`: by label, see `with_thresholds`; empty: that of all is `THRESHOLD`, or an image has one label.
    `overall_figures`: the names of the figures of an evaluation that are of all images together.
    """

    name: ClassVar[str]
    activations: ClassVar[tuple[Activation, ...]]
    min_classes: ClassVar[int]
    deciding_figure: ClassVar[str]
    deciding_title: ClassVar[str]
    exclusive: ClassVar[bool]
    majority_title: ClassVar[str]
    overall_figures: ClassVar[tuple[str, ...]]

    def __init__(self, classes: tuple[str, ...], activation: Activation | None = None) -> None:
        if activation is not None and activation not in self.activations:
            raise InvalidValue(self.refusal(activation))
        ambiguous = [name for name in classes if SEPARATOR in name] if not self.exclusive else []
        if ambiguous:
            raise InvalidValue(
                f"the label {ambiguous[0]!r} contains {SEPARATOR!r}, which separates the labels of an image in monklite's files: "
                "rename it"
            )
        self.classes, self.activation = classes, activation or self.activations[0]
        self.thresholds: dict[str, float] = {}

    @classmethod
    @abstractmethod
    def refusal(cls, activation: Activation) -> str:
        """The reason why a loss of this activation cannot train this task."""

    def scores(self, logits: np.ndarray) -> np.ndarray:
        """Scores float64 (n, classes), 0 to 1, from logits (n, classes)."""
        return ACTIVATIONS[self.activation](logits.astype(np.float64))

    @abstractmethod
    def targets(self, labels: np.ndarray, form: TargetForm) -> np.ndarray:
        """The targets that a loss compares logits with, from labels: `index` int64 (n,), `one_hot` float32 (n, classes)."""

    @abstractmethod
    def correct(self, logits: Any, targets: Any) -> Any:
        """Whether each image is predicted correctly, (n,); `targets` as from `targets`, arrays of any framework."""

    @abstractmethod
    def predicted(self, logits: np.ndarray) -> np.ndarray:
        """The predictions, in the form of labels."""

    @abstractmethod
    def margins(self, logits: np.ndarray) -> np.ndarray:
        """By how much the logits of each image would have to change for another prediction, (n,)."""

    @abstractmethod
    def figures(self, logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        """The figures of a set of images, among them `accuracy` (share of images predicted correctly); NaN without images."""

    def test_figures(self, logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        """The figures of a test set: those of an epoch, and others that a task has; NaN where there is nothing to measure."""
        return self.figures(logits, labels)

    @abstractmethod
    def confidences(self, scores: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The scores that should be the shares of those that are right, and whether each is right: both (n, k)."""

    @abstractmethod
    def with_thresholds(self, thresholds: Thresholds) -> Task:
        """The same task, which predicts a label whose score is above this threshold, 0 to 1.

        Args:
            thresholds: one for all labels, or one for each: by its name, or in the order of `classes`.

        Raises:
            InvalidType, InvalidValue: not such thresholds, or each image has exactly one label.
        """

    @abstractmethod
    def counts(self, labels: np.ndarray) -> tuple[int, ...]:
        """The number of images with each label."""

    @abstractmethod
    def strata(self, labels: np.ndarray) -> np.ndarray:
        """The group of each image, int64 (n,); images in a group have the same labels."""

    @abstractmethod
    def membership(self, labels: np.ndarray) -> np.ndarray:
        """Whether each image has each label, bool (n, classes)."""

    @abstractmethod
    def names(self, label: Any) -> tuple[str, ...]:
        """The names of the labels that one image has."""

    @abstractmethod
    def as_dict(self, scores: np.ndarray, prediction: Any) -> dict[str, Any]:
        """A prediction as users get it. `scores` (classes,); `prediction`: of one image, as from `predicted`."""

    def text(self, label: Any) -> str:
        """The labels of one image as one text."""
        return SEPARATOR.join(self.names(label))

    def only_prediction(self, logits: np.ndarray, labels: np.ndarray) -> str:
        """The prediction of all images as one text, if it is the same for all although their labels differ; otherwise `""`."""
        predicted = self.predicted(logits)
        if not len(labels) or (predicted != predicted[0]).any() or not (labels != labels[0]).any():
            return ""
        return self.text(predicted[0]) or NO_LABEL

    @abstractmethod
    def relabel(self, labels: np.ndarray, indices: np.ndarray, n_classes: int) -> np.ndarray:
        """The labels for `n_classes` other classes; `indices` (classes,): the new index of each class."""

    @abstractmethod
    def example_labels(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Random labels, for trying out a network."""


class SingleLabel(Task):
    """One class per image. Labels int64 (n,) index the classes."""

    name = SINGLE
    activations = ("softmax", "sigmoid")
    min_classes = 2
    deciding_figure, deciding_title = "accuracy", "accuracy"
    exclusive = True
    majority_title = "the largest class"
    overall_figures = ("accuracy", "balanced_accuracy", "macro_f1", "macro_auc", "brier_score", "log_loss")

    @classmethod
    def refusal(cls, activation: Activation) -> str:
        return f"one class per image cannot be trained with a loss of {activation} scores"

    def targets(self, labels: np.ndarray, form: TargetForm) -> np.ndarray:
        return labels if form == "index" else np.eye(len(self.classes), dtype=np.float32)[labels]

    def correct(self, logits: Any, targets: Any) -> Any:
        return logits.argmax(axis=1) == (targets if len(targets.shape) == 1 else targets.argmax(axis=1))

    def predicted(self, logits: np.ndarray) -> np.ndarray:
        return logits.argmax(axis=1)

    def margins(self, logits: np.ndarray) -> np.ndarray:
        best = np.sort(logits, axis=1)
        return best[:, -1] - best[:, -2]

    def figures(self, logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        return {"accuracy": float(self.correct(logits, labels).mean()) if len(labels) else np.nan}

    def confidences(self, scores: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return scores.max(axis=1, keepdims=True), (scores.argmax(axis=1) == labels)[:, None]

    def with_thresholds(self, thresholds: Thresholds) -> Task:
        if each_threshold(thresholds, self.classes) != dict.fromkeys(self.classes, THRESHOLD):
            raise InvalidValue(
                f"img_thresh={shown(thresholds)}: each image has exactly one label, which is the one with the highest score. A "
                f"threshold is for images with several labels: leave it at {THRESHOLD}"
            )
        return self

    def counts(self, labels: np.ndarray) -> tuple[int, ...]:
        return tuple(np.bincount(labels, minlength=len(self.classes)).tolist())

    def strata(self, labels: np.ndarray) -> np.ndarray:
        return labels

    def membership(self, labels: np.ndarray) -> np.ndarray:
        return labels[:, None] == np.arange(len(self.classes))

    def names(self, label: Any) -> tuple[str, ...]:
        return (self.classes[label],)

    def relabel(self, labels: np.ndarray, indices: np.ndarray, n_classes: int) -> np.ndarray:
        return indices[labels]

    def example_labels(self, count: int, rng: np.random.Generator) -> np.ndarray:
        return rng.integers(0, len(self.classes), count)

    def as_dict(self, scores: np.ndarray, prediction: Any) -> dict[str, Any]:
        return {"predicted_class": self.classes[prediction], "score": float(scores[prediction])}


class MultiLabel(Task):
    """Any number of labels per image, including none. Labels bool (n, classes).

    An image is predicted correctly if exactly its labels are. `f1` is the harmonic mean of precision and recall over all
    images and labels (micro-averaged), which images without labels cannot inflate. Figures called `macro_` are means over
    the labels that occur, each of which so counts the same; the precision of a label that is never predicted is 0 in them.
    """

    name = MULTIPLE
    activations = ("sigmoid",)
    min_classes = 1
    deciding_figure, deciding_title = "f1", "F1"
    exclusive = False
    majority_title = "the most frequent combination of labels"
    overall_figures = (
        "accuracy", "f1", "precision", "recall", "macro_f1", "macro_precision", "macro_recall", "macro_auc", "brier_score",
        "log_loss",
    )  # fmt: skip
    # a label is predicted if its logit is above: one for all, or float64 (classes,)
    cutoffs: float | np.ndarray = 0.0

    @classmethod
    def refusal(cls, activation: Activation) -> str:
        return (
            f"images with several labels cannot be trained with a loss of {activation} scores, which allows one class per "
            "image: take loss_sigmoid_binary_crossentropy()"
        )

    def targets(self, labels: np.ndarray, form: TargetForm) -> np.ndarray:
        return labels.astype(np.float32)

    def correct(self, logits: Any, targets: Any) -> Any:
        return ((logits > self.cutoffs) != (targets > 0.5)).sum(axis=1) == 0

    def predicted(self, logits: np.ndarray) -> np.ndarray:
        return logits > self.cutoffs

    def margins(self, logits: np.ndarray) -> np.ndarray:
        return np.abs(logits - self.cutoffs).min(axis=1)

    def figures(self, logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        predictions = self.predicted(logits)
        right, wrong = int((predictions & labels).sum()), int((predictions ^ labels).sum())
        exact = float(self.correct(logits, labels).mean()) if len(labels) else np.nan
        return {"accuracy": exact, "f1": 2 * right / (2 * right + wrong) if right + wrong else np.nan}

    def test_figures(self, logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        predictions = self.predicted(logits)
        found, has, predicted = (array.sum(axis=0) for array in (predictions & labels, labels, predictions))
        occurs = has > 0
        each = {
            "precision": _shares(found, predicted),
            "recall": _shares(found, has),
            "f1": _shares(2 * found, has + predicted),
        }
        return {
            **self.figures(logits, labels),
            "precision": float(found.sum() / predicted.sum()) if predicted.any() else np.nan,
            "recall": float(found.sum() / has.sum()) if has.any() else np.nan,
            **{f"macro_{name}": float(v[occurs].mean()) if occurs.any() else np.nan for name, v in each.items()},
        }

    def confidences(self, scores: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return scores, labels

    def with_thresholds(self, thresholds: Thresholds) -> Task:
        each = each_threshold(thresholds, self.classes)
        task = MultiLabel(self.classes, self.activation)
        if set(each.values()) != {THRESHOLD}:
            shares = np.array(list(each.values()))
            # the logits of these scores; infinite at 0 and 1
            with np.errstate(divide="ignore"):
                task.thresholds, task.cutoffs = each, np.log(shares / (1 - shares))
        return task

    def counts(self, labels: np.ndarray) -> tuple[int, ...]:
        return tuple(labels.sum(axis=0).tolist())

    def strata(self, labels: np.ndarray) -> np.ndarray:
        return np.unique(labels, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)

    def membership(self, labels: np.ndarray) -> np.ndarray:
        return labels

    def names(self, label: Any) -> tuple[str, ...]:
        return tuple(name for name, has in zip(self.classes, label, strict=True) if has)

    def relabel(self, labels: np.ndarray, indices: np.ndarray, n_classes: int) -> np.ndarray:
        relabelled = np.zeros((len(labels), n_classes), dtype=bool)
        # two names may have become one
        for column, index in zip(labels.T, indices, strict=True):
            relabelled[:, index] |= column
        return relabelled

    def example_labels(self, count: int, rng: np.random.Generator) -> np.ndarray:
        return np.eye(len(self.classes), dtype=bool)[rng.integers(0, len(self.classes), count)]

    def as_dict(self, scores: np.ndarray, prediction: Any) -> dict[str, Any]:
        return {"predicted_classes": list(self.names(prediction)), "scores": scores[prediction].tolist()}


def _shares(parts: np.ndarray, wholes: np.ndarray) -> np.ndarray:
    """The share of each part, (n,); 0 of nothing."""
    return parts / np.maximum(wholes, 1)


def each_threshold(thresholds: Thresholds, classes: tuple[str, ...]) -> dict[str, float]:
    """The threshold of each label, by name, in the order of the classes."""
    if isinstance(thresholds, (str, bytes)) or not isinstance(thresholds, Iterable):
        return dict.fromkeys(classes, THRESHOLD_RANGE("img_thresh", thresholds))
    values = PerClass(THRESHOLD_RANGE)("img_thresh", thresholds)
    known = f"The labels are {cut(', '.join(map(repr, classes)), 600)}"
    if not isinstance(values, dict):
        if len(values) != len(classes):
            raise InvalidValue(
                f"img_thresh has {len(values)} values for {len(classes)} labels: give one for each. {known}"
            )
        return dict(zip(classes, values, strict=True))
    unknown = next((name for name in values if name not in classes), None)
    if unknown is not None:
        raise InvalidValue(f"img_thresh: no label is called {shown(unknown)}.{suggestion(unknown, classes)} {known}")
    return {name: values.get(name, THRESHOLD) for name in classes}


TASKS: Mapping[str, type[Task]] = {task.name: task for task in (SingleLabel, MultiLabel)}
FIGURE_TITLES: Mapping[str, str] = {task.deciding_figure: task.deciding_title for task in TASKS.values()}
