"""Run the server: its socket, its connections, and how it stops."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..errors import InvalidValue, cut

# seconds in which the head of a request has to come, and for which a connection is kept for the next one
IDLE = 20
# connections at once; more are answered with status 503
CONNECTIONS = 500
BACKLOG = 512


def is_local(host: str) -> bool:
    """Whether only this machine can reach a host."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens there. Port 0: a free one.

    Raises:
        InvalidValue: this machine has no such host, or another program has the port.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, UnicodeError) as error:
        place = f"the server cannot listen at {cut(host)}, port {port}"
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise InvalidValue(f"{place}: another program does; stop it, or take another --port") from None
        reason = cut(getattr(error, "strerror", None) or str(error))
        raise InvalidValue(
            f"{place} ({reason}): give a --host of this machine, and a --port that you may use"
        ) from None


def address_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run(app: FastAPI, listener: socket.socket, proxy: str = "") -> None:
    """Answer until the process is asked to stop (Ctrl-C, SIGTERM); what was accepted by then is answered.

    Args:
        proxy: the address or network whose word about the address of a client, and https, is taken; "": nobody's.
    """
    config = uvicorn.Config(
        app, http=_Connection, ws="none", lifespan="on", log_level=logging.ERROR, access_log=False, server_header=False,
        proxy_headers=bool(proxy), forwarded_allow_ips=proxy or [], timeout_keep_alive=IDLE, limit_concurrency=CONNECTIONS,
    )  # fmt: skip
    try:
        with _stopping_quietly():
            uvicorn.Server(config).run(sockets=[listener])
    finally:
        # also after a second Ctrl-C, which leaves out the end of the application
        app.state.queue.stop()
        listener.close()


@contextmanager
def _stopping_quietly() -> Iterator[None]:
    """The server sends itself the signal that stopped it once more, when all is done: it then ends the process no more."""
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Connection(H11Protocol):
    """A connection that is closed if the head of a request does not come in time, or what follows a refusal does not end."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._stop_watching()

    def _watch(self) -> None:
        """Give a client time for its next request, once; not while it is being answered."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_watching()
        elif self._timer is None:
            self._timer = self.loop.call_later(IDLE, self.transport.abort)

    def _stop_watching(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
