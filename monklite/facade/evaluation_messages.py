"""The printed messages about an evaluation: the figures of each class, and where its files are."""

from __future__ import annotations

from pathlib import Path

from ..figures import AUC, F1, PPV, SENSITIVITY, SPECIFICITY, ClassFigures, Figures
from ..reports.evaluation_charts import interval_text
from ..runs.evaluations import DEFAULT_NAME
from ..runs.file_names import CONFUSION_CHART
from .console import Console
from .messages import MAX_CLASSES_SHOWN

# title of the column -> name of the figure
PERCENT_COLUMNS = {"sensitivity %": SENSITIVITY, "specificity %": SPECIFICITY, "ppv %": PPV, "F1 %": F1}


def figures(console: Console, found: Figures, folder: Path | None, asked_name: str | None) -> None:
    """Print the figures of each class.

    `folder`: that of the evaluation; None: it could not be written. `asked_name`: the name that the user gave.
    """
    of_groups = f", by {found.n_groups} groups of images" if found.n_groups is not None else ""
    console.say(f"        of each class (with its 95 % interval{of_groups}):")
    console.table([_row(name, c) for name, c in list(found.classes.items())[:MAX_CLASSES_SHOWN]], tablefmt="simple")
    if folder is None:
        return
    if asked_name is None and found.name != DEFAULT_NAME:
        console.say(
            f"        Note: the evaluation {DEFAULT_NAME!r} is of other images and stays, so this one is called {found.name!r}; "
            "Evaluate(name=...) names it"
        )
    console.say(f"        Figures and charts:      {folder}\n")
    if found.confusion:
        console.picture(folder / CONFUSION_CHART)


def _row(name: str, of_class: ClassFigures) -> dict[str, str]:
    percent = {t: interval_text(of_class.figures[figure], 100, 1) for t, figure in PERCENT_COLUMNS.items()}
    auc = interval_text(of_class.figures[AUC], digits=3)
    return {"class": name, "images": f"{of_class.positives:,}", **percent, "AUC": auc}
