"""A run as one zip file, to keep or to give away, and back. A file from somebody else is not trusted.

Nothing in it is executed, and before anything is placed every name, size and the state are checked. The same run gives
the same bytes.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from ..errors import DamagedFile, InvalidValue, MonkliteError, NotFound, NotReady, StorageError
from ..files import TEMPORARY, replacing, storing
from . import history
from .file_names import HEALTH, HISTORY, INTERMEDIATE, RESUME, SAMPLES, STATE, WEIGHT_KINDS, kind_of_weights
from .run import Run
from .state import CONTROL, RunState, parse
from .workspace import Workspace

LOGS, MODELS = "output/logs/", "output/models/"
MOST_FILES, MOST_BYTES = 10_000, 64 << 30
MOST_TEXT = 64 << 20  # bytes of a file that is read as a whole
MOST_RATIO = 100  # unpacked bytes to one of the archive; more is made to fill a disk
SMALL = 1 << 20  # bytes that do no harm at any ratio
CHUNK = 1 << 20
_LOG = re.compile(r"[A-Za-z0-9][\w-]{0,79}\.(csv|png)")
_WEIGHTS = re.compile(r"[A-Za-z0-9][\w.-]{0,119}")


def pack(run: Run, file: str | os.PathLike[str], resume_state: bool = False, intermediate: bool = False) -> list[str]:
    """Write a run to a new zip file; returns the names that were left out.

    Args:
        resume_state: also what training needs to go on, several times the weights. intermediate: the weights of every epoch.

    Raises:
        NotReady: it is being trained, or was never trained, or was changed meanwhile; no file is left then.
        InvalidValue: the file is there already.
    """
    path, state = Path(file), run.state()
    if state.status in ("new", "running"):
        reason = "has not been trained" if state.status == "new" else "is being trained right now; wait for it"
        raise NotReady(f"{run} cannot be exported: it {reason}")
    if path.exists() or path.is_symlink():
        raise InvalidValue(f"{path} is there already, and nothing is overwritten: take another name")
    if not path.parent.is_dir():
        raise NotFound(f"there is no folder {path.parent} to put {path.name} into")
    wanted = (
        set(WEIGHT_KINDS) - ({RESUME} if not resume_state else set()) - ({INTERMEDIATE} if not intermediate else set())
    )
    there = {
        p.relative_to(run.folder).as_posix(): p for p in run.folder.rglob("*") if p.name[0] != "." and not p.is_dir()
    }
    names = [n for n, p in sorted(there.items()) if p.is_file() and not p.is_symlink() and _known(n, state, wanted)]
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        _add(archive, STATE, None, state.to_json().encode())
        with _unchanged(run, state, [there[name] for name in names]):
            for name in names:
                _add(archive, name, there[name])
    return sorted(set(there) - {STATE, *names})


@contextlib.contextmanager
def _unchanged(run: Run, state: RunState, files: Sequence[Path]) -> Iterator[None]:
    """Packing holds nothing, so that a run which may only be read can be packed; instead it looks again afterwards."""
    with contextlib.suppress(FileNotFoundError):
        before = [_identity(file) for file in files]
        yield
        unchanged = before == [_identity(file) for file in files]
        if unchanged and run.state().to_json() == state.to_json():  # as text: a loss that is no number equals none
            return
    raise NotReady(f"{run} was changed while it was exported (trained on, evaluated or pruned): export it again")


def _identity(file: Path) -> tuple[int, ...]:
    info = file.stat()
    return info.st_ino, info.st_size, info.st_mtime_ns


def _add(archive: zipfile.ZipFile, name: str, source: Path | None, text: bytes = b"") -> None:
    info = zipfile.ZipInfo(name)  # of 1980: the day says nothing about the run
    info.create_system, info.external_attr = 3, (stat.S_IFREG | 0o644) << 16  # the same on every system
    info.compress_type = zipfile.ZIP_STORED if name.startswith(MODELS) else zipfile.ZIP_DEFLATED
    with archive.open(info, "w", force_zip64=True) as target:
        if source is None:
            target.write(text)
        else:
            with source.open("rb") as content:
                shutil.copyfileobj(content, target, CHUNK)


def _known(name: str, state: RunState, wanted: set[str]) -> bool:
    """Whether that is the name of a file that a run has, in its place; the state is not among them."""
    if name in (SAMPLES, HEALTH):
        return True
    if name.startswith(LOGS):
        return _LOG.fullmatch(name.removeprefix(LOGS)) is not None
    plain = name.removeprefix(MODELS)
    kind = kind_of_weights(plain, state.asked.training.intermediate_prefix, state.asked.backend)
    return name.startswith(MODELS) and _WEIGHTS.fullmatch(plain) is not None and kind in wanted


def unpack(
    file: str | os.PathLike[str], workspace: Workspace, project: str | None = None, experiment: str | None = None
) -> Run:
    """Make the run in a zip file a new version of an experiment; by default of the one that it is called after.

    Raises:
        DamagedFile: not a run that `pack` wrote; says why. Nothing is placed then.
        InvalidValue: a name that cannot be a folder. StorageError: the disk is too small.
    """
    path = Path(file)
    if not path.is_file():
        raise NotFound(f"there is no file {path}")
    with _reading(path), zipfile.ZipFile(path) as archive:
        members = _members(archive, path)
        state = _state(archive, members, path)
        _check_names(members, state, path)
        names = {"project": project or state.project, "experiment": experiment or state.experiment}
        folder = workspace.experiment(names["project"], names["experiment"])
        with _folder_beside(folder) as beside:
            _check_space(beside, members)
            for member in members:
                if member.filename != STATE:
                    _extract(archive, member, beside / PurePosixPath(member.filename))
            _check_history(beside / LOGS / HISTORY, path)
            run = Run(_placed(workspace, beside, state.model_copy(update=names)))
    if run.is_trained():
        workspace.link(run)
    return run


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Whatever a strange file does to the reader becomes one error."""
    try:
        yield
    except MonkliteError:
        raise
    except (
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
        RuntimeError,
        EOFError,
        ValueError,
        LookupError,
    ) as error:
        raise DamagedFile(f"{path} is damaged or not a zip file ({error}); nothing was imported") from None
    except OSError as error:
        raise DamagedFile(f"{path} cannot be read ({error}); nothing was imported") from None


