"""The PyTorch backend keeps the contract, and broken learners do not."""

from __future__ import annotations

import argparse
import http.client
import io
import tempfile
import threading
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch
from broken import learners
from hostile_runs import some_of_each_family
from hypothesis import given, settings
from hypothesis import strategies as st

from monklite.backends.array_files import Snapshot
from monklite.backends.pytorch import network as networks
from monklite.backends.pytorch.backend import BACKEND, TorchBackend
from monklite.backends.pytorch.framework_errors import translated
from monklite.backends.pytorch.learner import TorchLearner
from monklite.catalog import LOSSES, OPTIMIZERS, models
from monklite.errors import InvalidValue, NotFound, OutOfMemory, PretrainedUnavailable, TrainingFailed, WeightsMismatch
from monklite.processors import cpu_count
from monklite.tasks import SingleLabel
from monklite.testing.contract import CLASSES, LearnerContract, easy, plain


def arrays(learner: TorchLearner) -> dict[str, np.ndarray]:
    return {n: t.detach().cpu().numpy().copy() for n, t in learner.network.state_dict().items()}


class TestPyTorch(LearnerContract):
    backend = BACKEND
    arrays = staticmethod(arrays)


class NeverLearns(TorchLearner):
    def step(self, images, labels, draws):
        before = {n: t.clone() for n, t in self.network.state_dict().items()}
        result = super().step(images, labels, draws)
        self.network.load_state_dict(before)
        return result


class ForgetsMomentum(TorchLearner):
    def load(self, path):
        done = super().load(path)
        self.optimizer.state.clear()
        return done


class ForgetsRandomState(TorchLearner):
    def load(self, path):
        before = self._random_state
        done = super().load(path)
        self._random_state = before
        return done


class ForgetsBatchStatistics(TorchLearner):
    def capture(self, progress):
        for module in self.network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.reset_running_stats()
        kept = {n: t.clone() for n, t in self.network.state_dict().items()}
        snapshot = super().capture(progress)
        self.network.load_state_dict({n: t + 1 if "running" in n else t for n, t in kept.items()})
        return snapshot


class CapturesWithoutCopying(TorchLearner):
    def capture_weights(self):
        return Snapshot({n: t.numpy() for n, t in self.network.state_dict().items()}, {})


class JudgesInTrainingMode(TorchLearner):
    def logits(self, images, draws):
        self.network.train()
        with torch.no_grad():
            return self.network(self.inputs(images, draws)).numpy()


class MovesFrozenLayers(TorchLearner):
    def step(self, images, labels, draws):
        self.network.bn1.running_mean += 0.1
        return super().step(images, labels, draws)


BROKEN = [
    *learners(TorchLearner, 0),
    (NeverLearns, "test_the_loss_falls_on_easy_data"),
    (ForgetsMomentum, "test_a_saved_learner_goes_on_as_if_never_stopped"),
    (ForgetsRandomState, "test_a_saved_learner_goes_on_as_if_never_stopped"),
    (ForgetsBatchStatistics, "test_batch_statistics_are_saved_too"),
    (JudgesInTrainingMode, "test_scores_of_an_image_do_not_depend_on_its_neighbours"),
    (JudgesInTrainingMode, "test_scores_change_nothing"),
    (MovesFrozenLayers, "test_a_frozen_base_does_not_move"),
]


@pytest.mark.parametrize(("broken", "check"), BROKEN, ids=lambda v: getattr(v, "__name__", v))
def test_the_contract_finds_broken_learners(broken: type[TorchLearner], check: str, tmp_path: Path) -> None:
    class Backend(TorchBackend):
        def learner(self, spec, classes, pretrained=True):
            return broken(spec, classes, pretrained)

    contract = TestPyTorch()
    contract.backend = Backend()
    method = getattr(contract, check)
    arguments = [tmp_path] if "saved" in check or "kept" in check else []
    with pytest.raises(AssertionError):
        method(*arguments)


def made(**changes: object) -> TorchLearner:
    return TestPyTorch().learner(**changes)


