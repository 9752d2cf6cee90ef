"""`Search`: the best settings of an experiment, by trials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..durations import in_seconds
from ..errors import InvalidValue, find, shown
from ..opening_modes import is_given
from ..reports import search_page
from ..rules import Flag, Number, OneOf, OrNone, Text, Whole
from ..runs import duplicating
from ..setting_ranges import EPOCHS_RANGE, SEED_RANGE
from ..sweeps.cluster import connection
from ..sweeps.cluster import search as cluster_search
from ..sweeps.cluster.connection import Share
from ..sweeps.searching import space as spaces
from ..sweeps.searching import study
from ..sweeps.searching.result import SearchResult, result
from ..sweeps.searching.search import LOSS, Search, Wish
from ..tasks import TASKS
from .checks import api
from .dataset import DatasetMethods, Paths
from .evaluation import EvaluationMethods
from .opening import OpeningMethods

TRIALS_RANGE = OrNone(Whole(least=1, most=100_000))
NAME = Text(most=60)


class SearchMethods(OpeningMethods, EvaluationMethods, DatasetMethods):
    """`Search`."""

    @api
    def Search(
        self,
        trials: int | None = None,
        time: str | None = None,
        space: Mapping[str, Any] | None = None,
        metric: str | None = None,
        prune: bool = True,
        seed: int = 0,
        num_epochs: int | None = None,
        test: Paths = None,
        name: str = "search",
        on: str | None = None,
        cpus_per_trial: float = 1,
        gpus_per_trial: float | None = None,
    ) -> SearchResult:
        """Search for the best settings of this experiment: trials that learn from each other (TPE), by Optuna.

        Args:
            trials: how many in all; the same call again goes on, and repeats none. None: until `time` is over, or 20.
            time: of this call, such as "30min" or "1h 30min"; the trial that is being trained then is finished.
            space: the settings that vary, by dotted path: a list of choices, or `(low, high)`, or `(low, high, "log")`, such as
                `{"training.optimizer.params.learning_rate": (1e-4, 1e-1, "log"), "model.name": ["resnet18", "densenet121"]}`.
                None: learning rate, weight decay, network, input size, augmentation, freezing, label smoothing.
            metric: on the validation images: `accuracy`, or `f1` with several labels, or `loss`; None: the first that fits.
            prune: end trials early that are clearly behind others at the same epoch (asynchronous successive halving).
            seed: of the search; that of the trainings is the experiment's.
            num_epochs: of each trial; None: those of the experiment.
            test: a folder of test images, which the best is judged on at the end.
            name: of the search. Trials are the versions of `<experiment>-<name>`; those that were pruned have the tag `pruned`.
            on: `"ray"`: train several trials at once on the machines of a Ray cluster: that of `RAY_ADDRESS`, or one that runs on
                this machine, or else this machine's processors. None: one after the other, in this process.
            cpus_per_trial, gpus_per_trial: of the cluster, such as 0.5 for two trials on each GPU; None: one GPU if there is any.

        Several processes that make the same call share the trials, also on several machines with a common workspace whose drive
        has file locks. The trial of one that was killed is resumed by another, or by the next call. Ctrl-C stops, and saves.

        Afterwards the best is an experiment of its own, `<experiment>-<name>-best`, which is open for `Evaluate` and `Infer`. A
        better one that a later call finds becomes its next version.

        Returns:
            An object with `sentence`, `table`, `best` (the run), `corrected` (its figure without the luck of the choice),
            `importances` and `page` (a report), which a notebook shows.

        Raises:
            MissingPackage: the extra `tune` is not installed. UnknownArgument, InvalidType, InvalidValue: a setting or value
            cannot be used; all are tried out before anything is trained. TrainingFailed: no trial could be trained.
        """
        study.require()
        share = self._share(on, cpus_per_trial, gpus_per_trial)
        n_trials = TRIALS_RANGE("trials", trials)
        seconds = None if time is None else in_seconds("time", time)
        if n_trials is None and seconds is None:
            n_trials = 20
        wish = Wish(
            NAME("name", name),
            spaces.usual(self._experiment) if space is None else spaces.of_user(space),
            n_trials,
            seconds,
            self._metric(metric),
            Flag()("prune", prune),
            SEED_RANGE("seed", seed),
            OrNone(EPOCHS_RANGE)("num_epochs", num_epochs),
        )
        found = self._searched(wish, share)
        self._console.table(found.table)
        self._console.say(f"    {found.sentence}\n")
        self._open_best(found, test)
        return found

    def _metric(self, metric: str | None) -> str:
        if metric is None:
            return ""
        figures = [task.deciding_figure for task in TASKS.values()]
        return find("metric", Text()("metric", metric), dict.fromkeys((*figures, LOSS), metric))

    @staticmethod
    def _share(on: str | None, cpus: float, gpus: float | None) -> Share | None:
        """What a trial gets of the cluster; None: there is none."""
        if OrNone(OneOf(("ray",)))("on", on) is None:
            return None
        connection.require()
        number = Number(above=0)
        return Share(number("cpus_per_trial", cpus), OrNone(Number(least=0))("gpus_per_trial", gpus))

    def _searched(self, wish: Wish, share: Share | None) -> SearchResult:
        experiment = self._experiment
        # read once, so that what is wrong with the images is told before any trial
        data = experiment.current_data(self._console.ticker("    reading images"))
        own = TASKS[data.record.label_type].deciding_figure
        if wish.metric not in ("", LOSS, own):
            raise InvalidValue(f"metric={wish.metric!r} is not computed for these images: take {own!r} or {LOSS!r}")
        self._console.say("Searching over")
        for dimension in wish.dimensions:
            self._console.say(f"    {dimension}")
        display = replace(self._display, lines=False, bar=self._display.bar and bool(self._console.verbose))
        search = Search(experiment, wish, self._console.say, display, self._say_trial)
        study_of_it = search.run() if share is None else cluster_search.run(search, share)
        found = result(search, study_of_it)
        page = search_page.write(found, search.folder)
        self._console.say(f"\n    Report: {page}\n")
        return replace(found, page=str(page))

    def _say_trial(self, number: int, values: Mapping[str, Any]) -> None:
        shown = ", ".join(f"{path.rpartition('.')[2]} {_short(value)}" for path, value in values.items())
        self._console.say(f"\nTrial {number}: {shown}")

    def _open_best(self, found: SearchResult, test: Paths) -> None:
        best = duplicating.duplicated(
            found.best,
            self._experiment.workspace,
            found.experiment,
            f"trial {found.best_number} of a search: {found.best}",
        )
        state = best.state()
        self._console.say(f"    The best is the experiment {shown(state.experiment)}, version {state.version}\n")
        self.Prototype(state.project, state.experiment, eval_infer=True, version=state.version)
        if is_given(test):
            self.Dataset_Params(dataset_path=test)
            self.Dataset()
            self.Evaluate()


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