def _refused(path: Path, why: str) -> DamagedFile:
    return DamagedFile(f"{path} is refused: {why}. Nothing was imported; import only what `monklite export` wrote")


def _members(archive: zipfile.ZipFile, path: Path) -> list[zipfile.ZipInfo]:
    """The files in it, after the checks that need no look into them."""
    members = archive.infolist()
    names = [m.filename for m in members]
    total = sum(m.file_size for m in members)
    if len(members) > MOST_FILES:
        raise _refused(path, f"it holds {len(members)} files, more than {MOST_FILES}")
    if len({n.lower() for n in names}) < len(names):
        raise _refused(path, "a name is in it twice")
    if total > MOST_BYTES or total > max(SMALL, MOST_RATIO * path.stat().st_size):
        raise _refused(path, f"its {path.stat().st_size:,} bytes would become {total:,}")
    for member in members:
        mode = member.external_attr >> 16
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
            raise _refused(path, f"{member.filename!r} is a link or a device, not a file")
    return members


def _state(archive: zipfile.ZipFile, members: Sequence[zipfile.ZipInfo], path: Path) -> RunState:
    member = next((m for m in members if m.filename == STATE), None)
    if member is None:
        raise _refused(path, f"it holds no {STATE}")
    if member.file_size > MOST_TEXT:
        raise _refused(path, f"its {STATE} has {member.file_size:,} bytes")
    state = parse(archive.read(member).decode("utf-8"), f"{STATE} in {path}")
    for text in _texts(state.model_dump()):
        if CONTROL.search(text):
            raise _refused(path, f"{STATE} holds characters that control a terminal: {text[:80]!r}")
    if state.status == "new":
        raise _refused(path, "its run was never trained")
    return state.model_copy(update={"status": "interrupted"}) if state.status == "running" else state


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (t for pair in value.items() for item in pair for t in _texts(item))
    elif isinstance(value, (list, tuple)):
        yield from (t for item in value for t in _texts(item))


def _check_names(members: Sequence[zipfile.ZipInfo], state: RunState, path: Path) -> None:
    """A name is one of a run's own, letter for letter: so it is not absolute, and cannot lead out of the folder."""
    for member in members:
        if member.filename != STATE and not _known(member.filename, state, set(WEIGHT_KINDS)):
            raise _refused(path, f"{member.filename!r} is no file of a run")
        if member.filename.endswith(HISTORY) and member.file_size > MOST_TEXT:
            raise _refused(path, f"its {HISTORY} has {member.file_size:,} bytes")


@contextlib.contextmanager
def _folder_beside(experiment: Path) -> Iterator[Path]:
    """A folder of its own where the run will be; gone, with what it made for it, unless it was renamed."""
    made = [p for p in (experiment.parent, experiment) if not p.exists()]
    beside = experiment / f".import.{os.getpid()}-{secrets.token_hex(4)}{TEMPORARY}"
    with storing(experiment):
        (beside / LOGS).mkdir(parents=True)
        (beside / MODELS).mkdir()
    try:
        yield beside
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        for folder in reversed(made):
            with contextlib.suppress(OSError):
                folder.rmdir()  # only if nothing is in it


def _check_space(beside: Path, members: Sequence[zipfile.ZipInfo]) -> None:
    needed, free = sum(m.file_size for m in members), shutil.disk_usage(beside).free
    if needed > free:
        raise StorageError(
            f"the run needs {needed:,} bytes and the disk of {beside.parent} has {free:,} free: free some space"
        )


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    with archive.open(member) as content, storing(target), target.open("xb") as file:
        _copy(content, file)
        file.flush()
        os.fsync(file.fileno())


def _copy(content: Any, file: BinaryIO) -> None:
    while chunk := content.read(CHUNK):  # never more than the size that was checked: zipfile stops there
        file.write(chunk)


def _check_history(file: Path, path: Path) -> None:
    try:
        history.read(file)
    except DamagedFile as error:
        raise _refused(path, f"its {HISTORY} is damaged ({error.args[0].partition('(')[2].rstrip(')')})") from None


def _placed(workspace: Workspace, beside: Path, state: RunState) -> Path:
    """Rename the whole folder to a version that nobody has."""
    versions = workspace.versions(state.project, state.experiment)
    number = versions[-1].version if versions else 0
    while True:
        number += 1
        target = beside.with_name(f"v{number:03d}")
        Run(beside).write(state.model_copy(update={"version": number}))
        try:
            with storing(target):
                beside.rename(target)
            return target
        except StorageError as error:
            if getattr(error.__cause__, "errno", None) not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
                raise  # else another process has just taken that number
