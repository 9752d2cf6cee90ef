"""`Choose` against ResNet50 in quick mode at equal time, on test images, over several seeds.

    python benchmarks/choose.py TRAIN TEST --minutes 30 --seeds 5 [--random-weights] [--networks a,b,c] [--size 64]
        [--backend pytorch]

Each seed divides the images anew and trains anew. ResNet50 gets as many epochs as fit into the time by `get_training_estimate`:
its head in quick mode, all layers if it starts from random weights. One line of JSON per seed, then the mean difference of the
accuracies with its 95 % interval by Student's t over the seeds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from scipy import stats

from monklite import Prototype

MOST_EPOCHS = 200


def opened(workspace: Path, name: str, seed: int, args: argparse.Namespace) -> Any:
    ptf = Prototype("choose", name, backend=args.backend, workspace=workspace, verbose=args.verbose)
    ptf.Dataset_Params(dataset_path=args.train, split=0.7)
    ptf.update_split_seed(seed)
    ptf.Training_Params(seed=seed)
    return ptf


def chosen(workspace: Path, seed: int, args: argparse.Namespace) -> dict[str, Any]:
    networks = args.networks.split(",") if args.networks else None
    sizes = [args.size] if args.size else None
    ptf, began = opened(workspace, "choice", seed, args), time.monotonic()
    choice = ptf.Choose(f"{args.minutes}min", networks=networks, use_pretrained=not args.random_weights, sizes=sizes)
    seconds = time.monotonic() - began
    looks = sum(tried.run is not None for tried in choice.tried)
    return {
        "setup": str(choice.setup),
        "trainings": looks,
        "seconds": seconds,
        **tested(ptf, args),
        "ensemble": len(choice.ensemble),
    }


def usual(workspace: Path, seed: int, args: argparse.Namespace) -> dict[str, Any]:
    ptf, began = opened(workspace, "resnet50", seed, args), time.monotonic()
    if args.size:
        ptf.update_input_size(args.size)
    ptf.Dataset()
    ptf.Model_Params(
        model_name="resnet50", freeze_base_network=not args.random_weights, use_pretrained=not args.random_weights
    )
    ptf.Model()
    ptf.update_num_epochs(MOST_EPOCHS)
    each, left = ptf.get_training_estimate(), 60 * args.minutes - (time.monotonic() - began)
    epochs = max(1, min(MOST_EPOCHS, int(left / each)))
    ptf.update_num_epochs(epochs)
    ptf.Train()
    seconds = time.monotonic() - began
    ptf.Switch_Mode(eval_infer=True)
    return {"epochs": epochs, "seconds": seconds, **tested(ptf, args)}


def tested(ptf: Any, args: argparse.Namespace) -> dict[str, Any]:
    ptf.Dataset_Params(dataset_path=args.test)
    ptf.Dataset()
    return {"accuracy": ptf.Evaluate()[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train")
    parser.add_argument("test")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--networks", default="")
    parser.add_argument("--backend", default="pytorch")
    parser.add_argument("--size", type=int, default=0)
    parser.add_argument("--random-weights", action="store_true")
    parser.add_argument("--verbose", type=int, default=0)
    args = parser.parse_args()
    differences = []
    for seed in range(args.seeds):
        with tempfile.TemporaryDirectory() as folder:
            both = {"choose": chosen(Path(folder), seed, args), "resnet50": usual(Path(folder), seed, args)}
        differences.append(both["choose"]["accuracy"] - both["resnet50"]["accuracy"])
        print(json.dumps({"seed": seed, **both}), flush=True)  # noqa: T201
    mean = statistics.mean(differences)
    half_width = float("inf")
    if len(differences) > 1:
        error = statistics.stdev(differences) / len(differences) ** 0.5
        half_width = float(stats.t.ppf(0.975, len(differences) - 1)) * error
    print(f"difference {mean:+.1f} points, 95 % interval {mean - half_width:+.1f} to {mean + half_width:+.1f}")  # noqa: T201


if __name__ == "__main__":
    main()
