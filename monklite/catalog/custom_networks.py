"""A user's own network: a nested list of layers, checked, named, and followed by its shapes before any backend builds it.

An element of a list is a layer; or a list whose last element is `add` or `concatenate`: the others are branches that run side
by side; or any other list: a sequence. In the spec the lists are tuples and the layers are `Choice`s.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidType, InvalidValue, MonkliteError, UnknownArgument, find, shown, suggestion
from ..setting_ranges import MAX_NESTED_LAYERS
from ..spec import Choice
from . import layer_shapes
from .activations import ALL_LAYERS
from .layer_shapes import Shape, shape_text
from .layers import ALIASES, LayerRow

CUSTOM = "custom"
KEYS = ("uid", "name", "params")
# nested tuples of choices
Layers = tuple[Any, ...]


@dataclass(frozen=True)
class Node:
    """A layer, a sequence, or branches that are merged, with the shapes that it is given and gives.

    `name`: among its siblings. `choice`: the layer, or what merges the branches; None for a sequence. `before`, `after`: (),
    where nothing is known.
    """

    name: str
    choice: Choice | None
    children: tuple[Node, ...]
    before: Shape
    after: Shape

    @property
    def row(self) -> LayerRow | None:
        return ALL_LAYERS[self.choice.name] if self.choice else None

    @property
    def title(self) -> str:
        """The user's name of the layer, or the name of its kind."""
        return str(self.choice.params.get("uid") or self.choice.name) if self.choice else self.name


# What a user gives


def checked(network: Any, backend: str) -> Layers:
    """The nested choices of a user's list.

    Raises:
        InvalidType, InvalidValue, UnknownName, UnknownArgument: an element is wrong; the message names its place in the list.
    """
    if not isinstance(network, (list, tuple)):
        raise InvalidType(f"network must be a list of layers, not {shown(network)} ({type(network).__name__})")
    layers = _list(network, backend, "network", 0)
    uids = [choice.params["uid"] for _, choice in walk(layers) if choice.params.get("uid")]
    if repeated := next((uid for uid in uids if uids.count(uid) > 1), None):
        raise InvalidValue(f"network: two layers have the uid {shown(repeated)}: each needs a name of its own")
    return layers


def _list(elements: Sequence[Any], backend: str, place: str, depth: int) -> Layers:
    if not elements:
        raise InvalidValue(f"{place} is an empty list: leave it out, or use identity()")
    # also a list that contains itself
    if depth > MAX_NESTED_LAYERS:
        raise InvalidValue(f"{place[:60]}... is nested more than {MAX_NESTED_LAYERS} lists deep")
    layers = tuple(_element(element, backend, f"{place}[{i}]", depth) for i, element in enumerate(elements))
    _check_merges(layers, place)
    return layers


def _check_merges(layers: Layers, place: str) -> None:
    merges = [i for i, layer in enumerate(layers) if _merges(layer)]
    if merges and (merges[0] < len(layers) - 1 or len(layers) < 3):
        name = layers[merges[0]].name
        raise InvalidValue(
            f"{place}[{merges[0]}]: {name}() merges branches, so it is the last element of a list of two or more branches, such "
            f"as [[convolution()], [identity()], {name}()]"
        )


def _element(element: Any, backend: str, place: str, depth: int) -> Choice | Layers:
    if isinstance(element, (list, tuple)):
        return _list(element, backend, place, depth + 1)
    name = element.get("name") if isinstance(element, Mapping) else None
    if not isinstance(element, Mapping) or not isinstance(name, str):
        raise InvalidType(f"{place} must be a layer, such as relu(), or a list of layers, not {shown(element)}")
    # a key of another kind may not be comparable
    if unknown := [key for key in element if not isinstance(key, str) or key not in KEYS]:
        raise UnknownArgument(
            f"{place}: a layer has no {shown(unknown[0])}.{suggestion(unknown[0], KEYS)} It has {', '.join(KEYS)}"
        )
    params = {} if element.get("params") is None else element["params"]
    if not isinstance(params, Mapping):
        raise InvalidType(f"{place}: params must be a dictionary, not {shown(params)}")
    try:
        row = find("layer", ALIASES.get(name, name), ALL_LAYERS)
        return row.choose(backend, {**params, "uid": element.get("uid")})
    except MonkliteError as error:
        raise type(error)(f"{place}: {error}") from None


def _merges(layer: Choice | Layers) -> bool:
    return isinstance(layer, Choice) and ALL_LAYERS[layer.name].merges is not None


# What the spec holds


def stored(layers: Layers) -> Layers:
    """Stored layers with their values in plain types.

    Raises:
        UnknownName, UnknownArgument, InvalidType, InvalidValue: no row has such a layer.
    """
    found = tuple(
        find("layer", layer.name, ALL_LAYERS).stored(layer) if isinstance(layer, Choice) else stored(layer)
        for layer in layers
    )
    _check_merges(found, "network")
    return found


