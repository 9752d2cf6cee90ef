"""What is read of a file depends on its bytes alone: damaged metadata, layouts of TIFF, and Pillow's switches."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import GifImagePlugin, Image, ImageFile, TiffImagePlugin
from tiffs import tiff

from monklite.data import decode
from monklite.data.decode import Decoded, Oddity
from monklite.data.png_files import PNG_SIGNATURE

SIDE = 24
NOISE = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)


def encoded(image: Image.Image, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def pixels_of(content: bytes, side: int = SIDE) -> np.ndarray:
    found = decode.decode(content, side)
    assert found.problem == ""
    assert found.pixels is not None
    return found.pixels


def chunk(name: bytes, body: bytes, checksum: int | None = None) -> bytes:
    sum_of = zlib.crc32(name + body) if checksum is None else checksum
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", sum_of)


def png(values: np.ndarray, *more: bytes) -> bytes:
    """A PNG of 16 bits, (height, width, 1 to 4 channels), with more chunks before its pixels."""
    height, width, n = values.shape
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, {1: 0, 2: 4, 3: 2, 4: 6}[n], 0, 0, 0))
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    return PNG_SIGNATURE + header + b"".join(more) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


BROKEN_EXIF = [b"broken", b"Exif\0\0broken", b"Exif\0\0II*\0\xff\xff\xff\x7f", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01"]


@pytest.mark.parametrize("exif", BROKEN_EXIF)
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_broken_exif_data_do_not_matter(file_format: str, exif: bytes) -> None:
    options = {"lossless": True} if file_format == "WEBP" else {}
    sound = encoded(Image.fromarray(NOISE), file_format, **options)
    broken = encoded(Image.fromarray(NOISE), file_format, exif=exif, **options)
    assert broken != sound
    found = decode.decode(broken, SIDE)
    assert (found.problem, found.oddities) == ("", Oddity(0))
    assert np.array_equal(found.pixels, pixels_of(sound))


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_broken_profile_does_not_matter(file_format: str) -> None:
    options = {"lossless": True} if file_format == "WEBP" else {}
    sound = encoded(Image.fromarray(NOISE), file_format, **options)
    broken = encoded(Image.fromarray(NOISE), file_format, icc_profile=b"no profile" * 9, **options)
    assert np.array_equal(pixels_of(broken), pixels_of(sound))


def test_a_jpeg_with_damaged_segments_of_metadata_is_read() -> None:
    sound = encoded(Image.fromarray(NOISE), "JPEG")
    segments = [(0xE2, b"ICC_PROFILE\0"), (0xE2, b"MPF\0II"), (0xED, b"Photoshop 3.0\0" + b"8BIM"), (0xE1, b"Exif\0\0")]
    inserted = b"".join(struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body for marker, body in segments)
    assert np.array_equal(pixels_of(sound[:2] + inserted + sound[2:]), pixels_of(sound))


def test_a_tiff_with_a_damaged_directory_of_exif_data_is_read() -> None:
    # the orientation, and a directory behind the end of the file
    content = encoded(Image.fromarray(NOISE), "TIFF", tiffinfo={0x0112: 6, 0x8769: 0x7FFFFFF0})
    assert struct.pack("<HHLL", 0x8769, 4, 1, 0x7FFFFFF0) in content
    assert np.array_equal(pixels_of(content), np.rot90(NOISE, -1))


@pytest.mark.parametrize("name", [b"iCCP", b"eXIf", b"tEXt", b"iTXt", b"gAMA", b"pHYs", b"acTL", b"fcTL"])
def test_a_damaged_chunk_of_metadata_does_not_matter(name: bytes) -> None:
    sound = encoded(Image.fromarray(NOISE), "PNG")
    for damaged in (chunk(name, b"?"), chunk(name, b"anything", checksum=1)):
        assert np.array_equal(pixels_of(sound[:33] + damaged + sound[33:]), NOISE)


def test_a_damaged_chunk_that_the_pixels_depend_on_is_refused() -> None:
    sound = encoded(Image.fromarray(NOISE), "PNG")
    content = sound[:33] + chunk(b"tRNS", bytes(6), checksum=1) + sound[33:]
    assert decode.decode(content, 8).problem == "a damaged PNG file (checksum of its chunk tRNS)"


@pytest.fixture
def switches(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A notebook that has set every switch of Pillow."""
    values = {"LOAD_TRUNCATED_IMAGES": True, "MAXBLOCK": 7, "SAFEBLOCK": 7}
    for name, value in values.items():
        monkeypatch.setattr(ImageFile, name, value)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    monkeypatch.setattr(GifImagePlugin, "LOADING_STRATEGY", GifImagePlugin.LoadingStrategy.RGB_ALWAYS)
    monkeypatch.setattr(TiffImagePlugin, "READ_LIBTIFF", True)
    monkeypatch.setattr(Image, "OPEN", {})
    monkeypatch.setattr(Image, "ID", [])
    yield
    assert {name: getattr(ImageFile, name) for name in values} == values
    assert (Image.MAX_IMAGE_PIXELS, Image.OPEN, Image.ID) == (10, {}, [])


