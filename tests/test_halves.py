"""Networks are cut above their frozen part: both halves together are the network, and nothing random is below the cut."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torchvision

from monklite.backends.frozen_part import Operation, boundary, lower_half
from monklite.backends.pytorch import halves

# batch normalization is folded into the convolutions below the cut, which rounds differently
FOLDED = ("resnet18", "mobilenet_v2", "efficientnet_b0")
# network -> its head, and the numbers of an image at the cut
HEADS = {
    "alexnet": ("classifier.6", 4096),
    "resnet18": ("fc", 512),
    "mobilenet_v2": ("classifier.1", 1280),
    "efficientnet_b0": ("classifier.1", 1280),
    "convnext_tiny": ("classifier.2", 768),
    "squeezenet1_1": ("classifier.1", 512 * 3 * 3),
    "swin_t": ("head", 768),
}


def frozen(name: str, head: str) -> torch.nn.Module:
    network = torchvision.models.get_model(name, weights=None)
    network.requires_grad_(False)
    network.get_submodule(head).requires_grad_(True)
    return network.eval()


@pytest.mark.parametrize("name", HEADS)
def test_both_halves_are_the_network(name: str) -> None:
    head, numbers = HEADS[name]
    network = frozen(name, head)
    cut = halves.cut(network)
    assert cut is not None
    x = torch.randn(3, 3, 64, 64)
    with torch.no_grad():
        values = cut.lower(x)
        found, expected = cut.upper_eval(*values), network(x)
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
        assert torch.equal(found, expected) or name in FOLDED
    layout = halves.Layout.of(values, 3)
    assert layout is not None
    assert layout.width == 4 * numbers
    back = layout.from_bytes(layout.to_bytes(values), torch.device("cpu"))
    assert [torch.equal(a, b) for a, b in zip(values, back, strict=True)] == [True] * len(back)
    assert [a.stride() for a in back] == [a.stride() for a in values]
    # the halves share the network's weights
    with torch.no_grad():
        network.get_submodule(head).bias.add_(1)
        torch.testing.assert_close(cut.upper_eval(*values), network(x), rtol=1e-5, atol=1e-5)


def test_dropout_before_the_head_is_above_the_cut_and_between_frozen_layers_below() -> None:
    cut = halves.cut(frozen("alexnet", "classifier.6"))
    assert cut is not None
    assert [str(node.target) for node in cut.upper_train.graph.nodes if node.op == "call_module"] == ["classifier.6"]
    lower = [str(node.target) for node in cut.lower.graph.nodes if node.op == "call_module"]
    assert lower[-2:] == ["classifier.4", "classifier.5"]
    assert "classifier.3" in lower
    efficient = halves.cut(frozen("efficientnet_b0", "classifier.1"))
    assert efficient is not None
    above = [str(node.target) for node in efficient.upper_train.graph.nodes if node.op == "call_module"]
    assert above == ["classifier.0", "classifier.1"]


def test_the_key_is_that_of_the_lower_half() -> None:
    network = frozen("resnet18", "fc")

    def key() -> str:
        cut = halves.cut(network)
        assert cut is not None
        return cut.key()

    first = key()
    with torch.no_grad():
        network.fc.weight.add_(1)
        assert key() == first
        network.layer1[0].bn1.running_mean.add_(1e-3)
    assert key() != first


class AsksForValues(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.frozen = torch.nn.Linear(512, 512).requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.frozen(x) if x.sum() > 0 else self.frozen(-x)


@pytest.mark.parametrize(
    "case", ["all trained", "first layer trained", "auxiliary heads", "own forward", "hook", "asks for values"]
)
def test_what_cannot_be_cut_is_computed_whole(case: str) -> None:
    network = frozen("resnet18", "fc")
    if case == "all trained":
        network.requires_grad_(True)
    elif case == "first layer trained":
        network.conv1.requires_grad_(True)
    elif case == "auxiliary heads":
        network = torchvision.models.get_model("googlenet", weights=None, init_weights=False)
        network.requires_grad_(False)
        network.fc.requires_grad_(True)
    elif case == "own forward":
        forward = network.forward
        network.forward = lambda x: forward(-x)
    elif case == "hook":
        network.layer4.register_forward_hook(lambda *_: None)
    else:
        network = torch.nn.Sequential(AsksForValues(), network.fc)
    assert halves.cut(network) is None


def test_statistics_without_weights_are_not_frozen() -> None:
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 1), torch.nn.BatchNorm2d(4, affine=False), torch.nn.Conv2d(4, 4, 1), torch.nn.Flatten(),
        torch.nn.Linear(4, 2),
    )  # fmt: skip
    network.requires_grad_(False)
    network[4].requires_grad_(True)
    cut = halves.cut(network)
    assert cut is not None
    assert [str(node.target) for node in cut.lower.graph.nodes if node.op == "call_module"] == ["0"]


class ScaledByATable(torch.nn.Module):
    """All that sees the image is trained; a frozen table is not."""

    def __init__(self) -> None:
        super().__init__()
        self.table = torch.nn.Parameter(torch.ones(2, 4), requires_grad=False)
        self.conv, self.head = torch.nn.Conv2d(3, 4, 1), torch.nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.conv(x).mean((2, 3)) * self.table[0])


def test_a_frozen_table_is_no_part_that_depends_on_the_image() -> None:
    assert halves.cut(ScaledByATable()) is None


def test_the_rule_on_a_small_graph() -> None:
    operations = [
        Operation("image", "input", (), is_source=True),
        Operation("weight", "input", (), is_source=True),
        Operation("conv", "conv", (0, 1), has_weights=True),
        Operation("pool", "pool", (2,)),
        Operation("dropout", "Dropout", (3,)),
        Operation("trained", "linear", (4,), is_trained=True, has_weights=True),
        Operation("branch", "linear", (2, 5), has_weights=True),
    ]
    lower = lower_half(operations)
    assert lower == {0, 1, 2, 3}
    assert boundary(operations, lower) == [2, 3]
    assert lower_half(operations[:1]) == set()
    assert np.array_equal(sorted(lower), [0, 1, 2, 3])
