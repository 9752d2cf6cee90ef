"""Training states that others wrote, or that were damaged: loaded, or refused with monklite's own error."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from damage import DAMAGES
from hypothesis import given, settings
from hypothesis import strategies as st

from monklite import backends
from monklite.backends import array_files
from monklite.catalog import resolve
from monklite.catalog.backends import BUILT_IN
from monklite.errors import DamagedFile, MonkliteError
from monklite.spec import Spec
from monklite.tasks import SingleLabel
from monklite.testing.contract import CLASSES, SIDE, easy, plain
from monklite.training.position import Position

BACKENDS = tuple(BUILT_IN)

ODD = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 10**12), st.floats(), st.text(max_size=3), st.just([]), st.just({}),
    st.just([1, [2]]), st.just({"0": {"a": 1}}),
)  # fmt: skip


@pytest.fixture(scope="module", params=BACKENDS)
def saved(request, tmp_path_factory) -> tuple[Any, Path, array_files.NamedArrays, dict]:
    """A learner that has made a step, a file, and what its state holds."""
    values = {
        "backend": request.param,
        "model.name": "squeezenet1_1",
        "model.pretrained": False,
        "data.input_size": SIDE,
        "training.ema_decay": 0.9,
    }
    learner = backends.load(request.param).learner(
        resolve(Spec().replace(values)), SingleLabel(CLASSES), pretrained=False
    )
    images, labels = easy()
    learner.step(images, labels, plain())
    path = tmp_path_factory.mktemp("state") / "resume_state"
    learner.capture(Position(batch_size=12).to_dict()).write(path)
    return learner, path, *array_files.read(path)


def places(value: Any, before: tuple = ()) -> list[tuple]:
    """The way to every value in nested metadata."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [p for key, item in inner for p in ((*before, key), *places(item, (*before, key)))]


def load(learner: Any, path: Path) -> None:
    try:
        Position.from_dict(learner.load(path), str(path))
    except MonkliteError as error:
        assert str(path) in str(error)


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_notes_with_something_odd_are_taken_or_refused(saved, data) -> None:
    learner, path, arrays, metadata = saved
    changed = copy.deepcopy(metadata)
    *way, last = data.draw(st.sampled_from(places(metadata)))
    place = changed
    for key in way:
        place = place[key]
    if data.draw(st.booleans()) and isinstance(place, dict):
        del place[last]
    else:
        place[last] = data.draw(ODD)
    array_files.write(path, arrays, changed)
    load(learner, path)


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_a_state_that_lacks_an_array_or_has_another_is_taken_or_refused(saved, data) -> None:
    learner, path, arrays, metadata = saved
    changed, name = dict(arrays), data.draw(st.sampled_from(sorted(arrays)))
    if data.draw(st.booleans()):
        del changed[name]
    else:
        changed[name] = changed[data.draw(st.sampled_from(sorted(arrays)))]
    array_files.write(path, changed, metadata)
    load(learner, path)


@settings(deadline=None, max_examples=30)
@given(damage=DAMAGES)
def test_damaged_bytes_are_noticed(saved, damage) -> None:
    learner, path, arrays, metadata = saved
    array_files.write(path, arrays, metadata)
    path.write_bytes(damage(path.read_bytes()))
    try:
        learner.load(path)
    except DamagedFile as error:
        assert str(path) in str(error)
    else:  # what was hit says nothing: a blank, or the E of a number
        again, said = array_files.read(path)
        assert said == metadata
        assert all(
            np.array_equal(again[name], array, equal_nan=array.dtype.kind == "f") for name, array in arrays.items()
        )
