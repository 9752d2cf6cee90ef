"""The printed certificate of a bundle."""

from __future__ import annotations

from ..exporting.certificate import Certificate, Comparison
from .console import Console


def certificate(console: Console, made: Certificate) -> None:
    """Print how a bundle agrees with the network that it was made of, on this machine."""
    console.block("Certificate", {"Machine": made.processor, "Runtime": made.runtime, "Agrees": _verdict(made)})
    for comparison in made.comparisons:
        console.block(f"    On {comparison.n_images} {comparison.images}{_of_all(comparison)}", _rows(comparison))
    for problem in made.problems():
        console.say(f"    Does not agree: {problem}")


def _verdict(made: Certificate) -> str:
    return "no" if made.problems() else "yes"


def _of_all(comparison: Comparison) -> str:
    if comparison.expected in (None, comparison.n_images):
        return ""
    return f" (of {comparison.expected}; the others are not in the folder)"


def _rows(comparison: Comparison) -> dict[str, str]:
    rows = {
        "    Same prediction": f"{comparison.equal} of {comparison.n_images}",
        "    Largest difference": f"{comparison.score_difference:.2g} of a score, {comparison.logit_difference:.2g} of a logit",
    }
    if comparison.undecided:
        rows["    Undecided"] = f"{comparison.undecided} of the others, where the network itself is undecided"
    if comparison.accuracies and comparison.loss:
        original, bundle = comparison.accuracies
        value, low, high = comparison.loss
        rows["    Accuracy"] = f"{original.value:.2%} of the network, {bundle.value:.2%} of the bundle"
        rows["    Difference"] = (
            f"{0.0 - value:+.2%} (95 % interval {-high:+.2%} to {-low:+.2%}; McNemar p {comparison.p_value:.3g}: "
            f"{comparison.only_original} images only the network gets right, {comparison.only_bundle} only the bundle)"
        )
    return rows
