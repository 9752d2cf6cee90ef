"""Whether finding the images stays linear: seconds and memory for 10,000 to 1,000,000 files.

    python benchmarks/discovery.py [--files 10000 100000 1000000] [--classes 100] [--folder /dev/shm] [--out FOLDER]

Empty files with the names of images are made in a temporary folder inside --folder and removed afterwards. Each number of files
has a process of its own: class folders read, a CSV table of the same files read, the fingerprint taken, and the split made.
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
SPARE = 100_000  # file entries to leave free


def make(folder: Path, files: int, classes: int) -> None:
    """`files` empty files in class folders, and labels.csv beside them."""
    free = os.statvfs(folder)
    if free.f_files and free.f_favail < files + classes + SPARE:
        sys.exit(f"{folder} has room for {free.f_favail:,} more files; give another --folder, or fewer --files")
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
    """Every step on a folder that is there; prints seconds and MiB of each as JSON."""
    import pandas  # noqa: F401 (its import is not discovery's)

    from monklite.data import csv_table, digests, discover, split
    from monklite.spec import Table

    results, base = {}, Path(folder)
    work = {
        "folders": lambda: discover.from_folders(base / "images"),
        "table": lambda: csv_table.from_csv(Table(path=base / "images", csv=base / "labels.csv")),
        "sizes, times": lambda: digests.recall(samples, None),
        "fingerprint": lambda: discover.fingerprint(samples),
        "split": lambda: [samples.take(rows) for rows in split.stratified(samples, 0.7, 0)],
    }
    for step, call in work.items():
        with PeakMemory() as memory:
            begin = time.perf_counter()
            made = call()
            results[step] = {"seconds": time.perf_counter() - begin}
        results[step]["mib"] = memory.grown
        if step in ("folders", "sizes, times"):
            samples = made
        del made
    print(json.dumps(results))


def main(options: argparse.Namespace) -> None:
    results, rows = {}, []
    for files in options.files:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            make(Path(folder), files, options.classes)
            found = results[files] = in_process(__file__, "--measure", folder)
        for step in STEPS:
            seconds = found[step]["seconds"]
            per_file = f"{1e6 * seconds / files:.2f}", f"{2**20 * found[step]['mib'] / files:.0f}"
            rows.append((step, f"{files:,}", f"{seconds:.2f}", per_file[0], f"{found[step]['mib']:.0f}", per_file[1]))
    header = ("step", "files", "s", "us a file", "peak, MiB more", "bytes a file")
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
