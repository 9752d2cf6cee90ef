"""How many planted near copies are found, by kind, how many different images are taken for copies, and how long it takes.

    python benchmarks/leaks.py [--images FOLDER] [--copies 300] [--different 1000] [--many 20000] [--out FOLDER]

`found`: the share of copies of each kind that are found beside all originals, for drawn clouds and for the images below --images
(such as real X-rays, which look alike). `false`: pairs reported among --different clouds and, with --images, among the images
themselves; the pairs are listed by name, to be looked at, because real collections have near copies. `seconds`: wall and
processor time of comparing --many thumbnails, all with all and a tenth with all, and of the giveaways of their files.

Measured on 120 copies of each kind: of 1,000 clouds and of 354 X-rays all are found, but for crops of 5 % of the X-rays
(96.7 %), those that are mirrored and recompressed too, and more contrast (99.2 % each); crops of 10 % are more than a near
copy (25 %). False: none of the 499,500 pairs of clouds, one of the 62,481 pairs of X-rays. 20,000 images take 3.4 s of the
processors, a tenth of them with all 0.7 s, the giveaways 1.5 s.
"""

import argparse
import io
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from measure import keep, markdown
from PIL import Image, ImageEnhance

from monklite.data import decode, description, near_duplicates, shortcuts
from monklite.data.description import TRAITS
from monklite.data.listing import EXTENSIONS
from monklite.data.samples import DIGEST, Samples
from monklite.testing.datasets import soft_noise

SIDE = 224


def saved(picture: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image.open(file)


def cropped(picture: Image.Image, rng: np.random.Generator, share: float) -> Image.Image:
    """Without `share` of the width and of the height, taken from either side by chance."""
    (left, top), (width, height) = rng.uniform(0, share, 2), picture.size
    box = (left * width, top * height, (1 - share + left) * width, (1 - share + top) * height)
    return picture.crop([round(edge) for edge in box])


Change = Callable[[Image.Image, np.random.Generator], Image.Image]
KINDS: dict[str, Change] = {
    "exact": lambda p, _: p,
    "half the size": lambda p, _: p.resize((p.width // 2, p.height // 2)),
    "other shape": lambda p, _: p.resize((p.width, 2 * p.height // 3)),
    "JPEG quality 30": lambda p, _: saved(p, 30),
    "mirrored": lambda p, _: p.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "upside down": lambda p, _: p.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    "cropped by 5 %": lambda p, rng: cropped(p, rng, 0.05),
    "cropped by 10 %": lambda p, rng: cropped(p, rng, 0.1),
    "brighter by 30 %": lambda p, _: ImageEnhance.Brightness(p).enhance(1.3),
    "darker by 40 %": lambda p, _: ImageEnhance.Brightness(p).enhance(0.6),
    "contrast 150 %": lambda p, _: ImageEnhance.Contrast(p).enhance(1.5),
    "contrast 60 %": lambda p, _: ImageEnhance.Contrast(p).enhance(0.6),
    "mirrored, cropped by 5 %, JPEG 50": lambda p, rng: saved(
        cropped(p.transpose(Image.Transpose.FLIP_LEFT_RIGHT), rng, 0.05), 50
    ),
}


def thumbnail(picture: Image.Image) -> np.ndarray:
    return description.describe((0.0,) * 7, decode.resize(picture.convert("RGB"), SIDE)).thumbnail


def clouds(n: int, seed: int = 0) -> list[Image.Image]:
    rng = np.random.default_rng(seed)
    return [Image.fromarray(soft_noise(rng, SIDE)) for _ in range(n)]


def found(originals: list[Image.Image], copies: int) -> dict[str, float]:
    """The share of copies that are found, by kind."""
    known, rng, shares = np.stack([thumbnail(p) for p in originals]), np.random.default_rng(0), {}
    for kind, change in KINDS.items():
        changed = np.stack([thumbnail(change(p, rng)) for p in originals[:copies]])
        pairs = near_duplicates.find(np.concatenate([known, changed]), np.arange(len(known), len(known) + len(changed)))
        hits = {(a, b) for a, b in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)}
        shares[kind] = sum((len(known) + i, i) in hits for i in range(len(changed))) / len(changed)
    return shares


def pairs_among(pictures: list[Image.Image], names: list[str]) -> list[str]:
    pairs = near_duplicates.find(np.stack([thumbnail(p) for p in pictures]))
    return [f"{names[a]} and {names[b]}" for a, b in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)]


def timed(work: Callable[[], object]) -> dict[str, float]:
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return {"wall": round(time.perf_counter() - wall, 2), "processor": round(time.process_time() - processor, 2)}


def seconds(many: int) -> dict[str, dict[str, float]]:
    rng = np.random.default_rng(0)
    thumbnails = np.stack([soft_noise(rng, description.THUMBNAIL_SIDE)[:, :, 0] for _ in range(many)])
    traits = rng.normal(size=(many, len(TRAITS))).astype(np.float32)
    names = [str(i) for i in range(many)]
    samples = Samples.from_files(Path(), ("a", "b"), names, np.arange(many) % 2)
    samples = replace(samples, digests=np.array([name.encode() for name in names], DIGEST))
    near_duplicates.find(thumbnails[:100])
    return {
        "near copies, all with all": timed(lambda: near_duplicates.find(thumbnails)),
        "near copies, a tenth with all": timed(lambda: near_duplicates.find(thumbnails, np.arange(many // 10))),
        "giveaways": timed(lambda: shortcuts.probe(samples, traits, np.arange(many))),
    }


def main(options: argparse.Namespace) -> None:
    different = clouds(options.different)
    results: dict = {"found": {"clouds": found(different, options.copies)}, "false": {}}
    results["false"]["clouds"] = pairs_among(different, [f"cloud {i}" for i in range(len(different))])
    if options.images:
        paths = sorted(path for path in options.images.rglob("*") if path.suffix.lower() in EXTENSIONS)
        images = [Image.open(path).convert("RGB") for path in paths]
        results["found"]["images"] = found(images, options.copies)
        results["false"]["images"] = pairs_among(images, [path.name for path in paths])
    results["seconds"] = seconds(options.many)
    rows = [[kind, *(f"{by[kind]:.1%}" for by in results["found"].values())] for kind in KINDS]
    table = markdown(["planted", *results["found"]], rows)
    for name, pairs in results["false"].items():
        table += f"\n\nReported among {name} without planted copies: {'; '.join(pairs) or 'none'}"
    for name, times in results["seconds"].items():
        table += f"\n\n{options.many:,} images, {name}: {times['wall']} s ({times['processor']} s of the processors)"
    keep(options.out, "leaks", results, table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path)
    parser.add_argument("--copies", type=int, default=300)
    parser.add_argument("--different", type=int, default=1000)
    parser.add_argument("--many", type=int, default=20_000)
    parser.add_argument("--out", type=Path)
    main(parser.parse_args())
