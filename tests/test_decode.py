"""One file to one uint8 array: modes, depths, orientations and broken files."""

from __future__ import annotations

import errno
import re
import struct
import tracemalloc
import warnings
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monklite.catalog.transforms import TRANSFORMS
from monklite.data import decode, depth, image_files, pillow_warnings, transparency, webp_files
from monklite.data.decode import Decoded, Oddity
from monklite.data.optional_formats import OPTIONAL_FORMATS
from monklite.errors import NotFound, UnreadableImage

# Pictures as they are stored for each EXIF orientation (CIPA DC-008, 4.6.5), from the upright one.
TURNS = {
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.swapaxes(0, 1),
    6: lambda p: p[:, ::-1].swapaxes(0, 1),
    7: lambda p: p[::-1, ::-1].swapaxes(0, 1),
    8: lambda p: p[::-1].swapaxes(0, 1),
}
LOSSLESS = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}}


def picture(width: int = 24, height: int = 16) -> np.ndarray:
    """A gradient with one bright corner: no two of its eight orientations look alike."""
    y, x = np.mgrid[:height, :width]
    pixels = np.stack([x * 200 // width, y * 200 // height, (x + y) * 100 // (width + height)], axis=2)
    pixels[: height // 3, : width // 3] = 255
    return pixels.astype(np.uint8)


def save(image: Image.Image, path: Path, **options: object) -> Path:
    image.save(path, **options)
    return path


def decoded(path: Path, *arguments: object, **named: object) -> Decoded:
    """A file read and decoded."""
    content, problem = decode.read_file(path)
    return Decoded(None, problem=problem) if problem else decode.decode(content, *arguments, **named)


def png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    end = struct.pack(">I", 0) + b"IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body)) + end


def chain(*steps: tuple[str, int]) -> list:
    return [TRANSFORMS[name].choose("pytorch", {"input_size": size}) for name, size in steps]


@pytest.mark.parametrize("ending", ["png", "bmp", "tif"])
def test_an_rgb_file_keeps_its_pixels(tmp_path: Path, ending: str) -> None:
    pixels, size = decode.load(save(Image.fromarray(picture(16, 16)), tmp_path / f"a.{ending}"), 16)
    assert (pixels.dtype, pixels.shape, size) == (np.uint8, (16, 16, 3), (16, 16))
    assert pixels.tolist() == picture(16, 16).tolist()


def test_the_picture_is_squeezed_into_a_square_and_its_size_told(tmp_path: Path) -> None:
    pixels, size = decode.load(save(Image.fromarray(picture(30, 12)), tmp_path / "a.png"), 8)
    assert (pixels.shape, size) == ((8, 8, 3), (30, 12))


def test_grey_becomes_three_equal_channels(tmp_path: Path) -> None:
    grey = picture(16, 16)[..., 0]
    pixels, _ = decode.load(save(Image.fromarray(grey), tmp_path / "a.png"), 16)
    assert all((pixels[..., c] == grey).all() for c in range(3))


def test_one_bit_becomes_black_and_white(tmp_path: Path) -> None:
    bits = np.indices((8, 8)).sum(0) % 2 == 0
    pixels, _ = decode.load(save(Image.fromarray(bits), tmp_path / "a.png"), 8)
    assert pixels[..., 1].tolist() == (bits * 255).tolist()


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_pixels_become_white(tmp_path: Path, mode: str) -> None:
    image = Image.new("RGBA", (8, 8), (0, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, 4, 8))
    pixels, _ = decode.load(save(image.convert(mode), tmp_path / "a.png"), 8)
    assert (pixels[:, :4] == 255).all()
    assert (pixels[:, 4:] == 0).all()


def test_half_transparent_pixels_are_mixed_with_white(tmp_path: Path) -> None:
    image = Image.new("RGBA", (4, 4), (255, 0, 0, 51))
    pixels, _ = decode.load(save(image, tmp_path / "a.png"), 4)
    assert pixels[0, 0].tolist() == [255, 204, 204]


@pytest.mark.parametrize("ending", ["png", "gif"])
def test_a_transparent_palette_colour_becomes_white(tmp_path: Path, ending: str) -> None:
    image = Image.new("P", (8, 8), 1)
    image.putpalette([0, 0, 0, 255, 0, 0])
    image.paste(0, (0, 0, 4, 8))
    pixels, _ = decode.load(save(image, tmp_path / f"a.{ending}", transparency=0), 8)
    assert (pixels[:, :4] == 255).all()
    assert (pixels[:, 4:] == (255, 0, 0)).all()


def test_a_transparent_colour_of_an_rgb_file_becomes_white(tmp_path: Path) -> None:
    pixels, _ = decode.load(save(Image.new("RGB", (4, 4), (9, 8, 7)), tmp_path / "a.png", transparency=(9, 8, 7)), 4)
    assert (pixels == 255).all()


@pytest.mark.parametrize("ending", ["jpg", "tif"])
def test_cmyk_becomes_rgb(tmp_path: Path, ending: str) -> None:
    pixels, _ = decode.load(save(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), tmp_path / f"a.{ending}"), 8)
    assert np.abs(pixels.astype(int) - (255, 0, 0)).max() <= 3


@pytest.mark.parametrize("ending", ["png", "tif"])
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_deep_grey_keeps_its_range(tmp_path: Path, bits: int, ending: str) -> None:
    ramp = np.linspace(0, 2**bits - 1, 64).reshape(8, 8)
    pixels, _ = decode.load(save(Image.fromarray(ramp.astype(np.uint16)), tmp_path / f"a.{ending}"), 8)
    assert np.abs(pixels[..., 0] - ramp / (2**bits - 1) * 255).max() <= 1


@pytest.mark.parametrize(("least", "most"), [(0, 1), (0, 255), (0, 4095), (-1, 1), (-1024, 4095), (0, 1e6)])
def test_float_tiff_keeps_its_range(tmp_path: Path, least: float, most: float) -> None:
    ramp = np.linspace(least, most, 64, dtype=np.float32).reshape(8, 8)
    pixels, _ = decode.load(save(Image.fromarray(ramp), tmp_path / "a.tif"), 8)
    assert np.abs(pixels[..., 0] - np.linspace(0, 255, 64).reshape(8, 8)).max() <= 1


def test_not_a_number_becomes_black(tmp_path: Path) -> None:
    ramp = np.ones((4, 4), np.float32)
    ramp[0, 0] = np.nan
    pixels, _ = decode.load(save(Image.fromarray(ramp), tmp_path / "a.tif"), 4)
    assert pixels[0, 0].tolist() == [0, 0, 0]
    assert (pixels[1:] == 255).all()


def test_a_black_deep_picture_stays_black(tmp_path: Path) -> None:
    pixels, _ = decode.load(save(Image.fromarray(np.zeros((4, 4), np.uint16)), tmp_path / "a.png"), 4)
    assert (pixels == 0).all()


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_files_come_out_upright(tmp_path: Path, orientation: int, file_format: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(TURNS[orientation](picture(24, 16))))
    stored.save(tmp_path / "turned", file_format, exif=exif, **LOSSLESS.get(file_format, {}))
    pixels, size = decode.load(tmp_path / "turned", 16)
    upright, _ = decode.load(save(Image.fromarray(picture(24, 16)), tmp_path / "upright.png"), 16)
    assert size == (24, 16)
    assert np.abs(pixels.astype(int) - upright).mean() < 2


@pytest.mark.parametrize(
    ("orientation", "size"), [(1, (1200, 900)), (3, (1200, 900)), (6, (900, 1200)), (8, (900, 1200))]
)
def test_a_large_jpeg_tells_its_full_upright_size(tmp_path: Path, orientation: int, size: tuple[int, int]) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(Image.fromarray(picture(1200, 900)), tmp_path / "a.jpg", exif=exif, quality=95)
    assert decode.load(path, 32)[1] == size


def test_a_large_jpeg_looks_like_the_same_file_without_loss(tmp_path: Path) -> None:
    image = Image.fromarray(picture(1200, 900))
    small, _ = decode.load(save(image, tmp_path / "a.jpg", quality=95), 32)
    exact, _ = decode.load(save(image, tmp_path / "a.png"), 32)
    assert np.abs(small.astype(int) - exact).mean() < 1


def test_the_first_frame_of_an_animation_is_taken(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    path = save(frames[0], tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert decode.load(path, 4)[0][0, 0].tolist() == [255, 0, 0]


def test_resize_before_storing_is_pillows(tmp_path: Path) -> None:
    image = Image.fromarray(picture(40, 20))
    pixels, size = decode.load(save(image, tmp_path / "a.png"), 10, chain(("resize", 10)))
    assert size == (10, 10)
    assert pixels.tolist() == np.asarray(image.resize((10, 10), Image.Resampling.BILINEAR)).tolist()


def test_center_crop_before_storing_cuts_the_middle(tmp_path: Path) -> None:
    pixels, size = decode.load(
        save(Image.fromarray(picture(40, 20)), tmp_path / "a.png"), 10, chain(("center_crop", 10))
    )
    assert size == (10, 10)
    assert pixels.tolist() == picture(40, 20)[5:15, 15:25].tolist()


def test_center_crop_of_a_smaller_picture_takes_all_of_it(tmp_path: Path) -> None:
    path = save(Image.fromarray(picture(40, 20)), tmp_path / "a.png")
    pixels, size = decode.load(path, 30, chain(("center_crop", 30)))
    assert (pixels.shape, size) == ((30, 30, 3), (30, 20))


def test_steps_are_done_in_their_order(tmp_path: Path) -> None:
    path = save(Image.fromarray(picture(40, 20)), tmp_path / "a.png")
    pixels, _ = decode.load(path, 10, chain(("resize", 20), ("center_crop", 10)))
    resized = Image.fromarray(picture(40, 20)).resize((20, 20), Image.Resampling.BILINEAR)
    assert pixels.tolist() == np.asarray(resized)[5:15, 5:15].tolist()


def test_a_large_jpeg_is_cropped_at_full_resolution(tmp_path: Path) -> None:
    path = save(Image.fromarray(picture(800, 800)), tmp_path / "a.jpg", quality=100, subsampling=0)
    pixels, size = decode.load(path, 16, chain(("center_crop", 16)))
    assert size == (16, 16)
    assert np.abs(pixels.astype(int) - picture(800, 800)[392:408, 392:408]).max() <= 4


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"gone\.png is not there"):
        decode.load(tmp_path / "gone.png", 8)


@pytest.mark.parametrize("ending", ["jpg", "png", "tif", "webp"])
def test_a_truncated_file_is_refused(tmp_path: Path, ending: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    path = save(Image.fromarray(noise), tmp_path / f"a.{ending}")
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(UnreadableImage, match=rf"a\.{ending} cannot be read: "):
        decode.load(path, 8)


@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_a_truncated_file_is_told_with_its_length(tmp_path: Path, ending: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    path = save(Image.fromarray(noise), tmp_path / f"a.{ending}")
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(UnreadableImage, match=r"truncated \(the file ends after 3,000 bytes\)"):
        decode.load(path, 8)


def test_an_empty_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    with pytest.raises(UnreadableImage, match=r"a\.png cannot be read: the file is empty \(0 bytes\)"):
        decode.load(tmp_path / "a.png", 8)


@pytest.mark.parametrize("content", [b"just text", b"<svg></svg>", b"P6 2 2 255\n" + b"\7" * 12, b"\0" * 500])
def test_a_file_that_is_no_picture_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(
        UnreadableImage, match="it is not an image in any of the formats JPEG, PNG, BMP, TIFF, WEBP, GIF"
    ):
        decode.load(tmp_path / "a.png", 8)


def test_too_many_pixels_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png_header(20_000, 20_000))
    # the message no longer depends on Pillow's own limit, which a notebook may set
    with pytest.raises(UnreadableImage, match="20000 x 20000 px, more than 178,956,970 in all"):
        decode.load(tmp_path / "a.png", 8)


def test_too_many_pixels_are_refused_where_pillows_limit_is_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    (tmp_path / "a.png").write_bytes(png_header(20_000, 20_000))
    with pytest.raises(UnreadableImage, match="20000 x 20000 px, more than 178,956,970 in all"):
        decode.load(tmp_path / "a.png", 8)


def test_a_folder_with_an_images_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    with pytest.raises(UnreadableImage, match=r"a\.png cannot be read"):
        decode.load(tmp_path / "a.png", 8)


def oddities(image: Image.Image, path: Path, least: int = 0, **options: object) -> Oddity:
    return decoded(save(image, path, **options), 8, smallest_side=least).oddities


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


GREY = Image.fromarray(picture()[..., 0])
RGB = Image.fromarray(picture())


@pytest.mark.parametrize(
    ("image", "ending"),
    [
        *((RGB, ending) for ending in ("png", "jpg", "bmp", "tif", "webp", "gif")),
        (GREY, "png"),
        (GREY, "jpg"),
        (RGB.convert("RGBA"), "png"),
        (RGB.convert("P"), "png"),
        (GREY.convert("1"), "png"),
    ],
)
def test_nothing_is_noted_of_a_usual_file(tmp_path: Path, image: Image.Image, ending: str) -> None:
    assert oddities(image, tmp_path / f"a.{ending}", least=16) == Oddity(0)


@pytest.mark.parametrize("ending", ["jpg", "tif"])
def test_cmyk_is_noted(tmp_path: Path, ending: str) -> None:
    assert oddities(RGB.convert("CMYK"), tmp_path / f"a.{ending}") == Oddity.CMYK


@pytest.mark.parametrize("kind", [np.uint16, np.int32, np.float32])
def test_more_than_8_bits_are_noted(tmp_path: Path, kind: type) -> None:
    assert oddities(Image.fromarray(picture()[..., 0].astype(kind)), tmp_path / "a.tif") == Oddity.DEEP


def test_16_bit_colours_are_noted(tmp_path: Path) -> None:
    row = b"\0" + struct.pack(">12H", *range(0, 60000, 5000))
    body = zlib.compress(row * 4)
    chunk = struct.pack(">I", len(body)) + b"IDAT" + body + struct.pack(">I", zlib.crc32(b"IDAT" + body))
    head = b"IHDR" + struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0)
    whole = png_header(4, 4)
    start = whole[:12] + head + struct.pack(">I", zlib.crc32(head))
    (tmp_path / "a.png").write_bytes(start + chunk + whole[-12:])
    found = decoded(tmp_path / "a.png", 4)
    assert found.oddities == Oddity.DEEP
    assert found.pixels is not None
    assert found.pixels[0, 3].tolist() == [round(v / 65535 * 255) for v in (45000, 50000, 55000)]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["jpg", "png", "tif", "webp"])
def test_turned_files_are_noted(tmp_path: Path, orientation: int, ending: str) -> None:
    found = oddities(RGB, tmp_path / f"a.{ending}", exif=turned(orientation))
    assert found == (Oddity(0) if orientation == 1 else Oddity.TURNED)


def test_real_transparency_is_noted(tmp_path: Path) -> None:
    image = RGB.convert("RGBA")
    image.putpixel((3, 3), (0, 0, 0, 254))
    assert oddities(image, tmp_path / "a.png") == Oddity.TRANSPARENT
    palette = Image.new("P", (8, 8), 1)
    palette.putpalette([0, 0, 0, 255, 0, 0])
    assert oddities(palette, tmp_path / "b.png", transparency=0) == Oddity(0)  # declared, and no pixel has it
    palette.putpixel((0, 0), 0)
    assert oddities(palette, tmp_path / "c.png", transparency=0) == Oddity.TRANSPARENT


@pytest.mark.parametrize("ending", ["gif", "png", "tif", "webp"])
def test_several_pictures_in_one_file_are_noted_and_the_first_is_taken(tmp_path: Path, ending: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue", "lime")]
    found = decoded(save(frames[0], tmp_path / f"a.{ending}", save_all=True, append_images=frames[1:]), 4)
    assert found.oddities == Oddity.SEVERAL
    assert found.pixels is not None
    assert np.abs(found.pixels[0, 0].astype(int) - (255, 0, 0)).max() <= 3


@pytest.mark.parametrize("ending", ["gif", "tif"])
def test_damage_behind_the_first_picture_does_not_matter(tmp_path: Path, ending: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (2, 64, 64, 3), dtype=np.uint8)
    frames = [Image.fromarray(n) for n in noise]
    path = save(frames[0], tmp_path / f"a.{ending}", save_all=True, append_images=frames[1:])
    whole = decoded(path, 8)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.7)])
    cut = decoded(path, 8)
    assert cut.problem == ""
    assert np.array_equal(cut.pixels, whole.pixels)


