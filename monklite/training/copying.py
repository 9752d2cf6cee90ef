"""Checks when the weights of another run are copied into a new one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ..catalog.models import network_row
from ..data import dataset_csv
from ..data.samples import Samples
from ..errors import DamagedFile
from ..runs.file_names import SAMPLES
from ..runs.run import Run
from ..spec import Resolved


def weights_source(
    origin: Run | None, spec: Resolved, classes: tuple[str, ...], note: Callable[[str], None]
) -> Run | None:
    """The run whose weights a network starts from: `origin`, unless its network or classes differ, which is noted."""
    if origin is None or spec.model.weights_path:
        return None
    reason = _mismatch(origin, spec, classes)
    if reason:
        note(f"the weights of {origin} are not copied: {reason}")
    return None if reason else origin


def _mismatch(origin: Run, spec: Resolved, classes: tuple[str, ...]) -> str:
    state = origin.state()
    if network_row(spec.model, spec.backend) != network_row(state.asked.model, spec.backend):
        return f"the model is {spec.model.name} now, not {state.asked.model.name}"
    before = state.asked.model
    if (spec.model.source, spec.model.layers, spec.model.appended) != (before.source, before.layers, before.appended):
        return "the layers of the network differ"
    if state.dataset is None or state.dataset.classes != classes:
        return "the classes differ"
    return ""


def leaks(origin: Run, samples: Samples) -> Iterator[str]:
    """Yield a note if validation images of the new run were training images of `origin`, whose weights it starts from."""
    validation = samples.digests[samples.rows_of("val")]
    try:
        trained_on = dataset_csv.read_digests(origin.folder / SAMPLES, origin.state().dataset, ("train",))
    except (DamagedFile, OSError) as error:
        yield f"whether {origin} was trained on validation images of this run is unknown: {error}"
        return
    n_seen = int(np.isin(validation, trained_on).sum())
    if n_seen:
        yield (
            f"{origin}, whose weights are copied, was trained on {n_seen} of the {len(validation)} validation images: "
            "validation looks better than it is"
        )
