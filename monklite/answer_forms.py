"""Predictions as rows of a table, and as values for JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .image_predictor import Prediction


def row(prediction: Prediction, classes: Sequence[str]) -> dict[str, Any]:
    """The name of the image, the prediction as text, and the score of each class."""
    answer = prediction.answer
    predicted = answer["predicted_class"] if "predicted_class" in answer else "|".join(answer["predicted_classes"])
    scores = dict(zip(classes, prediction.scores.tolist(), strict=True))
    values = {"image": prediction.name, "predicted": predicted, **{f"p({name})": p for name, p in scores.items()}}
    # where it was decided when a prediction is unsure
    if "unsure" in answer:
        values["unsure"] = answer["unsure"] or ""
    if "possible_classes" in answer:
        values["possible"] = "|".join(answer["possible_classes"])
    return values


def as_values(prediction: Prediction, classes: Sequence[str]) -> dict[str, Any]:
    """A prediction as the servers answer it.

    `predicted`: the classes that are predicted: one, or of several labels any number. `scores`: of each class, 0 to 1.
    `calibrated`: of the predicted ones; None: they are not calibrated. `possible`: the classes that cannot be excluded.
    `unsure`: the reason, or False; both None: it was not decided what is unsure.
    """
    given = prediction.answer
    predicted = [given["predicted_class"]] if "predicted_class" in given else list(given["predicted_classes"])
    calibrated = given.get("calibrated_scores", given.get("calibrated_score"))
    values = calibrated if isinstance(calibrated, list) else [calibrated]
    return {
        "name": prediction.name,
        "predicted": predicted,
        "scores": dict(zip(classes, prediction.scores.tolist(), strict=True)),
        "calibrated": None if calibrated is None else dict(zip(predicted, values, strict=True)),
        "possible": given.get("possible_classes"),
        "unsure": given.get("unsure"),
    }


def without_nan(value: Any) -> Any:
    """The same with None for numbers that JSON does not have."""
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
