"""`experiment-state.json`: schema, golden file, damage."""

from __future__ import annotations

import json
import math
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from monklite.catalog import OPTIMIZERS, SCHEDULES, resolve
from monklite.catalog import stored as choices
from monklite.errors import DamagedFile
from monklite.records import ClassResult, DatasetRecord, ModelRecord, Results, Testing
from monklite.runs import state
from monklite.runs.state import RunState
from monklite.spec import Choice, Spec, Table, Transforms

GOLDEN = Path(__file__).parent / "golden"
FLIP = Choice(name="random_horizontal_flip", params={"probability": 0.5})
NORMALIZE = Choice(name="normalize", params={"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)})
RESULTS = Results(
    epochs_completed=10,
    train_accuracy=0.91,
    train_loss=0.31,
    val_accuracy=0.84,
    val_loss=0.42,
    best_val_accuracy=0.8733333333333333,
    best_epoch=7,
    train_seconds=83.25,
    images_per_second=215.5,
    gpu_process_mib=1532.0,
    gpu_framework_mib=812.25,
    process_mib=2210.5,
    batch_size=8,
    figure="f1",
    best_val_figure=0.79,
    only_prediction="dog",
)
ASKED = Spec().replace(
    {
        "backend": "pytorch",
        "seed": 7,
        "data.sources": (
            Table(
                path="data/train",
                csv="data/train.csv",
                delimiter=";",
                path_column="photo",
                label_column="breed",
                reading=2,
            ),
            Table(
                path="data/val",
                csv="data/val.csv",
                delimiter=";",
                label_delimiter="|",
                path_column="file",
                label_column="tags",
                reading=2,
            ),
        ),
        "data.split": 0.7,
        "data.split_seed": 5,
        "data.group": "patient",
        "data.input_size": 256,
        "data.shuffle": False,
        "data.transforms": Transforms(train=(FLIP, NORMALIZE), val=(NORMALIZE,), test=(NORMALIZE,)),
        "model.name": "resnet50",
        "model.pretrained": False,
        "model.weights_path": ("weights.safetensors",),
        "model.freeze_base": False,
        "model.freeze_layers": 3,
        "model.use_gpu": False,
        "model.precision": "bfloat16",
        "model.compile": True,
        "model.deterministic": True,
        "training.epochs": 12,
        "training.optimizer": Choice(name="sgd", params={"learning_rate": 0.01, "momentum": 0.9}),
        "training.loss": Choice(name="sigmoid_binary_crossentropy", params={"weight": None, "batch_axis": 0}),
        "training.save_intermediate_models": True,
        "training.intermediate_prefix": "step_",
    }
)
BY_RECIPE = {
    "data.batch_size": 16,
    "data.workers": 4,
    "training.schedule": Choice(name="multistep_decrease", params={"milestones": (4, 8), "gamma": 0.1}),
}
SMOOTHED = Choice(name="softmax_crossentropy", params={"weight": None, "label_smoothing": 0.1})
ADDED = {
    "leaks",
    "tags",
    "notes",
    # of one set of images; this run has two
    "folds",
    "fold",
    "operating_point",
    "point_figures",
    "unsure",
    "validation",
    "source",
    "head_epochs",
    "layer_rates",
    "early_stopping",
    "ema_decay",
    "converted",
    "enlarged",
    "copies",
    "leaked",
    "conflicting",
    "near_leaked",
    "near_copies",
    "near_conflicting",
    "near_differences",
    "giveaways",
    "stored_size",
    "stored_views",
    "label_columns",
    "weighted_sampling",
    "thresholds",
    "resizing",
    "mixup",
    "cutmix",
    "views",
    "layers",
    "initializer",
    "appended",
    "methods",
    "evaluation",
}  # since, each with a default
LEFT_TO_THE_RECIPE = {"batch_size", "workers", "schedule"}
FULL = RunState(
    project="lungs",
    experiment="frozen-base",
    version=2,
    status="failed",
    tags=("baseline",),
    notes=("the lower lobe\nis missed",),
    created="2026-11-20T08:15:00+00:00",
    started="2026-11-20T08:16:00+00:00",
    ended="2026-11-20T08:18:00+00:00",
    error="TrainingFailed: the training loss became nan",
    origin=("lungs", "first-try", 1),
    asked=ASKED,
    resolved=resolve(ASKED).replace(BY_RECIPE),
    environment={"monklite": "0.1.0", "processors": 4, "git": {"commit": "0a1b2c", "changed": True}},
    dataset=DatasetRecord(
        classes=("cat", "dog"),
        train_counts=(70, 50),
        val_counts=(30, 20),
        fingerprint="5d41402abc4b2a76b9719d911017c592",
        label_type="multiple",
        train_images=110,
        val_images=48,
        unreadable=2,
        passed_over=1,
        levels=(("float", -1.0, 1.0), ("integer", 0.0, 4095.0)),
        groups=61,
        content="b1946ac92492d2347c6235b4d2611184",
    ),
    model=ModelRecord(
        parameters=23512130,
        trainable_parameters=4098,
        layers=107,
        trainable_layers=1,
        weights="IMAGENET1K_V2",
        device="cuda:0 (NVIDIA T4)",
        precision="bfloat16",
    ),
    results=RESULTS,
    testing=Testing(
        dataset_path="data/test",
        fingerprint="7d793037a0760186574b0282f2f435e7",
        weights="best_model",
        num_images=40,
        num_correct=34,
        accuracy=0.85,
        interval=(0.709, 0.929),
        majority_accuracy=0.6,
        classes={
            "cat": ClassResult(num_images=24, num_correct=21, num_false=3),
            "dog": ClassResult(num_images=16, num_correct=13, num_false=3),
        },
        confusion=((21, 3), (3, 13)),
        unreadable=1,
        figures={"f1": 0.87},
        only_prediction="cat",
        content="591785b794601e212b260e25925636fd",
        predictions="6f5902ac237024bdd0c176cb93063dc4",
        evaluation="test",
    ),
)
# their columns are the first two, as when they were written
OLD_TABLES = [Table(path=s.path, csv=s.csv, delimiter=s.delimiter, reading=1) for s in ASKED.data.sources]
OLD_TABLES_2 = [
    old.model_copy(update={"label_delimiter": s.label_delimiter})
    for old, s in zip(OLD_TABLES, ASKED.data.sources, strict=True)
]
FROM_1 = FULL.replace(
    tags=(),
    notes=(),
    dataset=FULL.dataset.model_copy(
        update={
            "label_type": "single",
            "train_images": None,
            "val_images": None,
            "levels": None,
            "content": "",
            "groups": None,
        }
    ),
    asked=ASKED.replace(
        {
            "data.sources": OLD_TABLES,
            "data.split_seed": 7,
            "data.group": "",
            "training.save_intermediate_models": False,
            "data.input_size": None,
            "training.schedule": BY_RECIPE["training.schedule"],
            "training.loss": SMOOTHED,
        }
    ),
    resolved=FULL.resolved.replace(
        {
            "data.sources": OLD_TABLES,
            "data.split_seed": 7,
            "data.group": "",
            "training.save_intermediate_models": False,
            "data.input_size": 224,
            "training.loss": SMOOTHED,
        }
    ),
    results=RESULTS.model_copy(update={"figure": "accuracy", "best_val_figure": None, "only_prediction": ""}),
    testing=FULL.testing.model_copy(
        update={
            "figures": {},
            "only_prediction": "",
            "content": "",
            "predictions": "",
            "evaluation": "",
            "classes": {name: c.model_copy(update={"num_false": None}) for name, c in FULL.testing.classes.items()},
        }
    ),
)
FROM_2 = FULL.replace(
    tags=(),
    notes=(),
    dataset=FULL.dataset.model_copy(update={"levels": None, "content": "", "groups": None}),
    asked=ASKED.replace(
        {
            "data.sources": OLD_TABLES_2,
            "data.split_seed": 7,
            "data.group": "",
            "training.save_intermediate_models": False,
        }
    ),
    resolved=FULL.resolved.replace(
        {
            "data.sources": OLD_TABLES_2,
            "data.split_seed": 7,
            "data.group": "",
            "training.save_intermediate_models": False,
        }
    ),
    results=RESULTS.model_copy(update={"only_prediction": ""}),
    testing=FULL.testing.model_copy(update={"only_prediction": "", "content": "", "predictions": "", "evaluation": ""}),
)
SMALL = RunState(project="p", experiment="e", version=1, created="2026-11-20T08:15:00+00:00")


def golden(schema: int) -> Path:
    return GOLDEN / f"state-schema-{schema}.json"


def differs_from_default(record: object) -> set[str]:
    fields = type(record).model_fields
    return {name for name, field in fields.items() if getattr(record, name) == field.get_default()}


def test_every_schema_ever_released_is_kept_and_parses():
    assert [golden(n).is_file() for n in range(1, state.SCHEMA + 1)] == [True] * state.SCHEMA
    for n, expected in ((1, FROM_1), (2, FROM_2), (3, FULL)):
        assert state.parse(golden(n).read_text(encoding="utf-8"), golden(n).name) == completed(expected)


def completed(stored: RunState) -> RunState:
    """A state as it is read: what a choice lacks was added to its row later and has its default."""
    resolved = choices.checked(stored.resolved) if stored.resolved else None
    return stored.model_copy(update={"asked": choices.checked(stored.asked), "resolved": resolved})


def test_a_choice_that_was_stored_before_a_parameter_was_added_equals_the_same_choice_made_today():
    values = json.loads(golden(3).read_text(encoding="utf-8"))
    values["asked"]["training"]["schedule"] = {"name": "cosine_decrease", "params": {"min_lr": 0.0}}
    read = state.parse(json.dumps(values), "x").asked.training
    assert read.schedule == SCHEDULES["cosine_decrease"].choose("pytorch", {})
    assert read.optimizer == OPTIMIZERS["sgd"].choose("pytorch", {"learning_rate": 0.01, "momentum": 0.9})


def test_what_a_state_of_schema_1_had_from_the_recipe_is_left_to_it_again():
    """Its one spec held what was asked for and what the recipe gave alike; the number of processors is that of a machine."""
    asked = state.parse(golden(1).read_text(encoding="utf-8"), "x").asked
    assert (asked.data.input_size, asked.data.batch_size, asked.data.workers) == (None, None, None)
    values = json.loads(golden(1).read_text(encoding="utf-8"))
    values["spec"]["data"].update(input_size=200, batch_size=8)
    values["spec"]["training"]["schedule"] = {"name": "cosine_decrease", "params": {"min_lr": 0.0}}
    asked = state.parse(json.dumps(values), "x").asked
    assert (asked.data.input_size, asked.data.batch_size, asked.training.schedule) == (200, 8, None)


def test_a_state_of_schema_1_that_was_never_prepared_has_nothing_resolved():
    values = json.loads(golden(1).read_text(encoding="utf-8"))
    values["spec"]["data"].update(input_size=None, batch_size="auto", train_path=None, val_path=None)
    values["spec"]["model"].update(name="a network of the future")
    loaded = state.parse(json.dumps(values), "x")
    assert (loaded.resolved, loaded.asked.data.sources, loaded.asked.data.batch_size) == (None, (), "auto")


@pytest.mark.parametrize("path", sorted((GOLDEN / "earlier").iterdir()), ids=lambda path: path.stem)
def test_a_state_from_before_a_field_was_added_still_loads(path):
    text = path.read_text(encoding="utf-8")
    loaded = state.parse(text, path.name)
    assert (loaded.spec.model.name, loaded.results.best_epoch) == ("resnet50", 7)
    assert loaded.spec.model.compile == ('"compile"' in text)
    assert [(s.reading, s.path_column, s.label_column) for s in loaded.spec.data.sources] == 2 * [(1, None, None)]


def test_the_golden_file_fills_every_field():
    kept = {"schema_version", "backend", "label_delimiter", *LEFT_TO_THE_RECIPE} | ADDED
    records = [FULL, FULL.asked, FULL.asked.data, FULL.asked.model, FULL.asked.training, *FULL.asked.data.sources]
    records += [FULL.resolved, FULL.resolved.data, FULL.resolved.model, FULL.resolved.training]
    records += [FULL.dataset, FULL.model, FULL.results, FULL.testing]
    assert set().union(*map(differs_from_default, records)) <= kept


def test_the_state_is_still_written_as_in_the_golden_file():
    written = json.loads(FULL.to_json())
    assert written == json.loads(golden(state.SCHEMA).read_text(encoding="utf-8"))


@pytest.mark.parametrize("made", [FULL, SMALL], ids=["full", "small"])
def test_a_state_comes_back_unchanged(made):
    assert state.parse(made.to_json(), "x") == completed(made)
    assert state.parse(completed(made).to_json(), "x") == completed(made)


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan])
def test_a_loss_that_is_no_number_is_stored_as_valid_json_and_comes_back(number):
    made = SMALL.model_copy(update={"results": RESULTS.model_copy(update={"val_loss": number})})
    json.loads(made.to_json(), parse_constant=pytest.fail)
    assert state.parse(made.to_json(), "x").results.val_loss == pytest.approx(number, nan_ok=True)


