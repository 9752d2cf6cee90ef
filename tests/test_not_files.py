"""Something else in the place of each file that is read: refused in words or taken for missing, and not waited for."""

from __future__ import annotations

import bz2
import gzip
import os
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hostile_runs import done_or_refused
from not_files import THINGS, bounded, put

from monklite import regular_files
from monklite.backends import array_files, cached_weights, weight_files
from monklite.data import compressed_files, dataset_csv, decode, table_file, unread_formats
from monklite.data.arrays import read_arrays
from monklite.data.cache_index import map_images
from monklite.data.feature_file import FeatureFile
from monklite.errors import DatasetError
from monklite.files import reading
from monklite.regular_files import NotReadable, open_or_create, open_regular, read_regular
from monklite.runs import heartbeat, history, predictions
from monklite.runs.file_names import STATE
from monklite.runs.run import Run
from monklite.runs.unpacking import unpack
from monklite.runs.workspace import Workspace
from monklite.training.environment import git_commit

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes in folders, and links need a permission")


def in_words(path: Path, read: Callable[[Path], Any]) -> Any:
    """What a reader gives that leaves the words to its caller."""
    with reading(path):
        try:
            return read(path)
        except FileNotFoundError:
            return None


def features(path: Path) -> None:
    digests = np.array([b"a" * 16, b"b" * 16])
    folder = path.parent / "features"
    FeatureFile(folder, "key", digests, 8).close()
    for file in sorted(folder.iterdir()):
        file.unlink()
        os.link(path, file, follow_symlinks=False) if not path.is_dir() else file.mkdir()
    kept = FeatureFile(folder, "key", digests, 8)
    kept.read(np.array([0, 1]))
    kept.close()


def torch_weights(path: Path) -> Any:
    from monklite.backends.pytorch.weights import read_state_dict

    return read_state_dict(path)


def mxnet_weights(path: Path) -> Any:
    from monklite.backends.mxnet.weights import read

    return read(path)


def mxnet_snapshot(path: Path) -> Any:
    from monklite.backends.mxnet import weights

    for name in ("x-symbol.json", "x-0000.params", "x-0000.params.sha256"):
        if not os.path.lexists(path.parent / name):
            (path.parent / name).write_bytes(b"x")
    return weights.read_snapshot(path.parent / "x")


def git(path: Path) -> Any:
    (path.parent / ".git").mkdir(exist_ok=True)
    path.rename(path.parent / ".git" / "HEAD")
    return git_commit(path.parent)


def user_table(path: Path) -> Any:
    return table_file.read(str(path), ",", lambda cell: False, None)


# what reads -> the name of the file, and the reader
READERS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "state": ("p/e/v001/" + STATE, lambda path: Run(path.parent).state()),
    "history": ("history.csv", history.read),
    "split": ("dataset.csv", lambda path: in_words(path, dataset_csv.read)),
    "predictions": ("test_predictions.csv", predictions.read),
    "saved training": ("resume_state", array_files.read),
    "weights of torch": ("weights.pth", torch_weights),
    "weights of MXNet": ("weights.params", mxnet_weights),
    "safetensors of MXNet": ("weights.safetensors", mxnet_weights),
    "parameters of a run of MXNet": ("x-0000.params", mxnet_snapshot),
    "their checksum": ("x-0000.params.sha256", mxnet_snapshot),
    "pretrained weights": ("resnet.pth", lambda path: cached_weights.load(lambda: None, path)),
    "other content of weights": ("weights.pth", lambda path: in_words(path, weight_files.describe_other_content)),
    "index of a cache": ("x.npz", lambda path: read_arrays(path, "a")),
    "images of a cache": ("x.npy", lambda path: map_images(path, (1, 8, 8, 3))),
    "kept features": ("x", features),
    "table of a user": ("x.csv", user_table),
    "Excel table": ("x.xlsx", user_table),
    "Parquet table": ("x.parquet", user_table),
    "compressed table": ("x.csv.gz", user_table),
    "holder": (heartbeat.HOLDER, lambda path: heartbeat.read(path.parent)),
    "image": ("x.png", lambda path: decode.load(path, 32)),
    "DICOM without an ending": ("x", lambda path: unread_formats.describe_unread(path.parent, ["x"], look_inside=True)),
    "archive": ("x.zip", lambda path: unpack(path, Workspace(path.parent / "workspace"))),
    "commit of git": ("HEAD", git),
}


def warm_up(read: Callable[[Path], Any], path: Path) -> None:
    """Import what the reader needs, which takes memory."""
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")
    done_or_refused(lambda: read(path), "a text", Counter())


