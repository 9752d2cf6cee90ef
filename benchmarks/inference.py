"""`Infer(img_dir=)` against its limit: the time to decode all images plus the time of the model on decoded arrays.

    python benchmarks/inference.py DATA [--models resnet18 resnet50] [--images 600] [--rounds 5] [--out FOLDER]

DATA holds images, in folders of any depth; links under other names raise their number to `--images`. Without a GPU, decoding
and the model share the cores, so their sum is the limit there; with a GPU the two can overlap. Limit and `Infer` are timed in
turn in one process; ratios are taken within a round. The network has random weights.
"""

import argparse
import json
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from measure import in_process, keep, link, markdown, middle


def measure(source: str, model: str, count: int, rounds: int) -> None:
    """Measure one model in this process; prints the seconds of each round as JSON."""
    from monklite import Prototype
    from monklite.testing.datasets import draw_patterns

    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        link(Path(source), base / "images", count)
        ptf = Prototype("p", "e", workspace=base / "workspace", verbose=0)
        classes = draw_patterns(base / "classes", {"dots": 8, "rings": 8})
        ptf.Default(classes, model_name=model, num_epochs=1, freeze_base_network=False, use_pretrained=False)
        ptf.Train()
        ptf.Switch_Mode(eval_infer=True)
        rows = []
        for _ in range(rounds + 1):
            decoding, scoring = limit(ptf, sorted((base / "images").iterdir()))
            begin = time.perf_counter()
            predictions = ptf.Infer(img_dir=base / "images")
            rows.append({"decoding": decoding, "model": scoring, "infer": time.perf_counter() - begin})
            assert len(predictions) == count, "some images cannot be read, so limit and Infer would do different work"
    print(json.dumps(rows[1:]))  # the first round reads the files from the disk and warms up the network


def limit(ptf, files: list[Path]) -> tuple[float, float]:
    """Seconds to decode with all cores, and seconds of the model on the decoded images."""
    from monklite.data import decode, prepare
    from monklite.processors import cpu_count

    predictor = ptf._evaluation.predictor
    policy, batch_size = prepare.policy_for_testing(predictor.spec), predictor.spec.data.batch_size
    begin = time.perf_counter()
    with ThreadPoolExecutor(cpu_count()) as pool:
        images = list(pool.map(lambda file: decode.load(file, policy.stored_size, policy.prefix), files))
    decoded = time.perf_counter()
    rng = np.random.default_rng(0)
    for i in range(0, len(images), batch_size):
        batch = images[i : i + batch_size]
        draws = policy.draw(np.array([size for _, size in batch]), rng)
        predictor.learner.logits(np.stack([pixels for pixels, _ in batch]), draws)
    return decoded - begin, time.perf_counter() - decoded


def main(options: argparse.Namespace) -> None:
    rows, results = [], {}
    for model in options.models:
        rounds = in_process(__file__, "--measure", options.data, model, options.images, options.rounds)
        ratio = middle((r["decoding"] + r["model"]) / r["infer"] for r in rounds)
        seconds = [middle(r[step] for r in rounds)[0] for step in ("decoding", "model", "infer")]
        results[model] = {"ratio": ratio, "rounds": rounds}
        rows.append(
            (
                model,
                *(f"{s:.2f}" for s in seconds),
                f"{options.images / seconds[-1]:.1f}",
                f"{ratio[0]:.2f} ({ratio[1]:.2f} to {ratio[2]:.2f})",
            )
        )
    header = ("model", "decoding, s", "model alone, s", "Infer, s", "Infer, images/s", "limit / Infer")
    keep(options.out, "inference", {"images": options.images, "models": results}, markdown(header, rows))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
        sys.exit()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--models", nargs="+", default=["resnet18", "resnet50"])
    parser.add_argument("--images", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    main(parser.parse_args())
