"""The MXNet backend keeps the contract, and broken learners do not.

The tests of GluonCV's networks are skipped where that package is missing; `pip install -e ".[gluoncv,dev]"` brings it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from broken import learners
from hostile_runs import some_of_each_family
from safetensors.numpy import save_file

from monklite import Prototype, backends
from monklite.backends.mxnet import network as networks
from monklite.backends.mxnet import weights
from monklite.backends.mxnet.backend import BACKEND, GluonBackend
from monklite.backends.mxnet.framework import _hidden, autograd, gluon, gluoncv, model_store, mx, nd, reason, vision
from monklite.backends.mxnet.learner import GluonLearner
from monklite.catalog import LOSSES, OPTIMIZERS, models
from monklite.data.image_input import image_input
from monklite.errors import (
    DamagedFile,
    InvalidValue,
    MissingPackage,
    NotFound,
    OutOfMemory,
    PretrainedUnavailable,
    StorageError,
    TrainingFailed,
    WeightsMismatch,
)
from monklite.tasks import SingleLabel
from monklite.testing.contract import CLASSES, MEAN, SIDE, STD, LearnerContract, easy, plain

needs_gluoncv = pytest.mark.skipif(importlib.util.find_spec("gluoncv") is None, reason="gluoncv is not installed")


def arrays(learner: GluonLearner) -> dict[str, np.ndarray]:
    nd.waitall()
    return {n: p.data().asnumpy() for n, p in learner.network.collect_params().items()}


class TestMXNet(LearnerContract):
    backend = BACKEND
    arrays = staticmethod(arrays)


class NeverLearns(GluonLearner):
    def step(self, images, labels, draws):
        before = arrays(self)
        result = super().step(images, labels, draws)
        for name, parameter in self.network.collect_params().items():
            parameter.set_data(nd.array(before[name]))
        return result


class ForgetsMomentum(GluonLearner):
    def load(self, path):
        done = super().load(path)
        self._trainer._updaters[0].states.clear()
        return done


class ForgetsTheStep(GluonLearner):
    """The step's number is what dropout is drawn from."""

    def load(self, path):
        done = super().load(path)
        self._steps = 0
        return done


class ForgetsTheSeedOnLoad(GluonLearner):
    def load(self, path):
        before = self.seed
        done = super().load(path)
        self.seed = before
        return done


class ForgetsBatchStatistics(GluonLearner):
    def load(self, path):
        done = super().load(path)
        for name, parameter in self.network.collect_params().items():
            if networks.is_statistic(name):
                parameter.set_data(nd.ones_like(parameter.data()))
        return done


class JudgesInTrainingMode(GluonLearner):
    def logits(self, images, draws):
        with autograd.train_mode():
            return self.network(self.inputs(images, draws)).asnumpy()


class LearnsWhileJudging(GluonLearner):
    """MXNet moves batch statistics in the backward pass."""

    def logits(self, images, draws):
        with autograd.record():
            logits = self.network(self.inputs(images, draws))
        logits.backward()
        return logits.asnumpy()


class MovesFrozenStatistics(GluonLearner):
    def step(self, images, labels, draws):
        mean = next(p for n, p in self.network.collect_params().items() if n.endswith("running_mean"))
        mean.set_data(mean.data() + 0.1)
        return super().step(images, labels, draws)


class TakesDamagedFiles(GluonLearner):
    """As MXNet itself does where the damage is not in a header."""

    def load_weights(self, path):
        weights.load_into(self.network, arrays(self), path)


BROKEN = [
    *learners(GluonLearner, 1),
    (NeverLearns, "test_the_loss_falls_on_easy_data"),
    (ForgetsMomentum, "test_a_saved_learner_goes_on_as_if_never_stopped"),
    (ForgetsTheStep, "test_a_saved_learner_goes_on_as_if_never_stopped"),
    (ForgetsTheSeedOnLoad, "test_a_saved_learner_goes_on_as_if_never_stopped"),
    (ForgetsBatchStatistics, "test_batch_statistics_are_saved_too"),
    (JudgesInTrainingMode, "test_scores_of_an_image_do_not_depend_on_its_neighbours"),
    (LearnsWhileJudging, "test_scores_change_nothing"),
    (MovesFrozenStatistics, "test_a_frozen_base_does_not_move"),
    (TakesDamagedFiles, "test_damaged_weights_are_refused"),
]


@pytest.mark.parametrize(("broken", "check"), BROKEN, ids=lambda v: getattr(v, "__name__", v))
def test_the_contract_finds_broken_learners(broken: type[GluonLearner], check: str, tmp_path: Path) -> None:
    class Backend(GluonBackend):
        def learner(self, spec, classes, pretrained=True):
            return broken(spec, classes, pretrained)

    contract = TestMXNet()
    contract.backend, contract.dropout_model = Backend(), "squeezenet1_1"
    method = getattr(contract, check)
    arguments = [tmp_path] if any(word in check for word in ("saved", "damaged", "kept")) else []
    with pytest.raises(AssertionError):
        method(*arguments)


def made(**changes: object) -> GluonLearner:
    return TestMXNet().learner(**changes)


def small(**changes: object) -> GluonLearner:
    """The smallest network with batch statistics."""
    return made(**{"model__name": "mobilenet0.25", **changes})


