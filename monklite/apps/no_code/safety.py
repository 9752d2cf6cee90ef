"""The checks before every route: who may ask, from which page, how much they may send, and what a page may load."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from ..secure_headers import HEADERS

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

COOKIE = "monklite_app"
# bytes of a request; of a zip file more
MAX_BODY, MAX_ZIP = 100_000_000, 64_000_000_000
ZIP_ROUTE = "/zip"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# reports have their style and script inside; they may do nothing but show themselves
REPORT_POLICY = (
    "sandbox allow-scripts allow-modals; default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
# of every answer, unless it has its own
SAFE_HEADERS = {**{name.lower(): value for name, value in HEADERS.items()}, "content-security-policy": POLICY}
HELLO = (
    "Open the address that `monklite app` printed: it has a key, without which nobody else on this machine may look."
)


def key_of(secret: str, what: str) -> str:
    """A key that is made of the secret of a workspace, for one use."""
    return hmac.new(secret.encode(), what.encode(), hashlib.sha256).hexdigest()


class TooLarge(Exception):
    """A body that has more bytes than it may have."""


class Guard:
    """Middleware that lets through only requests of the own pages, of whoever has the key."""

    def __init__(self, app: Any, secret: str, hosts: frozenset[str]) -> None:
        self.app, self.hosts = app, hosts
        self.key = key_of(secret, "key")
        # browsers give a cookie to all ports; pages of two workspaces may be open
        self.cookie = f"{COOKIE}_{min(host.rpartition(':')[2] for host in hosts)}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            # there are no websockets here
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await _answer(send, *refusal)
            return
        if (given := _key_in(scope)) and hmac.compare_digest(given.encode(), self.key.encode()):
            await self._let_in(scope, send)
            return
        limited = _limited(receive, MAX_ZIP if scope["path"].endswith(ZIP_ROUTE) else MAX_BODY)

        async def guarded(message: dict[str, Any]) -> None:
            await send(_with_headers(message))

        await self.app(scope, limited, guarded)

    def _refusal(self, scope: Scope, headers: Mapping[str, str]) -> tuple[int, str] | None:
        # a name that somebody else's server gave this address
        if headers.get("host", "").lower() not in self.hosts:
            return 421, "This server answers only under the address that `monklite app` printed."
        given = _key_in(scope) or _cookie(headers, self.cookie)
        if scope["path"].startswith("/static/"):
            return None
        if not hmac.compare_digest(given.encode(), self.key.encode()):
            return 403, HELLO
        if scope["method"] not in ("GET", "HEAD") and not self._is_own_page(headers):
            return 403, "This was sent by another page."
        return None

    def _is_own_page(self, headers: Mapping[str, str]) -> bool:
        """Whether a request that changes something comes from a page of this server; every browser says that."""
        return headers.get("origin", "").lower() == f"http://{headers['host'].lower()}"

    async def _let_in(self, scope: Scope, send: Send) -> None:
        """Keep the key as a cookie, and go to the page without it in the address."""
        cookie = f"{self.cookie}={self.key}; Path=/; HttpOnly; SameSite=Strict; Max-Age=31536000"
        await _answer(send, 303, "", {"location": scope["path"], "set-cookie": cookie})


def _key_in(scope: Scope) -> str:
    """The key in the address, `""` if there is none."""
    return parse_qs(scope["query_string"].decode("latin-1")).get("key", [""])[0] if scope["method"] == "GET" else ""


def _cookie(headers: Mapping[str, str], name: str) -> str:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def _limited(receive: Receive, most: int) -> Receive:
    """The body of a request, counted while it is read."""
    count = [0]

    async def counted() -> dict[str, Any]:
        message = await receive()
        count[0] += len(message.get("body", b""))
        if count[0] > most:
            raise TooLarge
        return message

    return counted


def _with_headers(message: dict[str, Any]) -> dict[str, Any]:
    """The start of an answer with the headers that every answer has, unless it has its own."""
    if message["type"] != "http.response.start":
        return message
    known = {name.lower() for name, _ in message.get("headers", ())}
    added = [(name.encode(), value.encode()) for name, value in SAFE_HEADERS.items() if name.encode() not in known]
    return {**message, "headers": [*message.get("headers", ()), *added]}


async def _answer(send: Send, status: int, text: str, headers: Mapping[str, str] | None = None) -> None:
    body = text.encode()
    given = {"content-type": "text/plain; charset=utf-8", "content-length": str(len(body)), **(headers or {})}
    encoded = [(name.encode(), value.encode()) for name, value in given.items()]
    await send(_with_headers({"type": "http.response.start", "status": status, "headers": encoded}))
    await send({"type": "http.response.body", "body": body})