def test_a_camera_file_with_a_preview_behind_the_photograph_is_a_jpeg(tmp_path: Path) -> None:
    large = Image.fromarray(picture(1200, 900))
    path = tmp_path / "a.jpg"
    large.save(path, "MPO", save_all=True, append_images=[large.resize((120, 90))], quality=95)
    with Image.open(path) as opened:
        assert opened.format == "MPO"
    found = decoded(path, 32)
    plain = decoded(save(large, tmp_path / "b.jpg", quality=95), 32)
    assert (found.oddities, found.size) == (Oddity(0), (1200, 900))
    assert np.array_equal(found.pixels, plain.pixels)


@pytest.mark.parametrize(("least", "small"), [(15, False), (16, False), (17, True), (24, True), (25, True)])
def test_a_side_shorter_than_the_input_is_noted(tmp_path: Path, least: int, small: bool) -> None:
    assert oddities(RGB, tmp_path / "a.png", least) == (Oddity.SMALL if small else Oddity(0))


def test_a_large_jpeg_is_not_small_when_it_is_scaled_while_decoding(tmp_path: Path) -> None:
    assert oddities(Image.fromarray(picture(1200, 900)), tmp_path / "a.jpg", 900) == Oddity(0)


def test_several_things_are_noted_of_one_file(tmp_path: Path) -> None:
    found = oddities(RGB.convert("CMYK"), tmp_path / "a.jpg", 200, exif=turned(6))
    assert found == Oddity.CMYK | Oddity.TURNED | Oddity.SMALL


