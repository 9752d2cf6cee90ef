"""What is wrong before a request is one: a server with its gate, in a thread, asked byte by byte."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI, Request
from starlette.responses import PlainTextResponse

from monklite.apps import connection, running
from monklite.apps.gate import Door, Gate, everybody
from monklite.apps.keys import WithKey
from monklite.apps.refusals import STATUS
from monklite.apps.secure_headers import HEADERS, SecureHeaders
from monklite.apps.traffic import Traffic

KEY = b"a-key-of-these-tests-0123456789"
HOST, CLOSE = b"Host: 127.0.0.1\r\n", b"Connection: close\r\n"
WITH_KEY = b"Prediction-Key: " + KEY + b"\r\n"
CHUNKED = b"POST /sent HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n"
LARGE = 16 << 20
HEALTH = b"GET /health HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n"


class Answer:
    """The answers that came over a connection. `is_closed`: no more can come."""

    def __init__(self, raw: bytes, is_closed: bool) -> None:
        self.raw, self.is_closed = raw, is_closed
        head, _, self.body = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        self.status = int(first.split(" ")[1]) if first else 0
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}

    @property
    def code(self) -> str:
        found: str = json.loads(self.body)["code"]
        return found


class Place:
    """A server. `/slow` is answered when `go` is set; `n_slow`: how often it was asked."""

    def __init__(self) -> None:
        self.traffic, self.go, self.n_slow = Traffic(), threading.Event(), 0
        app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        app.add_api_route("/health", lambda: {"status": "ok"})
        app.add_api_route("/sent", self._sent, methods=["POST"])
        app.add_api_route("/broken", self._broken)
        app.add_api_route("/slow", self._slow)
        app.add_api_route("/large", lambda: PlainTextResponse("x" * LARGE))
        open_to_all = [Door(prefix, everybody) for prefix in ("/health", "/broken", "/slow", "/large")]
        doors = [*open_to_all, Door("/sent", WithKey([KEY]), 1 << 20)]
        app.add_middleware(Gate, doors=doors, traffic=self.traffic)
        app.add_middleware(SecureHeaders)
        self.listener = running.listening("127.0.0.1", 0)
        self.server = uvicorn.Server(running.configured(app))
        self._thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.listener]})
        self._thread.start()
        self.port = self.listener.getsockname()[1]

    @staticmethod
    async def _sent(request: Request) -> Any:
        return {"bytes": len(await request.body())}

    async def _slow(self) -> Any:
        self.n_slow += 1
        while not self.go.is_set():
            await asyncio.sleep(0.01)

    @staticmethod
    async def _broken() -> Any:
        raise RuntimeError("/a/path/of/this/machine")

    def ask(self, *parts: bytes, wait: float = 5.0) -> Answer:
        """Send the parts one after the other, with a pause between them, and read until the server closes."""
        got, is_closed = b"", False
        with socket.create_connection(("127.0.0.1", self.port), wait) as client:
            try:
                for part in parts:
                    client.sendall(part)
                    time.sleep(0.05)
                while more := client.recv(65536):
                    got += more
                is_closed = True
            except ConnectionError:
                is_closed = True
            except TimeoutError:
                pass
        return Answer(got, is_closed)

    def stop(self) -> None:
        self.server.should_exit = True
        self._thread.join(20)
        assert not self._thread.is_alive(), "a stop waits for nobody"


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "LINGER", 0.3)
        found = Place()
        while not found.server.started:
            time.sleep(0.01)
        yield found
        found.stop()


@pytest.fixture(autouse=True)
def nothing_fails(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No request makes the server fail, which uvicorn and asyncio would log."""
    yield
    assert [r.getMessage() for r in caplog.records if r.name != "monklite" and r.levelno >= logging.ERROR] == []


