"""Prediction of single images, folders and streams of files, by the best weights of a trained run."""

from __future__ import annotations

import io
import itertools
import json
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from monklite import Prototype
from monklite.cli import main
from monklite.data import decode, prepare
from monklite.data.prefetch import PER_THREAD
from monklite.errors import DatasetError, InvalidType, InvalidValue, NotFound, NotReady, OutOfMemory, UnreadableImage
from monklite.evaluation import Evaluation
from monklite.inference import Predictor
from monklite.runs.workspace import Workspace
from monklite.spec import Folders

BATCH = 4


def predictor_of(workspace: Workspace) -> Predictor:
    return Predictor(workspace.find("p", "e"), workspace.cache)


def judged(predictor: Predictor, folder: Path) -> Evaluation:
    """The test set in a folder, read."""
    evaluation = Evaluation(predictor)
    evaluation.source = Folders(path=str(folder))
    evaluation.prepare()
    return evaluation


@pytest.fixture(scope="module")
def predictor(patterns: Path, tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """Of a small network with random weights, trained for one epoch; the batch is four images."""
    folder = tmp_path_factory.mktemp("inference")
    ptf = Prototype("p", "e", workspace=folder, verbose=0)
    ptf.Dataset_Params(dataset_path=patterns, split=0.67, input_size=32, batch_size=BATCH, num_processors=2)
    ptf.apply_normalize(train=True, val=True, test=True)
    ptf.Dataset()
    ptf.Model_Params(model_name="squeezenet1_1", freeze_base_network=False, use_pretrained=False)
    ptf.Model()
    ptf.Training_Params(num_epochs=1, display_progress=False, save_intermediate_models=False)
    ptf.Train()
    return predictor_of(Workspace(folder))


@pytest.fixture
def opened(predictor: Predictor) -> Prototype:
    folder = predictor.run.folder.parents[2]
    return Prototype("p", "e", eval_infer=True, workspace=folder, verbose=1)


@pytest.fixture
def mixed(patterns: Path, tmp_path: Path) -> Path:
    """Twelve images, of which the second and the whole third batch cannot be read, and things that are no images."""
    shutil.copytree(patterns / "dots", tmp_path / "mixed")
    for i in (1, 8, 9, 10, 11):
        (tmp_path / "mixed" / f"dots-{i:03d}.png").write_text("no image")
    for name in (".hidden.png", "notes.txt"):
        (tmp_path / "mixed" / name).write_text("no image")
    shutil.copytree(patterns / "rings", tmp_path / "mixed" / "below")
    return tmp_path / "mixed"


def names(*numbers: int) -> list[str]:
    return [f"dots-{i:03d}.png" for i in numbers]


def refuse(name: str, problem: str) -> None:
    raise AssertionError(f"{name}: {problem}")


def decoding_threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name.startswith("monklite-decoding")]


def one_by_one(predictor: Predictor, files: list[Path]) -> np.ndarray:
    """The logits without threads: each batch decoded, then scored."""
    policy = prepare.policy_for_testing(predictor.spec)
    parts = []
    for start in range(0, len(files), BATCH):
        images = [decode.load(f, policy.stored_size, policy.prefix) for f in files[start : start + BATCH]]
        draws = policy.draw(np.array([size for _, size in images]), np.random.default_rng(predictor.spec.seed))
        parts.append(predictor.learner.logits(np.stack([pixels for pixels, _ in images]), draws))
    return np.concatenate(parts)


def test_a_folder_is_predicted_as_if_each_batch_were_decoded_before_it_is_scored(predictor, patterns) -> None:
    found, problems = predictor.predict_folder(patterns / "dots")
    expected = one_by_one(predictor, sorted((patterns / "dots").iterdir()))
    assert np.array_equal(np.stack([one.logits for one in found]), expected)
    assert ([one.name for one in found], problems) == (names(*range(12)), {})


def test_class_and_score_follow_from_the_logits(predictor: Predictor, patterns: Path) -> None:
    one = predictor.predict(patterns / "dots" / "dots-000.png")
    exponents = np.exp(one.logits.astype(float) - one.logits.max())
    assert one.answer == {
        "predicted_class": predictor.task.classes[int(one.logits.argmax())],
        "score": pytest.approx(exponents.max() / exponents.sum()),
    }
    assert one.scores == pytest.approx(exponents / exponents.sum())
    assert one.name == str(patterns / "dots" / "dots-000.png")


