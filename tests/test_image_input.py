"""Images of any kind, given to `Infer`: paths, bytes, files, PIL images, arrays, tensors, addresses, and lists of these."""

from __future__ import annotations

import base64
import errno
import io
import urllib.error
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from monklite.data import decode
from monklite.data.image_input import MAX_URL_BYTES, image_input, images_in
from monklite.errors import InvalidType, InvalidValue, NotFound, StorageError, UnreadableImage

SIDE = 16
RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (20, 30, 3), np.uint8)
GREY = RNG.integers(0, 256, (20, 30), np.uint8)
RGBA = RNG.integers(0, 256, (20, 30, 4), np.uint8)


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def decoded(content: bytes) -> np.ndarray:
    found = decode.decode(content, SIDE)
    assert not found.problem
    return found.pixels


def same(value: object, pixels: np.ndarray) -> bool:
    return np.array_equal(decoded(image_input(value, "image").content()), decoded(png(pixels)))


@pytest.mark.parametrize(
    ("value", "pixels"),
    [
        (png(RGB), RGB),
        (bytearray(png(RGB)), RGB),
        (memoryview(png(RGB)), RGB),
        (io.BytesIO(png(RGB)), RGB),
        (Image.fromarray(RGB), RGB),
        (Image.fromarray(GREY), GREY),
        (Image.fromarray(RGBA), RGBA),
        (Image.fromarray(RGB).convert("P"), np.asarray(Image.fromarray(RGB).convert("P").convert("RGB"))),
        (RGB, RGB),
        (GREY, GREY),
        (GREY[..., None], GREY),
        (GREY[None], GREY),
        (RGBA, RGBA),
        (RGB.transpose(2, 0, 1), RGB),
        (RGB[:, ::-1], RGB[:, ::-1]),
        (RGB.astype(np.int64), RGB),
        (RGB / 255, RGB),
        ((RGB / 255).astype(np.float32), RGB),
        ((GREY / 255).astype(np.float16), GREY),
        (RGB.astype(np.float32), RGB),
        (GREY > 100, (GREY > 100).astype(np.uint8) * 255),
        (torch.from_numpy(RGB), RGB),
        (torch.from_numpy(RGB).permute(2, 0, 1), RGB),
        (torch.from_numpy(RGB).permute(2, 0, 1) / 255, RGB),
        ((torch.from_numpy(GREY) / 255).requires_grad_(), GREY),
        (RGB[:3, :, :].copy(), RGB[:3]),
        (torch.from_numpy(RGB[:3].copy()), RGB[:3].transpose(1, 2, 0)),
    ],
)
def test_equal_pixels_are_decoded_alike(value: object, pixels: np.ndarray) -> None:
    if isinstance(value, torch.Tensor) and value.shape == (3, 30, 3):
        # both ends could be the channels: a tensor's come first
        assert image_input(value, "image").source.shape == (30, 3, 3)
        return
    assert same(value, pixels)


def test_a_grey_image_of_sixteen_bits_is_decoded_as_its_file() -> None:
    deep = np.linspace(0, 65535, 600).reshape(20, 30).astype(np.uint16)
    assert same(deep, deep)
    assert same(Image.fromarray(deep), deep)
    assert same(torch.from_numpy(deep.astype(np.int32)), deep)
    assert same(Image.frombytes("I;16B", (30, 20), deep.astype(">u2").tobytes()), deep)


@pytest.mark.parametrize("channels", [3, 4])
def test_colours_of_sixteen_bits_lose_nothing_but_the_depth(channels: int) -> None:
    colours = RGB if channels == 3 else RGBA
    shallow, deep = decoded(png(colours)), decoded(image_input(colours.astype(np.uint16) * 257, "image").content())
    assert np.abs(shallow.astype(int) - deep).max() <= 1


@pytest.mark.parametrize("mode", ["1", "LA", "CMYK", "YCbCr", "HSV", "F", "I", "PA", "La", "RGBa", "RGBX"])
def test_pil_images_of_every_mode_are_decoded(mode: str) -> None:
    steps = {"PA": ["RGBA", "P", "PA"], "La": ["LA", "La"], "RGBa": ["RGBA", "RGBa"]}.get(mode, [mode])
    image = Image.fromarray(RGB)
    for step in steps if mode not in ("F", "I", "1", "LA", "La") else ["L", *steps]:
        image = image.convert(step)
    assert image.mode == mode
    content = image_input(image, "image").content()
    assert decode.decode(content, SIDE).pixels.shape == (SIDE, SIDE, 3)
    if mode in ("F", "I"):
        with Image.open(io.BytesIO(content)) as back:
            assert back.mode == mode
            assert np.array_equal(np.asarray(back), np.asarray(image))


