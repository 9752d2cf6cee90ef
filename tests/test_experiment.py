"""The settings that a run keeps, and the parts that a change makes again: copies, resumes, versions, seeds, freezing."""

from __future__ import annotations

import re
import shutil
import stat
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from test_prototype import SMALL, expert, state

from monklite import Prototype
from monklite.data import dataset_csv
from monklite.errors import DamagedFile, DatasetError, InvalidValue, NotReady
from monklite.runs import history
from monklite.runs.file_names import HISTORY, SAMPLES, STATE
from monklite.runs.history import read
from monklite.runs.workspace import Workspace
from monklite.training import early_stopping, engine


def interrupted(patterns: Path, monkeypatch: pytest.MonkeyPatch, epochs: int = 3, **data) -> None:
    """The experiment p/e, stopped after its first epoch."""
    from monklite.training.recording import Record

    original = Record.epoch_end

    def stop(self, loop, row):
        original(self, loop, row)
        raise KeyboardInterrupt

    ptf = expert(patterns, epochs=epochs)
    if data:
        ptf.update_dataset(**data)
    with monkeypatch.context() as patch:
        patch.setattr(Record, "epoch_end", stop)
        with pytest.raises(KeyboardInterrupt):
            ptf.Train()


def best(experiment: str = "e", version: int = 1) -> dict[str, torch.Tensor]:
    return Prototype("p", experiment, eval_infer=True, version=version, verbose=0).model.state_dict()


@pytest.mark.parametrize(
    "change",
    [lambda p: p.update_freeze_base_network(True), lambda p: p.Freeze_Layers(3), lambda p: p.update_use_gpu(False)],
)
def test_a_copy_keeps_its_weights_whatever_is_frozen(workspace: Path, patterns: Path, change) -> None:
    expert(patterns).Train()
    ptf = Prototype("p", "copy", copy_from=["p", "e"], verbose=0)
    change(ptf) if change.__code__.co_names[0] != "Freeze_Layers" else (ptf.Reload(), change(ptf))
    ptf.Reload()
    assert torch.equal(ptf.model.state_dict()["classifier.1.weight"], best()["classifier.1.weight"])
    assert state("copy").model.weights == "copied from p/e/v001"


def test_a_copy_with_another_network_says_that_it_starts_anew(workspace: Path, patterns: Path, capsys) -> None:
    expert(patterns).Train()
    ptf = Prototype("p", "copy", copy_from=["p", "e"])
    ptf.update_model_name("squeezenet1_0")
    ptf.Reload()
    assert "the weights of p/e/v001 are not copied: the model is squeezenet1_0 now" in capsys.readouterr().out


def test_a_second_training_of_a_copy_keeps_its_origin(workspace: Path, patterns: Path) -> None:
    expert(patterns).Train()
    ptf = Prototype("p", "copy", copy_from=["p", "e"], verbose=0)
    ptf.update_save_intermediate_models(False)
    ptf.Train()
    ptf.Train()
    assert state("copy", 2).origin == ("p", "e", 1)


def test_a_changed_copy_gets_the_recipe_that_fits(workspace: Path, patterns: Path) -> None:
    ptf = Prototype("p", "e", verbose=0)
    ptf.Dataset_Params(patterns, **SMALL)
    ptf.Dataset()
    ptf.Model_Params("squeezenet1_1", freeze_base_network=True, use_pretrained=False)
    ptf.Training_Params(1, save_intermediate_models=False)
    ptf.Train()
    copy = Prototype("p", "copy", copy_from=["p", "e"], verbose=0)
    copy.update_freeze_base_network(False)
    assert state().spec.training.optimizer.params["learning_rate"] == 1e-3
    assert copy._experiment.resolved().training.optimizer.params["learning_rate"] == 1e-4


