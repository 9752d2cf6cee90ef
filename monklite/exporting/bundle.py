"""Make a bundle of a trained run, and compare it with the run before it is written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from .. import backends
from ..backends import array_files
from ..backends.base import WritesOnnx
from ..catalog.rows import check_installed
from ..data import prepare
from ..data.cache import Tick
from ..errors import ExportFailed, InvalidValue, NotFound, NotReady
from ..files import reading
from ..inference import Predictor
from ..regular_files import read_regular
from ..runs.file_names import DISTANCE as DISTANCE_OF_RUN
from ..runs.file_names import VALIDATION
from ..runs.run import Run
from ..runs.state import as_json
from ..transient import attempted
from . import certifying, container, describing, model_file, quantised, readme, run_images, writing
from .certificate import Certificate
from .describing import Note
from .expected import Expected
from .manifest import CERTIFICATE, DISTANCE, EXPECTED, FLOAT32, INT8, LABELS, MODEL, README, Manifest

PACKAGES = ("onnx", "onnxruntime")
ROUNDED = "in int8 the network gives other values than those that they were chosen by"


class Network(NamedTuple):
    """A network as ONNX. `distance`: the file of the run's distances, if it has them and the network gives what they take, which
    is `n_embeddings` values per image; `no_distance`: why it does not."""

    content: bytes
    distance: bytes = b""
    n_embeddings: int = 0
    no_distance: str = ""
    form: str = FLOAT32


class Int8(NamedTuple):
    """The network computes with whole numbers of 8 bits. `most_loss`: the largest share by which the accuracy may fall."""

    most_loss: float = 0.01


class Made(NamedTuple):
    """A bundle that was written. `path`: where. `size`: of all of its files, bytes."""

    path: Path
    manifest: Manifest
    certificate: Certificate
    size: int


def make(
    run: Run,
    cache: Path,
    path: str | os.PathLike[str],
    note: Note,
    images: str | None = None,
    int8: Int8 | None = None,
    tick: Tick | None = None,
) -> Made:
    """Make a bundle of the best weights of a run, and write it if it agrees with the run on its validation images.

    Args:
        path: of a folder, or of a zip file if it ends with `.zip`; nothing may be there. note: called with remarks.
        images: the folder that holds the images of the run now; None: they are where they were. int8: None: the network computes
            in float32, as it was trained. tick: called with the number of images compared and of all.

    Raises:
        ExportFailed: it does not agree; nothing is written. InvalidValue: the path is taken, or the network or a transform cannot
        be written as ONNX. MissingPackage: the extra `export` is not installed. NotReady: not trained, or being trained.
        DatasetError: the validation images are not there.
    """
    target = writing.free_path(path)
    for package in PACKAGES:
        check_installed(package, "a bundle is written as ONNX and compared in ONNX Runtime")
    if run.state().status == "running":
        raise NotReady(f"{run} is being trained right now: export it when the training is over")
    predictor = Predictor(run, cache)
    policy = prepare.policy_for_testing(predictor.spec)
    model_file.split_prefix(policy)
    validation = run_images.of_subset(predictor, "val", images)
    network = _network(predictor, int8 is not None)
    if int8 is not None:
        pictures = quantised.calibration(run_images.of_subset(predictor, "train", images), policy, predictor.levels)
        network = network._replace(content=quantised.int8(network.content, pictures), form=INT8)
    manifest = describing.manifest(predictor, policy, network.n_embeddings, network.no_distance, network.form, note)
    heat, task = manifest.temperature or 1.0, predictor.usual_task
    model = model_file.assembled(network.content, policy, task, heat, network.n_embeddings)
    certificate, expected = certifying.certify(
        predictor, manifest, model, validation, tick, int8.most_loss if int8 else 0.0
    )
    if problems := certificate.problems():
        raise ExportFailed(f"{run} was not exported, because the bundle does not agree with it: {'; '.join(problems)}")
    contents = _contents(manifest, model, certificate, expected, target.name)
    if network.distance:
        contents[DISTANCE] = network.distance
    return Made(target, writing.write(target, manifest, contents), certificate, sum(map(len, contents.values())))


def _contents(
    manifest: Manifest, model: bytes, certificate: Certificate, expected: Expected, name: str
) -> dict[str, bytes]:
    """The files of a bundle besides its manifest. `name`: of its folder or zip file."""
    return {
        MODEL: model,
        LABELS: "".join(f"{label}\n" for label in manifest.classes).encode("utf-8", "surrogateescape"),
        CERTIFICATE: as_json(certificate.model_dump(by_alias=True), indent=2).encode(),
        EXPECTED: expected.to_bytes(),
        README: readme.text(manifest, name).encode("utf-8", "replace"),
        **container.files(),
    }


def _network(predictor: Predictor, rounded: bool) -> Network:
    """`rounded`: its numbers will be, so that distances, which were chosen by others, are left out."""
    backend, size = backends.load(predictor.spec.backend), predictor.spec.data.input_size
    if not isinstance(backend, WritesOnnx):
        raise InvalidValue(f"the {predictor.spec.backend} backend cannot write its networks as ONNX")
    if predictor.certainty is None or predictor.certainty.record.distance is None:
        return Network(backend.onnx(predictor.learner, size))
    if rounded:
        return Network(backend.onnx(predictor.learner, size), no_distance=ROUNDED)
    try:
        distance, n_embeddings = _distance(predictor.run)
        return Network(backend.onnx(predictor.learner, size, True), distance, n_embeddings)
    except (InvalidValue, NotFound) as error:
        return Network(backend.onnx(predictor.learner, size), no_distance=str(error))


def _distance(run: Run) -> tuple[bytes, int]:
    """The file of a run's distances, and the number of values that they take."""
    path = run.evaluations / VALIDATION / DISTANCE_OF_RUN
    # checks the whole file
    n_embeddings = len(array_files.read(path)[0]["whitening"])
    with reading(path):
        return attempted(lambda: read_regular(path)), n_embeddings
