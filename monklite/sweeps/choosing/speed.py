"""How long trainings take on this machine, from a first measurement and then from those that were done."""

from __future__ import annotations

import statistics
from collections import defaultdict

from .setup import Setup
from .tried import Tried

# an epoch of all layers against a pass of the frozen ones: forward, and about twice that backward
WHOLE_FACTOR = 3.0


class Speed:
    """Seconds of looks and of epochs.

    Each is expected to take the time of the network's work for all images, by its `cost`, and of a start. The units are
    medians of what was seen, so one network that is slow here does not decide for all.

    `units`: seconds for an image of ResNet18 as they were measured before anything was trained, by whether all layers are.
    """

    def __init__(self, backend: str, n_images: int) -> None:
        self._backend, self.n_images = backend, n_images
        self._seen: dict[bool, list[float]] = defaultdict(list)
        self._starts: list[float] = []
        self._epochs: dict[Setup, float] = {}
        self.units: dict[bool, float] = {}

    def measured(self, setup: Setup, seconds: float) -> float:
        """Take a measurement of some steps: seconds of a look, or of an epoch of all layers, at all images; returns the unit."""
        self.units[setup.whole] = seconds / self._work(setup, self.n_images)
        return self.units[setup.whole]

    def knows(self, whole: bool) -> bool:
        """Whether anything was measured of a kind of training."""
        return bool(self._seen[whole] or whole in self.units)

    def done(self, tried: Tried, wall: float) -> None:
        """Take what a training took. `wall`: seconds with its start and end; 0: it was trained in an earlier call."""
        setup = tried.setup
        seconds = tried.seconds / tried.epochs if setup.whole else tried.seconds
        self._seen[setup.whole].append(seconds / self._work(setup, tried.n_images))
        if setup.whole:
            self._epochs[setup] = seconds / tried.n_images
        if wall:
            self._starts.append(max(0.0, wall - tried.seconds))

    def look(self, setup: Setup, share: float) -> float:
        """Seconds of a look at a share of the images."""
        return self._start() + self._unit(False) * self._work(setup, share * self.n_images)

    def epoch(self, setup: Setup, share: float) -> float:
        """Seconds of an epoch of all layers on a share of the images."""
        if setup in self._epochs:
            return self._epochs[setup] * share * self.n_images
        return self._unit(True) * self._work(setup, share * self.n_images)

    def training(self, setup: Setup, epochs: int, share: float = 1.0) -> float:
        """Seconds of a training of so many epochs."""
        if not setup.whole:
            return self.look(setup, share)
        return self._start() + epochs * self.epoch(setup, share)

    def _start(self) -> float:
        return statistics.median(self._starts) if self._starts else 0.0

    def _unit(self, whole: bool) -> float:
        if self._seen[whole]:
            return statistics.median(self._seen[whole])
        if whole not in self.units and whole:
            return WHOLE_FACTOR * self._unit(False)
        return self.units.get(whole, 0.0)

    def _work(self, setup: Setup, n_images: float) -> float:
        return setup.work(self._backend) * n_images
