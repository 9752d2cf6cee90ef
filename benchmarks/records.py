"""How long it takes to list, open and compare many runs, which this script writes first.

    python benchmarks/records.py --runs 1000 --folder /tmp/many-runs

The runs are written by monklite's own code: state, 50 epochs of history, links. Written once, they are used again.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import time
from pathlib import Path

from monklite.catalog import resolve
from monklite.records import ClassResult, DatasetRecord, EpochRow, ModelRecord, Results, Testing
from monklite.reports import comparison, report
from monklite.runs import history
from monklite.runs.file_names import FINAL, HISTORY, PREDICTIONS
from monklite.runs.state import now
from monklite.runs.workspace import Workspace
from monklite.spec import Folders, Spec
from monklite.statistics import intervals

MODELS = ("resnet18", "resnet50", "densenet121", "mobilenet_v2", "vgg16", "efficientnet_b0")
EPOCHS, N_TEST = 50, 624


def write_run(space: Workspace, number: int, dice: random.Random) -> None:
    """One run as training, evaluation and 50 epochs would have left it; every 20th was killed."""
    run = space.claim(f"project-{number % 4}", f"experiment-{number:04d}")
    rate, end, speed = 10 ** dice.uniform(-4, -1), dice.uniform(0.6, 0.98), dice.uniform(3, 25)
    killed = number % 20 == 19
    rows = [epoch_row(e, rate, end, speed, dice) for e in range(1, (20 if killed else EPOCHS) + 1)]
    best = max(rows, key=lambda r: r.val_accuracy)
    changes = {
        "data.sources": (Folders(path="data/train"),),
        "model.name": dice.choice(MODELS),
        "training.epochs": EPOCHS,
    }
    history.write(run.logs / HISTORY, rows)
    (run.models / FINAL).write_bytes(b"weights")
    right = [dice.random() < end for _ in range(N_TEST)]
    paths = "".join(f"test/{i:04d}.png,a,{'a' if ok else 'b'}\n" for i, ok in enumerate(right))
    (run.logs / PREDICTIONS).write_text("path,class,predicted\n" + paths)
    run.update(
        status="running" if killed else "done",
        started=now(),
        resolved=resolve(Spec().replace(changes)),
        dataset=DatasetRecord(classes=("a", "b"), train_counts=(2000, 1900), val_counts=(520, 500), fingerprint="f" * 64),
        model=ModelRecord(
            parameters=25_557_032, trainable_parameters=4098, layers=107, trainable_layers=1, weights="IMAGENET1K_V2",
            device="cuda:0 (NVIDIA T4)", precision="bfloat16",
        ),
        results=Results(
            epochs_completed=len(rows), train_accuracy=rows[-1].train_accuracy, train_loss=rows[-1].train_loss,
            val_accuracy=rows[-1].val_accuracy, val_loss=rows[-1].val_loss, best_val_accuracy=best.val_accuracy,
            best_epoch=best.epoch, train_seconds=sum(r.seconds for r in rows), images_per_second=215.0,
            gpu_process_mib=dice.uniform(1500, 9000), gpu_framework_mib=dice.uniform(700, 1500), process_mib=2500.0,
        ),
        testing=Testing(
            dataset_path="data/test", fingerprint="t" * 64, weights="best_model", num_images=N_TEST, num_correct=sum(right),
            accuracy=sum(right) / N_TEST, interval=intervals.wilson(sum(right), N_TEST), majority_accuracy=0.625,
            classes={"a": ClassResult(num_images=N_TEST, num_correct=sum(right))},
            confusion=((sum(right), N_TEST - sum(right)), (0, 0)),
        ),
    )  # fmt: skip
    space.link(run)
    run.release()


def epoch_row(epoch: int, rate: float, end: float, speed: float, dice: random.Random) -> EpochRow:
    share = min(1.0, end * (1 - 0.5 * 2.718 ** (-epoch / 6)) + dice.gauss(0, 0.01))
    train, val = 1.5 * (1.02 - share) * 0.98**epoch, 1.6 * (1.05 - share)
    return EpochRow(epoch, rate, train, min(1.0, share * 1.01), val, share, speed, 0.1, 215.0)


def timed(name: str, action) -> object:
    begin = time.perf_counter()
    found = action()
    print(f"{name:44} {time.perf_counter() - begin:8.2f} s")
    return found


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--runs", type=int, default=1000)
    asked.add_argument("--folder", type=Path, required=True, help="a workspace for the runs; made if it is not there")
    given = asked.parse_args()
    space, dice = Workspace(given.folder), random.Random(0)
    there = len(list(space.runs()))
    if there < given.runs:
        timed(f"write {given.runs - there} runs", lambda: [write_run(space, n, dice) for n in range(there, given.runs)])
    runs = timed("find them", lambda: list(space.runs()))
    timed("read their states", lambda: [run.state() for run in runs])
    entries = timed("read their states and histories", lambda: comparison.collect(runs))
    timed("compare them: charts, table, report", lambda: report.write(space.comparison("all"), entries))
    command = [sys.executable, "-c", "from monklite.cli import main; main()", "--workspace", str(space.root), "list"]
    timed("monklite list, as a process", lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))
    for path in sorted(space.comparison("all").iterdir()):
        print(f"    {path.name:40} {path.stat().st_size / 1e6:8.2f} MB")


if __name__ == "__main__":
    main()
