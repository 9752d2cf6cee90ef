"""Folders inside the class folders: masks beside the images, or parts of a dataset beside each other."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from ..errors import DatasetError
from .samples import quoted

# class -> folder below it (`cat/masks`) -> the paths of its images
ClassFolders = Mapping[str, Mapping[str, list[str]]]

SUBSET_NAMES = frozenset((
    "train", "training", "val", "valid", "validate", "validation", "dev", "test", "testing", "holdout", "heldout", "eval",
    "evaluation",
))  # fmt: skip
# same part of a dataset -> one name, so that `train` and `training` are not two parts
_SAME_SUBSET = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validate", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
    **dict.fromkeys(("holdout", "heldout"), "holdout"),
    **dict.fromkeys(("eval", "evaluation"), "eval"),
}
_MASK_WORDS = frozenset(("mask", "masks", "annotation", "annotations", "segmentation", "segmentations", "groundtruth"))
# there are photographs of labels: inside a class only beside folders whose names say images
_LABEL_NAMES = frozenset(("label", "labels"))
# only as the whole name
_MASK_NAMES = _LABEL_NAMES | {"labelmap", "labelmaps", "labelids", "gt", "annot", "annots", "seg", "segs"}
# the pictures show faces: `no_mask`, `with mask`
_WORN_MASK_WORDS = frozenset(("no", "not", "non", "with", "without", "face"))
_IMAGE_WORDS = frozenset(("image", "images", "img", "imgs", "picture", "pictures", "photo", "photos"))
# say nothing about which part of a dataset it is: `train_images`, `test set`
_FILLERS = _IMAGE_WORDS | {"set", "data", "dataset", "split", "part", "folder"}
# every name that says something has one of these; most names of folders have none, and this is found quickly
_TELLING = re.compile("train|val|dev|test|hold|held|mask|annot|seg|truth|label|gt", re.IGNORECASE)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


class Choice(NamedTuple):
    """Which folders count. `passed_over`: those whose images are not used. `remarks`: for the user."""

    passed_over: frozenset[str] = frozenset()
    remarks: tuple[str, ...] = ()


def names_subset(name: str) -> str:
    """The part of a dataset that a folder's name stands for, such as "train"; empty if it stands for none."""
    words = [word for word in _words(name) if word not in _FILLERS]
    joined = "".join(words)
    return _SAME_SUBSET.get(joined) or _SAME_SUBSET.get(joined.removesuffix("set"), "")


def names_masks(name: str) -> bool:
    """Whether a folder's name says that it holds masks or annotations: `masks`, `lung masks`, `GroundTruth`."""
    words = _words(name)
    joined = "".join(words)
    if joined in _MASK_NAMES or "groundtruth" in joined:
        return True
    return not _MASK_WORDS.isdisjoint(words) and _WORN_MASK_WORDS.isdisjoint(words)


def _mask_folders(names: Collection[str], folders: Collection[str]) -> set[str]:
    """Of the telling names below a class folder, those that say masks or annotations; `folders`: all of the class."""
    # faces with and without a mask
    if any(not _MASK_WORDS.isdisjoint(_words(name)) and not names_masks(name) for name in names):
        return set()
    masks = {name for name in names if names_masks(name)}
    others = {name for folder in folders for name in folder.split("/")[1:]} - masks
    if all(names_images(name) for name in others):
        return masks
    return {name for name in masks if "".join(_words(name)) not in _LABEL_NAMES}


def names_images(name: str) -> bool:
    """Whether a folder's name says only that it holds images."""
    words = _words(name)
    return bool(words) and _IMAGE_WORDS.issuperset(words)


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)]


