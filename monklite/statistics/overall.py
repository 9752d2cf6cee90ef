"""The figures of all images together, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ..figures import (
    AUC,
    BALANCED_ACCURACY,
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
    PRECISION,
    RECALL,
    RULE_OF_THREE,
    SCORE,
    ClassFigures,
    Estimate,
)
from ..records import ACCURACY
from . import intervals, mean_loss, mean_of_shares, roc
from .judged import NOTHING, Judged
from .mean_of_shares import F1_SCORE, SHARE, Kind
from .scoring import ANSWERS, Answers, Losses

# an interval that is shorter says nothing
NEARLY = 1e-9

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


def _mean_of(
    counts: Callable[[np.ndarray, np.ndarray], Counts], kind: Kind = SHARE
) -> Callable[[Judged, Classes], Estimate]:
    """The mean of a figure over the classes that occur. `counts`: of truth and answers (n, k): what counts, and among what."""

    def mean(judged: Judged, classes: Classes) -> Estimate:
        own = judged.occurring
        if not len(own):
            return NOTHING
        value, low, high = mean_of_shares.estimate(
            *counts(judged.truth[:, own], judged.answers[:, own]), judged.units, kind
        )
        return Estimate(value=value, low=low, high=high, count=judged.n_images, method=SCORE)

    return mean


def _macro_auc(judged: Judged, classes: Classes) -> Estimate:
    """The mean area over the classes that have images on both sides, with DeLong's variance of a mean of areas."""
    known = [i for i, area in enumerate(judged.areas) if not np.isnan(area.value)]
    if not known:
        return NOTHING
    value = float(np.mean([judged.areas[i].value for i in known]))
    spread = roc.variance_of_mean([judged.areas[i] for i in known], judged.units)
    if 0 < value < 1 and spread > 0:
        (low, high), method = intervals.logit(value, float(np.sqrt(spread))), DELONG
    else:
        # as if all areas moved together, which is the widest
        each = [classes[i].figures[AUC] for i in known]
        (low, high), method = (float(np.mean([getattr(e, end) for e in each])) for end in ("low", "high")), NEWCOMBE
    return Estimate(value=value, low=low, high=high, count=judged.n_images, method=method)


def _brier(judged: Judged, classes: Classes) -> Estimate:
    return _mean_loss(judged, Answers.brier)


def _log_loss(judged: Judged, classes: Classes) -> Estimate:
    return _mean_loss(judged, Answers.log_loss)


def _mean_loss(judged: Judged, rule: Callable[[Answers], Losses]) -> Estimate:
    answers = ANSWERS[judged.task.activation](judged.scores, judged.truth)
    losses, method = rule(answers), MOVER
    value, (low, high) = float(losses.found.mean()), mean_loss.interval(losses, answers.wrong, judged.units)
    if high - low < NEARLY:
        (low, high), method = intervals.of_unseen(value, 0.0, losses.most, judged.units.count), RULE_OF_THREE
    return Estimate(value=value, low=low, high=high, count=judged.n_images, method=method)


FIGURES: Mapping[str, Callable[[Judged, Classes], Estimate]] = {
    ACCURACY: _accuracy,
    PRECISION: _precision,
    RECALL: _recall,
    F1: _f1,
    BALANCED_ACCURACY: _mean_of(lambda truth, answers: (truth & answers, truth)),
    MACRO_RECALL: _mean_of(lambda truth, answers: (truth & answers, truth)),
    MACRO_PRECISION: _mean_of(lambda truth, answers: (truth & answers, answers)),
    MACRO_F1: _mean_of(lambda truth, answers: (truth & answers, truth | answers), F1_SCORE),
    MACRO_AUC: _macro_auc,
    BRIER_SCORE: _brier,
    LOG_LOSS: _log_loss,
}
