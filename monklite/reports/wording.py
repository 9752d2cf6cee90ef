"""The sentences of a comparison: verdicts, baselines and warnings."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ..records import REUSED_FEATURES
from ..runs.file_names import PAIRS_TABLE
from ..statistics import intervals
from ..statistics.paired import LEVEL
from ..tasks import SINGLE, TASKS
from .comparison import Entry, image_sets, manner
from .pairs import MAX_WRITTEN, AreaDifference, Pair, pairs, same_tests
from .seeds import Spread, spreads

# more pairs without a significant difference share one sentence
MAX_EQUAL_PAIRS = 3
# more pairs whose AUCs alone differ are counted
MAX_AREA_PAIRS = 5
# of more runs, only the first are named
MAX_RUNS_NAMED = 20
# more images are not counted
MOST_NEEDED = 10_000_000
NO_TEST = (
    "No run has been tested, so nothing here says which one is better on new images: Generate_Statistics(test='test folder') "
    "tests each of them first."
)
# of each method that a comparison uses, one sentence: for pages
EXPLANATIONS = (
    "p: how often two equally good networks would differ at least so much on such images, by the exact McNemar test, which "
    "counts the images that only one of the two gets right.",
    "Adjusted: with many pairs, some would seem to differ by chance, so each p is raised with their number (Holm).",
    "95 % interval of a difference: Tango's score interval of each pair by itself, not adjusted.",
    "Images needed: so many would tell the two apart with 80 % probability, if they differ on all images as on these (Connor).",
)
AREA_EXPLANATION = (
    "AUC: how often an image that has the label gets a higher score than one that has not; compared by DeLong's paired "
    "test."
)


def verdict(pair: Pair) -> str:
    """State which of two runs is better on the test images, by how much, and how sure that is."""
    first, second = (f"{100 * accuracy:.1f} %" for accuracy in pair.accuracies)
    value, low, high = (_points(share) for share in pair.difference)
    figures = f"{first} against {second}, difference {value} points, 95 % interval {low} to {high}, {_p(pair.p_value)}"
    counts = f"{pair.only_best} images only {pair.best} gets right, {pair.only_other} only {pair.other}"
    area = f"; {_area(pair.areas[0])}" if len(pair.areas) == 1 else ""
    if pair.is_significant:
        return f"{pair.best} is better than {pair.other} on {pair.n_images:,} images: {figures} ({counts}){area}"
    needed = f"; {_needed(pair.images_needed)} would be needed" if pair.images_needed else ""
    return f"{pair.best} and {pair.other} cannot be told apart on {pair.n_images:,} images{needed}: {figures} ({counts}){area}"


def _points(share: float) -> str:
    """A share in percentage points, without a zero below zero."""
    return f"{round(100 * share, 1) + 0.0:.1f}"


def _p(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.2g}"


def _needed(images: int) -> str:
    """A number of images, rounded to two digits because it is an estimate."""
    if images > MOST_NEEDED:
        return f"more than {MOST_NEEDED:,}"
    return f"about {float(f'{images:.2g}'):,.0f}"


def _area(area: AreaDifference) -> str:
    text = f"AUC {area.best:.3f} against {area.other:.3f}, difference {area.difference + 0.0:.3f}"
    if math.isnan(area.p_value):
        return f"{text}, which does not vary on these images, so that there is no test of it"
    interval = "" if math.isnan(area.low) else f", 95 % interval {area.low:.3f} to {area.high:.3f}"
    return f"{text}{interval}, {_p(area.p_value)}"


def verdicts(entries: Sequence[Entry], tested: Sequence[Pair] | None = None) -> list[str]:
    """Baselines, and the verdicts on the pairs of runs that were tested on the same images.

    Args:
        tested: the pairs of the entries, if they are known already.
    """
    tested = pairs(entries) if tested is None else tested
    sentences = baselines(entries)
    for group in same_tests(entries):
        labels = {run.entry.label for run in group}
        own = [pair for pair in tested if pair.best in labels]
        if own:
            where = f"{'All' if len(tested) <= MAX_WRITTEN else f'The first {MAX_WRITTEN:,}'} are in {PAIRS_TABLE}"
            sentences += [*_verdicts_of_best(own), *_verdicts_of_others(own, len(group), where)]
    return sentences + [_spread(spread) for spread in spreads(entries)]


def _verdicts_of_best(own: Sequence[Pair]) -> Iterator[str]:
    """The verdict on each pair of the best run and another one; with many runs in fewer sentences."""
    best = own[0].best
    tested = [pair for pair in own if pair.best == best]
    equal = [pair for pair in tested if not pair.is_significant]
    worse = [pair for pair in tested if pair.is_significant]
    in_full = worse if len(worse) <= MAX_RUNS_NAMED else []
    if len(tested) <= MAX_RUNS_NAMED and len(equal) <= MAX_EQUAL_PAIRS:
        in_full, equal = tested, []
    elif len(worse) > MAX_RUNS_NAMED:
        yield f"{best} is better on {own[0].n_images:,} images than {len(worse)} runs: {_join([p.other for p in worse])}"
    for pair in in_full:
        yield verdict(pair)
        if len(pair.areas) > 1:
            yield _areas(pair)
    if equal:
        yield f"{best} cannot be told apart on {own[0].n_images:,} images from: {_join([p.other for p in equal])}"
    yield from _told_by_areas([pair for pair in tested if pair not in in_full], f"the pairs of {best}")


def _told_by_areas(hidden: Sequence[Pair], which: str) -> Iterator[str]:
    """The verdicts by AUC on the pairs that have no sentence of their own, if their AUCs can be told apart."""
    told = [pair for pair in hidden if any(area.p_value < LEVEL for area in pair.areas)]
    yield from map(_areas, told[:MAX_AREA_PAIRS])
    if len(told) > MAX_AREA_PAIRS:
        yield f"The AUCs of {len(told) - MAX_AREA_PAIRS} more of {which} can be told apart"


def _verdicts_of_others(own: Sequence[Pair], n_runs: int, where: str) -> Iterator[str]:
    """The verdicts of the pairs without the best run, and the caveats. `where`: the sentence about the table of pairs."""
    best = own[0].best
    others = [pair for pair in own if pair.best != best]
    told = [f"{pair.best} is better than {pair.other} ({_p(pair.p_value)})" for pair in others if pair.is_significant]
    if others:
        which = f"{len(told)} can be told apart: {_join(told, '; ')}" if told else "none can be told apart"
        yield f"Of the {len(others)} pairs of the other runs, {which}. {where}"
        yield from _told_by_areas(others, "these pairs")
    if n_runs > 1:
        yield (
            f"{best} is the best of {n_runs} runs on these test images, so its accuracy on new images is likely to be "
            "somewhat lower"
        )


def _areas(pair: Pair) -> str:
    """For which labels the AUCs of two runs can be told apart."""
    told = [area for area in pair.areas if area.p_value < LEVEL]
    untested = [f"{a.label} ({_area(a)})" for a in pair.areas if math.isnan(a.p_value)]
    better = [f"{a.label} ({_area(a)})" for a in told if a.difference > 0]
    worse = [f"{a.label} ({_area(a)})" for a in told if a.difference < 0]
    parts = [
        f"{run} is better for {_join(labels)}" for run, labels in ((pair.best, better), (pair.other, worse)) if labels
    ]
    parts = parts or ["none can be told apart"] * (len(untested) < len(pair.areas))
    text = "; ".join([*parts, *(["no test for " + _join(untested)] if untested else [])])
    which = f"AUCs of {len(pair.areas)} labels" if len(pair.areas) > 1 else f"AUC of {pair.areas[0].label}"
    return f"By the {which}, {pair.best} against {pair.other}: {text}"


def _spread(spread: Spread) -> str:
    versions = f"{spread.name}, {spread.n} versions that differ in their seed only"
    mean, low, high, deviation = (100 * x for x in (spread.mean, spread.low, spread.high, spread.deviation))
    return (
        f"{versions}: {spread.figure} {mean:.1f} % on average, {low:.1f} to {high:.1f} %, standard deviation {deviation:.1f} "
        "points. A smaller difference between two experiments can come from the seed alone"
    )


def explanations(tested: Sequence[Pair]) -> list[str]:
    """Explanations of the words of the verdicts; nothing without pairs."""
    areas = [AREA_EXPLANATION] if any(pair.areas for pair in tested) else []
    return [*EXPLANATIONS, *areas] if tested else []


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
    """Reasons not to compare the numbers: different images, too few of them, unfinished runs."""
    sentences = [*_other_images(entries), *_few_images(entries), *_patients(entries)]
    if not any(e.state.testing for e in entries) and any(e.state.results for e in entries):
        sentences.append(NO_TEST)
    elif untested := [e.label for e in entries if e.state.results and not e.state.testing]:
        sentences.append(f"Not tested: {_join(untested)}.")
    if unknown := [e.label for e in entries if e.state.testing and e.predictions is None]:
        sentences.append(
            f"The predictions of the test images are missing, or are not those of the test: {_join(unknown)}. Evaluate() writes "
            "them again."
        )
    if reused := [e.label for e in entries if e.state.model and REUSED_FEATURES in e.state.model.methods]:
        sentences.append(
            f"Training times: the frozen part of the network was known from an earlier training for {_join(reused)}, which "
            "would have taken longer alone."
        )
    sentences += _leaks(entries)
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


def _other_images(entries: Sequence[Entry]) -> Iterator[str]:
    """How the images differ that the runs were trained and tested on."""
    if len({*image_sets([e.state.dataset for e in entries if e.state.dataset])}) > 1:
        yield (
            "The runs were not trained and validated on the same images, so their validation accuracies cannot be compared."
        )
    tested = [e for e in entries if e.state.testing]
    sets: dict[str, list[Entry]] = {}
    for images, entry in zip(image_sets([e.state.testing for e in tested if e.state.testing]), tested, strict=True):
        sets.setdefault(images, []).append(entry)
    if len(sets) > 1:
        parts = _join([_test_set(group, next(iter(sets.values()))) for group in sets.values()], "; ")
        yield f"The runs were not tested on the same images, so their test accuracies cannot be compared: {parts}."
    for group in sets.values():
        if len({manner(e.state.testing) for e in group if e.state.testing}) > 1:
            yield (
                f"These runs were tested on the same images, but not all with the same thresholds, operating point and views of "
                f"each image; only those with the same are compared: {_join([e.label for e in group])}."
            )


def _test_set(group: Sequence[Entry], first: Sequence[Entry]) -> str:
    """The runs of a test set, its size, and how many images it shares with the first one by their names and classes."""
    names = _join([entry.label for entry in group])
    test, own, others = group[0].state.testing, group[0].predictions, first[0].predictions
    size = f"{names} on {test.num_images:,} images" if test else names
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
    low, high = intervals.wilson(round(accuracies[best] * n_images), n_images)
    within = [label for label, accuracy in accuracies.items() if label != best and accuracy >= low]
    if within:
        yield (
            f"{n_images:,} validation images are too few to tell the best runs apart: {best} has {100 * accuracies[best]:.1f} %, "
            f"95 % interval {100 * low:.1f} to {100 * high:.1f} %, which includes: {_join(within)}."
        )


def _patients(entries: Sequence[Entry]) -> Iterator[str]:
    grouped = [e for e in entries if e.state.dataset and e.state.dataset.groups and e.predictions is not None]
    if len(grouped) > 1:
        yield (
            "The images belong to groups, such as patients, and each test image counts here as one of its own: with several of a "
            "patient, the intervals are too narrow and p is too small."
        )


def _leaks(entries: Sequence[Entry]) -> Iterator[str]:
    """Why figures on test images are too good, once for all runs of which it is the same."""
    labels: dict[str, list[str]] = {}
    for entry in entries:
        for text in entry.state.testing.leaks if entry.state.testing else ():
            labels.setdefault(text, []).append(entry.label)
    for text, own in labels.items():
        yield f"The test figures are too good for {_join(own)}: {text}."


def only_prediction(prediction: str, subset: str) -> str:
    """The warning about a network that predicts the same for all images of a subset."""
    return f"every {subset} image is predicted as {prediction!r}: the network does not tell them apart"


def _join(texts: Sequence[str], separator: str = ", ") -> str:
    more = f" and {len(texts) - MAX_RUNS_NAMED} more" if len(texts) > MAX_RUNS_NAMED else ""
    return separator.join(texts[:MAX_RUNS_NAMED]) + more
