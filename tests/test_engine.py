"""The loop and its handlers, with a learner of a few lines of NumPy."""

from __future__ import annotations

import json
import math
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from monklite import durations
from monklite.catalog import SCHEDULES
from monklite.catalog.default_recipes import default_transforms
from monklite.catalog.schedules import Moment, learning_rate
from monklite.data import discover
from monklite.data.augment import policy
from monklite.data.batches import Batches
from monklite.data.cache import open_store
from monklite.errors import DamagedFile, OutOfMemory, TrainingFailed
from monklite.records import EpochRow
from monklite.runs import history
from monklite.runs.file_names import ACCURACY_CURVE, BEST, FINAL, HISTORY, LOSS_CURVE, RESUME
from monklite.runs.run import Run
from monklite.runs.workspace import Workspace
from monklite.spec import TrainingSpec
from monklite.tasks import SingleLabel
from monklite.training import checkpoints as checkpointing
from monklite.training import curves, engine, progress, recording
from monklite.training.early_stopping import ended
from monklite.training.engine import Handler, Loop, Stopped
from monklite.training.memory import Memory
from monklite.training.position import Position
from monklite.training.writer import Writer


class Text:
    """A snapshot that is a text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def write(self, path: Path, number: int | None = None) -> None:
        path.with_name(f"{path.name}{'' if number is None else number}").write_text(self.text)


class SoftmaxRegression:
    """A learner on the mean colour of each image."""

    def __init__(self) -> None:
        self.task = SingleLabel(("a", "b", "c"))
        self.weights, self.rate = np.zeros((4, 3)), 0.1

    @staticmethod
    def _features(images: np.ndarray) -> np.ndarray:
        return np.c_[images.mean(axis=(1, 2)) / 255, np.ones(len(images))]

    def step(self, images, labels, draws):
        features = self._features(images)
        p = np.exp(features @ self.weights)
        p /= p.sum(axis=1, keepdims=True)
        loss = -np.log(p[np.arange(len(labels)), labels]).mean()
        correct = (p.argmax(axis=1) == labels).sum()
        p[np.arange(len(labels)), labels] -= 1
        self.weights -= self.rate * features.T @ p
        return loss, correct

    def logits(self, images, draws):
        return (self._features(images) @ self.weights).astype(np.float32)

    def loss(self, logits, labels):
        return float((np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(labels)), labels]).mean())

    def frozen(self, size: int) -> None:
        """Nothing is frozen."""

    def set_learning_rate(self, rate):
        self.rate = rate

    def capture_weights(self) -> Text:
        return Text(json.dumps(self.weights.tolist()))

    def capture(self, progress) -> Text:
        return Text(json.dumps({"weights": self.weights.tolist(), "notes": progress}))

    def memory(self):
        return None


@pytest.fixture
def batches(patterns: Path, tmp_path: Path) -> tuple[Batches, Batches]:
    samples = discover.from_folders(patterns)
    how = policy(default_transforms("pytorch").train, 16)
    _, store = open_store(samples, how, tmp_path / "cache", 1)
    rows = np.arange(len(samples))
    made = [Batches(store, rows[i::2], samples.labels[i::2], how, 4, shuffle=not i) for i in (0, 1)]
    return made[0], made[1]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Workspace(tmp_path / "workspace").claim("p", "e")


def loop(
    batches: tuple[Batches, Batches], *attached: Handler, epochs: int = 3, schedule: str = "fixed", **more
) -> Loop:
    chosen = SCHEDULES[schedule].choose("pytorch", {})
    learner = more.pop("learner", None) or SoftmaxRegression()
    return Loop(learner, *batches, epochs, 0.1, chosen, attached, **more)


class Events(Handler):
    def __init__(self) -> None:
        self.seen: list[str] = []

    def __getattribute__(self, name: str):
        if name in ("train_start", "epoch_start", "batch_end", "epoch_end", "stopping", "train_end", "close"):
            return lambda *args: self.seen.append(name)
        return super().__getattribute__(name)


def test_events_come_in_order(batches) -> None:
    events = Events()
    loop(batches, events, epochs=2).run()
    epoch = ["epoch_start", *["batch_end"] * (len(batches[0]) + len(batches[1])), "epoch_end"]
    assert events.seen == ["train_start", *epoch, *epoch, "train_end", "close"]


def test_the_history_has_one_true_row_an_epoch(batches) -> None:
    trained = loop(batches)
    trained.run()
    last = trained.history[-1]
    assert [r.epoch for r in trained.history] == [1, 2, 3]
    logits = np.concatenate([trained.learner.logits(b.images, b.draws) for b in batches[1].epoch(2)])
    assert last.val_accuracy == (logits.argmax(axis=1) == batches[1].labels).mean()
    assert last.val_loss == pytest.approx(trained.learner.loss(logits, batches[1].labels))
    assert last.images_per_second == pytest.approx(36 / last.seconds)


class Rates(SoftmaxRegression):
    """Remembers the rate of each step."""

    def __init__(self) -> None:
        super().__init__()
        self.rates: list[float] = []

    def step(self, images, labels, draws):
        self.rates.append(self.rate)
        return super().step(images, labels, draws)


def test_a_rate_that_differs_in_each_step_is_set_before_it_and_after_a_resume(batches) -> None:
    whole = loop(batches, schedule="one_cycle", learner=Rates())
    whole.run()
    steps = len(batches[0])
    expected = [
        learning_rate(whole.schedule, Moment(0.1, epoch, 3, steps_done=step, steps=steps))
        for epoch in range(3)
        for step in range(steps)
    ]
    assert whole.learner.rates == expected
    assert [row.learning_rate for row in whole.history] == expected[::steps]
    first = loop(batches, StopWithin(2), schedule="one_cycle", learner=Rates())
    with pytest.raises(Stopped):
        first.run()
    second = loop(batches, schedule="one_cycle", learner=first.learner, start=first.position())
    second.run()
    assert second.learner.rates == expected
    assert [row.learning_rate for row in second.history] == expected[::steps]


class StopWithin(Handler):
    """Asks to stop within the second epoch, after so many of its steps."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def batch_end(self, loop: Loop) -> None:
        loop.stop = loop.epoch == 1 and len(loop.steps) == self.steps


