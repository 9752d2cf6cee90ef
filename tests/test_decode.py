"""One file to one uint8 array: modes, depths, orientations and broken files."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monklite.catalog.transforms import TRANSFORMS
from monklite.data import decode
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
    with pytest.raises(UnreadableImage, match=r"400000000 pixels\) exceeds limit of 178956970 pixels"):
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


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("seed", range(20))
def test_damaged_files_are_read_or_refused_and_nothing_else(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for file_format in decode.FORMATS:
        Image.fromarray(picture()).save(tmp_path / "a", file_format)
        content = bytearray((tmp_path / "a").read_bytes())
        for position in rng.integers(0, min(len(content), 200), 4):
            content[position] = rng.integers(256)
        (tmp_path / "a").write_bytes(content)
        try:
            shape = decode.load(tmp_path / "a", 8)[0].shape
        except UnreadableImage as error:
            assert "a cannot be read: " in str(error)
        else:
            assert shape == (8, 8, 3)