def test_the_problem_does_not_hold_the_path(tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    assert decoded(tmp_path / "a.png", 8)[:4] == (None, (0, 0), Oddity(0), "Is a directory")


@pytest.mark.parametrize("ending", ["bmp", "gif", "tif", "webp", "png"])
def test_too_many_pixels_are_refused_in_every_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    path = save(RGB, tmp_path / f"a.{ending}")
    monkeypatch.setattr(decode, "MAX_PIXELS", 24 * 16 - 1)
    assert decoded(path, 8).problem == "24 x 16 px, more than 383 in all"
    monkeypatch.setattr(decode, "MAX_PIXELS", 24 * 16)
    assert decoded(path, 8).problem == ""


def huge_gif() -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0) + b"\x2c" + bytes(9) + b"\x02\x02\x44\x01\0;"


def huge_bmp() -> bytes:
    return b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 100_000, 100_000, 1, 24, 0, 0, 0, 0, 0, 0)


def huge_tiff() -> bytes:
    fields = ((256, 100_000), (257, 100_000), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, 1), (279, 1))
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in fields)
    return b"II*\0" + struct.pack("<IH", 8, len(fields)) + entries + bytes(4)


@pytest.mark.parametrize("make", [huge_gif, huge_bmp, huge_tiff])
def test_a_huge_canvas_in_a_small_file_is_refused_before_it_is_made(tmp_path: Path, make: Callable[[], bytes]) -> None:
    (tmp_path / "a").write_bytes(make())
    tracemalloc.start()
    found = decoded(tmp_path / "a", 8)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.problem.endswith(" px, more than 178,956,970 in all")
    assert peak < 20_000_000


