"""The cost of decoding, and the loss from the JPEG decoder's own downscaling, on a folder of your own images.

    python benchmarks/decoding.py DATA [--side 224] [--repeat 3] [--workers N]

DATA holds one folder of images per class. Three tables:

1. JPEGs that are large enough to be scaled while they are decoded: to one, two and four times the side, each against
   full decoding; time per image (median of the repeats, the files in memory), and the mean and largest difference of the
   resulting square, out of 255. monklite uses `decode.DRAFT_FACTOR` times the side.
2. The whole set: discovering it, asking for sizes and times, decoding it into a cache, opening the warm cache.
3. One pass over the set in shuffled batches of 32: from the cache, and decoded each time (streamed).

Run it on an otherwise idle machine.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from monklite.data import decode, digests, discover
from monklite.data.augment import policy
from monklite.data.batches import Batches
from monklite.data.cache import open_store
from monklite.data.stores import Store
from monklite.data.transparency import to_rgb
from monklite.processors import cpu_count

SCALES = (1, 2, 4)  # times the requested side


def timed(work: Callable[[], object], repeat: int) -> float:
    """Median seconds."""
    seconds = []
    for _ in range(repeat):
        begin = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds)


def decoded(path: Path, content: bytes, side: int, scale: int) -> np.ndarray:
    """The square that monklite makes from a JPEG at another scale; 0 decodes it fully."""
    with Image.open(BytesIO(content)) as image:
        if scale:
            image.draft(None, (scale * side, scale * side))
        return np.asarray(to_rgb(image).resize((side, side), Image.Resampling.BILINEAR))


def compare_scales(paths: list[Path], side: int, repeat: int) -> None:
    large = [p for p in paths if _can_be_scaled(p, side)]
    print(f"{len(large)} of {len(paths)} files are JPEGs that can be scaled while they are decoded to {side} px")
    if not large:
        return
    contents = {p: p.read_bytes() for p in large}
    exact = {p: decoded(p, contents[p], side, 0).astype(int) for p in large}
    full = _each(large, contents, side, 0, repeat)
    print(f"{'':20}{'ms per image':>13}{'of full':>10}{'mean error':>12}{'largest':>9}")
    print(f"{'full':20}{full:13.2f}{1:10.2f}{0:12.2f}{0:9d}")
    for scale in SCALES:
        duration = _each(large, contents, side, scale, repeat)
        errors = [np.abs(decoded(p, contents[p], side, scale) - exact[p]) for p in large]
        name = f"{scale} x the side" + (" (used)" if scale == decode.DRAFT_FACTOR else "")
        mean, largest = np.mean([e.mean() for e in errors]), max(int(e.max()) for e in errors)
        print(f"{name:20}{duration:13.2f}{duration / full:10.2f}{mean:12.2f}{largest:9d}")


def _can_be_scaled(path: Path, side: int) -> bool:
    with Image.open(path) as image:
        return image.format == "JPEG" and min(image.size) >= 2 * side


def _each(paths: list[Path], contents: dict[Path, bytes], side: int, scale: int, repeat: int) -> float:
    """Milliseconds per image."""
    return 1000 / len(paths) * timed(lambda: [decoded(p, contents[p], side, scale) for p in paths], repeat)


def compare_stores(data: str, side: int, workers: int, repeat: int) -> None:
    samples = discover.from_folders(data)
    n, plain = len(samples), policy((), side)
    print(f"\n{n} images, {side} px, {workers} threads")
    row("discover", timed(lambda: discover.from_folders(data), repeat), n)
    row("ask for sizes and times", timed(lambda: digests.recall(samples, None), repeat), n)
    with tempfile.TemporaryDirectory() as folder:
        cold = Path(folder, "cache")
        row("read, decode, write the cache", timed(lambda: open_store(samples, plain, cold, workers), 1), n)
        time.sleep(3)  # the times of files changed less than two seconds ago are not trusted
        open_store(samples, plain, cold, workers)
        row("open the warm cache", timed(lambda: open_store(samples, plain, cold, workers), repeat), n)
        cached, streamed = (open_store(samples, plain, cold, workers, keep=keep)[1] for keep in (True, False))
        row("one epoch from the cache", timed(lambda: epoch(cached, samples.labels, side), repeat), n)
        row("one epoch streamed", timed(lambda: epoch(streamed, samples.labels, side), repeat), n)


def epoch(store: Store, labels: np.ndarray, side: int) -> int:
    batches = Batches(store, np.arange(len(labels)), labels, policy((), side), 32, shuffle=True)
    return sum(len(batch) for batch in batches.epoch())


def row(name: str, seconds: float, n: int) -> None:
    print(f"{name:36}{seconds:9.3f} s{n / seconds:12,.0f} images/s", flush=True)


def main(options: argparse.Namespace) -> None:
    samples = discover.from_folders(options.data)
    compare_scales([samples.roots[0] / p for p in samples.paths], options.side, options.repeat)
    compare_stores(options.data, options.side, options.workers or cpu_count(), options.repeat)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--workers", type=int, default=0)
    main(parser.parse_args())
