"""Ten experiments on the same original images against ten times one: images are decoded only once.

    python benchmarks/ten_experiments.py DATA [--experiments 10] [--images 240] [--model resnet18] [--rounds 3] [--out FOLDER]

DATA holds one folder of large images per class; links under other names raise their number to --images. Each measurement is one
process that runs experiments of one epoch one after the other in a new workspace, from the first Prototype() to the end of the
last Train(), without the imports. One and ten experiments are measured in turn.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from measure import in_process, keep, link, markdown, middle


def measure(images: str, model: str, experiments: int) -> None:
    """Print for each experiment the seconds until the data are ready, and in total, as JSON."""
    import torch  # noqa: F401 (imports are not measured)

    from monklite import Prototype

    rows = []
    with tempfile.TemporaryDirectory() as workspace:
        for number in range(experiments):
            begin = time.perf_counter()
            ptf = Prototype("p", f"e{number}", workspace=workspace, verbose=0)
            ptf.Dataset_Params(dataset_path=images, split=0.7)
            ptf.Dataset()
            data = time.perf_counter() - begin
            ptf.Model_Params(model_name=model, freeze_base_network=False, use_pretrained=False)
            ptf.Model()
            ptf.Training_Params(1, False, False, False, seed=number)
            ptf.Train()
            rows.append({"data": data, "all": time.perf_counter() - begin})
    print(json.dumps(rows))


def main(options: argparse.Namespace) -> None:
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        classes = sorted(path for path in options.data.iterdir() if path.is_dir())
        for source in classes:
            link(source, Path(folder, source.name), options.images // len(classes))
        for _ in range(options.rounds):
            single, series = (
                in_process(__file__, "--measure", folder, options.model, n) for n in (1, options.experiments)
            )
            rounds.append({"one": single[0], "several": series})
    n, totals = options.experiments, [sum(e["all"] for e in r["several"]) for r in rounds]
    cells = {
        "one experiment, s": middle(r["one"]["all"] for r in rounds),
        "  of which finding and decoding the images, s": middle(r["one"]["data"] for r in rounds),
        f"{n} experiments, s": middle(totals),
        "  of which finding and decoding the images, s ": middle(sum(e["data"] for e in r["several"]) for r in rounds),
        f"{n} experiments / {n} times one": middle(
            total / (n * r["one"]["all"]) for total, r in zip(totals, rounds, strict=True)
        ),
    }
    table = markdown(("", "median", "smallest", "largest"), [(k, *(f"{v:.2f}" for v in c)) for k, c in cells.items()])
    keep(options.out, "ten_experiments", {"rounds": rounds}, table)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2], sys.argv[3], int(sys.argv[4]))
        sys.exit()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--experiments", type=int, default=10)
    parser.add_argument("--images", type=int, default=240)
    parser.add_argument("--model", default="resnet18")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    main(parser.parse_args())