def test_a_newer_schema_asks_for_an_upgrade_and_names_the_file():
    text = SMALL.to_json().replace(f'"schema": {state.SCHEMA}', '"schema": 99')
    with pytest.raises(
        DamagedFile,
        match=r"^w/p/e/v001\.json was written by a newer monklite \(schema 99, known: 3\); upgrade monklite$",
    ):
        state.parse(text, "w/p/e/v001.json")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", "null", '{"version": 1}', FULL.to_json()[:-200], '{"schema": 0}', '{"schema": "1"}']
)
def test_damaged_text_is_told_with_its_path(text):
    with pytest.raises(DamagedFile, match=r"^w/v001/state\.json is damaged"):
        state.parse(text, "w/v001/state.json")


@pytest.mark.parametrize("key", ["project", "experiment", "version", "created"])
def test_a_missing_key_is_named_with_the_path(key):
    values = json.loads(SMALL.to_json())
    del values[key]
    with pytest.raises(DamagedFile, match=f"^some/state is damaged: {key}: Field required"):
        state.parse(json.dumps(values), "some/state")


@pytest.mark.parametrize("key", ["created", "started", "ended"])
@pytest.mark.parametrize(
    "value", ["", "x", "yesterday", "2026-13-01", "9" * 39, "2026-11-20T08:15:00+99:99", "1e400", 0]
)
def test_a_date_that_is_none_is_refused(key, value):
    values = {**json.loads(FULL.to_json()), key: value}
    with pytest.raises(
        DamagedFile, match=rf"some/state is damaged: {key} must be a date and time such as '2026-11-20T08"
    ):
        state.parse(json.dumps(values), "some/state")


