"""The task: what a label is, and all that follows from it.

Targets, activation, right answers, the figures of an epoch and the one that decides which epoch is best, how a prediction
reads, and which losses fit are asked of the task, everywhere. Arrays are NumPy's, except in `right`, whose arrays may be a
framework's own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from .errors import InvalidValue
from .spec import Source, Table

SINGLE, MULTIPLE = "single", "multiple"
SEPARATOR = "|"  # between the labels of one image, where they are written as one text
Activation = Literal["softmax", "sigmoid"]
Form = Literal["index", "one_hot"]


def label_type(sources: Sequence[Source]) -> str:
    """`single` or `multiple`: whether an image of these sources has one label or any number of them."""
    return MULTIPLE if any(isinstance(s, Table) and s.label_delimiter for s in sources) else SINGLE


def task_of(kind: str, classes: tuple[str, ...], activation: Activation | None = None) -> Task:
    """The task of a label type, with a loss of that activation (its usual one by default).

    Raises:
        InvalidValue: such a loss cannot train it.
    """
    return TASKS[kind](classes, activation)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities (n, classes), each row of sum 1, from logits (n, classes)."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Probabilities, each for itself, from logits of any shape."""
    small = np.exp(-np.abs(logits))
    return np.where(logits >= 0, 1 / (1 + small), small / (1 + small))


ACTIVATIONS = {"softmax": softmax, "sigmoid": sigmoid}


