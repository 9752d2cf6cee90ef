"""Sentences and entries of the record about how training images are shown: in fixed views, or small at first."""

from __future__ import annotations

from collections.abc import Iterator

from ..data.batches import Batches


def notes(train: Batches) -> Iterator[str]:
    """Yield sentences for the user before training. `train`: the training images."""
    policy, sizes = train.policy, train.sizes
    if policy.has_views:
        yield (
            f"stored_views={policy.views}: each training image is shown in {policy.views} fixed pictures, drawn once, and not in "
            "a new one in each epoch. What a frozen part of the network gives for them is kept; it can cost accuracy"
        )
    elif policy.views:
        yield (
            f"stored_views={policy.views} changes nothing here: no random transform resamples the training images, so they have "
            "at most four pictures (mirrored or not), and what a frozen part of the network gives for them is kept anyway"
        )
    if sizes is not None:
        yield (
            f"progressive resizing: training images are shown at {sizes.initial} px first and grow to {sizes.full} px; "
            f"validation images always have {sizes.full} px. It can cost accuracy"
        )


def methods(train: Batches) -> list[str]:
    """Entries for `ModelRecord.methods`."""
    views = [f"{train.policy.views} fixed views of each training image"] if train.policy.has_views else []
    return [*views, f"progressive resizing from {train.sizes.initial} px"] if train.sizes is not None else views
