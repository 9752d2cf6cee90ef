"""Learning-rate schedules as plain functions, shared by every backend.

Each takes the base learning rate, the epoch that is about to start (from 0), the number of epochs and the metrics of the
epochs done, and returns that epoch's learning rate. They hold no state: a resumed run computes what the unbroken run
computed. The definitions follow `torch.optim.lr_scheduler`, which the tests hold them against.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from .catalog.rows import load
from .catalog.schedules import SCHEDULES
from .spec import Choice


@dataclass(frozen=True)
class Moment:
    """Where training stands: `epoch` is about to start; the lists hold one value for each epoch done."""

    base: float
    epoch: int
    epochs: int
    val_loss: Sequence[float] = ()
    val_accuracy: Sequence[float] = ()


def learning_rate(choice: Choice, moment: Moment) -> float:
    """The learning rate of the epoch that is about to start."""
    row = SCHEDULES[choice.name]
    return load(str(row.pytorch))(moment, **choice.params)


def fixed(moment: Moment) -> float:
    return moment.base


def step_decrease(moment: Moment, step_size: int, gamma: float, last_epoch: int) -> float:
    return moment.base * gamma ** ((moment.epoch + last_epoch + 1) // step_size)


def multistep_decrease(moment: Moment, milestones: Sequence[int], gamma: float, last_epoch: int) -> float:
    return moment.base * gamma ** bisect_right(milestones, moment.epoch + last_epoch + 1)


def exponential_decrease(moment: Moment, gamma: float, last_epoch: int) -> float:
    return moment.base * gamma ** (moment.epoch + last_epoch + 1)


def cosine_decrease(moment: Moment, min_lr: float) -> float:
    return min_lr + (moment.base - min_lr) * (1 + math.cos(math.pi * moment.epoch / moment.epochs)) / 2


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
    rate, best, bad, resting = moment.base, None, 0, 0
    for value in moment.val_loss if mode == "min" else moment.val_accuracy:
        if best is None or _improved(value, best, mode, threshold, threshold_mode):
            best, bad = value, 0
        else:
            bad += 1
        if resting > 0:
            resting, bad = resting - 1, 0
        if bad > patience:
            lower = max(rate * factor, min_lr)
            rate = lower if rate - lower > epsilon else rate
            resting, bad = cooldown, 0
    return rate


def _improved(value: float, best: float, mode: str, threshold: float, threshold_mode: str) -> bool:
    if mode == "min":
        return value < (best * (1 - threshold) if threshold_mode == "rel" else best - threshold)
    return value > (best * (1 + threshold) if threshold_mode == "rel" else best + threshold)