def chunks(content: bytes, size: int) -> bytes:
    parts = [content[i : i + size] for i in range(0, len(content), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"POST /sent HTTP/1.1\r\n" + HOST + WITH_KEY + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
        b"POST /sent HTTP/1.1\r\n" + HOST + WITH_KEY + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"POST /sent HTTP/1.1\r\n"
        + HOST
        + WITH_KEY
        + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /health HTTP/1.1\r\n" + HOST + b"X: " + b"x" * 400_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=["two hosts", "two lengths", "packed", "a length and chunks", "a long header", "TLS"],
)
def test_what_is_no_request_is_refused_in_the_form_of_all_refusals(place: Place, request_: bytes) -> None:
    answer = place.ask(request_)
    assert (answer.status, answer.is_closed, answer.headers["connection"]) == (400, True, "close")
    assert STATUS[answer.code] == 400
    assert {name: answer.headers[name.lower()] for name in HEADERS} == HEADERS


def test_an_error_that_nobody_expected_is_answered_like_all_others_and_counted(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    answer = place.ask(b"GET /broken HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n")
    assert (answer.status, answer.code) == (500, "ErrorPrediction")
    assert {name: answer.headers[name.lower()] for name in HEADERS} == HEADERS
    assert b"/a/path" not in answer.raw and "/a/path/of/this/machine" in caplog.text
    assert place.traffic.by_status[500] == 1


def test_chunks_that_are_broken_after_a_refusal_or_with_it_are_no_trouble(place: Place) -> None:
    for parts in (
        [CHUNKED + b"\r\n", b"zz\r\n\r\n"],
        [CHUNKED + b"\r\nzz\r\n\r\n"],
        [CHUNKED + b"\r\n5\r\nab", b"\r\n" * 50],
    ):
        answer = place.ask(*parts)
        assert answer.status in (400, 401) and answer.is_closed and answer.raw.count(b"HTTP/1.1") == 1
    assert place.traffic.in_hand == 0


def test_tiny_chunks_take_no_time_from_others(place: Place) -> None:
    flood = b"1\r\nx\r\n" * 300_000
    for head in (CHUNKED + b"\r\n", CHUNKED + WITH_KEY + b"\r\n"):
        with socket.create_connection(("127.0.0.1", place.port), 5) as attacker:
            attacker.setblocking(False)
            start = time.monotonic()
            with contextlib.suppress(OSError):
                attacker.sendall(head + flood)
            assert place.ask(HEALTH).status == 200
            # they take ten seconds to parse
            assert time.monotonic() - start < 3
    refused = place.ask(CHUNKED + WITH_KEY + b"\r\n", flood[:12_000])
    assert (refused.status, refused.is_closed) == (400, True) and b"in very small chunks" in refused.body


@pytest.mark.parametrize("size", [100, 5000])
def test_chunks_of_honest_clients_are_read(place: Place, size: int) -> None:
    content = bytes(range(256)) * 2000
    sent = CHUNKED + WITH_KEY + CLOSE + b"\r\n" + chunks(content, size)
    assert json.loads(place.ask(sent).body) == {"bytes": len(content)}
    # many line ends are no chunks where the length is said
    sent = b"POST /sent HTTP/1.1\r\n" + HOST + WITH_KEY + CLOSE + b"Content-Length: 200000\r\n\r\n" + b"\r\n" * 100_000
    assert json.loads(place.ask(sent).body) == {"bytes": 200_000}


def test_after_a_refusal_nothing_that_follows_is_taken_for_a_request(place: Place) -> None:
    """The bytes after it may be the body that was announced, in which somebody else wrote a request."""
    inner = b"GET /health HTTP/1.1\r\n" + HOST + b"\r\n"
    expecting = b"POST /sent HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 500\r\n\r\n"
    for parts in ([expecting, inner], [CHUNKED + b"\r\n", inner]):
        answer = place.ask(*parts)
        assert (answer.status, answer.is_closed, answer.raw.count(b"HTTP/1.1")) == (401, True, 1)
    # with its length, the next request is where it says
    body = b"POST /sent HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(inner) + inner
    assert place.ask(body + HEALTH).raw.count(b"HTTP/1.1") == 2


@pytest.mark.parametrize(
    "sent", [b"", b"GET /hea", CHUNKED + WITH_KEY + b"\r\n5\r\nab"], ids=["nothing", "a part", "no body"]
)
def test_connections_that_wait_make_room_for_new_ones(
    place: Place, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(connection, "CONNECTIONS", 20)
    idle = [socket.create_connection(("127.0.0.1", place.port), 5) for _ in range(60)]
    try:
        for client in idle:
            # those that were closed already
            with contextlib.suppress(ConnectionError):
                client.sendall(sent)
        for _ in range(3):
            assert place.ask(HEALTH).status == 200
        assert len(place.server.server_state.connections) <= 21
    finally:
        for client in idle:
            client.close()


def test_who_does_not_read_the_answer_is_not_waited_for_without_end(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a connection would stay for ever, and a stop of the server would wait for it."""
    large = b"GET /large HTTP/1.1\r\n" + HOST
    monkeypatch.setattr(connection, "UNREAD", 0.5)
    with socket.create_connection(("127.0.0.1", place.port), 5) as client:
        client.sendall((large + b"\r\n") * 2)
        open_ones = place.server.server_state.connections
        while not any(one.flow.write_paused for one in list(open_ones)):
            time.sleep(0.01)
        end = time.monotonic() + connection.IDLE / 2
        while open_ones and time.monotonic() < end:
            time.sleep(0.05)
        assert not open_ones
    # who reads gets all of it, however busy this machine is
    monkeypatch.setattr(connection, "UNREAD", 60)
    assert len(place.ask(large + CLOSE + b"\r\n").body) == LARGE


def test_who_is_being_answered_gives_no_room(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.go.clear()
    with ThreadPoolExecutor(4) as pool:
        slow = [pool.submit(place.ask, b"GET /slow HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n") for _ in range(4)]
        while place.n_slow < 4:
            time.sleep(0.01)
        monkeypatch.setattr(connection, "CONNECTIONS", 3)
        idle = [socket.create_connection(("127.0.0.1", place.port), 5) for _ in range(9)]
        # each of them was let in by now
        assert place.ask(HEALTH).status == 200
        place.go.set()
        assert [one.result().status for one in slow] == [200] * 4
    for client in idle:
        client.close()


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="this system has no signal that stands for Ctrl-Break here")
def test_every_signal_that_asks_a_process_to_stop_ends_it_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    """After its end the server sends the signal again, which would end the process before it says that all is answered."""
    # as Ctrl-Break on Windows, it ends a process that does not handle it
    monkeypatch.setattr(signal, "SIGBREAK", signal.SIGUSR1, raising=False)
    before = signal.getsignal(signal.SIGUSR1)
    with running._stopping_quietly():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
            signal.raise_signal(number)
    assert signal.getsignal(signal.SIGUSR1) == before
