"""Certify a bundle on the machine where it is made, against the network itself."""

from __future__ import annotations

import hashlib
import io
import platform
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from PIL import Image

from .. import operating_point
from ..data import decode, prepare
from ..data.augment import Policy
from ..data.cache import Tick
from ..data.depth import Levels
from ..data.digests import digest_of
from ..data.samples import DIGEST
from ..errors import UnreadableImage
from ..inference import Predictor
from ..installed import version_of
from ..processors import cpu_name
from ..runs.state import now
from ..settings_tree import build
from . import comparing, model_file, probes
from .certificate import PROBES, VALIDATION, Certificate, Comparison
from .comparing import Given
from .expected import Expected
from .manifest import PICTURES, Manifest
from .onnx_session import loaded
from .run_images import RunImages
from .runtimes import USUAL

PACKAGES = ("onnxruntime", "numpy", "Pillow")


def certify(
    predictor: Predictor,
    manifest: Manifest,
    model: bytes,
    validation: RunImages,
    tick: Tick | None = None,
    most_loss: float = 0.0,
) -> tuple[Certificate, Expected]:
    """Compare `model.onnx` of a bundle with the network on the validation images and on drawn pictures.

    Args:
        tick: called with the number of validation images done and of all. most_loss: as of `Certificate`.

    Raises:
        UnreadableImage: a validation image cannot be read any more.
    """
    session, has_embeddings = USUAL.load(model), manifest.n_embeddings > 0
    networks = (
        lambda contents: comparing.of_original(predictor, contents, has_embeddings),
        lambda contents: comparing.of_bundle(manifest, session, contents),
    )
    task = operating_point.at(predictor.usual_task, manifest.operating_point)
    digests: list[bytes] = []
    on_validation = comparing.in_batches(networks, _contents(validation.files, digests), len(validation), tick)
    drawn = probes.drawn()
    on_drawn = comparing.in_batches(networks, drawn.values(), len(drawn))
    heat, given = manifest.temperature or 1.0, Given(validation.labels, validation.groups)
    comparisons = (
        comparing.compared(VALIDATION, task, heat, on_validation[0], on_validation[1], given),
        comparing.compared(PROBES, task, heat, on_drawn[0], on_drawn[1]),
    )
    difference = _pixel_difference(manifest, prepare.policy_for_testing(predictor.spec), drawn.values())
    certificate = made_here(manifest, model, comparisons, USUAL.about, most_loss, difference)
    known = (np.array(digests, DIGEST), on_validation[0].logits, validation.labels)
    return certificate, Expected(drawn, on_drawn[0].logits, on_drawn[1].logits, *known)


def _contents(files: Sequence[str], digests: list[bytes]) -> Iterator[bytes]:
    """The content of each file. `digests`: gets those of their bytes."""
    for file in files:
        content, problem = decode.read_file(file)
        if problem:
            raise UnreadableImage(decode.unreadable_message(file, problem))
        digests.append(digest_of(content))
        yield content


def _pixel_difference(manifest: Manifest, policy: Policy, files: Iterable[bytes]) -> int:
    """The largest difference, of 255, between pictures that the bundle resizes and those that monklite does."""
    session, largest = loaded(model_file.resizing(policy)), 0
    for content in files:
        with Image.open(io.BytesIO(content)) as image:
            # the others are more than their pixels
            if image.mode not in ("RGB", "L") or image.getexif():
                continue
            picture = np.asarray(image.convert("RGB"))
        (resized,) = session.run(None, {PICTURES: picture[None]})
        expected = comparing.decoded([content], manifest.stored_size, manifest.prefix, Levels.recorded(manifest.levels))
        largest = max(largest, int(np.abs(resized.transpose(0, 2, 3, 1).astype(int) - expected).max()))
    return largest


def made_here(
    manifest: Manifest,
    model: bytes,
    comparisons: tuple[Comparison, ...],
    runtime: str,
    most_loss: float = 0.0,
    pixel_difference: int | None = None,
) -> Certificate:
    """The certificate of comparisons that were made on this machine. `runtime`: the one that computed, with its version."""
    versions = {"python": platform.python_version(), "system": f"{platform.system()} {platform.machine()}"}
    values = {
        "made": now(),
        "model": hashlib.sha256(model).hexdigest(),
        "form": manifest.form,
        "most_loss": most_loss,
        "processor": cpu_name(),
        "runtime": runtime,
        "versions": {**versions, **{name.lower(): version_of(name) for name in PACKAGES}},
        "comparisons": comparisons,
        "pixel_difference": pixel_difference,
    }
    return build(Certificate, values)
