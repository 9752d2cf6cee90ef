"""Near copies and giveaways in data sets: what is told, recorded and listed, from `Dataset` to the test set."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_prototype import expert, state
from tiny_networks import build_tiny

from monklite import Prototype
from monklite.data import leaks
from monklite.runs.file_names import NEAR_DUPLICATES
from monklite.runs.workspace import Workspace
from monklite.testing.datasets import draw_noise

SIDE = 96


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return draw_noise(tmp_path / "images", {"cat": 10, "dog": 10}, side=SIDE)


@pytest.fixture
def val(tmp_path: Path) -> Path:
    return draw_noise(tmp_path / "val", {"cat": 4, "dog": 4}, side=SIDE, seed=1)


def planted(source: Path, target: Path, mirrored: bool = False, side: int = SIDE, quality: int = 60) -> None:
    """Save an image again, as a JPEG."""
    picture = Image.open(source)
    picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else picture
    picture.resize((side, side)).save(target, "JPEG", quality=quality)


def dataset(*folders: Path) -> Prototype:
    ptf = Prototype("p", "e")
    ptf.Dataset_Params(dataset_path=list(folders) if len(folders) > 1 else folders[0], input_size=64)
    ptf.Dataset()
    return ptf


def listed() -> list[dict[str, str]]:
    with (Workspace().find("p", "e").folder / NEAR_DUPLICATES).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_near_copies_across_and_within_subsets_are_told_recorded_and_listed(
    workspace: Path, images: Path, val: Path, capsys
) -> None:
    planted(images / "cat/cat-000.png", val / "cat/again.jpg", side=80)
    planted(images / "cat/cat-001.png", val / "dog/mirrored.jpg", mirrored=True)
    planted(images / "dog/dog-000.png", images / "dog/smaller.jpg", side=64)
    ptf = dataset(images, val)
    told = capsys.readouterr().out
    assert (
        "    Warning: 2 images of validation are near copies of training images: validation looks better than it is\n"
        in told
    )
    assert "    1 image is a near copy of another one of its subset\n" in told
    assert (
        "    Warning: 1 image has a near copy in another class: one of the two labels may be wrong (near copies: "
        in told
    )
    assert (
        f"another format 3, resized 2, mirrored 1; listed in {Workspace().find('p', 'e').folder / NEAR_DUPLICATES})\n"
        in told
    )
    record = state().dataset
    assert (record.near_leaked, record.near_copies, record.near_conflicting) == (2, 1, 1)
    assert record.near_differences == {"another format": 3, "resized": 2, "mirrored": 1}
    found = {row["path"]: row for row in listed()}
    again, other_class = found["cat/again.jpg"], found["dog/mirrored.jpg"]
    assert (again["subset"], again["other_subset"], again["other_path"]) == ("val", "train", "cat/cat-000.png")
    assert (again["difference"], float(again["similarity"]) > 0.95) == ("resized, another format", True)
    assert (other_class["class"], other_class["other_class"]) == ("dog", "cat")
    assert {found["dog/smaller.jpg"]["other_path"]} == {"dog/dog-000.png"}
    assert ptf.Check_Data().near_copies == tuple(listed())
    Prototype("p", "e", summary=True)
    assert "2 images of validation are near copies of training images" in capsys.readouterr().out


def test_images_with_the_same_bytes_are_no_near_copies(workspace: Path, images: Path, val: Path) -> None:
    (val / "cat" / "same.png").write_bytes((images / "cat" / "cat-000.png").read_bytes())
    dataset(images, val)
    record = state().dataset
    assert (record.leaked, record.near_leaked, record.near_copies) == (1, 0, 0)
    assert not (Workspace().find("p", "e").folder / NEAR_DUPLICATES).exists()


def test_an_older_list_is_emptied(workspace: Path, images: Path, val: Path) -> None:
    planted(images / "cat/cat-000.png", val / "cat/again.jpg")
    ptf = dataset(images, val)
    assert len(listed()) == 1
    (val / "cat/again.jpg").unlink()
    ptf.Dataset()
    assert listed() == []


def test_of_many_images_only_those_of_validation_are_compared_unasked(
    workspace: Path, images: Path, val: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    planted(images / "cat/cat-000.png", val / "cat/again.jpg")
    planted(images / "cat/cat-001.png", images / "cat/again.jpg")
    monkeypatch.setattr(leaks, "MAX_PAIRS", 300)
    ptf = dataset(images, val)
    assert "Note: near copies within the training images are looked for by Check_Data()" in capsys.readouterr().out
    assert [row["path"] for row in listed()] == ["cat/again.jpg"]
    assert len(ptf.Check_Data().near_copies) == 2
    monkeypatch.setattr(leaks, "MAX_PAIRS", 60)
    ptf.Dataset()
    assert (
        "Note: near copies are looked for of 2 of the 9 validation images, chosen at random" in capsys.readouterr().out
    )


def test_what_check_data_leaves_out_is_not_said_to_be_done_by_it(
    workspace: Path, images: Path, val: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    planted(images / "cat/cat-001.png", images / "cat/again.jpg")
    ptf = dataset(images, val)
    monkeypatch.setattr(leaks, "MAX_PAIRS_ASKED", 300)
    capsys.readouterr()
    assert ptf.Check_Data().near_copies == ()
    told = capsys.readouterr().out
    assert "near copies within the training images are not looked for among so many images" in told
    assert "looked for by Check_Data()" not in told


def test_a_cache_that_is_read_again_knows_them_too(workspace: Path, images: Path, val: Path) -> None:
    planted(images / "cat/cat-000.png", val / "cat/again.jpg")
    dataset(images, val)
    moved = images.rename(images.with_name("moved"))
    dataset(moved, val)
    assert state().dataset.near_leaked == 1


def test_images_that_are_never_cached_are_compared_too(
    workspace: Path, images: Path, val: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONKLITE_CACHE_GB", "0")
    planted(images / "cat/cat-000.png", val / "cat/again.jpg")
    dataset(images, val)
    dataset(images, val)
    assert state().dataset.near_leaked == 1


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """Noise whose class nothing shows but the format and the size of the files."""
    rng = np.random.default_rng(0)
    for name, ending, side in (("healthy", "png", 60), ("sick", "jpg", 80)):
        folder = draw_noise(tmp_path / "drawn" / name, {name: 12}, side=side, seed=int(rng.integers(100)))
        (tmp_path / "sources" / name).mkdir(parents=True)
        for path in (folder / name).glob("*.png"):
            Image.open(path).save(tmp_path / "sources" / name / f"{path.stem}.{ending}")
    return tmp_path / "sources"


def test_a_class_that_the_files_tell_is_told_unasked(workspace: Path, sources: Path, capsys) -> None:
    ptf = dataset(sources)
    told = capsys.readouterr().out
    assert "    Note: the class can be told without looking at what the images show, above all from " in told
    assert (
        "100% in cross-validation (mean over the classes, 24 images; chance 50%). The network may learn that instead\n"
        in told
    )
    (giveaway,) = state().dataset.giveaways
    assert giveaway in told
    checked = ptf.Check_Data()
    assert checked.giveaways[0].accuracy == pytest.approx(1)
    alone = {g.traits[0]: g.accuracy for g in checked.properties}
    assert alone["image width"] == alone["file format"] == alone["JPEG quality"] > 0.99 > alone["bit depth"]
    told = capsys.readouterr().out
    assert "Data check: Near copies\n    none\n" in told
    assert "    file format alone: 100.0% (chance 50.0%, p <= 0.001)\n" in told


def test_eda_shows_both_where_it_decodes_the_pictures(workspace: Path, sources: Path, capsys) -> None:
    planted(sources / "healthy/healthy-000.png", sources / "healthy/again.png", side=60)
    ptf = Prototype("p", "e")
    ptf.Dataset_Params(dataset_path=sources, input_size=64)
    assert ptf.EDA().near_copies == ()
    found = ptf.EDA(check_corrupt=True)
    told = capsys.readouterr().out
    assert {found.near_copies[0]["path"], found.near_copies[0]["other_path"]} == {
        "healthy/healthy-000.png",
        "healthy/again.png",
    }
    assert found.giveaways[0] in told
    assert "EDA: Near copies\n    healthy/healthy-000.png (all) and healthy/again.png (all), similarity " in told


def test_test_images_that_are_near_copies_of_training_images_are_told(
    workspace: Path, tmp_path: Path, images: Path, val: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    build_tiny(monkeypatch, "pytorch")
    expert([images, val]).Train()
    test = draw_noise(tmp_path / "test", {"cat": 3, "dog": 3}, side=SIDE, seed=2)
    planted(images / "cat/cat-000.png", test / "cat/again.jpg", mirrored=True)
    planted(val / "cat/cat-000.png", test / "cat/other.jpg")
    ptf = Prototype("p", "e", eval_infer=True)
    ptf.Dataset_Params(dataset_path=test)
    ptf.Dataset()
    note = "1 image of this test set is a near copy of training images (mirrored 1, another format 1; the first: cat/again.jpg)"
    assert f"    Note: {note}: the accuracy looks better than it is\n" in capsys.readouterr().out
    # 8 test images, 20 training images
    monkeypatch.setattr(leaks, "MAX_PAIRS", 40)
    monkeypatch.setattr(leaks, "PATIENCE", 2)
    ptf.Dataset()
    assert "near copies are looked for of 4 of the 8 test images, chosen at random\n" in capsys.readouterr().out
    for path in Path("workspace/.cache").glob("*.index.npz"):
        path.unlink()
    ptf.Dataset()
    assert (
        "    Note: whether test images are near copies of 20 of the training images is unknown, because the cache in the "
        "workspace does not have them\n"
    ) in capsys.readouterr().out
