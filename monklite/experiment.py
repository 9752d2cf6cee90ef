"""Spec + run folder + backend: prepare the data, build the network, train, resume."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from . import backends
from .backends import Learner, tensors
from .catalog import resolve
from .catalog.models import find_model
from .catalog.recipes import BATCH_SIZE, check_precision, unresolve
from .data import health, prepare, split
from .data.cache import Tick
from .data.prepare import TrainingData
from .errors import DamagedFile, DatasetError, InvalidValue, MonkliteError, NotFound, NotReady
from .rules import AUTO
from .runs import history
from .runs.file_names import BEST, HEALTH, HISTORY, RESUME, SAMPLES
from .runs.run import Run, weights_of
from .runs.state import CONTROL, RunState, Status, now
from .runs.workspace import Workspace
from .spec import Spec, TrainingSpec
from .training import batch_size, environment
from .training.checkpoints import Checkpoints
from .training.early_stopping import best_of, ended
from .training.engine import Loop, Point, Stopped
from .training.memory import Memory
from .training.progress import Progress, Say
from .training.recording import History, Record
from .training.signals import StopSignals
from .training.writer import Writer

DATA_FIELDS = ("data", "seed")  # a change in one of these asks for new batches
SPLIT_FIELDS = ("data.train_path", "data.val_path", "data.train_csv", "data.val_csv", "data.split", "seed")
CHANGED_BY_RESUMING = (
    "training.epochs", "training.early_stopping", "training.optimizer.params.learning_rate", "training.save_intermediate_models",
    "training.intermediate_prefix", "data.workers", "data.train_path", "data.val_path", "data.train_csv", "data.val_csv",
)  # fmt: skip
# of these, what makes the epochs that are trained again come out otherwise, or not come at all
RETRAINED_BY = ("training.epochs", "training.early_stopping", "training.optimizer.params.learning_rate")
NETWORK_FIELDS = ("model", "data.input_size", "seed", "backend")


@dataclass(frozen=True)
class Display:
    """What is shown while training."""

    lines: bool = True
    bar: bool = True


class Experiment:
    """One run being made: its spec may change until training begins."""

    def __init__(self, workspace: Workspace, run: Run, spec: Spec, say: Say) -> None:
        self.workspace, self.run, self.spec, self.say = workspace, run, spec, say
        self.data: TrainingData | None = None
        self.learner: Learner | None = None
        self.origin: Run | None = None  # the run that this one was copied from
        self.copies_weights = False
        self.resuming = False
        self._data_spec: Spec | None = None
        self._network_spec: Spec | None = None

    # Opening

    @classmethod
    def new(cls, workspace: Workspace, project: str, experiment: str, backend: str, say: Say) -> Experiment:
        """A version of its own, with the default spec."""
        spec = Spec(backend=backends.check(backend))
        return cls(workspace, workspace.claim(project, experiment), spec, say)

    @classmethod
    def copy(
        cls,
        workspace: Workspace,
        source: Run,
        project: str,
        experiment: str,
        backend: str,
        say: Say,
        weights: bool = True,
    ) -> Experiment:
        """A new version with the spec and split of another run, and its weights if asked for.

        Raises:
            NotReady: the source has not been trained. InvalidValue: it belongs to another backend.
        """
        state = source.state()
        if not source.is_trained():
            raise NotReady(f"{source} cannot be copied: it has not been trained")
        if state.spec.backend != backend:
            raise InvalidValue(
                f"{source} was made with backend={state.spec.backend!r}; copy it with the same, not {backend!r}"
            )
        made = cls(workspace, workspace.claim(project, experiment), unresolve(state.spec), say)
        made.origin, made.copies_weights = source, weights
        made._tell_origin()
        return made

    def _tell_origin(self) -> None:
        if self.origin is not None:
            before = self.origin.state()
            self.run.update(spec=self.spec, origin=(before.project, before.experiment, before.version))

    @staticmethod
    def can_resume(run: Run) -> bool:
        """Whether a run began training and was not finished."""
        return run.has_saved_state() and run.state().status != "done"

    @staticmethod
    def can_extend(run: Run) -> bool:
        """Whether a run can be given more epochs."""
        return run.has_saved_state()

    @classmethod
    def resume(cls, workspace: Workspace, run: Run, say: Say) -> Experiment:
        """Go on with a run that began training; a finished one needs more epochs before it trains.

        Raises:
            NotReady: there is nothing to go on from, or another process is training it.
        """
        state = run.state()
        if not run.has_saved_state():
            raise NotReady(f"{run} cannot be resumed: it stopped before anything was saved. Train a new version")
        if not run.hold():
            raise NotReady(_busy(run))
        run.sweep()
        made = cls(workspace, run, state.spec, say)
        made.resuming = True
        if state.status == "done":
            results = state.results
            assert results is not None
            told = _how_to_extend(run, state.spec.training, results.epochs_completed, results.best_epoch)
            say(f"    {told}\n")
        return made

    # Setting up

    def change(self, changes: Mapping[str, Any]) -> None:
        """Change the spec at dotted paths; wrong values are refused here. Takes effect when data or network are made."""
        changed = self.spec.replace(changes)
        check_precision(changed)
        if self.resuming:
            refused = [f for f in changed.differences(self.spec) if not f.startswith(CHANGED_BY_RESUMING)]
            if refused:
                raise NotReady(
                    f"a resumed run keeps its {refused[0]}, for its weights were trained with it. It can be given another "
                    "number of epochs, learning rate, early stopping, number of processors and place of its images; to change "
                    f"more, copy it: {_copy_of(self.run)}"
                )
            if any(f.startswith(RETRAINED_BY) for f in changed.differences(self.spec)):
                self._check_best_is_kept()
        self.spec = changed

    def _check_best_is_kept(self) -> None:
        """A killed run may have best weights of an epoch that going on trains again; trained otherwise, it comes out otherwise,
        and the weights would be of no epoch in the history."""
        done, best = len(self._saved_point().history), self._best_written()
        if best > done:
            raise NotReady(
                f"{self.run} goes on from epoch {done}, and its best weights are of epoch {best}, trained with the settings as "
                f"they were: go on without changes first, or copy it: {_copy_of(self.run)}"
            )

    def _best_written(self) -> int:
        """The latest epoch that the best weights can be of. The history is written before them, the results after them."""
        results = self.run.state().results
        found = [results.best_epoch] if results else [0]
        with contextlib.suppress(NotFound, DamagedFile):  # it is made anew from the saved state
            found += [best_of(rows).epoch for rows in [history.read(self.run.logs / HISTORY)] if rows]
        return max(found)

    def resolved(self) -> Spec:
        """The spec with every default filled in by the recipe."""
        return resolve(self.spec)

    def prepare(self, tick: Tick | None = None) -> TrainingData:
        """Discover, decode and split the images; record which image is where, and the odd files."""
        self._own_version()
        spec = _sized(self.resolved())
        world = backends.world(spec.backend)
        data = prepare.for_training(spec, self.workspace.cache, self._recorded_split(spec), tick).shared(
            world.rank, world.size
        )
        for remark in data.remarks:
            self.say(f"    Note: {remark}\n")
        if self.resuming:
            self._check_same_images(data)
        self.data, self._data_spec = data, spec
        self._record_data()
        return data

    def _check_same_images(self, data: TrainingData) -> None:
        before, recorded = self.run.state().dataset, self.run.folder / SAMPLES
        others = split.changed(recorded, data.samples, data.report.digests) if recorded.exists() else []
        if others or (before is not None and before.fingerprint != data.record.fingerprint):
            which = f" ({len(others)}, the first: {others[0]})" if others else ""
            raise DatasetError(
                f"the images of {self.run} have changed since it was trained{which}: put them back to resume it, or train "
                "a new version"
            )

    def _record_data(self) -> None:
        """Write into the run which image is where, and the odd files."""
        if self.data is None or self.resuming or backends.world(self.spec.backend).rank > 0:
            return  # what a resumed run was trained on is recorded, and its training may yet be refused
        split.write(self.run.folder / SAMPLES, self.data.samples, self.data.report.digests)
        health.write(self.run.folder / HEALTH, self.data.report)
        self.run.update(spec=self._data_spec, dataset=self.data.record)

    def _recorded_split(self, spec: Spec) -> Path | None:
        """Resume and copy use the split that the run already has, unless the data were changed since."""
        source = self.run if self.resuming else self.origin
        if source is None:
            return None
        before = source.state().spec
        unchanged = all(spec.get(f) == before.get(f) for f in SPLIT_FIELDS)
        return source.folder / SAMPLES if unchanged or self.resuming else None

    def build(self) -> Learner:
        """Build the network, with the weights that the spec or the copied run gives it."""
        self._own_version()
        if self.data is None:
            raise NotReady("the number of classes is not known yet: call Dataset() before Model()")
        spec = self.resolved()
        classes = self.data.record.classes
        self._check_loss(spec)
        copied = self._copied_weights(spec, classes)
        self.learner = None  # free its memory first
        if spec.data.batch_size == AUTO:
            spec = self._choose_batch_size(spec, self.data)
        learner = backends.load(spec.backend).learner(spec, classes, pretrained=not (copied or self.resuming))
        if copied is not None:
            learner.load_weights(weights_of(copied))
        if not self.resuming:
            self.run.update(spec=spec, model=learner.describe().model_copy(update=self._first_weights(copied)))
        self.learner, self._network_spec = learner, spec
        return learner

    def _choose_batch_size(self, spec: Spec, data: TrainingData) -> Spec:
        """Put a number where `"auto"` was asked for, into the spec and the batches."""
        backend, classes = backends.load(spec.backend), data.record.classes
        if backend.world().size > 1:
            raise InvalidValue("batch_size='auto' works in one process; with several, give a number")
        size = batch_size.batch_size(
            lambda: backend.learner(_sized(spec), classes, pretrained=False),
            int(spec.data.input_size or 0), len(classes), data.train.n_images,
        )  # fmt: skip
        self.say(f"    Note: batch_size='auto' took {size}\n")
        self.spec = self.spec.replace({"data.batch_size": size})
        self.data = replace(data, train=replace(data.train, batch_size=size), val=replace(data.val, batch_size=size))
        self._data_spec = self.resolved()
        return self.resolved()

    def _copied_weights(self, spec: Spec, classes: tuple[str, ...]) -> Run | None:
        """The run whose weights a copy starts from, as long as it has the same network and classes."""
        if not self.copies_weights or self.origin is None or self.resuming or spec.model.weights_path:
            return None
        before = self.origin.state()
        assert before.dataset is not None
        if find_model(spec.model.name, spec.backend) != find_model(before.spec.model.name, spec.backend):
            reason = f"the model is {spec.model.name} now, not {before.spec.model.name}"
        elif before.dataset.classes != classes:
            reason = "the classes are others"
        else:
            return self.origin
        self.say(f"    Note: the weights of {self.origin} are not taken over: {reason}\n")
        return None

    def _first_weights(self, copied: Run | None) -> dict[str, str]:
        """What the record says of the first weights, where the learner cannot know it."""
        return {"weights": f"copied from {copied}"} if copied is not None else {}

    def _check_loss(self, spec: Spec) -> None:
        assert self.data is not None
        n_classes = len(self.data.record.classes)
        weights = spec.training.loss.params.get("weight") if spec.training.loss else None
        if weights is not None and len(weights) != n_classes:
            raise InvalidValue(
                f"the loss has {len(weights)} class weights, and there are {n_classes} classes: give one a class"
            )

    def refresh(self, tick: Tick | None = None) -> None:
        """Make again what a change of the spec has made stale, and only that."""
        self._own_version()
        if self.data is None or self._differs(self._data_spec, DATA_FIELDS):
            self.prepare(tick)
        sizing_asked = self.spec.data.batch_size == AUTO
        if self.learner is None or sizing_asked or self._differs(self._network_spec, NETWORK_FIELDS):
            self.build()
        elif self._network_spec is not None and self._network_spec.training != self.resolved().training:
            self._check_loss(self.resolved())
            self.learner.configure(self.resolved())
            self._network_spec = self.resolved()

    def _differs(self, before: Spec | None, fields: tuple[str, ...]) -> bool:
        spec = self.resolved()
        return before is None or any(before.get(f) != spec.get(f) for f in fields)

    def _own_version(self) -> None:
        """What is trained is never overwritten: set up again, it becomes a new version that starts anew."""
        if self.resuming:
            return
        state = self.run.state()
        if state.status == "new" and not self.run.taken:
            return
        before, can_go_on = self.run.folder.name, self.run.has_saved_state()
        self.run.release()
        self.run = self.workspace.claim(state.project, state.experiment)
        self.learner = self._network_spec = None
        self._tell_origin()
        self._record_data()
        if state.status == "done":
            self.say(f"{before} is trained and stays as it is; this goes into {self.run.folder.name}\n")
        elif state.status != "new":
            goes_on = " (Prototype(..., resume_train=True) goes on with it)" if can_go_on else ""
            self.say(
                f"{before} is {state.status} and stays as it is{goes_on}; "
                f"this goes into {self.run.folder.name} and starts anew\n"
            )

    # Training

    def train(self, display: Display | None = None, tick: Tick | None = None) -> RunState:
        """Train to the last epoch, from the start or from where a resumed run stopped."""
        display = display or Display()
        self.refresh(tick)
        assert self.data is not None and self.learner is not None
        if not self.run.hold():  # released when an earlier try failed, or taken over since
            raise NotReady(_busy(self.run))
        self.learner.refresh(self.resolved())
        start = self._start() if self.resuming else None
        world, writer = backends.world(self.spec.backend), Writer(self.run.check_hold)
        loop = self._loop(start, display, writer)
        world.any(False)  # every process has seen the state before the leader changes it
        with StopSignals(lambda: setattr(loop, "stop", True)) as signals:
            with self._status_told(), writer:
                self._run(loop, writer, signals)
            self.resuming = False
        world.any(False)  # all is written
        signals.act()  # one that came too late to stop anything
        return self.run.state()

    def _start(self) -> Point:
        """Put the learner where the run's saved state stands.

        Raises:
            DamagedFile: the state cannot be read. NotReady: there is nothing left to train.
        """
        assert self.learner is not None
        self._check_something_is_left()
        self._look_at_best()
        saved = self.run.models / RESUME
        with _damage_explained(self.run):
            return Point.from_notes(self.learner.load(saved), str(saved))

    def _look_at_best(self) -> None:
        """Tell now if the best weights cannot be read: training does not need them, and would end without a word."""
        assert self.learner is not None
        try:
            self.learner.load_weights(self.run.models / BEST)
        except NotFound:
            pass  # no epoch has ended yet
        except DamagedFile as error:
            self.say(f"    Note: {error}; the next epoch that is better replaces it\n")

    def _saved_point(self) -> Point:
        """Where the run's saved state stands, read without its weights.

        Raises:
            DamagedFile: it cannot be read.
        """
        saved = self.run.models / RESUME
        with _damage_explained(self.run):
            return Point.from_notes(tensors.read_notes(saved).get("notes"), str(saved))

    def _check_something_is_left(self) -> None:
        point, training = self._saved_point(), self.resolved().training
        done = len(point.history)
        over = ended(point.history, training.epochs, training.early_stopping)
        if done > training.epochs or (over and self.run.state().status == "done"):
            best = best_of(point.history).epoch
            raise NotReady(f"{_how_to_extend(self.run, training, done, best)}, then Train()")
        if over and point.images:
            raise NotReady(
                f"{self.run} stands within epoch {done + 1}, and its weights are of no epoch yet: give it at least {done + 1} "
                "epochs, and early_stopping=0 or as it was"
            )

    def _run(self, loop: Loop, writer: Writer, signals: StopSignals) -> None:
        """Run the loop; where a signal stopped it, save all and say how to go on."""
        try:
            if not self._finished(loop):
                writer.flush()
                self._tell_stopped(loop)
                signals.act()
                raise KeyboardInterrupt  # it was no signal that set `stop`
        except KeyboardInterrupt:
            if signals.received is not None:  # a second Ctrl-C does not wait for what is not begun
                writer.drop()
            raise

    @staticmethod
    def _finished(loop: Loop) -> bool:
        try:
            loop.run()
        except Stopped:
            return False
        return True

    def _tell_stopped(self, loop: Loop) -> None:
        *root, project, experiment, _ = self.run.folder.parts
        elsewhere = Path(*root) != Workspace().root
        words = f"{project!r}, {experiment!r}, resume_train=True" + f", workspace={str(Path(*root))!r}" * elsewhere
        self.say(
            f"    Stopped in epoch {loop.epoch + 1} after {loop.images:,} of {loop.train.n_images:,} images; all is saved. "
            f"To go on: Prototype({words}), then Train()\n"
        )

    def _loop(self, start: Point | None, display: Display, writer: Writer) -> Loop:
        spec = self.resolved()
        optimizer, schedule = spec.training.optimizer, spec.training.schedule
        assert self.data is not None and self.learner is not None and optimizer is not None and schedule is not None
        memory, world = Memory(), backends.world(spec.backend)
        handlers = (
            []
            if world.rank > 0
            else [
                memory,
                History(self.run, writer),
                Checkpoints(self.run, spec.training, writer),
                Record(self.run, memory, writer),
                Progress(self.say, bar=display.bar, lines=display.lines),
            ]
        )
        return Loop(
            self.learner,
            self.data.train,
            self.data.val,
            spec.training.epochs,
            optimizer.params["learning_rate"],
            schedule,
            handlers,
            start,
            spec.training.early_stopping,
            world=world,
        )

    def _begin(self) -> None:
        spec = self.resolved()
        versions = backends.load(spec.backend).versions()
        before = self.run.state()
        assert self.learner is not None and before.model is not None
        self.run.update(
            status="running",
            spec=spec,
            model=self.learner.describe().model_copy(update={"weights": before.model.weights}),
            started=before.started or now(),
            ended=None,
            error=None,
            environment=environment.describe(versions),
        )
        self.workspace.link(self.run)

    @contextlib.contextmanager
    def _status_told(self):
        """Keep in the state that training began, and how it ended."""
        self.run.busy = True
        try:
            self._begin()
            yield
            self.run.update(status="done", ended=now())
        except BaseException as error:
            status: Status = "interrupted" if isinstance(error, (KeyboardInterrupt, SystemExit)) else "failed"
            text = CONTROL.sub("\ufffd", f"{type(error).__name__}: {error}".rstrip(": "))
            with contextlib.suppress(
                OSError, MonkliteError
            ):  # the disk may be what failed; the first error is the one to tell
                self.run.update(status=status, ended=now(), error=text)
            raise
        finally:
            self.run.busy = False
            self.run.release()


def _how_to_extend(run: Run, training: TrainingSpec, done: int, best: int) -> str:
    told = f"{run} has {done} epochs already"
    ways = [f"update_num_epochs(more than {done})"]
    if done < training.epochs:
        told, ways = f"{run} stopped early after {done} of {training.epochs} epochs", []
    if 0 < training.early_stopping <= done - best:
        ways.append(f"update_early_stopping(0), or more than {done - best},")
    return f"{told}: {' and '.join(ways)} lets it go on"


@contextlib.contextmanager
def _damage_explained(run: Run) -> Iterator[None]:
    """Say what can still be done about a saved state that is damaged."""
    try:
        yield
    except DamagedFile as error:
        hint = f"; its best weights can be trained further: {_copy_of(run)}" if run.is_trained() else ""
        raise DamagedFile(f"{error}. Its training cannot go on{hint}") from None


def _copy_of(run: Run) -> str:
    project, experiment, _ = run.folder.parts[-3:]
    return f"Prototype(..., copy_from=[{project!r}, {experiment!r}, {run.version}])"


def _busy(run: Run) -> str:
    who = run.holder()
    return (
        f"{run} is being trained right now{f' by {who}' if who else ''}; wait for it, or stop it first (a process that was "
        "killed on another machine is noticed after a minute)"
    )


def _sized(spec: Spec) -> Spec:
    """With a number for the batch size, where it is to be found out once the network is there."""
    return spec.replace({"data.batch_size": BATCH_SIZE}) if spec.data.batch_size == AUTO else spec
