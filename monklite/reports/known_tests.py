"""The tests of the runs of a comparison: which one of each is shown, and on which other ones two runs can be compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import NamedTuple

from ..figures import (
    F1,
    MACRO_F1,
    MACRO_PRECISION,
    MACRO_RECALL,
    PRECISION,
    RECALL,
    SENSITIVITY,
    SPECIFICITY,
    ClassFigures,
    Figures,
)
from ..records import ClassResult, DatasetRecord, Testing
from ..runs import evaluations, predictions
from ..runs.file_names import EVALUATED, VALIDATION
from ..runs.predictions import Predictions
from ..runs.run import Run
from ..runs.state import RunState
from ..tasks import NO_LABEL, TASKS

# of more, areas are not compared: the scores of each are read for each run
MAX_CLASSES = 100
# other figures of all labels together that a record of a test has
OF_LABELS = (F1, PRECISION, RECALL, MACRO_F1, MACRO_PRECISION, MACRO_RECALL)


class KnownTest(NamedTuple):
    """One test of a run. `result`: of the newest one its record, of others their figures. `made`: `""` if that is unknown."""

    result: Testing | Figures
    made: str

    @property
    def name(self) -> str:
        return self.result.evaluation if isinstance(self.result, Testing) else self.result.name


class Answers(NamedTuple):
    """The result of a test, and its predictions; None if they are missing, damaged or of another test."""

    testing: Testing
    predictions: Predictions | None


class Meeting(NamedTuple):
    """Runs that were tested on the same images in the same way. `of_runs`: their tests, by the index of the run.

    `pairs`: of runs that do not meet on images that come first.
    """

    of_runs: dict[int, KnownTest]
    pairs: set[tuple[int, int]]


def known(run: Run, state: RunState, warn: Callable[[str], None]) -> list[KnownTest]:
    """The tests of a run by the weights that it has, the newest first. `warn`: called for each that cannot be read."""
    if state.testing is None:
        return []
    newest, others = state.testing, []
    names = [name for name in evaluations.names(run) if name not in (VALIDATION, newest.evaluation)]
    made = ""
    if names:
        others = [
            f for f in evaluations.read_all(run, warn, names) if f.dataset_path and evaluations.is_current(f, state)
        ]
        made = max((f.made for f in evaluations.read_all(run, warn, [newest.evaluation])), default="")
    others.sort(key=lambda figures: figures.made, reverse=True)
    return [KnownTest(newest, made), *(KnownTest(figures, figures.made) for figures in others)]


def image_sets(records: Sequence[DatasetRecord | Testing | Figures]) -> list[str]:
    """For each record a text that is equal for equal images: by their bytes, or by their sizes if a record is too old."""
    by_content = all(record.content for record in records)
    return [record.content if by_content else record.fingerprint for record in records]


def test_set(test: Testing) -> str:
    """The name of an evaluation and the folder of its images."""
    return f"{test.evaluation}: {test.dataset_path}" if test.evaluation else test.dataset_path


def names(tests: Sequence[Testing]) -> list[str]:
    """For each test a name of its images: of the evaluation, with the folder too where other images have the same name."""
    sets = image_sets(tests)
    forms: tuple[Callable[[str, Testing], str], ...] = (
        lambda _, test: test.evaluation or test.dataset_path,
        lambda _, test: test_set(test),
        lambda images, test: f"{test_set(test)} ({images[:8]})",
    )
    for form in forms:
        # one name for equal images, which runs may have called differently
        found = {images: form(images, test) for images, test in zip(reversed(sets), reversed(tests), strict=True)}
        if len({*found.values()}) == len(found):
            break
    return [found[images] for images in sets]


def manner(test: Testing | Figures) -> tuple[Hashable, ...]:
    """How the test images were predicted: two runs are compared only if it is the same.

    At operating points that were chosen for one aim, each run has its own thresholds.
    """
    own = test.operating_point or tuple(sorted(test.thresholds.items()))
    return own, test.views


def meetings(tests: Sequence[Sequence[KnownTest]], is_preferred: Callable[[KnownTest], bool]) -> list[Meeting]:
    """The images that runs were tested on, in the order in which they are shown: the first that a run has is shown for it.

    Those that are preferred come first, then those that most runs share, then the newest.

    Args:
        tests: of each run, the newest first.
    """
    places = [(i, test) for i, own in enumerate(tests) for test in own]
    images = image_sets([test.result for _, test in places])
    found: dict[tuple[str, Hashable], dict[int, KnownTest]] = {}
    for content, (i, test) in zip(images, places, strict=True):
        # the newest, if a run was tested twice in the same way
        found.setdefault((content, manner(test.result)), {}).setdefault(i, test)
    n_runs = Counter(content for content, _ in {(own, i) for own, (i, _) in zip(images, places, strict=True)})

    def rank(key: tuple[str, Hashable]) -> tuple[bool, int, int, str]:
        own = found[key]
        return any(map(is_preferred, own.values())), n_runs[key[0]], len(own), max(test.made for test in own.values())

    met: set[tuple[int, int]] = set()
    ordered = []
    for key in sorted(found, key=rank, reverse=True):
        runs = sorted(found[key])
        pairs = {(i, j) for i in runs for j in runs if i < j} - met
        met |= pairs
        ordered.append(Meeting(found[key], pairs))
    return ordered


def answers(run: Run, state: RunState, test: KnownTest) -> Answers | None:
    """The result of a test with its predictions; None if it is not the newest, and they cannot be used."""
    result, dataset = test.result, state.dataset
    if isinstance(result, Testing):
        return Answers(result, read_predictions(run, result, dataset))
    read = predictions.read(run.evaluations / result.name / EVALUATED, result.predictions, _scored(dataset))
    return Answers(_record(result, read), read) if read is not None and len(read.paths) == result.n_images else None


def read_predictions(run: Run, test: Testing, dataset: DatasetRecord | None = None) -> Predictions | None:
    """The predictions of the test images, with the scores by which AUCs can be computed, if they are those of the test."""
    found = predictions.read(evaluations.predictions_file(run, test), test.predictions, _scored(dataset))
    fits = found is not None and (len(found.paths), found.correct.sum()) == (test.num_images, test.num_correct)
    return found if fits else None


def _record(figures: Figures, read: Predictions) -> Testing:
    """The record of a test that is not the newest any more."""
    accuracy = figures.overall["accuracy"]
    shared = {
        "dataset_path",
        "fingerprint",
        "content",
        "weights",
        "confusion",
        "unreadable",
        "thresholds",
        "views",
        "leaks",
    }
    shared |= {"predictions", "operating_point"}
    of_labels = () if TASKS[figures.label_type].exclusive else OF_LABELS
    same_for_all = len(set(read.predicted)) == 1 < len(set(read.labels))
    return Testing(
        **{name: getattr(figures, name) for name in shared},
        evaluation=figures.name,
        num_images=figures.n_images,
        num_correct=int(read.correct.sum()),
        accuracy=float(read.correct.mean()),
        interval=(accuracy.low, accuracy.high),
        majority_accuracy=max(Counter(read.labels).values()) / len(read.labels),
        classes=dict(_class_results(figures)),
        figures={name: figures.overall[name].value for name in of_labels if name in figures.overall},
        only_prediction=(read.predicted[0] or NO_LABEL) if same_for_all else "",
    )


def _class_results(figures: Figures) -> Iterator[tuple[str, ClassResult]]:
    """The counts of each class that occurs."""
    for name, own in figures.classes.items():
        if own.positives:
            correct, false = (
                _count(own, SENSITIVITY, own.positives),
                own.negatives - _count(own, SPECIFICITY, own.negatives),
            )
            yield name, ClassResult(num_images=own.positives, num_correct=correct, num_false=false)


def _count(own: ClassFigures, figure: str, total: int) -> int:
    """A share as the number that it was computed from."""
    return round(own.figures[figure].value * total) if total else 0


def _scored(dataset: DatasetRecord | None) -> tuple[str, ...]:
    """The labels whose scores give an AUC: of two classes the second one, of others each."""
    if dataset is None:
        return ()
    if TASKS[dataset.label_type].exclusive and len(dataset.classes) == 2:
        return dataset.classes[1:]
    return dataset.classes if len(dataset.classes) <= MAX_CLASSES else ()
