"""What decoding costs and what is lost by the JPEG decoder's own down-scaling, on a folder of images of your own.

    python benchmarks/decoding.py DATA [--side 224] [--repeat 3] [--workers N]

DATA holds one folder of images a class. Three tables:

1. JPEGs that are large enough to be scaled while they are decoded: at once, twice and four times the side, each against
   full decoding; time an image (median of the repeats, the files in memory), and the mean and largest difference of the
   square that comes out, of 255. monklite takes `decode.DRAFT` times the side.
2. The whole set: discovering it, reading every file for its digest, decoding it into a cache, opening the warm cache.
3. One pass over the set in shuffled batches of 32: from the cache, and decoded at each reading (streamed).

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

from monklite.catalog.recipes import cpu_count
from monklite.data import decode, digests, discover
from monklite.data.augment import policy
from monklite.data.batches import Batches
from monklite.data.cache import open_store
from monklite.data.stores import Store

SCALES = (1, 2, 4)  # times the side that is wanted


def timed(work: Callable[[], object], repeat: int) -> float:
    """Median seconds."""
    took = []
    for _ in range(repeat):
        begin = time.perf_counter()
        work()
        took.append(time.perf_counter() - begin)
    return statistics.median(took)


def decoded(path: Path, content: bytes, side: int, scale: int) -> np.ndarray:
    """The square that monklite makes of a JPEG with another scale; 0 decodes it fully."""
    with Image.open(BytesIO(content)) as image:
        if scale:
            image.draft(None, (scale * side, scale * side))
        return np.asarray(decode.to_rgb(image).resize((side, side), Image.Resampling.BILINEAR))


def compare_scales(paths: list[Path], side: int, repeat: int) -> None:
    large = [p for p in paths if _can_be_scaled(p, side)]
    print(f"{len(large)} of {len(paths)} files are JPEGs that can be scaled while they are decoded to {side} px")
    if not large:
        return
    contents = {p: p.read_bytes() for p in large}
    exact = {p: decoded(p, contents[p], side, 0).astype(int) for p in large}
    full = _each(large, contents, side, 0, repeat)
    print(f"{'':20}{'ms an image':>12}{'of full':>10}{'mean error':>12}{'largest':>9}")
    print(f"{'full':20}{full:12.2f}{1:10.2f}{0:12.2f}{0:9d}")
    for scale in SCALES:
        took = _each(large, contents, side, scale, repeat)
        errors = [np.abs(decoded(p, contents[p], side, scale) - exact[p]) for p in large]
        name = f"{scale} x the side" + (" (taken)" if scale == decode.DRAFT else "")
        mean, most = np.mean([e.mean() for e in errors]), max(int(e.max()) for e in errors)
        print(f"{name:20}{took:12.2f}{took / full:10.2f}{mean:12.2f}{most:9d}")


def _can_be_scaled(path: Path, side: int) -> bool:
    with Image.open(path) as image:
        return image.format == "JPEG" and min(image.size) >= 2 * side


def _each(paths: list[Path], contents: dict[Path, bytes], side: int, scale: int, repeat: int) -> float:
    """Milliseconds an image."""
    return 1000 / len(paths) * timed(lambda: [decoded(p, contents[p], side, scale) for p in paths], repeat)


def compare_stores(data: str, side: int, workers: int, repeat: int) -> None:
    samples = discover.from_folders(data)
    n, how = len(samples), policy((), side)
    print(f"\n{n} images, {side} px, {workers} threads")
    row("discover", timed(lambda: discover.from_folders(data), repeat), n)
    row("ask the file system", timed(lambda: digests.recall(samples, None), repeat), n)
    with tempfile.TemporaryDirectory() as folder:
        cold = Path(folder, "cache")
        row("read, decode, write the cache", timed(lambda: open_store(samples, how, cold, workers), 1), n)
        time.sleep(3)  # until the files are old enough to be trusted, should they have been made just now
        open_store(samples, how, cold, workers)
        row("open the warm cache", timed(lambda: open_store(samples, how, cold, workers), repeat), n)
        kept, streamed = (open_store(samples, how, cold, workers, keep=keep)[1] for keep in (True, False))
        row("one epoch from the cache", timed(lambda: epoch(kept, samples.labels, side), repeat), n)
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
