"""Packages that are installed under another name than their module's."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from monklite.exporting import container
from monklite.installed import distribution_of, version_of


@pytest.fixture
def onnxruntime_for_graphics_cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another package that brings the module `onnxruntime`, in the place of the usual one."""
    info = tmp_path / "onnxruntime_gpu-1.99.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: onnxruntime-gpu\nVersion: 1.99.0\n")
    (info / "top_level.txt").write_text("onnxruntime\n")
    (info / "RECORD").write_text("")
    found = [d for d in metadata.distributions() if d.metadata["Name"] != "onnxruntime"]
    found.append(metadata.PathDistribution(info))

    def discover(cls: type, name: str | None = None, **given: object) -> Iterator[metadata.Distribution]:
        return iter(
            [d for d in found if name is None or canonicalize_name(d.metadata["Name"]) == canonicalize_name(name)]
        )

    monkeypatch.setattr(metadata.Distribution, "discover", classmethod(discover))


def test_the_form_of_onnx_runtime_for_graphics_cards_is_found(onnxruntime_for_graphics_cards: None) -> None:
    assert version_of("onnxruntime") == distribution_of("onnxruntime").version == "1.99.0"
    # a container computes on processors
    lines = container.files()[container.REQUIREMENTS].decode()
    assert "\nonnxruntime==1.99.0\n" in lines and "gpu" not in lines


def test_what_is_not_installed_is_not_found() -> None:
    with pytest.raises(metadata.PackageNotFoundError, match="no-such-package"):
        version_of("no-such-package")
