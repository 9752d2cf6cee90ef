"""From settings to batches: discover the images, read and decode them once, leave out unreadable ones, and split."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..catalog import image_sizes
from ..errors import DamagedFile, DatasetError, InvalidValue, NotReady, shown
from ..looking import exists
from ..records import DatasetRecord
from ..spec import SPLIT, SUBSETS, Resolved, Source, Spec, Table
from ..tasks import MULTIPLE, SINGLE
from . import (
    class_columns,
    csv_table,
    dataset_csv,
    discover,
    folds,
    group_split,
    group_told,
    groups,
    health,
    leaks,
    sampling,
    split,
)
from .augment import Policy, policy
from .batches import Batches
from .cache import Tick, open_store
from .class_order import in_order
from .depth import UNDECIDED, Levels
from .description import Descriptions
from .group_told import Grouping
from .leaks import Leaks, NearCopy
from .mixing import Mixing
from .samples import DIGEST, NO_SUBSET, Samples, concatenate
from .stores import Store


@dataclass(frozen=True)
class TrainingData:
    """Training and validation batches. `samples`: the table of all images. `remarks`: for the user.

    `leaks`: near copies and giveaways among the images; none are looked for in those of a resumed run.
    """

    samples: Samples
    train: Batches
    val: Batches
    record: DatasetRecord
    remarks: tuple[str, ...] = ()
    leaks: Leaks = Leaks()

    @property
    def descriptions(self) -> Descriptions | None:
        """Those of the rows of `samples`; None if they are not known."""
        return _descriptions([self.train.store, self.val.store][: len(self.samples.roots)])

    @property
    def validated(self) -> Samples:
        """The validation images, in the order of their batches."""
        return self.samples.take(self.samples.rows_of("val"))

    def batched(self, spec: Resolved) -> TrainingData:
        """The same images with the spec's seed, batch size, shuffling, number of decoding threads, views, sizes and mixing."""
        data = spec.data
        train, val = (
            replace(b, batch_size=data.batch_size, seed=spec.seed, store=b.store.with_workers(data.workers))
            for b in (self.train, self.val)
        )
        how = replace(train.policy, views=data.stored_views)
        sizes = image_sizes.schedule(spec)
        train = replace(train, shuffle=data.shuffle, policy=how, sizes=sizes, mixing=Mixing.of(spec))
        return replace(self, train=_sampled(train, self.samples, spec), val=val)

    def for_process(self, process: int, n_processes: int) -> TrainingData:
        """The share of process number `process` of `n_processes`.

        Raises:
            InvalidValue: a batch has too few images for this number of processes.
        """
        if n_processes == 1:
            return self
        for name, size in (("batch_size", self.train.batch_size), ("validation set", self.val.n_images)):
            if size < 2 * n_processes:
                raise InvalidValue(
                    f"a {name} of {size} is too small for {n_processes} processes: each needs 2 images per step"
                )
        train, val = (replace(b, process=process, n_processes=n_processes) for b in (self.train, self.val))
        return replace(self, train=train, val=val)


@dataclass(frozen=True)
class EvaluationData:
    """Test images in the order of their names, labelled with the training classes.

    `samples`: the table of all images. `evaluated`: the readable ones, in the order of the batches. `n_seen`: the number of
    them that were used in training or validation. `fingerprint`, `content`: see `DatasetRecord`. `remarks`: for the user.
    `is_grouped`: whether some share a group. `near`: near copies of training images. `leaks`: why figures
    on them are too good.
    """

    samples: Samples
    evaluated: Samples
    batches: Batches
    fingerprint: str
    content: str
    n_seen: int = 0
    remarks: tuple[str, ...] = ()
    is_grouped: bool = False
    near: tuple[NearCopy, ...] = ()
    leaks: tuple[str, ...] = ()


