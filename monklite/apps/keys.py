"""Who may ask a server: whoever has a key, or, where there are none, programs of this machine."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from pathlib import Path

from starlette.requests import HTTPConnection
from starlette.responses import Response

from ..errors import InvalidValue, NotFound, cut
from ..files import reading
from ..local_requests import foreign
from ..regular_files import read_regular
from .refusals import Refusal

VARIABLE = "MONKLITE_KEYS"
LEAST_CHARACTERS, MOST_BYTES = 16, 1 << 20
MAKE_ONE = 'python -c "import secrets; print(secrets.token_urlsafe(32))"'
HEADER = "prediction-key"
_KEY = re.compile(r"[\x21-\x7e]+")


def keys_of(text: str, where: str) -> list[bytes]:
    """The keys of a text: one per line; empty lines and those that begin with # are passed over.

    Args:
        where: what errors call the text; the keys themselves are never shown.

    Raises:
        InvalidValue: a key is too short, or has other characters than letters, digits and signs of ASCII.
    """
    lines = [line.strip() for line in text.splitlines()]
    found = [line for line in lines if line and not line.startswith("#")]
    for number, key in enumerate(found, 1):
        if len(key) < LEAST_CHARACTERS or not _KEY.fullmatch(key):
            raise InvalidValue(
                f"{where}: key {number} has {len(key)} characters; a key has at least {LEAST_CHARACTERS}, letters, digits and "
                f"signs without spaces. This makes one: {MAKE_ONE}"
            )
    return [key.encode() for key in found]


def read_keys(path: str) -> list[bytes]:
    """The keys of a file. Raises as `keys_of`, and InvalidValue for a file without any; NotFound, StorageError."""
    try:
        with reading(Path(path)):
            text = read_regular(path, MOST_BYTES).decode("utf-8", "replace")
    except FileNotFoundError:
        raise NotFound(f"there is no file of keys at {cut(path)}: write one key per line into it") from None
    found = keys_of(text, cut(path))
    if not found:
        raise InvalidValue(f"{cut(path)} holds no key: write one per line into it. This makes one: {MAKE_ONE}")
    return found


class WithKey:
    """Admits requests with one of the keys, as `Prediction-Key: ...` or `Authorization: Bearer ...`."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = tuple(keys)

    def __call__(self, connection: HTTPConnection) -> Response | None:
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        bearer = token.strip() if scheme.lower() == "bearer" else ""
        given = connection.headers.get(HEADER, bearer).encode("latin-1")
        # all are compared, whichever fits
        if not sum(secrets.compare_digest(given, key) for key in self._keys):
            raise Refusal(
                "Unauthorized",
                "a key is needed, in the header Prediction-Key or as Authorization: Bearer, and this is none",
                {"WWW-Authenticate": "Bearer"},
            )
        return None


def of_this_machine(connection: HTTPConnection) -> Response | None:
    """Admit programs of this machine, but not pages of other hosts that a browser on this machine shows, and no proxies."""
    if reason := foreign(connection.headers):
        raise Refusal("Forbidden", f"this server has no keys, so {reason}: start it with keys to be asked by others")
    return None
