"""Which labels of a dataset a network contradicts that has not seen them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .. import backends
from ..backends.base import Frozen
from ..csv_files import write_csv
from ..data.batches import Batches
from ..data.mixing import Mixing
from ..data.prepare import TrainingData
from ..data.samples import Samples
from ..errors import InvalidValue, NotReady
from ..spec import SPLIT, Resolved
from ..statistics import label_check
from . import features

TABLE, SHEET = "label_check.csv", "label_check.png"
COLUMNS = ("subset", "path", "label", "suggested", "label_score", "suggested_score")
# the network as it was before it saw a label: only its head would be trained
FROZEN = {
    "model.freeze_base": True,
    "model.freeze_layers": 0,
    "model.precision": "float32",
    "training.head_epochs": 0,
    "training.layer_rates": (),
    "training.resizing.initial_scale": 1.0,
}
# images of a class that cross-validation needs
LEAST_OF_CLASS = 2


class Doubt(NamedTuple):
    """A label that is contradicted: the row of its image, the label, the suggested one, and the scores of both, 0 to 1.

    Of an image that may have several labels, each has a line of its own, with the text `not ...` where it is absent.
    """

    row: int
    label: str
    suggested: str
    label_score: float
    suggested_score: float


def doubts(spec: Resolved, data: TrainingData, cache: Path) -> list[Doubt]:
    """The labels of training and validation images that are contradicted, the most contradicted first.

    Each image is predicted by a new head on the frozen network, in cross-validation: neither has seen the image's label.

    Raises:
        InvalidValue: the network has no frozen part. NotReady: no two classes have two images, or all are of one group.
        OutOfMemory, and the errors of building a network.
    """
    learner = backends.load(spec.backend).learner(spec.replace(FROZEN), data.samples.task)
    frozen = learner.frozen(spec.data.input_size)
    if frozen is None:
        raise InvalidValue(
            f"labels cannot be checked with {spec.model.name}: it cannot be separated into a base and a head"
        )
    samples = data.samples
    rows = np.concatenate([samples.rows_of(name) for name in SPLIT])
    groups = _groups(samples.take(rows))
    targets = [(labels, names) for labels, names in _targets(samples, rows) if _can_be_checked(labels, groups)]
    if not targets:
        raise NotReady(
            f"labels cannot be checked: two classes with at least {LEAST_OF_CLASS} images each are needed, and two groups of "
            "images at least"
        )
    parts = [part for batches in (data.train, data.val) for part in _vectors(frozen, _as_shown(batches, data), cache)]
    vectors = np.concatenate(parts)
    found = [
        Doubt(int(rows[i]), names[label], names[suggested], float(own), float(best))
        for labels, names in targets
        for i, label, suggested, own, best in _contradicted(vectors, labels, groups)
    ]
    return sorted(found, key=lambda doubt: doubt.label_score - doubt.suggested_score)


def _as_shown(batches: Batches, data: TrainingData) -> Batches:
    """Images in their order, as validation shows them."""
    return replace(
        batches,
        policy=data.val.policy,
        shuffle=False,
        probabilities=None,
        sizes=None,
        mixing=Mixing(),
        process=0,
        n_processes=1,
    )


def _vectors(frozen: Frozen, batches: Batches, cache: Path) -> Iterator[np.ndarray]:
    """Yield what the frozen part gives for the images of each batch, float32 (n, numbers)."""
    with ExitStack() as stack:
        kept = features.for_batches(frozen, batches, cache)
        if kept is not None:
            stack.callback(kept.close)
        epoch = stack.enter_context(closing(kept.epoch(batches, 0, 0) if kept else batches.epoch()))  # type: ignore[type-var]
        for batch in epoch:
            yield frozen.vectors(kept.of(batch) if kept else frozen.features(batch.images, batch.draws))
        if kept is not None:
            kept.save()


def _groups(samples: Samples) -> np.ndarray:
    """The group of each image; without one, its content, so that copies are in one fold."""
    contents = [digest.hex() for digest in samples.digests.tolist()]
    return np.array([group or f"\0{content}" for group, content in zip(samples.groups, contents, strict=True)])


def _targets(samples: Samples, rows: np.ndarray) -> Iterator[tuple[np.ndarray, tuple[str, ...]]]:
    """Yield numbered labels with their names; of images with several labels, for each of them whether it is there."""
    labels = samples.labels[rows]
    if samples.task.exclusive:
        yield labels, samples.classes
    else:
        yield from ((labels[:, i].astype(np.int64), (f"not {name}", name)) for i, name in enumerate(samples.classes))


def _checked_classes(labels: np.ndarray) -> np.ndarray:
    return np.flatnonzero(np.bincount(labels) >= LEAST_OF_CLASS)


def _can_be_checked(labels: np.ndarray, groups: np.ndarray) -> bool:
    classes = _checked_classes(labels)
    return len(classes) > 1 and len(np.unique(groups[np.isin(labels, classes)])) > 1


def _contradicted(
    vectors: np.ndarray, labels: np.ndarray, groups: np.ndarray
) -> Iterator[tuple[int, int, int, float, float]]:
    """Yield the contradictions among the images of classes that have enough of them."""
    classes = _checked_classes(labels)
    rows = np.flatnonzero(np.isin(labels, classes))
    numbered = np.searchsorted(classes, labels[rows])
    scores = label_check.out_of_fold_scores(vectors[rows], numbered, groups[rows])
    found = label_check.contradictions(scores, numbered)
    yield from zip(rows[found.rows], classes[found.labels], classes[found.suggested], *found[3:], strict=True)


def pictures(data: TrainingData, found: Sequence[Doubt]) -> tuple[list[np.ndarray], list[str]]:
    """The images of some doubts, uint8 (side, side, 3), each with its label and the suggested one."""
    subsets = dict(zip(SPLIT, (data.train, data.val), strict=True))
    rows = ((name, i, int(row)) for name in SPLIT for i, row in enumerate(data.samples.rows_of(name)))
    places = {row: (subsets[name], i) for name, i, row in rows}
    images = []
    for doubt in found:
        batches, i = places[doubt.row]
        images.append(batches.store.read(batches.rows[i : i + 1])[0])
    return images, [f"{d.label}, or {d.suggested}? {d.suggested_score:.0%}" for d in found]


def write(path: Path, samples: Samples, found: Sequence[Doubt]) -> None:
    """List contradicted labels as CSV."""
    write_csv(path, COLUMNS, (tuple(line.values()) for line in as_rows(samples, found)))


def as_rows(samples: Samples, found: Sequence[Doubt]) -> list[dict[str, object]]:
    """Contradicted labels by `COLUMNS`."""
    return [
        dict(zip(COLUMNS, (SPLIT[samples.subsets[d.row]], samples.paths[d.row], *d[1:3], *_rounded(d)), strict=True))
        for d in found
    ]


def _rounded(doubt: Doubt) -> tuple[float, float]:
    return round(doubt.label_score, 4), round(doubt.suggested_score, 4)
