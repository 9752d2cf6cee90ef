"""From a spec to batches: discover, decode, leave out the unreadable, split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import DamagedFile, InvalidValue, NotReady
from ..records import DatasetRecord
from ..spec import SPLIT, Resolved, ResolvedData, Source, Table
from . import csv_table, discover, health, split
from .augment import Policy, policy
from .batches import Batches
from .cache import Store, Tick, open_store
from .discover import Samples
from .health import Report


@dataclass(frozen=True)
class TrainingData:
    """Training and validation batches. `report`: what is odd in them; `remarks`: what else the user should know."""

    train: Batches
    val: Batches
    samples: Mapping[str, Samples]
    report: Report
    record: DatasetRecord
    strays: tuple[str, ...]
    remarks: tuple[str, ...] = ()

    @property
    def problems(self) -> Mapping[str, Mapping[str, str]]:
        """Subset -> path -> why the image is left out."""
        return self.report.unreadable

    def shared(self, part: int, parts: int) -> TrainingData:
        """The share of process `part` of `parts`.

        Raises:
            InvalidValue: a batch has too few images for so many processes.
        """
        if parts == 1:
            return self
        for name, batches in (("batch_size", self.train.batch_size), ("validation set", self.val.n_images)):
            if batches < 2 * parts:
                raise InvalidValue(
                    f"a {name} of {batches} is too small for {parts} processes: each needs 2 images a step"
                )
        train, val = (replace(b, part=part, parts=parts) for b in (self.train, self.val))
        return replace(self, train=train, val=val)


@dataclass(frozen=True)
class EvaluationData:
    """Test images in the order of their names, with labels that index the training classes.

    `report`: what is odd in them; `n_seen`: how many were used in training or validation; `remarks`: what else the user
    should know.
    """

    batches: Batches
    samples: Samples
    report: Report
    fingerprint: str
    strays: tuple[str, ...]
    n_seen: int = 0
    remarks: tuple[str, ...] = ()

    @property
    def problems(self) -> Mapping[str, str]:
        """Path -> why the image is left out."""
        return self.report.unreadable["test"]


def for_training(spec: Resolved, cache: Path, recorded: Path | None = None, tick: Tick | None = None) -> TrainingData:
    """The training and validation batches of a resolved spec.

    Args:
        cache: folder of decoded images. recorded: the split that an earlier run stored, to be used again.
        tick: told how many of how many images are decoded.

    Raises:
        NotReady: no dataset is given. DatasetError, NotFound: see the message.
    """
    data = spec.data
    if not data.sources:
        raise NotReady(
            "no dataset yet: give a folder of class folders, Dataset_Params(dataset_path='...') or Default(dataset_path='...')"
        )
    policies = {n: policy(getattr(data.transforms, n), data.input_size, data.stored_size) for n in SPLIT}
    parts = _parts(data, policies, cache, tick)
    rows = _choose(parts, spec, recorded)
    samples = {name: part.everything.take(rows[name]) for name, part in parts.items()}
    made = {
        name: Batches(
            part.store, rows[name], samples[name].labels, policies[name], data.batch_size, spec.seed,
            shuffle=data.shuffle and name == "train",
        )
        for name, part in parts.items()
    }  # fmt: skip
    folders = list(parts.values())[: len(data.sources)]
    report = Report(
        {n: _by_path(p.everything, p.store.problems) for n, p in zip(SPLIT, folders, strict=False)},
        samples,
        {name: part.store.notes[rows[name]] for name, part in parts.items()},
        {name: part.store.digests[rows[name]] for name, part in parts.items()},
    )
    strays = tuple(stray for part in folders for stray in part.everything.strays)
    remarks = tuple(part.store.remark for part in parts.values() if part.store.remark)[:1]  # one is enough
    return TrainingData(
        made["train"], made["val"], samples, report, _record(samples, report, strays), strays, remarks
    )  # fmt: skip


@dataclass(frozen=True)
class _Part:
    """The folder that a subset is taken from: its images, decoded, and which of them can be read."""

    everything: Samples
    store: Store
    rows: np.ndarray


def _parts(data: ResolvedData, policies: Mapping[str, Policy], cache: Path, tick: Tick | None) -> dict[str, _Part]:
    """Where each subset comes from; one folder serves both, decoded once where both subsets decode alike."""
    train_source, *val_sources = data.sources
    found = _read(train_source, exclude=cache.parent)
    workers = data.workers
    store = open_store(found, policies["train"], cache, workers, tick)
    train = _Part(found, store, health.readable(found, store.problems))
    if not val_sources:
        alike = policies["val"].decoding == policies["train"].decoding
        val_store = store if alike else open_store(found, policies["val"], cache, workers, tick)
        return {"train": train, "val": _Part(found, val_store, train.rows)}
    other = _read(val_sources[0], exclude=cache.parent)
    other = other.relabel(found.classes, f"the validation set {val_sources[0].path}")
    val_store = open_store(other, policies["val"], cache, workers, tick)
    return {"train": train, "val": _Part(other, val_store, health.readable(other, val_store.problems))}


def _choose(parts: Mapping[str, _Part], spec: Resolved, recorded: Path | None) -> dict[str, np.ndarray]:
    """Rows of each subset: as an earlier run recorded them, else by split, else all."""
    usable = {name: part.everything.take(part.rows) for name, part in parts.items()}
    if recorded is not None and recorded.exists():
        wanted = split.read(recorded)
        chosen = {name: split.as_recorded(usable[name], wanted.get(name, set()), name) for name in SPLIT}
    elif len(spec.data.sources) == 1:
        digests = parts["train"].store.digests[parts["train"].rows]
        chosen = dict(zip(SPLIT, split.stratified(usable["train"], spec.data.split, spec.seed, digests), strict=True))
    else:
        return {name: part.rows for name, part in parts.items()}
    return {name: parts[name].rows[rows] for name, rows in chosen.items()}


def _record(samples: Mapping[str, Samples], report: Report, strays: tuple[str, ...]) -> DatasetRecord:
    return DatasetRecord(
        classes=samples["train"].classes,
        train_counts=samples["train"].counts(),
        val_counts=samples["val"].counts(),
        fingerprint=discover.fingerprint(samples["train"], samples["val"]),
        passed_over=len(strays),
        **report.counts(),
    )


def for_testing(
    spec: Resolved,
    classes: tuple[str, ...],
    source: Source,
    cache: Path,
    tick: Tick | None = None,
    recorded: Path | None = None,
) -> EvaluationData:
    """The batches of a test set, its classes matched by name with those of training.

    Args:
        recorded: the split of the run, to see whether test images were trained on. The others as in `for_training`.
    """
    found = _read(source, False, cache.parent).relabel(classes, f"the test set {source.path}")
    how = policy_for_testing(spec)
    store = open_store(found, how, cache, spec.data.workers, tick)
    rows = health.readable(found, store.problems)
    samples = found.take(rows)
    batches = Batches(store, rows, samples.labels, how, spec.data.batch_size)
    report = Report(
        {"test": _by_path(found, store.problems)},
        {"test": samples},
        {"test": store.notes[rows]},
        {"test": store.digests[rows]},
    )
    n_seen, remark = _seen(report.digests["test"], recorded)
    remarks = tuple(text for text in (store.remark, remark) if text)
    return EvaluationData(batches, samples, report, discover.fingerprint(samples), found.strays, n_seen, remarks)


def _seen(digests: np.ndarray, recorded: Path | None) -> tuple[int, str]:
    """How many images a run has seen in training or validation, or why that cannot be told."""
    if recorded is None:
        return 0, ""
    try:
        return int(np.isin(digests, split.read_digests(recorded)).sum()), ""
    except (DamagedFile, OSError) as error:  # the images can be judged all the same
        return 0, f"whether test images were trained on cannot be told: {error}"


def policy_for_testing(spec: Resolved) -> Policy:
    """The transforms of test images: the test chain, or validation's where none was given."""
    data = spec.data
    return policy(data.transforms.test or data.transforms.val, data.input_size, data.stored_size)


def _read(source: Source, training: bool = True, exclude: Path | None = None) -> Samples:
    if isinstance(source, Table):
        return csv_table.from_csv(source.path, source.csv, source.delimiter)
    return discover.from_folders(source.path, training, exclude)


def _by_path(samples: Samples, problems: Mapping[int, str]) -> dict[str, str]:
    return {samples.paths[row]: problems[row] for row in sorted(problems)}
