"""Hostile values in a saved training, resumed for real: MXNet's own fields, and the position within the images."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hostile_runs import ON_REQUEST, copy_into, done_or_refused, fresh_copy, resumed, train_in
from hostile_values import shown, variants, with_other_arrays

from monklite.backends import array_files
from monklite.catalog.backends import BUILT_IN
from monklite.errors import DamagedFile
from monklite.runs.file_names import RESUME
from monklite.runs.workspace import Workspace


@pytest.fixture(scope="module", params=BUILT_IN)
def trained(request: pytest.FixtureRequest, patterns: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained run of each backend."""
    return train_in(tmp_path_factory.mktemp(request.param), patterns, request.param)


@pytest.fixture
def backend(trained: Path, request: pytest.FixtureRequest) -> str:
    return request.node.callspec.params["trained"]


@pytest.fixture
def space(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.chdir(tmp_path)
    return copy_into(tmp_path, trained)


@pytest.fixture
def saved(space: Workspace) -> Path:
    return space.versions("p", "e")[0].models / RESUME


POSITIONS = {
    "more images than there are": ({"images": 1000, "steps": [[1.0, 1.0, 1000]]}, "has 1000 images of an epoch"),
    "one image more": ({"images": 26, "steps": [[1.0, 1.0, 26]]}, "has 26 images of an epoch"),
    "larger batches": ({"batch_size": 9}, "has 9 images in a batch, and the run has 8"),
    "a huge batch": ({"batch_size": 10**18}, "has 1000000000000000000 images in a batch"),
}


@pytest.mark.parametrize(("change", "message"), POSITIONS.values(), ids=POSITIONS)
def test_a_position_beyond_the_images_is_refused(saved: Path, backend: str, change: dict, message: str) -> None:
    arrays, metadata = array_files.read(saved)
    array_files.write(saved, arrays, {**metadata, "notes": {**metadata["notes"], **change}})
    with pytest.raises(
        DamagedFile, match=rf"is of other images, or damaged: it {message}.* can be trained further"
    ) as caught:
        resumed(backend)
    assert len(str(caught.value)) <= 500


def test_a_position_within_the_images_is_resumed(saved: Path, backend: str) -> None:
    arrays, metadata = array_files.read(saved)
    within = {"images": 8, "steps": [[1.0, 1.0, 8]], "batch_size": 4}
    array_files.write(saved, arrays, {**metadata, "notes": {**metadata["notes"], **within}})
    resumed(backend)


def attack(saved: Path, space: Workspace, trained: Path, backend: str, stride: int) -> None:
    counts: Counter[str] = Counter()
    arrays, metadata = array_files.read(saved)
    # the names of MXNet's parameters differ from the others only in their numbers
    few = {
        key: dict(list(value.items())[:2]) if key in ("states", "counts") else value for key, value in metadata.items()
    }
    for number, (way, hostile, variant) in enumerate(variants(few)):
        if number % stride:
            continue
        whole = {
            key: {**metadata[key], **value} if key in ("states", "counts") and isinstance(value, dict) else value
            for key, value in variant.items()
        }
        counts["variants"] += 1
        array_files.write(saved, arrays, whole)
        counts["accepted"] += done_or_refused(lambda: resumed(backend), f"resume: {shown(way, hostile)}", counts)
        fresh_copy(trained, space)
    print(f"saved training of {backend}, every {stride}: {dict(counts)}")
    assert counts["refused"] and counts["accepted"]


@pytest.mark.parametrize("trained", ["mxnet"], indirect=True)
@pytest.mark.parametrize("stride", [37, pytest.param(10, marks=ON_REQUEST)])
def test_hostile_values_in_mxnets_saved_training(
    saved: Path, space: Workspace, trained: Path, backend: str, stride: int
) -> None:
    attack(saved, space, trained, backend, stride)


@pytest.mark.parametrize("trained", ["mxnet"], indirect=True)
@pytest.mark.parametrize("n_names", [1, pytest.param(3, marks=ON_REQUEST)])
def test_hostile_arrays_in_mxnets_saved_training(
    saved: Path, space: Workspace, trained: Path, backend: str, n_names: int
) -> None:
    counts: Counter[str] = Counter()
    arrays, metadata = array_files.read(saved)
    names = [*[n for n in arrays if n.startswith("optimizer.")][:3], *[n for n in arrays if n.startswith("model.")][:3]]
    for name in names[:n_names]:
        for i, changed in enumerate(with_other_arrays(arrays, name, np.full_like(arrays[name], np.nan))):
            array_files.write(saved, changed, metadata)
            done_or_refused(lambda: resumed(backend), f"{name} as number {i}", counts)
            fresh_copy(trained, space)
    print(f"arrays of MXNet's saved training: {dict(counts)}")
    assert counts["refused"]
