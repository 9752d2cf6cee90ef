"""The result of `Evaluate`: Monk's tuple, which a notebook shows as tables."""

from __future__ import annotations

from typing import Any

from ..figures import Figures

ByClass = dict[str, dict[str, Any]]


class Evaluated(tuple[float, ByClass]):
    """Accuracy in % and the figures of each class, as a tuple. `figures`: all of them, each with its interval."""

    figures: Figures

    def __new__(cls, accuracy: float, classes: ByClass, figures: Figures) -> Evaluated:
        made = super().__new__(cls, (accuracy, classes))
        made.figures = figures
        return made

    def __getnewargs__(self) -> tuple[float, ByClass, Figures]:
        """For copies and pickles."""
        return self[0], self[1], self.figures

    def _repr_html_(self) -> str:
        """All figures with their intervals, and the confusion matrix, in a notebook."""
        # loaded only where it is shown
        from ..reports.run_report import fragment

        return fragment(self.figures)
