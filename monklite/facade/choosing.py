"""`Choose`: a network and how it is trained, within a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..catalog.default_recipes import SPLIT_SHARE
from ..durations import duration, in_seconds
from ..opening_modes import is_given
from ..rules import Flag, ListOf, OrNone, Text
from ..runs.run import Run
from ..setting_ranges import INPUT_SIZE_RANGE, RATE_FACTOR_RANGE
from ..sweeps.choosing.choose import RATES, Wish, choose
from ..sweeps.choosing.result import Choice
from .checks import api
from .dataset import DatasetMethods, Paths
from .ensemble import Ensemble
from .evaluation import EvaluationMethods
from .opening import OpeningMethods

SIZES = OrNone(ListOf(INPUT_SIZE_RANGE))
NETWORKS = OrNone(ListOf(Text(most=100)))


class ChoosingMethods(OpeningMethods, EvaluationMethods, DatasetMethods):
    """`Choose`."""

    @api
    def Choose(
        self,
        time: str = "30min",
        dataset_path: Paths = False,
        test: Paths = None,
        networks: Sequence[str] | None = None,
        use_pretrained: bool = True,
        train: bool = True,
        rates: Sequence[float] = RATES,
        sizes: Sequence[int] | None = None,
    ) -> Choice:
        """Choose a network, its input size and how it is trained, within a time on this machine, and train it.

        Args:
            time: for everything, such as "30min", "90s" or "1h 30min". The last epoch may end up to one epoch later.
            dataset_path: as of `Dataset_Params`, which can be called before instead.
            test: a folder or folders of test images, with which the result is evaluated at the end.
            networks: to choose from, such as `["resnet18", "densenet121"]`; None: those of the table, see `List_Models()`.
            use_pretrained: start from weights trained on ImageNet. A network whose weights cannot be had is left out; False: all
                start from random weights, and looks train all layers.
            train: False: only choose, and train nothing to its end.
            rates: multiples of the usual learning rate that are tried; (): none but that one.
            sizes: of the images, px: networks are looked at in the first one, and the best also in the others; None: in the
                network's own, and the best also in a smaller and a larger one.

        First each network is looked at: its head is trained, on what its frozen layers give for each image, which is computed
        once. The best are trained whole for a few epochs, also with other rates and augmentation (yours stays, if you set one),
        and the best of everything is trained for as long as there is time, as the experiment `<experiment>-chosen`; if time is
        left, another one too, as `-second`, and the better of the two is the result. All are runs like any other, the first ones
        of `<experiment>-looks` and `-tries`. Ctrl-C stops; the same call goes on, and repeats nothing.

        Afterwards the chosen run is open for `Evaluate` and `Infer`.

        Returns:
            An object with `reasons`, `table` (a row for everything that was tried, and why it was not taken), `setup`, `run` and
            `ensemble`, which a notebook shows.

        Raises:
            PretrainedUnavailable: none of the weights can be had. NotReady: no images are given. NotFound, DatasetError: they
            cannot be used. TrainingFailed: no network could be trained.
        """
        seconds, wanted = in_seconds("time", time), NETWORKS("networks", networks)
        px = SIZES("sizes", sizes)
        tried = ListOf(RATE_FACTOR_RANGE)("rates", rates)
        wish = Wish(seconds, wanted, Flag()("use_pretrained", use_pretrained), Flag()("train", train), tried, px)
        experiment = self._experiment
        if is_given(dataset_path):
            self.update_dataset(dataset_path, split=SPLIT_SHARE)
        bar = replace(self._display, lines=False, bar=self._display.bar and bool(self._console.verbose))
        self._console.say(f"Choosing within {duration(seconds)}\n")
        choice = choose(experiment, wish, self._console.say, bar, self._console.ticker("    reading images"))
        self._console.table(choice.table)
        for reason in choice.reasons:
            self._console.say(f"    {reason}")
        self._console.say()
        if choice.run is not None:
            self._open_chosen(choice, test)
        return choice

    def _open_chosen(self, choice: Choice, test: Paths) -> None:
        """Open the chosen run for evaluation, and evaluate it, and the ensemble if there is one."""
        assert choice.run is not None
        state = choice.run.state()
        self.Prototype(state.project, state.experiment, eval_infer=True, version=state.version)
        if not is_given(test):
            return
        self.Dataset_Params(dataset_path=test)
        self.Dataset()
        self.Evaluate()
        if choice.ensemble:
            self._console.say("The ensemble")
            root, verbose = self._opened.workspace.root, self._console.verbose
            Ensemble([_place(run) for run in choice.ensemble], root, verbose).Evaluate(test)


def _place(run: Run) -> tuple[str, str, int]:
    state = run.state()
    return state.project, state.experiment, state.version