@pytest.mark.slow
@pytest.mark.parametrize("name", some_of_each_family(models.names("mxnet"), "mxnet"))
def test_every_model_trains_saves_and_answers(name: str, tmp_path: Path) -> None:
    size = max(models.find_model(name, "mxnet").min_size, 64)
    spec = {"model__name": name, "data__input_size": size}
    learner = made(**spec)
    images = np.random.default_rng(0).integers(0, 256, (2, size, size, 3), dtype=np.uint8)
    loss, _ = learner.step(images, np.array([0, 1]), plain(size))
    assert np.isfinite(float(loss))
    learner.capture_weights().write(tmp_path / "weights")
    scores = learner.logits(images, plain(size))
    del learner
    other = made(**spec, seed=1)
    other.load_weights(tmp_path / "weights")
    assert np.array_equal(other.logits(images, plain(size)), scores)
    assert np.isfinite(scores).all()
    assert scores.shape == (2, len(CLASSES))
    alone = load_without_monklite(tmp_path / "weights")(nd.array(as_network_input(images))).asnumpy()
    assert np.allclose(alone, scores, atol=1e-4 * np.abs(scores).max())


@needs_gluoncv
@pytest.mark.parametrize("name", ["resnet18_v1b", "resnet18_v1b_0.89", "mobilenetv3_small", "darknet53"])
def test_parameters_of_gluoncv_have_the_same_names_in_every_network(name: str) -> None:
    first, second = (list(arrays(made(model__name=name))) for _ in range(2))
    assert first == second


@needs_gluoncv
def test_group_normalisation_is_that_of_gluoncv() -> None:
    learner = made(model__name="resnet50_v1b_gn")
    theirs = gluoncv().get_model("resnet50_v1b_gn", classes=len(CLASSES))
    theirs.initialize()
    rng = np.random.default_rng(0)
    for ours, other in zip(learner.network.collect_params().values(), theirs.collect_params().values(), strict=True):
        if ours.name.endswith(("gamma", "beta")):
            ours.set_data(nd.array(rng.normal(1, 0.3, ours.shape)))
        other.set_data(ours.data())
    images, _ = easy(4)
    found = theirs(nd.array(as_network_input(images))).asnumpy()
    assert np.allclose(found, learner.logits(images, plain()), atol=1e-5 * np.abs(found).max())
    assert np.ptp(found, axis=0).max() > 1e-3 * np.abs(found).max()  # it tells images apart


@needs_gluoncv
@pytest.mark.parametrize(
    ("name", "head"),
    [("resnet18_v1b", "fc"), ("resnet18_v1b_0.89", "fc"), ("mobilenetv3_small", "output.0"), ("resnet50_v1b_gn", "fc")],
)
def test_a_frozen_network_of_gluoncv_trains_its_head_alone(name: str, head: str) -> None:
    learner = made(model__name=name, model__freeze_base=True)
    before = structural(learner.network)
    LearnerContract.train(learner, 2)
    nd.waitall()
    moved = {n for n, a in structural(learner.network).items() if not np.array_equal(before[n], a)}
    assert moved == {f"{head}.weight", f"{head}.bias"}
    assert learner.logits(easy(2)[0], plain()).shape == (2, len(CLASSES))


@pytest.mark.parametrize(
    ("name", "size"), [("squeezenet1_0", 64), ("squeezenet1_1", 448), ("densenet121", 64), ("inception_v3", 75)]
)
def test_there_is_one_score_a_class_at_any_size(name: str, size: int) -> None:
    """Gluon's own pooling windows fit the networks' standard sizes only."""
    learner = made(model__name=name, data__input_size=size)
    assert learner.logits(np.zeros((2, size, size, 3), np.uint8), plain(size)).shape == (2, len(CLASSES))


def test_the_head_is_of_one_size_at_any_input_size() -> None:
    shapes = [[a.shape for a in arrays(made(model__name="densenet121", data__input_size=s)).values()] for s in (64, 96)]
    assert shapes[0] == shapes[1]


RATES = {"sgd": 0.01, "nesterov_sgd": 0.01, "adadelta": 0.5, "rmsprop": 1e-4, "momentum_rmsprop": 1e-4}  # others: 0.001


@pytest.mark.parametrize("name", [n for n, row in sorted(OPTIMIZERS.items()) if row.cell("mxnet")])
def test_every_optimizer_learns_and_resumes(name: str, tmp_path: Path) -> None:
    chosen = OPTIMIZERS[name].choose("mxnet", {"learning_rate": RATES.get(name, 0.001)})
    learner, other = (made(model__name="squeezenet1.1", training__optimizer=chosen, seed=seed) for seed in (0, 3))
    losses = LearnerContract.train(learner, 12)
    learner.capture(1).write(tmp_path / "state")
    other.load(tmp_path / "state")
    assert losses[-1] < losses[0]
    assert LearnerContract.train(learner, 2) == LearnerContract.train(other, 2)


def test_the_training_state_is_no_pickle(tmp_path: Path) -> None:
    learner = small()
    LearnerContract.train(learner, 1)
    learner.capture(1).write(tmp_path / "state")
    import safetensors.numpy

    assert any(n.startswith("optimizer.") for n in safetensors.numpy.load_file(tmp_path / "state"))


