"""Show_Errors and Show_Heat_Map: the mistakes are those of the evaluation, and their pictures lie beside its predictions."""

from __future__ import annotations

import base64
import csv
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from test_multi_label import drawn as draw_labels
from test_multi_label import opened as labelled
from test_prototype import expert
from tiny_networks import build_tiny

from monklite import Prototype, worst_errors
from monklite.errors import InvalidType, InvalidValue, NotFound, NotReady, UnknownName
from monklite.reports import charts, heat_overlays, mistakes, picture_sheets
from monklite.runs import predictions
from monklite.tasks import MultiLabel, SingleLabel, Task

pytestmark = [pytest.mark.renders, pytest.mark.above_backends]


@pytest.fixture(scope="module", params=["pytorch", "mxnet"])
def judge(
    request: pytest.FixtureRequest, patterns: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prototype]:
    """A network that has hardly learned, evaluated on a copy of the images, `test`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("judge"))
        shutil.copytree(patterns, "test")
        build_tiny(patch, request.param)
        ptf = expert(patterns, backend=request.param)
        ptf.Train()
        ptf.Switch_Mode(eval_infer=True)
        with pytest.raises(NotReady, match=r"no test set has been evaluated yet: Dataset_Params\("):
            ptf.Show_Errors()
        evaluate(ptf, "test")
        yield ptf


def evaluate(ptf: Prototype, folder: str) -> None:
    ptf.Dataset_Params(dataset_path=folder)
    ptf.Dataset()
    ptf.Evaluate()


def folder(ptf: Prototype, name: str = "test") -> Path:
    return ptf._opened.run.evaluations / name


def table(ptf: Prototype) -> dict[str, dict[str, str]]:
    with (folder(ptf) / "predictions.csv").open() as file:
        return {row["path"]: row for row in csv.DictReader(file)}


def sheets(ptf: Prototype, name: str = "test") -> list[str]:
    return sorted(path.name for path in folder(ptf, name).glob("errors*.png"))


def test_the_mistakes_are_those_of_the_table(judge: Prototype) -> None:
    rows = {path: row for path, row in table(judge).items() if row["correct"] == "0"}
    found = judge.Show_Errors(100, heat_maps=False)
    assert len(rows) >= 8, "the network hardly learned"
    assert {e["path"] for e in found} == set(rows)
    for error in found:
        row = rows[error["path"]]
        assert (error["true"], error["predicted"]) == (row["class"], row["predicted"])
        assert (error["score"], error["true_score"]) == tuple(
            float(row[f"p({row[c]})"]) for c in ("predicted", "class")
        )
    assert error["score"] > error["true_score"]
    with Image.open(folder(judge) / "errors.png") as picture:
        assert picture.format == "PNG" and min(picture.size) > 300


def test_more_mistakes_than_a_sheet_holds_make_several_and_old_ones_go(judge: Prototype, monkeypatch) -> None:
    monkeypatch.setattr(worst_errors, "PER_SHEET", 2)
    assert len(judge.Show_Errors(5)) == 5
    assert sheets(judge) == ["errors-2.png", "errors-3.png", "errors.png"]
    assert len(judge.Show_Errors(2, heat_maps=False)) == 2
    assert sheets(judge) == ["errors.png"]


def test_what_is_drawn_is_where_the_network_sees_both_classes(judge: Prototype, monkeypatch) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(worst_errors, "sheet", lambda *args: drawn.append(args) or picture_sheets.sheet(*args))
    (error,) = judge.Show_Errors(1)
    (title, note, (group,)) = drawn[0]
    n_wrong = sum(row["correct"] == "0" for row in table(judge).values())
    assert title == f"p/e/v001: 1 of {n_wrong} mistakes among 36 images, the most confident of each kind"
    assert "by Grad-CAM of 8 x 8 points" in note
    assert group.heading == error["path"]
    for picture, name in zip(group.pictures[1:], (error["predicted"], error["true"]), strict=True):
        assert picture.lines[1] == name
        alone = judge.Show_Heat_Map(Path("test", error["path"]), name)
        np.testing.assert_array_equal(picture.image, heat_overlays.overlaid(group.pictures[0].image, alone["heat_map"]))
    with Image.open(Path("test", error["path"])) as file:
        size = group.pictures[0].image.shape[0]
        expected = np.asarray(file.convert("RGB").resize((size, size), Image.Resampling.BILINEAR), float)
    assert np.abs(group.pictures[0].image - expected).mean() < 12


def test_missing_and_changed_images_are_said(judge: Prototype, monkeypatch, capsys) -> None:
    gone, changed, *_ = (Path("test", error["path"]) for error in judge.Show_Errors(4))
    kept = {path: path.read_bytes() for path in (gone, changed)}
    gone.unlink()
    Image.fromarray(np.full((40, 40, 3), (255, 0, 0), np.uint8)).save(changed)
    monkeypatch.setattr(judge._console, "verbose", 1)
    assert len(judge.Show_Errors(4)) == 4
    told = capsys.readouterr().out
    assert "Drawn:    3" in told
    assert f"left out: there is no image file at '{gone}'" in told
    assert f"Warning: 1 of them, such as {changed.relative_to('test')}, have other scores" in told
    for path, content in kept.items():
        path.write_bytes(content)
    shutil.move("test", "elsewhere")
    assert len(judge.Show_Errors(8)) == 8
    assert "left out: 3 more that are missing" in capsys.readouterr().out
    assert sheets(judge) == []
    shutil.move("elsewhere", "test")


@pytest.mark.parametrize(("old", "new"), [(b".png,dots", b".png,rings"), (b",predicted", b",guessed"), (b"", b"")])
def test_predictions_that_are_not_those_of_the_evaluation_are_refused(judge: Prototype, old, new) -> None:
    file = folder(judge) / "predictions.csv"
    content = file.read_bytes()
    file.unlink()
    if old:
        file.write_bytes(content.replace(old, new))
    with pytest.raises(NotReady, match=r"predictions.csv is missing, or has been changed .*: call Evaluate\(\) again"):
        judge.Show_Errors()
    file.write_bytes(content)


def test_a_report_draws_the_mistakes_unless_they_are_drawn(judge: Prototype, monkeypatch) -> None:
    for sheet in folder(judge).glob("errors*.png"):
        sheet.unlink()
    judge.Report(show_errors=False)
    assert sheets(judge) == []
    drawn: list[str] = []
    real = worst_errors.draw
    monkeypatch.setattr(worst_errors, "draw", lambda *a, **how: drawn.append(how["name"]) or real(*a, **how))
    page = Path(judge.Report()).read_text(encoding="utf-8")
    assert sheets(judge) == ["errors.png"]
    assert base64.b64encode((folder(judge) / "errors.png").read_bytes()).decode() in page
    judge.Report()
    assert drawn == ["test"]
    with pytest.raises(InvalidType, match="show_errors"):
        judge.Report(show_errors="yes")


def test_wrong_arguments_are_explained(judge: Prototype) -> None:
    with pytest.raises(InvalidValue, match="n must be"):
        judge.Show_Errors(0)
    with pytest.raises(InvalidType, match="heat_maps"):
        judge.Show_Errors(heat_maps="yes")
    with pytest.raises(NotFound, match="has no evaluation 'other'. Evaluations: test"):
        judge.Show_Errors(name="other")
    with pytest.raises(InvalidType, match="the evaluation name must be a string, not 3"):
        judge.Show_Errors(name=3)
    image = next(Path("test/dots").iterdir())
    with pytest.raises(UnknownName, match="no class is called 'dot'. Did you mean 'dots'"):
        judge.Show_Heat_Map(image, "dot")
    with pytest.raises(InvalidType, match=r"class_name must be the name of a class, not 3 \(int\)"):
        judge.Show_Heat_Map(image, 3)
    with pytest.raises(NotFound, match="there is no image file at 'none.png'"):
        judge.Show_Heat_Map("none.png")


def test_a_heat_map_of_any_image_is_of_the_class_that_is_predicted(judge: Prototype) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (50, 60, 3), dtype=np.uint8)
    found, predicted = judge.Show_Heat_Map(pixels), judge.Infer(pixels)
    assert (found["class_name"], found["score"]) == (predicted["predicted_class"], pytest.approx(predicted["score"]))
    assert found["heat_map"].shape == (8, 8)
    assert Path(found["file"]).name == f"image-{found['class_name']}.png" and Path(found["file"]).is_file()


def test_where_all_is_right_nothing_is_drawn(judge: Prototype, monkeypatch, capsys) -> None:
    for path, row in table(judge).items():
        if row["correct"] == "1":
            Path("right", path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(Path("test", path), Path("right", path))
    before = judge._opened.run.state().testing
    evaluate(judge, "right")
    # a sheet of an earlier evaluation of the same images, with other weights
    (folder(judge, "test-2") / "errors.png").touch()
    monkeypatch.setattr(judge._console, "verbose", 1)
    assert judge.Show_Errors() == []
    assert "images are predicted correctly: there are no errors to show" in capsys.readouterr().out
    assert not sheets(judge, "test-2")
    assert judge.Show_Errors(1, name="test") and sheets(judge) == ["errors.png"]
    judge._opened.run.update(testing=before)


def test_the_mistakes_in_the_validation_images_are_shown_too(judge: Prototype) -> None:
    with (folder(judge, "validation") / "predictions.csv").open() as file:
        rows = {row["path"]: row for row in csv.DictReader(file)}
    found = judge.Show_Errors(100, name="validation")
    assert found and {e["path"] for e in found} == {path for path, row in rows.items() if row["correct"] == "0"}
    assert all(error["score"] == float(rows[error["path"]][f"p({error['predicted']})"]) for error in found)
    assert sheets(judge, "validation") == ["errors.png"]


def test_wrong_labels_of_an_image_are_shown_each_with_its_heat(workspace: Path, monkeypatch, tmp_path: Path) -> None:
    draw_labels(tmp_path, "train", 20, 0)
    build_tiny(monkeypatch, "mxnet")
    ptf = labelled("mxnet", tmp_path, epochs=1)
    ptf.Train()
    ptf.Switch_Mode(eval_infer=True)
    ptf.Dataset_Params(dataset_path=tmp_path, path_to_csv=tmp_path / "train.csv")
    ptf.Dataset()
    ptf.Evaluate(img_thresh=0.45)
    drawn: list[Any] = []
    monkeypatch.setattr(worst_errors, "sheet", lambda *args: drawn.append(args) or picture_sheets.sheet(*args))
    found = ptf.Show_Errors(6)
    ((title, _, groups),) = drawn
    assert "wrong labels among 20 images" in title
    assert len(found) == len(groups) == 6
    for error, group in zip(found, groups, strict=True):
        is_missed = error["error"] == "false negative"
        assert (error["label"] in error["true"]) == is_missed != (error["label"] in error["predicted"])
        assert (error["score"] <= 0.45) == is_missed
        role = "missed" if is_missed else "wrongly predicted"
        assert group.pictures[1].lines[:2] == [f"{role}, score {error['score']:.2f}", error["label"]]


# Which mistakes are the worst


def table_of(task: Task, rows: list[tuple[str, str, str, dict[str, float]]]) -> predictions.Predictions:
    """A table of path, labels, predicted labels and scores."""
    paths, labels, predicted, scores = zip(*rows, strict=True)
    by_name = {name: np.array([own.get(name, 0.0) for own in scores]) for name in task.classes}
    nothing = np.zeros(len(rows))
    return predictions.Predictions(paths, labels, predicted, nothing.astype(bool), nothing, by_name)


def test_each_cell_of_the_confusion_matrix_has_its_worst_first() -> None:
    task = SingleLabel(("a", "b", "c"))
    rows = [(f"ab{i}", "a", "b", {"a": 0.1, "b": 0.9 - i / 100}) for i in range(5)]
    rows += [("right", "a", "a", {"a": 1.0}), ("ca", "c", "a", {"a": 0.5, "b": 0.1, "c": 0.4})]
    rows += [("ba", "b", "a", {"a": 0.6, "b": 0.4}), ("ba2", "b", "a", {"a": 0.7, "b": 0.3})]
    found = mistakes.mistakes(table_of(task, rows[::-1]), task)
    assert len(found) == 8
    assert [m.path for m in mistakes.worst(found, 3)] == ["ab0", "ba2", "ca"]
    assert [m.path for m in mistakes.worst(found, 5)] == ["ab0", "ab1", "ba2", "ba", "ca"]
    assert [m.path for m in mistakes.worst(found, 99)] == [f"ab{i}" for i in range(5)] + ["ba2", "ba", "ca"]


def test_of_several_labels_each_wrong_one_is_a_mistake() -> None:
    task = MultiLabel(("a", "b", "c"))
    rows = [("x", "a|b", "b|c", {"a": 0.2, "b": 0.9, "c": 0.8}), ("y", "", "c", {"c": 0.95})]
    rows += [("right", "a", "a", {"a": 0.9}), ("z", "a", "", {"a": 0.4})]
    chosen = mistakes.worst(mistakes.mistakes(table_of(task, rows), task), 3)
    assert [(m.path, m.classes, m.is_false_positive) for m in chosen] == [
        ("y", ("c",), True),
        ("x", ("c",), True),
        ("x", ("a",), False),
    ]
    assert chosen[2].as_dict() == {
        "path": "x",
        "true": ["a", "b"],
        "predicted": ["b", "c"],
        "label": "a",
        "error": "false negative",
        "score": 0.2,
    }


# Pictures


def test_heat_is_drawn_at_its_place_over_the_grey_image() -> None:
    image = np.full((40, 80, 3), (200, 100, 50), np.uint8)
    grey = heat_overlays.BRIGHTNESS * (image[0, 0] @ np.array(heat_overlays.LUMA))
    assert np.abs(heat_overlays.overlaid(image, np.zeros((2, 2))) - grey).max() < 1
    heat = np.zeros((4, 4))
    heat[0, 3] = 1
    drawn = heat_overlays.overlaid(image, heat)
    assert drawn.shape == image.shape and drawn.dtype == np.uint8
    assert np.abs(drawn[20:, :40] - grey).max() < 1
    assert np.ptp(drawn[2, 77].astype(int)) > 100
    assert heat_overlays.heated(image, np.zeros((2, 2)), ["a"]).lines == ["a", "(nothing speaks for it)"]


@pytest.mark.parametrize("n", [1, 14])
def test_a_sheet_is_about_square_and_nothing_overlaps(n: int) -> None:
    picture = picture_sheets.Picture(
        np.zeros((8, 8, 3), np.uint8), ["score 0.99", "a class with a name of $some$ length"]
    )
    groups = [picture_sheets.Group(f"folder/{'long' * 20}{i}.png", [picture] * 3) for i in range(n)]
    figure = picture_sheets.sheet("title", "note", groups)
    width, height = figure.get_size_inches()
    assert 0.4 < width / height < 2.6
    (axes,) = figure.axes
    assert len(axes.images) == 3 * n
    figure.draw_without_rendering()
    boxes = [artist.get_window_extent() for artist in (*axes.images, *axes.texts)]
    assert all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 + 1 for box in boxes)
    pairs = ((a, b) for i, a in enumerate(boxes) for b in boxes[:i])
    overlaps = [
        (a, b) for a, b in pairs if min(a.x1, b.x1) - max(a.x0, b.x0) > 2 and min(a.y1, b.y1) - max(a.y0, b.y0) > 2
    ]
    assert not overlaps
    assert len(charts.as_png(figure)) > 1000
