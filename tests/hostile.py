"""Values that no argument expects, or that few do, and the arguments that make a call right but for one of them."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


class Unshowable:
    """An object that can neither be shown nor compared."""

    def __repr__(self) -> str:
        raise RuntimeError("not shown")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("not compared")

    __hash__ = object.__hash__


class Unconvertible(float):
    """A number that cannot be converted."""

    def __float__(self) -> float:
        raise RuntimeError("not converted")


def values() -> list[Any]:
    """Hostile values; new ones each time, because a call may change them."""
    return [
        None, True, False, -1, 0, 1, 10**30, -(10**30), 10**5000, 1e308, -1e308, 5e-324, float("nan"), float("inf"),
        float("-inf"), "", " ", "x", "x" * 5000, "1" * 5000, "\x00", "\ud800", "\n\x1b[31m", "(" * 2000, "../x", b"x",
        [], [[]], {}, {"a": float("nan")}, {None: 1}, set(), object(), Unshowable(), Unconvertible(1.0),
        np.zeros(3), np.zeros((2, 2)), np.float64("nan"), np.int64(3), np.array(None), np.array("x"),
        lambda: None, int, Path("/"), Path("x" * 300), 1j, Decimal("NaN"), Decimal("sNaN"), Fraction(1, 3), range(3),
        ["x" * 5000] * 3, pd.DataFrame({"a": [1]}), pd.Series([1.0]),
    ]  # fmt: skip


# right values of required arguments, by their names
RIGHT = {
    "project": "p", "project_name": "p", "experiment": "fuzzed", "experiment_name": "fuzzed", "comparison_name": "c",
    "learning_rate": 0.01, "step_size": 1, "milestones": [1], "gamma": 0.5, "degrees": 10, "input_size": 32,
    "batch_size": 4, "stored_size": 64, "shuffle": True, "num_processors": 1, "gpu": False, "pretrained": False,
    "freeze": True, "num_freeze": 1, "precision": "float32", "compile": False, "deterministic": False, "num_epochs": 1,
    "patience": 1, "decay": 0.9, "seed": 1, "group": "", "model_name": "squeezenet1_1", "model_path": False, "num": 1,
    "img_name": "none.png", "image_path": "none.png",
}  # fmt: skip