def test_files_that_cannot_be_read_are_told_and_the_rest_is_predicted_in_order(predictor, mixed: Path) -> None:
    found, problems = predictor.predict_folder(mixed)
    # the twelve images of the folder inside come first by name
    inside = [f"below/rings-{i:03d}.png" for i in range(12)]
    assert [one.name for one in found] == inside + names(0, 2, 3, 4, 5, 6, 7)
    assert list(problems) == names(1, 8, 9, 10, 11)
    assert problems["dots-001.png"].startswith(f"{mixed / 'dots-001.png'} cannot be read: it is not an image")


def test_progress_counts_every_file(predictor: Predictor, mixed: Path) -> None:
    told = []
    predictor.predict_folder(mixed, lambda done, total: told.append((done, total)))
    assert told == [(n, 24) for n in range(4, 25, 4)]


def test_progress_of_an_evaluation_counts_every_image(predictor: Predictor, patterns: Path) -> None:
    told = []
    assert judged(predictor, patterns).run(lambda done, total: told.append((done, total))).num_images == 36
    assert told == [(n, 36) for n in range(BATCH, 37, BATCH)]


def test_a_list_and_a_generator_of_paths_are_predicted_as_a_folder_is(predictor: Predictor, patterns: Path) -> None:
    folder = patterns / "dots"
    paths = sorted(folder.iterdir())
    ticks = []
    by_folder = list(predictor.stream(folder, refuse))
    by_list = list(predictor.stream(paths, refuse, lambda *numbers: ticks.append(numbers)))
    by_generator = list(predictor.stream((str(p) for p in paths), refuse, lambda *_: pytest.fail("no total is known")))
    assert [one.name for one in by_list] == [one.name for one in by_generator] == [str(p) for p in paths]
    for other in (by_list, by_generator):
        assert all(np.array_equal(a.logits, b.logits) for a, b in zip(by_folder, other, strict=True))
    assert ticks[-1] == (12, 12)


def test_a_stream_without_end_takes_few_files_and_ends_its_threads_when_closed(predictor, patterns) -> None:
    taken = []
    endless = (taken.append(p) or p for p in itertools.cycle(sorted((patterns / "dots").iterdir())))
    stream = predictor.stream(endless, refuse)
    assert (taken, decoding_threads()) == ([], [])
    assert next(stream).name.endswith("dots-000.png")
    assert len(taken) <= BATCH + 2 * PER_THREAD
    assert decoding_threads()
    stream.close()
    assert decoding_threads() == []
    assert len(taken) <= BATCH + 2 * PER_THREAD


def test_the_threads_of_a_stream_end_with_it(predictor: Predictor, patterns: Path) -> None:
    assert len(list(predictor.stream(patterns / "dots", refuse))) == 12
    assert decoding_threads() == []


