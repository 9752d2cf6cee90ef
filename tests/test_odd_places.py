"""Folders that may not be read, working folders that are gone, names that cannot be: done, or refused in words."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from refusals import Refusal

from monklite import Prototype, compare
from monklite.cli import main
from monklite.errors import DatasetError, MonkliteError, NotFound
from monklite.testing.datasets import draw_patterns

MODEL = "squeezenet1_1"
MAX_LENGTH = 500


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with images, and a workspace with the trained run p/e."""
    place = tmp_path_factory.mktemp("place")
    draw_patterns(place / "images", {"dots": 4, "rings": 4}, side=32)
    ptf = Prototype("p", "e", workspace=place / "workspace", verbose=0)
    ptf.Default(place / "images", model_name=MODEL, use_pretrained=False, num_epochs=1)
    ptf.update_input_size(32)
    ptf.Train()
    return place


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def deleted(tmp_path: Path) -> Iterator[None]:
    """The working folder is deleted."""
    before, gone = Path.cwd(), tmp_path / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    yield
    os.chdir(before)


def done_or_refused(call: Callable[[], object]) -> str:
    try:
        call()
    except MonkliteError as error:
        assert len(str(error)) <= MAX_LENGTH, error
        return str(error)
    return ""


def evaluating(place: Path) -> Prototype:
    return Prototype("p", "e", eval_infer=True, workspace=place / "workspace", verbose=0)


def train(place: Path, images: Path, name: str = "other") -> None:
    ptf = Prototype("p", name, workspace=place / "workspace", verbose=0)
    ptf.Default(images, model_name=MODEL, use_pretrained=False, num_epochs=1)
    ptf.update_input_size(32)
    ptf.Reload()


@pytest.mark.parametrize("call", ["scandir", "stat", "open_read", "mkdir", "listdir"])
@pytest.mark.parametrize("where", ["images/dots", "images", "workspace", "workspace/p", "workspace/p/e/v001"])
def test_a_folder_that_may_not_be_read_is_told(place: Path, elsewhere: Path, call: str, where: str) -> None:
    for work in (
        lambda: train(place, place / "images", f"{call}{len(where)}"),
        lambda: evaluating(place).Infer(img_dir=place / "images"),
        lambda: evaluating(place).Infer(img_name=place / "images" / "dots" / "dots-000.png"),
        lambda: Prototype("p", "e", summary=True, workspace=place / "workspace", verbose=0),
        lambda: compare(verbose=0, workspace=place / "workspace").Add_Experiment("p", "e"),
    ):
        with pytest.MonkeyPatch.context() as patch:
            Refusal(place / where, call, errno.EACCES).install(patch)
            done_or_refused(work)


@pytest.mark.parametrize("call", ["scandir", "stat", "open_read", "listdir"])
@pytest.mark.parametrize("where", ["workspace", "workspace/p", "workspace/p/e"])
def test_runs_are_listed_or_the_folder_is_told(place: Path, elsewhere: Path, call: str, where: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        Refusal(place / where, call, errno.EACCES).install(patch)
        result = CliRunner().invoke(main, ["--workspace", str(place / "workspace"), "list"])
    assert result.exit_code in (0, 1) and not raised(result), result.exception
    if result.exit_code:
        assert result.stderr.splitlines()[-1].startswith("error: ")


def raised(result) -> bool:
    return result.exception is not None and not isinstance(result.exception, SystemExit)


def test_a_deleted_working_folder_does_not_matter_to_absolute_paths(place: Path, deleted: None) -> None:
    train(place, place / "images", "deleted")
    ptf = Prototype("p", "gone", workspace=place / "workspace", verbose=0)
    ptf.Default(place / "images", model_name=MODEL, use_pretrained=False, num_epochs=1)
    ptf.update_input_size(32)
    ptf.Train()
    assert evaluating(place).Infer(img_name=place / "images" / "dots" / "dots-000.png")["predicted_class"]
    assert len(evaluating(place).Infer(img_dir=place / "images")) == 8
    table = place / "table.csv"
    table.write_text("image,label\n" + "".join(f"{c}/{c}-00{i}.png,{c}\n" for c in ("dots", "rings") for i in range(4)))
    ptf = evaluating(place)
    ptf.Dataset_Params(dataset_path=place / "images", path_to_csv=table)
    ptf.Dataset()
    assert ptf.Evaluate()[1]["dots"]["num_images"] == 4
    comparison = compare(verbose=0, workspace=place / "workspace")
    comparison.Comparison("c")
    comparison.Add_Experiment("p", "e")
    assert len(comparison.Generate_Statistics()) == 1


def test_a_deleted_working_folder_is_told_where_a_path_is_relative(place: Path, deleted: None) -> None:
    with pytest.raises(NotFound, match="'workspace' is a relative path, and the working folder has been deleted"):
        Prototype("p", "e", verbose=0)
    with pytest.raises(NotFound, match="the working folder has been deleted: give absolute paths"):
        train(place, Path("images"), "relative")
    for call in (
        lambda: evaluating(place).Infer(img_name="dots.png"),
        lambda: evaluating(place).Infer(img_dir="images"),
    ):
        with pytest.raises(NotFound, match="the working folder has been deleted: give absolute paths"):
            call()
    for words in (["list"], ["cache"], ["prune"], ["summary", "p", "e"], ["compare", "c", "p/e"], ["import", "a.zip"]):
        result = CliRunner().invoke(main, words)
        assert result.exit_code == 1 and not raised(result), result.exception
        assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "name", ["x" * 256, "é" * 128, "x/" * 2100, "a/" + "x" * 256 + "/b", "x" * 5000, "\udcff.png", "a\0b"]
)
def test_names_that_no_disk_has_are_told(place: Path, elsewhere: Path, name: str) -> None:
    ptf = evaluating(place)
    for call in (
        lambda: ptf.Infer(img_name=name),
        lambda: ptf.Infer(img_name=[name]),
        lambda: ptf.Infer(img_dir=name),
        lambda: ptf.Dataset_Params(dataset_path=name) or ptf.Dataset(),
        lambda: train(place, name, "long"),
        lambda: Prototype("p", "e", workspace=name, verbose=0),
        lambda: compare(workspace=name, verbose=0).Add_Experiment("p", "e"),
    ):
        done_or_refused(call)
    assert done_or_refused(lambda: ptf.Infer(img_name=name))
    result = CliRunner().invoke(main, ["--workspace", name, "list"])
    assert result.exit_code in (1, 2) and not raised(result)


