"""monklite against what a user would pick instead, on the same images: seconds an epoch, or accuracy.

    python benchmarks/against_peers.py DATA [--models resnet18 resnet50 densenet121] [--rounds 3] [--out FOLDER]
        [--peers cold warm plain fastai limit] [--epochs 2] [--batch 16] [--size 224] [--fastai-python PYTHON]
    python benchmarks/against_peers.py DATA --accuracy 10 [--models resnet18] [--rounds 3] [--out FOLDER]

DATA holds train/<class>/ and test/<class>/ (or val/<class>/). Peers are defined in peers.py; `cold` is monklite in an empty
workspace, `warm` with the images decoded by an earlier experiment. Each measurement has a process of its own, in rounds
(A B C A B C), and the files lie in the system's memory already. Of each process the fastest epoch counts, of these the median;
ratios are taken within a round. Run it on an otherwise idle machine.

With --accuracy nothing is timed: `plain` and monklite with plain's optimizer train for that many epochs, each round from
another seed, and their accuracies on the validation images after the last epoch are compared.

Writes against_peers.json (after every round), against_peers.md and a chart of each model into the folder --out.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from measure import in_process, keep, markdown, middle

PEERS = {"cold": "monklite", "warm": "monklite", "plain": "plain", "fastai": "fastai", "limit": "limit"}
TITLES = {
    "cold": "monklite, nothing decoded yet",
    "warm": "monklite, images decoded before",
    "plain": "plain loop, float32",
    "fastai": "fastai",
    "limit": "limit: random images in memory",
}
SAME_RECIPE = ("plain", "monklite-sgd")

Rounds = dict[str, dict[str, list[dict]]]  # model -> peer -> what peers.py printed, one a round


def main(options: argparse.Namespace) -> None:
    if options.out.exists():
        sys.exit(f"{options.out} is there already: results are never overwritten; give another --out")
    if options.accuracy:
        options.epochs, options.peers, options.fastai_python = options.accuracy, list(SAME_RECIPE), sys.executable
    check(options)
    results: Rounds = {model: {peer: [] for peer in options.peers} for model in options.models}
    with tempfile.TemporaryDirectory() as scratch:
        if "warm" in options.peers:
            measure("warm", options.models[0], 0, Path(scratch, "warm"), options)  # only to decode the images
        for number in range(options.rounds):
            for model in options.models:
                for peer in options.peers:
                    seen = measure(peer, model, number, Path(scratch, peer), options)
                    results[model][peer].append(seen)
                    print(f"round {number + 1}: {model:12} {peer:12} {min(seen['epochs']):7.2f} s", flush=True)
            write(results, options)
    if not options.accuracy:
        draw(results, options.out)


def check(options: argparse.Namespace) -> None:
    """Refuse at once what would be found out after an hour."""
    if not (options.data / "train").is_dir() or not any((options.data / n).is_dir() for n in ("val", "test")):
        sys.exit(f"{options.data} must hold train/<class>/ and test/<class>/ (or val/<class>/)")
    if "fastai" in options.peers:
        tried = subprocess.run(
            [options.fastai_python, "-c", "import fastai.vision.all"], capture_output=True, text=True
        )
        if tried.returncode:
            sys.exit(
                f"{options.fastai_python} cannot import fastai ({tried.stderr.strip().splitlines()[-1]}): install it there, name "
                "another Python with --fastai-python, or leave it out: --peers cold warm plain limit"
            )


def measure(peer: str, model: str, seed: int, workspace: Path, options: argparse.Namespace) -> dict:
    words = [Path(__file__).with_name("peers.py"), PEERS.get(peer, peer), options.data, model]
    for name in ("epochs", "batch", "size"):
        words += [f"--{name}", getattr(options, name)]
    python = options.fastai_python if peer == "fastai" else sys.executable
    seen = in_process(*words, "--seed", seed, "--workspace", workspace, python=python)
    shutil.rmtree(workspace if peer == "cold" else workspace / "bench", ignore_errors=True)
    return seen


def write(results: Rounds, options: argparse.Namespace) -> None:
    table = accuracies(results) if options.accuracy else speeds(results)
    settings = {name: str(value) for name, value in vars(options).items()}
    keep(options.out, "against_peers", {"settings": settings, "rounds": results}, table)


def fastest(rounds: list[dict]) -> list[float]:
    return [min(one["epochs"]) for one in rounds]


def ratio(results: dict[str, list[dict]], over: str, peer: str) -> str:
    """How many times faster `peer` is than `over`, within a round: median, smallest and largest."""
    if over not in results or over == peer:
        return ""
    several = middle(a / b for a, b in zip(fastest(results[over]), fastest(results[peer]), strict=True))
    return "{:.2f} ({:.2f} to {:.2f})".format(*several)


def speeds(results: Rounds) -> str:
    header = (
        "model",
        "who",
        "an epoch, s",
        "images/s",
        "times as fast as plain",
        "share of the limit",
        "until the first epoch, s",
        "all in all, s",
    )
    return markdown(header, speed_rows(results))


def speed_rows(results: Rounds) -> Iterator[tuple[str, ...]]:
    for model, peers in results.items():
        for peer, rounds in peers.items():
            seconds = middle(fastest(rounds))
            yield (
                model,
                peer,
                "{:.2f} ({:.2f} to {:.2f})".format(*seconds),
                f"{rounds[0]['images'] / seconds[0]:.1f}",
                ratio(peers, "plain", peer),
                ratio(peers, "limit", peer),
                *(f"{middle(one[name] for one in rounds)[0]:.1f}" for name in ("before", "whole")),
            )


def accuracies(results: Rounds) -> str:
    return markdown(("model", *SAME_RECIPE, "difference", "95 % interval of the difference"), accuracy_rows(results))


def accuracy_rows(results: Rounds) -> Iterator[tuple[str, ...]]:
    """In %: mean and standard deviation over the seeds; the interval is Welch's."""
    from scipy import stats

    for model, peers in results.items():
        plain, ours = ([100 * one["accuracies"][-1] for one in peers[name]] for name in SAME_RECIPE)
        cells = [f"{statistics.mean(several):.1f} +- {deviation(several):.1f}" for several in (plain, ours)]
        difference = f"{statistics.mean(ours) - statistics.mean(plain):+.1f}"
        if len(plain) < 2 or len({*plain, *ours}) == 1:
            yield (model, *cells, difference, "needs more rounds")
            continue
        low, high = stats.ttest_ind(ours, plain, equal_var=False).confidence_interval()
        yield (model, *cells, difference, f"{low:+.1f} to {high:+.1f}")


def deviation(values: list[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else 0.0


def draw(results: Rounds, out: Path) -> None:
    from monklite.reports import charts

    for model, peers in results.items():
        speed = {TITLES[peer]: rounds[0]["images"] / middle(fastest(rounds))[0] for peer, rounds in peers.items()}
        figure = charts.bars(f"{model}: training and validation", "images per second", speed)
        charts.save(figure, out / f"against_peers-{model}.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--models", nargs="+", default=["resnet18", "resnet50", "densenet121"])
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--accuracy", type=int, default=0, metavar="EPOCHS")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--fastai-python", default=sys.executable)
    parser.add_argument("--out", type=Path, default=Path("against_peers"))
    main(parser.parse_args())
