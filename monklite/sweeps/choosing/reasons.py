"""Why something was chosen, in sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ...durations import duration
from ...statistics.selection_bias import Corrected
from ...tasks import FIGURE_TITLES
from .attempts import Attempts
from .ensembles import Judged
from .tried import LOOK, TRY, Tried


def of_looks(attempts: Attempts, best: Sequence[Tried]) -> Iterator[str]:
    """What was looked at, and which was the best."""
    looks = [t for t in attempts.rows if t.stage == LOOK]
    seen = [t for t in looks if t.figure]
    networks = {t.setup.network for t in seen}
    first, winner = max(seen, key=lambda t: t.rank), best[0]
    how = (
        "its first layers frozen"
        if not first.setup.whole
        else "all layers trained from random weights for a few epochs"
    )
    title = FIGURE_TITLES[first.figure_name]
    yield (
        f"{len(networks)} of {len({t.setup.network for t in looks})} networks were looked at, each with {how}"
        f"{f', at {attempts.share:.0%} of the images' if attempts.share < 1 else ''}. The best was {first.setup.network} at "
        f"{first.setup.size} px with {title} {first.shown_figure} on {_count(first)} validation images."
    )
    missing = [t for t in looks if t.reason and t.run is None and not t.too_long]
    if missing:
        names = _names([t.setup.network for t in missing])
        yield f"Left out because they cannot be trained here: {names}. Of {missing[0].setup.network}: {missing[0].reason}."
    if too_long := [t for t in looks if t.too_long]:
        yield f"There was no time to look at {_names([f'{t.setup.network} at {t.setup.size} px' for t in too_long])}."
    ties = {t.setup.network for t in seen if t.figure and t.figure.high >= winner.rank[0]} - {winner.setup.network}
    if ties:
        yield (
            f"The intervals of {_names(sorted(ties))} include the figure of the best: with so few validation images they may be "
            "as good."
        )
    tries = [t for t in attempts.rows if t.stage == TRY and t.figure]
    if tries:
        yield (
            f"{len(tries)} short trainings of all layers followed. The best of everything was {winner.setup}: "
            f"{winner.shown_figure}."
        )
    elif not winner.setup.whole:
        yield "No training of all layers fitted into the time, so only the head is trained."


def _count(tried: Tried) -> int:
    return tried.figure.count if tried.figure else 0


def _names(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _epochs(number: int) -> str:
    return "1 epoch" if number == 1 else f"{number} epochs"


def of_plan(attempts: Attempts, winner: Tried, epochs: int) -> Iterator[str]:
    """How long the chosen one is to be trained."""
    spent, total = duration(attempts.budget.spent), duration(attempts.budget.total)
    expected = duration(attempts.speed.training(winner.setup, epochs))
    yield f"To be trained: {winner.setup}, {_epochs(epochs)}, about {expected} more, after {spent} of {total}."


def of_training(attempts: Attempts, chosen: Tried, trained: Sequence[Tried], patience: int) -> Iterator[str]:
    """What was trained to its end."""
    for tried in trained:
        yield (
            f"{tried.setup} was trained for {_epochs(tried.epochs)}{_why_fewer(tried, patience)} in "
            f"{duration(tried.seconds)}: {tried.shown_figure}."
        )
    if not trained:
        yield (
            "There is no time for a training that is longer than the one that the best had, so that one is the result: "
            f"{_epochs(chosen.epochs)}."
        )
    elif len(trained) > 1:
        yield f"Of the two, {chosen.setup} is the result."
    yield f"{duration(attempts.budget.spent)} of {duration(attempts.budget.total)} are spent."


def _why_fewer(tried: Tried, patience: int) -> str:
    assert tried.run is not None
    asked = tried.run.state().asked.training
    if tried.epochs >= asked.epochs:
        return ""
    ended = asked.early_stopping and tried.epochs - tried.best_epoch >= patience
    return f" of {asked.epochs} ({'the last did not improve it' if ended else 'no time was left'})"


def of_ensembles(judged: Sequence[Judged], paying: Judged | None) -> Iterator[str]:
    """Whether an ensemble pays."""
    if paying:
        members = _names([m.setup.network for m in paying.members])
        yield (
            f"The mean of the scores of {members} is better on the validation images: log loss lower by {paying.low:.3f} to "
            f"{paying.high:.3f} ({_ensembles(len(judged))}, which the interval takes into account), figure higher by "
            f"{100 * paying.gain:.1f} points. It takes as long as {len(paying.members)} networks."
        )
    elif judged:
        yield (
            f"{_ensembles(len(judged))} with the best other networks: none is better than the chosen one alone beyond "
            "the interval, so there is none."
        )


def _ensembles(number: int) -> str:
    return "1 ensemble was tried" if number == 1 else f"{number} ensembles were tried"


def of_luck(chosen: Tried, corrected: Corrected, n_runs: int) -> Iterator[str]:
    """What the figure of the best of many is worth."""
    if chosen.figure is None or n_runs < 2:
        return
    told = f"The best of {n_runs} trainings on the same {_count(chosen)} validation images looks better than it is"
    if math.isfinite(corrected.value):
        told += f": without the luck of that choice it is expected to have {corrected}"
    yield f"{told}. Epochs are chosen on these images too, so only a test set says how good it is: test='folder', or Evaluate()."
