"""A server as a process of its own, asked over HTTP: by honest clients, by Microsoft's, and by hostile ones."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest
from hostile_requests import PROJECT, hostile
from serving import KEY, ROOT, form, served, tiny_run

from monklite import Prototype
from monklite.data.image_folder import images_in_folder

N_HOSTILE = 210
MOST_GROWTH = 100 << 20  # bytes of memory that so many hostile requests may leave behind
NAME = "e-v001"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, patterns):
    """A folder with a workspace that holds the trained run `p/e`."""
    folder = tmp_path_factory.mktemp("served")
    tiny_run(folder, patterns)
    return folder


@pytest.fixture(scope="module")
def server(folder):
    with served(folder, "p", "e", "--keep-pictures", "--allow-url") as server:
        yield server


@pytest.fixture(scope="module")
def pictures(patterns):
    """Pictures by name, of every class."""
    return {name: Path(patterns, name).read_bytes() for name in images_in_folder(patterns)[::5]}


@pytest.fixture(scope="module")
def expected(folder, pictures):
    """What `Infer` says of each picture."""
    opened = Prototype("p", "e", backend="pytorch", eval_infer=True, workspace=folder / "workspace", verbose=0)
    return {name: opened.Infer(img_name=content, return_raw=True) for name, content in pictures.items()}


def is_as(expected, answer):
    return answer["predicted"] == [expected["predicted_class"]] and max(answer["scores"].values()) == pytest.approx(
        expected["score"], abs=1e-5
    )


def in_hand(server):
    """Bytes of requests that are not answered yet."""
    return int(server.ask("/metrics")[1].partition("\nmonklite_in_hand_bytes ")[2].split()[0])


def kept_in(folder):
    return sorted((folder / "workspace/predictions/p" / NAME).glob("*.json"))


def test_pictures_are_answered_as_infer_does_alone_and_together(server, pictures, expected):
    for name, content in list(pictures.items())[:2]:
        status, found = server.predict(content)
        assert (status, found["model"]) == (200, NAME)
        assert is_as(expected[name], found["answers"][0])
    status, found = server.ask("/v1/predict", *form([*pictures.items(), ("C:\\x\\note.txt", b"no picture")]))
    answers = found["answers"]
    assert status == 200
    assert [a["name"] for a in answers] == [*(Path(name).name for name in pictures), "note.txt"]
    assert all(is_as(e, a) for e, a in zip(expected.values(), answers, strict=False))
    assert "it is not an image in any of the formats JPEG" in answers[-1]["problem"]
    assert answers[0]["calibrated"] is answers[0]["possible"] is answers[0]["unsure"] is None


def test_what_it_is_and_what_it_counts_are_told_to_those_who_have_a_key(server):
    status, model = server.ask("/v1/model")
    assert (status, model["classes"], model["label_type"]) == (200, ["dots", "rings", "stripes"], "single")
    assert (model["project_id"], model["published_name"]) == (PROJECT, NAME)
    status, text = server.ask("/metrics")
    assert status == 200
    assert 'monklite_requests_total{code="200"}' in text
    assert server.ask("/v1/model", key=None)[0] == server.ask("/metrics", key="x" * 20)[0] == 401
    assert server.ask("/v1/model", key=None, headers={"Authorization": f"Bearer {KEY}"})[0] == 200
    assert server.ask("/openapi.json")[1]["paths"].keys() >= {"/v1/predict", "/v1/model", "/health", "/metrics"}
    assert server.ask("/docs") == (404, {"code": "NotFound", "message": "there is nothing at this address"})


def test_microsofts_client_is_answered(server, pictures, expected, folder):
    prediction = pytest.importorskip("azure.cognitiveservices.vision.customvision.prediction")
    from msrest.authentication import ApiKeyCredentials

    def client(key):
        credentials = ApiKeyCredentials(in_headers={"Prediction-key": key})
        return prediction.CustomVisionPredictionClient(server.address, credentials)

    error = prediction.models.CustomVisionErrorException
    name, content = next(iter(pictures.items()))
    before = len(kept_in(folder))
    found = client(KEY).classify_image(PROJECT, NAME, content)
    assert len(kept_in(folder)) == before + 1
    unkept = client(KEY).classify_image_with_no_store(PROJECT, NAME, content)
    assert len(kept_in(folder)) == before + 1
    assert [p.tag_name for p in found.predictions] == [p.tag_name for p in unkept.predictions]
    assert found.id != unkept.id
    assert (found.project, found.iteration) == (PROJECT, unkept.iteration)
    assert found.created.utcoffset().total_seconds() == 0
    best, *others = found.predictions
    assert (best.tag_name, best.tag_type) == (expected[name]["predicted_class"], "Regular")
    assert best.probability == pytest.approx(expected[name]["score"], abs=1e-5)
    assert sum(p.probability for p in found.predictions) == pytest.approx(1)
    assert best.probability >= others[0].probability >= others[1].probability
    (folder / "x.png").write_bytes(content)
    with (folder / "x.png").open("rb") as file:
        assert client(KEY).classify_image(PROJECT, NAME, file).predictions[0].tag_id == best.tag_id
    for project, published, sent, key, code in (
        ("a" * 8, NAME, content, KEY, "NotFoundProject"),
        (PROJECT, "Iteration1", content, KEY, "NotFoundIteration"),
        (PROJECT, NAME, b"no picture", KEY, "BadRequestImageFormat"),
        (PROJECT, NAME, content, KEY[:-1], "Unauthorized"),
    ):
        with pytest.raises(error) as caught:
            client(key).classify_image(project, published, sent)
        assert caught.value.error.code == code
    with pytest.raises(error, match="leads into a private network or to this machine") as caught:
        client(KEY).classify_image_url(PROJECT, NAME, server.address + "/x.png")
    assert caught.value.error.code == "BadRequestImageUrl"


def test_the_body_itself_is_classified_at_addresses_as_the_portal_shows_them(server, pictures):
    content = next(iter(pictures.values()))
    path = f"/customvision/v3.0/Prediction/{PROJECT.upper()}/classify/iterations/{NAME}/image"
    status, found = server.ask(path, content, {"Content-Type": "application/octet-stream"})
    assert (status, len(found["predictions"])) == (200, 3)
    assert {*found} == {"id", "project", "iteration", "created", "predictions"}
    assert server.ask(path.replace("v3.0", "v4"), content)[0] == 404


def test_what_is_kept_is_listed(server, pictures, folder):
    content = pictures[min(pictures)]
    before = len(kept_in(folder))
    for _ in range(2):
        assert server.predict(content)[0] == 200
    assert server.predict(b"no picture")[0] == 400
    command = [sys.executable, "-m", "monklite", "predictions", "--json"]
    listed = subprocess.run(command, cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True, check=True).stdout
    records = [json.loads(line) for line in listed.splitlines()]
    assert len(records) == before + 2
    assert records == sorted(records, key=lambda record: record["time"])
    one, two = records[-2:]
    # the same picture is stored once, each answer is
    assert one["picture"] == two["picture"]
    assert Path(one["picture"]).read_bytes() == content
    assert (one["time"] < two["time"], one["scores"]) == (True, two["scores"])


def test_many_clients_at_once_are_each_answered_rightly(server, pictures, expected):
    wrong = []

    def client(number):
        for name in list(pictures)[number % 2 :: 2]:
            status, found = server.predict(pictures[name])
            if status != 200 or not is_as(expected[name], found["answers"][0]):
                wrong.append((name, status, found))

    threads = [threading.Thread(target=client, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_hostile_requests_are_refused_each_with_its_status(server, pictures, expected, folder):
    name, content = next(iter(pictures.items()))
    process, before = psutil.Process(server.process.pid), len(kept_in(folder))
    memory = process.memory_info().rss
    answered = [(one, server.send(one.request, one.is_cut)) for one in hostile(N_HOSTILE, content)]
    print(f"requests: {len(answered)} tried, {sorted(Counter(status for _, status in answered).items())}")
    assert [(one.kind, status, one.request[:300]) for one, status in answered if status not in one.expected] == []
    assert len(kept_in(folder)) == before
    assert process.memory_info().rss < memory + MOST_GROWTH
    assert is_as(expected[name], server.predict(content)[1]["answers"][0])
    assert Counter(server.errors.read_text().split())["Traceback"] == 0


def test_a_stop_answers_what_was_accepted(server, pictures):
    """Comes last: the server has ended then."""
    found = []
    many = form([(name, content) for name, content in pictures.items()] * 2)
    threads = [threading.Thread(target=lambda: found.append(server.ask("/v1/predict", *many))) for _ in range(4)]
    for thread in threads:
        thread.start()
    # until each of them was read, or is answered
    while len(found) * len(many[0]) + in_hand(server) < 4 * len(many[0]):
        time.sleep(0.01)
    assert server.stop() == 0
    for thread in threads:
        thread.join()
    assert [status for status, _ in found] == [200] * 4
    assert "stopped: everything that was accepted is answered" in server.process.stdout.read()
