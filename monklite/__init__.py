"""monklite: train, evaluate and compare image classifiers in a few lines.

    from monklite import Prototype, compare

Importing this module imports no framework; a framework is imported on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from .facade.compare import compare
    from .facade.ensemble import Ensemble
    from .facade.prototype import Prototype

__all__ = ["Ensemble", "Prototype", "__version__", "compare"]
_LAZY = {
    "Ensemble": "monklite.facade.ensemble",
    "Prototype": "monklite.facade.prototype",
    "compare": "monklite.facade.compare",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        import importlib

        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'monklite' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_LAZY])
