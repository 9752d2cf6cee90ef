"""Check requested settings against the capabilities in a backend's description."""

from __future__ import annotations

from ..catalog.backends import describe
from ..errors import InvalidValue
from ..spec import Resolved, Spec


def check_capabilities(spec: Spec | Resolved) -> None:
    """Refuse a precision or compilation that the spec's backend does not support.

    Raises:
        InvalidValue: not supported; the message names the alternatives.
    """
    backend = describe(spec.backend)
    if spec.model.precision not in backend.precisions:
        raise InvalidValue(
            f"the {backend.name} backend has no precision {spec.model.precision!r}: use "
            f"{' or '.join(map(repr, backend.precisions))}, or backend='pytorch'"
        )
    if spec.model.compile and not backend.compiles:
        raise InvalidValue(
            f"the {backend.name} backend has no compile (its networks always are); use backend='pytorch'"
        )
