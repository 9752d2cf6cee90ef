"""Mixing of the images of a batch, and of their labels: MixUp (Zhang et al. 2018) and CutMix (Yun et al. 2019)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ..spec import Resolved
from .boxes import covered


@dataclass(frozen=True)
class Mixed:
    """How a batch is mixed.

    `partners`: of each image, the one that is mixed into it, int64 (N,). `share`: of the image itself. `box`: None: the two are
    blended; else the part that is taken from the partner: left, top, right, bottom as shares of the side.
    """

    partners: np.ndarray
    share: float
    box: tuple[float, float, float, float] | None = None

    def pixels(self, size: int) -> np.ndarray:
        """The pixels that are taken from the partners, bool (1, size, size)."""
        return covered(np.array([self.box]), size)

    def share_at(self, size: int) -> float:
        """The share of the image itself in pictures of `size` px."""
        return self.share if self.box is None else 1 - float(self.pixels(size).mean())

    def take(self, rows: np.ndarray | slice) -> Mixed:
        """For some of the images, which are then mixed among themselves."""
        return replace(self, partners=np.argsort(np.argsort(self.partners[rows])))


@dataclass(frozen=True)
class Mixing:
    """Whether batches are mixed. `mixup`, `cutmix`: alpha of the beta distribution of the shares; 0: not so."""

    mixup: float = 0.0
    cutmix: float = 0.0

    def __bool__(self) -> bool:
        return self.mixup > 0 or self.cutmix > 0

    @classmethod
    def of(cls, spec: Resolved) -> Mixing:
        return cls(spec.training.mixup, spec.training.cutmix)

    def draw(self, n: int, rng: np.random.Generator) -> Mixed:
        """Draw partners and shares of a batch of `n` images; where both kinds are asked for, either with equal chances."""
        partners, cuts = rng.permutation(n), rng.random() < 0.5
        if not (self.mixup and self.cutmix):
            cuts = self.cutmix > 0
        share = _beta(self.cutmix if cuts else self.mixup, rng)
        return Mixed(partners, share, _box(share, rng) if cuts else None)


def _beta(alpha: float, rng: np.random.Generator) -> float:
    share = float(rng.beta(alpha, alpha))
    # of the smallest alphas NumPy gives NaN; in the limit it is 0 or 1
    return float(rng.random() < 0.5) if math.isnan(share) else share


def _box(share: float, rng: np.random.Generator) -> tuple[float, float, float, float]:
    """A box of the shape of the picture, around any place in it, with all but `share` of its area unless it is cut off."""
    half, (x, y) = math.sqrt(1 - share) / 2, rng.random(2)
    left, top, right, bottom = np.clip((x - half, y - half, x + half, y + half), 0, 1).tolist()
    return left, top, right, bottom
