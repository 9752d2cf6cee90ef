"""HEIC, AVIF and JPEG 2000 are read where their decoders are installed, and named with the remedy where they are not."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageFile

import monklite
from monklite.data import decode, discover
from monklite.data.decode import Oddity
from monklite.data.listing import EXTENSIONS
from monklite.data.optional_formats import OPTIONAL_FORMATS

WIDTH, HEIGHT = 96, 64
# left half red, right half blue, and a green corner at the upper left: every turn and mirror image of it looks different
PICTURE = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
PICTURE[:, : WIDTH // 2] = (200, 30, 30)
PICTURE[:, WIDTH // 2 :] = (30, 30, 200)
PICTURE[: HEIGHT // 2, : WIDTH // 4] = (30, 200, 30)
LOSSLESS = {
    "HEIC": {"quality": -1, "chroma": 444, "matrix_coefficients": 0},
    "AVIF": {"quality": 100, "subsampling": "4:4:4"},
    "JPEG 2000": {},
}
PILLOW_NAMES = {"HEIC": "HEIF", "AVIF": "AVIF", "JPEG 2000": "JPEG2000"}
NAMES = sorted(LOSSLESS)


@pytest.fixture(autouse=True, scope="module")
def heif_can_be_written():
    """Pillow's save for HEIF; its reader is registered too, and monklite must not use it."""
    before = dict(Image.OPEN), list(Image.ID), dict(Image.SAVE), dict(Image.EXTENSION)
    Image.init()
    pillow_heif.register_heif_opener()
    yield
    Image.OPEN, Image.ID, Image.SAVE, Image.EXTENSION = before


def encoded(name: str, pixels: np.ndarray = PICTURE, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, PILLOW_NAMES[name], **{**LOSSLESS[name], **options})
    return buffer.getvalue()


def corners(content: bytes) -> list[str]:
    """The colours of the corners of the upright picture, in reading order."""
    found = decode.decode(content, 64)
    assert found.problem == ""
    pixels = found.pixels[[8, 8, 56, 56], [8, 56, 8, 56]]
    return ["rgb"[int(np.argmax(pixel))] for pixel in pixels]


def test_all_of_them_are_readable_here() -> None:
    assert {row.name for row in OPTIONAL_FORMATS} == set(NAMES)
    assert all(row.readable for row in OPTIONAL_FORMATS)
    assert {".heic", ".avif", ".jp2"} <= EXTENSIONS


@pytest.mark.parametrize("name", NAMES)
def test_the_pixels_are_right(name: str) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (HEIGHT, HEIGHT, 3), np.uint8)
    found = decode.decode(encoded(name, pixels), HEIGHT)
    assert (found.problem, found.size, found.oddities) == ("", (HEIGHT, HEIGHT), Oddity(0))
    # YCbCr of 8 bits loses some of the colours, which the other two need not use
    largest = 3 if name == "AVIF" else 0
    assert np.abs(found.pixels.astype(int) - pixels).max() <= largest


