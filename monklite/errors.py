"""The errors that monklite raises on purpose, and the look-up of names in tables.

All derive from `MonkliteError` and from the matching built-in error, so that `except ValueError` works as usual. A message
names the value, the rule it broke, and what to do.
"""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable, Mapping
from typing import TypeVar

from .printable import printable

T = TypeVar("T")
# a longer list of known names is cut to the most similar ones
MAX_NAMES_SHOWN = 20
# characters; longer values and messages are cut in the middle
MAX_VALUE_LENGTH, MAX_MESSAGE_LENGTH = 160, 1800


class MonkliteError(Exception):
    """The base of every error that monklite raises on purpose.

    A message is one printable line, whatever names it holds, and cut in its middle if it is too long to be read.
    """

    def __init__(self, *args: object) -> None:
        super().__init__(*(cut(printable(a), MAX_MESSAGE_LENGTH) if isinstance(a, str) else a for a in args))


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
    """A step was called before a step that it depends on."""


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
    """Training stopped because its numbers were not finite or the device failed."""


class ExportFailed(MonkliteError, RuntimeError):
    """The export does not agree with the network; it was not written."""


class TrackerFailed(MonkliteError, RuntimeError):
    """A tracker, such as MLflow, did not take a run that is exported to it."""


class OutOfMemory(TrainingFailed):
    """The device's memory is too small for one step; the weights are unchanged by it."""


def cut(text: str, most: int = MAX_VALUE_LENGTH) -> str:
    """A text, its middle replaced by `...` where it is longer than `most` characters."""
    if len(text) <= most:
        return text
    end = (most - 3) // 3
    return f"{text[: most - 3 - end]}...{text[len(text) - end :]}"


class _ShortRepr(reprlib.Repr):
    """`repr` in a few characters and little time, however large the value is."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = MAX_VALUE_LENGTH
        self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = self.maxdict = self.maxarray = (
            self.maxdeque
        ) = 12
        self.maxlevel = 4

    def repr_bytes(self, value: bytes, level: int) -> str:
        return cut(repr(value if len(value) <= MAX_VALUE_LENGTH else value[:MAX_VALUE_LENGTH] + b"..."), self.maxstring)

    repr_bytearray = repr_bytes

    def repr_int(self, value: int, level: int) -> str:
        try:
            return cut(repr(value))
        # Python refuses to write numbers of more than 4300 digits
        except ValueError:
            return f"a whole number of {value.bit_length():,} bits"


def shown(value: object) -> str:
    """The `repr` of a value as messages show it: one line, at most 160 characters, at any size of the value."""
    text = _ShortRepr().repr(value)
    return cut(" ".join(text.split()) if "\n" in text else text)


def _text(name: object) -> str:
    return name[:MAX_VALUE_LENGTH] if isinstance(name, str) else shown(name)


def closest(name: object, known: Iterable[str]) -> str | None:
    """The known name that is most similar to `name`, or None."""
    by_normalized = {k.lower().replace("-", "_"): k for k in known}
    wanted = _text(name).lower().replace("-", "_")
    matches = difflib.get_close_matches(wanted, by_normalized, n=1, cutoff=0.6)
    return by_normalized[matches[0]] if matches else None


def suggestion(name: object, known: Iterable[str]) -> str:
    """` Did you mean 'sgd'?`, to append to a sentence; empty if no known name is similar."""
    guess = closest(name, known)
    return f" Did you mean {shown(guess)}?" if guess else ""


def nearest(name: object, known: Iterable[str], most: int = MAX_NAMES_SHOWN // 2) -> list[str]:
    """The known names that are most similar to `name`, sorted."""
    return sorted(difflib.get_close_matches(_text(name), list(known), n=most, cutoff=0.0))


def unknown(kind: str, name: object, known: Iterable[str]) -> UnknownName:
    """The error for an unknown name, with the most similar known name and the list of known names."""
    known = sorted(known)
    listed, more = known, ""
    if len(known) > MAX_NAMES_SHOWN:
        listed = nearest(name, known)
        more = f", and {len(known) - len(listed)} more"
    return UnknownName(
        f"no {kind} is called {shown(name)}.{suggestion(name, known)} Known: {', '.join(listed) or '(none)'}{more}"
    )


def find(kind: str, name: str, table: Mapping[str, T]) -> T:
    """Return `table[name]`, or raise `UnknownName` with the most similar name."""
    if isinstance(name, str) and name in table:
        return table[name]
    raise unknown(kind, name, table)
