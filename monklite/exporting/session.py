"""`model.onnx` of a bundle in ONNX Runtime, on the processor."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..catalog.rows import check_installed
from ..errors import DamagedFile, OutOfMemory, cut
from ..processors import cpu_count
from .manifest import EMBEDDINGS, LOGITS, PICTURES, PROBABILITIES

# in the messages of ONNX Runtime
MEMORY_ERRORS = ("failed to allocate memory", "bad allocation", "bad_alloc")


class Answers(NamedTuple):
    """Logits and probabilities, float32 (n, classes), and what the head is given, float32 (n, d); None: it is not told."""

    logits: np.ndarray
    probabilities: np.ndarray
    embeddings: np.ndarray | None


class Session:
    """A network of a bundle. `model`: the content of its file. `has_embeddings`: whether it tells what its head is given.

    Raises:
        MissingPackage: ONNX Runtime is not installed. DamagedFile: it cannot read the file.
    """

    def __init__(self, model: bytes) -> None:
        self._loaded = loaded(model)
        self.has_embeddings = EMBEDDINGS in {output.name for output in self._loaded.get_outputs()}

    def answers(self, pictures: np.ndarray) -> Answers:
        """The answers for pictures uint8 (n, height, width, 3), RGB; several threads may ask at once.

        Raises:
            OutOfMemory: memory is too small for so many. DamagedFile: the network cannot be computed.
        """
        names = [LOGITS, PROBABILITIES, *([EMBEDDINGS] if self.has_embeddings else [])]
        try:
            found = self._loaded.run(names, {PICTURES: np.ascontiguousarray(pictures)})
        # its errors have no class in common
        except Exception as error:
            if any(text in str(error).lower() for text in MEMORY_ERRORS):
                raise OutOfMemory(f"there is not enough memory for {len(pictures)} pictures at once") from None
            raise DamagedFile(f"ONNX Runtime cannot compute the network: {cut(str(error))}") from None
        return Answers(found[0], found[1], found[2] if self.has_embeddings else None)


def loaded(model: bytes) -> Any:
    """ONNX Runtime's session of a file. Raises as `Session`."""
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
        raise DamagedFile(
            f"ONNX Runtime {onnxruntime.__version__} cannot read the network: {cut(str(error))}"
        ) from None
