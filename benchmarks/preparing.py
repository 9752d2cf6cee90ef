"""What `Dataset()` costs: seconds, and how often each file is read and asked about.

    python benchmarks/preparing.py [--small 10000] [--large DATA] [--rounds 3] [--package FOLDER] [--out FOLDER]

Drawn JPEGs of 64 px in two classes, and the images below --large, each several times under another name until there are 240.
Every measurement has a process and a workspace of its own:

    first       nothing decoded yet
    again       a second process, after the first
    other batch the same process, with another batch size
    other size  the same process, with another input size

--package measures another copy of monklite (its folder), so that two versions can be compared in one run. Where `strace` is
installed, a first use of 200 small files is traced: opens, stats and bytes read per file, as the system sees them.
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
    """`count` JPEGs of 64 px, no two of them alike."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    for i in range(count):
        path = folder / CLASSES[i % 2] / f"{i:06d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (64, 64, 3), np.uint8)).save(path)
    return folder


def copy(source: Path, folder: Path) -> Path:
    """240 images from those of `source`; each has other bytes, so that none counts as a copy."""
    files = sorted(p for p in source.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    for i in range(LARGE):
        path = folder / CLASSES[i % 2] / f"{i:04d}{files[i % len(files)].suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(files[i % len(files)].read_bytes() + f"{i:04d}".encode())
    return folder


def measure(package: Path, images: str, size: int, steps: list[str]) -> dict[str, float]:
    """Seconds of each step, in this process."""
    sys.path.insert(0, str(package))
    import pandas  # noqa: F401 (its import is not the data's)

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
    """What `Reload()` does for the data, without the network."""
    experiment = ptf._experiment
    if hasattr(experiment, "refresh_data"):
        experiment.refresh_data()
    else:
        experiment.prepare()


def traced(package: Path, images: Path) -> dict[str, float]:
    """Opens, stats and bytes read per file, in a first use."""
    with tempfile.TemporaryDirectory() as work:
        words = _words(package, images, 48, ["first"])
        trace = Path(work, "trace")
        calls = "open,openat,stat,lstat,newfstatat,statx,fstat,read,pread64"
        subprocess.run(
            ["strace", "-ff", "-y", "-e", f"trace={calls}", "-o", trace, *words],
            cwd=work,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        count = {"opens": 0, "stats by name": 0, "stats of what is open": 0, "bytes": 0}
        lines = (line for file in Path(work).glob("trace.*") for line in file.read_text(errors="replace").splitlines())
        for line in lines:
            if str(images) not in line or not re.search(r"\d{6}\.jpg", line):
                continue
            call = line.split("(")[0]
            if call in ("open", "openat"):
                count["opens"] += 1
            elif call in ("read", "pread64"):
                done = re.search(r"= (\d+)$", line)
                count["bytes"] += int(done[1]) if done else 0
            elif "stat" in call:
                count["stats by name" if f'"{images}' in line else "stats of what is open"] += 1
    size = sum(f.stat().st_size for f in images.rglob("*.jpg"))
    read = round(count.pop("bytes") / size, 2)
    return {**{name: number / TRACED for name, number in count.items()}, "times read": read}


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
            found: dict[Path, dict[str, list[float]]] = {p: {s: [] for s in STEPS} for p in packages}
            for _ in range(arguments.rounds):
                for package in packages:
                    with tempfile.TemporaryDirectory() as space:
                        for steps in (["first"], ["again", "other batch", "other size"]):
                            for step, seconds in _child(package, images, size, steps, Path(space)).items():
                                found[package][step].append(seconds)
            for package, steps in found.items():
                rows.append({"package": package.name, "images": title, **{s: _range(v) for s, v in steps.items()}})
        counts = []
        if shutil.which("strace"):
            images = draw(Path(work, "traced"), TRACED)
            counts = [{"package": p.name, **traced(p, images)} for p in packages]
    table = markdown(list(rows[0]), [list(row.values()) for row in rows])
    if counts:
        table += "\n\n" + markdown(list(counts[0]), [list(row.values()) for row in counts])
    keep(arguments.out, "preparing", {"seconds": rows, "files": counts}, table)


def _words(package: Path, images: Path, size: int, steps: list[str]) -> list[str]:
    words = [sys.executable, "-W", "ignore", __file__, "--child", str(images), "--package", str(package)]
    return [*words, "--size", str(size), "--steps", *steps]


def _child(package: Path, images: Path, size: int, steps: list[str], space: Path) -> dict[str, float]:
    done = subprocess.run(_words(package, images, size, steps), cwd=space, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.strip().splitlines()[-1])


def _range(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


if __name__ == "__main__":
    main()
