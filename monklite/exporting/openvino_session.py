"""`model.onnx` of a bundle in OpenVINO, which computes int8 faster than ONNX Runtime on Intel's processors."""

from __future__ import annotations

from importlib import metadata

import numpy as np

from ..catalog.rows import check_installed
from ..errors import DamagedFile, cut
from .manifest import EMBEDDINGS, LOGITS, PICTURES, PROBABILITIES
from .session import Answers


class OpenVinoSession:
    """As `session.Session`. Raises as that."""

    def __init__(self, model: bytes) -> None:
        check_installed("openvino", "the runtime is OpenVINO")
        import openvino

        core = openvino.Core()
        # its errors have no class in common
        try:
            # in float32, whatever the processor would prefer
            how = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
            self._compiled = core.compile_model(core.read_model(model), "CPU", how)
        except Exception as error:
            raise DamagedFile(
                f"OpenVINO {metadata.version('openvino')} cannot read the network: {cut(str(error))}"
            ) from None
        self.has_embeddings = EMBEDDINGS in {output.get_any_name() for output in self._compiled.outputs}

    def answers(self, pictures: np.ndarray) -> Answers:
        """As `session.Session.answers`."""
        found = self._compiled({PICTURES: np.ascontiguousarray(pictures)})
        logits, probabilities = (np.array(found[name]) for name in (LOGITS, PROBABILITIES))
        return Answers(logits, probabilities, np.array(found[EMBEDDINGS]) if self.has_embeddings else None)
