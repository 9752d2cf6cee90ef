"""The faults that `faults.py` tries: each one really brought about, in a copy of the same two runs.

Version 1 is trained to its end. Version 2 was killed in its second of three epochs; it can be gone on with. Unless said
otherwise a fault strikes before somebody goes on with version 2; those `in training` strike in the second epoch of a new
version 3, which waits meanwhile.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import signal
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from children import Plan  # in tests/, which faults.py puts on the path
from kills import weights

from monklite.runs.file_names import BEST, HISTORY, RESUME, SAMPLES, STATE
from monklite.runs.run import Run

EXPERIMENT = Path("workspace", "p", "e")
SPARE = 4 << 20  # bytes left on a small disk, and the largest file where there is a limit
ROOM = 300 << 20  # bytes of memory left for a training that needs more
Repair = Callable[[], object]


class NotTried(Exception):
    """This machine does not let us bring the fault about."""


def nothing() -> None:
    """There is nothing to repair."""


@dataclass(frozen=True)
class Fault:
    """`bring`: brings it about in the folder, and returns what repairs it. `act`: what the user does then; None: train.

    `resume`: go on with version 2. `pause`: where in the training of a new version it strikes. `two`: two processes at once.
    """

    name: str
    bring: Callable[[Path], Repair]
    act: Callable[[Plan], object] | None = None
    resume: bool = True
    pause: str = ""
    two: bool = False


# What the user does; carried out in a process of its own, in the folder


def infer(plan: Plan) -> None:
    from monklite import Prototype

    Prototype("p", "e", plan.backend, eval_infer=True, version=2).Infer(
        img_name=next(Path("images", "rings").iterdir())
    )


def compare_all(plan: Plan) -> None:
    from monklite import compare

    comparison = compare()
    comparison.Comparison("all")
    for version in (1, 2):
        comparison.Add_Experiment("p", "e", version)
    comparison.Generate_Statistics()


def diverge(plan: Plan) -> None:
    ptf = plan.prototype()
    ptf.optimizer_sgd(1e30, momentum=0.9)
    ptf.Train()


def limit_files(plan: Plan) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SPARE, resource.RLIM_INFINITY))
    plan.prototype().Train()


def limit_memory(plan: Plan) -> None:
    import psutil

    ptf = plan.prototype()
    ptf.update_input_size(256)
    ptf.update_batch_size(24)
    ptf.Reload()
    limit = psutil.Process().memory_info().vms + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    ptf.Train()


def take_another_network(plan: Plan) -> None:
    ptf = plan.prototype()
    ptf.update_model_name("resnet18")
    ptf.Reload()
    ptf.Train()


def evaluate(plan: Plan) -> None:
    from monklite import Prototype

    ptf = Prototype("p", "e", plan.backend, eval_infer=True, version=1)
    ptf.Dataset_Params(dataset_path="test")
    ptf.Dataset()
    ptf.Evaluate()


def receive(plan: Plan) -> None:
    """Import what a stranger sent."""
    from monklite.runs.archive import unpack
    from monklite.runs.workspace import Workspace

    try:
        unpack("run.zip", Workspace("workspace"), "q")
    finally:
        if list(Path("..").rglob("evil*")) or Path("workspace", "q").exists():
            raise AssertionError("something was placed")


# What strikes


def none(folder: Path) -> Repair:
    return nothing


def of(version: int, *names: str) -> Callable[[Path], Path]:
    return lambda folder: folder.joinpath(EXPERIMENT, f"v{version:03d}", *names)


def state_of_training(folder: Path) -> Path:
    return of(2, "output", "models", RESUME)(folder)


def best_weights(folder: Path) -> Path:
    found = weights(Run(of(2)(folder)), BEST)
    assert found is not None
    return found


state_file = of(2, STATE)
history_file = of(2, "output", "logs", HISTORY)
table_of_images = of(2, SAMPLES)


def cut(place: Callable[[Path], Path]) -> Callable[[Path], Repair]:
    """The second half of the file is gone, as after a power failure on some disks."""
    return _spoil(place, lambda content: content[: len(content) // 2])


def emptied(place: Callable[[Path], Path]) -> Callable[[Path], Repair]:
    return _spoil(place, lambda content: b"")


def one_bit(place: Callable[[Path], Path]) -> Callable[[Path], Repair]:
    def flip(content: bytes) -> bytes:
        changed = bytearray(content)
        changed[len(content) * 2 // 3] ^= 4
        return bytes(changed)

    return _spoil(place, flip)


def replaced(place: Callable[[Path], Path], old: str, new: str) -> Callable[[Path], Repair]:
    def change(content: bytes) -> bytes:
        assert old.encode() in content
        return content.replace(old.encode(), new.encode(), 1)

    return _spoil(place, change)


def removed(place: Callable[[Path], Path]) -> Callable[[Path], Repair]:
    """A file or folder is moved away; the repair puts it back where it was, unless there is a new one."""

    def bring(folder: Path) -> Repair:
        path, kept = place(folder), folder / "kept"
        path.rename(kept)
        return lambda: path.exists() or kept.rename(path)

    return bring


def _spoil(place: Callable[[Path], Path], change: Callable[[bytes], bytes]) -> Callable[[Path], Repair]:
    def bring(folder: Path) -> Repair:
        path = place(folder)
        content = change(path.read_bytes())
        path.unlink()  # it may have a second name
        path.write_bytes(content)
        return nothing

    return bring


def full_disk(folder: Path) -> Repair:
    """A file system of its own with the workspace on it, filled but for `SPARE` bytes."""
    workspace = _own_file_system(folder)
    free = shutil.disk_usage(workspace).free
    (workspace / "filler").write_bytes(bytes(free - SPARE))
    return (workspace / "filler").unlink


def read_only_disk(folder: Path) -> Repair:
    workspace = _own_file_system(folder)
    _command("mount", "-o", "remount,ro", workspace)
    return lambda: _command("mount", "-o", "remount,rw", workspace)


def _own_file_system(folder: Path) -> Path:
    workspace, before = folder / "workspace", folder / "before"
    workspace.rename(before)
    workspace.mkdir()
    _command("mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", workspace)
    shutil.copytree(before, workspace, symlinks=True, dirs_exist_ok=True)
    return workspace


def unchangeable(version: int) -> Callable[[Path], Repair]:
    """The folder of the weights may not be written: not even by root, whom permissions do not bind."""

    def bring(folder: Path) -> Repair:
        models = of(version, "output", "models")(folder)
        _command("chattr", "+i", models)
        return lambda: _command("chattr", "-i", models)

    return bring


def _command(*words: object) -> None:
    try:
        subprocess.run([str(w) for w in words], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise NotTried(f"{' '.join(map(str, words[:2]))}: {getattr(error, 'stderr', error)}".strip()) from None


def cleared(folder: Path) -> None:
    """Take away what a fault may have left of mounts and attributes."""
    if os.path.ismount(folder / "workspace"):
        subprocess.run(["umount", folder / "workspace"], check=True)
    if shutil.which("chattr"):
        subprocess.run(["chattr", "-R", "-f", "-i", folder], check=False)  # where there are such attributes
    shutil.rmtree(folder)


def tomorrow(folder: Path) -> Repair:
    """The clock was years ahead when version 2 was trained, and was put right since."""
    state = state_file(folder)
    values = json.loads(state.read_text())
    values.update(created="2099-01-01T00:00:00+00:00", started="2099-01-01T00:00:01+00:00")
    state.write_text(json.dumps(values))
    for file in of(2)(folder).rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            os.utime(file, (4_070_908_800, 4_070_908_800))
    return nothing


def other_classes(folder: Path) -> Repair:
    (folder / "images" / "dots").rename(folder / "images" / "spots")
    return lambda: (folder / "images" / "spots").rename(folder / "images" / "dots")


def an_image_less(folder: Path) -> Repair:
    return removed(lambda f: next(iter(sorted((f / "images" / "dots").iterdir()))))(folder)


def strange_test_set(folder: Path) -> Repair:
    shutil.copytree(folder / "images", folder / "test")
    (folder / "test" / "dots").rename(folder / "test" / "birds")
    return nothing


@contextlib.contextmanager
def _archive(folder: Path) -> Iterator[zipfile.ZipFile]:
    from monklite.runs.archive import pack

    pack(Run(of(1)(folder)), folder / "run.zip")
    with zipfile.ZipFile(folder / "run.zip", "a", zipfile.ZIP_DEFLATED) as archive:
        yield archive


def leading_out(folder: Path) -> Repair:
    with _archive(folder) as archive:
        archive.writestr("../../../evil.txt", "out")
    return nothing


def zip_bomb(folder: Path) -> Repair:
    with _archive(folder) as archive, archive.open("output/models/intermediate_model_9", "w", force_zip64=True) as file:
        for _ in range(1_500):
            file.write(bytes(1 << 20))
    return nothing


def pickled(folder: Path) -> Repair:
    with _archive(folder) as archive:
        archive.writestr("output/models/evil.pkl", b"cos\nsystem\n(S'touch evil'\ntR.")
    return nothing


def half_an_archive(folder: Path) -> Repair:
    with _archive(folder):
        pass
    return cut(lambda f: f / "run.zip")(folder)


TRAINING = {"resume": False, "pause": "training"}
FAULTS = [
    Fault("the disk is full", full_disk),
    Fault("no file may be larger than 4 MiB (quota)", none, limit_files),
    Fault("the disk is read-only", read_only_disk),
    Fault("the disk is read-only; predict", read_only_disk, infer),
    Fault("the folder of the weights may not be written, in training", unchangeable(3), **TRAINING),
    Fault("the folder of the weights is removed, in training", removed(of(3, "output", "models")), **TRAINING),
    Fault("the whole version is removed, in training", removed(of(3)), **TRAINING),
    Fault("history.csv is removed, in training", removed(of(3, "output", "logs", HISTORY)), **TRAINING),
    Fault("the state is removed, in training", removed(of(3, STATE)), **TRAINING),
    Fault("an image is removed, in training (decoded before)", an_image_less, **TRAINING),
    Fault("an image is removed before going on", an_image_less),
    Fault("a class folder is renamed before going on", other_classes),
    Fault("best weights cut in the middle; predict", cut(best_weights), infer),
    Fault("one bit of the best weights turned over; predict", one_bit(best_weights), infer),
    Fault("best weights of no bytes; predict", emptied(best_weights), infer),
    Fault("training state cut in the middle", cut(state_of_training)),
    Fault("one bit of the training state turned over", one_bit(state_of_training)),
    Fault("training state removed", removed(state_of_training)),
    Fault("experiment-state.json cut in the middle", cut(state_file)),
    Fault("experiment-state.json of no bytes; compare", emptied(state_file), compare_all),
    Fault("experiment-state.json of a newer monklite", replaced(state_file, '"schema": 1', '"schema": 99')),
    Fault("history.csv damaged", replaced(history_file, "\n1,", "\none,")),
    Fault("history.csv damaged; compare", replaced(history_file, "\n1,", "\none,"), compare_all),
    Fault("dataset.csv (which image is where) cut", cut(table_of_images)),
    Fault("the clock jumped back from the year 2099", tomorrow),
    Fault("the loss becomes no number (learning rate 1e30)", none, diverge, resume=False),
    Fault("memory for a tenth of a batch", none, limit_memory, resume=False),
    Fault("go on with another network", none, take_another_network),
    Fault("a test set with a class that was not trained", strange_test_set, evaluate),
    Fault("a stranger's zip: a name that leads out", leading_out, receive),
    Fault("a stranger's zip: 1.5 GB of zeros", zip_bomb, receive),
    Fault("a stranger's zip: a pickle", pickled, receive),
    Fault("a stranger's zip: cut in the middle", half_an_archive, receive),
    Fault("two processes train one experiment", none, resume=False, two=True),
    Fault("two processes go on with one run", none, two=True),
]
