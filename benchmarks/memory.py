"""Does memory grow with the number of images? The data path, or a whole training, with 1,000 to 100,000 images.

    python benchmarks/memory.py [--images 1000 10000 100000] [--train] [--folder FOLDER] [--out FOLDER]

100 small JPEG files under many names (hard links) are decoded into the cache and read through for one epoch, training and
validation, at 32 px and batch 64; --train trains resnet18 on them instead. Each number of images has a process and a workspace
of its own; all files are removed afterwards. Memory is the peak private memory of the process, without the pages of mapped
files, which the system reclaims when it needs them.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from measure import PeakMemory, in_process, keep, markdown

FILES, CLASSES, SIDE, BATCH = 100, 10, 32, 64


def make(folder: Path, images: int) -> None:
    """`images` names for a few JPEG files of 64 px, in class folders."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    (folder / "files").mkdir()
    for i in range(FILES):
        Image.fromarray(rng.integers(0, 256, (64, 64, 3), np.uint8)).save(folder / "files" / f"{i}.jpeg")
    for k in range(CLASSES):
        (folder / "images" / f"class-{k}").mkdir(parents=True)
    for i in range(images):
        os.link(folder / "files" / f"{i % FILES}.jpeg", folder / "images" / f"class-{i % CLASSES}" / f"{i:07d}.jpeg")


def measure(folder: str, train: bool) -> None:
    """Print seconds, peak MiB of the process, and its growth while reading the images, as JSON."""
    import torch  # noqa: F401 (imports are not measured)

    from monklite import Prototype

    begin = time.perf_counter()
    ptf = Prototype("p", "e", workspace=Path(folder, "workspace"), verbose=0)
    ptf.Dataset_Params(dataset_path=Path(folder, "images"), split=0.9, input_size=SIDE, batch_size=BATCH)
    with PeakMemory() as memory:
        ptf.Dataset()
        if train:
            ptf.Model_Params(model_name="resnet18", freeze_base_network=False, use_pretrained=False)
            ptf.Model()
            ptf.Training_Params(1, False, False, False)
            ptf.Train()
        else:
            data = ptf._experiment.data
            assert sum(len(batch) for subset in (data.train, data.val) for batch in subset.epoch()) > 0
    print(json.dumps({"seconds": time.perf_counter() - begin, "mib": memory.peak, "grown": memory.grown}))


def main(options: argparse.Namespace) -> None:
    results, rows = {}, []
    for images in options.images:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            make(Path(folder), images)
            flags = ["--train"] if options.train else []
            figures = results[images] = in_process(__file__, "--measure", folder, *flags)
        bytes_each = 2**20 * (figures["grown"] - results[options.images[0]]["grown"]) / images
        rows.append((f"{images:,}", *(f"{figures[k]:.0f}" for k in ("seconds", "mib", "grown")), f"{bytes_each:.0f}"))
    header = ("images", "s", "peak, MiB", "growth, MiB", "bytes per image beyond the first row")
    keep(options.out, "memory", {"train": options.train, "images": results}, markdown(header, rows))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2], "--train" in sys.argv)
        sys.exit()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--train", action="store_true")
    parser.add_argument("--folder", type=Path, help="where to create the images; default: the temporary folder")
    parser.add_argument("--out", type=Path)
    main(parser.parse_args())
