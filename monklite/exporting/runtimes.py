"""The runtimes that compute the network of a bundle."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ..installed import version_of
from ..rules import OneOf
from . import onnx_session, openvino_session
from .session import Session


class Runtime(NamedTuple):
    """`package`: its name. `title`: as people write it. `load`: makes the session of a network, see `Session`."""

    package: str
    title: str
    load: Callable[[bytes], Session]

    @property
    def about(self) -> str:
        """The runtime with its version, as certificates name it."""
        return f"{self.title} {version_of(self.package)}"

    def made(self, named: str) -> bool:
        """Whether a certificate that names its runtime so was made by this one, in any version."""
        return named.startswith(f"{self.title} ")


USUAL = Runtime("onnxruntime", onnx_session.TITLE, onnx_session.OnnxSession)
_OPENVINO = Runtime("openvino", openvino_session.TITLE, openvino_session.OpenVinoSession)
RUNTIMES = {runtime.package: runtime for runtime in (USUAL, _OPENVINO)}


def runtime_of(name: str) -> Runtime:
    """Raises InvalidValue: there is none of that name."""
    return RUNTIMES[OneOf(tuple(RUNTIMES))("runtime", name)]
