"""Whether the mean of the scores of several runs is better than the chosen one alone, on validation images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...mean_scores import logits_of_mean
from ...statistics.loss_difference import interval, log_losses
from ...statistics.selection_bias import UNKNOWN, Corrected
from ...statistics.units import Units
from ...validated import Validated, best_of_all
from .tried import Tried, predictions

# runs beside the chosen one, at most; each is of another network
MOST = 3
LEVEL = 0.05


@dataclass(frozen=True)
class Judged:
    """An ensemble on the validation images. `low`, `high`: of the gain in log loss, by the level divided by the number of
    ensembles that were tried. `gain`: in the deciding figure, -1 to 1."""

    members: tuple[Tried, ...]
    gain: float
    low: float
    high: float

    @property
    def pays(self) -> bool:
        return self.low > 0 and self.gain >= 0


def same_images(tried: Sequence[Tried], chosen: Tried) -> list[Tried]:
    """The trainings that were validated with the same images as the chosen one, the best first, one per network."""
    assert chosen.run is not None
    dataset = chosen.run.state().dataset
    others: dict[str, Tried] = {}
    for other in sorted((t for t in tried if t.run and t.figure), key=lambda t: t.rank, reverse=True):
        assert other.run is not None
        theirs = other.run.state().dataset
        alike = dataset is not None and theirs is not None and theirs.val_counts == dataset.val_counts
        if alike and theirs is not None and dataset is not None and theirs.content == dataset.content:
            others.setdefault(other.setup.network, other)
    return list(others.values())


def judge(tried: Sequence[Tried], chosen: Tried) -> list[Judged]:
    """The chosen run with the best one, two and three others: how much better each is than the chosen one alone."""
    others = [t for t in same_images(tried, chosen) if t.setup.network != chosen.setup.network][:MOST]
    alone = predictions(chosen)
    known = [alone, *(predictions(other) for other in others)]
    return [
        _judged((chosen, *others[:n]), alone, known[: n + 1], LEVEL / len(others)) for n in range(1, len(others) + 1)
    ]


def _judged(members: tuple[Tried, ...], alone: Validated, known: Sequence[Validated], level: float) -> Judged:
    task, labels = alone.task, alone.labels
    together = logits_of_mean(task, [each.logits for each in known])
    losses = [log_losses(task, task.scores(logits).astype(float), labels) for logits in (alone.logits, together)]
    low, high = interval(losses[0] - losses[1], Units.of(alone.groups, len(labels)), level)
    before, after = (task.figures(logits, labels)[task.deciding_figure] for logits in (alone.logits, together))
    return Judged(members, after - before, low, high)


def corrected(tried: Sequence[Tried], chosen: Tried) -> tuple[Corrected, int]:
    """The figure of the best of all on the same validation images, without the luck of the choice, and their number.

    It is not known if a shorter training had a better figure than the chosen one: the choice was not by the figure alone then.
    """
    assert chosen.run is not None and chosen.figure is not None
    own = chosen.run.state().dataset
    compared = []
    for other in tried:
        dataset = other.run.state().dataset if other.run and other.figure else None
        if dataset is not None and own is not None and dataset.content == own.content:
            compared.append(other)
    if any(other.figure.value > chosen.figure.value for other in compared if other.figure):
        return UNKNOWN, len(compared)
    return best_of_all([predictions(other) for other in compared]), len(compared)
