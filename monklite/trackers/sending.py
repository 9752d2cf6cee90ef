"""One run sent to one tracker: while it is trained, or afterwards. Both go through this."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..records import EpochRow
from ..runs.run import Run
from . import sent
from .sent import Sent
from .table import Row
from .tracked import Tracked, Tracker, figures_of, files_of, summary_of


class Sending:
    """A run on its way to a tracker. Every method may raise whatever the tracker's library raises.

    `sent`: what the tracker has.
    """

    def __init__(self, row: Row, run: Run, root: Path) -> None:
        self.row, self._run, self._root = row, run, root
        self.sent = sent.read(run.folder).get(row.name, Sent())
        self._tracker: Tracker | None = None

    def begin(self) -> None:
        """Open the tracker's run: the one of before, or a new one. Raises MissingPackage, too."""
        self.row.check()
        self._tracker = self.row.opened(Tracked.of(self._run, self._root), self.sent.id)
        # it may have been deleted there
        epochs = self.sent.epochs if self._tracker.id == self.sent.id else 0
        self._keep(Sent(id=self._tracker.id, where=self._tracker.where, epochs=epochs))

    def epochs(self, rows: Sequence[EpochRow], moments: Sequence[float]) -> int:
        """Write the epochs that the tracker does not have yet; returns how many these are."""
        assert self._tracker is not None
        missing = [(row, moment) for row, moment in zip(rows, moments, strict=True) if row.epoch > self.sent.epochs]
        for row, moment in missing:
            self._tracker.epoch(row.epoch, figures_of(row), moment)
            self._keep(self.sent.model_copy(update={"epochs": row.epoch}))
        return len(missing)

    def end(self, status: str) -> None:
        """Write the figures of the whole, and files."""
        assert self._tracker is not None
        self._tracker.end(status, summary_of(self._run.state().results), files_of(self._run))
        self._keep(self.sent.model_copy(update={"status": status}))

    def _keep(self, record: Sent) -> None:
        self.sent = record
        sent.write(self._run.folder, self.row.name, record)
