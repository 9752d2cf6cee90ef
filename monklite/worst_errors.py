"""The worst mistakes of an evaluation as sheets of pictures, with where the network sees the classes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, count, takewhile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .data.cache import Tick
from .data.samples import path_in
from .errors import NotFound, NotReady, UnreadableImage
from .explaining import Explained, explained
from .figures import Figures
from .files import discard
from .inference import Predictor
from .looking import exists
from .records import Testing
from .reports import charts
from .reports.heat_overlays import heat_note, heated
from .reports.mistakes import Mistake, mistakes, worst
from .reports.picture_sheets import Group, Picture, sheet
from .runs import evaluations, predictions
from .runs.file_names import ERROR_SHEET, EVALUATED, check_name
from .runs.run import Run

# more are drawn on several sheets
PER_SHEET = 24
# a score that differs by more from that of the evaluation is of another image or network
SCORE_TOLERANCE = 0.02
# of a label that was predicted, or not
_ROLE = {True: ("wrongly predicted",), False: ("missed",)}


class WorstErrors(NamedTuple):
    """The worst mistakes of an evaluation.

    `mistakes`: those that were chosen; `n_mistakes`, `n_images`: of the whole evaluation. `sheets`: the files of their pictures.
    `missing`: the reason for each of the chosen ones that is on no sheet. `changed`: paths of those with other scores today.
    """

    mistakes: list[Mistake]
    n_mistakes: int
    n_images: int
    sheets: list[Path]
    missing: list[str]
    changed: list[str]


def draw(
    predictor: Predictor, n: int, heat_maps: bool, name: str | None = None, tick: Tick | None = None
) -> WorstErrors:
    """Draw the worst mistakes of an evaluation of a run, beside its predictions; older sheets there are replaced.

    Args:
        n: how many at most. heat_maps: also draw where the network sees the predicted class and the true one, or the label.
        name: of the evaluation; None: the last one.

    Raises:
        NotReady: there is no evaluation, or its predictions are not those that it wrote. NotFound: there is none of this name.
        StorageError: the sheets cannot be written.
    """
    table, record = _evaluated(predictor.run, name)
    classes = predictor.task.classes
    rows = predictions.read(table, record.predictions, classes)
    if rows is None or any(np.isnan(rows.scores[name]).any() for name in classes):
        raise NotReady(f"{table} is missing, or has been changed since the evaluation: call Evaluate() again")
    found = mistakes(rows, predictor.task)
    chosen = worst(found, n)
    images, missing = _explained(predictor, _folder(record, predictor), chosen, heat_maps, tick)
    numbers = f"{len(images)} of {len(found)}" if len(images) < len(found) else f"all {len(found)}"
    kind = "mistakes" if predictor.task.exclusive else "wrong labels"
    title = f"{predictor.run}: {numbers} {kind} among {len(rows.paths)} images, the most confident of each kind"
    changed = [] if record.views else [mistake.path for mistake, image in images if _has_changed(mistake, image)]
    return WorstErrors(chosen, len(found), len(rows.paths), _write(table.parent, title, images), missing, changed)


def _explained(
    predictor: Predictor, folder: str, chosen: Sequence[Mistake], heat_maps: bool, tick: Tick | None
) -> tuple[list[tuple[Mistake, Explained]], list[str]]:
    """The images of the mistakes, and for each that cannot be read the reason."""
    images, missing = [], []
    for number, mistake in enumerate(chosen, 1):
        classes, learner, path = mistake.classes if heat_maps else (), predictor.learner, path_in(folder, mistake.path)
        try:
            image = explained(learner, path, predictor.spec, predictor.levels, "path", classes)
            images.append((mistake, image))
        except (NotFound, UnreadableImage) as error:
            missing.append(str(error))
        if tick:
            tick(number, len(chosen))
    return images, missing


def _evaluated(run: Run, name: str | None) -> tuple[Path, Testing | Figures]:
    """The predictions of an evaluation of a run, and its record; the sheets are written beside them."""
    if name is not None:
        figures = evaluations.read(run, check_name("evaluation", name))
        return run.evaluations / name / EVALUATED, figures
    testing = run.state().testing
    if testing is None:
        raise NotReady(
            "no test set has been evaluated yet: Dataset_Params(dataset_path='test folder'), then Dataset(), then Evaluate()"
        )
    return evaluations.predictions_file(run, testing), testing


def _folder(record: Testing | Figures, predictor: Predictor) -> str:
    """What the paths in the predictions are relative to; validation images are in the last source of the training."""
    return record.dataset_path or predictor.spec.data.sources[-1].path


def _has_changed(mistake: Mistake, image: Explained) -> bool:
    """Whether an image has other scores than in the evaluation."""
    pairs = zip(mistake.classes, mistake.scores, strict=True)
    return any(abs(image.scores[name] - score) > SCORE_TOLERANCE for name, score in pairs)


def _write(folder: Path, title: str, images: Sequence[tuple[Mistake, Explained]]) -> list[Path]:
    """Write the sheets; those of an earlier call that are not replaced are removed."""
    parts = [images[first : first + PER_SHEET] for first in range(0, len(images), PER_SHEET)]
    for number, part in enumerate(parts, 1):
        place = f" (sheet {number} of {len(parts)})" if len(parts) > 1 else ""
        charts.save(sheet(title + place, _note(part[0][1]), [_group(*image) for image in part]), _sheet(folder, number))
    for number in takewhile(lambda n: exists(_sheet(folder, n)), count(len(parts) + 1)):
        discard(_sheet(folder, number))
    return [_sheet(folder, number) for number in range(1, len(parts) + 1)]


def _sheet(folder: Path, number: int) -> Path:
    name = Path(ERROR_SHEET)
    return folder / (ERROR_SHEET if number == 1 else f"{name.stem}-{number}{name.suffix}")


def _note(image: Explained) -> str:
    return f"Images as the network is given them. {heat_note(image.maps.method) if image.classes else ''}".strip()


def _group(mistake: Mistake, image: Explained) -> Group:
    roles = ("predicted", "true class") if len(mistake.classes) == 2 else _ROLE[mistake.is_false_positive]
    lines = [
        [f"{role}, score {score:.2f}", name]
        for role, score, name in zip(roles, mistake.scores, mistake.classes, strict=True)
    ]
    if not image.classes:
        return Group(mistake.path, [Picture(image.picture, list(chain.from_iterable(lines)))])
    overlays = [heated(image.picture, heat, text) for heat, text in zip(image.maps.values, lines, strict=True)]
    return Group(mistake.path, [Picture(image.picture, ["image"]), *overlays])
