"""The figures of each class in Monk's form, as `Evaluate` returns them and `system_dict` shows them."""

from __future__ import annotations

from typing import Any

from ..records import ClassResult, Testing


def class_accuracies(testing: Testing, exclusive: bool) -> dict[str, dict[str, Any]]:
    """By class; see `Evaluate`. `exclusive`: an image has one label."""
    return {name: _figures(counts, exclusive) for name, counts in testing.classes.items()}


def _figures(counts: ClassResult, exclusive: bool) -> dict[str, Any]:
    figures = {"num_images": counts.num_images, "num_correct": counts.num_correct, "accuracy(%)": 100 * counts.accuracy}
    if exclusive:
        return figures
    return {
        **figures,
        "num_labels": counts.num_images,
        "num_predicted": counts.num_predicted,
        "precision(%)": 100 * counts.precision,
        "recall(%)": 100 * counts.accuracy,
        "f1(%)": 100 * counts.f1,
    }