def test_tables_of_indices_have_no_average() -> None:
    """Swin finds its position weights by one; averaged, the indices of 20 steps would have slid to the next."""
    learner = made(model__name="swin_t", training__ema_decay=0.999)
    learner.set_learning_rate(0.0)
    tables = {n: a for n, a in arrays(learner).items() if n.endswith("relative_position_index")}
    before = learner.logits(easy(2)[0], plain())
    TestPyTorch.train(learner, 30)
    assert np.allclose(learner.logits(easy(2)[0], plain()), before, atol=1e-5)
    assert tables
    assert all(np.array_equal(tables[n], arrays(learner)[n]) for n in tables)


def test_a_state_that_memory_does_not_suffice_for_is_not_called_damaged(tmp_path: Path, monkeypatch) -> None:
    learner = made(training__ema_decay=0.9)
    TestPyTorch.train(learner, 1)
    learner.capture(1).write(tmp_path / "state")

    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("monklite.backends.pytorch.arrays.NetworkArrays.copies", full)
    with pytest.raises(OutOfMemory, match=r"too small for the state of this training \(.*state\)"):
        learner.load(tmp_path / "state")


@pytest.mark.filterwarnings("ignore:.*weight_norm")
@pytest.mark.parametrize("keep", ["weight_norm", "hook"])
def test_live_networks_that_cannot_be_copied_are_averaged_too(keep: str) -> None:
    learner = made(training__ema_decay=0.9)
    if keep == "hook":
        lock = threading.Lock()
        learner.network.register_forward_hook(lambda *_: lock.locked() or None)
    else:
        learner.network.fc = torch.nn.utils.weight_norm(learner.network.fc)
        learner.refresh(TestPyTorch().spec(training__ema_decay=0.9))
    TestPyTorch.train(learner, 2)
    assert np.isfinite(learner.logits(easy(2)[0], plain())).all()


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_auxiliary_heads_are_trained(name: str) -> None:
    size = models.find_model(name, "pytorch").auxiliary_size or 64
    learner = made(model__name=name, data__input_size=size)
    images = np.random.default_rng(0).integers(0, 256, (4, size, size, 3), dtype=np.uint8)
    before = arrays(learner)
    learner.step(images, np.array([0, 1, 2, 0]), plain(size))
    heads = [n for n in before if "aux" in n.lower() and "fc" in n and n.endswith("weight")]
    assert heads
    assert all(not np.array_equal(before[n], arrays(learner)[n]) for n in heads)
    assert all(before[n].shape[0] == len(CLASSES) for n in heads if n.endswith(("fc.weight", "fc2.weight")))


def test_inception_trains_on_images_too_small_for_its_auxiliary_head() -> None:
    learner = made(model__name="inception_v3", data__input_size=96)
    images = np.zeros((2, 96, 96, 3), np.uint8)
    assert np.isfinite(float(learner.step(images, np.array([0, 1]), plain(96))[0]))
    assert not any("AuxLogits" in n for n in arrays(learner))


SLOW_MODELS = {"regnet_y_128gf", "vit_h_14"}  # 645 and 632 million parameters: 10 GB each to train a step


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", some_of_each_family([n for n in models.names("pytorch") if n not in SLOW_MODELS], "pytorch")
)
def test_every_model_trains_saves_and_answers(name: str, tmp_path: Path) -> None:
    size = max(models.find_model(name, "pytorch").min_size, 64)
    spec = {"model__name": name, "data__input_size": size, "model__precision": "auto"}
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
    assert scores.shape == (2, len(CLASSES))


RATES = {"sgd": 0.01, "nesterov_sgd": 0.01, "adadelta": 0.5}  # others: 0.001


@pytest.mark.parametrize("name", [n for n, row in sorted(OPTIMIZERS.items()) if row.cell("pytorch")])
def test_every_optimizer_learns_and_resumes(name: str, tmp_path: Path) -> None:
    chosen = OPTIMIZERS[name].choose("pytorch", {"learning_rate": RATES.get(name, 0.001)})
    learner, other = made(training__optimizer=chosen), made(training__optimizer=chosen, seed=3)
    losses = LearnerContract.train(learner, 6)
    learner.capture(1).write(tmp_path / "state")
    other.load(tmp_path / "state")
    assert losses[-1] < losses[0]
    assert LearnerContract.train(learner, 2) == LearnerContract.train(other, 2)


