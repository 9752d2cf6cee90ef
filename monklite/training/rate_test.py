"""The learning-rate range test (Smith 2017): a few steps with growing rates, to see from which on the loss falls and explodes.

The steps are those of the training that would follow. Afterwards the learner is what it was before, bit for bit.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import SupportsFloat

import numpy as np

from ..backends import Learner
from ..csv_files import write_csv
from ..data.batches import Batch, Batches
from ..errors import TrainingFailed
from ..reports import charts
from .features import Features, for_batches

TABLE, CHART = "learning_rates.csv", "learning_rates.png"
# the test ends where the loss is so many times the smallest
EXPLODED = 4.0
# share of the last losses in the running mean that is compared with the smallest
KEPT_SHARE = 0.9
# standard deviation of the bell-shaped weights by which neighbouring steps are averaged, in steps
SMOOTHING = 3.0
# of a suggested rate, which is no more exact than that
DIGITS = 2


@dataclass(frozen=True)
class RateTest:
    """The losses of steps with growing learning rates. `smoothed`: means over neighbouring steps."""

    rates: tuple[float, ...]
    losses: tuple[float, ...]

    @property
    def smoothed(self) -> np.ndarray:
        """float (steps,)."""
        steps = np.arange(len(self.losses))
        shares = np.exp(-0.5 * ((steps[:, None] - steps) / SMOOTHING) ** 2)
        return shares @ np.array(self.losses) / shares.sum(axis=1)

    @property
    def suggestion(self) -> float | None:
        """The rate at which the smoothed loss falls fastest; None if it does not fall."""
        losses = self.smoothed
        # two slopes at least
        if len(losses) < 3 or (lowest := int(losses.argmin())) < 2:
            return None
        slopes = np.gradient(losses[: lowest + 1], np.log(self.rates[: lowest + 1]))
        return float(f"{self.rates[int(slopes.argmin())]:.{DIGITS}g}") if slopes.min() < 0 else None


def growing(lowest: float, highest: float, steps: int) -> list[float]:
    """Rates from `lowest` to `highest`, each the same multiple of the one before."""
    return np.geomspace(lowest, highest, steps).tolist()


def run(learner: Learner, batches: Batches, cache: Path, size: int, rates: Sequence[float], usual: float) -> RateTest:
    """Take a step at each rate, until the loss explodes.

    Args:
        cache: the folder of kept values of the frozen part. size: of the images, px. usual: the learner's own rate.

    Raises:
        OutOfMemory: memory is too small for one step. TrainingFailed: the weights are not finite even before.
    """
    with unchanged(learner, usual):
        kept = for_batches(learner.frozen(size), batches, cache)
        try:
            with closing(_batches(batches, kept)) as source:
                return _steps(learner, kept, source, rates)
        finally:
            if kept is not None:
                kept.save()
                kept.close()


@contextmanager
def unchanged(learner: Learner, usual: float) -> Iterator[None]:
    """Let steps be taken within the block; afterwards weights, optimizer and random state are as before."""
    with TemporaryDirectory(prefix="monklite-") as folder:
        state = Path(folder, "state")
        learner.capture({}).write(state)
        try:
            yield
        finally:
            learner.load(state)
            learner.set_learning_rate(usual)


def _batches(batches: Batches, kept: Features | None) -> Generator[Batch, None, None]:
    """Batches without an end, as in training."""
    for number in itertools.count():
        yield from batches.epoch(number) if kept is None else kept.epoch(batches, number, 0)


def _steps(learner: Learner, kept: Features | None, source: Iterator[Batch], rates: Sequence[float]) -> RateTest:
    step: Callable[[Batch], tuple[SupportsFloat, SupportsFloat]] = (
        kept.step if kept else lambda batch: learner.step(batch.images, batch.labels, batch.draws)
    )
    losses: list[float] = []
    mean, smallest = 0.0, math.inf
    for rate, batch in zip(rates, source, strict=False):
        learner.set_learning_rate(rate)
        loss = float(step(batch)[0])
        if not math.isfinite(loss):
            break
        losses.append(loss)
        mean = KEPT_SHARE * mean + (1 - KEPT_SHARE) * loss
        # the mean begins at 0
        unbiased = mean / (1 - KEPT_SHARE ** len(losses))
        smallest = min(smallest, unbiased)
        if unbiased > EXPLODED * smallest:
            break
    return RateTest(tuple(rates[: len(losses)]), tuple(losses))


def write(found: RateTest, logs: Path) -> None:
    """Write the table and the chart of a test into a run's folder."""
    smoothed = found.smoothed.tolist()
    rows = zip(found.rates, found.losses, smoothed, strict=True)
    write_csv(logs / TABLE, ["learning_rate", "loss", "smoothed_loss"], [list(row) for row in rows])
    charts.save(charts.learning_rates(found.rates, found.losses, smoothed, found.suggestion), logs / CHART)


def suggested(found: RateTest, logs: Path) -> float:
    """The suggested rate.

    Raises:
        TrainingFailed: the loss fell at none of the rates.
    """
    if found.suggestion is None:
        raise TrainingFailed(
            f"no learning rate can be suggested: the loss fell at none of the {len(found.rates)} rates that were tried before it "
            f"exploded or they ended ({logs / CHART} shows it). Take a smaller lowest rate, more steps or another optimizer"
        )
    return found.suggestion
