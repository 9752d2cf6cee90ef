"""The figures of all images together, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from ..figures import (
    BALANCED_ACCURACY,
    BOOTSTRAP,
    BRIER_SCORE,
    DELONG,
    F1,
    LOG_LOSS,
    MACRO_AUC,
    MACRO_F1,
    MACRO_PRECISION,
    MACRO_RECALL,
    MOVER,
    NEWCOMBE,
    PPV,
    PRECISION,
    RECALL,
    RULE_OF_THREE,
    SENSITIVITY,
    ClassFigures,
    Estimate,
)
from ..records import ACCURACY
from . import intervals, roc
from .judged import NOTHING, Judged
from .scoring import HIGHEST_LOG_LOSS, SCORING

Classes = list[ClassFigures]
Counts = tuple[np.ndarray, np.ndarray]


def _accuracy(judged: Judged, classes: Classes) -> Estimate:
    return judged.proportion(judged.correct, np.ones(judged.n_images))


def _precision(judged: Judged, classes: Classes) -> Estimate:
    return judged.proportion(_per_image(judged.truth & judged.answers), _per_image(judged.answers))


def _recall(judged: Judged, classes: Classes) -> Estimate:
    return judged.proportion(_per_image(judged.truth & judged.answers), _per_image(judged.truth))


def _f1(judged: Judged, classes: Classes) -> Estimate:
    return judged.f1(_per_image(judged.truth & judged.answers), _per_image(judged.truth | judged.answers))


def _per_image(labels: np.ndarray) -> np.ndarray:
    return labels.sum(axis=1)


def _mean_of(name: str, counts: Callable[[np.ndarray, np.ndarray], Counts]) -> Callable[[Judged, Classes], Estimate]:
    """The mean of a figure over the classes that occur. `counts`: from truth and answers, what it is the share of, (n,) each."""

    def mean(judged: Judged, classes: Classes) -> Estimate:
        each = [classes[i].figures[name] for i in judged.occurring]
        if not each:
            return NOTHING
        # the precision of a class that is never predicted is 0, and could be anything
        values, lows, highs = np.array(
            [(0.0, 0.0, 1.0) if np.isnan(e.value) else (e.value, e.low, e.high) for e in each]
        ).T

        def residuals() -> Iterator[np.ndarray]:
            for i in judged.occurring:
                parts, wholes = counts(judged.truth[:, i], judged.answers[:, i])
                share = parts.sum() / max(wholes.sum(), 1)
                yield judged.units.sums(parts - share * wholes)

        low, high = intervals.of_mean(values, lows, highs, residuals())
        return Estimate(value=values.mean(), low=low, high=high, count=judged.n_images, method=MOVER)

    return mean


def _macro_auc(judged: Judged, classes: Classes) -> Estimate:
    """The mean area over the classes that have images on both sides, with DeLong's variance of a mean of areas."""
    known = [i for i, area in enumerate(judged.areas) if not np.isnan(area.value)]
    if not known:
        return NOTHING
    each = [classes[i].figures["auc"] for i in known]
    value = float(np.mean([e.value for e in each]))
    n_units = [np.count_nonzero(judged.units.sums(judged.truth[:, i] == side)) for i in known for side in (True, False)]
    moved = sum((judged.areas[i].influences() for i in known), np.zeros(judged.n_images)) / len(known)
    spread = roc.variance_of(moved, judged.units, min(n_units))
    if 0 < value < 1 and spread > 0:
        (low, high), method = intervals.logit(value, float(np.sqrt(spread))), DELONG
    else:
        # as if all areas moved together, which is the widest
        (low, high), method = (float(np.mean([getattr(e, end) for e in each])) for end in ("low", "high")), NEWCOMBE
    return Estimate(value=value, low=low, high=high, count=judged.n_images, method=method)


def _brier(judged: Judged, classes: Classes) -> Estimate:
    measured = SCORING[judged.task.activation](judged.scores, judged.truth)
    return _mean(judged, measured.brier, measured.most)


def _log_loss(judged: Judged, classes: Classes) -> Estimate:
    return _mean(judged, SCORING[judged.task.activation](judged.scores, judged.truth).log_loss, HIGHEST_LOG_LOSS)


def _mean(judged: Judged, values: np.ndarray, most: float) -> Estimate:
    """The mean of a value of each image, 0 to `most`."""
    value = float(values.mean())
    counted = np.column_stack([values, np.ones(len(values))])
    found, method = judged.resamples.interval(counted, lambda sums: sums[..., 0] / sums[..., 1]), BOOTSTRAP
    low, high = found.low, found.high
    if np.isnan(low):
        (low, high), method = intervals.of_unseen(value, 0.0, most, judged.units.count), RULE_OF_THREE
    return Estimate(value=value, low=low, high=high, count=len(values), method=method)


FIGURES: Mapping[str, Callable[[Judged, Classes], Estimate]] = {
    ACCURACY: _accuracy,
    PRECISION: _precision,
    RECALL: _recall,
    F1: _f1,
    BALANCED_ACCURACY: _mean_of(SENSITIVITY, lambda truth, answers: (truth & answers, truth)),
    MACRO_RECALL: _mean_of(SENSITIVITY, lambda truth, answers: (truth & answers, truth)),
    MACRO_PRECISION: _mean_of(PPV, lambda truth, answers: (truth & answers, answers)),
    MACRO_F1: _mean_of(F1, lambda truth, answers: (truth & answers, truth | answers)),
    MACRO_AUC: _macro_auc,
    BRIER_SCORE: _brier,
    LOG_LOSS: _log_loss,
}
