"""The images that were predicted wrongly, and which of them are the worst."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, groupby, islice, zip_longest
from typing import Any, NamedTuple

from ..runs.predictions import Predictions
from ..tasks import SEPARATOR, Task


class Mistake(NamedTuple):
    """One thing that was predicted wrongly: the class of an image, or one of the labels that it may have.

    `labels`, `predicted`: the names of the labels of the image. `classes`: those that are compared: the predicted class and the
    true one; of several labels the wrong one. `scores`: of `classes`.
    """

    path: str
    labels: tuple[str, ...]
    predicted: tuple[str, ...]
    classes: tuple[str, ...]
    scores: tuple[float, ...]

    @property
    def is_false_positive(self) -> bool:
        """Whether the first of `classes` was predicted; a label may also be missed."""
        return self.classes[0] in self.predicted

    @property
    def cell(self) -> tuple[tuple[str, ...], bool]:
        """The classes and the kind of mistake: equal for the mistakes of one cell of the confusion matrix."""
        return self.classes, self.is_false_positive

    @property
    def confidence(self) -> float:
        """How sure the network was of what is wrong, 0 to 1."""
        return self.scores[0] if self.is_false_positive else 1 - self.scores[0]

    def as_dict(self) -> dict[str, Any]:
        """The mistake as users get it."""
        if len(self.classes) == 2:
            predicted, true = self.classes
            return {
                "path": self.path,
                "true": true,
                "predicted": predicted,
                "score": self.scores[0],
                "true_score": self.scores[1],
            }
        return {
            "path": self.path,
            "true": list(self.labels),
            "predicted": list(self.predicted),
            "label": self.classes[0],
            "error": "false positive" if self.is_false_positive else "false negative",
            "score": self.scores[0],
        }


def mistakes(table: Predictions, task: Task) -> list[Mistake]:
    """The mistakes among predictions: at most one per image, or one for each wrong label of an image.

    Args:
        table: with the scores of all classes.
    """
    found = []
    for i, path in enumerate(table.paths):
        labels, predicted = (_names(texts[i], task) for texts in (table.labels, table.predicted))
        for classes in _compared(labels, predicted, task):
            scores = tuple(float(table.scores[name][i]) for name in classes)
            found.append(Mistake(path, labels, predicted, classes, scores))
    return found


def in_turn(found: Iterable[Mistake]) -> Iterator[Mistake]:
    """The most confident mistake of each cell, then the second ones, and so on."""
    return _in_turn(_by_cell(found))


def worst(found: Iterable[Mistake], n: int) -> list[Mistake]:
    """The first `n` mistakes of `in_turn`; those of a cell together."""
    cells = _by_cell(found)
    chosen = set(islice(_in_turn(cells), n))
    return [mistake for cell in cells for mistake in cell if mistake in chosen]


def _by_cell(found: Iterable[Mistake]) -> list[list[Mistake]]:
    """The mistakes of each cell, the most confident first."""
    by_confidence = sorted(found, key=lambda mistake: (-mistake.confidence, mistake.path))
    # of equal cells, the order by confidence is kept
    cells = [list(group) for _, group in groupby(sorted(by_confidence, key=lambda m: m.cell), key=lambda m: m.cell)]
    return sorted(cells, key=lambda cell: -cell[0].confidence)


def _in_turn(cells: list[list[Mistake]]) -> Iterator[Mistake]:
    return filter(None, chain.from_iterable(zip_longest(*cells)))


def _compared(labels: tuple[str, ...], predicted: tuple[str, ...], task: Task) -> list[tuple[str, ...]]:
    """`Mistake.classes` of each mistake in one image."""
    if task.exclusive:
        return [predicted + labels] if predicted != labels else []
    return [(name,) for name in task.classes if (name in labels) != (name in predicted)]


def _names(text: str, task: Task) -> tuple[str, ...]:
    """The names in a text of `Task.text`."""
    return (text,) if task.exclusive else tuple(filter(None, text.split(SEPARATOR)))
