"""Opening an experiment in one of its modes: to train it, to go on with it, to copy it, or to judge it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from . import backends
from .catalog.recipes import default_spec
from .errors import InvalidType, InvalidValue, NotReady
from .evaluation import Evaluation
from .experiment import Experiment
from .inference import Predictor
from .rules import Flag
from .runs.run import Run
from .runs.workspace import Workspace
from .training import resuming
from .training.progress import Say

COPIES = ("copy_from", "pseudo_copy_from")


@dataclass(frozen=True)
class Mode:
    """How an experiment is opened.

    `name`: `new`, `summary`, `eval_infer`, `resume_train`, `copy_from` or `pseudo_copy_from`. `source`: what is copied, as
    project, experiment and version. `version`: of the run that is opened; the newest that fits by default.
    """

    name: str
    source: tuple[Any, Any, Any] | None = None
    version: int | str | None = None

    @classmethod
    def chosen(cls, flags: dict[str, Any], copies: dict[str, Any], version: int | str | None) -> Mode:
        """The one mode that a user asked for; `flags` are True or False, `copies` what to copy.

        Raises:
            InvalidValue: several modes, or a version for one that makes its own. InvalidType: a value of the wrong type.
        """
        names = [name for name, value in flags.items() if Flag()(name, value)]
        names += [name for name, value in copies.items() if given(value)]
        if len(names) > 1:
            raise InvalidValue(f"choose one of {' and '.join(names)}, not several")
        name = names[0] if names else "new"
        if version is not None and name in ("new", *COPIES):
            raise InvalidValue(
                "version= opens a run that is there: use it with eval_infer, resume_train or summary "
                "(a copy names it in copy_from)"
            )
        return cls(name, _source(copies[name]) if name in COPIES else None, version)


def given(value: Any) -> bool:
    """Whether an argument was given: Monk's False and None stand for no."""
    return value is not None and value is not False


def _source(value: Any) -> tuple[Any, Any, Any]:
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) not in (2, 3):
        raise InvalidType(f"copy_from must be [project, experiment] or [project, experiment, version], not {value!r}")
    project, experiment, *version = value
    return project, experiment, version[0] if version else None


class Opened:
    """What is open: an experiment that can be trained, or a trained run that is judged, or one after the other."""

    def __init__(self, workspace: Workspace, backend: str, say: Say) -> None:
        self.workspace, self.backend, self.say = workspace, backend, say
        self.evaluating = False
        self._experiment: Experiment | None = None
        self._evaluation: Evaluation | None = None

    def open(self, project: str, experiment: str, mode: Mode, announce: Callable[[Run], None]) -> Run:
        """Close what is open, and open an experiment. `announce`: told which run it is, before anything is said about it.

        Raises:
            UnknownName: no such experiment or version. InvalidValue: a name that cannot be a folder. NotReady: not trained.
        """
        self.close()
        if mode.name == "new":
            made = new(self.workspace, project, experiment, self.backend, self.say)
        elif mode.source is not None:
            source = self.workspace.find(*mode.source, trained=True)
            weights = mode.name == "copy_from"
            made = copy(self.workspace, source, project, experiment, self.backend, self.say, weights)
        else:
            return self._open_run(self._find(project, experiment, mode), mode, announce)
        self._experiment = made
        announce(made.run)
        return made.run

    def _find(self, project: str, experiment: str, mode: Mode) -> Run:
        fits = (can_resume, can_extend) if mode.name == "resume_train" else ()
        return self.workspace.find(project, experiment, mode.version, mode.name == "eval_infer", fits)

    def _open_run(self, run: Run, mode: Mode, announce: Callable[[Run], None]) -> Run:
        if mode.name == "summary":
            return run
        announce(run)
        if mode.name == "resume_train":
            self._experiment = resume(self.workspace, run, self.say)
        else:
            self._judge(run)
        return run

    def _judge(self, run: Run) -> None:
        self._evaluation, self.evaluating = Evaluation(Predictor(run), self.workspace.cache), True

    def close(self) -> None:
        """Let go of what is open; its run may then be taken by others."""
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
            self._evaluation = Evaluation(Predictor(self._experiment.run), self.workspace.cache)
        return self._evaluation

    def forget_evaluation(self) -> None:
        """The weights are about to change: they are read again when they are asked for."""
        self._evaluation = None

    def switch_to_training(self) -> None:
        """Back to training.

        Raises:
            NotReady: it was not opened for training.
        """
        if self._experiment is None:
            raise NotReady("this experiment was opened with eval_infer=True; open it for training with Prototype(...)")
        self.evaluating, self._evaluation = False, None

    def switch_to_evaluation(self) -> bool:
        """On to evaluation; False if it is there already.

        Raises:
            NotReady: the experiment has not been trained.
        """
        if self.evaluating:
            return False
        self._judge(self.experiment.run)
        return True

    @property
    def run(self) -> Run:
        """The run that is open."""
        return self.evaluation.predictor.run if self.evaluating else self.experiment.run

    @property
    def learner(self) -> Any:
        """The live learner; None before the network is built."""
        return self.evaluation.predictor.learner if self.evaluating else self.experiment.learner


def new(workspace: Workspace, project: str, experiment: str, backend: str, say: Say) -> Experiment:
    """A version of its own, with default settings."""
    asked = default_spec(backends.check(backend))
    return Experiment(workspace, workspace.claim(project, experiment), asked, say)


def copy(
    workspace: Workspace, source: Run, project: str, experiment: str, backend: str, say: Say, weights: bool = True
) -> Experiment:
    """A new version with what was asked of another run, its split, and its weights if asked for.

    Raises:
        NotReady: the source has not been trained. InvalidValue: it belongs to another backend.
    """
    state = source.state()
    if not source.is_trained():
        raise NotReady(f"{source} cannot be copied: it has not been trained")
    if state.asked.backend != backend:
        raise InvalidValue(
            f"{source} was made with backend={state.asked.backend!r}; copy it with the same, not {backend!r}"
        )
    made = Experiment(workspace, workspace.claim(project, experiment), state.asked, say, origin=source)
    made.copies_weights = weights
    return made


def can_resume(run: Run) -> bool:
    """Whether a run began training and was not finished."""
    return run.has_saved_state() and run.state().status != "done"


def can_extend(run: Run) -> bool:
    """Whether a run can be given more epochs."""
    return run.has_saved_state()


def resume(workspace: Workspace, run: Run, say: Say) -> Experiment:
    """Go on with a run that began training; a finished one needs more epochs before it trains.

    Raises:
        NotReady: there is nothing to go on from, or another process is training it.
    """
    state = run.state()
    if not run.has_saved_state() or state.resolved is None:
        raise NotReady(f"{run} cannot be resumed: it stopped before anything was saved. Train a new version")
    if not run.hold():
        raise NotReady(run.busy_text())
    run.sweep()
    made = Experiment(workspace, run, state.asked, say, resuming=True)
    if state.status == "done" and state.results is not None:
        results = state.results
        text = resuming.how_to_extend(run, state.resolved.training, results.epochs_completed, results.best_epoch)
        say(f"    {text}\n")
    return made
