"""How often the 95 % intervals of an evaluation hold the true figure, by simulation.

    python benchmarks/interval_coverage.py [--tries 2000]

Accuracy: for 20 to 5,000 images and true accuracies around those given, to 0.99; alone, and as images of 1 to 8 per patient that are more or less
alike (intraclass correlation 0.3). AUC, balanced accuracy, calibration error, Brier score: of a classifier whose scores are
logistic, against the figure of a million of its images.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np

from monklite.figures import BALANCED_ACCURACY, BRIER_SCORE, CALIBRATION_ERROR
from monklite.statistics import calibration, intervals, of_class, overall, roc
from monklite.statistics.judged import Judged
from monklite.statistics.units import Units
from monklite.tasks import task_of

ACCURACIES = (0.5, 0.7, 0.9, 0.95, 0.99)
SIZES = (20, 50, 100, 624, 5_000)
ALIKE = 0.3
CLASSES = ("negative", "positive")


def proportions(tries: int, share: float, n_images: int, by_patient: bool, rng: np.random.Generator) -> float:
    held, middle = 0, share
    for _ in range(tries):
        # of counts the coverage jumps up and down from one share to the next, whatever the interval: its mean is measured
        share = rng.uniform(middle - 0.4 * (1 - middle), middle + 0.4 * (1 - middle))
        sizes = np.ones(n_images, np.int64)
        if by_patient:
            sizes = rng.integers(1, 9, n_images)
            sizes = sizes[: np.searchsorted(np.cumsum(sizes), n_images) + 1]
        each = rng.beta(share * (1 / ALIKE - 1), (1 - share) * (1 / ALIKE - 1), len(sizes)) if by_patient else share
        low, high = intervals.clustered_wilson(rng.binomial(sizes, each), sizes.astype(float))
        held += low <= share <= high
    return held / tries


def drawn(n: int, rng: np.random.Generator) -> Judged:
    """Logits of a classifier that separates two classes by 1.5 standard deviations, and is too sure of it."""
    labels = (rng.random(n) < 0.4).astype(np.int64)
    logits = np.zeros((n, 2), np.float32)
    logits[:, 1] = 2.5 * (rng.normal(size=n) + 1.5 * labels - 1)
    return Judged.of(task_of("single", CLASSES), logits, labels, None)


def ends(judged: Judged) -> Iterator[tuple[str, float, float, float]]:
    """Name, value, low and high of each figure."""
    area = judged.areas[1]
    yield "AUC", area.value, *roc.interval(area, judged.units)[:2]
    for name in (BALANCED_ACCURACY, BRIER_SCORE):
        classes = [of_class.figures(judged, i) for i in range(2)] if name == BALANCED_ACCURACY else []
        found = overall.FIGURES[name](judged, classes)
        yield name, found.value, found.low, found.high
    labels = judged.truth.argmax(axis=1)
    found = calibration.bins(*judged.task.confidences(judged.scores, labels), judged.units)[1]
    yield CALIBRATION_ERROR, found.value, found.low, found.high


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=2000)
    parser.add_argument("--figures", type=int, default=0, help="also so many tries of the other figures, which are slow")
    options, rng = parser.parse_args(), np.random.default_rng(0)
    for by_patient in (False, True):
        print(f"accuracy {'by patient' if by_patient else 'of images'}: n, then true accuracies {ACCURACIES}")
        for n in SIZES:
            found = [proportions(options.tries, share, n, by_patient, rng) for share in ACCURACIES]
            print(f"{n:6}  " + "  ".join(f"{100 * held:5.1f}" for held in found), flush=True)
    if options.figures:
        truth = {name: value for name, value, _, _ in ends(drawn(40_000, rng))}
        for n in (50, 200, 1000):
            held = dict.fromkeys(truth, 0)
            for _ in range(options.figures):
                for name, _, low, high in ends(drawn(n, rng)):
                    held[name] += low <= truth[name] <= high
            print(f"{n:6}  " + ", ".join(f"{name} {100 * h / options.figures:.1f}" for name, h in held.items()), flush=True)


if __name__ == "__main__":
    main()
