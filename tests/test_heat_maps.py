"""Heat maps against those written out by hand, on both backends, and of networks of every form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from test_parity import copy_weights, drawn, learner
from tiny_networks import CHANNELS, build_tiny
from torch import nn
from torchvision.models import VisionTransformer

from monklite.backends import heat_maps
from monklite.backends.mxnet.framework import autograd, gluon, nd
from monklite.backends.mxnet.network import PARAMETER_PREFIX
from monklite.testing.contract import CLASSES, MEAN, SIDE, STD, easy, plain

TARGETS = np.array([2, 0, 1, 1])
IMAGES = easy(4)[0]


def tiny(monkeypatch: pytest.MonkeyPatch, backend: str, **changes: Any) -> Any:
    build_tiny(monkeypatch, backend)
    made = learner(backend, data__input_size=SIDE, model__name="squeezenet1_1", **changes)
    images, labels = easy(4, seed=5)
    for _ in range(3):
        made.step(images, labels, plain())
    return made


def maps_of(made: Any) -> heat_maps.HeatMaps:
    # MXNet shares the memory of an array, and makes it read-only
    return made.heat_maps(IMAGES.copy(), plain(), TARGETS)


def last_map(made: Any) -> np.ndarray:
    """The output of the first three layers for the images, (n, CHANNELS, 8, 8)."""
    values = made.inputs(IMAGES.copy(), plain())
    with torch.no_grad(), autograd.predict_mode():
        for layer in list(made.network.features)[:3]:
            values = layer(values)
    return values.numpy() if isinstance(values, torch.Tensor) else values.asnumpy()


def head(made: Any) -> np.ndarray:
    """The weights of the head, (classes, CHANNELS)."""
    own = made.network
    return (
        own.classifier[1].weight.detach().numpy() if isinstance(own, nn.Module) else own.output.weight.data().asnumpy()
    )


def test_below_a_mean_and_a_head_they_are_the_maps_weighted_by_the_head(monkeypatch, backend: str) -> None:
    """Class activation mapping (Zhou et al. 2016), which Grad-CAM equals for such a network."""
    made = tiny(monkeypatch, backend)
    found = maps_of(made)
    evidence = np.maximum(np.einsum("nk,nkhw->nhw", head(made)[TARGETS], last_map(made)), 0)
    largest = evidence.max(axis=(1, 2), keepdims=True)
    assert found.values.any() and last_map(made).shape == (4, CHANNELS, 8, 8)
    np.testing.assert_allclose(found.values, evidence / np.where(largest > 0, largest, 1), atol=1e-5)
    assert found.method == "Grad-CAM of 8 x 8 points"


def test_nothing_that_training_depends_on_is_touched(monkeypatch, backend: str) -> None:
    """The gradients of weights, and the random numbers of dropout."""
    made, other = tiny(monkeypatch, backend), tiny(monkeypatch, backend)
    parameters = list(made.network.parameters() if backend == "pytorch" else made.network.collect_params().values())
    before = [gradient(p) for p in parameters]
    maps_of(made)
    assert any(g is not None and g.any() for g in before)
    for array, parameter in zip(before, parameters, strict=True):
        np.testing.assert_array_equal(array, gradient(parameter))
    assert not any(layer._forward_hooks for layer in made.network.modules()) if backend == "pytorch" else True
    losses = [[float(m.step(IMAGES.copy(), TARGETS, plain())[0]) for _ in range(2)] for m in (made, other)]
    assert losses[0] == losses[1]


def gradient(parameter: Any) -> np.ndarray | None:
    if isinstance(parameter, torch.Tensor):
        return None if parameter.grad is None else parameter.grad.numpy().copy()
    return None if parameter.grad_req == "null" else parameter.grad().asnumpy()


@pytest.mark.parametrize(("name", "size", "side"), [("resnet18", 32, 2), ("squeezenet1_1", 64, 3)])
def test_both_backends_see_the_same_with_the_same_weights(name: str, size: int, side: int) -> None:
    """In a ResNet of small images, layers with batch normalization lie between the map and the head."""
    one, two = drawn(name, size), learner("mxnet", model__name=name, data__input_size=size)
    copy_weights(one, two)
    images = np.random.default_rng(0).integers(0, 256, (4, size, size, 3), dtype=np.uint8)
    ours, theirs = (made.heat_maps(images, plain(size), TARGETS) for made in (one, two))
    assert ours.method == theirs.method == f"Grad-CAM of {side} x {side} points"
    assert ours.values.any()
    np.testing.assert_allclose(ours.values, theirs.values, atol=1e-3)


# Networks of other forms, in place of the network of a learner


class TorchLinear(nn.Module):
    """No feature map: a linear layer on all pixels; with `around`, its logits are added to those of a tiny network."""

    def __init__(self, around: nn.Module | None = None) -> None:
        super().__init__()
        self.linear, self.around = nn.Linear(3 * SIDE**2, len(CLASSES)), around

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits = self.linear(x.flatten(1))
        return logits if self.around is None else self.around(x) + logits


class GluonLinear(gluon.HybridBlock):
    """The same in Gluon."""

    def __init__(self, around: Any = None) -> None:
        super().__init__(prefix=f"{PARAMETER_PREFIX}linear_")
        with self.name_scope():
            self.linear = gluon.nn.Dense(len(CLASSES), in_units=3 * SIDE**2)
        self.around = around
        self.linear.initialize()

    def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: N803 (Gluon's own name)
        logits = self.linear(x)
        return logits if self.around is None else self.around(x) + logits


def linear(backend: str, weight: np.ndarray, around: Any = None) -> Any:
    network: Any = (TorchLinear if backend == "pytorch" else GluonLinear)(around)
    if backend == "pytorch":
        network.linear.weight.data.copy_(torch.from_numpy(weight))
    else:
        network.linear.weight.set_data(nd.array(weight))
    return network


def test_without_a_feature_map_the_gradient_of_the_pixels_is_shown(monkeypatch, backend: str) -> None:
    made, weight = tiny(monkeypatch, backend), np.zeros((3, 3, SIDE, SIDE), np.float32)
    # the evidence for each class is at a place of its own, for or against it
    weight[0, 0, 4, 20], weight[1, 1, 25, 6], weight[2, 2, 9, 9] = 1, -2, 3
    made.network = linear(backend, weight.reshape(3, -1))
    found = maps_of(made)
    assert found.method == "smoothed gradient of the pixels"
    places = [np.unravel_index(heat.argmax(), heat.shape) for heat in found.values]
    assert places == [(9, 9), (4, 20), (25, 6), (25, 6)]
    assert np.allclose(found.values[0, 9, 8:11], [found.values[0, 9, 10], 1, found.values[0, 9, 10]])
    assert 0 < found.values[0, 9, 10] < 1


def test_a_path_around_the_map_does_not_change_what_the_map_shows(monkeypatch, backend: str) -> None:
    made = tiny(monkeypatch, backend)
    expected = maps_of(made)
    weight = np.random.default_rng(0).normal(0, 1, (3, 3 * SIDE**2)).astype(np.float32)
    made.network = linear(backend, weight, made.network)
    found = maps_of(made)
    assert found.method == expected.method
    np.testing.assert_allclose(found.values, expected.values, atol=1e-5)


def test_a_vision_transformer_is_seen_where_its_class_token_looks(monkeypatch) -> None:
    """Tokens become places; after the last attention, only the token of the class counts, so what enters it is taken."""
    made = tiny(monkeypatch, "pytorch")
    torch.manual_seed(0)
    made.network = VisionTransformer(SIDE, 8, 2, 2, 12, 24, num_classes=3)
    nn.init.normal_(made.network.heads.head.weight)
    found = maps_of(made)
    assert found.method == "Grad-CAM of 4 x 4 points" and found.values.any()
    tokens: list[torch.Tensor] = []
    layer = made.network.encoder.layers[-1].ln_1
    handle = layer.register_forward_hook(lambda *args: tokens.append(args[2]))
    total = made.network(made.inputs(IMAGES.copy(), plain()))[torch.arange(4), torch.from_numpy(TARGETS)].sum()
    handle.remove()
    gradients = torch.autograd.grad(total, tokens[0])[0][:, 1:]
    values = torch.einsum("nk,ntk->nt", gradients.mean(dim=1), tokens[0][:, 1:]).relu().detach().numpy()
    largest = values.max(axis=1, keepdims=True)
    expected = (values / np.where(largest > 0, largest, 1)).reshape(4, 4, 4)
    np.testing.assert_allclose(found.values, expected, atol=1e-4)


class ChannelsLast(nn.Module):
    """Some networks have their channels last, such as Swin's, and change their input in place."""

    def __init__(self, inner: nn.Module, is_last: bool) -> None:
        super().__init__()
        self.inner, self.is_last = inner, is_last
        self.end = nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        values = self.inner.features(x.mul_(1.0))
        if self.is_last:
            return self.inner.classifier(self.end(values.permute(0, 2, 3, 1)).mean((1, 2)))
        return self.inner.classifier(self.end(values).mean((2, 3)))


