"""Decide, on the validation images, when a class is predicted, and when a prediction is unsure."""

from __future__ import annotations

from collections.abc import Mapping

from .. import choosing_point, choosing_unsure
from ..opening_modes import is_given
from . import decision_messages
from .base import Base
from .checks import api


class DecisionMethods(Base):
    """`Set_Operating_Point`, `Set_Unsure`."""

    @api
    def Set_Operating_Point(
        self,
        sensitivity: float | None = None,
        specificity: float | None = None,
        cost: Mapping[str, float] | None = None,
        false_negative_cost: float | None = None,
        false_positive_cost: float | None = None,
        positive: str | None = None,
        prevalence: float | None = None,
    ) -> None:
        """Choose the threshold of the score on the validation images; `Infer` and `Evaluate` use it from then on.

        It is stored with the run, and never chosen on test images. `Evaluate` then reports sensitivity, specificity and
        predictive values at it. Validation has chosen the best epoch too, so the figures on it are slightly optimistic. Without
        an argument: the class with the highest score is predicted again (of several labels: those with a score above 0.5).

        With more than two classes a threshold is that of one, `positive`, against all others: it is predicted where its score is
        above the threshold, and elsewhere the likeliest of the others.

        Args:
            sensitivity: the share of the positive images that are to be found, above 0 to 1, with as few false alarms as can be.
            specificity: the share of the other images that are not to be taken for positive, with as many found as can be.
            cost: of wrong predictions, `{"NORMAL->PNEUMONIA": 1, "PNEUMONIA->NORMAL": 5}` with the true class first; those that
                are left out cost 1. With more than two classes the class with the least expected cost is predicted, and none is
                the positive one.
            false_negative_cost, false_positive_cost: the same for a positive class, or for several labels per image.
            positive: the positive class; of two by default the second one. If images have several labels: the label that gets a
                threshold; by default each gets its own, chosen in the same way.
            prevalence: the share of positive images where the network is to be used, 0 to 1; costs are weighed by it, and
                `Evaluate` reports predictive values at it too.

        Raises:
            NotReady: not trained, being trained, or trained with a monklite that did not keep the predictions. InvalidType,
            InvalidValue: not exactly one goal, or one that does not fit the classes.
        """
        given = (sensitivity, specificity, cost, false_negative_cost, false_positive_cost, positive, prevalence)
        goal = choosing_point.Goal(*given) if any(map(is_given, given)) else None
        predictor = self._evaluation.predictor
        decision_messages.operating_point(self._console, predictor, goal, choosing_point.choose(predictor, goal))

    @api
    def Set_Unsure(
        self, coverage: float | None = 0.95, confidence: float | None = None, distance: float | None = None
    ) -> None:
        """Let `Infer` say when a prediction is unsure, and why, judged by the validation images; it is stored with the run.

        The dictionary of an image then has three entries more. `unsure`: False, or the reason as text. `possible_classes`: those
        that cannot be excluded, if `coverage` is on. `calibrated_score` (several labels: `calibrated_scores`): the score at a
        temperature that was fitted on the validation images, so that of images with 0.8 about 80 % are right; None if they are
        too few or all right. `score` stays as it was. `Set_Unsure(None)` switches it off.

        Args:
            coverage: the share of images like those of validation whose class is among the possible ones; of several labels per
                image, for each label the share of the images that have it. More than the predicted ones: unsure. With few
                validation images all classes are possible. Validation has chosen the best epoch too, and was shown without
                `tta`, so the share may be a little smaller.
            confidence: a smaller calibrated score is unsure, 0 to 1; of several labels, that of any label or of its absence.
                Where no temperature could be fitted it is the uncalibrated score, which may be too sure, and is called so.
            distance: the share of images like those of validation that are near enough to the training images to be sure, in
                what the network sees before its head. The training images are read again, and `Infer` takes about twice as long.

        Raises:
            NotReady: as `Set_Operating_Point`. InvalidType, InvalidValue: not such shares, or too few validation images for the
            distance. DatasetError, NotFound: the training images are not there any more.
        """
        limits, predictor = choosing_unsure.Limits(coverage, confidence, distance), self._evaluation.predictor
        unsure = choosing_unsure.choose(predictor, limits, self._console.ticker("    looking"))
        decision_messages.unsure(self._console, predictor, unsure)
