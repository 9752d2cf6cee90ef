"""Pictures of what each variation does to one of the user's own pictures, for choosing among them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ... import backends
from ...backends import Learner
from ...catalog import resolve
from ...catalog.default_recipes import default_spec
from ...data import decode
from ...data.augment import policy
from ...data.picture_files import png
from ...files import make_folder, write_bytes
from ...spec import Choice
from ...tasks import SingleLabel
from .choices import BACKEND, INPUT_SIZE, VARIATIONS
from .projects import Project

# pictures beside each other; the first is as it was
N_SHOWN, SIDE, GAP = 4, 128, 6
# draws in which a variation may be seen; of those that leave it as it is, others are taken
N_TRIES = 12
# mean difference of pixels, 0 to 255, that can be seen
SEEN = 0.2
SEED = 0


def draw(project: Project) -> None:
    """Draw a row of pictures for each variation, into the folder `effects` of the project; nothing if no picture can be read."""
    content = next(_readable(project), None)
    if content is None:
        return
    # its weights do not matter, because transforms are applied before the first layer
    spec = resolve(default_spec(BACKEND).replace({"model.name": "squeezenet1_1", "model.use_gpu": False}))
    learner = backends.load(BACKEND).learner(spec, SingleLabel(("a", "b")), pretrained=False)
    make_folder(project.effects)
    for variation in VARIATIONS:
        shown = _varied(learner, content, variation.choice())
        write_bytes(project.effects / f"{variation.name}.png", png(_beside(shown)))


def _readable(project: Project) -> Iterator[bytes]:
    """The bytes of pictures that can be read, those of the first class first."""
    for name, n in project.counts("train").items():
        for number in range(n):
            content, problem = decode.read_file(project.picture("train", name, number))
            if not problem and decode.decode(content, SIDE).pixels is not None:
                yield content


def _varied(learner: Learner, content: bytes, choice: Choice) -> list[np.ndarray]:
    """A picture as it is, and as the variation makes it, uint8 (side, side, 3)."""
    how = policy((choice,), INPUT_SIZE)
    decoded = decode.decode(content, how.stored_size, how.prefix)
    plain = decode.decode(content, INPUT_SIZE).pixels
    assert decoded.pixels is not None and plain is not None
    images = np.stack([decoded.pixels] * N_TRIES)
    draws = how.draw(np.array([decoded.size] * N_TRIES), np.random.default_rng(SEED))
    varied = np.clip(np.rint(learner.augmented(images, draws)), 0, 255).astype(np.uint8)
    changed = [image for image in varied if np.abs(image.astype(int) - plain).mean() > SEEN]
    return [plain, *changed[: N_SHOWN - 1]]


def _beside(images: list[np.ndarray]) -> np.ndarray:
    """Pictures beside each other, small, with gaps of white."""
    from PIL import Image

    sheet = np.full((SIDE, N_SHOWN * SIDE + (N_SHOWN - 1) * GAP, 3), 255, np.uint8)
    for i, image in enumerate(images):
        left = i * (SIDE + GAP)
        small = Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        sheet[:, left : left + SIDE] = np.asarray(small)
    return sheet
