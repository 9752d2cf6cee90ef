"""The model that a server answers from: a trained run, or a bundle, with what is known about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import explaining
from ..data import decode
from ..data.picture_files import png
from ..data.webp_files import webp_size
from ..errors import UnreadableImage
from ..exporting import certified
from ..exporting.describing import newest_figures
from ..exporting.manifest import Manifest
from ..figures import SENSITIVITY, SPECIFICITY, ClassFigures, Curve, Estimate, Figures
from ..image_predictor import ImagePredictor
from ..inference import Predictor
from ..reports import heat_overlays
from ..runs.file_names import BEST, VALIDATION
from ..runs.run import Run
from .answers import Answer, Unread

# of a picture that is answered, px in all; a server decodes for whoever asks
MOST_PIXELS = 100_000_000
# pictures that a server is thought to be sent, by which it is decided what getting ready for them may cost
EXPECTED = 3000
TOO_LARGE = "BadRequestImageDimensions"


class _Prepared(Predictor):
    """Computes in the form that is fastest for many pictures, which is made once, however few come at a time."""

    def __init__(self, run: Run, cache: Path) -> None:
        super().__init__(run, cache)
        super().speed_up(EXPECTED)

    def speed_up(self, n_images: int) -> None:
        """There is nothing left to do."""


@dataclass(frozen=True)
class About:
    """Known facts about a model. `notes`: the user's own words about it. `figures`: of the newest evaluation of these weights,
    as they were stored; None: there are none."""

    project: str
    experiment: str
    version: int
    made: str
    notes: tuple[str, ...] = ()
    figures: Figures | None = None


class ServedModel:
    """A model that pictures are sent to. Only one thread may ask it at a time.

    `name`: `experiment-v001`, under which it is addressed. `label_type`: `single` or `multiple` labels per picture.
    """

    def __init__(self, predictor: ImagePredictor, about: About, most_pixels: int = MOST_PIXELS) -> None:
        self.predictor, self.about, self.most_pixels = predictor, about, most_pixels
        self.project, self.version = about.project, about.version
        self.name = f"{about.experiment}-v{about.version:03d}"
        self.classes, self.label_type = predictor.task.classes, predictor.task.name

    @classmethod
    def of_run(cls, run: Run, cache: Path, warn: Callable[[str], None]) -> ServedModel:
        """`warn`: called with a message for figures that cannot be told. Raises as `Predictor`."""
        predictor, state = _Prepared(run, cache), run.state()
        made = state.ended or state.created
        figures = newest_figures(predictor, warn)
        return cls(predictor, About(state.project, state.experiment, state.version, made, state.notes, figures))

    @classmethod
    def of_bundle(cls, path: str, runtime: str | None = None) -> ServedModel:
        """As `certified.predictor_of`; raises as that."""
        predictor = certified.predictor_of(path, runtime)
        m = predictor.manifest
        return cls(
            predictor, About(m.project, m.experiment, m.version, m.created, m.notes, _as_figures(predictor.manifest))
        )

    def answers(self, pictures: Sequence[bytes]) -> list[Answer]:
        """The answer for each picture, given as the bytes of a file, as `Infer` would give it."""
        problems = {i: self._too_large(picture) for i, picture in enumerate(pictures)}
        found: dict[int, Answer] = {i: Unread(p, TOO_LARGE) for i, p in problems.items() if p}
        rest = [i for i in range(len(pictures)) if i not in found]
        places = {f"image {k}": i for k, i in enumerate(rest)}

        def left_out(name: str, problem: str) -> None:
            found[places[name]] = Unread(problem.replace(name, "the picture", 1))

        for prediction in self.predictor.stream([pictures[i] for i in rest], left_out):
            found[places[prediction.name]] = prediction
        return [found[i] for i in range(len(pictures))]

    def _too_large(self, picture: bytes) -> str:
        width, height = webp_size(picture)
        # the header of another WebP file is not read, because its decoder takes memory for the picture then
        if width * height <= self.most_pixels:
            width, height = decode.header(picture).size
        if width * height <= self.most_pixels:
            return ""
        return (
            f"the picture has {width} x {height} px, and this server takes {self.most_pixels:,} in all: send it smaller"
        )

    def describe(self) -> dict[str, Any]:
        """The model, what it is for and how good it is, for JSON; the figures are those that were stored, with intervals."""
        about = self.about
        return {
            "project": about.project,
            "experiment": about.experiment,
            "version": about.version,
            "name": self.name,
            "made": about.made,
            "classes": list(self.classes),
            "label_type": self.label_type,
            "notes": list(about.notes),
            "operating_point": self.predictor.point.chosen_by if self.predictor.point else None,
            "evaluation": _evaluation(about.figures) if about.figures else None,
        }

    def heat_map(self, picture: bytes, class_name: str) -> bytes | None:
        """A PNG of the picture with colours where the network sees a class; None: this model cannot show it, as bundles cannot.

        Raises:
            UnknownName: no such class. UnreadableImage: the picture cannot be read.
        """
        name = explaining.check_class(class_name, self.classes)
        if not isinstance(self.predictor, Predictor):
            return None
        if problem := self._too_large(picture):
            raise UnreadableImage(problem)
        p = self.predictor
        shown = explaining.explained(p.learner, picture, p.spec, p.levels, "picture", [name])
        return png(heat_overlays.overlaid(shown.picture, shown.maps.values[0]))


def _as_figures(manifest: Manifest) -> Figures | None:
    """The figures that a bundle holds, which are without curves and counts of single images."""
    quality, no_curve = manifest.quality, Curve(x=(), y=(), thresholds=())
    if quality is None:
        return None
    of_classes = {
        name: ClassFigures(
            positives=figures[SENSITIVITY].count, negatives=figures[SPECIFICITY].count, figures=figures, roc=no_curve,
            precision_recall=no_curve,
        )
        for name, figures in quality.classes.items()
    }  # fmt: skip
    return Figures(
        name=quality.name,
        made=quality.made,
        # what the bundle says of the images is the name that they were given
        dataset_path="" if quality.name == VALIDATION else quality.name,
        fingerprint="",
        content="",
        predictions="",
        weights=BEST,
        label_type=manifest.label_type,
        n_images=quality.n_images,
        n_groups=quality.n_groups,
        overall=quality.overall,
        classes=of_classes,
        epoch=manifest.epoch,
        leaks=quality.leaks,
    )


def _evaluation(figures: Figures) -> dict[str, Any]:
    """The figures for JSON."""
    return {
        "name": figures.name,
        "made": figures.made,
        "on_test_images": bool(figures.dataset_path),
        "images": figures.n_images,
        "groups": figures.n_groups,
        "thresholds": figures.thresholds,
        "leaks": list(figures.leaks),
        "overall": _estimates(figures.overall),
        "classes": {
            name: {"positives": c.positives, "negatives": c.negatives, **_estimates(c.figures)}
            for name, c in figures.classes.items()
        },
    }


def _estimates(figures: Mapping[str, Estimate]) -> dict[str, Any]:
    return {name: estimate.model_dump() for name, estimate in figures.items()}
