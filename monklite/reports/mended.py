"""Which images one run mends and which it breaks, compared with another run on the same test images, as pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ..data import decode
from ..data.samples import path_in
from ..errors import MonkliteError
from ..runs.predictions import Predictions
from ..tasks import NO_LABEL
from . import charts, pages
from .comparison import Entry
from .pairs import Pair, Tested, same_tests

MENDED, BROKEN = "mended{}.png", "broken{}.png"
# pairs that get sheets, in each of which the best run is; pictures on a sheet; their side in px
MAX_PAIRS, MAX_PICTURES, SIDE = 2, 12, 224
# characters of the name of a file below its folder
NAME_LENGTH = 40
ENDINGS = ("", *(f"_{number}" for number in range(2, MAX_PAIRS + 1)))
FILES = tuple(kind.format(ending) for ending in ENDINGS for kind in (MENDED, BROKEN))
# those of the first pair, which a page shows: pages are to be small
FIRST = FILES[:2]


class Shown(NamedTuple):
    """An image in a page. `source`: its address within the page. `lines`: its name, its label, and the prediction of each run."""

    source: str
    lines: list[str]


@dataclass(frozen=True)
class Sheets:
    """Sheets of pictures. `titles`, `contents` (PNG), `pictures` (for a page): by file name; of some files there are no
    `pictures`. `missing`: images that cannot be shown, each with why."""

    titles: dict[str, str] = field(default_factory=dict)
    pictures: dict[str, list[Shown]] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


def draw(entries: Sequence[Entry], pairs: Sequence[Pair]) -> Sheets:
    """Draw the images that only the better run of a pair gets right (mended), and that only the other one does (broken).

    Args:
        pairs: all those of the entries; the first pairs of the first one's best run are drawn.
    """
    groups = [{tested.entry.label: tested for tested in group} for group in same_tests(entries)]
    drawn, sheets = [pair for pair in pairs if pair.best == pairs[0].best][:MAX_PAIRS], Sheets()
    for ending, pair in zip(ENDINGS, drawn, strict=False):
        best, other = groups[pair.group][pair.best], groups[pair.group][pair.other]
        a, b = pair.best, pair.other
        _add(sheets, MENDED.format(ending), best, other, (f"{a} mends", f"that {b} gets wrong"))
        _add(sheets, BROKEN.format(ending), other, best, (f"{a} breaks", f"that {b} gets right"))
    return sheets


def _add(sheets: Sheets, file: str, right: Tested, wrong: Tested, title: tuple[str, str]) -> None:
    """Add the sheet of the images that `right` alone gets right; those of which `wrong` was surest come first."""
    rows = np.flatnonzero(right.answers.correct & ~wrong.answers.correct)
    if not len(rows):
        return
    order = rows[np.argsort(-np.nan_to_num(wrong.answers.confidence[rows]), kind="stable")]
    pictures, captions = [], []
    for row, picture in _pictures(right, order, sheets.missing):
        pictures.append(picture)
        captions.append(_caption(row, right, wrong))
    text = f"{title[0]} {len(rows)} {'image' if len(rows) == 1 else 'images'} {title[1]}"
    if len(pictures) < len(rows):
        text += f" ({len(pictures)} shown, the surest mistakes first)"
    if pictures:
        sheets.titles[file] = text
        if file in FIRST:
            sources = map(pages.photograph, pictures)
            sheets.pictures[file] = [Shown(*shown) for shown in zip(sources, captions, strict=True)]
        sheets.contents[file] = charts.as_png(charts.pictures(text, pictures, captions, charts.LARGE_PICTURE))


def _pictures(tested: Tested, rows: np.ndarray, missing: list[str]) -> Iterator[tuple[int, np.ndarray]]:
    """The first images of the rows that can be read: row, and uint8 (side, side, 3)."""
    n_shown, n_missing = 0, 0
    for row in rows:
        # where a drive is gone, not every file is tried
        if n_shown == MAX_PICTURES or n_missing == MAX_PICTURES:
            return
        try:
            picture, _ = decode.load(path_in(tested.test.dataset_path, tested.answers.paths[row]), SIDE)
        except MonkliteError as error:
            missing.append(str(error))
            n_missing += 1
            continue
        n_shown += 1
        yield int(row), picture


def _caption(row: int, *runs: Tested) -> list[str]:
    """Name of the file, true label, and the prediction of each run with its score."""
    answers = runs[0].answers
    name = answers.paths[row].replace("\\", "/").rsplit("/", 1)[-1]
    told = [f"{run.entry.label}: {_answer(run.answers, row)}" for run in sorted(runs, key=lambda run: run.entry.label)]
    return [name[-NAME_LENGTH:], f"is {answers.labels[row] or NO_LABEL}", *told]


def _answer(answers: Predictions, row: int) -> str:
    score = answers.confidence[row]
    return (answers.predicted[row] or NO_LABEL) + ("" if np.isnan(score) else f" {score:.2f}")
