"""The trainings of a project: their jobs, and their runs as they lie on the disk."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...durations import duration
from ...errors import InvalidValue, MonkliteError, unknown
from ...looking import entries, exists, is_folder
from ...records import EpochRow
from ...runs import history
from ...runs.file_names import HISTORY, REPORT, check_name, is_name
from ...runs.run import Run
from ...runs.state import RunState
from . import scripts
from .choices import Choices
from .jobs import FOLDER, RUNNING, SCRIPT, TRAINING, WAITING, Job, Jobs
from .places import Places
from .projects import Project

# one class cannot be told from another one
LEAST_CLASSES = 2
# what a training is, in words; `interrupted` also of one whose process was killed
TITLES = {
    "waiting": "waits for its turn",
    "beginning": "is getting ready",
    "running": "is learning",
    "finishing": "is writing its report",
    "done": "has finished",
    "interrupted": "was stopped",
    "failed": "went wrong",
}


@dataclass(frozen=True)
class Training:
    """A training as it is at this moment. `run`: None before it has begun."""

    project: Project
    experiment: str
    job: Job | None
    run: Run | None
    state: RunState | None
    epochs: tuple[EpochRow, ...] = ()

    @property
    def status(self) -> str:
        """One of `TITLES`."""
        job = self.job.status if self.job else ""
        stored = self.state.status if self.state else "new"
        if job == WAITING:
            return "waiting"
        if job == RUNNING:
            return {"done": "finishing", "running": "running"}.get(stored, "beginning")
        if stored in ("done", "running", "failed"):
            return stored
        stopped = self.job is not None and not self.job.problem()
        return "interrupted" if stored == "interrupted" or stopped else "failed"

    @property
    def problem(self) -> str:
        """Why it went wrong, in words; `""`: it did not, or nobody knows."""
        if self.status not in ("failed", "done"):
            return ""
        error = self.state.error if self.state else None
        return error or (self.job.problem() if self.job else "")

    @property
    def n_epochs(self) -> int:
        # before it has begun, the settings need not be those of the script yet
        return self.state.asked.training.epochs if self.state and self.state.status != "new" else 0

    @property
    def has_other_pictures(self) -> bool:
        """Whether pictures were added or taken out since it began, with which it cannot go on."""
        record = self.state.dataset if self.state and self.epochs else None
        n_now = sum(self.project.counts("train").values())
        return record is not None and record.n_train + record.n_val + record.unreadable != n_now

    @property
    def report(self) -> Path | None:
        """The page of its report, None before there is one."""
        path = self.run.folder / "output" / REPORT if self.run else None
        return path if path and exists(path) else None

    @property
    def is_trained(self) -> bool:
        return self.run is not None and self.run.is_trained()

    @property
    def left(self) -> str:
        """The time that the remaining rounds will take, in words; `""`: it is not known."""
        if self.status != "running" or not self.epochs:
            return ""
        mean = sum(row.seconds for row in self.epochs) / len(self.epochs)
        return f"about {duration(mean * (self.n_epochs - len(self.epochs)))} left"

    def as_json(self) -> dict[str, Any]:
        """The state of a training as a page shows it."""
        rows = [(row.epoch, row.train_accuracy, row.val_accuracy, row.train_loss, row.val_loss) for row in self.epochs]
        return {
            "status": self.status,
            "title": TITLES[self.status],
            "problem": self.problem,
            "epochs": self.n_epochs,
            "rows": [[x if math.isfinite(x) else None for x in row] for row in rows],
            "left": self.left,
            "log": self.job.log() if self.job else "",
            "report": self.report is not None,
        }


class Trainings:
    """The trainings of all projects."""

    def __init__(self, places: Places, jobs: Jobs) -> None:
        self.places, self.jobs = places, jobs
        # two tabs may ask for the same name at once
        self._beginning = threading.Lock()

    def begin(self, project: Project, experiment: str, choices: Choices) -> Job:
        """Put a training into the queue.

        Raises:
            InvalidValue: a name that cannot be that of an experiment, or is one already; too few classes.
        """
        with self._beginning:
            return self._begin(project, check_name("training", experiment), choices)

    def _begin(self, project: Project, experiment: str, choices: Choices) -> Job:
        if experiment.lower() in {name.lower() for name in self._experiments(project)}:
            raise InvalidValue(f"there is a training called {experiment!r} already: take another name")
        if len(project.counts("train")) < LEAST_CLASSES:
            raise InvalidValue("there must be pictures of two classes at least before anything can be learnt")
        if strange := sorted(set(project.counts("test")) - set(project.counts("train"))):
            raise InvalidValue(
                f"there are pictures to test with of a class that cannot be learnt: {', '.join(strange)}"
            )
        script = scripts.of_training(self.places, project, experiment, choices)
        arguments = [f"{FOLDER}{SCRIPT}"]
        return self.jobs.add(TRAINING, project.name, arguments, script, experiment=experiment)

    def all(self, project: Project) -> list[Training]:
        """Those of a project, the newest first; experiments that were trained by other scripts too."""
        jobs = self.jobs.of(project.name, TRAINING)
        found = [self._as_it_is(project, name, jobs) for name in self._experiments(project, jobs)]
        begun = [t for t in found if t.job or (t.state and t.state.status != "new")]
        return sorted(begun, key=_age, reverse=True)

    def find(self, project: Project, experiment: str) -> Training:
        """A training by its name.

        Raises:
            UnknownName: there is none of this name.
        """
        jobs = self.jobs.of(project.name, TRAINING)
        known = self._experiments(project, jobs)
        if experiment not in known:
            raise unknown("training", experiment, known)
        return self._as_it_is(project, experiment, jobs)

    def _as_it_is(self, project: Project, experiment: str, jobs: Sequence[Job]) -> Training:
        job = next((job for job in jobs if job.about["experiment"] == experiment), None)
        run = self.places.workspace.newest(project.name, experiment, lambda run: True)
        state: RunState | None = None
        epochs: list[EpochRow] = []
        # a file that is just being replaced, or damaged, is no reason to show nothing
        with contextlib.suppress(MonkliteError):
            state = run.state() if run else None
            epochs = history.read(run.logs / HISTORY) if run else []
        return Training(project, experiment, job, run, state, tuple(epochs))

    def free_name(self, project: Project) -> str:
        """A name for the next training."""
        known, number = {name.lower() for name in self._experiments(project)}, 1
        while f"training {number}" in known:
            number += 1
        return f"Training {number}"

    def _experiments(self, project: Project, jobs: Sequence[Job] | None = None) -> list[str]:
        return list(dict.fromkeys(self._names(project, self.jobs.of(project.name, TRAINING) if jobs is None else jobs)))

    def _names(self, project: Project, jobs: Sequence[Job]) -> Iterator[str]:
        yield from (job.about["experiment"] for job in jobs)
        for folder in entries(self.places.root / project.name):
            if is_name(folder.name) and is_folder(folder) and self.places.workspace.versions(project.name, folder.name):
                yield folder.name


def _age(training: Training) -> str:
    return training.state.created if training.state else (training.job.about["made"] if training.job else "")