def test_text_that_swells_in_a_png_is_refused(tmp_path: Path) -> None:
    body = b"iTXtcomment\0\1\0\0\0" + zlib.compress(bytes(50_000_000))
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    whole = png_header(8, 8)
    (tmp_path / "a.png").write_bytes(whole[:33] + chunk * 20 + whole[33:])
    tracemalloc.start()
    assert decoded(tmp_path / "a.png", 8).pixels is None
    assert tracemalloc.get_traced_memory()[1] < 100_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("kind", [np.uint16, np.float32])
def test_deep_pictures_of_many_strips_come_out_as_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type
) -> None:
    values = np.random.default_rng(0).normal(3000, 800, (50, 40)).clip(0).astype(kind)
    values[-1, -1], values[0, 0] = 60_000, 0
    path = save(Image.fromarray(values), tmp_path / "a.tif")
    whole = decoded(path, 50, chain(("resize", 50)))
    monkeypatch.setattr(depth, "STRIP_PIXELS", 100)
    assert np.array_equal(decoded(path, 50, chain(("resize", 50))).pixels, whole.pixels)
    assert whole.pixels is not None and whole.pixels.max() > 200


def test_a_large_deep_picture_needs_little_more_memory_than_its_pixels(tmp_path: Path) -> None:
    path = save(Image.new("F", (4000, 3000), 0.5), tmp_path / "a.tif", compression="tiff_lzw")
    tracemalloc.start()
    assert decoded(path, 8).oddities == Oddity.DEEP
    peak = tracemalloc.get_traced_memory()[1]  # what Pillow hands over twice, 1 byte written, and a strip
    tracemalloc.stop()
    assert peak < 12_000_000 * 10


