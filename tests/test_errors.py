"""The error tree, and the one look-up of names."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monklite import errors
from monklite.errors import MonkliteError, NotFound, shown, unknown
from monklite.rules import Number

BUILT_IN = {
    "UnknownName": LookupError,
    "UnknownArgument": TypeError,
    "InvalidType": TypeError,
    "InvalidValue": ValueError,
    "NotFound": FileNotFoundError,
    "DatasetError": ValueError,
    "UnreadableImage": ValueError,
    "NotReady": RuntimeError,
    "WeightsMismatch": ValueError,
    "PretrainedUnavailable": OSError,
    "MissingPackage": ImportError,
    "StorageError": OSError,
    "DamagedFile": ValueError,
    "TrainingFailed": RuntimeError,
    "OutOfMemory": RuntimeError,
    "ExportFailed": RuntimeError,
    "TrackerFailed": RuntimeError,
}
OPTIMIZERS = {"adam": 1, "adamw": 2, "sgd": 3, "nesterov_sgd": 4}


def test_the_table_above_names_every_error_class():
    defined = {n for n, c in vars(errors).items() if isinstance(c, type) and issubclass(c, errors.MonkliteError)}
    assert defined == {*BUILT_IN, "MonkliteError"}


@pytest.mark.parametrize(("name", "built_in"), BUILT_IN.items())
def test_every_error_is_caught_as_ours_and_as_the_built_in(name, built_in):
    for caught in (errors.MonkliteError, built_in):
        with pytest.raises(caught, match="what was given"):
            raise getattr(errors, name)("what was given")


def test_an_unreadable_image_is_a_dataset_error():
    assert issubclass(errors.UnreadableImage, errors.DatasetError)


def test_find_returns_the_value_under_a_known_name():
    assert errors.find("optimizer", "sgd", OPTIMIZERS) == 3


def test_an_unknown_name_names_the_nearest_and_lists_all():
    with pytest.raises(errors.UnknownName) as caught:
        errors.find("optimizer", "adm", OPTIMIZERS)
    assert str(caught.value) == (
        "no optimizer is called 'adm'. Did you mean 'adam'? Known: adam, adamw, nesterov_sgd, sgd"
    )


def test_a_name_like_no_other_gets_no_guess():
    with pytest.raises(errors.UnknownName, match=r"^no optimizer is called 'qqqqq'\. Known: adam, "):
        errors.find("optimizer", "qqqqq", OPTIMIZERS)


def test_an_empty_table_says_so():
    assert str(errors.unknown("project", "cats", [])) == "no project is called 'cats'. Known: (none)"


@pytest.mark.parametrize("name", [None, 3, ["sgd"], {}])
def test_a_name_that_is_no_text_is_unknown(name):
    with pytest.raises(errors.UnknownName, match="no optimizer is called"):
        errors.find("optimizer", name, OPTIMIZERS)


@pytest.mark.parametrize("name", ["NESTEROV_SGD", "nesterov-sgd", "Nesterov_sgd"])
def test_case_and_dashes_do_not_hide_the_nearest_name(name):
    assert errors.closest(name, OPTIMIZERS) == "nesterov_sgd"


def test_nothing_is_close_to_a_strange_word():
    assert errors.closest("zzz", OPTIMIZERS) is None


@given(st.text(), st.lists(st.text(min_size=1)))
def test_the_guess_is_always_one_of_the_known_names(name, known):
    guess = errors.closest(name, known)
    assert guess is None or guess in known


@pytest.mark.parametrize(
    "value",
    [b"x" * 5_000_000, "x" * 5_000_000, ["x" * 999] * 99_999, dict.fromkeys(range(9999), "x" * 999), 10**5000]
    + [np.zeros((99, 99, 3)), bytearray(5_000_000), {"x" * 999}, [[["x" * 99] * 99] * 99]],
    ids=lambda value: type(value).__name__,
)
def test_a_value_is_shown_in_one_short_line(value: object) -> None:
    assert len(shown(value)) <= 160
    assert "\n" not in shown(value)
    with pytest.raises(MonkliteError) as caught:
        Number(least=0, most=1)("share", value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("value", ["a", "a\nb  c", [1, 2], {"b": 1}, 0.5, None, b"x", True, Path("a")])
def test_a_short_value_is_shown_as_it_is(value: object) -> None:
    assert shown(value) == repr(value)


def test_a_message_of_any_length_is_cut_in_its_middle() -> None:
    error = NotFound("begins " + "x" * 10_000 + " ends")
    assert len(str(error)) == 1800
    assert str(error).startswith("begins ") and str(error).endswith(" ends")
    assert pickle.loads(pickle.dumps(error)).args == error.args


def test_a_name_of_any_length_is_unknown_quickly() -> None:
    error = unknown("model", "resnet" + "x" * 5_000_000, [f"resnet{i}" for i in range(99)])
    assert len(str(error)) < 600
