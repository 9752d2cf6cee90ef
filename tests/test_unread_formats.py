"""Formats that are not read are named, with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from monklite.data import discover, image_folder
from monklite.data.listing import EXTENSIONS
from monklite.data.unread_formats import FORMATS, describe_unread
from monklite.errors import DatasetError

DICOM = b"\0" * 128 + b"DICM" + b"\0" * 40


def fill(root: Path, ending: str, content: bytes = DICOM, n: int = 3) -> Path:
    for name in ("a", "b"):
        (root / name).mkdir(parents=True)
        for i in range(n):
            (root / name / f"IM{i}{ending}").write_bytes(content)
    return root


@pytest.mark.parametrize(("ending", "kind"), sorted((e, k) for e, k in FORMATS.items() if e not in EXTENSIONS))
def test_classes_of_only_such_files_are_refused_with_the_format(tmp_path: Path, ending: str, kind: str) -> None:
    message = rf"no images in classes 'a', 'b' .*There are files in formats that are not read: 6 {kind} \(\{ending}\)\. Convert"
    with pytest.raises(DatasetError, match=message):
        discover.from_folders(fill(tmp_path, ending.upper()))


def test_dicom_files_without_an_ending_are_recognised(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"6 DICOM \(other names\)\. Convert them to PNG or TIFF"):
        discover.from_folders(fill(tmp_path, ""))
    with pytest.raises(DatasetError, match=r"holds no images .*6 DICOM \(other names\)"):
        discover.from_folders(tmp_path, training=False)
    with pytest.raises(DatasetError, match=r"holds no images .*3 DICOM \(other names\)"):
        image_folder.images_in_folder(tmp_path / "a")


@pytest.mark.parametrize("content", [b"", b"DICM", b"\0" * 132])
def test_other_files_without_an_ending_are_not_called_dicom(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DatasetError) as error:
        discover.from_folders(fill(tmp_path, "", content))
    assert "DICOM" not in str(error.value)


def test_dicom_files_directly_in_the_folder_are_named(tmp_path: Path) -> None:
    (tmp_path / "1.dcm").write_bytes(DICOM)
    with pytest.raises(DatasetError, match=r"has no class folders: .* 1 DICOM \(\.dcm\)\. Convert"):
        discover.from_folders(tmp_path)


def test_such_files_beside_images_are_told(tmp_path: Path) -> None:
    from test_discover import draw

    samples = discover.from_folders(draw(fill(tmp_path, ".dcm"), "a/1.png", "b/1.png"))
    assert samples.remarks == (
        f"{tmp_path} holds files in formats that are not read: 6 DICOM (.dcm). Convert them to PNG or TIFF",
    )


def test_only_twenty_files_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("monklite.data.unread_formats._is_dicom", lambda path: bool(opened.append(path)))
    assert describe_unread(tmp_path, [f"a/{i}" for i in range(100)], look_inside=True) == ""
    assert len(opened) == 20


def test_the_files_that_macos_puts_beside_others_are_not_counted(tmp_path: Path) -> None:
    assert describe_unread(tmp_path, ["a/._1.dcm"]) == ""
    assert describe_unread(tmp_path, ["a/1.nii.gz", "a/1.gz"]).startswith(
        "files in formats that are not read: 1 NIfTI (.nii.gz)."
    )
