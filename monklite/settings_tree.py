"""Settings as a tree of frozen values, read and changed by dotted paths, and made from plain values with errors in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from .errors import InvalidValue, MonkliteError, UnknownArgument, cut, shown, suggestion
from .rules import Rule

M = TypeVar("M", bound=BaseModel)
V = TypeVar("V", bound="Settings")


class Frozen(BaseModel):
    """Values that cannot be changed in place and have no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=False, ser_json_inf_nan="strings")


class Settings(Frozen):
    """Values in a tree, each with a dotted path such as `"data.batch_size"`."""

    def get(self, path: str) -> Any:
        """The value at a dotted path.

        Raises:
            UnknownArgument: there is no such path; the message suggests a similar one.
        """
        value: Any = self
        for part in path.split("."):
            children = _children(value)
            if part not in children:
                raise _no_setting(path, part, children)
            value = children[part]
        return value

    def replace(self: V, changes: Mapping[str, Any], names: Mapping[str, str] | None = None) -> V:
        """A copy with the values at dotted paths replaced; every value is checked.

        Args:
            names: path -> the user's name for it, for errors; the field's name by default.

        >>> Spec().replace({"data.batch_size": 8}).data.batch_size
        8
        """
        tree = _children(self)
        for path, value in changes.items():
            self.get(path)
            rule = rule_of(type(self), path) if names and path in names else None
            _set(tree, path.split("."), value if rule is None or names is None else rule(names[path], value))
        return build(type(self), tree)

    def differences(self, other: Settings) -> list[str]:
        """The dotted paths of the values that differ."""
        return _differences(self, other, "")


def _differences(left: Any, right: Any, path: str) -> list[str]:
    if left == right:
        return []
    lefts, rights = _children(left), _children(right)
    if not lefts or lefts.keys() != rights.keys():
        return [path]
    return [d for name in lefts for d in _differences(lefts[name], rights[name], f"{path}.{name}".lstrip("."))]


def rule_of(model: type[BaseModel], path: str) -> Rule | None:
    """The rule of the field at a dotted path, None if it has none of its own."""
    *parts, name = path.split(".")
    for part in parts:
        annotation = model.model_fields[part].annotation if part in model.model_fields else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return None
        model = annotation
    rules = [entry for entry in model.model_fields[name].metadata if isinstance(entry, Rule)]
    return rules[0] if rules else None


def _set(tree: dict[str, Any], parts: list[str], value: Any) -> None:
    head, *rest = parts
    if rest:
        tree[head] = _children(tree[head])
        _set(tree[head], rest, value)
    else:
        tree[head] = value


def _children(value: Any) -> dict[str, Any]:
    """The values one level below a value of the spec, by name; a copy."""
    if isinstance(value, BaseModel):
        return {name: getattr(value, name) for name in type(value).model_fields}
    return dict(value) if isinstance(value, dict) else {}


def _no_setting(path: str, part: str, known: Iterable[str]) -> UnknownArgument:
    return UnknownArgument(f"there is no setting {shown(path)}.{suggestion(part, known)}".rstrip("."))


def build(model: type[M], values: Any) -> M:
    """Make a `model` from plain values; a pydantic error becomes a `MonkliteError` that names the field and the rule."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _as_monklite_error(model, error) from None


def _as_monklite_error(model: type[BaseModel], error: ValidationError) -> MonkliteError:
    first = error.errors()[0]
    cause: Any = first.get("ctx", {}).get("error")
    while cause is not None and not isinstance(cause, MonkliteError):
        cause = cause.args[0] if cause.args and isinstance(cause.args[0], BaseException) else None
    if cause is not None:
        return cause
    path = cut(".".join(map(str, first["loc"])))
    if first["type"] == "extra_forbidden":
        return _no_setting(path, str(first["loc"][-1]), model.model_fields)
    return InvalidValue(f"{path}: {first['msg']} (given: {shown(first['input'])})")
