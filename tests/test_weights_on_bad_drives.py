"""Weights on a drive that does not answer: tried again, then refused in words; never called damaged or another's."""

from __future__ import annotations

import errno
import gzip
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import test_mxnet
import test_pytorch
import torch
from damage import DAMAGES
from hypothesis import given, settings
from refusals import Refusal
from safetensors import SafetensorError

from monklite.backends import array_files, safetensors_file
from monklite.backends.mxnet import weights as mxnet_weights
from monklite.backends.mxnet.framework import mx, nd
from monklite.backends.pytorch import weights as pytorch_weights
from monklite.data import table_file
from monklite.errors import DamagedFile, MonkliteError, PretrainedUnavailable, StorageError, WeightsMismatch
from monklite.retrying_file import RetryingFile, open_with_retries

ARRAYS = {
    "a": np.arange(30_000, dtype=np.float32).reshape(100, 300),
    "b": np.array([3], np.int64),
    "none": np.zeros((0, 2), np.float32),
}
KEPT = ("a", "b")  # MXNet has no empty arrays
TENSORS = {name: torch.from_numpy(array) for name, array in ARRAYS.items()}
PASSING = (errno.EIO, errno.ESTALE, errno.EMFILE, errno.ETIMEDOUT, errno.ENOTCONN)


class Snapshot(mxnet_weights.Snapshot):
    """A snapshot of these arrays, without a network."""

    def __init__(self) -> None:
        self._symbol, self._arrays = (
            "{}",
            {f"arg:{name}": nd.array(ARRAYS[name], dtype=ARRAYS[name].dtype) for name in KEPT},
        )
        self._link_source, self._digest = None, ""


def torch_file(path: Path, **options: Any) -> None:
    torch.save(TENSORS, path, **options)


def from_torch(path: Path) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in pytorch_weights.read_state_dict(path).tensors.items()}


# how each kind of file is written and read; a name that it has
KINDS: dict[str, tuple[Callable[[Path], object], Callable[[Path], dict[str, np.ndarray]]]] = {
    "state": (lambda p: array_files.write(p, ARRAYS, {}), lambda p: array_files.read(p)[0]),
    "a.pth": (torch_file, from_torch),
    "old.pth": (lambda p: torch_file(p, _use_new_zipfile_serialization=False), from_torch),
    "b.safetensors": (lambda p: safetensors.torch.save_file(TENSORS, p), from_torch),
    "c.safetensors": (lambda p: safetensors.numpy.save_file(ARRAYS, p), mxnet_weights.read),
    "d.params": (lambda p: nd.save(str(p), Snapshot()._arrays), mxnet_weights.read),
    "best": (lambda p: Snapshot().write(p), mxnet_weights.read_snapshot),
}


@pytest.fixture(params=KINDS)
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Callable[[Path], dict[str, np.ndarray]]]:
    write, read = KINDS[request.param]
    write(tmp_path / request.param)
    return tmp_path / request.param, read


def check(arrays: dict[str, np.ndarray]) -> None:
    for name in KEPT:
        assert np.array_equal(arrays[name], ARRAYS[name])


class FailingReads(io.FileIO):
    """A file of which some reads fail. `fails`: how often each of the coming reads fails; `n`: of all reads until now."""

    fails: Callable[[int], bool]
    n = 0

    def readinto(self, buffer: Any) -> int | None:
        FailingReads.n += 1
        if FailingReads.fails(FailingReads.n):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().readinto(buffer)


def with_failing_reads(patch: pytest.MonkeyPatch, fails: Callable[[int], bool]) -> None:
    FailingReads.n, FailingReads.fails = 0, staticmethod(fails)
    patch.setattr(RetryingFile, "_open", lambda self: FailingReads(self._path, "rb"))


@pytest.mark.parametrize("code", PASSING)
def test_a_file_that_cannot_be_opened_for_a_moment_is_loaded(stored: Any, code: int) -> None:
    path, read = stored
    with pytest.MonkeyPatch.context() as patch:
        refusal = Refusal(path.parent, "open_read", code, times=3)
        refusal.install(patch)
        check(read(path))
    assert refusal.count >= 3


@pytest.mark.parametrize("code", PASSING)
def test_a_file_that_cannot_be_opened_is_not_called_damaged(stored: Any, code: int) -> None:
    path, read = stored
    with pytest.MonkeyPatch.context() as patch:
        Refusal(path.parent, "open_read", code).install(patch)
        with pytest.raises(StorageError, match=rf"{path.name}.* cannot be read now \("):
            read(path)
    check(read(path))


def test_each_read_may_fail_and_is_done_again(stored: Any) -> None:
    path, read = stored
    with pytest.MonkeyPatch.context() as patch:
        with_failing_reads(patch, lambda n: False)
        check(read(path))
        n_reads = FailingReads.n
        assert n_reads
        # every second read fails, and each one alone
        for fails in (lambda n: n % 2 == 1, *((lambda n, k=k: n == k) for k in range(1, n_reads + 1))):
            with_failing_reads(patch, fails)
            check(read(path))
            assert FailingReads.n > n_reads


