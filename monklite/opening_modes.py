"""The modes in which an experiment is opened, from the arguments that choose one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .errors import InvalidType, InvalidValue, shown
from .rules import AUTO, Flag

COPY_MODES = ("copy_from", "pseudo_copy_from")


@dataclass(frozen=True)
class Mode:
    """A mode in which an experiment is opened.

    `name`: `new`, `summary`, `eval_infer`, `resume_train`, `copy_from`, `pseudo_copy_from`, or `auto`: resume what has begun, or
    else create. `source`: project, experiment and version to copy. `version`: the version to open; by default the newest that
    suits the mode.
    """

    name: str
    source: tuple[Any, Any, Any] | None = None
    version: int | str | None = None

    @classmethod
    def from_flags(cls, flags: dict[str, Any], copies: dict[str, Any], version: int | str | None) -> Mode:
        """The mode that a user chose: by a flag that is True, or by what to copy.

        Raises:
            InvalidValue: several modes, or a version for a mode that creates one. InvalidType: a wrong type.
        """
        names = [name for name, value in flags.items() if _is_on(name, value)]
        names += [name for name, value in copies.items() if is_given(value)]
        if len(names) > 1:
            raise InvalidValue(f"choose one of {' and '.join(names)}, not several")
        name = names[0] if names else "new"
        if name in flags and _is_auto(name, flags[name]):
            name = AUTO
        if version is not None and name in ("new", AUTO, *COPY_MODES):
            raise InvalidValue(
                "version= opens an existing run: use it with eval_infer, resume_train=True or summary "
                "(a copy names it in copy_from)"
            )
        return cls(name, _source(name, copies[name]) if name in COPY_MODES else None, version)


def is_given(value: Any) -> bool:
    """Whether an argument was given; as in Monk, False and None mean that it was not."""
    return value is not None and value is not False


def _is_on(name: str, value: Any) -> bool:
    if name == "resume_train" and isinstance(value, str) and value != AUTO:
        raise InvalidType(f"resume_train must be True, False or {AUTO!r}, not {shown(value)}")
    return _is_auto(name, value) or bool(Flag()(name, value))


def _is_auto(name: str, value: Any) -> bool:
    return name == "resume_train" and isinstance(value, str) and value == AUTO


def _source(name: str, value: Any) -> tuple[Any, Any, Any]:
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) not in (2, 3):
        raise InvalidType(f"{name} must be [project, experiment] or [project, experiment, version], not {shown(value)}")
    project, experiment, *version = value
    return project, experiment, version[0] if version else None
