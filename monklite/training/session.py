"""One training session of a run: from its start or a saved state, to its end or a stop."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import backends
from ..backends import Learner
from ..catalog import fine_tuning
from ..data.prepare import TrainingData
from ..errors import MonkliteError
from ..records import KEPT_FEATURES, MEASURED_PRECISION, REUSED_FEATURES
from ..runs.run import Run
from ..runs.state import CONTROL, Status, now
from ..runs.workspace import Workspace
from ..spec import Resolved, Spec
from ..trackers.table import Row
from . import environment, features, shown_images
from .callbacks import Callbacks
from .checkpoints import Checkpoints
from .curves import Curves
from .engine import Handler, Loop, Stopped
from .head_first import HeadFirst
from .memory import Memory
from .position import Position
from .progress import Progress, Say
from .recording import History, Record
from .signals import StopSignals
from .tracking import Tracking
from .validation_predictions import ValidationPredictions
from .writer import Writer


@dataclass(frozen=True)
class Display:
    """Options for the output while training: lines per epoch, and a progress bar."""

    lines: bool = True
    bar: bool = True


SHOW_ALL = Display()


@dataclass(frozen=True)
class Session:
    """A training session with everything it needs.

    `start`: position of a resumed run; None for a new one. `callbacks`: the user's own. `trackers`: that are told of it.
    """

    workspace: Workspace
    run: Run
    asked: Spec
    spec: Resolved
    data: TrainingData
    learner: Learner
    say: Say
    display: Display = SHOW_ALL
    start: Position | None = None
    callbacks: Sequence[object] = ()
    trackers: Sequence[Row] = ()

    def train(self) -> StopSignals:
        """Train to the last epoch, and write everything.

        Returns:
            The signals; one that arrived too late to stop the training can still be acted on.

        Raises:
            KeyboardInterrupt, SystemExit: a signal stopped it; the progress is saved.
            TrainingFailed, StorageError: see the message; the run's status is `failed`.
        """
        world, writer = backends.world(self.spec.backend), Writer(self.run.check_lock)
        tracking = Tracking(self.trackers, self.run, self.workspace.root, self.say)
        loop = self._loop(writer, tracking)
        # every process reads the state before the leader changes it
        world.wait()
        with (
            StopSignals(lambda: setattr(loop, "stop", True)) as signals,
            self._status_recorded(loop),
            tracking,
            writer,
        ):
            try:
                self._run(loop, writer, signals)
            finally:
                for kept in loop.features.values():
                    kept.close()
        # everything is written
        world.wait()
        return signals

    def _use_features(self, loop: Loop) -> list[str]:
        """Let the loop compute what the frozen part of the network gives only once for each image.

        Returns:
            Entries for `ModelRecord.methods`.
        """
        if loop.world.size > 1:
            return []
        frozen = self.learner.frozen(self.spec.data.input_size)
        subsets = {"train": self.data.train, "val": self.data.val}
        found = {n: features.for_batches(frozen, b, self.workspace.cache) for n, b in subsets.items()}
        loop.features = {name: kept for name, kept in found.items() if kept is not None}
        reused = sum(kept.reused for kept in loop.features.values())
        # a resumed training computed them itself
        if reused and self.start is None:
            self.say(
                f"    Note: what the frozen part of the network gives is known for {reused:,} images from an earlier training "
                "(a mirrored image counts as another), so the first epochs take less time than they did there\n"
            )
            return [REUSED_FEATURES]
        return [KEPT_FEATURES] if loop.features else []

    def _run(self, loop: Loop, writer: Writer, signals: StopSignals) -> None:
        """Run the loop; if a signal stops it, write everything and say how to resume."""
        try:
            try:
                loop.run()
            except Stopped:
                writer.flush()
                self._say_how_to_resume(loop)
                signals.act()
                # `stop` was set by something other than a signal
                raise KeyboardInterrupt from None
        except KeyboardInterrupt:
            # a second Ctrl-C does not wait for writing that has not begun
            if signals.received is not None:
                writer.drop()
            raise

    def _say_how_to_resume(self, loop: Loop) -> None:
        *root, project, experiment, _ = self.run.folder.parts
        workspace = Path(*root)
        arguments = f"{project!r}, {experiment!r}, resume_train=True"
        if workspace != Path("workspace").absolute():
            arguments += f", workspace={str(workspace)!r}"
        self.say(
            f"    Stopped in epoch {loop.epoch + 1} after {loop.images:,} of {loop.train.n_images:,} images; everything is "
            f"saved. To resume: Prototype({arguments}), then Train()\n"
        )

    def _loop(self, writer: Writer, tracking: Tracking) -> Loop:
        training, world = self.spec.training, backends.world(self.spec.backend)
        return Loop(
            self.learner,
            self.data.train,
            self.data.val,
            training.epochs,
            training.optimizer.params["learning_rate"],
            training.schedule,
            # every process changes its layers
            [
                HeadFirst(self.spec, self.say, self._use_features),
                *([*self._handlers(writer), tracking] if world.rank == 0 else []),
            ],
            self.start,
            training.early_stopping,
            world=world,
            head_epochs=training.head_epochs,
        )

    def _handlers(self, writer: Writer) -> list[Handler]:
        memory = Memory()
        return [
            # before what is written at the end of an epoch, so that it is known then whether it was the last
            *([Callbacks(self.callbacks, self.say)] if self.callbacks else []),
            memory,
            History(self.run, writer),
            Checkpoints(self.run, self.spec.training, writer),
            ValidationPredictions(self.run, self.data.validated, self._is_grouped, writer, self.say),
            Record(self.run, memory, writer),
            Curves(self.run, writer),
            Progress(self.say, bar=self.display.bar, lines=self.display.lines),
        ]

    @property
    def _is_grouped(self) -> bool:
        return self.data.record.groups is not None

    @contextlib.contextmanager
    def _status_recorded(self, loop: Loop) -> Iterator[None]:
        """Record in the run's state that training began, and how it ended."""
        self.run.is_training = True
        try:
            for note in shown_images.notes(self.data.train):
                self.say(f"    Note: {note}\n")
            self._say_what_is_dropped()
            self._say_what_is_tested()
            self._record_start(self._use_features(loop))
            yield
            self.run.update(status="done", ended=now())
        except BaseException as error:
            status: Status = "interrupted" if isinstance(error, (KeyboardInterrupt, SystemExit)) else "failed"
            message = CONTROL.sub("\ufffd", f"{type(error).__name__}: {error}".rstrip(": "))
            # the disk may be the cause; the first error is the one to report
            with contextlib.suppress(OSError, MonkliteError):
                self.run.update(status=status, ended=now(), error=message)
            raise
        finally:
            self.run.is_training = False
            self.run.release()

    def _say_what_is_dropped(self) -> None:
        state = self.run.state()
        calls = {"Set_Operating_Point": state.operating_point, "Set_Unsure": state.unsure}
        if set_before := [name for name, decision in calls.items() if decision is not None]:
            self.say(
                f"    Note: {' and '.join(set_before)} was for the weights so far; call it again after the training\n"
            )

    def _say_what_is_tested(self) -> None:
        if self.run.state().testing is not None:
            self.say("    Note: the test so far is of the weights so far; call Evaluate() again after the training\n")

    def _record_start(self, methods: Sequence[str]) -> None:
        previous, model = self.run.state(), self.learner.describe()
        weights = previous.model.weights if previous.model else model.weights
        if self.start is not None and previous.model:
            methods = [m for m in (REUSED_FEATURES, KEPT_FEATURES) if m in previous.model.methods][:1] or methods
        methods = [*shown_images.methods(self.data.train), *fine_tuning.methods(self.spec.training), *methods]
        if previous.model and MEASURED_PRECISION in previous.model.methods:
            methods = [MEASURED_PRECISION, *methods]
        self.run.update(
            status="running",
            asked=self.asked,
            resolved=self.spec,
            model=model.model_copy(update={"weights": weights, "methods": (*model.methods, *methods)}),
            started=previous.started or now(),
            ended=None,
            error=None,
            # they are of the weights so far
            operating_point=None,
            unsure=None,
            testing=None,
            environment=environment.describe(backends.load(self.spec.backend).versions()),
        )
        self.workspace.link(self.run)
