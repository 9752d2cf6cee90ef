"""`Ensemble`: several trained runs that predict together, by the mean of their scores."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..data.image_input import images_in
from ..errors import InvalidType, InvalidValue, shown
from ..evaluation import Evaluation
from ..image_predictor import Asked, Prediction
from ..inference import Predictor
from ..mean_scores import logits_of_mean
from ..opening_modes import is_given
from ..printable import printable
from ..reports.evaluation_charts import interval_text
from ..rules import PathText, Whole
from ..runs.workspace import Workspace
from . import evaluation_messages
from .checks import api
from .class_accuracies import class_accuracies
from .console import Console
from .dataset import LabelColumn, Paths, TableColumns, Tables, test_source
from .evaluated import Evaluated

logger = logging.getLogger("monklite")


class Ensemble:
    """Trained runs with the same classes that predict together: the score of a class is the mean of theirs.

    Operating points and limits of what is unsure, which are of one run, do not hold here. Nothing is stored.

    Args:
        runs: `[project, experiment]` or `[project, experiment, version]` of each, at least two; by default the newest trained
            version. workspace: that they are in. verbose: 0 prints nothing.

    Raises:
        UnknownName: no such run. NotFound, NotReady: it is not trained. InvalidValue: fewer than two, or of other classes.
    """

    @api
    def __init__(self, runs: Sequence[Any], workspace: str | os.PathLike[str] = "workspace", verbose: int = 1) -> None:
        self._console = Console(int(verbose) if isinstance(verbose, bool) else Whole(least=0)("verbose", verbose))
        self._workspace = Workspace(PathText()("workspace", workspace))
        self._members = [self._predictor(run) for run in _checked(runs)]
        tasks = [member.usual_task for member in self._members]
        self._task = tasks[0]
        for member, task in zip(self._members, tasks, strict=True):
            if (task.name, task.activation, task.classes) != (
                self._task.name,
                self._task.activation,
                self._task.classes,
            ):
                raise InvalidValue(
                    f"{member.run} has other classes than {self._members[0].run}: all runs of an ensemble have the same"
                )

    def _predictor(self, place: Sequence[Any]) -> Predictor:
        project, experiment, *version = place
        run = self._workspace.find(project, experiment, version[0] if version else None, trained=True)
        member = Predictor(run, self._workspace.cache)
        # what was decided for one run is not decided for all
        member.task, member.point, member.certainty = member.usual_task, None, None
        return member

    @api
    def Infer(self, img_name: Any = False, img_dir: Any = False) -> dict[str, Any] | list[dict[str, Any]]:
        """Predict one image, several images, or every image of a folder. Arguments and result as of `Prototype.Infer`.

        Raises:
            NotFound: no such file or folder. UnreadableImage: the file is damaged or not an image. InvalidType, InvalidValue: not
            an image.
        """
        if is_given(img_name) == is_given(img_dir):
            raise InvalidType("give one: Infer(img_name='image file') or Infer(img_dir='folder')")
        argument, value = ("img_name", img_name) if is_given(img_name) else ("img_dir", img_dir)
        if is_given(img_name) and images_in(value, argument, False) is None:
            return next(self._together([[member.predict(value, argument)] for member in self._members]))
        # each member reads them
        source = value if isinstance(value, (str, os.PathLike)) else list(value)
        problems: dict[str, str] = {}
        streams = [list(member.stream(source, problems.__setitem__, None, argument)) for member in self._members]
        for problem in problems.values():
            logger.warning("left out: %s", printable(problem))
        return list(self._together(streams))

    def _together(self, streams: Sequence[list[Prediction]]) -> Iterator[dict[str, Any]]:
        for same in zip(*streams, strict=True):
            logits = logits_of_mean(self._task, [prediction.logits[None] for prediction in same])
            answer = self._task.as_dict(self._task.scores(logits)[0], self._task.predicted(logits)[0])
            yield {"img_name": same[0].name, **answer}

    @api
    def Evaluate(
        self,
        dataset_path: Paths = False,
        path_to_csv: Tables = False,
        delimiter: str = ",",
        label_delimiter: str | None = None,
        path_column: str | None = None,
        label_column: LabelColumn = None,
    ) -> Evaluated:
        """Predict a whole test set. Arguments as of `Prototype.Dataset_Params`, result as of `Prototype.Evaluate`.

        Raises:
            NotFound, DatasetError: the images cannot be used.
        """
        columns = TableColumns.checked(delimiter, label_delimiter, path_column, label_column)
        source = test_source(dataset_path, path_to_csv, columns, self._workspace.root)
        found = [self._logits(member, source) for member in self._members]
        evaluation, data, _ = found[0]
        logits = logits_of_mean(self._task, [each for _, _, each in found])
        result = evaluation.judged(data, evaluation.source or source, self._task, logits)
        assert evaluation.figures is not None
        deciding = evaluation.figures.overall[self._task.deciding_figure]
        self._console.say(
            f"    {self._task.deciding_title} of the mean of {len(found)} networks: {interval_text(deciding, 100, 1)} %"
        )
        evaluation_messages.figures(self._console, evaluation.figures, None, None)
        return Evaluated(100 * result.accuracy, class_accuracies(result, self._task.exclusive), evaluation.figures)

    def _logits(self, member: Predictor, source: Any) -> tuple[Evaluation, Any, np.ndarray]:
        evaluation, tick = Evaluation(member), self._console.ticker("    testing")
        evaluation.use(source)
        data = evaluation.prepare(tick)
        return evaluation, data, evaluation.logits(data, tick, Asked(self._task))

    def __repr__(self) -> str:
        return f"<Ensemble: {', '.join(str(member.run) for member in self._members)}>"


def _checked(runs: Any) -> list[Sequence[Any]]:
    if isinstance(runs, str) or not isinstance(runs, Sequence) or len(runs) < 2:
        raise InvalidValue(
            f"an ensemble is of two runs or more: Ensemble([[project, experiment], [project, experiment]]), not {shown(runs)}"
        )
    for run in runs:
        if isinstance(run, str) or not isinstance(run, Sequence) or len(run) not in (2, 3):
            raise InvalidType(f"a run is [project, experiment] or [project, experiment, version], not {shown(run)}")
    return list(runs)
