"""Trouble of drives and network shares that passes: an action is tried again a few times, with growing pauses.

It says nothing about the file that was asked for, so it is never remembered as a property of it.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from typing import TypeVar

from .errors import MonkliteError, StorageError

T = TypeVar("T")

# seconds before each further try
PAUSES = (0.05, 0.15, 0.5, 1.5)
# not every system has every number
TRANSIENT_ERRORS = frozenset(
    getattr(errno, name)
    for name in (
        "EAGAIN", "EBUSY", "EIO", "EREMOTEIO", "ESTALE", "EMFILE", "ENFILE", "ENOMEM", "ENOBUFS", "ETIMEDOUT", "ETIME",
        "ENOTCONN", "ECONNRESET", "ECONNABORTED", "ECONNREFUSED", "ESHUTDOWN", "EPIPE", "ENETDOWN", "ENETUNREACH",
        "ENETRESET", "EHOSTDOWN", "EHOSTUNREACH", "ENOLINK", "ECOMM", "EPROTO",
    )
    if hasattr(errno, name)
)  # fmt: skip
# of Windows: a file that another program holds, and a share that does not answer; most have no number of their own in errno
TRANSIENT_WINDOWS_ERRORS = frozenset((32, 33, 51, 53, 54, 55, 59, 64, 121, 170, 1231, 1232, 1236))
_ADVICE = {
    errno.EMFILE: "too many files are open: close other programs or raise the limit (`ulimit -n`), then run it again",
    errno.ENFILE: "too many files are open: close other programs, then run it again",
    errno.ENOMEM: "the memory is used up: close other programs, then run it again",
}
_OTHER_ADVICE = "the drive or network share does not answer: check that it is connected, then run it again"


def is_transient(error: BaseException) -> bool:
    """Whether an error is about the system at this moment, not about the file that was asked for."""
    if isinstance(error, MemoryError):
        return True
    if not isinstance(error, OSError) or isinstance(error, MonkliteError):
        return False
    return error.errno in TRANSIENT_ERRORS or getattr(error, "winerror", None) in TRANSIENT_WINDOWS_ERRORS


def attempted(action: Callable[[], T], passes: Callable[[BaseException], bool] = is_transient) -> T:
    """The result of `action`, which is tried again after an error that may pass.

    Args:
        action: may be called several times, so it must have no effect when it fails. passes: whether an error may pass.

    Raises:
        OSError: the last error, or at once one that does not pass.
    """
    for pause in PAUSES:
        try:
            return action()
        except OSError as error:
            if not passes(error):
                raise
        time.sleep(pause)
    return action()


def retried(action: Callable[[], T], path: str | os.PathLike[str], verb: str = "read") -> T:
    """The result of `action` as `attempted` gives it, with an error in words if the trouble does not pass.

    Args:
        path: the file or folder that the action is about, for the message. verb: what is done to it: "read", "listed".

    Raises:
        StorageError: the trouble did not pass. OSError: another error, at once.
    """
    try:
        return attempted(action)
    except OSError as error:
        if not is_transient(error):
            raise
        raise passing_trouble(error, path, verb) from error


def passing_trouble(error: OSError, path: str | os.PathLike[str], verb: str = "read") -> StorageError:
    """The error for trouble that did not pass in time."""
    reason = error.strerror or type(error).__name__
    return StorageError(
        f"{os.fspath(path)} cannot be {verb} now ({reason}): {_ADVICE.get(error.errno or 0, _OTHER_ADVICE)}"
    )
