"""Progressive resizing: the size of the training images in each epoch, and which networks can be trained so.

As in fast.ai's "progressive resizing" and in MosaicML Composer's `ProgressiveResizing`, whose names and values the settings have:
small images first, which cost less, growing to the full size, on which the last epochs train.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..errors import InvalidValue
from ..spec import Resolved
from .models import network_row

# px; nearly all networks halve the image five times; of other sizes, the rows beyond a multiple of 32 are cut off
MULTIPLE = 32
OFF = "update_progressive_resizing(1) turns it off"


@dataclass(frozen=True)
class SizeSchedule:
    """The sides of the training images, px: `initial` until the share `delay` of the `epochs`, then growing to `full`, which they
    have in the share `finetune` of the last epochs, and at least in the last one."""

    initial: int
    full: int
    epochs: int
    delay: float
    finetune: float

    def in_epoch(self, number: int) -> int:
        """The side of the training images in epoch `number`, from 0; a multiple of 32, or the full size."""
        done, growth_end = number / self.epochs, 1 - self.finetune
        if number >= self.epochs - 1 or done >= growth_end:
            return self.full
        if done <= self.delay:
            return self.initial
        share = (done - self.delay) / (growth_end - self.delay)
        return min(self.full, MULTIPLE * round((self.initial + share * (self.full - self.initial)) / MULTIPLE))


def check_smallest(spec: Resolved) -> None:
    """Refuse an input size that is too small for the network.

    Raises:
        InvalidValue: it is.
    """
    row, size = network_row(spec.model, spec.backend), spec.data.input_size
    if size < row.min_size:
        raise InvalidValue(f"{row.name} needs images of at least {row.min_size} px, not input_size={size}")


def schedule(spec: Resolved) -> SizeSchedule | None:
    """The sizes of a training; None if they are not asked for.

    Raises:
        InvalidValue: the network cannot be trained so: it has frozen layers, is built for one size, or takes no smaller one.
    """
    resizing, model, full = spec.training.resizing, spec.model, spec.data.input_size
    if resizing.initial_scale == 1:
        return None
    row = network_row(model, spec.backend)
    if model.freeze_base or model.freeze_layers or spec.training.head_epochs:
        raise InvalidValue(
            "progressive resizing is for networks whose layers are all trained: the output of frozen layers is computed once "
            f"per picture, and would have to be computed for each size. Use freeze_base_network=False and no head_epochs; {OFF}"
        )
    if spec.backend in row.fixed_size:
        raise InvalidValue(
            f"{row.name} is built for images of one size on the {spec.backend} backend, so progressive resizing cannot show "
            f"it smaller ones; {OFF}"
        )
    # auxiliary heads that the network has at its full size need that size
    least = max(row.min_size, row.auxiliary_size if full >= row.auxiliary_size else 0)
    initial = MULTIPLE * max(round(resizing.initial_scale * full / MULTIPLE), math.ceil(least / MULTIPLE))
    if initial >= full:
        raise InvalidValue(
            f"progressive resizing begins with a multiple of {MULTIPLE} px, and {row.name} needs at least {least} px: for "
            f"input_size={full} and initial_scale={resizing.initial_scale:g} there is none that is smaller than the input; {OFF}"
        )
    return SizeSchedule(initial, full, spec.training.epochs, resizing.delay_fraction, resizing.finetune_fraction)
