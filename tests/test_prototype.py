"""The façade: both forms, quick and expert mode, on small drawn images."""
# ruff: noqa: E501 (tables of calls and messages read best one a line)

from __future__ import annotations

import inspect
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from monklite import Prototype
from monklite.catalog import LOSSES, OPTIMIZERS, SCHEDULES, SETTINGS, TRANSFORMS
from monklite.data import dataset_csv
from monklite.errors import InvalidType, InvalidValue, NotReady, UnknownArgument, UnknownName
from monklite.pytorch_prototype import prototype
from monklite.runs.file_names import HISTORY, SAMPLES
from monklite.runs.state import RunState
from monklite.runs.workspace import Workspace

SMALL = {"input_size": 32, "batch_size": 8}


def expert(patterns: Path, project: str = "p", experiment: str = "e", epochs: int = 1, **opening) -> Prototype:
    """An untrained experiment, set up in expert mode for speed."""
    ptf = Prototype(project, experiment, **{"verbose": 0, **opening})
    ptf.Dataset_Params(dataset_path=patterns, split=0.67, **SMALL)
    ptf.apply_random_horizontal_flip(train=True)
    ptf.apply_normalize(train=True, val=True, test=True)
    ptf.Dataset()
    ptf.Model_Params(model_name="squeezenet1_1", freeze_base_network=False, use_pretrained=False)
    ptf.Model()
    ptf.optimizer_adam(0.0005)
    ptf.lr_fixed()
    ptf.loss_softmax_crossentropy()
    ptf.Training_Params(num_epochs=epochs, display_progress=False, save_intermediate_models=False)
    return ptf


def state(experiment: str = "e", version: int | None = None) -> RunState:
    return Workspace().find("p", experiment, version).state()


