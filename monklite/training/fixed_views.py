"""What is told about fixed views of the training images: on the screen, and in the record of the network."""

from __future__ import annotations

from ..data.augment import Policy


def note(policy: Policy) -> str:
    """The sentence for the user before training; empty if fixed views were not asked for. `policy`: of the training images."""
    if policy.has_views:
        return (
            f"stored_views={policy.views}: each training image is shown in {policy.views} fixed pictures, drawn once, and not in "
            "a new one in each epoch. What a frozen part of the network gives for them is kept; it can cost accuracy"
        )
    if policy.views:
        return (
            f"stored_views={policy.views} changes nothing here: no random transform resamples the training images, so they have "
            "at most four pictures (mirrored or not), and what a frozen part of the network gives for them is kept anyway"
        )
    return ""


def methods(policy: Policy) -> list[str]:
    """Entries for `ModelRecord.methods`."""
    return [f"{policy.views} fixed views of each training image"] if policy.has_views else []
