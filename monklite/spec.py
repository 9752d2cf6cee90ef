"""The spec: the full description of a run, as frozen values that go to JSON and back unchanged.

`None` in a field means "by recipe": `monklite.recipes.resolve` fills it in before training, so the spec that is stored
with a run holds every default that was used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from .errors import InvalidValue, MonkliteError, UnknownArgument, closest
from .rules import FileStem, Flag, ListOf, Number, OneOf, OrNone, PathText, Text, Whole, WholeOrAuto

M = TypeVar("M", bound=BaseModel)

DELIMITERS = (",", ";", "\t", "|", "-", " ")
PRECISIONS = ("auto", "float32", "bfloat16", "float16")


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


class DataSpec(Frozen):
    """Where the images are and how they become batches."""

    train_path: Annotated[str | None, OrNone(PathText())] = None
    val_path: Annotated[str | None, OrNone(PathText())] = None
    train_csv: Annotated[str | None, OrNone(PathText())] = None
    val_csv: Annotated[str | None, OrNone(PathText())] = None
    delimiter: Annotated[str, OneOf(DELIMITERS)] = ","
    split: Annotated[float, Number(above=0, below=1)] = 0.9
    input_size: Annotated[int | None, OrNone(Whole(least=1, most=4096))] = None
    stored_size: Annotated[int | None, OrNone(Whole(least=1, most=8192))] = None  # None: by policy, not by recipe
    batch_size: Annotated[int | Literal["auto"] | None, OrNone(WholeOrAuto(least=1))] = None
    shuffle: Annotated[bool, Flag()] = True
    workers: Annotated[int | None, OrNone(Whole(least=1))] = None
    transforms: Transforms = Transforms()


class ModelSpec(Frozen):
    """The network, where its first weights come from, and what of it is trained."""

    name: Annotated[str, Text()] = "resnet18"
    pretrained: Annotated[bool, Flag()] = True
    weights_path: Annotated[tuple[str, ...] | None, OrNone(ListOf(PathText()))] = None
    freeze_base: Annotated[bool, Flag()] = True
    freeze_layers: Annotated[int | None, OrNone(Whole(least=0))] = None
    use_gpu: Annotated[bool, Flag()] = True
    precision: Annotated[Literal["auto", "float32", "bfloat16", "float16"], OneOf(PRECISIONS)] = "auto"
    compile: Annotated[bool, Flag()] = False
    deterministic: Annotated[bool, Flag()] = False


class TrainingSpec(Frozen):
    """How the network is trained and what is kept of it.

    `early_stopping`: training ends after so many epochs in a row without a better one on validation; 0: never.
    `ema_decay`: what is judged and kept are averages of the weights over the steps, which keep this share of themselves at
    each; 0: the weights themselves.
    """

    epochs: Annotated[int, Whole(least=1)] = 10
    early_stopping: Annotated[int, Whole(least=0)] = 0
    ema_decay: Annotated[float, Number(least=0, below=1)] = 0.0
    optimizer: Choice | None = None
    schedule: Choice | None = None
    loss: Choice | None = None
    save_intermediate_models: Annotated[bool, Flag()] = True
    intermediate_prefix: Annotated[str, FileStem(reserved=("final", "best_model", "resume_state"))] = (
        "intermediate_model_"
    )


class Spec(Frozen):
    """Everything that decides what a run computes."""

    backend: Annotated[str, Text()] = "pytorch"
    seed: Annotated[int, Whole(least=0, most=2**31 - 1)] = 0
    data: DataSpec = DataSpec()
    model: ModelSpec = ModelSpec()
    training: TrainingSpec = TrainingSpec()

    def get(self, path: str) -> Any:
        """The value at a dotted path such as `"data.batch_size"`.

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

    def replace(self, changes: Mapping[str, Any]) -> Spec:
        """A copy with the values at dotted paths replaced; every value is checked.

        >>> Spec().replace({"data.batch_size": 8}).data.batch_size
        8
        """
        tree = _below(self)
        for path, value in changes.items():
            self.get(path)
            _set(tree, path.split("."), value)
        return build(Spec, tree)

    def differences(self, other: Spec) -> list[str]:
        """Dotted paths of the values that are not the same in another spec."""
        return _differences(self, other, "")


def _differences(one: Any, other: Any, path: str) -> list[str]:
    if one == other:
        return []
    below, beside = _below(one), _below(other)
    if not below or below.keys() != beside.keys():
        return [path]
    return [d for name in below for d in _differences(below[name], beside[name], f"{path}.{name}".lstrip("."))]


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
    guess = closest(part, known)
    return UnknownArgument(f"there is no setting {path!r}" + (f". Did you mean {guess!r}?" if guess else ""))


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
