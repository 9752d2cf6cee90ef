"""DVCLive: a folder of tables for each run; nothing is added to a repository of Git or DVC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..files import make_folder
from .tracked import Tracked


class DvcliveTracker:
    """See `Tracker`."""

    def __init__(self, run: Tracked, known: str) -> None:
        from dvclive import Live

        folder = run.folder("dvclive")
        make_folder(folder)
        self.id = self.where = str(folder)
        # a new one removes what is in its folder, which is that of this version only
        self._live = Live(self.where, resume=known == self.id, report=None, save_dvc_exp=False, dvcyaml=False)
        if known != self.id:
            self._live.log_params({**run.settings, **run.facts})

    def epoch(self, number: int, figures: Mapping[str, float], moment: float) -> None:
        self._live.step = number
        for name, value in figures.items():
            self._live.log_metric(name, value)
        self._live.make_summary()

    def end(self, status: str, summary: Mapping[str, float], files: Sequence[Path]) -> None:
        for name, value in summary.items():
            self._live.log_metric(name, value, plot=False)
        self._live.summary["status"] = status
        self._live.make_summary()
        self._live.end()
