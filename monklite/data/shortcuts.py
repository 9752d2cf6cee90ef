"""Whether the class of an image can be told without looking at what it shows: from its file, its brightness, its borders.

Where the classes come from different sources, a network may learn to tell the sources apart (DeGrave et al. 2021, for X-rays).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..printable import printable
from ..statistics import grouped_folds
from .description import FILE_TRAITS, TRAITS
from .samples import Samples

if TYPE_CHECKING:
    from sklearn.tree import DecisionTreeClassifier

# images that are looked at, labels that are tried one by one, and images that a class needs; of more classes, the largest
MAX_IMAGES, MAX_LABELS, LEAST_OF_CLASS, MAX_CLASSES = 2000, 20, 6, 100
# of the way from chance to certainty: from which on it is told unasked
TELLING = 1 / 3
# how likely it may be by chance, over all labels of a dataset, and random orders by which that is judged
SIGNIFICANCE, ORDERS = 0.001, 300
# of the importance in the classifier, from which on a property is named, and how many are
WORTH_NAMING, MAX_NAMED = 0.1, 3


class Giveaway(NamedTuple):
    """How well a class can be told from properties of files and pictures alone, in cross-validation.

    `label`: of several that an image may have; `""`: an image has one class. `accuracy`: of each class, averaged over the classes
    (0 to 1); `chance`: what guessing gives. `p_value`: of an accuracy like this by chance. `traits`: the most telling properties.
    """

    label: str
    accuracy: float
    chance: float
    p_value: float
    traits: tuple[str, ...]
    n_images: int

    @property
    def skill(self) -> float:
        """The accuracy as a share of the way from chance (0) to certainty (1)."""
        return (self.accuracy - self.chance) / (1 - self.chance)

    @property
    def is_telling(self) -> bool:
        return self.skill >= TELLING and self.p_value <= SIGNIFICANCE

    @property
    def is_of_files(self) -> bool:
        """Whether one of the most telling properties has nothing to do with what the pictures show."""
        return any(trait in FILE_TRAITS for trait in self.traits)

    def judged_among(self, n: int) -> Giveaway:
        """The same as one of `n` that were tried (Bonferroni)."""
        return self._replace(p_value=min(1.0, n * self.p_value))

    def __str__(self) -> str:
        what = f"whether an image has the label {printable(self.label)!r}" if self.label else "the class"
        return (
            f"{what} can be told without looking at what the images show, above all from {_listed(self.traits)}: "
            f"{self.accuracy:.0%} in cross-validation (mean over the classes, {self.n_images} images; chance {self.chance:.0%}). "
            f"{'T' if self.is_of_files else 'Unless the classes are about that, t'}he network may learn that instead"
        )


def _listed(names: tuple[str, ...]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


class _Question(NamedTuple):
    """A question to the probe: the class to be told, and the rows of the table.

    `target`: int64 (n,), from 0, of at least two classes. `folds`: of each row, for cross-validation. Each class is in what is
    learned from in every fold.
    """

    label: str
    rows: np.ndarray
    target: np.ndarray
    folds: np.ndarray


def probe(samples: Samples, traits: np.ndarray, rows: np.ndarray, names: tuple[str, ...] = TRAITS) -> list[Giveaway]:
    """The giveaways among some rows of a table, the most telling first; of images with several labels, one for each label.

    The properties of files alone are tried first: what they tell has nothing to do with what the images show.

    Args:
        traits: float32 (N, len(names)), as in `description`. names: of these properties.
    """
    return _answers(_questions(samples, rows), traits, names)


def one_by_one(samples: Samples, traits: np.ndarray, rows: np.ndarray) -> list[Giveaway]:
    """For each property, the giveaway that is the most telling by it alone; the most telling properties first."""
    questions = _questions(samples, rows)
    each = (_answers(questions, traits[:, [i]], (name,))[:1] for i, name in enumerate(TRAITS))
    return sorted((giveaway for found in each for giveaway in found), key=lambda giveaway: -giveaway.skill)


def _answers(questions: list[_Question], traits: np.ndarray, names: tuple[str, ...]) -> list[Giveaway]:
    of_files = [i for i, name in enumerate(names) if name in FILE_TRAITS]
    found = []
    for question in questions:
        for columns in filter(None, (of_files, list(range(len(names))))):
            giveaway = _giveaway(question, traits[:, columns], tuple(names[i] for i in columns))
            if (judged := giveaway.judged_among(len(questions))).is_telling:
                break
        found.append(judged)
    return sorted(found, key=lambda giveaway: -giveaway.skill)


def _questions(samples: Samples, rows: np.ndarray) -> list[_Question]:
    """None of what too few images, or images of too few groups, could answer."""
    # a copy on both sides of cross-validation would be recognized
    rows = rows[np.sort(np.unique(samples.digests[rows], return_index=True)[1])]
    names = samples.groups[rows].astype(str)
    # an image without a group is one of its own
    groups = np.where(names == "", np.char.add("\0", np.arange(len(names)).astype(str)), names)
    groups = np.unique(groups, return_inverse=True)[1]
    asked = (_question(label, rows, target, groups) for label, target in _targets(samples, rows))
    return [question for question in asked if question is not None]


def _question(label: str, rows: np.ndarray, target: np.ndarray, groups: np.ndarray) -> _Question | None:
    chosen = _chosen(target, groups)
    target = np.unique(target[chosen], return_inverse=True)[1]
    folds = grouped_folds.deal(target, groups[chosen])
    learned = [len(np.unique(target[folds != fold])) for fold in np.unique(folds)]
    # groups of very different sizes may leave none of a class to learn from
    if min(learned, default=0) < max(2, int(target.max(initial=-1)) + 1):
        return None
    return _Question(label, rows[chosen], target, folds)


def _targets(samples: Samples, rows: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Yield what is to be told: the class, or whether an image has a label."""
    labels = samples.labels[rows]
    if samples.task.exclusive:
        yield "", labels
    else:
        yield from ((name, labels[:, i].astype(np.int64)) for i, name in enumerate(samples.classes[:MAX_LABELS]))


