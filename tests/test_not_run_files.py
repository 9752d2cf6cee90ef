"""Something else in the place of each file of a workspace, and then all that can be done with a run.

It takes some minutes and is tried on request, with `MONKLITE_TESTS=whole`; the suite tries each reader in test_not_files.py.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hostile_runs import NETWORKS, cli, compared, copied, done_or_refused, evaluated, quick_calls, resumed
from not_files import THINGS, bounded, put
from tiny_networks import build_tiny
from whole import WHOLE

from monklite import Prototype
from monklite.catalog.backends import BUILT_IN
from monklite.runs.workspace import Workspace
from monklite.testing.datasets import draw_patterns

pytestmark = pytest.mark.skipif(not WHOLE or os.name == "nt", reason="takes long: set MONKLITE_TESTS=whole")


@pytest.fixture(params=BUILT_IN)
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        build_tiny(patch, request.param)
        yield request.param


def make(folder: Path, backend: str) -> Workspace:
    """A workspace with a run that was trained with kept features, evaluated and exported, and its images."""
    draw_patterns(folder / "images", {"dots": 6, "rings": 6}, side=32)
    ptf = Prototype("p", "e", backend=backend, verbose=0)
    ptf.Default("images", model_name=NETWORKS[backend], use_pretrained=False, num_epochs=1)
    ptf.update_input_size(32)
    ptf.Train()
    evaluated(backend)
    space = Workspace("workspace")
    cli(space, "export", "p", "e", "run.zip")
    return space


def operations(space: Workspace, backend: str) -> list[tuple[str, Callable[[], Any]]]:
    return [
        *quick_calls(space),
        ("compare", lambda: compared(space)),
        ("evaluate", lambda: evaluated(backend)),
        ("copy", lambda: copied(backend)),
        ("resume", lambda: resumed(backend, 2)),
        ("export", lambda: cli(space, "export", "p", "e", "again.zip")),
        ("import", lambda: cli(space, "import", "run.zip")),
        ("prune", lambda: cli(space, "prune", "p")),
    ]


def is_read(path: Path) -> bool:
    """Whether monklite reads a file: no chart, no lease of this process, and of the images one."""
    is_image = path.suffix == ".png" and path.name != "dots-000.png"
    return not (path.is_symlink() or path.suffix == ".in-use" or is_image)


def renew(whole: Path, folder: Path) -> None:
    """Put everything back as it was."""
    for part in whole.iterdir():
        place = folder / part.name
        if place.is_dir():
            shutil.rmtree(place)
            shutil.copytree(part, place, symlinks=True)
        else:
            place.unlink(missing_ok=True)
            if part.is_dir():
                shutil.copytree(part, place, symlinks=True)
            else:
                shutil.copy(part, place)


@pytest.mark.parametrize("thing", THINGS)
def test_what_is_no_file_in_the_place_of_each(
    thing: str, backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    space, counts, raw = make(tmp_path, backend), Counter[str](), []
    calls, whole = operations(space, backend), tmp_path / "whole"
    whole.mkdir()
    for name in ("workspace", "images", "run.zip"):
        (tmp_path / name).rename(whole / name)
    files = sorted(p.relative_to(whole) for p in whole.rglob("*") if p.is_file() and is_read(p))
    for file in files:
        for title, operation in calls:
            renew(whole, tmp_path)
            put(thing, tmp_path / file)
            what = f"{thing} as {file}, {title}"
            try:
                with bounded(what):
                    done_or_refused(operation, what, counts)
            # all of them are told at the end
            except (AssertionError, pytest.fail.Exception) as error:
                raw.append(str(error))
    print(f"{thing}, {backend}: {len(files)} files, {dict(counts)}, {len(raw)} raw")
    assert not raw, "\n".join(raw)
