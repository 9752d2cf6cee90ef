"""What the user does to the live network, or to its settings afterwards, across the ways to train it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from monklite import Prototype
from monklite.runs.workspace import Workspace


def experiment(patterns: Path, backend: str, optimizer: str = "sgd") -> Any:
    """A small network of layers that is not trained yet."""
    ptf = Prototype("p", "e", backend=backend, verbose=0)
    ptf.Dataset_Params(patterns, split=0.67, input_size=32, batch_size=8, num_processors=1)
    ptf.apply_normalize(train=True, val=True, test=True)
    ptf.Dataset()
    branches = [[ptf.convolution(output_channels=4), ptf.relu()], [ptf.convolution(output_channels=4)], ptf.add()]
    head = [ptf.global_average_pooling(), ptf.flatten(), ptf.fully_connected(units=3)]
    ptf.Compile_Network([branches, ptf.convolution(output_channels=4), *head], data_shape=(3, 32, 32), debug=False)
    ptf.Training_Params(num_epochs=1)
    getattr(ptf, f"optimizer_{optimizer}")(0.01)
    return ptf


@pytest.mark.parametrize("n", [1, 2, 3])
def test_layers_are_frozen_within_branches_too(workspace: Path, patterns: Path, backend: str, n: int) -> None:
    ptf = experiment(patterns, backend)
    ptf.Freeze_Layers(n)
    ptf.Train()
    assert Workspace().find("p", "e").state().model.trainable_layers == 4 - n


def test_the_head_first_and_then_layers_within_branches(workspace: Path, patterns: Path, backend: str) -> None:
    ptf = experiment(patterns, backend)
    ptf.Freeze_Layers(1)
    ptf.Fine_Tune(1, 1, layer_decay=1)
    assert Workspace().find("p", "e").state().status == "done"


def test_adagrad_is_as_before_after_the_search_for_a_rate(workspace: Path, patterns: Path, backend: str) -> None:
    """Its state is there, with no step, before the first step."""
    for searched in (False, True):
        ptf = experiment(patterns, backend, "adagrad")
        if searched:
            ptf.Find_Learning_Rate(1e-4, 1, 40)
        ptf.Train()
    first, second = ((Workspace().find("p", "e", v).logs / "history.csv").read_text() for v in (1, 2))
    assert _without_times(first) == _without_times(second)


def _without_times(history: str) -> list[list[str]]:
    return [row.split(",")[:6] for row in history.splitlines()]


def test_layers_that_another_network_does_not_have_are_named(workspace: Path, patterns: Path, capsys: Any) -> None:
    import torch

    ptf = experiment(patterns, "pytorch")
    head = [name for name, layer in ptf.model.named_modules() if isinstance(layer, torch.nn.Linear)][0]
    parent, _, name = head.rpartition(".")
    setattr(ptf.model.get_submodule(parent), name, torch.nn.Sequential(torch.nn.Dropout(0.5), torch.nn.Linear(4, 3)))
    ptf._console.verbose = 1
    ptf.Analyse_Batch_Sizes("a", [8], 100, num_epochs=1)
    assert (
        "layers that you replaced in the live network are not in the one that is built now" in capsys.readouterr().out
    )
    ptf.Fine_Tune(1, 1, layer_decay=1)
    assert (
        "layers that you replaced in the live network are not in the one that is built now" in capsys.readouterr().out
    )


def test_an_estimate_after_training_leaves_the_trained_network(workspace: Path, patterns: Path, backend: str) -> None:
    ptf = experiment(patterns, backend)
    ptf.Train()
    network = ptf.model
    assert ptf.get_training_estimate() > 0
    assert ptf.model is network
    assert [run.version for run in Workspace().versions("p", "e")] == [1]