def test_training_goes_on_after_the_epochs_of_the_history(batches) -> None:
    whole = loop(batches, schedule="cosine_decrease")
    whole.run()
    first = loop(batches, schedule="cosine_decrease")
    first.handlers = [StopAfter(2)]
    with pytest.raises(KeyboardInterrupt):
        first.run()
    second = loop(batches, schedule="cosine_decrease", learner=first.learner, start=first.position())
    second.run()
    assert np.array_equal(second.learner.weights, whole.learner.weights)
    assert [r.val_loss for r in second.history] == [r.val_loss for r in whole.history]


class StopAfter(Handler):
    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def epoch_end(self, loop, row) -> None:
        if row.epoch == self.epochs:
            raise KeyboardInterrupt


def test_handlers_are_closed_after_an_error(batches) -> None:
    events = Events()
    with pytest.raises(KeyboardInterrupt):
        loop(batches, events, StopAfter(1)).run()
    assert events.seen[-1] == "close"
    assert "train_end" not in events.seen


def test_a_loss_that_is_no_number_stops_the_training(batches) -> None:
    class Diverges(SoftmaxRegression):
        def step(self, images, labels, draws):
            return math.nan, 0

    with pytest.raises(
        TrainingFailed, match=r"the training loss became nan in step 1 of epoch 1 at learning rate 0.1: take a smaller"
    ):
        loop(batches, learner=Diverges()).run()


def row(epoch: int, accuracy: float, loss: float) -> EpochRow:
    return EpochRow(epoch, 0.1, 1.0, 0.5, loss, accuracy, 1.0, 0.0, 10.0)


@pytest.mark.parametrize(
    ("rows", "best"),
    [
        ([(0.5, 1.0), (0.7, 1.0), (0.6, 0.1)], 2),
        ([(0.7, 1.0), (0.7, 0.9), (0.7, 0.9)], 2),
        ([(0.0, 1.0), (0.0, 1.0)], 1),
        ([(0.4, 1.0), (0.45, math.nan)], 1),
        ([(0.4, math.inf), (0.2, 9.0)], 2),
    ],
)
def test_the_best_epoch(batches, rows, best) -> None:
    made = [row(i, *values) for i, values in enumerate(rows, 1)]
    assert loop(batches, start=Position(4, tuple(made))).best.epoch == best


