"""Does the time to find the images stay linear? Seconds and memory for 10,000 to 1,000,000 files.

    python benchmarks/discovery.py [--files 10000 100000 1000000] [--classes 100] [--folder /dev/shm] [--out FOLDER]

Empty files named like images are created in a temporary folder inside --folder and removed afterwards. Each number of files is
measured in a process of its own: reading class folders, reading a CSV table of the same files, asking for sizes and times, the
fingerprint, and the split.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from measure import PeakMemory, in_process, keep, markdown

STEPS = ("folders", "table", "sizes, times", "fingerprint", "split")
FREE_ENTRIES = 100_000  # file entries to leave free


def make(folder: Path, files: int, classes: int) -> None:
    """`files` empty files in class folders, and labels.csv beside them."""
    status = os.statvfs(folder)
    if status.f_files and status.f_favail < files + classes + FREE_ENTRIES:
        sys.exit(f"{folder} can take only {status.f_favail:,} more files; choose another --folder, or fewer --files")
    names = [f"class-{i:04d}" for i in range(classes)]
    for name in names:
        (folder / "images" / name).mkdir(parents=True)
    with (folder / "labels.csv").open("w") as table:
        table.write("image,class\n")
        for i in range(files):
            name = names[i * 7919 % classes]
            path = f"{name}/patient-{i:07d}-frontal.jpeg"
            os.close(os.open(folder / "images" / path, os.O_CREAT | os.O_WRONLY))
            table.write(f"{path},{name}\n")


def measure(folder: str) -> None:
    """Run every step on a folder; prints seconds and MiB of each as JSON."""
    import pandas  # noqa: F401 (its import is not discovery's)

    from monklite.data import csv_table, digests, discover, split
    from monklite.spec import Table

    results, base = {}, Path(folder)
    steps = {
        "folders": lambda: discover.from_folders(base / "images"),
        "table": lambda: csv_table.from_csv(Table(path=base / "images", csv=base / "labels.csv", reading=2)),
        "sizes, times": lambda: digests.recall(samples, None),
        "fingerprint": lambda: discover.fingerprint(samples),
        "split": lambda: [samples.take(rows) for rows in split.stratified(samples, 0.7, 0)],
    }
    for step, action in steps.items():
        with PeakMemory() as memory:
            begin = time.perf_counter()
            result = action()
            results[step] = {"seconds": time.perf_counter() - begin}
        results[step]["mib"] = memory.grown
        if step in ("folders", "sizes, times"):
            samples = result
        del result
    print(json.dumps(results))


def main(options: argparse.Namespace) -> None:
    results, rows = {}, []
    for files in options.files:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            make(Path(folder), files, options.classes)
            figures = results[files] = in_process(__file__, "--measure", folder)
        for step in STEPS:
            seconds, mib = figures[step]["seconds"], figures[step]["mib"]
            microseconds, size = f"{1e6 * seconds / files:.2f}", f"{2**20 * mib / files:.0f}"
            rows.append((step, f"{files:,}", f"{seconds:.2f}", microseconds, f"{mib:.0f}", size))
    header = ("step", "files", "s", "us per file", "peak, MiB more", "bytes per file")
    keep(options.out, "discovery", {"files": results}, markdown(header, sorted(rows, key=lambda r: STEPS.index(r[0]))))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2])
        sys.exit()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--classes", type=int, default=100)
    parser.add_argument(
        "--folder", type=Path, default="/dev/shm" if Path("/dev/shm").is_dir() else tempfile.gettempdir()
    )
    parser.add_argument("--out", type=Path)
    main(parser.parse_args())
