"""Monk's `Analyse_*`: train an experiment for every value of one setting, and compare them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..catalog.analyses import PERCENT, AnalysisRow, of_setting
from ..records import EpochRow
from ..rules import OneOf, OrNone, Text
from ..runs import history, prune
from ..runs.file_names import HISTORY
from ..setting_ranges import EPOCHS_RANGE
from ..sweeps import sweep
from ..sweeps.searching import space
from .checks import api
from .compare import compare
from .exploration import ExplorationMethods
from .vocabulary import VocabularyMethods

KEEP_ALL, KEEP_NONE = "keep_all", "keep_none"
DEFAULT_EPOCHS = 2
STATES = OneOf((KEEP_ALL, KEEP_NONE))
Results = dict[str, dict[str, float]]


class AnalysisMethods(VocabularyMethods, ExplorationMethods):
    """`Analyse`, and the implementation of the methods `Analyse_*`, which `row_methods.py` generates."""

    @api
    def Analyse(
        self,
        field: str,
        values: Sequence[Any],
        analysis_name: str | None = None,
        percent_data: float = 100,
        num_epochs: int | None = None,
        state: str = KEEP_ALL,
    ) -> Results:
        """Train an experiment for every value of any setting, and compare them.

        Args:
            field: the setting by its dotted path, such as `"training.optimizer.params.learning_rate"` or `"data.input_size"`;
                the settings of a run are in its `experiment-state.json`.
            values: a list of values, each as the setting takes it.
            analysis_name: name of the project of these experiments; by default that of this project and of the setting.
            percent_data: share of the images of each class that is used, in %.
            num_epochs: of each; None: those of this experiment.
            state: `keep_all`, or `keep_none` to remove the experiments after they are compared.

        Each has the settings of the open experiment. A call that is repeated, for example after it was stopped, trains only what
        is not finished. For many settings at once see `Search`.

        Returns:
            As the other analyses: for each experiment the figures of its last epoch.

        Raises:
            UnknownArgument: there is no such setting. InvalidType, InvalidValue: a value that it does not take, or no list of
            values. All of these before anything is trained.
        """
        path = Text()("field", field)
        row = of_setting(path, lambda value: space.changes(self._experiment, {path: value}))
        project = self._experiment.run.state().project
        name = f"{project}-{path.rpartition('.')[2]}" if analysis_name is None else analysis_name
        epochs = OrNone(EPOCHS_RANGE)("num_epochs", num_epochs)
        given = {"analysis_name": name, "percent_data": percent_data, "state": state, row.argument: values}
        return self._analyse(row, given if epochs is None else {**given, "num_epochs": epochs}, None)

    def _analyse(
        self, row: AnalysisRow, values: Mapping[str, Any], usual_epochs: int | None = DEFAULT_EPOCHS
    ) -> Results:
        analysis_name, share = values["analysis_name"], PERCENT("percent_data", values["percent_data"])
        epochs = OrNone(EPOCHS_RANGE)("num_epochs", values.get("num_epochs", usual_epochs))
        keep = STATES("state", values.get("state", KEEP_ALL)) == KEEP_ALL
        experiment = self._experiment
        settings = experiment.requested_resolved()
        common: dict[str, Any] = {} if epochs is None else {"training.epochs": epochs}
        given = row.values(values[row.argument])
        changes = [row.changes(settings, value) for value in given]
        if share < 100:
            common["data.sources"] = tuple(self._sampled_sources(share))
        trials = [
            sweep.Trial(row.experiment(value), {**common, **own} if usual_epochs is None else {**own, **common})
            for value, own in zip(given, changes, strict=True)
        ]
        self._console.say(f"\nRunning {row.title} analysis")
        self._console.say(f"Analysis Name      : {analysis_name}\n")

        def announce(number: int, trial: sweep.Trial) -> None:
            self._console.say(f"Running experiment : {number}/{len(trials)}")
            self._console.say(f"Experiment name    : {trial.experiment}")

        outcomes = []
        for outcome in sweep.run(experiment, analysis_name, trials, self._console.say, self._display, announce):
            outcomes.append(outcome)
            self._say_outcome(outcome)
        return self._compare(analysis_name, outcomes, keep)

    def _say_outcome(self, outcome: sweep.Outcome) -> None:
        if outcome.problem:
            self._console.say(f"Experiment failed  : {outcome.problem}\n\n")
        else:
            self._console.say("Experiment Complete\n\n" if outcome.trained_now else "Trained earlier, not repeated\n\n")

    def _compare(self, analysis_name: str, outcomes: Sequence[sweep.Outcome], keep: bool) -> Results:
        trained = [outcome for outcome in outcomes if not outcome.problem]
        results = {o.trial.experiment: _figures(o) for o in outcomes}
        if trained:
            name = f"Comparison_{analysis_name}"
            self._console.say("Comparing Experiments")
            self._console.say(f"Comparison ID:      {name}")
            compared = compare(verbose=0, workspace=self._opened.workspace.root)
            compared.Comparison(name)
            for outcome in trained:
                compared.Add_Experiment(analysis_name, outcome.trial.experiment, outcome.run.version)
            compared.Generate_Statistics()
        self._console.say("Generated statistics post all epochs")
        self._console.table([_row(name, figures) for name, figures in results.items()], tablefmt="orgtbl")
        if not keep:
            prune.remove_runs(self._opened.workspace, [o.run for o in outcomes], self._console.say)
        return results


def _figures(outcome: sweep.Outcome) -> dict[str, float]:
    """The figures of the last epoch and the seconds of training; NaN if no epoch was trained."""
    rows: Sequence[EpochRow] = () if outcome.problem else history.read(outcome.run.logs / HISTORY)
    last = rows[-1] if rows else None
    return {
        "training_accuracy": last.train_accuracy if last else math.nan,
        "validation_accuracy": last.val_accuracy if last else math.nan,
        "training_loss": last.train_loss if last else math.nan,
        "validation_loss": last.val_loss if last else math.nan,
        "training_time": sum(row.seconds for row in rows) if rows else math.nan,
    }


def _row(name: str, figures: dict[str, float]) -> dict[str, str]:
    return {
        "Experiment Name": name,
        "Train Acc": f"{figures['training_accuracy']:.4f}",
        "Val Acc": f"{figures['validation_accuracy']:.4f}",
        "Train Loss": f"{figures['training_loss']:.4f}",
        "Val Loss": f"{figures['validation_loss']:.4f}",
    }
