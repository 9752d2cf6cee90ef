"""The spec: what the user asked for, and what is computed with, as frozen values that go to JSON and back unchanged.

`Spec` is what was asked: `None` in a field means "by recipe". `catalog.resolve` makes a `Resolved` of it, in which every
field has a value. A run stores both, so that a copy asks again for what was asked, and a run goes on with what it computed
with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from .errors import InvalidValue, MonkliteError, UnknownArgument, suggestion
from .rules import AUTO, FileStem, Flag, ListOf, Number, OneOf, OrAuto, OrNone, PathText, Rule, Text, Whole

M = TypeVar("M", bound=BaseModel)
V = TypeVar("V", bound="Settings")

DELIMITERS = (",", ";", "\t", "|", "-", " ")
LABEL_DELIMITERS = ("", ",", ";", "|", "/", "+", " ", "\t")  # "": one label per image
PRECISIONS = ("auto", "float32", "bfloat16", "float16")
SPLIT = ("train", "val")  # the subsets that a training has
SUBSETS = (*SPLIT, "test")


class Frozen(BaseModel):
    """Values that cannot be changed in place and have no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=False, ser_json_inf_nan="strings")


class Choice(Frozen):
    """One row of a catalog table with its parameters filled in, such as `sgd(learning_rate=0.01, ...)`."""

    name: str
    params: dict[str, Any] = Field(default_factory=dict)

    @field_validator("params")
    @classmethod
    def _lists_become_tuples(cls, params: dict[str, Any]) -> dict[str, Any]:
        return {key: _tuples(value) for key, value in params.items()}  # so that JSON gives back an equal value

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{k}={v}' for k, v in self.params.items())})"


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, (list, tuple)) else value


class Transforms(Frozen):
    """The transforms of each subset, in the order of application."""

    train: tuple[Choice, ...] = ()
    val: tuple[Choice, ...] = ()
    test: tuple[Choice, ...] = ()


class Folders(Frozen):
    """Images in one folder per class."""

    path: Annotated[str, PathText()]


class Table(Frozen):
    """Images of a folder that a CSV table names, with their labels.

    `label_delimiter`: what separates the labels in a cell of the table; `""`: a cell is one label.
    """

    path: Annotated[str, PathText()]
    csv: Annotated[str, PathText()]
    delimiter: Annotated[str, OneOf(DELIMITERS)] = ","
    label_delimiter: Annotated[str, OneOf(LABEL_DELIMITERS)] = ""


Source = Table | Folders


class _Data(Frozen):
    """`sources`: where the training images are, and, in a second one, the validation images; one source is split."""

    sources: Annotated[tuple[Source, ...], Field(max_length=2)] = ()
    split: Annotated[float, Number(above=0, below=1)] = 0.9
    stored_size: Annotated[int | Literal["auto"], OrAuto(Whole(least=1, most=8192))] = AUTO
    shuffle: Annotated[bool, Flag()] = True
    transforms: Transforms = Transforms()


class DataSpec(_Data):
    """Where the images are and how they become batches, as asked."""

    input_size: Annotated[int | None, OrNone(Whole(least=1, most=4096))] = None
    batch_size: Annotated[int | Literal["auto"] | None, OrNone(OrAuto(Whole(least=1)))] = None
    workers: Annotated[int | None, OrNone(Whole(least=1))] = None


class ResolvedData(_Data):
    """Where the images are and how they become batches."""

    input_size: Annotated[int, Whole(least=1, most=4096)]
    batch_size: Annotated[int, Whole(least=1)]
    workers: Annotated[int, Whole(least=1)]


class ModelSpec(Frozen):
    """The network, where its first weights come from, and what of it is trained.

    `weights_path`: the user's own weight files; `freeze_layers`: so many first layers stay as they are, 0: as `freeze_base`
    says.
    """

    name: Annotated[str, Text()] = "resnet18"
    pretrained: Annotated[bool, Flag()] = True
    weights_path: Annotated[tuple[str, ...], ListOf(PathText())] = ()
    freeze_base: Annotated[bool, Flag()] = True
    freeze_layers: Annotated[int, Whole(least=0)] = 0
    use_gpu: Annotated[bool, Flag()] = True
    precision: Annotated[Literal["auto", "float32", "bfloat16", "float16"], OneOf(PRECISIONS)] = "auto"
    compile: Annotated[bool, Flag()] = False
    deterministic: Annotated[bool, Flag()] = False