def choose(base: Path, classes: ClassFolders, kept: Collection[str] = ()) -> Choice:
    """Decide which folders inside the class folders are used, and what the user is told about them.

    Masks and annotations inside every class are passed over, unless a class would be left without images.

    Args:
        kept: names of folders that an earlier run used: they are used again.

    Raises:
        DatasetError: every class holds several parts of a dataset, such as `train` and `test`.
    """
    classes = {name: folders for name, folders in classes.items() if folders}
    if all(len(folders) == 1 and name in folders for name, folders in classes.items()):
        return Choice()
    inside = {name: _telling_names(folders) for name, folders in classes.items()}
    remarks = list(_check_subsets(base, classes, inside, kept))
    masks = {name: _mask_folders(names, classes[name]) for name, names in inside.items()}
    mask_names = sorted(set().union(*masks.values()))
    if not mask_names:
        return Choice(remarks=(*remarks, *_equal_names(base, classes, ())))
    unused_names = set(mask_names).difference(kept)
    passed_over = frozenset(
        folder
        for folders in classes.values()
        for folder in folders
        if not unused_names.isdisjoint(folder.split("/")[1:])
    )
    if not passed_over:
        remarks.append(f"the sub-folders {quoted(mask_names)} in {base} are used, as when this run was trained")
        return Choice(remarks=tuple(remarks))
    if not all(masks.values()) or any(passed_over.issuperset(folders) for folders in classes.values()):
        without = [name for name in classes if not masks[name]]
        reason = f"class {quoted(without[:1])} has none" if without else "a class has no other images"
        remarks.append(
            f"the images in the sub-folders {quoted(mask_names)} in {base} are used like all others, because {reason}: "
            "move these folders away if they hold masks or annotations"
        )
        return Choice(remarks=tuple(remarks))
    n_images = sum(
        len(images) for folders in classes.values() for folder, images in folders.items() if folder in passed_over
    )
    remarks.append(
        f"{n_images} images in the sub-folders {quoted(mask_names)} of every class in {base} are passed over, because the "
        "names say masks or annotations: rename these folders to use them"
    )
    return Choice(passed_over, (*remarks, *_equal_names(base, classes, passed_over)))


def _telling_names(folders: Iterable[str]) -> set[str]:
    """The names of the folders below a class folder, at any depth, that may say what the folders hold."""
    names: set[str] = set()
    for folder in folders:
        names.update(folder.split("/")[1:])
    return set(filter(_TELLING.search, names))


def _check_subsets(
    base: Path, classes: ClassFolders, inside: Mapping[str, set[str]], kept: Collection[str]
) -> Iterable[str]:
    """Refuse parts of a dataset inside every class; remark on them inside some of the classes."""
    by_class = {
        name: {below: subset for below in names if below not in kept and (subset := names_subset(below))}
        for name, names in inside.items()
    }
    names = sorted({below for subsets in by_class.values() for below in subsets})
    if len({subset for subsets in by_class.values() for subset in subsets.values()}) < 2:
        return
    if all(by_class.values()):
        example = base / min(names, key=lambda n: names_subset(n) != "train") / next(iter(classes))
        raise DatasetError(
            f"every class in {base} holds {quoted(names)}, which are parts of a dataset and would be mixed: make one folder "
            f"for each part with the classes inside, such as {example}, and give dataset_path=[train, val]"
        )
    mixed = [name for name, subsets in by_class.items() if len(set(subsets.values())) > 1]
    if mixed:
        yield (
            f"the sub-folders {quoted(sorted(by_class[mixed[0]]))} of class {quoted(mixed[:1])} in {base} are used "
            "together, although their names are those of parts of a dataset: move away what is not meant"
        )


def _equal_names(base: Path, classes: ClassFolders, passed_over: Collection[str]) -> Iterable[str]:
    """Remark on sub-folders that are the same in every class; not if they are called only `images`."""
    if len(classes) < 2:
        return
    first: dict[str, str] | None = None
    for folders in classes.values():
        used = [folder.split("/", 2)[1] for folder in folders if folder not in passed_over and "/" in folder]
        names_here = {name.lower(): name for name in used}
        first = names_here if first is None else first
        if not first or names_here.keys() != first.keys():
            return
    names = sorted((first or {}).values())
    if passed_over and all(names_images(name) for name in names):
        return
    yield (
        f"every class in {base} has the same sub-folders, {quoted(names)}: all their images are used, as images of the class"
    )