def test_the_threads_of_a_stream_end_with_an_error(predictor, patterns, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> np.ndarray:
        raise RuntimeError("the device gave out")

    monkeypatch.setattr(predictor.learner, "logits", fail)
    with pytest.raises(RuntimeError, match="the device gave out"):
        next(predictor.stream(patterns / "dots", refuse))
    assert decoding_threads() == []


def test_no_more_threads_decode_than_the_run_asked_for_or_this_machine_has(predictor, patterns, monkeypatch) -> None:
    def most_seen(processors: int) -> int:
        monkeypatch.setattr("monklite.image_predictor.cpu_count", lambda: processors)
        return max(len(decoding_threads()) for _ in predictor.stream(patterns / "dots", refuse))

    assert predictor.spec.data.workers == 2
    assert (most_seen(64), most_seen(1)) == (2, 1)


def test_a_file_that_has_gone_is_left_out_of_a_stream(predictor: Predictor, patterns: Path) -> None:
    problems: dict[str, str] = {}
    kept = patterns / "dots" / "dots-000.png"
    found = list(predictor.stream([patterns / "gone.png", kept], problems.__setitem__))
    assert [one.name for one in found] == [str(kept)]
    assert problems == {str(patterns / "gone.png"): f"{patterns / 'gone.png'} is not there"}


@pytest.mark.parametrize(
    ("where", "kind", "message"),
    [
        ("nowhere", NotFound, r"there is no folder at '.*nowhere' \(looked from "),
        (".", DatasetError, r"holds no images \(files ending in \.avif \.bmp "),
    ],
)
def test_a_wrong_folder_is_refused_before_the_first_image(predictor, tmp_path: Path, where, kind, message) -> None:
    with pytest.raises(kind, match=message):
        predictor.stream(tmp_path / where, refuse)


def test_one_image_that_cannot_be_read_is_an_error(predictor: Predictor, mixed: Path) -> None:
    with pytest.raises(UnreadableImage, match=r"dots-001\.png cannot be read: it is not an image in any of the"):
        predictor.predict(mixed / "dots-001.png")
    with pytest.raises(NotFound, match=r"there is no image file at 'none\.png'"):
        predictor.predict("none.png")


def test_an_untrained_run_predicts_nothing(tmp_path: Path) -> None:
    Prototype("p", "new", workspace=tmp_path, verbose=0)
    with pytest.raises(NotReady, match=r"p/new/v001 has not been trained yet: call Train\(\) first"):
        Predictor(Workspace(tmp_path).claim("p", "new"), tmp_path / "cache")


def test_infer_with_stream_gives_what_the_list_gives_and_tells_what_is_left_out(opened, mixed: Path, capsys) -> None:
    listed = opened.Infer(img_dir=mixed, return_raw=True)
    before = capsys.readouterr().out
    streamed = opened.Infer(img_dir=mixed, return_raw=True, stream=True)
    assert not isinstance(streamed, list) and next(streamed).keys() == listed[0].keys()
    assert [one["img_name"] for one in streamed] == [one["img_name"] for one in listed[1:]]
    after = capsys.readouterr().out
    assert [text.count("left out: ") for text in (before, after)] == [5, 5]


def test_closing_what_infer_streams_ends_its_threads(opened: Prototype, patterns: Path) -> None:
    stream = opened.Infer(img_dir=patterns / "dots", stream=True)
    assert "raw" not in next(stream)
    assert decoding_threads()
    stream.close()
    assert decoding_threads() == []


def test_wrong_uses_of_stream_are_refused(opened: Prototype, patterns: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidType, match=r"stream=True goes with a folder: Infer\(img_dir='folder', stream=True\)"):
        opened.Infer(img_name=patterns / "dots" / "dots-000.png", stream=True)
    with pytest.raises(InvalidType, match=r"stream must be True or False, not 1"):
        opened.Infer(img_dir=patterns, stream=1)
    with pytest.raises(DatasetError, match=r"holds no images"):
        # an empty folder, since those inside a folder are predicted too
        opened.Infer(img_dir=tmp_path, stream=True)


class Small:
    """A learner whose memory takes three images at once; `asked`: how many it was given each time."""

    def __init__(self, learner, most: int) -> None:
        self.learner, self.most, self.asked = learner, most, []
        self.task = learner.task

    def frozen(self, size):
        """Nothing, so that all images go through the whole network."""

    def fast_form(self, size, n_images, cache, previous=None):
        """None: what is tried is the memory of the network itself."""

    def logits(self, images, draws):
        self.asked.append(len(images))
        if len(images) > self.most:
            raise OutOfMemory(f"too small for {len(images)} images")
        return self.learner.logits(images, draws)


def test_a_memory_that_is_too_small_for_a_batch_is_given_less(predictor, patterns, monkeypatch) -> None:
    whole = [p.logits for p in predictor.predict_folder(patterns / "dots")[0]]
    small = Small(predictor.learner, 3)
    monkeypatch.setattr(predictor, "learner", small)
    monkeypatch.setattr(predictor, "_max_images", predictor._max_images)
    parts = [p.logits for p in predictor.predict_folder(patterns / "dots")[0]]
    np.testing.assert_allclose(parts, whole, rtol=1e-4, atol=1e-5)
    assert small.asked == [BATCH, *[2] * 6]
    small.most = 0
    with pytest.raises(OutOfMemory, match="too small for 1 images"):
        predictor.predict_folder(patterns / "dots")


def test_a_test_set_is_judged_in_the_parts_that_fit(predictor, patterns, monkeypatch) -> None:
    evaluation = judged(predictor, patterns)
    whole = evaluation.run()
    small = Small(predictor.learner, 1)
    monkeypatch.setattr(predictor, "learner", small)
    monkeypatch.setattr(predictor, "_max_images", predictor._max_images)
    assert evaluation.run().confusion == whole.confusion
    assert max(small.asked[3:]) == 1


# Images that are not paths


def every_kind(file: Path) -> dict[str, object]:
    """The pixels of one PNG file in every form that `Infer` takes."""
    image = Image.open(file).convert("RGB")
    pixels, buffer = np.array(image), io.BytesIO(file.read_bytes())
    tensor = torch.from_numpy(pixels).permute(2, 0, 1)
    return {
        "text": str(file),
        "path": file,
        "address": file.as_uri(),
        "bytes": file.read_bytes(),
        "file object": buffer,
        "open file": file.open("rb"),
        "PIL": image,
        "NumPy uint8": pixels,
        "NumPy float": pixels.astype(np.float32) / 255,
        "NumPy RGBA": np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)]),
        "tensor CHW": tensor,
        "tensor CHW float": tensor / 255,
        "tensor HWC": tensor.permute(1, 2, 0),
    }


