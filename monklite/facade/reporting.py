"""The report of one experiment as a page, and its model card."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .. import validated, worst_errors
from ..errors import DamagedFile, MonkliteError, NotReady
from ..figures import Figures
from ..inference import Predictor, weights_of
from ..looking import exists
from ..reports import run_card, run_report
from ..rules import Flag
from ..runs.file_names import ERROR_SHEET, MODEL_CARDS
from ..runs.run import Run
from .base import Base
from .checks import api
from .console import Console

# that are drawn for a page, which takes some seconds
MOST_ERRORS = 12


class ReportMethods(Base):
    """`Report`."""

    @api
    def Report(self, show_errors: bool = True) -> str:
        """Write `report.html` and `model_card.md` into the run's `output` folder.

        The page is one file that needs no network: every figure with its interval, the confusion matrix whose cells open their
        images, thresholds, curves, data, settings, a script that repeats the training, and the items of reporting guidelines that
        the record can fill. It can be made at any time, also of an experiment that is only opened to be evaluated.

        A model card that you have filled in is kept, and the new one is written beside it.

        Args:
            show_errors: draw the worst mistakes with heat maps first, as `Show_Errors()` does, if they were not drawn yet.

        Returns:
            The path of the page.

        Raises:
            StorageError: it cannot be written.
        """
        drawn_by = (lambda: self._evaluation.predictor) if Flag()("show_errors", show_errors) else None
        return str(write_report(self._opened.run, self._console, drawn_by))


def write_report(run: Run, console: Console, predictor: Callable[[], Predictor] | None = None) -> Path:
    """Write the report and the model card of a run, print where they are and what could not be read, and return the page.

    Args:
        predictor: gives that of the run, to draw the worst mistakes; None: they are not drawn.
    """
    left_out: list[str] = []
    try:
        validated.judge(run)
    # the report is of what there is
    except (DamagedFile, NotReady) as error:
        left_out.append(f"the figures of the validation images are left out: {error}")
    state = run.state()
    found = run_report.current(run, state, left_out.append)
    if predictor is not None and found:
        _draw_errors(run, found[0], predictor, console, left_out.append)
    page = run_report.write(run, state, found, left_out.append)
    card = run.folder / "output" / MODEL_CARDS[0]
    card = run_card.write_card(card, state, found)
    for text in dict.fromkeys(left_out):
        console.say(f"    Note: {text}")
    console.say(f"    Report: {page}")
    console.say(f"    Model card: {card}\n")
    return page


def _draw_errors(
    run: Run, figures: Figures, predictor: Callable[[], Predictor], console: Console, note: Callable[[str], None]
) -> None:
    """Draw the worst mistakes of an evaluation, unless they are drawn, there are none, or it was of other weights."""
    is_drawn = exists(run.evaluations / figures.name / ERROR_SHEET)
    if is_drawn or figures.overall["accuracy"].value == 1 or figures.weights != weights_of(run).name:
        return
    try:
        tick = console.ticker("    looking at errors")
        worst_errors.draw(predictor(), MOST_ERRORS, heat_maps=True, name=figures.name, tick=tick)
    except MonkliteError as error:
        note(f"the worst mistakes are not drawn: {error}")
