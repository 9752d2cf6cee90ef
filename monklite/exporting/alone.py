"""Write the network of a run alone, in a form of its framework: without preparation, classes and certificate."""

from __future__ import annotations

import os
from pathlib import Path

from .. import backends
from ..backends.base import WritesForms
from ..errors import InvalidValue
from ..files import write_bytes
from ..inference import Predictor
from ..runs.run import Run
from .writing import free_path


def write(run: Run, cache: Path, path: str | os.PathLike[str], form: str) -> Path:
    """Write the best weights of a run to a file; returns its path.

    Raises:
        InvalidValue: something is there already, or the backend does not write this form. NotReady: not trained.
    """
    target, name = free_path(path), run.state().spec.backend
    backend = backends.load(name)
    forms = backend.forms if isinstance(backend, WritesForms) else {}
    if form not in forms:
        known = ", ".join(map(repr, ("onnx", *forms)))
        raise InvalidValue(f"the {name} backend does not write networks as {form}: take one of {known}")
    predictor = Predictor(run, cache)
    write_bytes(target, forms[form](predictor.learner, predictor.spec.data.input_size))
    return target
