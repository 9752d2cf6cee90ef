"""`compare`: compare experiments by accuracy, time and memory."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InvalidType, InvalidValue, MonkliteError, NotFound, NotReady, StorageError, cut
from ..reports import comparison, report, table
from ..reports.explanations import explanations
from ..reports.known_tests import KnownTest
from ..rules import PathText, Whole
from ..runs import evaluations
from ..runs.file_names import REPORT, check_name
from ..runs.run import Run
from ..runs.workspace import Workspace
from .checks import api
from .console import Console

if TYPE_CHECKING:
    import pandas as pd

    from ..evaluation import Evaluation
    from ..spec import Source
    from .dataset import Paths, Tables

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
        # for a notebook; empty until there are statistics
        self._html = ""

    @api
    def Comparison(self, comparison_name: str) -> None:
        """Start a comparison; its files are written to `workspace/comparison/<comparison_name>/`."""
        self._workspace.comparison(comparison_name)
        self._name, self._runs, self._html = comparison_name, [], ""
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
    def Generate_Statistics(
        self,
        test: Paths = None,
        path_to_csv: Tables = None,
        delimiter: str = ",",
        evaluation: str | None = None,
    ) -> pd.DataFrame:
        """Write charts, tables and `report.html`, and print the table and verdicts. Where they cannot be written, that is said.

        Args:
            test: a folder of test images: every experiment is tested on it first, as by `Evaluate()`, which needs its backend. By
                default the tests that the experiments have are compared: of several, the one of the images that most of them were
                tested on, the newest of those.
            path_to_csv, delimiter: a table of the test images, as in `Dataset_Params`.
            evaluation: the name of the evaluation that is compared, or, with `test`, that a new one gets.

        Returns:
            The rows of `comparison.csv`: accuracies in %, times in s, memory in MiB; NaN where a run has no value, for which the
            file has `NA`.

        Raises:
            NotReady: no name or no experiment was given, or none of them can be read. NotFound: there is no such test folder, or
            no experiment has such an evaluation.
        """
        if self._name is None or not self._runs:
            raise NotReady("start with Comparison('name') and Add_Experiment('project', 'experiment')")
        is_wanted, left_out = self._wanted(test, path_to_csv, delimiter, evaluation)
        self._console.say("Generating statistics...")
        entries = comparison.collect(self._runs, left_out.append, True, is_wanted)
        if not entries:
            raise NotReady(f"none of the {len(self._runs)} runs can be read; the first: {left_out[0]}")
        folder = self._workspace.comparison(self._name)
        described = report.describe(entries, left_out)
        missing = self._write(folder, entries, described)
        self._html = report.fragment(entries, described)
        self._show(entries, described, missing)
        self._say_where(folder / REPORT)
        return _frame(described.rows)

    def _repr_html_(self) -> str:
        """The table and the verdicts of the last statistics, in a notebook."""
        return self._html or f"<p>Experiments added: {len(self._runs)}. Generate_Statistics() compares them.</p>"

    def _wanted(
        self, folder: Paths, table: Tables, delimiter: str, name: str | None
    ) -> tuple[Callable[[KnownTest], bool], list[str]]:
        """Which tests are to be shown before others, and, where the runs are tested first, why some could not be.

        Raises:
            NotFound: no run has an evaluation of this name. MonkliteError: none of the runs could be tested; the first error.
        """
        if name is not None:
            check_name("evaluation", name)
        if folder is None or folder is False:
            if table is not None and table is not False:
                raise InvalidType("path_to_csv goes with test=, the folder of the test images")
            if name is not None:
                self._check_evaluation(name)
            return (lambda test: test.name == name), []
        contents, problems = self._test(PathText()("test", folder), table, delimiter, name)
        return (lambda test: test.result.content in contents), problems

    def _check_evaluation(self, name: str) -> None:
        known = {own for run in self._runs for own in evaluations.names(run)}
        if name not in known:
            raise NotFound(f"no experiment has an evaluation {name!r}. Evaluations: {cut(', '.join(sorted(known)))}")

    def _test(self, folder: str, table: Tables, delimiter: str, name: str | None) -> tuple[set[str], list[str]]:
        """Test every run on a test set; returns what its images are, and why some runs could not be tested."""
        # loaded only to test: without it, a comparison begins in half the time
        from .dataset import TableColumns, test_source

        columns = TableColumns.checked(delimiter, None, None, None)
        source = test_source(folder, table, columns, self._workspace.root)
        contents: set[str] = set()
        problems: list[str] = []
        errors: list[MonkliteError] = []
        for run in self._runs:
            self._console.say(f"Testing {run}")
            try:
                evaluation = self._test_run(run, source, name)
            except MonkliteError as error:
                errors.append(error)
                problems.append(f"{run} could not be tested: {error}")
                continue
            contents |= {evaluation.figures.content} if evaluation.figures else set()
            if evaluation.unsaved:
                problems.append(f"the test of {run} could not be stored, so it is not shown: {evaluation.unsaved}")
        if len(errors) == len(self._runs):
            raise errors[0]
        return contents, problems

    def _test_run(self, run: Run, source: Source, name: str | None) -> Evaluation:
        """Test a run as `Evaluate()` does."""
        from ..evaluation import Evaluation
        from ..inference import Predictor

        evaluation = Evaluation(Predictor(run, self._workspace.cache))
        evaluation.use(source)
        evaluation.prepare(self._console.ticker("    reading images"))
        evaluation.run(self._console.ticker("    testing"), name=name)
        return evaluation

    def _write(self, folder: Path, entries: Sequence[comparison.Entry], described: report.Report) -> list[str]:
        """Write the files; returns why test images could not be shown."""
        try:
            missing, self._unsaved = report.write(folder, entries, described), ""
            return missing
        # the workspace may be read-only; the table is returned nevertheless
        except StorageError as error:
            self._unsaved = str(error)
            return []

    def _show(self, entries: Sequence[comparison.Entry], described: report.Report, missing: Sequence[str]) -> None:
        self._console.table(table.overview(entries))
        if len(described.settings) > 1:
            self._console.say("Settings that differ")
            self._console.table(described.settings)
        for text in (*described.verdicts, *described.warnings):
            self._console.say(f"    {text}")
        # that p is adjusted says something of several pairs only
        for text in explanations(described.pairs, described.verdicts)[: min(len(described.pairs), 2)]:
            self._console.say(f"    {text}")
        if missing:
            more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
            self._console.say(f"    Test images that cannot be shown: {missing[0]}{more}")

    def _say_where(self, page: Path) -> None:
        if not self._unsaved:
            self._console.say(f"\nGenerated: {page}\n")
        elif self._console.verbose:
            self._console.say(f"\nNote: the files of this comparison are missing or those of before: {self._unsaved}\n")
        else:
            # a missing report must not pass in silence
            logger.warning("the files of this comparison are missing or those of before: %s", self._unsaved)


def _frame(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame(rows)
    # columns with a missing value hold None, which cannot be sorted
    return frame.where(frame.notna(), float("nan")).infer_objects()