@pytest.mark.parametrize(
    ("accuracies", "patience", "over"),
    [
        ([], 1, False),
        ([0.5], 1, False),
        ([0.5, 0.4], 1, True),
        ([0.5, 0.4], 2, False),
        ([0.5, 0.4, 0.5], 2, True),
        ([0.5, 0.4, 0.6], 2, False),
        ([0.5, 0.4, 0.6, 0.1, 0.2, 0.3], 3, True),
        ([0.5, 0.4, 0.3, 0.2, 0.1, 0.0], 0, False),
        ([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7], 3, True),
    ],
)
def test_training_ends_with_its_epochs_or_its_patience(accuracies, patience, over) -> None:
    made = [row(epoch, accuracy, 1.0) for epoch, accuracy in enumerate(accuracies, 1)]
    assert ended(made, 7, patience, "accuracy") is over


class Slips(SoftmaxRegression):
    """Judged worse each time."""

    def loss(self, logits: np.ndarray, labels: np.ndarray) -> float:
        self.judged = getattr(self, "judged", 0) + 1
        return float(self.judged)

    def logits(self, images: np.ndarray, draws) -> np.ndarray:
        return np.eye(3)[np.zeros(len(images), int)]


def test_training_stops_early_says_so_and_keeps_its_last_weights(batches, run, writer) -> None:
    told: list[str] = []
    attached = [checkpoints(run, writer), progress.Progress(told.append)]
    trained = loop(batches, *attached, learner=Slips(), epochs=9, patience=2)
    trained.run()
    writer.flush()
    assert len(trained.history) == 3
    assert "Stopped early: no epoch after 1 was better on validation" in "".join(told)
    assert (run.models / "final").exists()
    assert len(saved(run)["notes"]["history"]) == 3


@pytest.fixture
def writer() -> Iterator[Writer]:
    with Writer() as made:
        yield made


@pytest.mark.renders
def test_history_and_curves_are_written(batches, run, writer) -> None:
    trained = loop(batches, recording.History(run, writer), curves.Curves(run, writer))
    trained.run()
    writer.flush()
    assert history.read(run.logs / HISTORY) == trained.history
    for curve in (ACCURACY_CURVE, LOSS_CURVE):
        assert (run.logs / curve).read_bytes().startswith(b"\x89PNG")


def test_a_drawing_of_earlier_epochs_that_is_late_does_not_replace_the_last_one(
    batches, run, writer, monkeypatch
) -> None:
    drawn, late = [], threading.Event()
    monkeypatch.setattr(curves, "REDRAW_EVERY", 0.0)
    monkeypatch.setattr(curves, "draw_curves", lambda run, rows: drawn.append(len(rows)))
    # the writer is busy until the last drawing is done
    writer.put("slow", late.wait)
    trained = loop(batches, curves.Curves(run, writer))
    trained.run()
    late.set()
    writer.flush()
    assert drawn == [len(trained.history)]


def saved(run: Run) -> dict:
    return json.loads((run.models / RESUME).read_text())


def checkpoints(run: Run, writer: Writer, **training) -> checkpointing.Checkpoints:
    return checkpointing.Checkpoints(run, TrainingSpec(**training), writer)


def test_checkpoints_have_monks_names(batches, run, writer) -> None:
    loop(batches, checkpoints(run, writer, save_intermediate_models=True)).run()
    writer.flush()
    names = {p.name for p in run.models.iterdir()}
    assert names == {BEST, FINAL, RESUME, "intermediate_model_0", "intermediate_model_1", "intermediate_model_2"}
    assert len(saved(run)["notes"]["history"]) == 3


class Worsens(SoftmaxRegression):
    """Learns for some steps, then unlearns."""

    steps, good = 0, 5

    def step(self, images, labels, draws):
        self.steps += 1
        self.rate = 0.1 if self.steps <= self.good else -1.0
        return super().step(images, labels, draws)


def test_the_best_checkpoint_is_of_the_best_epoch(batches, run, writer) -> None:
    trained = loop(batches, checkpoints(run, writer, save_intermediate_models=True), learner=Worsens())
    trained.run()
    writer.flush()
    best = run.models / f"intermediate_model_{trained.best.epoch - 1}"
    assert (run.models / BEST).read_text() == best.read_text() != (run.models / FINAL).read_text()


def test_intermediate_models_can_be_left_out(batches, run, writer) -> None:
    loop(batches, checkpoints(run, writer, save_intermediate_models=False)).run()
    writer.flush()
    assert not list(run.models.glob("intermediate*"))


def test_what_is_gone_on_from_is_saved_after_the_first_epoch_then_seldom(batches, run, writer, monkeypatch) -> None:
    monkeypatch.setattr(
        checkpointing, "MAX_SAVING_SHARE", 1e-12
    )  # the first save costs more than all that follows may take
    seen: list[int] = []

    class Looks(Handler):
        def epoch_end(self, loop, row) -> None:
            writer.flush()
            seen.append(len(saved(run)["notes"]["history"]))

    loop(batches, checkpoints(run, writer), Looks(), epochs=4).run()
    assert seen == [1, 1, 1, 4]


