"""Opening an experiment, in one of Monk's modes, and what every group of methods stands on."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from .. import backends
from ..errors import InvalidType, InvalidValue, NotReady, closest
from ..experiment import Display, Experiment
from ..inference import Predictor
from ..rules import Flag, PathText, Whole
from ..runs.followers import SharedWorkspace
from ..runs.run import Run
from ..runs.workspace import Workspace
from . import console as show
from .checks import api


class Session:
    """One experiment of a workspace, in training mode or in evaluation mode."""

    _backend = "pytorch"

    def __init__(
        self, verbose: int = 1, workspace: str | os.PathLike[str] = "workspace", backend: str | None = None
    ) -> None:
        quiet = isinstance(verbose, bool)
        self.verbose = int(verbose) if quiet else Whole(least=0)("verbose", verbose)
        self._backend = backends.check(backend or self._backend)
        root, world = PathText()("workspace", workspace), backends.world(self._backend)
        self._workspace = SharedWorkspace(root, world) if world.size > 1 else Workspace(root)
        self._console = show.Console(self.verbose if world.rank == 0 else 0)
        self._display = Display()
        self._open_experiment: Experiment | None = None
        self._open_predictor: Predictor | None = None
        self._evaluating = False
        self._asked_test: Any = None
        title = backends.TITLES[self._backend]
        self._console.say(f"{title} Version: {backends.version(self._backend)}\n")

    @api
    def Prototype(
        self,
        project_name: str,
        experiment_name: str,
        eval_infer: bool = False,
        resume_train: bool = False,
        copy_from: Sequence[Any] | bool = False,
        pseudo_copy_from: Sequence[Any] | bool = False,
        summary: bool = False,
        version: int | str | None = None,
    ) -> None:
        """Create an experiment, or open one.

        Args:
            project_name: name of the project; a folder of the workspace.
            experiment_name: name of the experiment in it. Called again, it becomes a new version; nothing is overwritten.
            eval_infer: open a trained experiment to evaluate it and to predict.
            resume_train: go on with a training that was interrupted, or extend a finished one (`update_num_epochs`).
            copy_from: `[project, experiment]` or `[project, experiment, version]`: start from its settings, split and weights.
            pseudo_copy_from: the same without the weights.
            summary: only print what is known of the experiment.
            version: which version to open; the newest that fits by default.

        Raises:
            UnknownName: no such experiment or version. InvalidValue: a name that cannot be a folder. NotReady: not trained.
        """
        modes = {"summary": summary, "eval_infer": eval_infer, "resume_train": resume_train}
        chosen = [name for name, value in modes.items() if Flag()(name, value)]
        chosen += [n for n, v in (("copy_from", copy_from), ("pseudo_copy_from", pseudo_copy_from)) if given(v)]
        if len(chosen) > 1:
            raise InvalidValue(f"choose one of {' and '.join(chosen)}, not several")
        mode = chosen[0] if chosen else "new"
        if version is not None and mode in ("new", "copy_from", "pseudo_copy_from"):
            raise InvalidValue(
                "version= opens a run that is there: use it with eval_infer, resume_train or summary "
                "(a copy names it in copy_from)"
            )
        self._close()
        workspace = self._workspace
        if mode == "new":
            self._open_experiment = Experiment.new(
                workspace, project_name, experiment_name, self._backend, self._console.say
            )
        elif mode in ("copy_from", "pseudo_copy_from"):
            from_project, from_experiment, from_version = self._source(
                copy_from if mode == "copy_from" else pseudo_copy_from
            )
            source = workspace.find(from_project, from_experiment, from_version, trained=True)
            self._open_experiment = Experiment.copy(
                workspace, source, project_name, experiment_name, self._backend, self._console.say, mode == "copy_from"
            )
        else:
            fits = (Experiment.can_resume, Experiment.can_extend) if mode == "resume_train" else ()
            run = workspace.find(project_name, experiment_name, version, mode == "eval_infer", fits)
            self._open(run, mode)
            return
        self._details(self._experiment.run)

    def _open(self, run: Run, mode: str) -> None:
        if mode == "summary":
            show.summary(self._console, run, run.state())
            return
        self._details(run)
        if mode == "resume_train":
            self._open_experiment = Experiment.resume(self._workspace, run, self._console.say)
        else:
            self._judge(run)

    def _judge(self, run: Run) -> None:
        """Open a trained run in evaluation mode."""
        self._open_predictor = Predictor(run, self._workspace.cache)
        self._evaluating = True
        self._console.block(
            "Model Details", {"Loading model": f"{run}/output/models/{self._open_predictor.weights.name}"}
        )

    def _details(self, run: Run) -> None:
        state = run.state()
        rows = {"Project": state.project, "Experiment": state.experiment, "Version": run.folder.name, "Dir": run.folder}
        self._console.block("Experiment Details", rows)

    def _close(self) -> None:
        if self._open_experiment is not None:
            self._open_experiment.run.release()
        self._open_experiment = self._open_predictor = None
        self._evaluating = False
        self._asked_test = None

    @staticmethod
    def _source(value: Any) -> tuple[Any, ...]:
        if isinstance(value, str) or not isinstance(value, Sequence) or len(value) not in (2, 3):
            raise InvalidType(
                f"copy_from must be [project, experiment] or [project, experiment, version], not {value!r}"
            )
        project, experiment, *version = value
        return project, experiment, version[0] if version else None

    @property
    def _experiment(self) -> Experiment:
        """The experiment in training mode."""
        if self._evaluating:
            raise NotReady(
                "this is evaluation mode: open the experiment without eval_infer, or call Switch_Mode(train=True)"
            )
        if self._open_experiment is None:
            raise NotReady("no experiment is open: call Prototype('project', 'experiment') first")
        return self._open_experiment

    @property
    def _predictor(self) -> Predictor:
        """The trained run, in evaluation mode or right after training."""
        if self._open_predictor is None:
            run = self._open_experiment.run if self._open_experiment else None
            if run is None:
                raise NotReady("no experiment is open: call Prototype('project', 'experiment', eval_infer=True) first")
            if not run.is_trained():
                raise NotReady(f"{run} has not been trained yet: call Train() first")
            self._open_predictor = Predictor(run, self._workspace.cache)
        return self._open_predictor

    @api
    def Switch_Mode(self, train: bool = False, eval_infer: bool = False) -> None:
        """Switch the open experiment between training and evaluation.

        Args:
            train: back to training. eval_infer: on to evaluation and prediction with the best weights.
        """
        if Flag()("train", train) == Flag()("eval_infer", eval_infer):
            raise InvalidValue("choose one: Switch_Mode(train=True) or Switch_Mode(eval_infer=True)")
        if train:
            if self._open_experiment is None:
                raise NotReady(
                    "this experiment was opened with eval_infer=True; open it for training with Prototype(...)"
                )
            self._evaluating, self._open_predictor = False, None
        elif not self._evaluating:
            run = self._experiment.run
            if not run.is_trained():
                raise NotReady(f"{run} has not been trained yet: call Train() first")
            self._judge(run)

    @api
    def Summary(self) -> None:
        """Print what is known of the open experiment: data, model, training, results."""
        run = self._predictor.run if self._evaluating else self._experiment.run
        state = run.state()
        if not self._evaluating and state.status == "new":
            state = state.model_copy(
                update={"spec": self._experiment.spec}
            )  # with what was set since it was last stored
        show.summary(self._console, run, state)

    @property
    def model(self) -> Any:
        """The framework's own live network; None before Model(). After Train() it has the weights of `final`."""
        return getattr(self._live_learner(), "network", None)

    @property
    def criterion(self) -> Any:
        """The framework's own live loss; None before Model()."""
        return getattr(self._live_learner(), "criterion", None)

    @property
    def optimizer(self) -> Any:
        """The framework's own live optimizer; None before Model()."""
        return getattr(self._live_learner(), "optimizer", None)

    def _live_learner(self) -> Any:
        return self._predictor.learner if self._evaluating else self._experiment.learner

    def _change(self, changes: Mapping[str, Any], names: Mapping[str, str] | None = None) -> None:
        """Change the spec; an error speaks of the argument that the user gave (`names`: field -> argument)."""
        try:
            self._experiment.change(changes)
        except (InvalidValue, InvalidType) as error:
            raise type(error)(_renamed(str(error), {**ARGUMENTS, **(names or {})})) from None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        guess = closest(name, (n for n in dir(type(self)) if n[0] != "_"))
        hint = f" Did you mean {guess!r}?" if guess else ""
        raise AttributeError(f"{type(self).__name__} has no {name!r}.{hint}")


ARGUMENTS = {  # field of the spec: the argument that sets it, where it has another name
    "training.epochs": "num_epochs",
    "data.workers": "num_processors",
    "data.shuffle": "shuffle_data",
    "model.freeze_base": "freeze_base_network",
    "model.pretrained": "use_pretrained",
    "training.intermediate_prefix": "intermediate_model_prefix",
}


def _renamed(message: str, names: Mapping[str, str]) -> str:
    for path, argument in names.items():
        field = path.rpartition(".")[2]
        if message.startswith(f"{field} must "):
            return argument + message.removeprefix(field)
    return message


def given(value: Any) -> bool:
    """Whether an argument was given: Monk's False and None stand for no."""
    return value is not None and value is not False
