"""The classes `prototype` (Monk's form) and `Prototype` (short form), with the same methods."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from .base import Base
from .callbacks import CallbackMethods
from .checks import api
from .choosing import ChoosingMethods
from .cross_validation import CrossValidationMethods
from .custom_networks import CustomNetworkMethods
from .data_checks import DataCheckMethods
from .decisions import DecisionMethods
from .errors import ErrorMethods
from .evaluation import EvaluationMethods
from .exporting import ExportMethods
from .looking_inside import LookingMethods
from .opening import OpeningMethods
from .reporting import ReportMethods
from .row_methods import RowMethods
from .samples import SamplesMethods
from .searching import SearchMethods
from .tags import TagMethods
from .tracking import TrackingMethods
from .training import TrainingMethods


class prototype(
    ChoosingMethods,
    SearchMethods,
    OpeningMethods,
    TrainingMethods,
    CrossValidationMethods,
    CustomNetworkMethods,
    EvaluationMethods,
    ErrorMethods,
    DecisionMethods,
    ExportMethods,
    SamplesMethods,
    DataCheckMethods,
    CallbackMethods,
    TagMethods,
    TrackingMethods,
    ReportMethods,
    LookingMethods,
    RowMethods,
):
    """An experiment in Monk's form: `ptf = prototype(verbose=1); ptf.Prototype("project", "experiment")`.

    Args:
        verbose: 0 prints nothing.
        workspace: the folder for all output.
        backend: `pytorch`, `mxnet`, or a plugin's name.
    """

    @api
    def __init__(
        self, verbose: int = 1, workspace: str | os.PathLike[str] = "workspace", backend: str | None = None
    ) -> None:
        super().__init__(verbose, workspace, backend)


class Prototype(prototype):
    """An experiment opened in one line: `ptf = Prototype("project", "experiment", backend="pytorch")`.

    Args:
        project: name of the project. experiment: name of the experiment in it.
        backend: `pytorch`, `mxnet`, or a plugin's name.
        eval_infer, resume_train, copy_from, pseudo_copy_from, summary, version, model: as in the method `Prototype`.
        workspace: the folder for all output.
        verbose: 0 prints nothing.
    """

    @api
    def __init__(
        self,
        project: str,
        experiment: str,
        backend: str | None = None,
        eval_infer: bool = False,
        resume_train: bool | str = False,
        copy_from: Sequence[Any] | bool = False,
        pseudo_copy_from: Sequence[Any] | bool = False,
        summary: bool = False,
        version: int | str | None = None,
        workspace: str | os.PathLike[str] = "workspace",
        verbose: int = 1,
        model: Any = None,
    ) -> None:
        Base.__init__(self, verbose, workspace, backend)
        self.Prototype(
            project, experiment, eval_infer, resume_train, copy_from, pseudo_copy_from, summary, version, model
        )
