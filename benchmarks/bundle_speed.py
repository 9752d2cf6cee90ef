"""From files to answers with a bundle: decoding alone, the network alone, and the whole way, in the same run.

    python benchmarks/bundle_speed.py DATA [--models mobilenet_v3_small resnet18] [--int8] [--images 300] [--rounds 5]

DATA holds one folder of images per class. Each model is trained for one epoch on a few of them, only so that it can be exported.
Decoding alone: the threads that a bundle uses decode the files. Network alone: ONNX Runtime in its own way, with a session on
all processors and batches of 32 of pictures that are decoded already. Whole: `BundlePredictor.stream`. The three are measured in
turn in each round; the table has the least wall time of all rounds, the processor time of that round, and the whole way as a
multiple of the slower of the two others. Run it on an otherwise idle machine.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from measure import PROJECT  # noqa: F401 (measure this copy of monklite, not an installed one)

from monklite import Prototype
from monklite.data.image_folder import images_in_folder
from monklite.data.image_input import ImageInput
from monklite.exporting.bundle import Int8, make
from monklite.exporting.bundle_predictor import BundlePredictor
from monklite.exporting.manifest import LOGITS, MODEL, PICTURES
from monklite.exporting.reading import Bundle

PER_CLASS, NETWORK_BATCH = 10, 32


def exported(model: str, data: Path, folder: Path, int8: Int8 | None) -> Path:
    """A bundle of a network that was trained for one epoch on a few images of each class."""
    few = folder / "few"
    for name in () if few.exists() else sorted(p.name for p in data.iterdir() if p.is_dir()):
        (few / name).mkdir(parents=True)
        for image in images_in_folder(data / name)[:PER_CLASS]:
            shutil.copy(data / name / image, few / name)
    ptf = Prototype("speed", model, workspace=folder / "workspace", verbose=0)
    ptf.Dataset_Params(few, split=0.5, input_size=224, batch_size=8)
    ptf.apply_normalize(train=True, val=True, test=True)
    ptf.Dataset()
    ptf.Model_Params(model, freeze_base_network=True, use_pretrained=False)
    ptf.Model()
    ptf.Training_Params(num_epochs=1, display_progress=False, save_intermediate_models=False)
    ptf.Train()
    path = folder / f"{model}-{'int8' if int8 else 'float32'}"
    return make(ptf._opened.run, folder / "workspace" / ".cache", path, lambda _: None, int8=int8).path


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor time."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - processor


def parts(path: Path, files: list[str]) -> dict[str, Callable[[], object]]:
    """The three things that are measured."""
    predictor, pictures = BundlePredictor(path), [ImageInput(name, name) for name in files]
    session = _session(Bundle(path).content(MODEL))

    def decoding() -> list[Any]:
        with ThreadPoolExecutor(predictor.workers) as pool:
            return list(pool.map(predictor.decoding.decoded, pictures))

    pixels = np.stack([picture.pixels for picture in decoding()])

    def network() -> None:
        for first in range(0, len(pixels), NETWORK_BATCH):
            session.run([LOGITS], {PICTURES: pixels[first : first + NETWORK_BATCH]})

    def whole() -> None:
        assert len(list(predictor.stream(files, print))) == len(files)

    return {"decoding": decoding, "network": network, "whole": whole}


def _session(model: bytes) -> Any:
    import onnxruntime

    return onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--models", nargs="+", default=["mobilenet_v3_small", "resnet18"])
    parser.add_argument("--int8", action="store_true", help="also in int8, whatever accuracy that loses")
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    files = [str(options.data / name) for name in images_in_folder(options.data)][: options.images]
    print(f"{len(files)} images; load {os.getloadavg()[0]:.1f}; wall (processor) seconds, the least of all rounds")
    print(f"{'':28}{'decoding':>16}{'network':>16}{'whole':>16}{'of the slower':>15}")
    with tempfile.TemporaryDirectory() as folder:
        for model in options.models:
            for int8 in (None, Int8(1.0)) if options.int8 else (None,):
                work = parts(exported(model, options.data, Path(folder), int8), files)
                rounds = [{name: seconds(action) for name, action in work.items()} for _ in range(options.rounds)]
                best = {name: min(one[name] for one in rounds) for name in work}
                cells = "".join(f"{f'{wall:.2f} ({processor:.2f})':>16}" for wall, processor in best.values())
                ratio = best["whole"][0] / max(best["decoding"][0], best["network"][0])
                print(f"{model + (' int8' if int8 else ' float32'):28}{cells}{ratio:15.2f}", flush=True)
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