def files() -> dict[str, bytes]:
    colours, grey = Image.fromarray(NOISE), Image.fromarray(NOISE[..., 0])
    deep = Image.fromarray(NOISE[..., 0].astype(np.uint16) * 257)
    large = Image.fromarray(np.kron(NOISE, np.ones((16, 16, 1), np.uint8)))
    kinds = {
        "jpeg": (colours, "JPEG", {}),
        "progressive": (colours, "JPEG", {"progressive": True}),
        "large jpeg": (large, "JPEG", {"quality": 95}),
        "cmyk": (colours.convert("CMYK"), "JPEG", {}),
        "png": (colours, "PNG", {}),
        "palette": (colours.convert("P"), "PNG", {}),
        "deep png": (deep, "PNG", {}),
        "gif": (colours.convert("P"), "GIF", {}),
        "animated": (colours.convert("P"), "GIF", {"save_all": True, "append_images": [grey.convert("P")]}),
        "bmp": (colours, "BMP", {}),
        "rle": (grey.convert("P"), "BMP", {}),
        "tiff": (colours, "TIFF", {}),
        "lzw": (colours, "TIFF", {"compression": "tiff_lzw"}),
        "deep tiff": (deep, "TIFF", {}),
        "webp": (colours, "WEBP", {"lossless": True}),
    }
    return {name: encoded(image, file_format, **options) for name, (image, file_format, options) in kinds.items()}


FILES = files()
# read before any test sets a switch
USUAL = {name: decode.decode(content, SIDE) for name, content in FILES.items()}


def same(one: Decoded, other: Decoded) -> bool:
    equal = one.pixels is other.pixels is None or np.array_equal(one.pixels, other.pixels)  # type: ignore[arg-type]
    return equal and one[1:] == other[1:]


@pytest.mark.parametrize("name", FILES)
def test_switches_of_pillow_change_nothing(switches: None, name: str) -> None:
    assert USUAL[name].problem == ""
    assert same(decode.decode(FILES[name], SIDE), USUAL[name])


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("name", sorted(set(FILES) - {"animated"}))
def test_a_truncated_file_is_refused_whatever_the_switches(
    monkeypatch: pytest.MonkeyPatch, name: str, share: float
) -> None:
    cut = FILES[name][: int(len(FILES[name]) * share)]
    usual = decode.decode(cut, SIDE)
    assert usual.problem
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    assert same(decode.decode(cut, SIDE), usual)