def test_an_optimizer_that_was_asked_for_is_copied_whatever_the_recipe_says(workspace: Path, patterns: Path) -> None:
    """Also where it is the recipe's own for the run that is copied, and another for the copy."""
    ptf = Prototype("p", "e", verbose=0)
    ptf.Dataset_Params(patterns, **SMALL)
    ptf.Dataset()
    ptf.Model_Params("squeezenet1_1", freeze_base_network=True, use_pretrained=False)
    ptf.optimizer_adam(1e-3)
    ptf.Training_Params(1, save_intermediate_models=False)
    ptf.Train()
    copy = Prototype("p", "copy", copy_from=["p", "e"], verbose=0)
    copy.update_freeze_base_network(False)
    copy.Train()
    optimizer = state("copy").resolved.training.optimizer
    assert (optimizer.name, optimizer.params["learning_rate"]) == ("adam", 1e-3)


def test_after_a_resumed_training_the_recipe_counts_again(workspace: Path, patterns: Path) -> None:
    expert(patterns).Train()
    ptf = Prototype("p", "e", resume_train=True, verbose=0)
    ptf.update_num_epochs(2)
    ptf.Train()
    ptf.Default(patterns, model_name="squeezenet1_1", use_pretrained=False, freeze_base_network=False, num_epochs=1)
    resolved = ptf._experiment.resolved()
    assert (resolved.data.input_size, resolved.data.batch_size) == (224, 16)
    assert resolved.training.schedule.name == "cosine_decrease"


def test_another_dataset_with_fewer_classes_gets_a_network_of_its_own(
    workspace: Path, patterns: Path, tmp_path
) -> None:
    for name in ("dots", "rings"):
        (tmp_path / "two" / name).mkdir(parents=True)
        for file in (patterns / name).iterdir():
            (tmp_path / "two" / name / file.name).write_bytes(file.read_bytes())
    ptf = expert(patterns)
    ptf.update_dataset(tmp_path / "two", split=0.7)
    ptf.Train()
    judge = Prototype("p", "e", eval_infer=True, verbose=0)
    assert judge.Infer(img_name=patterns / "dots" / "dots-000.png", return_raw=True)["raw"].keys() == {"dots", "rings"}


def test_a_copy_with_another_split_says_that_its_weights_have_seen_the_validation(
    workspace: Path, patterns: Path, capsys
) -> None:
    expert(patterns).Train()
    ptf = Prototype("p", "copy", copy_from=["p", "e"])
    ptf.update_split_seed(7)
    ptf.Reload()
    assert "whose weights are copied, was trained on" in capsys.readouterr().out


def test_copies_with_other_seeds_are_compared_on_the_same_images(workspace: Path, patterns: Path) -> None:
    expert(patterns).Train()
    fingerprints = {Workspace().find("p", "e").state().dataset.fingerprint}
    for seed in (1, 2):
        ptf = Prototype("p", f"seed-{seed}", copy_from=["p", "e"], verbose=0)
        ptf.update_seed(seed)
        ptf.Train()
        state = Workspace().find("p", f"seed-{seed}").state()
        assert (state.spec.seed, state.spec.data.split_seed) == (seed, 0)
        fingerprints.add(state.dataset.fingerprint)
    assert len(fingerprints) == 1


def test_a_test_set_that_was_not_read_is_not_that_of_before(workspace: Path, patterns: Path) -> None:
    expert(patterns).Train()
    ptf = Prototype("p", "e", eval_infer=True, verbose=0)
    ptf.Dataset_Params(patterns)
    ptf.Dataset()
    ptf.Evaluate()
    ptf.Dataset_Params(patterns / "none")
    with pytest.raises(NotReady, match="no test set yet"):
        ptf.Evaluate()


def test_what_is_not_given_stays(workspace: Path, patterns: Path) -> None:
    ptf = expert(patterns)
    ptf.update_seed(7)
    ptf.update_precision("float32")
    ptf.update_early_stopping(3)
    ptf.update_ema_decay(0.9)
    ptf.Training_Params(num_epochs=1)
    ptf.Train()
    training = state().spec.training
    assert (state().spec.seed, state().model.precision) == (7, "float32")
    assert (training.early_stopping, training.ema_decay) == (3, 0.9)
    again = Prototype("p", "e", resume_train=True, verbose=0)
    again.Training_Params(num_epochs=2, save_intermediate_models=False)
    again.Train()
    assert state().spec.training == training.model_copy(update={"epochs": 2, "save_intermediate_models": False})


