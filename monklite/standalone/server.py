"""A small HTTP server of one bundle, on the standard library alone; `monklite serve` is the large one, with the same answers."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ..answer_forms import as_values, without_nan
from ..errors import StorageError, cut
from ..exporting.bundle_predictor import BundlePredictor
from ..local_requests import foreign, is_local
from ..printable import printable
from ..stopping import stop_signals
from .form_parts import TooManyParts, files_of, is_form

PREDICT, MODEL, HEALTH = "/v1/predict", "/v1/model", "/health"
# bytes of one request, and pictures in it
MOST_BYTES, MOST_PICTURES = 64 << 20, 64
# seconds without a byte, and until a request has come whole
SILENCE, SECONDS = 10.0, 60.0
# requests that are read or answered at the same time, and connections that wait for that
MOST_REQUESTS, WAITING = 16, 128
BUSY = b"HTTP/1.0 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"
# seconds in which a connection that waited is expected to end for another one
ROOM = 0.5
FAILED = "the request failed on this server, whose error output says why: tell who runs it"
CHUNK = 1 << 16


class Refused(Exception):
    """A request that is not answered. `status`: of HTTP."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class Server(ThreadingHTTPServer):
    """Answers from a bundle, to one request at a time. Port 0: one that is free, see `server_port`."""

    # accepted requests are answered before it ends
    daemon_threads = False
    request_queue_size = WAITING
    # on Windows it would let two servers have one port
    allow_reuse_address = os.name != "nt"

    def __init__(self, predictor: BundlePredictor, host: str, port: int) -> None:
        self.predictor, self.is_local = predictor, is_local(host)
        self.computing = threading.Lock()
        # connections whose requests have not begun, those that have waited longest first
        self.silent: dict[socket.socket, None] = {}
        self._free = threading.BoundedSemaphore(MOST_REQUESTS)
        if ":" in host:
            self.address_family = socket.AF_INET6
        super().__init__((host, port), Handler)

    @property
    def name(self) -> str:
        manifest = self.predictor.manifest
        return f"{manifest.experiment}-v{manifest.version:03d}"

    def answers(self, files: list[tuple[str, bytes]]) -> list[dict[str, Any]]:
        """The answer to each picture, or why it cannot be read."""
        answers: dict[str, dict[str, Any]] = {}
        places = [f"image {i}" for i in range(len(files))]

        def left_out(place: str, problem: str) -> None:
            answers[place] = {"problem": problem.replace(place, "the picture", 1)}

        with self.computing:
            for found in self.predictor.stream([content for _, content in files], left_out):
                answers[found.name] = as_values(found, self.predictor.task.classes)
        return [{**answers[place], "name": name} for place, (name, _) in zip(places, files, strict=True)]

    def process_request(self, request: Any, client_address: Any) -> None:
        if not (self._free.acquire(blocking=False) or self._has_made_room()):
            # it is small enough to be sent at once, or the client gets none
            with contextlib.suppress(OSError):
                request.setblocking(False)
                request.send(BUSY)
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def _has_made_room(self) -> bool:
        """Close the connection that has waited longest without a request, if there is one, and take its place."""
        # the handlers change it meanwhile
        waiting = next(iter(self.silent.copy()), None)
        if waiting is None:
            return False
        with contextlib.suppress(OSError):
            waiting.shutdown(socket.SHUT_RDWR)
        return self._free.acquire(timeout=ROOM)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        # a client that went away is no trouble
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """Answers one request of a connection, then closes it."""

    server: Server
    timeout = SILENCE
    server_version, sys_version = "monklite", ""

    def setup(self) -> None:
        super().setup()
        self.server.silent[self.connection] = None
        # however slowly its bytes come
        self._limit = threading.Timer(SECONDS, self._cut)
        self._limit.daemon = True
        self._limit.start()

    def finish(self) -> None:
        self._limit.cancel()
        self.server.silent.pop(self.connection, None)
        super().finish()

    def _cut(self) -> None:
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RD)

    def do_GET(self) -> None:
        self._answer(self._described)

    def do_POST(self) -> None:
        self._answer(self._predicted)

    def parse_request(self) -> bool:
        is_request = super().parse_request()
        self.server.silent.pop(self.connection, None)
        return is_request

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what is no request, as the library calls it, in the form of all refusals."""
        status = HTTPStatus(code)
        self.close_connection = True
        self._send(status, {"error": f"this request is not answered: {status.phrase}"})

    def log_message(self, *_: Any) -> None:
        """Requests are not listed."""

    def _answer(self, action: Callable[[], dict[str, Any]]) -> None:
        try:
            self._check_sender()
            status, values = HTTPStatus.OK, action()
        except Refused as error:
            status, values = error.status, {"error": str(error)}
        except ConnectionError:
            raise
        # what it says is for who runs the server
        except Exception:
            traceback.print_exc()
            status, values = HTTPStatus.INTERNAL_SERVER_ERROR, {"error": FAILED}
        self._send(status, values)

    def _check_sender(self) -> None:
        if self.server.is_local and (reason := foreign(self.headers)):
            raise Refused(HTTPStatus.FORBIDDEN, f"this server has no keys, so {reason}")

    def _send(self, status: HTTPStatus, values: dict[str, Any]) -> None:
        content = json.dumps(values).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _described(self) -> dict[str, Any]:
        if self.path == HEALTH:
            return {"status": "ok"}
        if self.path == MODEL:
            return {"name": self.server.name, **without_nan(self.server.predictor.manifest.as_values())}
        raise self._unknown()

    def _predicted(self) -> dict[str, Any]:
        if self.path != PREDICT:
            raise self._unknown()
        answers = self.server.answers(self._files())
        unread = [answer["problem"] for answer in answers if "problem" in answer]
        if len(unread) == len(answers):
            raise Refused(HTTPStatus.BAD_REQUEST, unread[0])
        return {"model": self.server.name, "answers": answers}

    def _files(self) -> list[tuple[str, bytes]]:
        """The pictures of the request: its body, or the files of a form."""
        body, kind = self._body(), self.headers.get("Content-Type", "")
        try:
            files = files_of(body, kind, MOST_PICTURES) if is_form(kind) else [("picture 1", body)]
        except TooManyParts:
            most = f"a request has at most {MOST_PICTURES} pictures, and this form has more parts"
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, most) from None
        except ValueError as error:
            raise Refused(HTTPStatus.BAD_REQUEST, str(error)) from None
        if not any(content for _, content in files):
            raise Refused(HTTPStatus.BAD_REQUEST, "no picture was sent: the request is empty")
        return [(cut(printable(name)), content) for name, content in files]

    def _body(self) -> bytes:
        length, *others = self.headers.get_all("Content-Length", [""])
        if not length.isdecimal() or others or "Transfer-Encoding" in self.headers:
            raise Refused(HTTPStatus.LENGTH_REQUIRED, "the request does not tell its length: send Content-Length")
        # of a number of very many digits, too
        if len(length) > 12 or int(length) > MOST_BYTES:
            raise Refused(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a request has at most {MOST_BYTES >> 20} MiB: send less at once"
            )
        body = bytearray()
        while len(body) < int(length):
            part = self._part(min(CHUNK, int(length) - len(body)))
            if not part:
                raise Refused(HTTPStatus.REQUEST_TIMEOUT, "the request was cut off, or sent too slowly")
            body += part
        self._limit.cancel()
        return bytes(body)

    def _part(self, most: int) -> bytes:
        try:
            return self.rfile.read1(most)
        except TimeoutError:
            return b""

    def _unknown(self) -> Refused:
        return Refused(
            HTTPStatus.NOT_FOUND, f"there is nothing at this address: POST {PREDICT}, GET {MODEL} or GET {HEALTH}"
        )


def serve(predictor: BundlePredictor, host: str, port: int, say: Callable[[str], None]) -> int:
    """Answer until the process is asked to end (SIGTERM, Ctrl-C, Ctrl-Break); accepted requests are answered before.

    Raises:
        StorageError: the address cannot be listened at.
    """
    try:
        server = Server(predictor, host, port)
    except OSError as error:
        raise StorageError(
            f"{host}:{port} cannot be listened at ({error.strerror or error}): another program may have it, take another port"
        ) from None
    with server:
        for number in stop_signals():
            # of another thread, because it waits until the loop has ended
            signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
        place = f"[{host}]" if ":" in host else host
        say(f"listening at http://{place}:{server.server_port}: POST a picture to {PREDICT}")
        server.serve_forever(poll_interval=0.1)
    return 0
