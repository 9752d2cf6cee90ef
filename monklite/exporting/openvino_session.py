"""`model.onnx` of a bundle in OpenVINO, which computes int8 faster than ONNX Runtime on Intel's processors."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..catalog.rows import check_installed
from ..errors import DamagedFile, cut
from ..installed import version_of
from .manifest import EMBEDDINGS, LOGITS, PICTURES, PROBABILITIES
from .onnx_session import computing
from .session import Answers

TITLE, TELEMETRY = "OpenVINO", "openvino_telemetry"


class OpenVinoSession:
    """As `session.Session`. Raises as that."""

    def __init__(self, model: bytes) -> None:
        check_installed("openvino", "the runtime is OpenVINO")
        core = _without_telemetry().Core()
        # in float32, whatever the processor would prefer
        how = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        # its errors have no class in common
        try:
            self._compiled = core.compile_model(core.read_model(model), "CPU", how)
        except Exception as error:
            raise DamagedFile(f"{TITLE} {version_of('openvino')} cannot read the network: {cut(str(error))}") from None
        self.has_embeddings = EMBEDDINGS in {output.get_any_name() for output in self._compiled.outputs}
        # one that computes is refused as busy to other threads
        self._idle = deque[Any]()

    def answers(self, pictures: np.ndarray) -> Answers:
        """As of `session.Session`."""
        with computing(TITLE, len(pictures)), self._request() as request:
            found = request.infer({PICTURES: np.ascontiguousarray(pictures)})
            # the next one writes into the same memory
            logits, probabilities = (np.array(found[name]) for name in (LOGITS, PROBABILITIES))
            return Answers(logits, probabilities, np.array(found[EMBEDDINGS]) if self.has_embeddings else None)

    @contextmanager
    def _request(self) -> Iterator[Any]:
        """An idle infer request of OpenVINO, or a new one where all compute."""
        try:
            request = self._idle.pop()
        except IndexError:
            request = self._compiled.create_infer_request()
        yield request
        # not one that failed
        self._idle.append(request)


def _without_telemetry() -> Any:
    """OpenVINO. Its package for telemetry is kept from it, which would tell Google Analytics of each import, unasked.

    Who has imported OpenVINO before has decided about that.
    """
    modules: dict[str, Any] = sys.modules
    if "openvino" not in modules and TELEMETRY not in modules:
        # is then not found, and OpenVINO does without it
        modules[TELEMETRY] = None
    try:
        import openvino
    finally:
        if TELEMETRY in modules and modules[TELEMETRY] is None:
            del modules[TELEMETRY]
    return openvino