class Task(ABC):
    """What a label is. `classes`: the names of the labels; `activation`: what turns logits into scores."""

    name: ClassVar[str]
    activations: ClassVar[tuple[Activation, ...]]  # of the losses that can train it
    least_classes: ClassVar[int]  # that make a classifier
    deciding: ClassVar[str]  # the figure, of those on validation, that decides which epoch is best; higher is better
    deciding_title: ClassVar[str]  # what it is called

    def __init__(self, classes: tuple[str, ...], activation: Activation | None = None) -> None:
        if activation is not None and activation not in self.activations:
            raise InvalidValue(self.refusal(activation))
        self.classes, self.activation = classes, activation or self.activations[0]

    @classmethod
    @abstractmethod
    def refusal(cls, activation: Activation) -> str:
        """Why a loss of that activation cannot train this."""

    def scores(self, logits: np.ndarray) -> np.ndarray:
        """Scores float64 (n, classes), 0 to 1, from logits (n, classes)."""
        return ACTIVATIONS[self.activation](logits.astype(np.float64))

    @abstractmethod
    def targets(self, labels: np.ndarray, form: Form) -> np.ndarray:
        """What a loss compares logits with, from the labels of a batch: `index` int64 (n,), `one_hot` float32 (n, classes)."""

    @abstractmethod
    def right(self, logits: Any, targets: Any) -> Any:
        """Whether each image is answered right, (n,); `targets` as `targets` gives them, arrays of any framework."""

    @abstractmethod
    def predicted(self, logits: np.ndarray) -> np.ndarray:
        """The answers to images, in the form of their labels."""

    @abstractmethod
    def figures(self, logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        """Figures of a set of images, `accuracy` (share of images answered right) among them; NaN without images."""

    @abstractmethod
    def counts(self, labels: np.ndarray) -> tuple[int, ...]:
        """How many images have each label."""

    @abstractmethod
    def strata(self, labels: np.ndarray) -> np.ndarray:
        """Groups of images that are labelled alike, int64 (n,)."""

    @abstractmethod
    def membership(self, labels: np.ndarray) -> np.ndarray:
        """Whether each image has each label, bool (n, classes)."""

    @abstractmethod
    def names(self, label: Any) -> tuple[str, ...]:
        """The names of the labels that one image has."""

    @abstractmethod
    def as_dict(self, scores: np.ndarray, answer: Any) -> dict[str, Any]:
        """A prediction as a user gets it. `scores` (classes,); `answer`: one of `predicted`."""

    def text(self, label: Any) -> str:
        """The labels of one image as one text."""
        return SEPARATOR.join(self.names(label))

    def example_labels(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Labels drawn by chance, for trying out a network."""
        drawn = rng.integers(0, len(self.classes), count)
        return drawn if self.name == SINGLE else np.eye(len(self.classes), dtype=bool)[drawn]


class SingleLabel(Task):
    """One class per image. Labels int64 (n,) index the classes."""

    name = SINGLE
    activations = ("softmax", "sigmoid")
    least_classes = 2
    deciding, deciding_title = "accuracy", "accuracy"

    @classmethod
    def refusal(cls, activation: Activation) -> str:
        return f"one class per image cannot be trained with a loss of {activation} scores"

    def targets(self, labels: np.ndarray, form: Form) -> np.ndarray:
        return labels if form == "index" else np.eye(len(self.classes), dtype=np.float32)[labels]

    def right(self, logits: Any, targets: Any) -> Any:
        return logits.argmax(axis=1) == (targets if len(targets.shape) == 1 else targets.argmax(axis=1))

    def predicted(self, logits: np.ndarray) -> np.ndarray:
        return logits.argmax(axis=1)

    def figures(self, logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        return {"accuracy": float(self.right(logits, labels).mean()) if len(labels) else np.nan}

    def counts(self, labels: np.ndarray) -> tuple[int, ...]:
        return tuple(np.bincount(labels, minlength=len(self.classes)).tolist())

    def strata(self, labels: np.ndarray) -> np.ndarray:
        return labels

    def membership(self, labels: np.ndarray) -> np.ndarray:
        return labels[:, None] == np.arange(len(self.classes))

    def names(self, label: Any) -> tuple[str, ...]:
        return (self.classes[label],)

    def as_dict(self, scores: np.ndarray, answer: Any) -> dict[str, Any]:
        return {"predicted_class": self.classes[answer], "score": float(scores[answer])}


class MultiLabel(Task):
    """Any number of labels per image, also none. Labels bool (n, classes).

    An image is answered right if all its labels are, and no other; `f1` is the harmonic mean of precision and recall over all
    images and labels (micro-averaged), which many images without a label cannot make look good.
    """

    name = MULTIPLE
    activations = ("sigmoid",)
    least_classes = 1
    deciding, deciding_title = "f1", "F1"

    @classmethod
    def refusal(cls, activation: Activation) -> str:
        return (
            f"images with several labels cannot be trained with a loss of {activation} scores, which allows one class per "
            "image: take loss_sigmoid_binary_crossentropy()"
        )

    def targets(self, labels: np.ndarray, form: Form) -> np.ndarray:
        return labels.astype(np.float32)

    def right(self, logits: Any, targets: Any) -> Any:
        return ((logits > 0) != (targets > 0.5)).sum(axis=1) == 0

    def predicted(self, logits: np.ndarray) -> np.ndarray:
        return logits > 0

    def figures(self, logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        answers = self.predicted(logits)
        right, wrong = int((answers & labels).sum()), int((answers ^ labels).sum())
        exact = float(self.right(logits, labels).mean()) if len(labels) else np.nan
        return {"accuracy": exact, "f1": 2 * right / (2 * right + wrong) if right + wrong else np.nan}

    def counts(self, labels: np.ndarray) -> tuple[int, ...]:
        return tuple(labels.sum(axis=0).tolist())

    def strata(self, labels: np.ndarray) -> np.ndarray:
        return np.unique(labels, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)

    def membership(self, labels: np.ndarray) -> np.ndarray:
        return labels

    def names(self, label: Any) -> tuple[str, ...]:
        return tuple(name for name, has in zip(self.classes, label, strict=True) if has)

    def as_dict(self, scores: np.ndarray, answer: Any) -> dict[str, Any]:
        return {"predicted_classes": list(self.names(answer)), "scores": scores[answer].tolist()}


TASKS: Mapping[str, type[Task]] = {task.name: task for task in (SingleLabel, MultiLabel)}
