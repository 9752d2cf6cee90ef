"""The remarks about groups: how many there are, where they are, and why they are not used."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..printable import printable
from ..spec import SPLIT
from .samples import Samples

BOTH_SIDES = "patients may be on both sides, in training and in validation"


@dataclass(frozen=True)
class Grouping:
    """How images are grouped.

    `by`: in words. `found`: by itself, not as the user said. `ungrouped`: images without a group, in words. `spellings`:
    the names of each group that is written in several ways.
    """

    by: str
    found: bool
    ungrouped: str
    spellings: tuple[tuple[str, ...], ...] = ()


def why_not_used(samples: Samples) -> str:
    """Why images are not split by their groups, in words; empty if most classes have images of several of them."""
    named = sorted(set(samples.groups.tolist()) - {""})
    if not named:
        return "no image has a value in it"
    if not is_grouped(samples):
        return "no two images share one"
    group = _numbered(samples.groups)
    if not group.any():
        return f"all images are of one group, {printable(named[0])!r}"
    if not samples.task.exclusive:
        return ""
    pairs = np.unique(samples.labels * len(group) + group)
    n_groups = np.bincount(pairs // len(group))
    if (n_groups > 1).sum() >= (n_groups == 1).sum():
        return ""
    label = int(np.flatnonzero(n_groups == 1)[0])
    row = np.flatnonzero(samples.labels == label)[0]
    return (
        f"{(n_groups == 1).sum()} of {(n_groups > 0).sum()} classes have images of one group only, such as "
        f"class {samples.classes[label]!r} of {printable(samples.groups[row])!r}"
    )


def is_grouped(samples: Samples) -> bool:
    """Whether at least two images share a group."""
    named = samples.groups[samples.groups != ""]
    return len(set(named.tolist())) < len(named)


def _numbered(groups: np.ndarray) -> np.ndarray:
    """A number for each group, below that of the images; an image that has none has one of its own."""
    numbers: dict[str, int] = {}
    # no name of a group has a NUL
    keys = (group or f"\0{row}" for row, group in enumerate(groups.tolist()))
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.int64)


def count(samples: Samples) -> int:
    """The number of groups; an image without a group is one."""
    named = samples.groups[samples.groups != ""]
    return len(set(named.tolist())) + len(samples) - len(named)


def describe(samples: Samples, grouping: Grouping) -> str:
    """The remark about the groups of images that are in training and validation."""
    used = samples.take(np.flatnonzero(np.isin(samples.subsets, range(len(SPLIT))) & (samples.problems == "")))
    n_ungrouped = int(np.count_nonzero(used.groups == ""))
    told = f"{len(used)} images of {count(used)} groups by {grouping.by}{example(used)}"
    if n_ungrouped:
        noun = "image" if n_ungrouped == 1 else "images"
        told += f", {n_ungrouped} {noun} {grouping.ungrouped} counted as a group each"
    if grouping.spellings:
        noun = "group is" if len(grouping.spellings) == 1 else "groups are"
        several = " and ".join(repr(printable(name)) for name in grouping.spellings[0][:2])
        told += (
            f", {len(grouping.spellings)} {noun} written in several ways, such as {several}, and counted as one each"
        )
    if not is_grouped(used):
        return (
            f"{told}: no two images share a group, so nothing is kept together; group= must give what the images of a patient "
            "have in common"
        )
    in_train, in_val = (used.groups[used.rows_of(subset)] for subset in SPLIT)
    shared = set(in_train.tolist()) & set(in_val.tolist()) - {""}
    if shared:
        n_images = int(np.isin(in_val, sorted(shared)).sum())
        groups = "a group that is" if len(shared) == 1 else f"{len(shared)} groups that are"
        return (
            f"{told}: {n_images} of the {len(in_val)} validation images are of {groups} in training too, such as "
            f"{printable(min(shared))!r}, so validation looks better than it is"
        )
    if len(samples.roots) > 1:
        return f"{told}: no group is in training and in validation"
    hint = " (group='' splits image by image)" if grouping.found else ""
    return f"{told}: images of a group stay on one side of the split{hint}"


def example(samples: Samples) -> str:
    """The first group of several images, and the file of one of them; empty if there is no such group."""
    named = samples.groups[samples.groups != ""]
    names, first, counts = np.unique(named, return_index=True, return_counts=True)
    if not len(names) or counts.max() < 2:
        return ""
    row = np.flatnonzero(samples.groups != "")[first[counts > 1].min()]
    path = samples.paths[row]
    # a pattern may match a folder
    name = path.rpartition("/")[2]
    place = name if samples.groups[row].lower() in name.lower() or samples.group_column else path
    return f" (such as {printable(samples.groups[row])!r} from {printable(place)})"
