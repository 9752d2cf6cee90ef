"""Every error that monklite raises on purpose, and the one look-up of names.

All are `MonkliteError`; each is also the built-in that fits, so that `except ValueError` works as usual. A message names
what was given, the rule it broke, and what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import TypeVar

T = TypeVar("T")
SHOWN = 20  # a longer list of known names is cut to the nearest ones


class MonkliteError(Exception):
    """The root of every error that monklite raises on purpose."""


class UnknownName(MonkliteError, LookupError):
    """A model, optimizer, project or other thing of that name does not exist."""


class UnknownArgument(MonkliteError, TypeError):
    """A method was called with an argument that it does not have, or without one that it needs."""


class InvalidType(MonkliteError, TypeError):
    """A value has the wrong type."""


class InvalidValue(MonkliteError, ValueError):
    """A value has the right type but is outside its range."""


class NotFound(MonkliteError, FileNotFoundError):
    """A file or folder is not there."""


class DatasetError(MonkliteError, ValueError):
    """A folder of images cannot be used as a dataset."""


class UnreadableImage(DatasetError):
    """A file cannot be read as an image."""


class NotReady(MonkliteError, RuntimeError):
    """A step was asked for before the step that it needs."""


class WeightsMismatch(MonkliteError, ValueError):
    """A weight file does not fit the network."""


class PretrainedUnavailable(MonkliteError, OSError):
    """Pretrained weights are neither on this machine nor reachable."""


class MissingPackage(MonkliteError, ImportError):
    """An optional package is not installed."""


class StorageError(MonkliteError, OSError):
    """The run could not be written: disk full, read-only folder."""


class DamagedFile(MonkliteError, ValueError):
    """A file that monklite wrote can no longer be read."""


class TrainingFailed(MonkliteError, RuntimeError):
    """Training stopped because its numbers or the device gave out."""


class OutOfMemory(TrainingFailed):
    """The device's memory is too small for one step; the weights are as they were before it."""


def closest(name: object, known: Iterable[str]) -> str | None:
    """The known name that `name` was probably meant to be, or None."""
    by_folded = {k.lower().replace("-", "_"): k for k in known}
    found = difflib.get_close_matches(str(name).lower().replace("-", "_"), by_folded, n=1, cutoff=0.6)
    return by_folded[found[0]] if found else None


def suggestion(name: object, known: Iterable[str]) -> str:
    """` Did you mean 'sgd'?`, to follow a sentence; nothing where no known name is near."""
    guess = closest(name, known)
    return f" Did you mean {guess!r}?" if guess else ""


def unknown(kind: str, name: object, known: Iterable[str]) -> UnknownName:
    """The error for a name that is in no table, with the nearest known name and the list of all."""
    known = sorted(known)
    shown, more = known, ""
    if len(known) > SHOWN:
        near = difflib.get_close_matches(str(name), known, n=SHOWN // 2, cutoff=0.0)
        shown, more = sorted(near), f", and {len(known) - len(near)} more"
    return UnknownName(
        f"no {kind} is called {name!r}.{suggestion(name, known)} Known: {', '.join(shown) or '(none)'}{more}"
    )


def find(kind: str, name: str, table: Mapping[str, T]) -> T:
    """Return `table[name]`, or raise `UnknownName` with the name that was probably meant."""
    if isinstance(name, str) and name in table:
        return table[name]
    raise unknown(kind, name, table)