@pytest.mark.parametrize("name", NAMES)
def test_grey_and_transparent_pictures(name: str) -> None:
    grey = decode.decode(encoded(name, PICTURE[..., 0], matrix_coefficients=1), 64)
    assert grey.problem == ""
    assert np.ptp(grey.pixels.astype(int), axis=2).max() <= 2
    alpha = np.full((HEIGHT, WIDTH, 1), 255, np.uint8)
    alpha[:, WIDTH // 2 :] = 0
    seen = decode.decode(encoded(name, np.dstack([PICTURE, alpha])), 64)
    assert (seen.problem, seen.oddities) == ("", Oddity.TRANSPARENT)
    assert seen.pixels[32, 60].tolist() == [255, 255, 255]


@pytest.mark.parametrize("name", ["HEIC", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_pictures_are_set_upright(name: str, orientation: int) -> None:
    """As a JPEG with the same orientation, whose way of being set upright is tested elsewhere."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    jpeg = io.BytesIO()
    Image.fromarray(PICTURE).save(jpeg, "JPEG", quality=95, exif=exif)
    assert corners(encoded(name, exif=exif.tobytes())) == corners(jpeg.getvalue())


@pytest.mark.parametrize("name", ["HEIC", "AVIF"])
def test_broken_exif_data_do_not_matter(name: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = "a description that can be found in the file"
    sound = encoded(name, exif=exif.tobytes())
    at = sound.index(b"a description")
    start = max(sound.rfind(b"II*\0", 0, at), sound.rfind(b"MM\0*", 0, at))
    broken = sound[: start + 4] + b"\xff" * 8 + sound[start + 12 :]
    assert broken != sound
    found = decode.decode(broken, 64)
    assert found.problem == ""
    assert np.array_equal(found.pixels, decode.decode(sound, 64).pixels)


def test_heic_of_ten_bits() -> None:
    values = np.repeat(PICTURE.astype(np.uint16) << 8, 1, axis=2)
    file = pillow_heif.from_bytes("RGB;16", (WIDTH, HEIGHT), values.tobytes())
    buffer = io.BytesIO()
    file.save(buffer, quality=95)
    assert corners(buffer.getvalue()) == ["g", "b", "r", "b"]


def test_only_the_main_picture_of_several_is_read() -> None:
    file = pillow_heif.from_pillow(Image.fromarray(np.zeros_like(PICTURE)))
    file.add_from_pillow(Image.fromarray(PICTURE))
    buffer = io.BytesIO()
    file.save(buffer, quality=95, primary_index=1)
    found = decode.decode(buffer.getvalue(), 64)
    assert found.oddities == Oddity.SEVERAL
    assert corners(buffer.getvalue()) == ["g", "b", "r", "b"]


def test_grey_jpeg_2000_of_16_bits_keeps_them() -> None:
    values = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64) * 16
    found = decode.decode(encoded("JPEG 2000", values), 64)
    assert found.oddities == Oddity.DEEP
    assert (found.own_range.black, found.own_range.white) == (0, 65535)
    assert np.array_equal(found.pixels[..., 0], np.rint(values / 65535 * 255).astype(np.uint8))


@pytest.mark.parametrize("name", NAMES)
def test_a_cut_file_is_truncated_whatever_the_notebook_has_set(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    content = encoded(name, rng.integers(0, 256, (200, 300, 3), np.uint8))
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert decode.decode(content, 32).problem == ""
    for missing in (1, 10, len(content) // 4, len(content) // 2):
        found = decode.decode(content[:-missing], 32)
        assert found.pixels is None
        assert found.problem


@pytest.mark.parametrize("name", NAMES)
def test_damage_ends_in_a_reason(name: str) -> None:
    """Never in another error, nor in a crash of the decoder."""
    content, rng, kept = encoded(name), np.random.default_rng(1), 0
    for _ in range(300):
        changed = bytearray(content)
        for at in rng.integers(0, len(content), 3):
            changed[at] = rng.integers(256)
        found = decode.decode(bytes(changed), 32)
        assert (found.pixels is None) == bool(found.problem)
        kept += found.pixels is not None
    assert 0 < kept < 300


@pytest.mark.parametrize("name", NAMES)
def test_folders_of_them_train_as_others(name: str, tmp_path: Path) -> None:
    row = next(row for row in OPTIONAL_FORMATS if row.name == name)
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        for i, ending in enumerate(row.endings):
            (tmp_path / label / f"{i}{ending.upper()}").write_bytes(encoded(name))
    assert len(discover.from_folders(tmp_path)) == 2 * len(row.endings)


WITHOUT = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "pillow_heif":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing())
import importlib.util
import monklite.catalog.rows as rows
from PIL import features
features.check = lambda feature: feature not in ("avif", "jpg_2000")
rows.importlib.util.find_spec = lambda name: None
from monklite.data import decode, discover
from pathlib import Path
for name in ("HEIC", "AVIF", "JPEG 2000"):
    print(decode.decode(Path(name).read_bytes(), 32).problem)
try:
    discover.from_folders("images")
except Exception as error:
    print(type(error).__name__, error)
"""


def test_without_a_decoder_the_remedy_is_named(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / name).write_bytes(encoded(name))
    for label in ("a", "b"):
        (tmp_path / "images" / label).mkdir(parents=True)
        (tmp_path / "images" / label / "1.heic").write_bytes(encoded("HEIC"))
    where = os.fspath(Path(monklite.__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], cwd=tmp_path, env={**os.environ, "PYTHONPATH": where}, capture_output=True,
        text=True, timeout=120, check=True,
    )  # fmt: skip
    heic, avif, jpeg_2000, folder = done.stdout.splitlines()
    assert heic == 'it is a file of the format HEIC, which is read after `pip install "monklite[heif]"`'
    assert avif == 'it is a file of the format AVIF, which is read after `pip install "monklite[heif]"`'
    assert jpeg_2000.endswith("which is read after `pip install --force-reinstall --only-binary :all: Pillow`")
    assert folder.startswith("DatasetError")
    assert "2 HEIC (.heic). Convert them to PNG or TIFF" in folder
    assert 'or `pip install "monklite[heif]"`, which reads HEIC' in folder
