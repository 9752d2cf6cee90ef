"""The verdicts of a comparison in words, and what guessing would give."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby

from ..runs.file_names import PAIRS_TABLE
from ..statistics.paired import LEVEL
from ..tasks import SINGLE, TASKS
from .at_points import ShareDifference
from .comparison import Entry
from .known_tests import image_sets, test_set
from .pairs import MAX_WRITTEN, AreaDifference, Pair, pairs
from .seeds import Spread, spreads

# more pairs without a significant difference share one sentence
MAX_EQUAL_PAIRS = 3
# more pairs whose AUCs alone differ are counted
MAX_AREA_PAIRS = 5
# more sensitivities and specificities of a pair are in the table only
MAX_SHARES = 6
# of more runs, only the first are named
MAX_RUNS_NAMED = 20
# more images are not counted
MOST_NEEDED = 10_000_000


def verdict(pair: Pair) -> str:
    """State which of two runs is better on the test images, by how much, and how sure that is."""
    first, second = (f"{100 * accuracy:.1f} %" for accuracy in pair.accuracies)
    value, low, high = pair.difference
    # what excludes 0 does not end at it
    start = "above 0" if pair.is_significant and low < 1e-9 else _points(low)
    interval = f"95 % interval {start} to {_points(high)}"
    figures = f"{first} against {second}, difference {100 * value:.1f} points, {interval}, {_p(pair.p_value)}"
    figures += _adjusted(pair.n_tests, "pairs")
    images = _images(pair)
    counts = f"{pair.only_best} images only {pair.best} gets right, {pair.only_other} only {pair.other}"
    area = f"; {_area(pair.areas[0])}" if len(pair.areas) == 1 else ""
    if pair.is_significant:
        return f"{pair.best} is better than {pair.other} on {images}: {figures} ({counts}){area}"
    needed = f"; {_needed(pair.images_needed)} would be needed" if pair.images_needed else ""
    return f"{pair.best} and {pair.other} cannot be told apart on {images}{needed}: {figures} ({counts}){area}"


def _adjusted(n_tests: int, what: str) -> str:
    """That an interval and a p-value are not of one test alone."""
    return f", both adjusted for {n_tests} {what}" if n_tests > 1 else ""


def _images(pair: Pair) -> str:
    """How many images, and how many groups of them, where those are what counts."""
    groups = "" if pair.n_groups is None else f" of {pair.n_groups:,} groups"
    return f"{pair.n_images:,} images{groups}"


def _points(bound: float) -> str:
    """The end of an interval of a share, in percentage points."""
    return _end(100 * bound, 1)


def _end(bound: float, digits: int) -> str:
    """The end of an interval, with as many digits as show on which side of 0 it is."""
    if abs(bound) < 1e-9:
        return "0"
    while round(bound, digits) == 0:
        digits += 1
    return f"{bound:.{digits}f}"


def _p(value: float) -> str:
    """A p-value, with as many digits as show on which side of 0.05 it is."""
    if value < 0.001:
        return "p < 0.001"
    digits = 2
    while (float(text := f"{value:.{digits}g}") < LEVEL) != (value < LEVEL):
        digits += 1
    return f"p = {text}"


def _needed(images: int) -> str:
    """A number of images, rounded to two digits because it is an estimate."""
    if images > MOST_NEEDED:
        return f"more than {MOST_NEEDED:,}"
    return f"about {float(f'{images:.2g}'):,.0f}"


def _area(area: AreaDifference) -> str:
    text = f"AUC {area.best:.3f} against {area.other:.3f}, difference {area.difference + 0.0:.3f}"
    if math.isnan(area.p_value):
        return f"{text}, which does not vary on these images, so that there is no test of it"
    low, high = area.interval
    if math.isnan(low):
        return f"{text}, {_p(area.p_value)}"
    interval = f"95 % interval {_end(low, 3)} to {_end(high, 3)}"
    return f"{text}, {interval}, {_p(area.p_value)}{_adjusted(area.n_tests, 'AUCs')}"


def verdicts(entries: Sequence[Entry], tested: Sequence[Pair] | None = None) -> list[str]:
    """Baselines, and the verdicts on the pairs of runs that were tested on the same images.

    Args:
        tested: the pairs of the entries, if they are known already.
    """
    tested = pairs(entries) if tested is None else tested
    several = len({pair.test for pair in tested}) > 1
    sentences = baselines(entries)
    for _, group in groupby(tested, key=lambda pair: pair.group):
        own = list(group)
        where = f"{'All' if len(tested) <= MAX_WRITTEN else f'The first {MAX_WRITTEN:,}'} are in {PAIRS_TABLE}"
        of_group = [*_verdicts_of_best(own), *_verdicts_of_others(own, where)]
        sentences += [f"On {own[0].test}: {text}" for text in of_group] if several else of_group
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
        yield f"{best} is better on {_images(own[0])} than {len(worse)} runs: {joined([p.other for p in worse])}"
    for pair in in_full:
        yield from _in_full(pair)
    if equal:
        yield f"{best} cannot be told apart on {_images(own[0])} from: {joined([p.other for p in equal])}"
    yield from _told_by_areas([pair for pair in tested if pair not in in_full], f"the pairs of {best}")


def _in_full(pair: Pair) -> Iterator[str]:
    yield verdict(pair)
    if pair.point:
        shown = [_share(share) for share in pair.at_point[:MAX_SHARES]]
        more = [f"{len(pair.at_point) - MAX_SHARES} more in {PAIRS_TABLE}"] if len(pair.at_point) > MAX_SHARES else []
        figures = f": {'; '.join([*shown, *more])}" if shown else ""
        yield f"Both are judged at an operating point of their own, chosen on validation for {pair.point}{figures}"
    if len(pair.areas) > 1:
        yield _areas(pair)


def _share(share: ShareDifference) -> str:
    value, low, high = map(_points, share.difference)
    of_both = f"{100 * share.best:.1f} % against {100 * share.other:.1f} %"
    return f"{share.figure} {of_both}, difference {value} points, 95 % interval {low} to {high}"


def _told_by_areas(hidden: Sequence[Pair], which: str) -> Iterator[str]:
    """The verdicts by AUC on the pairs that have no sentence of their own, if their AUCs can be told apart."""
    told = [pair for pair in hidden if any(area.p_value < LEVEL for area in pair.areas)]
    yield from map(_areas, told[:MAX_AREA_PAIRS])
    if len(told) > MAX_AREA_PAIRS:
        yield f"The AUCs of {len(told) - MAX_AREA_PAIRS} more of {which} can be told apart"


def _verdicts_of_others(own: Sequence[Pair], where: str) -> Iterator[str]:
    """The verdicts of the pairs without the best run, and the caveats. `where`: the sentence about the table of pairs."""
    best = own[0].best
    others = [pair for pair in own if pair.best != best]
    told = [f"{pair.best} is better than {pair.other} ({_p(pair.p_value)})" for pair in others if pair.is_significant]
    if len(others) == 1:
        yield from _in_full(others[0])
    elif others:
        which = f"{len(told)} can be told apart: {joined(told, '; ')}" if told else "none can be told apart"
        yield f"Of the {len(others)} pairs of the other runs, {which}. {where}"
        yield from _told_by_areas(others, "these pairs")
    yield from _chosen_on_test(own)


def _chosen_on_test(own: Sequence[Pair]) -> Iterator[str]:
    """That the best of several runs was found on the images that its figures are of; not of runs that are all equally good."""
    best, n_runs = own[0].best, len({label for pair in own for label in (pair.best, pair.other)})
    chosen = [best, *(p.other for p in own if p.best == best and p.only_best == p.only_other)]
    if len(chosen) < n_runs:
        subject, whose = ("is the best", "its") if len(chosen) == 1 else ("are the best", "their")
        yield (
            f"{joined(chosen)} {subject} of {n_runs} runs on these test images, so {whose} accuracy on new images is likely to "
            "be somewhat lower"
        )


def _areas(pair: Pair) -> str:
    """For which labels the AUCs of two runs can be told apart."""
    told = [area for area in pair.areas if area.p_value < LEVEL]
    untested = [f"{a.label} ({_area(a)})" for a in pair.areas if math.isnan(a.p_value)]
    better = [f"{a.label} ({_area(a)})" for a in told if a.difference > 0]
    worse = [f"{a.label} ({_area(a)})" for a in told if a.difference < 0]
    parts = [
        f"{run} is better for {joined(labels)}" for run, labels in ((pair.best, better), (pair.other, worse)) if labels
    ]
    parts = parts or ["none can be told apart"] * (len(untested) < len(pair.areas))
    text = "; ".join([*parts, *(["no test for " + joined(untested)] if untested else [])])
    kind = "classes, each against the others" if pair.exclusive else "labels"
    which = f"AUCs of {len(pair.areas)} {kind}" if len(pair.areas) > 1 else f"AUC of {pair.areas[0].label}"
    return f"By the {which}, {pair.best} against {pair.other}: {text}"


def _spread(spread: Spread) -> str:
    versions = f"{spread.name}, {spread.n} versions that differ in their seed only"
    mean, low, high, deviation = (100 * x for x in (spread.mean, spread.low, spread.high, spread.deviation))
    return (
        f"{versions}: {spread.figure} {mean:.1f} % on average, {low:.1f} to {high:.1f} %, standard deviation {deviation:.1f} "
        "points. A smaller difference between two experiments can come from the seed alone"
    )


def baselines(entries: Sequence[Entry]) -> list[str]:
    """The accuracy of always giving the most frequent answer, for each test set."""
    tested = [(_majority_title(e), e.testing) for e in entries if e.testing]
    tests = dict(zip(image_sets([test for _, test in tested]), tested, strict=True))
    return [
        f"Always guessing {title} would be right for {100 * test.majority_accuracy:.1f} % of the "
        f"{test.num_images:,} test images ({test_set(test)})."
        for title, test in tests.values()
    ]


def _majority_title(entry: Entry) -> str:
    dataset = entry.state.dataset
    return TASKS[dataset.label_type if dataset else SINGLE].majority_title


def joined(texts: Sequence[str], separator: str = ", ") -> str:
    more = f" and {len(texts) - MAX_RUNS_NAMED} more" if len(texts) > MAX_RUNS_NAMED else ""
    return separator.join(texts[:MAX_RUNS_NAMED]) + more
