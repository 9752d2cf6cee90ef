"""A connection of a client: what is wrong before a request is one, and what may wait on it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from .refusals import Refusal, as_response
from .secure_headers import HEADERS

# seconds in which the head of a request has to come, and for which a connection is kept for the next one
IDLE = 20
# seconds for which the rest of a request is thrown away that was refused before its end: where a connection is closed at once,
# its client may never see the answer
LINGER = 2
# seconds in which a client has to read some of an answer that is too long to be sent at once
UNREAD = 30
# connections at once; for more, those are closed that have waited longest
CONNECTIONS = 500
# A chunk takes as long to parse as tens of thousands of bytes, and nothing else is answered meanwhile. So of a chunked request
# there must be so many bytes for each line end (a chunk has two), but for the first ones, and denser data are parsed in slices.
LEAST_PER_LINE, FREE_LINES, SLICE = 32, 100, 2048
NO_REQUEST = "this is no valid HTTP request"
TINY_CHUNKS = "the request comes in very small chunks: send its length (Content-Length), or larger chunks"


class Connection(H11Protocol):
    """A connection that is closed if the head of a request does not come in time, or what follows a refusal does not end."""

    _timer: asyncio.TimerHandle | None = None
    _unread_timer: asyncio.TimerHandle | None = None
    _is_ending = False
    # when it was made, or last answered
    _since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._since = self.loop.time()
        if len(self.connections) >= CONNECTIONS:
            self._close_longest_waiting()
        self._watch()

    def data_received(self, data: bytes) -> None:
        for part in _slices(data):
            if self._is_ending or self.transport.is_closing() or self._is_rest_of_chunked():
                break
            if self._is_chunked() and _is_dense(part):
                self.send_400_response(TINY_CHUNKS)
                break
            super().data_received(part)
        self._watch()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request, in the form of all refusals, if no other answer has begun; then end the connection."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            message = NO_REQUEST if msg != TINY_CHUNKS else msg
            for event in _events(Refusal("BadRequest", message)):
                self.transport.write(self.conn.send(event) or b"")
            if self.cycle is not None:
                # what would answer the request has perhaps not begun, and has nobody to answer now
                self.cycle.disconnected = True
            self.transport.write_eof()
        else:
            self.transport.close()
        self._is_ending = True
        # it may wait for the time in which a request has to come
        self._stop_watching()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._since = self.loop.time()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._stop_watching()
        self._stop_waiting_for_reader()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread_timer = self.loop.call_later(UNREAD, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_waiting_for_reader()

    def _is_chunked(self) -> bool:
        """Whether a chunked request is being read."""
        return self.conn.their_state is h11.SEND_BODY and any(name == b"transfer-encoding" for name, _ in self.headers)

    def _is_rest_of_chunked(self) -> bool:
        """Whether nothing is expected but the rest of a chunked request that was answered before its end: it is thrown away."""
        return self._is_chunked() and self.cycle.response_complete

    def _close_longest_waiting(self) -> None:
        """Close the connection that has waited longest for a request, or, where all have one, for the rest of its request."""
        others = [c for c in self.connections if isinstance(c, Connection) and c is not self]
        waiting = [c for c in others if c._timer] or [c for c in others if c.cycle and c.cycle.more_body]
        if waiting:
            longest = min(waiting, key=lambda one: one._since)
            # it counts no more, although it learns of its end later
            self.connections.discard(longest)
            longest.transport.abort()

    def _watch(self) -> None:
        """Give a client time for its next request, once; not while it is being answered."""
        if not self._is_ending and self.cycle is not None and not self.cycle.response_complete:
            # a client that was refused may send the body that it announced, or the next request: nobody knows which
            self.cycle.keep_alive &= not self.cycle.waiting_for_100_continue
            self._stop_watching()
        elif self._timer is None:
            seconds = LINGER if self._is_ending or self._is_rest_of_chunked() else IDLE
            self._timer = self.loop.call_later(seconds, self.transport.abort)

    def _stop_waiting_for_reader(self) -> None:
        if self._unread_timer is not None:
            self._unread_timer.cancel()
            self._unread_timer = None

    def _stop_watching(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _is_dense(data: bytes) -> bool:
    return data.count(b"\r\n") > FREE_LINES + len(data) // LEAST_PER_LINE


def _slices(data: bytes) -> Iterator[bytes]:
    size = SLICE if _is_dense(data) else len(data)
    return (data[start : start + size] for start in range(0, len(data), size))


def _events(refusal: Refusal) -> Iterator[h11.Event]:
    response = as_response(refusal)
    headers = [
        *response.raw_headers,
        *((k.encode(), v.encode()) for k, v in HEADERS.items()),
        (b"connection", b"close"),
    ]
    yield h11.Response(status_code=response.status_code, headers=headers, reason=b"Bad Request")
    yield h11.Data(data=bytes(response.body))
    yield h11.EndOfMessage()
