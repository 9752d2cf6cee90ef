"""Find the images in class folders, as a table of samples."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Sized
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import DatasetError, NotFound
from .samples import Samples, quoted

EXTENSIONS = frozenset((".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif"))
IGNORED_FOLDERS = frozenset(("__MACOSX", "__pycache__", "$RECYCLE.BIN"))
SUBSET_NAMES = frozenset(("train", "training", "val", "valid", "validation", "test", "testing"))


def from_folders(root: str | os.PathLike[str], training: bool = True, exclude: Path | None = None) -> Samples:
    """Read a folder that holds one folder of images per class; folders inside a class folder belong to the class.

    Hidden files and folders, broken links, and files that are not images by their ending, are passed over and listed in
    `strays`.

    Args:
        training: False allows a single class and empty class folders, for a test set.
        exclude: a folder that is never a class, such as monklite's own workspace.

    Raises:
        NotFound: the folder does not exist.
        DatasetError: no class folders, only one class, or a class without images.
    """
    base = existing_folder(root)
    names, strays = _class_folders(base, exclude)
    _check_layout(base, names, min_classes=2 if training else 1)
    paths: list[str] = []
    counts: list[int] = []
    for name in names:
        images: list[str] = []
        _walk(f"{base}/{name}", name, images, strays)
        paths += sorted(images)
        counts.append(len(images))
    labels = np.repeat(np.arange(len(names), dtype=np.int64), counts)
    samples = Samples.from_files(base, names, paths, labels, strays)
    if not training:
        return _without_empty(samples)
    check_classes(samples)
    return samples


def _class_folders(base: Path, exclude: Path | None) -> tuple[list[str], list[str]]:
    """The names of the class folders, sorted, and of all other entries."""
    excluded = exclude.resolve() if exclude is not None else None
    names: list[str] = []
    strays: list[str] = []
    with os.scandir(base) as entries:
        for entry in sorted(entries, key=lambda e: e.name):
            if excluded is not None and Path(entry.path).resolve() == excluded:
                continue
            is_class = entry.is_dir() and not _hidden_folder(entry.name)
            (names if is_class else strays).append(entry.name)
    return names, strays


def images_in_folder(folder: str | os.PathLike[str]) -> list[str]:
    """The names of the images directly in a folder, sorted.

    Raises:
        NotFound: no such folder. DatasetError: no images in it.
    """
    if not Path(folder).is_dir():
        raise NotFound(f"there is no folder at {str(folder)!r} (looked from {Path.cwd()})")
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if _is_image(entry))
    if not names:
        raise DatasetError(f"{folder} holds no images (files ending in {' '.join(sorted(EXTENSIONS))})")
    return names


def fingerprint(*tables: Samples) -> str:
    """SHA-256 over every file's name, class and size in bytes: datasets with the same fingerprint count as the same.

    The sizes must be known: see `digests.recall`.
    """
    digest = hashlib.sha256()
    for samples in tables:
        text, labels, sizes = samples.task.text, samples.labels, samples.file_sizes.tolist()
        for i in sorted(range(len(samples)), key=samples.paths.tolist().__getitem__):
            line = f"{samples.paths[i]}\0{text(labels[i])}\0{sizes[i]}\n"
            digest.update(line.encode("utf-8", "surrogateescape"))
        digest.update(b"\n")
    return digest.hexdigest()


def describe_strays(strays: tuple[str, ...]) -> str:
    """One line about the files that were passed over."""
    kinds = Counter(Path(stray).suffix.lower() or Path(stray).name for stray in strays)
    shown = ", ".join(f"{n} x {kind}" if n > 1 else kind for kind, n in kinds.most_common(5))
    return f"{len(strays)} {_plural(strays, 'entry', 'entries')} passed over, not images: {shown}"


def existing_folder(root: str | os.PathLike[str]) -> Path:
    base = Path(root)
    if not base.exists():
        raise NotFound(f"the dataset folder {str(base)!r} is not there (looked from {Path.cwd()})")
    if not base.is_dir():
        raise NotFound(f"{str(base)!r} is a file; dataset_path must be a folder with one folder of images per class")
    return base


def _hidden_folder(name: str) -> bool:
    return name.startswith(".") or name in IGNORED_FOLDERS


def _check_layout(base: Path, names: list[str], min_classes: int) -> None:
    if not names:
        raise DatasetError(
            f"{base} has no class folders: put the images of each class into a folder of its own, such as {base / 'cat'}"
        )
    subsets = [n for n in names if n.lower() in SUBSET_NAMES]
    if len(subsets) > 1:
        example = base / sorted(subsets, key=lambda n: not n.lower().startswith("train"))[0]
        raise DatasetError(
            f"{base} holds {quoted(subsets)}, which are parts of a dataset, not classes: "
            f"give dataset_path={str(example)!r}, or a list [train, val]"
        )
    if len(names) == 1 and names[0].lower() in SUBSET_NAMES and any(p.is_dir() for p in (base / names[0]).iterdir()):
        raise DatasetError(f"{base} holds only {names[0]!r}: give dataset_path={str(base / names[0])!r}")
    if len(names) < min_classes:
        raise DatasetError(f"{base} has only one class, {names[0]!r}: a classifier needs two or more class folders")


def check_classes(samples: Samples) -> None:
    """Check that a table has the images and classes that training needs.

    Raises:
        DatasetError: it does not.
    """
    root = samples.roots[0]
    empty = [name for name, count in zip(samples.classes, samples.counts(), strict=True) if not count]
    if empty:
        endings = " ".join(sorted(EXTENSIONS))
        raise DatasetError(
            f"{root}: no images in {_plural(empty, 'class', 'classes')} {quoted(empty)} "
            f"(files ending in {endings}); add some or remove the folder"
        )
    if not len(samples):
        raise DatasetError(f"{root}: the table names no images")
    if len(samples.classes) < samples.task.min_classes:
        raise DatasetError(f"{root} has only one class, {quoted(samples.classes)}: a classifier needs two or more")


def _without_empty(samples: Samples) -> Samples:
    if not len(samples):
        raise DatasetError(f"{samples.roots[0]} holds no images (files ending in {' '.join(sorted(EXTENSIONS))})")
    present = np.unique(samples.labels)
    classes = tuple(samples.classes[i] for i in present)
    return replace(samples, classes=classes, labels=np.searchsorted(present, samples.labels))


def _walk(folder: str, relative: str, images: list[str], strays: list[str]) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            path = f"{relative}/{entry.name}"
            if entry.is_dir():
                parents = Path(os.path.abspath(folder), "x").parents if entry.is_symlink() else ()  # noqa: PTH100
                is_loop = entry.is_symlink() and Path(entry.path).resolve() in parents
                if is_loop or _hidden_folder(entry.name):
                    strays.append(path)
                else:
                    _walk(entry.path, path, images, strays)
            elif _is_image(entry):
                images.append(path)
            else:
                strays.append(path)


def _is_image(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a visible file, not a pipe or a broken link, with the ending of an image."""
    ending = os.path.splitext(entry.name)[1].lower()  # noqa: PTH122 (four times faster)
    return ending in EXTENSIONS and not entry.name.startswith(".") and entry.is_file()


def _plural(items: Sized, singular: str, plural: str) -> str:
    return singular if len(items) == 1 else plural
