"""Who is logged in: random tokens that live in cookies, in the memory of the server alone."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable

# seconds that a login lasts, and logins at the same time; of more, the oldest end
LIFETIME, MOST_SESSIONS = 12 * 3600, 1000
TOKEN_BYTES = 32
# as `secrets.token_urlsafe` makes them
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


class Sessions:
    """The open sessions. It belongs to one thread. A server that starts again knows none of those before."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(TOKEN_BYTES)
        # by the digest of their token: when they end
        self._ends: OrderedDict[str, float] = OrderedDict()

    def open(self) -> str:
        """The token of a new session."""
        token = new_token()
        self._ends[_digest(token)] = self._clock() + LIFETIME
        if len(self._ends) > MOST_SESSIONS:
            self._ends.popitem(last=False)
        return token

    def is_open(self, token: str) -> bool:
        return self._ends.get(_digest(token), -1.0) > self._clock()

    def close(self, token: str) -> None:
        self._ends.pop(_digest(token), None)

    def form_token(self, cookie: str) -> str:
        """The token that a form must send with this cookie: another site can send the cookie along, but not read this."""
        return hmac.new(self._key, cookie.encode("utf-8", "surrogatepass"), "sha256").hexdigest()

    def is_form_token(self, given: str, cookie: str) -> bool:
        wanted = self.form_token(cookie).encode()
        return bool(cookie) and hmac.compare_digest(given.encode("utf-8", "surrogatepass"), wanted)


def new_token() -> str:
    """A random text for a cookie."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def is_token(text: str) -> bool:
    """Whether a text can be one of `new_token`."""
    return _TOKEN.fullmatch(text) is not None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
