"""The table of layers that can be appended to a network in place of its head: Monk's `append_*` with their own argument names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..errors import InvalidValue
from ..rules import Flag, Number, OrNone
from ..setting_ranges import AT_LEAST_1
from ..spec import Choice
from .activations import ACTIVATIONS
from .layers import LAYERS, UID, LayerRow
from .rows import Parameter, Row, table


@dataclass(frozen=True)
class AppendRow(Row):
    """A layer that is appended.

    `layer`: its row in the table of layers. `renamed`: names of parameters of that row -> their names here.
    """

    layer: LayerRow = LAYERS["identity"]
    renamed: Mapping[str, str] = field(default_factory=dict)

    def as_layer(self, choice: Choice, n_classes: int) -> Choice:
        """The layer of a choice of this row; without a number of neurons it has one for each class."""
        values = self.values(choice)
        names = {p.name: self.renamed.get(p.name, p.name) for p in self.layer.parameters}
        params = {name: values[own] for name, own in names.items() if own in values}
        if "units" in params and params["units"] is None:
            params["units"] = n_classes
        defaults = {p.name: p.default for p in self.layer.parameters}
        return Choice(name=self.layer.name, params={**defaults, **params})


FINAL = Parameter("final_layer", False, Flag(), "whether it is the last one")


def _row(name: str, layer: LayerRow, **renamed: str) -> AppendRow:
    parameters = [replace(p, name=renamed.get(p.name, p.name)) for p in layer.parameters if p is not UID]
    return AppendRow(name, layer.doc, (*parameters, FINAL), layer, renamed)


# Monk's names of activations and arguments, where they differ from those in a network of one's own
NAMES = {"leaky_relu": "leakyrelu"}
ARGUMENT_NAMES: Mapping[str, Mapping[str, str]] = {
    "leaky_relu": {"alpha": "negative_slope"},
    "hardshrink": {"threshold": "lambd"},
    "softshrink": {"threshold": "lambd"},
}
NEURONS = Parameter("num_neurons", None, OrNone(AT_LEAST_1), "number of results; False: one for each class")
DROP_PROBABILITY = Parameter(
    "probability", 0.5, Number(least=0, below=1), "share of the values that is dropped in training"
)

APPENDED: dict[str, AppendRow] = table(
    [
        AppendRow(
            "linear",
            LAYERS["fully_connected"].doc,
            (NEURONS, FINAL),
            LAYERS["fully_connected"],
            {"units": "num_neurons"},
        ),
        AppendRow(
            "dropout",
            LAYERS["dropout"].doc,
            (DROP_PROBABILITY, FINAL),
            LAYERS["dropout"],
            {"drop_probability": "probability"},
        ),
        *(_row(NAMES.get(name, name), row, **ARGUMENT_NAMES.get(name, {})) for name, row in ACTIVATIONS.items()),
    ]
)


def is_final(choice: Choice) -> bool:
    """Whether an appended layer is the last one."""
    return bool(choice.params.get(FINAL.name, FINAL.default))


def appended_layers(appended: tuple[Choice, ...], n_classes: int) -> tuple[Choice, ...]:
    """The layers in place of the head.

    Raises:
        InvalidValue: the last one is not said to be the last, or none has weights to be trained.
    """
    if not is_final(appended[-1]):
        raise InvalidValue(
            f"append_{appended[-1].name} is the last call before Model(): call it with final_layer=True, or append what follows; "
            "reset_model() drops what is appended"
        )
    layers = tuple(APPENDED[choice.name].as_layer(choice, n_classes) for choice in appended)
    if not any(choice.name == "fully_connected" for choice in layers):
        raise InvalidValue(
            "the appended layers take the place of the network's head, and none of them gives one value for each class: append "
            "append_linear() too"
        )
    return layers


def append(appended: tuple[Choice, ...], choice: Choice) -> tuple[Choice, ...]:
    """With one more layer; after the final one, a new list begins only with `reset_model()`.

    Raises:
        InvalidValue: the last layer is there already.
    """
    if appended and is_final(appended[-1]):
        raise InvalidValue(
            f"append_{appended[-1].name}(final_layer=True) was the last layer: call reset_model() to append others"
        )
    return (*appended, choice)
