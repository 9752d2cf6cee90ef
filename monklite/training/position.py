"""The position within a training, as stored in a saved state."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ..errors import DamagedFile
from ..records import EpochRow


@dataclass(frozen=True)
class Position:
    """How far training has come; together with the learner's own state, all that resuming needs.

    `batch_size`: may be smaller than the spec's, after a lack of memory. `history`: the finished epochs. The other fields
    belong to the current epoch. `images`: number of training images done. `steps`: loss, number of correct predictions and
    number of images of each step. `seconds`, `waited`: time so far, and the part of it spent waiting for images.
    """

    batch_size: int
    history: tuple[EpochRow, ...] = ()
    images: int = 0
    steps: tuple[tuple[float, float, int], ...] = ()
    seconds: float = 0.0
    waited: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a JSON file; floats are exact."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Any, source: str) -> Position:
        """Read the values of `to_dict`; `source` names their file in errors.

        Raises:
            DamagedFile: they are not those of a position.
        """
        try:
            history = tuple(EpochRow(**row) for row in values["history"])
            steps = tuple((float(loss), float(correct), int(n)) for loss, correct, n in values["steps"])
            return cls(**{**values, "history": history, "steps": steps})
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise DamagedFile(f"{source} does not say how far training had come ({error})") from None