def for_training(
    spec: Resolved,
    cache: Path,
    recorded: Path | None = None,
    tick: Tick | None = None,
    recorded_classes: Sequence[str] = (),
    levels: Levels = UNDECIDED,
    resumed: object = None,
    record: DatasetRecord | None = None,
) -> TrainingData:
    """The training and validation batches of a spec.

    Args:
        cache: folder of decoded images. recorded: the file with the split of an earlier run, to be used again.
        tick: called with the number of decoded images and of all. recorded_classes: those of an earlier run, in the order
            that its weights have them; the order is kept if the classes are the same. levels: of a resumed run, by which images
            of more than 8 bits are scaled; what is undecided is decided by the training images. resumed: that run, for messages.
        record: of the images of the earlier run, with which its split must agree.

    Raises:
        NotReady: no dataset is given. DatasetError, NotFound: the dataset cannot be used, as the message says.
    """
    data, policies = spec.data, _policies(spec)
    recorded_paths = dataset_csv.read(recorded, record) if recorded is not None and exists(recorded) else None
    tables, stores = _read(spec, policies, cache, tick, _folder_names(recorded_paths or {}), levels)
    samples, grouping = groups.assign(tables, data.sources, data.group)
    samples = replace(samples, subsets=_subsets(samples, spec, recorded_paths, grouping))
    # after the split, which depends on the order of the classes: a seed gives the split that it always gave
    samples = samples.relabel(in_order(samples.classes, recorded_classes), "the dataset")
    split_remarks = tuple(_check_recorded_split(samples, recorded_classes, resumed))
    if grouping:
        split_remarks = (group_told.describe(samples, grouping), *split_remarks)
    if policies["val"].decoding != policies["train"].decoding and len(tables) == 1:
        # one source whose validation images are decoded differently: their oddities are those of that decoding
        decoded_for_val, stores["val"] = open_store(
            tables[0], policies["val"], cache, data.workers, tick, levels=stores["train"].levels
        )
        in_val = samples.subsets == SUBSETS.index("val")
        samples = replace(samples, oddities=np.where(in_val, decoded_for_val.oddities, samples.oddities))
    # the row in `samples` of each store's first image
    first = {"train": 0, "val": len(tables[0]) if len(tables) > 1 else 0}
    batches = {
        name: Batches(
            stores[name],
            samples.rows_of(name) - first[name],
            samples.labels[samples.rows_of(name)],
            policies[name],
            data.batch_size,
            spec.seed,
            shuffle=data.shuffle and name == "train",
            digests=samples.digests[samples.rows_of(name)],
            sizes=image_sizes.schedule(spec) if name == "train" else None,
            mixing=Mixing.of(spec) if name == "train" else Mixing(),
        )
        for name in SPLIT
    }
    batches["train"] = _sampled(batches["train"], samples, spec)
    found = Leaks()
    # of a resumed run, they were told when it began
    if resumed is None:
        found = leaks.look_for(samples, _descriptions([stores[name] for name in SPLIT[: len(tables)]]))
    # one remark about the stores is enough
    remarks = samples.remarks + tuple(store.remark for store in stores.values() if store.remark)[:1] + split_remarks
    if found.remark:
        remarks = (*remarks, found.remark)
    record = _record(samples, stores["val"].levels, grouping, found)
    return TrainingData(samples, batches["train"], batches["val"], record, remarks, found)


def check(spec: Resolved, cache: Path, tick: Tick | None = None) -> None:
    """Read, group and split the images as `for_training` does, for its errors alone; what it decodes stays in the cache."""
    tables, _ = _read(spec, _policies(spec), cache, tick, (), UNDECIDED)
    samples, grouping = groups.assign(tables, spec.data.sources, spec.data.group)
    _subsets(samples, spec, None, grouping)


def _policies(spec: Resolved) -> dict[str, Policy]:
    data = spec.data
    return {
        "train": policy(data.transforms.train, data.input_size, data.stored_size, data.stored_views),
        "val": policy(data.transforms.val, data.input_size, data.stored_size),
    }


def _descriptions(stores: Sequence[Store]) -> Descriptions | None:
    """The descriptions of the images of several stores."""
    parts = [known for store in stores if (known := store.descriptions()) is not None]
    if len(parts) < len(stores):
        return None
    return parts[0] if len(parts) == 1 else Descriptions.joined(parts)


def _sampled(train: Batches, samples: Samples, spec: Resolved) -> Batches:
    """The batches with the spec's way of choosing the images of an epoch."""
    weighted = spec.data.weighted_sampling
    return replace(train, probabilities=sampling.probabilities(samples.task, train.labels) if weighted else None)


def _read(
    spec: Resolved,
    policies: Mapping[str, Policy],
    cache: Path,
    tick: Tick | None,
    kept: Collection[str],
    levels: Levels,
) -> tuple[list[Samples], dict[str, Store]]:
    """The table of each source, with the properties of its files, and the store of each subset's images."""
    tables: list[Samples] = []
    stores: dict[str, Store] = {}
    for samples, name in zip(discovered(spec, cache.parent, kept), SPLIT, strict=False):
        samples, stores[name] = open_store(samples, policies[name], cache, spec.data.workers, tick, levels=levels)
        # validation images are scaled as the training images are
        levels = stores[name].levels
        health.check_readable(samples)
        tables.append(samples)
    return tables, {"val": stores["train"], **stores}


