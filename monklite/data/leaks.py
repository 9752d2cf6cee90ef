"""Leaks, by which validation looks too good: near copies on both sides, and classes that can be told from the files alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..csv_files import write_csv
from ..looking import exists
from ..printable import printable
from ..spec import SPLIT, SUBSETS
from . import near_duplicates, shortcuts
from .cache_index import descriptions_of
from .description import MAX_THUMBNAILS, TRAITS, Descriptions
from .health import TRAINED_ON
from .near_duplicates import NearCopies
from .samples import Samples
from .shortcuts import Giveaway

# how a near copy is told whose file differs and hardly anything else, as after saving it again
HARDLY = "almost the same"
COLUMNS = ("subset", "path", "class", "other_subset", "other_path", "other_class", "similarity", "difference")
# pairs of pictures that are compared unasked, which takes about a second, and when they are asked for
MAX_PAIRS, MAX_PAIRS_ASKED = 40_000_000, 1_000_000_000
# times as many for test images, which are looked at more rarely
PATIENCE = 4
# from which on brightness or contrast, 0 to 255, count as different
OTHER_LIGHT = 6.0
# a column of `NearCopies` -> how it is told
WAYS = {"mirrored": "mirrored", "upside_down": "upside down", "cropped": "cropped"}
_FORMAT = TRAITS.index("file format")
_SIZE = [TRAITS.index(name) for name in ("image width", "image height")]
_LIGHT = [TRAITS.index(name) for name in ("brightness", "contrast")]
LEAKED, COPIES, CONFLICTING = "near_leaked", "near_copies", "near_conflicting"


class NearCopy(NamedTuple):
    """An image that is nearly the same as another one: their rows, how alike they are (0 to 1), and in what they differ."""

    row: int
    other: int
    similarity: float
    differences: tuple[str, ...]


class DataCheck(NamedTuple):
    """The result of `Check_Data`.

    `near_copies`: pairs of images by `COLUMNS`. `giveaways`: what the class can be told from without looking at what the images
    show; of images with several labels, one for each label. `properties`: what each property tells alone.
    """

    near_copies: tuple[dict[str, str], ...]
    giveaways: tuple[Giveaway, ...]
    properties: tuple[Giveaway, ...]


@dataclass(frozen=True)
class Leaks:
    """The near copies and giveaways of a dataset.

    `properties`: what each property tells by itself, if it was asked for. `n_alike`: the number of images that are all nearly the
    same picture, see `near_duplicates.apart`. `remark`: what was not looked for, and why.
    """

    near: tuple[NearCopy, ...] = ()
    giveaways: tuple[Giveaway, ...] = ()
    properties: tuple[Giveaway, ...] = ()
    n_alike: int = 0
    remark: str = ""

    def counts(self, samples: Samples) -> dict[str, int]:
        """The number of images that are near copies.

        `near_leaked`: of a training image, in another subset; `near_copies`: of an earlier image of their subset;
        `near_conflicting`: of an image of another class.
        """
        strata, subsets = samples.task.strata(samples.labels), samples.subsets
        leaked = sum(int(subsets[copy.row] != subsets[copy.other]) for copy in self.near)
        conflicting = sum(int(strata[copy.row] != strata[copy.other]) for copy in self.near)
        return {LEAKED: leaked, COPIES: len(self.near) - leaked, CONFLICTING: conflicting}

    @property
    def telling(self) -> tuple[Giveaway, ...]:
        """The giveaways that are told unasked."""
        return tuple(giveaway for giveaway in self.giveaways if giveaway.is_telling)


def look_for(samples: Samples, descriptions: Descriptions | None, thorough: bool = False) -> Leaks:
    """The near copies and giveaways among training and validation images.

    Args:
        descriptions: of all rows of the table; None: they are not known. thorough: compare all pairs, and try each property by
            itself, though it takes longer.
    """
    if descriptions is None:
        return Leaks(remark="near copies and giveaways were not looked for: the index of the cache cannot be read")
    rows = np.concatenate([samples.rows_of(subset) for subset in SPLIT])
    found = Leaks(
        giveaways=tuple(shortcuts.probe(samples, descriptions.traits, rows)),
        properties=tuple(shortcuts.one_by_one(samples, descriptions.traits, rows)) if thorough else (),
    )
    if not len(descriptions.thumbnails):
        return replace(found, remark=f"near copies are looked for among up to {MAX_THUMBNAILS:,} images")
    contents, first, content_of = np.unique(samples.digests[rows], return_index=True, return_inverse=True)
    in_val = np.unique(content_of[samples.subsets[rows] != SUBSETS.index(TRAINED_ON)])
    queries, remark = _queries(len(contents), in_val, thorough)
    thumbnails = descriptions.thumbnails[rows[first]]
    pairs, n_alike = near_duplicates.apart(near_duplicates.find(thumbnails, queries), thumbnails)
    near = tuple(_of_rows(samples, descriptions.traits, rows, content_of, pairs))
    remark = "; ".join(filter(None, (_alike(n_alike, len(contents)), remark)))
    return replace(found, near=near, n_alike=n_alike, remark=remark)


def _alike(n_alike: int, n: int) -> str:
    """The remark about pictures that are all alike."""
    if not n_alike:
        return ""
    return (
        f"{n_alike:,} of {n:,} images are all nearly the same picture, as of a phantom or of one film: whether they are "
        "copies of each other cannot be told, and if they are, accuracy looks better than it is"
    )


def _queries(n: int, in_val: np.ndarray, thorough: bool) -> tuple[np.ndarray | None, str]:
    """The contents that are compared with all others (None: all), and what is left out."""
    most = MAX_PAIRS_ASKED if thorough else MAX_PAIRS
    if n * n / 2 <= most:
        return None, ""
    queries = _sampled(in_val, most // n)
    if len(queries) < len(in_val):
        return queries, f"near copies are looked for of {_share(queries, in_val)} validation images, chosen at random"
    if thorough:
        return queries, "near copies within the training images are not looked for among so many images"
    return queries, "near copies within the training images are looked for by Check_Data()"


def _sampled(rows: np.ndarray, n: int) -> np.ndarray:
    """`n` of the rows at random, one at least, in order; all if there are no more."""
    return np.sort(np.random.default_rng(0).permutation(rows)[: max(1, n)])


def _share(some: np.ndarray, everything: np.ndarray) -> str:
    return f"{len(some):,} of the {len(everything):,}"


def _of_rows(
    samples: Samples, traits: np.ndarray, rows: np.ndarray, content_of: np.ndarray, found: NearCopies
) -> Iterator[NearCopy]:
    """Yield the near copies, at most one for each image: of a training image if there is one, else of an earlier one.

    Of images with the same bytes, those in training count, or else the first: the others are told as copies.
    """
    alike: defaultdict[int, list[tuple[float, int, int]]] = defaultdict(list)
    for pair, contents in enumerate(zip(found.first.tolist(), found.second.tolist(), strict=True)):
        for one, other in (contents, contents[::-1]):
            alike[one].append((-float(found.likeness[pair]), other, pair))
    shown = _shown_rows(samples, rows, content_of)
    is_training = samples.subsets == SUBSETS.index(TRAINED_ON)
    for content in sorted(alike, key=shown.__getitem__):
        row = shown[content]
        others = [(shown[other], pair) for _, other, pair in sorted(alike[content])]
        leaking = [o for o in others if is_training[o[0]] and not is_training[row]]
        earlier = [o for o in others if is_training[o[0]] == is_training[row] and o[0] < row]
        for other, pair in (leaking or earlier)[:1]:
            yield _near_copy(row, other, found, pair, traits[[row, other]])


def _shown_rows(samples: Samples, rows: np.ndarray, content_of: np.ndarray) -> dict[int, int]:
    """The row of each content: the first one in training, else the first one."""
    in_order = np.argsort(samples.subsets[rows] != SUBSETS.index(TRAINED_ON), kind="stable")[::-1]
    return dict(zip(content_of[in_order].tolist(), rows[in_order].tolist(), strict=True))


def _near_copy(row: int, other: int, found: NearCopies, pair: int, traits: np.ndarray) -> NearCopy:
    """A pair as it is told. `traits`: of both, (2, traits)."""
    ways = [word for way, word in WAYS.items() if getattr(found, way)[pair]]
    one, two = traits
    # the size of a part tells nothing
    if not found.cropped[pair] and (one[_SIZE] != two[_SIZE]).any():
        ways.append("resized")
    if one[_FORMAT] != two[_FORMAT]:
        ways.append("another format")
    if (np.abs(one[_LIGHT] - two[_LIGHT]) > OTHER_LIGHT).any():
        ways.append("other brightness or contrast")
    return NearCopy(row, other, float(found.likeness[pair]), tuple(ways) or (HARDLY,))


def differences(near: Sequence[NearCopy]) -> dict[str, int]:
    """The number of near copies that differ in each way, the most frequent ways first."""
    return dict(Counter(way for copy in near for way in copy.differences).most_common())


def listed(differences: Mapping[str, int]) -> str:
    """Differences in words, such as `resized 7, mirrored 5`."""
    return ", ".join(f"{way} {count}" for way, count in differences.items())


def write(path: Path, samples: Samples, near: Sequence[NearCopy]) -> None:
    """List near copies as CSV; without any, no file is created, but an older one is emptied."""
    if near or exists(path):
        write_csv(path, COLUMNS, (tuple(row.values()) for row in as_rows(samples, near)))


def as_rows(samples: Samples, near: Sequence[NearCopy]) -> Iterator[dict[str, str]]:
    """Yield near copies with the names, subsets and classes of both images, by `COLUMNS`."""
    for copy in near:
        sides = [
            (SUBSETS[samples.subsets[row]], samples.paths[row], samples.task.text(samples.labels[row]))
            for row in (copy.row, copy.other)
        ]
        cells = (*sides[0], *sides[1], f"{copy.similarity:.3f}", ", ".join(copy.differences))
        yield dict(zip(COLUMNS, cells, strict=True))


def nearly_seen(
    samples: Samples, descriptions: Descriptions | None, trained_on: np.ndarray, cache: Path
) -> tuple[list[NearCopy], str, str]:
    """The images of a test set that are near copies of training images, the remark about them, and what is unknown of others.

    Args:
        samples: the test set. descriptions: of its rows. trained_on: digests of the training images, S16. cache: the folder that
            holds their thumbnails.

    Returns:
        For each such test image its row, and as `other` the place of the training image in `trained_on`.
    """
    rows = samples.rows_of("test")
    rows = rows[~np.isin(samples.digests[rows], trained_on)]
    if descriptions is None or not len(descriptions.thumbnails) or not len(rows) or not len(trained_on):
        return [], "", ""
    known, places = descriptions_of(cache, trained_on)
    all_rows, rows = rows, _sampled(rows, PATIENCE * MAX_PAIRS // max(len(places), 1))
    sampled = f"near copies are looked for of {_share(rows, all_rows)} test images, chosen at random"
    thumbnails = np.concatenate([known.thumbnails, descriptions.thumbnails[rows]])
    traits = np.concatenate([known.traits, descriptions.traits[rows]])
    found = near_duplicates.find(thumbnails, np.arange(len(places), len(thumbnails)))
    found, n_alike = near_duplicates.apart(found, thumbnails)
    best: dict[int, tuple[float, int]] = {}
    for pair in np.flatnonzero(found.second < len(places)).tolist():
        best[int(found.first[pair])] = max(
            best.get(int(found.first[pair]), (0.0, 0)), (float(found.likeness[pair]), pair)
        )
    near = []
    for one, (_, pair) in sorted(best.items()):
        other = int(found.second[pair])
        copy = _near_copy(int(rows[one - len(places)]), int(places[other]), found, pair, traits[[one, other]])
        near.append(copy)
    n_unknown = len(trained_on) - len(places)
    unknown = (
        f"whether test images are near copies of {n_unknown} of the training images is unknown, because the cache in the "
        "workspace does not have them"
    )
    parts = (_alike(n_alike, len(thumbnails)), unknown * bool(n_unknown), sampled * (len(rows) < len(all_rows)))
    return near, _test_remark(samples, near), "; ".join(filter(None, parts))


def _test_remark(samples: Samples, near: Sequence[NearCopy]) -> str:
    if not near:
        return ""
    noun = "image of this test set is a near copy" if len(near) == 1 else "images of this test set are near copies"
    told = f"{listed(differences(near))}; the first: {printable(samples.paths[near[0].row])}"
    return f"{len(near)} {noun} of training images ({told})"
