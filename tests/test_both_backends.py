"""The main job runs the same, and says the same, whichever backend was chosen."""
# ruff: noqa: E501 (tables of calls and messages read best one a line)

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from test_prototype import SMALL, _numbers, _original_epoch_end, _stop_after_two, expert, state

from monklite import Prototype, backends, compare, gluon_prototype, pytorch_prototype
from monklite.catalog.backends import BUILT_IN, describe
from monklite.data import dataset_csv
from monklite.errors import (
    DatasetError,
    InvalidType,
    InvalidValue,
    MonkliteError,
    NotFound,
    NotReady,
    UnknownArgument,
    UnknownName,
)
from monklite.runs import history
from monklite.runs.file_names import FINAL, HISTORY, SAMPLES
from monklite.runs.workspace import Workspace
from monklite.spec import Spec

BACKENDS = tuple(BUILT_IN)

WEIGHTS = {
    "pytorch": {"best_model", "final"},
    "mxnet": {
        f"{name}{ending}"
        for name in ("best_model", "final")
        for ending in ("-symbol.json", "-0000.params", "-0000.params.sha256")
    },
}


def weights(ptf: Prototype) -> dict[str, np.ndarray]:
    """Weights and statistics of the open model, by name."""
    if ptf._backend == "pytorch":
        return {n: t.detach().cpu().numpy().copy() for n, t in ptf.model.state_dict().items()}
    from mxnet import nd

    nd.waitall()
    return {n: p.data().asnumpy() for n, p in ptf.model.collect_params().items()}


