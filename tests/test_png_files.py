"""PNG files: damage that changes pixels is refused, damage in metadata does not matter."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from test_image_files import NOISE, SIDE, chunk, encoded, pixels_of

from monklite.data import decode
from monklite.data.decode import Oddity
from monklite.data.png_files import PNG_PIXEL_CHUNKS

PALETTE = Image.fromarray(NOISE).convert("P")
FILES = {
    "colours": encoded(Image.fromarray(NOISE), "PNG"),
    # blocks without compression: no decoder notices a changed byte
    "stored": encoded(Image.fromarray(NOISE), "PNG", compress_level=0),
    "palette": encoded(PALETTE, "PNG", transparency=bytes(range(200))),
    "deep": encoded(Image.fromarray(NOISE[..., 0].astype(np.uint16) * 257), "PNG"),
    "animated": encoded(Image.fromarray(NOISE), "PNG", save_all=True, append_images=[Image.new("RGB", (SIDE, SIDE))]),
}


def test_a_changed_bit_of_compressed_pixels_is_noticed() -> None:
    values = np.clip(np.add.outer(np.arange(64), np.arange(64) * 16), 0, 60000).astype(np.uint16)
    content = bytearray(encoded(Image.fromarray(values), "PNG"))
    content[79] ^= 8
    assert decode.decode(bytes(content), 64).problem == "a damaged PNG file (checksum of its chunk IDAT)"


@pytest.mark.parametrize("name", FILES)
def test_no_changed_bit_changes_a_pixel(name: str) -> None:
    content = FILES[name]
    expected = pixels_of(content, 8)
    rng = np.random.default_rng(0)
    # the first chunks whole, and the pixels here and there
    positions = [*range(min(900, len(content))), *rng.integers(0, len(content), 200)]
    for position in positions:
        changed = bytearray(content)
        changed[position] ^= 1 << int(rng.integers(8))
        found = decode.decode(bytes(changed), 8)
        assert found.problem or np.array_equal(found.pixels, expected), position


@pytest.mark.parametrize("name", ["colours", "palette", "deep"])
def test_every_truncation_is_told_as_one(name: str) -> None:
    content = FILES[name]
    # the last twelve bytes only say that it is the end
    for n in [*range(8, min(len(content) - 12, 200)), len(content) - 400, len(content) - 17, len(content) - 13]:
        assert decode.decode(content[:n], 8).problem == f"truncated (the file ends after {n:,} bytes)"
    assert np.array_equal(pixels_of(content[:-12]), pixels_of(content))


@pytest.mark.parametrize(("name", "bit"), [(n, b) for n in PNG_PIXEL_CHUNKS for b in range(8)])
def test_a_chunk_whose_name_is_damaged_is_not_passed_over(name: bytes, bit: int) -> None:
    content = FILES["palette"]
    at = content.index(name)
    for letter in range(4):
        changed = bytearray(content)
        changed[at + letter] ^= 1 << bit
        problem = decode.decode(bytes(changed), 8).problem
        assert problem == f"a damaged PNG file (name of its chunk {name.decode()})"


@pytest.mark.parametrize("name", PNG_PIXEL_CHUNKS)
def test_a_chunk_whose_length_is_damaged_is_told(name: bytes) -> None:
    content = bytearray(FILES["palette"])
    content[content.index(name) - 4] ^= 1
    assert decode.decode(bytes(content), 8).problem == f"a damaged PNG file (length of its chunk {name.decode()})"


def test_an_unknown_chunk_that_pixels_depend_on_is_refused() -> None:
    content = FILES["colours"]
    for name in ("CgBI", "JDAT"):
        changed = content[:33] + chunk(name.encode(), b"?") + content[33:]
        problem = f"a PNG file with a chunk {name}, which is damaged or of no PNG standard"
        assert decode.decode(changed, 8).problem == problem
    problem = decode.decode(content[:33] + chunk(b"\0\1\2\3", b"?") + content[33:], 8).problem
    assert problem == "a damaged PNG file (a chunk has no name, so the length or name of one is damaged)"
    # one that may be passed over
    assert np.array_equal(pixels_of(content[:33] + chunk(b"jDAT", b"?") + content[33:]), NOISE)


def test_damage_behind_the_pixels_does_not_matter() -> None:
    content = FILES["colours"]
    body, end = content[:-12], content[-12:]
    for damaged in (b"anything", chunk(b"tEXt", b"?", checksum=1), chunk(b"\0\0\0\0", b"?", checksum=1), bytes(40)):
        assert np.array_equal(pixels_of(body + damaged + end), NOISE)
    assert np.array_equal(pixels_of(content + b"anything"), NOISE)


def test_a_palette_picture_needs_its_palette() -> None:
    content = FILES["palette"]
    start = content.index(b"PLTE") - 4
    end = content.index(b"tRNS") - 4
    problem = decode.decode(content[:start] + content[end:], 8).problem
    assert problem == "a damaged PNG file (no chunk PLTE, which has its colours)"


def test_pixels_in_several_chunks_are_each_checked() -> None:
    content = FILES["stored"]
    at = content.index(b"IDAT")
    body = content[at + 4 : at + 4 + int.from_bytes(content[at - 4 : at], "big")]
    parts = [chunk(b"IDAT", body[i : i + 500]) for i in range(0, len(body), 500)]
    assert len(parts) > 2
    assert np.array_equal(pixels_of(content[: at - 4] + b"".join(parts) + content[-12:]), NOISE)
    parts[1] = chunk(b"IDAT", body[500:1000], checksum=1)
    problem = decode.decode(content[: at - 4] + b"".join(parts) + content[-12:], 8).problem
    assert problem == "a damaged PNG file (checksum of its chunk IDAT)"


def test_an_animation_shows_its_first_picture_whatever_the_others_are() -> None:
    content = FILES["animated"]
    found = decode.decode(content, SIDE)
    assert (found.problem, found.oddities) == ("", Oddity.SEVERAL)
    assert np.array_equal(found.pixels, NOISE)
    changed = bytearray(content)
    changed[content.index(b"fdAT") + 9] ^= 255
    assert np.array_equal(pixels_of(bytes(changed)), NOISE)
