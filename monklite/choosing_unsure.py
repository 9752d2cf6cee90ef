"""Choose on the validation images of a run when a prediction is unsure."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from .backends import array_files
from .choosing_point import judged
from .data import dataset_csv, prepare
from .data.batches import Batches
from .data.cache import Tick
from .decisions import Unsure
from .errors import InvalidValue
from .files import make_folder
from .inference import Predictor
from .rules import OrNone
from .runs.file_names import DISTANCE, SAMPLES, VALIDATION
from .setting_ranges import COVERAGE_RANGE
from .statistics import conformal, distance, temperature
from .tasks import THRESHOLD_RANGE, Task, log_odds
from .training.validation_predictions import Judged

# training images that the distance is taken from; more would tell it hardly better
MOST_IMAGES = 20_000


@dataclass(frozen=True)
class Limits:
    """When a prediction is unsure; None: this does not count. See `decisions.Unsure`.

    Raises:
        InvalidType, InvalidValue: not such a number.
    """

    coverage: float | None = None
    confidence: float | None = None
    distance: float | None = None

    def __post_init__(self) -> None:
        for name, rule in {
            "coverage": COVERAGE_RANGE,
            "confidence": THRESHOLD_RANGE,
            "distance": COVERAGE_RANGE,
        }.items():
            object.__setattr__(self, name, OrNone(rule)(name, getattr(self, name)))

    @property
    def are_off(self) -> bool:
        return self == Limits()


def choose(predictor: Predictor, limits: Limits, tick: Tick | None = None) -> Unsure | None:
    """Find what the limits mean for a run, store it with the run, and predict with it from now on; None: all are off.

    Args:
        tick: called with the number of images done and the total, where images are looked at again.

    Raises:
        InvalidValue: too few validation images for a distance. Else as `choosing_point.judged`; for a distance the errors of
        reading the images.
    """
    unsure = None if limits.are_off else _chosen(predictor, limits, tick)
    predictor.decide(predictor.run.update(unsure=unsure))
    return unsure


def _chosen(predictor: Predictor, limits: Limits, tick: Tick | None) -> Unsure:
    epoch, validation = judged(predictor)
    task = predictor.usual_task
    found = temperature.fitted(task, *validation)
    unsure = Unsure(
        epoch=epoch,
        num_images=len(validation.labels),
        temperature=None if found.refusal else found.value,
        refusal=found.refusal,
        confidence=limits.confidence,
        coverage=limits.coverage,
        possible_from=_possible_from(task, validation, found.value, limits.coverage),
    )
    if limits.distance is None:
        return unsure
    most = _most_distance(predictor, limits.distance, len(validation.labels), epoch, tick)
    return unsure.model_copy(update={"distance": limits.distance, "most_distance": most})


def _possible_from(task: Task, validation: Judged, value: float, coverage: float | None) -> tuple[float, ...]:
    if coverage is None:
        return ()
    odds = log_odds(validation.logits.astype(np.float64) / value, task.activation)
    return tuple(conformal.thresholds(task, odds, validation.labels, coverage).tolist())


def _most_distance(predictor: Predictor, share: float, n: int, epoch: int, tick: Tick | None) -> float:
    """Store the distance from the training images of a run; returns the one that this share of images is within."""
    if not conformal.beyond(n, share):
        raise InvalidValue(
            f"distance={share:g} takes at least {math.ceil(1 / (1 - share) - 1e-9) - 1} validation images, and there are {n}: "
            "take less, or None"
        )
    train, val = (_embeddings(predictor, subset, tick) for subset in ("train", "val"))
    measure = distance.fitted(*train)
    path = predictor.run.evaluations / VALIDATION / DISTANCE
    make_folder(path.parent)
    array_files.write(path, measure._asdict(), {"epoch": epoch})
    return float(np.sort(measure.of(val[0]))[-conformal.beyond(len(val[0]), share)])


def _embeddings(predictor: Predictor, subset: str, tick: Tick | None) -> tuple[np.ndarray, np.ndarray]:
    """The embeddings of the images of a subset, prepared as test images are, and the groups for `distance.fitted`."""
    batches = _batches(predictor, subset, tick)
    found = []
    for batch in batches.epoch():
        found.append(predictor.embeddings(batch.images, batch.draws))
        if tick:
            tick(sum(map(len, found)), batches.n_images)
    exclusive = predictor.task.exclusive
    return np.concatenate(found), batches.labels if exclusive else np.zeros(batches.n_images, np.int64)


def _batches(predictor: Predictor, subset: str, tick: Tick | None) -> Batches:
    run, spec, record = predictor.run, predictor.spec, predictor.record
    sources = spec.data.sources
    source = sources[-1] if subset == "val" else sources[0]
    data = prepare.for_testing(
        spec, predictor.task.classes, source, predictor.cache, tick, None, record.label_type, predictor.levels, record
    )
    recorded = dataset_csv.read(run.folder / SAMPLES, record)[subset]
    rows = dataset_csv.rows_as_recorded(data.evaluated, range(len(data.evaluated)), recorded, subset)
    # evenly among all
    rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST_IMAGES)).astype(np.int64)]
    batches = data.batches
    return replace(batches, rows=batches.rows[rows], labels=batches.labels[rows], digests=batches.digests[rows])
