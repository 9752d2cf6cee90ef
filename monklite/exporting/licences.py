"""The known licences of a trained network: of its code, of the weights that it began with, of its images."""

from __future__ import annotations

from ..backends.base import OWN_WEIGHTS, RANDOM_WEIGHTS
from ..errors import cut
from ..record_rules import MAX_TEXT
from ..runs.state import RunState

# of the code of networks, by the backend, or by the collection before the name's slash
OF_CODE = {
    "pytorch": "BSD-3-Clause (torchvision)",
    "mxnet": "Apache-2.0 (MXNet)",
    "timm": "Apache-2.0 (timm), where the network's own file says nothing else",
}
UNKNOWN = "unknown: look it up"


def known(state: RunState) -> dict[str, str]:
    """Notes on licences, by what they are of."""
    return {
        "code of the network": _of_code(state),
        "weights": cut(_of_weights(state), MAX_TEXT),
        "images": f"{UNKNOWN} where the training images come from; weights may not be freer than they are",
    }


def _of_code(state: RunState) -> str:
    model = state.spec.model
    if model.is_own or model.layers:
        return (
            "of whoever wrote the network" if model.is_own else "put together from layers of the framework by its user"
        )
    return OF_CODE.get(model.name.partition("/")[0] if "/" in model.name else state.spec.backend, UNKNOWN)


def _of_weights(state: RunState) -> str:
    began = state.model.weights if state.model else ""
    if began in (RANDOM_WEIGHTS, OWN_WEIGHTS):
        return "of whoever trained them: they began at random, or as the user's own network gave them"
    return f"{UNKNOWN}; they were trained further from {began or 'weights that were not recorded'}"
