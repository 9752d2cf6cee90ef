"""Spec + run folder + backend: prepare the data, build the network, train, resume."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import backends, environment, history
from .backends import Learner
from .catalog import resolve
from .catalog.models import find_model
from .catalog.recipes import check_precision, unresolve
from .data import health, prepare, split
from .data.cache import Tick
from .data.prepare import TrainingData
from .engine import Loop
from .errors import DamagedFile, DatasetError, InvalidValue, NotReady
from .handlers import Checkpoints, History, Memory, Progress, Record, Say
from .spec import Spec
from .state import RunState, Status, now
from .workspace import BEST, FINAL, HEALTH, HISTORY, RESUME, SAMPLES, Run, Workspace

DATA_FIELDS = ("data", "seed")  # a change in one of these asks for new batches
SPLIT_FIELDS = ("data.train_path", "data.val_path", "data.train_csv", "data.val_csv", "data.split", "seed")
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
        return bool(list(run.models.glob(f"{RESUME}*"))) and run.state().status != "done"

    @classmethod
    def resume(cls, workspace: Workspace, run: Run, say: Say) -> Experiment:
        """Go on with a run that began training.

        Raises:
            NotReady: there is nothing to go on from, or another process is training it.
        """
        state = run.state()
        if state.status == "done":
            raise NotReady(f"{run} has finished its {state.spec.training.epochs} epochs; there is nothing to resume")
        if not list(run.models.glob(f"{RESUME}*")):
            raise NotReady(f"{run} cannot be resumed: it stopped before its first epoch was saved. Train a new version")
        if not run.hold():
            raise NotReady(f"{run} is being trained right now; wait for it, or stop it first")
        run.sweep()
        made = cls(workspace, run, state.spec, say)
        made.resuming = True
        return made

    # Setting up

    def change(self, changes: Mapping[str, Any]) -> None:
        """Change the spec at dotted paths; wrong values are refused here. Takes effect when data or network are made."""
        if self.resuming:
            raise NotReady(
                "a resumed run goes on as it was set up; to change it, copy it: Prototype(..., copy_from=[project, experiment])"
            )
        changed = self.spec.replace(changes)
        check_precision(changed)
        self.spec = changed

    def resolved(self) -> Spec:
        """The spec with every default filled in by the recipe."""
        return resolve(self.spec)

    def prepare(self, tick: Tick | None = None) -> TrainingData:
        """Discover, decode and split the images; record which image is where, and the odd files."""
        self._own_version()
        spec = self.resolved()
        data = prepare.for_training(spec, self.workspace.cache, self._recorded_split(spec), tick)
        for remark in data.remarks:
            self.say(f"    Note: {remark}\n")
        before = self.run.state().dataset
        if self.resuming and before is not None and before.fingerprint != data.record.fingerprint:
            raise DatasetError(
                f"the images of {self.run} have changed since it was trained: put them back to resume it, or train a new version"
            )
        self.data, self._data_spec = data, spec
        self._record_data()
        return data

    def _record_data(self) -> None:
        """Write into the run which image is where, and the odd files."""
        if self.data is None:
            return
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
        return source.folder / SAMPLES if unchanged else None

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
        learner = backends.load(spec.backend).learner(spec, classes, pretrained=not (copied or self.resuming))
        if copied is not None:
            learner.load_weights(weights_of(copied))
        self.run.update(spec=spec, model=learner.describe().model_copy(update=self._first_weights(copied)))
        self.learner, self._network_spec = learner, spec
        return learner

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
        if copied is not None:
            return {"weights": f"copied from {copied}"}
        before = self.run.state().model
        return {"weights": before.weights} if self.resuming and before is not None else {}

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
        if self.learner is None or self._differs(self._network_spec, NETWORK_FIELDS):
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
        before = self.run.folder.name
        self.run.release()
        self.run = self.workspace.claim(state.project, state.experiment)
        self.learner = self._network_spec = None
        self._tell_origin()
        self._record_data()
        if state.status == "done":
            self.say(f"{before} is trained and stays as it is; this goes into {self.run.folder.name}\n")
        elif state.status != "new":
            self.say(
                f"{before} is {state.status} and stays as it is (Prototype(..., resume_train=True) goes on with it); "
                f"this goes into {self.run.folder.name} and starts anew\n"
            )

    # Training

    def train(self, display: Display | None = None, tick: Tick | None = None) -> RunState:
        """Train to the last epoch, from the start or from where a resumed run stopped."""
        display = display or Display()
        self.refresh(tick)
        assert self.data is not None and self.learner is not None
        if not self.run.hold():  # released when an earlier try failed, or taken over since
            raise NotReady(f"{self.run} is being trained right now; wait for it, or stop it first")
        self.learner.refresh(self.resolved())
        done = self.learner.load(self.run.models / RESUME) if self.resuming else 0
        loop = self._loop(done, display)
        self._begin()
        with self._status_told():
            loop.run()
        self.resuming = False
        return self.run.state()

    def _loop(self, done: int, display: Display) -> Loop:
        spec = self.resolved()
        optimizer, schedule = spec.training.optimizer, spec.training.schedule
        assert self.data is not None and self.learner is not None and optimizer is not None and schedule is not None
        past = history.read(self.run.logs / HISTORY)[:done]
        if len(past) < done:
            raise DamagedFile(
                f"{self.run.logs / HISTORY} has {len(past)} epochs, the saved state {done}: it was cut short; train a new version"
            )
        memory = Memory()
        handlers = [
            memory,
            History(self.run),  # before the checkpoint, whose epoch decides where a resumed run goes on
            Checkpoints(self.run, spec.training),
            Record(self.run, memory),
            Progress(self.say, bar=display.bar, lines=display.lines),
        ]
        return Loop(
            self.learner,
            self.data.train,
            self.data.val,
            spec.training.epochs,
            optimizer.params["learning_rate"],
            schedule,
            handlers,
            past,
        )

    def _begin(self) -> None:
        spec = self.resolved()
        versions = backends.load(spec.backend).versions()
        started = self.run.state().started or now()
        self.run.update(
            status="running",
            spec=spec,
            started=started,
            ended=None,
            error=None,
            environment=environment.describe(versions),
        )
        self.workspace.link(self.run)

    @contextlib.contextmanager
    def _status_told(self):
        """Keep in the state how training ended."""
        self.run.busy = True
        try:
            yield
        except BaseException as error:
            status: Status = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
            text = f"{type(error).__name__}: {error}".rstrip(": ")
            with contextlib.suppress(OSError):  # the disk may be what failed; the first error is the one to tell
                self.run.update(status=status, ended=now(), error=text)
            self.run.busy = False
            self.run.release()
            raise
        self.run.busy = False
        self.run.update(status="done", ended=now())
        self.run.release()


def weights_of(run: Run) -> Path:
    """The weights to infer with: the best on validation, else the last; without the ending that a backend adds."""
    found = BEST if list(run.models.glob(f"{BEST}*")) else FINAL
    return run.models / found
