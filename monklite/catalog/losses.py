"""The table of losses. Names of the losses and the arguments are Monk's.

A network gives logits; each loss turns them into what it compares with the labels, so no network ends in softmax or sigmoid.
Where no class of a framework has the definition, both backends compute the formula of that name in `backends/losses.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from ..errors import InvalidValue
from ..rules import Flag, Number, OrNone, PerClass, Rule, Whole
from ..setting_ranges import NOT_NEGATIVE, POSITIVE
from ..spec import Choice
from ..tasks import Activation, TargetForm
from .backends import Cell
from .rows import BuiltRow, Parameter, table

BALANCED: Final = "balanced"


@dataclass(frozen=True)
class LossRow(BuiltRow):
    """A loss.

    `activation`: the function that turns logits trained with it into scores; None: that of the task, softmax for one label per
    image and sigmoid for several. `form`: the form of its targets, class numbers (`index`) or a row of 0 and 1 per image
    (`one_hot`).
    """

    activation: Activation | None = "softmax"
    form: TargetForm = "index"

    table: ClassVar[str] = "losses"

    def choose(self, backend: str, values: Mapping[str, Any]) -> Choice:
        choice = super().choose(backend, values)
        if choice.params.get(WEIGHT.name) == BALANCED and choice.params.get(POSITIVE_WEIGHT.name) is not None:
            raise InvalidValue(
                f"{self.name}: weight={BALANCED!r} computes {POSITIVE_WEIGHT.name} where it is needed: leave one of them out"
            )
        return choice


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


@dataclass(frozen=True)
class ClassWeights(PerClass):
    """Factors per class, or `"balanced"`. The number 1, Monk's factor of the whole loss, is None."""

    positive: bool = True

    @property
    def annotation(self) -> str:
        return f"{super().annotation} | Literal[{BALANCED!r}]"

    def check(self, value: Any) -> Any:
        if isinstance(value, str) and value == BALANCED:
            return value
        is_one = isinstance(value, (int, float)) and not isinstance(value, bool) and value == 1
        return None if is_one else super().check(value)

    def __str__(self) -> str:
        return f"{BALANCED!r}, or {super().__str__()}"


# fmt: off
WEIGHT = Parameter("weight", None, OrNone(ClassWeights(NOT_NEGATIVE)),
                   'one factor per class, by name, such as {"cat": 2.0, "dog": 1.0}, or in the order of the classes; '
                   '"balanced": by the number of training images')
POSITIVE_WEIGHT = Parameter("positive_weight", None, OrNone(PerClass(NOT_NEGATIVE, positive=True)),
                            "one factor per class, given like weight, which counts only for the images that have "
                            "that label")
# Monk passed these to MXNet's losses unchecked: any other axis of the scores silently gave another loss
BATCH_AXIS = Parameter("batch_axis", 0, Axis((0,)), "axis of the batch", own=True)
AXIS_TO_SUM_OVER = Parameter("axis_to_sum_over", -1, Axis((-1, 1)), "axis of the classes", own=True)
LABEL_AS_CATEGORIES = Parameter("label_as_categories", True, Flag(),
                                "labels are class numbers, or rows of 0 and 1; the loss is the same and gets the "
                                "labels in the form that it takes", own=True)
LABEL_SMOOTHING = Parameter("label_smoothing", 0.0, Smoothing(),
                            "share of the label spread over all classes (Szegedy et al. 2016)")
MARGIN = Parameter("margin", 1.0, POSITIVE, "by how much a right answer must be right to cost nothing")
HUBER_THRESHOLD = Parameter("threshold_for_mean_estimator", 1.0, POSITIVE,
                      "difference from which the loss grows linearly and no longer quadratically")
FOCUS = Parameter("gamma", 2.0, NOT_NEGATIVE, "how much less easy images count; 0: cross-entropy")
# a loss of log-probabilities is the same whether the network or the loss computed them: log-softmax leaves them as they are
LOG_PROBABILITIES = Parameter("log_pre_applied", False, Flag(),
                              "the network's outputs are log-probabilities already, which gives the same loss",
                              own=True)
# fmt: on
LOG_RATES = Parameter("log_pre_applied", False, Flag(), "the outputs are logarithms of rates; False: logits of softmax")

CLASSIFYING = (WEIGHT, BATCH_AXIS, AXIS_TO_SUM_OVER, LABEL_AS_CATEGORIES, LABEL_SMOOTHING)
DECIDING = (WEIGHT, BATCH_AXIS)


def _formula(name: str, **fixed: Any) -> Mapping[str, Cell]:
    """The cells of a loss that both backends compute by a formula of `backends/losses.py`."""
    paths = {backend: f"monklite.backends.{backend}.losses.FormulaLoss" for backend in ("pytorch", "mxnet")}
    return {backend: Cell(path, fixed={"formula": name, **fixed}) for backend, path in paths.items()}


