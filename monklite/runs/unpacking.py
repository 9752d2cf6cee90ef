"""A run read from a zip file that is not trusted.

Nothing in it is executed, and every name, size and the state are checked before a file is placed.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import secrets
import shutil
import stat
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from ..archive_errors import ARCHIVE_ERRORS
from ..errors import DamagedFile, MonkliteError, NotFound, StorageError, cut, shown
from ..files import TEMPORARY, flush, make_folder, storing
from ..looking import exists, is_file
from ..regular_files import open_regular
from ..transient import attempted, is_transient, passing_trouble
from . import history
from .file_names import HISTORY, LOGS_PREFIX, MODELS_PREFIX, STATE, is_run_file
from .packing import COPY_SIZE
from .run import Run
from .state import RunState, parse
from .workspace import Workspace

MAX_FILES, MAX_ARCHIVE_BYTES = 10_000, 64 << 30
# bytes of a file that is read as a whole
MAX_TEXT_BYTES = 64 << 20
# unpacked bytes per byte of the archive; an archive beyond it was made to fill a disk
MAX_COMPRESSION_RATIO = 100
# unpacked bytes that are harmless at any ratio
HARMLESS_BYTES = 1 << 20


def unpack(
    file: str | os.PathLike[str], workspace: Workspace, project: str | None = None, experiment: str | None = None
) -> Run:
    """Add the run in a zip file as a new version of an experiment; by default under the names that it has.

    Raises:
        DamagedFile: not a run that `pack` wrote; the message says why. Nothing is placed then.
        NotFound: no such file. InvalidValue: a name that cannot be a folder. StorageError: the disk is too small.
    """
    path = Path(file)
    if not is_file(path):
        raise NotFound(f"there is no file {cut(str(path))}")
    with (
        _damage_reported(path),
        io.BufferedReader(attempted(lambda: open_regular(path))) as opened,
        zipfile.ZipFile(opened) as archive,
    ):
        members = _check_members(archive, path)
        state = _read_state(archive, members, path)
        _check_names(members, state, path)
        names = {"project": project or state.project, "experiment": experiment or state.experiment}
        experiment_folder = workspace.experiment(names["project"], names["experiment"])
        with _temporary_folder(experiment_folder) as temporary:
            _check_space(temporary, members)
            for member in members:
                if member.filename != STATE:
                    make_folder((temporary / PurePosixPath(member.filename)).parent)
                    _extract(archive, member, temporary / PurePosixPath(member.filename))
            _check_history(temporary / LOGS_PREFIX / HISTORY, path)
            run = Run(_rename_to_version(workspace, temporary, state.model_copy(update=names)))
    if run.is_trained():
        workspace.link(run)
    return run


@contextlib.contextmanager
def _damage_reported(path: Path) -> Iterator[None]:
    """Turn every error that reading a strange file can cause into `DamagedFile`."""
    try:
        yield
    except MonkliteError:
        raise
    except ARCHIVE_ERRORS as error:
        raise DamagedFile(f"{path} is damaged or not a zip file ({cut(str(error))}); nothing was imported") from None
    except OSError as error:
        # of the drive at this moment, not of the file
        if is_transient(error):
            raise passing_trouble(error, path) from error
        if isinstance(error, PermissionError):
            raise StorageError(f"{path} cannot be read: you may not read it; nothing was imported") from error
        raise DamagedFile(f"{path} cannot be read ({cut(str(error))}); nothing was imported") from None


def _refusal(path: Path, reason: str) -> DamagedFile:
    return DamagedFile(f"{path} is refused: {reason}. Nothing was imported; import only what `monklite export` wrote")


def _check_members(archive: zipfile.ZipFile, path: Path) -> list[zipfile.ZipInfo]:
    """List the files of an archive, after the checks that need no reading of their content."""
    members = archive.infolist()
    names = [member.filename for member in members]
    archive_size, total = path.stat().st_size, sum(member.file_size for member in members)
    if len(members) > MAX_FILES:
        raise _refusal(path, f"it holds {len(members)} files, more than {MAX_FILES}")
    if len({name.lower() for name in names}) < len(names):
        raise _refusal(path, "a name is in it twice")
    if total > MAX_ARCHIVE_BYTES or total > max(HARMLESS_BYTES, MAX_COMPRESSION_RATIO * archive_size):
        raise _refusal(path, f"its {archive_size:,} bytes would become {total:,}")
    for member in members:
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise _refusal(path, f"{shown(member.filename)} is packed in a way that `monklite export` does not use")
        mode = member.external_attr >> 16
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
            raise _refusal(path, f"{shown(member.filename)} is a link or a device, not a file")
    return members


def _read_state(archive: zipfile.ZipFile, members: Sequence[zipfile.ZipInfo], path: Path) -> RunState:
    member = next((member for member in members if member.filename == STATE), None)
    if member is None:
        raise _refusal(path, f"it holds no {STATE}")
    if member.file_size > MAX_TEXT_BYTES:
        raise _refusal(path, f"its {STATE} has {member.file_size:,} bytes")
    state = parse(archive.read(member).decode("utf-8"), f"{STATE} in {path}")
    if state.status == "new":
        raise _refusal(path, "its run was never trained")
    return state.model_copy(update={"status": "interrupted"}) if state.status == "running" else state


def _check_names(members: Sequence[zipfile.ZipInfo], state: RunState, path: Path) -> None:
    """Accept only names of a run's files, letter for letter: they are never absolute and stay within the folder."""
    prefix, backend = state.asked.training.intermediate_prefix, state.asked.backend
    for member in members:
        if member.filename != STATE and not is_run_file(member.filename, prefix, backend):
            raise _refusal(path, f"{shown(member.filename)} is no file of a run")
        if member.filename.endswith(HISTORY) and member.file_size > MAX_TEXT_BYTES:
            raise _refusal(path, f"its {HISTORY} has {member.file_size:,} bytes")


