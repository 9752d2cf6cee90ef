"""Scale pictures of more than 8 bits to 8: which value becomes black and which white, of one file or of a whole dataset."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
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

    `ranges`: a map from the kind to (black, white); of a kind that is absent, the files decide. `per_file`: each file is
    scaled by its own range, as in runs of earlier versions.
    """

    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    per_file: bool = False

    def range_for(self, own: Range) -> Range:
        """The range by which a file is scaled, given its own."""
        given = None if self.per_file else self.ranges.get(own.kind)
        return own if given is None else Range(own.kind, *given)

    def decided_by(self, files: Iterable[Range]) -> Levels:
        """The levels with the ranges of the kinds that are absent so far: those that hold the range of every file."""
        if self.per_file:
            return self
        ranges: dict[str, tuple[float, float]] = {}
        for kind, black, white in files:
            if kind not in self.ranges:
                lowest, highest = ranges.get(kind, (black, white))
                ranges[kind] = min(lowest, black), max(highest, white)
        return Levels({**self.ranges, **ranges})

    def as_text(self) -> str:
        """The same text for equal levels; empty if nothing is decided."""
        if self.per_file:
            return "per file"
        return json.dumps(dict(sorted(self.ranges.items()))) if self.ranges else ""


PER_FILE = Levels(per_file=True)


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
