"""Calls with wrong arguments get an error that names them and what was probably meant."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from ..errors import UnknownArgument, suggestion

P = ParamSpec("P")
R = TypeVar("R")


def api(method: Callable[P, R]) -> Callable[P, R]:
    """A public method: any argument by position or keyword; a wrong one is explained."""
    signature = inspect.signature(method)
    name = method.__qualname__.split(".")[0] if method.__name__ == "__init__" else method.__name__

    @functools.wraps(method)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            signature.bind(*args, **kwargs)
        except TypeError as error:
            raise UnknownArgument(_explain(name, signature, len(args), list(kwargs), str(error))) from None
        return method(*args, **kwargs)

    return checked


def _explain(name: str, signature: inspect.Signature, n_args: int, keywords: list[str], error: str) -> str:
    known = [p for p in signature.parameters if p != "self"]
    strange = [k for k in keywords if k not in known]
    shown = ", ".join(str(p) for n, p in signature.parameters.items() if n != "self")
    if strange:
        return (
            f"{name}() has no argument {strange[0]!r}.{suggestion(strange[0], known)} It is called as {name}({shown})"
        )
    if n_args - 1 > len(known):
        return f"{name}() takes at most {len(known)} arguments, not {n_args - 1}. It is called as {name}({shown})"
    return f"{name}(): {error}. It is called as {name}({shown})"
