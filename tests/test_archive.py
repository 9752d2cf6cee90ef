"""A run as a zip file and back; what strangers put into such a file."""

from __future__ import annotations

import os
import random
import shutil
import stat
import time
import warnings
import zipfile
from pathlib import Path

import pytest
from test_comparison import curve, fill, fresh

from monklite.errors import DamagedFile, InvalidValue, MonkliteError, NotFound, NotReady, StorageError
from monklite.facade import messages
from monklite.facade.console import Console
from monklite.files import TEMPORARY
from monklite.runs import history, packing, unpacking
from monklite.runs.file_names import BEST, FINAL, HISTORY, LEFTOVER_AGE, RESUME, SAMPLES, STATE
from monklite.runs.packing import pack
from monklite.runs.run import Run
from monklite.runs.state import SCHEMA
from monklite.runs.unpacking import unpack
from monklite.runs.workspace import Workspace

FILES = {
    f"output/models/{BEST}": b"best" * 100,
    f"output/models/{FINAL}": b"final" * 100,
    f"output/models/{RESUME}": b"all" * 100,
    "output/models/intermediate_model_0": b"first" * 100,
    "output/logs/train_val_loss.png": b"png",
    "output/model_card.md": b"for hospitals",
    SAMPLES: b"subset,class,path\n",
}


@pytest.fixture
def space(tmp_path) -> Workspace:
    return Workspace(tmp_path / "workspace")


@pytest.fixture
def run(space) -> Run:
    run = fill(fresh(space))
    for name, content in FILES.items():
        (run.folder / name).write_bytes(content)
    return run


@pytest.fixture
def packed(run, tmp_path) -> Path:
    pack(run, tmp_path / "run.zip", resume_state=True, intermediate=True)
    return tmp_path / "run.zip"


def contents(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name[0] != "."
    }


def changed(source: Path, **changes) -> Path:
    """The archive with entries replaced, added or, as None, left out; `a__b` stands for `a/b`."""
    target = source.with_name("changed.zip")
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        kept = {m.filename: old.read(m) for m in old.infolist()}
        for name, content in {**kept, **changes}.items():
            if content is not None:
                new.writestr(name, content)
    return target


def nothing_placed(space: Workspace, file: Path, project: str = "q") -> str:
    """Import must fail and leave everything as it was; returns what it said."""
    before = sorted(space.root.rglob("*"))
    with pytest.raises(DamagedFile) as caught:
        unpack(file, space, project)
    assert sorted(space.root.rglob("*")) == before
    return str(caught.value)


# There and back


def test_a_run_comes_back_as_it_was(run, packed, tmp_path):
    there = unpack(packed, Workspace(tmp_path / "other"))
    assert str(there) == "p/e/v001"
    assert contents(there.folder) == contents(run.folder)
    assert there.state() == run.state()
    assert (there.folder.parent / "output" / "models" / BEST).samefile(there.models / BEST)
    assert sorted(p.name for p in there.folder.parent.iterdir()) == [STATE, "output", "v001"]


def test_what_only_training_needs_is_left_out_unless_asked_for(run, tmp_path):
    assert pack(run, tmp_path / "small.zip") == ["output/models/intermediate_model_0", f"output/models/{RESUME}"]
    assert pack(run, tmp_path / "state.zip", resume_state=True) == ["output/models/intermediate_model_0"]
    assert pack(run, tmp_path / "steps.zip", intermediate=True) == [f"output/models/{RESUME}"]


