"""`predict.pyz` in an environment that has nothing but its requirements: answers as the run's, and over HTTP."""

from __future__ import annotations

import csv
import http.client
import json
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path

import pytest
from exported_runs import Exported, tiny_for_module
from serving import GROUP, STOP

from monklite.errors import DamagedFile, ExportFailed
from monklite.exporting import container, probes, program_file
from monklite.exporting.bundle_predictor import BundlePredictor
from monklite.exporting.manifest import DOCKERFILE, PREDICT, REQUIREMENTS
from monklite.standalone import form_parts, main, server

START = (
    "import runpy, sys; sys.path.insert(0, {links!r}); sys.argv = sys.argv[1:]; "
    "runpy.run_path(sys.argv[0], run_name='__main__')"
)


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exported]:
    yield from tiny_for_module("pytorch", tmp_path_factory.mktemp("standalone"))


@pytest.fixture(scope="module")
def folder(one: Exported) -> Path:
    with zipfile.ZipFile(one.made.path) as archive:
        archive.extractall(one.folder / "b")
    return one.folder / "b"


@pytest.fixture(scope="module")
def python(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Starts a program where the packages of `requirements.txt` can be imported, and those of Python, and no others."""
    links = tmp_path_factory.mktemp("installed")
    for line in (folder / REQUIREMENTS).read_text().split():
        found = metadata.distribution(line.partition("==")[0])
        assert line == f"{found.metadata['Name']}=={found.version}"
        for name in {Path(file).parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
            if not (links / name).exists():
                (links / name).symlink_to(Path(str(found.locate_file(name))))
    return [sys.executable, "-I", "-S", "-c", START.format(links=str(links))]


def run(python: list[str], folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [*python, PREDICT, *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_neither_monklite_nor_a_framework_is_there(python, tmp_path):
    for name in ("torch", "mxnet", "pandas", "scipy", "sklearn", "safetensors", "click", "filelock", "monklite"):
        (tmp_path / PREDICT).write_text(f"import {name}")
        assert f"No module named '{name}'" in run(python, tmp_path).stderr


def test_files_of_all_kinds_are_answered_as_by_the_run(one, folder, python, tmp_path):
    for name, content in probes.drawn().items():
        (tmp_path / f"{name.replace(' ', '-').replace('/', '-')}.png").write_bytes(content)
    (tmp_path / "no.png").write_text("no image")
    found = run(python, folder, tmp_path, one.images)
    assert found.returncode == 1 and "no.png cannot be read: it is not an image" in found.stderr
    rows = [json.loads(line) for line in found.stdout.splitlines()]
    expected = list(one.predictor.of_paths([str(tmp_path), str(one.images)], lambda *_: None))
    assert [row["image"] for row in rows] == [p.name for p in expected] and len(rows) > 50
    for row, prediction in zip(rows, expected, strict=True):
        assert row["predicted"] == prediction.answer["predicted_class"]
        assert row["possible"].split("|") == prediction.answer["possible_classes"]
        assert bool(row["unsure"]) == bool(prediction.answer["unsure"])
        assert [row["p(ill)"], row["p(well)"]] == pytest.approx(prediction.scores.tolist(), abs=1e-4)


def test_a_table_and_another_place_of_the_bundle(one, python, folder, tmp_path):
    (tmp_path / PREDICT).write_bytes((folder / PREDICT).read_bytes())
    found = run(python, tmp_path, one.files[0], "--bundle", one.made.path, "--csv")
    (row,) = csv.DictReader(found.stdout.splitlines())
    assert found.returncode == 0 and row["image"] == str(one.files[0])
    found = run(python, tmp_path, one.files[0])
    assert (found.returncode, found.stdout) == (1, "")
    assert found.stderr.startswith("error: 'manifest.json' of the bundle") and "it is missing" in found.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "give images or folders, or --serve PORT"),
        (["a.png", "--serve", "1"], "give images or folders, or --serve PORT"),
        (["--serve", "http"], "'http' is not the number of a port, 0 to 65535"),
    ],
)
def test_wrong_arguments_are_told(words, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        main.main(words)
    assert message in capsys.readouterr().err


def test_the_program_is_the_same_each_time_and_imports_nothing_else(monkeypatch, tmp_path):
    first = program_file.program()
    program_file.program.cache_clear()
    assert program_file.program() == first
    monkeypatch.setattr(program_file, "INSTALLED", program_file.INSTALLED - {"PIL"})
    program_file.program.cache_clear()
    with pytest.raises(
        ExportFailed, match=r"monklite\.data\..* imports PIL.*, which is not installed where a bundle is"
    ):
        program_file.program()


def test_the_container_is_not_root_and_starts_what_is_there():
    files = {name: content.decode() for name, content in container.files().items() if name != PREDICT}
    lines = files[DOCKERFILE].splitlines()
    assert f"FROM python:{sys.version_info.major}.{sys.version_info.minor}-slim" in lines
    assert lines.index("USER 10001") < next(i for i, line in enumerate(lines) if line.startswith("CMD"))
    packages = {line.partition("==")[0].lower() for line in files[REQUIREMENTS].split()}
    assert packages >= {"numpy", "pillow", "onnxruntime", "pydantic"} and not packages & {"torch", "pandas", "onnx"}


# The server


class Served:
    """The container's program as a process of its own, at a free port."""

    def __init__(self, python: list[str], folder: Path) -> None:
        command = json.loads(next(x for x in (folder / DOCKERFILE).read_text().splitlines() if x.startswith("CMD"))[4:])
        assert command[:3] == ["python", PREDICT, "--serve"]
        words = [*python, PREDICT, "--serve", "0"]
        self.process = subprocess.Popen(words, cwd=folder, stderr=subprocess.PIPE, text=True, creationflags=GROUP)
        assert self.process.stderr is not None
        line = self.process.stderr.readline()
        assert line.startswith("listening at http://127.0.0.1:"), line
        self.port = int(line.split(":")[2])

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, dict]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        assert answer.headers["Content-Type"] == "application/json"
        return answer.status, json.loads(answer.read())

    def raw(self, content: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as client:
            client.sendall(content)
            client.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: client.recv(4096), b""))

    def stop(self) -> None:
        self.process.send_signal(STOP)

    def end(self) -> tuple[int, str]:
        """The exit status, and what it printed."""
        return self.process.wait(30), self.process.stderr.read() if self.process.stderr else ""


