"""Arrays with metadata in one file: all damage is detected."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from damage import DAMAGES
from hypothesis import given, settings
from safetensors.numpy import save_file

from monklite.backends import array_files
from monklite.errors import DamagedFile, StorageError

ARRAYS = {
    "model.weight": np.arange(12, dtype=np.float32).reshape(3, 4),
    "optimizer.0.step": np.array(3.0, dtype=np.float32),
    "random.cpu": np.arange(40, dtype=np.uint8),
    "empty": np.zeros((0, 3), dtype=np.int64),
}
METADATA = {
    "optimizer": {"0": {"a": None}},
    "groups": [{"lr": 0.1}],
    "notes": {"history": [{"epoch": 1}], "nan": [1e-300]},
}
KEYS = (b'"monklite":"{\\"notes\\": {', b'\\"checksum\\": ')  # damaged themselves, there is no checksum


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("arrays") / "resume_state"


def same(arrays: array_files.NamedArrays) -> bool:
    return arrays.keys() == ARRAYS.keys() and all(
        (a.dtype, a.shape, a.tobytes()) == (ARRAYS[n].dtype, ARRAYS[n].shape, ARRAYS[n].tobytes())
        for n, a in arrays.items()
    )


def test_arrays_and_metadata_are_read_back(file: Path) -> None:
    array_files.write(file, ARRAYS, METADATA)
    arrays, metadata = array_files.read(file)
    assert same(arrays)
    assert metadata == METADATA


@settings(deadline=None, max_examples=300)
@given(damage=DAMAGES)
def test_a_damaged_file_is_read_correctly_or_reported(file: Path, damage) -> None:
    array_files.write(file, ARRAYS, METADATA)
    content = damage(file.read_bytes())
    file.write_bytes(content)
    try:
        arrays, metadata = array_files.read(file)
    except DamagedFile as error:
        assert f"{file} is damaged and cannot be loaded (" in str(error)
    else:
        assert same(arrays)
        assert metadata == METADATA or not all(key in content for key in KEYS)


@pytest.mark.parametrize("bit", range(8))
def test_one_changed_bit_of_the_last_value_is_detected(file: Path, bit: int) -> None:
    array_files.write(file, ARRAYS, METADATA)
    content = bytearray(file.read_bytes())
    content[-3] ^= 1 << bit
    file.write_bytes(content)
    with pytest.raises(
        DamagedFile, match=r"resume_state is damaged .*\(its checksum does not fit: some of it was changed"
    ):
        array_files.read(file)


def test_a_file_without_a_checksum_is_read(file: Path) -> None:
    """Files of other programs and older ones of monklite have none."""
    save_file(ARRAYS, file, metadata={"monklite": '{"a": 1}'})
    assert array_files.read(file)[1] == {"a": 1}
    save_file(ARRAYS, file)
    assert same(array_files.read(file)[0])


@pytest.mark.parametrize(
    "entry", ["[]", "3", "{", "[" * 100_000, '{"notes": [], "checksum": 1}', '{"notes": {}, "checksum": "x"}']
)
def test_metadata_of_another_form_is_damage(file: Path, entry: str) -> None:
    save_file(ARRAYS, file, metadata={"monklite": entry})
    for reader in (array_files.read, array_files.read_metadata):
        with pytest.raises(DamagedFile, match=r"resume_state is damaged and cannot be loaded"):
            reader(file)


def test_a_folder_removed_while_weights_are_written_is_reported(tmp_path: Path, monkeypatch) -> None:
    def write_and_lose(path: Path, *_: object) -> None:
        path.parent.rmdir()

    (tmp_path / "models").mkdir()
    monkeypatch.setattr(array_files, "write", write_and_lose)
    with pytest.raises(StorageError, match=r"final could not be written: its folder has been removed"):
        array_files.Snapshot(ARRAYS, METADATA).write(tmp_path / "models" / "final")
