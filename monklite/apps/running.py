"""Run the server: its socket, its connections, and how it stops."""

from __future__ import annotations

import errno
import logging
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from ..errors import InvalidValue, cut
from ..stopping import stop_signals
from .connection import CONNECTIONS, IDLE, Connection

BACKLOG = 512


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


def run(app: FastAPI, listener: socket.socket, proxy: str = "") -> bool:
    """Answer until the process is asked to stop (Ctrl-C, SIGTERM, Ctrl-Break); what was accepted by then is answered.

    Returns:
        Whether it was; a second Ctrl-C does not wait for it.

    Args:
        proxy: the address or network whose word about the address of a client, and https, is taken; "": nobody's.
    """
    # it warns of broken forms, which are answered
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    try:
        with _stopping_quietly():
            server = uvicorn.Server(configured(app, proxy))
            server.run(sockets=[listener])
            return not server.force_exit
    finally:
        # also after a second Ctrl-C, which leaves out the end of the application
        app.state.queue.stop()
        listener.close()


def configured(app: ASGIApp, proxy: str = "") -> uvicorn.Config:
    """How an application is run. `proxy`: see `run`."""
    return uvicorn.Config(
        app, http=Connection, ws="none", lifespan="on", log_level=logging.ERROR, access_log=False, server_header=False,
        proxy_headers=bool(proxy), forwarded_allow_ips=proxy or [], timeout_keep_alive=IDLE, limit_concurrency=CONNECTIONS,
    )  # fmt: skip


@contextmanager
def _stopping_quietly() -> Iterator[None]:
    """The server sends itself the signal that stopped it once more, when all is done: it then ends the process no more."""
    before = {number: signal.signal(number, lambda *_: None) for number in stop_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