class _Training(Frozen):
    """How the network is trained and what is kept of it.

    `early_stopping`: training ends after so many epochs in a row without a better one on validation; 0: never.
    `ema_decay`: what is judged and kept are averages of the weights over the steps, which keep this share of themselves at
    each; 0: the weights themselves.
    """

    epochs: Annotated[int, Whole(least=1)] = 10
    early_stopping: Annotated[int, Whole(least=0)] = 0
    ema_decay: Annotated[float, Number(least=0, below=1)] = 0.0
    save_intermediate_models: Annotated[bool, Flag()] = True
    intermediate_prefix: Annotated[str, FileStem(reserved=("final", "best_model", "resume_state"))] = (
        "intermediate_model_"
    )


class TrainingSpec(_Training):
    """How the network is trained, as asked."""

    optimizer: Choice | None = None
    schedule: Choice | None = None
    loss: Choice | None = None


class ResolvedTraining(_Training):
    """How the network is trained."""

    optimizer: Choice
    schedule: Choice
    loss: Choice


class Settings(Frozen):
    """Values in a tree, each with a dotted path such as `"data.batch_size"`."""

    def get(self, path: str) -> Any:
        """The value at a dotted path.

        Raises:
            UnknownArgument: there is no such path; says what was probably meant.
        """
        value: Any = self
        for part in path.split("."):
            below = _below(value)
            if part not in below:
                raise _no_setting(path, part, below)
            value = below[part]
        return value

    def replace(self: V, changes: Mapping[str, Any], names: Mapping[str, str] | None = None) -> V:
        """A copy with the values at dotted paths replaced; every value is checked.

        Args:
            names: path -> what the user calls it, for errors; the field's own name by default.

        >>> Spec().replace({"data.batch_size": 8}).data.batch_size
        8
        """
        tree = _below(self)
        for path, value in changes.items():
            self.get(path)
            rule = _rule(type(self), path) if names and path in names else None
            _set(tree, path.split("."), value if rule is None or names is None else rule(names[path], value))
        return build(type(self), tree)

    def differences(self, other: Settings) -> list[str]:
        """Dotted paths of the values that differ from those of another one."""
        return _differences(self, other, "")


class Spec(Settings):
    """Everything that decides what a run computes, as asked; None: by recipe."""

    backend: Annotated[str, Text()] = "pytorch"
    seed: Annotated[int, Whole(least=0, most=2**31 - 1)] = 0
    data: DataSpec = DataSpec()
    model: ModelSpec = ModelSpec()
    training: TrainingSpec = TrainingSpec()


class Resolved(Settings):
    """Everything that a run computes with."""

    backend: Annotated[str, Text()]
    seed: Annotated[int, Whole(least=0, most=2**31 - 1)]
    data: ResolvedData
    model: ModelSpec
    training: ResolvedTraining


def _differences(one: Any, other: Any, path: str) -> list[str]:
    if one == other:
        return []
    below, beside = _below(one), _below(other)
    if not below or below.keys() != beside.keys():
        return [path]
    return [d for name in below for d in _differences(below[name], beside[name], f"{path}.{name}".lstrip("."))]


def _rule(model: type[BaseModel], path: str) -> Rule | None:
    """The rule of the field at a dotted path, None where it has none of its own."""
    *parts, name = path.split(".")
    for part in parts:
        below = model.model_fields[part].annotation if part in model.model_fields else None
        if not (isinstance(below, type) and issubclass(below, BaseModel)):
            return None
        model = below
    rules = [found for found in model.model_fields[name].metadata if isinstance(found, Rule)]
    return rules[0] if rules else None


def _set(tree: dict[str, Any], parts: list[str], value: Any) -> None:
    head, *rest = parts
    if rest:
        tree[head] = _below(tree[head])
        _set(tree[head], rest, value)
    else:
        tree[head] = value


def _below(value: Any) -> dict[str, Any]:
    """A copy of what stands one step below a value of the spec, by name."""
    if isinstance(value, BaseModel):
        return {name: getattr(value, name) for name in type(value).model_fields}
    return dict(value) if isinstance(value, dict) else {}


def _no_setting(path: str, part: str, known: Iterable[str]) -> UnknownArgument:
    return UnknownArgument(f"there is no setting {path!r}.{suggestion(part, known)}".rstrip("."))


def build(model: type[M], values: Any) -> M:
    """Make `model` from plain values; a pydantic error becomes one of monklite's, naming the field and the rule."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _ours(model, error) from None


def _ours(model: type[BaseModel], error: ValidationError) -> MonkliteError:
    first = error.errors()[0]
    cause: Any = first.get("ctx", {}).get("error")
    while cause is not None and not isinstance(cause, MonkliteError):
        cause = cause.args[0] if cause.args and isinstance(cause.args[0], BaseException) else None
    if cause is not None:
        return cause
    path = ".".join(map(str, first["loc"]))
    if first["type"] == "extra_forbidden":
        return _no_setting(path, str(first["loc"][-1]), model.model_fields)
    return InvalidValue(f"{path}: {first['msg']} (given: {first['input']!r})")
