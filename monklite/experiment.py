"""A run being made: its settings, its data, its network, its training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import backends
from .backends import Learner
from .backends.capabilities import check_capabilities
from .catalog import LOSSES, resolve
from .catalog.models import find_model
from .data import dataset_csv, health, prepare
from .data.cache import Tick
from .data.prepare import TrainingData
from .errors import DatasetError, InvalidValue, MonkliteError, NotReady
from .inference import weights_of
from .records import DatasetRecord
from .rules import AUTO
from .runs.file_names import HEALTH, SAMPLES
from .runs.run import Run
from .runs.state import RunState
from .runs.workspace import Workspace
from .spec import Resolved, Spec
from .tasks import Task, task_of
from .training import batch_size, resuming
from .training.progress import Say
from .training.session import SHOW_ALL, Display, Session

# a change in one of these asks for another table of images, or other pixels; in one of the next only for other batches
TABLE_FIELDS = ("data.sources", "data.split", "data.input_size", "data.stored_size", "data.transforms", "seed")
BATCH_FIELDS = ("data.batch_size", "data.shuffle", "data.workers")
SPLIT_FIELDS = ("data.sources", "data.split", "seed")
NETWORK_FIELDS = ("model", "data.input_size", "seed", "backend")


class Experiment:
    """One run being made: its settings may change until training begins.

    `asked`: the settings as the user gave them. `origin`: the run that this one was copied from. `resuming`: whether it goes on
    with a training. `data`, `learner`: None before they are made.
    """

    def __init__(
        self, workspace: Workspace, run: Run, asked: Spec, say: Say, origin: Run | None = None, resuming: bool = False
    ) -> None:
        self.workspace, self.run, self.asked, self.say = workspace, run, asked, say
        self.origin, self.resuming = origin, resuming
        self.copies_weights = False
        self.data: TrainingData | None = None
        self.learner: Learner | None = None
        self._stored = run.state().resolved if resuming else None
        self._batch_size: int | None = None  # what "auto" was found to be
        self._data_spec: Resolved | None = None
        self._network_spec: Resolved | None = None
        self.record_origin()

    def record_origin(self) -> None:
        """Write into the run which one it was copied from."""
        if self.origin is not None:
            before = self.origin.state()
            self.run.update(asked=self.asked, origin=(before.project, before.experiment, before.version))

    # Settings

    def change(self, changes: Mapping[str, Any], names: Mapping[str, str] | None = None) -> None:
        """Change the settings at dotted paths; wrong values are refused here. Takes effect when data or network are made.

        Args:
            names: path -> what the user calls it, for errors.
        """
        asked = self.asked.replace(changes, names)
        find_model(asked.model.name, asked.backend)
        check_capabilities(asked)
        if self.resuming:
            resuming.check_change(self.run, self.resolved(), resolve(asked, self._stored, self._batch_size))
        self.asked = asked

    def rebuild_with(self, changes: Mapping[str, Any], names: Mapping[str, str] | None = None) -> Learner:
        """Change the settings and build the network; where it cannot be built, they stay as they were."""
        before = self.asked
        self.change(changes, names)
        try:
            return self.build()
        except MonkliteError:
            self.asked = before
            raise

    def resolved(self) -> Resolved:
        """What is computed with: the settings with everything filled in that was left to the recipe."""
        return resolve(self.asked, self._stored, self._batch_size)

    def _differs(self, before: Resolved | None, fields: tuple[str, ...]) -> bool:
        spec = self.resolved()
        return before is None or any(before.get(f) != spec.get(f) for f in fields)

    # Data

    def prepare(self, tick: Tick | None = None) -> TrainingData:
        """Discover, decode and split the images; record which image is where, and the odd files."""
        self._own_version()
        spec, world = self.resolved(), backends.world(self.asked.backend)
        data = prepare.for_training(spec, self.workspace.cache, self._recorded_split(spec), tick)
        data = data.shared(world.rank, world.size)
        for remark in data.remarks:
            self.say(f"    Note: {remark}\n")
        if self.resuming:
            self._check_same_images(data)
        self.data, self._data_spec = data, spec
        self._record_data()
        return data

    def _recorded_split(self, spec: Resolved) -> Path | None:
        """Resume and copy use the split that the run already has, unless the data were changed since."""
        source = self.run if self.resuming else self.origin
        if source is None:
            return None
        before = source.state().spec
        unchanged = all(spec.get(f) == before.get(f) for f in SPLIT_FIELDS)
        return source.folder / SAMPLES if unchanged or self.resuming else None

    def _check_same_images(self, data: TrainingData) -> None:
        before, recorded = self.run.state().dataset, self.run.folder / SAMPLES
        others = dataset_csv.changed(recorded, data.samples) if recorded.exists() else []
        if others or (before is not None and before.fingerprint != data.record.fingerprint):
            which = f" ({len(others)}, the first: {others[0]})" if others else ""
            raise DatasetError(
                f"the images of {self.run} have changed since it was trained{which}: put them back to resume it, or train "
                "a new version"
            )

    def _record_data(self) -> None:
        """Write into the run which image is where, and the odd files."""
        if self.data is None or self.resuming or backends.world(self.asked.backend).rank > 0:
            return  # what a resumed run was trained on is recorded, and its training may yet be refused
        dataset_csv.write(self.run.folder / SAMPLES, self.data.samples)
        health.write(self.run.folder / HEALTH, self.data.samples)
        self.run.update(asked=self.asked, resolved=self._data_spec, dataset=self.data.record)

    # Network

    def build(self) -> Learner:
        """Build the network, with the weights that the settings or the copied run give it."""
        self._own_version()
        if self.data is None:
            raise NotReady("the number of classes is not known yet: call Dataset() before Model()")
        task = self._task(self.resolved(), self.data.record)
        copied = self._copied_weights(self.resolved(), task.classes)
        self.learner = None  # free its memory first
        if self.asked.data.batch_size == AUTO and not self.resuming:
            self._find_batch_size(self.data, task)
        spec = self.resolved()
        learner = backends.load(spec.backend).learner(spec, task, pretrained=not (copied or self.resuming))
        record = learner.describe()
        if copied is not None:
            learner.load_weights(weights_of(copied))
            record = record.model_copy(update={"weights": f"copied from {copied}"})
        if not self.resuming:
            self.run.update(asked=self.asked, resolved=spec, model=record)
        self.learner, self._network_spec = learner, spec
        return learner

    def _find_batch_size(self, data: TrainingData, task: Task) -> None:
        """Put a number where `"auto"` was asked for."""
        spec = self.resolved()
        backend = backends.load(spec.backend)
        if backend.world().size > 1:
            raise InvalidValue("batch_size='auto' works in one process; with several, give a number")
        size = batch_size.find(
            lambda: backend.learner(spec, task, pretrained=False), spec.data.input_size, data.train.n_images
        )
        self.say(f"    Note: batch_size='auto' took {size}\n")
        self._batch_size = size
        self._batch(data)

    def _copied_weights(self, spec: Resolved, classes: tuple[str, ...]) -> Run | None:
        """The run whose weights a copy starts from, as long as it has the same network and classes."""
        if not self.copies_weights or self.origin is None or self.resuming or spec.model.weights_path:
            return None
        before = self.origin.state()
        if find_model(spec.model.name, spec.backend) != find_model(before.asked.model.name, spec.backend):
            reason = f"the model is {spec.model.name} now, not {before.asked.model.name}"
        elif before.dataset is None or before.dataset.classes != classes:
            reason = "the classes differ"
        else:
            return self.origin
        self.say(f"    Note: the weights of {self.origin} are not taken over: {reason}\n")
        return None

    def _task(self, spec: Resolved, record: DatasetRecord) -> Task:
        """The task of the images with the loss that is asked for.

        Raises:
            InvalidValue: that loss cannot train it.
        """
        loss, classes = spec.training.loss, record.classes
        weights = loss.params.get("weight")
        if weights is not None and len(weights) != len(classes):
            raise InvalidValue(
                f"the loss has {len(weights)} class weights, and there are {len(classes)} classes: give one per class"
            )
        return task_of(record.label_type, classes, LOSSES[loss.name].activation)

    def refresh_data(self, tick: Tick | None = None) -> TrainingData:
        """Make again what a change of the settings has made stale of the data, and only that."""
        self._own_version()
        if self.data is None or self._differs(self._data_spec, TABLE_FIELDS):
            return self.prepare(tick)
        if self._differs(self._data_spec, BATCH_FIELDS):
            self._batch(self.data)
        return self.data

    def _batch(self, data: TrainingData) -> None:
        """Other batches of the same images."""
        spec, world = self.resolved(), backends.world(self.asked.backend)
        self.data, self._data_spec = data.batched(spec).shared(world.rank, world.size), spec

    def refresh(self, tick: Tick | None = None) -> tuple[TrainingData, Learner]:
        """Make again what a change of the settings has made stale, and only that."""
        data = self.refresh_data(tick)
        learner, spec = self.learner, self.resolved()
        unmeasured = self.asked.data.batch_size == AUTO and self._batch_size is None and not self.resuming
        if learner is None or unmeasured or self._differs(self._network_spec, NETWORK_FIELDS):
            learner = self.build()
            return self.data or data, learner
        if self._network_spec is not None and self._network_spec.training != spec.training:
            learner.task = self._task(spec, data.record)
            learner.configure(spec)
            self._network_spec = spec
        return data, learner

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
        self.record_origin()
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

    def train(self, display: Display = SHOW_ALL, tick: Tick | None = None) -> RunState:
        """Train to the last epoch, from the start or from where a resumed run stopped."""
        data, learner = self.refresh(tick)
        if not self.run.hold():  # released when an earlier try failed, or taken over since
            raise NotReady(self.run.busy_text())
        spec = self.resolved()
        learner.refresh(spec)
        start = resuming.start(self.run, learner, spec.training, self.say) if self.resuming else None
        session = Session(self.workspace, self.run, self.asked, spec, data, learner, self.say, display, start)
        signals = session.train()
        self.resuming = False
        signals.act()
        return self.run.state()
