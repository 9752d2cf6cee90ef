"""Functions that the benchmarks share: measuring in a process of its own, and writing results."""

from __future__ import annotations

import datetime
import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))  # measure this copy of monklite, not an installed one


def in_process(*arguments: object, python: str = sys.executable, environment: Mapping[str, str] | None = None) -> Any:
    """Run Python with these arguments, in a process of its own that imports this copy of monklite.

    Returns:
        The last line that it prints, which must be JSON.
    """
    paths = os.pathsep.join(p for p in (str(PROJECT), os.environ.get("PYTHONPATH", "")) if p)
    finished = subprocess.run(
        [python, "-W", "ignore", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": paths, **(environment or {})},
    )
    if finished.returncode:
        sys.exit(f"{' '.join(map(str, arguments))[:200]} ended with {finished.returncode}:\n{finished.stderr}")
    return json.loads(finished.stdout.strip().splitlines()[-1])


def machine() -> dict[str, Any]:
    """The machine that the figures were measured on; `load` shows whether other programs were running."""
    from monklite.training.environment import describe

    now = datetime.datetime.now(datetime.timezone.utc)
    load = [round(v, 2) for v in os.getloadavg()] if hasattr(os, "getloadavg") else None
    return {
        **describe({"torch": version("torch")}),
        "platform": platform.platform(),
        "date": now.isoformat(timespec="minutes"),
        "load": load,
    }


def link(source: Path, folder: Path, count: int) -> None:
    """Create `folder` with `count` links to the images below `source`, in turn."""
    from monklite.data.listing import EXTENSIONS

    images = sorted(p.resolve() for p in source.rglob("*") if p.suffix.lower() in EXTENSIONS)
    folder.mkdir(parents=True)
    for i, file in enumerate(itertools.islice(itertools.cycle(images), count)):
        (folder / f"{i:06d}{file.suffix}").symlink_to(file)


def middle(values: Iterable[float]) -> tuple[float, float, float]:
    """Median, smallest, largest."""
    values = list(values)
    return statistics.median(values), min(values), max(values)


def markdown(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; the first column is text, the others are numbers."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def keep(out: Path | None, name: str, results: Mapping[str, Any], table: str) -> None:
    """Print the table; with a folder `out`, write the table and the results into it."""
    print(table, flush=True)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / f"{name}.json").write_text(json.dumps({"machine": machine(), **results}, indent=1) + "\n")
        (out / f"{name}.md").write_text(table + "\n")


class PeakMemory:
    """Peak private memory of this process within the block, MiB; memory-mapped files do not count."""

    def __enter__(self) -> PeakMemory:
        self.before = self.peak = self._own()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _own(self) -> float:
        info = psutil.Process().memory_info()
        return (info.rss - getattr(info, "shared", 0)) / 2**20

    def _watch(self) -> None:
        while not self._stop.wait(0.01):
            self.peak = max(self.peak, self._own())

    def __exit__(self, *error: object) -> None:
        self.peak = max(self.peak, self._own())
        self._stop.set()
        self._thread.join()

    @property
    def grown(self) -> float:
        return self.peak - self.before