def test_a_pil_image_is_turned_as_its_file_is(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(RGB).save(tmp_path / "turned.png", exif=exif)
    with Image.open(tmp_path / "turned.png") as image:
        found = image_input(image, "image")
    assert found.name == str(tmp_path / "turned.png")
    assert np.array_equal(decoded(found.content()), decode.load(tmp_path / "turned.png", SIDE)[0])
    assert np.array_equal(decoded(found.content()), decoded(png(np.rot90(RGB, -1).copy())))


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 9),
    st.integers(1, 9),
    st.sampled_from([0, 1, 3, 4]),
    st.booleans(),
    st.sampled_from(["u1", "i8", "f4", "f8"]),
)
def test_any_shape_and_type_keeps_its_pixels(height: int, width: int, channels: int, first: bool, kind: str) -> None:
    shape = (height, width, channels) if channels else (height, width)
    pixels = RNG.integers(0, 256, shape, np.uint8)
    value = pixels.astype(kind) / (255 if kind.startswith("f") else 1)
    value = value if kind.startswith("f") else value.astype(kind)
    if channels and first:
        value = value.transpose(2, 0, 1)
        # where both ends could be the channels, an array's are last
        if value.shape[-1] in (1, 3, 4):
            value = torch.from_numpy(value.copy())
    elif channels and height in (1, 3, 4) and channels not in (1, 3, 4):
        return
    stored = image_input(value, "image").source
    assert np.array_equal(stored, pixels[..., 0] if channels == 1 else pixels)


def test_what_happens_to_an_array_afterwards_does_not_matter() -> None:
    for original in (RGB.copy(), GREY.copy()):
        for value in (original, torch.from_numpy(original), Image.fromarray(original)):
            before = image_input(value, "image")
            expected = before.content()
            original[:] = 255 - original
            assert before.content() == expected


