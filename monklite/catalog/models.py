"""Networks, one row each: where each backend builds it, where its head is, what it needs.

`resnet50` and `resnet50_v1` are two names of one network on either backend. PyTorch's column names a builder of
`torchvision.models`, MXNet's one of `mxnet.gluon.model_zoo.vision`, or, as `gluoncv:<name>`, one of the package GluonCV,
which may be missing. Sizes are those of torchvision's default weights.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import InvalidValue, MissingPackage, unknown
from .rows import BACKENDS

INSTALL = {"gluoncv": 'pip install "monklite[gluoncv]"'}  # optional packages of networks -> what brings them


@dataclass(frozen=True)
class Model:
    """One network.

    `pytorch`/`mxnet`: the builder's name, None where that backend has none; `package:name` where it comes from an
    optional package. `head`: torch's dotted places of the classifier, auxiliary ones last; MXNet's where only MXNet has
    the network. `input_size`: side in px that its pretrained weights were made for. `least_size`: the smallest side it
    can train on. `size_argument`: the builder's keyword where the network is made for one size.
    """

    name: str
    family: str
    pytorch: str | None
    mxnet: str | None
    head: tuple[str, ...]
    input_size: int = 224
    least_size: int = 32
    size_argument: str | None = None
    aliases: tuple[str, ...] = ()
    auxiliary_size: int = 0  # smaller images have no room for the auxiliary heads, which are then left out

    def backends(self) -> list[str]:
        return [b for b in BACKENDS if getattr(self, b)]

    def package(self, backend: str) -> str | None:
        """The optional package that has this network on that backend, None where the framework itself has it."""
        return str(getattr(self, backend)).rpartition(":")[0] or None

    def builder(self, backend: str) -> str:
        """The builder's name in that backend's zoo."""
        return str(getattr(self, backend)).rpartition(":")[2]

    @property
    def mxnet_head(self) -> str:
        """The place of the classifier on MXNet: `output` in all of Gluon's zoo."""
        return "output" if self.pytorch else self.head[0]


def _family(
    family: str,
    head: str | tuple[str, ...],
    names: str,
    *,
    sizes: str = "",
    least: int = 32,
    size_argument: str | None = None,
    mxnet: str = "",
    only_mxnet: bool = False,
    auxiliary_size: int = 0,
) -> Iterator[Model]:
    """Rows of one family. `sizes` and `mxnet` hold one word a name; `-` in `mxnet` means that it has none.
    A name that MXNet alone uses is an alias."""
    words = names.split()
    input_sizes = [int(s) for s in sizes.split()] or [224] * len(words)
    gluon = mxnet.split() or ["-"] * len(words)
    for name, size, other in zip(words, input_sizes, gluon, strict=True):
        gluon_name = other.rpartition(":")[2]
        aliases = (gluon_name,) if gluon_name not in ("-", name) else ()
        torch_name = None if only_mxnet else name
        places = (head,) if isinstance(head, str) else head
        least_here = size if least < 0 else least
        yield Model(
            name,
            family,
            torch_name,
            None if other == "-" else other,
            places,
            size,
            least_here,
            size_argument,
            aliases,
            auxiliary_size,
        )


