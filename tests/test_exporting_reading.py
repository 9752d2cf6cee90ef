"""Bundles are written whole or not at all, and every damage of one is named."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from monklite.errors import DamagedFile, InvalidValue, NotFound, StorageError
from monklite.exporting import writing
from monklite.exporting.manifest import LABELS, MANIFEST, MODEL, README, Manifest
from monklite.exporting.reading import Bundle
from monklite.settings_tree import build

CONTENTS = {MODEL: bytes(range(256)) * 20, LABELS: b"a\nb\n", README: b"how to use it\n"}


def manifest(**changes: object) -> Manifest:
    values = {
        "project": "p", "experiment": "e", "version": 1, "created": "2026-11-20T08:15:00+00:00", "versions": {},
        "backend": "pytorch", "model": "resnet18", "label_type": "single", "activation": "softmax", "classes": ("a", "b"),
        "input_size": 32, "stored_size": 32, "mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0),
    }  # fmt: skip
    return build(Manifest, {**values, **changes})


@pytest.fixture(params=["b", "b.zip"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    written = tmp_path / request.param
    writing.write(written, manifest(), CONTENTS)
    return written


def rewritten(path: Path, name: str, content: bytes | None) -> None:
    """Replace a file of a bundle, or take it away."""
    if path.is_dir():
        (path / name).unlink()
        if content is not None:
            (path / name).write_bytes(content)
        return
    with zipfile.ZipFile(path) as archive:
        members = {member: archive.read(member) for member in archive.namelist() if member != name}
    path.unlink()
    with zipfile.ZipFile(path, "w") as archive:
        for member, old in {**members, **({} if content is None else {name: content})}.items():
            archive.writestr(member, old)


def test_what_was_written_is_read(path):
    bundle = Bundle(path)
    assert bundle.names() == sorted(CONTENTS)
    assert {name: bundle.content(name) for name in bundle.names()} == CONTENTS
    assert bundle.manifest.model_copy(update={"files": {}}) == manifest()
    assert not [other for other in path.parent.iterdir() if other != path]
    with pytest.raises(NotFound, match="has no distance.safetensors"):
        bundle.content("distance.safetensors")


@pytest.mark.parametrize("name", [MODEL, LABELS])
def test_a_file_that_was_changed_or_is_missing_is_named(path, name):
    rewritten(path, name, CONTENTS[name][:-1] + b"?")
    with pytest.raises(
        DamagedFile, match=f"'{name}' of the bundle .* is damaged .*SHA-256 differs.*copy the bundle again"
    ):
        Bundle(path).check()
    rewritten(path, name, None)
    with pytest.raises(DamagedFile, match=f"'{name}' of the bundle .* is damaged"):
        Bundle(path).check()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "'manifest.json' of the bundle .* is damaged"),
        (b"[]", "'manifest.json' of the bundle .* is damaged"),
        (json.dumps({**manifest().as_values(), "schema": 99}).encode(), "newer monklite: upgrade monklite"),
        (json.dumps({**manifest().as_values(), "classes": [1]}).encode(), "is damaged .*classes"),
        (json.dumps({**manifest().as_values(), "files": {"../x": "0" * 64}}).encode(), "is damaged .*files"),
        (None, "'manifest.json' of the bundle .* is damaged"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_named(path, content, reason):
    rewritten(path, MANIFEST, content)
    with pytest.raises(DamagedFile, match=reason):
        Bundle(path)


def test_a_zip_file_that_was_cut_is_named(tmp_path):
    path = tmp_path / "b.zip"
    writing.write(path, manifest(), CONTENTS)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(
        DamagedFile, match=r"'manifest.json' of the bundle .*b.zip is damaged \(File is not a zip file\)"
    ):
        Bundle(path)


def test_a_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "b.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST, b" " * (65 << 20))
    with pytest.raises(DamagedFile, match=r"it has 68,157,440 bytes, and at most 67,108,864 are read"):
        Bundle(path)


def test_a_missing_bundle_is_named(tmp_path):
    with pytest.raises(NotFound, match="no bundle at .*nowhere"):
        Bundle(tmp_path / "nowhere")


def test_nothing_is_left_where_writing_fails(tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing, "rename", full)
    with pytest.raises(StorageError, match="the disk is full"):
        writing.write(tmp_path / "b", manifest(), CONTENTS)
    assert list(tmp_path.iterdir()) == []


def test_what_appeared_meanwhile_is_kept(tmp_path):
    for name in ("b", "b.zip"):
        (tmp_path / name).write_text("mine")
        with pytest.raises(InvalidValue, match="nothing is overwritten"):
            writing.write(tmp_path / name, manifest(), CONTENTS)
        assert (tmp_path / name).read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 2


def test_decisions_must_fit_the_classes():
    unsure = {"epoch": 1, "num_images": 5, "coverage": 0.9, "possible_from": (0.0,)}
    with pytest.raises(InvalidValue, match="unsure: 1 thresholds for 2 classes"):
        manifest(unsure=unsure)
    with pytest.raises(InvalidValue, match="operating_point: 'c' is not one of the run's classes"):
        manifest(operating_point={"epoch": 1, "num_images": 5, "chosen_by": "x", "cutoffs": {"c": 0.1}})