def test_the_best_weights_never_lag_behind_what_is_gone_on_from(batches, run, writer) -> None:
    class Looks(Handler):
        def epoch_end(self, loop, row) -> None:
            writer.flush()
            done = saved(run)["notes"]["history"]
            best = max(done, key=lambda r: (r["val_accuracy"], -r["val_loss"]))["epoch"]
            of_best = (run.models / f"intermediate_model_{best - 1}").read_text()
            assert (run.models / BEST).read_text() == of_best or loop.best.epoch > best

    loop(batches, checkpoints(run, writer, save_intermediate_models=True), Looks(), epochs=6, learner=Worsens()).run()


def test_a_long_epoch_is_saved_within(batches, run, writer, monkeypatch) -> None:
    monkeypatch.setattr(checkpointing, "SAVE_EVERY", 0.0)
    monkeypatch.setattr(checkpointing, "MAX_SAVING_SHARE", 1e12)
    seen: list[int] = []

    class Looks(Handler):
        def batch_end(self, loop) -> None:
            writer.flush()
            seen.append(saved(run)["notes"]["images"])

    loop(batches, checkpoints(run, writer), Looks(), epochs=1).run()
    assert seen == [4, 8, 12, 16, 18, 18, 18, 18, 18, 18]


class StopIn(Handler):
    """Asks to stop after so many batches, and keeps the point."""

    def __init__(self, batches: int) -> None:
        self.left, self.point = batches, None

    def batch_end(self, loop) -> None:
        self.left -= 1
        loop.stop = self.left == 0

    def stopping(self, loop) -> None:
        self.point = Position.from_dict(json.loads(json.dumps(loop.position().to_dict())), "here")


@pytest.mark.parametrize("batch", [1, 4, 5, 7, 10, 11, 13, 20, 29])
def test_a_training_stopped_anywhere_goes_on_to_the_same_end(batches, batch: int) -> None:
    whole = loop(batches, schedule="cosine_decrease")
    whole.run()
    stops = StopIn(batch)
    first = loop(batches, stops, schedule="cosine_decrease")
    with pytest.raises(Stopped):
        first.run()
    second = loop(batches, schedule="cosine_decrease", learner=first.learner, start=stops.point)
    second.run()
    assert np.array_equal(second.learner.weights, whole.learner.weights)
    timeless = [replace(r, seconds=0, data_wait=0, images_per_second=0) for r in second.history]
    assert timeless == [replace(r, seconds=0, data_wait=0, images_per_second=0) for r in whole.history]


def test_a_stop_is_after_a_whole_step(batches) -> None:
    events = Events()
    with pytest.raises(Stopped):
        loop(batches, StopIn(2), events).run()
    assert events.seen == ["train_start", "epoch_start", "batch_end", "batch_end", "stopping", "close"]


@pytest.mark.parametrize(
    "spoil", [lambda n: n.pop("history"), lambda n: n.update(steps=[[1]]), lambda n: n.update(x=1)]
)
def test_a_point_that_cannot_be_read_is_told(spoil) -> None:
    notes = Position(4, (row(1, 0.5, 1.0),)).to_dict()
    spoil(notes)
    with pytest.raises(DamagedFile, match=r"there does not say how far training had come"):
        Position.from_dict(notes, "there")


