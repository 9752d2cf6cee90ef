"""Fine-tuning: the head first, then all layers, the first ones at smaller rates; and which settings contradict it.

As it is commonly taught (Howard and Ruder 2018; fastai's `fine_tune`): a new head sends large random gradients through the
pretrained layers, which spoil them; and the first layers detect what all pictures have, such as edges, so that they need to
change least.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..errors import InvalidValue, cut
from ..rules import Number, Whole
from ..setting_ranges import EPOCHS_RANGE, HEAD_EPOCHS_RANGE, RATE_FACTOR_RANGE
from ..spec import Resolved, ResolvedTraining

# as fastai divides its networks: the first half of the base, the second one, the head
GROUPS = 3
GROUPS_RANGE = Whole(least=2, most=1000)
DECAY_RANGE = Number(above=0, most=1)


def settings(num_epochs: int, head_epochs: int, layer_decay: float) -> dict[str, Any]:
    """The settings that the method `Fine_Tune` makes, by dotted path."""
    in_all = EPOCHS_RANGE("num_epochs", num_epochs) + HEAD_EPOCHS_RANGE("head_epochs", head_epochs)
    return {
        "model.freeze_base": False,
        "training.head_epochs": head_epochs,
        "training.epochs": in_all,
        "training.layer_rates": falling(layer_decay, GROUPS, "layer_decay"),
    }


def replaced_rates(before: Sequence[float], rates: Sequence[float]) -> Iterator[str]:
    """Yield a note if `Fine_Tune` replaces rates of layers that were set before it by others; both as of `falling`."""
    if before and tuple(before) != tuple(rates):
        yield cut(
            f"the rates of layers are now {_listed(rates) or 'one'}, by layer_decay, and no longer {_listed(before)}; to keep "
            "those, use update_freeze_base_network(False), update_head_epochs(...) and Train() in place of Fine_Tune"
        )


def falling(decay: float, groups: int, argument: str = "decay") -> tuple[float, ...]:
    """Multiples of the learning rate for groups of layers, the first ones first: each `decay` times the next; 1.0 for the head.

    Empty for a decay of 1, with which all layers have the same rate.
    """
    factor = DECAY_RANGE(argument, decay)
    n = GROUPS_RANGE("groups", groups)
    rates = _powers(factor, n) if factor < 1 else ()
    # zero, after very many groups
    for rate in rates:
        RATE_FACTOR_RANGE(f"{argument}, by group,", rate)
    return rates


def _powers(factor: float, n: int) -> tuple[float, ...]:
    return tuple(factor ** (n - 1 - i) for i in range(n))


def decay_of(rates: Sequence[float]) -> float | None:
    """The decay of which `falling` gives exactly these multiples; None if there is none."""
    decay = rates[-2] if len(rates) > 1 else 1.0
    return decay if 0 < decay < 1 and tuple(rates) == _powers(decay, len(rates)) else None


def check(spec: Resolved) -> None:
    """Refuse settings that would have no effect.

    Raises:
        InvalidValue: rates of layers, or epochs for the head first, although only the head is trained.
    """
    training, only_head = spec.training, spec.model.freeze_base and not spec.model.freeze_layers
    for asked, what, off in (
        (
            training.layer_rates,
            "layer rates are for networks with several trained layers",
            "update_layer_rates(decay=1)",
        ),
        (training.head_epochs, "the head is trained first where the other layers follow", "update_head_epochs(0)"),
    ):
        if asked and only_head:
            raise InvalidValue(f"{what}, and the base is frozen: use freeze_base_network=False; {off} turns it off")


def methods(training: ResolvedTraining) -> Iterator[str]:
    """Yield the entries for `ModelRecord.methods`."""
    if n := training.head_epochs:
        yield f"head alone in the first {n} {'epoch' if n == 1 else 'epochs'}"
    if training.layer_rates:
        yield cut(f"rates of layers {_listed(training.layer_rates)}")


def _listed(rates: Sequence[float]) -> str:
    return ", ".join(f"{rate:g}" for rate in rates)


def relative(rates: Sequence[float]) -> tuple[float, ...]:
    """Learning rates of groups of layers as multiples of the last, which is that of the head."""
    return tuple(rate / rates[-1] for rate in rates)
