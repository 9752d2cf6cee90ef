"""Archives of runs in which something is hostile: what is imported can be used, and everything else is refused in words."""

from __future__ import annotations

import shutil
import struct
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile_runs import ON_REQUEST, copied, copy_into, done_or_refused, evaluated, quick_calls, resumed, train_in

from monklite.runs import packing, unpacking
from monklite.runs.file_names import BEST, HISTORY, LOGS_PREFIX, MODELS_PREFIX, SAMPLES, STATE
from monklite.runs.workspace import Workspace

LONG = "x" * 60_000
NAMES = (
    "", " ", ".", "..", "/", "//", "\\", "/etc/passwd", "C:/x", "C:\\x", "../../x", "a/../../x", f"{MODELS_PREFIX}../x",
    f"{MODELS_PREFIX}{BEST}/", f"{MODELS_PREFIX}{BEST}/x", f"{LOGS_PREFIX}a.csv/b.csv", f"{LOGS_PREFIX}\x1b[31m.csv",
    f"{LOGS_PREFIX}\u202ecsv.png", f"{LOGS_PREFIX}ü.csv", f"{LOGS_PREFIX}con.csv", f"{LOGS_PREFIX}a.csv\n", LONG,
    f"{LOGS_PREFIX}{LONG}.csv", f"{MODELS_PREFIX}{BEST}-{LONG}", f"{MODELS_PREFIX}{BEST}\0.py", "nul", "\n\x1b[31m",
    "\U0001f600", STATE.upper(), f"{MODELS_PREFIX}{BEST.upper()}", f"./{SAMPLES}", f"{SAMPLES}/", ".lock", ".holder",
)  # fmt: skip
CONTENTS = (
    b"", b"\0", b"x", b"{", b"[]", b"null", b"\xff\xfe", b"1" * 5_000, b"[" * 100_000, b"{\"schema\": 1e400}",
    b"," * 1_000_000, b"subset,class,path\n" + b"," * 1_000_000, b"subset,class,path\ntrain,a," + b"x" * 200_000,
    b"subset,class,path\ntrain,a,../../x.png\n", b"subset,class,path\ntrain,a,/etc/passwd\n", b"\n" * 1_000_000,
    b"epoch\n1e400\n", b"\x89PNG\r\n\x1a\n",
)  # fmt: skip


@pytest.fixture(scope="module")
def trained(patterns: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_in(tmp_path_factory.mktemp("archives"), patterns)


@pytest.fixture
def space(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.chdir(tmp_path)
    return copy_into(tmp_path, trained)


@pytest.fixture
def members(space: Workspace, tmp_path: Path) -> dict[str, bytes]:
    """The files of the exported run."""
    packing.pack(space.versions("p", "e")[0], tmp_path / "run.zip", resume_state=True)
    with zipfile.ZipFile(tmp_path / "run.zip") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def written(path: Path, members: dict[str, bytes]) -> Path:
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as archive:
        warnings.simplefilter("ignore")
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            # Python cuts a name at its NUL when one is made, not when one is read
            info.filename = name
            archive.writestr(info, content)
    return path


def patched(content: bytes, signature: bytes, place: int, field: bytes) -> Iterator[bytes]:
    """Archives with a field of each header of a kind replaced."""
    start = content.find(signature)
    while start >= 0:
        yield content[: start + place] + field + content[start + place + len(field) :]
        start = content.find(signature, start + 4)


# signature of a header, and place and length of its fields: versions, flags, method, checksum, sizes, lengths, offsets
HEADERS = {
    b"PK\x03\x04": {4: 2, 6: 2, 8: 2, 14: 4, 18: 4, 22: 4, 26: 2, 28: 2},
    b"PK\x01\x02": {6: 2, 8: 2, 10: 2, 16: 4, 20: 4, 24: 4, 28: 2, 30: 2, 32: 2, 38: 4, 42: 4},
    b"PK\x05\x06": {4: 2, 6: 2, 8: 2, 10: 2, 12: 4, 16: 4, 20: 2},
}


def damaged_headers(content: bytes) -> Iterator[tuple[str, bytes]]:
    for signature, fields in HEADERS.items():
        for place, length in fields.items():
            for value in (0, 1, 2 ** (8 * length) - 1, 2 ** (8 * length - 1)):
                field = struct.pack("<H" if length == 2 else "<I", value)
                for number, variant in enumerate(patched(content, signature, place, field)):
                    yield f"header {signature!r} {number}, byte {place} = {value}", variant


def attack(space: Workspace, file: Path, what: str, counts: Counter[str], everything: bool = False) -> None:
    """Import a file into an empty workspace; whatever was imported must be usable as a run is."""
    shutil.rmtree(space.root, ignore_errors=True)
    counts["archives"] += 1
    if not done_or_refused(lambda: unpacking.unpack(file, space, "p", "e"), f"import: {what}", counts):
        assert not list(space.root.rglob("*")), what
        return
    counts["imported"] += 1
    calls = quick_calls(space)
    if everything:
        calls += [("evaluate", evaluated), ("copy", copied), ("resume", resumed)]
    for title, call in calls:
        done_or_refused(call, f"{title}: {what}", counts)


def test_archives_with_a_file_of_a_hostile_name(space: Workspace, members: dict[str, bytes], tmp_path: Path) -> None:
    counts: Counter[str] = Counter()
    small = {name: content for name, content in members.items() if not name.startswith(MODELS_PREFIX)}
    for name in NAMES:
        file = written(tmp_path / "hostile.zip", {**small, name: b"x"})
        attack(space, file, f"name {name[:40]!r}", counts)
    print(f"archives with names: {dict(counts)}")
    assert counts["imported"] <= 4
    # and nothing was written outside the workspace
    assert {p.name for p in tmp_path.iterdir()} <= {"workspace", "images", "run.zip", "hostile.zip"}


@pytest.mark.parametrize("stride", [13, pytest.param(1, marks=ON_REQUEST)])
def test_archives_with_a_file_of_hostile_content(
    space: Workspace, members: dict[str, bytes], tmp_path: Path, stride: int
) -> None:
    counts: Counter[str] = Counter()
    contents = [(name, content) for name in members for content in CONTENTS]
    for i, (name, content) in enumerate(contents[::stride]):
        file = written(tmp_path / "hostile.zip", {**members, name: content})
        attack(space, file, f"{name} = {content[:40]!r}", counts, everything=i % 5 == 0)
    print(f"archives with contents, every {stride}: {dict(counts)}")
    assert counts["imported"] and counts["refused"]


def test_archives_with_damaged_headers(space: Workspace, members: dict[str, bytes], tmp_path: Path) -> None:
    counts: Counter[str] = Counter()
    names = (STATE, SAMPLES, f"{LOGS_PREFIX}{HISTORY}")
    content = written(tmp_path / "whole.zip", {name: members[name] for name in names}).read_bytes()
    for what, variant in damaged_headers(content):
        (tmp_path / "hostile.zip").write_bytes(variant)
        attack(space, tmp_path / "hostile.zip", what, counts)
    print(f"archives with headers: {dict(counts)}")
    assert counts["refused"] > counts["archives"] // 3
