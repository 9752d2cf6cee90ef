"""A user's own network on both backends, with the same weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from monklite.backends.mxnet import custom_network as gluon_networks
from monklite.backends.mxnet.framework import autograd, nd
from monklite.backends.pytorch import custom_network as torch_networks
from monklite.catalog.custom_networks import Node, checked, tree
from monklite.catalog.layer_shapes import Shape


def root_of(layers: list[Any], shape: Shape) -> Node:
    return tree(checked(layers, "pytorch"), shape)


def pair(root: Node) -> tuple[torch.nn.Module, Any]:
    """The network in torch and in Gluon, with the same random weights and statistics, copied in their order."""
    ours, theirs = torch_networks.module(root), gluon_networks.block(root, "net_")
    theirs.initialize()
    rng = np.random.default_rng(0)
    arrays = [t for name, t in ours.state_dict().items() if not name.endswith("num_batches_tracked")]
    parameters = list(theirs.collect_params().values())
    for array, parameter in zip(arrays, parameters, strict=True):
        values = rng.uniform(0.1, 0.5, tuple(array.shape)).astype(np.float32)
        # of both signs, but for statistics
        values *= 1 if parameter.name.endswith("running_var") else rng.choice((-1, 1), values.shape)
        array.copy_(torch.from_numpy(values))
        parameter.set_data(nd.array(values.reshape(parameter.shape)))
    return ours, theirs


def compare(ours: torch.nn.Module, theirs: Any, shape: Shape, random: bool = False, n: int = 4) -> Shape:
    """Compare what a pair gives in inference mode and, unless it draws `random` numbers, the gradients in training mode of a
    weighted sum of what it gives; returns the shape of what it gives."""
    rng = np.random.default_rng(1)
    images = rng.normal(0, 1, (n, *shape)).astype(np.float32)
    theirs.hybridize()
    with torch.no_grad():
        y = ours.eval()(torch.from_numpy(images)).numpy()
    check_equal(y, theirs(nd.array(images)).asnumpy())
    weights = rng.normal(0, 1, y.shape).astype(np.float32)
    x, x2 = torch.from_numpy(images).requires_grad_(), nd.array(images)
    x2.attach_grad()
    (ours.train()(x) * torch.from_numpy(weights)).sum().backward()
    with autograd.record():
        total = (theirs(x2) * nd.array(weights)).sum()
    total.backward()
    gradients = [p.grad().asnumpy() for p in theirs.collect_params().values() if p.grad_req != "null"]
    assert all(np.isfinite(gradient).all() for gradient in gradients)
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in ours.parameters())
    mine = [array.grad.numpy() for array in (x, *ours.parameters()) if array.grad is not None]
    # that of a bias before batch normalization is 0 up to rounding
    largest = max(float(np.abs(gradient).max()) for gradient in mine)
    for gradient, other in zip(mine, [x2.grad.asnumpy(), *gradients], strict=True) if not random else ():
        check_equal(gradient, other.reshape(gradient.shape), largest)
    return y.shape[1:]


def check_equal(mine: np.ndarray, other: np.ndarray, largest: float = 1.0) -> None:
    assert mine.shape == other.shape
    largest = max(1.0, largest, float(np.abs(mine).max()))
    np.testing.assert_allclose(mine, other, rtol=1e-3, atol=1e-4 * largest)
