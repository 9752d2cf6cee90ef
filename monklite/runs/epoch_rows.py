"""The rules of an epoch's row, whether it comes from `history.csv` or from a saved training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import InvalidValue, shown
from ..record_rules import LOSS, MEASURE, NAME, NUMBER_FROM_1, SHARE_OR_NAN
from ..records import EpochRow
from ..rules import Number, OrNone, Rule
from ..setting_ranges import INPUT_SIZE_RANGE

COLUMNS: Mapping[str, Rule] = {
    "epoch": NUMBER_FROM_1,
    "learning_rate": Number(least=0),
    "train_loss": LOSS,
    "train_accuracy": SHARE_OR_NAN,
    "val_loss": LOSS,
    "val_accuracy": SHARE_OR_NAN,
    "seconds": MEASURE,
    "data_wait": MEASURE,
    "images_per_second": MEASURE,
}
# which older rows do not have
LATER_COLUMNS: Mapping[str, Rule] = {"train_size": OrNone(INPUT_SIZE_RANGE)}
MAX_EPOCHS = 1_000_000


def row_of(values: Mapping[str, Any], figures: Mapping[str, Any]) -> EpochRow:
    """The row with these values.

    Raises:
        InvalidType, InvalidValue: a value breaks the rule of its column. KeyError: a column is missing.
    """
    numbers = {name: rule(name, values[name]) for name, rule in COLUMNS.items()}
    numbers |= {name: rule(name, values.get(name)) for name, rule in LATER_COLUMNS.items()}
    checked = {NAME("the name of a figure", name): SHARE_OR_NAN(name, value) for name, value in figures.items()}
    return EpochRow(**numbers, val_figures=checked)


def check_order(rows: Sequence[EpochRow]) -> None:
    """Refuse epochs that are not numbered 1, 2, 3, ..., or that do not all have the same figures.

    Raises:
        InvalidValue: at the first such row, which is named.
    """
    if len(rows) > MAX_EPOCHS:
        raise InvalidValue(f"it has {len(rows)} epochs, more than {MAX_EPOCHS}")
    for number, row in enumerate(rows, 1):
        if row.epoch != number:
            raise InvalidValue(f"row {number} is of epoch {shown(row.epoch)}")
        if row.val_figures.keys() != rows[0].val_figures.keys():
            raise InvalidValue(f"row {number} has other figures than row 1")
