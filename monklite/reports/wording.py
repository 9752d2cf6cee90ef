"""What a comparison says, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from .comparison import Entry, Pair, pairs

SIGNIFICANT = 0.05
MOST_VERDICTS = 3  # more pairs that cannot be told apart share one line
MOST_NAMED = 20  # of more runs the first are named


def verdict(pair: Pair) -> str:
    """The difference between two runs."""
    best, other = pair.best, pair.other
    counts = f"{pair.only_best} images only {best} gets right, {pair.only_other} only {other}"
    if pair.p_value < SIGNIFICANT:
        better = f"{best} did better than {other} on the test images, more than by chance"
        return f"{better} ({counts}; p = {pair.p_value:.3g})"
    return f"{best} and {other} cannot be told apart on the test images ({counts}; p = {pair.p_value:.2g})"


def verdicts(entries: Sequence[Entry]) -> list[str]:
    """What the test results say."""
    found = pairs(entries)
    equal = [p.other for p in found if p.p_value >= SIGNIFICANT]
    worse = [p for p in found if p.p_value < SIGNIFICANT]
    sentences = baselines(entries)
    if len(found) <= MOST_NAMED and len(equal) <= MOST_VERDICTS:
        return [*sentences, *map(verdict, found)]
    if len(worse) > MOST_NAMED:
        names = _listed([p.other for p in worse])
        sentences.append(
            f"{found[0].best} did better on the test images, more than by chance, than {len(worse)} runs: {names}"
        )
    else:
        sentences += map(verdict, worse)
    if equal:
        sentences.append(f"{found[0].best} cannot be told apart on the test images from: {_listed(equal)}")
    return sentences


def baselines(entries: Sequence[Entry]) -> list[str]:
    """What guessing would give on each test set."""
    tests = {e.state.testing.fingerprint: e.state.testing for e in entries if e.state.testing}
    return [
        f"Always guessing the largest class would be right for {100 * t.majority_accuracy:.1f} % of the "
        f"{t.num_images} test images."
        for t in tests.values()
    ]


def warnings(entries: Sequence[Entry]) -> list[str]:
    """What must be known before the numbers are compared."""
    sentences = []
    if len({e.state.dataset.fingerprint for e in entries if e.state.dataset}) > 1:
        sentences.append(
            "The runs were not trained and validated on the same images, so their validation accuracies cannot be compared."
        )
    if len({e.state.testing.fingerprint for e in entries if e.state.testing}) > 1:
        sentences.append("The runs were not tested on the same images, so their test accuracies cannot be compared.")
    unfinished = [e for e in entries if e.state.status != "done"]
    if len(unfinished) <= MOST_NAMED:
        return sentences + [_how_far(e) for e in unfinished]
    for status in sorted({e.state.status for e in unfinished}):
        labels = [e.label for e in unfinished if e.state.status == status]
        sentences.append(f"{len(labels)} {'run is' if len(labels) == 1 else 'runs are'} {status}: {_listed(labels)}.")
    return sentences


def _how_far(entry: Entry) -> str:
    if entry.state.status == "new":
        return f"{entry.label} has not been trained."
    done = entry.state.results.epochs_completed if entry.state.results else 0
    return f"{entry.label} is {entry.state.status} after {done} of {entry.state.asked.training.epochs} epochs."


def _listed(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - MOST_NAMED} more" if len(labels) > MOST_NAMED else ""
    return ", ".join(labels[:MOST_NAMED]) + more
