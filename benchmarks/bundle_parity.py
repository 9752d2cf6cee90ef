"""How far do bundles agree with the networks that they were made of, from the files of images to the answers?

    python benchmarks/bundle_parity.py IMAGES [--images 60] [--networks resnet50,...] [--int8] [--out FOLDER]

IMAGES has a folder per class. The networks have random weights and a head that is trained on a few of the images, so that
their scores differ from image to image. Each is exported, and compared with itself on the other images, on drawn pictures of odd
sizes and modes, and on whole pictures, which are decoded by Pillow and resized in the bundle. `--int8`: exported in int8, too.
"""

import argparse
import itertools
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from measure import in_process, keep, markdown
from PIL import Image

NETWORKS = {
    "resnet50": "pytorch",
    "densenet121": "pytorch",
    "mobilenet_v3_small": "pytorch",
    "vgg19": "pytorch",
    "vit_b_16": "pytorch",
    "resnet50_v2": "mxnet",
}
TRAINING_IMAGES = 30
# networks of which all layers are trained, for so many epochs: without statistics of batches their values run to 0 or out of
# range. With small pictures, to be quicker
WHOLE, SMALL = {"resnet50": 4, "densenet121": 4, "mobilenet_v3_small": 40, "resnet50_v2": 4}, 112


def divided(images: Path, folder: Path, n_images: int) -> None:
    """Links to a few images of each class for training, and to others for validation, in turn of the classes."""
    classes = {path.name: sorted(path.iterdir()) for path in sorted(images.iterdir()) if path.is_dir()}
    dealt = [
        (name, file)
        for row in itertools.zip_longest(*classes.values())
        for name, file in zip(classes, row, strict=False)
        if file
    ]
    parts = {"train": dealt[:TRAINING_IMAGES], "val": dealt[TRAINING_IMAGES : TRAINING_IMAGES + n_images]}
    for part, files in parts.items():
        for name, file in files:
            (folder / part / name).mkdir(parents=True, exist_ok=True)
            (folder / part / name / file.name).symlink_to(file.resolve())


def measure(name: str, images: str, workspace: str, form: str) -> None:
    """Train, export and compare one network; prints the comparison as JSON."""
    from monklite import Prototype
    from monklite.exporting.bundle import Int8, make
    from monklite.exporting.manifest import MODEL
    from monklite.exporting.onnx_session import OnnxSession
    from monklite.exporting.reading import Bundle
    from monklite.exporting.run_images import of_subset
    from monklite.inference import Predictor

    backend, cache = NETWORKS.get(name, "pytorch"), Path(workspace, ".cache")
    opened = Prototype("parity", f"{name}-{form}", backend=backend, workspace=workspace, verbose=0)
    opened.Dataset_Params(
        [f"{images}/train", f"{images}/val"], input_size=SMALL if name in WHOLE else 224, batch_size=10
    )
    opened.Dataset()
    opened.Model_Params(name, freeze_base_network=name not in WHOLE, use_pretrained=False)
    opened.Model()
    opened.optimizer_adam(0.001)
    opened.Training_Params(num_epochs=WHOLE.get(name, 8))
    opened.Train()
    run, start = opened._opened.run, time.perf_counter()
    made = make(
        run, cache, Path(workspace, f"{name}-{form}"), lambda text: None, int8=Int8(1.0) if form == "int8" else None
    )
    seconds = time.perf_counter() - start
    predictor, session = Predictor(run, cache), OnnxSession(Bundle(made.path).content(MODEL))
    files = of_subset(predictor, "val").files
    whole = [session.answers(np.asarray(Image.open(file).convert("RGB"))[None]) for file in files]
    usual = list(predictor.stream(files, lambda name, problem: sys.exit(problem)))
    heat = made.manifest.temperature or 1.0
    scores = [predictor.usual_task.scores(prediction.logits[None] / heat)[0] for prediction in usual]
    found = np.concatenate([answers.probabilities for answers in whole])
    result = {
        "certificate": made.certificate.model_dump(),
        "seconds": seconds,
        "megabytes": made.size / 1e6,
        "whole_difference": float(np.abs(found - scores).max()),
        "whole_equal": int((found.argmax(axis=1) == np.argmax(scores, axis=1)).sum()),
    }
    print(json.dumps(result, default=str))


def row(name: str, form: str, found: dict) -> tuple:
    on_images, on_drawn, *_ = found["certificate"]["comparisons"]
    n = on_images["n_images"]
    return (
        f"{name} ({NETWORKS.get(name, 'pytorch')}, {form})",
        f"{found['megabytes']:.0f}",
        f"{found['seconds']:.0f}",
        f"{on_images['logit_difference']:.1e}",
        f"{on_images['score_difference']:.1e}",
        f"{on_images['equal']} of {n}",
        f"{on_drawn['score_difference']:.1e}",
        f"{on_drawn['equal']} of {on_drawn['n_images']}",
        f"{found['whole_difference']:.1e}",
        f"{found['whole_equal']} of {n}",
        " / ".join(f"{estimate['value']:.1%}" for estimate in on_images["accuracies"]),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=60)
    parser.add_argument("--networks", default=",".join(NETWORKS))
    parser.add_argument("--int8", action="store_true")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    results, rows = {}, []
    with tempfile.TemporaryDirectory() as workspace:
        images = Path(workspace, "images")
        divided(options.folder, images, options.images)
        for name, form in itertools.product(
            options.networks.split(","), ["float32", *(["int8"] if options.int8 else [])]
        ):
            found = in_process(__file__, "--measure", name, str(images), workspace, form)
            results[f"{name} {form}"] = found
            rows.append(row(name, form, found))
            print(*rows[-1], file=sys.stderr, flush=True)
    header = (
        "network", "MB", "export, s", "largest difference of a logit", "of a score", "equal classes", "drawn: of a score",
        "drawn: equal", "whole: of a score", "whole: equal", "accuracy: network / bundle",
    )  # fmt: skip
    keep(options.out, "bundle_parity", results, markdown(header, rows))


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] == "--measure":
        measure(*sys.argv[2:])
    else:
        main()
