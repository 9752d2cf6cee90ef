"""The evaluations of a run: a folder of its own in `output/evaluation` for each set of images."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from ..errors import DamagedFile, InvalidValue, MonkliteError, NotFound, StorageError, cut
from ..figures import SCHEMA, Figures
from ..files import discard, make_folder, reading, write_text
from ..looking import entries
from ..records import Testing
from ..regular_files import MAX_JSON_BYTES, read_regular
from ..settings_tree import build
from ..transient import attempted
from .file_names import BEST, ERROR_SHEET, EVALUATED, FIGURES, FINAL, PREDICTIONS, is_name
from .run import Run
from .state import MAX_REASON, RunState, as_json

DEFAULT_NAME = "test"
_NUMBERED = re.compile(rf"{DEFAULT_NAME}(-[0-9]+)?")


def names(run: Run) -> list[str]:
    """The names of the evaluations of a run, sorted: folders that hold figures or predictions."""
    folders = [f for f in run.evaluation_folders() if is_name(f.name)]
    return [f.name for f in folders if {FIGURES, EVALUATED} & {file.name for file in entries(f)}]


def read(run: Run, name: str) -> Figures:
    """The figures of an evaluation.

    Raises:
        NotFound: there is none of that name. DamagedFile: it cannot be read. StorageError: the disk does not give it.
    """
    path = run.evaluations / name / FIGURES
    try:
        with reading(path):
            text = attempted(lambda: read_regular(path, MAX_JSON_BYTES)).decode("utf-8")
        values = json.loads(text)
        if values["version"] > SCHEMA:
            raise DamagedFile(f"{path} was written by a newer monklite: upgrade monklite")
        # the folder decides, because it may have been renamed since
        return build(Figures, {**values, "name": name})
    except FileNotFoundError:
        known = ", ".join(names(run)) or "none yet; Evaluate() makes one"
        raise NotFound(f"{run} has no evaluation {name!r}. Evaluations: {cut(known)}") from None
    except (DamagedFile, StorageError):
        raise
    except (MonkliteError, ValueError, TypeError, LookupError, RecursionError) as error:
        raise DamagedFile(f"{path} is damaged and cannot be read ({cut(str(error), MAX_REASON)})") from None


def read_all(run: Run, warn: Callable[[str], None], which: Iterable[str] | None = None) -> list[Figures]:
    """The figures of all evaluations of a run, or of those named. `warn`: called with a message for each that cannot be read."""
    found = []
    for name in names(run) if which is None else which:
        try:
            found.append(read(run, name))
        except MonkliteError as error:
            warn(f"the evaluation {name!r} is left out: {error}")
    return found


def epoch_now(figures: Figures, state: RunState) -> int | None:
    """Of which epoch the weights are now that were judged; None if there are none."""
    results = state.results
    epochs = {BEST: results.best_epoch, FINAL: results.epochs_completed} if results else {}
    return epochs.get(figures.weights)


def is_current(figures: Figures, state: RunState) -> bool:
    """Whether the run still has the weights that were judged, as far as it is known which they were."""
    return figures.epoch in (None, epoch_now(figures, state))


def choose(run: Run, content: str, name: str | None = None) -> str:
    """The name for an evaluation of these images: that of their earlier one, which it replaces, or one that is free.

    Args:
        content: of the images, as in `Figures`. name: that the user chose; None: `test`, then `test-2` and so on.

    Raises:
        InvalidValue: the evaluation of that name is of other images.
    """
    existing = names(run)
    if name is None:
        own = (n for n in existing if _NUMBERED.fullmatch(n) and _is_of(run, n, content))
        numbered = itertools.chain([DEFAULT_NAME], (f"{DEFAULT_NAME}-{i}" for i in itertools.count(2)))
        lowered = {n.lower() for n in existing}
        return next(own, None) or next(n for n in numbered if n not in lowered)
    # many file systems know no difference of upper and lower case
    same = next((n for n in existing if n.lower() == name.lower()), None)
    if same is not None and not _is_of(run, same, content):
        raise InvalidValue(
            f"the evaluation {same!r} of {run} is of other images, and nothing is overwritten: give another name, or none for "
            f"one that is free, or remove the folder {run.evaluations / same} yourself"
        )
    return same or name


def _is_of(run: Run, name: str, content: str) -> bool:
    """Whether an evaluation is of these images; one that cannot be read is never replaced."""
    try:
        return read(run, name).content == content
    except (NotFound, DamagedFile):
        return False


def folder(run: Run, name: str) -> Path:
    """The folder of an evaluation, created if it is not there.

    Raises:
        StorageError: it cannot be created.
    """
    make_folder(run.evaluations / name)
    return run.evaluations / name


def drop_outdated_sheets(run: Run, name: str, predictions: str) -> None:
    """Remove the pictures of errors of an evaluation, unless they are of these predictions (SHA-256)."""
    try:
        if read(run, name).predictions == predictions:
            return
    except (NotFound, DamagedFile):
        pass
    sheet = Path(ERROR_SHEET)
    for path in entries(run.evaluations / name):
        if re.fullmatch(rf"{sheet.stem}(-[0-9]+)?{re.escape(sheet.suffix)}", path.name):
            discard(path)


def write(run: Run, figures: Figures) -> None:
    """Write the figures into the folder of their evaluation."""
    write_text(run.evaluations / figures.name / FIGURES, as_json(figures.model_dump()))


def predictions_file(run: Run, test: Testing) -> Path:
    """The table of the predictions of a test: in the folder of its evaluation, or that of an older version among the logs."""
    return run.evaluations / test.evaluation / EVALUATED if test.evaluation else run.logs / PREDICTIONS
