"""`Search` with and without pruning, and shared by two processes of which some are killed.

    python benchmarks/search.py TRAIN [--trials 20] [--epochs 8] [--size 48] [--kills 3] [--backend pytorch] [--part all]

`pruning`: the same trials twice, of the same seed, with `prune=True` and without: the best figure and the seconds of both.
`shared`: two processes share one search. At chosen times one of them is killed (SIGKILL) and started again. At the end every
trial must have been trained once: none lost, none twice. One line of JSON per search.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from monklite import Prototype
from monklite.runs import history
from monklite.runs.file_names import HISTORY
from monklite.runs.workspace import Workspace

# the search of one process
ONE = "import sys; sys.path.insert(0, sys.argv[1]); import search; search.one(*sys.argv[2:])"
MOST_SECONDS = 3600


def space() -> dict[str, Any]:
    """Small networks from random weights, which is what can be tried many times on a processor."""
    return {
        "training.optimizer.params.learning_rate": (1e-4, 1e-1, "log"),
        "training.optimizer.params.weight_decay": (1e-6, 1e-2, "log"),
        "training.loss.params.label_smoothing": (0.0, 0.2),
        "data.batch_size": [8, 16, 32],
    }


def one(workspace: str, name: str, train: str, settings: str) -> None:
    """Make, or go on with, one search."""
    given = json.loads(settings)
    ptf = Prototype("search", name, backend=given["backend"], workspace=workspace, verbose=given.get("verbose", 0))
    ptf.Dataset_Params(train, split=0.7, input_size=given["size"], batch_size=16)
    ptf.Model_Params(given["network"], freeze_base_network=False, use_pretrained=False)
    ptf.Training_Params(num_epochs=given["epochs"])
    began = time.monotonic()
    found = ptf.Search(trials=given["trials"], space=space(), prune=given["prune"], seed=given["seed"])
    seconds = time.monotonic() - began
    epochs = sum(
        len(history.read(run.logs / HISTORY)) for run in Workspace(workspace).versions("search", f"{name}-search")
    )
    states = Counter(trial.state for trial in found.trials)
    print(  # noqa: T201
        json.dumps(
            {
                "search": name,
                "seconds": round(seconds, 1),
                "epochs": epochs,
                "states": states,
                "best": round(found.figure.value, 4),
                "corrected": [round(x, 4) for x in (found.corrected.value, found.corrected.low, found.corrected.high)],
            }
        ),
        flush=True,
    )


def started(workspace: str, name: str, args: argparse.Namespace, **more: Any) -> subprocess.Popen[bytes]:
    given = {"backend": args.backend, "size": args.size, "network": args.network, "epochs": args.epochs}
    given |= {"trials": args.trials, "prune": True, "seed": args.seed, "verbose": args.verbose, **more}
    here = str(Path(__file__).parent)
    return subprocess.Popen([sys.executable, "-c", ONE, here, workspace, name, args.train, json.dumps(given)])


def ended(process: subprocess.Popen[bytes]) -> None:
    if process.wait(MOST_SECONDS):
        raise SystemExit(f"a search ended with {process.returncode}")


def pruning(workspace: str, args: argparse.Namespace) -> None:
    for prune in (True, False):
        ended(started(workspace, "pruned" if prune else "whole", args, prune=prune))


def shared(workspace: str, args: argparse.Namespace) -> None:
    """Two processes, one of them killed now and then; in the end what became of each trial."""
    began, chance = time.monotonic(), random.Random(args.seed)
    processes = [started(workspace, "shared", args) for _ in range(2)]
    killed_at: list[int] = []
    while len(killed_at) < args.kills:
        # between three and six trainings apart
        wanted = (len(killed_at) + 1) * args.trials // (args.kills + 1)
        while finished(workspace) < wanted and any(p.poll() is None for p in processes):
            time.sleep(0.5)
        time.sleep(chance.uniform(0, 3))
        place = chance.randrange(2)
        if processes[place].poll() is not None:
            break
        processes[place].kill()
        processes[place].wait()
        killed_at.append(finished(workspace))
        processes[place] = started(workspace, "shared", args)
    for process in processes:
        ended(process)
    runs = Workspace(workspace).versions("search", "shared-search")
    asked = Counter(run.state().asked.model_dump_json() for run in runs)
    print(  # noqa: T201
        json.dumps(
            {
                "kills after": killed_at,
                "seconds": round(time.monotonic() - began, 1),
                "runs": len(runs),
                "of them done": finished(workspace),
                "trained twice": sum(n - 1 for n in asked.values()),
            }
        ),
        flush=True,
    )


def finished(workspace: str) -> int:
    """The trials that have ended."""
    runs = Workspace(workspace).versions("search", "shared-search")
    return sum(run.state().status == "done" for run in runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train")
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--size", type=int, default=48)
    parser.add_argument("--network", default="resnet18")
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--backend", default="pytorch")
    parser.add_argument("--part", choices=("all", "pruning", "shared"), default="all")
    parser.add_argument("--verbose", type=int, default=0)
    args = parser.parse_args()
    args.train = str(Path(args.train).absolute())
    with tempfile.TemporaryDirectory() as workspace:
        if args.part in ("all", "pruning"):
            pruning(workspace, args)
        if args.part in ("all", "shared"):
            shared(workspace, args)


if __name__ == "__main__":
    main()
