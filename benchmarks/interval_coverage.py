"""How often the 95 % intervals of an evaluation hold the true figure, by simulation.

    python benchmarks/interval_coverage.py [--tries 2000]

Accuracy: for 20 to 5,000 images and true accuracies around those given; of images exactly, and for 1 to 8 images per patient that
are more or less alike (intraclass correlation 0.3). AUC, balanced accuracy, calibration error, Brier score: of a classifier whose
scores are logistic and too sure, against the figure of very many of its images.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import partial

import numpy as np
from scipy.stats import binom

from monklite.figures import BALANCED_ACCURACY, BRIER_SCORE, CALIBRATION_ERROR
from monklite.statistics import calibration, intervals, of_class, overall, roc
from monklite.statistics.judged import Judged
from monklite.tasks import task_of

ACCURACIES = (0.5, 0.7, 0.9, 0.95, 0.99)
SIZES = (20, 50, 100, 624, 5_000)
ALIKE = 0.3
CLASSES = ("negative", "positive")


def shares_around(share: float, n: int, rng: np.random.Generator) -> np.ndarray:
    """Of counts the coverage jumps up and down from one share to the next, whatever the interval: its mean is measured."""
    return rng.uniform(share - 0.4 * (1 - share), share + 0.4 * (1 - share), n)


def of_images(share: float, n_images: int, rng: np.random.Generator) -> float:
    """Exactly, from the probability of each count."""
    low, high = np.array([intervals.wilson(k, n_images) for k in range(n_images + 1)]).T
    counts, held = np.arange(n_images + 1), []
    for true in shares_around(share, 200, rng):
        held.append(binom.pmf(counts, n_images, true)[(low <= true) & (true <= high)].sum())
    return float(np.mean(held))


def by_patient(tries: int, share: float, n_images: int, rng: np.random.Generator) -> float:
    held = 0
    for true in shares_around(share, tries, rng):
        sizes = rng.integers(1, 9, n_images)
        sizes = sizes[: np.searchsorted(np.cumsum(sizes), n_images) + 1]
        each = rng.beta(true * (1 / ALIKE - 1), (1 - true) * (1 / ALIKE - 1), len(sizes))
        low, high = intervals.clustered_wilson(rng.binomial(sizes, each), sizes.astype(float))
        held += low <= true <= high
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
    parser.add_argument(
        "--figures", type=int, default=0, help="also so many tries of the other figures, which are slow"
    )
    options, rng = parser.parse_args(), np.random.default_rng(0)
    for title, coverage in (("of images", of_images), ("by patient", partial(by_patient, options.tries))):
        print(f"accuracy {title}: n, then true accuracies around {ACCURACIES}")
        for n in SIZES:
            found = [coverage(share, n, rng) for share in ACCURACIES]
            print(f"{n:6}  " + "  ".join(f"{100 * held:5.1f}" for held in found), flush=True)
    if options.figures:
        truth = {name: value for name, value, _, _ in ends(drawn(40_000, rng))}
        for n in (50, 200, 1000):
            held = dict.fromkeys(truth, 0)
            for _ in range(options.figures):
                for name, _, low, high in ends(drawn(n, rng)):
                    held[name] += low <= truth[name] <= high
            print(
                f"{n:6}  " + ", ".join(f"{name} {100 * h / options.figures:.1f}" for name, h in held.items()),
                flush=True,
            )


if __name__ == "__main__":
    main()
