"""PIL images given to `Infer`: read as the file behind them, or else by their pixels and transparency alone."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFile

from monklite.data import decode
from monklite.data.image_input import image_input, images_in
from monklite.errors import InvalidValue, UnreadableImage

SIDE = 16
RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (20, 30, 3), np.uint8)
GREY = RGB[..., 0].copy()
# smooth, so that a reduced size shows
LARGE = np.add.outer(np.arange(400), np.arange(400))[..., None] * (1, 2, 3) % 256


def encoded(image: Image.Image, file_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def opened(content: bytes, load: bool = False) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    if load:
        image.load()
    return image


def pixels_of(content: bytes, side: int = SIDE) -> np.ndarray:
    found = decode.decode(content, side)
    assert found.problem == ""
    return found.pixels


def given(picture: Image.Image, side: int = SIDE) -> np.ndarray:
    return pixels_of(image_input(picture, "image").content(), side)


def with_transparency(image: Image.Image, value: object) -> Image.Image:
    image.info["transparency"] = value
    return image


P = Image.fromarray(RGB).convert("P")
QUANTIZED = Image.fromarray(np.dstack([RGB, GREY])).quantize(16)
TRANSPARENT = [
    (Image.fromarray(GREY), int(GREY[3, 4])),
    (Image.fromarray(GREY > 100), 0),
    (Image.fromarray(GREY > 100), 255),
    (Image.fromarray(RGB), tuple(int(v) for v in RGB[3, 4])),
    (P, int(np.asarray(P)[3, 4])),
    (P, bytes(range(255, 55, -1))),
    (Image.fromarray(GREY.astype(np.uint16) * 99), int(GREY[3, 4]) * 99),
    (QUANTIZED, None),
]


@pytest.mark.parametrize(("image", "transparency"), TRANSPARENT)
def test_transparency_is_that_of_a_file_with_it(image: Image.Image, transparency: object) -> None:
    more = {} if transparency is None else {"transparency": transparency}
    content = encoded(image, "PNG", **more)
    expected = pixels_of(content)
    for picture in (opened(content), opened(content, load=True), opened(content).copy()):
        assert np.array_equal(given(picture), expected)
    made = image.copy() if transparency is None else with_transparency(image.copy(), transparency)
    assert np.array_equal(given(made), expected)


def test_transparency_of_deep_grey_outlives_a_conversion() -> None:
    deep = Image.fromarray(GREY.astype(np.uint16) * 99)
    content = encoded(deep, "PNG", transparency=int(GREY[3, 4]) * 99)
    assert np.array_equal(given(opened(content, load=True).convert("I")), pixels_of(content))


def pictures_that_pillow_makes() -> dict[str, tuple[Image.Image, Image.Image]]:
    """A picture with notes of another mode, and one with the same pixels and no notes."""
    grey = with_transparency(Image.fromarray(GREY), 7)
    colours = with_transparency(Image.fromarray(RGB), (1, 2, 3))
    made = {
        "channel": colours.getchannel("R"),
        "one bit": colours.convert("1"),
        "HSV": grey.convert("RGB").convert("HSV"),
        "HSV of grey": with_transparency(Image.fromarray(GREY).convert("RGB").convert("HSV"), 7),
        "RGBX": colours.convert("RGBX"),
        "CMYK": colours.convert("CMYK"),
        "YCbCr": colours.convert("YCbCr"),
        "LAB": Image.fromarray(RGB).convert("LAB"),
        "F": grey.convert("F"),
    }
    wrong = ["text", 7.5, (1, 2), (1, 2, 3, 4), -1, 10**9, b"", bytes(300), None, [1, 2, 3], (1.5, 2, 3), object()]
    for i, value in enumerate(wrong):
        for image in (Image.fromarray(GREY), Image.fromarray(RGB), P.copy(), Image.fromarray(GREY.astype(np.uint16))):
            made[f"{image.mode} {i}"] = with_transparency(image, value)
    bare = {}
    for name, picture in made.items():
        bare[name] = picture.copy()
        bare[name].info = {}
    return {name: (picture, bare[name]) for name, picture in made.items()}


MADE = pictures_that_pillow_makes()


@pytest.mark.parametrize("name", MADE)
def test_notes_that_do_not_fit_the_mode_do_not_matter(name: str) -> None:
    picture, bare = MADE[name]
    notes = dict(picture.info)
    assert np.array_equal(given(picture), given(bare))
    assert picture.info == notes


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I", "F"])
def test_other_notes_and_pillows_register_do_not_matter(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = Image.fromarray(RGB).convert("L" if mode in "1IF" else "RGB").convert(mode)
    expected = given(picture)
    notes = {"icc_profile": "text", "exif": 7, "dpi": "many", "pnginfo": 3, "compression": "none", "gamma": "x"}
    picture.info.update(notes)
    for table in (Image.SAVE, Image.SAVE_ALL, Image.OPEN, Image.EXTENSION):
        monkeypatch.setattr(Image, next(k for k, v in vars(Image).items() if v is table), {})
    assert np.array_equal(given(picture), expected)
    assert np.array_equal(pixels_of(image_input(np.asarray(Image.fromarray(RGB)), "image").content()), given(MADE_RGB))


MADE_RGB = Image.fromarray(RGB)


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (0, 0)])
@pytest.mark.parametrize("mode", ["RGB", "L", "P", "I;16", "F"])
def test_a_picture_without_pixels_is_refused_in_words(mode: str, size: tuple[int, int]) -> None:
    with pytest.raises(
        InvalidValue, match=rf"^img_name is a picture of {size[0]} x {size[1]} px: an image has at least "
    ):
        image_input(Image.new(mode, size), "img_name")


def test_a_picture_of_too_many_pixels_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "MAX_PIXELS", 100)
    for value in (Image.fromarray(RGB), RGB):
        with pytest.raises(UnreadableImage, match=r"^image 0 cannot be read: 30 x 20 px, more than 100 in all"):
            image_input(value, "img_name").content()


ON_ITS_SIDE = Image.Exif()
ON_ITS_SIDE[0x0112] = 6
FILES = {
    "jpeg": encoded(Image.fromarray(LARGE.astype(np.uint8)), "JPEG"),
    "progressive": encoded(Image.fromarray(LARGE.astype(np.uint8)), "JPEG", progressive=True),
    "turned": encoded(Image.fromarray(LARGE[:200].astype(np.uint8)), "JPEG", exif=ON_ITS_SIDE),
    "png": encoded(Image.fromarray(RGB), "PNG"),
    "gif": encoded(P, "GIF"),
    "bmp": encoded(Image.fromarray(RGB), "BMP"),
    "tiff": encoded(Image.fromarray(RGB), "TIFF", compression="tiff_lzw"),
    "webp": encoded(Image.fromarray(RGB), "WEBP"),
    "tga": encoded(Image.fromarray(RGB), "TGA"),
    "ppm": encoded(Image.fromarray(RGB), "PPM"),
}
READ_BY_PILLOW_ALONE = ("tga", "ppm")


@pytest.mark.parametrize("name", [n for n in FILES if n not in READ_BY_PILLOW_ALONE])
def test_a_picture_that_was_not_read_yet_is_read_as_its_file(name: str, tmp_path: Path) -> None:
    expected = pixels_of(FILES[name])
    assert np.array_equal(given(opened(FILES[name])), expected)
    (tmp_path / "a").write_bytes(FILES[name])
    with Image.open(tmp_path / "a") as picture:
        assert np.array_equal(given(picture), expected)
        # the picture can still be used
        assert np.asarray(picture).shape == np.asarray(opened(FILES[name])).shape


@pytest.mark.parametrize("name", READ_BY_PILLOW_ALONE)
def test_a_picture_of_a_format_that_only_pillow_reads_is_taken_by_its_pixels(name: str) -> None:
    assert np.array_equal(given(opened(FILES[name])), pixels_of(FILES["png"]))


def test_a_picture_that_was_read_has_its_pixels_only() -> None:
    for change in (lambda p: p.load(), lambda p: p.putpixel((0, 0), (1, 2, 3)), lambda p: p.draft("L", (100, 100))):
        picture = opened(FILES["jpeg"])
        change(picture)
        expected = pixels_of(encoded(picture.copy(), "PNG"))
        assert np.array_equal(given(picture), expected)
        assert not np.array_equal(expected, pixels_of(FILES["jpeg"]))


def test_another_frame_is_taken_by_its_pixels() -> None:
    content = encoded(P, "GIF", save_all=True, append_images=[Image.new("P", P.size, 9)])
    picture = opened(content)
    picture.seek(1)
    expected = np.asarray(picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR))
    assert np.array_equal(given(picture), expected)


@pytest.mark.parametrize("name", ["jpeg", "progressive", "png", "bmp"])
def test_a_truncated_picture_is_refused_as_its_file_whatever_the_switches(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = FILES[name][: len(FILES[name]) * 2 // 3]
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    problem = decode.decode(image_input(opened(cut), "image").content(), SIDE).problem
    assert problem == decode.decode(cut, SIDE).problem != ""


def test_a_picture_that_cannot_be_read_does_not_end_a_list() -> None:
    # read by Pillow alone, a picture that was closed, and one whose file is closed
    broken = opened(FILES["tga"][:100])
    closed = opened(FILES["png"])
    closed.close()
    file = io.BytesIO(FILES["png"])
    without_file = Image.open(file)
    file.close()
    images = list(images_in([RGB, broken, closed, without_file, opened(FILES["png"])], "img_name"))
    assert len(images) == 5
    for i, image in enumerate(images):
        if i in (0, 4):
            assert np.array_equal(pixels_of(image.content()), pixels_of(FILES["png"]))
            continue
        with pytest.raises(UnreadableImage, match=rf"^image {i} cannot be read: .") as caught:
            image.content()
        assert len(str(caught.value)) < 500


def test_trouble_of_the_moment_is_not_the_pictures_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    picture = Image.fromarray(RGB)
    monkeypatch.setattr(Image.Image, "load", fail)
    with pytest.raises(MemoryError):
        image_input(picture, "image")


def test_a_lab_tiff_is_not_transparent() -> None:
    lab = Image.fromarray(RGB).convert("LAB")
    found = decode.decode(encoded(lab, "TIFF"), 20)
    assert (found.problem, found.oddities) == ("", decode.Oddity(0))
    assert np.array_equal(given(lab), pixels_of(encoded(lab, "TIFF")))
