"""`EDA`: classes, sizes and kinds of images, missing and damaged files."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from test_multi_label import drawn

from monklite import Prototype
from monklite.errors import InvalidType, NotFound, NotReady
from monklite.reports import class_chart

pytestmark = pytest.mark.renders


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Ten images of two classes: JPEG and PNG, colours and grey, a copy, one that ends early, and one that is none."""
    folder = tmp_path / "images"
    for name in ("cat", "dog"):
        (folder / name).mkdir(parents=True)
    for i in range(6):
        Image.effect_noise((60 + i, 40), 50 + i).convert("RGB").save(folder / "cat" / f"{i}.jpg")
    Image.effect_noise((20, 10), 50).save(folder / "dog" / "grey.png")
    (folder / "dog" / "copy.jpg").write_bytes((folder / "cat" / "0.jpg").read_bytes())
    whole = (folder / "cat" / "5.jpg").read_bytes()
    (folder / "dog" / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "dog" / "text.png").write_text("no image")
    return folder


def opened(folder: Path, *tables: object, verbose: int = 1, **more: object) -> Prototype:
    ptf = Prototype("p", "e", verbose=verbose)
    ptf.Dataset_Params(folder, *tables, **more)
    return ptf


def test_a_folder(workspace: Path, mixed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = opened(mixed).EDA()
    assert found.counts == {"cat": {"all": 6}, "dog": {"all": 4}}
    assert (found.n_images, found.unlabelled, found.imbalance) == (10, 0, 1.5)
    assert found.sizes == {"smallest": (20, 10), "median": (62, 40), "largest": (65, 40)}
    assert (found.formats, found.modes) == ({"JPEG": 8, "PNG": 1}, {"RGB": 8, "L": 1})
    assert found.copies == (("cat/0.jpg", "dog/copy.jpg"),)
    # its header is whole
    assert list(found.corrupt) == ["dog/text.png"]
    assert repr(found) == "Exploration(10 images of 2 classes, 0 missing, 1 corrupt)"
    said = capsys.readouterr().out
    assert "EDA: Class imbalance\n    1. Class: cat, Number: 6\n    2. Class: dog, Number: 4\n" in said
    assert "62 x 40 px" in said and "JPEG 8, PNG 1" in said
    assert "1 image cannot be read; left out" in said
    assert "2 images in several classes at once" in said
    assert "EDA: Check" not in said
    assert not (workspace / ".cache").exists()


def test_pictures_are_decoded_to_find_damaged_ones(workspace: Path, mixed: Path, capsys) -> None:
    found = opened(mixed).EDA(check_corrupt=True)
    assert set(found.corrupt) == {"dog/cut.jpg", "dog/text.png"}
    assert "truncated (the file ends after" in found.corrupt["dog/cut.jpg"]
    said = capsys.readouterr().out
    assert "EDA: Check Corrupt\n" in said and "dog/cut.jpg cannot be read: truncated" in said and "2 in all" in said
    assert "EDA: Check Missing" not in said
    for name in ("cut.jpg", "text.png"):
        (mixed / "dog" / name).unlink()
    assert opened(mixed, verbose=0).EDA(check_corrupt=True).corrupt == {}


def test_files_that_a_table_names_and_that_are_not_there(workspace: Path, mixed: Path, capsys) -> None:
    files = [f"cat/{i}.jpg" for i in range(4)] + ["gone.jpg", "dog/gone.png", "CAT/5"]
    frame = pd.DataFrame({"image": files, "label": ["a", "b"] * 3 + ["a"]})
    ptf = opened(mixed, frame)
    with pytest.raises(NotFound, match="names 2 files that are not in"):
        ptf.EDA()
    found = ptf.EDA(check_missing=True)
    assert found.missing == ("gone.jpg", "dog/gone.png")
    assert found.counts == {"a": {"all": 3}, "b": {"all": 2}}
    assert "EDA: Check Missing\n    gone.jpg\n    dog/gone.png\n    2 in all\n" in capsys.readouterr().out
    ptf.Dataset_Params(mixed, frame.iloc[:4])
    assert ptf.EDA(check_missing=True).missing == ()
    assert "EDA: Check Missing\n    none\n" in capsys.readouterr().out
    ptf.Dataset_Params(mixed, frame.iloc[4:6])
    with pytest.raises(NotFound, match="names 2 files that are not in"):
        ptf.EDA(check_missing=True)


def test_training_and_validation_of_several_labels(workspace: Path, tmp_path: Path, capsys) -> None:
    folder = tmp_path / "d"
    folder.mkdir()
    tables = [drawn(folder, "train", 16, 0), drawn(folder, "val", 8, 1)]
    found = opened([folder, folder], tables, label_delimiter="|").EDA()
    assert found.counts["red"] == {"train": 8, "val": 4}
    assert (found.totals["red"], found.n_images, found.unlabelled) == (12, 24, 3)
    said = capsys.readouterr().out
    assert "2. Class: red, Number: 12 (train 8, val 4)" in said
    assert "Without a label: 3 of 24 images" in said


def test_the_chart_is_saved_in_the_run_and_the_rare_class_is_told(workspace: Path, mixed: Path, capsys) -> None:
    for path in list((mixed / "dog").iterdir())[1:]:
        path.unlink()
    ptf = opened(mixed)
    ptf.EDA(save_img=True)
    path = ptf._experiment.run.logs / "classes_per_image.png"
    said = capsys.readouterr().out
    assert f"Chart: {path}" in said
    assert "The largest class has 6.0 times as many images as the smallest" in said
    assert Image.open(path).format == "PNG"
    path.unlink()
    # no notebook to show it in
    ptf.EDA(show_img=True)
    assert path.exists()


def test_many_classes_fit_into_the_chart() -> None:
    figure = class_chart.images_per_class({f"class {i}": i for i in range(5000)}, 3)
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert (len(names), names[0], names[-1]) == (class_chart.MAX_CLASSES, "class 4999", "class 0")
    assert "60 largest and the 60 smallest of 5000 classes. 3 images have no label." in figure._supxlabel.get_text()
    assert figure.get_size_inches()[1] * figure.dpi < 65_000


def test_wrong_calls(workspace: Path, mixed: Path) -> None:
    ptf = Prototype("p", "e", verbose=0)
    with pytest.raises(NotReady, match="no dataset yet"):
        ptf.EDA()
    ptf.Dataset_Params(mixed)
    with pytest.raises(InvalidType, match="check_missing must be True or False, not 1"):
        ptf.EDA(check_missing=1)
