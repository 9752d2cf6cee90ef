"""Copying the weights of another run into a new one."""

from __future__ import annotations

from ..catalog.models import find_model
from ..runs.run import Run
from ..spec import Resolved


def mismatch(origin: Run, spec: Resolved, classes: tuple[str, ...]) -> str:
    """Say why the weights of `origin` do not fit the network of a spec with these classes; empty if they fit."""
    state = origin.state()
    if find_model(spec.model.name, spec.backend) != find_model(state.asked.model.name, spec.backend):
        return f"the model is {spec.model.name} now, not {state.asked.model.name}"
    if state.dataset is None or state.dataset.classes != classes:
        return "the classes differ"
    return ""