def test_a_drive_that_fails_in_the_middle_is_told_as_such(stored: Any) -> None:
    path, read = stored
    with pytest.MonkeyPatch.context() as patch:
        with_failing_reads(patch, lambda n: False)
        read(path)
        for first in range(1, FailingReads.n + 1):
            with_failing_reads(patch, lambda n, first=first: n >= first)
            with pytest.raises(StorageError, match=r"cannot be read now \(Input/output error\): the drive or network"):
                read(path)


def test_what_is_damaged_stays_damaged(stored: Any) -> None:
    path, read = stored
    file = path if path.exists() else path.with_name("best-0000.params")
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises((DamagedFile, WeightsMismatch)):
        read(path)


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit")
def test_too_many_open_files_are_told_as_such(tmp_path: Path) -> None:
    import resource

    array_files.write(tmp_path / "state", ARRAYS, {})
    limits, opened = resource.getrlimit(resource.RLIMIT_NOFILE), [os.open(os.devnull, os.O_RDONLY)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (opened[0] + 3, limits[1]))
    try:
        while True:
            try:
                opened.append(os.open(os.devnull, os.O_RDONLY))
            except OSError:
                break
        with pytest.raises(StorageError, match=r"state cannot be read now \(Too many open files\): too many files are"):
            array_files.read(tmp_path / "state")
        with pytest.raises(StorageError, match=r"new could not be written: Too many open files"):
            array_files.write(tmp_path / "new", ARRAYS, {})
    finally:
        for descriptor in opened:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["state"]


def test_a_file_that_is_replaced_while_it_is_read_is_not_mixed(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"1" * 100_000)
    with pytest.MonkeyPatch.context() as patch:
        with_failing_reads(patch, lambda n: n == 2)
        with (
            pytest.raises(StorageError, match=r"a was changed while it was read: run it again"),
            open_with_retries(path) as file,
        ):
            file.read(10)
            path.write_bytes(b"2" * 50_000)
            file.read(90_000)


def test_a_table_is_read_again_where_its_drive_failed(tmp_path: Path) -> None:
    for name, opener in (("t.csv", Path.open), ("t.csv.gz", gzip.open)):
        with opener(tmp_path / name, "wb") as file:
            file.write(b"image,label\n" + b"a.png,cat\n" * 20_000)
        with pytest.MonkeyPatch.context() as patch:
            with_failing_reads(patch, lambda n: n % 2 == 1)
            table = table_file.read(str(tmp_path / name), ",", lambda cell: cell == "a.png", None)
            assert (table.header, len(table.cells)) == (("image", "label"), 20_000)
            with_failing_reads(patch, lambda n: n > 3)
            with pytest.raises(StorageError, match="cannot be read now"):
                table_file.read(str(tmp_path / name), ",", lambda cell: cell == "a.png", None)


@settings(deadline=None, max_examples=300)
@given(damage=DAMAGES)
def test_damage_is_judged_as_the_library_judges_it(tmp_path_factory: pytest.TempPathFactory, damage: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.safetensors"
    content = damage(safetensors.numpy.save(ARRAYS, metadata={"m": "text"}))
    path.write_bytes(content)
    try:
        expected = safetensors.numpy.load(content)
    except Exception:
        expected = None
    try:
        arrays = safetensors_file.as_numpy(safetensors_file.read(path)[0])
    except (ValueError, RecursionError):
        arrays = None
    assert (arrays is None) == (expected is None)
    if arrays is not None and expected is not None:
        assert {n: (a.dtype, a.shape, a.tobytes()) for n, a in arrays.items()} == {
            n: (a.dtype, a.shape, a.tobytes()) for n, a in expected.items()
        }


@pytest.mark.parametrize("kind", pytorch_weights.TYPES)
def test_every_type_of_torch_is_read(tmp_path: Path, kind: str) -> None:
    values = torch.arange(6).to(torch.float32).to(pytorch_weights.TYPES[kind]).reshape(2, 3)
    try:
        safetensors.torch.save_file({"a": values}, tmp_path / "a.safetensors")
    except KeyError:
        pytest.skip("this version of safetensors cannot write it")
    found = pytorch_weights.read_state_dict(tmp_path / "a.safetensors").tensors["a"]
    assert found.dtype == values.dtype
    assert torch.equal(found.view(torch.uint8), values.view(torch.uint8))


# Writing


def test_writing_a_state_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = safetensors.numpy.save_file, []

    def failing(*arguments: Any, **options: Any) -> None:
        calls.append(1)
        if len(calls) < 3:
            raise SafetensorError("Error while serializing: I/O error: Input/output error (os error 5)")
        real(*arguments, **options)

    monkeypatch.setattr(safetensors.numpy, "save_file", failing)
    array_files.write(tmp_path / "state", ARRAYS, {})
    check(array_files.read(tmp_path / "state")[0])
    monkeypatch.setattr(
        safetensors.numpy, "save_file", lambda *a, **k: (_ for _ in ()).throw(SafetensorError("full (os error 28)"))
    )
    with pytest.raises(StorageError, match=r"state could not be written: the disk is full"):
        array_files.write(tmp_path / "state", ARRAYS, {})
    check(array_files.read(tmp_path / "state")[0])


@pytest.mark.parametrize("cut", [0, 4096, None])
def test_mxnet_writes_again_what_did_not_arrive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: int | None
) -> None:
    """MXNet reports an error, or nothing though the end is missing."""
    real, calls = nd.save, []

    def failing(name: str, arrays: Any) -> None:
        calls.append(1)
        real(name, arrays)
        if len(calls) < 3:
            if cut is None:
                raise mx.MXNetError("Check failed: could not write")
            os.truncate(name, cut)

    monkeypatch.setattr(mxnet_weights.nd, "save", failing)
    Snapshot().write(tmp_path / "best")
    assert len(calls) == 3
    check(mxnet_weights.read_snapshot(tmp_path / "best"))


