"""The base class of all method groups: workspace, open experiment and console."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import backends
from ..catalog.backends import describe
from ..errors import suggestion
from ..evaluation import Evaluation
from ..experiment import Experiment
from ..files import make_folder
from ..opening import OpenExperiment
from ..reports import charts
from ..rules import PathText, Whole
from ..runs.followers import SharedWorkspace
from ..runs.workspace import Workspace
from ..training.session import Display
from .console import Console
from .system_dict import SystemDict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# field of the spec -> the argument that sets it, if its name differs
ARGUMENTS = {
    "training.epochs": "num_epochs",
    "data.workers": "num_processors",
    "data.shuffle": "shuffle_data",
    "model.name": "model_name",
    "model.freeze_base": "freeze_base_network",
    "model.pretrained": "use_pretrained",
    "training.intermediate_prefix": "intermediate_model_prefix",
    "training.resizing.initial_scale": "initial_scale",
    "training.resizing.delay_fraction": "delay_fraction",
    "training.resizing.finetune_fraction": "finetune_fraction",
}


class Base:
    """One experiment of a workspace, in training mode or in evaluation mode."""

    _backend = "pytorch"
    # no properties, which would raise where nothing is open, and so would `inspect.getmembers`
    _experiment: Experiment
    _evaluation: Evaluation

    def __init__(
        self, verbose: int = 1, workspace: str | os.PathLike[str] = "workspace", backend: str | None = None
    ) -> None:
        self.verbose = int(verbose) if isinstance(verbose, bool) else Whole(least=0)("verbose", verbose)
        self._backend = backends.check(self._backend if backend is None else backend)
        root, world = PathText()("workspace", workspace), backends.world(self._backend)
        runs = SharedWorkspace(root, world) if world.size > 1 else Workspace(root)
        self._console = Console(self.verbose if world.rank == 0 else 0)
        self._opened = OpenExperiment(runs, self._backend, self._console.say)
        self._display = Display()
        self._callbacks: list[object] = []
        self._console.say(f"{describe(self._backend).title} Version: {backends.version(self._backend)}\n")

    @property
    def model(self) -> Any:
        """The framework's own live network; None before Model(). After Train() it has the weights of `final`."""
        return getattr(self._opened.learner, "network", None)

    @property
    def criterion(self) -> Any:
        """The framework's own live loss; None before Model()."""
        return getattr(self._opened.learner, "criterion", None)

    @property
    def optimizer(self) -> Any:
        """The framework's own live optimizer; None before Model()."""
        return getattr(self._opened.learner, "optimizer", None)

    @property
    def system_dict(self) -> SystemDict:
        """Monk's dictionary of an experiment, to be read: `ptf.system_dict["dataset"]["params"]["classes"]`."""
        return SystemDict(self._opened)

    def _picture(self, figure: Figure, path: Path, title: str, show: bool = True) -> None:
        """Save a figure as a PNG file, say where it is, and show it in a notebook."""
        make_folder(path.parent)
        charts.save(figure, path)
        self._console.say(f"    {title}: {path}\n")
        if show:
            self._console.picture(path)

    def _change(self, changes: Mapping[str, Any], names: Mapping[str, str] | None = None) -> None:
        """Change settings by field; errors name the user's argument (`names`: field -> argument)."""
        self._experiment.change(changes, {**ARGUMENTS, **(names or {})})

    # hidden from type checkers, which would otherwise accept any name
    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name in ("_experiment", "_evaluation"):
                return getattr(self._opened, name[1:])
            if name.startswith("_"):
                raise AttributeError(name)
            known = (n for n in dir(type(self)) if n[0] != "_")
            raise AttributeError(f"{type(self).__name__} has no {name!r}.{suggestion(name, known)}")
