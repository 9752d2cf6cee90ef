"""Ways to vary training images that harm hardly ever, with their strength; the pages and `Choose` use the same."""

from __future__ import annotations

from typing import Any

# name of the transform, its parameters
TURN: tuple[str, dict[str, Any]] = ("random_rotation", {"degrees": 10})
LIGHT: tuple[str, dict[str, Any]] = ("color_jitter", {"brightness": 0.25, "contrast": 0.25})
MIRROR: tuple[str, dict[str, Any]] = ("random_horizontal_flip", {})
