"""Networks of the user: a class or function that builds one for a number of classes, or a network itself.

What is in a file of the user is recorded by its place (`nets:build`, `nets.py:build`) with the digest of the file, so that
another session can build it again. It is imported only if the file is what it was: a run may come from other people, and opening
it must run no code but the user's own. What was typed into a notebook, made within a function or is a network itself is known to
its session only; another one is given it again, with `model=`. No object is ever stored.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.util
import inspect
import re
import secrets
import sys
import sysconfig
from pathlib import Path
from types import ModuleType
from typing import Any

from ..errors import InvalidType, InvalidValue, NotFound, NotReady, shown
from ..looking import is_file
from ..regular_files import read_regular
from ..spec import ModelSpec, OwnNetwork

PREFIX = "own/"
MAX_NAME = 80
# names of the folders of installed packages
PACKAGES = frozenset(("site-packages", "dist-packages"))
# what was given in this session: place and key -> the object; and the name of a network that a run is opened with -> it
_given: dict[OwnNetwork, Any] = {}
_provided: dict[str, Any] = {}


def given(model: Any) -> tuple[str, OwnNetwork]:
    """Take a network of the user; returns its name and how it is found again.

    Args:
        model: a class or function of the number of classes; its place, as text; or a network.

    Raises:
        InvalidType: something else. NotFound, InvalidValue: there is nothing at the place.
    """
    place, made = (model, _imported(model)) if isinstance(model, str) else ("", model)
    if not place:
        place = _place_of(made)
    file = _file_of(place) if place else None
    # an object of this session gets a key that no other has
    source = OwnNetwork(place=place, key=_digest(file)) if file else OwnNetwork(key=secrets.token_hex(16))
    _given[source] = made
    return _name(made), source


def provide(model: Any) -> None:
    """Take the network that a run which is opened next was trained with. Raises as `given`."""
    made = _imported(model) if isinstance(model, str) else model
    _provided[_name(made)] = made


def find(model: ModelSpec) -> Any:
    """The class, function or network of a spec.

    Raises:
        NotReady: it belongs to another session, or its file has changed; the message says how to give it again.
    """
    source = model.source
    if source in _given:
        return _given[source]
    if model.name in _provided:
        return _provided[model.name]
    again = f"Give it again: Prototype(..., model={model.name.removeprefix(PREFIX)})"
    if not source.place:
        raise NotReady(f"the network {model.name} was made in another session, and no file has it. {again}")
    try:
        file = _file_of(source.place)
    except NotFound as error:
        raise NotReady(f"the network {model.name} cannot be built: {error}. {again}") from None
    if file is None or _digest(file) != source.key:
        raise NotReady(
            f"the network {model.name} comes from {shown(source.place)}, which is not the file that it was. {again}"
        )
    return _imported(source.place)


def is_network(made: Any) -> bool:
    """Whether an object is a network itself, and not what builds one."""
    return not (inspect.isclass(made) or inspect.isroutine(made) or isinstance(made, functools.partial))


def _name(made: Any) -> str:
    if is_network(made) and not any(hasattr(made, name) for name in ("parameters", "collect_params")):
        raise InvalidType(
            f"model must be a class or function of the number of classes, its place such as 'nets:build' or 'nets.py:build', or "
            f"a network, not {shown(made)} ({type(made).__name__})"
        )
    named = type(made) if is_network(made) else made.func if isinstance(made, functools.partial) else made
    return PREFIX + re.sub(r"\W+", "_", named.__name__).strip("_")[:MAX_NAME]


def _place_of(made: Any) -> str:
    """The place of a class or function that any session finds there; empty if there is none."""
    if is_network(made) or isinstance(made, functools.partial):
        return ""
    module, name = getattr(made, "__module__", ""), getattr(made, "__qualname__", "")
    # of a script, which would train once more if it were imported, and of a notebook
    if module in (None, "", "__main__") or getattr(sys.modules.get(module), name, None) is not made:
        return ""
    place = f"{module}:{name}"
    try:
        return place if _file_of(place) else ""
    except NotFound:
        return ""


def _split(place: str) -> tuple[str, str]:
    where, _, name = place.rpartition(":")
    if not where or not name.isidentifier():
        raise InvalidValue(f"model: {shown(place)} is no place of a network; write 'nets:build' or 'nets.py:build'")
    return where, name


def _file_of(place: str) -> Path | None:
    """The user's own file of a place; None if it belongs to Python or an installed package, or is not Python source.

    Raises:
        NotFound: there is no such module or file.
    """
    where, _ = _split(place)
    file = Path(where if where.endswith(".py") else _origin(where))
    if file.suffix == ".py" and not is_file(file):
        raise NotFound(f"model: there is no file {shown(str(file))}")
    resolved = file.resolve()
    installed = not PACKAGES.isdisjoint(resolved.parts) or any(resolved.is_relative_to(f) for f in _standard_library())
    return None if installed or file.suffix != ".py" else file


def _origin(module: str) -> str:
    try:
        found = importlib.util.find_spec(module)
    # a package around it may fail in any way
    except Exception as error:
        raise NotFound(f"model: there is no module {shown(module)} ({error})") from None
    if found is None:
        raise NotFound(
            f"model: there is no module {shown(module)} here; Python looks for it in the folders of sys.path"
        )
    return found.origin or ""


@functools.cache
def _standard_library() -> tuple[Path, ...]:
    return tuple(Path(sysconfig.get_paths()[name]).resolve() for name in ("stdlib", "platstdlib"))


def _digest(file: Path) -> str:
    return hashlib.sha256(read_regular(file)).hexdigest()


def _imported(place: str) -> Any:
    where, name = _split(place)
    module = _run(Path(where)) if where.endswith(".py") else _module(where)
    if not hasattr(module, name):
        raise NotFound(f"model: there is no {shown(name)} in {shown(where)}")
    return getattr(module, name)


def _module(where: str) -> ModuleType:
    _origin(where)
    try:
        return importlib.import_module(where)
    # it is a file of the user
    except Exception as error:
        raise InvalidValue(f"model: {where} cannot be imported: {type(error).__name__}: {error}") from error


def _run(file: Path) -> ModuleType:
    """The module in a file. Its name is of its content, so that a class in it is the same class for the whole session."""
    if not is_file(file):
        raise NotFound(f"model: there is no file {shown(str(file))}")
    name = f"monklite_network_{_digest(file)[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    found = importlib.util.spec_from_file_location(name, file)
    assert found is not None and found.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(found)
    try:
        found.loader.exec_module(module)
    # it is a file of the user
    except Exception as error:
        del sys.modules[name]
        raise InvalidValue(f"model: {file} cannot be run: {type(error).__name__}: {error}") from error
    return module
