"""A run written as one zip file, to keep it or to pass it on. The same run always gives the same bytes."""

from __future__ import annotations

import contextlib
import os
import stat
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import InvalidValue, MonkliteError, NotFound, NotReady
from ..files import TEMPORARY, discard, reading, replacing
from ..looking import entries, exists, is_file, is_folder, is_link, walk
from ..regular_files import open_regular
from ..transient import attempted
from .file_names import INTERMEDIATE, LEFTOVER_AGE, MODELS_PREFIX, RESUME, STATE, WEIGHT_KINDS, is_run_file
from .heartbeat import disk_time
from .run import Run
from .state import RunState

# bytes copied at a time
COPY_SIZE = 1 << 20


def pack(run: Run, file: str | os.PathLike[str], resume_state: bool = False, intermediate: bool = False) -> list[str]:
    """Write a run to a new zip file; returns the names of the files that were left out.

    Args:
        resume_state: include the state that resuming needs, several times as large as the weights.
        intermediate: include the weights of every epoch.

    Raises:
        NotReady: the run is being trained, was never trained, or was changed meanwhile; no file is left then.
        InvalidValue: the file exists already. NotFound: its folder does not exist.
    """
    path, state = Path(file), run.state()
    if state.status in ("new", "running"):
        reason = "has not been trained" if state.status == "new" else "is being trained right now; wait for it"
        raise NotReady(f"{run} cannot be exported: it {reason}")
    if exists(path) or is_link(path):
        raise InvalidValue(f"{path} is there already, and nothing is overwritten: take another name")
    if not is_folder(path.parent):
        raise NotFound(f"there is no folder {path.parent} to put {path.name} into")
    _remove_leftovers(path)
    left_out = ({RESUME} if not resume_state else set()) | ({INTERMEDIATE} if not intermediate else set())
    kinds = set(WEIGHT_KINDS) - left_out
    prefix, backend = state.asked.training.intermediate_prefix, state.asked.backend
    files = {p.relative_to(run.folder).as_posix(): p for p in walk(run.folder) if p.name[0] != "." and not is_folder(p)}
    names = [
        name
        for name, p in sorted(files.items())
        if is_file(p) and not is_link(p) and is_run_file(name, prefix, backend, kinds)
    ]
    with (
        replacing(path) as temporary,
        attempted(lambda: temporary.open("w+b")) as opened,
        zipfile.ZipFile(opened, "w") as archive,
    ):
        _add(archive, STATE, None, state.to_json().encode())
        with _checked_unchanged(run, state, [files[name] for name in names]):
            for name in names:
                _add(archive, name, files[name])
    return sorted(set(files) - {STATE, *names})


def _remove_leftovers(path: Path) -> None:
    """Remove what an export to the same file left beside it when it was killed, unless it may still be writing."""
    # what cannot be looked at stays
    with contextlib.suppress(OSError, MonkliteError):
        for leftover in entries(path.parent):
            is_ours = leftover.name.startswith(f".{path.name}.") and leftover.name.endswith(TEMPORARY)
            if is_ours and disk_time(path.parent) - leftover.stat().st_mtime > LEFTOVER_AGE:
                discard(leftover)


@contextlib.contextmanager
def _checked_unchanged(run: Run, state: RunState, files: Sequence[Path]) -> Iterator[None]:
    """Compare the run before and after. Packing takes no lock, so that a read-only run can be packed.

    Raises:
        NotReady: the run was changed.
    """
    with contextlib.suppress(FileNotFoundError):
        before = [_identity(file) for file in files]
        yield
        unchanged = before == [_identity(file) for file in files]
        # compared as text, because NaN does not equal NaN
        if unchanged and run.state().to_json() == state.to_json():
            return
    raise NotReady(f"{run} was changed while it was exported (trained on, evaluated or pruned): export it again")


def _identity(file: Path) -> tuple[int, ...]:
    with reading(file):
        info = attempted(file.stat)
    return info.st_ino, info.st_size, info.st_mtime_ns


def _add(archive: zipfile.ZipFile, name: str, source: Path | None, text: bytes = b"") -> None:
    # the default date (1980) and fixed attributes, so that the bytes depend on the content only
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (stat.S_IFREG | 0o644) << 16
    info.compress_type = zipfile.ZIP_STORED if name.startswith(MODELS_PREFIX) else zipfile.ZIP_DEFLATED
    with archive.open(info, "w", force_zip64=True) as target:
        if source is None:
            target.write(text)
        else:
            for part in _parts(source):
                target.write(part)


def _parts(file: Path) -> Iterator[bytes]:
    # without a buffer, a read that failed has taken nothing
    with reading(file), attempted(lambda: open_regular(file)) as content:
        while part := attempted(lambda: content.read(COPY_SIZE)):
            yield part
