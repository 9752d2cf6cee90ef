"""The search for the best settings: its space, its trials, and what is left of it when a process is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import optuna
import pytest

from monklite import Prototype
from monklite.catalog import rows
from monklite.errors import InvalidType, InvalidValue, MissingPackage, MonkliteError, UnknownArgument, UnknownName
from monklite.runs.heartbeat import read
from monklite.runs.workspace import Workspace
from monklite.sweeps import sweep
from monklite.sweeps.searching import space as spaces
from monklite.sweeps.searching import study as studies
from monklite.sweeps.searching.search import Pruning

RATE = "training.optimizer.params.learning_rate"
SPACE = {RATE: (1e-4, 1e-1, "log"), "training.loss.params.label_smoothing": (0.0, 0.2), "data.batch_size": [8, 16]}


def opened(patterns: Path, backend: str = "pytorch", **more: object) -> Prototype:
    ptf = Prototype("p", "e", backend=backend, verbose=0)
    ptf.Dataset_Params(patterns, split=0.7, input_size=32, batch_size=16)
    ptf.Model_Params("squeezenet1_1", freeze_base_network=True, use_pretrained=False)
    ptf.Training_Params(num_epochs=1, **more)
    return ptf


def trials_of(name: str = "e-search") -> list[optuna.trial.FrozenTrial]:
    file = Path("workspace/p") / name / studies.FILE
    return optuna.load_study(study_name=name, storage=f"sqlite:///{file}").get_trials()


def test_a_search_goes_on_repeats_nothing_and_opens_the_best(workspace: Path, patterns: Path, backend: str) -> None:
    first = opened(patterns, backend).Search(trials=2, space=SPACE)
    assert [trial.state for trial in first.trials] == ["trained", "trained"]
    made = {run.folder.name for run in Workspace().versions("p", "e-search")}
    ptf = opened(patterns, backend)
    found = ptf.Search(trials=3, space=SPACE)
    assert [t.number for t in found.trials] == [0, 1, 2] and found.trials[:2] == first.trials
    runs = Workspace().versions("p", "e-search")
    assert len(runs) == 3 and made < {run.folder.name for run in runs}
    values = {t.run: t.value for t in found.trials}
    assert values[found.best.folder.name] == max(values.values())
    assert found.figure.value == max(values.values())
    # what was trained is what was asked for
    for trial in found.trials:
        asked = Workspace().find("p", "e-search", trial.run).state().asked
        assert asked.training.optimizer.params["learning_rate"] == trial.values[RATE]
        assert asked.data.batch_size == json.loads(trial.values["data.batch_size"])
    assert f"Trial {found.best_number}" in found.sentence and "on others" in found.sentence
    assert "<table" in found._repr_html_() and Path(found.page).read_text(encoding="utf-8").count("<svg") >= 2
    # the best is an experiment of its own, and open
    (copy,) = Workspace().versions("p", "e-search-best")
    (state, trial) = copy.state(), found.best.state()
    assert (state.asked, state.results, state.created) == (trial.asked, trial.results, trial.created)
    assert state.notes == (f"trial {found.best_number} of a search: p/e-search/{found.best.folder.name}",)
    assert str(ptf._opened.run) == "p/e-search-best/v001" and found.experiment == "e-search-best"
    assert ptf.Infer(img_name=patterns / "dots" / "dots-003.png")["predicted_class"] in ("dots", "rings", "stripes")
    with pytest.raises(InvalidValue, match="is of another space, metric, setting or image already .* another name="):
        opened(patterns, backend).Search(trials=3, space={RATE: (1e-3, 1e-1, "log")})
    with pytest.raises(
        InvalidValue, match="is of another space, metric, setting or image already .metric: loss is new"
    ):
        opened(patterns, backend).Search(trials=3, space=SPACE, metric="loss")


def test_the_best_by_loss_is_not_corrected_by_a_figure(workspace: Path, patterns: Path) -> None:
    found = opened(patterns).Search(trials=2, space=SPACE, metric="loss")
    values = {trial.run: trial.value for trial in found.trials}
    assert values[found.best.folder.name] == min(values.values())
    assert np.isnan(found.corrected.value) and "judge it on a test set" in found.sentence


@pytest.mark.parametrize(
    ("space", "error", "message"),
    [
        ([], InvalidType, "space must be a dictionary"),
        ({}, InvalidType, "space must be a dictionary"),
        ({5: [1, 2]}, InvalidType, "named by a text"),
        ({"training.epohcs": [1, 2]}, UnknownArgument, "Did you mean 'epochs'"),
        ({"training.optimizer.params.lr": [0.1, 0.2]}, UnknownArgument, "has no argument 'lr'"),
        ({"model.name": ["resnet18", "resnet"]}, UnknownName, "space: model.name: no pytorch model is called 'resnet'"),
        ({"data.batch_size": [8]}, InvalidValue, "at least two different choices"),
        ({"data.batch_size": [8, 8]}, InvalidValue, "at least two different choices"),
        ({"data.batch_size": [8, {}]}, InvalidType, "texts, numbers, True, False or None"),
        ({"data.batch_size": (8,)}, InvalidType, "a list of choices, .low, high."),
        ({"data.batch_size": (16, 8)}, InvalidValue, "from a smaller to a larger number"),
        (
            {"data.batch_size": (0, 8)},
            InvalidValue,
            "space: data.batch_size: batch_size must be a whole number at least 1",
        ),
        ({RATE: (0.0, 1.0, "log")}, InvalidValue, "must begin above 0"),
        ({RATE: (0.1, 1.0, "linear")}, InvalidValue, "can only be 'log', not 'linear'"),
        ({RATE: (0.1, float("nan"))}, InvalidType, "must be numbers, not nan"),
        ({RATE: (-0.1, 0.1)}, MonkliteError, "learning_rate must be a number above 0"),
        ({RATE: (0.1, 0.2), spaces.RATE: (0.1, 0.2)}, InvalidValue, "not both"),
        ({"data.input_size": [8, 64]}, InvalidValue, "squeezenet1_1 needs images of at least"),
    ],
)
def test_a_space_that_cannot_be_used_is_refused_before_anything_is_trained(
    workspace, patterns, space, error, message
) -> None:
    with pytest.raises(error, match=message):
        opened(patterns).Search(trials=2, space=space)
    assert Workspace().versions("p", "e-search") == []


def test_other_arguments_are_checked(workspace: Path, patterns: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ptf = opened(patterns)
    for given, message in (
        ({"trials": 0}, "trials must be"),
        ({"time": "soon"}, "time must be a time with its unit"),
        ({"metric": "acuracy"}, "Did you mean 'accuracy'"),
        ({"metric": "f1"}, "is not computed for these images"),
        ({"seed": -1}, "seed must be"),
        ({"name": "a/b"}, "cannot be the experiment name"),
    ):
        with pytest.raises(MonkliteError, match=message):
            ptf.Search(**{"trials": 1, "space": SPACE, **given})
    monkeypatch.setattr(rows, "is_installed", lambda package: False)
    with pytest.raises(MissingPackage, match=r'pip install "monklite\[tune\]"'):
        ptf.Search(trials=1)


def test_the_usual_space_fits_the_network(workspace: Path, patterns: Path, backend: str) -> None:
    ptf = opened(patterns, backend)
    ptf.update_model_name("resnet18")
    ptf.update_input_size(96)
    found = {dimension.path: dimension for dimension in spaces.usual(ptf._experiment)}
    assert {spaces.RATE, "training.loss.params.label_smoothing", "augmentation", "model.freeze_base"} < set(found)
    assert found["model.name"].choices[0] == "resnet18" and len(found["model.name"].choices) > 1
    assert found["data.input_size"].choices == (64, 96, 128)
    # each of its ends is a setting that can be trained
    spaces.check(ptf._experiment, tuple(found.values()), {})
    # the rate is a multiple of that of the trial's own network
    usual = spaces.changes(ptf._experiment, {spaces.RATE: 1.0, "model.freeze_base": True})
    tenfold = spaces.changes(ptf._experiment, {spaces.RATE: 10.0, "model.freeze_base": True})
    rates = [changes["training.optimizer"].params["learning_rate"] for changes in (usual, tenfold)]
    assert rates[1] == pytest.approx(10 * rates[0])


def test_the_usual_space_of_a_network_of_layers_can_be_trained(workspace: Path, patterns: Path) -> None:
    ptf = opened(patterns)
    ptf.Dataset()
    network = [
        ptf.convolution(output_channels=4),
        ptf.relu(),
        ptf.global_average_pooling(),
        ptf.fully_connected(units=3),
    ]
    ptf.Compile_Network(network, data_shape=(3, 32, 32))
    spaces.check(ptf._experiment, spaces.usual(ptf._experiment), {})


def test_networks_of_ones_own_keep_their_layers(workspace: Path, patterns: Path) -> None:
    ptf = opened(patterns)
    ptf.append_dropout(0.5)
    ptf.append_linear(final_layer=True)
    assert "model.name" not in {dimension.path for dimension in spaces.usual(ptf._experiment)}


def training(values: list[float], epochs: int) -> SimpleNamespace:
    """A view of a training after these epochs."""
    rows = tuple(SimpleNamespace(epoch=i, figure=lambda name, v=v: v) for i, v in enumerate(values, 1))
    view = SimpleNamespace(history=rows, epoch=len(rows), epochs=epochs, stopped=[])
    view.stop = lambda after_epoch: view.stopped.append(after_epoch)
    return view


def test_a_trial_that_is_clearly_behind_is_ended_and_the_best_is_not(tmp_path: Path) -> None:
    study = optuna.create_study(direction="maximize", pruner=optuna.pruners.SuccessiveHalvingPruner())
    for accuracy in (0.7, 0.8, 0.75, 0.9):
        trial = study.ask()
        for epoch in (1, 2, 3):
            trial.report(accuracy, epoch)
            trial.should_prune()
        study.tell(trial, accuracy)
    for value, prune, ended in ((0.3, True, True), (0.95, True, False), (0.3, False, False)):
        pruning, seen = Pruning(study.ask(), "accuracy", prune), training([value], 3)
        pruning.epoch_end(seen)
        assert pruning.pruned == ended and seen.stopped == [True] * ended
    # in the last epoch there is nothing to save
    pruning, seen = Pruning(study.ask(), "accuracy", True), training([0.3], 1)
    pruning.epoch_end(seen)
    assert not pruning.pruned
    # a trial that goes on reports the epochs before, too; a loss that is not finite is no report
    pruning = Pruning(study.ask(), "accuracy", True)
    pruning.epoch_end(training([0.9, float("nan"), 0.95], 4))
    assert set(study.get_trials()[-1].intermediate_values) == {1, 3}


def test_processes_draw_different_values_and_a_repeated_call_the_same() -> None:
    def drawn(seed: int, number: int) -> float:
        study = optuna.create_study(sampler=studies.sampler(seed, number))
        return study.ask().suggest_float("x", 0, 1)

    assert drawn(0, 0) == drawn(0, 0)
    assert len({drawn(seed, number) for seed in (0, 1) for number in range(5)}) == 10


def test_a_combination_that_fails_is_told_and_counts(
    workspace: Path, patterns: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ptf = opened(patterns)
    changes = spaces.changes

    def failing(base: object, values: dict) -> dict:
        if len(values) > 1 and values["data.batch_size"] == 8:
            raise InvalidValue("these two do not fit")
        return changes(base, values)

    monkeypatch.setattr(spaces, "changes", failing)
    found = ptf.Search(trials=4, space=SPACE)
    problems = [t.problem for t in found.trials if t.state == "failed"]
    assert len(found.trials) == 4 and problems and {*problems} == {"these two do not fit"}
    assert "these two do not fit" in str(found.table)


def test_the_values_of_a_trial_that_was_stopped_are_the_next_ones(
    workspace: Path, patterns: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, object]] = []

    def stopped(base: object, project: str, trials: list[sweep.Trial], *rest: object, **more: object) -> None:
        seen.append(dict(trials[0].changes))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sweep, "run", stopped)
        with pytest.raises(KeyboardInterrupt):
            opened(patterns).Search(trials=1, space=SPACE)
    found = opened(patterns).Search(trials=1, space=SPACE)
    assert found.best.state().asked.training.optimizer == seen[0]["training.optimizer"]
    assert len(found.trials) == 1


def test_a_pruned_run_that_is_found_again_is_no_trained_one(
    workspace: Path, patterns: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    few = {"data.batch_size": [8, 16]}
    first = opened(patterns).Search(trials=1, space=few)
    first.best.tag(("pruned",))
    found = opened(patterns).Search(trials=5, space=few)
    assert {t.state for t in found.trials[1:] if t.values == first.trials[0].values} == {"pruned"}
    assert "Traceback" not in capfd.readouterr().err
    assert f"of {len(found.trials)}" in found.sentence


PROCESS = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from monklite.sweeps.searching import study
study.BEAT, study.SILENCE = 1, 3
from test_searching import SPACE, opened
ptf = opened(Path(sys.argv[2]))
ptf.update_num_epochs(int(sys.argv[3]))
ptf.Search(trials=5, space=SPACE, prune=False)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals of another kind")
def test_what_a_killed_process_began_is_finished_by_another(workspace: Path, patterns: Path) -> None:
    tests = Path(__file__).parent
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tests.parent), os.environ.get("PYTHONPATH", "")])}
    words = [sys.executable, "-c", PROCESS, str(tests), str(patterns), "40"]
    killed, other = (subprocess.Popen(words, env=variables) for _ in range(2))
    try:
        end = time.monotonic() + 200
        history: list[Path] = []
        while time.monotonic() < end:
            history = [
                p for p in Path("workspace/p/e-search").glob("v*/output/logs/history.csv") if _is_of(p, killed.pid)
            ]
            if history and history[0].read_text().count("\n") > 3:
                break
            time.sleep(0.05)
        killed.send_signal(signal.SIGKILL)
        assert killed.wait(30) == -signal.SIGKILL
        assert other.wait(400) == 0
    finally:
        killed.kill()
        other.kill()
    over = [trial for trial in trials_of() if studies.is_over(trial)]
    assert len(over) == 5 and all(trial.state.name == "COMPLETE" for trial in over)
    assert len({json.dumps(trial.params, sort_keys=True) for trial in over}) == 5
    # the killed trial's own run was resumed
    runs = Workspace().versions("p", "e-search")
    assert history[0].parents[2].name in {trial.user_attrs[studies.RUN] for trial in over}
    assert len(runs) == 5 and all(run.state().status == "done" for run in runs)


def _is_of(history: Path, pid: int) -> bool:
    """Whether a process holds the run of a history."""
    holder = read(history.parents[2])
    return holder is not None and holder.pid == pid
