"""The network of a bundle in a runtime, whichever that is."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np


class Answers(NamedTuple):
    """Logits and probabilities, float32 (n, classes), and what the head is given, float32 (n, d); None: it is not told."""

    logits: np.ndarray
    probabilities: np.ndarray
    embeddings: np.ndarray | None


class Session(Protocol):
    """A network of a bundle, made from the content of its file. `has_embeddings`: whether it tells what its head is given.

    To make one raises MissingPackage: the runtime is not installed; DamagedFile: it cannot read the file.
    """

    has_embeddings: bool

    def answers(self, pictures: np.ndarray) -> Answers:
        """The answers for pictures uint8 (n, height, width, 3), RGB; several threads may ask at once.

        Raises:
            OutOfMemory: memory is too small for so many. DamagedFile: the network cannot be computed.
        """
        ...
