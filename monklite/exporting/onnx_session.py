"""`model.onnx` of a bundle in ONNX Runtime, on the processor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..catalog.rows import check_installed
from ..errors import DamagedFile, OutOfMemory, cut
from ..processors import cpu_count
from .manifest import EMBEDDINGS, LOGITS, PICTURES, PROBABILITIES
from .session import Answers

TITLE = "ONNX Runtime"
# in the messages of runtimes
MEMORY_ERRORS = ("failed to allocate memory", "bad allocation", "bad_alloc")


class OnnxSession:
    """As `session.Session`. Raises as that."""

    def __init__(self, model: bytes) -> None:
        self._loaded = loaded(model)
        self.has_embeddings = EMBEDDINGS in {output.name for output in self._loaded.get_outputs()}

    def answers(self, pictures: np.ndarray) -> Answers:
        """As of `session.Session`."""
        names = [LOGITS, PROBABILITIES, *([EMBEDDINGS] if self.has_embeddings else [])]
        with computing(TITLE, len(pictures)):
            found = self._loaded.run(names, {PICTURES: np.ascontiguousarray(pictures)})
        return Answers(found[0], found[1], found[2] if self.has_embeddings else None)


@contextmanager
def computing(title: str, n_pictures: int) -> Iterator[None]:
    """Turn the errors of a runtime into those of `Session.answers`, which have no class in common."""
    try:
        yield
    except Exception as error:
        if any(text in str(error).lower() for text in MEMORY_ERRORS):
            raise OutOfMemory(f"there is not enough memory for {n_pictures} pictures at once") from None
        raise DamagedFile(f"{title} cannot compute the network: {cut(str(error))}") from None


def loaded(model: bytes) -> Any:
    """ONNX Runtime's own session of a file. Raises as `session.Session`."""
    check_installed("onnxruntime", "a bundle is computed by ONNX Runtime")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cpu_count()
    # threads that have no work would take the processors from those that decode pictures
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # errors only: it also warns about what it optimises
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    # its errors have no class in common
    except Exception as error:
        raise DamagedFile(f"{TITLE} {onnxruntime.__version__} cannot read the network: {cut(str(error))}") from None
