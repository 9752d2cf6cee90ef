"""monklite against the alternatives, on the same images: seconds per epoch, or accuracy.

    python benchmarks/against_peers.py DATA [--models resnet18 resnet50 densenet121] [--rounds 3] [--out FOLDER]
        [--peers cold warm plain fastai limit] [--epochs 2] [--batch 16] [--size 224] [--fastai-python PYTHON]
    python benchmarks/against_peers.py DATA --frozen --epochs 10 --peers cold warm plain fastai [...]
    python benchmarks/against_peers.py DATA --accuracy 10 [--models resnet18] [--rounds 3] [--out FOLDER]

DATA holds train/<class>/ and test/<class>/ (or val/<class>/). Peers are defined in peers.py; `cold` is monklite in an empty
workspace, `warm` is monklite with the images decoded by an earlier experiment. Each measurement runs in a process of its own,
in rounds (A B C A B C), with the files already in the system's memory. The figure is the median over the processes of the
fastest epoch of each; ratios are taken within a round. Run it on an otherwise idle machine.

With --frozen only a new head is trained (fastai: the frozen part of its `fine_tune`), and the figure is the whole process, from
the start of Python with all imports to the end with all writing; `warm` then finds what the frozen part gives from an earlier
training too.

With --accuracy nothing is timed: `plain` and monklite with plain's optimizer train for that many epochs, each round with
another seed, and their accuracies on the validation images after the last epoch are compared.

Writes against_peers.json (after every round), against_peers.md and one chart per model into the folder --out.
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

Rounds = dict[str, dict[str, list[dict]]]  # model -> peer -> what peers.py printed, one per round


def main(options: argparse.Namespace) -> None:
    if options.out.exists():
        sys.exit(f"{options.out} exists already, and results are never overwritten; choose another --out")
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
                    measurement = measure(peer, model, number, Path(scratch, peer), options)
                    results[model][peer].append(measurement)
                    print(f"round {number + 1}: {model:12} {peer:12} {min(measurement['epochs']):7.2f} s", flush=True)
            write(results, options)
    if not options.accuracy:
        draw(results, options.out)


def check(options: argparse.Namespace) -> None:
    """Refuse wrong arguments before the long measurements start."""
    if not (options.data / "train").is_dir() or not any((options.data / n).is_dir() for n in ("val", "test")):
        sys.exit(f"{options.data} must hold train/<class>/ and test/<class>/ (or val/<class>/)")
    if options.frozen and (options.accuracy or "limit" in options.peers):
        sys.exit(
            "--frozen goes with --peers cold warm plain fastai; the limit and the accuracies are of trainings of all layers"
        )
    if "fastai" in options.peers:
        trial = subprocess.run(
            [options.fastai_python, "-c", "import fastai.vision.all"], capture_output=True, text=True
        )
        if trial.returncode:
            sys.exit(
                f"{options.fastai_python} cannot import fastai ({trial.stderr.strip().splitlines()[-1]}): install it there, "
                "choose another Python with --fastai-python, or leave it out: --peers cold warm plain limit"
            )


def measure(peer: str, model: str, seed: int, workspace: Path, options: argparse.Namespace) -> dict:
    arguments = [Path(__file__).with_name("peers.py"), PEERS.get(peer, peer), options.data, model]
    for name in ("epochs", "batch", "size"):
        arguments += [f"--{name}", getattr(options, name)]
    python = options.fastai_python if peer == "fastai" else sys.executable
    arguments += ["--frozen"] if options.frozen else []
    measurement = in_process(*arguments, "--seed", seed, "--workspace", workspace, python=python)
    if options.frozen:
        measurement["epochs"] = [measurement["whole"]]
    shutil.rmtree(workspace if peer == "cold" else workspace / "bench", ignore_errors=True)
    return measurement


def write(results: Rounds, options: argparse.Namespace) -> None:
    table = accuracies(results) if options.accuracy else speeds(results)
    settings = {name: str(value) for name, value in vars(options).items()}
    keep(options.out, "against_peers", {"settings": settings, "rounds": results}, table)


def fastest(rounds: list[dict]) -> list[float]:
    return [min(measurement["epochs"]) for measurement in rounds]


def ratio(results: dict[str, list[dict]], baseline: str, peer: str) -> str:
    """Speed of `peer` relative to `baseline` within a round: median, smallest and largest."""
    if baseline not in results or baseline == peer:
        return ""
    ratios = middle(a / b for a, b in zip(fastest(results[baseline]), fastest(results[peer]), strict=True))
    return "{:.2f} ({:.2f} to {:.2f})".format(*ratios)


def speeds(results: Rounds) -> str:
    header = (
        "model",
        "peer",
        "epoch (with --frozen: whole process), s",
        "images/s",
        "times as fast as plain",
        "share of the limit",
        "until the first epoch, s",
        "in total, s",
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
                *(f"{middle(r[name] for r in rounds)[0]:.1f}" for name in ("before", "whole")),
            )


def accuracies(results: Rounds) -> str:
    return markdown(("model", *SAME_RECIPE, "difference", "95 % interval of the difference"), accuracy_rows(results))


def accuracy_rows(results: Rounds) -> Iterator[tuple[str, ...]]:
    """Accuracies in %: mean and standard deviation over the seeds; the interval is Welch's."""
    from scipy import stats

    for model, peers in results.items():
        plain, monklite = ([100 * r["accuracies"][-1] for r in peers[name]] for name in SAME_RECIPE)
        cells = [f"{statistics.mean(values):.1f} +- {deviation(values):.1f}" for values in (plain, monklite)]
        difference = f"{statistics.mean(monklite) - statistics.mean(plain):+.1f}"
        if len(plain) < 2 or len({*plain, *monklite}) == 1:
            yield (model, *cells, difference, "needs more rounds")
            continue
        low, high = stats.ttest_ind(monklite, plain, equal_var=False).confidence_interval()
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
    parser.add_argument("--frozen", action="store_true")
    parser.add_argument("--accuracy", type=int, default=0, metavar="EPOCHS")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--fastai-python", default=sys.executable)
    parser.add_argument("--out", type=Path, default=Path("against_peers"))
    main(parser.parse_args())
