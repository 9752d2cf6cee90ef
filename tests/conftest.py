"""Shared fixtures: small images drawn in code, and a workspace of its own for every test."""

from __future__ import annotations

import gc
import importlib
import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from whole import WHOLE

from monklite import backends, files, locks, transient
from monklite.catalog.backends import BUILT_IN
from monklite.reports import charts
from monklite.testing.datasets import draw_patterns

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# the first chart of this process, as PNG
RENDERED: list[bytes] = []
SHARED = Path(__file__).parents[2] / "shared" / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is above the backends is tested on one of them, which is another one for other tests."""
    kinds = {item: _without_backend(item) for item in items if item.get_closest_marker("above_backends") and not WHOLE}
    backends_of: dict[str, list[str]] = {}
    for kind, name in filter(None, kinds.values()):
        backends_of.setdefault(kind, []).append(name)

    def is_run(item: pytest.Item) -> bool:
        kind, name = kinds.get(item) or ("", "")
        named = sorted(backends_of.get(kind, [name]))
        return name == named[zlib.crc32(kind.encode()) % len(named)]

    items[:] = filter(is_run, items)


def _without_backend(item: pytest.Item) -> tuple[str, str] | None:
    """What tells a test from others but its backend, and that; None: it has none."""
    name = getattr(getattr(item, "callspec", None), "params", {}).get("backend")
    # the same in each process, which the values themselves may not be
    return None if name is None else (item.nodeid.replace(name, "", 1), name)


@pytest.fixture(params=BUILT_IN)
def backend(request: pytest.FixtureRequest) -> str:
    """Each of monklite's own backends in turn."""
    return request.param


@pytest.fixture(scope="session")
def patterns(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes that are easy to tell apart: dots 12, rings 12, stripes 12 images of 40 px."""
    return draw_patterns(tmp_path_factory.mktemp("patterns"), {"dots": 12, "rings": 12, "stripes": 12})


@pytest.fixture(scope="session", autouse=True)
def frozen_libraries() -> None:
    """The objects of the large libraries are not looked at again whenever memory is freed, which each training does."""
    # for a few tests in one process it takes longer than it saves
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return
    for name in BUILT_IN:
        backends.load(name)
    for library in ("matplotlib.figure", "pandas", "scipy.stats", "sklearn.linear_model"):
        importlib.import_module(library)
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def without_flushes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are not flushed to the disk, which only a power failure would tell; tests of that put their own in its place."""
    monkeypatch.setattr(os, "fsync", os.fstat)


@pytest.fixture(autouse=True)
def rendered_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each process renders its first chart; the others are made, and then written with the content of the first.

    Rendering took half of a small training and three quarters of an evaluation, of which there are thousands. Tests that look at
    charts have the mark `renders`.
    """
    if WHOLE or request.node.get_closest_marker("renders"):
        return
    render = charts.as_png

    def as_png(figure: Figure) -> bytes:
        if not RENDERED:
            RENDERED.append(render(figure))
        return RENDERED[0]

    monkeypatch.setattr(charts, "as_png", as_png)


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