@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_file_is_refused_or_missing(reader: str, tmp_path: Path) -> None:
    name, read = READERS[reader]
    counts: Counter[str] = Counter()
    warm_up(read, tmp_path / "warm" / name)
    for number, thing in enumerate(THINGS):
        path = tmp_path / str(number) / name
        path.parent.mkdir(parents=True)
        put(thing, path)
        with bounded(thing):
            done_or_refused(lambda path=path: read(path), thing, counts)
    print(f"not files, {reader}: {dict(counts)}")


@pytest.mark.parametrize("thing", THINGS)
def test_no_reader_gets_such_a_thing(thing: str, tmp_path: Path) -> None:
    put(thing, tmp_path / "x")
    for read in (
        read_regular,
        lambda path: open_regular(path, most=1 << 30),
        lambda path: regular_files.check_regular(path, 1),
    ):
        with bounded(thing), pytest.raises(OSError):  # noqa: PT011 (each has its own number)
            read(tmp_path / "x")


@pytest.mark.parametrize("thing", ["a named pipe", "a device without an end", "a socket", "a folder"])
def test_no_writer_gets_such_a_thing(thing: str, tmp_path: Path) -> None:
    put(thing, tmp_path / "x")
    with bounded(thing), pytest.raises(OSError):  # noqa: PT011
        open_or_create(tmp_path / "x")


def test_the_message_says_what_is_there(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "long").write_bytes(b"12345")
    with pytest.raises(NotReadable, match="it is a named pipe, not a file"):
        read_regular(tmp_path / "pipe")
    with pytest.raises(NotReadable, match="it has 5 bytes, and at most 4 are read"):
        read_regular(tmp_path / "long", 4)


def test_files_are_read_whole_and_through_links(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(range(256)) * 100)
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "empty").touch()
    assert read_regular(tmp_path / "link") == (tmp_path / "file").read_bytes()
    assert read_regular(tmp_path / "empty") == b""
    # systems that do not tell the size
    assert read_regular("/proc/self/status").startswith(b"Name:")
    with open_or_create(tmp_path / "new") as file:
        assert file.write(b"1") == 1
    assert (tmp_path / "new").stat().st_mode & 0o111 == 0


def test_a_file_that_is_parted_in_reading_is_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Network shares give less than what is asked for."""
    (tmp_path / "file").write_bytes(bytes(range(256)) * 10)
    real = os.read
    monkeypatch.setattr(os, "read", lambda descriptor, size: real(descriptor, min(size, 100)))
    assert read_regular(tmp_path / "file") == bytes(range(256)) * 10


def test_a_file_that_its_drive_has_to_fetch_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drives with several stores, and files that another machine holds, refuse those who do not wait."""
    (tmp_path / "file").write_bytes(b"1")
    real = os.open

    def opened(path: Any, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_NONBLOCK:
            raise BlockingIOError(11, os.strerror(11))
        return real(path, flags, mode)

    monkeypatch.setattr(os, "open", opened)
    assert read_regular(tmp_path / "file") == b"1"
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotReadable):
        read_regular(tmp_path / "pipe")


def test_no_file_stays_open(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        with pytest.raises(NotReadable):
            open_regular(tmp_path / "pipe")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


# of formats that take a larger file, each with the reader of the table above
BEGINNINGS = {
    "state": b'{"project": "',
    "history": b"epoch,learning_rate,train_loss\n",
    "split": b"path,class\n",
    "predictions": b"path,class,predicted\n",
    "weights of torch": b"PK\x03\x04",
    "saved training": b"\x10\0\0\0\0\0\0\0{}              ",
    "index of a cache": b"PK\x03\x04",
    "table of a user": b"image,label\na.png,b\n",
    "Excel table": b"PK\x03\x04",
    "Parquet table": b"PAR1",
    "image": b"\x89PNG\r\n\x1a\n",
    "archive": b"PK\x03\x04",
}


@pytest.mark.parametrize("reader", BEGINNINGS)
def test_files_of_gigabytes_are_not_read_to_their_end(reader: str, tmp_path: Path) -> None:
    name, read = READERS[reader]
    warm_up(read, tmp_path / "warm" / name)
    path = tmp_path / "0" / name
    path.parent.mkdir(parents=True)
    put("a file of gigabytes", path)
    with path.open("r+b") as file:
        file.write(BEGINNINGS[reader])
    with bounded(reader):
        done_or_refused(lambda: read(path), reader, Counter())


@pytest.mark.parametrize("ending", [".gz", ".zip", ".bz2"])
def test_a_small_table_that_becomes_a_huge_one_is_refused(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compressed_files, "HARMLESS_BYTES", 1 << 18)
    path, rows = tmp_path / f"x.csv{ending}", b"image,label\n" + b"a.png,b\n" * (1 << 17)
    if ending == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("x.csv", rows)
    else:
        path.write_bytes({".gz": gzip, ".bz2": bz2}[ending].compress(rows, 1))
    with pytest.raises(DatasetError, match=r"unpacked, it has more than [\d,]+ bytes"):
        user_table(path)
