"""The error tree, and the one look-up of names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monklite import errors

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
