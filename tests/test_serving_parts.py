"""The parts of a server, on both backends and from a bundle: the queue, the gate, keys, fetching, and what is kept."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import io
import ipaddress
import json
import socket
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import httpx
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from serving import KEY, form
from tiny_networks import MODELS, build_tiny

from monklite import Prototype
from monklite.apps import kept_pictures, keys, server, web_pictures
from monklite.apps.answers import Unread
from monklite.apps.gate import Door, Gate, everybody
from monklite.apps.inference_queue import Busy, Queue
from monklite.apps.json_answers import JsonAnswer
from monklite.apps.refusals import Refusal
from monklite.apps.secure_headers import HEADERS
from monklite.apps.served_model import ServedModel
from monklite.apps.settings import Settings
from monklite.apps.traffic import Traffic
from monklite.catalog.backends import BUILT_IN
from monklite.cli import main
from monklite.data.image_folder import images_in_folder
from monklite.errors import InvalidValue, NotFound, UnknownName
from monklite.exporting import bundle
from monklite.runs.workspace import Workspace


class Models:
    """A trained run of each backend, and a bundle of one, to be served. `expected`: what `Infer` says of `pictures`."""

    def __init__(self, folder: Path, images: Path) -> None:
        self.pictures = [Path(images, name).read_bytes() for name in images_in_folder(images)[::9]]
        self.models, self.expected = {}, {}
        for backend in BUILT_IN:
            opened = Prototype("p", backend, backend=backend, workspace=folder, verbose=0)
            opened.Default(
                images, model_name=MODELS[backend], freeze_base_network=False, num_epochs=1, use_pretrained=False
            )
            opened.update_input_size(32)
            opened.Train()
            opened.Switch_Mode(eval_infer=True)
            opened.Set_Unsure(confidence=0.5)
            self.expected[backend] = [opened.Infer(img_name=p, return_raw=True) for p in self.pictures]
            self.models[backend] = ServedModel.of_run(Workspace(folder).find("p", backend), folder / ".cache", print)
        run = Workspace(folder).find("p", "pytorch")
        bundle.make(run, folder / ".cache", folder / "bundle.zip", lambda _: None)
        self.models["bundle"], self.expected["bundle"] = (
            ServedModel.of_bundle(str(folder / "bundle.zip")),
            self.expected["pytorch"],
        )


@pytest.fixture(scope="module")
def all_models(tmp_path_factory, patterns):
    with pytest.MonkeyPatch.context() as patch:
        for backend in BUILT_IN:
            build_tiny(patch, backend)
        yield Models(tmp_path_factory.mktemp("models"), patterns)


@pytest.fixture(params=[*BUILT_IN, "bundle"])
def kind(request):
    return request.param


@pytest.fixture
def model(all_models):
    return all_models.models["pytorch"]


def in_queue(queue, ask):
    """What `ask` gives while a queue runs."""
    queue.start()
    try:
        return asyncio.run(ask())
    finally:
        queue.stop()


@contextlib.contextmanager
def client(model, **settings):
    """Asks a server within this process."""
    app = server.create(model, Settings(**settings))
    app.state.queue.start()
    yield Client(app)
    app.state.queue.stop()


class Client:
    def __init__(self, app):
        self.app = app

    def ask(self, method, path, **given):
        async def ask():
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as asked:
                return await asked.request(method, path, **given)

        return asyncio.run(ask())

    def get(self, path, **given):
        return self.ask("GET", path, **given)

    def post(self, path, **given):
        return self.ask("POST", path, **given)


def png(width, height=4):
    file = io.BytesIO()
    Image.new("RGB", (width, height)).save(file, "PNG")
    return file.getvalue()


def test_answers_are_those_of_infer_from_a_thread_and_a_bundle(all_models, kind):
    model, pictures = all_models.models[kind], all_models.pictures
    queue = Queue(model, together=3)

    async def ask():
        asked = [queue.submit([picture]) for picture in pictures] + [queue.submit([*pictures, b"no picture"])]
        return await asyncio.gather(*asked)

    *alone, together = in_queue(queue, ask)
    expected = all_models.expected[kind]
    for answer, same, wanted in zip([a for (a,) in alone], together, expected, strict=False):
        assert answer.answer["predicted_class"] == same.answer["predicted_class"] == wanted["predicted_class"]
        assert answer.answer["unsure"] == wanted["unsure"]
        assert answer.answer["score"] == pytest.approx(wanted["score"], abs=1e-4)
    assert together[-1].problem.startswith("the picture cannot be read: it is not an image in any of the formats")
    assert (queue.answered, queue.unread, queue.waiting) == (2 * len(pictures), 1, 0)


def test_the_form_of_the_network_that_is_fastest_for_many_pictures_serves_few_too(all_models, model):
    form = model.predictor.form
    assert form == "batch normalization folded"
    model.answers(all_models.pictures[:1])
    assert model.predictor.form == form


def test_a_model_says_what_it_is_and_where_it_sees_a_class(all_models, kind):
    model = all_models.models[kind]
    about = model.describe()
    assert (about["project"], about["classes"], about["version"]) == ("p", ["dots", "rings", "stripes"], 1)
    evaluation = about["evaluation"]
    assert (evaluation["name"], evaluation["on_test_images"], evaluation["images"]) == ("validation", False, 12)
    accuracy = evaluation["overall"]["accuracy"]
    assert accuracy["low"] <= accuracy["value"] <= accuracy["high"]
    assert evaluation["classes"]["rings"]["sensitivity"]["count"] == evaluation["classes"]["rings"]["positives"]
    found = model.heat_map(all_models.pictures[0], "rings")
    if kind == "bundle":
        assert found is None
    else:
        with Image.open(io.BytesIO(found)) as picture:
            assert (picture.size, picture.format) == ((32, 32), "PNG")
    with pytest.raises(UnknownName, match="no class is called 'ring'. Did you mean 'rings'"):
        model.heat_map(all_models.pictures[0], "ring")


def test_pictures_of_too_many_pixels_are_not_decoded(all_models):
    model = all_models.models["pytorch"]
    small = ServedModel(model.predictor, model.about, most_pixels=40 * 40)
    one, two, three = small.answers([png(401), all_models.pictures[0], png(400)])
    assert one == Unread(
        "the picture has 401 x 4 px, and this server takes 1,600 in all: send it smaller", "BadRequestImageDimensions"
    )
    assert not isinstance(two, Unread)
    assert not isinstance(three, Unread)


def test_what_does_not_fit_into_the_queue_is_refused_and_told_when_to_come_back(all_models, model):
    queue = Queue(model, limit=4)
    picture = all_models.pictures[0]

    async def ask():
        # nothing waits, so more than the limit are taken
        first = asyncio.ensure_future(queue.submit([picture] * 6))
        await asyncio.sleep(0)
        with pytest.raises(Busy, match="too many pictures are waiting here: send it again in 1 s"):
            await queue.submit([picture])
        queue.start()
        assert len(await first) == 6
        return await queue.submit([picture])

    assert len(asyncio.run(ask())) == 1
    queue.stop()
    with pytest.raises(Busy):
        asyncio.run(queue.submit([picture]))


def test_an_error_comes_to_those_alone_who_caused_it(all_models, model):
    class Failing(ServedModel):
        """Fails as a network does whose memory one picture exhausts."""

        def answers(self, pictures):
            if b"bad" in pictures:
                raise MemoryError("one picture is too large")
            return super().answers(pictures)

    queue = Queue(Failing(model.predictor, model.about))

    async def ask():
        asked = [
            asyncio.ensure_future(queue.submit([p])) for p in (all_models.pictures[0], b"bad", all_models.pictures[1])
        ]
        await asyncio.sleep(0)
        queue.start()
        return await asyncio.gather(*asked, return_exceptions=True)

    one, two, three = asyncio.run(ask())
    queue.stop()
    assert isinstance(two, MemoryError)
    assert [len(one), len(three)] == [1, 1]


def test_without_keys_only_programs_of_this_machine_are_answered(all_models, model):
    with client(model) as asked:
        picture = all_models.pictures[0]
        assert asked.post("/v1/predict", content=picture).status_code == 200
        for headers in (
            {"Host": "evil.example"},
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Host": "[x"},
            # a proxy on this machine, which makes others seem to be this machine
            {"X-Forwarded-For": "203.0.113.9"},
            {"Forwarded": "for=203.0.113.9"},
        ):
            answer = asked.post("/v1/predict", content=picture, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (403, "Forbidden")
        assert asked.get("/v1/model", headers={"Host": "localhost:99", "Origin": "http://localhost"}).status_code == 200
    # listening to others without a key, as a page does
    with client(model, is_local=False) as asked:
        assert asked.get("/v1/model", headers={"Prediction-Key": ""}).status_code == 401
        assert asked.get("/health").json() == {"status": "ok"}


def test_errors_of_the_server_are_no_answers_and_tell_nothing_of_it(all_models, model, tmp_path, caplog):
    (tmp_path / "predictions").write_text("in the way")
    with client(model, keep_in=tmp_path) as asked:
        answer = asked.post("/v1/predict", content=all_models.pictures[0])
        assert (answer.status_code, answer.json()["code"]) == (507, "ErrorPredictionStorage")
        assert str(tmp_path) not in answer.text
        assert str(tmp_path / "predictions") in caplog.text
        asked.app.state.model = None
        answer = asked.get("/v1/model")
        assert (answer.status_code, answer.json()["code"]) == (500, "ErrorPrediction")
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS


def test_limits_hold_while_a_request_is_read(all_models, model):
    with client(model, most_bytes=3000, keys=(KEY.encode(),)) as asked:
        headers = {"Prediction-Key": KEY}

        async def pieces():
            for _ in range(10):
                yield bytes(1000)

        answer = asked.post("/v1/predict", content=pieces(), headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "BadRequestImageSizeBytes")
        assert (
            answer.json()["message"] == "at most 3.0 kB are read at this address: send a smaller file, or fewer at once"
        )
        body, kind = form([(str(i), b"x") for i in range(65)])
        answer = asked.post("/v1/predict", content=body[:2999], headers=headers | kind)
        assert (answer.status_code, answer.json()["code"]) == (400, "BadRequestImageStream")
        assert asked.app.state.traffic.in_hand == 0


@pytest.mark.parametrize(("sent", "status"), [([b"x" * 10], 408), ([], 408), ([b"x" * 101], 413)])
def test_a_request_that_comes_too_slowly_or_is_too_large_is_ended(sent, status):
    found, traffic = [], Traffic()

    async def app(scope, receive, send):
        while (await receive())["more_body"]:
            pass

    async def receive():
        if not sent:
            await asyncio.sleep(60)
        return {"type": "http.request", "body": sent.pop(), "more_body": True}

    async def send(message):
        found.append(message)

    gate = Gate(app, [Door("/x", everybody, 100)], traffic, seconds=0.1)
    asyncio.run(gate({"type": "http", "path": "/x", "headers": [], "method": "POST"}, receive, send))
    assert [message.get("status") for message in found] == [status, None]
    assert (traffic.by_status, traffic.in_hand) == ({status: 1}, 0)


def test_keys_are_read_from_a_file_and_weak_ones_are_refused(tmp_path):
    path = tmp_path / "keys"
    path.write_text(f"# of the ward\n{KEY}\n\n  {KEY}2 \n")
    assert keys.read_keys(str(path)) == [KEY.encode(), f"{KEY}2".encode()]
    path.write_text(f"{KEY}\nshort\n")
    with pytest.raises(InvalidValue, match="key 2 has 5 characters; a key has at least 16") as caught:
        keys.read_keys(str(path))
    assert "short" not in str(caught.value)
    path.write_text("# none\n")
    with pytest.raises(InvalidValue, match="holds no key: write one per line"):
        keys.read_keys(str(path))
    with pytest.raises(NotFound, match="there is no file of keys at nowhere"):
        keys.read_keys("nowhere")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("p", "pytorch", "--host", "0.0.0.0"), "--host 0.0.0.0 lets other machines ask, so a key is needed"),
        (("p", "pytorch", "--proxy", "127.0.0.1"), "--proxy 127.0.0.1 lets other machines ask, so a key is needed"),
        (("p", "nothing"), "no project in"),
        (("nowhere.zip",), "nowhere.zip"),
        (("p", "pytorch", "x"), "give the project and the experiment, or a bundle, not 'p pytorch x'"),
        (("x.zip", "--version", "v001"), "--version v001 is of a run, and one name is a bundle"),
        (
            ("p", "pytorch", "--host", "no.host.invalid", "--key-file", "keys"),
            "the server cannot listen at no.host.invalid, port 0 (",
        ),
    ],
)
def test_a_server_that_cannot_run_says_why(workspace, words, message):
    Path("keys").write_text(KEY)
    found = CliRunner().invoke(main, ["serve", *words, "--port", "0"])
    assert found.exit_code == 1
    assert message in found.output


def test_a_port_that_is_taken_is_named(workspace):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = CliRunner().invoke(main, ["serve", "p", "e", "--port", str(port)])
    assert found.exit_code == 1
    assert (
        f"the server cannot listen at 127.0.0.1, port {port}: another program does; stop it, or take another"
        in found.output
    )


def test_what_is_kept_is_listed_and_damaged_records_are_named(all_models, model, workspace):
    kept = kept_pictures.KeptPictures(workspace, model)
    pictures = [*all_models.pictures[:2], b"no picture"]
    kept.keep(pictures, ["=a", "", "x"], model.answers(pictures))
    damaged = kept.folder / "20260101-000000-000000-00000000.json"
    damaged.write_text("{")
    odd = kept.folder / "20260101-000000-000000-00000001.json"
    odd.write_text('{"picture": "x"}')
    (kept.folder / "note.json").write_text("the user's own")
    found = CliRunner().invoke(main, ["predictions"])
    assert found.exit_code == 0
    assert f"{damaged} is damaged and is left out" in found.output
    assert f"{odd} is damaged and is left out" in found.output
    assert found.output.count("  p/pytorch-v001  ") == 2
    assert len(list((kept.folder / "pictures").glob("*.png"))) == 2


class Web(http.server.BaseHTTPRequestHandler):
    """A place on the web: /x.png is a picture, /large has no end, /slow stops, /away leads elsewhere, /short is cut off."""

    def do_GET(self):
        self.send_response(302 if self.path == "/away" else 200)
        self.send_header("Location", "/x.png")
        if self.path == "/short":
            self.send_header("Content-Length", "1000")
        self.end_headers()
        if self.path == "/large":
            self.wfile.write(bytes(20_000))
        elif self.path == "/slow":
            # until the other side has gone
            with contextlib.suppress(ConnectionError):
                for _ in range(20):
                    self.wfile.write(b"x")
                    time.sleep(0.1)
        else:
            self.wfile.write(b"picture")

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def web():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web) as place:
        thread = threading.Thread(target=place.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://localhost:{place.server_port}"
        place.shutdown()
        thread.join()


def test_a_picture_is_fetched_within_its_limits(web):
    def fetched(path, seconds=5.0):
        return web_pictures.fetch(web + path, 10_000, lambda _: True, seconds)

    assert fetched("/x.png?a=b") == b"picture"
    with pytest.raises(Refusal, match="SSL"):
        web_pictures.fetch(web.replace("http:", "https:"), 1000, lambda _: True)
    for path, seconds, reason in (
        ("/large", 5.0, "it gives more than 10.0 kB"),
        ("/away", 5.0, "it answers with status 302; redirections are not followed"),
        ("/short", 5.0, "it stops before the end|IncompleteRead"),
        ("/slow", 0.4, "it does not answer in 0.4 s"),
    ):
        with pytest.raises(Refusal) as caught:
            fetched(path, seconds)
        assert caught.value.code == "BadRequestImageUrl"
        assert any(part in caught.value.detail for part in reason.split("|")), caught.value.detail


@pytest.mark.parametrize(
    "address", ["http://localhost:{port}/x.png", "http://127.1:{port}/", "http://2130706433:{port}/"]
)
def test_nothing_is_fetched_from_this_machine(web, address):
    with pytest.raises(Refusal, match="it leads into a private network or to this machine"):
        web_pictures.fetch(address.format(port=web.rpartition(":")[2]), 1000)


@pytest.mark.parametrize(
    ("address", "is_public"),
    [
        ("8.8.8.8", True), ("2606:4700::1111", True), ("::ffff:8.8.8.8", True), ("64:ff9b::808:808", True),
        ("127.0.0.1", False), ("10.1.2.3", False), ("172.16.0.1", False), ("192.168.0.1", False), ("169.254.169.254", False),
        ("0.0.0.0", False), ("100.64.0.1", False), ("224.0.0.1", False), ("255.255.255.255", False), ("::1", False),
        ("fe80::1", False), ("fec0::1", False), ("64:ff9b:1::7f00:1", False), ("::127.0.0.1", False), ("4000::1", False),
        ("fc00::1", False), ("::ffff:127.0.0.1", False), ("::ffff:10.0.0.1", False), ("::", False),
        ("64:ff9b::7f00:1", False), ("2002:7f00:1::", False), ("ff02::1", False), ("198.18.0.1", False), ("192.0.2.1", False),
    ],
)  # fmt: skip
def test_only_public_addresses_are_asked(address, is_public):
    assert web_pictures.is_public(ipaddress.ip_address(address)) is is_public


def test_this_machine_is_not_asked_by_its_public_address_either(monkeypatch):
    card = [SimpleNamespace(family=socket.AF_INET, address="8.8.4.4")]
    monkeypatch.setattr("psutil.net_if_addrs", lambda: {"eth0": card})
    for address, is_elsewhere in (
        ("8.8.4.4", False),
        ("::ffff:8.8.4.4", False),
        ("8.8.8.8", True),
        ("10.0.0.1", False),
    ):
        assert web_pictures.is_elsewhere(ipaddress.ip_address(address)) is is_elsewhere


def test_a_look_up_that_takes_too_long_is_given_up_and_stays_counted(monkeypatch):
    go = threading.Event()
    monkeypatch.setattr(web_pictures, "AT_MOST", 0.1)
    monkeypatch.setattr(web_pictures, "_looked_up", lambda *_: go.wait(10) or "")
    fetcher = web_pictures.Fetcher(1000)

    async def ask():
        with pytest.raises(Refusal, match="it is not found and fetched in 0.1 s"):
            await fetcher.fetch("http://slow.example/")
        assert fetcher._pending == 1
        go.set()
        while fetcher._pending:
            await asyncio.sleep(0.01)

    asyncio.run(ask())
    fetcher.stop()


def test_scores_that_are_no_numbers_are_told_as_none():
    from monklite.apps.own_routes import without_nan

    assert without_nan({"a": [np.nan, 1.0, (float("inf"),)]}) == {"a": [None, 1.0, [None]]}


def test_names_that_are_not_unicode_are_answered() -> None:
    """A folder's name may be any bytes on Linux; the answer was an error of the server."""
    answer = JsonAnswer({"scores": {"caf\udce9": 1.0, "ä": 0.0}})
    assert json.loads(answer.body) == {"scores": {"caf\udce9": 1.0, "ä": 0.0}}
    assert answer.body.decode("utf-8") == '{"scores":{"caf\\udce9":1.0,"ä":0.0}}'
