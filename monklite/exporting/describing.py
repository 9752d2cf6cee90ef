"""The manifest of a bundle of a run."""

from __future__ import annotations

import math
from collections.abc import Callable

from .. import backends, validated
from .._version import __version__
from ..choosing_point import judged
from ..data.augment import Policy
from ..decisions import Unsure
from ..errors import DamagedFile, NotReady, StorageError, cut
from ..figures import Figures
from ..inference import Predictor
from ..installed import version_of
from ..record_rules import MAX_TEXT
from ..runs import evaluations
from ..runs.file_names import VALIDATION
from ..runs.state import now
from ..settings_tree import build
from ..statistics import temperature
from . import licences
from .manifest import Manifest, Quality
from .model_file import split_prefix

# called with a remark for the user
Note = Callable[[str], None]
# that write and read the network
PACKAGES = ("onnx", "onnxruntime", "numpy", "Pillow")


def manifest(
    predictor: Predictor, policy: Policy, n_embeddings: int, no_distance: str, form: str, note: Note
) -> Manifest:
    """The manifest of a run, without the digests of files.

    Args:
        policy: how test images are prepared. n_embeddings, no_distance, form: as of `Manifest`. note: called with remarks.
    """
    state, task = predictor.run.state(), predictor.usual_task
    value, refusal = _temperature(predictor)
    unsure = predictor.certainty.record if predictor.certainty else None
    if no_distance:
        note(f"distances from the training images are left out of the bundle: {no_distance}")
    prefix, pixels = split_prefix(policy)
    values = {
        "project": state.project,
        "experiment": state.experiment,
        "version": state.version,
        "created": now(),
        "versions": _versions(predictor),
        "backend": predictor.spec.backend,
        "model": predictor.spec.model.name,
        "epoch": predictor.epoch,
        "label_type": task.name,
        "activation": task.activation,
        "classes": task.classes,
        "input_size": policy.input_size,
        "stored_size": policy.stored_size,
        "prefix": prefix,
        "pixels": pixels,
        "levels": predictor.record.levels,
        "mean": policy.mean,
        "std": policy.std,
        "temperature": value,
        "refusal": refusal,
        "operating_point": predictor.point,
        "unsure": _without_distance(unsure) if unsure and not n_embeddings else unsure,
        "n_embeddings": n_embeddings,
        "no_distance": cut(no_distance, MAX_TEXT),
        "quality": _summary(figures) if (figures := newest_figures(predictor, note)) else None,
        "tags": state.tags,
        "notes": state.notes,
        "licences": licences.known(state),
        "form": form,
    }
    return build(Manifest, values)


def _temperature(predictor: Predictor) -> tuple[float | None, str]:
    """The temperature of the scores, or why there is none."""
    if predictor.certainty is not None:
        return predictor.certainty.record.temperature, predictor.certainty.record.refusal
    try:
        found = temperature.fitted(predictor.usual_task, *judged(predictor)[1])
    except (NotReady, DamagedFile) as error:
        return None, cut(str(error), MAX_TEXT)
    return (None, found.refusal) if found.refusal else (found.value, "")


def _without_distance(unsure: Unsure) -> Unsure:
    return unsure.model_copy(update={"distance": None, "most_distance": math.inf})


def _versions(predictor: Predictor) -> dict[str, str]:
    framework = backends.load(predictor.spec.backend).versions()
    return {"monklite": __version__, **framework, **{name.lower(): version_of(name) for name in PACKAGES}}


def newest_figures(predictor: Predictor, note: Note) -> Figures | None:
    """The newest evaluation of the weights that predict, on test images if there is one, otherwise on the validation images."""

    def is_of_them(figures: Figures) -> bool:
        same = figures.weights == predictor.weights.name and figures.epoch in (None, predictor.epoch)
        # with other views of each image beside itself, answers are other ones
        return same and not figures.views

    tests = [name for name in evaluations.names(predictor.run) if name != VALIDATION]
    if own := [*filter(is_of_them, evaluations.read_all(predictor.run, note, tests))]:
        return max(own, key=lambda f: f.made)
    try:
        # computed from what was predicted in training, the first time they are asked for
        found = validated.judge(predictor.run)
    except (NotReady, DamagedFile, StorageError) as error:
        note(f"how good it is cannot be told: {error}")
        return None
    return found if found is not None and is_of_them(found) else None


def _summary(figures: Figures) -> Quality:
    return Quality(
        name=figures.name,
        made=figures.made,
        n_images=figures.n_images,
        n_groups=figures.n_groups,
        overall=figures.overall,
        classes={name: of_class.figures for name, of_class in figures.classes.items()},
        leaks=figures.leaks,
    )
