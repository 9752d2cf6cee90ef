"""The answers of a server, and their form in JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..answer_forms import as_values
from ..image_predictor import Prediction


class Unread(NamedTuple):
    """A picture that cannot be answered. `problem`: the reason, in words; `code`: one of `refusals.STATUS`."""

    problem: str
    code: str = "BadRequestImageFormat"


Answer = Prediction | Unread


def as_dict(name: str, answer: Answer, classes: Sequence[str]) -> dict[str, Any]:
    """An answer for JSON: as `answer_forms.as_values`; of a picture that cannot be read, its name and the `problem`."""
    if isinstance(answer, Unread):
        return {"name": name, "problem": answer.problem}
    return {**as_values(answer, classes), "name": name}
