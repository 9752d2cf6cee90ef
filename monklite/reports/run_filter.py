"""Choose and sort runs by any field of their record, such as `training.optimizer.name=adam` or `best val acc > 90`."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..errors import InvalidValue, cut, shown, suggestion
from . import table
from .comparison import Entry

OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "!=": operator.ne,
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
    "~": lambda value, part: str(part).lower() in str(value).lower(),
}
_CONDITION = re.compile(rf"([^<>=!~]+?)\s*({'|'.join(OPERATORS)})\s*(.*)", re.DOTALL)
_WORDS = {"true": True, "false": False, "none": None}
# in the record of a run, but not about it: the settings have their names without these, and versions of packages are many
_LEFT_OUT = ("asked", "resolved", "schema", "environment")


class Condition(NamedTuple):
    """A comparison with a field; `~`: the field contains the text, upper and lower case alike."""

    field: str
    operator: str
    value: str

    @classmethod
    def parse(cls, text: str) -> Condition:
        """From text such as `results.best_val_accuracy>=0.9`.

        Raises:
            InvalidValue: it is no such condition.
        """
        match = _CONDITION.fullmatch(text.strip())
        if not match:
            raise InvalidValue(
                f"{shown(text)} is no condition: write a field, one of {' '.join(OPERATORS)} and a value, such as "
                "training.optimizer.name=adam"
            )
        return cls(*match.groups())

    def holds(self, fields: Mapping[str, Any]) -> bool:
        """Whether a run has such a value. A value that it does not have differs from every other, and is not compared."""
        actual = fields.get(self.field)
        # one of several, such as a tag
        if isinstance(actual, (list, tuple)) and self.operator in ("=", "!=", "~"):
            found = any(OPERATORS["=" if self.operator == "!=" else self.operator](str(a), self.value) for a in actual)
            return found != (self.operator == "!=")
        wanted = _like(actual, self.value)
        if self.operator in ("=", "!="):
            return OPERATORS[self.operator](actual, wanted)
        if actual is None or type(actual) is bool or (isinstance(actual, float) and math.isnan(actual)):
            return False
        if self.operator == "~":
            return OPERATORS["~"](actual, self.value)
        if not isinstance(actual, (int, float, str)):
            raise InvalidValue(f"{self.field} is {shown(actual)}, which has no order: use =, != or ~")
        if isinstance(actual, (int, float)) != isinstance(wanted, (int, float)):
            raise InvalidValue(
                f"{self.field} is {shown(actual)}, which cannot be compared with {shown(self.value)}: give "
                f"{'a number' if isinstance(actual, (int, float)) else 'a text'}, or use = or ~"
            )
        return OPERATORS[self.operator](actual, wanted)


def _like(actual: Any, text: str) -> Any:
    """The text as a value of the same kind; as it is where it is none."""
    if text.lower() in _WORDS and not isinstance(actual, str):
        return _WORDS[text.lower()]
    if isinstance(actual, (int, float)) and not isinstance(actual, bool):
        try:
            return float(text)
        except ValueError:
            return text
    return text


def fields(entry: Entry) -> dict[str, Any]:
    """Every field of a run by its dotted path: the record's, the settings' as `data.batch_size`, and the comparison's columns."""
    state = entry.state.model_dump(by_alias=True, exclude={*_LEFT_OUT})
    settings = {**table.row(entry), **dict(_flat(entry.state.spec.model_dump(), ""))}
    # settings and record of a network share names: what is not recorded yet hides nothing
    recorded = {name: v for name, v in _flat(state, "") if v is not None or settings.get(name) is None}
    return {**settings, **recorded}


def _flat(tree: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def chosen(
    entries: Sequence[Entry], conditions: Sequence[Condition], sort: str = "", descending: bool = False
) -> list[tuple[Entry, dict[str, Any]]]:
    """The runs for which all conditions hold, with their fields, sorted by a field; those without a value of it are last.

    Raises:
        InvalidValue: no run has such a field, or it cannot be compared with the value.
    """
    every = [(entry, fields(entry)) for entry in entries]
    check_known([*(c.field for c in conditions), *([sort] if sort else [])], [known for _, known in every])
    found = [(entry, known) for entry, known in every if all(c.holds(known) for c in conditions)]
    if not sort:
        return found
    with_value = [pair for pair in found if _has(pair[1].get(sort))]
    return _sorted(with_value, sort, descending) + [pair for pair in found if not _has(pair[1].get(sort))]


def _has(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def _sorted(
    found: list[tuple[Entry, dict[str, Any]]], field: str, descending: bool
) -> list[tuple[Entry, dict[str, Any]]]:
    numbers = all(isinstance(known[field], (int, float)) for _, known in found)
    return sorted(found, key=lambda pair: pair[1][field] if numbers else str(pair[1][field]), reverse=descending)


def check_known(names: Sequence[str], runs: Sequence[Mapping[str, Any]]) -> None:
    """Refuse names that are no field of any run.

    Raises:
        InvalidValue: with the most similar field.
    """
    known = {name for run in runs for name in run}
    for name in names:
        if runs and name not in known:
            examples = "results.best_val_accuracy, training.optimizer.name, data.batch_size, status, tags"
            raise InvalidValue(
                f"no run has the field {cut(shown(name), 200)}.{suggestion(name, known)} Fields are such as {examples}; list "
                "--json shows all"
            )
