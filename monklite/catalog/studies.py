"""The table of studies: one convolution or pooling with one setting, applied to an image to see what the setting does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..rules import OneOf, Whole
from .rows import Parameter, Row, table

# more would not fit into a picture, or into memory
MAX_STUDIED_FILTERS, MAX_KERNEL, MAX_SIZE = 32, 16, 64
POOLINGS = ("max", "avg")


@dataclass(frozen=True)
class Study(Row):
    """`study_<name>(img_name, ...)`. `pools`: a pooling, not a convolution. `fixed`: settings that are not its arguments."""

    pools: bool = False
    fixed: Mapping[str, int] = field(default_factory=dict)


def _size(name: str, default: int, doc: str, least: int = 1, most: int = MAX_SIZE) -> Parameter:
    return Parameter(name, default, Whole(least=least, most=most), doc)


def _type(default: str) -> Parameter:
    return Parameter("type", default, OneOf(POOLINGS), "the largest value of a window, or its mean")


# fmt: off
STUDIES = table((
    Study("convolution_filters", "Convolve an image with several filters: each gives a channel.",
          (_size("num_filters", 4, "number of filters", most=MAX_STUDIED_FILTERS),)),
    Study("convolution_kernels", "Convolve an image with kernels of a size: larger ones see more at once.",
          (_size("kernel_size", 4, "side of the kernel, px", most=MAX_KERNEL),)),
    Study("convolution_stride", "Convolve an image at every so many pixels: the result becomes smaller.",
          (_size("stride", 4, "step between two windows, px"),)),
    Study("convolution_padding", "Convolve an image with a border of zeros around it.",
          (_size("padding", 0, "width of the border, px", least=0),)),
    Study("convolution_grouping", "Convolve the colours of an image in groups: a filter sees those of its group only.",
          (_size("groups", 1, "1: filters see all three colours; 3: each sees one", most=3),), fixed={"num_filters": 3}),
    Study("convolution_dilation", "Convolve an image with spread kernels: they see further with as many weights.",
          (_size("factor", 0, "distance between two weights, px; 0 is as 1", least=0),)),
    Study("pooling_type", "Pool an image: one value for each window of 4 x 4 px.",
          (_type("max"),), pools=True, fixed={"kernel_size": 4, "stride": 4}),
    Study("pooling_kernels", "Pool an image in windows of a size.",
          (_size("kernel_size", 4, "side of the window, px", most=MAX_KERNEL), _type("avg")), pools=True),
    Study("pooling_stride", "Pool an image at every so many pixels.",
          (_size("stride", 4, "step between two windows, px"), _type("avg")), pools=True),
    Study("pooling_padding", "Pool an image with a border around it, whose pixels count as zeros.",
          (_size("padding", 1, "width of the border, px", least=0), _type("avg")), pools=True),
    Study("pooling_dilation", "Pool an image in windows of spread pixels.",
          (_size("dilation", 1, "distance between two pixels of a window, px"), _type("avg")), pools=True),
))
# fmt: on
