"""Folders inside the class folders: masks, parts of a dataset, and others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_discover import draw
from test_prepare import make_spec

from monklite.data import dataset_csv, discover
from monklite.data.prepare import for_testing, for_training
from monklite.data.subfolders import choose, names_images, names_masks, names_subset
from monklite.errors import DatasetError
from monklite.spec import Folders


def dataset(root: Path, *inside: str, classes: tuple[str, ...] = ("COVID", "Normal"), n: int = 3) -> Path:
    """Class folders, each with the same sub-folders."""
    return draw(root, *(f"{c}/{folder}/{i}.png" for c in classes for folder in inside for i in range(n)))


@pytest.mark.parametrize(
    "masks", ["masks", "Masks", "mask", "annotations", "segmentation", "lung masks", "lung_masks", "GroundTruth",
              "ground_truth", "labels", "gt"]
)  # fmt: skip
def test_masks_beside_the_images_of_every_class_are_passed_over_and_told(tmp_path: Path, masks: str) -> None:
    samples = discover.from_folders(dataset(tmp_path, "images", masks))
    assert [path for path in samples.paths if "/images/" not in path] == []
    assert len(samples) == 6
    assert samples.strays == (f"COVID/{masks}", f"Normal/{masks}")
    assert samples.remarks == (
        f"6 images in the sub-folders {masks!r} of every class in {tmp_path} are passed over, because the names say masks or "
        "annotations: rename these folders to use them",
    )


def test_masks_beside_images_without_a_folder_and_further_down_are_passed_over(tmp_path: Path) -> None:
    draw(tmp_path, "a/1.png", "a/masks/1.png", "b/p1/images/1.png", "b/p1/Masks/left/1.png")
    samples = discover.from_folders(tmp_path)
    assert samples.paths.tolist() == ["a/1.png", "b/p1/images/1.png"]
    assert "2 images in the sub-folders 'Masks', 'masks'" in samples.remarks[0]


@pytest.mark.parametrize("name", ["no_mask", "with mask", "WithoutMask", "face_mask", "masked", "unmasked", "ground"])
def test_names_that_do_not_say_masks(name: str) -> None:
    assert not names_masks(name)


def test_masks_of_only_some_classes_are_used_and_told(tmp_path: Path) -> None:
    samples = discover.from_folders(draw(tmp_path, "a/1.png", "a/masks/1.png", "b/1.png"))
    assert len(samples) == 3
    assert samples.remarks[0].startswith("the images in the sub-folders 'masks' in ")
    assert "are used like all others, because class 'b' has none: move these folders away" in samples.remarks[0]


def test_masks_are_used_and_told_if_a_class_has_nothing_else(tmp_path: Path) -> None:
    samples = discover.from_folders(draw(tmp_path, "a/1.png", "a/masks/1.png", "b/masks/1.png"))
    assert len(samples) == 3
    assert "because a class has no other images: move these folders away" in samples.remarks[0]


@pytest.mark.parametrize(
    "inside", [("train", "holdout"), ("Train", "Test"), ("training_images", "validation"), ("trainset", "val")]
)
def test_parts_of_a_dataset_inside_every_class_are_refused_with_the_remedy(
    tmp_path: Path, inside: tuple[str, ...]
) -> None:
    message = (
        rf"every class in .* holds '.*', '.*', which are parts of a dataset and would be mixed: make one folder for each part "
        rf"with the classes inside, such as .*{inside[0]}.COVID, and give dataset_path=\[train, val\]"
    )
    for training in (True, False):
        with pytest.raises(DatasetError, match=message):
            discover.from_folders(dataset(tmp_path, *inside), training)


def test_parts_of_a_dataset_that_a_class_lacks_are_refused_too(tmp_path: Path) -> None:
    draw(tmp_path, "a/train/1.png", "a/test/1.png", "b/train/1.png")
    with pytest.raises(DatasetError, match="every class in .* holds 'test', 'train', which are parts"):
        discover.from_folders(tmp_path)


def test_parts_of_a_dataset_inside_one_of_the_classes_are_told(tmp_path: Path) -> None:
    samples = discover.from_folders(draw(tmp_path, "a/train/1.png", "a/test/1.png", "b/1.png"))
    assert len(samples) == 3
    assert "the sub-folders 'test', 'train' of class 'a'" in samples.remarks[0]
    assert "used together, although" in samples.remarks[0]


def test_one_name_of_a_part_is_no_reason_to_refuse(tmp_path: Path) -> None:
    assert len(discover.from_folders(dataset(tmp_path, "train"))) == 6
    assert len(discover.from_folders(dataset(tmp_path / "two", "train", "training"))) == 12


def test_other_sub_folders_that_are_the_same_in_every_class_are_used_and_told(tmp_path: Path) -> None:
    samples = discover.from_folders(dataset(tmp_path, "site A", "site B"))
    assert len(samples) == 12
    assert samples.remarks == (
        f"every class in {tmp_path} has the same sub-folders, 'site A', 'site B': all their images are used, as images of "
        "the class",
    )


def test_sub_folders_that_differ_are_nothing_to_tell(tmp_path: Path) -> None:
    assert discover.from_folders(draw(tmp_path, "a/p1/1.png", "a/p2/1.png", "b/p3/1.png", "b/1.png")).remarks == ()


def test_masks_and_other_equal_sub_folders_are_both_told(tmp_path: Path) -> None:
    samples = discover.from_folders(dataset(tmp_path, "site A", "site B", "masks"))
    assert len(samples) == 12
    assert [remark.split()[0] for remark in samples.remarks] == ["6", "every"]


def test_images_and_masks_in_place_of_classes_are_refused(tmp_path: Path) -> None:
    draw(tmp_path, *(f"{part}/{c}/1.png" for part in ("images", "masks") for c in ("a", "b")))
    with pytest.raises(
        DatasetError, match="by their names are images and their masks, not classes: give dataset_path='.*images'"
    ):
        discover.from_folders(tmp_path)


def test_people_with_and_without_masks_are_classes(tmp_path: Path) -> None:
    assert discover.from_folders(draw(tmp_path, "mask/1.png", "no_mask/1.png")).classes == ("mask", "no_mask")


@pytest.mark.parametrize(
    ("name", "part"),
    [("train", "train"), ("Training", "train"), ("TEST", "test"), ("hold-out", "holdout"), ("val_images", "val"),
     ("TestSet", "test"), ("dev", "val"), ("trains", ""), ("detest", ""), ("", ""), ("1", "")],
)  # fmt: skip
def test_names_of_parts_of_a_dataset(name: str, part: str) -> None:
    assert names_subset(name) == part


@given(st.text())
def test_any_name_can_be_judged(name: str) -> None:
    assert not (names_masks(name) and names_images(name))
    names_subset(name)


FOLDERS = st.sampled_from(["", "images", "masks", "Masks/left", "train", "holdout", "p1", "p2/deep"])


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sets(FOLDERS), min_size=1))
def test_of_any_sub_folders_no_class_loses_its_last_image_and_nothing_is_silent(tree: dict[str, set[str]]) -> None:
    classes = {
        name: {(key := f"{name}/{folder}" if folder else name): [f"{key}/1.png"] for folder in folders}
        for name, folders in tree.items()
    }
    try:
        choice = choose(Path("root"), classes)
    except DatasetError as error:
        assert "would be mixed" in str(error)  # noqa: PT017 (some trees are refused, others not)
        return
    for folders in classes.values():
        assert not folders or set(folders) - choice.passed_over
    assert all("ask" in folder for folder in choice.passed_over)
    has_masks = any("ask" in folder for folders in classes.values() for folder in folders)
    assert any("asks" in remark for remark in choice.remarks) == has_masks


def test_what_a_run_trained_on_is_used_again(tmp_path: Path) -> None:
    root = dataset(tmp_path / "d", "images", "masks", "train", "holdout")
    kept = {"COVID", "Normal", "images", "masks", "train", "holdout"}
    samples = discover.from_folders(root, kept=kept)
    assert len(samples) == 24
    assert "the sub-folders 'masks' in " in samples.remarks[0]
    assert "are used, as when this run was trained" in samples.remarks[0]


def test_a_run_of_an_earlier_version_that_trained_on_masks_finds_its_split(tmp_path: Path) -> None:
    root, recorded, cache = (
        dataset(tmp_path / "d", "images", "masks"),
        tmp_path / "dataset.csv",
        tmp_path / "w" / "cache",
    )
    everything = discover.from_folders(root, kept={"masks"})
    subsets = np.array([i % 2 for i in range(len(everything))], np.int8)
    dataset_csv.write(recorded, replace(everything, subsets=subsets))
    made = for_training(make_spec(train_path=root), cache, recorded)
    assert made.record.n_train + made.record.n_val == len(everything) == 12
    assert for_training(make_spec(train_path=root), cache).record.n_train < 6


def test_the_remarks_reach_training_and_test_data(tmp_path: Path) -> None:
    root, cache = dataset(tmp_path / "d", "images", "masks"), tmp_path / "w" / "cache"
    spec = make_spec(train_path=root)
    assert "6 images in the sub-folders 'masks'" in for_training(spec, cache).remarks[0]
    tested = for_testing(spec, ("COVID", "Normal"), Folders(path=str(root)), cache)
    assert "6 images in the sub-folders 'masks'" in tested.remarks[0]
    val = dataset(tmp_path / "v", "images", "masks")
    both = for_training(make_spec(train_path=root, val_path=val), cache).remarks
    assert [str(folder) in remark for folder, remark in zip((root, val), both, strict=True)] == [True, True]


@pytest.mark.parametrize(
    "pair", [("mask", "no_mask"), ("Mask", "NoMask"), ("with_mask", "without_mask"), ("mask", "without mask")]
)
def test_photographs_with_and_without_a_mask_are_all_used(tmp_path: Path, pair: tuple[str, str]) -> None:
    assert len(discover.from_folders(dataset(tmp_path, *pair))) == 12


def test_photographs_of_labels_are_used(tmp_path: Path) -> None:
    assert len(discover.from_folders(dataset(tmp_path, "label", "studio"))) == 12
