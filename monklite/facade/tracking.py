"""Trackers that are told of the trainings."""

from __future__ import annotations

from collections.abc import Sequence

from ..rules import ListOf, Text
from ..trackers.table import by_name
from .base import Base
from .checks import api


class TrackingMethods(Base):
    """`update_trackers`."""

    @api
    def update_trackers(self, trackers: str | Sequence[str] | None) -> None:
        """Tell trackers of the trainings of this experiment: its settings, the figures of each epoch, the end and small files.

        Args:
            trackers: one or several of `mlflow`, `tensorboard`, `wandb`, `dvclive`; `[]`: none; None: those that the environment
                switches on (`MONKLITE_TRACKERS=mlflow,tensorboard`, or a variable of the tracker such as `MLFLOW_TRACKING_URI`),
                which is what happens without this call.

        They write into the workspace, in `.trackers`, unless their own variables name another place; nothing is sent over the
        network unless those say so. A tracker that fails is told once, and the training goes on. Trials of `Search`, `Analyse`
        and `Cross_Validate` are runs of their own there. `monklite export-to mlflow PROJECT` writes runs of before.

        Raises:
            UnknownName: there is no such tracker. MissingPackage: it is not installed; the message names the extra.
        """
        experiment = self._experiment
        if trackers is None:
            experiment.trackers = None
            return
        names = ListOf(Text())("trackers", (trackers,) if isinstance(trackers, str) else trackers)
        for name in names:
            by_name(name).check()
        experiment.trackers = tuple(names)
