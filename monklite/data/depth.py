"""Scale pictures of more than 8 bits to 8: which value becomes black and which white, of one file or of a whole dataset."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

STRIP_PIXELS = 1 << 20
KINDS = ("integer", "float")
DEPTHS = (8, 10, 12, 14, 16)  # bits; the usual ones
# floats with a smaller largest value have no depth in bits
MAX_FRACTION = 16


class Range(NamedTuple):
    """The values that become black and white. `kind`: of the values, one of `KINDS`, each of which has its own range."""

    kind: str
    black: float
    white: float


@dataclass(frozen=True)
class Levels:
    """The range of each kind of deep picture in a dataset.

    `ranges`: one for each kind that is decided; for the other kinds, the files decide. `per_file`: each file is scaled by its
    own range, as earlier versions did.
    """

    ranges: tuple[Range, ...] = ()
    per_file: bool = False

    def range_for(self, own: Range) -> Range:
        """The range by which a file is scaled, given its own; its own if none is decided for its kind."""
        decided = () if self.per_file else self.ranges
        return next((given for given in decided if given.kind == own.kind), own)

    def decides(self, own: Range) -> bool:
        """Whether the range of a file of this kind is fixed before the other files are known."""
        return self.per_file or any(given.kind == own.kind for given in self.ranges)

    def decided_by(self, files: Iterable[Range]) -> Levels:
        """The levels with a range for each kind that is open: from the smallest black to the largest white of these files."""
        if self.per_file:
            return self
        new: dict[str, Range] = {}
        for own in files:
            if not self.decides(own):
                so_far = new.get(own.kind, own)
                new[own.kind] = Range(own.kind, min(so_far.black, own.black), max(so_far.white, own.white))
        return Levels(tuple(sorted((*self.ranges, *new.values()))))

    def decided_kind(self, kind: str) -> bool:
        """Whether the training images had deep pictures of this kind (one of `KINDS`), by which others are scaled."""
        return not self.per_file and any(given.kind == kind for given in self.ranges)

    def as_text(self) -> str:
        """The levels as text; empty if nothing is decided."""
        if self.per_file:
            return _PER_FILE_TEXT
        return json.dumps(self.ranges) if self.ranges else ""

    @classmethod
    def from_text(cls, text: str) -> Levels:
        """The levels that `as_text` wrote."""
        if text == _PER_FILE_TEXT:
            return cls(per_file=True)
        return cls(tuple(Range(*values) for values in json.loads(text or "[]")))

    @classmethod
    def recorded(cls, ranges: Iterable[tuple[str, float, float]] | None) -> Levels:
        """The levels of a run's record; None: of a run from before levels were recorded, which scaled file by file."""
        return cls(per_file=True) if ranges is None else cls(tuple(Range(*values) for values in ranges))


UNDECIDED = Levels()
_PER_FILE_TEXT = "per file"


def scaling_remark(files: Mapping[Range, int], levels: Levels) -> str:
    """The remark on how images of more than 8 bits are scaled; empty if each of them has the range it is scaled by.

    Args:
        files: the own ranges that occur, with the number of images of each.
    """
    if levels.per_file:
        return _PER_FILE_REMARK if files else ""
    n_deep, texts = sum(files.values()), []
    for given in levels.ranges:
        wider = sum(n for own, n in files.items() if own.kind == given.kind and _exceeds(own, given))
        narrower = sum(n for own, n in files.items() if own.kind == given.kind and own != given) - wider
        if wider or narrower:
            text = f"{given.kind} values from {given.black:.6g} to {given.white:.6g}"
            text += f" ({narrower} of them use less than that)" if narrower else ""
            texts.append(text + (f" ({wider} of them exceed it and are cut)" if wider else ""))
    if not texts:
        return ""
    return (
        f"{n_deep} images of more than 8 bits are scaled alike, so that their brightness can be compared: "
        + ", ".join(texts)
    )


def _exceeds(own: Range, given: Range) -> bool:
    return own.black < given.black or own.white > given.white


_PER_FILE_REMARK = (
    "images of more than 8 bits are scaled file by file, as by the version that trained this run; 16-bit colours and pictures "
    "whose white is zero are read more exactly now than then, so that their pixels differ: train a new version with them"
)


def own_range(pixels: np.ndarray) -> Range:
    """The range of one file: from its smallest value, at most 0, to the white of the smallest usual depth that holds it.

    Floats up to about 1 have the larger of 1 and their largest value as white. NaN and infinities do not count.
    """
    top = bottom = 0.0
    for values in map(_as_float, _strips(pixels)):
        finite = values[np.isfinite(values)]
        top, bottom = finite.max(initial=top), finite.min(initial=bottom)
    if pixels.dtype.kind == "f" and top < MAX_FRACTION:
        white = max(top, 1.0)
    else:
        white = next((2.0**bits - 1 for bits in DEPTHS if top <= 2**bits - 1), top)
    return Range("float" if pixels.dtype.kind == "f" else "integer", float(bottom), float(white))


def to_8_bit(pixels: np.ndarray, scale: Range) -> np.ndarray:
    """Scale values to 0..255, uint8 of the same shape; values outside the range are cut, NaN becomes 0 before scaling."""
    out = np.empty(pixels.shape, np.uint8)
    for values, strip in zip(map(_as_float, _strips(pixels)), _strips(out), strict=True):
        values = np.nan_to_num(values, posinf=scale.white, neginf=scale.black)
        strip[:] = np.clip(np.rint((values - scale.black) / max(scale.white - scale.black, 1e-12) * 255), 0, 255)
    return out


def _strips(pixels: np.ndarray) -> Iterator[np.ndarray]:
    """Views of a few rows each, so that a large picture is never in memory as float64."""
    rows = max(1, STRIP_PIXELS // max(1, pixels.shape[1]))
    return (pixels[start : start + rows] for start in range(0, len(pixels), rows))


def _as_float(pixels: np.ndarray) -> np.ndarray:
    # NaN may cause a warning when it is converted
    with np.errstate(invalid="ignore"):
        return pixels.astype(np.float64)
