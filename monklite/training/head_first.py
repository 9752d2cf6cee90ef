"""The first epochs of a training, in which the head alone is trained."""

from __future__ import annotations

from collections.abc import Callable

from ..spec import Resolved, ResolvedTraining
from .engine import Handler, Loop
from .position import Position


class HeadFirst(Handler):
    """Has the other layers trained too, once the head has had its epochs.

    `use_features`: see `Session`; another part of the network is frozen from then on, or none.
    """

    def __init__(self, spec: Resolved, say: Callable[[str], None], use_features: Callable[[Loop], object]) -> None:
        self.spec, self.say, self.use_features = spec, say, use_features

    def epoch_start(self, loop: Loop) -> None:
        # a training that is resumed within this epoch trains them already
        if not self.spec.training.head_epochs or loop.epoch != self.spec.training.head_epochs or loop.images:
            return
        for kept in loop.features.values():
            kept.close()
        loop.features = {}
        notes = loop.learner.train_base(self.spec)
        loop.learner.set_learning_rate(loop.rate)
        self.use_features(loop)
        self.say("    From here on the layers before the head are trained too\n")
        for note in notes:
            self.say(f"    Note: {note}\n")


def is_over(training: ResolvedTraining, position: Position) -> bool:
    """Whether a state that was saved at a position is that of a training of all layers."""
    return (len(position.history), position.images) > (training.head_epochs, 0)
