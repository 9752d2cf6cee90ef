"""Does a network learn as well in the precision that monklite chooses as in float32? The same seeds in both.

    python benchmarks/precision.py DATA [--model resnet18] [--epochs 10] [--seeds 5] [--out FOLDER]

DATA holds train/<class>/ and test/<class>/. Each training is a process of its own: random weights, the recipe of `Default()`,
the same split, order, augmentation and initial weights for both precisions of a seed, so that nothing else differs. The figure
is the accuracy of the best weights on the test images; differences are taken within a seed. Times do not matter here, so the
machine may be busy.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

from measure import in_process, keep, markdown


def measure(data: str, model: str, epochs: int, seed: int, precision: str) -> None:
    """Print the precision that was used, accuracies and seconds as JSON."""
    from monklite import Prototype

    with tempfile.TemporaryDirectory() as workspace:
        ptf = Prototype("p", "e", workspace=workspace, verbose=0)
        ptf.update_seed(seed)
        ptf.update_precision(precision)
        ptf.Dataset_Params(dataset_path=f"{data}/train", split=0.7)
        ptf.Dataset()
        ptf.Model_Params(model_name=model, freeze_base_network=False, use_pretrained=False)
        ptf.Model()
        ptf.Training_Params(epochs, False, False, False)
        ptf.Train()
        judge = Prototype("p", "e", eval_infer=True, workspace=workspace, verbose=0)
        judge.Dataset_Params(dataset_path=f"{data}/test")
        judge.Dataset()
        judge.Evaluate()
        state = json.loads(next(Path(workspace).glob("p/e/v001/experiment-state.json")).read_text())
    figures = {"precision": state["model"]["precision"], "test": state["testing"]["accuracy"]}
    figures |= {"best": state["results"]["best_val_accuracy"], "seconds": state["results"]["train_seconds"]}
    print(json.dumps(figures))


def main(options: argparse.Namespace) -> None:
    from scipy import stats

    rows = []
    for seed in range(options.seeds):
        arguments = (__file__, "--measure", options.data.resolve(), options.model, options.epochs, seed)
        rows.append({precision: in_process(*arguments, precision) for precision in ("float32", "auto")})
        print(f"seed {seed}: {rows[-1]}", flush=True)
        cells = []
        for name in ("test", "best"):
            accuracies = [[100 * row[precision][name] for row in rows] for precision in ("float32", "auto")]
            differences = [b - a for a, b in zip(*accuracies, strict=True)]
            interval = "needs more seeds"
            if len(set(differences)) > 1:
                low, high = stats.ttest_1samp(differences, 0).confidence_interval()
                interval = f"{low:+.1f} to {high:+.1f}"
            means = [f"{statistics.mean(values):.1f}" for values in accuracies]
            cells.append((name, *means, f"{statistics.mean(differences):+.1f}", interval))
        header = ("accuracy, %", "float32", rows[0]["auto"]["precision"], "difference", "95 % interval")
        keep(options.out, "precision", {"rounds": rows}, markdown(header, cells))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]), sys.argv[6])
    else:
        parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("data", type=Path)
        parser.add_argument("--model", default="resnet18")
        parser.add_argument("--epochs", type=int, default=10)
        parser.add_argument("--seeds", type=int, default=5)
        parser.add_argument("--out", type=Path)
        main(parser.parse_args())
