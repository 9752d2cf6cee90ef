"""Choose the operating point of a run on its validation images."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .data import dataset_csv
from .decisions import OperatingPoint, PointFigures
from .errors import InvalidType, InvalidValue, NotReady, cut, shown, suggestion
from .figures import SENSITIVITY, SPECIFICITY
from .inference import Predictor
from .operating_point import at
from .rules import Number, OrNone
from .runs.file_names import BEST, SAMPLES
from .setting_ranges import COST_RANGE, PREVALENCE_RANGE
from .statistics import predictive_values, temperature, thresholds
from .tasks import Task, log_odds
from .training import validation_predictions
from .training.validation_predictions import Judged

# characters of a goal as it is recorded
MAX_GOAL = 900
COSTLESS = "a cost must be more than 0 for at least one kind of wrong prediction"
TARGET_RANGE = Number(above=0, most=1)
COSTS = ("false_negative_cost", "false_positive_cost")
NUMBERS = {**dict.fromkeys((SENSITIVITY, SPECIFICITY), TARGET_RANGE), **dict.fromkeys(COSTS, COST_RANGE)}


@dataclass(frozen=True)
class Goal:
    """The goal of an operating point: a figure, or the least cost.

    `cost`: of each wrong prediction, by `true class->predicted class`; those that are left out cost 1. `positive`: the class that
    the figures are of, or the label that the point is of; None: the second one of two classes, or every label. `prevalence`: the
    share of positive images where the run is used.

    Raises:
        InvalidType, InvalidValue: values that break their rules, or not exactly one of the four ways.
    """

    sensitivity: float | None = None
    specificity: float | None = None
    cost: Mapping[str, float] | None = None
    false_negative_cost: float | None = None
    false_positive_cost: float | None = None
    positive: str | None = None
    prevalence: float | None = None

    def __post_init__(self) -> None:
        for name, rule in {**NUMBERS, "prevalence": PREVALENCE_RANGE}.items():
            object.__setattr__(self, name, OrNone(rule)(name, getattr(self, name)))
        given = [name for name in (SENSITIVITY, SPECIFICITY, "cost") if getattr(self, name) is not None]
        given += [" and ".join(COSTS)] if any(getattr(self, name) is not None for name in COSTS) else []
        if len(given) != 1:
            what = f"not {' and '.join(given)}" if given else "none is given"
            raise InvalidValue(f"give one of sensitivity=, specificity=, cost= or both {' and '.join(COSTS)}: {what}")
        if any(getattr(self, name) is None for name in COSTS) and given[0].startswith(COSTS[0]):
            raise InvalidValue(f"{' and '.join(COSTS)} go together: give both, in the same unit")
        if self.false_negative_cost == 0 == self.false_positive_cost:
            raise InvalidValue(COSTLESS)

    def __str__(self) -> str:
        names = (SENSITIVITY, SPECIFICITY, *COSTS, "cost", "prevalence")
        text = ", ".join(f"{name}={v!r}" for name in names if (v := getattr(self, name)) is not None)
        # two goals are told apart by their texts, also where only a digest tells what was left out
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        return text if len(text) <= MAX_GOAL else f"{cut(text, MAX_GOAL - 11)} ({digest})"


def judged(predictor: Predictor) -> tuple[int, Judged]:
    """The best epoch of a run, and what it predicts for the validation images.

    Raises:
        NotReady: the run is being trained, or these predictions are not there. DamagedFile: they cannot be read.
    """
    run, state = predictor.run, predictor.run.state()
    if state.status == "running":
        raise NotReady(f"{run} is being trained right now: choose on its validation images when the training is over")
    if state.results is None or predictor.weights.name != BEST:
        raise NotReady(f"{run} has no best epoch: its first epoch was not completed")
    # with the labels of the run, whatever the operating point is
    return state.results.best_epoch, validation_predictions.read(run, state.results.best_epoch, predictor.task)


def choose(predictor: Predictor, goal: Goal | None) -> OperatingPoint | None:
    """Choose the operating point, store it with the run, and predict with it from now on; None: predict as usual again.

    Raises:
        InvalidType, InvalidValue: the goal does not fit the classes. DamagedFile, NotFound: the groups of the images cannot be
        read. Else as `judged`.
    """
    point = None if goal is None else chosen(goal, predictor.usual_task, *judged(predictor), _groups(predictor))
    predictor.decide(predictor.run.update(operating_point=point))
    return point


def _groups(predictor: Predictor) -> Sequence[str] | None:
    """The patients or other groups of the validation images, in their order; None if they are not grouped."""
    run, record = predictor.run, predictor.record
    return None if record.groups is None else dataset_csv.read_groups(run.folder / SAMPLES, "val", record)


def chosen(
    goal: Goal, task: Task, epoch: int, validation: Judged, groups: Sequence[str] | None = None
) -> OperatingPoint:
    """The operating point of a goal on the validation images, whose figures take their groups into account.

    Raises:
        InvalidType, InvalidValue: the goal does not fit the classes.
    """
    values: dict[str, Any] = {"epoch": epoch, "num_images": len(validation.labels), "prevalence": goal.prevalence}
    if task.exclusive and len(task.classes) > 2 and goal.cost is not None:
        values["costs"] = _cost_rows(goal, task.classes)
        values["temperature"], values["refusal"] = temperature.fitted(task, *validation)
    else:
        values["cutoffs"] = _cutoffs(goal, task, validation)
    # only now its costs are known to be numbers
    point = OperatingPoint(**values, chosen_by=str(goal))
    return point.model_copy(update={"figures": figures(task, point, *validation, groups)})


def figures(
    task: Task,
    point: OperatingPoint,
    logits: np.ndarray,
    labels: np.ndarray,
    groups: Sequence[str] | np.ndarray | None = None,
) -> PointFigures:
    """The figures of images with known labels at an operating point: of each class that has a cutoff, or of all.

    Args:
        groups: of the images, such as their patients, which the intervals take into account.
    """
    truth, predicted = task.membership(labels), task.membership(at(task, point).predicted(logits))
    return {
        name: predictive_values.figures(truth[:, i], predicted[:, i], point.prevalence, groups)
        for i, name in enumerate(task.classes)
        if name in point.cutoffs or point.costs
    }


def _cutoffs(goal: Goal, task: Task, validation: Judged) -> dict[str, float]:
    odds, truth = log_odds(validation.logits, task.activation), task.membership(validation.labels)
    return {name: _cutoff(goal, task, i, odds[:, i], truth[:, i]) for i, name in _positives(goal, task)}


def _positives(goal: Goal, task: Task) -> list[tuple[int, str]]:
    """The labels that get a cutoff, with their places."""
    classes = task.classes
    if goal.positive is not None and goal.positive not in classes:
        known = cut(", ".join(map(repr, classes)), 600)
        raise InvalidValue(
            f"positive={shown(goal.positive)} is not a class.{suggestion(goal.positive, classes)} The classes are {known}"
        )
    if goal.positive is not None:
        return [(classes.index(goal.positive), goal.positive)]
    if task.exclusive and len(classes) > 2:
        raise InvalidValue(
            f"with {len(classes)} classes {goal} is that of one of them, which is told apart from all others: name it, "
            f"positive={classes[1]!r}; or weigh all of them by the costs of wrong predictions, {_example(classes)}"
        )
    if task.exclusive:
        return [(1, classes[1])]
    if goal.prevalence is not None:
        raise InvalidValue("prevalence= is that of one label: name it, positive='label'")
    return list(enumerate(classes))


def _cutoff(goal: Goal, task: Task, place: int, odds: np.ndarray, truth: np.ndarray) -> float:
    if truth.all() or not truth.any():
        which = "all" if truth.all() else "none"
        raise InvalidValue(
            f"no threshold can be chosen for {shown(task.classes[place])}: {which} of the {len(truth)} validation images "
            "belong to it"
        )
    if goal.sensitivity is not None:
        return thresholds.for_sensitivity(odds, truth, goal.sensitivity)
    if goal.specificity is not None:
        return thresholds.for_specificity(odds, truth, goal.specificity)
    false_negative, false_positive = goal.false_negative_cost, goal.false_positive_cost
    if goal.cost is not None:
        if not task.exclusive:
            raise InvalidValue(f"cost= is of one class per image: for several labels give {' and '.join(COSTS)}")
        rows = _cost_table(goal.cost, task.classes)
        false_negative, false_positive = rows[place][1 - place], rows[1 - place][place]
    assert false_negative is not None and false_positive is not None
    return thresholds.for_costs(odds, truth, false_negative, false_positive, goal.prevalence)


def _cost_rows(goal: Goal, classes: Sequence[str]) -> tuple[tuple[float, ...], ...]:
    assert goal.cost is not None
    if goal.positive is not None or goal.prevalence is not None:
        raise InvalidValue(
            f"with {len(classes)} classes cost= weighs all of them alike, so that none is positive: leave positive= and "
            f"prevalence= out, or give sensitivity=, specificity= or {' and '.join(COSTS)} of the positive one"
        )
    return _cost_table(goal.cost, classes)


def _example(classes: Sequence[str]) -> str:
    return f"cost={{{f'{classes[0]}->{classes[1]}'!r}: 5, ...}}"


def _cost_table(cost: Mapping[str, float], classes: Sequence[str]) -> tuple[tuple[float, ...], ...]:
    """The cost of each wrong prediction: rows are true classes, columns predicted ones."""
    if not isinstance(cost, Mapping):
        raise InvalidType(
            f"cost must be a dictionary from 'true class->predicted class' to its cost, not {shown(cost)}"
        )
    rows = 1.0 - np.eye(len(classes))
    pairs = {f"{true}->{other}": (i, j) for i, true in enumerate(classes) for j, other in enumerate(classes) if i != j}
    for name, value in cost.items():
        if name not in pairs:
            raise InvalidValue(
                f"cost: {shown(name)} is not 'true class->predicted class'.{suggestion(name, pairs)} The classes are "
                f"{cut(', '.join(map(repr, classes)), 600)}"
            )
        rows[pairs[name]] = COST_RANGE(f"cost[{name!r}]", value)
    if not rows.any():
        raise InvalidValue(COSTLESS)
    return tuple(map(tuple, rows.tolist()))


def too_few(goal: Goal, point: OperatingPoint) -> dict[str, int]:
    """The classes with so few validation images that a target means all of them, with the number of these images."""
    name = SENSITIVITY if goal.sensitivity is not None else SPECIFICITY
    target = getattr(goal, name)
    counts = {label: of_label[name].count for label, of_label in point.figures.items()}
    return (
        {} if target is None else {label: n for label, n in counts.items() if math.floor(n * (1 - target) + 1e-9) < 1}
    )
