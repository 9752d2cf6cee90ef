"""The settings in which the runs of a comparison differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import cut
from ..spec import Choice, Folders, Resolved, Settings, Spec, Table
from .comparison import Entry

# parts of a path that say nothing to a reader
SILENT = frozenset(("data", "training", "name"))
ABSENT = "-"
# characters of a value
MAX_SHOWN = 60


def differing(entries: Sequence[Entry]) -> list[dict[str, str]]:
    """One row per run, with its label as `experiment` and each setting that is not the same in all runs; no rows if all are."""
    specs = _alike([entry.state.spec for entry in entries], entries)
    paths: dict[str, None] = {}
    for spec in specs[1:]:
        paths |= dict.fromkeys(specs[0].differences(spec))
    # of another optimizer, all parameters are others
    shown = [path for path in paths if not any(path.startswith(f"{other}.") for other in paths)]
    if not shown:
        return []
    titles = _titles(shown)
    return [
        {"experiment": entry.label, **{titles[path]: cut(_text(_value(spec, path)), MAX_SHOWN) for path in shown}}
        for entry, spec in zip(entries, specs, strict=True)
    ]


def _alike(specs: Sequence[Spec | Resolved], entries: Sequence[Entry]) -> Sequence[Settings]:
    """Resolved settings, or as they were asked for, if those of a run are not resolved yet."""
    if all(isinstance(spec, Resolved) for spec in specs):
        return specs
    return [entry.state.asked for entry in entries]


def _titles(paths: Sequence[str]) -> dict[str, str]:
    """Short titles, and the paths themselves where those are equal."""
    short = {path: _title(path) for path in paths}
    return {path: title if [*short.values()].count(title) == 1 else path for path, title in short.items()}


def _title(path: str) -> str:
    parts = path.replace(".params.", ".").split(".")
    told = [part for part in parts if part not in SILENT] or parts
    return " ".join(told).replace("_", " ")


def _value(spec: Settings, path: str) -> Any:
    value: Any = spec
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else getattr(value, part, None)
    return value


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return "; ".join(map(_text, value)) or ABSENT
    if isinstance(value, (Folders, Table)):
        return value.csv if isinstance(value, Table) else value.path
    if isinstance(value, Choice):
        return str(value)
    if isinstance(value, dict):
        return ", ".join(f"{name}={item}" for name, item in value.items()) or ABSENT
    return ABSENT if value is None or value == "" else str(value)