class ShortOfMemory(SoftmaxRegression):
    """Has memory for so many images."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most, self.sizes = most, []

    def step(self, images, labels, draws):
        self._check(images)
        self.sizes.append(len(images))
        return super().step(images, labels, draws)

    def logits(self, images, draws):
        self._check(images)
        return super().logits(images, draws)

    def _check(self, images) -> None:
        if len(images) > self.most:
            raise OutOfMemory(f"too small for {len(images)} images")


def test_a_batch_too_large_for_the_memory_is_halved_and_told(batches) -> None:
    said: list[str] = []
    trained = loop(batches, progress.Progress(said.append), learner=ShortOfMemory(2), epochs=2)
    trained.run()
    assert set(trained.learner.sizes) == {2}
    assert sum(trained.learner.sizes) == 2 * 18
    assert sum("too small for 4 images. Continuing with a batch_size of 2" in line for line in said) == 1
    assert trained.position().batch_size == 2


def test_memory_that_gives_out_in_the_middle_loses_no_image(batches) -> None:
    class GivesOut(ShortOfMemory):
        def step(self, images, labels, draws):
            if len(self.sizes) == 2:
                self.most = 2
            return super().step(images, labels, draws)

    trained = loop(batches, learner=GivesOut(4), epochs=1)
    trained.run()
    assert trained.learner.sizes == [4, 4, 2, 2, 2, 2, 2]


def test_memory_that_gives_out_in_validation_leaves_training_as_it_is(batches) -> None:
    class JudgesLess(ShortOfMemory):
        def step(self, images, labels, draws):
            self.sizes.append(len(images))
            return SoftmaxRegression.step(self, images, labels, draws)

    said: list[str] = []
    trained = loop(batches, progress.Progress(said.append), learner=JudgesLess(2), epochs=2)
    trained.run()
    whole = loop(batches, epochs=2)
    whole.run()
    assert max(trained.learner.sizes) == 4
    assert sum("Continuing with a batch_size of 2 in validation" in line for line in said) == 1
    assert [r.val_loss for r in trained.history] == pytest.approx([r.val_loss for r in whole.history])


def test_memory_too_small_for_one_image_is_an_error(batches) -> None:
    with pytest.raises(OutOfMemory, match=r"too small for 1 images"):
        loop(batches, learner=ShortOfMemory(0)).run()


def test_a_halved_batch_stays_halved_when_training_goes_on(batches) -> None:
    stops = StopIn(3)
    with pytest.raises(Stopped):
        loop(batches, stops, learner=ShortOfMemory(2)).run()
    second = loop(batches, learner=ShortOfMemory(4), start=stops.point, epochs=1)
    second.run()
    assert set(second.learner.sizes) == {2}


def test_results_are_recorded(batches, run, writer) -> None:
    memory = Memory()
    trained = loop(batches, memory, recording.Record(run, memory, writer))
    trained.run()
    writer.flush()
    results = run.state().results
    assert results.epochs_completed == 3
    assert results.best_val_accuracy == trained.best.val_accuracy
    assert results.train_seconds == sum(r.seconds for r in trained.history)
    assert results.process_mib > 10
    assert results.gpu_process_mib is None or results.gpu_process_mib > 0


def test_memory_is_that_of_this_process(batches) -> None:
    import psutil

    memory = Memory()
    loop(batches, memory).run()
    assert memory.process_mib == pytest.approx(psutil.Process(os.getpid()).memory_info().rss / 2**20, rel=0.5)


def test_progress_tells_each_epoch_in_plain_lines(batches) -> None:
    said: list[str] = []
    loop(batches, progress.Progress(said.append)).run()
    text = "\n".join(said)
    assert "Epoch 2/3    learning rate 0.1" in text
    assert text.count("Val-acc") == 3
    assert "left" in text
    assert "\r" not in text


def test_progress_can_be_silent(batches) -> None:
    said: list[str] = []
    loop(batches, progress.Progress(said.append, bar=False, lines=False)).run()
    assert said == []


def test_long_epochs_tell_lines_where_there_is_no_terminal(batches, monkeypatch) -> None:
    monkeypatch.setattr(progress, "LINE_EVERY", 0.0)
    said: list[str] = []
    loop(batches, progress.Progress(said.append), epochs=1).run()
    assert any(line.startswith(f"    batch 2/{len(batches[0]) + len(batches[1])}, loss") for line in said)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.84, "0.8 s"), (42.4, "42 s"), (185, "3 min 05 s"), (7800, "2 h 10 min"), (59.9, "60 s"), (119.9, "2 min 00 s")],
)
def test_durations(seconds: float, text: str) -> None:
    assert durations.duration(seconds) == text


def test_the_loop_waits_for_the_device_once_an_epoch(batches) -> None:
    """A loss that is still under way must not be asked for after every step."""
    asked: list[int] = []

    class Pending:
        def __init__(self, value: float) -> None:
            self.value = value

        def __float__(self) -> float:
            asked.append(len(steps))
            return float(self.value)

    class Asynchronous(SoftmaxRegression):
        def step(self, images, labels, draws):
            steps.append(1)
            loss, correct = super().step(images, labels, draws)
            return Pending(loss), Pending(correct)

    steps: list[int] = []
    loop(batches, learner=Asynchronous(), epochs=1).run()
    assert set(asked) == {len(batches[0])}


def test_nothing_of_a_framework_is_known_here() -> None:
    assert not {"torch", "mxnet"} & set(vars(engine))
