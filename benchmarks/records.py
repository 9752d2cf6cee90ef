"""The time to list, open and compare many runs, which this script writes first.

    python benchmarks/records.py --runs 1000 --folder /tmp/many-runs

The runs are written by monklite's own code: state, 50 epochs of history, links. A second start uses the same runs.
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


def write_run(workspace: Workspace, number: int, rng: random.Random) -> None:
    """Write one run as 50 epochs of training and an evaluation leave it; every 20th is written as killed."""
    run = workspace.claim(f"project-{number % 4}", f"experiment-{number:04d}")
    rate, accuracy, seconds = 10 ** rng.uniform(-4, -1), rng.uniform(0.6, 0.98), rng.uniform(3, 25)
    killed = number % 20 == 19
    rows = [epoch_row(e, rate, accuracy, seconds, rng) for e in range(1, (20 if killed else EPOCHS) + 1)]
    best = max(rows, key=lambda r: r.val_accuracy)
    changes = {
        "data.sources": (Folders(path="data/train"),),
        "model.name": rng.choice(MODELS),
        "training.epochs": EPOCHS,
    }
    history.write(run.logs / HISTORY, rows)
    (run.models / FINAL).write_bytes(b"weights")
    correct = [rng.random() < accuracy for _ in range(N_TEST)]
    n_correct = sum(correct)
    lines = "".join(f"test/{i:04d}.png,a,{'a' if is_correct else 'b'}\n" for i, is_correct in enumerate(correct))
    (run.logs / PREDICTIONS).write_text("path,class,predicted\n" + lines)
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
            gpu_process_mib=rng.uniform(1500, 9000), gpu_framework_mib=rng.uniform(700, 1500), process_mib=2500.0,
        ),
        testing=Testing(
            dataset_path="data/test", fingerprint="t" * 64, weights="best_model", num_images=N_TEST, num_correct=n_correct,
            accuracy=n_correct / N_TEST, interval=intervals.wilson(n_correct, N_TEST), majority_accuracy=0.625,
            classes={"a": ClassResult(num_images=N_TEST, num_correct=n_correct)},
            confusion=((n_correct, N_TEST - n_correct), (0, 0)),
        ),
    )  # fmt: skip
    workspace.link(run)
    run.release()


def epoch_row(epoch: int, rate: float, final_accuracy: float, seconds: float, rng: random.Random) -> EpochRow:
    accuracy = min(1.0, final_accuracy * (1 - 0.5 * 2.718 ** (-epoch / 6)) + rng.gauss(0, 0.01))
    train_loss, val_loss = 1.5 * (1.02 - accuracy) * 0.98**epoch, 1.6 * (1.05 - accuracy)
    train_accuracy = min(1.0, accuracy * 1.01)
    return EpochRow(epoch, rate, train_loss, train_accuracy, val_loss, accuracy, seconds, 0.1, 215.0)


def timed(name: str, action) -> object:
    begin = time.perf_counter()
    result = action()
    print(f"{name:44} {time.perf_counter() - begin:8.2f} s")
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--folder", type=Path, required=True, help="a workspace for the runs; created if missing")
    options = parser.parse_args()
    workspace, rng = Workspace(options.folder), random.Random(0)
    missing = range(len(list(workspace.runs())), options.runs)
    if missing:
        timed(f"write {len(missing)} runs", lambda: [write_run(workspace, number, rng) for number in missing])
    runs = timed("find them", lambda: list(workspace.runs()))
    timed("read their states", lambda: [run.state() for run in runs])
    entries = timed("read their states and histories", lambda: comparison.collect(runs))
    timed(
        "compare them: charts, table, report",
        lambda: report.write(workspace.comparison("all"), entries, report.describe(entries)),
    )
    command = [sys.executable, "-m", "monklite", "--workspace", str(workspace.root), "list"]
    timed("monklite list, as a process", lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))
    for path in sorted(workspace.comparison("all").iterdir()):
        print(f"    {path.name:40} {path.stat().st_size / 1e6:8.2f} MB")


if __name__ == "__main__":
    main()