def _giveaway(question: _Question, traits: np.ndarray, names: tuple[str, ...]) -> Giveaway:
    target, traits = question.target, traits[question.rows]
    n_classes = int(target.max()) + 1
    accuracy, p_value = _accuracy(target, _cross_validated(traits, target, question.folds))
    fitted = _classifier(n_classes).fit(traits, target)
    return Giveaway(question.label, accuracy, 1 / n_classes, p_value, _named(fitted, names), len(target))


def _chosen(target: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Images of the largest classes with enough of them, in two groups at least: about `MAX_IMAGES`, of each the same share."""
    n = int(target.max(initial=-1)) + 1
    counts = np.bincount(target, minlength=n)
    is_enough = (counts >= LEAST_OF_CLASS) & (np.bincount(np.unique(groups * n + target) % n, minlength=n) > 1)
    large = np.argsort(-counts * is_enough, kind="stable")[:MAX_CLASSES]
    classes = np.sort(large[is_enough[large]])
    order = np.random.default_rng(0).permutation(len(target))
    order = order[np.isin(target[order], classes)]
    share = min(1.0, MAX_IMAGES / max(len(order), 1))
    kept = [order[target[order] == label] for label in classes]
    parts = [of_class[: max(LEAST_OF_CLASS, round(share * len(of_class)))] for of_class in kept]
    return np.sort(np.concatenate([np.empty(0, np.int64), *parts]))


def _classifier(n_classes: int) -> DecisionTreeClassifier:
    """A small tree: it takes numbers and kinds alike, and shows which of them it uses."""
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier(
        max_leaf_nodes=max(8, 2 * n_classes), min_samples_leaf=2, class_weight="balanced", random_state=0
    )


def _cross_validated(traits: np.ndarray, target: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """The prediction for each image by a classifier that has seen none of its fold."""
    told = np.empty_like(target)
    for fold in np.unique(folds):
        test = folds == fold
        told[test] = _classifier(int(target.max()) + 1).fit(traits[~test], target[~test]).predict(traits[test])
    return told


def _accuracy(target: np.ndarray, told: np.ndarray) -> tuple[float, float]:
    """The accuracy of each class, averaged over the classes, and how likely random answers are as good.

    By the normal distribution with the mean and deviation of the answers in random orders. It is somewhat too small, because the
    answers of a fold depend on each other: with 24 images, several times.
    """
    weights = 1 / np.bincount(target)[target] / (target.max() + 1)
    accuracy = float(weights @ (told == target))
    orders = np.random.default_rng(0).permuted(np.tile(told, (ORDERS, 1)), axis=1)
    by_chance = (orders == target) @ weights
    return accuracy, math.erfc((accuracy - by_chance.mean()) / (math.sqrt(2) * by_chance.std() + 1e-12)) / 2


def _named(fitted: DecisionTreeClassifier, names: tuple[str, ...]) -> tuple[str, ...]:
    importance = fitted.feature_importances_
    best = np.argsort(-importance, kind="stable")[:MAX_NAMED]
    return tuple(names[i] for i in best if importance[i] >= WORTH_NAMING) or (names[best[0]],)
