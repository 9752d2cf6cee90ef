"""One training of a run, from its beginning or from where it stood, to its end or to a stop."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .. import backends
from ..backends import Learner
from ..data.prepare import TrainingData
from ..errors import MonkliteError
from ..runs.run import Run
from ..runs.state import CONTROL, Status, now
from ..runs.workspace import Workspace
from ..spec import Resolved, Spec
from . import environment
from .checkpoints import Checkpoints
from .engine import Handler, Loop, Point, Stopped
from .memory import Memory
from .progress import Progress, Say
from .recording import History, Record
from .signals import StopSignals
from .writer import Writer


@dataclass(frozen=True)
class Display:
    """What is shown while training: a line per epoch, and a progress bar."""

    lines: bool = True
    bar: bool = True


SHOW_ALL = Display()


@dataclass(frozen=True)
class Session:
    """What one training needs. `start`: where a resumed one goes on."""

    workspace: Workspace
    run: Run
    asked: Spec
    spec: Resolved
    data: TrainingData
    learner: Learner
    say: Say
    display: Display = SHOW_ALL
    start: Point | None = None

    def train(self) -> StopSignals:
        """Train to the last epoch, and write everything.

        Returns:
            The signals: one that came too late to stop anything can still be acted upon.

        Raises:
            KeyboardInterrupt, SystemExit: it was stopped by a signal; what was done is saved.
            TrainingFailed, StorageError: see the message; the run's status says `failed`.
        """
        world, writer = backends.world(self.spec.backend), Writer(self.run.check_hold)
        loop = self._loop(writer)
        world.wait()  # every process has seen the state before the leader changes it
        with StopSignals(lambda: setattr(loop, "stop", True)) as signals, self._status_kept(), writer:
            self._run(loop, writer, signals)
        world.wait()  # all is written
        return signals

    def _run(self, loop: Loop, writer: Writer, signals: StopSignals) -> None:
        """Run the loop; where a signal stopped it, save all and say how to go on."""
        try:
            try:
                loop.run()
            except Stopped:
                writer.flush()
                self._say_how_to_go_on(loop)
                signals.act()
                raise KeyboardInterrupt from None  # it was no signal that set `stop`
        except KeyboardInterrupt:
            if signals.received is not None:  # a second Ctrl-C does not wait for what is not begun
                writer.drop()
            raise

    def _say_how_to_go_on(self, loop: Loop) -> None:
        *root, project, experiment, _ = self.run.folder.parts
        elsewhere = Path(*root) != Workspace().root
        words = f"{project!r}, {experiment!r}, resume_train=True" + f", workspace={str(Path(*root))!r}" * elsewhere
        self.say(
            f"    Stopped in epoch {loop.epoch + 1} after {loop.images:,} of {loop.train.n_images:,} images; all is saved. "
            f"To go on: Prototype({words}), then Train()\n"
        )

    def _loop(self, writer: Writer) -> Loop:
        training, world = self.spec.training, backends.world(self.spec.backend)
        return Loop(
            self.learner,
            self.data.train,
            self.data.val,
            training.epochs,
            training.optimizer.params["learning_rate"],
            training.schedule,
            self._handlers(writer) if world.rank == 0 else [],
            self.start,
            training.early_stopping,
            world=world,
        )

    def _handlers(self, writer: Writer) -> list[Handler]:
        memory = Memory()
        return [
            memory,
            History(self.run, writer),
            Checkpoints(self.run, self.spec.training, writer),
            Record(self.run, memory, writer),
            Progress(self.say, bar=self.display.bar, lines=self.display.lines),
        ]

    @contextlib.contextmanager
    def _status_kept(self) -> Iterator[None]:
        """Keep in the state that training began, and how it ended."""
        self.run.busy = True
        try:
            self._begin()
            yield
            self.run.update(status="done", ended=now())
        except BaseException as error:
            status: Status = "interrupted" if isinstance(error, (KeyboardInterrupt, SystemExit)) else "failed"
            text = CONTROL.sub("\ufffd", f"{type(error).__name__}: {error}".rstrip(": "))
            # the disk may be what failed; the first error is the one to tell
            with contextlib.suppress(OSError, MonkliteError):
                self.run.update(status=status, ended=now(), error=text)
            raise
        finally:
            self.run.busy = False
            self.run.release()

    def _begin(self) -> None:
        before, model = self.run.state(), self.learner.describe()
        self.run.update(
            status="running",
            asked=self.asked,
            resolved=self.spec,
            model=model.model_copy(update={"weights": before.model.weights if before.model else model.weights}),
            started=before.started or now(),
            ended=None,
            error=None,
            environment=environment.describe(backends.load(self.spec.backend).versions()),
        )
        self.workspace.link(self.run)
