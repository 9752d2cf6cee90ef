"""The records of what is decided on the validation images of a run, after its training."""

from __future__ import annotations

import math
from typing import Annotated, Any, TypeVar

from pydantic import Field, model_validator

from .errors import InvalidValue, shown
from .figures import Estimate
from .record_rules import COUNT, LABEL, LOSS, NAME, NUMBER_FROM_1, SHARE, TEXT
from .rules import ListOf, Number, OrNone
from .setting_ranges import COST_RANGE, COVERAGE_RANGE, PREVALENCE_RANGE
from .spec import Frozen

TEMPERATURE = Number(above=0)
# by the name of a class or label, and of a figure
PointFigures = dict[Annotated[str, LABEL], dict[Annotated[str, NAME], Estimate]]
CostRows = tuple[Annotated[tuple[float, ...], ListOf(COST_RANGE)], ...]


class Decision(Frozen):
    """A decision on the predictions of one epoch for the validation images; it holds as long as that is the best one.

    `epoch`: that epoch. `num_images`: of the validation set.
    """

    epoch: Annotated[int, NUMBER_FROM_1]
    num_images: Annotated[int, COUNT]


D = TypeVar("D", bound=Decision)


def held(decision: D | None, epoch: int) -> D | None:
    """A decision if it is on the predictions of this epoch, the best one; otherwise None."""
    return decision if decision is not None and decision.epoch == epoch else None


class ValidationRecord(Decision):
    """The predictions for the validation images, in `output/evaluation/validation`.

    `predictions`: SHA-256 of the table of predictions.
    """

    predictions: Annotated[str, TEXT]


class OperatingPoint(Decision):
    """When a class is predicted, in place of the one with the highest score.

    `chosen_by`: as it was asked for, `sensitivity=0.95`. `prevalence`: the share of positive images where the run is used; None:
    not stated. `cutoffs`: of one class per image the positive one, else each label with its own: the log-odds of the score above
    which it is predicted; below it the likeliest of the other classes is. `costs`: of more than two classes, where there are no
    cutoffs: rows are true classes, columns predicted ones; the class with the least expected cost is predicted, by scores at
    `temperature`, which is 1 if none could be found, as `refusal` says. `figures`: on the validation images.
    """

    chosen_by: Annotated[str, TEXT]
    prevalence: Annotated[float | None, OrNone(PREVALENCE_RANGE)] = None
    cutoffs: dict[Annotated[str, LABEL], Annotated[float, Number()]] = Field(default_factory=dict)
    costs: CostRows = ()
    temperature: Annotated[float, TEMPERATURE] = 1.0
    refusal: Annotated[str, TEXT] = ""
    figures: PointFigures = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_way(self) -> OperatingPoint:
        if bool(self.cutoffs) == bool(self.costs):
            raise InvalidValue("an operating point has either cutoffs or costs")
        if any(len(row) != len(self.costs) for row in self.costs):
            raise InvalidValue("costs: there is not one column for each row")
        if self.costs and not any(map(any, self.costs)):
            raise InvalidValue("costs: all are 0")
        return self

    def misfit(self, classes: tuple[str, ...], exclusive: bool) -> str:
        """The reason why it is not one of a run with these classes; empty if it is. `exclusive`: of one class per image."""
        strange = next((name for name in (*self.cutoffs, *self.figures) if name not in classes), None)
        if strange is not None:
            return f"{shown(strange)} is not one of the run's classes"
        if self.costs and not (exclusive and len(self.costs) == len(classes)):
            return f"{len(self.costs)} rows of costs for {len(classes)} classes"
        if self.cutoffs and not self.cutoffs.keys() >= self.figures.keys():
            return "it has figures of classes without a cutoff"
        if self.cutoffs and exclusive and len(self.cutoffs) != 1:
            return f"{len(self.cutoffs)} cutoffs for {len(classes)} classes of which an image has one"
        return ""


class Unsure(Decision):
    """When a prediction is unsure.

    `temperature`: by which logits are divided to give calibrated scores; None: it could not be found, as `refusal` says.
    `confidence`: the least `score_title`. `coverage`: the share of images whose class is among those that cannot be excluded.
    `possible_from`: the log-odds of the calibrated score from which on a class is among them, by class; -inf: it always is.
    `distance`: the share of the validation images that are no farther from the training images than `most_distance`.
    """

    temperature: Annotated[float | None, OrNone(TEMPERATURE)] = None
    refusal: Annotated[str, TEXT] = ""
    confidence: Annotated[float | None, OrNone(SHARE)] = None
    coverage: Annotated[float | None, OrNone(COVERAGE_RANGE)] = None
    possible_from: Annotated[tuple[float, ...], ListOf(LOSS)] = ()
    distance: Annotated[float | None, OrNone(COVERAGE_RANGE)] = None
    most_distance: Annotated[float, LOSS] = math.inf

    def misfit(self, classes: tuple[str, ...]) -> str:
        """The reason why it is not one of a run with these classes; empty if it is."""
        wanted = 0 if self.coverage is None else len(classes)
        return "" if len(self.possible_from) == wanted else f"{len(self.possible_from)} thresholds for {wanted} classes"

    @property
    def score_title(self) -> str:
        """The name of scores at the temperature, or without one, where nothing says that they are shares that are right."""
        return "uncalibrated score" if self.temperature is None else "calibrated score"

    @property
    def asked(self) -> dict[str, Any]:
        """The rules that are on, by the name of their argument."""
        values = {"coverage": self.coverage, "confidence": self.confidence, "distance": self.distance}
        return {name: value for name, value in values.items() if value is not None}
