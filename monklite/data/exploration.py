"""A look at a dataset before anything is trained: classes, sizes and kinds of images, and files that are missing or damaged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..processors import cpu_count
from ..spec import SPLIT, Resolved
from ..transient import retried
from . import decode, health, leaks, prepare
from .augment import Policy, policy
from .cache import Tick
from .decode import Header, Oddity
from .description import Description, Descriptions
from .digests import digest_of
from .prefetch import in_order
from .samples import DIGEST, UNREAD, Samples, as_column, concatenate

WHOLE = "all"  # the only subset of images that are still to be split


@dataclass(frozen=True, repr=False)
class Exploration:
    """The facts about a dataset's files.

    `counts`: images by class, then by subset: `train` and `val`, or `all` before the split. `n_images`: of all subsets.
    `unlabelled`: images without a label. `sizes`: width and height in px of the `smallest`, the `median` and the `largest` image
    by their number of pixels. `formats`, `modes`: the number of files of each; modes are Pillow's, such as `L` for grey. `odd`:
    images by what is odd, as `health.counts` has it. `missing`: what a table names and is not there. `corrupt`: path -> why the
    file cannot be read; by its header, unless the pictures were decoded. `copies`: groups of files with the same bytes. If the
    pictures were decoded, `near_copies`: pairs as in `leaks.COLUMNS`; `giveaways`: from what the class can be told without
    looking at what the images show, in words.
    """

    counts: Mapping[str, Mapping[str, int]]
    n_images: int
    unlabelled: int
    sizes: Mapping[str, tuple[int, int]]
    formats: Mapping[str, int]
    modes: Mapping[str, int]
    odd: Mapping[str, int]
    missing: tuple[str, ...]
    corrupt: Mapping[str, str]
    copies: tuple[tuple[str, ...], ...]
    near_copies: tuple[dict[str, str], ...] = ()
    giveaways: tuple[str, ...] = ()

    @property
    def totals(self) -> dict[str, int]:
        """The number of images of each class, in all subsets."""
        return {name: sum(of.values()) for name, of in self.counts.items()}

    @property
    def imbalance(self) -> float:
        """How many times as many images the largest class has as the smallest one; infinite if that has none."""
        totals = self.totals.values()
        return max(totals) / min(totals) if min(totals) else float("inf")

    def __repr__(self) -> str:
        damaged = f", {len(self.missing)} missing, {len(self.corrupt)} corrupt"
        return f"Exploration({self.n_images} images of {len(self.counts)} classes{damaged})"


class _File(NamedTuple):
    """The facts about one file."""

    header: Header
    digest: bytes = UNREAD
    oddities: Oddity = Oddity(0)
    description: Description | None = None


def explore(
    spec: Resolved, exclude: Path, missing: bool = False, corrupt: bool = False, tick: Tick | None = None
) -> Exploration:
    """Read every file of a dataset once; nothing is kept.

    Args:
        exclude: a folder that holds no class, such as the workspace. missing: list files that a table names and that are not
            there; they are refused otherwise. corrupt: decode the pictures, as training does, and do not only read their headers.
        tick: called with the number of files done and of all.

    Raises:
        NotReady: no dataset is given. DatasetError, NotFound: the dataset cannot be used, as the message says.
    """
    gone: list[str] = []
    tables = list(prepare.discovered(spec, exclude, missing=gone if missing else None))
    samples = concatenate(tables)
    samples = replace(samples, subsets=samples.sources)
    how = policy(spec.data.transforms.train, spec.data.input_size, spec.data.stored_size) if corrupt else None
    files = _read_all(samples, how, spec.data.workers, tick)
    samples = replace(
        samples,
        digests=np.array([file.digest for file in files], DIGEST),
        oddities=np.array([file.oddities for file in files], np.uint16),
        problems=as_column([file.header.problem for file in files]),
    )
    summary = _summary(samples, [file.header for file in files], SPLIT if len(tables) > 1 else (WHOLE,), gone)
    return summary if how is None else _with_leaks(summary, samples, files)


def _read_all(samples: Samples, how: Policy | None, workers: int, tick: Tick | None) -> list[_File]:
    paths, files = [samples.file_path(row) for row in range(len(samples))], []
    with ThreadPoolExecutor(min(workers, cpu_count()), "monklite-decoding") as pool:
        for file in in_order(pool, lambda path: _read(path, how), paths, workers):
            files.append(file)
            if tick:
                tick(len(files), len(paths))
    return files


def _read(path: str, how: Policy | None) -> _File:
    content, problem = decode.read_file(path)
    if problem:
        return _File(Header(problem=problem))
    file = _File(retried(lambda: decode.header(content), path), digest_of(content))
    if how is None or file.header.problem:
        return file
    decoded = retried(lambda: decode.decode(content, how.stored_size, how.prefix, how.input_size, described=True), path)
    header = file.header._replace(problem=decoded.problem)
    return file._replace(header=header, oddities=decoded.oddities, description=decoded.description)


def _summary(
    samples: Samples, headers: Sequence[Header], subsets: Sequence[str], missing: Sequence[str]
) -> Exploration:
    task, readable = samples.task, [header for header in headers if not header.problem]
    by_subset = [task.counts(samples.labels[samples.subsets == i]) for i in range(len(subsets))]
    by_class = zip(*by_subset, strict=True)
    return Exploration(
        {name: dict(zip(subsets, of, strict=True)) for name, of in zip(samples.classes, by_class, strict=True)},
        len(samples),
        int(np.count_nonzero(~task.membership(samples.labels).any(axis=1))),
        _sizes([header.size for header in readable]),
        dict(Counter(header.format for header in readable).most_common()),
        dict(Counter(header.mode for header in readable).most_common()),
        health.counts(samples),
        tuple(missing),
        health.unreadable(samples),
        health.copies(samples),
    )


def _with_leaks(summary: Exploration, samples: Samples, files: Sequence[_File]) -> Exploration:
    descriptions = Descriptions.unknown(len(files))
    for row, file in enumerate(files):
        if file.description is not None:
            descriptions.set(row, file.description)
    found = leaks.look_for(samples, descriptions)
    near = tuple(leaks.as_rows(samples, found.near))
    if WHOLE in next(iter(summary.counts.values())):
        near = tuple({**row, "subset": WHOLE, "other_subset": WHOLE} for row in near)
    return replace(summary, near_copies=near, giveaways=tuple(map(str, found.telling)))


def _sizes(sizes: Sequence[tuple[int, int]]) -> dict[str, tuple[int, int]]:
    if not sizes:
        return {}
    ordered = sorted(sizes, key=lambda size: (size[0] * size[1], size))
    return {"smallest": ordered[0], "median": ordered[len(ordered) // 2], "largest": ordered[-1]}