@pytest.mark.parametrize("error", [struct.error("unpack"), OverflowError("too large"), IndexError(), RuntimeError("x")])
def test_whatever_a_decoder_raises_is_a_file_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    path = save(RGB, tmp_path / "a.png")
    monkeypatch.setattr(Image.Image, "resize", fail)
    with pytest.raises(UnreadableImage, match=rf"a\.png cannot be read: {str(error) or 'IndexError'}$"):
        decode.load(path, 8)


@pytest.mark.parametrize(
    ("mode", "options", "bytes_per_pixel"),
    [("RGB", {}, 4), ("RGBA", {}, 8), ("L", {}, 8), ("I;16", {}, 20), ("turned", {}, 8)],
)
def test_memory_is_taken_before_a_picture_is_decoded(
    tmp_path: Path, monkeypatch, mode, options, bytes_per_pixel
) -> None:
    if mode == "turned":
        mode, options = "RGB", {"exif": turned(6)}
    picture = Image.fromarray(np.zeros((24, 16), np.uint16)) if mode == "I;16" else RGB.convert(mode).resize((16, 24))
    path, used = save(picture, tmp_path / "a.png", **options), []
    real = decode._to_square

    def watched(*arguments: object) -> object:
        used.append(decode._MEMORY.used)
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(decode, "_to_square", watched)
    decoded(path, 8)
    assert used == [24 * 16 * bytes_per_pixel + path.stat().st_size]
    assert decode._MEMORY.used == 0