def test_only_files_of_a_run_are_taken_along(run, tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("mine")
    (run.logs / "link.csv").symlink_to(secret)
    (run.folder / "notes.txt").write_text("mine")
    (run.models / "model.py").write_text("import os")
    (run.folder / ".lock").touch()
    left = pack(run, tmp_path / "run.zip", resume_state=True, intermediate=True)
    assert left == ["notes.txt", "output/logs/link.csv", "output/models/model.py"]
    with zipfile.ZipFile(tmp_path / "run.zip") as found:
        assert set(found.namelist()) == {*FILES, STATE, f"output/logs/{HISTORY}"}


@pytest.mark.parametrize("change", ["evaluated", "trained on", "pruned", "another file"])
def test_a_run_that_changes_while_it_is_packed_is_not_packed(run, tmp_path, monkeypatch, change):
    add = packing._add

    def disturbed(into, name, *more):
        if name == f"output/models/{BEST}" and change == "pruned":
            shutil.rmtree(run.folder)
        elif name == f"output/models/{BEST}" and change == "another file":
            (run.folder / SAMPLES).write_text("subset,class,path\ntrain,a,b\n")
        elif name == f"output/models/{BEST}":
            run.update(**({"status": "running"} if change == "trained on" else {"error": "seen again"}))
        add(into, name, *more)

    monkeypatch.setattr(packing, "_add", disturbed)
    with pytest.raises(NotReady, match=r"p/e/v001 was changed while it was exported .*: export it again"):
        pack(run, tmp_path / "run.zip")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["workspace"]


def test_the_same_run_gives_the_same_bytes(run, packed, tmp_path, monkeypatch):
    there = list(run.folder.rglob("*"))
    for path in there:
        path.touch()
    monkeypatch.setattr(Path, "rglob", lambda self, pattern: reversed(there))
    pack(run, tmp_path / "again.zip", resume_state=True, intermediate=True)
    assert (tmp_path / "again.zip").read_bytes() == packed.read_bytes()


def test_the_names_of_files_of_the_mxnet_backend_are_known(run, packed):
    run.update(asked=run.state().asked.replace({"backend": "mxnet"}))
    names = [f"{BEST}-0000.params", f"{BEST}-symbol.json", "intermediate_model_-0003.params"]
    assert not set(names) & set(pack_names(run, names))


def pack_names(run: Run, names: list[str]) -> list[str]:
    for name in names:
        (run.models / name).write_bytes(b"x")
    return pack(run, run.folder.parents[3] / "mxnet.zip", intermediate=True)


def test_an_import_is_a_new_version_and_touches_no_other(run, packed, space):
    before = contents(run.folder)
    assert str(unpack(packed, space)) == "p/e/v002"
    assert str(unpack(packed, space, "other", "name")) == "other/name/v001"
    assert contents(run.folder) == before
    state = space.find("other", "name").state()
    assert (state.project, state.experiment, state.version) == ("other", "name", 1)


def test_a_run_that_was_interrupted_stays_so(run, space, tmp_path):
    run.update(status="running")
    pack(run, tmp_path / "run.zip")
    assert unpack(tmp_path / "run.zip", space).state().status == "interrupted"


def test_another_that_takes_the_number_at_the_same_time_keeps_it(run, packed, space, monkeypatch):
    rename = Path.rename

    def late(self: Path, target: Path) -> Path:
        if target.name == "v002":
            target.mkdir()
            (target / "mine").touch()
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", late)
    assert unpack(packed, space).version == 3
    assert contents(space.root / "p" / "e" / "v002") == {"mine": b""}
    assert '"version": 3' in (space.find("p", "e", 3).folder / STATE).read_text()


def test_a_claim_leaves_a_run_alone_that_was_renamed_into_its_new_folder(run, packed, space, tmp_path, monkeypatch):
    unpacked, mkdir = unpack(packed, Workspace(tmp_path / "other")).folder, Path.mkdir

    def then_import(self: Path, *args, **kwargs) -> None:
        mkdir(self, *args, **kwargs)
        if self.name == "v002" and unpacked.exists():
            unpacked.rename(self)

    monkeypatch.setattr(Path, "mkdir", then_import)
    assert space.claim("p", "e").version == 3
    assert space.find("p", "e", 2).state().status == "done"
    assert space.find("p", "e", 2).acquire()


# What cannot be exported


@pytest.mark.parametrize("status", ["new", "running"])
def test_a_run_that_is_not_trained_cannot_be_exported(space, tmp_path, status):
    run = space.claim("p", "e")
    run.update(status=status)
    with pytest.raises(NotReady, match=r"p/e/v001 cannot be exported: it (has not been|is being) trained"):
        pack(run, tmp_path / "run.zip")
    assert not (tmp_path / "run.zip").exists()


def test_no_file_is_overwritten(run, packed, tmp_path):
    before = packed.read_bytes()
    with pytest.raises(InvalidValue, match=r"run\.zip is there already, and nothing is overwritten: take another name"):
        pack(run, packed)
    assert packed.read_bytes() == before
    with pytest.raises(NotFound, match="there is no folder .*none to put a.zip into"):
        pack(run, tmp_path / "none" / "a.zip")


# What is refused

OUTSIDE = [
    "/etc/cron.d/x",
    "../../../x",
    "output/models/../../../../x",
    "output\\models\\final",
    "C:/x",
    "output/logs/x.csv/../../x",
    "./dataset.csv",
    "output//logs/x.csv",
    ".lock",
    ".holder",
    "output/logs/.hidden.csv",
    "output/logs/run.py",
    "output/models/evil.pkl",
    "output/models/sub/final",
    "output/models/final/../x",
    "v001/dataset.csv",
    "output/models/final-/../../x",
    "output/models/final.\n",
    "final",
    "output/",
    "DATASET.csv",
    "output/logs/x.csv\n",
]


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_name_that_a_run_does_not_have_is_refused(space, packed, name):
    told = nothing_placed(space, changed(packed, **{name: b"x"}))
    assert "is no file of a run" in told or "is in it twice" in told or "is a link or a device" in told


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFDIR])
def test_a_link_or_device_is_refused(space, packed, kind):
    with zipfile.ZipFile(packed, "a") as file:
        info = zipfile.ZipInfo("health.csv")
        info.create_system, info.external_attr = 3, (kind | 0o777) << 16
        file.writestr(info, "/etc/passwd")
    assert "'health.csv' is a link or a device" in nothing_placed(space, packed)


