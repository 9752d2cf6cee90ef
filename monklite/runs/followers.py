"""A workspace in distributed training: the first process claims and writes runs, the others follow it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..processes import World
from .run import Run
from .state import RunState
from .workspace import Workspace


class SharedWorkspace(Workspace):
    """A workspace in which every process uses the runs that the leader chooses."""

    def __init__(self, root: str | Path, world: World) -> None:
        super().__init__(root)
        self.world = world

    def claim(self, project: str, experiment: str) -> Run:
        claimed: list[Run] = []

        def claim() -> str:
            claimed.append(Workspace.claim(self, project, experiment))
            return str(claimed[0].folder)

        folder = self.world.lead(claim)
        return claimed[0] if claimed else Follower(Path(folder))

    def find(self, *args: Any, **options: Any) -> Run:
        folder = self.world.lead(lambda: str(Workspace.find(self, *args, **options).folder))
        return Run(Path(folder)) if self.world.rank == 0 else Follower(Path(folder))

    def newest(self, *args: Any, **options: Any) -> Run | None:
        def find() -> str:
            run = Workspace.newest(self, *args, **options)
            return "" if run is None else str(run.folder)

        folder = self.world.lead(find)
        if not folder:
            return None
        return Run(Path(folder)) if self.world.rank == 0 else Follower(Path(folder))

    def link(self, run: Run) -> None:
        if self.world.rank == 0:
            super().link(run)


class Follower(Run):
    """A run that another process trains and writes; this process only reads it."""

    def write(self, state: RunState) -> None: ...

    def _amend(self, changes: Callable[[RunState], Mapping[str, Any]]) -> RunState:
        stored = self.state()
        return stored.replace(**changes(stored))

    def acquire(self, to_free_space: bool = False) -> bool:
        return True

    def remove_leftovers(self) -> None: ...

    def release(self) -> None: ...