@pytest.mark.parametrize("name", ["softmax_crossentropy", "sigmoid_binary_crossentropy", "hinge"])
def test_a_loss_falls(name: str) -> None:
    losses = LearnerContract.train(made(training__loss=LOSSES[name].choose("pytorch", {})), 8)
    assert losses[-1] < losses[0]


def test_class_weights_count() -> None:
    weighted = LOSSES["softmax_crossentropy"].choose("pytorch", {"weight": [1, 0, 0]})
    scores = np.array([[5, 0, 0], [5, 0, 0]], np.float32)
    assert made(training__loss=weighted).loss(scores, np.array([0, 1])) < 0.1


@pytest.mark.parametrize("clip", ["clipnorm", "clipvalue"])
def test_clipping_limits_the_step(clip: str) -> None:
    def moved(**values: float) -> float:
        sgd = OPTIMIZERS["sgd"].choose("pytorch", {"learning_rate": 1.0, **values})
        learner = made(training__optimizer=sgd)
        before = arrays(learner)["fc.weight"]
        LearnerContract.train(learner, 1)
        return float(np.abs(arrays(learner)["fc.weight"] - before).max())

    assert moved(**{clip: 1e-4}) <= 1.01e-4 < moved()


def test_the_users_random_numbers_stay_their_own() -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    LearnerContract.train(made(), 1)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_precision_is_taken_and_told(precision: str) -> None:
    learner = made(model__precision=precision)
    assert learner.describe().precision == precision
    assert learner.logits(easy(2)[0], plain()).dtype == np.float32


@pytest.mark.parametrize(
    ("spec", "methods"),
    [
        ({}, ("channels last", "fused optimizer")),
        ({"training__optimizer": OPTIMIZERS["adamax"].choose("pytorch", {"learning_rate": 0.1})}, ("channels last",)),
        ({"model__compile": True}, ("channels last", "fused optimizer", "compiled")),
        ({"model__deterministic": True}, ("channels last", "fused optimizer", "deterministic")),
    ],
)
def test_how_it_is_computed_is_recorded(spec, methods) -> None:
    assert made(**spec).describe().methods == methods


def test_too_small_images_are_refused() -> None:
    with pytest.raises(InvalidValue, match=r"inception_v3 needs images of at least 75 px, not input_size=32"):
        made(model__name="inception_v3")


def test_more_frozen_layers_than_there_are_is_refused() -> None:
    with pytest.raises(InvalidValue, match=r"resnet18 has 41 layers: freeze at most 40, not 41"):
        made(model__freeze_layers=41)