def test_an_encrypted_archive_is_told(space, packed):
    data = bytearray(packed.read_bytes())
    for sign, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(sign) + place] |= 1
    packed.write_bytes(data)
    assert "is encrypted, password required" in nothing_placed(space, packed)


def test_a_name_that_is_there_twice_is_refused(space, packed):
    with warnings.catch_warnings(), zipfile.ZipFile(packed, "a") as file:
        warnings.simplefilter("ignore")
        file.writestr(SAMPLES, b"another")
    assert "a name is in it twice" in nothing_placed(space, packed)


def test_a_bomb_is_refused_before_it_is_unpacked(space, packed):
    bomb = changed(packed, **{"output/models/final": bytes(50_000_000)})
    assert bomb.stat().st_size < 100_000
    assert "would become 50,0" in nothing_placed(space, bomb)


def test_a_bomb_of_parts_that_lie_over_each_other_is_refused(space, packed, monkeypatch):
    """Each entry is small for the archive; together they are many times its size."""
    original = zipfile.ZipFile.infolist
    monkeypatch.setattr(
        zipfile.ZipFile, "infolist", lambda self: [renamed(m, i) for m in original(self) for i in range(900)]
    )
    monkeypatch.setattr(unpacking, "HARMLESS_BYTES", 1000)
    assert "would become" in nothing_placed(space, packed)


def renamed(member: zipfile.ZipInfo, number: int) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(f"output/models/intermediate_model_{number}{member.filename.replace('/', '.')}")
    made.file_size, made.header_offset = member.file_size, member.header_offset
    return made


def test_an_entry_that_lies_about_its_size_gives_no_more_than_it_says(space, packed):
    whole = changed(packed, **{"output/models/final": bytes(5000)})
    data = whole.read_bytes()
    with zipfile.ZipFile(whole) as file:
        member = file.getinfo("output/models/final")
    lying = data.replace((5000).to_bytes(4, "little"), (50).to_bytes(4, "little"))
    assert member.file_size == 5000 and lying != data
    whole.write_bytes(lying)
    assert "is damaged or not a zip file" in nothing_placed(space, whole)


def test_too_many_files_are_refused(space, packed, monkeypatch):
    monkeypatch.setattr(unpacking, "MAX_FILES", 3)
    assert "it holds 9 files, more than 3" in nothing_placed(space, packed)


def test_too_many_bytes_are_refused(space, packed, monkeypatch):
    monkeypatch.setattr(unpacking, "MAX_ARCHIVE_BYTES", 3)
    assert "would become" in nothing_placed(space, packed)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({STATE: None}, f"it holds no {STATE}"),
        ({STATE: b"{"}, "is damaged and cannot be read"),
        ({STATE: b"\xff"}, "is damaged or not a zip file"),
        ({STATE: b"[" * 100_000}, "is damaged and cannot be read"),
        ({f"output/logs/{HISTORY}": b"epoch\n1\n"}, "its history.csv is damaged"),
        ({f"output/logs/{HISTORY}": b"\xff\0"}, "its history.csv is damaged"),
    ],
)
def test_a_damaged_run_is_refused(space, packed, changes, message):
    assert message in nothing_placed(space, changed(packed, **changes))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (f'"schema": {SCHEMA}', '"schema": 99', "was written by a newer monklite"),
        ('"status": "done"', '"status": "new"', "its run was never trained"),
        ('"intermediate_prefix": "intermediate_model_"', '"intermediate_prefix": "../x"', "must be the beginning of a file"),
        ('"train_counts"', '"__class__": "os.system", "train_counts"', "is damaged"),
    ],
)  # fmt: skip
def test_a_state_that_breaks_the_rules_is_refused(run, space, packed, old, new, message):
    text = run.state().to_json().replace(old, new, 1)
    assert text != run.state().to_json()
    assert message in nothing_placed(space, changed(packed, **{STATE: text.encode()}))


