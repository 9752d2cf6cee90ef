"""The mean of a figure over classes, each of which is a share, and its interval."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .intervals import Z, effective_count
from .units import Units

# the roots are not sought at the ends themselves, where the equation always holds
NEARLY = 1e-12
Values = np.ndarray


@dataclass(frozen=True)
class Kind:
    """A figure that rises with a share. `of`: the figure of a share; `share`: the share of a figure; `slope`: at a share."""

    of: Callable[[Values], Values]
    share: Callable[[Values], Values]
    slope: Callable[[Values], Values]


SHARE = Kind(lambda share: share, lambda figure: figure, np.ones_like)
# of the Jaccard index
F1_SCORE = Kind(lambda share: 2 * share / (1 + share), lambda f1: f1 / (2 - f1), lambda share: 2 / (1 + share) ** 2)


def estimate(parts: Values, wholes: Values, units: Units, kind: Kind = SHARE) -> tuple[float, float, float]:
    """The mean over the classes, and its 95 % interval.

    It is a score interval, as Wilson's: it holds the means `m` from which the one that was found is no farther than 1.96 of the
    standard deviations that it would have if `m` were true. For one class it is Wilson's. A class that nothing is known of
    counts as 0, and could be anything.

    Args:
        parts, wholes: of each image and class, whether it counts, and whether it is of those that are counted, bool (n, classes).
    """
    known = wholes.any(axis=0)
    n_classes, n_known = len(known), np.count_nonzero(known)
    if not n_known:
        return 0.0, 0.0, 1.0
    mean = _Mean.of(_by_unit(parts[:, known], units), _by_unit(wholes[:, known], units), kind)
    low, high = mean.ends()
    unknown = math.sqrt((n_known * (high - mean.value)) ** 2 + n_classes - n_known)
    value = mean.value * n_known / n_classes
    return value, low * n_known / n_classes, min(1.0, value + unknown / n_classes)


@dataclass(frozen=True)
class _Mean:
    """The mean of the figures of several classes.

    `drawn`: the figures, drawn towards their mean as if one image more had it, because a class with few images may have been
    lucky. `worth`: the independent images of each. `moved`: by how much each unit differs from the figure of its class, sparse
    (units, classes), the squares of a class with sum 1. `alone`: the classes where none differs. `n_rarer`: the units with the
    rarer outcome.
    """

    kind: Kind
    value: float
    drawn: Values
    worth: Values
    moved: Any
    alone: Values
    n_rarer: int

    @classmethod
    def of(cls, parts: Any, wholes: Any, kind: Kind) -> _Mean:
        totals = wholes.sum(axis=0)
        shares = parts.sum(axis=0) / totals
        figures = kind.of(shares)
        worth = np.array([_worth(parts, wholes, i) for i in range(len(totals))])
        residuals = parts - wholes.multiply(shares[None, :]).tocsc()
        lengths = np.sqrt(residuals.multiply(residuals).sum(axis=0))
        missed = (wholes - parts).sum(axis=1)
        return cls(
            kind=kind,
            value=float(figures.mean()),
            drawn=(worth * figures + figures.mean()) / (worth + 1),
            worth=worth,
            moved=residuals.multiply(1 / np.where(lengths > 0, lengths, 1)[None, :]).tocsr(),
            alone=lengths == 0,
            n_rarer=min(np.count_nonzero(parts.sum(axis=1)), np.count_nonzero(missed)),
        )

    def ends(self) -> tuple[float, float]:
        from scipy.optimize import brentq

        def excess(mean: float) -> float:
            return (mean - self.value) ** 2 - Z**2 * self._variance(mean)

        low = brentq(excess, 0, min(self.value, 1 - NEARLY)) if self.value > 0 else 0.0
        high = brentq(excess, max(self.value, NEARLY), 1) if self.value < 1 else 1.0
        return float(min(low, self.value)), float(max(high, self.value))

    def _variance(self, mean: float) -> float:
        """That of the mean that is found where `mean` is true.

        Where the rarer outcome was seen in few units, nothing tells that it is as frequent in all classes: as in
        `effective_count`, its variance is averaged with the largest, that of images which are all in the smallest class.
        """
        count = len(self.drawn)
        share = np.clip(self.kind.share(self._moved_to(mean)), 0, 1)
        # what is drawn towards the mean varies less
        lost = self.worth / (self.worth + 1) ** 2 * (1 - 1 / count)
        spreads = self.kind.slope(share) * np.sqrt(share * (1 - share) / (self.worth * (1 - lost)))
        together = ((self.moved @ spreads) ** 2).sum() + (spreads[self.alone] ** 2).sum()
        measured = together / count**2
        largest = max(measured, mean * (1 - mean) / (count * self.worth.min()))
        return float((self.n_rarer * measured + largest) / (self.n_rarer + 1))

    def _moved_to(self, mean: float) -> Values:
        """The figures of the classes where this is their mean: all move in proportion."""
        if mean <= self.value:
            return self.drawn * mean / self.value
        return 1 - (1 - self.drawn) * (1 - mean) / (1 - self.value)


def _by_unit(counts: Values, units: Units) -> Any:
    """The sums over the images of each unit; sparse, because most images count in one class or two."""
    from scipy.sparse import csc_array

    return csc_array(units.membership() @ csc_array(counts, dtype=np.float64))


def _worth(parts: Any, wholes: Any, i: int) -> float:
    """The number of independent images of class `i`."""
    own = slice(wholes.indptr[i], wholes.indptr[i + 1])
    sizes, units = wholes.data[own], wholes.indices[own]
    if sizes.max() == 1:
        return float(len(sizes))
    counted = np.zeros(parts.shape[0])
    mine = slice(parts.indptr[i], parts.indptr[i + 1])
    counted[parts.indices[mine]] = parts.data[mine]
    return effective_count(counted[units], sizes)
