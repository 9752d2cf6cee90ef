"""The report of one experiment as a page, and its model card."""

from __future__ import annotations

from pathlib import Path

from .. import validated
from ..errors import DamagedFile, NotReady
from ..reports import run_card, run_report
from ..runs.run import Run
from .base import Base
from .checks import api
from .console import Console


class ReportMethods(Base):
    """`Report`."""

    @api
    def Report(self) -> str:
        """Write `report.html` and `model_card.md` into the run's `output` folder.

        The page is one file that needs no network: every figure with its interval, the confusion matrix whose cells open their
        images, thresholds, curves, data, settings, a script that repeats the training, and the items of reporting guidelines that
        the record can fill. It can be made at any time, also of an experiment that is only opened to be evaluated.

        A model card that you have filled in is kept, and the new one is written beside it.

        Returns:
            The path of the page.

        Raises:
            StorageError: it cannot be written.
        """
        return str(write_report(self._opened.run, self._console))


def write_report(run: Run, console: Console) -> Path:
    """Write the report and the model card of a run, print where they are and what could not be read, and return the page."""
    left_out: list[str] = []
    try:
        validated.judge(run)
    # the report is of what there is
    except (DamagedFile, NotReady) as error:
        left_out.append(f"the figures of the validation images are left out: {error}")
    state = run.state()
    found = run_report.current(run, state, left_out.append)
    page = run_report.write(run, state, found, left_out.append)
    card = run.folder / "output" / run_card.CARD
    card = run_card.write_card(card, state, found)
    for text in dict.fromkeys(left_out):
        console.say(f"    Note: {text}")
    console.say(f"    Report: {page}")
    console.say(f"    Model card: {card}\n")
    return page
