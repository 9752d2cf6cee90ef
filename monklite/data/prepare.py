"""From a spec to batches: discover, decode, leave out the unreadable, split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import NotReady
from ..spec import Choice, DataSpec, Spec
from ..state import DatasetRecord
from . import discover, health, split
from .augment import Policy, policy
from .batches import Batches
from .cache import Store, Tick, open_store
from .discover import Samples


@dataclass(frozen=True)
class TrainingData:
    """Training and validation batches. `problems`: subset -> path -> why the image is left out."""

    train: Batches
    val: Batches
    samples: Mapping[str, Samples]
    problems: Mapping[str, Mapping[str, str]]
    record: DatasetRecord
    strays: tuple[str, ...]


@dataclass(frozen=True)
class TestFolder:
    """Where a test set is: a folder of class folders, or a folder with a CSV table."""

    __test__ = False  # not a test case, whatever its name

    path: str
    table: str | None = None
    delimiter: str = ","


@dataclass(frozen=True)
class EvaluationData:
    """Test images in the order of their names, with labels that index the training classes."""

    batches: Batches
    samples: Samples
    problems: Mapping[str, str]
    fingerprint: str
    strays: tuple[str, ...]


def for_training(spec: Spec, cache: Path, recorded: Path | None = None, tick: Tick | None = None) -> TrainingData:
    """The training and validation batches of a resolved spec.

    Args:
        cache: folder of decoded images. recorded: the split that an earlier run stored, to be used again.
        tick: told how many of how many images are decoded.

    Raises:
        NotReady: no dataset is given. DatasetError, NotFound: see the message.
    """
    data = spec.data
    if data.train_path is None:
        raise NotReady(
            "no dataset yet: give a folder of class folders, Dataset_Params(dataset_path='...') or Default(dataset_path='...')"
        )
    everything = _read(data.train_path, data.train_csv, data.delimiter)
    policies = {name: policy(_chain(data, name), int(data.input_size or 0)) for name in ("train", "val")}
    stores, keep = _stores(everything, policies, cache, data, tick)
    problems = {"train": _by_path(everything, stores["train"].problems)}
    if data.val_path is None:
        rows, samples = _split(everything, keep, data.split, spec.seed, recorded)
        strays = everything.strays
    else:
        other = _read(data.val_path, data.val_csv, data.delimiter).relabel(
            everything.classes, f"the validation set {data.val_path}"
        )
        stores["val"] = open_store(other, policies["val"], cache, data.workers or 1, tick)
        rows = {"train": keep, "val": health.readable(other, stores["val"].problems)}
        samples = {"train": everything.take(rows["train"]), "val": other.take(rows["val"])}
        problems["val"] = _by_path(other, stores["val"].problems)
        strays = (*everything.strays, *other.strays)
    made = {
        name: Batches(
            stores[name], rows[name], samples[name].labels, policies[name], int(data.batch_size or 1), spec.seed,
            shuffle=data.shuffle and name == "train",
        )
        for name in ("train", "val")
    }  # fmt: skip
    record = DatasetRecord(
        classes=everything.classes,
        train_counts=samples["train"].counts(),
        val_counts=samples["val"].counts(),
        fingerprint=discover.fingerprint(samples["train"], samples["val"]),
        unreadable=sum(len(p) for p in problems.values()),
        passed_over=len(strays),
    )
    return TrainingData(made["train"], made["val"], samples, problems, record, strays)


def for_testing(
    spec: Spec, classes: tuple[str, ...], where: TestFolder, cache: Path, tick: Tick | None = None
) -> EvaluationData:
    """The batches of a test set, its classes matched by name with those of training."""
    found = _read(where.path, where.table, where.delimiter).relabel(classes, f"the test set {where.path}")
    how = policy_for_testing(spec)
    store = open_store(found, how, cache, spec.data.workers or 1, tick)
    rows = health.readable(found, store.problems)
    samples = found.take(rows)
    batches = Batches(store, rows, samples.labels, how, int(spec.data.batch_size or 1))
    return EvaluationData(
        batches, samples, _by_path(found, store.problems), discover.fingerprint(samples), found.strays
    )


def policy_for_testing(spec: Spec) -> Policy:
    """The transforms of test images: the test chain, or validation's where none was given."""
    return policy(spec.data.transforms.test or spec.data.transforms.val, int(spec.data.input_size or 0))


def _chain(data: DataSpec, subset: str) -> Sequence[Choice]:
    return getattr(data.transforms, subset)


def _read(path: str, table: str | None, delimiter: str) -> Samples:
    return discover.from_csv(path, table, delimiter) if table else discover.from_folders(path)


def _stores(
    samples: Samples, policies: Mapping[str, Policy], cache: Path, data: DataSpec, tick: Tick | None
) -> tuple[dict[str, Store], np.ndarray]:
    """The decoded training folder; validation shares it where both subsets decode alike."""
    stores = {"train": open_store(samples, policies["train"], cache, data.workers or 1, tick)}
    if data.val_path is None:
        alike = policies["val"].decoding == policies["train"].decoding
        stores["val"] = (
            stores["train"] if alike else open_store(samples, policies["val"], cache, data.workers or 1, tick)
        )
    return stores, health.readable(samples, stores["train"].problems)


def _split(
    everything: Samples, keep: np.ndarray, share: float, seed: int, recorded: Path | None
) -> tuple[dict[str, np.ndarray], dict[str, Samples]]:
    usable = everything.take(keep)
    if recorded is not None and recorded.exists():
        wanted = split.read(recorded)
        parts = {name: split.as_recorded(usable, wanted.get(name, set()), name) for name in ("train", "val")}
    else:
        parts = dict(zip(("train", "val"), split.stratified(usable, share, seed), strict=True))
    return {n: keep[rows] for n, rows in parts.items()}, {n: usable.take(rows) for n, rows in parts.items()}


def _by_path(samples: Samples, problems: Mapping[int, str]) -> dict[str, str]:
    return {samples.paths[row]: problems[row] for row in sorted(problems)}