def test_files_are_read_from_their_beginning(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.fromarray(RGB).save(buffer, "PNG")
    assert same(buffer, RGB)
    (tmp_path / "a.png").write_bytes(png(RGB))
    with (tmp_path / "a.png").open("rb") as file:
        found = image_input(file, "image")
    assert (found.name, found.content()) == (str(tmp_path / "a.png"), png(RGB))


def test_paths_and_addresses_of_this_machine(tmp_path: Path) -> None:
    path = tmp_path / "a b.png"
    path.write_bytes(png(RGB))
    inline = "data:image/png;base64," + base64.b64encode(png(RGB)).decode()
    for value in (path, str(path), path.as_uri(), inline):
        assert same(value, RGB)
    assert image_input(path, "image").name == str(path)
    assert image_input(inline, "image").name == "image 0"


def test_an_address_on_the_web_is_fetched_only_if_asked_for() -> None:
    address = "https://example.org/a.png"
    with pytest.raises(
        InvalidValue, match=r"img_name is an address, 'https://example.org/a.png', and nothing is fetched "
    ):
        image_input(address, "img_name")
    with pytest.raises(InvalidValue, match=r"monklite cannot fetch, 's3://bucket/a.png': copy the file here"):
        image_input("s3://bucket/a.png", "img_name", allow_url=True)
    with mock.patch("urllib.request.urlopen", lambda *a, **k: io.BytesIO(png(RGB))):
        found = image_input(address, "img_name", allow_url=True)
        assert (found.name, found.content()) == (address, png(RGB))
    with (
        mock.patch("urllib.request.urlopen", side_effect=urllib.error.URLError("no network here")),
        pytest.raises(UnreadableImage, match=r"https://example.org/a.png could not be fetched \(.*no network here"),
    ):
        found.content()
    with (
        mock.patch("urllib.request.urlopen", lambda *a, **k: io.BytesIO(bytes(MAX_URL_BYTES + 1))),
        pytest.raises(UnreadableImage, match=r"could not be fetched: it is larger than 256 MiB"),
    ):
        found.content()


@pytest.mark.parametrize(
    ("value", "kind", "message"),
    [
        (7, InvalidType, r"^img_name must be a path, the bytes of an image file, .*, not 7 \(int\)"),
        (True, InvalidType, r"not True \(bool\)"),
        (io.StringIO("text"), InvalidType, r"gives str, not bytes: open it with open\(path, 'rb'\)"),
        (np.zeros((0, 4, 3)), InvalidValue, r"an array of shape \(0, 4, 3\): an image is \(height, width\)"),
        (np.zeros((5, 6, 2)), InvalidValue, r"an array of shape \(5, 6, 2\)"),
        (np.zeros(3), InvalidValue, r"an array of shape \(3,\)"),
        (np.zeros((4, 4)) * 1j, InvalidType, r"an array of complex128: pixels are uint8"),
        (np.full((4, 4), np.nan), InvalidValue, r"holds NaN or infinite pixels"),
        (
            RGB / 127.5 - 1,
            InvalidValue,
            r"values from -1 to 1: pixels are uint8 0 to 255, .*as it was before any normaliz",
        ),
        (RGB / 3.3, InvalidValue, r"values from 0 to 77.27: pixels are"),
        (np.full((4, 4), -1), InvalidValue, r"values from -1 to -1"),
        ("data:image/png;base64,a", InvalidValue, r"not valid base64: 'data:image/png;base64,a'"),
        ("", InvalidValue, r"img_name must be a path, not ''"),
        ("data:" + "x" * 5_000_000, InvalidValue, r"too long for a file system"),
    ],
)
def test_what_is_not_an_image_is_refused_briefly(value: object, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message) as caught:
        image_input(value, "img_name")
    assert len(str(caught.value)) < 500


def test_a_missing_or_damaged_file(tmp_path: Path) -> None:
    missing = image_input(tmp_path / "none.png", "image")
    assert missing.is_missing
    with pytest.raises(NotFound, match=r"none\.png is not there"):
        missing.content()
    noise = RNG.integers(0, 256, (200, 200, 3), np.uint8)
    (tmp_path / "cut.png").write_bytes(png(noise)[:3000])
    with Image.open(tmp_path / "cut.png") as image:
        cut = image_input(image, "image")
    assert decode.decode(cut.content(), SIDE).problem == "truncated (the file ends after 3,000 bytes)"


def test_an_open_file_that_fails_is_told_when_its_turn_comes(tmp_path: Path) -> None:
    def failing(error: Exception) -> io.BytesIO:
        file = io.BytesIO(png(RGB))
        file.read = mock.Mock(side_effect=error)
        return file

    images = list(images_in([failing(OSError(errno.EISDIR, "Is a directory")), RGB], "img_name"))
    assert np.array_equal(decoded(images[1].content()), decoded(png(RGB)))
    with pytest.raises(UnreadableImage, match=r"^image 0 cannot be read: Is a directory"):
        images[0].content()
    # it says nothing about the file
    with pytest.raises(StorageError, match=r"image 0 cannot be read: .*does not answer"):
        image_input(failing(OSError(errno.EIO, "the drive does not answer")), "img_name")
    with (tmp_path / "a.png").open("wb") as file, pytest.raises(InvalidValue, match=r"^img_name: the file cannot be "):
        image_input(file, "img_name")
    closed = io.BytesIO(png(RGB))
    closed.close()
    with pytest.raises(InvalidValue, match=r"closed file\.?\): open it with open\(path, 'rb'\)"):
        image_input(closed, "img_name")


def test_several_images_are_named_by_path_or_place(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(RGB))
    values = [RGB, tmp_path / "a.png", png(RGB), Image.fromarray(RGB)]
    expected = ["image 0", str(tmp_path / "a.png"), "image 2", "image 3"]
    assert [i.name for i in images_in(values, "img_name")] == expected
    assert [i.name for i in images_in(iter(values), "img_name")] == expected
    assert [i.name for i in images_in(np.stack([RGB, RGB]), "img_name")] == ["image 0", "image 1"]
    assert [i.name for i in images_in(torch.zeros(2, 3, 8, 8), "img_name")] == ["image 0", "image 1"]
    assert [i.name for i in images_in(np.array(["a.png", "b.png"]), "img_name")] == ["a.png", "b.png"]
    assert [i.name for i in images_in(np.array(["a.png", Path("b.png")], object), "img_name")] == ["a.png", "b.png"]
    with pytest.raises(InvalidType, match=r"^img_name\[1\] must be a path, .*, not None \(NoneType\)"):
        list(images_in([RGB, None], "img_name"))


@pytest.mark.parametrize("value", ["a.png", Path("a.png"), b"x", RGB, torch.zeros(3, 4, 4), Image.fromarray(RGB), 5])
def test_one_image_is_not_a_list(value: object) -> None:
    assert images_in(value, "img_name") is None


def test_a_column_of_a_table_is_a_list_and_a_table_is_not() -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"image": ["a.png", "b.png"]}, index=[7, 8])
    assert [i.name for i in images_in(table["image"], "img_name")] == ["a.png", "b.png"]
    for value in (table, {"image": "a.png"}):
        with pytest.raises(InvalidType, match=r"^img_name must be a path"):
            images_in(value, "img_name")