@pytest.fixture(scope="module")
def trained(patterns: Path, tmp_path_factory: pytest.TempPathFactory):
    """A workspace with the experiment p/e, trained for two epochs; other tests read it and make new versions."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        ptf = expert(patterns, epochs=2)
        ptf.Train()
        yield ptf


def test_quick_mode_in_monks_form(workspace: Path, patterns: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ptf = prototype(verbose=1)
    ptf.Prototype("p", "quick")
    ptf.Default(dataset_path=str(patterns), model_name="resnet18_v1", num_epochs=1, use_pretrained=False)
    ptf.Train()
    said = capsys.readouterr().out
    for title in (
        "Experiment Details",
        "Dataset Numbers",
        "Num train images: 24",
        "Optimizer",
        "Training Start",
        "Training End",
    ):
        assert title in said
    files = {p.name for p in (workspace / "p" / "quick" / "output" / "models").iterdir()}
    assert files == {"best_model", "final", "resume_state"}


def test_the_recorded_spec_holds_every_default(trained) -> None:
    spec = state().spec
    assert spec.data.batch_size == 8
    assert spec.data.workers is not None
    assert spec.training.optimizer is not None and spec.training.optimizer.params["beta2"] == 0.999
    assert spec.training.schedule is not None and spec.training.loss is not None


def test_the_run_records_what_it_was_made_with(trained) -> None:
    now = state()
    assert now.status == "done"
    assert now.environment["torch"] == torch.__version__
    assert now.dataset is not None and now.dataset.train_counts == (8, 8, 8)
    assert now.results is not None and now.results.epochs_completed == 2
    assert now.model is not None and now.model.parameters == sum(p.numel() for p in trained.model.parameters())


def test_the_live_objects_are_the_frameworks_own(trained) -> None:
    assert isinstance(trained.model, torch.nn.Module)
    assert isinstance(trained.criterion, torch.nn.CrossEntropyLoss)
    assert isinstance(trained.optimizer, torch.optim.Adam)


def test_a_changed_live_model_is_the_one_that_is_trained(workspace: Path, patterns: Path) -> None:
    ptf = expert(patterns)
    ptf.model.classifier[0].p = 0.0
    network = ptf.model
    ptf.Train()
    assert ptf.model is network
    assert ptf.model.classifier[0].p == 0.0


def test_evaluation_returns_percent_and_classes(trained, patterns: Path) -> None:
    ptf = prototype(verbose=0)
    ptf.Prototype("p", "e", eval_infer=True)
    ptf.Dataset_Params(dataset_path=patterns)
    ptf.Dataset()
    accuracy, classes = ptf.Evaluate()
    right = sum(c["num_correct"] for c in classes.values())
    assert accuracy == pytest.approx(100 * right / 36)
    assert set(classes) == {"dots", "rings", "stripes"}
    assert classes["dots"]["accuracy(%)"] == pytest.approx(100 * classes["dots"]["num_correct"] / 12)
    testing = state().testing
    assert testing is not None and testing.num_correct == right and testing.majority_accuracy == pytest.approx(1 / 3)


def test_every_test_prediction_is_kept(trained, patterns: Path) -> None:
    ptf = Prototype("p", "e", eval_infer=True, verbose=0)
    ptf.Dataset_Params(dataset_path=patterns)
    ptf.Dataset()
    ptf.Evaluate()
    rows = (Workspace().find("p", "e").evaluations / "test" / "predictions.csv").read_text().splitlines()
    assert rows[0] == "path,class,predicted,correct,p(dots),p(rings),p(stripes)"
    assert len(rows) == 37
    assert sum(map(float, rows[1].split(",")[4:])) == pytest.approx(1, abs=1e-4)


def test_test_classes_are_matched_by_name(trained, patterns: Path, tmp_path: Path) -> None:
    (tmp_path / "rings").symlink_to(patterns / "rings")
    (tmp_path / "stripes").symlink_to(patterns / "stripes")
    ptf = Prototype("p", "e", eval_infer=True, verbose=0)
    ptf.Dataset_Params(dataset_path=patterns)
    ptf.Dataset()
    _, everything = ptf.Evaluate()
    ptf.Dataset_Params(dataset_path=tmp_path)
    ptf.Dataset()
    _, two = ptf.Evaluate()
    assert two == {name: everything[name] for name in ("rings", "stripes")}


def test_one_image_and_a_folder_are_predicted_alike(trained, patterns: Path) -> None:
    ptf = Prototype("p", "e", eval_infer=True, verbose=0)
    several = ptf.Infer(img_dir=patterns / "dots", return_raw=True)
    single = ptf.Infer(img_name=patterns / "dots" / "dots-003.png", return_raw=True)
    assert [r["img_name"] for r in several] == [f"dots-{i:03d}.png" for i in range(12)]
    assert several[3]["predicted_class"] == single["predicted_class"]
    assert several[3]["score"] == pytest.approx(single["score"], abs=0.02)
    assert list(single["raw"]) == ["dots", "rings", "stripes"]
    assert 1 / 3 <= single["score"] <= 1


def test_inference_takes_the_best_weights(trained, patterns: Path) -> None:
    ptf = Prototype("p", "e", eval_infer=True, verbose=0)
    run = Workspace().find("p", "e")
    from monklite.backends.pytorch.weights import read_snapshot

    best = read_snapshot(run.models / "best_model")[0]
    assert np.array_equal(best["features.0.weight"], ptf.model.state_dict()["features.0.weight"].cpu())


def test_switching_to_evaluation_and_back(workspace: Path, patterns: Path) -> None:
    ptf = expert(patterns)
    ptf.Train()
    ptf.Switch_Mode(eval_infer=True)
    assert ptf.Infer(img_name=patterns / "dots" / "dots-000.png")["img_name"].endswith("dots-000.png")
    with pytest.raises(NotReady, match="evaluation mode"):
        ptf.Train()
    ptf.Switch_Mode(train=True)
    ptf.Train()
    assert state(version=2).status == "done"


def test_training_again_makes_a_new_version(trained, patterns: Path) -> None:
    before = (Workspace().find("p", "e", 1).folder / "output" / "logs" / HISTORY).read_bytes()
    ptf = expert(patterns)
    ptf.Train()
    newest = Workspace().find("p", "e")
    assert newest.version > 1
    assert (Workspace().find("p", "e", 1).folder / "output" / "logs" / HISTORY).read_bytes() == before
    assert (newest.folder.parent / "output").resolve() == newest.folder / "output"


def test_training_the_same_object_twice_keeps_the_first(workspace: Path, patterns: Path, capsys) -> None:
    ptf = expert(patterns)
    ptf.Train()
    first = state(version=1)
    ptf.verbose = ptf._console.verbose = 1
    ptf.Train()
    assert "v001 is trained and stays as it is; this goes into v002" in capsys.readouterr().out
    assert state(version=1) == first
    assert state(version=2).results.val_loss == first.results.val_loss


def test_the_same_seed_gives_the_same_weights_three_times(workspace: Path, patterns: Path) -> None:
    found = []
    for i in range(3):
        ptf = expert(patterns, experiment=f"e{i}")
        ptf.Train()
        found.append({n: t.clone() for n, t in ptf.model.state_dict().items()})
    assert all(torch.equal(found[0][n], other[n]) for other in found[1:] for n in found[0])


def test_a_resumed_run_equals_the_unbroken_one(workspace: Path, patterns: Path, monkeypatch) -> None:
    unbroken = expert(patterns, experiment="unbroken", epochs=3)
    unbroken.lr_cosine_decrease()
    unbroken.Train()
    broken = expert(patterns, experiment="broken", epochs=3)
    broken.lr_cosine_decrease()
    monkeypatch.setattr("monklite.training.recording.History.epoch_end", _stop_after_two(_original_epoch_end()))
    with pytest.raises(KeyboardInterrupt):
        broken.Train()
    monkeypatch.undo()
    monkeypatch.chdir(workspace.parent)
    assert state("broken").status == "interrupted"
    resumed = Prototype("p", "broken", resume_train=True, verbose=0)
    resumed.Train()
    ours, theirs = unbroken.model.state_dict(), resumed.model.state_dict()
    assert all(torch.equal(ours[n], theirs[n]) for n in ours)
    assert state("broken").status == "done"
    assert _numbers("broken") == _numbers("unbroken")


def _original_epoch_end():
    from monklite.training.recording import History

    return History.epoch_end


def _stop_after_two(original):
    def epoch_end(self, loop, row):
        original(self, loop, row)
        if row.epoch == 2:
            raise KeyboardInterrupt

    return epoch_end


def _numbers(experiment: str) -> list[list[str]]:
    """The history without its times."""
    lines = (Workspace().find("p", experiment).logs / HISTORY).read_text().splitlines()
    return [line.split(",")[:6] for line in lines]


def test_a_copy_has_the_same_split_and_weights(trained, patterns: Path) -> None:
    source = Workspace().find("p", "e", 1)
    ptf = Prototype("p", "copied", copy_from=["p", "e", 1], verbose=0)
    ptf.Reload()
    made = Workspace().find("p", "copied")
    assert dataset_csv.read(made.folder / SAMPLES) == dataset_csv.read(source.folder / SAMPLES)
    assert made.state().origin == ("p", "e", 1)
    best = Prototype("p", "e", eval_infer=True, version=1, verbose=0).model.state_dict()
    assert all(torch.equal(best[n], t) for n, t in ptf.model.state_dict().items())


def test_a_copy_with_another_model_starts_anew(trained) -> None:
    ptf = Prototype("p", "copied2", copy_from=["p", "e"], verbose=0)
    ptf.update_model_name("squeezenet1_0")
    ptf.Reload()
    assert ptf.model.features[0].out_channels == 96


def test_another_split_seed_changes_who_is_where_and_another_seed_does_not(workspace: Path, patterns: Path) -> None:
    ptf = expert(patterns)
    before = dataset_csv.read(Workspace().find("p", "e").folder / SAMPLES)
    ptf.update_seed(1)
    ptf.Reload()
    assert dataset_csv.read(Workspace().find("p", "e").folder / SAMPLES) == before
    ptf.update_split_seed(1)
    ptf.Reload()
    after = dataset_csv.read(Workspace().find("p", "e").folder / SAMPLES)
    assert before["train"] != after["train"]
    assert len(before["train"]) == len(after["train"])


def test_another_seed_gives_another_order_without_reading_the_images_again(
    workspace: Path, patterns: Path, monkeypatch
) -> None:
    ptf = expert(patterns)
    first = [batch.labels.tolist() for batch in ptf._experiment.data.train.epoch(0)]
    data = ptf._experiment.data.samples
    ptf.update_seed(1)
    ptf.Reload()
    assert [batch.labels.tolist() for batch in ptf._experiment.data.train.epoch(0)] != first
    assert ptf._experiment.data.samples is data


def test_updates_take_effect_with_train(workspace: Path, patterns: Path) -> None:
    ptf = expert(patterns)
    ptf.update_batch_size(4)
    ptf.update_learning_rate(0.002)
    ptf.update_model_name("squeezenet1_0")
    ptf.update_num_epochs(2)
    ptf.Train()
    now = state()
    assert (now.spec.data.batch_size, now.spec.model.name, now.results.epochs_completed) == (4, "squeezenet1_0", 2)
    assert now.spec.training.optimizer.params["learning_rate"] == 0.002
    assert ptf.optimizer.param_groups[0]["lr"] == 0.002


def test_validation_images_are_never_augmented(workspace: Path, patterns: Path, capsys) -> None:
    ptf = Prototype("p", "e")
    ptf.Dataset_Params(dataset_path=patterns, **SMALL)
    ptf.apply_random_horizontal_flip(0.8, train=True, val=True)
    assert "val images are never augmented" in capsys.readouterr().out
    ptf.Dataset()
    batch = next(ptf._experiment.data.val.epoch(3))
    assert batch.draws.flip_x is None and batch.draws.matrix is None


def test_freezing_layers(workspace: Path, patterns: Path) -> None:
    ptf = expert(patterns)
    ptf.Freeze_Layers(num=16)
    frozen = [n for n, p in ptf.model.named_parameters() if not p.requires_grad]
    assert len(frozen) == 32
    assert ptf.List_Layers()[15] in frozen[-1]


def test_two_folders_are_taken_as_they_are(workspace: Path, patterns: Path) -> None:
    ptf = Prototype("p", "e", verbose=0)
    ptf.Dataset_Params(dataset_path=[patterns, patterns], **SMALL)
    ptf.Dataset()
    assert state().dataset.train_counts == state().dataset.val_counts == (12, 12, 12)


def test_a_table_of_files_and_classes(workspace: Path, patterns: Path, tmp_path: Path) -> None:
    rows = [f"{p.parent.name}/{p.name};{p.parent.name}" for p in sorted(patterns.glob("*/*.png"))]
    (tmp_path / "labels.csv").write_text("\n".join(["file;class", *rows]))
    ptf = Prototype("p", "e", verbose=0)
    ptf.Dataset_Params(dataset_path=patterns, path_to_csv=tmp_path / "labels.csv", delimiter=";", **SMALL)
    ptf.Dataset()
    assert state().dataset.classes == ("dots", "rings", "stripes")


def test_summary_prints_what_is_known(trained, capsys) -> None:
    Prototype("p", "e", summary=True, version=1)
    said = capsys.readouterr().out
    for text in ("Experiment p / e / v001", "Status:  done", "Best val accuracy", "squeezenet1_1", "adam", "dots"):
        assert text in said


def test_silence(workspace: Path, patterns: Path, capsys) -> None:
    ptf = expert(patterns)
    ptf.Training_Params(1, True, True)
    ptf.Train()
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_models_are_listed(workspace: Path, capsys) -> None:
    names = prototype().List_Models()
    assert {"resnet50", "densenet121", "vit_b_16", "maxvit_t"} <= set(names)
    assert "resnet50" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("prefix", "table"),
    [("optimizer", OPTIMIZERS), ("lr", SCHEDULES), ("loss", LOSSES), ("apply", TRANSFORMS), ("update", SETTINGS)],
)
def test_every_row_is_a_method_with_its_own_signature(prefix: str, table: dict) -> None:
    for name, row in table.items():
        method = getattr(prototype, f"{prefix}_{name}")
        parameters = list(inspect.signature(method).parameters)[1:]
        expected = [p.name for p in row.parameters] if hasattr(row, "parameters") else [row.argument]
        assert parameters[: len(expected)] == expected
        assert method.__doc__.startswith(row.doc[:20])


def test_every_public_method_is_documented() -> None:
    public = [m for n, m in inspect.getmembers(prototype, callable) if n[0] != "_"]
    assert len(public) > 50
    assert all(inspect.getdoc(m) for m in public)


@pytest.mark.parametrize(
    ("name", "signature"),
    [
        ("Default", "dataset_path=False, path_to_csv=False, delimiter=',', model_name='resnet18_v1', freeze_base_network=True, num_epochs=10"),
        ("Dataset_Params", "dataset_path=False, path_to_csv=False, delimiter=',', split=0.9, input_size=224, batch_size=16, shuffle_data=True"),
        ("Model_Params", "model_name='resnet18', freeze_base_network=True, use_gpu=True, use_pretrained=True, model_path=False"),
        ("Training_Params", "num_epochs=10, display_progress=True, display_progress_realtime=True, save_intermediate_models=False, intermediate_model_prefix='intermediate_model_', save_training_logs=True"),
        ("Infer", "img_name=False, img_dir=False, return_raw=False"),
        ("Freeze_Layers", "num=10"),
        ("Switch_Mode", "train=False, eval_infer=False"),
        ("update_dataset", "dataset_path=False, split=0.9, path_to_csv=False, delimiter=','"),
        ("update_save_intermediate_models", "value, prefix='intermediate_model_'"),
        ("optimizer_sgd", "learning_rate, momentum=0.0, weight_decay=0.0, momentum_dampening_rate=0.0, clipnorm=0.0, clipvalue=0.0"),
        ("optimizer_adam", "learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-08, weight_decay=0.0, amsgrad=False, clipnorm=0.0, clipvalue=0.0"),
        ("lr_step_decrease", "step_size, gamma=0.1, last_epoch=-1"),
        ("lr_plateau_decrease", "mode='min', factor=0.1, patience=10, verbose=False, threshold=0.0001, threshold_mode='rel', cooldown=0, min_lr=0.0, epsilon=1e-08"),
        ("loss_softmax_crossentropy", "weight=None, batch_axis=0, axis_to_sum_over=-1, label_as_categories=True, label_smoothing=0.0"),
        ("apply_random_resized_crop", "input_size, scale=(0.08, 1.0), ratio=(0.75, 1.3333333333333333), train=False, val=False, test=False"),
    ],
)  # fmt: skip
def test_signatures_begin_as_monks_did(name: str, signature: str) -> None:
    own = [
        str(p.replace(annotation=inspect.Parameter.empty))
        for p in inspect.signature(getattr(prototype, name)).parameters.values()
    ]
    assert ", ".join(own[1:]).startswith(signature)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda p, d: p.Default(dataset_pth=d), UnknownArgument, r"Default\(\) has no argument 'dataset_pth'. Did you mean 'dataset_path'\?"),
        (lambda p, d: p.Default(d, model_name="resnet5O"), UnknownName, r"no pytorch model is called 'resnet5O'. Did you mean 'resnet50'\?"),
        (lambda p, d: p.Default(d, model_name="resnet50_v2"), InvalidValue, r"no model 'resnet50_v2'; use backend='mxnet'"),
        (lambda p, d: p.Default(d, num_epochs=0), InvalidValue, r"num_epochs must be a whole number at least 1, not 0"),
        (lambda p, d: p.Default(d, num_epochs="5"), InvalidType, r"num_epochs must be a whole number at least 1, not '5' \(str\)"),
        (lambda p, d: p.Default(d, freeze_base_network=1), InvalidType, r"freeze_base_network must be True or False, not 1"),
        (lambda p, d: p.Default(), InvalidType, r"dataset_path must be a folder or a list \[train, val\], not False"),
        (lambda p, d: p.Dataset_Params(d, split=1.5), InvalidValue, r"split must be a number above 0 and below 1, not 1.5"),
        (lambda p, d: p.Dataset_Params([d]), InvalidValue, r"dataset_path as a list must be \[train, val\], not 1 entries"),
        (lambda p, d: p.Dataset_Params(d, batch_size=-1), InvalidValue, r"batch_size must be a whole number at least 1"),
        (lambda p, d: p.optimizer_sgd(), UnknownArgument, r"optimizer_sgd\(\): missing a required argument: 'learning_rate'"),
        (lambda p, d: p.optimizer_sgd(-1), InvalidValue, r"sgd: learning_rate must be a number above 0, not -1"),
        (lambda p, d: p.optimizer_sgd(0.1, momentm=0.9), UnknownArgument, r"has no argument 'momentm'. Did you mean 'momentum'\?"),
        (lambda p, d: p.lr_multistep_decrease([3, 2]), InvalidValue, r"each larger than the one before, not \[3, 2\]"),
        (lambda p, d: p.loss_softmax_crossentropy(batch_axis=1), InvalidValue, r"batch_axis must be 0, not 1: scores have a row per image"),
        (lambda p, d: p.apply_random_vertical_flip(val=True), InvalidValue, r"val images are never augmented: use train=True"),
        (lambda p, d: p.apply_resize(256), InvalidValue, r"say for which images: train=True, val=True or test=True"),
        (lambda p, d: p.Model(), NotReady, r"call Dataset\(\) before Model\(\)"),
        (lambda p, d: p.Dataset(), NotReady, r"no dataset yet"),
        (lambda p, d: p.Train(), NotReady, r"no dataset yet"),
        (lambda p, d: p.Evaluate(), NotReady, r"p/e/v001 has not been trained yet: call Train\(\) first"),
        (lambda p, d: p.Infer(), InvalidType, r"give one: Infer\(img_name="),
        (lambda p, d: p.Infer(img_name=d), NotReady, r"has not been trained yet"),
        (lambda p, d: p.Switch_Mode(), InvalidValue, r"choose one: Switch_Mode"),
        (lambda p, d: p.Prototype("p", "e", eval_infer=True, resume_train=True), InvalidValue, r"choose one of eval_infer and resume_train"),
        (lambda p, d: p.Prototype("p", "other", eval_infer=True), UnknownName, r"no experiment of project 'p' is called 'other'"),
        (lambda p, d: p.Prototype("p", "e", eval_infer=True), Exception, r"p/e has not been trained yet"),
        (lambda p, d: p.Prototype("../x", "e"), InvalidValue, r"cannot be the project name"),
        (lambda p, d: p.Prototype("p", "a/b"), InvalidValue, r"cannot be the experiment name"),
        (lambda p, d: p.Prototype("p", "x", copy_from="p/e"), InvalidType, r"copy_from must be \[project, experiment\]"),
        (lambda p, d: p.Prototype("p", "x", version=2), InvalidValue, r"version= opens an existing run"),
    ],
)  # fmt: skip
def test_wrong_calls_are_explained(workspace: Path, patterns: Path, call, kind, message: str) -> None:
    ptf = Prototype("p", "e", verbose=0)
    with pytest.raises(kind, match=message):
        call(ptf, patterns)


def test_a_wrong_argument_when_opening_is_explained(workspace: Path) -> None:
    with pytest.raises(
        UnknownArgument, match=r"Prototype\(\) has no argument 'evalinfer'. Did you mean 'eval_infer'\?"
    ):
        Prototype("p", "e", evalinfer=True)
    with pytest.raises(UnknownArgument, match=r"prototype\(\) has no argument 'verbos'. Did you mean 'verbose'\?"):
        prototype(verbos=1)


def test_nothing_open_is_told(workspace: Path) -> None:
    with pytest.raises(NotReady, match=r"no experiment is open: call Prototype\('project', 'experiment'\) first"):
        prototype(verbose=0).Train()


def test_an_unknown_backend_is_refused(workspace: Path) -> None:
    with pytest.raises(UnknownName, match=r"no backend is called 'pytorchh'. Did you mean 'pytorch'\?"):
        Prototype("p", "e", backend="pytorchh")


def test_a_finished_run_is_not_trained_again(trained) -> None:
    with pytest.raises(NotReady, match="has 2 epochs already"):
        Prototype("p", "e", resume_train=True, version=1, verbose=0).Train()


def test_the_state_file_is_plain_json(trained) -> None:
    values = json.loads((Path("workspace") / "p" / "e" / "v001" / "experiment-state.json").read_text())
    assert values["schema"] == 3
    assert values["asked"]["model"]["name"] == values["resolved"]["model"]["name"] == "squeezenet1_1"


def test_no_absolute_path_of_the_run_is_in_the_run(trained) -> None:
    folder = Workspace().find("p", "e", 1).folder
    texts = [p.read_text() for p in folder.rglob("*") if p.suffix in (".json", ".csv")]
    assert texts and not any(str(folder.parent) in text for text in texts)


def test_no_two_groups_of_methods_have_one_name_for_two_things() -> None:
    """The groups are joined in one class, in which a second method of a name would silently hide the first."""
    groups = [group for group in Prototype.__mro__ if group.__module__.startswith("monklite.facade.")]
    names = Counter(name for group in groups for name in vars(group) if not name.startswith("__"))
    assert [name for name, count in names.items() if count > 1] == []