def test_evaluation_outside_its_mode_says_how_to_get_there(workspace: Path, patterns: Path) -> None:
    ptf = expert(patterns)
    ptf.Train()
    with pytest.raises(
        NotReady, match=r"Switch_Mode\(eval_infer=True\), then Dataset_Params\(dataset_path='test folder'\)"
    ):
        ptf.Evaluate()


def test_the_workspace_is_no_class(patterns: Path, tmp_path: Path, monkeypatch) -> None:
    folder = Path(shutil.copytree(patterns, tmp_path / "data"))
    monkeypatch.chdir(folder)
    expert(Path()).Train()
    ptf = Prototype("p", "e", verbose=0)
    ptf.Dataset_Params(".", **SMALL)
    ptf.Dataset()
    assert state().dataset.classes == ("dots", "rings", "stripes")


def test_resuming_on_other_images_is_refused(workspace: Path, patterns: Path, tmp_path: Path, monkeypatch) -> None:
    val = Path(shutil.copytree(patterns, tmp_path / "val"))
    interrupted(patterns, monkeypatch, dataset_path=[patterns, val])
    image = val / "dots" / "dots-000.png"
    image.write_bytes((val / "rings" / "rings-000.png").read_bytes() + b"\0" * 999)
    with pytest.raises(DatasetError, match=r"the images of p/e/v001 have changed since it was trained"):
        Prototype("p", "e", resume_train=True, verbose=0).Train()


def test_resuming_on_an_image_of_the_same_size_with_other_bytes_is_refused(
    workspace: Path, patterns: Path, tmp_path: Path, monkeypatch
) -> None:
    folder = Path(shutil.copytree(patterns, tmp_path / "data"))
    image = folder / "dots" / "dots-000.png"
    whole = image.read_bytes()
    image.write_bytes(whole + b"\1")  # a decoder does not look behind the end
    interrupted(folder, monkeypatch)
    image.write_bytes(whole + b"\2")
    with pytest.raises(
        DatasetError, match=r"have changed since it was trained \(1, the first: dots/dots-000.png\): put"
    ):
        Prototype("p", "e", resume_train=True, verbose=0).Train()
    image.write_bytes(whole + b"\1")
    Prototype("p", "e", resume_train=True, verbose=0).Train()
    assert state().status == "done"


def test_other_settings_cannot_abandon_the_epoch_of_the_best_weights(
    workspace: Path, patterns: Path, monkeypatch
) -> None:
    interrupted(patterns, monkeypatch)
    run = Workspace().find("p", "e")
    run.update(
        results=run.state().results.model_copy(update={"best_epoch": 2, "epochs_completed": 2})
    )  # as if killed before the next save
    ptf = Prototype("p", "e", resume_train=True, verbose=0)
    words = r"p/e/v001 resumes after epoch 1, but its best weights are of epoch 2, .*: resume it without changes first, or copy"
    with pytest.raises(NotReady, match=words):
        ptf.update_num_epochs(5)
    ptf.Train()
    assert state().results.epochs_completed == 3


def test_the_record_of_the_network_is_of_how_it_was_trained(workspace: Path, patterns: Path) -> None:
    ptf = expert(patterns)
    ptf.optimizer_adamax(0.001)  # set after the network was built
    before = state().model
    ptf.Train()
    after = state().model
    assert (before.methods, after.methods) == (("channels last", "fused optimizer"), ("channels last",))
    assert after == before.model_copy(update={"methods": after.methods})


def test_two_folders_keep_their_images_when_files_are_added(
    workspace: Path, patterns: Path, tmp_path: Path, monkeypatch
) -> None:
    val = Path(shutil.copytree(patterns, tmp_path / "val"))
    interrupted(patterns, monkeypatch, dataset_path=[patterns, val])
    shutil.copy(val / "dots" / "dots-000.png", val / "dots" / "new.png")
    Prototype("p", "e", resume_train=True, verbose=0).Train()
    assert state().dataset.val_counts == (12, 12, 12)


