"""The time that there is for choosing: counted over all calls, kept on disk, and watched while a network trains."""

from __future__ import annotations

import hashlib
import json
import math
import time
from pathlib import Path
from typing import Annotated

from pydantic import Field

from ...files import make_folder, write_text
from ...record_rules import COUNT, NAME, SHARE
from ...regular_files import MAX_JSON_BYTES, read_regular
from ...rules import Number, OrNone
from ...runs.state import RunState
from ...settings_tree import Frozen
from ...training.callbacks import TrainingView

# begins the tag of a training that ended early, before the seconds that there were in all
CUT = "ended early for "


class Progress(Frozen):
    """What a later call of the same choice goes on with.

    `total`, `spent`: seconds. `share`: of the images, that looks are at; None: it is not decided yet. `epochs`: of the trainings
    whose length was decided by the time that was left, by their stages. `units`: what was measured, see `Speed.measured`.
    """

    total: Annotated[float, Number(least=0)] = 0.0
    spent: Annotated[float, Number(least=0)] = 0.0
    share: Annotated[float | None, OrNone(SHARE)] = None
    epochs: dict[Annotated[str, NAME], Annotated[int, COUNT]] = Field(default_factory=dict)
    units: dict[Annotated[str, NAME], Annotated[float, Number(least=0)]] = Field(default_factory=dict)


class Budget:
    """The seconds that may be spent, and those that are. `began`: when this call did, by `time.monotonic`.

    A file that is missing, damaged or not from here holds nothing: the time is counted from 0.
    """

    def __init__(self, total: float, folder: Path, key: str, began: float) -> None:
        self.total = total
        self._file = folder / f"choosing-{hashlib.sha256(key.encode()).hexdigest()[:12]}.json"
        self.progress = self._read()
        # with more time, the last trainings may be longer
        if total > self.progress.total:
            self.progress = self.progress.model_copy(update={"total": total, "epochs": {}})
        # a shorter time than that of an earlier call is a time of its own; what was tried then is found again
        self._before, self._began = self.progress.spent if total >= self.progress.total else 0.0, began

    @property
    def spent(self) -> float:
        return self._before + time.monotonic() - self._began

    @property
    def tag(self) -> str:
        """Of the trainings that this time was too short for."""
        return f"{CUT}{math.ceil(self.total)} s"

    def was_enough(self, state: RunState) -> bool:
        """Whether a training was not ended early for a time that was shorter than this one."""
        cut = [tag.removeprefix(CUT).removesuffix(" s") for tag in state.tags if tag.startswith(CUT)]
        return all(text.isdigit() and int(text) >= math.ceil(self.total) for text in cut)

    def left(self, share: float = 1.0) -> float:
        """The seconds that are left of a share of the whole time."""
        return share * self.total - self.spent

    def save(self, **changes: object) -> None:
        """Keep what is spent, and what is decided."""
        self.progress = self.progress.model_copy(update={**changes, "spent": self.spent})
        make_folder(self._file.parent)
        write_text(self._file, json.dumps(self.progress.model_dump(), indent=1))

    def _read(self) -> Progress:
        try:
            return Progress(**json.loads(read_regular(self._file, MAX_JSON_BYTES)))
        # ValueError: also of what pydantic refuses
        except (OSError, ValueError, TypeError, RecursionError):
            return Progress()


class Guard:
    """A callback that ends a training with an epoch if another one would take more than the time that is left."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.ended = False

    def epoch_end(self, view: TrainingView) -> None:
        self.budget.save()
        seconds = [row.seconds for row in view.history]
        # the first one of a frozen network computes what the others find
        if view.epoch < view.epochs and min(seconds) > self.budget.left():
            self.ended = True
            view.stop(after_epoch=True)
