"""The result of choosing: what was tried, what was chosen, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...runs.run import Run
from ...statistics.selection_bias import UNKNOWN, Corrected
from .setup import Setup
from .tried import CHOSEN, LOOK, SECOND, TRY, Tried


@dataclass(frozen=True)
class Choice:
    """What was chosen.

    `setup`, `epochs`, `early_stopping`: how the chosen network is trained, or is to be. `run`: of it; None: it was not trained.
    `ensemble`: runs whose mean scores are better on validation; () if there is none. `tried`: everything that was tried or left
    out. `reasons`: in sentences. `seconds` of `budget` were spent, over all calls. `corrected`: the figure of the best, 0 to 1,
    without the luck of the choice, with its interval.
    """

    setup: Setup
    epochs: int
    early_stopping: int
    tried: tuple[Tried, ...]
    reasons: tuple[str, ...]
    seconds: float
    budget: float
    run: Run | None = None
    ensemble: tuple[Run, ...] = ()
    corrected: Corrected = UNKNOWN

    @property
    def figure_name(self) -> str:
        return next((tried.figure_name for tried in self.tried if tried.figure_name), "")

    @property
    def table(self) -> list[dict[str, Any]]:
        """One row for each training that was tried or left out."""
        return [tried.row(self.figure_name) for tried in self.tried]

    def __repr__(self) -> str:
        return f"<Choice: {self.setup}, {self.epochs} epochs{f', {self.run}' if self.run else ''}>"

    def _repr_html_(self) -> str:
        """The reasons and the table, in a notebook."""
        # loaded only where it is shown
        from ...reports.pages import render

        return render("choice.html", reasons=self.reasons, rows=self.table)


def with_reasons(tried: Sequence[Tried], chosen: Tried) -> tuple[Tried, ...]:
    """The trainings, each with the reason why it was not taken."""
    # a training of more epochs is no measure for those before it
    best = max((t for t in tried if t.figure and t.stage in (LOOK, TRY)), key=lambda t: t.rank, default=None)
    return tuple(_explained(t, chosen, best) for t in tried)


def _explained(tried: Tried, chosen: Tried, best: Tried | None) -> Tried:
    # its short training has the same setup
    taken = tried is chosen or (tried.stage in (LOOK, TRY) and tried.setup == chosen.setup)
    if taken or tried.figure is None or best is None or best.figure is None:
        return tried
    if tried.stage in (CHOSEN, SECOND):
        return tried.but("the other long training is better")
    gap = 100 * (best.figure.value - tried.figure.value)
    if gap <= 0:
        return tried.but(f"as good as {best.setup.network}, with a higher loss")
    within = " (less than the interval is wide)" if tried.figure.high >= best.figure.value else ""
    return tried.but(f"{gap:.1f} points below {best.setup}{within}")