def equal(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> bool:
    return ours.keys() == theirs.keys() and all(np.array_equal(ours[n], theirs[n]) for n in ours)


@pytest.fixture(scope="module")
def trained(patterns: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a workspace that has an experiment of each backend, p/pytorch and p/mxnet, of two epochs."""
    folder = tmp_path_factory.mktemp("both")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name in BACKENDS:
            expert(patterns, experiment=name, epochs=2, backend=name).Train()
    return folder


@pytest.fixture
def here(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(trained)
    return trained


def opened(backend: str, **modes: object) -> Prototype:
    return Prototype("p", backend, backend=backend, verbose=0, **modes)


# The job


def test_quick_mode(workspace: Path, patterns: Path, backend: str) -> None:
    ptf = Prototype("p", "quick", backend=backend, verbose=0)
    ptf.Default(patterns, model_name="resnet18_v1", num_epochs=1, use_pretrained=False)
    ptf.update_input_size(32)
    ptf.Train()
    files = {p.name for p in (workspace / "p" / "quick" / "output" / "models").iterdir()}
    assert files == WEIGHTS[backend] | {"resume_state"}
    assert state("quick").status == "done"


@pytest.mark.parametrize("module", [pytorch_prototype, gluon_prototype], ids=BACKENDS)
def test_monks_import_paths(workspace: Path, patterns: Path, capsys: pytest.CaptureFixture[str], module) -> None:
    name = BACKENDS[module is gluon_prototype]
    ptf = module.prototype(verbose=1)
    ptf.Prototype("p", "e")
    ptf.Dataset_Params(patterns, **SMALL)
    said = capsys.readouterr().out
    assert f"{describe(name).title} Version: {backends.version(name)}" in said
    assert ptf._experiment.asked.backend == name


def test_the_run_records_its_backend(here: Path, backend: str) -> None:
    now = state(backend)
    assert now.spec.backend == backend
    assert now.environment[{"pytorch": "torch"}.get(backend, backend)].startswith(backends.version(backend))
    assert now.model is not None and now.model.device.startswith("cpu")
    assert now.results is not None and now.results.epochs_completed == 2


def test_both_backends_see_the_same_images(here: Path) -> None:
    ours, theirs = (state(name) for name in BACKENDS)
    assert ours.dataset == theirs.dataset
    tables = [dataset_csv.read(Workspace().find("p", name).folder / SAMPLES) for name in BACKENDS]
    assert tables[0] == tables[1]


def test_both_backends_have_networks_of_one_size(here: Path) -> None:
    ours, theirs = (state(name).model for name in BACKENDS)
    assert (ours.parameters, ours.layers) == (theirs.parameters, theirs.layers)
    assert (ours.trainable_parameters, ours.trainable_layers) == (theirs.trainable_parameters, theirs.trainable_layers)


def test_evaluation_counts(here: Path, patterns: Path, backend: str) -> None:
    ptf = opened(backend, eval_infer=True)
    ptf.Dataset_Params(dataset_path=patterns)
    ptf.Dataset()
    accuracy, classes = ptf.Evaluate()
    assert accuracy == pytest.approx(100 * sum(c["num_correct"] for c in classes.values()) / 36)
    assert set(classes) == {"dots", "rings", "stripes"}


def test_one_image_and_a_folder_are_predicted_alike(here: Path, patterns: Path, backend: str) -> None:
    ptf = opened(backend, eval_infer=True)
    several = ptf.Infer(img_dir=patterns / "dots", return_raw=True)
    single = ptf.Infer(img_name=patterns / "dots" / "dots-003.png", return_raw=True)
    assert len(several) == 12
    assert several[3]["predicted_class"] == single["predicted_class"]
    assert several[3]["raw"] == pytest.approx(single["raw"], abs=0.01)
    assert list(single["raw"]) == ["dots", "rings", "stripes"]


def test_the_validation_result_comes_back_from_the_best_weights(here: Path, patterns: Path, backend: str) -> None:
    now = state(backend)
    ptf = opened(backend, eval_infer=True)
    held = sorted(dataset_csv.read(Workspace().find("p", backend).folder / SAMPLES)["val"])
    right = [ptf.Infer(img_name=patterns / path)["predicted_class"] == Path(path).parent.name for path in held]
    assert np.mean(right) == pytest.approx(now.results.best_val_accuracy)


def test_averages_are_judged_and_kept_and_change_nothing_else(workspace: Path, patterns: Path, backend: str) -> None:
    plain, averaged = (expert(patterns, experiment=name, epochs=2, backend=backend) for name in ("plain", "averaged"))
    for ptf in (plain, averaged):
        ptf.update_precision("float32")
        ptf.update_model_name("resnet18")  # has batch statistics
    averaged.update_ema_decay(0.8)
    plain.Train()
    averaged.Train()
    ours, theirs = (history.read(Workspace().find("p", name).logs / HISTORY) for name in ("averaged", "plain"))
    assert [row.train_loss for row in ours] == [row.train_loss for row in theirs]
    assert all(a.val_loss != b.val_loss for a, b in zip(ours, theirs, strict=True))
    live, learner = weights(averaged), averaged._experiment.learner
    learner.load_weights(Workspace().find("p", "averaged").models / FINAL)
    assert equal(live, weights(averaged))
    assert not equal(live, weights(plain))
    assert "averaged weights (decay 0.8)" in state("averaged").model.methods
    judge = Prototype("p", "averaged", eval_infer=True, backend=backend, verbose=0)
    held = sorted(dataset_csv.read(Workspace().find("p", "averaged").folder / SAMPLES)["val"])
    labels = np.array([("dots", "rings", "stripes").index(Path(path).parent.name) for path in held])
    logits = np.array([list(judge.Infer(img_name=patterns / path, return_raw=True)["raw"].values()) for path in held])
    best = ours[state("averaged").results.best_epoch - 1]
    assert learner.loss(logits, labels) == pytest.approx(best.val_loss, rel=1e-3)


def test_a_resumed_run_equals_the_unbroken_one(workspace: Path, patterns: Path, monkeypatch, backend: str) -> None:
    unbroken = expert(patterns, experiment="unbroken", epochs=3, backend=backend)
    unbroken.lr_cosine_decrease()
    unbroken.Train()
    broken = expert(patterns, experiment="broken", epochs=3, backend=backend)
    broken.lr_cosine_decrease()
    monkeypatch.setattr("monklite.training.recording.History.epoch_end", _stop_after_two(_original_epoch_end()))
    with pytest.raises(KeyboardInterrupt):
        broken.Train()
    monkeypatch.undo()
    monkeypatch.chdir(workspace.parent)
    assert state("broken").status == "interrupted"
    resumed = Prototype("p", "broken", resume_train=True, backend=backend, verbose=0)
    resumed.Train()
    assert equal(weights(unbroken), weights(resumed))
    assert _numbers("broken") == _numbers("unbroken")


def test_best_weights_that_are_damaged_are_told_when_training_goes_on(
    trained: Path, tmp_path: Path, monkeypatch, capsys, backend: str
) -> None:
    shutil.copytree(trained / "workspace", tmp_path / "workspace", symlinks=True)
    monkeypatch.chdir(tmp_path)
    models = Workspace().find("p", backend).models
    best = max((f for f in models.glob("best_model*") if f.suffix in ("", ".params")), key=lambda f: f.stat().st_size)
    content = best.read_bytes()
    best.unlink()  # it may be another name of the last weights
    best.write_bytes(content[:-9])
    ptf = Prototype("p", backend, resume_train=True, backend=backend)
    ptf.update_num_epochs(3)
    ptf.Train()
    assert re.search(
        rf"Note: \S*{best.name}.* damaged.*; the next epoch that is better replaces it", capsys.readouterr().out
    )
    assert state(backend).results.epochs_completed == 3


def test_the_same_seed_gives_the_same_weights(workspace: Path, patterns: Path, backend: str) -> None:
    found = []
    for i in range(2):
        ptf = expert(patterns, experiment=f"e{i}", backend=backend)
        ptf.Train()
        found.append(weights(ptf))
    assert equal(*found)


def test_a_copy_has_the_same_split_and_weights(here: Path, backend: str) -> None:
    source = Workspace().find("p", backend)
    ptf = Prototype("p", f"copy of {backend}", copy_from=["p", backend], backend=backend, verbose=0)
    ptf.Reload()
    made = Workspace().find("p", f"copy of {backend}")
    assert dataset_csv.read(made.folder / SAMPLES) == dataset_csv.read(source.folder / SAMPLES)
    assert equal(weights(ptf), weights(opened(backend, eval_infer=True)))


def test_training_again_makes_a_new_version(workspace: Path, patterns: Path, backend: str) -> None:
    ptf = expert(patterns, backend=backend)
    ptf.Train()
    first = Workspace().find("p", "e", 1)
    before = {p.name: p.read_bytes() for p in (*first.models.iterdir(), first.logs / HISTORY)}
    ptf.update_learning_rate(0.01)
    ptf.Train()
    assert {p.name: p.read_bytes() for p in (*first.models.iterdir(), first.logs / HISTORY)} == before
    assert Workspace().find("p", "e").version == 2


def test_freezing_layers(workspace: Path, patterns: Path, backend: str) -> None:
    ptf = expert(patterns, backend=backend)
    ptf.Freeze_Layers(num=16)
    before, names = weights(ptf), ptf.List_Layers()
    ptf.Train()
    moved = [not np.array_equal(before[n], a) for n, a in weights(ptf).items()]
    assert len(names) == 26
    assert moved == [False] * 32 + [True] * 20  # weight and bias of each layer


def test_a_frozen_base_is_trained_on_what_it_gives_when_judged(backend: str) -> None:
    """Frozen batch normalisation uses the statistics that it has, not those of the batch."""
    from monklite.testing.contract import LearnerContract, easy, plain

    contract = LearnerContract()
    contract.backend = backends.load(backend)
    learner, (images, labels) = contract.learner(model__freeze_base=True), easy()
    judged = learner.loss(learner.logits(images, plain()), labels)
    assert float(learner.step(images, labels, plain())[0]) == pytest.approx(judged, rel=1e-4)


@pytest.mark.parametrize("loss", ["softmax_crossentropy", "sigmoid_binary_crossentropy"])
def test_other_losses_and_optimizers_train(workspace: Path, patterns: Path, backend: str, loss: str) -> None:
    ptf = expert(patterns, backend=backend)
    getattr(ptf, f"loss_{loss}")()
    ptf.optimizer_nesterov_sgd(0.001, clipnorm=1.0)
    ptf.Train()
    assert np.isfinite(state().results.val_loss)


def test_no_absolute_path_of_the_run_is_in_the_run(here: Path, backend: str) -> None:
    folder = Workspace().find("p", backend).folder
    texts = [p.read_text() for p in folder.rglob("*") if p.suffix in (".json", ".csv", ".sha256")]
    assert texts and not any(str(here) in text for text in texts)


def test_both_backends_stand_in_one_comparison(here: Path) -> None:
    ctf = compare(verbose=0)
    ctf.Comparison("both")
    for name in BACKENDS:
        ctf.Add_Experiment("p", name)
    table = ctf.Generate_Statistics()
    charts = {p.name for p in (here / "workspace" / "comparison" / "both").glob("*.png")}
    assert list(table["experiment"]) == list(BACKENDS)
    assert charts
    report = (here / "workspace" / "comparison" / "both" / "report.html").read_text()
    assert all(f"p/{name}" in report or name in report for name in BACKENDS)


def test_each_backends_spec_differs_in_its_name_alone(here: Path) -> None:
    ours, theirs = (json.loads(state(name).spec.model_dump_json()) for name in BACKENDS)
    assert (ours.pop("backend"), theirs.pop("backend")) == BACKENDS
    assert ours == theirs
    assert Spec().backend == "pytorch"


# The same words


CALLS = [
    (lambda p, d: p.Default(dataset_pth=d), UnknownArgument, r"Default\(\) has no argument 'dataset_pth'. Did you mean 'dataset_path'\?"),
    (lambda p, d: p.Default(d, model_name="resnet5O"), UnknownName, r"no BACKEND model is called 'resnet5O'. Did you mean 'resnet50'\?"),
    (lambda p, d: p.Default(d, num_epochs=0), InvalidValue, r"epochs must be a whole number at least 1, not 0"),
    (lambda p, d: p.Default(d, num_epochs="5"), InvalidType, r"epochs must be a whole number at least 1, not '5' \(str\)"),
    (lambda p, d: p.Default(d, freeze_base_network=1), InvalidType, r"freeze_base_network must be True or False, not 1"),
    (lambda p, d: p.Default(d / "none"), NotFound, r"the dataset folder '.*none' is not there"),
    (lambda p, d: p.Default(d / "dots"), DatasetError, r"dots"),
    (lambda p, d: p.Model_Params(model_name="resnet"), UnknownName, r"no BACKEND model is called 'resnet'"),
    (lambda p, d: p.optimizer_sgd(-1), InvalidValue, r"sgd: learning_rate must be a number above 0, not -1"),
    (lambda p, d: p.optimizer_sgd(0.1, momentm=0.9), UnknownArgument, r"has no argument 'momentm'. Did you mean 'momentum'\?"),
    (lambda p, d: p.lr_multistep_decrease([3, 2]), InvalidValue, r"each larger than the one before, not \[3, 2\]"),
    (lambda p, d: p.apply_random_vertical_flip(val=True), InvalidValue, r"val images are never augmented: use train=True"),
    (lambda p, d: p.Model(), NotReady, r"call Dataset\(\) before Model\(\)"),
    (lambda p, d: p.Train(), NotReady, r"no dataset yet"),
    (lambda p, d: p.Evaluate(), NotReady, r"p/e/v001 has not been trained yet: call Train\(\) first"),
    (lambda p, d: p.Infer(img_name=d), NotReady, r"has not been trained yet"),
    (lambda p, d: p.Prototype("p", "other", eval_infer=True), UnknownName, r"no experiment of project 'p' is called 'other'"),
    (lambda p, d: p.Prototype("p", "e", eval_infer=True), MonkliteError, r"p/e has not been trained yet"),
    (lambda p, d: p.Prototype("p", "e", resume_train=True), NotReady, r"p/e/v001 cannot be resumed: its training has not begun"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "message"), CALLS)
def test_wrong_calls_get_the_same_words(workspace: Path, patterns: Path, backend: str, call, kind, message) -> None:
    ptf = Prototype("p", "e", backend=backend, verbose=0)
    with pytest.raises(kind, match=message.replace("BACKEND", backend)):
        call(ptf, patterns)


SET_UPS = [
    (lambda p: p.Freeze_Layers(26), InvalidValue, r"^squeezenet1_1 has 26 layers: freeze at most 25, not 26$"),
    (lambda p: (p.update_input_size(20), p.Reload()), InvalidValue, r"^squeezenet1_1 needs images of at least 21 px, not input_size=20$"),
    (lambda p: (p.update_model_path("none.params"), p.Reload()), NotFound, r"^model_path: there is no file 'none.params' \(looked from "),
]  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "message"), SET_UPS)
def test_wrong_set_ups_get_the_same_words(workspace: Path, patterns: Path, backend: str, call, kind, message) -> None:
    ptf = expert(patterns, backend=backend)
    with pytest.raises(kind, match=message):
        call(ptf)


def test_pretrained_weights_out_of_reach_get_the_same_words(
    workspace: Path, patterns: Path, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(*args: object, **kwargs: object) -> None:
        raise OSError("no network here")

    for variable in ("TORCH_HOME", "MXNET_HOME"):
        monkeypatch.setenv(variable, str(workspace.parent / "cache"))
    monkeypatch.setattr("torch.hub.urlopen", no_network)
    monkeypatch.setattr("mxnet.gluon.model_zoo.model_store.download", no_network)
    ptf = Prototype("p", "e", backend=backend, verbose=0)
    message = r"^the pretrained weights of resnet18 could not be downloaded \(.*no network here.*\)\. Go online once, or .* or start from random weights: use_pretrained=False$"
    with pytest.raises(OSError, match=message):
        ptf.Default(patterns, num_epochs=1)


LACKING = [
    ("mxnet", lambda p: p.Model_Params(model_name="vit_b_16"), r"^the mxnet backend has no model 'vit_b_16'; use backend='pytorch', or a similar model: "),
    ("pytorch", lambda p: p.Model_Params(model_name="resnet50_v2"), r"^the pytorch backend has no model 'resnet50_v2'; use backend='mxnet', or a similar model: "),
    ("mxnet", lambda p: p.update_model_name("swin_t"), r"^the mxnet backend has no model 'swin_t'; use backend='pytorch'"),
    ("pytorch", lambda p: p.loss_softmax_crossentropy(batch_axis=1), r"^softmax_crossentropy: batch_axis must be 0, not 1: scores have a row per image"),
]  # fmt: skip


@pytest.mark.parametrize(("backend", "call", "message"), LACKING)
def test_what_a_backend_lacks_is_told(workspace: Path, backend: str, call, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        call(Prototype("p", "e", backend=backend, verbose=0))


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_mixed_precision_on_mxnet_names_the_backend_that_has_it(
    workspace: Path, patterns: Path, precision: str
) -> None:
    ptf = expert(patterns, backend="mxnet")
    with pytest.raises(
        InvalidValue, match=rf"no precision '{precision}': use 'auto' or 'float32', or backend='pytorch'"
    ):
        ptf.Training_Params(1, precision=precision)
        ptf.Train()


def test_copying_across_backends_is_refused(here: Path, backend: str) -> None:
    other = next(name for name in BACKENDS if name != backend)
    message = rf"p/{other}/v001 was made with backend='{other}'; copy it with the same, not '{backend}'"
    with pytest.raises(InvalidValue, match=message):
        Prototype("p", "crossed", copy_from=["p", other], backend=backend, verbose=0)
    assert not (here / "workspace" / "p" / "crossed").exists()


@pytest.mark.parametrize("mode", ["eval_infer", "resume_train"])
def test_a_run_is_opened_by_its_own_backend_whatever_is_asked(here: Path, backend: str, mode: str) -> None:
    other = next(name for name in BACKENDS if name != backend)
    ptf = Prototype("p", other, backend=backend, verbose=0, **{mode: True})
    if mode == "resume_train":
        with pytest.raises(NotReady, match=rf"p/{other}/v001 has 2 epochs already"):
            ptf.Train()
    assert type(ptf.model).__module__.split(".")[0] == {"pytorch": "torchvision"}.get(other, other)
