"""Make the certificate of a bundle anew on this machine, without the framework and the run that it was made of."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

import numpy as np

from .. import operating_point
from ..data import decode
from ..data.cache import Tick
from ..errors import DatasetError
from ..tasks import Task, task_of
from . import comparing, run_images
from .certificate import PROBES, REPEATED, VALIDATION, Certificate, Comparison
from .certifying import made_here
from .comparing import Given
from .expected import Expected
from .manifest import CERTIFICATE, EXPECTED, INT8, MODEL, Manifest
from .reading import Bundle
from .runtimes import Runtime, runtime_of
from .session import Answers, Session


def verify(
    bundle: Bundle,
    images: str | os.PathLike[str] | None = None,
    tick: Tick | None = None,
    runtime: str = "onnxruntime",
) -> Certificate:
    """Compare what a bundle answers here with what the network answered before it was exported; whether it agrees the
    certificate tells.

    Args:
        images: a folder that holds validation images of the run, under any names: they are compared, too. tick: called with the
            number of these done and of all. runtime: that computes the network, one of `runtimes.RUNTIMES`.

    Raises:
        DamagedFile: a file of the bundle is missing, or not the one that was written. MissingPackage: the runtime is not
        installed. NotFound: no such folder. DatasetError: none of the validation images is in it.
    """
    bundle.check()
    model, manifest = bundle.content(MODEL), bundle.manifest
    expected, before = Expected.from_bytes(bundle.content(EXPECTED)), bundle.record(CERTIFICATE, Certificate)
    using = runtime_of(runtime)
    session = using.load(model)
    comparisons = [*_drawn(manifest, session, expected)]
    if images is not None:
        comparisons.insert(0, _on_validation(manifest, session, expected, images, tick))
    return made_here(manifest, model, tuple(comparisons), using.about, before.most_loss)


def drawn_again(bundle: Bundle, session: Session, runtime: Runtime) -> Certificate:
    """The certificate of the drawn pictures alone. `session`: the network of the bundle in this runtime. Raises as `verify`."""
    expected = Expected.from_bytes(bundle.content(EXPECTED))
    comparisons = tuple(_drawn(bundle.manifest, session, expected))
    return made_here(bundle.manifest, bundle.content(MODEL), comparisons, runtime.about)


def task_at_point(manifest: Manifest) -> Task:
    """The task of a bundle at its operating point."""
    task = task_of(manifest.label_type, manifest.classes, manifest.activation)
    return operating_point.at(task, manifest.operating_point)


def _drawn(manifest: Manifest, session: Session, expected: Expected) -> Iterator[Comparison]:
    here, task = _answers(manifest, session, expected.probes.values(), len(expected.probes)), task_at_point(manifest)
    heat = manifest.temperature or 1.0
    yield comparing.compared(PROBES, task, heat, known(expected.probe_logits), here)
    if manifest.form == INT8:
        yield comparing.compared(REPEATED, task, heat, known(expected.bundle_logits), here)


def _on_validation(
    manifest: Manifest, session: Session, expected: Expected, images: str | os.PathLike[str], tick: Tick | None
) -> Comparison:
    files, digests = run_images.by_digest(images), expected.digests.tolist()
    rows = np.array([row for row, digest in enumerate(digests) if digest in files], np.int64)
    if not len(rows):
        raise DatasetError(f"none of the {len(digests)} validation images of the run is in {images}: name their folder")
    contents = (decode.read_file(files[digests[row]])[0] for row in rows)
    here = _answers(manifest, session, contents, len(rows), tick)
    task, given = task_at_point(manifest), Given(expected.labels[rows])
    found = comparing.compared(VALIDATION, task, manifest.temperature or 1.0, known(expected.logits[rows]), here, given)
    return found.model_copy(update={"expected": len(digests)})


def _answers(
    manifest: Manifest, session: Session, contents: Iterable[bytes], total: int, tick: Tick | None = None
) -> Answers:
    network = [lambda batch: comparing.of_bundle(manifest, session, batch)]
    return comparing.in_batches(network, contents, total, tick)[0]


def known(logits: np.ndarray) -> Answers:
    """Answers of which the logits are known."""
    return Answers(logits, np.empty(0), None)