def test_a_snapshot_of_mxnet_is_written_after_trouble_with_its_checksum(tmp_path: Path) -> None:
    Snapshot().write(tmp_path / "best")
    for call in ("stat", "open_read", "open_write"):
        with pytest.MonkeyPatch.context() as patch:
            Refusal(tmp_path, call, errno.ESTALE, times=2).install(patch)
            Snapshot().write(tmp_path / "best")
        check(mxnet_weights.read_snapshot(tmp_path / "best"))
        with pytest.MonkeyPatch.context() as patch:
            Refusal(tmp_path, call, errno.EIO).install(patch)
            with pytest.raises(StorageError):
                Snapshot().write(tmp_path / "best")
        check(mxnet_weights.read_snapshot(tmp_path / "best"))


# Pretrained weights


@pytest.fixture
def cached(backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Callable[[], object]]:
    """A cached file of pretrained weights without a network behind it, and the call that loads it."""
    if backend == "mxnet":
        folder = test_mxnet.cache_folder.__wrapped__(tmp_path, monkeypatch)
        test_mxnet.put_weights(folder, monkeypatch, "squeezenet1.1")
        return next(folder.iterdir()), lambda: test_mxnet.made(model__name="squeezenet1.1", model__pretrained=True)
    folder = test_pytorch.cache_folder.__wrapped__(tmp_path, monkeypatch)
    test_pytorch.put_weights(folder, "squeezenet1_1")
    return next(folder.iterdir()), lambda: test_pytorch.made(model__name="squeezenet1_1", model__pretrained=True)


@pytest.mark.parametrize("code", PASSING)
def test_cached_weights_are_loaded_after_trouble(cached: Any, code: int) -> None:
    file, load = cached
    with pytest.MonkeyPatch.context() as patch:
        refusal = Refusal(file.parent, "open_read", code, times=2)
        refusal.install(patch)
        load()
    assert refusal.count


@pytest.mark.parametrize("code", PASSING)
def test_cached_weights_that_cannot_be_read_are_no_failed_download(cached: Any, code: int) -> None:
    file, load = cached
    with pytest.MonkeyPatch.context() as patch:
        Refusal(file.parent, "open_read", code).install(patch)
        with pytest.raises(StorageError, match=rf"{file.name} cannot be read now") as caught:
            load()
    assert not isinstance(caught.value, (PretrainedUnavailable, WeightsMismatch))
    load()


def test_an_error_in_torchs_reader_is_tried_again_once_the_file_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = test_pytorch.cache_folder.__wrapped__(tmp_path, monkeypatch)
    test_pytorch.put_weights(folder, "squeezenet1_1")
    real, calls = torch.load, []

    def failing(*arguments: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("PytorchStreamReader failed reading file data/0: file read failed")
        return real(*arguments, **options)

    monkeypatch.setattr(torch, "load", failing)
    test_pytorch.made(model__name="squeezenet1_1", model__pretrained=True)
    assert len(calls) == 2


def test_a_missing_file_of_the_cache_is_a_download_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    test_pytorch.cache_folder.__wrapped__(tmp_path, monkeypatch)
    with pytest.raises(PretrainedUnavailable, match="could not be downloaded"):
        test_pytorch.made(model__name="squeezenet1_1", model__pretrained=True)


def test_the_state_of_a_training_that_cannot_be_read_now_is_kept(tmp_path: Path, backend: str) -> None:
    learner = (test_mxnet.small if backend == "mxnet" else test_pytorch.made)()
    learner.capture({"epoch": 1}).write(tmp_path / "state")
    learner.capture_weights().write(tmp_path / "best")
    for code in PASSING:
        for load, name in ((learner.load, "state"), (learner.load_weights, "best")):
            with pytest.MonkeyPatch.context() as patch:
                Refusal(tmp_path, "open_read", code, times=2).install(patch)
                load(tmp_path / name)
            with pytest.MonkeyPatch.context() as patch:
                Refusal(tmp_path, "open_read", code).install(patch)
                with pytest.raises(MonkliteError, match="cannot be read now") as caught:
                    load(tmp_path / name)
            assert isinstance(caught.value, StorageError)
    assert learner.load(tmp_path / "state") == {"epoch": 1}
