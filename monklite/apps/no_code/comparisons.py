"""The comparisons of a project: each choice of trainings has one, which is made anew when it is asked for again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import InvalidValue, NotFound
from ...facade.compare import compare
from ...locks import Lock
from ...looking import exists
from ...runs.file_names import REPORT
from ...runs.state import now
from .own_files import read_json, write_json
from .places import Places
from .projects import Project

# the more there are, the less a comparison says
MOST_COMPARED = 20
# characters of the project's name in that of a comparison
MAX_PROJECT = 70
LOCK = ".comparisons.lock"


@dataclass(frozen=True)
class Comparison:
    """A comparison. `number`: from 1. `experiments`: the names of the trainings. `made`: when it was made last."""

    number: int
    experiments: tuple[str, ...]
    made: str

    @property
    def title(self) -> str:
        return ", ".join(self.experiments)


def make(places: Places, project: Project, experiments: Sequence[str]) -> Comparison:
    """Compare trainings.

    Raises:
        InvalidValue: too few or too many. Else as `Generate_Statistics`.
    """
    if not 2 <= len(experiments) <= MOST_COMPARED:
        raise InvalidValue(f"choose two trainings to compare, or more, up to {MOST_COMPARED}")
    # one at a time, so that two tabs do not take one number
    with Lock(project.folder / LOCK):
        return _make(places, project, experiments)


def _make(places: Places, project: Project, experiments: Sequence[str]) -> Comparison:
    known = _read(project)
    # the same ones again take the place of their earlier comparison, for there may be other tests since
    number = next(
        (int(n) for n, entry in known.items() if {*entry["experiments"]} == {*experiments}),
        max(map(int, known), default=0) + 1,
    )
    compared = compare(verbose=0, workspace=places.root)
    compared.Comparison(_name(project, number))
    for experiment in experiments:
        compared.Add_Experiment(project.name, experiment)
    compared.Generate_Statistics()
    made = now()
    write_json(_file(project), {**known, str(number): {"experiments": [*experiments], "made": made}})
    return Comparison(number, tuple(experiments), made)


def listed(project: Project) -> list[Comparison]:
    """Those that were made, the newest first."""
    found = [Comparison(int(n), tuple(entry["experiments"]), entry["made"]) for n, entry in _read(project).items()]
    return sorted(found, key=lambda comparison: comparison.made, reverse=True)


def find(project: Project, number: int) -> Comparison:
    """Raises NotFound: there is no comparison of this number."""
    found = next((comparison for comparison in listed(project) if comparison.number == number), None)
    if found is None:
        raise NotFound(f"there is no comparison number {number}")
    return found


def page_of(places: Places, project: Project, number: int) -> Path:
    """The path of its report. Raises NotFound: it was not made, or was deleted."""
    path = places.workspace.comparison(_name(project, find(project, number).number)) / REPORT
    if not exists(path):
        raise NotFound(f"the report of comparison number {number} was deleted: compare the same trainings again")
    return path


def _name(project: Project, number: int) -> str:
    name = project.name
    if len(name) > MAX_PROJECT:
        # another project may begin with the same characters
        name = f"{name[:MAX_PROJECT]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return f"{name} (app {number})"


def _file(project: Project) -> Path:
    return project.folder / "comparisons.json"


def _read(project: Project) -> dict[str, Any]:
    return read_json(_file(project)) if exists(_file(project)) else {}
