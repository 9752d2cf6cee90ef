"""What does quick mode, a new head on a frozen network, cost against one look of the network at everything it can see?

    python benchmarks/quick.py DATA [--models resnet18 resnet50] [--backend pytorch] [--epochs 10] [--rounds 3] [--out FOLDER]

DATA holds one folder of images per class; a quarter is for validation. One look: the bare network, in the fastest of the forms
that its framework offers for inference here, gives its output for each training image and its mirror image, and for each
validation image. Decoded images are in memory or in the cache for all. All is measured in one process per model and round,
each time that of `Train()`: a first training, a second one with another optimizer, whose frozen part is the same, and one for
which nothing is kept (as with random crops).
"""

import argparse
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from measure import in_process, keep, markdown, middle

SIZE, BATCH = 224, 32


def best_of(functions: dict[str, Callable[[], object]], repeats: int = 3) -> tuple[str, float]:
    """The fastest of several ways, and its seconds."""
    times = {}
    for name, function in functions.items():
        function()
        seconds = []
        for _ in range(repeats):
            begin = time.perf_counter()
            function()
            seconds.append(time.perf_counter() - begin)
        times[name] = min(seconds)
    return min(times.items(), key=lambda item: item[1])


def look_pytorch(network: Any, images: np.ndarray) -> tuple[str, float]:
    """The fastest form for a batch, and its seconds."""
    import torch

    network = network.eval()
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float().div(255).contiguous(memory_format=torch.channels_last)

    def plain(dtype: torch.dtype, model: Any) -> Callable[[], object]:
        def run() -> object:
            with torch.inference_mode(), torch.autocast("cpu", dtype=dtype, enabled=dtype != torch.float32):
                return model(x)

        return run

    with torch.inference_mode():
        frozen = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(network, x)))
    return best_of({
        "float32": plain(torch.float32, network),
        "bfloat16": plain(torch.bfloat16, network),
        "float32, frozen and optimised": plain(torch.float32, frozen),
    })  # fmt: skip


def look_mxnet(network: Any, images: np.ndarray) -> tuple[str, float]:
    from mxnet import autograd, nd

    x = nd.array(images.transpose(0, 3, 1, 2) / 255)

    def run() -> object:
        with autograd.predict_mode():
            return network(x).asnumpy()

    return best_of({"float32": run})


@contextlib.contextmanager
def nothing_kept() -> Iterator[None]:
    from monklite.training import features

    before, features.MAX_WIDTH = features.MAX_WIDTH, 0
    try:
        yield
    finally:
        features.MAX_WIDTH = before


def measure(data: str, model: str, backend: str, epochs: str) -> None:
    """Print the seconds of everything as JSON."""
    from monklite import Prototype

    def experiment(name: str, optimizer: str) -> Any:
        ptf = Prototype("p", name, backend=backend, workspace=workspace, verbose=0)
        ptf.Dataset_Params(dataset_path=data, split=0.75, input_size=SIZE, batch_size=4)
        ptf.apply_random_horizontal_flip(train=True)
        ptf.apply_normalize(train=True, val=True)
        ptf.Dataset()
        ptf.Model_Params(model_name=model, freeze_base_network=True, use_pretrained=False)
        ptf.Model()
        getattr(ptf, f"optimizer_{optimizer}")(0.001)
        ptf.Training_Params(num_epochs=int(epochs))
        return ptf

    def train(ptf: Any) -> float:
        begin = time.perf_counter()
        ptf.Train()
        return time.perf_counter() - begin

    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as workspace:
        # libraries are loaded, and the images decoded
        warm = experiment("warm", "adam")
        found["images"] = (warm._experiment.data.train.n_images, warm._experiment.data.val.n_images)
        images = np.random.default_rng(0).integers(0, 256, (BATCH, SIZE, SIZE, 3), np.uint8)
        look = look_pytorch if backend == "pytorch" else look_mxnet
        n_looks = 2 * found["images"][0] + found["images"][1]
        form, seconds = look(warm.model, images)
        found |= {"form": form, "look": seconds * n_looks / BATCH}
        found["first"] = train(experiment("first", "sgd"))
        found["second"] = train(experiment("second", "adam"))
        with nothing_kept():
            found["computed each time"] = train(experiment("computed", "sgd"))
        found["look again"] = look(experiment("last", "sgd").model, images)[1] * n_looks / BATCH
    print(json.dumps(found))


def main(options: argparse.Namespace) -> None:
    results: dict[str, Any] = {}
    rows = []
    for model in options.models:
        rounds = [
            in_process(__file__, "--measure", options.data, model, options.backend, options.epochs)
            for _ in range(options.rounds)
        ]
        results[model] = rounds
        looks = [(r["look"] + r["look again"]) / 2 for r in rounds]
        cells = [f"{middle(looks)[0]:.1f} s ({rounds[0]['form']})"]
        for name in ("computed each time", "first", "second"):
            ratios = middle(r[name] / look for r, look in zip(rounds, looks, strict=True))
            cells.append("{:.2f} ({:.2f} to {:.2f})".format(*ratios))
        rows.append((model, *cells))
    header = ("model", "one look", "nothing kept / one look", "first training / one look", "second training / one look")
    keep(options.out, f"quick_{options.backend}", results, markdown(header, rows))


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] == "--measure":
        measure(*sys.argv[2:])
    else:
        parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("data", type=Path)
        parser.add_argument("--models", nargs="+", default=["resnet18", "resnet50"])
        parser.add_argument("--backend", default="pytorch")
        parser.add_argument("--epochs", type=int, default=10)
        parser.add_argument("--rounds", type=int, default=3)
        parser.add_argument("--out", type=Path)
        main(parser.parse_args())
