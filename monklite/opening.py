"""Opening an experiment in one of its modes: to train, resume, copy or evaluate it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import backends
from .catalog.default_recipes import default_spec
from .errors import InvalidValue, MonkliteError, NotReady
from .evaluation import Evaluation
from .experiment import Experiment
from .inference import Predictor
from .looking import exists
from .opening_modes import Mode
from .rules import AUTO
from .runs.file_names import STATE
from .runs.run import Run
from .runs.workspace import Workspace
from .spec import Resolved
from .training import resume_hints, resuming
from .training.progress import Say
from .training.same_script import ScriptSettings
from .training.starting_over import copied_weights, starts_over


class OpenExperiment:
    """The experiment that is open: in training mode, in evaluation mode, or none yet."""

    def __init__(self, workspace: Workspace, backend: str, say: Say) -> None:
        self.workspace, self.backend, self.say = workspace, backend, say
        self.evaluating = False
        self._experiment: Experiment | None = None
        self._evaluation: Evaluation | None = None

    def open(self, project: str, experiment: str, mode: Mode, announce: Callable[[Run], None]) -> Run:
        """Close what is open, and open an experiment.

        Args:
            announce: called with the run, before any message about it.

        Raises:
            UnknownName: no such experiment or version. InvalidValue: a name that cannot be a folder. NotReady: not trained.
        """
        self.close()
        begun = self.workspace.newest(project, experiment, has_begun) if mode.name == AUTO else None
        if begun is not None:
            return self._open_run(begun, mode, announce)
        if mode.name in ("new", AUTO):
            opened = new(self.workspace, project, experiment, self.backend, self.say)
        elif mode.source is not None:
            source = self.workspace.find(*mode.source, trained=True)
            weights = mode.name == "copy_from"
            opened = copy(self.workspace, source, project, experiment, self.backend, self.say, weights)
        else:
            return self._open_run(self._find(project, experiment, mode), mode, announce)
        self._experiment = opened
        announce(opened.run)
        self._say_if_unfinished(opened.run)
        return opened.run

    def _say_if_unfinished(self, run: Run) -> None:
        """Say how to resume the version before a new one, if its training has not ended: it would start again in silence."""
        state = run.state()
        earlier = [r for r in self.workspace.versions(state.project, state.experiment) if r.version < run.version]
        if not earlier or not (previous := earlier[-1]).has_saved_state():
            return
        try:
            before = previous.state()
        # a damaged version is left as it is, and told where it is opened
        except MonkliteError:
            return
        if before.status in ("running", "interrupted", "failed"):
            self.say(
                f"    Note: {previous.folder.name} {before.progress}, and stays as it is. Prototype({state.project!r}, "
                f"{state.experiment!r}, resume_train=True) goes on with it; this is {run.folder.name}, from the beginning\n"
            )

    def _find(self, project: str, experiment: str, mode: Mode) -> Run:
        prefer = (can_resume, starts_over, can_extend) if mode.name == "resume_train" else ()
        return self.workspace.find(project, experiment, mode.version, mode.name == "eval_infer", prefer)

    def _open_run(self, run: Run, mode: Mode, announce: Callable[[Run], None]) -> Run:
        if mode.name == "summary":
            return run
        announce(run)
        if mode.name == AUTO:
            self._experiment = go_on(self.workspace, run, self.backend, self.say)
        elif mode.name == "resume_train":
            self._experiment = resume(self.workspace, run, self.say)
        else:
            self._evaluate(run)
        return run

    def _evaluate(self, run: Run) -> None:
        state = run.state()
        if state.status not in ("new", "done"):
            self.say(f"    Note: {run} {state.progress}; its weights are those of the epochs so far\n")
        self._evaluation, self.evaluating = Evaluation(Predictor(run, self.workspace.cache)), True

    def close(self) -> None:
        """Close the open experiment, and release the lock of its run."""
        if self._experiment is not None:
            self._experiment.run.release()
        self._experiment = self._evaluation = None
        self.evaluating = False

    @property
    def experiment(self) -> Experiment:
        """The experiment, in training mode.

        Raises:
            NotReady: nothing is open, or it is in evaluation mode.
        """
        if self.evaluating:
            raise NotReady(
                "this is evaluation mode: open the experiment without eval_infer, or call Switch_Mode(train=True)"
            )
        if self._experiment is None:
            raise NotReady("no experiment is open: call Prototype('project', 'experiment') first")
        return self._experiment

    @property
    def evaluation(self) -> Evaluation:
        """The trained run, in evaluation mode or right after training.

        Raises:
            NotReady: nothing is open, or it has not been trained.
        """
        if self._evaluation is None:
            if self._experiment is None:
                raise NotReady("no experiment is open: call Prototype('project', 'experiment', eval_infer=True) first")
            self._evaluation = Evaluation(Predictor(self._experiment.run, self.workspace.cache))
        return self._evaluation

    def forget_evaluation(self) -> None:
        """Discard the evaluation, because the weights are about to change; they are read again on next use."""
        self._evaluation = None

    def switch_to_training(self) -> None:
        """Switch to training mode.

        Raises:
            NotReady: the experiment was not opened for training.
        """
        if self._experiment is None:
            raise NotReady("this experiment was opened with eval_infer=True; open it for training with Prototype(...)")
        self.evaluating, self._evaluation = False, None

    def switch_to_evaluation(self) -> bool:
        """Switch to evaluation mode; False if it is on already.

        Raises:
            NotReady: the experiment has not been trained.
        """
        if self.evaluating:
            return False
        self._evaluate(self.experiment.run)
        return True

    @property
    def run(self) -> Run:
        """The run that is open."""
        return self.evaluation.predictor.run if self.evaluating else self.experiment.run

    @property
    def spec(self) -> Resolved:
        """The settings of what is open. Raises as `experiment`."""
        return self.evaluation.predictor.spec if self.evaluating else self.experiment.resolved()

    @property
    def learner(self) -> Any:
        """The live learner; None before the network is built, or an experiment is open."""
        if self.evaluating and self._evaluation is not None:
            return self._evaluation.predictor.learner
        return self._experiment.learner if self._experiment is not None else None


def new(workspace: Workspace, project: str, experiment: str, backend: str, say: Say) -> Experiment:
    """Create a new version with default settings."""
    asked = default_spec(backends.check(backend))
    return Experiment(workspace, workspace.claim(project, experiment), asked, say)


def copy(
    workspace: Workspace, source: Run, project: str, experiment: str, backend: str, say: Say, weights: bool = True
) -> Experiment:
    """Create a new version with the settings and split of another run, and its weights if asked for.

    Raises:
        NotReady: the source has not been trained. InvalidValue: it has another backend.
    """
    state = source.state()
    if not source.is_trained():
        raise NotReady(f"{source} cannot be copied: it has not been trained")
    if state.asked.backend != backend:
        raise InvalidValue(
            f"{source} was made with backend={state.asked.backend!r}; copy it with the same, not {backend!r}"
        )
    copied = Experiment(workspace, workspace.claim(project, experiment), state.asked, say, origin=source)
    copied.copies_weights = weights
    return copied


def can_resume(run: Run) -> bool:
    """Whether a run has a saved state and is not finished."""
    return run.has_saved_state() and run.state().status != "done"


def can_extend(run: Run) -> bool:
    """Whether a run can be trained for more epochs."""
    return run.has_saved_state()


def has_begun(run: Run) -> bool:
    """Whether the training of a run has begun, however it went on."""
    return exists(run.folder / STATE) and run.state().status != "new"


def resume(workspace: Workspace, run: Run, say: Say) -> Experiment:
    """Open a run to continue its training; a finished one needs more epochs first.

    A training that was broken off before anything was saved begins at its beginning, with the same settings.

    Raises:
        NotReady: its training has not begun, its saved state was removed, or another process is training it.
    """
    state = run.state()
    resuming.check_resumable(run, state)
    experiment = _continued(workspace, run, say)
    if state.status == "done" and state.results is not None and state.resolved is not None:
        results = state.results
        message = resume_hints.how_to_extend(run, state.resolved.training, results.epochs_completed, results.best_epoch)
        say(f"    {message}\n")
    return experiment


def go_on(workspace: Workspace, run: Run, backend: str, say: Say) -> Experiment:
    """Open a run for the script that began it, which is run again: its settings are compared with the run's own.

    Raises:
        InvalidValue: the script uses another backend. Else as `resume`, but of a finished run nothing is required.
    """
    state = run.state()
    if state.asked.backend != backend:
        raise InvalidValue(
            f"{run} was made with backend={state.asked.backend!r}; resume it with the same, not {backend!r}"
        )
    if state.status != "done":
        resuming.check_resumable(run, state)
    experiment = _continued(workspace, run, say)
    experiment.script = ScriptSettings(default_spec(backend))
    return experiment


def _continued(workspace: Workspace, run: Run, say: Say) -> Experiment:
    """The experiment of a run whose training goes on, or begins again."""
    if not run.acquire():
        raise NotReady(run.busy_message())
    run.remove_leftovers()
    state, from_beginning = run.state(), starts_over(run)
    # those of another run are copied again
    origin = workspace.find(*state.origin) if from_beginning and state.origin and copied_weights(run) else None
    experiment = Experiment(workspace, run, state.asked, say, origin, resuming=True)
    experiment.copies_weights = origin is not None
    if from_beginning:
        say(f"    {run} stopped before anything was saved: its training begins at its beginning, with its settings\n")
    return experiment
