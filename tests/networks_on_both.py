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


def results(ours: torch.nn.Module, theirs: Any, shape: Shape, n: int = 2) -> list[tuple[np.ndarray, np.ndarray]]:
    """What each of a pair gives in inference mode, and the gradient of a weighted sum of it for the input."""
    rng = np.random.default_rng(1)
    images = rng.normal(0, 1, (n, *shape)).astype(np.float32)
    x = torch.from_numpy(images).requires_grad_()
    y = ours.eval()(x)
    weights = rng.normal(0, 1, tuple(y.shape)).astype(np.float32)
    (y * torch.from_numpy(weights)).sum().backward()
    assert x.grad is not None
    x2 = nd.array(images)
    x2.attach_grad()
    theirs.hybridize()
    with autograd.record(train_mode=False):
        y2 = theirs(x2)
        total = (y2 * nd.array(weights)).sum()
    total.backward(train_mode=False)
    return [(y.detach().numpy(), y2.asnumpy()), (x.grad.numpy(), x2.grad.asnumpy())]


def train_once(ours: torch.nn.Module, theirs: Any, shape: Shape, n: int = 3) -> None:
    """Both in training mode, forward and backward: every weight gets a finite gradient."""
    images = np.random.default_rng(2).normal(0, 1, (n, *shape)).astype(np.float32)
    ours.train()(torch.from_numpy(images)).sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in ours.parameters())
    with autograd.record():
        total = theirs(nd.array(images)).sum()
    total.backward()
    gradients = [p.grad().asnumpy() for p in theirs.collect_params().values() if p.grad_req != "null"]
    assert all(np.isfinite(gradient).all() for gradient in gradients)