def test_a_path_of_more_bytes_than_a_system_takes_is_told(place: Path, elsewhere: Path) -> None:
    # fewer characters than 4096, and more bytes
    long = "/".join(["é" * 100] * 30)
    assert len(long) < 4096 < len(long.encode())
    with pytest.raises(MonkliteError, match="too long for a file system"):
        evaluating(place).Infer(img_name=long)
    with pytest.raises(MonkliteError, match="too long for a file system"):
        train(place, Path(long), "long")


def test_files_whose_names_are_not_utf_8_are_predicted_or_told(place: Path, elsewhere: Path) -> None:
    content = (place / "images" / "dots" / "dots-000.png").read_bytes()
    name = os.fsencode(elsewhere / "odd") + b"/\xff\xfe.png"
    (elsewhere / "odd").mkdir()
    try:
        Path(os.fsdecode(name)).write_bytes(content)
    except OSError:
        pytest.skip("this file system has names in UTF-8 only")
    (elsewhere / "odd" / "good.png").write_bytes(content)
    ptf = evaluating(place)
    assert "UTF-8" in done_or_refused(lambda: ptf.Infer(img_name=os.fsdecode(name)))
    found = ptf.Infer(img_dir=elsewhere / "odd")
    assert [r["img_name"] for r in found][0] == "good.png"
    assert len({r["predicted_class"] for r in found}) == 1
    for result in found:
        repr(result)
    assert len(list(ptf.Infer(img_dir=elsewhere / "odd", stream=True))) == len(found)


def test_links_in_circles_are_told(place: Path, elsewhere: Path) -> None:
    circle = elsewhere / "circle"
    circle.symlink_to(circle)
    ptf = evaluating(place)
    for call in (
        lambda: ptf.Infer(img_name=circle),
        lambda: ptf.Infer(img_dir=circle),
        lambda: train(place, circle, "circle"),
        lambda: ptf.Dataset_Params(dataset_path=circle) or ptf.Dataset(),
        lambda: Prototype("p", "e", workspace=circle, verbose=0),
        lambda: Prototype("p", "e", workspace=circle / "below", verbose=0),
        lambda: ptf.Infer(img_name=circle / "a.png"),
    ):
        assert done_or_refused(call)
    result = CliRunner().invoke(main, ["--workspace", str(circle), "list"])
    assert result.exit_code == 1 and not raised(result)
    images = elsewhere / "images"
    draw_patterns(images, {"dots": 4, "rings": 4}, side=32)
    (images / "dots" / "up").symlink_to(images, target_is_directory=True)
    (images / "rings" / "itself").symlink_to(images / "rings" / "itself")
    assert len(ptf.Infer(img_dir=images)) == 8
    train(place, images, "links")


def test_a_new_class_is_told_when_resuming(place: Path, elsewhere: Path) -> None:
    images = draw_patterns(elsewhere / "images", {"dots": 4, "rings": 4}, side=32)
    ptf = Prototype("p", "e", verbose=0)
    ptf.Default(images, model_name=MODEL, use_pretrained=False, num_epochs=1)
    ptf.update_input_size(32)
    ptf.Train()
    draw_patterns(images, {"stripes": 4}, side=32)
    ptf = Prototype("p", "e", resume_train=True, verbose=0)
    ptf.update_num_epochs(2)
    with pytest.raises(
        DatasetError, match=r"images of p/e/v001 have changed since it was trained: class 'stripes' is new"
    ):
        ptf.Train()


def test_a_new_class_in_both_folders_is_told_when_resuming(place: Path, elsewhere: Path) -> None:
    folders = [draw_patterns(elsewhere / name, {"dots": 4, "rings": 4}, side=32) for name in ("train", "val")]
    ptf = Prototype("p", "e", verbose=0)
    ptf.Default(folders, model_name=MODEL, use_pretrained=False, num_epochs=1)
    ptf.update_input_size(32)
    ptf.Train()
    for folder in folders:
        draw_patterns(folder, {"stripes": 4}, side=32)
    ptf = Prototype("p", "e", resume_train=True, verbose=0)
    ptf.update_num_epochs(2)
    with pytest.raises(DatasetError, match=r"images of p/e/v001 have changed since it was trained"):
        ptf.Train()
