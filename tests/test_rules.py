"""Rules: what each accepts, what it refuses, and with which words."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from monklite.errors import InvalidType, InvalidValue
from monklite.rules import Flag, ListOf, Number, OneOf, OrNone, PathText, Rule, Text, Whole

COLOURS = OneOf(("red", "green"))
ACCEPTED = [
    (Number(), 2, 2.0),
    (Number(least=0), 0, 0.0),
    (Number(most=1), 1, 1.0),
    (Number(above=0, below=1), 0.5, 0.5),
    (Whole(), -3, -3),
    (Whole(least=1, most=3), 3, 3),
    (Flag(), True, True),
    (Flag(), False, False),
    (Text(), "a", "a"),
    (COLOURS, "red", "red"),
    (PathText(), "a/b", "a/b"),
    (PathText(), Path("a/b"), "a/b"),
    (ListOf(Whole()), [3, 1], (3, 1)),
    (ListOf(Whole()), [], ()),
    (ListOf(Whole()), np.array([1, 2]), (1, 2)),
    (ListOf(Whole(), increasing=True), (1, 2, 5), (1, 2, 5)),
    (ListOf(Number(), length=2), (0.5, 1), (0.5, 1.0)),
    (OrNone(Whole()), None, None),
    (OrNone(Whole()), False, None),
    (OrNone(Whole()), 0, 0),
]
PLAIN = [
    (Number(), np.float32(0.5), 0.5),
    (Number(), np.float64(0.5), 0.5),
    (Number(), np.int16(2), 2.0),
    (Whole(), np.int64(7), 7),
    (Whole(), np.uint8(7), 7),
    (Flag(), np.True_, True),
    (Flag(), np.False_, False),
    (Text(), np.str_("a"), "a"),
    (COLOURS, np.str_("red"), "red"),
    (PathText(), np.str_("a"), "a"),
    (ListOf(Number()), (np.float32(0.5), 1), (0.5, 1.0)),
]
WRONG_TYPE = [
    (Number(), True, "x must be a number, not True (bool)"),
    (Number(), np.True_, "x must be a number, not True (bool"),
    (Number(), "1", "x must be a number, not '1' (str)"),
    (Number(), 1j, "x must be a number, not 1j (complex)"),
    (Number(), None, "x must be a number, not None (NoneType)"),
    (Whole(), True, "x must be a whole number, not True (bool)"),
    (Whole(), 1.0, "x must be a whole number, not 1.0 (float)"),
    (Flag(), 1, "x must be True or False, not 1 (int)"),
    (Flag(), "yes", "x must be True or False, not 'yes' (str)"),
    (Text(), 3, "x must be a string, not 3 (int)"),
    (Text(), b"a", "x must be a string, not b'a' (bytes)"),
    (COLOURS, None, "x must be one of 'red', 'green', not None (NoneType)"),
    (PathText(), 3, "x must be a path, not 3 (int)"),
    (PathText(), b"a", "x must be a path, not b'a' (bytes)"),
    (ListOf(Whole()), "12", "x must be a list of values, each a whole number, not '12' (str)"),
    (ListOf(Whole()), 3, "x must be a list of values, each a whole number, not 3 (int)"),
    (ListOf(Whole()), {1: 2}, "x must be a list of values, each a whole number, not {1: 2} (dict)"),
    (ListOf(Whole()), [1, "2"], "x must be a list of values, each a whole number, not [1, '2'] (list)"),
    (OrNone(Whole()), True, "x must be a whole number or None, not True (bool)"),
]
WRONG_VALUE = [
    (Number(least=0), -1, "x must be a number at least 0, not -1"),
    (Number(most=1), 1.5, "x must be a number at most 1, not 1.5"),
    (Number(above=0), 0, "x must be a number above 0, not 0"),
    (Number(below=1), 1, "x must be a number below 1, not 1"),
    (Number(least=0, below=1), 1, "x must be a number at least 0 and below 1, not 1"),
    (Number(), math.nan, "x must be a number, not nan"),
    (Number(), -math.inf, "x must be a number, not -inf"),
    (Number(), 10**400, "x must be a number, not 1000"),
    (Whole(least=1), 0, "x must be a whole number at least 1, not 0"),
    (Whole(most=3), 4, "x must be a whole number at most 3, not 4"),
    (Text(), "", "x must be a string, not ''"),
    (COLOURS, "gren", "x must be one of 'red', 'green', not 'gren'. Did you mean 'green'?"),
    (COLOURS, "zzzz", "x must be one of 'red', 'green', not 'zzzz'"),
    (PathText(), "", "x must be a path, not ''"),
    (PathText(), "a\0b", r"x must be a path, not 'a\x00b'"),
    (PathText(), "a\udcff", r"x must be a path, not 'a\udcff'"),
    (ListOf(Whole(), length=2), [1], "x must be a list of 2 values, each a whole number, not [1]"),
    (ListOf(Whole(least=0)), [1, -1], "x must be a list of values, each a whole number at least 0, not [1, -1]"),
    (
        ListOf(Whole(), increasing=True),
        [1, 1],
        "x must be a list of values, each a whole number, each larger than the one before, not [1, 1]",
    ),
]


@pytest.mark.parametrize(("rule", "value", "plain"), [*ACCEPTED, *PLAIN])
def test_an_allowed_value_is_returned_in_its_plain_type(rule, value, plain):
    found = rule("x", value)
    assert found == plain
    assert type(found) is type(plain)


def test_the_items_of_a_list_become_plain_too():
    assert [type(v) for v in ListOf(Whole())("x", np.array([1, 2]))] == [int, int]


@pytest.mark.parametrize(("rule", "value", "message"), WRONG_TYPE)
def test_a_wrong_type_is_refused_with_value_rule_and_type(rule, value, message):
    with pytest.raises(InvalidType) as caught:
        rule("x", value)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(("rule", "value", "message"), WRONG_VALUE)
def test_a_wrong_value_is_refused_with_value_and_rule(rule, value, message):
    with pytest.raises(InvalidValue) as caught:
        rule("x", value)
    assert str(caught.value).startswith(message)


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_number_is_accepted_exactly_when_it_is_within_bounds(value, least, below):
    rule = Number(least=least, below=below)
    if least <= value < below:
        assert rule("x", value) == value
    else:
        with pytest.raises(InvalidValue, match=r"x must be a number at least .* and below "):
            rule("x", value)


@given(st.integers())
def test_a_whole_number_keeps_every_digit(value):
    assert Whole()("x", value) == value


@given(st.lists(st.integers()))
def test_increasing_means_strictly_increasing(values):
    rule = ListOf(Whole(), increasing=True)
    if values == sorted(set(values)):
        assert rule("x", values) == tuple(values)
    else:
        with pytest.raises(InvalidValue, match="each larger than the one before"):
            rule("x", values)


def test_a_rule_that_forgets_to_check_lets_nothing_pass():
    class Forgetful(Rule):
        def __str__(self):
            return "anything"

    with pytest.raises(InvalidType, match="x must be anything, not 3"):
        Forgetful()("x", 3)


def test_a_rule_stands_in_a_pydantic_annotation():
    from typing import Annotated

    adapter = TypeAdapter(Annotated[int, Whole(least=1)])
    assert adapter.validate_python(np.int64(2)) == 2
    with pytest.raises(ValueError, match="value must be a whole number at least 1, not 0"):
        adapter.validate_python(0)


def test_rules_of_the_same_bounds_are_equal():
    assert Number(least=0) == Number(least=0) != Number(least=1)
