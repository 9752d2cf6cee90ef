"""The printed messages about operating points and unsure predictions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import numpy as np

from ..choosing_point import Goal, too_few
from ..decisions import OperatingPoint, PointFigures, Unsure
from ..errors import cut
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
            f"    Note: there are only {n} validation images to judge {name} by, so {point.chosen_by} means all of them; the "
            "interval says what it may be on others\n"
        )
    if point.refusal:
        console.say(
            "    Note: the expected costs are of scores as they are, which may be too sure, because no temperature could be "
            f"fitted: {point.refusal}\n"
        )
    if point.cutoffs and predictor.task.exclusive and len(predictor.task.classes) > 2:
        console.say("    Note: below its threshold the likeliest of the other classes is predicted\n")
    if len(predictor.task.classes) == 2 and predictor.task.exclusive and goal.positive is None and goal.cost is None:
        console.say(f"    Note: {predictor.task.classes[1]} is the positive class; for the other one give positive=\n")
    note_other_transforms(console, predictor)


def unsure(console: Console, predictor: Predictor, chosen: Unsure | None) -> None:
    """Print when predictions are unsure from now on."""
    if chosen is None:
        console.block("Unsure predictions", {"Never": "a prediction is given without saying how sure it is"})
        return
    console.block("Unsure predictions", rules(chosen, predictor.task.classes))
    note_other_transforms(console, predictor)


def rules(unsure: Unsure, classes: Sequence[str]) -> dict[str, str]:
    """One row for each rule."""
    n = unsure.num_images
    temperature = f"{unsure.temperature:.3g}, fitted on {n} validation images" if unsure.temperature else "none"
    rows = {
        "Temperature": f"{temperature}, scores are uncalibrated: {unsure.refusal}" if unsure.refusal else temperature
    }
    if unsure.confidence is not None:
        rows["Confidence"] = f"unsure below the {unsure.score_title} {unsure.confidence:g}"
    if unsure.coverage is not None:
        share = f"{100 * unsure.coverage:g} %"
        rows["Coverage"] = (
            f"unsure if others are possible; {share} of images like the {n} of validation are of a possible class"
        )
        always = [name for name, least in zip(classes, unsure.possible_from, strict=True) if least == -math.inf]
        if always:
            rows["Never excluded"] = f"{cut(', '.join(always), 300)}: {n} validation images are too few for {share}"
    if unsure.distance is not None:
        within = f"{100 * unsure.distance:g} % of the {n} validation images"
        rows["Distance"] = (
            f"unsure beyond {unsure.most_distance:.4g} from the training images, which {within} are within"
        )
    return rows


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
    score, rest = sigmoid(np.array([log_odds, -log_odds])).tolist()
    return f"1 - {rest:.2g}" if rest < NEAR else f"{score:.4g}"


def in_words(figures: Mapping[str, Estimate]) -> str:
    """`sensitivity 0.96 (0.86 to 0.99), ...`."""
    return ", ".join(f"{TITLES.get(name, name)} {_value(estimate)}" for name, estimate in figures.items())


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
    if state.unsure and state.dataset:
        console.block("Unsure predictions", rules(state.unsure, state.dataset.classes))
