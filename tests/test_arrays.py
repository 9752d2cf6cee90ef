"""Small tables of arrays: written as a whole, and none where they are damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from monklite.data.arrays import read_arrays, write_arrays
from monklite.errors import StorageError


def test_arrays_read_back_in_the_asked_order(tmp_path: Path) -> None:
    write_arrays(tmp_path / "t.npz", a=np.arange(3), b=np.array(["x", "é"]))
    found = read_arrays(tmp_path / "t.npz", "b", "a")
    assert found is not None
    assert [f.tolist() for f in found] == [["x", "é"], [0, 1, 2]]


@pytest.mark.parametrize("content", [None, b"", b"text", b"PK\x03\x04 half a zip", b"\x93NUMPY\x01\x00v\x00{'x'"])
def test_what_is_no_such_table_is_none(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "t.npz").write_bytes(content)
    assert read_arrays(tmp_path / "t.npz", "a") is None


def test_a_table_without_a_name_is_none(tmp_path: Path) -> None:
    write_arrays(tmp_path / "t.npz", a=np.arange(3))
    assert read_arrays(tmp_path / "t.npz", "a", "b") is None


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", a=np.array([{}], dtype=object))
    assert read_arrays(tmp_path / "t.npz", "a") is None


@pytest.mark.parametrize("seed", range(5))
def test_every_damage_is_noticed(tmp_path: Path, seed: int) -> None:
    rng, path = np.random.default_rng(seed), tmp_path / "t.npz"
    write_arrays(path, a=np.arange(50))
    content = path.read_bytes()
    for _ in range(60):
        damaged = bytearray(content)
        damaged[rng.integers(len(content))] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        found = read_arrays(path, "a")
        assert found is None or found[0].tolist() == list(range(50))


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"t\.npz could not be written: its folder has been removed"):
        write_arrays(tmp_path / "none" / "t.npz", a=np.arange(3))
