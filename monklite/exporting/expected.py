"""`expected.safetensors` of a bundle: what the network answered before it was exported, to compare with on another machine.

It holds the drawn pictures as files, and of the validation images neither pixels nor names, but the digests of their bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..data.samples import DIGEST, DIGEST_BYTES
from ..errors import DamagedFile
from .manifest import EXPECTED

FILE = "file/"


@dataclass(frozen=True)
class Expected:
    """Answers of the network.

    `probes`: drawn pictures, files by name. `probe_logits`: of them, from the network; `bundle_logits`: from the bundle where it
    was made; both float32 (probes, classes). `digests`: of the validation images, S16 (n,). `logits`: of them, from the
    network, float32 (n, classes). `labels`: in the form of the task.
    """

    probes: Mapping[str, bytes]
    probe_logits: np.ndarray
    bundle_logits: np.ndarray
    digests: np.ndarray
    logits: np.ndarray
    labels: np.ndarray

    def to_bytes(self) -> bytes:
        from safetensors.numpy import save

        # the names keep the order
        files = {f"{FILE}{i:03d}/{name}": _bytes(content) for i, (name, content) in enumerate(self.probes.items())}
        padded = [digest.ljust(DIGEST_BYTES, b"\0") for digest in self.digests.tolist()]
        digests = _bytes(b"".join(padded)).reshape(-1, DIGEST_BYTES)
        arrays = {name: getattr(self, name) for name in ("probe_logits", "bundle_logits", "logits", "labels")}
        return save({**files, **{n: np.ascontiguousarray(a) for n, a in arrays.items()}, "digests": digests})

    @classmethod
    def from_bytes(cls, content: bytes) -> Expected:
        """Read what `to_bytes` wrote.

        Raises:
            DamagedFile: it is something else.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            arrays = load(content)
            files = {n.split("/", 2)[2]: arrays.pop(n).tobytes() for n in sorted(arrays) if n.startswith(FILE)}
            digests = [row.tobytes() for row in arrays.pop("digests")]
            return cls(files, digests=np.array(digests, DIGEST), **arrays)
        except (SafetensorError, LookupError, TypeError, ValueError) as error:
            raise DamagedFile(f"{EXPECTED} does not hold what a bundle is compared with: {error}") from None


def _bytes(content: bytes) -> np.ndarray:
    return np.frombuffer(content, np.uint8)
