"""Find the images in class folders, as a table of samples."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Collection, Iterable, Sized
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np

from ..errors import DatasetError, NotFound, StorageError
from ..looking import is_folder
from ..printable import printable
from ..transient import retried
from ..working_folder import looked_from
from .image_folder import endings, unread_of
from .listing import leads_back, list_folder, not_allowed, trail_to, walk
from .samples import Samples, quoted
from .subfolders import choose, names_images, names_masks, names_subset
from .table_labels import check_names
from .unread_formats import describe_unread


def from_folders(
    root: str | os.PathLike[str], training: bool = True, exclude: Path | None = None, kept: Collection[str] = ()
) -> Samples:
    """Read a folder that holds one folder of images per class; folders inside a class folder belong to the class.

    Hidden files and folders, system folders, masks beside images, broken links, links that lead back, and files that are
    not images by their ending, are passed over and listed in `strays`. What the user should know stands in `remarks`.

    Args:
        training: False allows a single class and empty class folders, for a test set.
        exclude: a folder that is never a class, such as monklite's own workspace.
        kept: names of folders that an earlier run used; they are used again, whatever they are called.

    Raises:
        NotFound: the folder does not exist.
        DatasetError: no class folders, only one class, a class without images, a folder that may not be read, or parts of
            a dataset in place of classes or inside them.
        StorageError: the drive does not answer.
    """
    base = existing_folder(root)
    names, strays = _class_folders(base, exclude, kept)
    _check_layout(base, names, strays, min_classes=2 if training else 1, kept=kept)
    trail = trail_to(f"{base}")
    found: dict[str, dict[str, list[str]]] = {}
    for name in names:
        found[name], others = walk(f"{base}/{name}", name, trail, kept)
        strays += others
    choice = choose(base, found, kept)
    strays += sorted(choice.passed_over)
    paths: list[str] = []
    counts: list[int] = []
    for name in names:
        folders = found.pop(name)
        images = sorted(path for folder in folders if folder not in choice.passed_over for path in folders[folder])
        paths += images
        counts.append(len(images))
    labels = np.repeat(np.arange(len(names), dtype=np.int64), counts)
    samples = Samples.from_files(base, names, paths, labels, strays)
    samples = replace(samples, remarks=(*choice.remarks, *_remarks(samples)))
    if not training:
        return _without_empty(samples)
    check_classes(samples)
    _check_distinct(samples, kept)
    return samples


def _class_folders(base: Path, exclude: Path | None, kept: Collection[str]) -> tuple[list[str], list[str]]:
    """The names of the class folders, sorted, and of all other entries."""
    excluded = os.path.realpath(exclude) if exclude is not None else None
    listing, trail = list_folder(f"{base}", kept), trail_to(f"{base}")
    names: list[str] = []
    strays = [*listing.images, *listing.others]
    for name in listing.folders:
        folder = f"{base}/{name}"
        if excluded is not None and os.path.realpath(folder) == excluded:
            continue
        is_class = name not in listing.links or not leads_back(folder, trail)
        (names if is_class else strays).append(name)
    return sorted(names), sorted(strays)


def _remarks(samples: Samples) -> list[str]:
    """The remarks about the files that were found, and those that were passed over."""
    root = samples.roots[0]
    remarks = []
    if unread := describe_unread(root, samples.strays):
        remarks.append(f"{root} holds {unread}")
    if name := _with_backslash(chain(samples.paths, samples.strays)):
        remarks.append(_backslashes(root, name))
    return remarks


def _with_backslash(names: Iterable[str]) -> str:
    """The first name with a backslash, which is part of a name on Linux and macOS only; empty if there is none."""
    return next((name for name in names if "\\" in name), "")


def _backslashes(root: Path, name: str) -> str:
    return (
        f"{root} holds names with backslashes, such as {quoted([name])}: an archive made on Windows was unpacked by a program "
        "that does not turn backslashes into folders. Unpack it again with `unzip`, which does"
    )


def fingerprint(*tables: Samples, by_content: bool = False) -> str:
    """SHA-256 over every file's name, class and size in bytes; `by_content`: the digest of its bytes in place of the size.

    Sizes and digests must be known: see `digests`.
    """
    digest = hashlib.sha256()
    for samples in tables:
        # the text of several labels must not depend on the order of the classes
        by_text = samples.relabel(tuple(sorted(samples.classes)), "the dataset")
        text, labels = by_text.task.text, by_text.labels
        contents = [d.hex() for d in samples.digests.tolist()] if by_content else samples.file_sizes.tolist()
        for i in sorted(range(len(samples)), key=samples.paths.tolist().__getitem__):
            line = f"{samples.paths[i]}\0{text(labels[i])}\0{contents[i]}\n"
            digest.update(line.encode("utf-8", "surrogateescape"))
        digest.update(b"\n")
    return digest.hexdigest()


def describe_strays(strays: tuple[str, ...]) -> str:
    """One line about the files that were passed over."""
    kinds = Counter(Path(stray).suffix.lower() or Path(stray).name for stray in strays)
    listed = ", ".join(f"{n} x {printable(kind)}" if n > 1 else printable(kind) for kind, n in kinds.most_common(5))
    return f"{len(strays)} {_plural(strays, 'entry', 'entries')} passed over, not images: {listed}"


def existing_folder(root: str | os.PathLike[str]) -> Path:
    """The path of the dataset's folder.

    Raises:
        NotFound: there is none. DatasetError: it may not be read. StorageError: the drive does not answer.
    """
    base = Path(root)
    try:
        retried(base.stat, base)
    except PermissionError as error:
        raise not_allowed(str(base), error) from None
    # also a name that no file can have: it holds a NUL, or is too long
    except (OSError, ValueError) as error:
        if isinstance(error, StorageError):
            raise
        # unlike `Path.is_symlink`, it raises nothing for such names
        broken = " is a link that leads nowhere" if os.path.islink(base) else " is not there"  # noqa: PTH114
        raise NotFound(f"the dataset folder {quoted([str(base)])}{broken} ({looked_from()})") from None
    if not is_folder(base):
        raise NotFound(f"{str(base)!r} is a file; dataset_path must be a folder with one folder of images per class")
    return base


def _check_layout(base: Path, names: list[str], strays: list[str], min_classes: int, kept: Collection[str]) -> None:
    backslash = _with_backslash(chain(names, strays))
    if not names:
        if backslash:
            raise DatasetError(_backslashes(base, backslash))
        raise DatasetError(
            f"{base} has no class folders: put the images of each class into a folder of its own, such as {base / 'cat'}"
            f"{unread_of(base, strays)}"
        )
    subsets = [n for n in names if names_subset(n) and n not in kept]
    if len(subsets) > 1:
        example = base / sorted(subsets, key=lambda n: names_subset(n) != "train")[0]
        raise DatasetError(
            f"{base} holds {quoted(subsets)}, which are parts of a dataset, not classes: "
            f"give dataset_path={str(example)!r}, or a list [train, val]"
        )
    images, masks = [n for n in names if names_images(n)], [n for n in names if names_masks(n)]
    if images and masks and len(images) + len(masks) == len(names) and not set(kept).issuperset(names):
        raise DatasetError(
            f"{base} holds {quoted(names)}, which by their names are images and their masks, not classes: "
            f"give dataset_path={str(base / images[0])!r}"
        )
    if len(names) == 1 and names_subset(names[0]) and list_folder(f"{base}/{names[0]}").folders:
        raise DatasetError(f"{base} holds only {names[0]!r}: give dataset_path={str(base / names[0])!r}")
    if len(names) < min_classes:
        if backslash:
            raise DatasetError(_backslashes(base, backslash))
        raise DatasetError(f"{base} has only one class, {names[0]!r}: a classifier needs two or more class folders")


def _check_distinct(samples: Samples, kept: Collection[str]) -> None:
    """Refuse class folders whose names are nearly the same, unless an earlier run had them."""
    if not set(kept).issuperset(samples.classes):
        check_names(samples.classes, f"{samples.roots[0]}")


def check_classes(samples: Samples) -> None:
    """Check that a table has the images and classes that training needs.

    Raises:
        DatasetError: it does not.
    """
    root = samples.roots[0]
    empty = [name for name, count in zip(samples.classes, samples.counts(), strict=True) if not count]
    if empty:
        prefixes = tuple(f"{name}/" for name in empty)
        others = [path for path in samples.strays if path.startswith(prefixes)]
        if name := _with_backslash(chain(empty, samples.strays)):
            raise DatasetError(_backslashes(root, name))
        raise DatasetError(
            f"{root}: no images in {_plural(empty, 'class', 'classes')} {quoted(empty)} "
            f"({endings()}); add some or remove the folder{unread_of(root, others)}"
        )
    if not len(samples):
        raise DatasetError(f"{root}: the table names no images")
    if len(samples.classes) < samples.task.min_classes:
        raise DatasetError(f"{root} has only one class, {quoted(samples.classes)}: a classifier needs two or more")


def _without_empty(samples: Samples) -> Samples:
    if not len(samples):
        root = samples.roots[0]
        raise DatasetError(f"{root} holds no images ({endings()}){unread_of(root, samples.strays)}")
    present = np.unique(samples.labels)
    classes = tuple(samples.classes[i] for i in present)
    return replace(samples, classes=classes, labels=np.searchsorted(present, samples.labels))


def _plural(items: Sized, singular: str, plural: str) -> str:
    return singular if len(items) == 1 else plural
