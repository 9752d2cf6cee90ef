"""Find the images: class folders or a CSV file -> one table of samples."""

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
PART_NAMES = frozenset(("train", "training", "val", "valid", "validation", "test", "testing"))


def from_folders(root: str | os.PathLike[str], training: bool = True, exclude: Path | None = None) -> Samples:
    """Read a folder that holds one folder of images a class; folders inside a class folder count to the class.

    Args:
        training: False lets a test set have a single class and empty class folders.
        exclude: a folder that is no class wherever it lies, such as monklite's own workspace.

    Hidden files and folders, links to nowhere, and files that are not images by their ending, are passed over and listed
    in `strays`.

    Raises:
        NotFound: the folder is not there.
        DatasetError: no class folders, only one class, or a class without images.
    """
    base = existing_folder(root)
    names, strays = _class_folders(base, exclude)
    _check_layout(base, names, least=2 if training else 1)
    paths: list[str] = []
    counts: list[int] = []
    for name in names:
        found: list[str] = []
        _walk(f"{base}/{name}", name, found, strays)
        paths += sorted(found)
        counts.append(len(found))
    labels = np.repeat(np.arange(len(names), dtype=np.int64), counts)
    samples = Samples.found(base, names, paths, labels, strays)
    if not training:
        return _without_empty(samples)
    check_classes(samples)
    return samples


def _class_folders(base: Path, exclude: Path | None) -> tuple[list[str], list[str]]:
    """The names of the class folders, sorted, and of what else lies beside them."""
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


def in_folder(folder: str | os.PathLike[str]) -> list[str]:
    """The names of the images that lie directly in a folder, sorted.

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
    """SHA-256 over every file's name, class and size in bytes: two datasets with one fingerprint are taken as the same.

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
    """One line that tells what was passed over."""
    kinds = Counter(Path(s).suffix.lower() or Path(s).name for s in strays)
    shown = ", ".join(f"{n} x {kind}" if n > 1 else kind for kind, n in kinds.most_common(5))
    return f"{len(strays)} {_plural(strays, 'entry', 'entries')} passed over, not images: {shown}"


def existing_folder(root: str | os.PathLike[str]) -> Path:
    base = Path(root)
    if not base.exists():
        raise NotFound(f"the dataset folder {str(base)!r} is not there (looked from {Path.cwd()})")
    if not base.is_dir():
        raise NotFound(f"{str(base)!r} is a file; dataset_path must be a folder with one folder of images a class")
    return base


def _hidden_folder(name: str) -> bool:
    return name.startswith(".") or name in IGNORED_FOLDERS


def _check_layout(base: Path, names: list[str], least: int) -> None:
    if not names:
        raise DatasetError(
            f"{base} has no class folders: put the images of each class into a folder of its own, such as {base / 'cat'}"
        )
    parts = [n for n in names if n.lower() in PART_NAMES]
    if len(parts) > 1:
        example = base / sorted(parts, key=lambda n: not n.lower().startswith("train"))[0]
        raise DatasetError(
            f"{base} holds {quoted(parts)}, which are parts of a dataset, not classes: "
            f"give dataset_path={str(example)!r}, or a list [train, val]"
        )
    if len(names) == 1 and names[0].lower() in PART_NAMES and any(p.is_dir() for p in (base / names[0]).iterdir()):
        raise DatasetError(f"{base} holds only {names[0]!r}: give dataset_path={str(base / names[0])!r}")
    if len(names) < least:
        raise DatasetError(f"{base} has only one class, {names[0]!r}: a classifier needs two or more class folders")


def check_classes(samples: Samples) -> None:
    """Refuse a table to train with that lacks images or classes."""
    root = samples.roots[0]
    empty = [name for name, count in zip(samples.classes, samples.counts(), strict=True) if not count]
    if empty:
        kinds = " ".join(sorted(EXTENSIONS))
        raise DatasetError(
            f"{root}: no images in {_plural(empty, 'class', 'classes')} {quoted(empty)} "
            f"(files ending in {kinds}); add some or remove the folder"
        )
    if not len(samples):
        raise DatasetError(f"{root}: the table names no images")
    if len(samples.classes) < samples.task.least_classes:
        raise DatasetError(f"{root} has only one class, {quoted(samples.classes)}: a classifier needs two or more")


def _without_empty(samples: Samples) -> Samples:
    if not len(samples):
        raise DatasetError(f"{samples.roots[0]} holds no images (files ending in {' '.join(sorted(EXTENSIONS))})")
    present = np.unique(samples.labels)
    classes = tuple(samples.classes[i] for i in present)
    return replace(samples, classes=classes, labels=np.searchsorted(present, samples.labels))


def _walk(folder: str, relative: str, found: list[str], strays: list[str]) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            below = f"{relative}/{entry.name}"
            if entry.is_dir():
                looped = entry.is_symlink() and Path(entry.path).resolve() in Path(os.path.abspath(folder), "x").parents  # noqa: PTH100
                if looped or _hidden_folder(entry.name):
                    strays.append(below)
                else:
                    _walk(entry.path, below, found, strays)
            elif _is_image(entry):
                found.append(below)
            else:
                strays.append(below)


def _is_image(entry: os.DirEntry[str]) -> bool:
    """A visible file, not a pipe or a link to nowhere, that is an image by its ending."""
    ending = os.path.splitext(entry.name)[1].lower()  # noqa: PTH122 (four times faster)
    return ending in EXTENSIONS and not entry.name.startswith(".") and entry.is_file()


def _plural(items: Sized, one: str, many: str) -> str:
    return one if len(items) == 1 else many