def test_equal_pixels_are_predicted_alike_in_any_form(opened: Prototype, patterns: Path, tmp_path: Path) -> None:
    file = tmp_path / "dots.png"
    Image.open(patterns / "dots" / "dots-000.png").convert("RGB").save(file)
    expected = opened.Infer(img_name=file, return_raw=True)
    kinds = every_kind(file)
    for kind, value in kinds.items():
        found = opened.Infer(img_name=value, return_raw=True)
        assert found["predicted_class"] == expected["predicted_class"], kind
        assert found["raw"] == pytest.approx(expected["raw"], abs=1e-5), kind
    values = list(every_kind(file).values())
    for several in (opened.Infer(img_name=values, return_raw=True), opened.Infer(img_dir=values, return_raw=True)):
        assert len(several) == len(kinds)
        for found in several:
            assert found["raw"] == pytest.approx(expected["raw"], abs=1e-5)
    names = [found["img_name"] for found in several]
    assert names[0] == names[1] == names[5] == str(file)
    assert names[3:5] == ["image 3", "image 4"] and names[7] == "image 7"


def test_grey_arrays_are_predicted_as_their_files(opened: Prototype, patterns: Path, tmp_path: Path) -> None:
    grey = np.array(Image.open(patterns / "dots" / "dots-000.png").convert("L"))
    Image.fromarray(grey).save(tmp_path / "grey.png")
    expected = opened.Infer(img_name=tmp_path / "grey.png", return_raw=True)["raw"]
    for value in (grey, grey[..., None], grey / 255, torch.from_numpy(grey)[None]):
        assert opened.Infer(img_name=value, return_raw=True)["raw"] == pytest.approx(expected, abs=1e-5)


def test_raw_scores_come_with_the_names_of_their_classes(opened: Prototype, predictor: Predictor, patterns) -> None:
    found = opened.Infer(img_name=patterns / "dots" / "dots-000.png", return_raw=True)
    logits = predictor.predict(patterns / "dots" / "dots-000.png").logits
    assert found["raw"] == dict(zip(predictor.task.classes, logits.tolist(), strict=True))
    assert max(found["raw"], key=found["raw"].get) == found["predicted_class"]


def test_a_generator_that_reuses_its_memory_is_predicted_rightly(opened: Prototype, patterns: Path) -> None:
    files = sorted((patterns / "dots").iterdir())
    frame = np.array(Image.open(files[0]).convert("RGB"))

    def frames():
        for file in files:
            frame[:] = np.array(Image.open(file).convert("RGB"))
            yield frame

    found = list(opened.Infer(img_name=frames(), stream=True, return_raw=True))
    arrays = [np.array(Image.open(file).convert("RGB")) for file in files]
    expected = opened.Infer(img_name=arrays, return_raw=True)
    assert [one["img_name"] for one in found] == [f"image {i}" for i in range(12)]
    for one, other in zip(found, expected, strict=True):
        assert one["raw"] == pytest.approx(other["raw"], abs=1e-5)


def test_a_folder_with_folders_inside_gives_relative_names(opened: Prototype, patterns: Path) -> None:
    found = opened.Infer(img_dir=patterns)
    assert len(found) == 36
    assert found[0]["img_name"] == "dots/dots-000.png"


