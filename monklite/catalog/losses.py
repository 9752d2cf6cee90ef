"""Losses, one row each.

Cell `target`: what the loss compares the logits with: `index` (class numbers) or `one_hot` (rows of 0 and 1).
"""

from __future__ import annotations

from dataclasses import dataclass

from ..rules import Flag, ListOf, Number, OrNone, Rule, Whole
from .rows import Parameter, Row, table


class Smoothing(Rule):
    """True (0.1, the usual amount), False (none) or the amount itself."""

    def check(self, value: object) -> float:
        return (0.1 if value else 0.0) if isinstance(value, bool) else Number(least=0, below=1).check(value)

    def __str__(self) -> str:
        return "True, False or a number at least 0 and below 1"


@dataclass(frozen=True)
class Axis(Rule):
    """An axis of the scores, which have a row an image and a column a class; its second name is kept as the first."""

    axes: tuple[int, ...]

    def check(self, value: object) -> int:
        if Whole().check(value) not in self.axes:
            raise ValueError("scores have a row an image and a column a class")
        return self.axes[0]

    def __str__(self) -> str:
        return " or ".join(map(str, self.axes))


WEIGHT = Parameter(
    "weight", None, OrNone(ListOf(Number(least=0))), "one factor a class, in the order of the classes", mxnet=None
)
# Monk handed these to MXNet's losses as they were: any other axis of the scores silently gave another loss
BATCH_AXIS = Parameter("batch_axis", 0, Axis((0,)), "axis of the batch", pytorch=None)
AXIS_TO_SUM_OVER = Parameter("axis_to_sum_over", -1, Axis((-1, 1)), "axis of the classes", pytorch=None, mxnet="axis")

LOSSES = table(
    [
        Row(
            "softmax_crossentropy",
            "Softmax with cross-entropy: one class an image. The usual choice.",
            "torch.nn.CrossEntropyLoss",
            "mxnet.gluon.loss.SoftmaxCrossEntropyLoss",
            (
                WEIGHT,
                BATCH_AXIS,
                AXIS_TO_SUM_OVER,
                Parameter(
                    "label_as_categories", True, Flag(), "labels are class numbers", pytorch=None, mxnet="sparse_label"
                ),
                Parameter(
                    "label_smoothing", 0.0, Smoothing(), "share of the label spread over all classes", mxnet=None
                ),
            ),
            cells={"target": "index"},
        ),
        Row(
            "sigmoid_binary_crossentropy",
            "One yes-or-no decision a class: sigmoid with binary cross-entropy.",
            "torch.nn.BCEWithLogitsLoss",
            "mxnet.gluon.loss.SigmoidBinaryCrossEntropyLoss",
            (WEIGHT, BATCH_AXIS),
            cells={"target": "one_hot"},
        ),
    ]
)
