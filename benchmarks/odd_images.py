"""One image file of every kind that causes trouble in real folders, drawn in code; used by `faults.py`."""

from __future__ import annotations

import os
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

SIDE, ORIENTATION_TAG = 64, 0x0112


def draw_all(images: Path) -> dict[str, str]:
    """Put one file of every kind among the images of two classes; returns path -> kind."""
    first, other = sorted(p.name for p in images.iterdir())[:2]
    kinds = {}
    for kind, (ending, draw) in KINDS.items():
        name = f"{first}/odd {len(kinds):02d}{ending}"
        kinds[name] = kind
        draw(images / name)
    sound = sorted((images / first).glob("*.png"))
    for name, kind in (
        (f"{first}/odd copy.png", "a copy in its class"),
        (f"{other}/odd copy.png", "a copy in another class"),
    ):
        source = next(p for p in sound if not p.name.startswith("odd"))
        shutil.copy(source, images / name)
        sound.remove(source)
        kinds[name] = kind
    return kinds


def picture(mode: str = "RGB", side: int = SIDE) -> Image.Image:
    return Image.fromarray(np.random.default_rng(side).integers(0, 256, (side, side, 3), dtype=np.uint8)).convert(mode)


def truncated(path: Path) -> None:
    picture().save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flipped(path: Path) -> None:
    """Flip one bit of a PNG's pixels, which its checksum reveals."""
    picture().save(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def bomb(path: Path) -> None:
    """A PNG of 40,000 x 40,000 pixels in a few bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(10_000))) + chunk(b"IEND", b""))


def animated(path: Path) -> None:
    picture("P").save(path, save_all=True, append_images=[picture("P", SIDE).rotate(90)])


def sixteen_bits(path: Path) -> None:
    Image.fromarray(np.arange(SIDE * SIDE, dtype=np.uint16).reshape(SIDE, SIDE) * 16).save(path)


def rotated(path: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = 6
    picture().save(path, exif=exif)


def png(path: Path) -> None:
    picture().save(path, "PNG")


def text(path: Path) -> None:
    path.write_text("<html>404 not found</html>")


def folder(path: Path) -> None:
    path.mkdir()


def broken_link(path: Path) -> None:
    path.symlink_to("gone.png")


Draw = Callable[[Path], object]
KINDS: dict[str, tuple[str, Draw]] = {
    "truncated, JPEG": (".jpg", truncated),
    "truncated, PNG": (".png", truncated),
    "one bit flipped, PNG": (".png", flipped),
    "empty": (".png", Path.touch),
    "a web page called .jpg": (".jpg", text),
    "40,000 x 40,000 pixels in a few bytes": (".png", bomb),
    "animated GIF": (".gif", animated),
    "CMYK JPEG": (".jpg", lambda path: picture("CMYK").save(path)),
    "16 bits per pixel": (".png", sixteen_bits),
    "floating point TIFF": (".tif", lambda path: picture("F").save(path)),
    "rotated by EXIF": (".jpg", rotated),
    "transparent": (".png", lambda path: Image.new("RGBA", (SIDE, SIDE), (200, 9, 9, 90)).save(path)),
    "8 x 8 pixels": (".png", lambda path: picture(side=8).save(path)),
    "1 x 1 pixel": (".png", lambda path: Image.new("RGB", (1, 1), (1, 2, 3)).save(path)),
    "200 x 2 pixels": (".png", lambda path: Image.new("RGB", (200, 2), (9, 2, 3)).save(path)),
    "a PNG called .jpg": (".jpg", png),
    "greyscale": (".png", lambda path: picture("L").save(path)),
    "black and white": (".png", lambda path: picture("1").save(path)),
    "palette": (".png", lambda path: picture("P").save(path)),
    "a folder named like an image": (".png", folder),
    "a broken link": (".png", broken_link),
    "a pipe": (".png", os.mkfifo),
    "a name in Chinese": (" 肺.png", lambda path: picture(side=70).save(path)),
    "a text file beside the images": (".txt", text),
}
