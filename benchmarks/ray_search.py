"""Eight short trials on a Ray cluster of processes of this machine against one process: seconds, and whether figures are equal.

    python benchmarks/ray_search.py TRAIN [--trials 8] [--nodes 4] [--epochs 3] [--size 48] [--kill]

Each node is a `ray start` of its own with one processor; one process has one thread, too, so that sums have the same order.
More nodes than processors cannot be faster than as many nodes as processors. `--kill`: a worker is killed in the middle.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil

RAY = str(Path(sys.executable).with_name("ray"))
ONE = "import sys; sys.path.insert(0, sys.argv[1]); import ray_search; ray_search.one(*sys.argv[2:])"
ADDRESS = "127.0.0.1:6395"


def one(workspace: str, name: str, train: str, settings: str) -> None:
    """One search; prints its seconds and the figures of its trials."""
    from monklite import Prototype
    from monklite.runs import history
    from monklite.runs.file_names import HISTORY
    from monklite.runs.workspace import Workspace

    given = json.loads(settings)
    ptf = Prototype("search", name, workspace=workspace, verbose=0)
    ptf.Dataset_Params(train, split=0.7, input_size=given["size"], batch_size=16)
    ptf.Model_Params("resnet18", freeze_base_network=False, use_pretrained=False)
    ptf.Training_Params(num_epochs=given["epochs"])
    # values that do not depend on what other trials gave
    space = {"training.optimizer.params.learning_rate": [1e-4 * 2**i for i in range(8)], "data.batch_size": [8, 16, 32]}
    began = time.monotonic()
    found = ptf.Search(trials=given["trials"], space=space, prune=False, on=given["on"])
    seconds = time.monotonic() - began
    figures = {}
    for trial in found.trials:
        rows = history.read(Workspace(workspace).find("search", f"{name}-search", trial.run).logs / HISTORY)
        figures[json.dumps(dict(trial.values), sort_keys=True)] = [rows[-1].train_loss, rows[-1].val_loss]
    states = [trial.state for trial in found.trials]
    print(json.dumps({"seconds": seconds, "figures": figures, "states": states}), flush=True)  # noqa: T201


def searched(workspace: str, name: str, args: argparse.Namespace, on: str | None) -> dict[str, Any]:
    given = json.dumps({"size": args.size, "epochs": args.epochs, "trials": args.trials, "on": on})
    here = str(Path(__file__).parent)
    done = subprocess.run(
        [sys.executable, "-c", ONE, here, workspace, name, args.train, given],
        stdout=subprocess.PIPE, text=True, check=True, timeout=3600,
        env={**os.environ, "OMP_NUM_THREADS": "1", "RAY_ADDRESS": ADDRESS},
    )  # fmt: skip
    return dict(json.loads(done.stdout.splitlines()[-1]))


def started(nodes: int) -> None:
    small = "--object-store-memory=80000000"
    port = ADDRESS.rpartition(":")[2]
    head = ["--head", f"--port={port}", "--include-dashboard=false", "--disable-usage-stats", "--num-cpus=0"]
    for words in (head, *[[f"--address={ADDRESS}", "--num-cpus=1"]] * nodes):
        subprocess.run(
            [RAY, "start", *words, small, "--node-ip-address=127.0.0.1"], check=True, stdout=subprocess.DEVNULL
        )


def kill_one(after: float) -> None:
    time.sleep(after)
    for process in psutil.process_iter(["cmdline"]):
        if (process.info["cmdline"] or [""])[0].startswith("ray::train"):
            process.kill()
            return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train")
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--nodes", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--size", type=int, default=48)
    parser.add_argument("--kill", action="store_true")
    args = parser.parse_args()
    args.train = str(Path(args.train).absolute())
    with tempfile.TemporaryDirectory() as workspace:
        alone = searched(workspace, "alone", args, None)
        started(args.nodes)
        try:
            if args.kill:
                threading.Thread(target=kill_one, args=(alone["seconds"] / 3,), daemon=True).start()
            cluster = searched(workspace, "cluster", args, "ray")
        finally:
            subprocess.run([RAY, "stop", "--force"], check=False, stdout=subprocess.DEVNULL)
    both = alone["figures"].keys() & cluster["figures"].keys()
    report = {
        "one process, s": round(alone["seconds"], 1),
        f"{args.nodes} nodes, s": round(cluster["seconds"], 1),
        "times as fast": round(alone["seconds"] / cluster["seconds"], 2),
        "processors": os.cpu_count(),
        "trials with the same values": len(both),
        "of them with equal losses": sum(alone["figures"][key] == cluster["figures"][key] for key in both),
        "states": cluster["states"],
    }
    print(json.dumps(report))  # noqa: T201


if __name__ == "__main__":
    main()
