"""A training that was tried, with its figure on the validation images."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ...errors import cut
from ...figures import Estimate
from ...records import EpochRow
from ...runs import history
from ...runs.file_names import HISTORY
from ...runs.run import Run
from ...statistics.judged import Judged
from ...statistics.overall import FIGURES
from ...tasks import FIGURE_TITLES
from ...validated import Validated, read
from .setup import Setup

LOOK, TRY, CHOSEN, SECOND = "look", "try", "chosen", "second"
# characters in a table; the whole is in `reason`
MAX_REASON = 120


@dataclass(frozen=True)
class Tried:
    """A training that was tried, or was left out.

    `stage`: `LOOK`, `TRY`, `CHOSEN` or `SECOND`. `run`: None if there is none. `epochs`: that were trained. `seconds`: that they
    took. `n_images`: training and validation images. `figure`: on the validation images, by `figure_name`. `loss`: of the
    `best_epoch`. `reason`: why it was not taken. `too_long`: it is left out because there is no time for it.
    """

    stage: str
    setup: Setup
    run: Run | None = None
    epochs: int = 0
    seconds: float = 0.0
    n_images: int = 0
    figure_name: str = ""
    figure: Estimate | None = None
    loss: float = float("inf")
    best_epoch: int = 0
    reason: str = ""
    too_long: bool = False

    @property
    def rank(self) -> tuple[float, float]:
        """Higher is better."""
        return (self.figure.value if self.figure else -1.0, -self.loss)

    @property
    def shown_figure(self) -> str:
        """The figure with its interval, in %."""
        if self.figure is None:
            return ""
        low, high = 100 * self.figure.low, 100 * self.figure.high
        return f"{100 * self.figure.value:.1f} % ({low:.1f} to {high:.1f})"

    def row(self, figure_name: str) -> dict[str, Any]:
        """Its row in the table of looks. `figure_name`: of all rows."""
        run = f"{self.run.folder.parent.name}/{self.run.folder.name}" if self.run else ""
        return {
            "stage": self.stage,
            "network": self.setup.network,
            "px": self.setup.size,
            "trained": self.setup.layers,
            "images varied": self.setup.varied,
            "rate": f"x {self.setup.rate:.2g}",
            "images": self.n_images or "",
            "epochs": self.epochs or "",
            "seconds": f"{self.seconds:.1f}" if self.epochs else "",
            FIGURE_TITLES.get(figure_name, "figure") + ", 95 % interval": self.shown_figure,
            "why not": cut(self.reason, MAX_REASON),
            "run": run,
        }

    def but(self, reason: str) -> Tried:
        """The same, not taken for a reason, unless it had one already."""
        return self if self.reason else replace(self, reason=reason)


def judged(stage: str, setup: Setup, run: Run) -> Tried:
    """A trained run with its figure.

    Raises:
        NotReady, DamagedFile: its predictions for the validation images are not there.
    """
    state, rows = run.state(), history.read(run.logs / HISTORY)
    assert state.results is not None and state.dataset is not None
    best: EpochRow = rows[state.results.best_epoch - 1]
    task, logits, labels, groups = read(run, state, state.results.best_epoch)
    figure = FIGURES[task.deciding_figure](Judged.of(task, logits, labels, groups), [])
    return Tried(
        stage,
        setup,
        run,
        len(rows),
        sum(row.seconds for row in rows),
        (state.dataset.train_images or sum(state.dataset.train_counts)) + len(labels),
        task.deciding_figure,
        figure,
        best.val_loss,
        state.results.best_epoch,
    )


def predictions(tried: Tried) -> Validated:
    """What its best epoch predicted for the validation images."""
    assert tried.run is not None
    state = tried.run.state()
    assert state.results is not None
    return read(tried.run, state, state.results.best_epoch)