@pytest.mark.parametrize(
    ("options", "expected"), [({}, 160 * 120 * 4), ({"progressive": True}, 160 * 120 * 4 + 640 * 480 * 6)]
)
def test_a_jpeg_takes_memory_for_the_size_it_is_reduced_to(tmp_path: Path, monkeypatch, options, expected) -> None:
    path, used = save(RGB.resize((640, 480)), tmp_path / "a.jpg", **options), []
    real = decode._to_square
    monkeypatch.setattr(decode, "_to_square", lambda *a: (used.append(decode._MEMORY.used), real(*a))[1])
    decode.load(path, 32)
    assert used == [expected + path.stat().st_size]


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": turned(3)}])
def test_a_webp_takes_its_memory_before_its_decoder_does(tmp_path: Path, monkeypatch, options) -> None:
    path, used = save(RGB.resize((37, 23)), tmp_path / "a.webp", **options), []
    real = decode.open_image
    monkeypatch.setattr(decode, "open_image", lambda c: (used.append(decode._MEMORY.used), real(c))[1])
    decode.load(path, 32)
    assert used == [37 * 23 * decode.WEBP_BYTES]
    assert webp_files.webp_size(path.read_bytes()) == (37, 23)


def test_a_webp_that_declares_a_giant_picture_is_unreadable() -> None:
    content = b"RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff\xff\xff" * 2
    assert decode.decode(content, 8).problem == "16777216 x 16777216 px, more than 178,956,970 in all"


def test_memory_that_was_taken_is_given_back_after_an_error(tmp_path: Path, monkeypatch) -> None:
    def fail(*_: object) -> None:
        raise ValueError("broken")

    monkeypatch.setattr(decode, "_to_square", fail)
    assert decode.decode(save(RGB, tmp_path / "a.png").read_bytes(), 8).problem == "broken"
    assert decode._MEMORY.used == 0


