"""Why the figures of a comparison, or of a run, are to be trusted less."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..records import REUSED_FEATURES, DatasetRecord
from . import chart_rows
from .comparison import Entry
from .known_tests import image_sets, manner, test_set
from .wording import MAX_RUNS_NAMED, joined

NO_TEST = (
    "No run has been tested, so nothing here says which one is better on new images: Generate_Statistics(test='test folder') "
    "tests each of them first."
)


def warnings(entries: Sequence[Entry]) -> list[str]:
    """Reasons not to compare the numbers: different images, too few of them, unfinished runs."""
    sentences = [*_other_images(entries), *_few_images(entries), *_patients(entries)]
    if not any(e.testing for e in entries) and any(e.state.results for e in entries):
        sentences.append(NO_TEST)
    elif untested := [e.label for e in entries if e.state.results and not e.testing]:
        sentences.append(f"Not tested: {joined(untested)}.")
    if unknown := [e.label for e in entries if e.testing and e.predictions is None]:
        sentences.append(
            f"The predictions of the test images are missing, or are not those of the test: {joined(unknown)}. Evaluate() writes "
            "them again."
        )
    if reused := [e.label for e in entries if e.state.model and REUSED_FEATURES in e.state.model.methods]:
        sentences.append(
            f"Training times: the frozen part of the network was known from an earlier training for {joined(reused)}, which "
            "would have taken longer alone."
        )
    sentences += [*_leaks(entries), *_of_data(entries)]
    for entry in entries[:MAX_RUNS_NAMED]:
        results, test = entry.state.results, entry.testing
        if test and test.only_prediction:
            sentences.append(f"{entry.label}: {only_prediction(test.only_prediction, 'test')}.")
        elif results and results.only_prediction:
            sentences.append(f"{entry.label}: {only_prediction(results.only_prediction, 'validation')}.")
    unfinished = [e for e in entries if e.state.status != "done"]
    if len(unfinished) <= MAX_RUNS_NAMED:
        return sentences + [f"{e.label} {e.state.progress}." for e in unfinished]
    for status in sorted({e.state.status for e in unfinished}):
        labels = [e.label for e in unfinished if e.state.status == status]
        sentences.append(f"{len(labels)} {'run is' if len(labels) == 1 else 'runs are'} {status}: {joined(labels)}.")
    return sentences


def _other_images(entries: Sequence[Entry]) -> Iterator[str]:
    """How the images differ that the runs were trained and tested on."""
    if len({*image_sets([e.state.dataset for e in entries if e.state.dataset])}) > 1:
        yield (
            "The runs were not trained and validated on the same images, so their validation accuracies cannot be compared."
        )
    tested = [e for e in entries if e.testing]
    sets: dict[str, list[Entry]] = {}
    for images, entry in zip(image_sets([e.testing for e in tested if e.testing]), tested, strict=True):
        sets.setdefault(images, []).append(entry)
    if len(sets) > 1:
        parts = joined([_test_set(group, next(iter(sets.values()))) for group in sets.values()], "; ")
        others = any(e.other_tests for e in entries)
        shared = " Pairs that were both tested on others of these images are compared on them." if others else ""
        yield f"The runs were not tested on the same images, so their test accuracies cannot be compared: {parts}.{shared}"
    for group in sets.values():
        if len({manner(e.testing) for e in group if e.testing}) > 1:
            yield (
                f"These runs were tested on the same images, but not all with the same thresholds, operating point and views of "
                f"each image; only those with the same are compared: {joined([e.label for e in group])}."
            )


def _test_set(group: Sequence[Entry], first: Sequence[Entry]) -> str:
    """The runs of a test set, its size, and how many images it shares with the first one by their names and classes."""
    names = joined([entry.label for entry in group])
    test, own, others = group[0].testing, group[0].predictions, first[0].predictions
    size = f"{names} on {test.num_images:,} images ({test_set(test)})" if test else names
    if group is first or own is None or others is None:
        return size
    shared = {*zip(own.paths, own.labels, strict=True)} & {*zip(others.paths, others.labels, strict=True)}
    return f"{size}, of which {len(shared):,} have the name and class of one of {first[0].label}"


def _few_images(entries: Sequence[Entry]) -> Iterator[str]:
    """Whether the validation accuracies of the best runs lie within what chance does to one of them."""
    known = [(e.label, e.state.results, e.state.dataset) for e in entries if e.state.results and e.state.dataset]
    accuracies = {label: r.best_val_accuracy for label, r, _ in known if r and r.best_val_accuracy >= 0}
    n_images = known[0][2].n_val if known and known[0][2] else 0
    if not n_images or len(accuracies) < 2 or len({*image_sets([data for _, _, data in known if data])}) > 1:
        return
    best = max(accuracies, key=lambda label: accuracies[label])
    estimate = next(chart_rows.validation(entry) for entry in entries if entry.label == best)
    assert estimate is not None
    low, high = estimate.low, estimate.high
    within = [label for label, accuracy in accuracies.items() if label != best and accuracy >= low]
    if within:
        yield (
            f"{n_images:,} validation images are too few to tell the best runs apart: {best} has {100 * accuracies[best]:.1f} %, "
            f"95 % interval {100 * low:.1f} to {100 * high:.1f} %, which includes: {joined(within)}."
        )


def _patients(entries: Sequence[Entry]) -> Iterator[str]:
    tested = [e for e in entries if e.predictions is not None]
    trained_by_group = any(e.state.dataset and e.state.dataset.groups for e in tested)
    if len(tested) > 1 and trained_by_group and not any(e.predictions and e.predictions.groups for e in tested):
        yield (
            "The training images belong to groups, such as patients, and no groups of the test images are known, so each counts "
            "as one of its own: with several of a patient, the intervals are too narrow and p is too small."
        )


def _leaks(entries: Sequence[Entry]) -> Iterator[str]:
    """Why figures on test images are too good, once for all runs of which it is the same."""
    labels: dict[str, list[str]] = {}
    for entry in entries:
        for text in entry.testing.leaks if entry.testing else ():
            labels.setdefault(text, []).append(entry.label)
    for text, own in labels.items():
        yield f"The test figures are too good for {joined(own)}: {text}."


def _of_data(entries: Sequence[Entry]) -> Iterator[str]:
    """The reasons to distrust the training images, once for all runs of which they are the same."""
    labels: dict[str, list[str]] = {}
    for entry in entries:
        for text in of_data(entry.state.dataset) if entry.state.dataset else ():
            labels.setdefault(text, []).append(entry.label)
    for text, own in labels.items():
        yield text if len(own) == len(entries) else f"{joined(own)}: {text}"


def of_data(data: DatasetRecord) -> Iterator[str]:
    """The reasons to trust the figures less that lie in the training and validation images."""
    if data.leaked:
        yield f"{data.leaked} validation images are copies of training images, so that validation is too good."
    if data.conflicting:
        yield f"{data.conflicting} images have copies with other labels."
    if data.near_leaked:
        yield f"{data.near_leaked} validation images are near copies of training images, so that validation is too good."
    if data.near_conflicting:
        yield f"{data.near_conflicting} images have near copies with other labels, one of which may be wrong."
    yield from (f"{text[:1].upper()}{text[1:]}." for text in data.giveaways)


def only_prediction(prediction: str, subset: str) -> str:
    """The warning about a network that predicts the same for all images of a subset."""
    return f"every {subset} image is predicted as {prediction!r}: the network does not tell them apart"
