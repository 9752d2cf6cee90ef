"""The user's own callbacks: what they see, how they end a training, and that they cannot change or break it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from test_both_backends import equal, weights
from test_exactness import rows
from test_prototype import expert, state
from tiny_networks import build_tiny

from monklite import Prototype
from monklite.errors import InvalidType, UnknownArgument
from monklite.runs.file_names import FINAL
from monklite.runs.workspace import Workspace
from monklite.training.callbacks import HOOKS

pytestmark = pytest.mark.above_backends


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    for backend in ("pytorch", "mxnet"):
        build_tiny(monkeypatch, backend)


class Notes:
    """Writes down every call."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def train_start(self, view: Any) -> None:
        self.calls.append(("train_start", view.epoch, view.epochs, len(view.history), view.best))

    def epoch_start(self, view: Any) -> None:
        self.calls.append(("epoch_start", view.epoch, view.images, view.n_images, view.learning_rate, view.batch_size))

    def batch_end(self, view: Any) -> None:
        self.calls.append(("batch_end", view.epoch, view.subset, view.batch, view.batches, view.images))

    def epoch_end(self, view: Any) -> None:
        self.calls.append(("epoch_end", view.epoch, len(view.history), view.history[-1].epoch, view.best.epoch))

    def train_end(self, view: Any) -> None:
        self.calls.append(("train_end", view.epoch, len(view.history)))


def test_every_hook_is_called_with_the_training_as_it_is(workspace: Path, patterns: Path, backend: str) -> None:
    ptf, notes = expert(patterns, epochs=1, backend=backend), Notes()
    ptf.add_callback(notes)
    ptf.Train()
    batches = [("train", 1, 8), ("train", 2, 16), ("train", 3, 24), ("val", 4, 24), ("val", 5, 24)]
    assert notes.calls == [
        ("train_start", 1, 1, 0, None),
        ("epoch_start", 1, 0, 24, 0.0005, 8),
        *(("batch_end", 1, subset, batch, 5, images) for subset, batch, images in batches),
        ("epoch_end", 1, 1, 1, 1),
        ("train_end", 1, 1),
    ]


def test_functions_are_given_by_the_name_of_their_hook(workspace: Path, patterns: Path) -> None:
    ptf, losses, models = expert(patterns), [], []
    ptf.add_callback(batch_end=lambda view: losses.append(view.loss), train_end=lambda view: models.append(view.model))
    ptf.Train()
    assert len(losses) == 5 and np.isfinite(losses).all()
    assert models == [ptf.model]
    ptf.remove_callbacks()
    ptf.Train()
    assert len(losses) == 5


def test_random_numbers_of_a_callback_do_not_change_the_training(workspace: Path, patterns: Path, backend: str) -> None:
    def draw(view: Any) -> None:
        from mxnet import nd, random

        torch.manual_seed(view.batch)
        torch.rand(5)
        np.random.seed(view.batch)  # noqa: NPY002
        np.random.random(5)  # noqa: NPY002
        random.seed(view.batch)
        nd.random.uniform(shape=(3,)).asnumpy()

    plain = expert(patterns, experiment="plain", epochs=2, backend=backend)
    plain.Train()
    ptf = expert(patterns, experiment="drawing", epochs=2, backend=backend)
    ptf.add_callback(**dict.fromkeys(HOOKS, draw))
    ptf.Train()
    assert equal(weights(plain), weights(ptf))
    assert rows("plain") == rows("drawing")


