"""`compare`: compare experiments by accuracy, time and memory."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InvalidValue, NotReady, StorageError
from ..reports import comparison, report, table
from ..rules import PathText, Whole
from ..runs.file_names import REPORT
from ..runs.run import Run
from ..runs.workspace import Workspace
from .checks import api
from .console import Console

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger("monklite")


class compare:
    """Compare experiments of any project and backend; needs no framework.

    Args:
        verbose: 0 prints nothing.
        workspace: the folder that the experiments are in.
    """

    @api
    def __init__(self, verbose: int = 1, workspace: str | os.PathLike[str] = "workspace") -> None:
        self.verbose = verbose if isinstance(verbose, bool) else Whole(least=0)("verbose", verbose)
        self._workspace = Workspace(PathText()("workspace", workspace))
        self._console = Console(int(self.verbose))
        self._name: str | None = None
        self._runs: list[Run] = []
        # why the last files could not be written; empty if they were
        self._unsaved = ""

    @api
    def Comparison(self, comparison_name: str) -> None:
        """Start a comparison; its files are written to `workspace/comparison/<comparison_name>/`."""
        self._workspace.comparison(comparison_name)
        self._name, self._runs = comparison_name, []
        self._console.say(f"Comparison: - {comparison_name}")

    @api
    def Add_Experiment(self, project_name: str, experiment_name: str, version: int | str | None = None) -> None:
        """Add the newest trained version of an experiment, or the given version.

        Raises:
            UnknownName: there is no such project, experiment or version.
        """
        run = self._workspace.find(project_name, experiment_name, version, prefer=[Run.is_trained])
        if run.folder in [r.folder for r in self._runs]:
            raise InvalidValue(f"{run} is in the comparison already")
        self._runs.append(run)
        self._console.say(f"Project - {project_name}, Experiment - {experiment_name} ({run.folder.name}) added")

    @api
    def Generate_Statistics(self) -> pd.DataFrame:
        """Write charts, `comparison.csv` and `report.html`, and print the table. Where they cannot be written, that is said.

        Returns:
            The rows of `comparison.csv`: accuracies in %, times in s, memory in MiB; NaN where a run has no value, for which the
            file has `NA`.

        Raises:
            NotReady: no name or no experiment was given, or none of them can be read.
        """
        import pandas as pd

        if self._name is None or not self._runs:
            raise NotReady("start with Comparison('name') and Add_Experiment('project', 'experiment')")
        self._console.say("Generating statistics...")
        left_out: list[str] = []
        entries = comparison.collect(self._runs, warn=left_out.append)
        if not entries:
            raise NotReady(f"none of the {len(self._runs)} runs can be read; the first: {left_out[0]}")
        folder = self._workspace.comparison(self._name)
        described = report.describe(entries, left_out)
        try:
            report.write(folder, entries, described)
            self._unsaved = ""
        # the workspace may be read-only; the table is returned nevertheless
        except StorageError as error:
            self._unsaved = str(error)
        self._console.table(table.overview(entries))
        for text in (*described.verdicts, *described.warnings):
            self._console.say(f"    {text}")
        self._say_where(folder / REPORT)
        frame = pd.DataFrame(described.rows)
        # columns with a missing value hold None, which cannot be sorted
        return frame.where(frame.notna(), float("nan")).infer_objects()

    def _say_where(self, page: Path) -> None:
        if not self._unsaved:
            self._console.say(f"\nGenerated: {page}\n")
        elif self._console.verbose:
            self._console.say(f"\nNote: the files of this comparison are missing or those of before: {self._unsaved}\n")
        else:
            # a missing report must not pass in silence
            logger.warning("the files of this comparison are missing or those of before: %s", self._unsaved)
