"""The weights of a Gluon network as safetensors, which other programs read."""

from __future__ import annotations

import json

from safetensors.numpy import save

from .learner import GluonLearner


def safetensors(learner: GluonLearner, size: int) -> bytes:
    """The weights under the names of `save_parameters`, as NumPy has them."""
    learner.wait()
    learner.averages.swap_in()
    arrays = {name: p._reduce().asnumpy() for name, p in learner.network._collect_params_with_prefix().items()}
    return save(arrays, {"classes": json.dumps(learner.task.classes)})


FORMS = {"safetensors": safetensors}
