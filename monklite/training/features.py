"""The values that the frozen part of a network gives, computed once for each face of each image and kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import SupportsFloat

import numpy as np

from ..backends.base import Frozen
from ..data import cache_limit
from ..data.batches import Batch, Batches
from ..data.cache import decoding_settings
from ..data.feature_file import FeatureFile
from ..errors import OutOfMemory

# images at once, always as many: with another number the last bits of a result may differ, and so would those of trainings
CHUNK = 32
# bytes; beyond, reading the values takes about as long as computing them
MAX_WIDTH = 1 << 20


class Features:
    """The values for the images of one subset.

    `reused`: the number of faces that were there before.
    """

    def __init__(self, frozen: Frozen, batches: Batches, cache: Path) -> None:
        self._frozen, self._batches = frozen, batches
        contents, self._slots = np.unique(batches.digests, return_inverse=True)
        policy, levels = batches.policy, batches.store.levels.as_text()
        shown = f"{decoding_settings(policy)} {levels} {policy.mean} {policy.std} {frozen.key} {CHUNK}"
        self._files = {
            face: FeatureFile(cache, f"{shown} {batches.face_key(face)}", contents, frozen.width)
            for face in policy.faces
        }
        self._ahead: Iterator[tuple[int, int]] = iter(())
        self._chunk = CHUNK
        self.reused = sum(int(file.present.sum()) for file in self._files.values())

    @property
    def refusal(self) -> str:
        """The reason why values cannot be kept; empty if they can."""
        return next((file.refusal for file in self._files.values() if file.refusal), "")

    def epoch(self, batches: Batches, number: int, start: int) -> Iterator[Batch]:
        """The batches of an epoch, without pixels. `batches`: of the same images, perhaps of another size."""
        self._ahead = self._drawn(batches, number, start)
        return replace(batches, reading=False).epoch(number, start)

    def _drawn(self, batches: Batches, number: int, start: int) -> Iterator[tuple[int, int]]:
        """The images of an epoch with the face that is shown, in their order; then all other faces."""
        for chosen, draws in batches.drawn(number, start):
            assert draws.face is not None
            yield from zip(chosen.tolist(), draws.face.tolist(), strict=True)
        for face in self._files:
            yield from ((i, face) for i in range(len(self._slots)))

    def step(self, batch: Batch) -> tuple[SupportsFloat, SupportsFloat]:
        """As `Learner.step` for a batch without pixels."""
        return self._frozen.step(self.of(batch), batch.labels)

    def logits(self, batch: Batch) -> np.ndarray:
        """As `Learner.logits` for a batch without pixels."""
        return self._frozen.logits(self.of(batch))

    def of(self, batch: Batch) -> np.ndarray:
        """The values for the images of a batch as they are shown, uint8 (n, width).

        Raises:
            OutOfMemory: memory is too small for one image.
        """
        faces = batch.draws.face
        assert faces is not None
        values = np.empty((len(batch), self._frozen.width), np.uint8)
        missing = np.zeros(len(batch), bool)
        for face, file in self._files.items():
            rows = np.flatnonzero(faces == face)
            if len(rows):
                values[rows], there = file.read(self._slots[batch.chosen[rows]])
                missing[rows] = ~there
        if missing.any():
            self._compute(values, np.flatnonzero(missing), batch.chosen, faces)
        return values

    def _compute(self, values: np.ndarray, rows: np.ndarray, chosen: np.ndarray, faces: np.ndarray) -> None:
        """Compute the missing values of a batch, and, to fill the last chunk, some that are needed next."""
        # the slot and the face of each value, and an image that has it
        images = {(int(self._slots[chosen[r]]), int(faces[r])): int(chosen[r]) for r in rows}
        while len(images) % CHUNK and (following := next(self._ahead, None)) is not None:
            image, face = following
            slot, file = int(self._slots[image]), self._files[face]
            if not file.refusal and not file.present[slot]:
                images.setdefault((slot, face), image)
        wanted = list(images)
        found: dict[tuple[int, int], np.ndarray] = {}
        for first in range(0, len(wanted), CHUNK):
            pairs = wanted[first : first + CHUNK]
            computed = self._run([images[pair] for pair in pairs], [face for _, face in pairs])
            found |= dict(zip(pairs, computed, strict=True))
        for face, file in self._files.items():
            slots = [slot for slot, own in found if own == face]
            file.write(np.array(slots, np.int64), np.array([found[slot, face] for slot in slots]))
        for r in rows:
            values[r] = found[int(self._slots[chosen[r]]), int(faces[r])]

    def _run(self, images: list[int], faces: list[int]) -> np.ndarray:
        """The values for at most `CHUNK` images, (n, width)."""
        padded = np.resize(images, CHUNK), np.resize(faces, CHUNK)
        while True:
            try:
                return np.concatenate(
                    [
                        self._part(padded[0][first : first + self._chunk], padded[1][first : first + self._chunk])
                        for first in range(0, CHUNK, self._chunk)
                    ]
                )[: len(images)]
            except OutOfMemory:
                if self._chunk == 1:
                    raise
                self._chunk //= 2

    def _part(self, images: np.ndarray, faces: np.ndarray) -> np.ndarray:
        batches = self._batches
        return self._frozen.features(batches.store.read(batches.rows[images]), batches.showing(images, faces))

    def save(self) -> None:
        """Make the values known to later trainings."""
        for file in self._files.values():
            file.save()

    def close(self) -> None:
        for file in self._files.values():
            file.close()


def are_kept(frozen: Frozen, batches: Batches) -> bool:
    """Whether the values for the images of a subset are few enough to be kept, where there is space."""
    return frozen.width <= MAX_WIDTH and bool(batches.faces) and batches.knows_digests


def for_batches(frozen: Frozen | None, batches: Batches, cache: Path) -> Features | None:
    """The values for the images of a subset; None where they are too many to be kept: another crop in each epoch, or a full
    cache."""
    faces = batches.faces
    if frozen is None or not are_kept(frozen, batches):
        return None
    # before other values are removed to make space for a part of these
    if cache_limit.refusal(cache, len(faces) * len(np.unique(batches.digests)) * frozen.width):
        return None
    features = Features(frozen, batches, cache)
    if features.refusal:
        features.close()
        return None
    return features
