"""The formats of images that only some installations can read: HEIC, AVIF and JPEG 2000."""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib import metadata
from typing import Any, NamedTuple

from PIL import AvifImagePlugin, ImageFile, Jpeg2KImagePlugin, features

from ..catalog.rows import install_command, is_installed
from .image_reader import OpenedImage, load_pixels, opened_file, orientation_of, reader, several_pictures

_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")


class OptionalFormat(NamedTuple):
    """A format that is read where its decoder is installed.

    `shows`: whether a file's first bytes have this format. `open`: reads the header of a file of it.
    `remedy`: what makes it readable here; empty if it is.
    """

    name: str
    endings: tuple[str, ...]
    shows: Callable[[bytes], bool]
    open: Callable[[bytes], OpenedImage]
    remedy: str

    @property
    def readable(self) -> bool:
        return not self.remedy


_Avif = reader(AvifImagePlugin.AvifImageFile)
_Jpeg2000 = reader(Jpeg2KImagePlugin.Jpeg2KImageFile, load=load_pixels)


def _open_avif(content: bytes) -> OpenedImage:
    image = opened_file(_Avif, content)
    # Pillow puts the turn that the container declares in the place of the one in the EXIF data, as the format wants it
    return OpenedImage(image, orientation_of(image.info.get("exif", b"")), several_pictures(image))


def _open_jpeg_2000(content: bytes) -> OpenedImage:
    return OpenedImage(opened_file(_Jpeg2000, content))


def _open_heic(content: bytes) -> OpenedImage:
    image = opened_file(_heic_reader(), content)
    # the decoder turns the picture as the container declares, and the format says that EXIF data do not count
    return OpenedImage(image, several=lambda: image.n_pictures > 1)


@functools.cache
def _heic_reader() -> type[Any]:
    import pillow_heif

    class Heic(ImageFile.ImageFile):
        """The main picture of a HEIC file, decoded when its pixels are needed."""

        format = "HEIC"

        def _open(self) -> None:
            try:
                pictures = pillow_heif.open_heif(self.fp, convert_hdr_to_8bit=True)
            except Exception as error:
                raise SyntaxError(str(error)) from error
            self.n_pictures = len(pictures)
            self._picture: pillow_heif.HeifImage | None = pictures[pictures.primary_index]
            self._size, self._mode = pictures.size, pictures.mode
            self.tile = []

        def load(self) -> Any:
            if self._picture is not None:
                loaded = self._picture.to_pillow()
                if loaded.size != self.size:
                    raise ValueError(f"damaged: {self.size} px are declared, and the picture has {loaded.size}")
                self.im, self._mode, self._picture = loaded.im, loaded.mode, None
            return load_pixels(self)

    return Heic


def _brand(content: bytes) -> bytes:
    """The main brand of an ISO base media file (HEIC, AVIF); empty for other files."""
    return content[8:12] if content[4:8] == b"ftyp" else b""


def _is_avif(content: bytes) -> bool:
    brand = _brand(content)
    return brand in (b"avif", b"avis") or (brand in _HEIF_BRANDS and b"avif" in content[12:64])


def _is_heic(content: bytes) -> bool:
    return _brand(content) in _HEIF_BRANDS and not _is_avif(content)


def _is_jpeg_2000(content: bytes) -> bool:
    return content.startswith((b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"))


def _remedy(present: bool | None, command: str) -> str:
    return "" if present else command


OPTIONAL_FORMATS = (
    OptionalFormat(
        "AVIF", (".avif",), _is_avif, _open_avif, _remedy(features.check("avif"), install_command("pillow_heif"))
    ),
    OptionalFormat(
        "HEIC",
        (".heic", ".heif", ".hif"),
        _is_heic,
        _open_heic,
        _remedy(is_installed("pillow_heif"), install_command("pillow_heif")),
    ),
    OptionalFormat(
        "JPEG 2000",
        (".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"),
        _is_jpeg_2000,
        _open_jpeg_2000,
        _remedy(features.check("jpg_2000"), "pip install --force-reinstall --only-binary :all: Pillow"),
    ),
)


@functools.cache
def decoders() -> str:
    """The decoders of these formats here, and which are missing, as text: part of the key of decoded images."""
    missing = [f"no {row.name}" for row in OPTIONAL_FORMATS if not row.readable]
    heif = [f"pillow-heif {metadata.version('pillow-heif')}"] if is_installed("pillow_heif") else []
    return ", ".join(missing + heif)
