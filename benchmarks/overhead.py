"""What monklite itself costs: imports, opening an experiment, the way to the first step, and its share of an epoch.

    python benchmarks/overhead.py DATA [--model resnet18] [--epochs 3] [--repeat 5]

DATA holds one folder of images a class. Prints one row a figure: median, smallest and largest of the repeats. `share outside
the model` is the part of the last epochs not spent in the learner's training steps and scores; `augment and normalise` is the
part of those that is not the network itself. Run it on an otherwise idle machine.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile

IMPORT = "import time; t = time.perf_counter(); import monklite; print(time.perf_counter() - t)"
OPEN = """
import time, sys
from monklite import Prototype
t = time.perf_counter(); Prototype("p", "e", workspace=sys.argv[1], verbose=0); print(time.perf_counter() - t)
"""
TRAIN = """
import sys, time
import numpy as np
from monklite import Prototype
from monklite.engine import Handler, Loop

data, model, epochs, workspace = sys.argv[1:5]
ptf = Prototype("p", "e", workspace=workspace, verbose=0)
ptf.Default(dataset_path=data, model_name=model, num_epochs=int(epochs), freeze_base_network=False, use_pretrained=False)
learner, inside, first = ptf._experiment.learner, [], []
def timed(method):
    def call(*args):
        begin = time.perf_counter()
        first.append(begin)
        result = method(*args)
        inside.append((begin, time.perf_counter() - begin))
        return result
    return call
learner.step, learner.scores = timed(learner.step), timed(learner.scores)
begin = time.perf_counter()
ptf.Train()
end = time.perf_counter()
to_first = first[0] - begin
rows = ptf._experiment.run.logs / "history.csv"
import csv
seconds = [float(r["seconds"]) for r in csv.DictReader(rows.open())]
waited = [float(r["data_wait"]) for r in csv.DictReader(rows.open())]
model_time = sum(t for _, t in inside)
batch = next(ptf._experiment.data.train.epoch(0))
def pixels():
    t = time.perf_counter(); learner._inputs(batch.images, batch.draws); return time.perf_counter() - t
pixels()
n = sum(len(b) for b in (ptf._experiment.data.train, ptf._experiment.data.val)) * len(seconds)
augment = sorted(pixels() for _ in range(9))[4] * n
whole = end - first[0]
print(to_first, 1 - model_time / whole, sum(waited) / sum(seconds), (whole - sum(seconds)) / whole, augment / model_time)
"""
TRAIN_ROWS = (
    "from Train() to the first step, s",
    "share outside the model",
    "  of it waiting for images",
    "  of it between epochs (files, curves, state)",
    "augment and normalise, share of the steps",
)


def run(code: str, *words: str) -> list[float]:
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    return [float(v) for v in done.stdout.split()]


def report(name: str, values: list[float]) -> None:
    print(f"{name:46} {statistics.median(values):8.3f}   ({min(values):.3f} to {max(values):.3f})", flush=True)


def main(options: argparse.Namespace) -> None:
    report("import monklite, s", [run(IMPORT)[0] for _ in range(options.repeat)])
    folders = [tempfile.TemporaryDirectory() for _ in range(options.repeat + 1)]
    report("Prototype(), s", [run(OPEN, f.name)[0] for f in folders[1:]])
    words = (options.data, options.model, str(options.epochs))
    cached = folders[0].name  # the first run fills the cache and is not counted
    run(TRAIN, *words, cached)
    rows = [run(TRAIN, *words, cached) for _ in range(options.repeat)]
    for name, values in zip(TRAIN_ROWS, zip(*rows, strict=True), strict=True):
        report(name, list(values))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--model", default="resnet18")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--repeat", type=int, default=5)
    main(parser.parse_args())
