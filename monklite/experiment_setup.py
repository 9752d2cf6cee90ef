"""The settings of one run, and the data and network that are made for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from . import backends
from .backends import Learner
from .backends.base import NoticesChanges
from .backends.capabilities import check_capabilities
from .catalog import fine_tuning, image_sizes, resolve
from .catalog.class_weights import in_order, weights_by_name, weights_taken
from .catalog.models import network_row
from .data import class_columns, dataset_csv, health, leaks, prepare
from .data.cache import Tick
from .data.groups import check_setting
from .data.prepare import TrainingData
from .errors import MonkliteError, NotReady
from .inference import weights_of
from .records import MEASURED_PRECISION
from .rules import AUTO
from .runs.file_names import HEALTH, NEAR_DUPLICATES, SAMPLES
from .runs.run import Run
from .runs.workspace import Workspace
from .spec import Resolved, Spec
from .tasks import Task
from .training import batch_size, copying, precision, resume_hints, resuming
from .training.loss_task import task_for_loss
from .training.progress import Say
from .training.recorded import Recorded
from .training.same_script import ScriptSettings
from .training.side_effects import side_effects
from .training.staleness import BATCH_FIELDS, DATA_FIELDS, is_stale
from .training.starting_over import COPIED, starts_over


class ExperimentSetup:
    """Settings that may change until training begins, with the data and the network made for them.

    `run`: the version it is stored in. `asked`: the settings as the user gave them. `origin`: the run it was copied from.
    `copies_weights`: whether it starts from the weights of `origin`. `resuming`: whether it continues a training. `script`: the
    settings of a script that is run again, which are compared with the run's own when it comes to training. `data`, `learner`:
    None until prepared and built. `trackers`: names of those that are told of the training; None: those of the environment.
    """

    def __init__(
        self, workspace: Workspace, run: Run, asked: Spec, say: Say, origin: Run | None = None, resuming: bool = False
    ) -> None:
        self.workspace, self.run, self.asked, self.say = workspace, run, asked, say
        self.origin, self.resuming = origin, resuming
        self.copies_weights = False
        self.script: ScriptSettings | None = None
        self.data: TrainingData | None = None
        self.learner: Learner | None = None
        self.trackers: tuple[str, ...] | None = None
        self._stored_spec = precision.recorded(run.state()) if resuming else None
        # chosen for "auto"
        self._auto_batch_size: int | None = None
        self._auto_precision: precision.Chosen | None = None
        self._last_resolved: tuple[tuple[Any, ...], Resolved] | None = None
        self._data_spec: Resolved | None = None
        self._network_spec: Resolved | None = None
        # the note on class weights that was said last
        self._weights_note = ""
        self.record_origin()

    def record_origin(self) -> None:
        """Record in the run which one it was copied from."""
        if self.origin is not None:
            state = self.origin.state()
            self.run.update(asked=self.asked, origin=(state.project, state.experiment, state.version))

    def _note(self, text: str) -> None:
        self.say(f"    Note: {text}\n")

    # Settings

    def change(self, changes: Mapping[str, Any], names: Mapping[str, str] | None = None) -> None:
        """Change the settings at dotted paths. Takes effect when data or network are next prepared or built.

        Args:
            names: path -> name of the user's argument, for errors.

        Raises:
            MonkliteError: a wrong value, or a change that a resumed run does not allow.
        """
        asked = self.checked(changes, names)
        if self.script is not None:
            self.script = self.script.after(asked, changes)
            return
        before, after = self.resolved(), self._resolve(asked)
        if self.resuming:
            resuming.check_change(self.run, before, after)
            resuming.check_balance(self.run, self.asked.training.loss, asked.training.loss)
        loss = asked.training.loss
        # by name, as soon as the classes are known; those by position are checked with the network
        if self.data and loss and weights_by_name(loss) and not is_stale(self._data_spec, after, DATA_FIELDS):
            in_order(loss, self.data.record.classes)
        self.asked = asked
        # of the recipe, whose values the user has seen with the network
        for note in side_effects(before, after, changes) if self.learner is not None else ():
            self._note(note)

    def checked(self, changes: Mapping[str, Any], names: Mapping[str, str] | None = None) -> Spec:
        """The settings with those at dotted paths changed, without taking them over; arguments as of `change`.

        Raises:
            MonkliteError: a wrong value, or one that the backend or the network does not support.
        """
        asked = self.requested.replace(changes, names)
        check_setting(asked.data)
        network_row(asked.model, asked.backend)
        check_capabilities(asked)
        resolved = self._resolve(asked)
        image_sizes.schedule(resolved)
        fine_tuning.check(resolved)
        return asked

    def check_data(self, changes: Mapping[str, Any], tick: Tick | None = None) -> None:
        """Read the images and divide them with these changes, of which nothing is kept but decoded images.

        Raises:
            MonkliteError: as `checked`, or the images cannot be read, grouped or divided so.
        """
        prepare.check(self._resolve(self.checked(changes)), self.workspace.cache, tick)

    def rebuild_with(self, changes: Mapping[str, Any], names: Mapping[str, str] | None = None) -> Learner:
        """Change the settings and build the network; if that fails, the settings are restored."""
        previous = self.asked
        self.change(changes, names)
        try:
            if self.data is not None:
                self.refresh_data()
            return self.build()
        except MonkliteError:
            self.asked = previous
            raise

    @property
    def requested(self) -> Spec:
        """The settings as they were given: by a script that is run again, those that it has given so far."""
        return self.asked if self.script is None else self.script.asked

    def requested_resolved(self) -> Resolved:
        """`requested`, with every value filled in that was left open."""
        return self.resolved() if self.script is None else resolve(self.script.asked)

    def resolved(self) -> Resolved:
        """The settings, with every value filled in that the user left open."""
        return self._resolve(self.asked)

    def _resolve(self, asked: Spec) -> Resolved:
        chosen = self._auto_precision.precision if self._auto_precision else None
        images = self.data.record if self.data else None
        given = (asked, self._stored_spec, self._auto_batch_size, chosen, images)
        # asked for many times between two changes; the values are frozen, so the same objects give the same result
        last = self._last_resolved
        if last is None or any(a is not b for a, b in zip(given, last[0], strict=True)):
            # read and set at once: several threads may ask
            self._last_resolved = last = given, resolve(*given)
        return last[1]

    # Data

    def prepare(self, tick: Tick | None = None) -> TrainingData:
        """Find, decode and split the images; records them, and the remarks about their files, in the run."""
        self._ensure_new_version()
        spec, world = self.resolved(), backends.world(self.asked.backend)
        recorded = Recorded(self.run if self.resuming else None, self.origin)
        data = prepare.for_training(spec, self.workspace.cache, tick=tick, **recorded.for_preparing(spec))
        data = data.for_process(world.rank, world.size)
        for remark in data.remarks:
            self._note(remark)
        if self.resuming:
            resuming.check_same_images(self.run, data)
        self.data = data
        self._keep_label_columns(data)
        self._data_spec = self.resolved()
        self._record_data()
        return data

    def _keep_label_columns(self, data: TrainingData) -> None:
        """Keep in the settings that a table has one column per class, which decides on the loss; it is found by reading it."""
        found = data.samples.label_columns
        self.asked = class_columns.kept(self.asked, found)
        if self.script is not None:
            self.script = replace(self.script, asked=class_columns.kept(self.script.asked, found))

    def _record_data(self) -> None:
        """Record the images, and the remarks about their files, in the run."""
        # a resumed run has its record already, and its training may still be refused
        if self.data is None or self.resuming or backends.world(self.asked.backend).rank > 0:
            return
        dataset_csv.write(self.run.folder / SAMPLES, self.data.samples)
        health.write(self.run.folder / HEALTH, self.data.samples)
        leaks.write(self.run.folder / NEAR_DUPLICATES, self.data.samples, self.data.leaks.near)
        self.run.update(asked=self.asked, resolved=self._data_spec, dataset=self.data.record)

    # Network

    def build(self) -> Learner:
        """Build the network, with the weights given by the settings or by the origin.

        Raises:
            NotReady: the data are not prepared yet.
        """
        self._ensure_new_version()
        if self.data is None:
            raise NotReady("the number of classes is not known yet: call Dataset() before Model()")
        task = self._task(self.resolved(), self.data)
        # a training that goes on has its weights in its saved state
        begins = not self.resuming or starts_over(self.run)
        copied = self.origin if self.copies_weights and begins else None
        source = copying.weights_source(copied, self.resolved(), task.classes, self._note)
        self.say_what_is_lost()
        # frees the memory of the previous network first
        self.learner = None
        self._choose_precision(task)
        if self.asked.data.batch_size == AUTO and not self.resuming:
            self._find_batch_size(self.data, task)
        spec = self.resolved()
        learner = backends.load(spec.backend).learner(spec, task, pretrained=begins and not source)
        record = learner.describe()
        if source is not None:
            learner.load_weights(weights_of(source))
            for note in copying.leaks(source, self.data.samples):
                self._note(note)
            record = record.model_copy(update={"weights": f"{COPIED}{source}"})
        if self._auto_precision is not None and self._auto_precision.measured:
            record = record.model_copy(update={"methods": (*record.methods, MEASURED_PRECISION)})
        if not self.resuming:
            self.run.update(asked=self.asked, resolved=spec, model=record)
        self.learner, self._network_spec = learner, spec
        return learner

    def say_what_is_lost(self) -> None:
        """Say that another network, which is about to be built, does not have the layers that the user has put into this one."""
        if isinstance(self.learner, NoticesChanges) and self.learner.has_replaced_layers():
            self._note(
                "layers that you replaced in the live network are not in the one that is built now for these settings: set what "
                "there is to set first, then replace them, then call Train()"
            )

    def _task(self, spec: Resolved, data: TrainingData) -> Task:
        """The task of the loss; says once which class each weight falls on, if they were computed or given by position."""
        loss, asked = spec.training.loss, self.asked.training.loss
        task = task_for_loss(loss, data.record)
        note = weights_taken(loss, asked, task.classes)
        if note and note != self._weights_note:
            self._note(note)
        self._weights_note = note
        return task

    def _choose_precision(self, task: Task) -> None:
        """Choose the precision for `"auto"`; a resumed run keeps its own."""
        self._auto_precision = None
        if self.asked.model.precision != AUTO:
            return
        spec = self._without_head_epochs()
        if self.resuming:
            for note in resume_hints.slow_precision(self.run, spec, precision.candidates(spec).precisions):
                self._note(note)
            return
        chosen = precision.choose(spec, task, self.workspace.cache, self.origin.state() if self.origin else None)
        if chosen.reason:
            self._note(f"precision='auto' took {chosen.precision}: {chosen.reason}")
        self._auto_precision = chosen

    def _find_batch_size(self, data: TrainingData, task: Task) -> None:
        """Choose the batch size for `"auto"`."""
        self._auto_batch_size = batch_size.choose(self._without_head_epochs(), task, data.train.n_images)
        self._note(f"batch_size='auto' took {self._auto_batch_size}")
        self._rebatch(data)

    def _without_head_epochs(self) -> Resolved:
        """The settings with which all layers are trained at once, whose steps take the most time and memory."""
        return self.resolved().replace({"training.head_epochs": 0})

    def refresh_data(self, tick: Tick | None = None) -> TrainingData:
        """Prepare again the data that a change of the settings has made stale, and only those."""
        self._ensure_new_version()
        if self.data is None or is_stale(self._data_spec, self.resolved(), DATA_FIELDS):
            return self.prepare(tick)
        if is_stale(self._data_spec, self.resolved(), BATCH_FIELDS):
            self._rebatch(self.data)
        return self.data

    def current_data(self, tick: Tick | None = None) -> TrainingData:
        """The data for the current settings, to look at: as `refresh_data`, but data that are ready begin no new version."""
        if self.data is None or is_stale(self._data_spec, self.resolved(), (*DATA_FIELDS, *BATCH_FIELDS)):
            return self.refresh_data(tick)
        return self.data

    def _rebatch(self, data: TrainingData) -> None:
        """Divide the same images into new batches."""
        spec, world = self.resolved(), backends.world(self.asked.backend)
        self.data, self._data_spec = data.batched(spec).for_process(world.rank, world.size), spec

    def _ensure_new_version(self) -> None:
        """Switch to a new version if this one has begun training, because a trained run is never overwritten."""
        if self.resuming:
            return
        state = self.run.state()
        if state.status == "new" and not self.run.taken_over:
            return
        previous = self.run
        previous.release()
        self.run = self.workspace.claim(state.project, state.experiment)
        self.learner = self._network_spec = None
        self.record_origin()
        self._record_data()
        for text in resume_hints.how_it_stays(previous, state, self.run):
            self.say(f"{text}\n")
