"""How much memory does decoding take at most, with several threads and large pictures of every kind?

    python benchmarks/decoding_memory.py [--threads 4] [--pictures 8] [--out FOLDER]

Each kind is a few pictures of the given size, decoded in a process of its own. The peak is that of the process, without what
Python and the libraries take before.
"""

import argparse
import io
import json
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from measure import PeakMemory, in_process, keep, markdown
from PIL import Image
from pillow_heif import register_heif_opener

Image.MAX_IMAGE_PIXELS = None
register_heif_opener()
# kind -> mode, width, height, format, options
KINDS = {
    "RGB PNG, 169 MP": ("RGB", 13_000, 13_000, "PNG", {}),
    "RGB TIFF, 169 MP": ("RGB", 13_000, 13_000, "TIFF", {}),
    "RGBA PNG, 62 MP": ("RGBA", 7_900, 7_900, "PNG", {}),
    "grey 16-bit PNG, 62 MP": ("I;16", 7_900, 7_900, "PNG", {}),
    "CMYK TIFF, 62 MP": ("CMYK", 7_900, 7_900, "TIFF", {}),
    "palette GIF, 62 MP": ("P", 7_900, 7_900, "GIF", {}),
    "WebP, 62 MP": ("RGB", 7_900, 7_900, "WEBP", {"quality": 10, "method": 0}),
    "progressive JPEG, 62 MP": ("RGB", 7_900, 7_900, "JPEG", {"progressive": True}),
    "JPEG, 62 MP": ("RGB", 7_900, 7_900, "JPEG", {}),
    "HEIC, 62 MP": ("RGB", 7_900, 7_900, "HEIF", {"quality": 10}),
    "AVIF, 62 MP": ("RGB", 7_900, 7_900, "AVIF", {"speed": 10}),
    "RGBA AVIF, 24 MP": ("RGBA", 6_000, 4_000, "AVIF", {"speed": 10}),
    "JPEG 2000, 62 MP": ("RGB", 7_900, 7_900, "JPEG2000", {}),
    "grey 16-bit JPEG 2000, 62 MP": ("I;16", 7_900, 7_900, "JPEG2000", {}),
    "RGB PNG, 24 MP": ("RGB", 6_000, 4_000, "PNG", {}),
}


def encoded(kind: str) -> bytes:
    mode, width, height, form, options = KINDS[kind]
    file = io.BytesIO()
    if mode == "I;16":
        Image.fromarray(np.full((height, width), 3000, np.uint16)).save(file, form, **options)
    else:
        Image.new(mode, (width, height), 7 if mode == "P" else tuple(range(40, 40 + len(mode)))).save(
            file, form, **options
        )
    return file.getvalue()


def measure(kind: str, threads: str, pictures: str) -> None:
    """Decode the pictures; prints the peak above the start, MiB, as JSON."""
    from monklite.data import decode

    content = Path(kind).read_bytes()
    decode.decode(content[:100], 224)
    with PeakMemory() as memory, ThreadPoolExecutor(int(threads)) as pool:
        decoded = list(pool.map(lambda _: decode.decode(content, 224), range(int(pictures))))
    problems = {d.problem for d in decoded if d.problem}
    print(json.dumps({"peak": round(memory.grown), "problems": sorted(problems)}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--pictures", type=int, default=8)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind in KINDS:
            file = Path(folder) / "picture"
            file.write_bytes(encoded(kind))
            found = in_process(__file__, "--measure", str(file), str(options.threads), str(options.pictures))
            results[kind] = found
    rows = [(kind, found["peak"], "; ".join(found["problems"])) for kind, found in results.items()]
    keep(options.out, "decoding_memory", results, markdown(("pictures", "peak MiB", "not decoded"), rows))


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] == "--measure":
        measure(*sys.argv[2:])
    else:
        main()
