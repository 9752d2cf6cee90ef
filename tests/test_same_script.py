"""Trainings that begin again because nothing was saved, and scripts that are run again until their training is done."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_both_backends import equal, weights
from test_exactness import stopped
from test_prototype import SMALL, expert, state
from tiny_networks import build_tiny

from monklite import Prototype
from monklite.errors import InvalidType, InvalidValue, NotReady
from monklite.runs.file_names import FINAL, HISTORY, RESUME
from monklite.runs.history import read
from monklite.runs.workspace import Workspace
from monklite.training import engine
from monklite.training.checkpoints import Checkpoints

pytestmark = pytest.mark.above_backends


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    for backend in ("pytorch", "mxnet"):
        build_tiny(monkeypatch, backend)


def lost(ptf: Prototype, at: int = 2) -> None:
    """Train as if the process were killed at a batch, before anything was saved."""
    done, count = engine.Loop._batch_done, []

    def killed(loop: engine.Loop) -> None:
        count.append(1)
        if len(count) == at:
            raise KeyboardInterrupt
        done(loop)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(engine.Loop, "_batch_done", killed)
        ptf.Train()
    assert not Workspace().find("p", "e").has_saved_state()


def script(patterns: Path, backend: str = "pytorch", epochs: int = 2, model: str = "squeezenet1_1") -> Prototype:
    """The calls of a script, which are the same each time, up to `Train()`."""
    ptf = Prototype("p", "e", backend=backend, resume_train="auto", verbose=0)
    ptf.Default(patterns, model_name=model, use_pretrained=False, freeze_base_network=False, num_epochs=epochs)
    ptf.update_input_size(32)
    ptf.update_batch_size(8)
    ptf.Reload()
    ptf.apply_random_vertical_flip(train=True)
    ptf.optimizer_sgd(0.1)
    ptf.update_learning_rate(0.01)
    return ptf


# Nothing was saved


def test_a_training_that_saved_nothing_begins_at_its_beginning(workspace: Path, patterns: Path, backend: str) -> None:
    unbroken = expert(patterns, experiment="unbroken", epochs=2, backend=backend)
    unbroken.Train()
    lost(expert(patterns, epochs=2, backend=backend))
    resumed = Prototype("p", "e", resume_train=True, backend=backend, verbose=0)
    resumed.Train()
    assert [run.version for run in Workspace().versions("p", "e")] == [1]
    assert state().status == "done"
    assert equal(weights(unbroken), weights(resumed))


def test_it_says_so_and_takes_the_weights_of_the_run_that_was_copied_again(
    workspace: Path, patterns: Path, capsys
) -> None:
    expert(patterns, experiment="origin").Train()
    whole = Prototype("p", "whole", copy_from=["p", "origin"], verbose=0)
    whole.Train()
    lost(Prototype("p", "e", copy_from=["p", "origin"], verbose=0))
    resumed = Prototype("p", "e", resume_train=True)
    assert "p/e/v001 stopped before anything was saved: its training begins at its beginning" in capsys.readouterr().out
    resumed.Train()
    assert state().model.weights == "copied from p/origin/v001"
    assert equal(weights(whole), weights(resumed))


def test_an_attempt_that_is_lost_again_leaves_nothing_behind(workspace: Path, patterns: Path) -> None:
    unbroken = expert(patterns, experiment="unbroken")
    unbroken.Train()
    lost(expert(patterns))
    resumed = Prototype("p", "e", resume_train=True, verbose=0)
    lost(resumed)
    resumed.Train()
    assert equal(weights(unbroken), weights(resumed))


def test_a_network_that_was_changed_by_hand_is_not_begun_again_without_the_change(
    workspace: Path, patterns: Path
) -> None:
    import torch

    ptf = expert(patterns)
    ptf.model.classifier[0] = torch.nn.Linear(4, 4)
    lost(ptf)
    resumed = Prototype("p", "e", resume_train=True, verbose=0)
    with pytest.raises(NotReady, match=r"p/e/v001 was begun with another network \(\d+ of \d+ parameters trained, now"):
        resumed.Train()
    resumed.model.classifier[0] = torch.nn.Linear(4, 4)
    resumed.Train()
    assert state().status == "done"


def test_more_may_be_changed_in_a_new_version_where_nothing_was_saved(workspace: Path, patterns: Path) -> None:
    lost(expert(patterns))
    ptf = Prototype("p", "e", resume_train=True, verbose=0)
    with pytest.raises(NotReady, match=r"keeps its data.batch_size.*train a new version: Prototype\(project, exp"):
        ptf.update_batch_size(4)
    ptf.update_num_epochs(2)
    ptf.Train()
    assert state().results.epochs_completed == 2


def test_a_run_that_saved_something_is_never_begun_again(workspace: Path, patterns: Path) -> None:
    stopped(expert(patterns, epochs=2), 8)
    run = Workspace().find("p", "e")
    assert run.state().results is not None
    (run.models / RESUME).unlink()
    with pytest.raises(
        NotReady, match=r"p/e/v001 cannot be trained further: its state for resuming is not there.*copy"
    ):
        Prototype("p", "e", resume_train=True, verbose=0)


# The same script


def test_a_script_that_is_run_again_finishes_its_training_and_then_leaves_it(
    workspace: Path, patterns: Path, backend: str
) -> None:
    whole = script(patterns, backend)
    whole.Train()
    Workspace().find("p", "e").folder.parent.rename(workspace / "p" / "whole")
    lost(script(patterns, backend))
    stopped(script(patterns, backend), 5)
    stopped(script(patterns, backend), 3)
    last = script(patterns, backend)
    last.Train()
    assert [run.version for run in Workspace().versions("p", "e")] == [1]
    assert equal(weights(whole), weights(last))
    run = Workspace().find("p", "e")
    before = {p: p.stat().st_mtime_ns for p in run.folder.rglob("*") if p.is_file() and p.name[0] != "."}
    again = script(patterns, backend)
    again.Train()
    again.Train()
    assert equal(weights(whole), weights(again))
    assert {p: p.stat().st_mtime_ns for p in before} == before
    again.Switch_Mode(eval_infer=True)
    assert again.Infer(img_name=patterns / "dots" / "dots-000.png")["predicted_class"] in ("dots", "rings", "stripes")


def test_a_finished_script_says_that_nothing_is_trained(workspace: Path, patterns: Path, capsys) -> None:
    script(patterns).Train()
    ptf = script(patterns)
    ptf._console.verbose = 1
    ptf.Train()
    said = capsys.readouterr().out
    assert "p/e/v001 is trained already: nothing is trained again" in said
    assert "Best val Acc" in said and "Training Start" not in said


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda p: p.update_batch_size(4), "data.batch_size 8, and this script has 4"),
        (lambda p: p.update_seed(3), "seed 0, and this script has 3"),
        (lambda p: p.optimizer_adam(0.01), r"training.optimizer\S* .*sgd.*, and this script has .*adam"),
        (lambda p: p.reset_transforms(), r"data.transforms.train .*random_horizontal_flip.*, and this script has \(\)"),
    ],
)  # fmt: skip
def test_other_settings_are_refused(workspace: Path, patterns: Path, change, words: str) -> None:
    stopped(script(patterns), 2)
    ptf = script(patterns)
    change(ptf)
    for _ in range(2):
        with pytest.raises(NotReady, match=rf"p/e/v001 was begun with {words}.*resume_train='auto' is for the script"):
            ptf.Train()
    script(patterns).Train()
    assert state().status == "done"


def test_another_network_is_refused_of_a_finished_run_too(workspace: Path, patterns: Path) -> None:
    script(patterns).Train()
    with pytest.raises(NotReady, match=r"with model.name 'squeezenet1_1', and this script has 'squeezenet1_0'"):
        script(patterns, model="squeezenet1_0").Train()


def test_a_wrong_value_is_refused_at_once(workspace: Path, patterns: Path) -> None:
    stopped(script(patterns), 2)
    ptf = Prototype("p", "e", resume_train="auto", verbose=0)
    with pytest.raises(InvalidValue, match="batch_size must be a whole number at least 1 or 'auto' or None, not 0"):
        ptf.update_batch_size(0)


def test_more_epochs_extend_a_finished_run(workspace: Path, patterns: Path, capsys) -> None:
    script(patterns, epochs=1).Train()
    script(patterns, epochs=2).Train()
    assert (state().results.epochs_completed, state().spec.training.epochs) == (2, 2)
    assert [run.version for run in Workspace().versions("p", "e")] == [1]
    ptf = script(patterns, epochs=1)
    ptf._console.verbose = 1
    ptf.Train()
    assert "so these settings of this script change nothing: training.epochs" in capsys.readouterr().out
    assert state().spec.training.epochs == 2


def test_a_script_without_settings_goes_on_with_those_of_the_run(workspace: Path, patterns: Path, capsys) -> None:
    stopped(script(patterns), 2)
    Prototype("p", "e", resume_train="auto").Train()
    assert state().status == "done"
    assert "this script does not set" not in capsys.readouterr().out


def test_settings_that_a_script_does_not_mention_any_more_are_told(workspace: Path, patterns: Path, capsys) -> None:
    ptf = script(patterns)
    ptf.update_split_seed(5)
    stopped(ptf, 2)
    ptf = script(patterns)
    ptf._console.verbose = 1
    ptf.Train()
    assert "this script does not set data.split_seed 5, with which the run was begun" in capsys.readouterr().out
    assert state().spec.data.split_seed == 5


def test_a_pruned_run_is_finished_and_cannot_be_extended(workspace: Path, patterns: Path) -> None:
    script(patterns, epochs=1).Train()
    (Workspace().find("p", "e").models / RESUME).unlink()
    script(patterns, epochs=1).Train()
    with pytest.raises(NotReady, match=r"cannot be trained further: its state for resuming is not there"):
        script(patterns, epochs=2).Train()


def test_where_nothing_has_begun_auto_creates_an_experiment(workspace: Path, patterns: Path) -> None:
    Prototype("p", "e", verbose=0)
    ptf = Prototype("p", "e", resume_train="auto", verbose=0)
    ptf.Dataset_Params(patterns, **SMALL)
    ptf.Dataset()
    assert [run.version for run in Workspace().versions("p", "e")] == [1]
    assert state().status == "new"


def test_auto_is_the_newest_version_that_has_begun(workspace: Path, patterns: Path) -> None:
    stopped(expert(patterns, epochs=2), 2)
    expert(patterns).Train()
    Prototype("p", "e", verbose=0)
    Prototype("p", "e", resume_train="auto", verbose=0).Train()
    assert [run.state().status for run in Workspace().versions("p", "e")] == ["interrupted", "done", "new"]


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"resume_train": "autoo"}, InvalidType, "resume_train must be True, False or 'auto', not 'autoo'"),
        ({"resume_train": 1}, InvalidType, "resume_train must be True or False, not 1"),
        ({"resume_train": "auto", "eval_infer": True}, InvalidValue, "choose one of eval_infer and resume_train"),
        ({"resume_train": "auto", "version": 1}, InvalidValue, "use it with eval_infer, resume_train=True or summary"),
    ],
)  # fmt: skip
def test_wrong_openings(workspace: Path, arguments, kind, message: str) -> None:
    with pytest.raises(kind, match=message):
        Prototype("p", "e", verbose=0, **arguments)


def test_another_backend_is_refused(workspace: Path, patterns: Path) -> None:
    stopped(script(patterns), 2)
    with pytest.raises(InvalidValue, match="p/e/v001 was made with backend='pytorch'; resume it with the same"):
        Prototype("p", "e", backend="mxnet", resume_train="auto", verbose=0)


def test_a_kill_between_the_best_weights_and_the_state_loses_nothing(workspace: Path, patterns: Path) -> None:
    unbroken = expert(patterns, experiment="unbroken", epochs=2)
    unbroken.Train()

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Checkpoints, "_save", killed)
        expert(patterns, epochs=2).Train()
    assert Workspace().find("p", "e").is_trained()
    Prototype("p", "e", resume_train=True, verbose=0).Train()
    whole, again = (Workspace().find("p", name) for name in ("unbroken", "e"))
    assert (whole.models / FINAL).read_bytes() == (again.models / FINAL).read_bytes()
    assert len(read(again.logs / HISTORY)) == 2
