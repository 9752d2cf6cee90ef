"""The table of networks: each backend's builder, the head, and the requirements.

`resnet50` and `resnet50_v1` are two names of one network on both backends. Cells name a builder of `torchvision.models`, and
of `mxnet.gluon.model_zoo.vision` or the optional package GluonCV. Input size and normalization are those of the pretrained
weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .backends import Cell
from .backends import names as backend_names
from .rows import table
from .transforms import IMAGENET_MEAN, IMAGENET_STD


@dataclass(frozen=True)
class Normalization:
    """Mean and standard deviation of red, green and blue; values 0 to 1."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


IMAGENET = Normalization(IMAGENET_MEAN, IMAGENET_STD)
HALF = Normalization((0.5,) * 3, (0.5,) * 3)


@dataclass(frozen=True)
class ModelRow:
    """One network.

    `cells`: backend -> its builder. `heads`: backend -> dotted names of its classifiers, auxiliary ones last. `input_size`,
    `normalization`: those of its pretrained weights, px. `min_size`: the smallest side that it can train on, px.
    `size_argument`: the builder's keyword if the network is built for one size. `auxiliary_size`: for smaller images the
    auxiliary heads are left out. `aliases`: its names in other backends. `fixed_size`: the backends whose network, once built,
    takes images of one size only.
    """

    name: str
    family: str
    cells: Mapping[str, Cell]
    heads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    input_size: int = 224
    normalization: Normalization = IMAGENET
    min_size: int = 32
    size_argument: str = ""
    auxiliary_size: int = 0
    aliases: tuple[str, ...] = ()
    fixed_size: tuple[str, ...] = ()

    def cell(self, backend: str) -> Cell | None:
        """A backend's builder, None if it does not have this network."""
        return self.cells.get(backend)

    def backends(self) -> list[str]:
        """The backends that have this network."""
        return [name for name in backend_names() if name in self.cells]


# the builder has the same name as the network
SAME = "="
# Gluon's builders of these have a weight for each pixel of the last layer before the head; torchvision's pool before it
FLATTENED = ("alexnet", "vgg")


def _row(
    name: str,
    family: str,
    pytorch: str | None,
    mxnet: str | None,
    head: str,
    input_size: int,
    normalization: Normalization,
    min_size: int,
    *,
    auxiliary: tuple[str, ...] = (),
    package: str = "",
    size_argument: str = "",
    auxiliary_size: int = 0,
) -> ModelRow:
    """A row of the table. `head`: the name in torch, which is `output` in Gluon's zoo; MXNet's if only MXNet has the network.
    `package`: the optional package with MXNet's builder."""
    columns = {"pytorch": pytorch, "mxnet": mxnet}
    builders = {backend: name if builder == SAME else builder for backend, builder in columns.items() if builder}
    packages = {"pytorch": "", "mxnet": package}
    cells = {backend: Cell(builder, package=packages[backend]) for backend, builder in builders.items()}
    heads = {"pytorch": (head, *auxiliary), "mxnet": ("output" if pytorch else head,)}
    return ModelRow(
        name,
        family,
        cells,
        {backend: heads[backend] for backend in cells},
        input_size,
        normalization,
        min_size,
        size_argument,
        auxiliary_size,
        tuple(builder for builder in builders.values() if builder != name),
        tuple(cells) if size_argument else ("mxnet",) if family in FLATTENED else (),
    )


