"""The printed messages about operating points and unsure predictions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import islice

from ..choosing_point import Goal, too_few
from ..decisions import OperatingPoint, PointFigures
from ..figures import NPV, PPV, SENSITIVITY, SPECIFICITY, Estimate
from ..inference import Predictor
from ..records import Testing
from ..runs.state import RunState
from ..statistics.predictive_values import NPV_AT_PREVALENCE, PPV_AT_PREVALENCE
from ..tasks import sigmoid
from .console import Console

MAX_CLASSES_SHOWN = 20
TITLES = {
    SENSITIVITY: "sensitivity",
    SPECIFICITY: "specificity",
    PPV: "PPV",
    NPV: "NPV",
    PPV_AT_PREVALENCE: "PPV at that prevalence",
    NPV_AT_PREVALENCE: "NPV at that prevalence",
}
# scores nearer to 0 and 1 are not written as decimals
NEAR = 1e-4


def operating_point(console: Console, predictor: Predictor, goal: Goal | None, point: OperatingPoint | None) -> None:
    """Print an operating point that has just been chosen, or that there is none any more."""
    if goal is None or point is None:
        rule = "the class with the highest score" if predictor.task.exclusive else "each label with a score above 0.5"
        console.block("Operating point", {"None": f"{rule} is predicted"})
        return
    console.block("Operating point", {"Chosen by": point.chosen_by, **described(point)})
    for name, n in islice(too_few(goal, point).items(), MAX_CLASSES_SHOWN):
        console.say(
            f"    Note: there are only {n} validation images to judge {name} by, so {point.chosen_by} means all of them; the\n"
            "    interval says what it may be on others\n"
        )
    if len(predictor.task.classes) == 2 and predictor.task.exclusive and goal.positive is None and goal.cost is None:
        console.say(f"    Note: {predictor.task.classes[1]} is the positive class; for the other one give positive=\n")
    note_other_transforms(console, predictor)


def note_other_transforms(console: Console, predictor: Predictor) -> None:
    """Say if validation images came to the network in another way than test images do."""
    chains = predictor.spec.data.transforms
    if chains.test and chains.test != chains.val:
        console.say(
            "    Note: validation and test images have different transforms, so what fits the one may not fit the other\n"
        )


def described(point: OperatingPoint) -> dict[str, str]:
    """One row for each class of an operating point."""
    where = f"chosen on {point.num_images} validation images"
    rows = {}
    for name, figures in islice(point.figures.items(), MAX_CLASSES_SHOWN):
        how = f"threshold {score_of(point.cutoffs[name])}" if point.cutoffs else "by expected costs"
        rows[name] = f"{how} {where}: {in_words(figures)}"
    return rows


def score_of(log_odds: float) -> str:
    """A score as text, from its log-odds."""
    score, rest = float(sigmoid(log_odds)), float(sigmoid(-log_odds))
    return f"1 - {rest:.2g}" if rest < NEAR else f"{score:.4g}"


def in_words(figures: Mapping[str, Estimate]) -> str:
    """`sensitivity 0.96 (0.86 to 0.99), ...`."""
    return ", ".join(f"{TITLES[name]} {_value(estimate)}" for name, estimate in figures.items())


def _value(estimate: Estimate) -> str:
    # there is nothing that it is a share of
    if math.isnan(estimate.value):
        return "unknown"
    return f"{estimate.value:.2f} ({estimate.low:.2f} to {estimate.high:.2f})"


def at_operating_point(testing: Testing) -> Iterator[str]:
    """Lines about the figures of a test set at the operating point."""
    figures: PointFigures = testing.point_figures
    if testing.operating_point:
        yield f"at the operating point {testing.operating_point}, with 95 % intervals"
    for name, of_class in islice(figures.items(), MAX_CLASSES_SHOWN):
        yield f"    {name}: {in_words(of_class)}"


def summary(console: Console, state: RunState) -> None:
    """Print what was decided on the validation images of a run."""
    if state.operating_point:
        console.block(
            "Operating point", {"Chosen by": state.operating_point.chosen_by, **described(state.operating_point)}
        )