def discovered(
    spec: Spec | Resolved, exclude: Path, kept: Collection[str] = (), missing: list[str] | None = None
) -> Iterator[Samples]:
    """Yield the images of each source before any is read, those of the validation set with the classes of training.

    Args:
        exclude, kept: as of `discover.from_folders`. missing: as of `csv_table.from_csv`.

    Raises:
        NotReady: no dataset is given. DatasetError, NotFound: the dataset cannot be used, as the message says.
    """
    if not spec.data.sources:
        raise NotReady(
            "no dataset yet: give a folder of class folders, Dataset_Params(dataset_path='...') or Default(dataset_path='...')"
        )
    first = None
    for source in spec.data.sources:
        if first is None:
            first = samples = _discover(source, True, exclude, kept, group=spec.data.group, missing=missing)
        else:
            source = class_columns.inherited(source, first.label_columns)
            samples = _discover(source, True, exclude, kept, first.classes, spec.data.group, missing)
            samples = _with_classes(samples, first.classes, first.task.name, f"the validation set {source.path}")
        yield samples


def _discover(
    source: Source,
    training: bool = True,
    exclude: Path | None = None,
    kept: Collection[str] = (),
    classes: Collection[str] = (),
    group: str = "",
    missing: list[str] | None = None,
) -> Samples:
    if isinstance(source, Table):
        return csv_table.from_csv(source, training, classes, group, missing)
    return discover.from_folders(source.path, training, exclude, kept)


def _folder_names(recorded_paths: Mapping[str, Collection[str]]) -> set[str]:
    """The names of all folders in the paths of each subset."""
    folders = {path.rpartition("/")[0] for paths in recorded_paths.values() for path in paths}
    return {name for folder in folders for name in folder.split("/")}


def _subsets(
    samples: Samples, spec: Resolved, recorded_paths: Mapping[str, set[str]] | None, grouping: Grouping | None
) -> np.ndarray:
    """The index of each image's subset: as an earlier run recorded it, else by splitting one source, else by source."""
    subsets, rows = np.full(len(samples), NO_SUBSET, np.int8), samples.readable()
    if recorded_paths is not None:
        dataset_csv.check_apart(recorded_paths, len(spec.data.sources))
        for subset, name in enumerate(SPLIT):
            candidates = rows[samples.sources[rows] == subset] if len(spec.data.sources) > 1 else rows
            paths = recorded_paths.get(name, set())
            subsets[dataset_csv.rows_as_recorded(samples, candidates.tolist(), paths, name)] = subset
    elif len(spec.data.sources) == 1:
        for subset, mine in enumerate(_split(samples.take(rows), spec, grouping)):
            subsets[rows[mine]] = subset
    else:
        subsets[rows] = samples.sources[rows]
    return subsets


def _split(usable: Samples, spec: Resolved, grouping: Grouping | None) -> tuple[np.ndarray, np.ndarray]:
    """The rows of the training and of the validation images of one source."""
    data, by = spec.data, grouping.by if grouping and group_told.is_grouped(usable) else ""
    if data.folds:
        return folds.fold(usable, data.folds, data.fold, data.split_seed, by)
    if by:
        return group_split.stratified(usable, data.split, data.split_seed, by)
    return split.stratified(usable, data.split, data.split_seed, usable.digests)


def _check_recorded_split(samples: Samples, recorded_classes: Collection[str], resumed: object) -> Iterator[str]:
    """Yield a remark if images are not in the split that an earlier run recorded.

    Raises:
        DatasetError: a class has training images only outside of it.
    """
    n_unused = int(np.count_nonzero((samples.subsets == NO_SUBSET) & (samples.problems == "")))
    if not n_unused:
        return
    counts = samples.take(samples.rows_of("train")).counts()
    for name, count, total in zip(samples.classes, counts, samples.counts(), strict=True):
        if total and not count:
            if resumed is not None and name not in recorded_classes:
                raise DatasetError(
                    f"the images of {resumed} have changed since it was trained: class {shown(name)} is new. Take it out to "
                    "resume the run, or train a new version: Prototype(project, experiment) without resume_train"
                )
            raise DatasetError(
                f"class {name!r} has no training image in the recorded split, which is used again: remove its images, or split "
                "anew with another split or split seed"
            )
    yield f"{n_unused} images are not in the recorded split, which is used again: they are left out"


def _record(samples: Samples, levels: Levels, grouping: Grouping | None, found: Leaks) -> DatasetRecord:
    train, val = (samples.take(samples.rows_of(name)) for name in SPLIT)
    return DatasetRecord(
        classes=samples.classes,
        label_type=samples.task.name,
        train_counts=train.counts(),
        val_counts=val.counts(),
        train_images=len(train),
        val_images=len(val),
        fingerprint=discover.fingerprint(train, val),
        content=discover.fingerprint(train, val, by_content=True),
        passed_over=len(samples.strays),
        levels=None if levels.per_file else levels.ranges,
        groups=group_told.count(concatenate((train, val))) if grouping else None,
        near_differences=leaks.differences(found.near),
        giveaways=tuple(map(str, found.telling)),
        **health.counts(samples),
        **found.counts(samples),
    )