@given(name=st.sampled_from(sorted(FILES)), position=st.integers(0, 10**6), value=st.integers(0, 255))
def test_a_damaged_file_is_read_alike_whatever_the_switches(name: str, position: int, value: int) -> None:
    content = bytearray(FILES[name])
    content[position % len(content)] = value
    usual = decode.decode(bytes(content), 8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
        patch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
        assert same(decode.decode(bytes(content), 8), usual)


def test_a_switch_that_another_thread_sets_all_the_time_changes_nothing() -> None:
    cut = FILES["jpeg"][: len(FILES["jpeg"]) // 2]
    before = ImageFile.LOAD_TRUNCATED_IMAGES

    def flip(i: int) -> bool:
        ImageFile.LOAD_TRUNCATED_IMAGES = bool(i % 2)
        return decode.decode(cut, 8).problem != ""

    try:
        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(flip, range(400)))
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before


def test_pillow_itself_still_obeys_its_switches(monkeypatch: pytest.MonkeyPatch) -> None:
    cut = io.BytesIO(FILES["large jpeg"][: len(FILES["large jpeg"]) // 2])
    with pytest.raises(OSError, match="(?i)truncated"):
        Image.open(cut).load()
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    Image.open(cut).load()


LAYOUTS = st.fixed_dictionaries(
    {name: st.booleans() for name in ("big_endian", "tiled", "deflate")} | {"rows": st.integers(1, 50)}
)
# type, bits, largest value, as which it is scaled
GREY_KINDS = [
    (np.uint16, 1, 1),
    (np.uint16, 2, 3),
    (np.uint16, 4, 15),
    (np.uint8, 8, 255),
    (np.uint16, 16, 65535),
    (np.uint32, 32, 2**32 - 1),
    (np.int32, 32, 2**31 - 1),
    (np.float32, 32, 1.0),
]


def random_values(seed: int, channels: int, top: float, kind: type) -> np.ndarray:
    """Values from 0 to `top`, both of which occur in every channel."""
    values = np.random.default_rng(seed).random((SIDE, SIDE, channels)) * top
    values[0, 0], values[1, 1] = 0, top
    if np.dtype(kind).kind != "f":
        values = np.minimum(np.rint(values), top)
    return values.astype(kind)


def scaled(values: np.ndarray, top: float) -> np.ndarray:
    return np.rint(values.astype(np.float64) / top * 255)


@given(layout=LAYOUTS, kind=st.sampled_from(GREY_KINDS), white_is_zero=st.booleans(), seed=st.integers(0, 99))
def test_grey_tiff_of_every_depth_and_layout(
    layout: dict, kind: tuple[type, int, float], white_is_zero: bool, seed: int
) -> None:
    dtype, bits, top = kind
    values = random_values(seed, 1, top, dtype)
    expected = scaled(values, top)
    content = tiff(values, bits, photometric=0 if white_is_zero else 1, **layout)
    assert np.array_equal(pixels_of(content)[..., :1], 255 - expected if white_is_zero else expected)


@given(layout=LAYOUTS, planar=st.booleans(), alpha=st.booleans(), deep=st.booleans(), seed=st.integers(0, 99))
def test_colour_tiff_of_every_layout(layout: dict, planar: bool, alpha: bool, deep: bool, seed: int) -> None:
    top, dtype = (65535, np.uint16) if deep else (255, np.uint8)
    values = random_values(seed, 4 if alpha else 3, top, dtype)
    if alpha:
        values[..., 3] = top
    content = tiff(values, planar=planar, extra=(2,) if alpha else (), **layout)
    error = np.abs(pixels_of(content) - scaled(values[..., :3], top)).max()
    # of compressed planes, Pillow gives the upper bytes only
    assert error <= (1 if deep and planar and layout["deflate"] else 0)


def test_white_is_zero_of_12_bits_in_16_keeps_its_range() -> None:
    values = np.linspace(0, 4095, SIDE * SIDE).reshape(SIDE, SIDE).astype(np.uint16)
    found = decode.decode(tiff(values, photometric=0), SIDE)
    assert found.oddities == Oddity.DEEP | Oddity.WHITE_IS_ZERO
    assert np.array_equal(found.pixels[..., 0], 255 - scaled(values, 4095))


@pytest.mark.parametrize(
    ("values", "bits", "problem"),
    [
        (np.zeros((4, 4), np.int8), 8, "1 channels of 8 bits (integers with sign)"),
        (np.zeros((4, 4), np.float64), 64, "1 channels of 64 bits (floats)"),
        (np.zeros((4, 4, 3), np.float32), 32, "3 channels of 32 bits (floats)"),
    ],
)
def test_a_tiff_that_pillow_cannot_read_is_explained(values: np.ndarray, bits: int, problem: str) -> None:
    remedy = "which is not read: save it with 8 or 16 bits without sign, or as grey floats of 32 bits"
    assert decode.decode(tiff(values, bits), 4).problem == f"a TIFF file of {problem}, {remedy}"


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("top", [4095, 65535])
def test_png_of_16_bits_is_scaled_and_not_cut(channels: int, top: int) -> None:
    values = random_values(0, channels, top, np.uint16)
    if channels in (2, 4):
        values[..., -1] = 65535
    grey = channels < 3
    expected = np.broadcast_to(scaled(values[..., : 1 if grey else 3], top), (SIDE, SIDE, 3))
    found = decode.decode(png(values), SIDE)
    assert found.oddities == Oddity.DEEP
    assert np.array_equal(found.pixels, expected)


@pytest.mark.parametrize("channels", [2, 4])
def test_alpha_of_16_bits_is_laid_on_white(channels: int) -> None:
    values = np.full((SIDE, SIDE, channels), 65535, np.uint16)
    values[..., :-1] = 0
    values[: SIDE // 2, :, -1] = 0
    found = decode.decode(png(values), SIDE)
    assert found.oddities == Oddity.DEEP | Oddity.TRANSPARENT
    assert (found.pixels[: SIDE // 2] == 255).all()
    assert (found.pixels[SIDE // 2 :] == 0).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_a_transparent_colour_of_16_bits_is_compared_in_16_bits(channels: int) -> None:
    values = np.full((SIDE, SIDE, channels), 513, np.uint16)
    values[0, 0], values[-1, -1] = 512, 65535
    found = decode.decode(png(values, chunk(b"tRNS", struct.pack(f">{channels}H", *[512] * channels))), SIDE)
    assert found.oddities == Oddity.DEEP | Oddity.TRANSPARENT
    assert (found.pixels[0, 0] == 255).all()
    assert (found.pixels[0, 1] == 2).all()


def test_ycck_and_cmyk_with_an_adobe_marker_come_out_alike() -> None:
    red = encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=100)
    assert b"Adobe" in red
    assert np.abs(pixels_of(red, 8).astype(int) - (255, 0, 0)).max() <= 3


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"\xff\x0a" + bytes(20), "a JPEG XL picture"),
        (bytes(128) + b"DICM" + bytes(20), "a DICOM file"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
        (b"\n<!DOCTYPE html><html>", "an HTML page"),
    ],
)
def test_a_file_of_another_format_is_named(content: bytes, named: str) -> None:
    problem = decode.decode(content, 8).problem
    assert problem.startswith(f"it is {named}")
    assert problem.endswith(
        "which is not read: convert it to PNG or JPEG (read are JPEG, PNG, BMP, TIFF, WEBP, GIF, AVIF, HEIC, JPEG 2000)"
    )
