"""The settings of a run from a YAML file, with what is given beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..catalog import stored
from ..catalog.appended import APPENDED
from ..catalog.backends import describe
from ..catalog.default_recipes import default_spec, quick_mode
from ..catalog.rows import Row
from ..catalog.transforms import TRANSFORMS
from ..errors import InvalidType, InvalidValue, MonkliteError, NotFound, UnknownArgument, find, shown, suggestion
from ..files import reading
from ..regular_files import read_regular
from ..rules import AUTO
from ..settings_tree import Frozen
from ..spec import SUBSETS, Choice, Spec
from .yaml_values import MAX_BYTES, Values, parse, parse_value

NAMES = ("project", "experiment")
# a file that is read never runs code
OWN_CODE = "model.source"
# what a table in a file is read with: as tables are read today
TABLE: dict[str, Any] = {"reading": 2, "label_delimiter": None}


@dataclass(frozen=True)
class SettingsFile:
    """What a file says. `project`, `experiment`: None: it does not say. `asked`: all settings, those left out by recipe."""

    project: str | None
    experiment: str | None
    asked: Spec


def read(path: str, overrides: Sequence[str] = ()) -> SettingsFile:
    """Read a file of settings.

    Args:
        overrides: `dotted.path=value` each, taken in place of what the file says.

    What the file leaves out is as `Default` sets it: the recipe of the network, with mirrored images and its normalization.
    Relative paths start from the folder of the file.

    Raises:
        NotFound, StorageError: it cannot be read. MonkliteError: what it says cannot be used; the message names file and line.
    """
    values = _read_file(Path(path))
    folder = Path(path).parent
    for text in overrides:
        _override(values, text)
    tree = dict(values.tree)
    names = {name: _text(tree.pop(name, None), name, path) for name in NAMES}
    try:
        asked = _spec(tree, folder)
    except MonkliteError as error:
        raise type(error)(f"{_place(error, tree, folder, values, path)}: {error}") from None
    return SettingsFile(names["project"], names["experiment"], asked)


def _read_file(path: Path) -> Values:
    try:
        with reading(path):
            content = read_regular(path, MAX_BYTES)
    except FileNotFoundError:
        raise NotFound(f"there is no file {shown(str(path))}; 'monklite config' writes one") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidValue(
            f"{path}: byte {error.start + 1} is not UTF-8: save the file in the encoding UTF-8"
        ) from None
    return parse(text, str(path))


def _override(values: Values, text: str) -> None:
    name, equals, given = text.partition("=")
    if not equals or not name.strip():
        raise InvalidValue(f"--set {shown(text)} must be NAME=VALUE, such as training.epochs=20")
    *parts, last = name.strip().split(".")
    tree = values.tree
    for part in parts:
        inner = tree.get(part)
        tree[part] = tree = dict(inner) if isinstance(inner, dict) else {}
    tree[last] = parse_value(given, f"--set {name.strip()}")
    values.lines[name.strip()] = 0


def _text(value: Any, name: str, path: str) -> str | None:
    if value is None or isinstance(value, str):
        return value
    # a name such as 2026 is a number in YAML
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise InvalidType(f"{path}: {name} must be a text, not {shown(value)}")


def _spec(tree: Mapping[str, Any], folder: Path) -> Spec:
    backend = tree.get("backend", Spec().backend)
    if not isinstance(backend, str):
        raise InvalidType(f"backend must be a text, not {shown(backend)}")
    describe(backend)
    base = _base(tree, backend)
    return stored.checked(base.replace(dict(_changes(tree, base, "", backend, folder))))


def _base(tree: Mapping[str, Any], backend: str) -> Spec:
    """The settings of what the file leaves out."""
    spec = default_spec(backend)
    model = tree.get("model")
    model = model if isinstance(model, dict) else {}
    if model.get("layers"):
        return spec
    name = model.get("name", spec.model.name)
    return spec.replace(quick_mode(backend, name)) if isinstance(name, str) else spec


def _changes(tree: Mapping[str, Any], part: Any, path: str, backend: str, folder: Path) -> Iterator[tuple[str, Any]]:
    """The settings that the file gives, by dotted path."""
    known = type(part).model_fields
    for name, value in tree.items():
        inner = f"{path}.{name}".lstrip(".")
        if inner == OWN_CODE:
            raise InvalidValue(
                f"{inner}: a network that is your own code is not named in a file, which others may have written: use Python, "
                "Model_Params(model=...)"
            )
        if name not in known:
            names = (*known, *NAMES) if not path else tuple(known)
            raise UnknownArgument(f"there is no setting {shown(inner)}.{suggestion(name, names)}".rstrip("."))
        if inner == "data.transforms" and isinstance(value, dict):
            _check_subsets(value)
        current = getattr(part, name)
        if isinstance(current, Frozen) and not isinstance(current, Choice):
            if not isinstance(value, dict):
                raise InvalidType(
                    f"{inner} holds settings, one a line and indented, such as '{next(iter(type(current).model_fields))}: ...'; "
                    f"this is {shown(value)}"
                )
            yield from _changes(value, current, inner, backend, folder)
        else:
            yield inner, _leaf(inner, value, backend, folder)


def _check_subsets(transforms: Mapping[str, Any]) -> None:
    """Refuse transforms of some subsets alone: the normalization of the others would not be theirs.

    Raises:
        InvalidValue: one is missing.
    """
    missing = [subset for subset in SUBSETS if subset not in transforms]
    if missing:
        raise InvalidValue(
            f"data.transforms needs {', '.join(SUBSETS)}; {', '.join(missing)} not given: images of all of them are normalized "
            "alike, so give the transforms of each, or none for those of the recipe"
        )


def _leaf(path: str, value: Any, backend: str, folder: Path) -> Any:
    section, _, field = path.rpartition(".")
    if section == "training" and field in stored.TRAINING:
        kind, rows = stored.TRAINING[field]
        return None if value is None else _choice(path, value, kind, rows, backend)
    if section == "data.transforms" and field in SUBSETS:
        return [_choice(path, one, "transform", TRANSFORMS, backend) for one in _list(path, value)]
    if path == "model.appended":
        return [_choice(path, one, "appended layer", APPENDED, backend) for one in _list(path, value)]
    if path == "model.layers":
        return _list(path, value)
    if path == "data.sources":
        return [_source(one, folder) for one in _list(path, value)]
    if path == "model.weights_path":
        return [_beside(folder, one) for one in _list(path, value)]
    if path == "data.group" and value is None:
        return AUTO
    return value


def _choice(path: str, value: Any, kind: str, rows: Mapping[str, Row], backend: str) -> Choice:
    """One row of a table: its name alone, or its name and the parameters that are not the usual ones."""
    given = {"name": value} if isinstance(value, str) else value
    if not isinstance(given, dict) or not isinstance(given.get("name"), str):
        raise InvalidType(f"{path}: write 'name: ...' and below it 'params:', not {shown(value)}")
    if unknown := [name for name in given if name not in Choice.model_fields]:
        raise UnknownArgument(
            f"{path} has name and params; parameters such as {shown(unknown[0])} stand below 'params:'"
        )
    params = given.get("params") or {}
    if not isinstance(params, dict):
        raise InvalidType(f"{path}.params must be 'name: value' pairs, not {shown(params)}")
    row = find(kind, given["name"], rows)
    return row.choose(backend, {name: _tuples(value) for name, value in params.items()})


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value


def _list(path: str, value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidType(f"{path} must be a list, one '- ...' a line, not {shown(value)}")
    return value


def _source(value: Any, folder: Path) -> Any:
    given = {"path": value} if isinstance(value, str) else value
    if not isinstance(given, dict) or "path" not in given:
        raise InvalidType(f"data.sources: each is '- path: ...', the folder of its images, not {shown(value)}")
    given = {**given, "path": _beside(folder, given["path"])}
    if "csv" in given:
        given = {**TABLE, **given, "csv": _beside(folder, given["csv"])}
    return given


def _beside(folder: Path, path: Any) -> Any:
    """A path of the file, as seen from the working folder."""
    # not shortened: beyond a link, .. is another folder
    return str(folder / path) if isinstance(path, str) and path else path


def _place(error: MonkliteError, tree: Mapping[str, Any], folder: Path, values: Values, path: str) -> str:
    """The file and the line of the setting that an error is about: the only one that makes the same error alone."""
    for setting, line in sorted(values.lines.items(), key=lambda item: -item[0].count(".")):
        alone = _only(tree, setting.split("."))
        if alone is None:
            continue
        try:
            _spec(alone, folder)
        except MonkliteError as same:
            if str(same) == str(error):
                return f"{path}, line {line}" if line else f"--set {setting}"
    return path


def _only(tree: Any, parts: Sequence[str]) -> Any:
    """The tree with one value of it, beside the backend and the network that its rules depend on; None: it is in a list."""
    if not parts:
        return tree
    if not isinstance(tree, dict) or parts[0] not in tree:
        return None
    inner = _only(tree[parts[0]], parts[1:])
    if inner is None and len(parts) > 1:
        return None
    kept = {name: tree[name] for name in ("backend", "name") if name in tree and name != parts[0]}
    return {**kept, parts[0]: inner}