@pytest.fixture
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """torch's cache of pretrained weights, empty, with no network behind it."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.urlopen", _no_network)
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def _no_network(*args: object, **kwargs: object) -> None:
    raise OSError("no network here")


def put_weights(folder: Path, name: str, **options: object) -> dict[str, torch.Tensor]:
    """Weights of our own making under the name that torchvision looks for."""
    import torchvision

    torch.manual_seed(11)
    state = torchvision.models.get_model(name, **options).state_dict()
    torch.save(state, folder / torchvision.models.get_model_weights(name).DEFAULT.url.rpartition("/")[2])
    return state


@pytest.mark.parametrize(
    "name", ["resnet18", "densenet121", "squeezenet1_1", "googlenet", "inception_v3", "mobilenet_v3_small"]
)
def test_pretrained_weights_come_from_the_cache(cache_folder: Path, name: str) -> None:
    options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    given = put_weights(cache_folder, name, **options)
    size = max(models.find_model(name, "pytorch").min_size, 32)
    learner = made(model__name=name, model__pretrained=True, data__input_size=size)
    first = next(n for n in given if n.endswith("weight"))
    assert np.array_equal(arrays(learner)[first], given[first].numpy())
    assert learner.describe().weights.startswith("IMAGENET1K")


def test_without_network_the_error_says_which_file_to_put_where(cache_folder: Path) -> None:
    with pytest.raises(
        PretrainedUnavailable, match=r"put it at .*checkpoints/resnet18-f37072fd.pth.*use_pretrained=False"
    ):
        made(model__pretrained=True)


def test_a_damaged_cached_file_is_named(cache_folder: Path) -> None:
    (cache_folder / "resnet18-f37072fd.pth").write_bytes(b"half a file")
    with pytest.raises(WeightsMismatch, match=r"resnet18-f37072fd.pth is not the weight file of resnet18.*delete it"):
        made(model__pretrained=True)


def test_a_vit_keeps_its_pretrained_size() -> None:
    with pytest.raises(InvalidValue, match=r"fit 224 px only, not input_size=64"):
        made(model__name="vit_b_32", model__pretrained=True, data__input_size=64)


@pytest.mark.parametrize("how", ["torch.save", "torch.save nested", "safetensors"])
def test_own_weights_are_loaded(tmp_path: Path, how: str) -> None:
    source = made(seed=9)
    path = tmp_path / "mine.pth"
    if how == "safetensors":
        source.capture_weights().write(path)
    else:
        state = source.network.state_dict()
        torch.save({"state_dict": {f"module.{n}": t for n, t in state.items()}} if "nested" in how else state, path)
    learner = made(model__weights_path=[path])
    assert np.array_equal(arrays(learner)["conv1.weight"], arrays(source)["conv1.weight"])
    # a prefix that is stripped is told
    prefix = ", prefix 'module.' stripped" if "nested" in how else ""
    assert learner.describe().weights == f"mine.pth{prefix}"


@pytest.mark.parametrize("more", [{"epoch": 3}, {"optimizer": {"state": torch.ones(2)}, "note": "best"}])
def test_own_weights_with_other_things_beside_them_are_loaded(tmp_path: Path, more: dict[str, object]) -> None:
    source = made(seed=9)
    torch.save({**source.network.state_dict(), **more}, tmp_path / "mine.pth")
    learner = made(model__weights_path=[tmp_path / "mine.pth"])
    assert np.array_equal(arrays(learner)["conv1.weight"], arrays(source)["conv1.weight"])
    told = f"{len(more)} entries that are no weights such as '{next(iter(more))}' not taken"
    assert learner.describe().weights == f"mine.pth, {told}"


def test_own_weights_with_other_classes_get_a_new_head(tmp_path: Path) -> None:
    source = BACKEND.learner(TestPyTorch().spec(), SingleLabel(("a", "b", "c", "d", "e")))
    source.capture_weights().write(tmp_path / "five.safetensors")
    learner = made(model__weights_path=[tmp_path / "five.safetensors"])
    assert learner.describe().weights == "five.safetensors, new head"
    assert learner.network.fc.out_features == len(CLASSES)


class Evil:
    def __reduce__(self):
        return (Path.touch, (Path("executed"),))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda: torch.nn.Linear(2, 2), r"cannot be loaded safely|not a file of weights"),
        (lambda: Evil(), r"not a file of weights that can be loaded safely"),
        (lambda: {"a": 1}, r"holds no state dict"),
        (lambda: torch.nn.Linear(2, 2).state_dict(), r"does not fit this network: conv1.weight is missing"),
    ],
)
def test_wrong_weight_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content, message: str) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save(content(), tmp_path / "w.pth")
    with pytest.raises(WeightsMismatch, match=message):
        made(model__weights_path=[tmp_path / "w.pth"])
    assert not (tmp_path / "executed").exists()


def loaded(path: Path, content: object) -> TorchLearner:
    torch.save(content, path)
    return made(model__weights_path=[path])


@pytest.mark.parametrize("key", ["state_dict", "model", "model_state", "model_state_dict", "network", "generator"])
@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "model.", "net.", "module._orig_mod.model."])
def test_prefixes_and_nesting_of_trainers_are_stripped_and_told(tmp_path: Path, key: str, prefix: str) -> None:
    state = made(seed=9).network.state_dict()
    other = {"epoch": 3, "args": argparse.Namespace(lr=0.1), "best": np.float64(0.5), "optimizer": {"state": {}}}
    learner = loaded(tmp_path / "w.pt", {key: {prefix + n: t for n, t in state.items()}, **other})
    assert all(torch.equal(learner.network.state_dict()[n], t) for n, t in state.items())
    told = f", prefix {prefix!r} stripped" if prefix else ""
    assert learner.describe().weights == f"w.pt{told}"


@given(st.lists(st.text("abcdefgh_0", min_size=1, max_size=6), max_size=3), st.booleans())
@settings(max_examples=8, deadline=None)
def test_any_shared_prefix_is_stripped(parts: list[str], nested: bool) -> None:
    state, prefix = made(seed=9).network.state_dict(), "".join(f"{part}." for part in parts)
    named = {prefix + n: t for n, t in state.items()}
    with tempfile.TemporaryDirectory() as folder:
        learner = loaded(Path(folder, "w.pt"), {"state_dict": named} if nested else named)
    assert all(torch.equal(learner.network.state_dict()[n], t) for n, t in state.items())


def test_a_prefix_beside_other_entries_and_another_head_is_told(tmp_path: Path) -> None:
    state = made(seed=9).network.state_dict()
    state["fc.weight"], state["fc.bias"] = torch.zeros(9, 512), torch.zeros(9)
    content = {"state_dict": {**{f"model.{n}": t for n, t in state.items()}, "criterion.weight": torch.ones(9)}}
    learner = loaded(tmp_path / "w.pt", content)
    told = "w.pt, prefix 'model.' stripped, 1 other entries such as 'criterion.weight' not taken, new head"
    assert learner.describe().weights == told
    assert torch.equal(learner.network.conv1.weight, state["conv1.weight"])


@pytest.mark.parametrize("nested", [True, False])
def test_moving_averages_are_not_taken_in_silence(tmp_path: Path, nested: bool) -> None:
    state, averages = made(seed=9).network.state_dict(), made(seed=5).network.state_dict()
    if nested:
        content, told = {"state_dict_ema": averages, "state_dict": state}, "'state_dict_ema' not taken"
    else:
        content = {f"ema_model.{n}": t for n, t in averages.items()} | {f"model.{n}": t for n, t in state.items()}
        told = f"prefix 'model.' stripped, {len(state)} other entries such as 'ema_model.conv1.weight' not taken"
    learner = loaded(tmp_path / "w.pt", content)
    assert torch.equal(learner.network.conv1.weight, state["conv1.weight"])
    assert learner.describe().weights == f"w.pt, {told}"


def test_several_networks_and_averages_alone_are_refused(tmp_path: Path) -> None:
    state = made(seed=9).network.state_dict()
    with pytest.raises(
        WeightsMismatch, match=r"holds moving averages of weights only \('model_ema'\), which are not taken"
    ):
        loaded(tmp_path / "w.pt", {"model_ema": state})
    twice = {f"student.{n}": t for n, t in state.items()} | {f"teacher.{n}": t for n, t in state.items()}
    with pytest.raises(
        WeightsMismatch, match=r"holds these weights 2 times, under 'student\.' and 'teacher\.': save one"
    ):
        loaded(tmp_path / "w.pt", twice)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_numbers_are_refused(tmp_path: Path, value: float) -> None:
    state = made(seed=9).network.state_dict()
    state["layer1.0.conv1.weight"][0, 0, 0, 0] = value
    with pytest.raises(
        WeightsMismatch, match=r"layer1\.0\.conv1\.weight holds NaN or infinite numbers, so the training"
    ):
        loaded(tmp_path / "w.pt", state)


def test_quantized_weights_are_refused_and_other_floats_and_old_files_are_taken(tmp_path: Path) -> None:
    state = made(seed=9).network.state_dict()
    with pytest.raises(WeightsMismatch, match=r"conv1\.weight holds numbers of type torch\.int8, not torch\.float32"):
        loaded(tmp_path / "w.pt", {**state, "conv1.weight": state["conv1.weight"].to(torch.int8)})
    half = {n: t.half() for n, t in state.items() if not n.endswith("num_batches_tracked")}
    learner = loaded(tmp_path / "w.pt", half)
    assert torch.equal(learner.network.conv1.weight, half["conv1.weight"].float())
    assert learner.describe().weights == "w.pt"


PAGE = b"<!DOCTYPE html>\n<html><body>Please log in</body></html>"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (PAGE, r"it is a web page \(HTML\), such as a login or error page.*Fetch the weight file again and put it at "),
        (b"\xef\xbb\xbf\n  <html>", r"it is a web page \(HTML\)"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1", r"it is a Git LFS pointer"),
        (b'{"message": "Not Found"}', r"it is a text"),
        ("Schlüssel".encode()[:6], r"it is a text"),
        (b"", r"it is an empty file \(0 bytes\)"),
        (b"PK\x03\x04" + bytes(300), r"the beginning of a file whose download or copy did not finish"),
        (bytes(range(128, 256)), r"is not a file of weights that can be loaded safely\. Save the weights alone"),
    ],
)
@pytest.mark.parametrize("ending", ["pth", "safetensors"])
def test_what_is_no_weight_file_is_said(tmp_path: Path, content: bytes, message: str, ending: str) -> None:
    (tmp_path / f"w.{ending}").write_bytes(content)
    with pytest.raises(WeightsMismatch, match=rf"w\.{ending} is not a file of weights.*{message}|{message}"):
        made(model__weights_path=[tmp_path / f"w.{ending}"])


def test_a_file_of_own_objects_names_their_class(tmp_path: Path) -> None:
    with pytest.raises(
        WeightsMismatch, match=r"can be loaded safely \(it holds objects of the class torch\.nn\.modules\."
    ):
        loaded(tmp_path / "w.pt", torch.nn.Linear(2, 2))


class Page(io.BytesIO):
    """An answer of a web server."""

    headers = {"Content-Length": str(len(PAGE))}

    def info(self):
        return self

    def get_all(self, *_: object) -> list[str]:
        return [str(len(PAGE))]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (
            lambda *a, **k: Page(PAGE),
            r"something else came in place of the file, such as the page of a proxy or a login",
        ),
        (mock.Mock(side_effect=http.client.IncompleteRead(b"half")), r"IncompleteRead"),
        (mock.Mock(side_effect=http.client.RemoteDisconnected("closed")), r"closed"),
    ],
)
def test_a_page_in_place_of_a_download_is_told(cache_folder: Path, monkeypatch, answer, reason: str) -> None:
    monkeypatch.setattr("torch.hub.urlopen", answer)
    remedy = (
        r"fetch https://download\.pytorch\.org/models/resnet18-f37072fd\.pth elsewhere and put it at .*resnet18-f3707"
    )
    with pytest.raises(PretrainedUnavailable, match=rf"could not be downloaded \({reason}.*{remedy}"):
        made(model__pretrained=True)


def test_a_page_in_the_cache_of_weights_is_told_with_the_address(cache_folder: Path) -> None:
    (cache_folder / "resnet18-f37072fd.pth").write_bytes(PAGE)
    message = (
        r"is not the weight file of resnet18 \(a web page \(HTML\).*delete it and try again, or fetch https://download"
    )
    with pytest.raises(WeightsMismatch, match=message):
        made(model__pretrained=True)


def test_class_weights_by_name_fall_on_their_classes() -> None:
    by_name = LOSSES["softmax_crossentropy"].choose(
        "pytorch", {"weight": {CLASSES[2]: 3, CLASSES[0]: 1, CLASSES[1]: 2}}
    )
    assert made(training__loss=by_name).criterion.weight.tolist() == [1, 2, 3]


def test_a_missing_weight_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"none.pth is not there"):
        made(model__weights_path=[tmp_path / "none.pth"])


def test_head_places_are_those_of_the_networks() -> None:
    network, _ = networks.build(TestPyTorch().spec(model__name="squeezenet1_1"), 7, False)
    assert network.classifier[1].out_channels == 7


def test_no_more_threads_than_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(before + 3)
    try:
        made()
        assert torch.get_num_threads() == cpu_count()
    finally:
        torch.set_num_threads(before)


def test_memory_of_the_processor_that_gives_out_is_told() -> None:
    message = r"the memory of cpu.* is too small for 4 images of 32 px in one step"
    with pytest.raises(OutOfMemory, match=message), translated(torch.device("cpu"), 4, 32):
        torch.zeros(10**15)


def test_a_refusal_of_the_processors_library_is_explained() -> None:
    message = (
        r"refused 4 images of 32 px \(could not create a primitive\), most often because too little memory is left"
    )
    with pytest.raises(TrainingFailed, match=message) as caught, translated(torch.device("cpu"), 4, 32):
        raise RuntimeError("could not create a primitive")
    assert not isinstance(caught.value, OutOfMemory)
