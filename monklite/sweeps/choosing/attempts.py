"""Trainings on the way to a choice: each is a run like any other, fits the time that is left, and is found again later."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from ...data import sampled_table
from ...durations import duration
from ...errors import DamagedFile, InvalidValue, MonkliteError, NotReady, PretrainedUnavailable, TrainingFailed, cut
from ...experiment import Experiment
from ...runs.file_names import check_name
from ...spec import Source
from ...training.progress import Say
from ...training.session import Display
from .. import sweep
from .budget import Budget, Guard
from .setup import Setup
from .speed import Speed
from .tried import CHOSEN, LOOK, MAX_REASON, SECOND, TRY, Tried, judged

# of the experiments, behind the name of the user's
ENDINGS = {LOOK: "looks", TRY: "tries", CHOSEN: "chosen", SECOND: "second"}
# images; some steps are nearly as many as an epoch of fewer
LEAST_MEASURED = 400
MAX_FIRST = 300  # characters of the first of several reasons


@dataclass
class Attempts:
    """The trainings of one choice.

    `base`: the user's experiment, whose images and settings they have. `share`: of the images, that looks and tries are at.
    `rows`: all of them, in their order. `errors`: of those that failed.
    """

    base: Experiment
    budget: Budget
    speed: Speed
    say: Say
    display: Display
    share: float = 1.0
    rows: list[Tried] = field(default_factory=list)
    errors: list[MonkliteError] = field(default_factory=list)
    _sources: Sequence[Source] = ()

    def take_share(self, share: float) -> None:
        """Let looks and tries be at a share of the images."""
        self.share = share
        self.budget.save(share=share)
        if share < 1:
            project, experiment = self._place(LOOK)
            workspace, asked = self.base.workspace, self.base.requested
            folder = workspace.experiment(project, experiment)
            tables = sampled_table.write_sources(asked, workspace.root, share, folder)
            self._sources = [sampled.table for sampled in tables]

    def measure(self, setup: Setup, epochs: int) -> None:
        """Measure some steps of a kind of training, unless one was measured, or done, or would itself hardly take longer."""
        units = self.budget.progress.units
        if setup.layers in units:
            self.speed.units[setup.whole] = units[setup.layers]
        if self.speed.knows(setup.whole) or self.share * self.speed.n_images < LEAST_MEASURED:
            return
        self.say(f"Measuring {setup.network}, {setup.layers}")
        project, experiment = self._place(TRY if setup.whole else LOOK)
        # steps take the same time with random weights, which need no download
        changes = {**setup.changes(self.base.requested, epochs), "model.pretrained": False}
        measured = sweep.begun(self.base, project, sweep.Trial(experiment, changes), lambda text: None)
        try:
            seconds = measured.estimate().seconds(epochs)
        # such as memory or images that are too small: the training itself will tell
        except (TrainingFailed, InvalidValue):
            return
        finally:
            measured.run.release()
        unit = self.speed.measured(setup, seconds / (epochs if setup.whole else 1))
        self.budget.save(units={**units, setup.layers: unit})

    def attempt(self, stage: str, setup: Setup, epochs: int, allowed: float, early_stopping: int = 0) -> Tried:
        """Train, or find what an earlier call trained, if it fits into the seconds that are allowed."""
        small = stage in (LOOK, TRY)
        share, sources = (self.share, self._sources) if small else (1.0, ())
        project, experiment = self._place(stage)
        changes = setup.changes(self.base.requested, epochs, sources, early_stopping)
        trial = sweep.Trial(experiment, changes, self.budget.was_enough)
        expected = self.speed.training(setup, epochs, share)
        if expected > allowed and not sweep.is_done(self.base, project, trial):
            reason = f"would take about {duration(expected)}, and {duration(max(0.0, allowed))} were left for it"
            return self._add(Tried(stage, setup, reason=reason, too_long=True))
        guard, began = Guard(self.budget), time.monotonic()
        # one trial gives one outcome
        (outcome,) = sweep.run(self.base, project, [trial], self.say, self.display, callbacks=(guard,))
        if guard.ended:
            outcome.run.tag((self.budget.tag,))
        if outcome.error is not None:
            self.errors.append(outcome.error)
            return self._add(Tried(stage, setup, reason=outcome.problem))
        try:
            tried = judged(stage, setup, outcome.run)
        # such as scores that are not finite, or predictions that were deleted
        except (NotReady, DamagedFile) as error:
            self.errors.append(error)
            return self._add(Tried(stage, setup, reason=str(error)))
        self.speed.done(tried, time.monotonic() - began if outcome.trained_now else 0.0)
        self.budget.save()
        self.say(f"{stage.capitalize()}: {setup}: {tried.figure_name} {tried.shown_figure}, {duration(tried.seconds)}")
        return self._add(tried)

    def _add(self, tried: Tried) -> Tried:
        if tried.reason:
            self.say(f"{tried.stage.capitalize()}: {tried.setup}: left out: {cut(tried.reason, MAX_REASON)}")
        self.rows.append(tried)
        return tried

    def _place(self, stage: str) -> tuple[str, str]:
        state = self.base.run.state()
        return state.project, check_name("experiment", f"{state.experiment}-{ENDINGS[stage]}")

    def raise_if_nothing(self) -> None:
        """Raise the reason why no network could be looked at.

        Raises:
            PretrainedUnavailable: no weights could be had. TrainingFailed: no network could be trained.
        """
        if any(tried.figure for tried in self.rows):
            return
        first = self.errors[0] if self.errors else None
        if self.errors and all(isinstance(error, PretrainedUnavailable) for error in self.errors):
            raise PretrainedUnavailable(
                f"none of the {len(self.rows)} networks can be looked at without their weights; go online once. The first: "
                f"{cut(str(first), MAX_FIRST)}"
            )
        raise TrainingFailed(f"no network could be looked at: {first or self.rows[0].reason}")