@pytest.mark.parametrize("content", [None, "epoch,learning_rate\n", "\x00\x00", ""])
def test_a_lost_history_is_restored_from_the_saved_state(
    workspace: Path, patterns: Path, monkeypatch, content: str | None
) -> None:
    interrupted(patterns, monkeypatch)
    file = Workspace().find("p", "e").logs / HISTORY
    first = read(file)
    file.unlink() if content is None else file.write_text(content)
    Prototype("p", "e", resume_train=True, verbose=0).Train()
    assert read(file)[:1] == first
    assert len(read(file)) == 3


def test_a_finished_run_can_be_extended(workspace: Path, patterns: Path, capsys) -> None:
    expert(patterns, epochs=2).Train()
    before = read(Workspace().find("p", "e").logs / HISTORY)
    ptf = Prototype("p", "e", resume_train=True)
    assert (
        "p/e/v001 has 2 epochs already: to train it further, call update_num_epochs(more than 2)"
        in capsys.readouterr().out
    )
    ptf.update_num_epochs(4)
    ptf.Train()
    after = read(Workspace().find("p", "e").logs / HISTORY)
    assert (len(after), after[:2]) == (4, before)
    assert (state().status, state().spec.training.epochs) == ("done", 4)


def test_an_extended_run_is_that_of_all_epochs_at_once(workspace: Path, patterns: Path) -> None:
    expert(patterns, experiment="whole", epochs=4).Train()
    expert(patterns, experiment="parts", epochs=2).Train()
    ptf = Prototype("p", "parts", resume_train=True, verbose=0)
    ptf.update_num_epochs(4)
    ptf.Train()
    whole, parts = (Workspace().find("p", name).models for name in ("whole", "parts"))
    for file in ("final", "best_model"):
        assert (whole / file).read_bytes() == (parts / file).read_bytes()


def test_a_training_stopped_early_is_finished_and_can_be_let_go_on(
    workspace: Path, patterns: Path, monkeypatch, capsys
) -> None:
    monkeypatch.setattr(
        early_stopping, "_rank", lambda row, figure: -row.epoch
    )  # nothing is ever better than the first
    expert(patterns, experiment="whole", epochs=4).Train()
    ptf = expert(patterns, epochs=4)
    ptf.update_early_stopping(2)
    ptf.Train()
    assert (state().status, state().results.epochs_completed, state().results.best_epoch) == ("done", 3, 1)
    run = Workspace().find("p", "e")
    assert len(read(run.logs / HISTORY)) == 3
    assert (run.models / "final").is_file()

    ptf = Prototype("p", "e", resume_train=True, verbose=1)
    words = (
        "p/e/v001 stopped early after 3 of 4 epochs: to train it further, call update_early_stopping(0, or more than 2)"
    )
    before = (run.folder / STATE).read_bytes()
    assert words in capsys.readouterr().out
    ptf.update_num_epochs(9)
    with pytest.raises(NotReady, match=re.escape(words.replace("of 4", "of 9"))):
        ptf.Train()
    assert (run.folder / STATE).read_bytes() == before  # what was refused is not remembered
    ptf = Prototype("p", "e", resume_train=True, verbose=0)
    ptf.update_early_stopping(0)
    ptf.Train()
    assert state().results.epochs_completed == 4
    for file in ("final", "best_model"):
        assert (run.models / file).read_bytes() == (Workspace().find("p", "whole").models / file).read_bytes()


def test_patience_that_was_lowered_is_told_as_it_stands(workspace: Path, patterns: Path, monkeypatch) -> None:
    monkeypatch.setattr(early_stopping, "_rank", lambda row, figure: -row.epoch)
    expert(patterns, epochs=4).Train()
    ptf = Prototype("p", "e", resume_train=True, verbose=0)
    ptf.update_early_stopping(1)
    words = (
        "p/e/v001 has 4 epochs already: to train it further, call update_num_epochs(more than 4) and "
        "update_early_stopping(0, or more than 3)"
    )
    with pytest.raises(NotReady, match=re.escape(words)):
        ptf.Train()