def test_an_image_in_a_list_that_cannot_be_read_is_told_even_if_nothing_is_printed(
    opened: Prototype, patterns: Path, caplog: pytest.LogCaptureFixture
) -> None:
    opened._console.verbose = 0
    sound = patterns / "dots" / "dots-000.png"
    # one in a format that the decoder reads, and one that only Pillow reads
    buffer = io.BytesIO()
    Image.open(sound).convert("RGB").save(buffer, "TGA")
    cut = [sound.read_bytes()[:200], buffer.getvalue()[:200]]

    def images() -> list[object]:
        return [b"no image", sound, *(Image.open(io.BytesIO(content)) for content in cut), sound]

    for stream in (False, True):
        found = list(opened.Infer(img_name=images(), stream=stream))
        assert [one["img_name"] for one in found] == [str(sound)] * 2
        assert "left out: image 0 cannot be read: it is not an image" in caplog.text
        assert "left out: image 2 cannot be read: truncated (the file ends after 200 bytes)" in caplog.text
        assert "left out: image 3 cannot be read: " in caplog.text
        caplog.clear()
    with pytest.raises(UnreadableImage, match=r"^image 0 cannot be read: "):
        opened.Infer(img_name=images()[3])


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (
            {"img_dir": b"x" * 5_000_000},
            InvalidType,
            r"img_dir must be a folder, not b'x+\.\.\..* \(bytes\): give images as",
        ),
        ({"img_name": "data:" + "x" * 5_000_000}, InvalidValue, r"img_name must be a path, not 'data:x+\.\.\."),
        ({"img_name": b"x" * 5_000_000}, UnreadableImage, r"image 0 cannot be read: it is not an image"),
        ({"img_name": {"a" * 5_000_000: 1}}, InvalidType, r"img_name must be a path, the bytes"),
        ({"img_name": 10**5000}, InvalidType, r"not a whole number of 16,610 bits \(int\)|not 1000"),
        (
            {"img_name": "https://example.org/" + "a" * 5000},
            InvalidValue,
            r"nothing is fetched unasked: give allow_url",
        ),
        (
            {"img_name": "a" * 5_000_000, "return_raw": "b" * 5_000_000},
            InvalidType,
            r"return_raw must be True or False",
        ),
        ({"img_name": ".", "allow_url": 1}, InvalidType, r"allow_url must be True or False, not 1"),
        ({"img_name": "."}, NotFound, r"no image file at '\.' .*; it is a folder: give it as img_dir"),
    ],
)
def test_messages_stay_short_however_long_the_value_was(opened: Prototype, arguments, kind, message: str) -> None:
    with pytest.raises(kind, match=message) as caught:
        opened.Infer(**arguments)
    assert len(str(caught.value)) < 600


def test_the_command_line_predicts_as_infer_does(
    opened: Prototype, predictor: Predictor, patterns: Path, tmp_path: Path
) -> None:
    workspace = str(predictor.run.folder.parents[2])
    folder = patterns / sorted(p.name for p in patterns.iterdir())[0]
    image = sorted(folder.iterdir())[0]
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(b"no image")

    def printed(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(main, ["--workspace", workspace, "predict", "p", "e", *words])
        return result.exit_code, result.output

    expected = opened.Infer(img_name=str(image))
    code, text = printed("--json", str(image), str(folder))
    rows = [json.loads(line) for line in text.splitlines()]
    assert code == 0 and len(rows) == 1 + len(list(folder.iterdir()))
    assert (rows[0]["image"], rows[0]["predicted"]) == (str(image), expected["predicted_class"])
    assert rows[0][f"p({expected['predicted_class']})"] == pytest.approx(expected["score"], abs=1e-6)
    assert [row["image"] for row in rows[1:]] == [str(path) for path in sorted(folder.iterdir())]
    code, text = printed("--csv", str(damaged), str(image))
    assert code == 1 and "left out" in text and "damaged.png" in text and "image,predicted,p(" in text
    assert f"{expected['score']:.4f}" in printed(str(image))[1]


def test_the_command_line_evaluates_and_reports(predictor: Predictor, patterns: Path) -> None:
    workspace = ["--workspace", str(predictor.run.folder.parents[2])]
    result = CliRunner().invoke(main, [*workspace, "evaluate", "p", "e", str(patterns), "--name", "again", "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.output)
    testing = predictor.run.state().testing
    assert (told["name"], told["n_images"]) == ("again", testing.num_images)
    assert told["overall"]["accuracy"]["value"] == pytest.approx(testing.accuracy)
    result = CliRunner().invoke(main, [*workspace, "report", "p", "e"])
    assert result.exit_code == 0, result.output
    page = predictor.run.folder / "output" / "report.html"
    assert (
        str(page) in result.output
        and f"{100 * testing.accuracy:.1f} % of {testing.num_images} test images" in page.read_text()
    )
