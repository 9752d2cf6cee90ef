"""Does a network learn as well in less time if training images are small first (progressive resizing)? The same seeds with both.

    python benchmarks/progressive_size.py DATA [DATA ...] [--model resnet18] [--size 224] [--epochs 10] [--seeds 5]
        [--scale 0.5] [--delay 0.5] [--finetune 0.2] [--backend pytorch] [--pretrained] [--out FOLDER]

Each DATA holds train/<class>/ and test/<class>/, or <class>/ alone: then only the validation accuracies are compared. All layers
are trained by the recipe of `Default()`. Each training is a process of its own: the same split, order, augmentation and initial
weights for both ways of a seed, one after the other, in turn first. "test": accuracy of the best weights on the test images.
"last": of the last epoch on the validation images, which needs no choice of an epoch. Differences and ratios are taken within a
seed; intervals are Student's over the seeds, of ratios on their logarithms. Times are those of the epochs, so the machine must be
quiet.
"""

import argparse
import json
import math
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from measure import in_process, keep, markdown

WAYS = ("full size", "progressive")


def measure(data: str, seed: int, scale: float, given: str) -> None:
    """Print sizes, accuracies and seconds as JSON. `scale`: 1 for the full size. `given`: the options as JSON."""
    from monklite import Prototype
    from monklite.runs import history

    options = argparse.Namespace(**json.loads(given))
    folder = Path(data)
    has_test = (folder / "test").is_dir()
    with tempfile.TemporaryDirectory() as workspace:
        ptf = Prototype("p", "e", backend=options.backend, workspace=workspace, verbose=0)
        ptf.update_seed(seed)
        ptf.Default(
            dataset_path=str(folder / "train" if has_test else folder),
            model_name=options.model,
            freeze_base_network=False,
            num_epochs=options.epochs,
            use_pretrained=options.pretrained,
        )
        ptf.update_input_size(options.size)
        if scale < 1:
            ptf.update_progressive_resizing(scale, options.delay, options.finetune)
        ptf.Train()
        figures: dict[str, Any] = {}
        if has_test:
            judge = Prototype("p", "e", backend=options.backend, eval_infer=True, workspace=workspace, verbose=0)
            judge.Dataset_Params(dataset_path=str(folder / "test"))
            judge.Dataset()
            judge.Evaluate()
            state = json.loads(next(Path(workspace).glob("p/e/v001/experiment-state.json")).read_text())
            figures["test"] = state["testing"]["accuracy"]
        rows = history.read(next(Path(workspace).glob("p/e/v001/output/logs/history.csv")))
    figures |= {"last": rows[-1].val_accuracy, "seconds": sum(row.seconds for row in rows)}
    print(json.dumps({**figures, "sizes": [row.train_size for row in rows]}))


def interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Mean's 95 % interval; None if the values do not tell one."""
    from scipy import stats

    if len(set(values)) < 2:
        return None
    low, high = stats.ttest_1samp(values, 0).confidence_interval()
    return float(low), float(high)


def compared(name: str, rows: Sequence[dict[str, Any]]) -> list[tuple[str, ...]]:
    """The table's rows for one data set: each accuracy in percent, and the time."""
    cells = []
    for figure in ("test", "last"):
        if figure in rows[0][WAYS[0]]:
            full, small = ([100 * row[way][figure] for row in rows] for way in WAYS)
            differences = [b - a for a, b in zip(full, small, strict=True)]
            bounds = interval(differences)
            between = "needs more seeds" if bounds is None else "{:+.1f} to {:+.1f}".format(*bounds)
            means = (f"{statistics.mean(full):.1f} %", f"{statistics.mean(small):.1f} %")
            cells.append((name, figure, *means, f"{statistics.mean(differences):+.1f}", between))
    full, small = ([row[way]["seconds"] for row in rows] for way in WAYS)
    logarithms = [math.log(b / a) for a, b in zip(full, small, strict=True)]
    bounds = interval(logarithms)
    between = "needs more seeds" if bounds is None else f"{math.exp(bounds[0]):.2f} to {math.exp(bounds[1]):.2f}"
    means = (f"{statistics.mean(full):.1f} s", f"{statistics.mean(small):.1f} s")
    return [*cells, (name, "time", *means, f"x {math.exp(statistics.mean(logarithms)):.2f}", between)]


def main(options: argparse.Namespace) -> None:
    given = {name: value for name, value in vars(options).items() if name not in ("data", "out", "seeds")}
    results: dict[str, list[dict[str, Any]]] = {}
    cells: list[tuple[str, ...]] = []
    for data in options.data:
        rows: list[dict[str, Any]] = []
        for seed in range(options.seeds):
            scales = {"full size": 1.0, "progressive": options.scale}
            order = WAYS if seed % 2 == 0 else WAYS[::-1]
            arguments = (__file__, "--measure", data.resolve(), seed)
            rows.append({way: in_process(*arguments, scales[way], json.dumps(given)) for way in order})
            print(f"{data.name}, seed {seed}: {rows[-1]}", flush=True)
        results[str(data)] = rows
        cells += compared(data.name, rows)
        header = ("data", "what", *WAYS, "difference or ratio", "95 % interval")
        keep(options.out, "progressive_size", {"options": given, "rounds": results}, markdown(header, cells))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), sys.argv[5])
    else:
        parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("data", type=Path, nargs="+")
        parser.add_argument("--model", default="resnet18")
        parser.add_argument("--backend", default="pytorch")
        parser.add_argument("--size", type=int, default=224)
        parser.add_argument("--epochs", type=int, default=10)
        parser.add_argument("--seeds", type=int, default=5)
        parser.add_argument("--scale", type=float, default=0.5)
        parser.add_argument("--delay", type=float, default=0.5)
        parser.add_argument("--finetune", type=float, default=0.2)
        parser.add_argument("--pretrained", action="store_true")
        parser.add_argument("--out", type=Path)
        main(parser.parse_args())
