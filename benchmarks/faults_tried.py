"""The faults that `faults.py` tries: each one really happens, in a copy of the same two runs.

Version 1 is trained to its end. Version 2 was killed in its second of three epochs and can be resumed. By default a fault
happens before version 2 is resumed; those named `during training` happen in the second epoch of a new version 3, which pauses
meanwhile.
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
from monklite.runs.state import SCHEMA

EXPERIMENT = Path("workspace", "p", "e")
MODELS, LOGS = ("output", "models"), ("output", "logs")  # inside a version
FREE_DISK = 4 << 20  # bytes left on a small disk, and the largest file where there is a limit
FREE_MEMORY = 300 << 20  # bytes left for a training that needs more
Repair = Callable[[], object]


class NotTried(Exception):
    """The fault cannot be caused on this machine."""


def no_repair() -> None:
    """Repair nothing."""


@dataclass(frozen=True)
class Fault:
    """One fault.

    `cause`: makes it happen in the folder, and returns its repair. `act`: the user's action then; None: train. `resume`: resume
    version 2. `pause`: where in the training of a new version it happens, `""`: before it. `two`: two processes at once.
    """

    name: str
    cause: Callable[[Path], Repair]
    act: Callable[[Plan], object] | None = None
    resume: bool = True
    pause: str = ""
    two: bool = False


# Actions of the user, each in a process of its own, in the folder


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
    resource.setrlimit(resource.RLIMIT_FSIZE, (FREE_DISK, resource.RLIM_INFINITY))
    plan.prototype().Train()


def limit_memory(plan: Plan) -> None:
    import psutil

    ptf = plan.prototype()
    ptf.update_input_size(256)
    ptf.update_batch_size(24)
    ptf.Reload()
    limit = psutil.Process().memory_info().vms + FREE_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    ptf.Train()


def change_network(plan: Plan) -> None:
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


def import_archive(plan: Plan) -> None:
    """Import a zip file from an untrusted source."""
    from monklite.runs.unpacking import unpack
    from monklite.runs.workspace import Workspace

    try:
        unpack("run.zip", Workspace("workspace"), "q")
    finally:
        if list(Path("..").rglob("evil*")) or Path("workspace", "q").exists():
            raise AssertionError("something was placed")


# Causes


def none(folder: Path) -> Repair:
    return no_repair


def in_version(version: int, *names: str) -> Callable[[Path], Path]:
    """A function that returns a path in a version, given the folder."""
    return lambda folder: folder.joinpath(EXPERIMENT, f"v{version:03d}", *names)


def training_state(folder: Path) -> Path:
    return in_version(2, *MODELS, RESUME)(folder)


def best_weights(folder: Path) -> Path:
    file = weights(Run(in_version(2)(folder)), BEST)
    assert file is not None
    return file


state_file = in_version(2, STATE)
history_file = in_version(2, *LOGS, HISTORY)
image_table = in_version(2, SAMPLES)


def truncate(locate: Callable[[Path], Path]) -> Callable[[Path], Repair]:
    """Remove the second half of the file, as a power failure does on some disks."""
    return _change(locate, lambda content: content[: len(content) // 2])


def empty(locate: Callable[[Path], Path]) -> Callable[[Path], Repair]:
    return _change(locate, lambda content: b"")


def flip_bit(locate: Callable[[Path], Path]) -> Callable[[Path], Repair]:
    def flip(content: bytes) -> bytes:
        changed = bytearray(content)
        changed[len(content) * 2 // 3] ^= 4
        return bytes(changed)

    return _change(locate, flip)


def replace_text(locate: Callable[[Path], Path], old: str, new: str) -> Callable[[Path], Repair]:
    def replace(content: bytes) -> bytes:
        assert old.encode() in content
        return content.replace(old.encode(), new.encode(), 1)

    return _change(locate, replace)


def remove(locate: Callable[[Path], Path]) -> Callable[[Path], Repair]:
    """Move a file or folder away; the repair moves it back, unless there is a new one."""

    def cause(folder: Path) -> Repair:
        path, backup = locate(folder), folder / "kept"
        path.rename(backup)
        return lambda: path.exists() or backup.rename(path)

    return cause


def _change(locate: Callable[[Path], Path], edit: Callable[[bytes], bytes]) -> Callable[[Path], Repair]:
    def cause(folder: Path) -> Repair:
        path = locate(folder)
        content = edit(path.read_bytes())
        path.unlink()  # it may have a second name, which must not change
        path.write_bytes(content)
        return no_repair

    return cause


def full_disk(folder: Path) -> Repair:
    """Put the workspace on a file system of its own, filled except for `FREE_DISK` bytes."""
    workspace = _own_file_system(folder)
    free = shutil.disk_usage(workspace).free
    (workspace / "filler").write_bytes(bytes(free - FREE_DISK))
    return (workspace / "filler").unlink


def read_only_disk(folder: Path) -> Repair:
    workspace = _own_file_system(folder)
    _command("mount", "-o", "remount,ro", workspace)
    return lambda: _command("mount", "-o", "remount,rw", workspace)


def _own_file_system(folder: Path) -> Path:
    workspace, original = folder / "workspace", folder / "before"
    workspace.rename(original)
    workspace.mkdir()
    _command("mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", workspace)
    shutil.copytree(original, workspace, symlinks=True, dirs_exist_ok=True)
    return workspace


def make_unwritable(version: int) -> Callable[[Path], Repair]:
    """Make the folder of the weights unwritable, also for root, whom permissions do not stop."""

    def cause(folder: Path) -> Repair:
        models = in_version(version, *MODELS)(folder)
        _command("chattr", "+i", models)
        return lambda: _command("chattr", "-i", models)

    return cause


def _command(*arguments: object) -> None:
    try:
        subprocess.run([str(argument) for argument in arguments], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise NotTried(f"{' '.join(map(str, arguments[:2]))}: {getattr(error, 'stderr', error)}".strip()) from None


def clean_up(folder: Path) -> None:
    """Remove a folder, with mounts and attributes that a fault may have left."""
    if os.path.ismount(folder / "workspace"):
        subprocess.run(["umount", folder / "workspace"], check=True)
    if shutil.which("chattr"):
        # fails where the file system has no attributes
        subprocess.run(["chattr", "-R", "-f", "-i", folder], check=False)
    shutil.rmtree(folder)


def date_in_future(folder: Path) -> Repair:
    """Change version 2 as if the clock had been years ahead when it was trained."""
    state = state_file(folder)
    values = json.loads(state.read_text())
    values.update(created="2099-01-01T00:00:00+00:00", started="2099-01-01T00:00:01+00:00")
    state.write_text(json.dumps(values))
    for file in in_version(2)(folder).rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            os.utime(file, (4_070_908_800, 4_070_908_800))
    return no_repair


def rename_class(folder: Path) -> Repair:
    (folder / "images" / "dots").rename(folder / "images" / "spots")
    return lambda: (folder / "images" / "spots").rename(folder / "images" / "dots")


def remove_image(folder: Path) -> Repair:
    return remove(lambda f: min((f / "images" / "dots").iterdir()))(folder)


def add_test_set(folder: Path) -> Repair:
    shutil.copytree(folder / "images", folder / "test")
    (folder / "test" / "dots").rename(folder / "test" / "birds")
    return no_repair


@contextlib.contextmanager
def _archive(folder: Path) -> Iterator[zipfile.ZipFile]:
    from monklite.runs.packing import pack

    pack(Run(in_version(1)(folder)), folder / "run.zip")
    with zipfile.ZipFile(folder / "run.zip", "a", zipfile.ZIP_DEFLATED) as archive:
        yield archive


def archive_with_escaping_path(folder: Path) -> Repair:
    with _archive(folder) as archive:
        archive.writestr("../../../evil.txt", "out")
    return no_repair


def zip_bomb(folder: Path) -> Repair:
    with _archive(folder) as archive, archive.open("output/models/intermediate_model_9", "w", force_zip64=True) as file:
        for _ in range(1_500):
            file.write(bytes(1 << 20))
    return no_repair


def archive_with_pickle(folder: Path) -> Repair:
    with _archive(folder) as archive:
        archive.writestr("output/models/evil.pkl", b"cos\nsystem\n(S'touch evil'\ntR.")
    return no_repair


def truncated_archive(folder: Path) -> Repair:
    with _archive(folder):
        pass
    return truncate(lambda f: f / "run.zip")(folder)


DURING_TRAINING = {"resume": False, "pause": "training"}
OTHER_SCHEMA = replace_text(state_file, f'"schema": {SCHEMA}', '"schema": 99')
DAMAGED_HISTORY = replace_text(history_file, "\n1,", "\none,")
FAULTS = [
    Fault("the disk is full", full_disk),
    Fault("no file may be larger than 4 MiB (quota)", none, limit_files),
    Fault("the disk is read-only", read_only_disk),
    Fault("the disk is read-only; predict", read_only_disk, infer),
    Fault("the folder of the weights is not writable, during training", make_unwritable(3), **DURING_TRAINING),
    Fault("the folder of the weights is removed, during training", remove(in_version(3, *MODELS)), **DURING_TRAINING),
    Fault("the whole version is removed, during training", remove(in_version(3)), **DURING_TRAINING),
    Fault("history.csv is removed, during training", remove(in_version(3, *LOGS, HISTORY)), **DURING_TRAINING),
    Fault("the state is removed, during training", remove(in_version(3, STATE)), **DURING_TRAINING),
    Fault("an image is removed, during training (already decoded)", remove_image, **DURING_TRAINING),
    Fault("an image is removed before resuming", remove_image),
    Fault("a class folder is renamed before resuming", rename_class),
    Fault("best weights truncated; predict", truncate(best_weights), infer),
    Fault("one bit of the best weights flipped; predict", flip_bit(best_weights), infer),
    Fault("best weights empty; predict", empty(best_weights), infer),
    Fault("training state truncated", truncate(training_state)),
    Fault("one bit of the training state flipped", flip_bit(training_state)),
    Fault("training state removed", remove(training_state)),
    Fault("experiment-state.json truncated", truncate(state_file)),
    Fault("experiment-state.json empty; compare", empty(state_file), compare_all),
    Fault("experiment-state.json of a newer monklite", OTHER_SCHEMA),
    Fault("history.csv damaged", DAMAGED_HISTORY),
    Fault("history.csv damaged; compare", DAMAGED_HISTORY, compare_all),
    Fault("dataset.csv (which image is in which subset) truncated", truncate(image_table)),
    Fault("the clock was set back from the year 2099", date_in_future),
    Fault("the loss becomes NaN (learning rate 1e30)", none, diverge, resume=False),
    Fault("memory for a tenth of a batch", none, limit_memory, resume=False),
    Fault("resume with another network", none, change_network),
    Fault("a test set with a class that was not trained", add_test_set, evaluate),
    Fault("untrusted zip file: a path that leads out of the folder", archive_with_escaping_path, import_archive),
    Fault("untrusted zip file: 1.5 GB of zeros", zip_bomb, import_archive),
    Fault("untrusted zip file: a pickle", archive_with_pickle, import_archive),
    Fault("untrusted zip file: truncated", truncated_archive, import_archive),
    Fault("two processes train one experiment", none, resume=False, two=True),
    Fault("two processes resume one run", none, two=True),
]
