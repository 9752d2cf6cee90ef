"""Intervals: how far a figure may be from what many more images would give."""

from __future__ import annotations

import math


def wilson(correct: int, total: int, z: float = 1.959964) -> tuple[float, float]:
    """95 % interval of a share, 0 to 1 (Wilson 1927). It stays inside 0 to 1 and holds for small counts."""
    if not total:
        return 0.0, 1.0
    share, spread = correct / total, z * z / total
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / total + spread / (4 * total))
    return max(0.0, middle - half), min(1.0, middle + half)
