"""Check the arguments of public methods; errors name the wrong one and suggest a similar name."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from ..errors import UnknownArgument, shown, suggestion

P = ParamSpec("P")
R = TypeVar("R")


def api(method: Callable[P, R]) -> Callable[P, R]:
    """Decorate a public method: a call with wrong arguments raises `UnknownArgument` and explains them."""
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
    unknown = [k for k in keywords if k not in known]
    parameters = (p for name, p in signature.parameters.items() if name != "self")
    arguments = ", ".join(str(p.replace(annotation=inspect.Parameter.empty)) for p in parameters)
    usage = f"It is called as {name}({arguments})"
    if unknown:
        return f"{name}() has no argument {shown(unknown[0])}.{suggestion(unknown[0], known)} {usage}"
    if n_args - 1 > len(known):
        return f"{name}() takes at most {len(known)} arguments, not {n_args - 1}. {usage}"
    return f"{name}(): {error}. {usage}"
