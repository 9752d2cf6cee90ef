"""Open an experiment, switch between training and evaluation, and print a summary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import backends
from ..catalog import own_networks
from ..errors import InvalidValue
from ..opening_modes import Mode
from ..rules import Flag
from ..runs.run import Run
from . import messages
from .base import Base
from .checks import api


class OpeningMethods(Base):
    """`Prototype`, `Switch_Mode`, `Summary`."""

    @api
    def Prototype(
        self,
        project_name: str,
        experiment_name: str,
        eval_infer: bool = False,
        resume_train: bool | str = False,
        copy_from: Sequence[Any] | bool = False,
        pseudo_copy_from: Sequence[Any] | bool = False,
        summary: bool = False,
        version: int | str | None = None,
        model: Any = None,
    ) -> None:
        """Create an experiment, or open one.

        Args:
            project_name: name of the project; a folder of the workspace.
            experiment_name: name of the experiment in it. An existing name gets a new version; nothing is overwritten.
            eval_infer: open a trained experiment to evaluate it and to predict.
            resume_train: resume an interrupted training, or extend a finished one (`update_num_epochs`). One that was killed
                before anything was saved begins at its beginning. "auto": resume the newest version whose training has begun,
                or create an experiment if there is none; so one script, run again and again, finishes its training.
            copy_from: `[project, experiment]` or `[project, experiment, version]`: start from its settings, split and weights.
            pseudo_copy_from: the same without the weights.
            summary: only print a summary of the experiment.
            version: the version to open; by default the newest suitable one.
            model: the network of the experiment that is opened, if it was given by `Model_Params(model=...)` and is in no file.

        With "auto", the script makes the same calls each time. `Train()` compares its settings with those of the run: it takes
        over another number of epochs, learning rate, early stopping, number of processors or place of the images, and refuses
        others. When the training is done, `Train()` says so and trains nothing.

        Raises:
            UnknownName: no such experiment or version. InvalidValue: a name that cannot be a folder. NotReady: not trained.
        """
        flags = {"summary": summary, "eval_infer": eval_infer, "resume_train": resume_train}
        copies = {"copy_from": copy_from, "pseudo_copy_from": pseudo_copy_from}
        mode = Mode.from_flags(flags, copies, version)
        if model is not None:
            if mode.name == "new":
                raise InvalidValue(
                    "model= is for opening an experiment; a new one gets its network in Model_Params(model=...)"
                )
            # before a file of the user, see `Model_Params`
            backends.load(self._backend)
        own_networks.provide(model)
        run = self._opened.open(project_name, experiment_name, mode, self._announce)
        if mode.name == "summary":
            messages.summary(self._console, run, run.state())
        elif mode.name == "eval_infer":
            messages.loaded_weights(self._console, run, self._evaluation.predictor.weights)

    def _announce(self, run: Run) -> None:
        messages.experiment_details(self._console, run, run.state())

    @api
    def Switch_Mode(self, train: bool = False, eval_infer: bool = False) -> None:
        """Switch the open experiment between training and evaluation.

        Args:
            train: switch to training. eval_infer: switch to evaluation and prediction with the best weights.
        """
        if Flag()("train", train) == Flag()("eval_infer", eval_infer):
            raise InvalidValue("choose one: Switch_Mode(train=True) or Switch_Mode(eval_infer=True)")
        if train:
            self._opened.switch_to_training()
        elif self._opened.switch_to_evaluation():
            messages.loaded_weights(self._console, self._opened.run, self._evaluation.predictor.weights)

    @api
    def Summary(self) -> None:
        """Print a summary of the open experiment: data, model, training, results."""
        run = self._opened.run
        state = run.state()
        # include settings that have changed since the state was stored
        if state.status == "new":
            state = state.replace(asked=self._experiment.asked, resolved=None)
        messages.summary(self._console, run, state)
