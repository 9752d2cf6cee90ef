"""A server as a process of its own, and requests to it byte by byte."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monklite import Prototype

KEY = "a-key-of-these-tests-0123456789"
ROOT = Path(__file__).parents[1]
# on Windows SIGTERM ends a process at once; Ctrl-Break reaches the processes of one group
STOP = getattr(signal, "CTRL_BREAK_EVENT", signal.SIGTERM)
GROUP = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
PATIENCE = 60.0  # seconds that a server may take to start


@dataclass
class Server:
    """A running server. `errors`: the file that holds what it said on its error output."""

    process: subprocess.Popen[str]
    address: str
    said: list[str]
    errors: Path

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def ask(
        self, path: str, body: bytes | None = None, headers: dict[str, str] | None = None, key: str | None = KEY
    ) -> tuple[int, Any]:
        """The status and the answer, JSON or text."""
        given = {**({"Prediction-Key": key} if key else {}), **(headers or {})}
        request = urllib.request.Request(self.address + path, body, given)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, _read(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _read(error)

    def predict(self, picture: bytes, key: str | None = KEY) -> tuple[int, Any]:
        return self.ask("/v1/predict", picture, {"Content-Type": "image/png"}, key)

    def send(self, request: bytes, is_cut: bool = False, patience: float = 30.0) -> int:
        """The status that is answered to these bytes; 0: the connection was closed without an answer.

        Args:
            is_cut: tell the server that no more comes.
        """
        with socket.create_connection(("127.0.0.1", self.port), patience) as connection:
            # it may answer before it has read everything
            with contextlib.suppress(ConnectionError):
                connection.sendall(request)
                if is_cut:
                    connection.shutdown(socket.SHUT_WR)
            return status_of(connection)

    def stop(self) -> int:
        """Ask it to stop; the status with which it ends."""
        self.process.send_signal(STOP)
        return self.process.wait(PATIENCE)


def _read(answer: Any) -> Any:
    text = answer.read().decode()
    return json.loads(text) if "json" in answer.headers.get("Content-Type", "") else text


def status_of(connection: socket.socket) -> int:
    got = b""
    with contextlib.suppress(ConnectionError):
        while b"\r\n" not in got and (more := connection.recv(4096)):
            got += more
    return int(got.split(b" ", 2)[1]) if got.startswith(b"HTTP/1.1 ") else 0


def form(parts: Sequence[tuple[str, bytes]], boundary: str = "a-boundary") -> tuple[bytes, dict[str, str]]:
    """A form with a file for each name, and its headers."""
    lines = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode() + content
        for name, content in parts
    ]
    body = b"\r\n".join([*lines, f"--{boundary}--\r\n".encode()])
    return body, {"Content-Type": f"multipart/form-data; boundary={boundary}"}


@contextlib.contextmanager
def served(folder: Path, *arguments: str, key: str | None = KEY) -> Iterator[Server]:
    """`monklite serve` with a workspace in `folder`, at a free port."""
    environment = {k: v for k, v in os.environ.items() if k != "MONKLITE_KEYS"} | {"PYTHONPATH": str(ROOT)}
    if key:
        environment["MONKLITE_KEYS"] = key
    command = [sys.executable, "-m", "monklite", "serve", *arguments, "--port", "0"]
    errors = folder / "server.log"
    with errors.open("w") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            encoding="utf-8",
            creationflags=GROUP,
        )
    try:
        assert process.stdout is not None
        said = [process.stdout.readline()]
        assert " answers at http://" in said[0], said[0] + errors.read_text()
        server = Server(process, said[0].split(" answers at ")[1].split()[0], said, errors)
        _wait_until_it_answers(server)
        yield server
    finally:
        process.kill()
        process.communicate()


def _wait_until_it_answers(server: Server) -> None:
    end = time.monotonic() + PATIENCE
    while server.ask("/health", key=None)[0] != 200:
        assert time.monotonic() < end
        time.sleep(0.05)


def tiny_run(folder: Path, patterns: Path) -> Prototype:
    """The trained run `p/e` in the folder's workspace."""
    opened = Prototype("p", "e", backend="pytorch", workspace=folder / "workspace", verbose=0)
    opened.Default(
        patterns, model_name="shufflenet_v2_x0_5", freeze_base_network=False, num_epochs=1, use_pretrained=False
    )
    opened.update_input_size(32)
    opened.update_save_intermediate_models(False)
    opened.Train()
    return opened
