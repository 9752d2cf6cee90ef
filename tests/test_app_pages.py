"""The pages by HTTP: who is answered, and the way from pictures to a training, its report, tried pictures and a comparison."""

from __future__ import annotations

import io
import json
import socket
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_app_jobs import wait_for
from test_app_pictures import picture
from tiny_networks import build_tiny

pytest.importorskip("fastapi")
pytest.importorskip("httpx")
from starlette.testclient import TestClient

from monklite import Prototype
from monklite.apps.no_code import (
    choosing,
    safety,
    scripts,
    server,
)
from monklite.apps.no_code.choices import SIZES, Choices
from monklite.apps.no_code.jobs import ENDED, SERVING, TRAINING, Jobs
from monklite.apps.no_code.places import Places
from monklite.apps.no_code.trainings import Trainings
from monklite.catalog.candidates import Candidate
from monklite.errors import PretrainedUnavailable
from monklite.runs.packing import pack
from monklite.runs.unpacking import unpack
from monklite.runs.workspace import Workspace
from monklite.sweeps.choosing import choose
from monklite.testing.datasets import draw_patterns

PORT = 8650
ORIGIN = f"http://127.0.0.1:{PORT}"
JSON = {"accept": "application/json"}
TINY = Choices(model="squeezenet1_1", epochs=1, size=32, pretrained=False, variations=("mirror", "zoom"))


def client(workspace: Path, **headers: str) -> TestClient:
    # not as a context: no jobs are started
    made = TestClient(server.create(workspace, PORT), base_url=ORIGIN, headers={"origin": ORIGIN, **headers})
    made.get(server.address(workspace, PORT))
    return made


