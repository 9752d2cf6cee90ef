"""Networks of the user: a class or function that builds one for a number of classes, or a network itself.

What is in a file of the user is recorded by its place (`nets:build`, `nets.py:build`) with the digest of the file, so that
another session can build it again. It is imported only if the file is what it was and this user has given it before, because a
run may come from other people, and opening it must run no code of theirs. What was typed into a notebook, made within a function
or is a network itself is known to its session only; another one is given it again, with `model=`. No object is ever stored.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import importlib.util
import inspect
import os
import re
import secrets
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from ..errors import InvalidType, InvalidValue, MonkliteError, NotFound, NotReady, shown
from ..files import make_folder, write_text
from ..looking import is_file
from ..regular_files import read_regular
from ..spec import ModelSpec, OwnNetwork

PREFIX = "own/"
MAX_NETWORK_NAME = 80
# digests of the files that this user has given, one per line
MAX_TRUSTED = 1 << 20
# names of the folders of installed packages
PACKAGE_FOLDERS = frozenset(("site-packages", "dist-packages"))
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
    if file:
        _check_current(made, file)
        _trust(_digest(file))
    source = OwnNetwork(place=place, key=_digest(file)) if file else OwnNetwork(key=_key_of(made))
    _given[source] = made
    return _name(made), source


def provide(model: Any) -> None:
    """Take the network that the run which is opened next was trained with; None: it has to be found. Raises as `given`."""
    _provided.clear()
    if model is not None:
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
    if source.key not in _trusted():
        raise NotReady(
            f"the network {model.name} comes from {shown(source.place)}, which was not given here before, and opening a run runs "
            f"no code of others. If it is yours: Prototype(..., model={source.place!r})"
        )
    try:
        file = _file_of(source.place)
    except NotFound as error:
        raise NotReady(f"the network {model.name} cannot be built: {error}. {again}") from None
    if file is None or _digest(file) != source.key:
        raise NotReady(
            f"the network {model.name} comes from {shown(source.place)}, which is not the file that it was. {again}"
        )
    return _imported(source.place)


def _key_of(made: Any) -> str:
    """The key of an object that no file has for other sessions: of its source, so that the same script or cell gives the same."""
    try:
        return hashlib.sha256(inspect.getsource(made).encode()).hexdigest()
    # a network itself, or what was made by code
    except (OSError, TypeError):
        return secrets.token_hex(16)


def _trusted_file() -> Path:
    folder = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(folder) / "monklite" / "networks"


def _trusted() -> list[str]:
    try:
        return read_regular(_trusted_file(), MAX_TRUSTED).decode().split()
    # nothing was given yet, or the file cannot be read
    except (OSError, ValueError, RuntimeError):
        return []


def _trust(digest: str) -> None:
    """Remember that this user has given a file. If that cannot be stored, the user is asked to give it again."""
    known = _trusted()
    if digest not in known:
        with contextlib.suppress(MonkliteError, OSError, RuntimeError):
            make_folder(_trusted_file().parent)
            write_text(_trusted_file(), "\n".join([*known, digest, ""]))


def _check_current(made: Any, file: Path) -> None:
    """Refuse a network whose file was changed after it was imported: another session would build the changed one.

    Raises:
        InvalidValue: it was changed.
    """
    try:
        present = {
            _meaning(code) for code in _code_in(compile(read_regular(file), str(file), "exec", dont_inherit=True))
        }
    except SyntaxError:
        present = set()
    if any(_meaning(code) not in present for code in _code_of(made) if _is_from(code, file)):
        raise InvalidValue(
            f"model: {file} was changed after it was imported, so the imported network differs from the one in the file: restart "
            "the session to import it again"
        )


def _code_in(code: CodeType) -> Iterator[CodeType]:
    """The code of every function in some code."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _code_in(constant)


def _code_of(made: Any) -> Iterator[CodeType]:
    """The code of a function, or of the methods of a class."""
    for value in vars(made).values() if inspect.isclass(made) else [made]:
        code = getattr(value, "__code__", None)
        if isinstance(code, CodeType):
            yield code


def _is_from(code: CodeType, file: Path) -> bool:
    # not that of a decorator, for example
    return Path(code.co_filename).name == file.name


def _meaning(code: CodeType) -> tuple[object, ...]:
    """The content of code without its place in the file; equal for code that does the same."""
    constants = tuple(_meaning(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts)
    return code.co_name, code.co_code, code.co_names, code.co_varnames, constants


def is_network(made: Any) -> bool:
    """Whether an object is a network itself, and not a class or function that builds one."""
    return not (inspect.isclass(made) or inspect.isroutine(made) or isinstance(made, functools.partial))


def check_output(name: str, shape: object, n_classes: int) -> None:
    """Refuse a network whose output for 2 images has not this shape: a number for each class."""
    if shape != (2, n_classes):
        raise InvalidValue(
            f"{name} must give one number for each of the {n_classes} classes, (2, {n_classes}) for 2 images, not {shape}: give "
            "a class or function that builds the network for the number of classes"
        )


def _name(made: Any) -> str:
    if is_network(made) and not any(hasattr(made, name) for name in ("parameters", "collect_params")):
        raise InvalidType(
            f"model must be a class or function of the number of classes, its place such as 'nets:build' or 'nets.py:build', or "
            f"a network, not {shown(made)} ({type(made).__name__})"
        )
    named = type(made) if is_network(made) else made.func if isinstance(made, functools.partial) else made
    return PREFIX + re.sub(r"\W+", "_", named.__name__).strip("_")[:MAX_NETWORK_NAME]


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
    installed = not PACKAGE_FOLDERS.isdisjoint(resolved.parts) or any(
        resolved.is_relative_to(f) for f in _standard_library()
    )
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
