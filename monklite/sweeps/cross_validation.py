"""k-fold cross-validation: the trials of a sweep over the folds, and the figure of each fold."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..data import dataset_csv
from ..data.cache import Tick
from ..errors import DamagedFile, DatasetError, TrainingFailed
from ..experiment import Experiment
from ..figures import Estimate
from ..runs import history
from ..runs.file_names import HISTORY, SAMPLES
from ..statistics import cross_validation
from .sweep import Outcome, Trial


@dataclass(frozen=True)
class Fold:
    """The result of one fold. `number`: from 1. `figure`: of the last epoch on the fold's images, by `figure_name`, 0 to 1."""

    version: int
    number: int
    seed: int
    n_val: int
    figure_name: str
    figure: float


def trials(experiment: str, k: int, seeds: Sequence[int], group: str | None, epochs: int | None) -> list[Trial]:
    """One trial per fold and seed, all of them versions of one experiment. `group`, `epochs`: None: as they are."""
    common = {name: value for name, value in (("data.group", group), ("training.epochs", epochs)) if value is not None}
    return [
        Trial(experiment, {"data.folds": k, "data.fold": fold, "data.split_seed": seed, "seed": seed, **common})
        for seed in seeds
        for fold in range(k)
    ]


def check(base: Experiment, project: str, trial: Trial, tick: Tick | None = None) -> None:
    """Read the images and divide them as a fold would, unless one was made before: what is wrong is told before any is made.

    Raises:
        MonkliteError: the images cannot be read, grouped or divided so.
    """
    if not base.workspace.versions(project, trial.experiment):
        base.check_data(trial.changes, tick)


def results(outcomes: Sequence[Outcome]) -> Iterator[Fold]:
    """The result of each fold.

    Raises:
        DatasetError: the folds are of different images. DamagedFile: a record is missing. TrainingFailed: a fold was not trained
        to its end.
    """
    images: bytes | None = None
    for outcome in outcomes:
        if outcome.problem:
            raise TrainingFailed(
                f"{outcome.run} was not trained to its end, so there is no figure for all folds: {outcome.problem}. The same "
                "call goes on with the folds that are missing"
            )
        state = outcome.run.state()
        rows = history.read(outcome.run.logs / HISTORY)
        if state.results is None or state.dataset is None or not rows:
            raise DamagedFile(f"{outcome.run} is done, but its results are missing: remove it, then call again")
        own = np.sort(dataset_csv.read_digests(outcome.run.folder / SAMPLES, state.dataset)).tobytes()
        if images not in (None, own):
            raise DatasetError(
                f"the images have changed since the first folds were trained: {outcome.run} is of others. Remove the folder "
                f"{outcome.run.folder.parent}, or give the experiment another name, and call again"
            )
        images = own
        data, name = state.asked.data, state.results.figure
        yield Fold(state.version, data.fold + 1, data.split_seed, state.dataset.n_val, name, rows[-1].figure(name))


def estimate(folds: Sequence[Fold], k: int) -> Estimate:
    """The mean over the folds with its interval."""
    n_images = sum(fold.n_val for fold in folds if fold.seed == folds[0].seed)
    return cross_validation.mean([fold.figure for fold in folds], 1 / k, n_images)


def spread(folds: Sequence[Fold]) -> float:
    """The standard deviation of the figure over the folds."""
    return statistics.stdev(fold.figure for fold in folds)
