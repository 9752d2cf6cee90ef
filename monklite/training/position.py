"""The position within a training, as stored in a saved state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..errors import MAX_VALUE_LENGTH, DamagedFile, cut, shown
from ..record_rules import COUNT, MEASURE, NUMBER_FROM_1
from ..records import EpochRow
from ..rules import Number
from ..runs.epoch_rows import COLUMNS, LATER_COLUMNS, check_order, row_of


@dataclass(frozen=True)
class Position:
    """How far training has come; together with the learner's own state, all that resuming needs.

    `batch_size`: may be smaller than the spec's, after a lack of memory. `history`: the finished epochs. The other fields
    belong to the current epoch. `images`: number of training images done. `steps`: loss, number of correct predictions and
    number of images of each step. `seconds`, `waited`: time so far, and the part of it spent waiting for images.
    `only_prediction`: of the best of the finished epochs, see `Results`.
    """

    batch_size: int
    history: tuple[EpochRow, ...] = ()
    images: int = 0
    steps: tuple[tuple[float, float, int], ...] = ()
    seconds: float = 0.0
    waited: float = 0.0
    only_prediction: str = ""

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
            history = tuple(_row(row) for row in _list("history", values["history"]))
            check_order(history)
            steps = tuple(_step(step) for step in _list("steps", values["steps"]))
            numbers = {name: rule(name, values[name]) for name, rule in NUMBERS.items()}
            # older states have none
            only_prediction = values.get("only_prediction", "")
            if not isinstance(only_prediction, str):
                raise TypeError(f"only_prediction must be a text, not {shown(only_prediction)}")
            unknown = values.keys() - numbers.keys() - {"history", "steps", "only_prediction"}
            if unknown:
                raise ValueError(f"{shown(min(unknown))} is not known")
            if sum(n for _, _, n in steps) != numbers["images"]:
                raise ValueError(f"its steps have other images than {numbers['images']}")
            return cls(**numbers, history=history, steps=steps, only_prediction=only_prediction)
        except KeyError as error:
            raise DamagedFile(f"{source} does not say how far training had come ({error} is missing)") from None
        except (TypeError, ValueError, AttributeError) as error:
            reason = cut(str(error), MAX_VALUE_LENGTH)
            raise DamagedFile(f"{source} does not say how far training had come ({reason})") from None


# finite, because a loss that is not finite ends training before anything is saved
FINITE = Number()
NUMBERS = {"batch_size": NUMBER_FROM_1, "images": COUNT, "seconds": MEASURE, "waited": MEASURE}


def _list(name: str, value: Any) -> Sequence[Any]:
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"{name} must be a list, not {shown(value)}")
    return value


def _row(values: Any) -> EpochRow:
    if not isinstance(values, dict):
        raise TypeError(f"an epoch is {shown(values)}")
    # older states have no figures
    figures = values.get("val_figures", {})
    unknown = values.keys() - COLUMNS.keys() - LATER_COLUMNS.keys() - {"val_figures"}
    if unknown or not isinstance(figures, dict):
        raise TypeError(f"an epoch has {shown(min(unknown)) if unknown else 'figures without names'}")
    return row_of(values, figures)


def _step(values: Any) -> tuple[float, float, int]:
    loss, correct, n = _list("a step", values)
    n = NUMBER_FROM_1("the images of a step", n)
    return FINITE("the loss of a step", loss), Number(least=0, most=n)("the correct images of a step", correct), n
