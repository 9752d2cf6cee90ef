"""Name the formats of images that monklite does not read, where files of them are found."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable

from ..regular_files import open_regular
from .listing import EXTENSIONS
from .optional_formats import OPTIONAL_FORMATS

_DICOM = "DICOM"
FORMATS = {
    **dict.fromkeys((".dcm", ".dicom", ".ima", ".acr"), _DICOM),
    **dict.fromkeys((".nii", ".nii.gz"), "NIfTI"),
    **dict.fromkeys((".mha", ".mhd", ".nrrd"), "ITK volume"),
    **{ending: row.name for row in OPTIONAL_FORMATS for ending in row.endings},
    ".jxl": "JPEG XL",
    **dict.fromkeys((".svs", ".ndpi", ".mrxs", ".scn", ".bif"), "slide"),
    **dict.fromkeys((".czi", ".lif", ".nd2", ".oif", ".vsi"), "microscope"),
    **dict.fromkeys((".cr2", ".cr3", ".nef", ".arw", ".dng", ".raf", ".orf", ".rw2"), "raw camera"),
    **dict.fromkeys((".npy", ".npz"), "NumPy"),
    **dict.fromkeys((".h5", ".hdf5"), "HDF5"),
    ".mat": "MATLAB",
    **dict.fromkeys((".pgm", ".ppm", ".pnm", ".pbm"), "Netpbm"),
    ".psd": "Photoshop",
    ".svg": "SVG",
    ".tga": "Targa",
    ".pdf": "PDF",
}
_DICOM_MARK, _DICOM_MARK_AT = b"DICM", 128
# files without a known ending that are opened to see whether they are DICOM
_MAX_OPENED = 20


def describe_unread(folder: str | os.PathLike[str], others: Iterable[str], look_inside: bool = False) -> str:
    """Say which files are images in formats that are not read, and what to do; empty if there are none.

    Args:
        others: paths under `folder` of the files that were passed over.
        look_inside: open the first files without an ending, since many DICOM files have none.
    """
    counts: Counter[tuple[str, str]] = Counter()
    n_opened = 0
    for path in others:
        name = path.rpartition("/")[2].lower()
        # such as the `._x.dcm` that macOS puts beside a file
        if name.startswith("."):
            continue
        ending = _ending(name)
        if ending in FORMATS and ending not in EXTENSIONS:
            counts[FORMATS[ending], ending] += 1
        elif look_inside and ending not in EXTENSIONS and n_opened < _MAX_OPENED:
            n_opened += 1
            if _is_dicom(f"{os.fspath(folder)}/{path}"):
                counts[_DICOM, "other names"] += 1
    if not counts:
        return ""
    listed = ", ".join(f"{n} {kind} ({ending})" for (kind, ending), n in counts.most_common())
    found = {kind for kind, _ in counts}
    remedies = {row.remedy: row.name for row in OPTIONAL_FORMATS if row.name in found and row.remedy}
    installing = "".join(f", or `{remedy}`, which reads {name}" for remedy, name in remedies.items())
    return f"files in formats that are not read: {listed}. Convert them to PNG or TIFF{installing}"


def _ending(name: str) -> str:
    return ".nii.gz" if name.endswith(".nii.gz") else os.path.splitext(name)[1]  # noqa: PTH122 (four times faster)


def _is_dicom(path: str) -> bool:
    try:
        with open_regular(path) as file:
            return file.read(_DICOM_MARK_AT + len(_DICOM_MARK))[_DICOM_MARK_AT:] == _DICOM_MARK
    # a folder, or a file that may not be read: it only misses a hint in the message
    except OSError:
        return False
