"""Blocks: each is the same function on both backends with the same weights, forward and backward."""

from __future__ import annotations

from typing import Any

import pytest
from networks_on_both import compare, pair, root_of

from monklite.catalog.blocks import BLOCKS
from monklite.errors import InvalidValue

# blocks that fit an input of other channels than 16
CHANNELS = {"mobilenet_v2_linear_bottleneck_block": 32, "mobilenet_v2_inverted_linear_bottleneck_block": 32}
# smaller than the default, and without random numbers
SMALL: dict[str, dict[str, Any]] = {"resnext_block": {"output_channels": 64}, "densenet_block": {"dropout": 0.0}}
STRIDED = [
    "resnet_v1_block",
    "resnet_v2_block",
    "resnet_v1_bottleneck_block",
    "resnet_v2_bottleneck_block",
    "resnext_block",
    "mobilenet_v2_linear_bottleneck_block",
    "mobilenet_v2_inverted_linear_bottleneck_block",
]


def block(name: str, **params: Any) -> list[Any]:
    row = BLOCKS[name]
    return row.layers(**row.choose("pytorch", {**SMALL.get(name, {}), **params}).params)


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_is_the_same_function_on_both_backends(name: str) -> None:
    shape = (CHANNELS.get(name, 16), 8, 8)
    root = root_of(block(name), shape)
    assert compare(*pair(root), shape) == root.after


@pytest.mark.parametrize("name", STRIDED)
def test_a_stride_of_2_halves_the_image(name: str) -> None:
    root = root_of(block(name, stride=2), (32, 9, 9))
    assert root.after[1:] == (5, 5)


def test_a_residual_block_without_downsampling_keeps_its_input() -> None:
    assert root_of(block("resnet_v1_block", downsample=False), (16, 8, 8)).after == (16, 8, 8)
    with pytest.raises(
        InvalidValue, match=r"^network\[0\]\[2\]: add\(\) needs branches of one shape, not 16 x 8 x 8 and 3 x 8 x 8"
    ):
        root_of(block("resnet_v1_block", downsample=False), (3, 8, 8))


def test_resnext_has_as_many_groups_as_it_says() -> None:
    branch = block("resnext_block", cardinality=4)[0][0]
    assert branch[3]["params"]["groups"] == 4
    with pytest.raises(InvalidValue, match="output_channels x bottleneck_width must be at least 256, not 16 x 1"):
        block("resnext_block", output_channels=16, bottleneck_width=1)


@pytest.mark.parametrize("name", ["inception_a_block", "inception_d_block"])
def test_inception_pools_as_it_is_told(name: str) -> None:
    def pooling(pool_type: str) -> str:
        branch = next(
            b for b in block(name, pool_type=pool_type)[0][:-1] if isinstance(b[0], dict) and "pooling" in b[0]["name"]
        )
        return branch[0]["name"]

    assert (pooling("avg"), pooling("max")) == ("average_pooling2d", "max_pooling2d")