# fmt: off
_ROWS = (
    #    name                   family          torch mxnet              head            px   normal.   least px
    _row("alexnet",             "alexnet",      SAME, SAME,              "classifier.6", 224, IMAGENET, 63),
    _row("vgg11",               "vgg",          SAME, SAME,              "classifier.6", 224, IMAGENET, 32),
    _row("vgg11_bn",            "vgg",          SAME, SAME,              "classifier.6", 224, IMAGENET, 32),
    _row("vgg13",               "vgg",          SAME, SAME,              "classifier.6", 224, IMAGENET, 32),
    _row("vgg13_bn",            "vgg",          SAME, SAME,              "classifier.6", 224, IMAGENET, 32),
    _row("vgg16",               "vgg",          SAME, SAME,              "classifier.6", 224, IMAGENET, 32),
    _row("vgg16_bn",            "vgg",          SAME, SAME,              "classifier.6", 224, IMAGENET, 32),
    _row("vgg19",               "vgg",          SAME, SAME,              "classifier.6", 224, IMAGENET, 32),
    _row("vgg19_bn",            "vgg",          SAME, SAME,              "classifier.6", 224, IMAGENET, 32),
    _row("squeezenet1_0",       "squeezenet",   SAME, "squeezenet1.0",   "classifier.1", 224, IMAGENET, 21),
    _row("squeezenet1_1",       "squeezenet",   SAME, "squeezenet1.1",   "classifier.1", 224, IMAGENET, 21),
    _row("resnet18",            "resnet",       SAME, "resnet18_v1",     "fc",           224, IMAGENET, 32),
    _row("resnet34",            "resnet",       SAME, "resnet34_v1",     "fc",           224, IMAGENET, 32),
    _row("resnet50",            "resnet",       SAME, "resnet50_v1",     "fc",           224, IMAGENET, 32),
    _row("resnet101",           "resnet",       SAME, "resnet101_v1",    "fc",           224, IMAGENET, 32),
    _row("resnet152",           "resnet",       SAME, "resnet152_v1",    "fc",           224, IMAGENET, 32),
    _row("resnet18_v2",         "resnet",       None, SAME,              "output",       224, IMAGENET, 32),
    _row("resnet34_v2",         "resnet",       None, SAME,              "output",       224, IMAGENET, 32),
    _row("resnet50_v2",         "resnet",       None, SAME,              "output",       224, IMAGENET, 32),
    _row("resnet101_v2",        "resnet",       None, SAME,              "output",       224, IMAGENET, 32),
    _row("resnet152_v2",        "resnet",       None, SAME,              "output",       224, IMAGENET, 32),
    _row("resnext50_32x4d",     "resnet",       SAME, SAME,              "fc",           224, IMAGENET, 32, package="gluoncv"),
    _row("resnext101_32x8d",    "resnet",       SAME, None,              "fc",           224, IMAGENET, 32),
    _row("resnext101_64x4d",    "resnet",       SAME, SAME,              "fc",           224, IMAGENET, 32, package="gluoncv"),
    _row("wide_resnet50_2",     "resnet",       SAME, None,              "fc",           224, IMAGENET, 32),
    _row("wide_resnet101_2",    "resnet",       SAME, None,              "fc",           224, IMAGENET, 32),
    _row("densenet121",         "densenet",     SAME, SAME,              "classifier",   224, IMAGENET, 32),
    _row("densenet161",         "densenet",     SAME, SAME,              "classifier",   224, IMAGENET, 32),
    _row("densenet169",         "densenet",     SAME, SAME,              "classifier",   224, IMAGENET, 32),
    _row("densenet201",         "densenet",     SAME, SAME,              "classifier",   224, IMAGENET, 32),
    _row("googlenet",           "googlenet",    SAME, None,              "fc",           224, IMAGENET, 64, auxiliary=("aux1.fc2", "aux2.fc2")),
    _row("inception_v3",        "inception",    SAME, "inceptionv3",     "fc",           299, IMAGENET, 75, auxiliary=("AuxLogits.fc",), auxiliary_size=299),
    _row("mobilenet_v2",        "mobilenet",    SAME, "mobilenetv2_1.0", "classifier.1", 224, IMAGENET, 32),
    _row("mobilenet_v3_large",  "mobilenet",    SAME, None,              "classifier.3", 224, IMAGENET, 32),
    _row("mobilenet_v3_small",  "mobilenet",    SAME, None,              "classifier.3", 224, IMAGENET, 32),
    _row("mobilenet1.0",        "mobilenet",    None, SAME,              "output",       224, IMAGENET, 32),
    _row("mobilenet0.75",       "mobilenet",    None, SAME,              "output",       224, IMAGENET, 32),
    _row("mobilenet0.5",        "mobilenet",    None, SAME,              "output",       224, IMAGENET, 32),
    _row("mobilenet0.25",       "mobilenet",    None, SAME,              "output",       224, IMAGENET, 32),
    _row("mobilenetv2_0.75",    "mobilenet",    None, SAME,              "output",       224, IMAGENET, 32),
    _row("mobilenetv2_0.5",     "mobilenet",    None, SAME,              "output",       224, IMAGENET, 32),
    _row("mobilenetv2_0.25",    "mobilenet",    None, SAME,              "output",       224, IMAGENET, 32),
    _row("mnasnet0_5",          "mnasnet",      SAME, None,              "classifier.1", 224, IMAGENET, 32),
    _row("mnasnet0_75",         "mnasnet",      SAME, None,              "classifier.1", 224, IMAGENET, 32),
    _row("mnasnet1_0",          "mnasnet",      SAME, None,              "classifier.1", 224, IMAGENET, 32),
    _row("mnasnet1_3",          "mnasnet",      SAME, None,              "classifier.1", 224, IMAGENET, 32),
    _row("shufflenet_v2_x0_5",  "shufflenet",   SAME, None,              "fc",           224, IMAGENET, 32),
    _row("shufflenet_v2_x1_0",  "shufflenet",   SAME, None,              "fc",           224, IMAGENET, 32),
    _row("shufflenet_v2_x1_5",  "shufflenet",   SAME, None,              "fc",           224, IMAGENET, 32),
    _row("shufflenet_v2_x2_0",  "shufflenet",   SAME, None,              "fc",           224, IMAGENET, 32),
    _row("efficientnet_b0",     "efficientnet", SAME, None,              "classifier.1", 224, IMAGENET, 33),
    _row("efficientnet_b1",     "efficientnet", SAME, None,              "classifier.1", 240, IMAGENET, 33),
    _row("efficientnet_b2",     "efficientnet", SAME, None,              "classifier.1", 288, IMAGENET, 33),
    _row("efficientnet_b3",     "efficientnet", SAME, None,              "classifier.1", 300, IMAGENET, 33),
    _row("efficientnet_b4",     "efficientnet", SAME, None,              "classifier.1", 380, IMAGENET, 33),
    _row("efficientnet_b5",     "efficientnet", SAME, None,              "classifier.1", 456, IMAGENET, 33),
    _row("efficientnet_b6",     "efficientnet", SAME, None,              "classifier.1", 528, IMAGENET, 33),
    _row("efficientnet_b7",     "efficientnet", SAME, None,              "classifier.1", 600, IMAGENET, 33),
    _row("efficientnet_v2_s",   "efficientnet", SAME, None,              "classifier.1", 384, IMAGENET, 33),
    _row("efficientnet_v2_m",   "efficientnet", SAME, None,              "classifier.1", 480, IMAGENET, 33),
    _row("efficientnet_v2_l",   "efficientnet", SAME, None,              "classifier.1", 480, HALF,     33),
    _row("regnet_x_400mf",      "regnet",       SAME, None,              "fc",           224, IMAGENET, 32),
    _row("regnet_x_800mf",      "regnet",       SAME, None,              "fc",           224, IMAGENET, 32),
    _row("regnet_x_1_6gf",      "regnet",       SAME, None,              "fc",           224, IMAGENET, 32),
    _row("regnet_x_3_2gf",      "regnet",       SAME, None,              "fc",           224, IMAGENET, 32),
    _row("regnet_x_8gf",        "regnet",       SAME, None,              "fc",           224, IMAGENET, 32),
    _row("regnet_x_16gf",       "regnet",       SAME, None,              "fc",           224, IMAGENET, 32),
    _row("regnet_x_32gf",       "regnet",       SAME, None,              "fc",           224, IMAGENET, 32),
    _row("regnet_y_400mf",      "regnet",       SAME, None,              "fc",           224, IMAGENET, 32),
    _row("regnet_y_800mf",      "regnet",       SAME, None,              "fc",           224, IMAGENET, 32),
    _row("regnet_y_1_6gf",      "regnet",       SAME, None,              "fc",           224, IMAGENET, 32),
    _row("regnet_y_3_2gf",      "regnet",       SAME, None,              "fc",           224, IMAGENET, 32),
    _row("regnet_y_8gf",        "regnet",       SAME, None,              "fc",           224, IMAGENET, 32),
    _row("regnet_y_16gf",       "regnet",       SAME, None,              "fc",           224, IMAGENET, 32),
    _row("regnet_y_32gf",       "regnet",       SAME, None,              "fc",           224, IMAGENET, 32),
    _row("regnet_y_128gf",      "regnet",       SAME, None,              "fc",           384, IMAGENET, 32),
    _row("convnext_tiny",       "convnext",     SAME, None,              "classifier.2", 224, IMAGENET, 32),
    _row("convnext_small",      "convnext",     SAME, None,              "classifier.2", 224, IMAGENET, 32),
    _row("convnext_base",       "convnext",     SAME, None,              "classifier.2", 224, IMAGENET, 32),
    _row("convnext_large",      "convnext",     SAME, None,              "classifier.2", 224, IMAGENET, 32),
    _row("vit_b_16",            "vit",          SAME, None,              "heads.head",   224, IMAGENET, 32, size_argument="image_size"),
    _row("vit_b_32",            "vit",          SAME, None,              "heads.head",   224, IMAGENET, 32, size_argument="image_size"),
    _row("vit_l_16",            "vit",          SAME, None,              "heads.head",   224, IMAGENET, 32, size_argument="image_size"),
    _row("vit_l_32",            "vit",          SAME, None,              "heads.head",   224, IMAGENET, 32, size_argument="image_size"),
    _row("vit_h_14",            "vit",          SAME, None,              "heads.head",   518, IMAGENET, 32, size_argument="image_size"),
    _row("swin_t",              "swin",         SAME, None,              "head",         224, IMAGENET, 32),
    _row("swin_s",              "swin",         SAME, None,              "head",         224, IMAGENET, 32),
    _row("swin_b",              "swin",         SAME, None,              "head",         224, IMAGENET, 32),
    _row("swin_v2_t",           "swin",         SAME, None,              "head",         256, IMAGENET, 32),
    _row("swin_v2_s",           "swin",         SAME, None,              "head",         256, IMAGENET, 32),
    _row("swin_v2_b",           "swin",         SAME, None,              "head",         256, IMAGENET, 32),
    _row("maxvit_t",            "maxvit",       SAME, None,              "classifier.5", 224, IMAGENET, 224, size_argument="input_size"),
    _row("darknet53",           "darknet",      None, SAME,              "output",       224, IMAGENET, 32, package="gluoncv"),
    _row("mobilenetv3_large",   "mobilenet",    None, SAME,              "output",       224, IMAGENET, 32, package="gluoncv"),
    _row("mobilenetv3_small",   "mobilenet",    None, SAME,              "output",       224, IMAGENET, 32, package="gluoncv"),
    _row("resnext101_32x4d",    "resnet",       None, SAME,              "output",       224, IMAGENET, 32, package="gluoncv"),
    _row("se_resnext50_32x4d",  "senet",        None, SAME,              "output",       224, IMAGENET, 32, package="gluoncv"),
    _row("se_resnext101_32x4d", "senet",        None, SAME,              "output",       224, IMAGENET, 32, package="gluoncv"),
    _row("se_resnext101_64x4d", "senet",        None, SAME,              "output",       224, IMAGENET, 32, package="gluoncv"),
    _row("senet_154",           "senet",        None, SAME,              "output",       224, IMAGENET, 32, package="gluoncv"),
    _row("resnet18_v1b",        "resnet",       None, SAME,              "fc",           224, IMAGENET, 32, package="gluoncv"),
    _row("resnet34_v1b",        "resnet",       None, SAME,              "fc",           224, IMAGENET, 32, package="gluoncv"),
    _row("resnet50_v1b",        "resnet",       None, SAME,              "fc",           224, IMAGENET, 32, package="gluoncv"),
    _row("resnet101_v1b",       "resnet",       None, SAME,              "fc",           224, IMAGENET, 32, package="gluoncv"),
    _row("resnet152_v1b",       "resnet",       None, SAME,              "fc",           224, IMAGENET, 32, package="gluoncv"),
    _row("resnet50_v1b_gn",     "resnet",       None, SAME,              "fc",           224, IMAGENET, 32, package="gluoncv"),
    _row("resnet50_v1c",        "resnet",       None, SAME,              "fc",           224, IMAGENET, 32, package="gluoncv"),
    _row("resnet101_v1c",       "resnet",       None, SAME,              "fc",           224, IMAGENET, 32, package="gluoncv"),
    _row("resnet152_v1c",       "resnet",       None, SAME,              "fc",           224, IMAGENET, 32, package="gluoncv"),
    _row("resnet50_v1d",        "resnet",       None, SAME,              "fc",           224, IMAGENET, 32, package="gluoncv"),
    _row("resnet101_v1d",       "resnet",       None, SAME,              "fc",           224, IMAGENET, 32, package="gluoncv"),
    _row("resnet152_v1d",       "resnet",       None, SAME,              "fc",           224, IMAGENET, 32, package="gluoncv"),
    _row("resnet18_v1b_0.89",   "resnet",       None, SAME,              "fc",           224, IMAGENET, 32, package="gluoncv"),
    _row("resnet50_v1d_0.86",   "resnet",       None, SAME,              "fc",           224, IMAGENET, 32, package="gluoncv"),
    _row("resnet50_v1d_0.48",   "resnet",       None, SAME,              "fc",           224, IMAGENET, 32, package="gluoncv"),
    _row("resnet50_v1d_0.37",   "resnet",       None, SAME,              "fc",           224, IMAGENET, 32, package="gluoncv"),
    _row("resnet50_v1d_0.11",   "resnet",       None, SAME,              "fc",           224, IMAGENET, 32, package="gluoncv"),
    _row("resnet101_v1d_0.76",  "resnet",       None, SAME,              "fc",           224, IMAGENET, 32, package="gluoncv"),
    _row("resnet101_v1d_0.73",  "resnet",       None, SAME,              "fc",           224, IMAGENET, 32, package="gluoncv"),
    _row("xception",            "xception",     None, SAME,              "fc",           299, IMAGENET, 32, package="gluoncv"),
)
# fmt: on


MODELS: dict[str, ModelRow] = table(_ROWS)
