"""Sentences and entries of the record about how training images are shown: in fixed views, small at first, or mixed."""

from __future__ import annotations

from collections.abc import Iterator

from ..data.batches import Batches
from ..data.mixing import Mixing

KEPT = "What a frozen part of the network gives for them is kept. "


def notes(train: Batches) -> Iterator[str]:
    """Yield sentences for the user before training. `train`: the training images."""
    policy, sizes, mixing = train.policy, train.sizes, train.mixing
    if policy.has_views:
        yield (
            f"stored_views={policy.views}: each training image is shown in {policy.views} fixed pictures, drawn once, and not in "
            f"a new one in each epoch. {KEPT if not mixing else ''}It can cost accuracy"
        )
    elif policy.views:
        yield (
            f"stored_views={policy.views} changes nothing here: no random transform but mirroring is applied to the training "
            f"images, so they have at most four pictures. {KEPT if not mixing else ''}".rstrip(". ")
        )
    if sizes is not None:
        yield (
            f"progressive resizing: training images are shown at {sizes.initial} px first and grow to {sizes.full} px; "
            f"validation images always have {sizes.full} px. It can cost accuracy"
        )
    if mixing:
        yield (
            f"{_name(mixing)}: training images are mixed with each other, so a frozen part of the network is computed for them "
            "in each epoch. The training accuracy counts the label with the larger share, and is lower than on whole images"
        )


def methods(train: Batches) -> list[str]:
    """Entries for `ModelRecord.methods`."""
    policy, sizes, mixing = train.policy, train.sizes, train.mixing
    views = [f"{policy.views} fixed views of each training image"] if policy.has_views else []
    resizing = [f"progressive resizing from {sizes.initial} px"] if sizes is not None else []
    return [*views, *resizing, *([_name(mixing)] if mixing else [])]


def _name(mixing: Mixing) -> str:
    alphas = {"MixUp": mixing.mixup, "CutMix": mixing.cutmix}
    return " and ".join(f"{name} (alpha {alpha:g})" for name, alpha in alphas.items() if alpha)
