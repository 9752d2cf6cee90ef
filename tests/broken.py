"""Faults that every backend's learner could have, as mixins, each with the check of the contract that detects it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np


class IgnoresTheSeed:
    def __init__(self, spec, task, pretrained):
        super().__init__(spec.replace({"seed": int(np.random.default_rng().integers(1, 10**6))}), task, pretrained)


class IgnoresTheLearningRate:
    def set_learning_rate(self, rate):
        pass


class ForgetsToFlip:
    def augmented(self, images, draws):
        return images.astype(np.float32)


class ForgetsTheColours:
    def augmented(self, images, draws):
        return super().augmented(images, replace(draws, colours=()))


class ForgetsTheMixedLabels:
    def step(self, images, labels, draws):
        return super().step(np.rint(self.augmented(images, draws)).astype(np.uint8), labels, replace(draws, mixed=None))


class ForgetsTheAverages:
    def load(self, path):
        progress = super().load(path)
        self.averages.reset()
        return progress


class CountsAveragesAnew:
    def load(self, path):
        progress = super().load(path)
        self.averages.count = min(self.averages.count, 1)
        return progress


class TrainsTheAverages:
    def step(self, images, labels, draws):
        self.averages._swapped_in = False
        return super().step(images, labels, draws)


class KeepsTheTrainedWeights:
    def capture_weights(self):
        self.averages.swap_out()
        count, self.averages.count = self.averages.count, 0
        snapshot = super().capture_weights()
        self.averages.count = count
        return snapshot


class KeepsOldAverages:
    def load_weights(self, path):
        reset, self.averages.reset = self.averages.reset, lambda: None
        super().load_weights(path)
        self.averages.reset = reset


class ExplainsTheFirstClass:
    def heat_maps(self, images, draws, targets):
        return super().heat_maps(images, draws, np.zeros_like(targets))


class ExplainsAllImagesTogether:
    def heat_maps(self, images, draws, targets):
        found = super().heat_maps(images, draws, targets)
        return found._replace(values=np.broadcast_to(found.values.mean(axis=0), found.values.shape).copy())


class LearnsFromHeatMaps:
    def heat_maps(self, images, draws, targets):
        self.step(images, targets, draws)
        return super().heat_maps(images, draws, targets)


FAULTS = [
    (IgnoresTheSeed, "test_the_same_seed_gives_the_same_run"),
    (IgnoresTheLearningRate, "test_the_learning_rate_is_obeyed"),
    (ForgetsToFlip, "test_flips_are_exact"),
    (ForgetsTheColours, "test_colours_are_changed_as_told"),
    (ForgetsTheMixedLabels, "test_mixed_images_have_the_loss_of_both_labels"),
    (ForgetsTheAverages, "test_averages_are_saved_too"),
    (CountsAveragesAnew, "test_averages_are_saved_too"),
    (TrainsTheAverages, "test_averaged_weights_are_what_answers_and_is_kept"),
    (KeepsTheTrainedWeights, "test_averaged_weights_are_what_answers_and_is_kept"),
    (KeepsOldAverages, "test_averaged_weights_are_what_answers_and_is_kept"),
    (ExplainsTheFirstClass, "test_heat_maps_are_of_the_image_and_the_class"),
    (ExplainsAllImagesTogether, "test_heat_maps_are_of_the_image_and_the_class"),
    (LearnsFromHeatMaps, "test_heat_maps_change_nothing"),
]


def learners(learner: type, first: int) -> list[tuple[type, str]]:
    """A backend's learner with every second fault from `first` on, and the check that detects it.

    The faults are the same whatever the backend: what is tried is the contract.
    """
    return [(type(fault.__name__, (fault, learner), {}), check) for fault, check in FAULTS[first::2]]
