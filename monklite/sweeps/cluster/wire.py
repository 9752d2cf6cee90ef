"""The messages between a trial on a worker and the driver while it trains: figures of epochs one way, decisions the other."""

from __future__ import annotations

from typing import Any


class Wire:
    """An actor of Ray, on the driver's machine, which only keeps messages. Trials are known by their number."""

    def __init__(self) -> None:
        self._figures: dict[int, list[tuple[int, float, bool]]] = {}
        self._decided: dict[int, int] = {}
        self._ended: set[int] = set()
        self._stopped = False

    def tell(self, trial: int, epoch: int, value: float, last: bool) -> None:
        """Of a worker: the figure of an epoch, and whether it is the last one."""
        self._figures.setdefault(trial, []).append((epoch, value, last))

    def wishes(self, trial: int) -> tuple[int, bool, bool]:
        """For a worker: the last epoch that was decided on, whether the trial is to end with its epoch, whether all stop now."""
        return self._decided.get(trial, 0), trial in self._ended, self._stopped

    def take(self, trial: int) -> list[tuple[int, float, bool]]:
        """For the driver: the figures that it has not taken yet."""
        return self._figures.pop(trial, [])

    def decide(self, trial: int, epoch: int, end: bool) -> None:
        """Of the driver: an epoch was looked at."""
        self._decided[trial] = epoch
        if end:
            self._ended.add(trial)

    def stop_all(self) -> None:
        """Of the driver: everything stops, and is saved."""
        self._stopped = True


def started() -> Any:
    """The actor, on this machine; it needs no processor."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
    return ray.remote(num_cpus=0, max_restarts=3, max_task_retries=3, scheduling_strategy=here)(Wire).remote()
