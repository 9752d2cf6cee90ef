"""`certificate.json` of a bundle: how far it agrees with the network that it was made of, on which machine.

A bundle in float32 agrees if no score differs by more than `SCORE_TOLERANCE`, and no image gets another class but where the
network itself is undecided. One in int8 computes with rounded numbers: it may lose the share of right answers that its maker
allowed, and on another machine its answers to the drawn pictures stay within `INT8_TOLERANCE` of those where it was made. That
fails on processors whose sums of 8-bit products saturate, where the same file loses several points of accuracy.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from ..figures import Estimate
from ..record_rules import COUNT, LOSS, MOMENT, NAME, SHARE, TEXT
from ..rules import OneOf, OrNone
from ..settings_tree import Frozen
from .manifest import FLOAT32, INT8, SHA256

SCHEMA = 1
SCORE_TOLERANCE = 1e-3
# of the difference of two logits, as a share of the largest (of 1 if all are smaller); below it the network is undecided
MARGIN_TOLERANCE = 1e-3
# of what the head is given, as a share of the largest value
EMBEDDING_TOLERANCE = 1e-3
# of a score in int8 on another machine
INT8_TOLERANCE = 0.05
# of a resized picture, of 255; ONNX Runtime rounds once where Pillow rounds twice
PIXEL_TOLERANCE = 1
VALIDATION, PROBES, REPEATED = "validation images", "drawn pictures", "drawn pictures, against where it was made"


class Comparison(Frozen):
    """Two networks on the same images, the original one and that of the bundle.

    `images`: which. `expected`: how many there are of them, if some were missing. `score_difference`, `logit_difference`: the
    largest. `embedding_difference`: the largest of what the head is given, as a share of its largest value; None: it is not told.
    `equal`: images with the same prediction. `undecided`: of the others, those where the original is nearly undecided.
    `accuracies`: of the original and of the bundle, with intervals. `only_original`, `only_bundle`: images that only one of them
    gets right, with McNemar's exact `p_value`. `loss`: by how much the bundle's accuracy is lower, and its interval (Tango 1998).
    Without known labels these are None.
    """

    images: Annotated[str, NAME]
    n_images: Annotated[int, COUNT]
    expected: Annotated[int | None, OrNone(COUNT)] = None
    score_difference: Annotated[float, LOSS]
    logit_difference: Annotated[float, LOSS]
    embedding_difference: Annotated[float | None, OrNone(LOSS)] = None
    equal: Annotated[int, COUNT]
    undecided: Annotated[int, COUNT] = 0
    accuracies: tuple[Estimate, Estimate] | None = None
    only_original: Annotated[int | None, OrNone(COUNT)] = None
    only_bundle: Annotated[int | None, OrNone(COUNT)] = None
    p_value: Annotated[float | None, OrNone(SHARE)] = None
    loss: tuple[Annotated[float, LOSS], Annotated[float, LOSS], Annotated[float, LOSS]] | None = None

    @property
    def other(self) -> int:
        """Images with another prediction although the original is not undecided."""
        return self.n_images - self.equal - self.undecided


class Certificate(Frozen):
    """The comparisons of a bundle, made on one machine.

    `made`: when. `model`: SHA-256 of `model.onnx`. `form`: as of the manifest. `most_loss`: the largest loss of accuracy that is
    allowed, of int8. `processor`, `runtime`, `versions`: of the machine. `pixel_difference`: the largest of a resized picture, of
    255; None where it was not compared, on machines without the means to.
    """

    schema_version: Annotated[int, COUNT] = Field(default=SCHEMA, alias="schema")
    made: Annotated[str, MOMENT]
    model: Annotated[str, SHA256]
    form: Annotated[str, OneOf((FLOAT32, INT8))]
    most_loss: Annotated[float, SHARE] = 0.0
    processor: Annotated[str, TEXT]
    runtime: Annotated[str, TEXT]
    versions: dict[Annotated[str, NAME], Annotated[str, TEXT]]
    comparisons: tuple[Comparison, ...]
    pixel_difference: Annotated[int | None, OrNone(COUNT)] = None

    def problems(self) -> list[str]:
        """Why the bundle does not agree; none if it does."""
        found = [f"{of.images}: {text}" for of in self.comparisons for text in self._problems(of)]
        if self.pixel_difference is not None and self.pixel_difference > PIXEL_TOLERANCE:
            found.append(f"resized pictures differ by up to {self.pixel_difference} of 255")
        return found

    def _problems(self, of: Comparison) -> Iterator[str]:
        limit = SCORE_TOLERANCE if self.form == FLOAT32 else INT8_TOLERANCE if of.images == REPEATED else math.inf
        # also of NaN
        if not of.score_difference <= limit:
            yield f"scores differ by up to {of.score_difference:.3g}, and at most {limit:g} is allowed"
        if self.form == FLOAT32 and of.other:
            yield f"{of.other} of {of.n_images} get another prediction"
        if of.embedding_difference is not None and not of.embedding_difference <= EMBEDDING_TOLERANCE:
            yield f"what the head is given differs by up to {of.embedding_difference:.3g} of its largest value"
        if self.form == INT8 and of.loss is not None and not of.loss[0] <= self.most_loss:
            value, low, high = of.loss
            yield (
                f"the accuracy falls by {value:.2%} (95 % interval {low:.2%} to {high:.2%}), and at most {self.most_loss:.2%} is "
                "allowed"
            )
