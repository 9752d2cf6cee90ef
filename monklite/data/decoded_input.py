"""Images of any kind, decoded as test images are."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import NotFound, UnreadableImage, shown
from ..looking import is_folder
from ..spec import Choice
from ..working_folder import looked_from
from . import decode
from .depth import Levels
from .image_input import ImageInput, image_input


class DecodedInput(NamedTuple):
    """A decoded image. `pixels`: uint8 (stored size, stored size, 3); `size`: see `decode.load`."""

    name: str
    pixels: np.ndarray
    size: decode.Size


class Unread(NamedTuple):
    """An image that is missing or cannot be read, and the reason as a sentence."""

    name: str
    problem: str


class Decoding(NamedTuple):
    """How the pictures of a run are decoded: see `Policy` and `Levels`."""

    stored_size: int
    prefix: tuple[Choice, ...]
    levels: Levels

    def decoded(self, image: ImageInput) -> DecodedInput:
        """Decode an image.

        Raises:
            NotFound: no such file. UnreadableImage: it cannot be read as an image.
        """
        found = decode.decode(image.content(), self.stored_size, self.prefix, levels=self.levels)
        if found.pixels is None:
            raise UnreadableImage(decode.unreadable_message(image.where, found.problem))
        return DecodedInput(image.name, found.pixels, found.size)

    def tried(self, image: ImageInput) -> DecodedInput | Unread:
        """Decode an image, or say why it cannot be read."""
        try:
            return self.decoded(image)
        except (UnreadableImage, NotFound) as error:
            return Unread(image.name, str(error))


def one_image(image: Any, argument: str, allow_url: bool, levels: Levels) -> ImageInput:
    """One image of any kind. Arguments and errors as of `image_input`.

    Raises:
        NotFound: it is a path at which there is no file.
    """
    given = image_input(image, argument, allow_url=allow_url, levels=levels)
    if given.is_missing:
        hint = "; it is a folder: give it as img_dir" if is_folder(Path(given.source)) else ""
        raise NotFound(f"there is no image file at {shown(given.source)} ({looked_from()}){hint}")
    return given
