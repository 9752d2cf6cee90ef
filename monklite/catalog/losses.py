"""The table of losses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from ..errors import InvalidValue, cut, shown, suggestion
from ..rules import Flag, Number, OrNone, PerClass, Rule, Whole
from ..setting_ranges import MAX_FACTOR
from ..spec import Choice
from ..tasks import Activation, TargetForm
from .rows import BuiltRow, Parameter, table


@dataclass(frozen=True)
class LossRow(BuiltRow):
    """A loss.

    `activation`: the function that turns logits trained with it into scores. `form`: the form of its targets, class numbers
    (`index`) or a row of 0 and 1 per image (`one_hot`). `index_flag`: a parameter that, if False, asks for `one_hot`.
    """

    activation: Activation = "softmax"
    form: TargetForm = "index"
    index_flag: str = ""

    table: ClassVar[str] = "losses"

    def form_of(self, choice: Choice) -> TargetForm:
        """The form of the targets for these parameters."""
        return self.form if choice.params.get(self.index_flag, True) else "one_hot"


class Smoothing(Rule):
    """True (0.1, the usual amount), False (none) or the amount itself."""

    @property
    def annotation(self) -> str:
        return "bool | float"

    def check(self, value: object) -> float:
        return (0.1 if value else 0.0) if isinstance(value, bool) else Number(least=0, below=1).check(value)

    def __str__(self) -> str:
        return "True, False or a number at least 0 and below 1"


@dataclass(frozen=True)
class Axis(Rule):
    """An axis of the scores, which have a row per image and a column per class. All `axes` mean the same; the first is kept."""

    axes: tuple[int, ...]

    @property
    def annotation(self) -> str:
        return "int"

    def check(self, value: object) -> int:
        if Whole().check(value) not in self.axes:
            raise ValueError("scores have a row per image and a column per class")
        return self.axes[0]

    def __str__(self) -> str:
        return " or ".join(map(str, self.axes))


WEIGHT = Parameter(
    "weight",
    None,
    OrNone(PerClass(Number(least=0, limit=MAX_FACTOR), positive=True)),
    'one factor per class, by name, such as {"cat": 2.0, "dog": 1.0}, or in the order of the classes',
    {"mxnet": None},
)
# Monk passed these to MXNet's losses unchecked: any other axis of the scores silently gave another loss
BATCH_AXIS = Parameter("batch_axis", 0, Axis((0,)), "axis of the batch", {"pytorch": None})
AXIS_TO_SUM_OVER = Parameter(
    "axis_to_sum_over", -1, Axis((-1, 1)), "axis of the classes", {"pytorch": None, "mxnet": "axis"}
)
LABEL_AS_CATEGORIES = Parameter(
    "label_as_categories", True, Flag(), "labels are class numbers", {"pytorch": None, "mxnet": "sparse_label"}
)
LABEL_SMOOTHING = Parameter(
    "label_smoothing", 0.0, Smoothing(), "share of the label spread over all classes", {"mxnet": None}
)

LOSSES = table(
    [
        LossRow(
            "softmax_crossentropy",
            "Softmax with cross-entropy: one class per image. The usual choice.",
            (WEIGHT, BATCH_AXIS, AXIS_TO_SUM_OVER, LABEL_AS_CATEGORIES, LABEL_SMOOTHING),
            {"pytorch": "torch.nn.CrossEntropyLoss", "mxnet": "mxnet.gluon.loss.SoftmaxCrossEntropyLoss"},
            # Monk's; MXNet's loss then expects rows
            index_flag=LABEL_AS_CATEGORIES.name,
        ),
        LossRow(
            "sigmoid_binary_crossentropy",
            "One yes-or-no decision per class: sigmoid with binary cross-entropy.",
            (WEIGHT, BATCH_AXIS),
            {"pytorch": "torch.nn.BCEWithLogitsLoss", "mxnet": "mxnet.gluon.loss.SigmoidBinaryCrossEntropyLoss"},
            activation="sigmoid",
            form="one_hot",
        ),
    ]
)


def class_weights(loss: Choice, classes: tuple[str, ...]) -> tuple[float, ...] | None:
    """The factor of each class, in the order of `classes`; None if the loss has no factors.

    Raises:
        InvalidValue: a class has no factor, or a factor belongs to no class.
    """
    weights = loss.params.get("weight")
    if weights is None:
        return None
    if not isinstance(weights, Mapping):
        if len(weights) != len(classes):
            raise InvalidValue(
                f"the loss has {len(weights)} class weights, and there are {len(classes)} classes: give one per class"
            )
        return tuple(weights)
    known = f"The classes are {cut(', '.join(map(repr, classes)), 600)}"
    for name in weights:
        if name not in classes:
            raise InvalidValue(
                f"the loss has a weight for {shown(name)}, which is not a class.{suggestion(name, classes)} {known}"
            )
    missing = [name for name in classes if name not in weights]
    if missing:
        raise InvalidValue(
            f"the loss has no weight for {cut(', '.join(map(repr, missing)))}: give one per class, 1.0 for no change. {known}"
        )
    return tuple(weights[name] for name in classes)


def weights_by_name(loss: Choice) -> bool:
    """Whether a loss has factors that are given by the names of the classes."""
    return isinstance(loss.params.get("weight"), Mapping)


def positional_weights(loss: Choice, classes: tuple[str, ...]) -> str:
    """Which class each factor falls on, if they were given by position, as text; empty if they were not."""
    weights = loss.params.get("weight")
    if weights is None or isinstance(weights, Mapping):
        return ""
    return cut(", ".join(f"{name!r}: {weight:g}" for name, weight in zip(classes, weights, strict=True)), 600)
