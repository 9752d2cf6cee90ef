"""The cost of monklite itself: imports, opening an experiment, the time to the first step, and its share of an epoch.

    python benchmarks/overhead.py DATA [--model resnet18] [--epochs 3] [--repeat 5] [--out FOLDER]

DATA holds one folder of images per class. Prints one row per figure: median, smallest and largest of the repeats; the images
are decoded beforehand. Times from the `start of Python` include the framework's own imports, which have a row of their own.
`share outside the model` is the share of the training not spent in the learner's steps and in scoring; `augment and normalise`
is the share of those that is not the network itself. Run it on an otherwise idle machine.
"""

import argparse
import tempfile
from pathlib import Path

from measure import in_process, keep, markdown, middle

FRAMEWORK = "import time; t = time.perf_counter(); import torch, torchvision; print([time.perf_counter() - t])"
IMPORT = "import time; t = time.perf_counter(); import monklite; print([time.perf_counter() - t])"
OPEN = """
import time, sys
from monklite import Prototype
t = time.perf_counter(); Prototype("p", "e", workspace=sys.argv[1], verbose=0); print([time.perf_counter() - t])
"""
TRAIN = """
import time; start = time.perf_counter()
import sys
from monklite import Prototype

data, model, epochs, workspace = sys.argv[1:5]
ptf = Prototype("p", "e", workspace=workspace, verbose=0)
opened = time.perf_counter()
ptf.Default(dataset_path=data, model_name=model, num_epochs=int(epochs), freeze_base_network=False, use_pretrained=False)
ready = time.perf_counter() - opened
learner, inside, first = ptf._experiment.learner, [], []
def timed(method):
    def call(*args):
        begin = time.perf_counter()
        first.append(begin)
        result = method(*args)
        inside.append((begin, time.perf_counter() - begin))
        return result
    return call
learner.step, learner.logits = timed(learner.step), timed(learner.logits)
begin = time.perf_counter()
ptf.Train()
end = time.perf_counter()
to_first = first[0] - begin
import csv
rows = list(csv.DictReader((ptf._experiment.run.logs / "history.csv").open()))
seconds, waited = ([float(row[name]) for row in rows] for name in ("seconds", "data_wait"))
model_time = sum(t for _, t in inside)
batch = next(ptf._experiment.data.train.epoch(0))
def pixels():
    t = time.perf_counter(); learner.inputs(batch.images, batch.draws); return time.perf_counter() - t
pixels()
n = sum(len(b) for b in (ptf._experiment.data.train, ptf._experiment.data.val)) * len(seconds)
augment = sorted(pixels() for _ in range(9))[4] * n
whole = end - first[0]
print([first[0] - start, ready, to_first, 1 - model_time / whole, sum(waited) / sum(seconds), (whole - sum(seconds)) / whole,
       augment / model_time])
"""
TRAIN_ROWS = (
    "from the start of Python to the first step, s",
    "Default(), s",
    "from Train() to the first step, s",
    "share outside the model",
    "  of which waiting for images",
    "  of which between epochs (files, curves, state)",
    "augment and normalise, share of the steps",
)


def main(options: argparse.Namespace) -> None:
    repeats = range(options.repeat)
    rows = {
        "import torch, torchvision, s": [in_process("-c", FRAMEWORK)[0] for _ in repeats],
        "import monklite, s": [in_process("-c", IMPORT)[0] for _ in repeats],
    }
    with tempfile.TemporaryDirectory() as folder:
        rows["Prototype(), s"] = [in_process("-c", OPEN, Path(folder, str(i)))[0] for i in repeats]
        arguments = ("-c", TRAIN, options.data, options.model, options.epochs, folder)
        in_process(*arguments)  # fills the cache and is not counted
        trainings = [in_process(*arguments) for _ in repeats]
    rows |= {name: list(values) for name, values in zip(TRAIN_ROWS, zip(*trainings, strict=True), strict=True)}
    cells = [(name, *(f"{v:.3f}" for v in middle(values))) for name, values in rows.items()]
    keep(options.out, "overhead", {"rows": rows}, markdown(("", "median", "smallest", "largest"), cells))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--model", default="resnet18")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--out", type=Path)
    main(parser.parse_args())