@pytest.fixture
def pages(workspace: Path) -> TestClient:
    return client(workspace)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    """A workspace with the project `p`, whose training `one` was done by its script, as a job would."""
    folder = tmp_path_factory.mktemp("app")
    places = Places(folder / "workspace")
    project = places.create("p")
    draw_patterns(project.images("train"), {"dots": 10, "rings": 10})
    draw_patterns(project.images("test"), {"dots": 4, "rings": 4}, seed=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        build_tiny(patch, "pytorch")
        job = Trainings(places, Jobs(places.jobs, folder)).begin(project, "one", TINY)
        exec(compile(job.script.read_text(), str(job.script), "exec"), {})
        (job.folder / "started.json").write_text('{"pid": 0, "began": 0}')
        # one that was not begun in the pages
        pack(places.workspace.find("p", "one"), folder / "run.zip")
        unpack(folder / "run.zip", places.workspace, experiment="two")
        yield places


@pytest.fixture
def done(trained: Places, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """The pages of `trained`, in the folder in which its scripts run."""
    monkeypatch.chdir(trained.working_folder)
    build_tiny(monkeypatch, "pytorch")
    return client(trained.root)


def test_pictures_are_uploaded_in_batches_and_as_a_zip_file(pages: TestClient) -> None:
    pages.post("/projects", data={"name": "p"})
    files = [("pictures", (f"all/{name}/{i}.png", picture(i))) for name in ("cats", "dogs") for i in range(3)]
    files.append(("pictures", ("all/cats/notes.txt", b"text")))
    answer = pages.post("/p/p/pictures", data={"part": "train"}, files=files, headers=JSON).json()
    assert answer["added"] == 6 and answer["refused"] == 1 and "notes.txt" in answer["reasons"][0]
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("cats/9.png", picture(9))
    answer = pages.post("/p/p/zip?part=test", content=made.getvalue(), headers=JSON)
    assert answer.json()["added"] == 1
    shown = pages.get("/p/p").text
    assert "3 pictures" in shown and "1 picture<" in shown.replace(" </span>", "<")
    assert pages.get("/p/p/picture/train/1?of=cats").headers["content-type"] == "image/jpeg"
    for path in ("/p/p/picture/train/9?of=cats", "/p/p/picture/train/0?of=..", "/p/p/picture/x/0?of=cats"):
        assert pages.get(path).status_code == 404
    answer = pages.post("/p/p/zip?part=test", content=b"no zip", headers=JSON)
    assert (answer.status_code, "not a zip file" in answer.json()["problem"]) == (400, True)


def test_a_training_is_asked_for_in_words_and_waits_in_the_queue(pages: TestClient, workspace: Path) -> None:
    pages.post("/projects", data={"name": "p"})
    assert "two classes" in pages.post("/p/p/train", data={"epochs": "2"}).text
    draw_patterns(workspace / "datasets/p/pictures", {"dots": 2, "rings": 2})
    draw_patterns(workspace / "datasets/p/test", {"stripes": 1})
    assert "cannot be learnt: stripes" in pages.post("/p/p/train", data={"epochs": "2"}).text
    draw_patterns(workspace / "datasets/p/pictures", {"stripes": 2})
    form = {
        "network": "resnet34",
        "epochs": "3",
        "depth": "head",
        "size": "64",
        "vary": ["light"],
        "name": "Mine",
        "early": "on",
    }
    for wrong, reason in (
        ({"epochs": "many"}, "must be a whole number such as 10, not &#39;many&#39;"),
        ({"epochs": "0"}, "epochs"),
        ({"model": "resnet19"}, "Did you mean"),
        ({"vary": ["sparkle"]}, "variations"),
        ({"name": "../x"}, "cannot be the training name"),
    ):
        answer = pages.post("/p/p/train", data={**form, **wrong})
        assert (answer.status_code, reason in answer.text) in ((400, True), (404, True)), answer.text
    shown = pages.post("/p/p/train", data=form)
    assert (shown.url.path, "waits for its turn" in shown.text) == ("/p/p/t/Mine", True)
    script = pages.get("/p/p/t/Mine/script.py").text
    for line in (
        "ptf = Prototype('p', 'Mine', backend='pytorch', resume_train='auto')",
        "ptf.Dataset_Params(dataset_path='workspace/datasets/p/pictures', split=0.8, input_size=64)",
        "ptf.apply_color_jitter(brightness=0.25, contrast=0.25, train=True)",
        "ptf.Model_Params(model_name='resnet34', freeze_base_network=True, use_pretrained=False)",
        "ptf.Training_Params(num_epochs=3, early_stopping=5)",
    ):
        assert line in script.splitlines()
    assert "resume_train=&#39;auto&#39;)\n\n# the pictures" in shown.text
    assert "already" in pages.post("/p/p/train", data=form).text
    assert "was stopped" in pages.post("/p/p/t/Mine/stop").text
    assert "waits for its turn" in pages.post("/p/p/t/Mine/again").text


def test_the_script_is_run_and_the_page_shows_what_lies_on_the_disk(done: TestClient, trained: Places) -> None:
    state = done.get("/p/p/t/one/state.json").json()
    assert (state["status"], state["epochs"], len(state["rows"]), state["report"]) == ("done", 1, 1, True)
    shown = done.get("/p/p/t/one").text
    assert "Try it with a picture" in shown and 'formaction="/p/p/t/one/stop"' not in shown
    report = done.get("/p/p/t/one/report")
    assert report.headers["content-security-policy"] == safety.REPORT_POLICY
    assert "of 8 test images" in report.text
    results = Workspace(trained.root).find("p", "one").state()
    assert f"{100 * results.testing.accuracy:.1f} %" in done.get("/p/p/trainings").text


def test_a_picture_is_tried_corrected_and_learnt_from(done: TestClient, trained: Places) -> None:
    image = (trained.project("p").images("test") / "dots" / "dots-000.png").read_bytes()
    sent = {"picture": ("new <b>.png", image)}
    answer = done.post("/p/p/try", data={"training": "one"}, files=sent, headers=JSON).json()
    expected = Prototype("p", "one", backend="pytorch", eval_infer=True, verbose=0).Infer(img_name=image)
    assert answer["predicted"] == expected["predicted_class"]
    assert answer["scores"][answer["predicted"]] == pytest.approx(expected["score"], abs=1e-6)
    at = f"/p/p/tried/{answer['number']}"
    assert "new &lt;b&gt;.png" in done.get("/p/p/try").text
    assert done.get(f"{at}/heat?of=dots").content[:4] == b"\x89PNG"
    assert done.get(f"{at}/picture").headers["content-type"] == "image/jpeg"
    assert done.get(f"{at}/heat?of=cats").status_code == 404
    assert done.post(f"{at}/correct", data={"class": "cats"}, headers=JSON).status_code == 404
    before = trained.project("p").counts("train")["rings"]
    assert done.post(f"{at}/correct", data={"class": "rings"}, headers=JSON).json()["corrected"] == "rings"
    assert trained.project("p").counts("train")["rings"] == before + 1
    trainings = Trainings(trained, Jobs(trained.jobs, trained.root))
    assert trainings.find(trained.project("p"), "one").has_other_pictures
    assert "already" in done.post(f"{at}/correct", data={"class": "dots"}, headers=JSON).json()["problem"]
    broken = {"picture": ("x.png", image[:60])}
    answer = done.post("/p/p/try", data={"training": "one"}, files=broken, headers=JSON)
    assert (answer.status_code, "cannot be read" in answer.json()["problem"]) == (400, True)


def test_corrections_of_a_folder_of_this_machine_go_into_a_copy(trained: Places, tmp_path: Path) -> None:
    places = Places(tmp_path / "workspace")
    theirs = draw_patterns(tmp_path / "theirs", {"dots": 3, "rings": 3})
    (theirs / "rings" / "deep").mkdir()
    (theirs / "rings" / "rings-000.png").rename(theirs / "rings" / "deep" / "dots.png")
    before = sorted(path.relative_to(theirs) for path in theirs.rglob("*"))
    pages, project = client(places.root), places.create("q")
    pages.post("/p/q/folder", data={"part": "train", "folder": str(theirs)})
    assert "Copy them into this project" in pages.get("/p/q").text
    assert "already" in pages.post("/p/q/own", data={"part": "test"}, headers=JSON).json()["problem"]
    assert pages.post("/p/q/own", data={"part": "train"}).status_code == 200
    assert project.pointed_at("train") is None and project.counts("train") == {"dots": 3, "rings": 3}
    copied = {path.read_bytes() for path in project.images("train").rglob("*.png")}
    assert copied == {path.read_bytes() for path in theirs.rglob("*.png")}
    assert sorted(path.relative_to(theirs) for path in theirs.rglob("*")) == before
    # what was tried can be corrected now
    folder = project.predictions / "000001"
    folder.mkdir(parents=True)
    (folder / "picture").write_bytes((theirs / "dots" / "dots-001.png").read_bytes())
    (folder / "answer.json").write_text(json.dumps({"name": "x.png", "corrected": None}), encoding="utf-8")
    assert pages.post("/p/q/tried/1/correct", data={"class": "rings"}, headers=JSON).json()["corrected"] == "rings"
    assert project.counts("train") == {"dots": 3, "rings": 4}


def test_trainings_are_compared_and_kept_as_files(done: TestClient, tmp_path: Path) -> None:
    assert "choose two trainings" in done.post("/p/p/compare", data={"training": ["one"]}).text
    shown = done.post("/p/p/compare", data={"training": ["one", "two"]})
    assert shown.url.path == "/p/p/comparison/1" and "one, two" in shown.text
    assert "2 experiments compared" in done.get("/p/p/comparison/1/report").text
    # the same ones again are one comparison; each is kept
    assert done.post("/p/p/compare", data={"training": ["two", "one"]}).url.path == "/p/p/comparison/1"
    assert done.get("/p/p/trainings").text.count('href="/p/p/comparison/') == 1
    assert done.get("/p/p/comparison/2").status_code == 404
    (tmp_path / "run.zip").write_bytes(done.get("/p/p/t/one/export").content)
    assert unpack(tmp_path / "run.zip", Workspace(tmp_path / "other")).is_trained()


def test_a_training_that_was_killed_is_shown_as_such_and_one_that_failed_with_the_reason(workspace: Path) -> None:
    places = Places(workspace)
    project, trainings = places.create("p"), Trainings(places, Jobs(places.jobs, places.working_folder))
    draw_patterns(project.images("train"), {"dots": 2, "rings": 2})
    job = trainings.begin(project, "e", TINY)
    (job.folder / "started.json").write_text('{"pid": 0, "began": 0}')
    assert trainings.find(project, "e").status == "interrupted"
    (job.folder / "log.txt").write_text("Traceback\n  at line 1\nmonklite.errors.DatasetError: too few: add some\n")
    found = trainings.find(project, "e")
    assert (found.status, found.problem) == ("failed", "too few: add some")
    assert [t.experiment for t in trainings.all(project)] == ["e"]
    assert not found.has_other_pictures
    assert trainings.jobs.of("p", TRAINING, experiment="e")[0].number == job.number


def test_the_choice_is_that_of_choose_and_fills_in_the_form(
    done: TestClient, trained: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_weights(*_: object) -> None:
        raise PretrainedUnavailable("the pretrained weights could not be downloaded")

    monkeypatch.setattr("monklite.catalog.candidates.CANDIDATES", (Candidate("squeezenet1_1", 0.37),))
    monkeypatch.setattr("monklite.backends.pytorch.network._pretrained", no_weights)
    monkeypatch.setattr(choose, "TRY_EPOCHS", 1)
    shown = done.post("/p/p/choose", data={"minutes": "5"})
    assert "Choosing for you" in shown.text
    number = shown.url.path.split("/")[-1]
    job = trained.jobs / f"{int(number):04d}"
    choosing.main([str(trained.root), "p", "5", str(job / "choice.json")])
    shown = done.get(f"/p/p/choosing/{number}")
    assert "begin from random weights" in shown.text and "The best was squeezenet1_1" in shown.text
    assert "To be trained: squeezenet1_1" in shown.text
    found = json.loads((job / "choice.json").read_text())["choices"]
    assert (found["model"], found["whole"], found["pretrained"]) == ("squeezenet1_1", True, False)
    assert found["epochs"] == 20 and found["early_stopping"] == 5
    assert "must be a number" in done.post("/p/p/choose", data={"minutes": "soon"}).text
    assert [run.state().status for run in trained.workspace.versions("p", choosing.MEASURED)] == ["new"]


def test_the_scripts_of_all_sizes_name_networks_that_there_are(workspace: Path) -> None:
    places = Places(workspace)
    for size in SIZES:
        script = scripts.of_training(places, places.create(size.name), "e", Choices(model=size.model))
        compile(script, "script", "exec")
        assert f"model_name='{size.model}'" in script


def test_a_training_is_handed_out_with_a_password_and_taken_back(trained: Places, done: TestClient) -> None:
    at, form = "/p/p/t/one", {"password": "long enough", "port": str(free_port()), "about": "dots"}
    assert "it must be a text of at least 8" in done.post(f"{at}/publish", data={**form, "password": "short"}).text
    assert "must be a whole number" in done.post(f"{at}/publish", data={**form, "port": "x"}).text
    shown = done.post(f"{at}/publish", data=form).text
    job = next(
        job for job in Jobs(trained.jobs, trained.root).of("p", SERVING) if job.about["port"] == int(form["port"])
    )
    try:
        assert f"http://127.0.0.1:{form['port']}/" in shown
        assert "under port" in done.post(f"{at}/publish", data=form).text
        assert "long enough" not in "".join(path.read_text() for path in job.folder.iterdir())
        # another server finds it
        assert "Stop handing it out" in client(trained.root).get(at).text
    finally:
        stopped = done.post(f"{at}/published/{job.number}/stop")
    assert stopped.status_code == 200
    assert job.folder.joinpath("password").read_text().startswith("scrypt$")
    wait_for(lambda: job.status == ENDED)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
