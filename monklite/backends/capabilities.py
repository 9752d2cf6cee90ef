"""Check requested settings against the capabilities in a backend's description."""

from __future__ import annotations

from collections.abc import Callable

from ..catalog.backends import BUILT_IN, Description, describe
from ..errors import InvalidValue
from ..spec import Resolved, Spec


def check_capabilities(spec: Spec | Resolved) -> None:
    """Refuse a precision, compilation or fine-tuning that the spec's backend does not support.

    Raises:
        InvalidValue: not supported; the message names the alternatives.
    """
    backend, precision = describe(spec.backend), spec.model.precision
    if precision not in backend.precisions:
        elsewhere = _others(lambda other: precision in other.precisions)
        raise InvalidValue(
            f"the {backend.name} backend has no precision {precision!r}: use "
            f"{' or '.join(map(repr, backend.precisions))}, or {elsewhere}"
        )
    if spec.model.compile and not backend.compiles:
        raise InvalidValue(
            f"the {backend.name} backend does not compile on request; use {_others(lambda other: other.compiles)}"
        )

    if (spec.training.layer_rates or spec.training.head_epochs) and not backend.fine_tunes:
        raise InvalidValue(
            f"the {backend.name} backend trains all layers from the first epoch on at one learning rate; for layer_rates and "
            f"head_epochs use {_others(lambda other: other.fine_tunes)}"
        )


def _others(condition: Callable[[Description], bool]) -> str:
    """The backends that fulfil a condition, as they are chosen."""
    return " or ".join(f"backend={name!r}" for name in BUILT_IN if condition(describe(name)))