@pytest.mark.parametrize("lower", [lambda p: p.update_num_epochs(1), lambda p: p.update_early_stopping(1)])
def test_weights_of_half_an_epoch_are_never_the_last(workspace: Path, patterns: Path, monkeypatch, lower) -> None:
    def stop(loop, batch_done=engine.Loop._batch_done) -> None:
        loop.stop = loop.epoch == 2 if lower.__code__.co_names[0] == "update_early_stopping" else loop.epoch == 1
        batch_done(loop)

    monkeypatch.setattr(early_stopping, "_rank", lambda row, figure: -row.epoch)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(engine.Loop, "_batch_done", stop)
        expert(patterns, epochs=4).Train()
    run = Workspace().find("p", "e")
    before = (run.folder / STATE).read_bytes()
    ptf = Prototype("p", "e", resume_train=True, verbose=0)
    lower(ptf)
    with pytest.raises(
        NotReady, match=r"p/e/v001 stopped within epoch [23], and its weights belong to no finished epoch: set at"
    ):
        ptf.Train()
    assert (run.folder / STATE).read_bytes() == before
    Prototype("p", "e", resume_train=True, verbose=0).Train()
    assert state().results.epochs_completed == 4


@pytest.mark.parametrize(
    "change",
    [lambda p: p.update_num_epochs(9), lambda p: p.update_early_stopping(9), lambda p: p.update_learning_rate(1e-6)],
)
def test_a_history_ahead_of_the_saved_state_forbids_other_settings(
    workspace: Path, patterns: Path, monkeypatch, change
) -> None:
    """As a kill leaves it between the best weights and the results that name them."""
    interrupted(patterns, monkeypatch)
    run = Workspace().find("p", "e")
    first = read(run.logs / HISTORY)
    history.write(run.logs / HISTORY, [*first, replace(first[0], epoch=2, val_accuracy=1.0)])
    ptf = Prototype("p", "e", resume_train=True, verbose=0)
    with pytest.raises(
        NotReady, match=r"resumes after epoch 1, but its best weights are of epoch 2, .*'p', 'e', 1\]\)"
    ):
        change(ptf)
    ptf.update_save_intermediate_models(False)  # changes nothing that is computed
    ptf.Train()
    assert state().results.epochs_completed == 3


def test_extending_needs_more_epochs(workspace: Path, patterns: Path) -> None:
    expert(patterns, epochs=2).Train()
    before = (Workspace().find("p", "e").folder / STATE).read_bytes()
    ptf = Prototype("p", "e", resume_train=True, verbose=0)
    with pytest.raises(
        NotReady,
        match=r"has 2 epochs already: to train it further, call update_num_epochs\(more than 2\), then Train\(\)",
    ):
        ptf.Train()
    assert (Workspace().find("p", "e").folder / STATE).read_bytes() == before


def test_a_damaged_state_says_at_a_change_what_can_be_done(workspace: Path, patterns: Path, monkeypatch) -> None:
    interrupted(patterns, monkeypatch)
    file = Workspace().find("p", "e").models / "resume_state"
    file.write_bytes(file.read_bytes()[:50])
    ptf = Prototype("p", "e", resume_train=True, verbose=0)
    with pytest.raises(DamagedFile, match=r"its best weights can be trained further: .*copy_from=\['p', 'e', 1\]"):
        ptf.update_num_epochs(9)


def test_what_is_safe_may_be_changed_when_resuming(workspace: Path, patterns: Path, monkeypatch) -> None:
    interrupted(patterns, monkeypatch)
    ptf = Prototype("p", "e", resume_train=True, verbose=0)
    ptf.update_num_epochs(2)
    ptf.update_save_intermediate_models(False)
    rate = ptf._experiment.resolved().training.optimizer.params["learning_rate"] / 10
    ptf.update_learning_rate(rate)
    ptf.Train()
    assert state().spec.training.optimizer.params["learning_rate"] == rate
    assert len(read(Workspace().find("p", "e").logs / HISTORY)) == 2


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda p: p.update_batch_size(2), "data.batch_size"),
        (lambda p: p.update_model_name("resnet18"), "model.name"),
        (lambda p: p.update_seed(3), "seed"),
        (lambda p: p.update_input_size(64), "data.input_size"),
        (lambda p: p.optimizer_sgd(0.1), "training.optimizer"),
        (lambda p: p.update_ema_decay(0.9), "training.ema_decay"),
    ],
)
def test_what_is_not_safe_is_refused_when_resuming(workspace: Path, patterns: Path, monkeypatch, change, field) -> None:
    interrupted(patterns, monkeypatch)
    ptf = Prototype("p", "e", resume_train=True, verbose=0)
    with pytest.raises(NotReady, match=rf"a resumed run keeps its {field}.*copy it: Prototype\(..., copy_from="):
        change(ptf)
    ptf.Train()
    assert state().status == "done"


