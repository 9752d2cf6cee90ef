"""The table of layers of a user's own network: Monk's names and arguments, with the same meaning on every backend.

The forms in one, two and three dimensions are one row each, made by one function. Images have two: `convolution` is
`convolution2d`. Activations are rows of the same table, see `activations.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ..rules import Flag, ListOf, Number, OneOf, OrNone, Text, Whole
from ..setting_ranges import AT_LEAST_1
from . import layer_shapes
from .backends import BUILT_IN, Cell
from .layer_rules import IN_EQ_OUT, Only, Padding, Sizes
from .layer_shapes import Shape, Values
from .rows import BuiltRow, Parameter, table

MAX_UID = 60


@dataclass(frozen=True)
class LayerRow(BuiltRow):
    """A layer or activation.

    `shape`: what it makes of a shape, see `layer_shapes`. `dimensions`: of the images that it takes, 0: any shape. `sized`: its
    cell is called with the shape that it is given and the values of its parameters, not with keywords. `has_weights`: training
    changes it. `merges`: the shape of the branches that it merges, for a layer that ends a list of branches.
    """

    shape: Callable[[Values, Shape], Shape] = layer_shapes.same
    dimensions: int = 0
    sized: bool = False
    has_weights: bool = False
    merges: Callable[[Sequence[Shape]], Shape] | None = None

    table: ClassVar[str] = "layers"


UID = Parameter("uid", None, OrNone(Text(most=MAX_UID)), "a name of its own, shown in the drawing", own=True)
LAYOUTS = {1: "NCW", 2: "NCHW", 3: "NCDHW"}


def _row(name: str, doc: str, *parameters: Parameter, cell: str = "", **kinds: Any) -> LayerRow:
    """A layer that each backend builds with its function `cell` in its module `layers`."""
    cells = {backend: Cell(f"monklite.backends.{backend}.layers.{cell or name}") for backend in BUILT_IN}
    return LayerRow(name, doc, (*parameters, UID), cells, sized=True, **kinds)


def _layout(n: int) -> Parameter:
    return Parameter("layout", LAYOUTS[n], OneOf((LAYOUTS[n],)), "order of the axes: images, channels, then the sides")


def _window(n: int, size: int, stride: int | None, padding: Any) -> tuple[Parameter, ...]:
    strides = Sizes(n) if stride else OrNone(Sizes(n))
    steps = "step of the window" if stride else "step of the window; None: its size"
    text = f"zeros on both sides; {IN_EQ_OUT!r}: as many as keep the size at stride 1, and none at any other"
    return (
        Parameter("kernel_size", size, Sizes(n), "size of the window"),
        Parameter("stride", stride, strides, steps),
        Parameter("padding", padding, Padding(n), text),
    )


def _convolution(n: int, transposed: bool) -> LayerRow:
    kind = "transposed_convolution" if transposed else "convolution"
    extra = Parameter("output_padding", 0, Sizes(n, 0), "added to one side of the result, below the stride")
    return _row(
        f"{kind}{n}d",
        f"{'Transposed convolution' if transposed else 'Convolution'} in {n} dimension{'s' if n > 1 else ''}.",
        Parameter("output_channels", 3, AT_LEAST_1, "channels of the result"),
        *_window(n, 3, 1, IN_EQ_OUT),
        *((extra,) if transposed else ()),
        Parameter("groups", 1, AT_LEAST_1, "groups of channels that do not see each other"),
        Parameter("dilation", 1, Sizes(n), "distance between the points of the window"),
        Parameter("use_bias", True, Flag(), "add a trained number to each channel"),
        _layout(n),
        cell=kind,
        shape=layer_shapes.transposed_convolution if transposed else layer_shapes.convolution,
        dimensions=n,
        has_weights=True,
    )


ONE_DILATION = Only((1,), "int", "neither framework has a mean of spread points")
NO_INDICES = Only((False,), "bool", "a layer passes on one result")


def _pooling(n: int, average: bool) -> LayerRow:
    kind = "average_pooling" if average else "max_pooling"
    dilation = ONE_DILATION if average else Sizes(n)
    with_padding = Parameter("include_padding_in_calculation", True, Flag(), "count the added zeros in the mean")
    return _row(
        f"{kind}{n}d",
        f"The {'mean' if average else 'largest value'} of each window in {n} dimension{'s' if n > 1 else ''}.",
        *_window(n, 2, None, 0),
        Parameter("dilation", 1, dilation, "distance between the points of the window", {"mxnet": None}),
        Parameter("return_indices", False, NO_INDICES, "kept from Monk"),
        Parameter("ceil_mode", False, Flag(), "also a last window that is only partly on the image"),
        *((with_padding,) if average else ()),
        _layout(n),
        cell=kind,
        shape=layer_shapes.pooling,
        dimensions=n,
    )


def _global_pooling(n: int, average: bool) -> LayerRow:
    kind = "global_average_pooling" if average else "global_max_pooling"
    return _row(
        f"{kind}{n}d",
        f"The {'mean' if average else 'largest value'} of each channel in {n} dimension{'s' if n > 1 else ''}.",
        _layout(n),
        cell=kind,
        shape=layer_shapes.global_pooling,
        dimensions=n,
    )


NORM_EPSILON = Parameter("epsilon", 1e-5, Number(above=0, below=1), "added to the variance")
TRAINABLE = Parameter("use_trainable_parameters", True, Flag(), "multiply by a trained number and add one")


def _no_momentum(default: float | None, *others: float) -> Parameter:
    rule = Only((default, *others), "float | None", "it keeps no moving average")
    return Parameter("moving_average_momentum", default, rule, "kept from Monk")


# fmt: off
_ROWS = (
    *(_convolution(n, transposed) for transposed in (False, True) for n in LAYOUTS),
    *(_pooling(n, average) for average in (False, True) for n in LAYOUTS),
    *(_global_pooling(n, average) for average in (False, True) for n in LAYOUTS),
    _row("fully_connected", "Each result is a weighted sum of all values.",
         Parameter("units", 512, AT_LEAST_1, "number of results"),
         Parameter("use_bias", True, Flag(), "add a trained number to each"),
         Parameter("flatten", True, Flag(), "take all values of an image; False: those of the last axis"),
         shape=layer_shapes.fully_connected, has_weights=True),
    _row("dropout", "Set random values to 0 in training (Srivastava et al. 2014).",
         Parameter("drop_probability", 0.2, Number(least=0, below=1), "share of the values"),
         Parameter("axes", (), ListOf(Whole(least=0, most=4)),
                   "axes along which all values are kept or dropped together"), shape=layer_shapes.dropout),
    _row("flatten", "All values of an image in one row.", shape=layer_shapes.flatten),
    _row("identity", "The values as they are, such as the shortcut of a residual block."),
    _row("batch_normalization", "Normalize each channel over the batch (Ioffe and Szegedy 2015).",
         Parameter("moving_average_momentum", None, OrNone(Number(above=0, below=1)),
                   "in Monk's meaning, which is the framework's: the share of the newest batch with pytorch, of what "
                   "was known with mxnet; None: 0.1 and 0.9, which are the same"), NORM_EPSILON, TRAINABLE,
         Parameter("activate_scale_shift_operation", False,
                   Only((False,), "bool", "training uses the statistics of the batch"), "kept from Monk"),
         has_weights=True),
    _row("instance_normalization", "Normalize each channel of each image (Ulyanov et al. 2016).",
         _no_momentum(None, 0.1, 0.9), NORM_EPSILON, TRAINABLE, shape=layer_shapes.instance_normalization,
         has_weights=True),
    _row("layer_normalization", "Normalize all values of each image (Ba et al. 2016).", _no_momentum(0.9), NORM_EPSILON,
         TRAINABLE, has_weights=True),
    _row("add", "Ends a list of branches: their sum.", cell="merge", merges=layer_shapes.add),
    _row("concatenate", "Ends a list of branches: their channels one after the other.", cell="merge",
         merges=layer_shapes.concatenate),
)
# fmt: on

LAYERS: dict[str, LayerRow] = table(_ROWS)
# Monk's names without a number -> the rows
ALIASES = {name.removesuffix("2d"): name for name, row in LAYERS.items() if row.dimensions == 2}
