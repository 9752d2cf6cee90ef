"""The search: trials one after the other, each a run like any other."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import MonkliteError, NotReady, TrainingFailed
from ...experiment import Experiment
from ...files import make_folder
from ...records import EpochRow
from ...runs import history
from ...runs.file_names import HISTORY, check_name
from ...runs.run import Run
from ...tasks import TASKS
from ...training.callbacks import TrainingView
from ...training.progress import Say
from ...training.session import Display
from .. import sweep
from . import space, study
from .space import Dimension
from .study import LOSS

if TYPE_CHECKING:
    import optuna

# the tag of the runs that were ended early
PRUNED = "pruned"
# trials in a row that another process is training already
MOST_BUSY = 20


@dataclass(frozen=True)
class Wish:
    """What is searched for.

    `name`: of the search. `n_trials`: None: until the time is over. `seconds`: of this call, None: until the trials are done.
    `metric`: a figure of the validation images, or `LOSS`; "": the one that decides which epoch is best.
    """

    name: str
    dimensions: tuple[Dimension, ...]
    n_trials: int | None
    seconds: float | None
    metric: str
    prune: bool
    seed: int
    epochs: int | None


@dataclass
class Pruning:
    """Reports each epoch of a trial, and ends it where it is clearly behind the others. A callback of the training."""

    trial: optuna.Trial
    metric: str
    prune: bool
    pruned: bool = False
    reported: int = 0

    def epoch_end(self, training: TrainingView) -> None:
        for row in training.history[self.reported :]:
            self._report(row.epoch, value_of(row, self.metric))
        if training.epoch < training.epochs and self._is_behind():
            training.stop(after_epoch=True)

    def told(self, epoch: int, value: float, last: bool) -> bool:
        """Report the epoch of a training elsewhere; returns whether that is to end. `last`: it ends anyway."""
        self._report(epoch, value)
        return not last and self._is_behind()

    def _report(self, epoch: int, value: float) -> None:
        """Report an epoch once; a training that goes on elsewhere tells its first ones again."""
        if epoch > self.reported and math.isfinite(value):
            self.trial.report(value, epoch)
        self.reported = max(self.reported, epoch)

    def _is_behind(self) -> bool:
        self.pruned = self.pruned or (self.prune and self.trial.should_prune())
        return self.pruned


@dataclass
class Search:
    """A search of one experiment. `train`: a trial elsewhere; None: in this process."""

    base: Experiment
    wish: Wish
    say: Say
    display: Display
    announce: Callable[[int, Mapping[str, Any]], None] = field(default=lambda number, values: None)
    train: Callable[[sweep.Trial, Pruning], sweep.Outcome] | None = None

    def run(self) -> optuna.Study:
        """Train the trials that are missing, and return the study.

        Raises:
            MonkliteError: a setting cannot be used (before anything is trained), or nothing can be written. TrainingFailed: no
            trial could be trained.
        """
        self.check()
        found = self.study()
        self.work(found)
        return found

    def check(self) -> None:
        """Try everything that is asked for. Raises MonkliteError: it cannot be used."""
        self.base.check_alone("a search is made")
        # a name that is too long is refused before anything is trained
        _ = self.best_experiment
        space.check(self.base, self.wish.dimensions, self._common)

    def work(self, found: optuna.Study, stopping: Callable[[], bool] = lambda: False) -> None:
        """Train one trial after the other until none is missing, the time is over, or `stopping` says so."""
        began, busy = time.monotonic(), 0
        while not stopping() and (not self._is_over(found, began) or self._finds_killed(found, began)):
            busy = busy + 1 if self._one_more(found) else 0
            if busy > MOST_BUSY:
                raise NotReady(
                    "other processes are training every combination of this space: wait for them, or widen it"
                )

    @property
    def project(self) -> str:
        return self.base.run.state().project

    @property
    def experiment(self) -> str:
        """The experiment whose versions the trials are."""
        return check_name("experiment", f"{self.base.run.state().experiment}-{self.wish.name}")

    @property
    def best_experiment(self) -> str:
        """The experiment that the best of them becomes."""
        return check_name("experiment", f"{self.experiment}-best")

    @property
    def metric(self) -> str:
        """The figure that decides."""
        if self.wish.metric:
            return self.wish.metric
        data = self.base.data
        return TASKS[data.record.label_type].deciding_figure if data else ""

    @property
    def _common(self) -> dict[str, Any]:
        return {} if self.wish.epochs is None else {"training.epochs": self.wish.epochs}

    @property
    def folder(self) -> Path:
        """Of that experiment."""
        return self.base.workspace.experiment(self.project, self.experiment)

    def study(self) -> optuna.Study:
        """The study of this search."""
        wish = self.wish
        make_folder(self.folder)
        return study.opened(
            self.folder, self.experiment, wish.dimensions, wish.seed, self.metric, wish.prune, self._settings
        )

    @property
    def _settings(self) -> list[str]:
        """What all trials have in common: other images, lengths or settings are another search."""
        base, epochs = self.base, self.wish.epochs
        content = base.data.record.content or base.data.record.fingerprint if base.data else ""
        kept = f"{base.requested.model_dump_json()} {base.origin}"
        return [
            f"num_epochs: {epochs or base.requested.training.epochs}",
            f"images: {content}",
            f"settings: {hashlib.sha256(kept.encode()).hexdigest()}",
        ]

    def _is_over(self, found: optuna.Study, began: float) -> bool:
        from optuna.trial import TrialState

        study.take_up_killed(found)
        if self.wish.seconds is not None and time.monotonic() - began >= self.wish.seconds:
            return True
        trials = found.get_trials(deepcopy=False)
        if self.wish.n_trials is None:
            return False
        over = sum(map(study.is_over, trials))
        return over + sum(trial.state == TrialState.RUNNING for trial in trials) >= self.wish.n_trials

    def _finds_killed(self, found: optuna.Study, began: float) -> bool:
        """Wait as long as a killed process is taken for one that trains; returns whether one of the last trials is of such."""
        from optuna.trial import TrialState

        wish = self.wish
        if wish.n_trials is None or (wish.seconds is not None and time.monotonic() - began >= wish.seconds):
            return False
        end = time.monotonic() + study.SILENCE + study.BEAT
        while any(t.state == TrialState.RUNNING for t in found.get_trials(deepcopy=False)) and time.monotonic() < end:
            time.sleep(min(1.0, study.BEAT))
            if not self._is_over(found, began):
                return True
        return False

    def _one_more(self, found: optuna.Study) -> bool:
        """Train one more trial; returns whether it was one that another process is training."""
        busy = False

        def objective(trial: optuna.Trial) -> float:
            nonlocal busy
            if self.wish.n_trials is not None and study.surplus(found, trial.number, self.wish.n_trials):
                raise Surplus("other processes have begun the last trials")
            try:
                return self._train(trial)
            # stopped: the next call goes on with these values
            except (KeyboardInterrupt, SystemExit):
                found.enqueue_trial(trial.params)
                raise
            except NotReady as error:
                busy = True
                raise Surplus(str(error)) from error

        study.quiet_optimize(found, objective, (Surplus, TrainingFailed))
        return busy

    def _train(self, trial: optuna.Trial) -> float:
        import optuna

        trial.study.sampler = study.sampler(self.wish.seed, trial.number)
        values = {dimension.path: dimension.suggest(trial) for dimension in self.wish.dimensions}
        self.announce(trial.number, values)
        try:
            settings = {**self._common, **space.changes(self.base, values)}
            pruning = Pruning(trial, self.metric, self.wish.prune)
            made = sweep.Trial(self.experiment, settings)
            outcome = self._train_here(made, pruning) if self.train is None else self.train(made, pruning)
        except NotReady:
            raise
        # of this combination alone: each value was tried out
        except MonkliteError as error:
            trial.set_user_attr(study.PROBLEM, str(error))
            raise TrainingFailed(str(error)) from error
        trial.set_user_attr(study.RUN, outcome.run.folder.name)
        if outcome.error is not None:
            trial.set_user_attr(study.PROBLEM, outcome.problem)
            self.say(f"    left out: {outcome.problem}\n")
            raise TrainingFailed(outcome.problem)
        value = best_value(outcome.run, self.metric)
        # also of an earlier trial with the same values, whose run is found again
        if pruning.pruned or PRUNED in outcome.run.state().tags:
            outcome.run.tag((PRUNED,))
            raise optuna.TrialPruned
        if not math.isfinite(value):
            problem = f"the {self.metric} of its best epoch is not finite"
            trial.set_user_attr(study.PROBLEM, problem)
            raise TrainingFailed(problem)
        shown = f"{value:.4f}" if self.metric == LOSS else f"{100 * value:.1f} %"
        self.say(f"    Trial {trial.number}: {self.metric} {shown}\n")
        return value

    def _train_here(self, made: sweep.Trial, pruning: Pruning) -> sweep.Outcome:
        # one trial gives one outcome
        (outcome,) = sweep.run(self.base, self.project, [made], self.say, self.display, callbacks=(pruning,))
        return outcome


class Surplus(Exception):  # noqa: N818 (not an error)
    """A trial that was begun though none is missing."""


def value_of(row: EpochRow, metric: str) -> float:
    """The metric of an epoch."""
    return row.val_loss if metric == LOSS else row.figure(metric)


def best_value(run: Run, metric: str) -> float:
    """The metric of the best epoch of a run, whose weights are kept."""
    state, rows = run.state(), history.read(run.logs / HISTORY)
    assert state.results is not None
    return value_of(rows[state.results.best_epoch - 1], metric)