# the time itself is not in a test's name: processes that share the tests must have the same names
@pytest.mark.parametrize("value", ["2026-11-20", "2026-11-20T08:15:00", "2026-11-20T08:15:00Z", "now"])
def test_dates_as_iso_8601_has_them_are_taken_as_they_are(value):
    value = state.now() if value == "now" else value
    values = {**json.loads(FULL.to_json()), "created": value}
    assert state.parse(json.dumps(values), "some/state").created == value


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [("status", "lost", "status: Input should be 'new'"), ("asked", {"seed": -1}, "seed must be"), ("x", 1, "'x'")],
)
def test_a_value_that_breaks_its_rule_is_damage(key, value, message):
    values = {**json.loads(SMALL.to_json()), key: value}
    with pytest.raises(DamagedFile, match=f"some/state is damaged: .*{message}"):
        state.parse(json.dumps(values), "some/state")


def test_an_older_schema_goes_through_every_upgrade(monkeypatch):
    monkeypatch.setattr(state, "SCHEMA", 5)
    monkeypatch.setitem(state.UPGRADES, 3, lambda v: {**v, "experiment": v["experiment"] + "+4"})
    monkeypatch.setitem(state.UPGRADES, 4, lambda v: {**v, "experiment": v["experiment"] + "+5"})
    assert state.parse(SMALL.to_json(), "x").experiment == "e+4+5"


