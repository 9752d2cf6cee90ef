"""Learners broken in what both backends do alike: mixed into each one's own, and the check of the contract that finds them."""

from __future__ import annotations

import numpy as np


class IgnoresTheSeed:
    def __init__(self, spec, task, pretrained):
        super().__init__(spec.replace({"seed": int(np.random.default_rng().integers(1, 10**6))}), task, pretrained)


class IgnoresTheRate:
    def set_learning_rate(self, rate):
        pass


class ForgetsToFlip:
    def augmented(self, images, draws):
        return images.astype(np.float32)


class ForgetsTheAverages:
    def load(self, path):
        done = super().load(path)
        self._averages.forget()
        return done


class CountsAveragesAnew:
    def load(self, path):
        done = super().load(path)
        self._averages.count = min(self._averages.count, 1)
        return done


class TrainsTheAverages:
    def step(self, images, labels, draws):
        self._averages._judged = False
        return super().step(images, labels, draws)


class KeepsTheTrainedWeights:
    def capture_weights(self):
        self._averages.stand_back()
        count, self._averages.count = self._averages.count, 0
        made = super().capture_weights()
        self._averages.count = count
        return made


class KeepsOldAverages:
    def load_weights(self, path):
        kept, self._averages.forget = self._averages.forget, lambda: None
        super().load_weights(path)
        self._averages.forget = kept


KINDS = [
    (IgnoresTheSeed, "test_the_same_seed_gives_the_same_run"),
    (IgnoresTheRate, "test_the_learning_rate_is_obeyed"),
    (ForgetsToFlip, "test_flips_are_exact"),
    (ForgetsTheAverages, "test_averages_are_saved_too"),
    (CountsAveragesAnew, "test_averages_are_saved_too"),
    (TrainsTheAverages, "test_averaged_weights_are_what_answers_and_is_kept"),
    (KeepsTheTrainedWeights, "test_averaged_weights_are_what_answers_and_is_kept"),
    (KeepsOldAverages, "test_averaged_weights_are_what_answers_and_is_kept"),
]


def learners(sound: type) -> list[tuple[type, str]]:
    """The broken kinds of a backend's learner, each with its check."""
    return [(type(kind.__name__, (kind, sound), {}), check) for kind, check in KINDS]