def test_maps_with_their_channels_last_are_turned(monkeypatch) -> None:
    made = tiny(monkeypatch, "pytorch")
    expected = maps_of(made)
    for is_last in (False, True):
        made.network = ChannelsLast(made.network if not is_last else made.network.inner, is_last)
        found = maps_of(made)
        np.testing.assert_allclose(found.values, expected.values, atol=1e-5)


def test_evidence_against_a_class_is_no_heat() -> None:
    maps = np.ones((2, 1, 2, 2), np.float32)
    gradients = np.array([-1.0, 1.0], np.float32).reshape(2, 1, 1, 1) * np.ones((2, 1, 2, 2), np.float32)
    maps[1, 0, 0, 1] = 2
    found = heat_maps.grad_cam(maps, gradients)
    assert found.values.tolist() == [[[0, 0], [0, 0]], [[0.5, 1], [0.5, 0.5]]]


def test_the_input_is_the_normalized_image(monkeypatch, backend: str) -> None:
    """So that maps by hand are of what the network is given."""
    values = tiny(monkeypatch, backend).inputs(IMAGES.copy(), plain())
    values = values.numpy() if backend == "pytorch" else values.asnumpy()
    np.testing.assert_allclose(values, (IMAGES.transpose(0, 3, 1, 2) / 255 - MEAN[0]) / STD[0], atol=1e-5)
