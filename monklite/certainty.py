"""Say of a prediction how sure it is: calibrated scores, the classes that cannot be excluded, and whether it is unsure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from .backends.array_files import NamedArrays
from .decisions import Unsure
from .errors import DamagedFile, cut
from .statistics.distance import Distance
from .tasks import ACTIVATIONS, Task, log_odds

# limits are values of validation images, and another machine or runtime rounds those slightly differently: so much beyond a
# limit is at it, in log-odds and as a share of a distance
SLACK = 1e-4
# characters of a list of classes within a reason
MAX_NAMES = 300


def distance_of(arrays: NamedArrays, path: Path) -> Distance:
    """The distance that a file of arrays holds.

    Raises:
        DamagedFile: it does not hold one.
    """
    if arrays.keys() != {*Distance._fields}:
        raise DamagedFile(f"{path} is damaged: call Set_Unsure(distance=...) again")
    return Distance(**arrays)


class Certainty:
    """The rules of a run by which a prediction is unsure.

    `task`: that of the run, whatever its operating point is. `distance`: reads how far images are from the training images;
    called when it is needed, since without it the run can still be evaluated.
    """

    def __init__(self, record: Unsure, task: Task, distance: Callable[[], Distance]) -> None:
        self.record, self.task, self._distance = record, task, distance
        self.temperature = record.temperature or 1.0

    @cached_property
    def _measure(self) -> Distance:
        return self._distance()

    def margins(self, logits: np.ndarray) -> np.ndarray:
        """By how much the difference of two logits would have to change for another answer, (n,); distances left aside."""
        odds = self._odds(logits)
        cuts = [np.array(self.record.possible_from) - SLACK] if self.record.coverage is not None else []
        if self.record.confidence is not None:
            at = _log_odds_of(self.record.confidence)
            cuts += [np.full(odds.shape[1], sign * at) for sign in (1, -1)]
        gaps = [np.abs(odds - cut).min(axis=1) for cut in cuts]
        return self.temperature * np.min([np.full(len(odds), np.inf), *gaps], axis=0)

    def answers(
        self, task: Task, logits: np.ndarray, predicted: np.ndarray, embeddings: Callable[[], np.ndarray]
    ) -> Iterator[dict[str, Any]]:
        """The entries that are added to the answer for each image.

        Args:
            task: by which the images were predicted. predicted: in the form of labels. embeddings: computes those of the
                images; called if distances count.

        Raises:
            NotFound, DamagedFile: the distance from the training images cannot be read.
        """
        distances = np.zeros(len(logits)) if self.record.distance is None else self._measure.of(embeddings())
        odds, chosen = self._odds(logits), task.membership(predicted)
        scores = ACTIVATIONS[self.task.activation](logits.astype(np.float64) / self.temperature)
        possible = chosen | (odds >= np.array(self.record.possible_from) - SLACK) if self.record.coverage else chosen
        for i in range(len(logits)):
            reasons = [
                *self._unlikely(scores[i], chosen[i]),
                *self._ambiguous(possible[i] & ~chosen[i]),
                *self._far(float(distances[i])),
            ]
            sets = {"possible_classes": self._names(possible[i])} if self.record.coverage else {}
            yield {**self._calibrated(scores[i], chosen[i]), **sets, "unsure": "; ".join(reasons) or False}

    def _odds(self, logits: np.ndarray) -> np.ndarray:
        return log_odds(logits.astype(np.float64) / self.temperature, self.task.activation)

    def _names(self, which: np.ndarray) -> list[str]:
        return [name for name, is_one in zip(self.task.classes, which, strict=True) if is_one]

    def _calibrated(self, scores: np.ndarray, chosen: np.ndarray) -> dict[str, Any]:
        name = "calibrated_score" if self.task.exclusive else "calibrated_scores"
        if self.record.temperature is None:
            return {name: None}
        found = scores[chosen].tolist()
        return {name: found[0] if self.task.exclusive else found}

    def _unlikely(self, scores: np.ndarray, chosen: np.ndarray) -> Iterator[str]:
        least = self.record.confidence
        if least is None:
            return
        # of a label that is not predicted: that it is absent
        sureness = scores[chosen] if self.task.exclusive else np.where(chosen, scores, 1 - scores)
        if sureness.min() < least:
            name = "" if self.task.exclusive else f" of {self.task.classes[sureness.argmin()]}"
            yield f"the {self.record.score_title}{name} is {sureness.min():.4g}, less than {least:g}"

    def _ambiguous(self, others: np.ndarray) -> Iterator[str]:
        if others.any():
            yield f"{cut(', '.join(self._names(others)), MAX_NAMES)} cannot be excluded"

    def _far(self, distance: float) -> Iterator[str]:
        if not distance <= self.record.most_distance * (1 + SLACK):
            yield f"it is unlike the training images: distance {distance:.4g}, more than {self.record.most_distance:.4g}"


def _log_odds_of(score: float) -> float:
    with np.errstate(divide="ignore"):
        return float(np.log(score) - np.log1p(-score))
