"""From settings to batches: discover, read and decode once, leave out the unreadable, split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import DamagedFile, DatasetError, InvalidValue, NotReady
from ..records import DatasetRecord
from ..spec import SPLIT, SUBSETS, Resolved, Source, Table
from ..tasks import MULTIPLE, SINGLE
from . import csv_table, dataset_csv, discover, health, split
from .augment import Policy, policy
from .batches import Batches
from .cache import Tick, open_store
from .samples import NO_SUBSET, Samples, joined
from .stores import Store


@dataclass(frozen=True)
class TrainingData:
    """Training and validation batches. `samples`: the table of all images; `remarks`: what else the user should know."""

    samples: Samples
    train: Batches
    val: Batches
    record: DatasetRecord
    remarks: tuple[str, ...] = ()

    def batched(self, spec: Resolved) -> TrainingData:
        """The same images in other batches: size, order of training, threads that decode."""
        data = spec.data
        train, val = (
            replace(b, batch_size=data.batch_size, store=b.store.with_workers(data.workers))
            for b in (self.train, self.val)
        )
        return replace(self, train=replace(train, shuffle=data.shuffle), val=val)

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
                    f"a {name} of {batches} is too small for {parts} processes: each needs 2 images per step"
                )
        train, val = (replace(b, part=part, parts=parts) for b in (self.train, self.val))
        return replace(self, train=train, val=val)


@dataclass(frozen=True)
class EvaluationData:
    """Test images in the order of their names, with labels for the training classes.

    `samples`: the table of all; `judged`: those that can be read, as in the batches; `n_seen`: how many were used in training
    or validation; `remarks`: what else the user should know.
    """

    samples: Samples
    judged: Samples
    batches: Batches
    fingerprint: str
    n_seen: int = 0
    remarks: tuple[str, ...] = ()


def for_training(spec: Resolved, cache: Path, recorded: Path | None = None, tick: Tick | None = None) -> TrainingData:
    """The training and validation batches of a spec.

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
    tables, stores = _read(spec, policies, cache, tick)
    samples = joined(tables)
    samples = replace(samples, subsets=_subsets(samples, spec, recorded))
    if policies["val"].decoding != policies["train"].decoding and len(tables) == 1:
        # one folder whose validation images are decoded in another way: what is noted of them is noted of that
        again, stores["val"] = open_store(tables[0], policies["val"], cache, data.workers, tick)
        judged = samples.subsets == SUBSETS.index("val")
        samples = replace(samples, notes=np.where(judged, again.notes, samples.notes))
    first = {"train": 0, "val": len(tables[0]) if len(tables) > 1 else 0}  # the table's row of a store's first image
    batches = {
        name: Batches(
            stores[name],
            samples.rows_of(name) - first[name],
            samples.labels[samples.rows_of(name)],
            policies[name],
            data.batch_size,
            spec.seed,
            shuffle=data.shuffle and name == "train",
        )
        for name in SPLIT
    }
    remarks = tuple(dict.fromkeys(store.remark for store in stores.values() if store.remark))[:1]  # one is enough
    return TrainingData(samples, batches["train"], batches["val"], _record(samples), remarks)


def _read(
    spec: Resolved, policies: Mapping[str, Policy], cache: Path, tick: Tick | None
) -> tuple[list[Samples], dict[str, Store]]:
    """The table of each source, with what was found out about its files, and the store of each subset's images."""
    tables: list[Samples] = []
    stores: dict[str, Store] = {}
    for source, name in zip(spec.data.sources, SPLIT, strict=False):
        found = _discover(source, exclude=cache.parent)
        if tables:
            _check_label_type(found, tables[0].task.name, f"the validation set {source.path}")
            found = found.relabel(tables[0].classes, f"the validation set {source.path}")
        found, stores[name] = open_store(found, policies[name], cache, spec.data.workers, tick)
        health.check_readable(found)
        tables.append(found)
    return tables, {"val": stores["train"], **stores}