def test_there_is_an_upgrade_from_every_older_schema():
    assert set(state.UPGRADES) == set(range(1, state.SCHEMA))


def test_counts_are_summed_over_the_classes():
    assert (FROM_1.dataset.n_train, FROM_1.dataset.n_val) == (120, 50)
    assert (FULL.dataset.n_train, FULL.dataset.n_val) == (110, 48)


def test_now_is_utc_to_the_second():
    moment = datetime.fromisoformat(state.now())
    assert moment.utcoffset() == timedelta(0)
    assert moment.microsecond == 0


@pytest.mark.parametrize("text", ["\udcff", "\ud800 肺", "\x00\x1b", '"\\'])
def test_a_text_that_is_no_valid_unicode_is_stored_as_valid_json_and_comes_back(text):
    made = SMALL.model_copy(update={"error": text, "environment": {text: [math.inf, {"a": (text, math.nan)}]}})
    assert made.to_json().encode("utf-8")
    assert state.parse(made.to_json(), "x").error == text
    assert list(state.parse(made.to_json(), "x").environment) == [text]


@pytest.mark.parametrize("depth", [2_000, 200_000])
def test_a_state_that_is_nested_without_end_is_damage(depth):
    text = SMALL.to_json().replace('"environment": {}', f'"environment": {{"a": {"[" * depth}{"]" * depth}}}')
    with pytest.raises(DamagedFile, match="^some/state is damaged"):
        state.parse(text, "some/state")
