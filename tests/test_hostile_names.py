"""Names of every kind, wherever a user or a folder gives one: taken as they are, or refused in words."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path

import pytest
from hostile_runs import cli, done_or_refused
from PIL import Image

from monklite import compare
from monklite.data import dataset_csv
from monklite.facade.prototype import prototype
from monklite.runs.file_names import SAMPLES
from monklite.runs.workspace import Workspace

NAMES = (
    "", " ", ".", "..", "...", "/", "\\", "//", "a/b", "a\\b", "../x", "/etc", "C:\\x", "C:", "~", "~root", "$HOME", "`id`",
    "$(id)", "a;b", "a|b", "a&b", "a>b", "*", "?", "[a]", "{0}", "{", "%s", "%", "'", '"', "''", "a,b", "a\tb", "a\nb", "a\rb",
    "\r", "\x00", "a\x00b", "\x1b[31m", "\x7f", "\x85", "\u2028", "\u202e", "\u200b", "\ufeff", "\ufffe", "\ud800", "\udcff",
    "=1+1", "+1", "-1", "@x", "'=1", "\uff1dx", "<b>", "&amp;", "--help", "-x", "con", "NUL.txt", "com1", "aux ", "x.", "x ",
    "comparison", ".cache", ".git", "v001", "experiment-state.json", "output", "None", "nan", "1e400", "0", "9" * 100,
    "x" * 101, "x" * 255, "x" * 256, "x" * 5_000, "ü" * 120, "ü", "u\u0308", "\U0001f600" * 60, "日本", "العربية", "ا" * 99,
)  # fmt: skip


@pytest.mark.parametrize(
    "place", ["project", "experiment", "comparison", "version", "copy_from", "resume", "command line"]
)
def test_names_that_a_user_gives_are_taken_or_refused(workspace: Path, place: str) -> None:
    counts: Counter[str] = Counter()
    for name in NAMES:
        calls = {
            "project": lambda n=name: prototype(verbose=0).Prototype(n, "e"),
            "experiment": lambda n=name: prototype(verbose=0).Prototype("p", n),
            "comparison": lambda n=name: compare(verbose=0).Comparison(n),
            "version": lambda n=name: prototype(verbose=0).Prototype("p", "e", summary=True, version=n),
            "copy_from": lambda n=name: prototype(verbose=0).Prototype("p", "e", copy_from=[n, n]),
            "resume": lambda n=name: prototype(verbose=0).Prototype(n, n, resume_train=True),
            "command line": lambda n=name: cli(Workspace(workspace), "summary", n, n),
        }
        counts["done"] += done_or_refused(calls[place], repr(name)[:40], counts)
    print(f"names as {place}: {dict(counts)}")
    # nothing was made beside the workspace
    assert {p.name for p in workspace.parent.iterdir()} <= {"workspace"}


def placed(folder: Path, name: str, as_class: bool) -> bool:
    """Draw two classes of two images each, one of which has the name; False if the file system has no such name."""
    try:
        for kind in ("other", name if as_class else "plain"):
            (folder / kind).mkdir(parents=True)
            for i in range(2):
                file = f"{i}.png" if as_class or kind == "other" else f"{i}{name}.png"
                Image.new("RGB", (8, 8), (i, len(kind) % 256, 9)).save(os.fspath(folder / kind / file))
    except (OSError, ValueError):
        return False
    return {p.name for p in folder.iterdir()} == {"other", name if as_class else "plain"}


@pytest.mark.parametrize("as_class", [True, False], ids=["class", "image"])
def test_names_of_folders_and_files_are_taken_or_refused(workspace: Path, tmp_path: Path, as_class: bool) -> None:
    counts: Counter[str] = Counter()
    for name in NAMES:
        shutil.rmtree(tmp_path / "images", ignore_errors=True)
        if not placed(tmp_path / "images", name, as_class):
            counts["no such file"] += 1
            continue
        ptf = prototype(verbose=0)
        ptf.Prototype("p", "e")
        ptf.Dataset_Params(dataset_path=str(tmp_path / "images"), split=0.5, input_size=8, num_processors=1)
        if done_or_refused(ptf.Dataset, repr(name)[:40], counts):
            counts["done"] += 1
            run = Workspace().find("p", "e")
            subsets = dataset_csv.read(run.folder / SAMPLES, run.state().dataset)
            listed = {path for paths in subsets.values() for path in paths}
            assert listed == {p.relative_to(tmp_path / "images").as_posix() for p in tmp_path.glob("images/*/*")}
            done_or_refused(lambda: cli(Workspace(), "summary", "p", "e"), f"summary: {name!r}", counts)
            done_or_refused(lambda: cli(Workspace(), "list"), f"list: {name!r}", counts)
    print(f"names of {'classes' if as_class else 'images'}: {dict(counts)}")
    assert counts["done"] > 30
