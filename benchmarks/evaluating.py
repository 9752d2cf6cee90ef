"""What an evaluation costs beside bare prediction, and what the pages of 20 runs cost.

    python benchmarks/evaluating.py TEST [--model resnet18] [--size 224] [--drawn 1000] [--runs 20] [--rounds 3]

TEST holds one folder of images per class; so many drawn images are the second test set. A run of one epoch is trained on TEST and
then evaluated, with decoded images: `bare` is the logits of all images, `extra` all else (figures, intervals, tables, charts).
Pages: the report of a run, and the comparison of --runs copies of it with their predictions, without starting Python.

Measured on two busy cores, in seconds of the processors, at 96 px: 100 X-rays 3.9 and 1.1 extra, of which 0.7 are four
charts; 1,000 drawn images 14.7 and 0.8 extra (5.5 %). So the aim of 10 % is reached by some 600 images, and not by fewer.
The comparison of 20 runs, 190 pairs: 10.5 with its pictures, its page 0.45 MB; the report of one run: 1.7 s on idle cores,
0.7 MB.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path

from measure import markdown, middle


def trained(folder: Path, options: argparse.Namespace) -> None:
    from monklite import Prototype

    ptf = Prototype("p", "e", workspace=folder, verbose=0)
    ptf.Dataset_Params(dataset_path=str(options.test), split=0.7, input_size=options.size)
    ptf.apply_normalize(train=True, val=True, test=True)
    ptf.Dataset()
    ptf.Model_Params(options.model, freeze_base_network=False, use_pretrained=False)
    ptf.Model()
    ptf.Training_Params(1, False, False)
    ptf.Train()


def evaluated(folder: Path, images: Path, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of the logits alone, and of everything else."""
    from monklite.evaluation import Evaluation
    from monklite.inference import Predictor
    from monklite.runs.workspace import Workspace
    from monklite.spec import Folders

    space = Workspace(folder)
    evaluation = Evaluation(Predictor(space.find("p", "e"), space.cache))
    evaluation.use(Folders(path=str(images)))
    evaluation.prepare()
    bare: list[float] = []
    predict = evaluation._logits

    def timed(*args):
        begin = time.perf_counter()
        logits = predict(*args)
        bare.append(time.perf_counter() - begin)
        return logits

    evaluation._logits = timed
    total = []
    # the first one loads what the others have
    for _ in range(rounds + 1):
        begin = time.perf_counter()
        evaluation.run()
        total.append(time.perf_counter() - begin)
    return bare[1:], [all_of_it - own for all_of_it, own in zip(total[1:], bare[1:], strict=True)]


def pages(folder: Path, runs: int) -> dict[str, float]:
    from monklite import Prototype, compare

    for number in range(2, runs + 1):
        shutil.copytree(folder / "p" / "e" / "v001", folder / "p" / f"e{number}" / "v001")
    begin = time.perf_counter()
    page = Path(Prototype("p", "e", eval_infer=True, workspace=folder, verbose=0).Report())
    found = {"report of one run, s": time.perf_counter() - begin, "its page, MB": page.stat().st_size / 1e6}
    compared = compare(verbose=0, workspace=folder)
    compared.Comparison("c")
    for number in range(1, runs + 1):
        compared.Add_Experiment("p", "e" if number == 1 else f"e{number}")
    begin = time.perf_counter()
    compared.Generate_Statistics()
    found[f"comparison of {runs} runs, s"] = time.perf_counter() - begin
    return {**found, "its page in MB": (folder / "comparison" / "c" / "report.html").stat().st_size / 1e6}


def main(options: argparse.Namespace) -> None:
    from monklite.testing.datasets import draw_noise

    rows = []
    with tempfile.TemporaryDirectory() as folder:
        space, drawn = Path(folder, "workspace"), Path(folder, "drawn")
        names = sorted(path.name for path in options.test.iterdir() if path.is_dir())
        draw_noise(drawn, dict.fromkeys(names, options.drawn // len(names)), options.size)
        trained(space, options)
        for images in (drawn, options.test):
            bare, extra = evaluated(space, images, options.rounds)
            shares = [100 * more / own for own, more in zip(bare, extra, strict=True)]
            rows.append([images.name, middle(bare), middle(extra), middle(shares)])
        print(markdown(["test set", "bare prediction, s", "extra, s", "extra, %"], rows))
        for name, value in pages(space, options.runs).items():
            print(f"{name}: {value:.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("test", type=Path)
    parser.add_argument("--model", default="resnet18")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--drawn", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    main(parser.parse_args())