CROSS_ENTROPY = {"pytorch": Cell("torch.nn.CrossEntropyLoss"), "mxnet": _formula("cross_entropy")["mxnet"]}
BINARY_CROSS_ENTROPY = {
    "pytorch": Cell("torch.nn.BCEWithLogitsLoss", keywords={POSITIVE_WEIGHT.name: "pos_weight"}),
    "mxnet": _formula("binary_cross_entropy")["mxnet"],
}
# Monk compared the logits themselves with the numbers of the classes
ON_SCORES = (
    "The scores are those of softmax, or of sigmoid where images have several labels; they are compared with 0 and 1."
)


def _per_image(
    name: str, doc: str, cells: Mapping[str, Cell], *parameters: Parameter, form: TargetForm = "index"
) -> LossRow:
    return LossRow(name, doc, parameters, cells, form=form)


def _per_class(
    name: str, doc: str, cells: Mapping[str, Cell], *parameters: Parameter, activation: Activation | None = "sigmoid"
) -> LossRow:
    return LossRow(name, doc, (*parameters, POSITIVE_WEIGHT), cells, activation=activation, form="one_hot")


# fmt: off
LOSSES = table((
    _per_image("softmax_crossentropy", "Softmax with cross-entropy: one class per image. The usual choice.",
               CROSS_ENTROPY, *CLASSIFYING),
    _per_class("sigmoid_binary_crossentropy", "One yes-or-no decision per class: sigmoid with binary cross-entropy.",
               BINARY_CROSS_ENTROPY, *DECIDING),
    _per_image("crossentropy",
               "Negative logarithm of the score of the right class, one per image. The scores are those of softmax, "
               "as in softmax_crossentropy.", CROSS_ENTROPY, *CLASSIFYING),
    _per_class("binary_crossentropy",
               "Binary cross-entropy of one score per class. The scores are those of sigmoid, as in "
               "sigmoid_binary_crossentropy.", BINARY_CROSS_ENTROPY, *DECIDING),
    _per_class("focal",
               "Cross-entropy in which images that are predicted well count less (Lin et al. 2017): of softmax, or "
               "of sigmoid where images have several labels. Its alpha is `weight`.", _formula("focal"), WEIGHT, FOCUS,
               activation=None),
    _per_image("kldiv",
               "Kullback-Leibler divergence of the scores of softmax from the label: one class per image. A label is "
               "certain, so this is cross-entropy.", _formula("cross_entropy"), LOG_PROBABILITIES, WEIGHT, BATCH_AXIS,
               AXIS_TO_SUM_OVER, form="one_hot"),
    _per_image("poisson_nll",
               "Negative logarithm of the Poisson likelihood, without the constant term, of a rate per class: the "
               "score of softmax, or exp(output) with log_pre_applied. One class per image; mean over the classes.",
               _formula("poisson"), LOG_RATES, WEIGHT, BATCH_AXIS, form="one_hot"),
    _per_class("l1", f"Mean absolute error (Ghosh et al. 2017). {ON_SCORES}", _formula("l1"), *DECIDING,
               activation=None),
    _per_class("l2", f"Mean squared error (Brier 1950). {ON_SCORES}", _formula("l2"), *DECIDING, activation=None),
    _per_class("huber",
               "Squared error / (2 x threshold) up to the threshold, absolute error - threshold / 2 beyond (Huber 1964). "
               f"{ON_SCORES}",
               _formula("huber"), *DECIDING, HUBER_THRESHOLD, activation=None),
    _per_class("hinge",
               "Hinge loss of one decision per class, the logit against -1 or +1; mean over the classes (Cortes and "
               "Vapnik 1995).", _formula("hinge", power=1), *DECIDING, MARGIN),
    _per_class("squared_hinge",
               "Squared hinge loss of one decision per class, the logit against -1 or +1; mean over the classes "
               "(Tang 2013).", _formula("hinge", power=2), *DECIDING, MARGIN),
    _per_image("multimargin",
               "The logit of the right class against each other one: sum of max(0, margin - right + other) / number "
               "of classes (Weston and Watkins 1999). One class per image.", _formula("multimargin", power=1),
               *DECIDING, MARGIN, form="one_hot"),
    _per_image("squared_multimargin", "multimargin with squared terms. One class per image.",
               _formula("multimargin", power=2), *DECIDING, MARGIN, form="one_hot"),
    _per_class("multilabel_margin",
               "The logit of each label that an image has against each that it has not: sum of max(0, 1 - has + has "
               "not) / number of classes. An image with none or all labels adds nothing, and only differences of "
               "logits are trained, so the threshold may need to be chosen afterwards.", _formula("multilabel_margin"),
               *DECIDING),
    _per_class("multilabel_softmargin",
               "Binary cross-entropy of one decision per class: sigmoid_binary_crossentropy by its other name.",
               BINARY_CROSS_ENTROPY, *DECIDING),
))
# fmt: on
