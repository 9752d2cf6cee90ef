"""Whether scores are the shares that are right: calibration bins, and the expected calibration error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..figures import INVERTED_TEST, NO_INTERVAL, WILSON, Bin, Estimate
from . import intervals
from .units import Units

N_BINS = 10
# of the simulation behind the interval of the error
DRAWS, STEPS, SEED = 500, 60, 0


@dataclass(frozen=True)
class _Filled:
    """A bin with scores. `n`: their number; `worth`: that of independent ones; `score`: their mean; `share`: that are right."""

    n: int
    worth: float
    score: float
    share: float


def bins(confidences: np.ndarray, right: np.ndarray, units: Units) -> tuple[tuple[Bin, ...], Estimate]:
    """The bins of equal width, and the expected calibration error (Naeini, Cooper and Hauskrecht 2015).

    Args:
        confidences, right: scores, 0 to 1, and whether what they say is right, (n, k).
    """
    number = np.minimum((confidences * N_BINS).astype(np.int64), N_BINS - 1)
    filled, records = [], []
    for i in range(N_BINS):
        inside = number == i
        record, values = _bin(i, inside, confidences, right, units)
        records.append(record)
        filled += values
    return tuple(records), _error(filled)


def _bin(
    i: int, inside: np.ndarray, confidences: np.ndarray, right: np.ndarray, units: Units
) -> tuple[Bin, list[_Filled]]:
    low, high, n = i / N_BINS, (i + 1) / N_BINS, int(inside.sum())
    if not n:
        empty = Estimate(value=np.nan, low=np.nan, high=np.nan, count=0, method=NO_INTERVAL)
        return Bin(low=low, high=high, confidence=np.nan, share=empty), []
    parts, wholes = units.sums((inside & right).sum(axis=1)), units.sums(inside.sum(axis=1))
    worth = intervals.effective_count(parts, wholes)
    values = _Filled(n, worth, float(confidences[inside].mean()), float(parts.sum() / n))
    ends = intervals.wilson(values.share * worth, worth)
    share = Estimate(value=values.share, low=ends[0], high=ends[1], count=n, method=WILSON)
    return Bin(low=low, high=high, confidence=min(1.0, values.score), share=share), [values]


def _error(filled: list[_Filled]) -> Estimate:
    """The mean distance of score and share over all scores, with the interval of all errors that a test does not exclude.

    Resampling would not do: each resample scatters around the sample, so that its error is too large, as that of the sample is
    already. Therefore errors, from none to large, are tried: which of them make samples with such an error as this one has?
    They are of two patterns: that of the sample, and in each bin to the side where Wilson's interval of its share is farther
    from the score, because bins where no wrong answer was seen, or no right one, may hide some.
    """
    n, worth, score, share = (
        np.array([getattr(b, name) for b in filled], float) for name in ("n", "worth", "score", "share")
    )
    total = int(n.sum())
    if not total:
        return Estimate(value=np.nan, low=np.nan, high=np.nan, count=0, method=NO_INTERVAL)
    weights = n / total
    value = float((weights * np.abs(share - score)).sum())
    reach = min(1.0, value + 5 * float(np.sqrt((weights**2 * 0.25 / worth).sum())))
    ends = [
        _not_excluded(
            value, np.linspace(0, reach, STEPS)[:, None] * pattern, np.maximum(1, np.round(worth)), score, weights
        )
        for pattern in ((share - score) / value if value else np.ones(len(n)), _farthest(share, worth, score, weights))
    ]
    low, high = min(value, *(low for low, _ in ends)), min(1.0, max(value, *(high for _, high in ends)))
    return Estimate(value=value, low=low, high=high, count=total, method=INVERTED_TEST)


def _farthest(share: np.ndarray, worth: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """From the score of each bin to the end of its share's interval that is farther; the mean of their sizes is 1."""
    low, high = np.array([intervals.wilson(s * n, n) for s, n in zip(share, worth, strict=True)]).T - score
    far = np.where(np.abs(low) > np.abs(high), low, high)
    return far / (weights * np.abs(far)).sum()


def _not_excluded(
    value: float, moved: np.ndarray, worth: np.ndarray, score: np.ndarray, weights: np.ndarray
) -> tuple[float, float]:
    """The smallest and the largest error that make such a one as `value`, of shares that are moved so (steps, bins)."""
    possible = np.clip(score + moved, 0, 1)
    errors = (weights * np.abs(possible - score)).sum(axis=1)
    simulated = np.stack([*_simulated(possible, worth, score, weights)])
    least = ((simulated >= value - 1e-12).mean(axis=1) > 0.025).nonzero()[0].min(initial=STEPS)
    most = ((simulated <= value + 1e-12).mean(axis=1) > 0.025).nonzero()[0].max(initial=-1)
    # one step further, because the ends lie between two
    return float(errors[max(least - 1, 0)]), float(errors[min(most + 1, STEPS - 1)])


def _simulated(possible: np.ndarray, worth: np.ndarray, score: np.ndarray, weights: np.ndarray) -> Iterator[np.ndarray]:
    """For each possible error, the errors of `DRAWS` samples."""
    rng = np.random.default_rng(SEED)
    for shares in possible:
        drawn = rng.binomial(worth.astype(np.int64), shares, (DRAWS, len(shares))) / worth
        yield (weights * np.abs(drawn - score)).sum(axis=1)