def walk(layers: Layers, path: str = "") -> Iterator[tuple[str, Choice]]:
    """The layers with their dotted names in the network, from input to output, without those that merge branches."""
    for name, layer in _named(layers):
        if isinstance(layer, Choice):
            yield f"{path}{name}", layer
        else:
            yield from walk(layer, f"{path}{name}.")


def _named(layers: Layers) -> Iterator[tuple[str, Choice | Layers]]:
    """The elements with their names, which begin with their place, so that they are equal whenever the list is."""
    for i, layer in enumerate(layers):
        if not _merges(layer):
            yield f"{i}_{layer.name}" if isinstance(layer, Choice) else str(i), layer


def head(layers: Layers) -> str:
    """The dotted name of the last layer that weighs its inputs, which is trained where all others are frozen.

    Raises:
        InvalidValue: there is none.
    """
    weighing = [path for path, choice in walk(layers) if {"units", "output_channels"} & choice.params.keys()]
    if not weighing:
        raise InvalidValue(
            "network has no layer that can be trained: end it with fully_connected(units=number of classes)"
        )
    return weighing[-1]


def is_of_one_size(layers: Layers) -> bool:
    """Whether its weights fit images of one size only: each pixel has its own before any global pooling."""
    pooled = False
    for _, choice in walk(layers):
        if choice.name.startswith("global_"):
            pooled = True
        elif choice.name in ("fully_connected", "layer_normalization") and not pooled:
            return True
    return False


# Its shapes


def tree(layers: Layers, shape: Shape) -> Node:
    """The network with the shapes that its layers are given and give, for an input of `shape`; (): without its shapes.

    Raises:
        InvalidValue: a layer cannot take what it is given; the message names its place in the list.
    """
    return _node("network", "network", layers, shape)


def _node(name: str, place: str, layers: Choice | Layers, shape: Shape) -> Node:
    if isinstance(layers, Choice):
        return _layer(name, place, layers, shape)
    children, given = [], shape
    for i, (child_name, layer) in enumerate(_named(layers)):
        child = _node(child_name, f"{place}[{i}]", layer, given)
        children.append(child)
        given = shape if _merges(layers[-1]) else child.after
    if not _merges(layers[-1]):
        return Node(name, None, tuple(children), shape, given)
    after = _merged(f"{place}[{len(layers) - 1}]", layers[-1], [child.after for child in children]) if shape else ()
    return Node(name, layers[-1], tuple(children), shape, after)


def _merged(place: str, choice: Choice, shapes: Sequence[Shape]) -> Shape:
    merges = ALL_LAYERS[choice.name].merges
    assert merges is not None
    return _explained(place, lambda: merges(shapes))


def _layer(name: str, place: str, choice: Choice, shape: Shape) -> Node:
    row, where = ALL_LAYERS[choice.name], f"{place} ({choice.name})"
    if not shape:
        return Node(name, choice, (), shape, shape)
    if row.dimensions and len(shape) != row.dimensions + 1:
        raise InvalidValue(f"{where}: {_wrong_dimensions(choice, row, shape)}")
    after = _explained(where, lambda: row.shape(row.values(choice), shape))
    if math.prod(after) > layer_shapes.MAX_NUMBERS:
        raise InvalidValue(f"{where}: one image would become {shape_text(after)}, which no memory holds")
    return Node(name, choice, (), shape, after)


def _wrong_dimensions(choice: Choice, row: LayerRow, shape: Shape) -> str:
    given = f"it is given {shape_text(shape)}"
    other = f"{choice.name[:-2]}{len(shape) - 1}d"
    if other in ALL_LAYERS:
        return f"{given}, for which there is {other}"
    return f"{given}, and it is for images: put it before the first flatten() or fully_connected()"


def _explained(place: str, shape: Callable[[], Shape]) -> Shape:
    try:
        return shape()
    except InvalidValue as error:
        raise InvalidValue(f"{place}: {error}") from None


def check_output(
    root: Node, n_classes: int, what: str = "the network", remedy: str = "fully_connected(units={})"
) -> None:
    """Refuse a network that does not give one value for each class; `remedy`: the layer that would.

    Raises:
        InvalidValue: it does not.
    """
    if root.after == (n_classes,):
        return
    if math.prod(root.after) == n_classes:
        raise InvalidValue(f"{what} gives {shape_text(root.after)} for each image: put flatten() at its end")
    raise InvalidValue(
        f"{what} gives {shape_text(root.after)} for each image, and the dataset has {n_classes} classes: end it with "
        f"{remedy.format(n_classes)}"
    )
