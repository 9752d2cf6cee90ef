"""Where in an image a network sees a class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from . import backends
from .backends import Learner
from .backends.heat_maps import HeatMaps
from .data.augment import Draws
from .data.depth import Levels
from .errors import InvalidType, shown, unknown
from .inference import network_input
from .spec import Resolved


class Explained(NamedTuple):
    """One image.

    `picture`: as the network is given it, before normalization, uint8 (side, side, 3). `classes`: those whose heat maps are in
    `maps`. `scores`: of each class of the network, by name.
    """

    picture: np.ndarray
    classes: tuple[str, ...]
    maps: HeatMaps
    scores: dict[str, float]


def explained(
    learner: Learner, image: object, spec: Resolved, levels: Levels, argument: str, classes: Sequence[str] | None = None
) -> Explained:
    """Show an image, of any kind that `Infer` takes, to a network as a test image.

    Args:
        argument: what errors call the image. classes: those to explain; None: the one with the highest score.

    Raises:
        NotFound: no such file. UnreadableImage: it cannot be read as an image. InvalidType, InvalidValue: not an image.
    """
    backends.check_process(spec.backend)
    images, draws = network_input(image, spec, levels, argument)
    scores = dict(
        zip(learner.task.classes, learner.task.scores(learner.logits(images, draws))[0].tolist(), strict=True)
    )
    chosen = (max(scores, key=scores.__getitem__),) if classes is None else tuple(classes)
    picture = np.clip(np.rint(learner.augmented(images, draws)[0]), 0, 255).astype(np.uint8)
    return Explained(picture, chosen, _maps(learner, images, draws, chosen), scores)


def check_class(name: object, classes: Sequence[str]) -> str:
    """The name of a class.

    Raises:
        InvalidType: not a string. UnknownName: there is no such class.
    """
    if not isinstance(name, str):
        raise InvalidType(f"class_name must be the name of a class, not {shown(name)} ({type(name).__name__})")
    if name not in classes:
        raise unknown("class", name, classes)
    return name


def _maps(learner: Learner, images: np.ndarray, draws: Draws, classes: Sequence[str]) -> HeatMaps:
    """The heat maps of one image for several classes, or none."""
    if not classes:
        return HeatMaps(np.zeros((0, 1, 1), np.float32), "")
    targets = np.array([learner.task.classes.index(name) for name in classes], np.int64)
    copies = np.zeros(len(targets), np.int64)
    return learner.heat_maps(images[copies], draws.take(copies), targets)
