"""`Infer(img_dir=)` against its limit: the time to decode all images plus the time of the model on decoded arrays.

    python benchmarks/inference.py DATA [--models resnet18 resnet50] [--images 600] [--rounds 5] [--out FOLDER]

DATA holds images, in folders of any depth; links under other names raise their number to `--images`. Without a GPU, decoding
and the model share the cores, so their sum is the limit there; with a GPU the two can overlap. The model is taken as it is,
with batch normalization folded, and in ONNX Runtime where it is installed (exported before the first round); so is `Infer`. All
are timed in turn in one process; ratios are taken within a round. The network has random weights.
"""

import argparse
import contextlib
import json
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from measure import in_process, keep, link, markdown, middle

AS_IT_IS, FOLDED, ONNX = "as it is", "batch normalization folded", "ONNX Runtime"
FORMS = (AS_IT_IS, FOLDED, ONNX)


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
        predictor, rows = ptf._evaluation.predictor, []
        for _ in range(rounds + 1):
            batches, decoding = decoded(predictor, sorted((base / "images").iterdir()))
            row = {"decoding": decoding}
            for name in FORMS:
                with only(predictor, name):
                    predictor.speed_up(count)
                    if (predictor.form or AS_IT_IS) != name:
                        continue
                    row[f"model, {name}"] = model_alone(predictor, batches)
                    begin = time.perf_counter()
                    predictions = ptf.Infer(img_dir=base / "images")
                    row[f"Infer, {name}"] = time.perf_counter() - begin
                    assert len(predictions) == count, (
                        "some images cannot be read: limit and Infer would do different work"
                    )
            rows.append(row)
    print(json.dumps(rows[1:]))  # the first round reads the files from the disk and warms up the network


@contextlib.contextmanager
def only(predictor, form: str):
    """Predict with this form of the network, however few images there are."""
    from monklite.backends.pytorch import fast_form, onnx_network

    before = fast_form.MIN_IMAGES, onnx_network.EXPORT_SECONDS, onnx_network.is_installed
    fast_form.MIN_IMAGES = sys.maxsize if form == AS_IT_IS else 2
    onnx_network.EXPORT_SECONDS = 0.0
    if form == FOLDED:
        onnx_network.is_installed = lambda package: False
    made, predictor._made = predictor._made, predictor.__dict__.setdefault("forms", {}).get(form)
    try:
        yield
    finally:
        predictor.forms[form], predictor._made = predictor._made, made
        fast_form.MIN_IMAGES, onnx_network.EXPORT_SECONDS, onnx_network.is_installed = before


def decoded(predictor, files: list[Path]) -> tuple[list[tuple], float]:
    """The batches of images with their draws, and the seconds to decode them with all cores."""
    from monklite.data import decode, prepare
    from monklite.processors import cpu_count

    policy, batch_size = prepare.policy_for_testing(predictor.spec), predictor.spec.data.batch_size
    begin = time.perf_counter()
    with ThreadPoolExecutor(cpu_count()) as pool:
        images = list(pool.map(lambda file: decode.load(file, policy.stored_size, policy.prefix), files))
    seconds = time.perf_counter() - begin
    rng, batches = np.random.default_rng(0), []
    for i in range(0, len(images), batch_size):
        batch = images[i : i + batch_size]
        draws = policy.draw(np.array([size for _, size in batch]), rng)
        batches.append((np.stack([pixels for pixels, _ in batch]), draws))
    return batches, seconds


def model_alone(predictor, batches: list[tuple]) -> float:
    begin = time.perf_counter()
    for images, draws in batches:
        predictor.logits(images, draws)
    return time.perf_counter() - begin


def main(options: argparse.Namespace) -> None:
    rows, results = [], {}
    for model in options.models:
        rounds = in_process(__file__, "--measure", options.data, model, options.images, options.rounds)
        results[model] = rounds
        for form in FORMS:
            if f"Infer, {form}" not in rounds[0]:
                continue
            seconds = [middle(r[step] for r in rounds)[0] for step in ("decoding", f"model, {form}", f"Infer, {form}")]
            limit = middle((r["decoding"] + r[f"model, {form}"]) / r[f"Infer, {form}"] for r in rounds)
            gain = middle(r[f"Infer, {form}"] / r[f"Infer, {AS_IT_IS}"] for r in rounds)
            rows.append(
                (
                    model,
                    form,
                    *(f"{s:.2f}" for s in seconds),
                    f"{options.images / seconds[-1]:.1f}",
                    "{:.2f} ({:.2f} to {:.2f})".format(*limit),
                    "{:.2f} ({:.2f} to {:.2f})".format(*gain),
                )
            )
    header = (
        "model",
        "form",
        "decoding, s",
        "model alone, s",
        "Infer, s",
        "Infer, images/s",
        "limit / Infer",
        "Infer / Infer as it is",
    )
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