def _rows() -> Iterator[Model]:
    yield from _family("alexnet", "classifier.6", "alexnet", mxnet="alexnet", least=63)
    vggs = "vgg11 vgg11_bn vgg13 vgg13_bn vgg16 vgg16_bn vgg19 vgg19_bn"
    yield from _family("vgg", "classifier.6", vggs, mxnet=vggs)
    yield from _family(
        "squeezenet", "classifier.1", "squeezenet1_0 squeezenet1_1", mxnet="squeezenet1.0 squeezenet1.1", least=21
    )
    resnets = "resnet18 resnet34 resnet50 resnet101 resnet152"
    yield from _family("resnet", "fc", resnets, mxnet=resnets.replace(" ", "_v1 ") + "_v1")
    v2 = "resnet18_v2 resnet34_v2 resnet50_v2 resnet101_v2 resnet152_v2"
    yield from _family("resnet", "output", v2, mxnet=v2, only_mxnet=True)
    yield from _family(
        "resnet",
        "fc",
        "resnext50_32x4d resnext101_32x8d resnext101_64x4d wide_resnet50_2 wide_resnet101_2",
        mxnet="gluoncv:resnext50_32x4d - gluoncv:resnext101_64x4d - -",
    )
    dense = "densenet121 densenet161 densenet169 densenet201"
    yield from _family("densenet", "classifier", dense, mxnet=dense)
    yield from _family("googlenet", ("fc", "aux1.fc2", "aux2.fc2"), "googlenet", least=64)
    yield from _family(
        "inception",
        ("fc", "AuxLogits.fc"),
        "inception_v3",
        sizes="299",
        mxnet="inceptionv3",
        least=75,
        auxiliary_size=299,
    )
    yield from _family("mobilenet", "classifier.1", "mobilenet_v2", mxnet="mobilenetv2_1.0")
    yield from _family("mobilenet", "classifier.3", "mobilenet_v3_large mobilenet_v3_small")
    old = "mobilenet1.0 mobilenet0.75 mobilenet0.5 mobilenet0.25 mobilenetv2_0.75 mobilenetv2_0.5 mobilenetv2_0.25"
    yield from _family("mobilenet", "output", old, mxnet=old, only_mxnet=True)
    yield from _family("mnasnet", "classifier.1", "mnasnet0_5 mnasnet0_75 mnasnet1_0 mnasnet1_3")
    yield from _family(
        "shufflenet", "fc", "shufflenet_v2_x0_5 shufflenet_v2_x1_0 shufflenet_v2_x1_5 shufflenet_v2_x2_0"
    )
    yield from _family(
        "efficientnet",
        "classifier.1",
        "efficientnet_b0 efficientnet_b1 efficientnet_b2 efficientnet_b3 efficientnet_b4 efficientnet_b5 "
        "efficientnet_b6 efficientnet_b7 efficientnet_v2_s efficientnet_v2_m efficientnet_v2_l",
        sizes="224 240 288 300 380 456 528 600 384 480 480",
        least=33,
    )
    yield from _family(
        "regnet",
        "fc",
        "regnet_x_400mf regnet_x_800mf regnet_x_1_6gf regnet_x_3_2gf regnet_x_8gf regnet_x_16gf regnet_x_32gf "
        "regnet_y_400mf regnet_y_800mf regnet_y_1_6gf regnet_y_3_2gf regnet_y_8gf regnet_y_16gf regnet_y_32gf "
        "regnet_y_128gf",
        sizes="224 " * 14 + "384",
    )
    yield from _family("convnext", "classifier.2", "convnext_tiny convnext_small convnext_base convnext_large")
    yield from _family(
        "vit",
        "heads.head",
        "vit_b_16 vit_b_32 vit_l_16 vit_l_32 vit_h_14",
        sizes="224 224 224 224 518",
        size_argument="image_size",
    )
    yield from _family("swin", "head", "swin_t swin_s swin_b")
    yield from _family("swin", "head", "swin_v2_t swin_v2_s swin_v2_b", sizes="256 256 256")
    yield from _family("maxvit", "classifier.5", "maxvit_t", size_argument="input_size", least=224)
    yield from _gluoncv()


def _gluoncv() -> Iterator[Model]:
    """GluonCV's networks that Monk had and torchvision has not."""
    yield from _family_of_gluoncv("darknet", "output", "darknet53")
    yield from _family_of_gluoncv("mobilenet", "output", "mobilenetv3_large mobilenetv3_small")
    yield from _family_of_gluoncv("resnet", "output", "resnext101_32x4d")
    yield from _family_of_gluoncv(
        "senet", "output", "se_resnext50_32x4d se_resnext101_32x4d se_resnext101_64x4d senet_154"
    )
    yield from _family_of_gluoncv(
        "resnet",
        "fc",
        "resnet18_v1b resnet34_v1b resnet50_v1b resnet101_v1b resnet152_v1b resnet50_v1b_gn "
        "resnet50_v1c resnet101_v1c resnet152_v1c resnet50_v1d resnet101_v1d resnet152_v1d "
        "resnet18_v1b_0.89 resnet50_v1d_0.86 resnet50_v1d_0.48 resnet50_v1d_0.37 resnet50_v1d_0.11 "
        "resnet101_v1d_0.76 resnet101_v1d_0.73",
    )
    yield from _family_of_gluoncv("xception", "fc", "xception", sizes="299")


def _family_of_gluoncv(family: str, head: str, names: str, sizes: str = "") -> Iterator[Model]:
    places = " ".join(f"gluoncv:{name}" for name in names.split())
    return _family(family, head, names, sizes=sizes, mxnet=places, only_mxnet=True)


MODELS: dict[str, Model] = {model.name: model for model in _rows()}
_BY_ALIAS = {alias: model for model in MODELS.values() for alias in model.aliases}


def find_model(name: str, backend: str) -> Model:
    """The row of a model by any of its names.

    Raises:
        UnknownName: no model has that name; says which was probably meant.
        InvalidValue: only the other backend has it.
        MissingPackage: it comes from an optional package, which is not installed.
    """
    model = (MODELS.get(name) or _BY_ALIAS.get(name)) if isinstance(name, str) else None
    if model is None:
        raise unknown(f"{backend} model", name, names(backend))
    if backend not in model.backends():
        others = " or ".join(f"backend={b!r}" for b in model.backends())
        raise InvalidValue(
            f"the {backend} backend has no model {name!r}; use {others}, or one of: {', '.join(names(backend))}"
        )
    package = model.package(backend)
    if package and not _installed(package):
        others = "".join(f", or use backend={b!r}" for b in model.backends() if b != backend)
        raise MissingPackage(f"{model.name} of the {backend} backend needs {package}: {INSTALL[package]}{others}")
    return model


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def names(backend: str) -> list[str]:
    """The names of the models that a backend has here, sorted; those of a package that is not installed are left out."""
    there = {None: True} | {package: _installed(package) for package in INSTALL}
    return sorted(m.name for m in MODELS.values() if backend in m.backends() and there[m.package(backend)])
