"""Show the worst mistakes of an evaluation as pictures."""

from __future__ import annotations

from typing import Any

from .. import worst_errors
from ..rules import Flag, Whole
from ..worst_errors import WorstErrors
from .base import Base
from .checks import api
from .console import Console

MAX_ERRORS = 240
# of images that cannot be read; the others are counted
MAX_REASONS_SHOWN = 5


class ErrorMethods(Base):
    """`Show_Errors`."""

    @api
    def Show_Errors(self, n: int = 12, heat_maps: bool = True, name: str | None = None) -> list[dict[str, Any]]:
        """Draw the worst mistakes of an evaluation, beside its predictions as `errors.png`, shown in a notebook.

        First comes the most confident mistake of each cell of the confusion matrix, then the second of each, and so on. If images
        may have several labels, each label that was predicted wrongly or missed is a mistake.

        Args:
            n: how many at most, up to 240; each 24 are a picture of their own, `errors-2.png` and so on.
            heat_maps: also draw where the network sees the predicted class and the true one (Grad-CAM).
            name: of the evaluation, as in `Evaluate`; None: the last one.

        Returns:
            For each `{"path", "true", "predicted", "score", "true_score"}`: classes, and the scores of the predicted and the true
            one. If images may have several labels, `{"path", "true", "predicted", "label", "error", "score"}`: labels, which
            one is wrong, whether it is a `false positive` or a `false negative`, and its score. Empty if all is right.

        Raises:
            NotReady: the experiment is not trained, nothing was evaluated, or the predictions were changed. NotFound: there is no
            evaluation of this name. StorageError: the pictures cannot be written.
        """
        count, with_maps = Whole(least=1, most=MAX_ERRORS)("n", n), Flag()("heat_maps", heat_maps)
        tick = self._console.ticker("    looking at errors")
        found = worst_errors.draw(self._evaluation.predictor, count, with_maps, name, tick)
        _say(self._console, found)
        for sheet in found.sheets:
            self._console.picture(sheet)
        return [mistake.as_dict() for mistake in found.mistakes]


def _say(console: Console, found: WorstErrors) -> None:
    """Print where the pictures are, and which images are missing in them or have changed."""
    if not found.n_mistakes:
        console.say(f"    All {found.n_images} images are predicted correctly: there are no errors to show\n")
        return
    pictures = {"Pictures": ", ".join(map(str, found.sheets))} if found.sheets else {}
    drawn = len(found.mistakes) - len(found.missing)
    console.block("Errors", {"Mistakes": found.n_mistakes, "Drawn": drawn, **pictures})
    for reason in found.missing[:MAX_REASONS_SHOWN]:
        console.say(f"    left out: {reason}")
    if len(found.missing) > MAX_REASONS_SHOWN:
        console.say(f"    left out: {len(found.missing) - MAX_REASONS_SHOWN} more that are missing or cannot be read")
    if found.changed:
        console.say(
            f"    Warning: {len(found.changed)} of them, such as {found.changed[0]}, have other scores than in the evaluation: "
            "the files or the weights have changed since then. Call Evaluate() again"
        )
