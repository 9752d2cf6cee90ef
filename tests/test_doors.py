"""Some things are done in one place, which makes them safe; nothing in the package does them beside it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "monklite"
# the call -> the modules that may make it
DOORS = {
    # text to a terminal: made printable there
    "print": {"facade/console.py"},
    "click.echo": {"cli/group.py"},
    # the answer of a process to the one that has started it
    "sys.stdout.write": {"doctor/probe.py"},
    # the program in a bundle, which has no library for a command line
    "sys.stderr.write": {"standalone/main.py"},
    "warnings.warn": set(),
    "logger.warning": {"facade/evaluation.py", "facade/ensemble.py", "facade/compare.py"},
    "_LOG.warning": {"files.py"},
    "tabulate": {"facade/console.py"},
    # cells of files that a spreadsheet may open
    "csv.writer": {"csv_files.py"},
    "csv.DictWriter": set(),
    "to_csv": {"data/table_frames.py"},
    # memory that a picture asks for
    "open_image": {"data/decode.py"},
    # of pictures that it has drawn itself
    "Image.open": {"exporting/certifying.py"},
    # arrays from a file that somebody else may have made: none of these runs code from it
    "torch.load": {"backends/pytorch/weights.py"},
    "load_file": set(),
    "safe_open": set(),
    "safetensors_file.read": {"backends/array_files.py", "backends/pytorch/weights.py", "backends/mxnet/weights.py"},
    "nd.load": {"backends/mxnet/weights.py"},
    "nd.load_frombuffer": {"backends/mxnet/weights.py"},
    "np.load": {"data/arrays.py", "data/cache_index.py"},
    # files that a library opens by their names, which waits for a pipe: only where they were checked, or are open already
    "io.FileIO": {"regular_files.py"},
    "os.open": {"regular_files.py", "files.py"},
    "os.fdopen": {"files.py"},
    "io.open": set(),
    "zipfile.ZipFile": {
        "apps/no_code/adding.py",
        "data/compressed_files.py",
        "exporting/program_file.py",
        "exporting/reading.py",
        "exporting/writing.py",
        "runs/packing.py",
        "runs/unpacking.py",
        "sweeps/cluster/images.py",
    },
    "np.fromfile": set(),
    "np.memmap": set(),
    "np.loadtxt": set(),
    "shutil.copyfile": set(),
    "shutil.copy": set(),
    "shutil.copy2": set(),
    # programs, and code from text
    "subprocess.run": {"doctor/devices.py"},
    "subprocess.Popen": {"apps/no_code/jobs.py"},
    "os.system": set(),
    "os.popen": set(),
    "eval": set(),
    "exec": set(),
    "pickle.load": set(),
    "pickle.loads": set(),
    "yaml.load": set(),
}
# methods that open a file, unless they are called with a mode of writing
READING = ("open", "read_text", "read_bytes")
# module -> what it calls so: not a file, one within an archive that is open, or one of the system
OTHER_THINGS = {
    "apps/login.py": {"self.sessions.open"},
    "cli/app.py": {"webbrowser.open"},
    "data/cache.py": {"job.open"},
    "data/compressed_files.py": {"archive.open"},
    "data/image_files.py": {"row.open"},
    "exporting/certifying.py": {"Image.open"},
    "exporting/reading.py": {"archive.open"},
    "facade/opening.py": {"self._opened.open"},
    "processors.py": {"table.read_text", "(folder / file).read_text"},
    "runs/heartbeat.py": {"Path('/proc/sys/kernel/random/boot_id').read_text"},
    "runs/unpacking.py": {"archive.open"},
}
MODULES = [p for p in sorted(PACKAGE.rglob("*.py")) if p.parent.name != "testing"]


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every call, by the name it is written with."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def beside(path: Path, module: str) -> list[str]:
    """The calls that a module makes and may not make."""
    found = []
    for name, _ in calls(path):
        for door, allowed in DOORS.items():
            # a method that is called like a function of the table, such as `network.eval()`, is another one
            is_door = name == door or (name.endswith(f".{door}") and ("." in door or door in ("to_csv",)))
            if is_door and module not in allowed:
                found.append(f"{module}: {name}")
    return found


def reads_beside(path: Path, module: str) -> list[str]:
    """The calls that open a file for reading in another way than `regular_files.py` does."""
    found = []
    for name, call in calls(path):
        method = name.rpartition(".")[2]
        modes = [a.value for a in (*call.args, *(k.value for k in call.keywords)) if isinstance(a, ast.Constant)]
        is_writing = method == "open" and any(isinstance(m, str) and set(m) & set("wxa") for m in modes)
        is_other = name in OTHER_THINGS.get(module, ()) or (name == "os.open" and module in DOORS["os.open"])
        if method in READING and not is_writing and not is_other:
            found.append(f"{module}: {name}")
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_files_are_opened_through_one_door(path: Path) -> None:
    """Others would wait for a named pipe, or read a device or a file of gigabytes to its end."""
    assert reads_beside(path, path.relative_to(PACKAGE).as_posix()) == []


@pytest.mark.parametrize(("module", "name"), [(m, n) for m, names in OTHER_THINGS.items() for n in sorted(names)])
def test_every_exception_is_needed(module: str, name: str) -> None:
    assert any(called == name for called, _ in calls(PACKAGE / module))


@pytest.mark.parametrize(
    ("code", "n"),
    [
        ("open(p)", 1),
        ("p.open('rb')", 1),
        ("p.read_text()", 1),
        ("os.open(p, 0)", 1),
        ("p.open('wb')", 0),
        ("f.read()", 0),
    ],
)
def test_a_file_that_is_opened_beside_the_door_is_found(tmp_path: Path, code: str, n: int) -> None:
    (tmp_path / "new.py").write_text(code)
    assert len(reads_beside(tmp_path / "new.py", "new.py")) == n


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_nothing_passes_beside_the_doors(path: Path) -> None:
    assert beside(path, path.relative_to(PACKAGE).as_posix()) == []


@pytest.mark.parametrize(("door", "module"), [(d, m) for d, modules in DOORS.items() for m in sorted(modules)])
def test_every_door_is_used(door: str, module: str) -> None:
    assert any(name == door or name.endswith(f".{door}") for name, _ in calls(PACKAGE / module))


@pytest.mark.parametrize(
    "code", ["print(1)", "frame.to_csv('x')", "torch.load(p)", "import os\nos.system('x')", "eval('1')"]
)
def test_a_call_beside_a_door_is_found(tmp_path: Path, code: str) -> None:
    (tmp_path / "new.py").write_text(code)
    assert len(beside(tmp_path / "new.py", "new.py")) == 1


def test_torch_loads_weights_only() -> None:
    (call,) = [node for name, node in calls(PACKAGE / "backends/pytorch/weights.py") if name == "torch.load"]
    assert {k.arg: ast.literal_eval(k.value) for k in call.keywords if k.arg == "weights_only"} == {
        "weights_only": True
    }


@pytest.mark.parametrize("module", ["data/arrays.py", "data/cache_index.py"])
def test_numpy_loads_no_objects(module: str) -> None:
    loads = [node for name, node in calls(PACKAGE / module) if name == "np.load"]
    for call in loads:
        assert {k.arg: ast.literal_eval(k.value) for k in call.keywords if k.arg == "allow_pickle"} == {
            "allow_pickle": False
        }
