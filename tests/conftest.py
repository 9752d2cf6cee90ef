"""Shared fixtures: small images drawn in code, and a workspace of its own for every test."""

from __future__ import annotations

from pathlib import Path

import pytest

from monklite import files, locks, transient
from monklite.catalog.backends import BUILT_IN
from monklite.testing.datasets import draw_patterns

SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(params=BUILT_IN)
def backend(request: pytest.FixtureRequest) -> str:
    """Each of monklite's own backends in turn."""
    return request.param


@pytest.fixture(scope="session")
def patterns(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes that are easy to tell apart: dots 12, rings 12, stripes 12 images of 40 px."""
    return draw_patterns(tmp_path_factory.mktemp("patterns"), {"dots": 12, "rings": 12, "stripes": 12})


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trouble that passes is tried again at once, and nothing has been said or tried out before."""
    monkeypatch.setattr(transient, "PAUSES", (0.0,) * len(transient.PAUSES))
    monkeypatch.setattr(files, "_SAID", set())
    monkeypatch.setattr(locks, "_supported", {})


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty workspace; the working folder is its parent."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "workspace"


@pytest.fixture(scope="session")
def cxr() -> Path:
    """Real chest X-rays, where they are at hand."""
    if not (SHARED / "cxr-512").is_dir():
        pytest.skip("the X-rays in ../shared/data are not here")
    return SHARED
