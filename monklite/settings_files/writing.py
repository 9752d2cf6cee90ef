"""Settings as a YAML file with comments, from which the same training can be begun again."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..catalog import SETTINGS
from ..catalog.default_recipes import default_transforms, resolve
from ..errors import NotReady, shown
from ..settings_tree import Frozen
from ..spec import Choice, Folders, Spec, Table, Transforms
from .reading import OWN_CODE, TABLE
from .yaml_values import dump

# settings that are rarely used: without comment, and only if they are not the usual ones
RARE = (
    "data.folds", "data.fold", "data.stored_size", "data.stored_views", "model.layers", "model.initializer", "model.appended",
    "model.weights_path", "training.resizing", "training.layer_rates", "training.intermediate_prefix",
)  # fmt: skip
LISTS = ("model.layers", "training.layer_rates")
IN_PARENTHESES = re.compile(r" \([^)]*\)")
MORE = {
    "backend": "pytorch or mxnet",
    "data.sources": "the folder of the images, and a second one for validation images; relative to this file",
    "data.group": "keeps images of a group, such as a patient, on one side of the split; auto: found where it is plain",
    "model.name": "see: monklite models",
    "data.transforms": "in this order; see List_Transforms()",
    "training.save_intermediate_models": "keep the weights of every epoch",
}
USUAL = Spec()


def as_yaml(
    spec: Spec, project: str, experiment: str, notes: tuple[str, ...] = (), folder: str = "", fixed: bool = False
) -> str:
    """The settings, each with what it means; those that were left to the recipe are comments with its values.

    Args:
        notes: sentences at the beginning. folder: where the file will be, from which its relative paths start. fixed: also
            transforms that are those of the recipe are written.

    Raises:
        NotReady: the network is the user's own code, which no file of settings names.
    """
    if spec.model.is_own:
        raise NotReady(
            f"the network {shown(spec.model.name)} is your own code, which a file of settings does not name: the script in the "
            "run's report trains it again"
        )
    spec = _seen_from(folder, spec)
    lines = [f"# {note}" for note in notes]
    lines += [f"project: {dump(project)}", f"experiment: {dump(experiment)}"]
    resolved = resolve(spec)
    lines += _section(spec, resolved, "", 0, None if fixed else _usual_transforms(resolved))
    return "\n".join([*lines, ""])


def _seen_from(folder: str, spec: Spec) -> Spec:
    """The settings with relative paths as they are from a folder."""

    def moved(path: str) -> str:
        if Path(path).is_absolute():
            return path
        try:
            return Path(os.path.relpath(path, folder or os.curdir)).as_posix()
        # another drive of Windows
        except ValueError:
            return str(Path(path).absolute())

    sources = [
        source.model_copy(
            update={name: moved(getattr(source, name)) for name in ("path", "csv") if hasattr(source, name)}
        )
        for source in spec.data.sources
    ]
    return spec.replace(
        {"data.sources": tuple(sources), "model.weights_path": tuple(map(moved, spec.model.weights_path))}
    )


def _section(part: Frozen, resolved: Any, path: str, depth: int, usual: Transforms | None) -> Iterator[str]:
    indent = "  " * depth
    for name in type(part).model_fields:
        inner, value = f"{path}.{name}".lstrip("."), getattr(part, name)
        if inner == OWN_CODE or (inner in RARE and value == USUAL.get(inner)):
            continue
        filled = getattr(resolved, name)
        if inner == "data.transforms" and value == usual:
            # another network has another normalization
            yield f"{indent}# by recipe:{_meaning(inner, ' ')}"
            yield from (f"{indent}# {line}" for line in (f"{name}:", *_section(value, filled, inner, 1, usual)))
            continue
        if value is None:
            # left open, so that another network has its own
            yield f"{indent}# by recipe:{_meaning(inner, ' ')}".rstrip(":")
            yield from (f"{indent}# {line}" for line in _lines(f"{name}:", filled, inner))
        elif isinstance(value, Frozen) and not isinstance(value, Choice):
            yield f"{indent}{name}:{_meaning(inner, '  # ')}"
            yield from _section(value, filled, inner, depth + 1, usual)
        else:
            first, *rest = _lines(f"{name}:", value, inner)
            yield f"{indent}{first}{_meaning(inner, '  # ')}"
            yield from (f"{indent}{line}" for line in rest)


def _usual_transforms(resolved: Any) -> Transforms | None:
    """The transforms of quick mode; None: the network is of layers, and has none."""
    return None if resolved.model.layers else default_transforms(resolved.backend, resolved.model.name)


def _lines(head: str, value: Any, path: str) -> Iterator[str]:
    """A setting in lines, those after the first one indented."""
    if isinstance(value, Choice):
        yield head
        yield from (f"  {line}" for line in _choice(value))
    elif isinstance(value, tuple) and value and path not in LISTS:
        yield head
        for one in value:
            first, *rest = _choice(one) if isinstance(one, Choice) else _entry(one)
            yield f"  - {first}"
            yield from (f"    {line}" for line in rest)
    else:
        yield f"{head} {dump(_plain(value))}"


def _meaning(path: str, before: str) -> str:
    """What a setting is for, in a few words; `""`: its name says it."""
    setting = next((s for s in SETTINGS.values() if s.path == path), None)
    text = MORE.get(path) or (IN_PARENTHESES.sub("", setting.doc).partition(". ")[0].rstrip(".") if setting else "")
    return f"{before}{text[:1].lower()}{text[1:]}".replace("freeze_base_network", "freeze_base") if text else ""


def _choice(choice: Choice) -> Iterator[str]:
    yield f"name: {dump(choice.name)}"
    if choice.params:
        yield "params:"
        yield from (f"  {name}: {dump(_plain(value))}" for name, value in choice.params.items())


def _entry(value: Any) -> Iterator[str]:
    if isinstance(value, (Folders, Table)):
        for name, field in type(value).model_fields.items():
            given = getattr(value, name)
            if field.is_required() or given != TABLE.get(name, field.default):
                yield f"{name}: {dump(_plain(given))}"
    else:
        yield dump(_plain(value))


def _plain(value: Any) -> Any:
    """A value as YAML has it."""
    if isinstance(value, Frozen):
        return {name: _plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, dict):
        return {name: _plain(v) for name, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, (list, tuple)) else value
