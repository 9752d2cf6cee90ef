"""Confidence intervals."""

from __future__ import annotations

import math


def wilson(correct: int, total: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's 95 % confidence interval of `correct / total`, 0 to 1 (Wilson 1927); also valid for small counts."""
    if not total:
        return 0.0, 1.0
    share, spread = correct / total, z * z / total
    centre = (share + spread / 2) / (1 + spread)
    half_width = z / (1 + spread) * math.sqrt(share * (1 - share) / total + spread / (4 * total))
    return max(0.0, centre - half_width), min(1.0, centre + half_width)
