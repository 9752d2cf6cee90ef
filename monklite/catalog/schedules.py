"""Learning-rate schedules: the table, and the functions that compute the rates, the same for every backend.

Each function takes a `Moment` and returns the learning rate of the epoch or the step that is about to start. They have no
state, so a resumed run computes the same rates as an uninterrupted one. The definitions follow `torch.optim.lr_scheduler`,
against which they are tested.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from ..rules import Flag, ListOf, Number, OneOf, Whole
from ..setting_ranges import AT_LEAST_0, AT_LEAST_1, MAX_COUNT, MAX_FACTOR, NOT_NEGATIVE
from ..spec import Choice
from .backends import load
from .rows import REQUIRED, Parameter, Row, table

DECREASE = Parameter("gamma", 0.1, Number(above=0, most=1), "factor of each decrease")
LAST_EPOCH = Parameter(
    "last_epoch",
    -1,
    Whole(least=-1, limit=MAX_COUNT),
    "index of the last epoch of the schedule that is already done; -1: none",
)


@dataclass(frozen=True)
class ScheduleRow(Row):
    """A schedule. `function`: dotted path of the function that computes its rates. `per_step`: the parameter without which (if it
    is 0) the rates of all steps of an epoch are equal; `""`: they always are."""

    function: str = ""
    per_step: str = ""


def _row(name: str, doc: str, *parameters: Parameter, per_step: str = "") -> ScheduleRow:
    return ScheduleRow(name, doc, parameters, f"{__name__}.{name}", per_step)


# fmt: off
SCHEDULES = table((
    _row("fixed", "A constant learning rate."),
    _row("step_decrease", "Multiply by gamma every step_size epochs.",
         Parameter("step_size", REQUIRED, AT_LEAST_1, "epochs between decreases"), DECREASE,
         LAST_EPOCH),
    _row("multistep_decrease", "Multiply by gamma at the given epochs.",
         Parameter("milestones", REQUIRED, ListOf(AT_LEAST_1, increasing=True),
                   "epochs after which it decreases"), DECREASE, LAST_EPOCH),
    _row("exponential_decrease", "Multiply by gamma after every epoch.",
         Parameter("gamma", REQUIRED, Number(above=0, most=1), "factor of each decrease"), LAST_EPOCH),
    _row("cosine_decrease",
         "Half a cosine from the learning rate down to min_lr over the whole training (Loshchilov and Hutter 2017), "
         "epoch by epoch; with warmup_epochs, it rises step by step to the learning rate before (Goyal et al. 2017).",
         Parameter("min_lr", 0.0, NOT_NEGATIVE, "learning rate at the end"),
         Parameter("warmup_epochs", 0, AT_LEAST_0, "epochs in which it rises from nearly 0"),
         per_step="warmup_epochs"),
    _row("one_cycle",
         "Step by step up to the learning rate and far below where it began, each along half a cosine (Smith 2018, "
         "as in torch's OneCycleLR). The momentum stays as it is.",
         Parameter("warmup_share", 0.3, Number(least=0, most=1), "share of the training in which it rises"),
         Parameter("initial_division", 25.0, Number(least=1, limit=MAX_FACTOR),
                   "it begins at the learning rate / this"),
         Parameter("final_division", 1e4, Number(least=1, limit=MAX_FACTOR), "and ends at that / this"),
         per_step="initial_division"),
    _row("plateau_decrease",
         "Multiply by factor when the validation loss (mode 'max': accuracy, or F1 where images have several labels) "
         "has not improved for patience epochs.",
         Parameter("mode", "min", OneOf(("min", "max")), "watch the loss (min) or the accuracy (max)"),
         Parameter("factor", 0.1, Number(above=0, below=1), "factor of each decrease"),
         Parameter("patience", 10, AT_LEAST_0, "epochs without improvement before a decrease"),
         Parameter("verbose", False, Flag(), "kept from Monk; the learning rate is always shown"),
         Parameter("threshold", 1e-4, NOT_NEGATIVE, "what counts as an improvement"),
         Parameter("threshold_mode", "rel", OneOf(("rel", "abs")), "threshold relative to the best value, or absolute"),
         Parameter("cooldown", 0, AT_LEAST_0, "epochs to wait after a decrease"),
         Parameter("min_lr", 0.0, NOT_NEGATIVE, "never below this"),
         Parameter("epsilon", 1e-8, NOT_NEGATIVE, "smaller decreases are skipped")),
))
# fmt: on


@dataclass(frozen=True)
class Moment:
    """The start of an epoch or of a step. `base`: the base learning rate; `epoch`: the epoch, from 0; `epochs`: their number.

    `steps_done`: steps of this epoch before, of `steps`. `val_loss`, `val_figure`: one value per finished epoch; the figure is
    the one that decides which epoch is best, higher being better, which is accuracy for one label per image.
    """

    base: float
    epoch: int
    epochs: int
    val_loss: Sequence[float] = ()
    val_figure: Sequence[float] = ()
    steps_done: int = 0
    steps: int = 1


def learning_rate(choice: Choice, moment: Moment) -> float:
    """The learning rate of the epoch or the step that is about to start."""
    row = SCHEDULES[choice.name]
    return load(row.function)(moment, **row.values(choice))


def changes_within_epochs(choice: Choice) -> bool:
    """Whether the rates of the steps of an epoch may differ."""
    row = SCHEDULES[choice.name]
    return bool(row.per_step and row.values(choice)[row.per_step])


def fixed(moment: Moment) -> float:
    return moment.base


def step_decrease(moment: Moment, step_size: int, gamma: float, last_epoch: int) -> float:
    return moment.base * gamma ** ((moment.epoch + last_epoch + 1) // step_size)


def multistep_decrease(moment: Moment, milestones: Sequence[int], gamma: float, last_epoch: int) -> float:
    return moment.base * gamma ** bisect_right(milestones, moment.epoch + last_epoch + 1)


def exponential_decrease(moment: Moment, gamma: float, last_epoch: int) -> float:
    return moment.base * gamma ** (moment.epoch + last_epoch + 1)


def cosine_decrease(moment: Moment, min_lr: float, warmup_epochs: int) -> float:
    if moment.epoch < warmup_epochs:
        return moment.base * (moment.epoch * moment.steps + moment.steps_done + 1) / (warmup_epochs * moment.steps)
    return _half_cosine(moment.base, min_lr, (moment.epoch - warmup_epochs) / (moment.epochs - warmup_epochs))


def one_cycle(moment: Moment, warmup_share: float, initial_division: float, final_division: float) -> float:
    step, n_steps = moment.epoch * moment.steps + moment.steps_done, moment.epochs * moment.steps
    # as in torch, the highest rate is that of the last step of the rise, which may lie between two steps
    highest, first = max(warmup_share * n_steps - 1, 0), moment.base / initial_division
    if step <= highest and highest > 0:
        return _half_cosine(first, moment.base, step / highest)
    fall = n_steps - 1 - highest
    return _half_cosine(moment.base, first / final_division, (step - highest) / fall if fall > 0 else 0)


def _half_cosine(start: float, end: float, share: float) -> float:
    """`start` at share 0, `end` at share 1."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


def plateau_decrease(
    moment: Moment,
    mode: str,
    factor: float,
    patience: int,
    threshold: float,
    threshold_mode: str,
    cooldown: int,
    min_lr: float,
    epsilon: float,
    verbose: bool = False,
) -> float:
    rate, best, n_bad, n_cooldown = moment.base, None, 0, 0
    for value in moment.val_loss if mode == "min" else moment.val_figure:
        if best is None or _is_improvement(value, best, mode, threshold, threshold_mode):
            best, n_bad = value, 0
        else:
            n_bad += 1
        if n_cooldown > 0:
            n_cooldown, n_bad = n_cooldown - 1, 0
        if n_bad > patience:
            lower = max(rate * factor, min_lr)
            rate = lower if rate - lower > epsilon else rate
            n_cooldown, n_bad = cooldown, 0
    return rate


def _is_improvement(value: float, best: float, mode: str, threshold: float, threshold_mode: str) -> bool:
    if mode == "min":
        return value < (best * (1 - threshold) if threshold_mode == "rel" else best - threshold)
    return value > (best * (1 + threshold) if threshold_mode == "rel" else best + threshold)