def _discover(source: Source, training: bool = True, exclude: Path | None = None) -> Samples:
    if isinstance(source, Table):
        return csv_table.from_csv(source, training)
    return discover.from_folders(source.path, training, exclude)


def _subsets(samples: Samples, spec: Resolved, recorded: Path | None) -> np.ndarray:
    """The subset of each image: as an earlier run recorded it, else by split, else that of its folder."""
    subsets, rows = np.full(len(samples), NO_SUBSET, np.int8), samples.readable()
    if recorded is not None and recorded.exists():
        wanted = dataset_csv.read(recorded)
        several = len(spec.data.sources) > 1
        for number, name in enumerate(SPLIT):
            mine = rows[samples.sources[rows] == number] if several else rows
            subsets[dataset_csv.rows_as_recorded(samples, mine.tolist(), wanted.get(name, set()), name)] = number
    elif len(spec.data.sources) == 1:
        usable = samples.take(rows)
        for number, part in enumerate(split.stratified(usable, spec.data.split, spec.seed, usable.digests)):
            subsets[rows[part]] = number
    else:
        subsets[rows] = samples.sources[rows]
    return subsets


def _record(samples: Samples) -> DatasetRecord:
    train, val = (samples.take(samples.rows_of(name)) for name in SPLIT)
    return DatasetRecord(
        classes=samples.classes,
        label_type=samples.task.name,
        train_counts=train.counts(),
        val_counts=val.counts(),
        train_images=len(train),
        val_images=len(val),
        fingerprint=discover.fingerprint(train, val),
        passed_over=len(samples.strays),
        **health.counts(samples),
    )


def for_testing(
    spec: Resolved,
    classes: tuple[str, ...],
    source: Source,
    cache: Path,
    tick: Tick | None = None,
    recorded: Path | None = None,
    label_type: str = SINGLE,
) -> EvaluationData:
    """The batches of a test set, its classes matched by name with those of training.

    Args:
        recorded: the split of the run, to see whether test images were trained on. label_type: of the training images.
            The others as in `for_training`.
    """
    found = _discover(source, False, cache.parent)
    _check_label_type(found, label_type, f"the test set {source.path}")
    found = found.relabel(classes, f"the test set {source.path}")
    how = policy_for_testing(spec)
    found, store = open_store(found, how, cache, spec.data.workers, tick)
    health.check_readable(found)
    samples = replace(found, subsets=np.full(len(found), SUBSETS.index("test"), np.int8))
    rows = samples.rows_of("test")
    judged = samples.take(rows)
    batches = Batches(store, rows, judged.labels, how, spec.data.batch_size)
    n_seen, remark = _seen(judged.digests, recorded)
    remarks = tuple(text for text in (store.remark, remark) if text)
    return EvaluationData(samples, judged, batches, discover.fingerprint(judged), n_seen, remarks)


def _check_label_type(samples: Samples, label_type: str, where: str) -> None:
    if samples.task.name == label_type:
        return
    if label_type == MULTIPLE:
        raise DatasetError(
            f"{where} has one label per image, and the training images have several labels: give a table of such images "
            "(path_to_csv=, with label_delimiter= where a cell holds several)"
        )
    raise DatasetError(
        f"{where} has several labels per image, and the training images have one: leave out label_delimiter="
    )


def _seen(digests: np.ndarray, recorded: Path | None) -> tuple[int, str]:
    """How many images a run has seen in training or validation, or why that cannot be told."""
    if recorded is None:
        return 0, ""
    try:
        return int(np.isin(digests, dataset_csv.read_digests(recorded)).sum()), ""
    except (DamagedFile, OSError) as error:  # the images can be judged all the same
        return 0, f"whether test images were trained on cannot be told: {error}"


def policy_for_testing(spec: Resolved) -> Policy:
    """The transforms of test images: the test chain, or validation's where none was given."""
    data = spec.data
    return policy(data.transforms.test or data.transforms.val, data.input_size, data.stored_size)