def test_images_that_moved_can_be_named_when_resuming(
    workspace: Path, patterns: Path, tmp_path: Path, monkeypatch
) -> None:
    here = Path(shutil.copytree(patterns, tmp_path / "here"))
    interrupted(here, monkeypatch)
    here.rename(tmp_path / "there")
    ptf = Prototype("p", "e", resume_train=True, verbose=0)
    ptf.update_dataset(tmp_path / "there", split=state().spec.data.split)
    ptf.Train()
    assert state().status == "done"


def test_resume_finds_the_interrupted_version(workspace: Path, patterns: Path, monkeypatch) -> None:
    interrupted(patterns, monkeypatch)
    Prototype("p", "e", verbose=0)
    resumed = Prototype("p", "e", resume_train=True, verbose=0)
    resumed.Train()
    assert state(version=1).status == "done"


def test_a_cell_that_resumes_can_be_run_again(workspace: Path, patterns: Path, monkeypatch) -> None:
    interrupted(patterns, monkeypatch)
    first = Prototype("p", "e", resume_train=True, verbose=0)
    second = Prototype("p", "e", resume_train=True, verbose=0)
    second.Train()
    assert first._experiment.run.taken_over
    assert state().status == "done"


def test_a_cell_that_opens_can_be_run_again(workspace: Path) -> None:
    kept = [Prototype("p", "e", verbose=0) for _ in range(4)]
    assert [p.name for p in sorted((workspace / "p" / "e").glob("v*"))] == ["v001"]
    assert [k._experiment.run.taken_over for k in kept] == [True, True, True, False]


def test_training_after_an_interruption_says_so(workspace: Path, patterns: Path, monkeypatch, capsys) -> None:
    interrupted(patterns, monkeypatch)
    ptf = Prototype("p", "e", resume_train=True, verbose=0)
    ptf._experiment.resuming = False
    ptf._experiment.say = print
    ptf._experiment.refresh()
    assert (
        "v001 is interrupted and stays as it is (Prototype(..., resume_train=True) resumes it)"
        in capsys.readouterr().out
    )


def test_a_replaced_head_is_trained(workspace: Path, patterns: Path) -> None:
    ptf = expert(patterns)
    ptf.model.classifier[1] = torch.nn.Conv2d(512, 3, kernel_size=1)
    before = ptf.model.classifier[1].weight.detach().clone()
    ptf.Train()
    assert not torch.equal(ptf.model.classifier[1].weight, before)


def test_a_resumed_run_keeps_the_record_of_its_first_weights(
    workspace: Path, patterns: Path, tmp_path: Path, monkeypatch
) -> None:
    expert(patterns).Train()
    weights = tmp_path / "own.safetensors"
    shutil.copy(Workspace().find("p", "e").models / "final", weights)
    shutil.rmtree(workspace / "p")
    import test_experiment

    original = test_experiment.expert
    monkeypatch.setattr(test_experiment, "expert", lambda *a, **k: _with_weights(original(*a, **k), weights))
    interrupted(patterns, monkeypatch)
    Prototype("p", "e", resume_train=True, verbose=0).Train()
    assert state().model.weights == "own.safetensors"


def _with_weights(ptf: Prototype, weights: Path) -> Prototype:
    ptf.update_model_path(weights)
    return ptf


def test_freezing_the_base_and_freezing_layers_do_not_contradict(workspace: Path, patterns: Path) -> None:
    ptf = expert(patterns)
    ptf.Freeze_Layers(5)
    ptf.update_freeze_base_network(True)
    ptf.Reload()
    assert state().model.trainable_layers == 1
    ptf.update_freeze_layers(0)
    ptf.Reload()
    assert state().model.trainable_layers == 1


