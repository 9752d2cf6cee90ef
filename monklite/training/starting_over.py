"""Resuming a training that was broken off before anything was saved: it begins at its beginning, in the same version."""

from __future__ import annotations

from ..backends import Learner
from ..errors import NotReady
from ..runs.run import Run

COPIED = "copied from "


def starts_over(run: Run) -> bool:
    """Whether a training was broken off before anything was saved: resumed, it begins at its beginning and loses nothing."""
    state = run.state()
    unfinished = state.status not in ("new", "done") and state.resolved is not None
    return unfinished and state.results is None and not run.has_saved_state()


def copied_weights(run: Run) -> bool:
    """Whether the training began with the weights of another run."""
    model = run.state().model
    return model is not None and model.weights.startswith(COPIED)


def check_same_network(run: Run, learner: Learner) -> None:
    """Refuse a network of another size than that with which the training began: the user had changed it by hand.

    Raises:
        NotReady: it has another size.
    """
    recorded, now = run.state().model, learner.describe()
    sizes = ("parameters", "trainable_parameters", "layers", "trainable_layers")
    if recorded is not None and any(getattr(recorded, name) != getattr(now, name) for name in sizes):
        raise NotReady(
            f"{run} was begun with another network ({recorded.trainable_parameters:,} of {recorded.parameters:,} parameters "
            f"trained, now {now.trainable_parameters:,} of {now.parameters:,}): change `model` as before, or train a new version"
        )
