"""The words of a comparison's verdicts, one sentence each, for those who meet them for the first time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .pairs import Pair

OFTEN = "p: how often two equally good networks would differ at least so much on such images, by "
# by images, and by groups of images
TESTS = (
    "the exact McNemar test, which counts the images that only one of the two gets right.",
    "an exact test that gives the difference of each group of images, such as a patient, either sign (sign flips).",
)
ADJUSTED = (
    "Adjusted: with many pairs, some would seem to differ by chance, so each p is raised with their number, and each interval "
    "wider (Holm)."
)
INTERVAL = "95 % interval of a difference: Tango's score interval{}; 0 is in it exactly where p is 0.05 or more."
OF_GROUPS = ", for as many images as those of the groups are worth"
AT_POINTS = "Intervals of sensitivities and specificities are of each by itself, not adjusted."
NEEDED = "Images needed: so many would tell the two apart with 80 % probability, if they differ on others as on these (Connor)."
AREA = "AUC: how often an image that has the class or label has a higher score than another; compared by DeLong's paired test."


def explanations(tested: Sequence[Pair], verdicts: Sequence[str]) -> list[str]:
    """Those of the words that occur in these verdicts on pairs; the test and its adjustment come first."""
    text = " ".join(verdicts)
    return list(_explanations(tested, text)) if tested and "p " in text else []


def _explanations(tested: Sequence[Pair], text: str) -> Iterator[str]:
    by_group = any(pair.n_groups is not None for pair in tested)
    yield OFTEN + TESTS[by_group]
    if len(tested) > 1:
        yield ADJUSTED
    if "95 % interval" in text:
        yield INTERVAL.format(OF_GROUPS * by_group)
    if "operating point of their own" in text:
        yield AT_POINTS
    if "would be needed" in text:
        yield NEEDED
    if "AUC" in text:
        yield AREA
