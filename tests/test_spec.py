"""The spec: JSON round trip, replace by dotted path, refusals."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from monklite.errors import InvalidType, InvalidValue, UnknownArgument
from monklite.spec import (
    DELIMITERS,
    LABEL_DELIMITERS,
    PRECISIONS,
    Choice,
    DataSpec,
    Folders,
    ModelSpec,
    Spec,
    Table,
    TrainingSpec,
    Transforms,
)

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | st.integers() | NUMBERS | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple))
PATHS = st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)
CHOICES = st.builds(Choice, name=st.text(), params=st.dictionaries(st.text(), VALUES, max_size=3))
CHAINS = st.lists(CHOICES, max_size=2).map(tuple)
TABLES = st.builds(
    Table,
    path=PATHS.filter(bool),
    csv=PATHS.filter(bool),
    delimiter=st.sampled_from(DELIMITERS),
    label_delimiter=st.sampled_from(LABEL_DELIMITERS),
)
SOURCES = TABLES | st.builds(Folders, path=PATHS.filter(bool))
SPECS = st.builds(
    Spec,
    backend=st.sampled_from(["pytorch", "mxnet"]),
    seed=st.integers(0, 2**31 - 1),
    data=st.builds(
        DataSpec,
        sources=st.lists(SOURCES, max_size=2).map(tuple),
        split=st.floats(0, 1, exclude_min=True, exclude_max=True),
        input_size=st.none() | st.integers(1, 4096),
        batch_size=st.none() | st.integers(1, 2**31 - 1),
        shuffle=st.booleans(),
        transforms=st.builds(Transforms, train=CHAINS, val=CHAINS, test=CHAINS),
    ),
    model=st.builds(
        ModelSpec,
        name=st.text(min_size=1),
        weights_path=st.lists(PATHS.filter(bool), max_size=2),
        freeze_layers=st.integers(0, 2**31 - 1),
        precision=st.sampled_from(PRECISIONS),
    ),
    training=st.builds(
        TrainingSpec, epochs=st.integers(1, 2**31 - 1), optimizer=st.none() | CHOICES, loss=st.none() | CHOICES
    ),
)
SGD = Choice(name="sgd", params={"learning_rate": 0.1, "momentum": 0.9})
REFUSED = [
    (
        "data.batch_size",
        "8",
        InvalidType,
        r"batch_size must be a whole number at least 1 or 'auto' or None, not '8' \(str\)",
    ),
    ("data.batch_size", 0, InvalidValue, "batch_size must be a whole number at least 1 or 'auto' or None, not 0"),
    ("data.batch_size", True, InvalidType, "batch_size must be a whole number"),
    ("data.input_size", 4097, InvalidValue, "input_size must be a whole number at least 1 and at most 4096"),
    ("data.split", 1.0, InvalidValue, "split must be a number above 0 and below 1, not 1.0"),
    ("data.split", None, InvalidType, "split must be a number above 0 and below 1, not None"),
    ("data.shuffle", 1, InvalidType, "shuffle must be True or False, not 1"),
    ("data.sources", ({"path": 3},), InvalidType, "path must be a path, not 3"),
    ("data.sources", ({"path": "a", "csv": "b", "delimiter": "#"},), InvalidValue, "delimiter must be one of ',', ';'"),
    ("data.sources", ({"path": "a"},) * 3, InvalidValue, r"data\.sources: .* at most 2"),
    ("model.name", "", InvalidValue, "name must be a string, not ''"),
    ("model.freeze_layers", -1, InvalidValue, "freeze_layers must be a whole number at least 0, not -1"),
    ("model.weights_path", "one.pth", InvalidType, "weights_path must be a list of values, each a path, not"),
    ("model.precision", "f32", InvalidValue, "precision must be one of .* not 'f32'. Did you mean 'float32'"),
    ("training.epochs", 0, InvalidValue, "epochs must be a whole number at least 1, not 0"),
    ("training.epochs", 1.0, InvalidType, "epochs must be a whole number at least 1, not 1.0"),
    ("training.optimizer", 8, InvalidValue, r"training\.optimizer: .* \(given: 8\)"),
    ("seed", -1, InvalidValue, "seed must be a whole number at least 0 and at most"),
    ("seed", 2**31, InvalidValue, "seed must be a whole number at least 0 and at most"),
    ("data", 8, InvalidValue, r"data: .* \(given: 8\)"),
]
UNKNOWN = [
    ("sed", "there is no setting 'sed'. Did you mean 'seed'?"),
    ("dta.batch_size", "there is no setting 'dta.batch_size'. Did you mean 'data'?"),
    ("data.batchsize", "there is no setting 'data.batchsize'. Did you mean 'batch_size'?"),
    ("training.optimizer.nme", "there is no setting 'training.optimizer.nme'. Did you mean 'name'?"),
    (
        "training.optimizer.params.learnin_rate",
        "there is no setting 'training.optimizer.params.learnin_rate'. Did you mean 'learning_rate'?",
    ),
    ("data.batch_size.x", "there is no setting 'data.batch_size.x'"),
    ("", "there is no setting ''"),
]


@given(SPECS)
def test_a_spec_goes_to_json_and_back_unchanged(spec):
    assert Spec.model_validate_json(spec.model_dump_json()) == spec
    assert Spec.model_validate(json.loads(spec.model_dump_json())) == spec


@given(SPECS)
def test_replacing_every_value_by_itself_changes_nothing(spec):
    paths = [f"{part}.{name}" for part in ("data", "model", "training") for name in type(spec.get(part)).model_fields]
    assert spec.replace({path: spec.get(path) for path in paths}) == spec


def test_nested_lists_in_the_parameters_of_a_choice_survive_json():
    choice = Choice(name="crop", params={"scale": [0.1, 1], "pairs": [(1, 2), [3]]})
    assert choice.params == {"scale": (0.1, 1), "pairs": ((1, 2), (3,))}
    assert Choice.model_validate_json(choice.model_dump_json()) == choice


def test_a_choice_prints_as_a_call():
    assert str(SGD) == "sgd(learning_rate=0.1, momentum=0.9)"


def test_replace_changes_what_it_names_and_nothing_else():
    before = Spec()
    after = before.replace({"data.batch_size": 8, "seed": 3, "training.optimizer": SGD})
    assert (after.data.batch_size, after.seed, after.training.optimizer) == (8, 3, SGD)
    assert after.replace({"data.batch_size": None, "seed": 0, "training.optimizer": None}) == before == Spec()


def test_replace_reaches_into_the_parameters_of_a_choice_and_leaves_the_old_spec_alone():
    before = Spec().replace({"training.optimizer": SGD})
    after = before.replace({"training.optimizer.params.learning_rate": 0.5})
    assert after.get("training.optimizer.params") == {"learning_rate": 0.5, "momentum": 0.9}
    assert before.get("training.optimizer.params.learning_rate") == 0.1


def test_a_wrong_value_is_refused_by_the_name_that_the_user_gave():
    names = {"training.epochs": "num_epochs"}
    with pytest.raises(InvalidValue, match=r"^num_epochs must be a whole number at least 1, not 0"):
        Spec().replace({"training.epochs": 0, "seed": 1}, names)
    with pytest.raises(InvalidType, match=r"^split must be a number"):
        Spec().replace({"data.split": "half"}, names)


def test_replace_makes_numpy_values_plain():
    assert type(Spec().replace({"data.batch_size": np.int64(8)}).data.batch_size) is int


@pytest.mark.parametrize(("path", "value", "error", "message"), REFUSED)
def test_a_wrong_value_is_refused_with_the_field_and_its_rule(path, value, error, message):
    with pytest.raises(error, match=message):
        Spec().replace({path: value})


@pytest.mark.parametrize("use", [lambda s, path: s.replace({path: 1}), lambda s, path: s.get(path)])
@pytest.mark.parametrize(("path", "message"), UNKNOWN)
def test_an_unknown_path_is_refused_with_what_was_probably_meant(path, message, use):
    with pytest.raises(UnknownArgument) as caught:
        use(Spec().replace({"training.optimizer": SGD}), path)
    assert str(caught.value) == message


@pytest.mark.parametrize(("part", "field"), [("data", "split"), ("model", "name"), ("training", "epochs")])
def test_a_spec_cannot_be_changed_in_place(part, field):
    with pytest.raises(ValidationError, match="frozen"):
        setattr(getattr(Spec(), part), field, 1)


def test_the_default_spec_leaves_to_the_recipe_what_depends_on_the_model():
    spec = Spec()
    left = ("data.input_size", "data.batch_size", "data.workers", "training.optimizer", "training.schedule")
    assert [spec.get(path) for path in left] == [None] * 5
