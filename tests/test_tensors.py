"""Arrays with notes in one file: every damage is noticed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from damage import DAMAGES
from hypothesis import given, settings
from safetensors.numpy import save_file

from monklite.backends import tensors
from monklite.errors import DamagedFile, StorageError

ARRAYS = {
    "model.weight": np.arange(12, dtype=np.float32).reshape(3, 4),
    "optimizer.0.step": np.array(3.0, dtype=np.float32),
    "random.cpu": np.arange(40, dtype=np.uint8),
    "empty": np.zeros((0, 3), dtype=np.int64),
}
NOTES = {
    "optimizer": {"0": {"a": None}},
    "groups": [{"lr": 0.1}],
    "notes": {"history": [{"epoch": 1}], "nan": [1e-300]},
}
KEYS = (b'"monklite":"{\\"notes\\": {', b'\\"checksum\\": ')  # damaged themselves, there is no checksum


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tensors") / "resume_state"


def same(arrays: tensors.Arrays) -> bool:
    return arrays.keys() == ARRAYS.keys() and all(
        (a.dtype, a.shape, a.tobytes()) == (ARRAYS[n].dtype, ARRAYS[n].shape, ARRAYS[n].tobytes())
        for n, a in arrays.items()
    )


def test_arrays_and_notes_come_back(file: Path) -> None:
    tensors.write(file, ARRAYS, NOTES)
    arrays, notes = tensors.read(file)
    assert same(arrays)
    assert notes == NOTES


@settings(deadline=None, max_examples=300)
@given(damage=DAMAGES)
def test_a_damaged_file_is_read_right_or_told(file: Path, damage) -> None:
    tensors.write(file, ARRAYS, NOTES)
    content = damage(file.read_bytes())
    file.write_bytes(content)
    try:
        arrays, notes = tensors.read(file)
    except DamagedFile as error:
        assert f"{file} is damaged and cannot be loaded (" in str(error)
    else:
        assert same(arrays)
        assert notes == NOTES or not all(key in content for key in KEYS)


@pytest.mark.parametrize("bit", range(8))
def test_one_bit_of_the_last_value_is_noticed(file: Path, bit: int) -> None:
    tensors.write(file, ARRAYS, NOTES)
    content = bytearray(file.read_bytes())
    content[-3] ^= 1 << bit
    file.write_bytes(content)
    with pytest.raises(
        DamagedFile, match=r"resume_state is damaged .*\(its checksum does not fit: some of it was changed"
    ):
        tensors.read(file)


def test_a_file_without_a_checksum_is_read(file: Path) -> None:
    """Those of other programs have none, nor those of monklite before there was one."""
    save_file(ARRAYS, file, metadata={"monklite": '{"a": 1}'})
    assert tensors.read(file)[1] == {"a": 1}
    save_file(ARRAYS, file)
    assert same(tensors.read(file)[0])


@pytest.mark.parametrize(
    "notes", ["[]", "3", "{", "[" * 100_000, '{"notes": [], "checksum": 1}', '{"notes": {}, "checksum": "x"}']
)
def test_notes_that_are_something_else_are_damage(file: Path, notes: str) -> None:
    save_file(ARRAYS, file, metadata={"monklite": notes})
    for reader in (tensors.read, tensors.read_notes):
        with pytest.raises(DamagedFile, match=r"resume_state is damaged and cannot be loaded"):
            reader(file)


def test_a_folder_that_goes_while_weights_are_written_is_told(tmp_path: Path, monkeypatch) -> None:
    def write_and_lose(path: Path, *_: object) -> None:
        path.parent.rmdir()

    (tmp_path / "models").mkdir()
    monkeypatch.setattr(tensors, "write", write_and_lose)
    with pytest.raises(StorageError, match=r"final could not be written: its folder has been removed"):
        tensors.Snapshot(ARRAYS, NOTES).write(tmp_path / "models" / "final")