def for_testing(
    spec: Resolved,
    classes: tuple[str, ...],
    source: Source,
    cache: Path,
    tick: Tick | None = None,
    recorded: Path | None = None,
    label_type: str = SINGLE,
    levels: Levels = UNDECIDED,
    record: DatasetRecord | None = None,
) -> EvaluationData:
    """The batches of a test set, its classes matched by name with those of training.

    Args:
        recorded: the file with the run's split, to count test images that were trained on. label_type, levels, record: of the
            images of the run. The others as in `for_training`.
    """
    samples = _discover(source, False, cache.parent, classes=classes, group=spec.data.group)
    samples = _with_classes(samples, classes, label_type, f"the test set {source.path}")
    test_policy = policy_for_testing(spec)
    samples, store = open_store(samples, test_policy, cache, spec.data.workers, tick, levels=levels)
    health.check_readable(samples)
    samples = replace(samples, subsets=np.full(len(samples), SUBSETS.index("test"), np.int8))
    samples, is_grouped = groups.assign_for_testing(samples, source, spec.data.group)
    rows = samples.rows_of("test")
    evaluated = samples.take(rows)
    batches = Batches(store, rows, evaluated.labels, test_policy, spec.data.batch_size, digests=evaluated.digests)
    seen, remark = _seen(recorded, record)
    near, near_remark, unknown = leaks.nearly_seen(samples, store.descriptions(), seen["train"], cache)
    n_seen = int(np.isin(evaluated.digests, np.concatenate([*seen.values()])).sum())
    near_told = f"{near_remark}: the accuracy looks better than it is" if near else ""
    patients = _trained_groups(evaluated, recorded, record)
    remarks = samples.remarks + tuple(text for text in (store.remark, remark, near_told, unknown, patients) if text)
    prints = (discover.fingerprint(evaluated), discover.fingerprint(evaluated, by_content=True))
    seen_remark = f"{n_seen} of {len(evaluated)} test images were used in training or validation" if n_seen else ""
    too_good = tuple(text for text in (seen_remark, near_remark, patients) if text)
    return EvaluationData(samples, evaluated, batches, *prints, n_seen, remarks, is_grouped, tuple(near), too_good)


def _with_classes(samples: Samples, classes: tuple[str, ...], label_type: str, where: str) -> Samples:
    """The images with the classes of the training images.

    Raises:
        DatasetError: they have labels of another type, other classes, or lack the column of one.
    """
    _check_label_type(samples, label_type, where)
    if samples.label_columns:
        class_columns.check_complete(samples.label_columns, classes, where)
    return samples.relabel(classes, where)


def _check_label_type(samples: Samples, label_type: str, where: str) -> None:
    if samples.task.name == label_type:
        return
    if label_type == MULTIPLE:
        raise DatasetError(
            f"{where} has one label per image, and the training images have several labels: give a table of such images "
            "(path_to_csv=, with label_delimiter= where a cell holds several, or label_column=[...] for one column per class)"
        )
    remedy = (
        "name the column that holds the class: label_column=" if samples.label_columns else "leave out label_delimiter="
    )
    raise DatasetError(f"{where} has several labels per image, and the training images have one: {remedy}")


def _seen(recorded: Path | None, record: DatasetRecord | None) -> tuple[dict[str, np.ndarray], str]:
    """The digests of the images that a run used in training and in validation, or the reason why they are unknown."""
    unknown = {name: np.empty(0, DIGEST) for name in SPLIT}
    if recorded is None:
        return unknown, ""
    try:
        return {name: dataset_csv.read_digests(recorded, record, (name,)) for name in SPLIT}, ""
    # the images can be evaluated all the same
    except (DamagedFile, OSError) as error:
        return unknown, f"it is unknown whether test images were trained on: {error}"


def _trained_groups(evaluated: Samples, recorded: Path | None, record: DatasetRecord | None) -> str:
    """The remark about test images whose group, such as a patient, has training images too; "" if there are none."""
    if recorded is None or not (evaluated.groups != "").any():
        return ""
    try:
        trained = {*(dataset_csv.read_groups(recorded, "train", record) or ())} - {""}
    # `_seen` says so
    except (DamagedFile, OSError):
        return ""
    shared = [group for group in evaluated.groups.tolist() if group in trained]
    if not shared:
        return ""
    return (
        f"{len(shared)} of {len(evaluated)} test images have the group of training images, such as {shown(min(shared))}: if "
        "these are the same patients, the figures are too good"
    )


def policy_for_testing(spec: Resolved) -> Policy:
    """The transforms of test images: the test chain, or the validation chain if it is empty."""
    data = spec.data
    return policy(data.transforms.test or data.transforms.val, data.input_size, data.stored_size)
