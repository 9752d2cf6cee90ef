"""The layers and activations of a user's own network: each row builds on both backends, and is one function there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from networks_on_both import compare, pair, root_of

from monklite.backends.pytorch.custom_network import module
from monklite.catalog.activations import ACTIVATIONS, ALL_LAYERS
from monklite.catalog.appended import APPENDED
from monklite.catalog.backends import BUILT_IN
from monklite.catalog.blocks import BLOCKS, layer
from monklite.catalog.layers import ALIASES, LAYERS
from monklite.errors import InvalidType, InvalidValue, MonkliteError

# dimensions of the images -> a shape; 0: any
SHAPES = {0: (4, 6, 6), 1: (4, 12), 2: (4, 9, 9), 3: (4, 6, 6, 6)}
RANDOM = ("dropout", "rrelu")
SINGLE = [name for name, row in ALL_LAYERS.items() if row.merges is None]
ROWS = [pytest.param(row, id=name) for rows in (ALL_LAYERS, BLOCKS, APPENDED) for name, row in rows.items()]
BREAKING: dict[str, tuple[Any, ...]] = {
    "output_channels": (0, 1.5, "3"),
    "num_neurons": (0, "10", True),
    "kernel_size": (0, "3", (3, 3, 3, 3), (3, 0), 1.5),
    "stride": (0, (1, 2, 1, 2), "2"),
    "padding": (-1, "same", (1, 1, 1, 1)),
    "output_padding": (-1, None),
    "groups": (0, "2"),
    "dilation": (0, None),
    "use_bias": (1, "True"),
    "layout": ("NHWC", "NWC", 3),
    "return_indices": (True, 0, "False"),
    "ceil_mode": (1, None),
    "include_padding_in_calculation": (1, None),
    "units": (0, None),
    "flatten": (1, None),
    "drop_probability": (-0.1, 1, "0.2"),
    "probability": (-0.1, 1),
    "dropout": (-0.1, 1.0),
    "axes": ((-1,), 1, (5,)),
    "moving_average_momentum": (0.0, 1.0, "0.9"),
    "epsilon": (0, -1e-5, "1e-5"),
    "use_trainable_parameters": (1, None),
    "activate_scale_shift_operation": (True, 0),
    "uid": ("", "x" * 61, 3),
    "beta": ("1", None),
    "threshold": ("1", None),
    "value": ("1", None),
    "alpha": ("1", None),
    "num_parameters": (0, 1.5),
    "init": ("a", None),
    "min_val": ("a", None),
    "max_val": ("a", None),
    "lower": (-0.1, None),
    "upper": (-0.1, None),
    "lambd": (-0.1, None),
    "negative_slope": ("a", None),
    "final_layer": (1, None),
    "downsample": (1, None),
    "cardinality": (0, None),
    "bottleneck_width": (0, None),
    "input_channels": (0, None),
    "squeeze_channels": (0, None),
    "expand_channels_1x1": (0, None),
    "expand_channels_3x3": (0, None),
    "bottleneck_size": (0, None),
    "growth_rate": (0, None),
    "pooling_branch_channels": (0, None),
    "channels_7x7": (0, None),
    "pool_type": ("mean", None),
}


def shape_for(name: str) -> tuple[int, ...]:
    return SHAPES[ALL_LAYERS[name].dimensions]


@pytest.mark.parametrize("row", ROWS)
def test_every_default_obeys_its_rule_and_every_rule_refuses_what_breaks_it(row) -> None:
    for backend in BUILT_IN:
        row.choose(backend, {p.name: p.default for p in row.parameters})
        for parameter in row.parameters:
            for value in BREAKING[parameter.name]:
                with pytest.raises((InvalidType, InvalidValue), match=f"^{row.name}: {parameter.name} must be "):
                    row.choose(backend, {parameter.name: value})


@pytest.mark.parametrize("name", SINGLE)
def test_a_layer_is_the_same_function_on_both_backends(name: str) -> None:
    shape = shape_for(name)
    root = root_of([layer(name)], shape)
    assert compare(*pair(root), shape, random=name in RANDOM) == root.after


SETTINGS: list[tuple[str, dict[str, Any], tuple[int, ...]]] = [
    ("convolution2d", {"output_channels": 8, "kernel_size": (1, 7), "padding": (0, 3), "groups": 4}, (4, 9, 9)),
    ("convolution2d", {"kernel_size": 3, "stride": 2, "use_bias": False}, (4, 9, 9)),
    ("convolution2d", {"kernel_size": 1, "stride": (2, 3)}, (3, 9, 9)),
    ("convolution2d", {"kernel_size": 3, "dilation": 2}, (4, 9, 9)),
    ("convolution2d", {"kernel_size": 4, "padding": 2, "stride": (2, 1)}, (4, 9, 9)),
    ("transposed_convolution2d", {"kernel_size": 4, "stride": 2, "padding": 1, "output_padding": 1}, (4, 5, 5)),
    ("transposed_convolution2d", {"output_channels": 4, "kernel_size": 5, "groups": 2}, (4, 5, 5)),
    ("transposed_convolution2d", {"kernel_size": 3, "dilation": 2, "use_bias": False}, (4, 5, 5)),
    ("max_pooling2d", {"kernel_size": 3, "stride": 2, "padding": 1}, (4, 9, 9)),
    ("max_pooling2d", {"kernel_size": 3, "stride": 2, "ceil_mode": True}, (4, 8, 8)),
    ("max_pooling2d", {"kernel_size": 3, "stride": 1, "padding": "in_eq_out"}, (4, 8, 8)),
    ("average_pooling2d", {"kernel_size": 3, "stride": 2, "ceil_mode": True}, (4, 8, 8)),
    ("average_pooling2d", {"kernel_size": 3, "stride": 1, "padding": 1}, (4, 8, 8)),
    (
        "average_pooling2d",
        {"kernel_size": 3, "stride": 1, "padding": 1, "include_padding_in_calculation": False},
        (4, 8, 8),
    ),
    ("fully_connected", {"units": 5, "flatten": False}, (4, 3, 6)),
    ("fully_connected", {"units": 5, "use_bias": False}, (7,)),
    ("batch_normalization", {}, (7,)),
    ("layer_normalization", {}, (7,)),
    ("prelu", {"num_parameters": 4}, (4, 3, 3)),
    ("softplus", {"beta": 2, "threshold": 1.0}, (4, 3, 3)),
    ("softmax", {}, (7,)),
    ("celu", {"alpha": 0.3}, (4, 3, 3)),
    ("swish", {"beta": 2.0}, (4, 3, 3)),
]


@pytest.mark.parametrize(("name", "params", "shape"), SETTINGS, ids=[f"{s[0]}-{i}" for i, s in enumerate(SETTINGS)])
def test_its_arguments_mean_the_same_on_both_backends(name: str, params: dict[str, Any], shape) -> None:
    root = root_of([layer(name, **params)], shape)
    assert compare(*pair(root), shape) == root.after


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_stays_finite_for_large_values(name: str) -> None:
    import torch

    from monklite.backends.mxnet.framework import autograd, nd

    ours, theirs = pair(root_of([layer(name)], (2, 2)))
    values = np.array([[[-1e4, -80.0], [80.0, 1e4]]], dtype=np.float32)
    x = torch.from_numpy(values.copy()).requires_grad_()
    y = ours.eval()(x)
    y.sum().backward()
    x2 = nd.array(values)
    x2.attach_grad()
    with autograd.record(train_mode=False):
        y2 = theirs(x2)
    y2.backward(train_mode=False)
    for mine, other in ((y.detach().numpy(), y2.asnumpy()), (x.grad.numpy(), x2.grad.asnumpy())):
        assert np.isfinite(mine).all() and np.isfinite(other).all()
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-4)


def test_dropout_along_axes_drops_whole_channels_on_both_backends() -> None:
    import torch

    from monklite.backends.mxnet.framework import autograd, nd

    ours, theirs = pair(root_of([layer("dropout", drop_probability=0.5, axes=(2, 3))], (64, 3, 3)))
    x = np.ones((2, 64, 3, 3), dtype=np.float32)
    with autograd.record():
        dropped = theirs(nd.array(x)).asnumpy()
    for y in (ours.train()(torch.from_numpy(x)).numpy(), dropped):
        assert set(np.unique(y)) == {0.0, 2.0}
        assert (y == y[:, :, :1, :1]).all()


def test_what_is_random_is_random_in_training_only() -> None:
    import torch

    from monklite.backends.mxnet.framework import autograd, nd

    ours, theirs = pair(root_of([layer("rrelu")], (50,)))
    x = -np.ones((4, 50), dtype=np.float32)
    with autograd.record():
        trained = theirs(nd.array(x)).asnumpy()
    for y in (ours.train()(torch.from_numpy(x)).numpy(), trained):
        assert len(np.unique(y)) > 50 and (y <= -0.124).all() and (y >= -0.334).all()


def test_names_without_a_number_are_those_for_images() -> None:
    assert ALIASES["convolution"] == "convolution2d"
    assert sorted(ALIASES) == [
        "average_pooling",
        "convolution",
        "global_average_pooling",
        "global_max_pooling",
        "max_pooling",
        "transposed_convolution",
    ]


@pytest.mark.parametrize(
    ("name", "params", "shape", "message"),
    [
        (
            "convolution2d",
            {"kernel_size": 4},
            (3, 8, 8),
            r"padding='in_eq_out' cannot keep the size with kernel_size=4",
        ),
        ("convolution2d", {"groups": 2}, (3, 8, 8), r"groups=2 must divide the 3 input channels"),
        ("convolution2d", {"kernel_size": 9, "padding": 0}, (3, 8, 8), r"nothing is left of an image of 3 x 8 x 8"),
        ("convolution1d", {}, (3, 8, 8), r"it is given 3 x 8 x 8, for which there is convolution2d"),
        ("max_pooling2d", {"padding": 2}, (3, 8, 8), r"padding=2 must be at most half of kernel_size=2"),
        ("max_pooling2d", {"padding": 1, "ceil_mode": True}, (3, 8, 8), r"ceil_mode=True needs padding=0"),
        ("max_pooling2d", {"kernel_size": 9, "ceil_mode": True}, (3, 8, 8), r"nothing is left of an image"),
        (
            "transposed_convolution2d",
            {"output_padding": 1, "padding": 0},
            (3, 8, 8),
            r"output_padding=1 must be smaller than stride=1",
        ),
        (
            "fully_connected",
            {"units": 10**6},
            (3, 64, 64),
            r"it would have 12,288,000,000 weights: take fewer channels",
        ),
        (
            "transposed_convolution2d",
            {"stride": 10**4, "kernel_size": 1, "padding": 0},
            (3, 8, 8),
            r"one image would become 3 x 70001 x 70001, which no memory holds",
        ),
        ("dropout", {"axes": (3,)}, (7, 7), r"axes has 3, and there are the axes 0 \(images\) to 2"),
        ("instance_normalization", {}, (7, 1, 1), r"7 x 1 x 1 has one value per channel"),
        ("prelu", {"num_parameters": 2}, (3, 8, 8), r"num_parameters must be 1 or the 3 channels, not 2"),
        ("hardtanh", {"min_val": 1}, (3,), r"min_val=1 must be below max_val=1"),
        ("rrelu", {"lower": 0.5}, (3,), r"lower=0.5 must be below upper=0.333"),
    ],
)
def test_a_layer_that_cannot_take_what_it_is_given_is_refused_in_words(name, params, shape, message) -> None:
    with pytest.raises(MonkliteError, match=rf"^network\[0\] \({name}\): .*{message}"):
        root_of([layer(name, **params)], shape)


def test_monks_words_for_what_there_is_only_one_of() -> None:
    LAYERS["instance_normalization"].choose("pytorch", {"moving_average_momentum": 0.1})
    LAYERS["layer_normalization"].choose("mxnet", {"moving_average_momentum": 0.9})
    with pytest.raises(InvalidValue, match=r"return_indices must be False \(a layer passes on one result\), not True"):
        LAYERS["max_pooling2d"].choose("pytorch", {"return_indices": True})


@pytest.mark.parametrize(
    ("params", "shape"),
    [
        ({"kernel_size": 3, "stride": 1, "dilation": 2, "padding": 1}, (2, 9, 9)),
        ({"kernel_size": 2, "dilation": (3, 1), "ceil_mode": True}, (2, 9, 10)),
    ],
)
def test_the_largest_of_spread_points_with_pytorch(params: dict[str, Any], shape: tuple[int, ...]) -> None:
    import torch

    root = root_of([layer("max_pooling2d", **params)], shape)
    given = {"stride": params["kernel_size"], "ceil_mode": False, **params}
    x = torch.randn(1, *shape)
    expected = torch.nn.functional.max_pool2d(x, **given)
    assert root.after == expected.shape[1:]
    assert torch.equal(module(root)(x), expected)


def test_spread_points_are_refused_where_there_are_none() -> None:
    with pytest.raises(
        InvalidValue, match=r"max_pooling2d: the mxnet backend has no dilation; leave it at 1, or use backend='py"
    ):
        LAYERS["max_pooling2d"].choose("mxnet", {"dilation": 2})
    with pytest.raises(
        InvalidValue, match=r"dilation must be 1 \(neither framework has a mean of spread points\), not 2"
    ):
        LAYERS["average_pooling2d"].choose("pytorch", {"dilation": 2})
