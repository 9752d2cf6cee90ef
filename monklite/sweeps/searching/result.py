"""The result of a search: its trials, the best of them, and how good that is without the luck of the choice."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...errors import TrainingFailed
from ...figures import Estimate
from ...runs.run import Run
from ...statistics.judged import Judged
from ...statistics.overall import FIGURES
from ...statistics.selection_bias import UNKNOWN, Corrected
from ...tasks import FIGURE_TITLES
from ...validated import Validated, best_of_all, read
from . import study as studies
from .search import LOSS, Search

if TYPE_CHECKING:
    import optuna

# trials whose importances mean something
LEAST_IMPORTANCES = 5


@dataclass(frozen=True)
class Searched:
    """One trial. `state`: `trained`, `pruned`, `failed` or `running`. `value`: of the metric, NaN if it has none."""

    number: int
    state: str
    value: float
    values: Mapping[str, Any]
    run: str
    problem: str
    seconds: float


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    `best`: the run with the best metric. `figure`: its deciding figure on validation with the interval. `corrected`: that figure
    as it is expected on other images, without the luck of the choice, with its interval; NaN if it is not known. `importances`:
    setting -> share of the differences that it explains. `experiment`: the one that the best becomes. `page`: the path of the
    report.
    """

    name: str
    metric: str
    trials: tuple[Searched, ...]
    best: Run
    best_number: int
    figure_name: str
    figure: Estimate
    corrected: Corrected
    importances: Mapping[str, float]
    experiment: str
    page: str = ""

    @property
    def table(self) -> list[dict[str, Any]]:
        """One row for each trial, the best first."""
        low_is_good = self.metric == LOSS
        ordered = sorted(
            self.trials,
            key=lambda t: (math.isnan(t.value), t.value if low_is_good else -t.value if t.value == t.value else 0),
        )
        return [_row(trial, self.metric) for trial in ordered]

    @property
    def _compared(self) -> str:
        trained = sum(trial.state == "trained" for trial in self.trials)
        others = len(self.trials) - trained
        return f"{trained} trials{f' that were trained to their end, of {len(self.trials)}' if others else ''}"

    @property
    def sentence(self) -> str:
        """The best, and how much of its figure is luck."""
        title = FIGURE_TITLES[self.figure_name]
        figure = f"{100 * self.figure.value:.1f} % (95 % interval {100 * self.figure.low:.1f} to {100 * self.figure.high:.1f})"
        found = (
            f"Trial {self.best_number} ({self.best}) is the best of {self._compared}: {title} {figure} on validation"
        )
        if math.isnan(self.corrected.value):
            return f"{found}. It was chosen on these images, so expect less on others; judge it on a test set"
        return (
            f"{found}. It was chosen on these images, on which the best of many looks better than it is: on others, expect about "
            f"{self.corrected}. Only a test set that was never looked at tells"
        )

    def __repr__(self) -> str:
        return f"<SearchResult: {self.sentence}>"

    def _repr_html_(self) -> str:
        """The sentence and the trials, in a notebook."""
        # loaded only where it is shown
        from ...reports.pages import render

        return render("choice.html", reasons=[self.sentence], rows=self.table)


def _row(trial: Searched, metric: str) -> dict[str, Any]:
    shown = "" if math.isnan(trial.value) else f"{trial.value:.4f}" if metric == LOSS else f"{100 * trial.value:.1f} %"
    title = "Loss" if metric == LOSS else FIGURE_TITLES[metric]
    values = {
        path.removeprefix("training.").removeprefix("data."): _short(value) for path, value in trial.values.items()
    }
    return {"trial": trial.number, title: shown, "state": trial.state, **values, "run": trial.run, "why": trial.problem}


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def result(search: Search, study: optuna.Study) -> SearchResult:
    """The result of a search so far.

    Raises:
        TrainingFailed: no trial was trained to its end.
    """
    workspace, project, experiment = search.base.workspace, search.project, search.experiment
    frozen = [t for t in study.get_trials(deepcopy=False) if studies.is_over(t)]
    trials = tuple(_searched(t, search) for t in frozen)
    trained = [t for t in trials if t.state == "trained" and not math.isnan(t.value)]
    if not trained:
        problem = next((t.problem for t in trials if t.problem), "they were stopped")
        raise TrainingFailed(f"no trial of the search was trained to its end: {problem}")
    best = (min if search.metric == LOSS else max)(trained, key=lambda t: t.value)
    run = workspace.find(project, experiment, best.run)
    own = _validated(run)
    # chosen by something else, the best is not the best by the deciding figure
    by_figure = search.metric == own.task.deciding_figure
    same = [_validated(other) for other in _of_same_images(run, trained, search)] if by_figure else []
    return SearchResult(
        experiment,
        search.metric,
        trials,
        run,
        best.number,
        own.task.deciding_figure,
        FIGURES[own.task.deciding_figure](Judged.of(*own), []),
        best_of_all(same) if same else UNKNOWN,
        _importances(study, search.wish.seed),
        search.best_experiment,
    )


def _searched(trial: optuna.trial.FrozenTrial, search: Search) -> Searched:
    from optuna.trial import TrialState

    states = {TrialState.COMPLETE: "trained", TrialState.PRUNED: "pruned"}
    value = trial.value if trial.value is not None else math.nan
    seconds = trial.duration.total_seconds() if trial.duration else 0.0
    run, problem = trial.user_attrs.get(studies.RUN, ""), trial.user_attrs.get(studies.PROBLEM, "")
    return Searched(trial.number, states.get(trial.state, "failed"), value, dict(trial.params), run, problem, seconds)


def _validated(run: Run) -> Validated:
    state = run.state()
    assert state.results is not None
    return read(run, state, state.results.best_epoch)


def _of_same_images(best: Run, trained: Sequence[Searched], search: Search) -> list[Run]:
    """The runs that were trained to their end and validated with the images of the best one."""
    wanted = best.state().dataset
    runs = [search.base.workspace.find(search.project, search.experiment, trial.run) for trial in trained]
    known = [(run, run.state().dataset) for run in runs]
    return [
        run
        for run, dataset in known
        if dataset and wanted and (dataset.content, dataset.val_counts) == (wanted.content, wanted.val_counts)
    ]


def _importances(study: optuna.Study, seed: int) -> dict[str, float]:
    """The shares of the settings, by functional analysis of variance (Hutter, Hoos and Leyton-Brown 2014)."""
    import optuna

    trials = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    if len(trials) < LEAST_IMPORTANCES or len({trial.value for trial in trials}) < 2:
        return {}
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=seed)
    return dict(optuna.importance.get_param_importances(study, evaluator=evaluator))
