"""Heat maps of a Gluon network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...data.augment import Draws
from ...errors import OutOfMemory
from ..heat_maps import HeatMaps, grad_cam, pixel_gradients
from .framework import autograd, nd
from .framework_errors import translated
from .halves import split_at_last_map

if TYPE_CHECKING:
    from typing import Any

    from .learner import GluonLearner


def heat_maps(learner: GluonLearner, images: np.ndarray, draws: Draws, targets: np.ndarray) -> HeatMaps:
    """See `backends.base.Learner`. Gradients are of values, not of weights, so that frozen layers do not matter."""
    learner.wait()
    learner.averages.swap_in()
    workload = f"{len(images)} images of {draws.size} px at once"
    with translated(learner.context, workload, memory_error=OutOfMemory), autograd.predict_mode():
        x = learner.inputs(images, draws)
        halves = split_at_last_map(learner.network, x.shape)
        if halves is None:
            return pixel_gradients(_gradients(learner.network, x, targets))
        below, above = halves
        maps = below(x)
        return grad_cam(maps.asnumpy(), _gradients(lambda values: above(x, values), maps, targets))


def _gradients(network: Any, values: Any, targets: np.ndarray) -> np.ndarray:
    """Of the logit of each image's class with respect to what a network is given; gradients of weights are not computed."""
    values.attach_grad()
    with autograd.record(train_mode=False):
        logits = network(values).pick(nd.array(targets, ctx=values.context), axis=1).sum()
    return autograd.grad(logits, [values], train_mode=False)[0].asnumpy()