@pytest.fixture(scope="module")
def served(python: list[str], folder: Path) -> Iterator[Served]:
    found = Served(python, folder)
    yield found
    found.stop()
    assert found.end() == (0, "")


def form(*files: tuple[str, bytes]) -> bytes:
    parts = (
        b'--x\r\nContent-Disposition: form-data; name="f"; filename="%s"\r\n\r\n%s\r\n' % (name.encode(), content)
        for name, content in files
    )
    return b"".join(parts) + b"--x--\r\n"


FORM = "multipart/form-data; boundary=x"
# each of its signs is looked at for each of those before it
HEAD_OF_MANY = b"--x\r\nContent-Disposition: form-data" + b';a="' * 100_000 + b"\r\n\r\nabc\r\n--x--\r\n"


def test_pictures_are_answered_over_http_as_by_the_run(one, served):
    files = one.files[:3]
    status, found = served.ask("POST", server.PREDICT, files[0].read_bytes(), Content_Type="image/png")
    assert status == 200 and found["model"] == "e-v001"
    body = form(("a.png", files[1].read_bytes()), ("no.txt", b"no image\r\n--y\r\n"), ("c.png", files[2].read_bytes()))
    status, several = served.ask("POST", server.PREDICT, body, Content_Type=FORM)
    assert status == 200 and [answer["name"] for answer in several["answers"]] == ["a.png", "no.txt", "c.png"]
    assert several["answers"][1]["problem"].startswith("the picture cannot be read: it is not an image")
    answers = [*found["answers"], *several["answers"][::2]]
    for answer, prediction in zip(answers, one.predictor.stream(map(str, files), pytest.fail), strict=True):
        assert list(answer["scores"].values()) == pytest.approx(prediction.scores.tolist(), abs=1e-4)
        assert answer["predicted"] == [prediction.answer["predicted_class"]]