@contextlib.contextmanager
def _temporary_folder(experiment: Path) -> Iterator[Path]:
    """A temporary folder within the experiment's, removed with every folder created for it unless it was renamed."""
    created = [p for p in (experiment.parent, experiment) if not exists(p)]
    temporary = experiment / f".import.{os.getpid()}-{secrets.token_hex(4)}{TEMPORARY}"
    try:
        make_folder(temporary / LOGS_PREFIX)
        make_folder(temporary / MODELS_PREFIX)
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        for folder in reversed(created):
            # fails, as it should, if the folder is not empty
            with contextlib.suppress(OSError):
                folder.rmdir()


def _check_space(folder: Path, members: Sequence[zipfile.ZipInfo]) -> None:
    needed, free = sum(member.file_size for member in members), None
    # some network drives do not say; a disk that is full is noticed while writing
    with contextlib.suppress(OSError):
        free = attempted(lambda: shutil.disk_usage(folder).free)
    if free is not None and needed > free:
        raise StorageError(
            f"the run needs {needed:,} bytes and the disk of {folder.parent} has {free:,} free: free some space"
        )


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    make_folder(target.parent)
    with archive.open(member) as content, storing(target), attempted(lambda: target.open("xb")) as file:
        # zipfile never gives more bytes than the size that was checked
        shutil.copyfileobj(content, file, COPY_SIZE)
        file.flush()
        flush(file.fileno(), target)


def _check_history(file: Path, path: Path) -> None:
    try:
        history.read(file)
    except DamagedFile as error:
        raise _refusal(path, f"its {HISTORY} is damaged ({error.args[0].partition('(')[2].rstrip(')')})") from None


def _rename_to_version(workspace: Workspace, folder: Path, state: RunState) -> Path:
    """Rename the folder to the next version that nobody else has."""
    versions = workspace.versions(state.project, state.experiment)
    version = versions[-1].version if versions else 0
    while True:
        version += 1
        target = folder.with_name(f"v{version:03d}")
        Run(folder).write(state.model_copy(update={"version": version}))
        try:
            with storing(target):
                attempted(lambda: folder.rename(target), _is_held)  # noqa: B023 (called at once)
            return target
        except StorageError as error:
            # these three mean that another process has just created that version
            if getattr(error.__cause__, "errno", None) not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
                raise


def _is_held(error: BaseException) -> bool:
    """Whether a folder cannot be renamed at this moment: on Windows an antivirus may hold a file in it."""
    return is_transient(error) or (os.name == "nt" and isinstance(error, PermissionError))