def bare_png(width: int, height: int) -> bytes:
    """A PNG of a few bytes that declares a size."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("size", "problem"),
    [
        ((178_000_000, 1), r"178000000 x 1 px, more than 1,000,000 on a side"),
        ((1, 178_000_000), r"1 x 178000000 px, more than 1,000,000 on a side"),
        ((20_000, 20_000), r"20000 x 20000 px, more than 178,956,970 in all"),
    ],
)
def test_a_file_that_declares_a_giant_picture_is_unreadable(size: tuple[int, int], problem: str) -> None:
    content = bare_png(*size)
    assert len(content) < 100
    assert re.fullmatch(problem, decode.decode(content, 224).problem)


def test_a_long_picture_is_decoded(tmp_path: Path) -> None:
    path = save(Image.new("RGB", (100_000, 3), (10, 20, 30)), tmp_path / "a.png")
    assert (decode.load(path, 8)[0] == (10, 20, 30)).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_transparency_is_laid_on_white_in_strips_as_at_once(mode: str, monkeypatch) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (37, 23, 4), np.uint8)
    image = Image.fromarray(pixels).convert("LA" if mode == "LA" else "RGBA")
    if mode == "PA":
        image = Image.fromarray(pixels[..., 0]).convert("P").convert("PA")
    rgba = image.convert("RGBA")
    at_once = Image.alpha_composite(Image.new("RGBA", rgba.size, (255, 255, 255, 255)), rgba).convert("RGB")
    monkeypatch.setattr(transparency, "STRIP_PIXELS", 100)
    assert np.array_equal(np.asarray(transparency.to_rgb(image)), np.asarray(at_once))


def originals(folder: Path) -> list[Path]:
    """Small valid files of every format and of many kinds."""
    kinds = {
        "JPEG": [(RGB, {}), (GREY, {"progressive": True}), (RGB.convert("CMYK"), {}), (RGB, {"exif": turned(6)})],
        "PNG": [(RGB, {}), (GREY.convert("I;16"), {}), (RGB.convert("P"), {}), (RGB, {"save_all": True})],
        "GIF": [(RGB.convert("P"), {}), (RGB.convert("P"), {"save_all": True})],
        "TIFF": [
            (RGB, {}),
            (RGB, {"compression": "tiff_lzw"}),
            (RGB, {"compression": "jpeg"}),
            (GREY.convert("F"), {}),
        ],
        "WEBP": [(RGB, {}), (RGB, {"lossless": True})],
        "BMP": [(RGB, {}), (GREY, {}), (GREY.convert("1"), {})],
    }
    # the damage of those is tried in their own tests
    assert {*kinds, *(row.name for row in OPTIONAL_FORMATS)} == set(image_files.FORMATS)
    made = []
    for file_format, several in kinds.items():
        for k, (image, options) in enumerate(several):
            made.append(folder / f"{file_format}-{k}")
            more = {"append_images": [image.rotate(90)]} if "save_all" in options else {}
            image.save(made[-1], file_format, **options, **more)
    return made


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(content)
    for position in rng.integers(0, min(len(content), rng.choice([60, 300, 10**6])), rng.integers(1, 6)):
        changed[position] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, rng.integers(256)])
    if rng.random() < 0.3:
        changed = changed[: rng.integers(len(changed) + 1)]
    return bytes(changed)


@pytest.mark.parametrize("seed", range(25))
def test_damaged_files_are_read_or_refused_and_nothing_else(
    tmp_path: Path, seed: int, recwarn: pytest.WarningsRecorder, capfd: pytest.CaptureFixture[str]
) -> None:
    rng, spoiled = np.random.default_rng(seed), tmp_path / "spoiled"
    warnings.simplefilter("always")
    filters = list(warnings.filters)
    outcomes = set()
    for path in originals(tmp_path):
        for _ in range(3):
            spoiled.write_bytes(damaged(path.read_bytes(), rng))
            try:
                pixels, (width, height) = decode.load(spoiled, 8)
            except UnreadableImage as error:
                assert str(error).startswith(f"{spoiled} cannot be read: ")
                outcomes.add("refused")
            else:
                assert (pixels.dtype, pixels.shape) == (np.uint8, (8, 8, 3))
                assert min(width, height) >= 1
                outcomes.add("read")
    assert outcomes == {"read", "refused"}
    assert [str(w.message) for w in recwarn] == []
    assert warnings.filters == filters
    assert capfd.readouterr().out == ""  # libtiff speaks on the error channel by itself


def test_the_warnings_of_others_are_shown_while_images_are_decoded(tmp_path: Path) -> None:
    path = save(RGB, tmp_path / "a.png")
    with pytest.warns(UserWarning, match="mine"):
        with pillow_warnings.without_pillow_warnings():
            warnings.warn("mine", UserWarning, stacklevel=1)
        decode.load(path, 8)


def test_warnings_stay_as_they_are_when_many_threads_decode(tmp_path: Path) -> None:
    path, before = save(RGB, tmp_path / "a.png"), list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: decode.load(path, 8), range(300)))
    assert warnings.filters == before


@pytest.mark.parametrize("error", [MemoryError(), OSError(errno.EMFILE, "too many open files")])
def test_trouble_that_passes_is_not_the_files_fault(tmp_path: Path, monkeypatch, error: Exception) -> None:
    """Remembered as unreadable, the image would be left out for ever."""

    def fails(*args: object) -> None:
        raise error

    save(Image.fromarray(picture()), tmp_path / "a.png")
    monkeypatch.setattr(decode, "_read", fails)
    with pytest.raises(type(error)):
        decoded(tmp_path / "a.png", 8)