@pytest.mark.parametrize("name", ["../up", "/etc", "comparison", "", "a/b", ".ssh"])
def test_a_state_cannot_say_where_it_goes_outside_the_workspace(run, space, packed, name):
    text = run.state().to_json().replace('"project": "p"', f'"project": "{name}"', 1)
    file = changed(packed, **{STATE: text.encode()})
    with pytest.raises(InvalidValue, match="cannot be (the|a) project name"):
        unpack(file, space)
    assert str(unpack(file, space, project="mine")) == "mine/e/v001"


def test_what_is_no_archive_is_told(space, tmp_path):
    space.root.mkdir()
    (tmp_path / "x.zip").write_text("no zip")
    assert "x.zip is damaged or not a zip file" in nothing_placed(space, tmp_path / "x.zip")
    with pytest.raises(NotFound, match=r"there is no file .*none\.zip"):
        unpack(tmp_path / "none.zip", space)


def test_a_disk_that_is_too_small_is_told_before_anything_is_written(packed, tmp_path, monkeypatch):
    space = Workspace(tmp_path / "other")
    monkeypatch.setattr(unpacking.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(9, 9, 9))
    with pytest.raises(
        StorageError, match=r"the run needs [\d,]+ bytes and the disk of .* has 9 free: free some space"
    ):
        unpack(packed, space)
    assert not (space.root / "p").exists()


def test_whatever_the_bytes_are_only_our_errors_come_out_and_only_whole_runs_go_in(run, packed, tmp_path):
    good, dice = packed.read_bytes(), random.Random(1)
    space = Workspace(tmp_path / "other")
    came_in = 0
    for _ in range(300):
        data = bytearray(good[: dice.randrange(len(good))] if dice.random() < 0.2 else good)
        for _ in range(dice.randrange(1, 6)):
            data[dice.randrange(max(len(data), 1)) if data else 0 : 0] = b"" if data else b"x"
            data[dice.randrange(len(data))] = dice.randrange(256)
        (tmp_path / "fuzzed.zip").write_bytes(data)
        try:
            made = unpack(tmp_path / "fuzzed.zip", space, "p", "e")
        except MonkliteError:
            continue
        came_in += 1
        history.read(made.logs / HISTORY)
        assert made.state().experiment == "e"
    assert len(space.versions("p", "e")) == came_in < 300
    assert not list(tmp_path.rglob("*monklite-tmp*"))


def test_history_of_the_archive_is_the_runs_own(run, packed, tmp_path):
    assert history.read(unpack(packed, Workspace(tmp_path / "b")).logs / HISTORY) == curve(3, 0.84)


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_packed_in_other_ways_are_refused(space, packed, kind) -> None:
    target = packed.with_name("other.zip")
    with zipfile.ZipFile(packed) as old, zipfile.ZipFile(target, "w", kind) as new:
        for member in old.infolist():
            new.writestr(member.filename, old.read(member))
    assert "is packed in a way that `monklite export` does not use" in nothing_placed(space, target)


@pytest.mark.parametrize("name", ["a\x1b[31mb", "a\x85b", "a\u2028b", "a\x0bb", "a\x0cb", "a\rb", "a\nb", "a\u202eb"])
def test_class_names_with_control_characters_come_back(space, run, tmp_path, name, capsys) -> None:
    dataset = run.state().dataset
    run.update(
        dataset=dataset.model_copy(update={"classes": (name, *dataset.classes[1:])}), error=f"x{name}Status: done"
    )
    pack(run, tmp_path / "named.zip")
    imported = unpack(tmp_path / "named.zip", space, "q")
    assert imported.state().dataset.classes[0] == name
    messages.summary(Console(1), imported, imported.state())
    printed = capsys.readouterr().out
    assert not [line for line in printed.splitlines() if line.strip().startswith("Status: done")]
    assert all(c.isprintable() or c == "\n" for c in printed)


def test_what_a_killed_export_left_is_removed_by_the_next_one(run, tmp_path) -> None:
    old, new, other = (tmp_path / f".{name}.1-abcd{TEMPORARY}" for name in ("run.zip", "run.zip", "other.zip"))
    new = new.with_name(f".run.zip.2-abcd{TEMPORARY}")
    for leftover in (old, new, other):
        leftover.write_bytes(b"half")
    for leftover in (old, other):
        os.utime(leftover, (time.time() - 2 * LEFTOVER_AGE,) * 2)
    pack(run, tmp_path / "run.zip")
    assert sorted(p.name for p in tmp_path.glob(f".*{TEMPORARY}")) == sorted([new.name, other.name])
