"""k-fold cross-validation in one call."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..errors import InvalidValue, shown
from ..figures import NO_INTERVAL, Estimate
from ..group_rule import GroupText
from ..rules import ListOf, OrNone, Whole
from ..runs.file_names import check_name
from ..setting_ranges import EPOCHS_RANGE, FOLDS_RANGE, SEED_RANGE
from ..sweeps import cross_validation, sweep
from ..sweeps.cross_validation import Fold
from ..tasks import FIGURE_TITLES
from .base import Base
from .checks import api

K_RANGE = Whole(least=2, most=FOLDS_RANGE.most)
REPETITIONS_RANGE = Whole(least=1, most=1000)


class CrossValidationMethods(Base):
    """`Cross_Validate`."""

    @api
    def Cross_Validate(
        self,
        k: int = 5,
        group: str | bool | None = None,
        seeds: int | Sequence[int] = 1,
        num_epochs: int | None = None,
    ) -> dict[str, Any]:
        """Train `k` times, each time validating with another `k`-th of the images, and average: for data too few for one split.

        Args:
            k: the number of folds. Each image is validated with once; copies of an image and images of a group stay together.
            group: as in `Dataset_Params`; by default as it was given there.
            seeds: how often the images are divided anew, with seeds from the experiment's own on, or these seeds. Each gives
                another division and another training.
            num_epochs: of each training; by default those of the experiment.

        Each fold is a version of the experiment `<experiment>-<k>fold`, with the settings of this one, and can be evaluated and
        compared like any other. A call that is repeated trains only what is not finished. The figure of a fold is that of its
        last epoch: the best epoch is chosen on the fold's own images, on which it looks better than on others.

        Returns:
            `{"figure", "mean(%)", "spread(%)", "low(%)", "high(%)", "num_images", "folds"}`: the mean over all folds, their
            standard deviation, and the 95 % interval of the mean, which takes into account that folds share training images
            (Nadeau and Bengio 2003); NaN if all folds have the same figure. `folds`: a list of the version, fold, seed, number
            of images and figure of each.

        Raises:
            NotReady: no dataset is given. DatasetError: a class has fewer images, or groups of images, than there are folds.
            InvalidValue: there is a validation set already, or the images have no such group. All of these before a fold is made.
            TrainingFailed: a fold could not be trained.
        """
        n_folds, epochs = K_RANGE("k", k), OrNone(EPOCHS_RANGE)("num_epochs", num_epochs)
        experiment = self._experiment
        numbers = _seeds(seeds, experiment.requested.data.split_seed)
        state = experiment.run.state()
        name = check_name("experiment", f"{state.experiment}-{n_folds}fold")
        by = None if group is None else GroupText()("group", group)
        trials = cross_validation.trials(name, n_folds, numbers, by, epochs)

        def announce(number: int, trial: sweep.Trial) -> None:
            fold = trial.changes["data.fold"] + 1
            self._console.say(f"\nFold {fold} of {n_folds}, seed {trial.changes['seed']} ({number}/{len(trials)})")

        if experiment.requested.training.early_stopping:
            self._console.say(
                "    Note: early stopping ends a training by the images of its fold, which makes its last epoch look too good\n"
            )
        cross_validation.check(experiment, state.project, trials[0], self._console.ticker("    reading images"))
        outcomes = list(sweep.run(experiment, state.project, trials, self._console.say, self._display, announce))
        folds = list(cross_validation.results(outcomes))
        result = cross_validation.estimate(folds, n_folds)
        rows = [_row(fold) for fold in folds]
        self._console.say()
        self._console.table(rows)
        self._console.say(_sentence(folds, n_folds, result))
        self._console.say(f"    Each fold is a version of {state.project}/{name}\n")
        return {
            "figure": folds[0].figure_name,
            "mean(%)": 100 * result.value,
            "spread(%)": 100 * cross_validation.spread(folds),
            "low(%)": 100 * result.low,
            "high(%)": 100 * result.high,
            "num_images": result.count,
            "folds": rows,
        }


def _seeds(seeds: int | Sequence[int], first: int) -> tuple[int, ...]:
    """The seeds of the divisions: as given, or so many from `first` on."""
    if isinstance(seeds, Sequence) and not isinstance(seeds, str):
        numbers = ListOf(SEED_RANGE)("seeds", seeds)
        if not numbers or len({*numbers}) < len(numbers):
            raise InvalidValue(f"seeds must be different numbers, at least one, not {shown(seeds)}")
        return tuple(numbers)
    return tuple(range(first, first + REPETITIONS_RANGE("seeds", seeds)))


def _row(fold: Fold) -> dict[str, Any]:
    return {
        "version": fold.version,
        "fold": fold.number,
        "seed": fold.seed,
        "num_images": fold.n_val,
        f"{fold.figure_name}(%)": 100 * fold.figure,
    }


def _sentence(folds: Sequence[Fold], k: int, result: Estimate) -> str:
    title, n = FIGURE_TITLES[folds[0].figure_name], len(folds)
    trainings = f"{n} trainings, {k} folds of {result.count} images"
    if math.isnan(result.value):
        return f"{title} is NaN in at least one of {trainings}: a fold had nothing to compute it from"
    if result.method == NO_INTERVAL:
        return f"{title} {100 * result.value:.1f} % in each of {trainings}, so that no interval can be computed"
    return (
        f"{title} {100 * result.value:.1f} %, 95 % interval {100 * result.low:.1f} to {100 * result.high:.1f} (mean of "
        f"{trainings}; standard deviation {100 * cross_validation.spread(folds):.1f} points)"
    )