@pytest.mark.parametrize("name", ["softmax_crossentropy", "sigmoid_binary_crossentropy", "hinge"])
def test_a_loss_falls(name: str) -> None:
    losses = LearnerContract.train(made(training__loss=LOSSES[name].choose("mxnet", {})), 8)
    assert losses[-1] < losses[0]


def test_labels_as_rows_give_the_same_loss() -> None:
    rows = LOSSES["softmax_crossentropy"].choose("mxnet", {"label_as_categories": False})
    scores, labels = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32), np.array([0, 2, 1, 1])
    assert small(training__loss=rows).loss(scores, labels) == pytest.approx(small().loss(scores, labels), rel=1e-6)


@pytest.mark.parametrize("clip", ["clipnorm", "clipvalue"])
def test_clipping_limits_the_step(clip: str) -> None:
    def moved(**values: float) -> float:
        sgd = OPTIMIZERS["sgd"].choose("mxnet", {"learning_rate": 1.0, **values})
        learner = small(training__optimizer=sgd)
        before = arrays(learner)["net_dense0_weight"]
        LearnerContract.train(learner, 1)
        return float(np.abs(arrays(learner)["net_dense0_weight"] - before).max())

    assert moved(**{clip: 1e-4}) <= 1.01e-4 < moved()


def test_frozen_layers_do_not_move() -> None:
    learner = made(model__freeze_layers=5)
    frozen = [p.name for _, layer in networks.parameter_layers(learner.network)[:5] for p in layer._reg_params.values()]
    before = arrays(learner)
    LearnerContract.train(learner, 2)
    moved = {n for n, a in arrays(learner).items() if not np.array_equal(before[n], a)}
    assert moved == set(before) - set(frozen)


def test_more_frozen_layers_than_there_are_is_refused() -> None:
    with pytest.raises(InvalidValue, match=r"resnet18 has 41 layers: freeze at most 40, not 41"):
        made(model__freeze_layers=41)


def test_too_small_images_are_refused() -> None:
    with pytest.raises(InvalidValue, match=r"inception_v3 needs images of at least 75 px, not input_size=32"):
        made(model__name="inception_v3")


def test_a_network_that_cannot_be_built_says_why() -> None:
    with pytest.raises(InvalidValue, match=r"squeezenet1_0 cannot be built for input_size=21: Check failed: .*kernel"):
        made(model__name="squeezenet1_0", data__input_size=21)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_other_precisions_are_refused(precision: str) -> None:
    message = rf"^the mxnet backend has no precision '{precision}': use 'auto' or 'float32', or backend='pytorch'$"
    with pytest.raises(InvalidValue, match=message):
        made(model__precision=precision)


def test_precision_auto_is_float32() -> None:
    assert small(model__precision="auto").describe().precision == "float32"


def test_without_a_gpu_the_cpu_is_taken_and_told() -> None:
    if mx.context.num_gpus():
        pytest.skip("there is a GPU here")
    assert small(model__use_gpu=True).describe().device.startswith("cpu (")


def prototype(patterns: Path, name: str, verbose: int = 1) -> Prototype:
    """An experiment in a new workspace, up to its network."""
    gtf = Prototype("p", "e", backend="mxnet", verbose=verbose)
    gtf.Dataset_Params(dataset_path=patterns, split=0.67, input_size=32, batch_size=8)
    gtf.Dataset()
    gtf.Model_Params(model_name=name, use_pretrained=False, freeze_base_network=False)
    gtf.Model()
    return gtf


