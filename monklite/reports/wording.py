"""The sentences of a comparison: verdicts, baselines and warnings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..records import REUSED_FEATURES
from ..tasks import SINGLE, TASKS
from .comparison import Entry, Pair, image_sets, pairs

SIGNIFICANT = 0.05
# more pairs without a significant difference share one sentence
MAX_EQUAL_PAIRS = 3
# of more runs, only the first are named
MAX_RUNS_NAMED = 20


def verdict(pair: Pair) -> str:
    """State which of two runs is better on the test images."""
    best, other = pair.best, pair.other
    counts = f"{pair.only_best} images only {best} gets right, {pair.only_other} only {other}"
    if pair.p_value < SIGNIFICANT:
        better = f"{best} did better than {other} on the test images, more than by chance"
        return f"{better} ({counts}; p = {pair.p_value:.3g})"
    return f"{best} and {other} cannot be told apart on the test images ({counts}; p = {pair.p_value:.2g})"


def verdicts(entries: Sequence[Entry]) -> list[str]:
    """Baselines, and the verdicts on the pairs of runs that were tested on the same images."""
    tested = pairs(entries)
    bests = list(dict.fromkeys(pair.best for pair in tested))
    sentences = baselines(entries)
    for best in bests:
        sentences += _verdicts_of(best, [pair for pair in tested if pair.best == best])
    return sentences


def _verdicts_of(best: str, tested: Sequence[Pair]) -> Iterator[str]:
    """The verdict on each pair of the best run and another one; with many runs in fewer sentences."""
    equal = [pair.other for pair in tested if pair.p_value >= SIGNIFICANT]
    worse = [pair for pair in tested if pair.p_value < SIGNIFICANT]
    if len(tested) <= MAX_RUNS_NAMED and len(equal) <= MAX_EQUAL_PAIRS:
        yield from map(verdict, tested)
    else:
        if len(worse) > MAX_RUNS_NAMED:
            names = _join([pair.other for pair in worse])
            yield f"{best} did better on the test images, more than by chance, than {len(worse)} runs: {names}"
        else:
            yield from map(verdict, worse)
        if equal:
            yield f"{best} cannot be told apart on the test images from: {_join(equal)}"
    yield (
        f"{best} is the best of {len(tested) + 1} runs on these test images, so its accuracy on new images is likely to be "
        "somewhat lower"
    )


def baselines(entries: Sequence[Entry]) -> list[str]:
    """The accuracy of always giving the most frequent answer, for each test set."""
    tested = [(_majority_title(e), e.state.testing) for e in entries if e.state.testing]
    tests = dict(zip(image_sets([test for _, test in tested]), tested, strict=True))
    return [
        f"Always guessing {title} would be right for {100 * test.majority_accuracy:.1f} % of the "
        f"{test.num_images} test images."
        for title, test in tests.values()
    ]


def _majority_title(entry: Entry) -> str:
    dataset = entry.state.dataset
    return TASKS[dataset.label_type if dataset else SINGLE].majority_title


def warnings(entries: Sequence[Entry]) -> list[str]:
    """Reasons not to compare the numbers: different images, unfinished runs."""
    sentences = []
    if len({*image_sets([e.state.dataset for e in entries if e.state.dataset])}) > 1:
        sentences.append(
            "The runs were not trained and validated on the same images, so their validation accuracies cannot be compared."
        )
    if len({*image_sets([e.state.testing for e in entries if e.state.testing])}) > 1:
        sentences.append("The runs were not tested on the same images, so their test accuracies cannot be compared.")
    if unknown := [e.label for e in entries if e.state.testing and e.correct is None]:
        sentences.append(
            f"The predictions of the test images are missing, or are not those of the test: {_join(unknown)}. Evaluate() writes "
            "them again."
        )
    if reused := [e.label for e in entries if e.state.model and REUSED_FEATURES in e.state.model.methods]:
        sentences.append(
            f"Training times: the frozen part of the network was known from an earlier training for {_join(reused)}, which "
            "would have taken longer alone."
        )
    for entry in entries[:MAX_RUNS_NAMED]:
        results, test = entry.state.results, entry.state.testing
        if test and test.only_prediction:
            sentences.append(f"{entry.label}: {only_prediction(test.only_prediction, 'test')}.")
        elif results and results.only_prediction:
            sentences.append(f"{entry.label}: {only_prediction(results.only_prediction, 'validation')}.")
    unfinished = [e for e in entries if e.state.status != "done"]
    if len(unfinished) <= MAX_RUNS_NAMED:
        return sentences + [f"{e.label} {e.state.progress}." for e in unfinished]
    for status in sorted({e.state.status for e in unfinished}):
        labels = [e.label for e in unfinished if e.state.status == status]
        sentences.append(f"{len(labels)} {'run is' if len(labels) == 1 else 'runs are'} {status}: {_join(labels)}.")
    return sentences


def only_prediction(prediction: str, subset: str) -> str:
    """The warning about a network that predicts the same for all images of a subset."""
    return f"every {subset} image is predicted as {prediction!r}: the network does not tell them apart"


def _join(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - MAX_RUNS_NAMED} more" if len(labels) > MAX_RUNS_NAMED else ""
    return ", ".join(labels[:MAX_RUNS_NAMED]) + more
