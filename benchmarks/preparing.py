"""The cost of `Dataset()`: seconds, and how often each file is opened, read and asked for its status.

    python benchmarks/preparing.py [--small 10000] [--large DATA] [--rounds 3] [--package FOLDER] [--out FOLDER]

Uses drawn JPEGs of 64 px in two classes, and 240 copies of the images below --large. Every measurement has a process and a
workspace of its own:

    first       nothing is decoded yet
    again       a second process, after the first
    other batch the same process, with another batch size
    other size  the same process, with another input size

--package measures another copy of monklite (its folder), so that two versions can be compared in one run. Where `strace` is
installed, a first use of 200 small files is traced: opens, stat calls and bytes read per file, as the system sees them.
"""

import argparse
import contextlib
import io
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measure import PROJECT, keep, markdown

CLASSES = ("healthy", "sick")
STEPS = ("first", "again", "other batch", "other size")
LARGE = 240
TRACED = 200


def draw(folder: Path, count: int) -> Path:
    """Draw `count` JPEGs of 64 px, no two of them equal."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    for i in range(count):
        path = folder / CLASSES[i % 2] / f"{i:06d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (64, 64, 3), np.uint8)).save(path)
    return folder


def copy(source: Path, folder: Path) -> Path:
    """Make 240 images from those of `source`, each with different bytes, so that none counts as a copy."""
    files = sorted(p for p in source.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    for i in range(LARGE):
        path = folder / CLASSES[i % 2] / f"{i:04d}{files[i % len(files)].suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(files[i % len(files)].read_bytes() + f"{i:04d}".encode())
    return folder


def measure(package: Path, images: str, size: int, steps: list[str]) -> dict[str, float]:
    """Seconds of each step, in this process."""
    sys.path.insert(0, str(package))
    import pandas  # noqa: F401 (its import is not measured)

    from monklite import Prototype

    seconds: dict[str, float] = {}

    def timed(step: str, action: Callable[[], object]) -> None:
        begin = time.perf_counter()
        action()
        seconds[step] = time.perf_counter() - begin

    with contextlib.redirect_stdout(io.StringIO()):
        ptf = Prototype("p", "e", verbose=0)
        ptf.Dataset_Params(dataset_path=images, split=0.7, input_size=size, batch_size=16)
        timed(steps[0], ptf.Dataset)
        if "other batch" in steps:
            ptf.update_batch_size(32)
            timed("other batch", lambda: _refresh(ptf))
            ptf.update_input_size(size // 2)
            timed("other size", lambda: _refresh(ptf))
    return seconds


def _refresh(ptf: Any) -> None:
    """Do what `Reload()` does for the data, without the network."""
    experiment = ptf._experiment
    if hasattr(experiment, "refresh_data"):
        experiment.refresh_data()
    else:
        experiment.prepare()


def traced(package: Path, images: Path) -> dict[str, float]:
    """Count opens, stat calls and bytes read per file, in a first use."""
    with tempfile.TemporaryDirectory() as work:
        command = _command(package, images, 48, ["first"])
        trace = Path(work, "trace")
        calls = "open,openat,stat,lstat,newfstatat,statx,fstat,read,pread64"
        subprocess.run(
            ["strace", "-ff", "-y", "-e", f"trace={calls}", "-o", trace, *command],
            cwd=work,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        counts = {"opens": 0, "stats by name": 0, "stats of the open file": 0, "bytes": 0}
        lines = (line for file in Path(work).glob("trace.*") for line in file.read_text(errors="replace").splitlines())
        for line in lines:
            if str(images) not in line or not re.search(r"\d{6}\.jpg", line):
                continue
            call = line.split("(")[0]
            if call in ("open", "openat"):
                counts["opens"] += 1
            elif call in ("read", "pread64"):
                length = re.search(r"= (\d+)$", line)
                counts["bytes"] += int(length[1]) if length else 0
            elif "stat" in call:
                counts["stats by name" if f'"{images}' in line else "stats of the open file"] += 1
    size = sum(f.stat().st_size for f in images.rglob("*.jpg"))
    times_read = round(counts.pop("bytes") / size, 2)
    return {**{name: number / TRACED for name, number in counts.items()}, "times read": times_read}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", type=int, default=10_000)
    parser.add_argument("--large", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--package", type=Path, action="append", default=[])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--child")
    parser.add_argument("--size", type=int, default=48)
    parser.add_argument("--steps", nargs="+", default=list(STEPS))
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(measure(arguments.package[0], arguments.child, arguments.size, arguments.steps)))
        return
    packages = arguments.package or [PROJECT]
    rows = []
    with tempfile.TemporaryDirectory() as work:
        sets = {f"{arguments.small} of 64 px": (draw(Path(work, "small"), arguments.small), 48)}
        if arguments.large:
            sets[f"{LARGE} large"] = (copy(arguments.large, Path(work, "large")), 224)
        for title, (images, size) in sets.items():
            seconds: dict[Path, dict[str, list[float]]] = {p: {s: [] for s in STEPS} for p in packages}
            for _ in range(arguments.rounds):
                for package in packages:
                    with tempfile.TemporaryDirectory() as folder:
                        for steps in (["first"], ["again", "other batch", "other size"]):
                            for step, duration in _child(package, images, size, steps, Path(folder)).items():
                                seconds[package][step].append(duration)
            for package, durations in seconds.items():
                cells = {step: _range(values) for step, values in durations.items()}
                rows.append({"package": package.name, "images": title, **cells})
        counts = []
        if shutil.which("strace"):
            images = draw(Path(work, "traced"), TRACED)
            counts = [{"package": p.name, **traced(p, images)} for p in packages]
    table = markdown(list(rows[0]), [list(row.values()) for row in rows])
    if counts:
        table += "\n\n" + markdown(list(counts[0]), [list(row.values()) for row in counts])
    keep(arguments.out, "preparing", {"seconds": rows, "files": counts}, table)


def _command(package: Path, images: Path, size: int, steps: list[str]) -> list[str]:
    command = [sys.executable, "-W", "ignore", __file__, "--child", str(images), "--package", str(package)]
    return [*command, "--size", str(size), "--steps", *steps]


def _child(package: Path, images: Path, size: int, steps: list[str], workspace: Path) -> dict[str, float]:
    finished = subprocess.run(_command(package, images, size, steps), cwd=workspace, capture_output=True, text=True)
    if finished.returncode:
        sys.exit(finished.stderr)
    return json.loads(finished.stdout.strip().splitlines()[-1])


def _range(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


if __name__ == "__main__":
    main()