def test_the_server_says_what_it_is_and_that_it_lives(served):
    assert served.ask("GET", "/health") == (200, {"status": "ok"})
    status, about = served.ask("GET", "/v1/model")
    assert (status, about["name"], about["classes"]) == (200, "e-v001", ["ill", "well"])


@pytest.mark.parametrize(
    ("request_line", "body", "headers", "status", "message"),
    [
        ("POST /v1/predict", b"no image", {}, 400, "the picture cannot be read"),
        ("POST /v1/predict", b"", {}, 400, "no picture was sent"),
        ("POST /v1/predict", form(*[("a", b"1")] * 65), {"Content-Type": FORM}, 413, "at most 64 pictures"),
        ("POST /v1/predict", b"--x\r\n\r\nabc", {"Content-Type": FORM}, 400, "ends before its last boundary"),
        ("POST /v1/predict", b"abc", {"Content-Type": "multipart/form-data"}, 400, "names no boundary"),
        ("POST /v1/predict", None, {"Content-Length": "99999999999"}, 413, "at most 64 MiB"),
        ("POST /v1/predict", None, {"Content-Length": "-1"}, 411, "does not tell its length"),
        ("POST /v1/predict", None, {"Transfer-Encoding": "chunked"}, 411, "does not tell its length"),
        ("POST /v1/predict", b"abc", {"content-length": "4"}, 411, "does not tell its length"),
        (
            "POST /v1/predict",
            HEAD_OF_MANY,
            {"Content-Type": FORM},
            400,
            "headers of part 1 of the form have more than 8,192",
        ),
        ("POST /v1/predict", form(('a"*=x; filename*0*=z', b"x")), {"Content-Type": FORM}, 400, "cannot be read"),
        ("POST /v1/other", b"abc", {}, 404, "there is nothing at this address"),
        ("GET /v1/model", b"", {"Origin": "http://evil.example"}, 403, "answers this machine alone"),
        ("GET /v1/model", b"", {"X-Forwarded-For": "203.0.113.9"}, 403, "a proxy passed this request on"),
        ("PUT /v1/predict", b"", {}, 501, "this request is not answered: Not Implemented"),
        ("GET /" + "x" * 70_000, b"", {}, 414, "this request is not answered: Request-URI Too Long"),
        ("GET /health", b"", dict.fromkeys(map("X-{}".format, range(200)), "y"), 431, "this request is not answered"),
        ("GET /../manifest.json", b"", {}, 404, "there is nothing at this address"),
    ],
)
def test_wrong_requests_are_refused_in_words(served, request_line, body, headers, status, message):
    if body is not None:
        headers = {"Content-Length": str(len(body)), **headers}
    lines = [f"{request_line} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in headers.items())]
    answer = served.raw("\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b""))
    assert answer.split(b" ", 2)[1] == str(status).encode() and message in answer.decode()
    assert b"\r\nX-Content-Type-Options: nosniff\r\n" in answer and b"<html" not in answer.lower()
    assert served.ask("GET", "/health")[0] == 200


def test_a_request_that_is_cut_off_is_refused(served):
    answer = served.raw(b"POST /v1/predict HTTP/1.1\r\nContent-Length: 1000\r\n\r\nabc")
    assert answer.startswith(b"HTTP/1.0 408 ") and b"was cut off, or sent too slowly" in answer


def test_many_clients_get_their_own_answers_and_none_is_lost_when_it_ends(one, python, folder):
    found = Served(python, folder)
    files, expected = one.files[:12], list(one.predictor.stream(map(str, one.files[:12]), pytest.fail))
    with ThreadPoolExecutor(12) as pool:
        asked = [pool.submit(found.ask, "POST", server.PREDICT, file.read_bytes()) for file in files]
        answers = [future.result() for future in asked]
        for (status, answer), prediction in zip(answers, expected, strict=True):
            scores = list(answer["answers"][0]["scores"].values())
            assert status == 200 and scores == pytest.approx(prediction.scores.tolist(), abs=1e-4)
        # a request that has begun is answered after the signal
        content = files[0].read_bytes()
        with socket.create_connection(("127.0.0.1", found.port), timeout=30) as client:
            client.sendall(b"POST /v1/predict HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(content))
            time.sleep(0.3)
            found.stop()
            time.sleep(0.3)
            client.sendall(content)
            assert client.recv(15) == b"HTTP/1.0 200 OK"
    assert found.end() == (0, "")


def test_connections_that_wait_make_room_for_new_ones(served):
    idle = [socket.create_connection(("127.0.0.1", served.port), 10) for _ in range(server.MOST_REQUESTS + 8)]
    try:
        idle[-1].sendall(b"GET /health HTTP/1.1\r\nHost: loc")
        start = time.monotonic()
        assert [served.ask("GET", "/health")[0] for _ in range(3)] == [200] * 3
        assert time.monotonic() - start < server.SILENCE / 2
    finally:
        for client in idle:
            client.close()


def test_errors_of_the_server_tell_nothing_of_it(one, monkeypatch, capfd):
    predictor = BundlePredictor(one.made.path)

    def failing(*_: object) -> None:
        raise DamagedFile("/a/path/of/this/machine is damaged")

    monkeypatch.setattr(predictor, "stream", failing)
    with server.Server(predictor, "127.0.0.1", 0) as place:
        thread = threading.Thread(target=place.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            connection = http.client.HTTPConnection("127.0.0.1", place.server_port, timeout=20)
            connection.request("POST", server.PREDICT, one.files[0].read_bytes())
            answer = connection.getresponse()
            assert (answer.status, json.loads(answer.read())) == (500, {"error": server.FAILED})
        finally:
            place.shutdown()
            thread.join()
    assert "/a/path/of/this/machine is damaged" in capfd.readouterr().err


def test_a_port_that_is_taken_is_told(served, python, folder):
    found = run(python, folder, "--serve", served.port)
    assert found.returncode == 1 and f"127.0.0.1:{served.port} cannot be listened at (" in found.stderr


def test_parts_of_a_form_keep_their_bytes():
    content = bytes(range(256)) + b"\r\n--xy\r\n\r\n--\r\n"
    body = b'preamble\r\n--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + content + b"\r\n--x-- \r\nepilogue"
    assert form_parts.files_of(body, FORM, 1) == [("picture 1", content)]
    with pytest.raises(ValueError, match="part 1 of the form has no content"):
        form_parts.files_of(b"--x\r\nabc\r\n--x--", FORM, 1)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ('filename="Röntgen 图.png"', "Röntgen 图.png"),
        ("filename*=UTF-8''R%C3%B6ntgen.png", "Röntgen.png"),
        ('filename=""', "picture 1"),
    ],
)
def test_names_of_files_are_those_that_were_sent(given, name):
    body = f'--x\r\nContent-Disposition: form-data; name="a"; {given}\r\n\r\nb\r\n--x--'.encode()
    assert form_parts.files_of(body, FORM, 1) == [(name, b"b")]


def test_a_form_of_very_many_parts_is_refused_before_they_are_read():
    body = b"--x\r\n\r\n\r\n" * 100_000 + b"--x--"
    with pytest.raises(form_parts.TooManyParts):
        form_parts.files_of(body, FORM, 64)
