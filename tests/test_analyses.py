"""Analyse and Analyse_*: one experiment per value, compared, and nothing that is finished is trained twice."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from tiny_networks import MODELS, open_tiny

from monklite import Prototype
from monklite.catalog import ANALYSES
from monklite.errors import InvalidType, InvalidValue, MonkliteError, UnknownName
from monklite.reports import comparison_charts
from monklite.runs.state import RunState
from monklite.runs.workspace import Workspace
from monklite.training.engine import Loop


@pytest.fixture
def ptf(workspace: Path, patterns: Path, monkeypatch: pytest.MonkeyPatch, backend: str) -> Any:
    """An open experiment with data and a tiny network, not trained."""
    return open_tiny(monkeypatch, backend, patterns)


def state(project: str, experiment: str) -> RunState:
    return Workspace("workspace").find(project, experiment).state()


def test_every_value_becomes_an_experiment_with_that_setting(ptf: Any) -> None:
    results = ptf.Analyse_Learning_Rates("rates", [0.1, 0.001], 100, num_epochs=1)
    assert list(results) == ["Learning_Rate_0.1", "Learning_Rate_0.001"]
    for name, rate in (("Learning_Rate_0.1", 0.1), ("Learning_Rate_0.001", 0.001)):
        run = state("rates", name)
        assert run.status == "done"
        assert run.resolved.training.optimizer.params["learning_rate"] == rate
        assert run.resolved.training.epochs == 1
        assert run.results.best_val_accuracy == results[name]["validation_accuracy"]
        assert results[name]["training_time"] > 0
    assert state("p", "e").status == "new", "the open experiment itself is not trained"
    assert Path("workspace/comparison/Comparison_rates/comparison.csv").is_file()


@pytest.mark.parametrize("backend", ["pytorch"])
def test_any_setting_is_analysed_and_a_wrong_one_refused_before_anything_is_trained(ptf: Any) -> None:
    path = "training.loss.params.label_smoothing"
    results = ptf.Analyse(path, [0.0, 0.1], num_epochs=1)
    assert list(results) == ["label_smoothing_0.0", "label_smoothing_0.1"]
    for name, value in (("label_smoothing_0.0", 0.0), ("label_smoothing_0.1", 0.1)):
        run = state("p-label_smoothing", name)
        assert (run.status, run.resolved.training.loss.params["label_smoothing"]) == ("done", value)
        assert run.results.best_val_accuracy == results[name]["validation_accuracy"]
    assert Path("workspace/comparison/Comparison_p-label_smoothing/comparison.csv").is_file()
    for field, values, message in (
        ("training.epohcs", [1, 2], "Did you mean 'epochs'"),
        (path, [0.0, 7.0], "label_smoothing must be"),
        (path, [], "values must be a list of values"),
        (path, [0.1, 0.1], "values has 0.1 twice"),
        ("data.batch_size", [4, "many"], "batch_size must be a whole number"),
        ("", [1], "field must be"),
    ):
        with pytest.raises(MonkliteError, match=message):
            ptf.Analyse(field, values, analysis_name="wrong")
    assert not Workspace("workspace").versions("wrong", "label_smoothing_0.0")


CALLS = {
    "Input_Sizes": ([32, 40], "data.input_size", [32, 40], ["Input_Size_32", "Input_Size_40"]),
    "Batch_Sizes": ([2, 6], "data.batch_size", [2, 6], ["Batch_Size_2", "Batch_Size_6"]),
    "Trainval_Splits": ([0.5, 0.8], "data.split", [0.5, 0.8], ["Trainval_split0.5", "Trainval_split0.8"]),
    "Freeze_Layers": ([0, 1], "model.freeze_layers", [0, 1], ["Freeze_Layers_0", "Freeze_Layers_1"]),
    "Optimizers": (["sgd", "adam"], "training.optimizer.name", ["sgd", "adam"], ["Optimizer_sgd", "Optimizer_adam"]),
    "Optimizers_With_LR": (
        [["sgd", 0.5], ["adam", 0.25]],
        "training.optimizer.params.learning_rate",
        [0.5, 0.25],
        ["Optimizer_sgd_LR_0.5", "Optimizer_adam_LR_0.25"],
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_each_analysis_changes_its_setting(ptf: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # the comparison is looked at above
    monkeypatch.setattr(comparison_charts, "CHARTS", ())
    values, path, expected, experiments = CALLS[name]
    ptf.update_learning_rate(0.01)
    results = getattr(ptf, f"Analyse_{name}")("project", values, 100, num_epochs=1)
    assert list(results) == experiments
    settings = [dict(_flat(state("project", experiment).resolved.model_dump())) for experiment in experiments]
    assert [setting[path] for setting in settings] == expected
    others = [
        {k: v for k, v in setting.items() if not k.startswith(path.removesuffix(".name"))} for setting in settings
    ]
    if name not in ("Optimizers", "Optimizers_With_LR"):
        assert others[0] == others[1], "nothing else changes"


def _flat(tree: Any, path: str = "") -> list[tuple[str, Any]]:
    if not isinstance(tree, dict):
        return [(path, tree)]
    return [pair for key, value in tree.items() for pair in _flat(value, f"{path}.{key}".lstrip("."))]


@pytest.mark.parametrize("backend", ["mxnet"])
def test_networks_are_compared_with_and_without_freezing(ptf: Any, backend: str) -> None:
    results = ptf.Analyse_Models("m", [[MODELS[backend], True, False], [MODELS[backend], False, False]], 100, 1)
    names = [f"Model_{MODELS[backend]}_({base}_base)_(uninitialized)" for base in ("freeze", "unfreeze")]
    assert list(results) == names
    assert [state("m", name).resolved.model.freeze_base for name in names] == [True, False]


@pytest.mark.parametrize("backend", ["mxnet"])
def test_a_call_that_is_repeated_trains_only_what_is_not_finished(ptf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[int] = []
    run, stop_in = Loop.run, [2]

    def counted(loop: Loop) -> None:
        trained.append(1)
        if len(trained) == stop_in[0]:
            raise KeyboardInterrupt
        run(loop)

    monkeypatch.setattr(Loop, "run", counted)
    with pytest.raises(KeyboardInterrupt):
        ptf.Analyse_Batch_Sizes("b", [2, 3, 4], 100, num_epochs=1)
    assert len(trained) == 2
    trained.clear()
    stop_in[0] = 0
    results = ptf.Analyse_Batch_Sizes("b", [2, 3, 4], 100, num_epochs=1)
    assert len(trained) == 2, "the first was finished"
    assert not any(math.isnan(figures["validation_loss"]) for figures in results.values())
    trained.clear()
    assert ptf.Analyse_Batch_Sizes("b", [2, 3, 4], 100, num_epochs=1) == results
    assert not trained
    ptf.Analyse_Batch_Sizes("b", [2], 100, num_epochs=2)
    assert len(trained) == 1, "other settings are another training"


@pytest.mark.parametrize("backend", ["pytorch"])
def test_a_training_that_fails_does_not_end_the_analysis(ptf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    step = Loop._step

    def not_finite(loop: Loop, batch: Any) -> Any:
        loss, correct = step(loop, batch)
        return (math.nan, correct) if loop.train.batch_size == 2 else (loss, correct)

    monkeypatch.setattr(Loop, "_step", not_finite)
    results = ptf.Analyse_Batch_Sizes("b", [2, 3], 100, num_epochs=1)
    assert math.isnan(results["Batch_Size_2"]["validation_accuracy"])
    assert state("b", "Batch_Size_2").status == "failed"
    assert results["Batch_Size_3"]["validation_accuracy"] >= 0


@pytest.mark.parametrize("backend", ["mxnet"])
def test_keep_none_removes_the_experiments_and_keeps_the_comparison(ptf: Any) -> None:
    results = ptf.Analyse_Batch_Sizes("b", [4], 100, num_epochs=1, state="keep_none")
    assert results["Batch_Size_4"]["validation_loss"] > 0
    assert Workspace("workspace").versions("b", "Batch_Size_4") == []
    assert Path("workspace/comparison/Comparison_b/val_accuracy.png").is_file()


@pytest.mark.parametrize("backend", ["mxnet"])
def test_a_share_of_the_images(ptf: Any) -> None:
    ptf.Analyse_Batch_Sizes("b", [4], 50, num_epochs=1)
    record = state("b", "Batch_Size_4").dataset
    assert (sum(record.train_counts) + sum(record.val_counts)) == 18, "half of the 12 images of each of three classes"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda p: p.Analyse_Learning_Rates("a", 0.1, 100), InvalidType, "lr_list must be a list of values, not 0.1"),
        (lambda p: p.Analyse_Learning_Rates("a", [], 100), InvalidType, "lr_list must be a list of values, not []"),
        (lambda p: p.Analyse_Learning_Rates("a", [0.1, -1], 100), InvalidValue, r"lr_list\[1\] must be a number above 0"),
        (lambda p: p.Analyse_Batch_Sizes("a", [4, 4], 100), InvalidValue, "batch_size_list has 4 twice"),
        (lambda p: p.Analyse_Batch_Sizes("a", [4], 0), InvalidValue, "percent_data must be a number above 0"),
        (lambda p: p.Analyse_Batch_Sizes("a", [4], 100, state="keep"), InvalidValue, "state must be "),
        (lambda p: p.Analyse_Models("a", ["resnet18"], 100), InvalidType, r"model_list\[0\] must be \[name, freeze"),
        (lambda p: p.Analyse_Models("a", [["resnet81", True, True]], 100), UnknownName, "resnet81"),
        (lambda p: p.Analyse_Optimizers("a", ["sdg"], 100), UnknownName, "Did you mean 'sgd'"),
        (lambda p: p.Analyse_Batch_Sizes("../a", [4], 100), InvalidValue, "cannot be the project name"),
    ],
)  # fmt: skip
def test_wrong_values_are_refused_before_anything_is_trained(
    ptf: Any, monkeypatch: pytest.MonkeyPatch, call: Any, error: type[Exception], message: str
) -> None:
    monkeypatch.setattr(Loop, "run", lambda loop: pytest.fail("trained"))
    with pytest.raises(error, match=message.replace("[]", r"\[\]") if "not []" in message else message):
        call(ptf)
    assert not Path("workspace/a").exists()


def test_every_analysis_of_monk_is_there() -> None:
    assert {f"Analyse_{name}" for name in ANALYSES} == {name for name in dir(Prototype) if name.startswith("Analyse_")}
    assert len(ANALYSES) == 8


@pytest.mark.parametrize("backend", ["mxnet"])
def test_a_value_that_the_network_cannot_be_built_with_does_not_end_the_analysis(ptf: Any, capsys: Any) -> None:
    ptf._console.verbose = 1
    results = ptf.Analyse_Input_Sizes("sizes", [16, 40], 100, num_epochs=1)
    assert math.isnan(results["Input_Size_16"]["training_loss"])
    assert results["Input_Size_40"]["training_loss"] > 0
    assert "Experiment failed  : " in capsys.readouterr().out


def test_networks_of_the_table_take_the_place_of_a_network_of_ones_own(ptf: Any, backend: str) -> None:
    layers = [ptf.convolution(output_channels=4), ptf.global_average_pooling(), ptf.fully_connected(units=3)]
    ptf.Dataset()
    ptf.Compile_Network(layers, data_shape=(3, 32, 32), use_gpu=False)
    results = ptf.Analyse_Models("m", [[MODELS[backend], False, False]], 100, 1)
    run = state("m", next(iter(results)))
    assert run.resolved.model.layers == ()
    assert run.resolved.model.name == MODELS[backend]


def test_a_copy_gives_its_weights_to_every_value(ptf: Any, backend: str) -> None:
    ptf.Train()
    copied = Prototype("p", "copy", copy_from=["p", "e"], backend=backend, verbose=0)
    copied.Analyse_Batch_Sizes("b", [4], 100, num_epochs=1)
    assert state("b", "Batch_Size_4").model.weights == "copied from p/e/v001"