def test_freezing_too_many_layers_changes_nothing(workspace: Path, patterns: Path) -> None:
    ptf = expert(patterns)
    with pytest.raises(InvalidValue, match=r"squeezenet1_1 has 26 layers: freeze at most 25, not 1000"):
        ptf.Freeze_Layers(1000)
    ptf.Train()
    assert state().status == "done"


@pytest.mark.parametrize("prefix", ["../evil_", "a/b", "x" * 260, "", "a\\b"])
def test_intermediate_models_stay_in_the_run(workspace: Path, prefix: str) -> None:
    with pytest.raises(InvalidValue, match=r"intermediate_model_prefix must be the beginning of a file name"):
        Prototype("p", "e", verbose=0).Training_Params(intermediate_model_prefix=prefix)


def test_a_test_set_may_have_one_class(workspace: Path, patterns: Path, tmp_path: Path) -> None:
    expert(patterns).Train()
    shutil.copytree(patterns / "rings", tmp_path / "test" / "rings")
    (tmp_path / "test" / "dots").mkdir()
    ptf = Prototype("p", "e", eval_infer=True, verbose=0)
    ptf.Dataset_Params(tmp_path / "test")
    ptf.Dataset()
    accuracy, classes = ptf.Evaluate()
    assert set(classes) == {"rings"}
    assert accuracy == pytest.approx(classes["rings"]["accuracy(%)"])


def test_weight_files_can_be_read_by_whoever_may_read_the_rest(workspace: Path, patterns: Path) -> None:
    expert(patterns).Train()
    run = Workspace().find("p", "e")
    modes = {
        stat.S_IMODE(p.stat().st_mode) for p in (run.models / "final", run.models / "best_model", run.logs / HISTORY)
    }
    assert len(modes) == 1


def test_class_weights_must_be_one_a_class(workspace: Path, patterns: Path) -> None:
    ptf = expert(patterns)
    ptf.loss_softmax_crossentropy(weight=[1, 2])
    with pytest.raises(InvalidValue, match=r"the loss has 2 class weights, and there are 3 classes"):
        ptf.Train()


def test_a_repaired_image_is_no_longer_listed(workspace: Path, patterns: Path, tmp_path: Path) -> None:
    images = Path(shutil.copytree(patterns, tmp_path / "images"))
    good = (images / "dots" / "dots-000.png").read_bytes()
    (images / "dots" / "dots-000.png").write_bytes(b"")
    ptf = Prototype("p", "e", verbose=0)
    ptf.Dataset_Params(images, **SMALL)
    ptf.Dataset()
    (images / "dots" / "dots-000.png").write_bytes(good)
    ptf.Dataset()
    run = Workspace().find("p", "e")
    assert (run.folder / "health.csv").read_text() == "subset,path,done,reason\n"
    assert (
        len(dataset_csv.read(run.folder / SAMPLES)["train"]) + len(dataset_csv.read(run.folder / SAMPLES)["val"]) == 36
    )


def test_a_wrong_method_name_is_explained(workspace: Path) -> None:
    with pytest.raises(AttributeError, match=r"Prototype has no 'Trian'. Did you mean 'Train'\?"):
        Prototype("p", "e", verbose=0).Trian()


def test_a_resumed_training_that_fails_again_holds_its_run_when_it_is_tried_again(
    workspace: Path, patterns: Path, monkeypatch
) -> None:
    interrupted(patterns, monkeypatch)
    ptf = Prototype("p", "e", resume_train=True, verbose=0)
    with monkeypatch.context() as patch:
        patch.setattr("monklite.training.engine.Loop.run", _fails)
        with pytest.raises(MemoryError):
            ptf.Train()
    seen = []
    with monkeypatch.context() as patch:
        patch.setattr("monklite.training.memory.Memory.train_start", lambda *_: seen.append(state().status))
        ptf.Train()
    assert seen == ["running"]
    assert state().status == "done"


def _fails(loop) -> None:
    raise MemoryError
