"""Batch normalization is folded into the convolution before it, and nowhere else."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import fx, nn

from monklite.backends.pytorch.folding import fold


def with_statistics(network: nn.Module) -> nn.Module:
    """Give the normalizations the statistics of a trained network: those of a new one change nothing."""
    torch.manual_seed(0)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_()
            layer.running_var.uniform_(0.5, 2)
            nn.init.uniform_(layer.weight, 0.5, 2)
            nn.init.normal_(layer.bias)
    return network.eval()


def normalizations(network: nn.Module) -> int:
    return sum(isinstance(layer, nn.BatchNorm2d) for layer in network.modules())


# with the normalizations that remain: DenseNet has most of them before the convolution
@pytest.mark.parametrize(
    ("name", "remaining"),
    [("resnet18", 0), ("densenet121", 62), ("mobilenet_v3_small", 0), ("shufflenet_v2_x0_5", 0), ("squeezenet1_1", 0)],
)
def test_a_folded_network_is_the_same_function(name: str, remaining: int) -> None:
    network = with_statistics(torchvision.models.get_model(name, weights=None))
    before = {key: value.clone() for key, value in network.state_dict().items()}
    folded = fold(fx.symbolic_trace(network))
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        expected, found = network(x), folded(x)
    assert normalizations(folded) == remaining
    assert float((found - expected).abs().max()) <= 1e-5 * float(expected.abs().max())
    # the network itself stays as it is
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())


class Shared(nn.Module):
    """A convolution whose result is used twice, and one that is called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)
        self.norms = nn.ModuleList(nn.BatchNorm2d(3) for _ in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.first(x)
        y = self.norms[0](y) + y
        return self.norms[2](self.second(self.norms[1](self.second(y))))


def test_a_convolution_that_serves_others_too_is_left_as_it_is() -> None:
    network = with_statistics(Shared())
    folded = fold(fx.symbolic_trace(network))
    x = torch.randn(2, 3, 8, 8)
    with torch.no_grad():
        assert torch.equal(folded(x), network(x))
    assert normalizations(folded) == 3


def test_a_normalization_by_the_batch_is_left_as_it_is() -> None:
    network = nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3, track_running_stats=False)).eval()
    assert normalizations(fold(fx.symbolic_trace(network))) == 1
