"""Pictures of a few bytes whose headers declare any size and mode, made field by field."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

from PIL import Image

# px; the last are those that 31 and 32 bits hold
SIZES = (
    (0, 0), (0, 10), (1, 1_000_000), (1_000_001, 1), (178_956_970, 1), (13_377, 13_377), (3_000, 2_000), (65_535, 65_535),
    (2**31 - 1, 1), (2**31 - 1, 2**31 - 1), (2**32 - 1, 2**32 - 1),
)  # fmt: skip
DATA = zlib.compress(bytes(2_000))


def png(width: int, height: int, bits: int, colour: int, interlaced: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced)
    palette = chunk(b"PLTE", bytes(3)) if colour == 3 else b""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + palette + chunk(b"IDAT", DATA) + chunk(b"IEND", b"")


def tiff(width: int, height: int, bits: int, samples: int, form: int, compression: int, tiled: bool) -> bytes:
    interpretation = 2 if samples > 1 else 1
    fields = [(256, width), (257, height), (258, bits), (259, compression), (262, interpretation), (277, samples)]
    places = (
        [(322, width), (323, height), (324, 8), (325, len(DATA))]
        if tiled
        else [(273, 8), (278, height), (279, len(DATA))]
    )
    fields = sorted([*fields, *places, (339, form)])
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in fields)
    return b"II*\0" + struct.pack("<I", 8 + len(DATA)) + DATA + struct.pack("<H", len(fields)) + entries + bytes(4)


def bmp(width: int, height: int, bits: int, compression: int) -> bytes:
    header = struct.pack("<IIIHHIIiiII", 40, width, height, 1, bits, compression, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, 54 + 1024) + header + bytes(1024) + DATA


def gif(width: int, height: int) -> bytes:
    size = struct.pack("<HH", min(width, 65_535), min(height, 65_535))
    return b"GIF89a" + size + b"\x80\0\0" + bytes(6) + b"\x2c" + bytes(4) + size + b"\0" + b"\x02\x02\x44\x01\0;"


def jpeg(width: int, height: int, mode: str, progressive: bool) -> bytes:
    """A real picture, whose frame then declares another size."""
    content = bytearray(_encoded("JPEG", mode, progressive=progressive))
    frame = content.index(b"\xff\xc2" if progressive else b"\xff\xc0")
    struct.pack_into(">HH", content, frame + 5, min(height, 65_535), min(width, 65_535))
    return bytes(content)


def webp(width: int, height: int, lossless: bool) -> bytes:
    """As `jpeg`; 14 bits hold each side."""
    content = bytearray(_encoded("WEBP", "RGB", lossless=lossless))
    width, height = min(width, 16_383), min(height, 16_383)
    if lossless:
        struct.pack_into("<I", content, 21, max(width - 1, 0) | max(height - 1, 0) << 14)
    else:
        struct.pack_into("<HH", content, 26, width, height)
    return bytes(content)


def animated_webp(width: int, height: int) -> bytes:
    """The canvas of an animation, whose sides have 24 bits each."""
    frames = [Image.new("RGB", (8, 8), shade) for shade in ("red", "blue")]
    file = io.BytesIO()
    frames[0].save(file, "WEBP", save_all=True, append_images=frames[1:])
    content = bytearray(file.getvalue())
    for place, side in ((24, width), (27, height)):
        content[place : place + 3] = min(max(side - 1, 0), 2**24 - 1).to_bytes(3, "little")
    return bytes(content)


def _encoded(form: str, mode: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.new(mode, (16, 16)).save(file, form, **options)
    return file.getvalue()


def pictures() -> Iterator[tuple[str, bytes]]:
    """Every format and mode in every size."""
    for size in SIZES:
        for bits, colour in ((1, 0), (8, 0), (16, 0), (8, 2), (16, 2), (8, 3), (8, 4), (16, 4), (8, 6), (16, 6)):
            for interlaced in (0, 1):
                yield f"PNG {size} {bits} bits, colour {colour}, {interlaced}", png(*size, bits, colour, interlaced)
        for bits, samples, form in (
            (1, 1, 1),
            (8, 1, 1),
            (16, 1, 1),
            (32, 1, 3),
            (8, 3, 1),
            (8, 4, 1),
            (16, 3, 1),
            (64, 1, 3),
        ):
            for compression in (1, 5, 8, 32_773):
                for tiled in (False, True):
                    name = f"TIFF {size} {samples} x {bits} bits, compression {compression}, {tiled}"
                    yield name, tiff(*size, bits, samples, form, compression, tiled)
        for bits, compression in ((1, 0), (4, 0), (8, 0), (8, 1), (16, 0), (24, 0), (32, 0), (32, 3)):
            yield f"BMP {size} {bits} bits, {compression}", bmp(*size, bits, compression)
        for mode in ("L", "RGB", "CMYK"):
            for progressive in (False, True):
                yield f"JPEG {size} {mode} {progressive}", jpeg(*size, mode, progressive)
        yield f"GIF {size}", gif(*size)
        yield f"WebP {size}", webp(*size, lossless=False)
        yield f"WebP lossless {size}", webp(*size, lossless=True)
        yield f"WebP animated {size}", animated_webp(*size)
