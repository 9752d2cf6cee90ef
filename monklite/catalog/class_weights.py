"""Class weights: the factors of a loss, one per class, in the order of the classes; and `"balanced"`, computed from the images.

A factor of `weight` belongs to a class, that of `positive_weight` to the images that have it; `backends/losses.py` applies them.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import InvalidValue, cut, shown, suggestion
from ..records import DatasetRecord
from ..spec import Choice
from ..tasks import TASKS
from .losses import BALANCED, LOSSES, POSITIVE_WEIGHT, WEIGHT

FACTORS = (WEIGHT.name, POSITIVE_WEIGHT.name)


def in_order(loss: Choice, classes: tuple[str, ...]) -> Choice:
    """A loss whose factors are tuples in the order of `classes`.

    Raises:
        InvalidValue: a class has no factor, a factor belongs to no class, or the images for `"balanced"` are not known.
    """
    if is_balanced(loss):
        raise InvalidValue(
            f"{loss.name}: weight={BALANCED!r} is computed from the training images, and there are none yet"
        )
    ordered = {name: class_weights(loss, classes, name) for name in FACTORS if loss.params.get(name) is not None}
    return Choice(name=loss.name, params={**loss.params, **ordered})


def class_weights(loss: Choice, classes: tuple[str, ...], name: str = WEIGHT.name) -> tuple[float, ...] | None:
    """The factor of each class, in the order of `classes`; None if the loss has no such factors.

    Raises:
        InvalidValue: a class has no factor, or a factor belongs to no class.
    """
    weights = loss.params.get(name)
    if weights is None:
        return None
    if not isinstance(weights, Mapping):
        if len(weights) != len(classes):
            raise InvalidValue(
                f"the loss has {len(weights)} class weights, and there are {len(classes)} classes: give one per class"
            )
        return tuple(weights)
    known = f"The classes are {cut(', '.join(map(repr, classes)), 600)}"
    for given in weights:
        if given not in classes:
            raise InvalidValue(
                f"the loss has a weight for {shown(given)}, which is not a class.{suggestion(given, classes)} {known}"
            )
    missing = [class_name for class_name in classes if class_name not in weights]
    if missing:
        raise InvalidValue(
            f"the loss has no weight for {cut(', '.join(map(repr, missing)))}: give one per class, 1.0 for no change. {known}"
        )
    return tuple(weights[class_name] for class_name in classes)


def weights_by_name(loss: Choice) -> bool:
    """Whether a loss has factors that are given by the names of the classes."""
    return any(isinstance(loss.params.get(name), Mapping) for name in FACTORS)


def positional_weights(loss: Choice, classes: tuple[str, ...]) -> str:
    """Which class each factor falls on, if they were given by position, as text; empty if they were not."""
    given = [loss.params.get(name) for name in FACTORS]
    pairs = [zip(classes, weights, strict=True) for weights in given if isinstance(weights, tuple)]
    return cut("; ".join(_listed(dict(weights)) for weights in pairs), 600)


def weights_taken(loss: Choice, asked: Choice | None, classes: tuple[str, ...]) -> str:
    """A note on the class of each factor, if they were computed or given by position; empty if they were not.

    Args:
        loss: with its factors. asked: as the user chose it.
    """
    if asked is not None and is_balanced(asked):
        computed = next(loss.params[name] for name in reversed(FACTORS) if loss.params.get(name) is not None)
        return f"weight='balanced' took {cut(_listed(computed), 600)}"
    order = positional_weights(loss, classes)
    return f"class weights by position fall on these classes: {order}" if order else ""


def is_balanced(loss: Choice) -> bool:
    """Whether the factors of a loss are to be computed from the images."""
    return loss.params.get(WEIGHT.name) == BALANCED


def balanced(loss: Choice, record: DatasetRecord) -> Choice:
    """A loss with `weight="balanced"` with the numbers for these images, by the names of the classes; any other loss unchanged.

    One class per image: n / (classes x images of the class), so that all classes count the same. One decision per class:
    images without the label / images with it, as `positive_weight`. A class without images counts as if it had one.
    """
    if not is_balanced(loss):
        return loss
    activation = LOSSES[loss.name].activation or TASKS[record.label_type].activations[0]
    factors = _inverse_frequencies(record) if activation == "softmax" else _negatives_per_positive(record)
    name = WEIGHT.name if activation == "softmax" else POSITIVE_WEIGHT.name
    numbers = {WEIGHT.name: None, name: dict(zip(record.classes, factors, strict=True))}
    return Choice(name=loss.name, params={**loss.params, **numbers})


def with_factors_of(loss: Choice, other: Choice) -> Choice:
    """A loss with the factors of another choice of it."""
    factors = {name: other.params[name] for name in FACTORS if name in other.params}
    return Choice(name=loss.name, params={**loss.params, **factors})


def _inverse_frequencies(record: DatasetRecord) -> list[float]:
    return [record.n_train / (len(record.classes) * max(count, 1)) for count in record.train_counts]


def _negatives_per_positive(record: DatasetRecord) -> list[float]:
    return [max(record.n_train - count, 1) / max(count, 1) for count in record.train_counts]


def _listed(weights: Mapping[str, float]) -> str:
    return ", ".join(f"{name!r}: {weight:g}" for name, weight in weights.items())
