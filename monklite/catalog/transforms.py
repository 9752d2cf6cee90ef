"""The table of transforms; those before the first random one are applied once, when the file is decoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..errors import InvalidValue
from ..rules import ListOf, Number, NumberOrList, OrNone, Rule, Whole
from ..setting_ranges import INPUT_SIZE_RANGE, MAX_FACTOR
from ..spec import SUBSETS, Choice, Transforms
from .rows import REQUIRED, Parameter, Row, table


@dataclass(frozen=True)
class TransformRow(Row):
    """A transform, the same for every backend.

    `kind`: `geometry` moves pixels, and is composed with others of its kind into one resampling; `colours` changes the colours
    of the moved pixels; `both` does both; `pixels` is done once, when a file is decoded, after all that moves pixels there;
    `normalize` is applied last, by the backend. `random`: whether it draws random numbers for each image. `compose`: dotted path
    of the function that composes it with those before it. `decode`: dotted path of the function that applies it to a decoded
    image, `""`: it is only applied to batches. `flip`: the axis that it mirrors; chains of flips alone need no resampling.
    `onnx`: dotted path of the function that writes what `decode` does as nodes of ONNX, `""`: it cannot be written so.
    """

    kind: Literal["geometry", "colours", "both", "pixels", "normalize"] = "geometry"
    random: bool = False
    compose: str = ""
    decode: str = ""
    flip: Literal["", "x", "y"] = ""
    onnx: str = ""


# beyond it a picture is all black or white, and the product of a few of them is still a number
MAX_COLOUR_FACTOR = 100
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
RATIO = Number(above=0, limit=MAX_FACTOR)
INPUT_SIZE = Parameter("input_size", REQUIRED, INPUT_SIZE_RANGE, "side of the resulting square, px")
PROBABILITY = Parameter("probability", 0.5, Number(least=0, most=1), "share of images that are transformed")


def _geometry(
    name: str, doc: str, *parameters: Parameter, random: bool = True, flip: Literal["", "x", "y"] = ""
) -> TransformRow:
    decode, onnx = ("", "") if random else (f"monklite.data.decode.{name}", _onnx(name))
    return TransformRow(name, doc, parameters, "geometry", random, f"monklite.data.geometry.{name}", decode, flip, onnx)


def _colours(name: str, doc: str, *parameters: Parameter) -> TransformRow:
    return TransformRow(name, doc, parameters, "colours", True, f"monklite.data.colours.{name}")


def _pixels(name: str, doc: str, *parameters: Parameter) -> TransformRow:
    decode = f"monklite.data.decoded_colours.{name}"
    return TransformRow(name, doc, parameters, "pixels", decode=decode, onnx=_onnx(name))


def _onnx(name: str) -> str:
    return f"monklite.exporting.onnx_steps.{name}"


def _range(item: Number) -> ListOf:
    """The smallest and the largest of a range."""
    return ListOf(item, length=2, ordered=True)


def _angles(most: float) -> NumberOrList:
    """The largest angle either way, or both ends, in degrees."""
    return NumberOrList(Number(least=0, most=most), _range(Number(least=-most, most=most)))


def _factor(name: str) -> Parameter:
    rule = NumberOrList(Number(least=0, most=MAX_COLOUR_FACTOR), _range(Number(least=0, most=MAX_COLOUR_FACTOR)))
    return Parameter(name, 0.0, rule, f"largest distance of the factor of the {name} from 1, or both of its ends")


@dataclass(frozen=True)
class ThreeChannels(Whole):
    """The number of channels of every image: networks take red, green and blue."""

    least: float | None = 3
    most: float | None = 3

    def __str__(self) -> str:
        return "3 (networks take images of three channels)"


@dataclass(frozen=True)
class Slants(Rule):
    """The largest angle along x either way, both of its ends, or both ends along x and along y, in degrees."""

    most: float

    @property
    def annotation(self) -> str:
        return _angles(self.most).annotation

    def check(self, value: object) -> float | tuple[float, ...]:
        if isinstance(value, (list, tuple)) and len(value) == 4:
            ends = _range(Number(least=-self.most, most=self.most))
            return (*ends.check(value[:2]), *ends.check(value[2:]))
        return _angles(self.most).check(value)

    def __str__(self) -> str:
        return f"{_angles(self.most)}, or of 4 values, for x and for y"


# fmt: off
TRANSFORMS = table((
    _geometry("resize", "Resize to a square, ignoring the aspect ratio.", INPUT_SIZE, random=False),
    _geometry("center_crop", "Crop a square from the centre (a smaller image is used whole).", INPUT_SIZE,
              random=False),
    _geometry("random_crop", "Crop a square at a random position (a smaller image is used whole).", INPUT_SIZE),
    _geometry("random_resized_crop",
              "Crop a random share of the image with a random aspect ratio and resize it (Szegedy et al. 2015).",
              INPUT_SIZE,
              Parameter("scale", (0.08, 1.0), _range(Number(above=0, most=1)),
                        "smallest and largest share of the area"),
              Parameter("ratio", (3 / 4, 4 / 3), _range(RATIO), "smallest and largest width / height")),
    _geometry("random_horizontal_flip", "Mirror left and right.", PROBABILITY, flip="x"),
    _geometry("random_vertical_flip", "Mirror top and bottom.", PROBABILITY, flip="y"),
    _geometry("random_rotation", "Rotate about the centre by up to `degrees` either way; corners become black.",
              Parameter("degrees", REQUIRED, _angles(180), "largest angle either way, or both ends, counterclockwise")),
    _geometry("random_affine",
              "Rotate about the centre, move, scale and shear; what comes from outside the image is black.",
              Parameter("degrees", REQUIRED, _angles(180), "largest angle either way, or both ends, clockwise"),
              Parameter("translate", None, OrNone(ListOf(Number(least=0, most=1), length=2)),
                        "largest shares of width and height by which it is moved either way; None: not at all"),
              Parameter("scale", None, OrNone(_range(Number(least=0.01, most=100))),
                        "smallest and largest factor of the size; None: 1"),
              Parameter("shear", None, OrNone(Slants(89)),
                        "largest angle of slanting along x either way, both ends, or both ends along x and along y; "
                        "None: 0")),
    _geometry("random_perspective",
              "Tilt the image: move its corners inwards by random distances; what comes from outside is black.",
              Parameter("distortion_scale", 0.5, Number(least=0, most=1),
                        "largest distance as a share of half the side"), PROBABILITY),
    _colours("color_jitter",
             "Change brightness, then contrast, saturation and hue at random, as torchvision defines them.",
             _factor("brightness"), _factor("contrast"), _factor("saturation"),
             Parameter("hue", 0.0, NumberOrList(Number(least=0, most=0.5), _range(Number(least=-0.5, most=0.5))),
                       "largest turn of the hue either way, as a share of the colour circle, or both ends")),
    _colours("random_lighting",
             "Add noise along the principal components of ImageNet's colours (Krizhevsky et al. 2012).",
             Parameter("alpha", 1.0, Number(least=0, most=MAX_COLOUR_FACTOR),
                       "standard deviation of the noise; 0.1 in the paper")),
    _colours("random_gamma", "Brighten or darken the middle greys: raise the values, 0 to 1, to a random power.",
             Parameter("gamma", (0.8, 1.25), _range(Number(least=0.01, most=100)), "smallest and largest exponent")),
    _colours("random_autocontrast", "Stretch each channel to the whole range from black to white, as torchvision does.",
             PROBABILITY),
    _colours("random_blur", "Blur with a Gaussian kernel of random width.",
             Parameter("sigma", (0.1, 2.0), _range(Number(above=0, most=100)),
                       "smallest and largest standard deviation, px of the input size"), PROBABILITY),
    _colours("random_erasing", "Fill a random box with the mean colour of normalize (Zhong et al. 2020).", PROBABILITY,
             Parameter("scale", (0.02, 0.33), _range(Number(above=0, most=1)),
                       "smallest and largest share of the area"),
             Parameter("ratio", (0.3, 3.3), _range(RATIO), "smallest and largest height / width")),
    TransformRow("trivial_augment",
                 "One random transform of each image, of its place or its colours, at random strength (Müller and "
                 "Hutter 2021).", (), "both", True, "monklite.data.trivial_augment.trivial_augment"),
    _pixels("grayscale", "Take the colours out of an image. Done once, when it is decoded.",
            Parameter("num_output_channels", 3, ThreeChannels(), "channels of the result")),
    _pixels("clahe",
            "Equalise brightness around each place, with limited contrast (CLAHE, Zuiderveld 1994), as for X-rays. "
            "Done once, when an image is decoded.",
            Parameter("clip_limit", 2.0, Number(least=1, most=256), "largest gain of contrast; 1: none"),
            Parameter("grid", 8, Whole(least=1, most=64), "tiles in each direction, whose brightness is equalised")),
    TransformRow("normalize", "Subtract the mean and divide by the standard deviation of each channel (values 0 to 1).",
                 (Parameter("mean", IMAGENET_MEAN, ListOf(Number(least=0, most=1), length=3), "of red, green and blue"),
                  Parameter("std", IMAGENET_STD, ListOf(Number(above=0, most=1), length=3), "of red, green and blue")),
                 "normalize"),
))
# fmt: on


def append(chains: Transforms, choice: Choice, subsets: Sequence[str]) -> tuple[Transforms, str]:
    """Append a transform to the chains of some subsets; returns the chains and a note for the user, `""`: none.

    Random transforms are for training images only, because results on augmented images cannot be compared. Monk applied them
    to all subsets.

    Raises:
        InvalidValue: no subset is named, or a random transform only for validation or test images.
    """
    name, evaluated = f"apply_{choice.name}", " and ".join(s for s in subsets if s != "train")
    if not subsets:
        raise InvalidValue(f"{name}: say for which images: train=True, val=True or test=True")
    note = ""
    if evaluated and TRANSFORMS[choice.name].random:
        if "train" not in subsets:
            raise InvalidValue(f"{name} is random, and {evaluated} images are never augmented: use train=True")
        subsets, note = ["train"], f"{name} is applied to training images only; {evaluated} images are never augmented"
    before = {subset: getattr(chains, subset) for subset in SUBSETS}
    return Transforms(**{s: (*chain, choice) if s in subsets else chain for s, chain in before.items()}), note
