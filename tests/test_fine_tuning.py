"""Rates of groups of layers, and the head first: what each trains, that it resumes exactly, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_features import weights
from tiny_networks import build_tiny

from monklite import Prototype, backends
from monklite.backends import capabilities, user_changes
from monklite.backends.freezing import layers_to_freeze
from monklite.backends.layer_groups import layer_groups
from monklite.catalog import OPTIMIZERS, resolve
from monklite.catalog.backends import describe
from monklite.catalog.fine_tuning import falling
from monklite.errors import InvalidType, InvalidValue, MonkliteError, NotReady
from monklite.records import EpochRow
from monklite.runs import history as history_file
from monklite.runs.workspace import Workspace
from monklite.spec import Resolved, Spec
from monklite.tasks import SingleLabel
from monklite.testing.contract import CLASSES, easy, plain
from monklite.training import engine, progress
from monklite.training.early_stopping import ended

RATES = (0.01, 0.1, 1.0)


def spec(backend: str, **changes: Any) -> Resolved:
    values = {"model.name": "squeezenet1_1", "model.pretrained": False, "model.freeze_base": False}
    values |= {"data.input_size": 32, "model.precision": "float32", "model.use_gpu": False}
    values["training.optimizer"] = OPTIMIZERS["sgd"].choose(backend, {"learning_rate": 0.1})
    return resolve(Spec(backend=backend).replace({**values, **changes}))


def arrays(learner: Any, backend: str) -> dict[str, np.ndarray]:
    """The weights and statistics by the name of their layer and their own, which differ between the backends."""
    if backend == "pytorch":
        return {n: t.numpy().copy() for n, t in learner.network.state_dict().items() if "num_batches" not in n}
    learner.wait()
    return {n: p.data().asnumpy() for n, p in learner.network._collect_params_with_prefix().items()}


def layer_of(name: str) -> str:
    return "head" if name.startswith(("classifier", "output")) else "conv" if ".0." in name else "norm"


# Groups


def test_layers_before_the_head_are_divided_evenly_and_the_head_is_the_last_group() -> None:
    layers = [(f"base.{i}", i) for i in range(7)] + [("head.0", 7), ("head.1", 8)]
    asked = spec("pytorch", **{"training.layer_rates": (0.1, 0.2, 0.3, 1.0)})
    assert layer_groups(asked, layers, ("head",)) == [(0.1, [0, 1, 2]), (0.2, [3, 4]), (0.3, [5, 6]), (1.0, [7, 8])]
    assert layer_groups(asked, layers[7:], ("head",)) == [(1.0, [7, 8])]
    assert layer_groups(spec("pytorch"), layers, ("head",)) == []
    with pytest.raises(
        InvalidValue,
        match=r"3 rates for the .* trains only 2 .* at most 3 rates, or one for all with .* Fine_Tune\(layer_decay=1\)",
    ):
        layer_groups(asked, layers[5:], ("head",))


def test_both_backends_make_the_same_groups() -> None:
    found = {}
    for name in ("pytorch", "mxnet"):
        learner = backends.load(name).learner(
            spec(name, **{"model.name": "resnet18", "training.layer_rates": (0.1, 0.5, 1.0)}), SingleLabel(CLASSES)
        )
        if name == "pytorch":
            found[name] = [sum(p.numel() for p in group["params"]) for group in learner.optimizer.param_groups]
        else:
            trained = [p for p in learner.network.collect_params().values() if p.grad_req != "null"]
            factors = [p.lr_mult for p in trained]
            sizes = [int(np.prod(p.shape)) for p in trained]
            found[name] = [sum(s for s, f in zip(sizes, factors, strict=True) if f == g) for g in (0.1, 0.5, 1.0)]
    assert found["pytorch"] == found["mxnet"]
    assert len(found["pytorch"]) == 3


def test_each_group_moves_at_its_own_rate(monkeypatch, backend: str) -> None:
    build_tiny(monkeypatch, backend)
    images, labels = easy(12)

    def moved(**changes: Any) -> dict[str, np.ndarray]:
        learner = backends.load(backend).learner(spec(backend, **changes), SingleLabel(CLASSES))
        before = arrays(learner, backend)
        learner.step(images, labels, plain())
        return {n: a - before[n] for n, a in arrays(learner, backend).items() if "running" not in n}

    alike, falling_rates = moved(), moved(**{"training.layer_rates": RATES})
    factors = dict(zip(("conv", "norm", "head"), RATES, strict=True))
    assert any(np.abs(step).max() > 1e-3 for step in alike.values())
    for name, step in alike.items():
        # a step of float32 weights is exact to about 1e-7 of the weights
        assert np.allclose(falling_rates[name], factors[layer_of(name)] * step, rtol=1e-3, atol=3e-7), name


@pytest.mark.parametrize(
    "name", ["adam", "nesterov_sgd", "adamax", "rmsprop", "momentum_rmsprop", "adagrad", "nesterov_adam"]
)
def test_every_optimizer_of_both_backends_obeys_the_rates(monkeypatch, backend: str, name: str) -> None:
    build_tiny(monkeypatch, backend)
    chosen = OPTIMIZERS[name].choose(backend, {"learning_rate": 0.01})
    steps = []
    for rates in ((), (0.5, 0.5, 1.0)):
        changes = {"training.optimizer": chosen, "training.layer_rates": rates}
        learner = backends.load(backend).learner(spec(backend, **changes), SingleLabel(CLASSES))
        before = arrays(learner, backend)
        learner.step(*easy(12), plain())
        name_of = next(n for n in before if layer_of(n) == "conv" and n.endswith("weight"))
        steps.append(arrays(learner, backend)[name_of] - before[name_of])
    assert np.allclose(steps[1], 0.5 * steps[0], rtol=1e-3, atol=1e-6)


def test_rates_of_layers_are_no_rates_of_the_user() -> None:
    assert list(user_changes.own_rates(RATES, RATES)) == []
    assert list(user_changes.own_rates([1.0])) == []
    (note,) = user_changes.own_rates([0.01, 0.3, 1.0], RATES)
    assert "learning rates of its own, which are kept: 0.01, 0.3, 1" in note
    assert ["groups of its own" in n for n in user_changes.own_rates([1.0, 1.0])] == [True]


def test_a_backend_that_cannot_do_it_says_so(monkeypatch) -> None:
    monkeypatch.setattr(capabilities, "describe", lambda name: replace(describe(name), fine_tunes=name != "mxnet"))
    for change in ({"training.layer_rates": RATES}, {"training.head_epochs": 1}):
        with pytest.raises(InvalidValue, match="mxnet backend trains all layers .* use backend='pytorch'"):
            capabilities.check_capabilities(spec("mxnet", **change))


# Training


def experiment(folder: Path, patterns: Path, backend: str, name: str = "e", epochs: int = 3, **more: Any) -> Any:
    ptf = Prototype("p", name, backend=backend, workspace=folder, verbose=0)
    ptf.update_seed(2)
    ptf.Dataset_Params(dataset_path=patterns, split=0.67, input_size=32, batch_size=8, num_processors=1)
    ptf.apply_random_horizontal_flip(train=True)
    ptf.apply_normalize(train=True, val=True, test=True)
    ptf.Dataset()
    ptf.Model_Params(model_name="squeezenet1_1", freeze_base_network=False, use_pretrained=False)
    ptf.update_precision("float32")
    ptf.Model()
    ptf.optimizer_sgd(0.05, momentum=0.9)
    ptf.update_layer_rates(RATES)
    ptf.update_learning_rate(0.05)
    ptf.Training_Params(num_epochs=epochs, **more)
    return ptf


def rows(folder: Path, name: str = "e") -> list[EpochRow]:
    return history_file.read(Workspace(folder).find("p", name).logs / "history.csv")


def figures(folder: Path) -> list[tuple[float, ...]]:
    return [(r.learning_rate, r.train_loss, r.train_accuracy, r.val_loss, r.val_accuracy) for r in rows(folder)]


def test_the_head_is_trained_first_and_then_all_layers(
    monkeypatch, patterns: Path, tmp_path: Path, backend: str
) -> None:
    build_tiny(monkeypatch, backend)
    ptf = experiment(tmp_path, patterns, backend, save_intermediate_models=True)
    ptf._change({"training.head_epochs": 1})
    ptf.Reload()
    learner = ptf._experiment.learner
    states = [arrays(learner, backend)]
    original = engine.Loop._notify

    def notify(self: Any, event: str) -> None:
        original(self, event)
        if event == "epoch_start":
            states.append(arrays(learner, backend))

    monkeypatch.setattr(engine.Loop, "_notify", notify)
    ptf.Train()
    states.append(arrays(learner, backend))
    moved = [
        {layer_of(n) for n in before if not np.array_equal(before[n], after[n])}
        for before, after in zip(states[1:], states[2:], strict=False)
    ]
    assert moved == [{"head"}, {"head", "conv", "norm"}, {"head", "conv", "norm"}]
    # batch statistics belong to what is frozen
    assert not any(n for n in states[1] if "running" in n and not np.array_equal(states[1][n], states[2][n]))
    state = Workspace(tmp_path).find("p", "e").state()
    assert "head alone in the first 1 epoch" in state.model.methods
    assert state.model.trainable_layers == state.model.layers == 3
    assert [r.learning_rate for r in rows(tmp_path)] == pytest.approx([0.05, 0.05, 0.025])


@pytest.mark.parametrize(("stop", "ema"), [(1, 0.0), ("boundary", 0.5), (4, 0.5), (8, 0.0)])
def test_a_stopped_training_goes_on_to_the_same_weights(
    monkeypatch, patterns: Path, tmp_path: Path, backend: str, stop: Any, ema: float
) -> None:
    """Stopped with the head alone, between the head and all layers, and in an epoch of all layers."""
    build_tiny(monkeypatch, backend)

    def started(folder: Path) -> Any:
        ptf = experiment(folder, patterns, backend, ema_decay=ema)
        ptf._change({"training.head_epochs": 1})
        return ptf

    started(tmp_path / "whole").Train()
    with monkeypatch.context() as patch:
        interrupt(patch, stop)
        with pytest.raises(KeyboardInterrupt):
            started(tmp_path / "parts").Train()
    resumed = Prototype("p", "e", backend=backend, resume_train=True, workspace=tmp_path / "parts", verbose=0)
    with pytest.raises(NotReady, match="keeps its training.layer_rates"):
        resumed.update_layer_rates(decay=1)
    resumed.Train()
    assert figures(tmp_path / "parts") == figures(tmp_path / "whole")
    assert arrays_of(tmp_path / "parts") == arrays_of(tmp_path / "whole")


def arrays_of(folder: Path) -> dict[str, bytes]:
    """The final weights without the graph, in which MXNet counts how often it was built."""
    return {name: content for name, content in weights(folder, "e").items() if not name.endswith(".json")}


def interrupt(patch: pytest.MonkeyPatch, stop: Any) -> None:
    """Stop after a step, or kill after the first epoch, whose end is saved (an epoch has three steps)."""
    steps: list[int] = []
    step = engine.Loop._step

    def stopped(self: Any, batch: Any) -> Any:
        steps.append(1)
        self.stop = len(steps) == stop
        return step(self, batch)

    def killed(self: Any, loop: Any, row: EpochRow) -> None:
        raise KeyboardInterrupt

    if stop == "boundary":
        patch.setattr(progress.Progress, "epoch_end", killed)
    else:
        patch.setattr(engine.Loop, "_step", stopped)


def test_fine_tune_comes_after_the_quick_mode(
    monkeypatch, patterns: Path, tmp_path: Path, capsys, backend: str
) -> None:
    build_tiny(monkeypatch, backend)
    ptf = Prototype("p", "e", backend=backend, workspace=tmp_path)
    ptf.Default(patterns, model_name="squeezenet1_1", use_pretrained=False)
    ptf.update_input_size(32)
    ptf.Fine_Tune(2, head_epochs=2, layer_decay=0.1)
    said = capsys.readouterr().out
    assert "the recipe for this also changes" in said
    assert "From here on the layers before the head are trained too" in said
    run = Workspace(tmp_path).find("p", "e")
    training = run.state().resolved.training
    assert (training.epochs, training.head_epochs, training.layer_rates) == (4, 2, pytest.approx(RATES))
    # each part has a cosine of its own
    assert [r.learning_rate for r in rows(tmp_path)] == pytest.approx([5e-4, 2.5e-4, 5e-4, 2.5e-4])
    assert run.state().status == "done"
    resumed = Prototype("p", "e", backend=backend, workspace=tmp_path, verbose=0, resume_train=True)
    resumed.update_num_epochs(5)
    resumed.Train()
    assert len(rows(tmp_path)) == 5


def test_rates_that_end_with_the_heads_epochs_are_told(
    monkeypatch, patterns: Path, tmp_path: Path, capsys, backend: str
) -> None:
    build_tiny(monkeypatch, backend)
    ptf = Prototype("p", "e", backend=backend, workspace=tmp_path)
    ptf.Default(patterns, model_name="squeezenet1_1", use_pretrained=False, freeze_base_network=False, num_epochs=2)
    ptf.update_input_size(32)
    ptf.update_head_epochs(1)
    ptf.update_layer_rates(decay=0.5)
    ptf.Reload()
    rate = ptf._experiment.resolved().training.optimizer.params["learning_rate"]
    if backend == "pytorch":
        ptf.optimizer.param_groups[0]["lr"] = 0.1 * rate
    else:
        ptf.optimizer.lr = 0.1 * rate
    ptf.Train()
    said = capsys.readouterr().out
    kept, ended = (
        said.index(text) for text in ("which are kept: 0.1 times", "(0.1 times the rate of the schedule) were")
    )
    assert kept < said.index("From here on the layers before the head are trained too") < ended
    with monkeypatch.context() as patch:
        patch.setattr(Prototype, "Train", lambda self: None)
        ptf.Fine_Tune(1, layer_decay=0.5)
        assert "Note: the rates of layers" not in capsys.readouterr().out
        ptf.Fine_Tune(1, layer_decay=1)
    assert "the rates of layers are now one, by layer_decay, and no longer 0.25, 0.5, 1" in capsys.readouterr().out


def test_groups_that_a_network_lacks_are_refused_before_the_head_is_trained(
    monkeypatch, patterns: Path, tmp_path: Path, backend: str
) -> None:
    build_tiny(monkeypatch, backend)
    ptf = Prototype("p", "e", backend=backend, workspace=tmp_path, verbose=0)
    ptf.Default(patterns, model_name="squeezenet1_1", use_pretrained=False)
    ptf.Freeze_Layers(1)
    with pytest.raises(InvalidValue, match=r"trains only 1 of these: .* Fine_Tune\(layer_decay=1\)"):
        ptf.Fine_Tune(1)
    assert not rows(tmp_path)


def test_early_stopping_waits_for_the_other_layers() -> None:
    history = [
        EpochRow(i + 1, 0.1, 0.5, 0.5, 0.5, accuracy, 1, 0, 1) for i, accuracy in enumerate([0.9, 0.5, 0.5, 0.5])
    ]
    assert ended(history[:2], 9, 1, "accuracy")
    assert not ended(history[:2], 9, 1, "accuracy", head_epochs=2)
    assert ended(history[:3], 9, 1, "accuracy", head_epochs=2)
    assert not ended(history, 9, 3, "accuracy", head_epochs=2)


# What is refused


@pytest.mark.parametrize(
    ("values", "error", "match"),
    [
        ({}, InvalidValue, "give either rates or decay"),
        ({"rates": [0.1, 1], "decay": 0.5}, InvalidValue, "give either rates or decay"),
        ({"rates": []}, InvalidValue, "rates must have the rate of the head at least"),
        ({"rates": [0.0, 1.0]}, InvalidValue, "rates must be a list of values, each a number above 0"),
        ({"rates": "0.1"}, InvalidType, "rates must be a list"),
        ({"decay": 1.5}, InvalidValue, "decay must be a number above 0 and at most 1"),
        ({"decay": 0.5, "groups": 1}, InvalidValue, "groups must be a whole number at least 2"),
        ({"decay": 1e-200, "groups": 5}, MonkliteError, "decay, by group, must be a number above 0"),
    ],
)
def test_wrong_rates_are_refused(tmp_path: Path, values: dict, error: type[Exception], match: str) -> None:
    ptf = Prototype("p", "e", workspace=tmp_path, verbose=0)
    ptf.Model_Params(freeze_base_network=False)
    with pytest.raises(error, match=match):
        ptf.update_layer_rates(**values)
    assert ptf._experiment.asked.training.layer_rates == ()


def test_explicit_rates_set_that_of_the_optimizer(tmp_path: Path) -> None:
    ptf = Prototype("p", "e", workspace=tmp_path, verbose=0)
    ptf.Model_Params(freeze_base_network=False)
    ptf.update_layer_rates([1e-5, 1e-4, 1e-3])
    training = ptf._experiment.resolved().training
    assert training.optimizer.params["learning_rate"] == 1e-3
    assert training.layer_rates == pytest.approx(RATES)
    ptf.update_layer_rates(decay=0.5, groups=4)
    assert ptf._experiment.asked.training.layer_rates == (0.125, 0.25, 0.5, 1.0)
    assert falling(1, 5) == ()


def test_settings_that_would_have_no_effect_are_refused(tmp_path: Path) -> None:
    ptf = Prototype("p", "e", workspace=tmp_path, verbose=0)
    with pytest.raises(
        InvalidValue, match="several trained layers, and the base is frozen: use freeze_base_network=False"
    ):
        ptf.update_layer_rates(decay=0.1)
    ptf.Model_Params(freeze_base_network=False)
    ptf._change({"training.head_epochs": 2})
    with pytest.raises(InvalidValue, match=r"update_head_epochs\(0\) turns it off"):
        ptf.update_freeze_base_network(True)
    with pytest.raises(InvalidValue, match="there must be more than 2 epochs in all, not 2"):
        ptf.update_num_epochs(2)
    with pytest.raises(InvalidValue, match="and no head_epochs"):
        ptf.update_progressive_resizing()
    for values, match in (
        ((0,), "num_epochs must be a whole number at least 1"),
        ((1, -1), "head_epochs must be a whole number at least 0"),
        ((1, 1, 0), "layer_decay must be a number above 0 and at most 1"),
    ):
        with pytest.raises(InvalidValue, match=match):
            ptf.Fine_Tune(*values)


# Frozen layers


def test_the_first_16_layers_of_vgg19_are_its_convolutions_on_both_backends() -> None:
    import torch
    import torchvision

    from monklite.backends.mxnet.framework import vision
    from monklite.backends.mxnet.network import parameter_layers as gluon_layers
    from monklite.backends.pytorch.network import parameter_layers as torch_layers

    # without numbers, which would be half a gigabyte
    with torch.device("meta"):
        network = torchvision.models.vgg19()
    for layers, kind in ((torch_layers(network), "Conv2d"), (gluon_layers(vision.get_model("vgg19")), "Conv2D")):
        asked = spec("pytorch", **{"model.name": "vgg19", "model.freeze_layers": 16})
        frozen = layers_to_freeze(asked.model, layers, ())
        assert [type(layer).__name__ for layer in frozen] == [kind] * 16
        assert len(layers) - len(frozen) == 3