def test_a_gpu_that_is_not_there_is_said(workspace: Path, patterns: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if mx.context.num_gpus():
        pytest.skip("there is a GPU here")
    prototype(patterns, "mobilenet0.25")
    assert "a GPU was requested (use_gpu=True) but none is usable here: the CPU is used" in capsys.readouterr().out


TWO = np.zeros((2, 32, 32, 3), np.uint8), plain(32)


@needs_gluoncv
@pytest.mark.slow
def test_an_experiment_with_a_network_of_gluoncv(workspace: Path, patterns: Path) -> None:
    gtf = prototype(patterns, "resnet18_v1b", verbose=0)
    gtf.Training_Params(num_epochs=1, display_progress=False)
    gtf.Train()
    judge = Prototype("p", "e", backend="mxnet", eval_infer=True, verbose=0)
    image = next((patterns / "dots").iterdir())
    assert judge.Infer(image)["predicted_class"] in {"dots", "rings", "stripes"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'Traceback (most recent call last):\n  File "x.cc"\nMXNetError: Failed to allocate CPU Memory',
            r"^the memory of cpu\(0\) is too small for 12 images of 32 px in one step: take a smaller batch_size",
        ),
        (
            "cudaMalloc retry failed: out of memory",
            r"the memory of cpu\(0\) is too small for 12 images of 32 px in one",
        ),
        (
            'Traceback (most recent call last):\n  File "../src/x.cc", line 1\nMXNetError: Check failed: a',
            r"^MXNet stopped: Check failed: a$",
        ),
    ],
)
def test_an_error_of_mxnet_while_training_is_explained(
    monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    def fails(*args: object) -> None:
        raise mx.MXNetError(text)

    learner = small()
    monkeypatch.setattr(learner._trainer, "step", fails)
    with pytest.raises(TrainingFailed, match=message) as caught:
        LearnerContract.train(learner, 1)
    assert not isinstance(caught.value, OutOfMemory)  # which would be answered with a smaller batch


@pytest.mark.parametrize("waiting", [lambda learner: learner.capture_weights(), lambda learner: learner.logits(*TWO)])
def test_an_error_of_an_earlier_step_is_explained_where_it_comes_out(monkeypatch: pytest.MonkeyPatch, waiting) -> None:
    def fails() -> None:
        raise mx.MXNetError("Failed to allocate CPU Memory")

    learner = small()
    monkeypatch.setattr(nd, "waitall", fails)
    with pytest.raises(
        TrainingFailed, match=r"the memory of cpu\(0\) is too small for a step: take a smaller"
    ) as caught:
        waiting(learner)
    assert not isinstance(caught.value, OutOfMemory)


def test_too_little_memory_to_score_can_be_answered_with_fewer_images(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: object) -> None:
        raise mx.MXNetError("cudaMalloc retry failed: out of memory")

    learner = small()
    monkeypatch.setattr(learner, "network", fails)
    with pytest.raises(OutOfMemory, match=r"the memory of cpu\(0\) is too small for 2 images of 32 px"):
        learner.logits(*TWO)


def test_the_reason_of_an_error_without_words_is_its_kind() -> None:
    assert reason(KeyError()) == "KeyError"


# Files


def exported(folder: Path, **changes: object) -> tuple[GluonLearner, Path]:
    learner = small(**changes)
    LearnerContract.train(learner, 1)
    learner.capture_weights().write(folder / "weights")
    return learner, folder / "weights-0000.params"


def as_network_input(images: np.ndarray) -> np.ndarray:
    """Images as the network sees them, in NumPy."""
    pixels = images.transpose(0, 3, 1, 2) / 255
    mean, std = (np.array(v).reshape(1, 3, 1, 1) for v in (MEAN, STD))
    return ((pixels - mean) / std).astype(np.float32)


def load_without_monklite(path: Path) -> gluon.SymbolBlock:
    return gluon.SymbolBlock.imports(f"{path}-symbol.json", ["data"], f"{path}-0000.params")


def test_plain_mxnet_loads_the_exported_files(tmp_path: Path) -> None:
    learner, _ = exported(tmp_path)
    images, _ = easy(4)
    found = load_without_monklite(tmp_path / "weights")(nd.array(as_network_input(images))).asnumpy()
    assert np.allclose(found, learner.logits(images, plain()), atol=1e-5)


@pytest.mark.slow
def test_a_process_without_monklite_loads_the_exported_files(tmp_path: Path) -> None:
    learner, _ = exported(tmp_path)
    images, _ = easy(4)
    np.save(tmp_path / "x.npy", as_network_input(images))
    script = """
import numpy as np; np.bool = bool
import mxnet as mx, sys
block = mx.gluon.SymbolBlock.imports("weights-symbol.json", ["data"], "weights-0000.params")
np.save("y.npy", block(mx.nd.array(np.load("x.npy"))).asnumpy())
assert "monklite" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, capture_output=True)
    assert np.allclose(np.load(tmp_path / "y.npy"), learner.logits(images, plain()), atol=1e-5)


def test_numbered_weights_have_monks_names(tmp_path: Path) -> None:
    learner = small()
    for number in (0, 1, 12):
        learner.capture_weights().write(tmp_path / "intermediate_model_", number)
    names = {p.name for p in tmp_path.iterdir() if not p.name.endswith(".sha256")}
    parameters = {f"intermediate_model_-{n}.params" for n in ("0000", "0001", "0012")}
    assert names == {"intermediate_model_-symbol.json"} | parameters


def flip_bit(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 1.0])
def test_a_changed_byte_is_refused(tmp_path: Path, share: float) -> None:
    learner, parameters = exported(tmp_path)
    flip_bit(parameters, int(share * (parameters.stat().st_size - 1)))
    with pytest.raises(DamagedFile, match=r"weights-0000\.params is damaged: the checksum beside it does not fit"):
        learner.load_weights(tmp_path / "weights")


def test_mxnet_itself_would_take_a_changed_byte(tmp_path: Path) -> None:
    """Why there is a checksum."""
    _, parameters = exported(tmp_path)
    before = weights.read(parameters)
    flip_bit(parameters, parameters.stat().st_size // 3)
    after = weights.read(parameters)
    assert any(not np.array_equal(before[n], after[n]) for n in before)


@pytest.mark.parametrize("missing", ["weights-0000.params", "weights-0000.params.sha256"])
def test_missing_files_are_named(tmp_path: Path, missing: str) -> None:
    learner, _ = exported(tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(NotFound, match=rf"{missing} is not there"):
        learner.load_weights(tmp_path / "weights")


def breaks_at(monkeypatch: pytest.MonkeyPatch, count: int, ending: str) -> None:
    """Writing a file of that ending fails the given time."""
    original, seen = weights.write_text, []

    def write_text(path: Path, text: str) -> None:
        seen.append(path) if path.name.endswith(ending) else None
        if path.name.endswith(ending) and len(seen) == count:
            raise StorageError(f"{path} could not be written")
        original(path, text)

    monkeypatch.setattr(weights, "write_text", write_text)


@pytest.mark.parametrize(("count", "survives"), [(1, "old"), (2, "new")])
def test_a_crash_at_a_checksum_leaves_weights_that_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, survives: str
) -> None:
    learner, _ = exported(tmp_path)
    states = {"old": arrays(learner)}
    LearnerContract.train(learner, 1, first=1)
    states["new"] = arrays(learner)
    breaks_at(monkeypatch, count, ".sha256")
    with pytest.raises(StorageError, match=r"weights-0000\.params\.sha256 could not be written"):
        learner.capture_weights().write(tmp_path / "weights")
    other = small(seed=4)
    other.load_weights(tmp_path / "weights")
    assert all(np.array_equal(states[survives][n], a) for n, a in arrays(other).items())


def test_a_crash_between_checksum_and_parameters_leaves_the_old_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner, parameters = exported(tmp_path)
    before = arrays(learner)
    LearnerContract.train(learner, 1, first=1)
    replace = Path.replace

    def fails(self: Path, target: Path) -> Path:
        if Path(target) == parameters:
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fails)
    with pytest.raises(KeyboardInterrupt):
        learner.capture_weights().write(tmp_path / "weights")
    monkeypatch.undo()
    assert not list(tmp_path.glob(".*"))
    learner.load_weights(tmp_path / "weights")
    assert all(np.array_equal(before[n], a) for n, a in arrays(learner).items())


def test_a_state_of_another_training_is_refused(tmp_path: Path) -> None:
    small().capture(1).write(tmp_path / "state")
    with pytest.raises(WeightsMismatch, match=r"state does not fit this network: net_conv0_weight has shape"):
        made().load(tmp_path / "state")


def test_a_damaged_state_is_refused(tmp_path: Path) -> None:
    learner = small()
    learner.capture(1).write(tmp_path / "state")
    content = (tmp_path / "state").read_bytes()
    (tmp_path / "state").write_bytes(content[: len(content) // 2])
    with pytest.raises(DamagedFile, match=r"state is damaged and cannot be loaded"):
        learner.load(tmp_path / "state")


# Pretrained weights


@pytest.fixture
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Gluon's cache of pretrained weights, empty, with no network behind it."""
    monkeypatch.setenv("MXNET_HOME", str(tmp_path))
    monkeypatch.setattr(model_store, "download", _no_network)
    monkeypatch.setattr("requests.get", _no_network)
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


def _no_network(*args: object, **kwargs: object) -> None:
    raise OSError("no network here")


def put_weights(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, size: int = 224, legacy: bool = False
) -> dict[str, np.ndarray]:
    """Weights of our own making under the name and sum that Gluon looks for; by structural name."""
    network = initialized(vision.get_model(name, classes=7), size)
    made_here = folder / "made.params"
    if legacy:
        network.collect_params().save(str(made_here), strip_prefix=network.prefix)
    else:
        network.save_parameters(str(made_here))
    put_into_cache(made_here, monkeypatch, model_store, name)
    return structural(network)


def initialized(network: gluon.Block, size: int) -> gluon.Block:
    network.initialize(mx.init.Normal(0.1), force_reinit=True)
    network(nd.zeros((1, 3, size, size))).wait_to_read()
    return network


def structural(network: gluon.Block) -> dict[str, np.ndarray]:
    return {n: p.data().asnumpy() for n, p in network._collect_params_with_prefix().items()}


def put_into_cache(file: Path, monkeypatch: pytest.MonkeyPatch, store, name: str) -> None:
    digest = hashlib.sha1(file.read_bytes()).hexdigest()
    monkeypatch.setitem(store._model_sha1, name, digest)
    file.rename(file.with_name(f"{name}-{digest[:8]}.params"))


@pytest.mark.parametrize(
    ("name", "legacy"),
    [("resnet18_v1", False), ("resnet18_v1", True), ("squeezenet1.1", False), ("squeezenet1.1", True)]
    + [("mobilenetv2_0.25", True), ("densenet121", True)],
)
def test_pretrained_weights_come_from_the_cache(
    cache_folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, legacy: bool
) -> None:
    given = put_weights(cache_folder, monkeypatch, name, legacy=legacy)
    learner = made(model__name=name, model__pretrained=True)
    found = structural(learner.network)
    same = {n for n in given if given[n].shape == found[n].shape and np.array_equal(given[n], found[n])}
    assert {n for n in given if not n.startswith("output.")} <= same
    assert learner.describe().weights == "ImageNet (Gluon)"
    assert len(learner.logits(easy(1)[0], plain())[0]) == len(CLASSES)


GLUONCV_WEIGHTS = [
    ("resnet18_v1b", "resnet18_v1b", False, "fc."),
    ("resnet18_v1b", "resnet18_v1b", True, "fc."),
    ("resnet18_v1b_0.89", "resnet18_v1b_2.6x", True, "fc."),  # as GluonCV reads the files of its pruned networks
    ("mobilenetv3_small", "mobilenetv3_small", False, "output."),
]


@needs_gluoncv
@pytest.mark.parametrize(("name", "stored", "legacy", "head"), GLUONCV_WEIGHTS)
def test_pretrained_weights_of_gluoncv_come_from_the_cache(
    cache_folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, stored: str, legacy: bool, head: str
) -> None:
    network = initialized(gluoncv().get_model(name), 64)
    file = cache_folder / "made.params"
    by_name = {n.replace("v1b_", "v1d_"): p.data() for n, p in network.collect_params().items()}
    nd.save(str(file), by_name) if legacy else network.save_parameters(str(file))
    put_into_cache(file, monkeypatch, gluoncv().model_store, stored)
    learner = made(model__name=name, model__pretrained=True)
    given, found = structural(network), structural(learner.network)
    assert all(np.array_equal(given[n], found[n]) for n in given if not n.startswith(head))
    assert found[f"{head}weight" if head == "fc." else "output.0.weight"].shape[0] == len(CLASSES)
    assert learner.describe().weights == "ImageNet (GluonCV)"


@needs_gluoncv
@pytest.mark.parametrize(
    ("name", "file"),
    [("resnet18_v1b", r"resnet18_v1b-2d9d980c"), ("resnet18_v1b_0.89", r"resnet18_v1b_2\.6x-54f7742b")],
)
def test_without_network_the_error_names_the_file_of_gluoncv(cache_folder: Path, name: str, file: str) -> None:
    message = rf"weights of {name} could not be downloaded \(no network here\).*put the file at .*models/{file}\.params"
    with pytest.raises(PretrainedUnavailable, match=message):
        made(model__name=name, model__pretrained=True)


@needs_gluoncv
def test_a_network_of_gluoncv_without_pretrained_weights_is_told(
    cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(gluoncv().model_store._model_sha1, "resnet18_v1b")
    with pytest.raises(PretrainedUnavailable, match=r"^GluonCV has no pretrained weights of resnet18_v1b; use use_pre"):
        made(model__name="resnet18_v1b", model__pretrained=True)


@pytest.mark.slow
def test_pretrained_weights_of_one_size_are_explained(cache_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_weights(cache_folder, monkeypatch, "alexnet")
    with pytest.raises(
        InvalidValue, match=r"pretrained weights of alexnet fit 224 px only, not input_size=64; use input"
    ):
        made(model__name="alexnet", model__pretrained=True, data__input_size=64)


def test_without_network_the_error_says_which_file_to_put_where(cache_folder: Path) -> None:
    message = r"weights of resnet18 could not be downloaded \(no network here\).*put the file at .*models/resnet18_v1-"
    with pytest.raises(PretrainedUnavailable, match=message + r"[0-9a-f]{8}\.params.*use_pretrained=False"):
        made(model__pretrained=True)


def test_a_damaged_cached_file_is_fetched_again(cache_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_weights(cache_folder, monkeypatch, "mobilenet0.25")
    flip_bit(next(cache_folder.glob("*.params")), 5000)
    with pytest.raises(PretrainedUnavailable, match=r"could not be downloaded \(no network here\)"):
        small(model__pretrained=True)


def test_a_download_says_nothing_by_itself(
    cache_folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(model_store, "download", lambda *a, **k: sys.stdout.write("Downloading ...") and _no_network())
    with pytest.raises(PretrainedUnavailable):
        small(model__pretrained=True)
    assert capfd.readouterr().out == ""


def test_a_model_without_pretrained_weights_is_told(cache_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(model_store._model_sha1, "resnet18_v1")
    with pytest.raises(
        PretrainedUnavailable, match=r"Gluon has no pretrained weights of resnet18; use use_pretrained=F"
    ):
        made(model__pretrained=True)


# Own weights


def by_export(learner: GluonLearner, folder: Path) -> list[Path]:
    learner.capture_weights().write(folder / "mine")
    return [folder / "mine-symbol.json", folder / "mine-0000.params"]


def by_parameters_alone(learner: GluonLearner, folder: Path) -> list[Path]:
    return by_export(learner, folder)[1:]


def by_save_parameters(learner: GluonLearner, folder: Path) -> list[Path]:
    learner.network.save_parameters(str(folder / "mine.params"))
    return [folder / "mine.params"]


def by_plain_gluon(learner: GluonLearner, folder: Path) -> list[Path]:
    """Exported by a user's own program, where the network has another prefix."""
    network = vision.get_model(models.find_model("mobilenet0.25", "mxnet").cells["mxnet"].path, classes=len(CLASSES))
    network.initialize()
    network.hybridize()
    network(nd.zeros((1, 3, SIDE, SIDE)))
    for theirs, ours in zip(network.collect_params().values(), learner.network.collect_params().values(), strict=True):
        theirs.set_data(ours.data())
    network.export(str(folder / "mine"))
    return [folder / "mine-symbol.json", folder / "mine-0000.params"]


@pytest.mark.parametrize("how", [by_export, by_parameters_alone, by_save_parameters, by_plain_gluon])
def test_own_weights_are_loaded(tmp_path: Path, how) -> None:
    source = small(seed=9)
    files = how(source, tmp_path)
    learner = small(model__weights_path=files)
    given, found = arrays(source), arrays(learner)
    assert all(np.array_equal(given[n], found[n]) for n in given)
    assert learner.describe().weights == files[-1].name


@needs_gluoncv
def test_weights_of_gluoncv_exported_elsewhere_are_loaded(tmp_path: Path) -> None:
    """There the names of the parameters begin with the number of networks that the process has built."""
    network = gluoncv().get_model("resnext50_32x4d", classes=7)
    network.hybridize()
    initialized(network, SIDE).export(str(tmp_path / "mine"))
    files = [tmp_path / "mine-symbol.json", tmp_path / "mine-0000.params"]
    learner = made(model__name="resnext50_32x4d", model__weights_path=files)
    given, found = structural(network), structural(learner.network)
    assert all(np.array_equal(given[n], found[n]) for n in given if not n.startswith("output."))
    assert learner.describe().weights == "mine-0000.params, new head"


@pytest.mark.parametrize("how", [by_export, by_save_parameters])
def test_own_weights_with_other_classes_get_a_new_head(tmp_path: Path, how) -> None:
    source = BACKEND.learner(TestMXNet().spec(model__name="mobilenet0.25"), SingleLabel(("a", "b", "c", "d", "e")))
    learner = small(model__weights_path=how(source, tmp_path), seed=3)
    given, found = arrays(source), arrays(learner)
    assert learner.describe().weights.endswith(".params, new head")
    assert all(np.array_equal(given[n], found[n]) for n in given if "dense" not in n)
    assert found["net_dense0_weight"].shape[0] == len(CLASSES)


@pytest.mark.parametrize("classes", [CLASSES, ("a", "b", "c", "d")], ids=["same classes", "other classes"])
def test_own_weights_of_another_network_are_refused(tmp_path: Path, classes: tuple[str, ...]) -> None:
    """A ResNet34 holds all that a ResNet18 asks for, and more."""
    source = BACKEND.learner(TestMXNet().spec(model__name="resnet34"), SingleLabel(classes))
    with pytest.raises(WeightsMismatch, match=r"does not fit this network: .*not in the network.*from another model\?"):
        made(model__weights_path=by_save_parameters(source, tmp_path))


def write_bytes(path: Path) -> None:
    path.write_bytes(b"half a file")


def write_half(path: Path) -> None:
    write_dense(path)
    path.write_bytes(path.read_bytes()[:90])


def write_list(path: Path) -> None:
    nd.save(str(path), [nd.zeros(3)])


def write_dense(path: Path) -> None:
    nd.save(str(path), {"dense0_weight": nd.zeros((2, 2))})


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (write_bytes, r"w.params is not a file of MXNet weights \(it does not begin as one\): it is a text"),
        (write_half, r"w.params is not a file of MXNet weights \(it ends too early: .*\)"),
        (write_list, r"w.params holds no named weights; save them with save_parameters or export"),
        (write_dense, r"w.params does not fit this network: .* is missing.* and \d+ more"),
    ],
)
def test_wrong_weight_files_are_refused(tmp_path: Path, write, message: str) -> None:
    write(tmp_path / "w.params")
    with pytest.raises(WeightsMismatch, match=message):
        small(model__weights_path=[tmp_path / "w.params"])


def prefixed(folder: Path, prefix: str, changes: dict[str, np.ndarray] | None = None) -> tuple[Path, dict]:
    """A file of structural names with a prefix, and the weights without it."""
    given = {**structural(small(seed=9).network), **(changes or {})}
    nd.save(str(folder / "w.params"), {prefix + n: nd.array(a, dtype=a.dtype) for n, a in given.items()})
    return folder / "w.params", given


@pytest.mark.parametrize("prefix", ["module.", "net.module."])
def test_a_shared_prefix_is_stripped_and_told(tmp_path: Path, prefix: str) -> None:
    path, given = prefixed(tmp_path, prefix)
    learner = small(model__weights_path=[path])
    assert all(np.array_equal(given[n], a) for n, a in structural(learner.network).items())
    assert learner.describe().weights == f"w.params, prefix {prefix!r} stripped"


def test_safetensors_are_loaded(tmp_path: Path) -> None:
    given = structural(small(seed=9).network)
    save_file(given, tmp_path / "w.safetensors")
    learner = small(model__weights_path=[tmp_path / "w.safetensors"])
    assert all(np.array_equal(given[n], a) for n, a in structural(learner.network).items())


@pytest.mark.parametrize(
    ("convert", "message"),
    [
        (lambda a: a * np.float32("nan"), r"features\.0\.weight holds NaN or infinite numbers, so the training"),
        (lambda a: a.astype(np.int8), r"features\.0\.weight holds numbers of type int8, not float32: it was quantized"),
    ],
)
def test_weights_that_are_not_numbers_are_refused(tmp_path: Path, convert, message: str) -> None:
    first = structural(small(seed=9).network)["features.0.weight"]
    path, _ = prefixed(tmp_path, "", {"features.0.weight": convert(first)})
    with pytest.raises(WeightsMismatch, match=message):
        small(model__weights_path=[path])


@pytest.mark.parametrize("ending", ["params", "safetensors"])
def test_a_page_in_place_of_weights_is_told(tmp_path: Path, ending: str) -> None:
    (tmp_path / f"w.{ending}").write_bytes(b"<html>Please log in</html>")
    with pytest.raises(
        WeightsMismatch, match=rf"w\.{ending} is not a file of MXNet weights .*: it is a web page \(HTML\)"
    ):
        small(model__weights_path=[tmp_path / f"w.{ending}"])


def test_a_page_in_place_of_a_download_is_told(cache_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def page(url: str, path: str, **_: object) -> None:
        Path(path).write_bytes(b"<html>Please log in</html>")

    monkeypatch.setattr(model_store, "download", page)
    message = (
        r"\(something else came in place of the file.*\(fetch https://.*gluon/models/resnet18_v1-[0-9a-f]{8}\.zip and"
    )
    with pytest.raises(PretrainedUnavailable, match=message):
        made(model__pretrained=True)


def test_arrays_of_mxnet_are_images() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 8, 3), np.uint8)
    for array in (pixels, pixels.transpose(2, 0, 1), pixels.astype(np.float32) / 255):
        assert np.array_equal(image_input(nd.array(array, dtype=array.dtype), "image").source, pixels)


def test_a_missing_weight_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"the weight file .*none.params is not there"):
        small(model__weights_path=[tmp_path / "none.params"])


@pytest.mark.parametrize("files", [["a-symbol.json"], ["a.params", "b.params"]])
def test_a_wrong_number_of_weight_files_is_refused(files: list[str]) -> None:
    with pytest.raises(
        InvalidValue, match=r"the mxnet backend takes \[symbol.json, params\] or one file of parameters"
    ):
        small(model__weights_path=files)


# Importing


def run_python(script: str) -> str:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_name_lent_to_numpy_is_gone_after_the_import() -> None:
    assert run_python("import numpy as np, monklite.backends.mxnet; print('bool' in vars(np))").split()[-1] == "False"


@pytest.mark.slow
@pytest.mark.parametrize("order", [("pytorch", "mxnet"), ("mxnet", "pytorch")])
def test_both_frameworks_work_in_one_process(order: tuple[str, str]) -> None:
    script = f"""
from monklite import Prototype, backends
from monklite.testing.contract import LearnerContract, easy
for name in {order}:
    backends.load(name)
for name in {order}:
    contract = LearnerContract()
    contract.backend = backends.load(name)
    print(len(contract.train(contract.learner(), 1)))
"""
    assert run_python(script).split() == ["1", "1"]


@needs_gluoncv
@pytest.mark.slow
@pytest.mark.parametrize("before", ["", "import torch"])
def test_gluoncv_is_imported_when_chosen_and_leaves_no_trace(before: str) -> None:
    script = f"""
{before}
import sys
import numpy as np
from monklite import Prototype, backends
from monklite.testing.contract import CLASSES, LearnerContract
contract = LearnerContract()
contract.backend = backends.load("mxnet")
print("gluoncv" in sys.modules)
found = sys.modules.get("torch")
contract.learner(model__name="resnet18_v1b")
print("gluoncv" in sys.modules, sys.modules.get("torch") is found, "bool" in vars(np))
import torch
print(torch.ones(2).sum().item())
"""
    assert run_python(script).split() == ["False", "True", "True", "False", "2.0"]


def test_a_hidden_module_is_there_again_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("json", "monklite_never_imported"):
        before = sys.modules.get(name)
        with _hidden(name), pytest.raises(ImportError):
            importlib.import_module(name)
        assert sys.modules.get(name, "absent") is (before or "absent")


def test_a_gluoncv_that_cannot_be_imported_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gluoncv", None)
    before = sys.modules.get("torch")
    with pytest.raises(
        MissingPackage, match=r"^GluonCV cannot be imported \(.+\): pip install \"monklite\[gluoncv\]\"$"
    ):
        gluoncv()
    assert sys.modules.get("torch") is before


def test_versions_name_gluoncv_where_it_is_installed() -> None:
    assert ("gluoncv" in BACKEND.versions()) == (importlib.util.find_spec("gluoncv") is not None)


NUMPY_2 = (
    r"MXNet 1.9.1 cannot work with NumPy 2.1.0: pip install \"monklite\[mxnet\]\".*Python 3.10 to 3.12 and NumPy 1.26"
)


def test_numpy_2_is_told_before_the_import(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", lambda name: "2.1.0")
    with pytest.raises(MissingPackage, match=NUMPY_2):
        backends.check("mxnet")


def test_a_missing_mxnet_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingPackage, match=r"backend 'mxnet' needs mxnet: pip install \"monklite\[mxnet\]\""):
        backends.load("mxnet")


@pytest.mark.parametrize("error", [ImportError, AttributeError, OSError])
def test_an_mxnet_that_cannot_be_imported_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fails(name: str) -> None:
        raise error("libgfortran.so.3 is missing")

    monkeypatch.setattr(backends, "load_path", fails)
    message = r"backend 'mxnet' cannot be imported \(libgfortran.so.3 is missing\): pip install \"monklite\[mxnet\]\""
    with pytest.raises(MissingPackage, match=message):
        backends.load("mxnet")


def test_statistics_of_the_images_themselves_are_learned() -> None:
    """resnet*_v2 begin with batch normalisation that has no weights."""
    learner = made(model__name="resnet18_v2")
    LearnerContract.train(learner, 3)
    first = learner.network.features[0]
    assert np.all(first.running_mean.data().asnumpy() != 0)
    assert np.all(first.running_var.data().asnumpy() != 1)
