"""How long a training will take: measured, and without a trace in the experiment."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_both_backends import equal, weights
from test_features import experiment
from test_prototype import expert, state
from tiny_networks import build_tiny

from monklite.errors import InvalidValue
from monklite.facade import training_messages
from monklite.facade.console import Console
from monklite.training import estimate, features
from monklite.training.estimate import Estimate


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    for backend in ("pytorch", "mxnet"):
        build_tiny(monkeypatch, backend)


def test_it_is_about_the_time_of_an_epoch(workspace: Path, patterns: Path, backend: str) -> None:
    ptf = expert(patterns, epochs=3, backend=backend)
    expected = ptf.get_training_estimate()
    ptf.Train()
    measured = state().results.train_seconds / 3
    # other work on the machine may fall on either
    assert measured / 30 < expected < 30 * measured


def test_the_training_is_the_same_as_without_it(workspace: Path, patterns: Path, backend: str) -> None:
    plain = expert(patterns, experiment="plain", backend=backend)
    plain.Train()
    ptf = expert(patterns, experiment="estimated", backend=backend)
    # the optimizer that was chosen after the network was built
    ptf.Reload()
    before, optimizer = weights(ptf), ptf.optimizer
    ptf.Estimate_Train_Time(num_epochs=5)
    assert equal(before, weights(ptf)) and ptf.optimizer is optimizer
    ptf.Train()
    assert equal(weights(plain), weights(ptf))
    assert [run.version for run in ptf._opened.workspace.versions("p", "estimated")] == [1]


def test_it_is_printed_as_monk_did(workspace: Path, patterns: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    ptf = expert(patterns, epochs=4)
    ptf._console.verbose = 1
    monkeypatch.setattr(estimate, "estimate", lambda *_: Estimate(70.0))
    capsys.readouterr()
    ptf.Estimate_Train_Time()
    ptf.Estimate_Train_Time(num_epochs=1)
    said = capsys.readouterr().out
    assert (
        said
        == "Training time estimate\n    4 Epochs: Approx. 5 Min\n\nTraining time estimate\n    1 Epoch: Approx. 70 Sec\n\n"
    )
    with pytest.raises(InvalidValue, match="num_epochs must be a whole number at least 1 or None, not -1"):
        ptf.Estimate_Train_Time(num_epochs=-1)


def test_what_is_kept_is_computed_once_for_each_picture(
    workspace: Path, patterns: Path, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    monkeypatch.setattr(estimate, "_epoch_seconds", lambda batches, work: found.append(batches) or 1.0 * len(found))
    ptf = experiment(workspace, patterns, "kept", backend, model="squeezenet1_1")
    guess = ptf._experiment.estimate()
    # two passes of the frozen part, then two whole ones: 1 + 2, and 3 + 4
    assert guess == Estimate(epoch=4.0, once=3.0, pictures=2)
    assert guess.seconds(1) == pytest.approx(7.0)
    assert guess.seconds(100) == pytest.approx(406.0)
    monkeypatch.setattr(features, "MAX_WIDTH", 0)
    assert ptf._experiment.estimate().once == 0.0


@pytest.mark.parametrize(
    ("seconds", "text"), [(1.24, "1.2 Sec"), (42.4, "42 Sec"), (300.0, "5 Min"), (11160.0, "3.1 Hours")]
)
def test_durations_are_rounded(seconds: float, text: str, capsys) -> None:
    training_messages.training_estimate(Console(1), 5, seconds)
    assert capsys.readouterr().out == f"Training time estimate\n    5 Epochs: Approx. {text}\n\n"
