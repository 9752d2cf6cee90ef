"""Some images of a subset with their labels, as a training is given them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import numpy as np

from ..backends import Learner
from ..data.batches import Batch, Batches
from ..tasks import NO_LABEL, Task


def samples(batches: Batches, task: Task, n: int, learner: Learner | None = None) -> tuple[list[np.ndarray], list[str]]:
    """The first `n` images of the first epoch, uint8 (side, side, 3), and the text of their labels.

    Args:
        batches: taken in shuffled order. learner: applies the transforms; without it, images are as they were decoded.
    """
    images: list[np.ndarray] = []
    texts: list[str] = []
    # validation images are sorted by class
    with closing(replace(batches, shuffle=True).epoch()) as epoch:  # type: ignore[type-var]
        for batch in epoch:
            shown = batch.images if learner is None else learner.augmented(batch.images, batch.draws)
            images += list(np.clip(np.rint(shown), 0, 255).astype(np.uint8))
            texts += list(_label_texts(batch, task) if learner else map(task.text, batch.labels))
            if len(images) >= n:
                break
    return images[:n], [text or NO_LABEL for text in texts[:n]]


def _label_texts(batch: Batch, task: Task) -> Iterator[str]:
    """Yield the labels of each image; of mixed ones, with their shares."""
    (_, first), *others = batch.draws.label_shares(batch.labels)
    for i, label in enumerate(first):
        own = task.text(label) or NO_LABEL
        text = own
        for share, labels in others:
            other = task.text(labels[i]) or NO_LABEL
            text = own if other == own else f"{own} {1 - share:.0%}, {other} {share:.0%}"
        yield text