def test_an_error_is_told_once_for_each_hook_and_breaks_nothing(
    workspace: Path, patterns: Path, capsys, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(view: Any) -> None:
        raise ZeroDivisionError(f"batch {view.batch}")

    ptf = expert(patterns, experiment="plain", epochs=2)
    ptf.Train()
    ptf = expert(patterns, experiment="failing", epochs=2)
    ptf.add_callback(**dict.fromkeys(HOOKS, fail))
    ptf._console.verbose = 1
    with caplog.at_level(logging.INFO, "monklite"):
        ptf.Train()
    said = capsys.readouterr().out
    for hook in HOOKS:
        assert said.count(f"Note: the callback {hook} failed in line ") == 1
    assert f"of {__file__} (ZeroDivisionError: batch 1); the training goes on" in said
    assert [r.getMessage() for r in caplog.records] == [f"the callback {hook} failed" for hook in HOOKS]
    assert state("failing").status == "done"
    assert rows("plain") == rows("failing")


def test_a_callback_can_interrupt_as_ctrl_c_does(workspace: Path, patterns: Path) -> None:
    ptf = expert(patterns, epochs=2)
    ptf.add_callback(batch_end=lambda view: view.stop() if (view.epoch, view.batch) == (2, 2) else None)
    with pytest.raises(KeyboardInterrupt):
        ptf.Train()
    assert state().status == "interrupted"
    Prototype("p", "e", resume_train=True, verbose=0).Train()
    assert state().results.epochs_completed == 2


@pytest.mark.parametrize(("backend", "hook"), [*(("pytorch", hook) for hook in HOOKS[:-1]), ("mxnet", "epoch_end")])
def test_a_callback_can_end_the_training_with_an_epoch(
    workspace: Path, patterns: Path, backend: str, hook: str, capsys
) -> None:
    whole = expert(patterns, experiment="whole", epochs=1, backend=backend)
    whole.Train()
    ptf = expert(patterns, epochs=3, backend=backend)
    ptf._console.verbose = 1
    ptf.update_display_progress(True)
    ptf.add_callback(**{hook: lambda view: view.stop(after_epoch=True)})
    ptf.Train()
    assert "Ended by a callback after 1 of 3 epochs" in capsys.readouterr().out
    assert (state().status, state().results.epochs_completed) == ("done", 1)
    assert equal(weights(whole), weights(ptf))
    assert Workspace().find("p", "e").has_weights(FINAL)
    Prototype("p", "e", resume_train=True, backend=backend)
    assert "stopped early after 1 of 3 epochs: to train it further, call Train()" in capsys.readouterr().out


def test_a_resumed_training_that_is_to_end_after_its_epoch_finishes_it(workspace: Path, patterns: Path) -> None:
    ptf = expert(patterns, epochs=3)
    ptf.add_callback(batch_end=lambda view: view.stop() if (view.epoch, view.batch) == (2, 2) else None)
    with pytest.raises(KeyboardInterrupt):
        ptf.Train()
    resumed = Prototype("p", "e", resume_train=True, verbose=0)
    resumed.add_callback(train_start=lambda view: view.stop(after_epoch=True))
    resumed.Train()
    assert (state().status, state().results.epochs_completed) == ("done", 2)


def test_the_view_is_read_only(workspace: Path, patterns: Path) -> None:
    found: list[Exception] = []

    def change(view: Any) -> None:
        try:
            view.learning_rate = 1.0
        except AttributeError as error:
            found.append(error)

    ptf = expert(patterns)
    ptf.add_callback(train_start=change)
    ptf.Train()
    assert str(found[0]) == "a callback reads the training and cannot set 'learning_rate'; it can end it with stop()"


class Misspelt:
    def epoch_ended(self, view: Any) -> None: ...


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda p: p.add_callback(), InvalidType, "give an object, or functions by name: train_start, epoch_start"),
        (lambda p: p.add_callback(Misspelt()), InvalidType, r"has one or more of the methods .*Did you mean 'epoch_end'\?"),
        (lambda p: p.add_callback(Notes), InvalidType, r"a callback is an object: give Notes\(\), not the class Notes"),
        (lambda p: p.add_callback(epoch_end=3), InvalidType, "epoch_end must be a function of one argument"),
        (lambda p: p.add_callback(epoch_ends=print), UnknownArgument, r"no argument 'epoch_ends'. Did you mean 'epoch_end'\?"),
    ],
)  # fmt: skip
def test_what_is_no_callback_is_explained(workspace: Path, call, kind, message: str) -> None:
    with pytest.raises(kind, match=message):
        call(Prototype("p", "e", verbose=0))
