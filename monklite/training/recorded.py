"""The records of an earlier run that a resumed or copied one uses again: split, order of the classes, range of the values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..data.depth import UNDECIDED, Levels
from ..records import DatasetRecord
from ..runs.file_names import SAMPLES
from ..runs.run import Run
from ..spec import Resolved
from .staleness import SPLIT_FIELDS, is_stale


@dataclass(frozen=True)
class Recorded:
    """The records of the run that is resumed, or of the one that was copied; of neither if both are None."""

    resumed: Run | None = None
    origin: Run | None = None

    @property
    def _source(self) -> Run | None:
        return self.resumed or self.origin

    def for_preparing(self, spec: Resolved) -> dict[str, Any]:
        """The arguments of `prepare.for_training` that come from these records."""
        return {
            "recorded": self.split(spec),
            "recorded_classes": self.classes(),
            "levels": self.levels(),
            "resumed": self.resumed,
            "record": self._dataset(),
        }

    def split(self, spec: Resolved) -> Path | None:
        """The file of the split: a resumed run's own, or the origin's if the settings of data and split are equal."""
        source = self._source
        if source is None:
            return None
        changed = self.resumed is None and is_stale(source.state().spec, spec, SPLIT_FIELDS)
        return None if changed else source.folder / SAMPLES

    def classes(self) -> tuple[str, ...]:
        """The classes in the order of the network's outputs."""
        dataset = self._dataset()
        return dataset.classes if dataset else ()

    def _dataset(self) -> DatasetRecord | None:
        return self._source.state().dataset if self._source is not None else None

    def levels(self) -> Levels:
        """By which a resumed run scales images of more than 8 bits; undecided for a new version, also of a copied run."""
        dataset = self.resumed.state().dataset if self.resumed is not None else None
        return Levels.recorded(dataset.levels) if dataset else UNDECIDED
