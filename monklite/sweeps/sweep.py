"""A sweep trains one experiment per value of a setting; each is a run like any other, in a project of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..data import class_columns
from ..errors import InvalidValue, MonkliteError, NotFound, PretrainedUnavailable, TrainingFailed, WeightsMismatch
from ..experiment import Experiment
from ..opening import can_resume, resume
from ..runs.run import Run
from ..runs.state import RunState
from ..spec import Spec, Table
from ..training.progress import Say
from ..training.session import Display

# settings that decide which images a run is of
DIVIDING = ("data.sources", "data.split", "data.fold", "data.group")


@dataclass(frozen=True)
class Trial:
    """One value of a sweep.

    `experiment`: its name; several trials may be versions of one. `changes`: the settings that it stands for, by dotted path.
    `counts`: whether a run with these settings is one that need not be trained again.
    """

    experiment: str
    changes: Mapping[str, Any]
    counts: Callable[[RunState], bool] = lambda state: True


@dataclass(frozen=True)
class Outcome:
    """The run of a trial. `error`: why it was not trained to its end, None: it was. `trained_now`: not in an earlier call."""

    trial: Trial
    run: Run
    error: MonkliteError | None = None
    trained_now: bool = True

    @property
    def problem(self) -> str:
        """The error in words; empty if there is none."""
        return "" if self.error is None else str(self.error)


def run(
    base: Experiment,
    project: str,
    trials: Sequence[Trial],
    say: Say,
    display: Display,
    announce: Callable[[int, Trial], None] = lambda number, trial: None,
    callbacks: Sequence[object] = (),
) -> Iterator[Outcome]:
    """Train every trial, with the settings of `base` and its own changes.

    A trial that an earlier call trained to its end with the same settings is not repeated, and one that was stopped is resumed. A
    training that fails, because its loss is not finite, memory is too small or the network cannot be built so, does not end the
    sweep.

    Args:
        project: the name of the project that the experiments are in. announce: called before each trial with its number, from 1.
        callbacks: of each training, see `training.callbacks`.

    Raises:
        MonkliteError: a value cannot be used (before anything is trained), or nothing can be written.
    """
    base.check_alone("several values are tried")
    base.say_what_is_lost()
    settings = [base.checked(trial.changes) for trial in trials]
    for name in {trial.experiment for trial in trials}:
        base.workspace.experiment(project, name)
    return _run_all(base, project, list(zip(trials, settings, strict=True)), say, display, announce, callbacks)


def _run_all(
    base: Experiment,
    project: str,
    trials: Sequence[tuple[Trial, Spec]],
    say: Say,
    display: Display,
    announce: Callable[[int, Trial], None],
    callbacks: Sequence[object],
) -> Iterator[Outcome]:
    for number, (trial, asked) in enumerate(trials, 1):
        announce(number, trial)
        before = earlier(base, project, trial, asked)
        if before is not None and before.state().status == "done":
            yield Outcome(trial, before, trained_now=False)
        else:
            yield _train(base, project, trial, before, say, display, callbacks)


def is_done(base: Experiment, project: str, trial: Trial) -> bool:
    """Whether an earlier call trained a trial to its end. Raises MonkliteError: a value cannot be used."""
    before = earlier(base, project, trial, base.checked(trial.changes))
    return before is not None and before.state().status == "done"


def earlier(base: Experiment, project: str, trial: Trial, asked: Spec) -> Run | None:
    """The newest version of a trial that has these settings and whose training has begun."""
    for run in reversed(base.workspace.versions(project, trial.experiment)):
        try:
            state = run.state()
        # another process is setting it up, or was killed then
        except NotFound:
            continue
        # columns of classes are found when the images are prepared
        columns = next((s.label_columns for s in state.asked.data.sources if isinstance(s, Table)), ())
        same = state.asked == class_columns.kept(asked, columns) and state.origin == _origin_of(base)
        if same and state.status != "new" and _of_same_images(base, trial, state) and trial.counts(state):
            return run
    return None


def _of_same_images(base: Experiment, trial: Trial, state: RunState) -> bool:
    """Whether a run is of the images as they are now, as far as they were read: files may have been added to a folder."""
    if base.data is None or state.dataset is None or any(path.startswith(DIVIDING) for path in trial.changes):
        return True
    own = base.data.record
    # the digests of all images; records of older versions have none
    if own.content and state.dataset.content:
        return state.dataset.content == own.content
    return state.dataset.fingerprint == own.fingerprint


def _origin_of(base: Experiment) -> tuple[str, str, int] | None:
    if base.origin is None:
        return None
    state = base.origin.state()
    return state.project, state.experiment, state.version


def begun(base: Experiment, project: str, trial: Trial, say: Say) -> Experiment:
    """The experiment of a trial, in a version of its own, whose training has not begun."""
    claimed = base.workspace.claim(project, trial.experiment)
    experiment = Experiment(base.workspace, claimed, base.requested, say, base.origin)
    experiment.copies_weights = base.copies_weights
    experiment.trackers = base.trackers
    experiment.change(trial.changes)
    return experiment


def _train(
    base: Experiment,
    project: str,
    trial: Trial,
    before: Run | None,
    say: Say,
    display: Display,
    callbacks: Sequence[object],
) -> Outcome:
    if before is not None and can_resume(before):
        experiment = resume(base.workspace, before, say)
        experiment.trackers = base.trackers
    else:
        experiment = begun(base, project, trial, say)
    try:
        experiment.train(display, callbacks=callbacks)
        return Outcome(trial, experiment.run)
    # such as a network that does not take so small images, or a damaged file of weights, which is known when it is built
    except (TrainingFailed, InvalidValue, PretrainedUnavailable, WeightsMismatch) as error:
        return Outcome(trial, experiment.run, error)
    finally:
        experiment.run.release()
