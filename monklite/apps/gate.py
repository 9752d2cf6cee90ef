"""The gate of a server: who may send how much, decided before the request is read, and checked while it is read."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..files import format_bytes
from .refusals import Refusal, as_response, too_many
from .traffic import Traffic

# seconds in which the rest of a request has to come, and bytes per second that lengthen them: of a slow line
SECONDS, SLOWEST = 20.0, 50_000
# bytes of requests that are not answered yet, of all clients together
MOST_IN_HAND = 512 << 20
# seconds after which a client may come back when there are too many of them
BACK_AFTER = 5
_LOG = logging.getLogger("monklite")


FAILED = "the request failed on this server, whose log says why: tell who runs it"


class Door(NamedTuple):
    """The limits of what is sent to the addresses that begin with `prefix`; the longest one that fits counts.

    `admits`: refuses a request by its headers alone, or returns None. `most_bytes`: of the body of a request.
    """

    prefix: str
    admits: Callable[[HTTPConnection], Response | None]
    most_bytes: int = 0


def everybody(_: HTTPConnection) -> Response | None:
    """Admit everybody."""
    return None


class Gate:
    """An application behind its doors; what no door leads to is answered with 404."""

    def __init__(self, app: ASGIApp, doors: Sequence[Door], traffic: Traffic, seconds: float = SECONDS) -> None:
        self.app, self.traffic, self.seconds = app, traffic, seconds
        self.doors = sorted(doors, key=lambda door: len(door.prefix), reverse=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, body = time.monotonic(), None
        connection, counted = HTTPConnection(scope), self.traffic.counting(send)
        try:
            door = self._door(scope["path"])
            response = door.admits(connection)
            if response is None:
                self._check_size(connection, door.most_bytes)
            body = _Body(receive, door.most_bytes, self.seconds, self.traffic)
            await (response or self.app)(scope, body, counted)
        except Refusal as refusal:
            await as_response(refusal)(scope, receive, counted)
        except ClientDisconnect:
            # there is nobody to answer
            pass
        except Exception:
            _LOG.exception("a request to %a failed", scope["path"])
            await as_response(Refusal("ErrorPrediction", FAILED))(scope, receive, counted)
        finally:
            self.traffic.took(time.monotonic() - start)
            if body is not None:
                self.traffic.in_hand -= body.read

    def _door(self, path: str) -> Door:
        found = next((door for door in self.doors if path.startswith(door.prefix)), None)
        if found is None:
            raise Refusal("NotFound", "there is nothing at this address")
        return found

    def _check_size(self, connection: HTTPConnection, most: int) -> None:
        length = connection.headers.get("content-length")
        if length is not None and "transfer-encoding" in connection.headers:
            # a proxy before this server may take the other one, and see other requests than are answered here
            raise Refusal(
                "BadRequest",
                "the request says its length (Content-Length) and also that it comes in chunks: one of them is false",
                {"Connection": "close"},
            )
        # the library that reads the headers has checked that it is a number
        declared = int(length or 0)
        if declared > most:
            raise _too_large(most)
        if declared + self.traffic.in_hand > MOST_IN_HAND:
            raise _too_many()


class _Body:
    """Reads a request. `read`: the bytes that came.

    Raises:
        Refusal: there are more than allowed, or they come too slowly.
    """

    def __init__(self, receive: Receive, most: int, seconds: float, traffic: Traffic) -> None:
        self._receive, self._most, self._traffic = receive, most, traffic
        self._deadline = time.monotonic() + seconds
        self.read, self._complete = 0, False

    async def __call__(self) -> Message:
        if self._complete:
            return await self._receive()
        left = self._deadline + self.read / SLOWEST - time.monotonic()
        try:
            message = await asyncio.wait_for(self._receive(), max(left, 0))
        except asyncio.TimeoutError:
            raise Refusal("RequestTimeout", "the request came too slowly: send it again over a faster line") from None
        self._count(len(message.get("body", b"")))
        self._complete = not message.get("more_body", False)
        return message

    def _count(self, size: int) -> None:
        self.read += size
        self._traffic.in_hand += size
        if self.read > self._most:
            raise _too_large(self._most)
        if self._traffic.in_hand > MOST_IN_HAND:
            raise _too_many()


def _too_large(most: int) -> Refusal:
    what = f"at most {format_bytes(most)} are read at this address" if most else "nothing is read at this address"
    return Refusal("BadRequestImageSizeBytes", f"{what}: send a smaller file, or fewer at once")


def _too_many() -> Refusal:
    return too_many(f"too many requests are being read here: send it again in {BACK_AFTER} s", BACK_AFTER)
