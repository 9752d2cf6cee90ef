"""Parameter files of MXNet with hostile headers: refused before MXNet takes the memory that they declare."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hostile_runs import done_or_refused

from monklite.backends.mxnet import params_file, weights
from monklite.backends.mxnet.framework import nd
from monklite.errors import WeightsMismatch

LIMIT = 6 << 30  # bytes of address space, of which MXNet's libraries alone take a good part
HUGE = (0, -1, -2, 2**31 - 1, 2**31, 2**32, 2**40, 2**62, 2**63 - 1, -(2**63))
READ_WITH_LITTLE_MEMORY = f"""
import resource, sys
from pathlib import Path
from monklite.backends.mxnet import weights
from monklite.errors import WeightsMismatch
resource.setrlimit(resource.RLIMIT_AS, ({LIMIT}, {LIMIT}))
for path in sys.argv[1:]:
    try:
        weights.read(Path(path))
        print("read")
    except WeightsMismatch as error:
        print("refused", len(str(error)))
"""


def array(
    shape: tuple[int, ...],
    data: bytes = b"",
    mark: int = params_file.MARK_V2,
    storage: int = 0,
    kind: int = 0,
    n_dimensions: int | None = None,
) -> bytes:
    dimensions = len(shape) if n_dimensions is None else n_dimensions
    start = struct.pack("<Iii", mark, storage, dimensions)
    return start + struct.pack(f"<{len(shape)}q", *shape) + struct.pack("<iii", 1, 0, kind) + data


def file_of(*arrays: bytes, names: tuple[bytes, ...] = (b"arg:w",), n_arrays: int | None = None) -> bytes:
    start = struct.pack("<QQQ", 0x112, 0, len(arrays) if n_arrays is None else n_arrays)
    listed = b"".join(struct.pack("<Q", len(name)) + name for name in names)
    return start + b"".join(arrays) + struct.pack("<Q", len(names)) + listed


ONE = array((1,), bytes(4))
SPARSE = struct.pack("<IiiqqiqqiiiiiQ", params_file.MARK_V2, 1, 2, 1, 2, 2, 10**11, 2, 1, 0, 0, 6, 1, 1) + bytes(16)
REFUSED = {
    "a petabyte": (file_of(array((2**48,), bytes(4))), "it ends too early: array 0 of shape"),
    "a product beyond 64 bits": (file_of(array((2**62, 2**62), bytes(4))), "it ends too early: array 0 of shape"),
    "a dimension of 0": (file_of(array((10**18, 0))), "array 0 has no numbers"),
    "a negative dimension": (file_of(array((-1,), bytes(64))), "array 0 has no numbers"),
    "no dimension": (file_of(array(())), "array 0 has 0 dimensions, not 1 to 32"),
    "a million dimensions": (file_of(array((1,), n_dimensions=10**6)), "array 0 has 1000000 dimensions, not 1 to 32"),
    "sparse": (file_of(SPARSE), "array 0 is sparse or empty .* save it dense"),
    "an unknown type": (file_of(array((1,), bytes(4), kind=99)), "array 0 has numbers of an unknown type, 99"),
    "2^64 arrays": (file_of(ONE, n_arrays=2**64 - 1), "it has 18446744073709551615 arrays, more than 100000"),
    "more names": (file_of(ONE, names=(b"a", b"b")), "it has 2 names for 1 arrays"),
    "a name of a petabyte": (file_of(ONE, names=())[:-8] + struct.pack("<QQ", 1, 2**50), "name 0 has 112589"),
    "its beginning alone": (struct.pack("<Q", 0x112), "it ends too early: its beginning has 24 bytes"),
}


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=REFUSED)
def test_a_hostile_header_is_refused_before_mxnet_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, message: str
) -> None:
    def read(*_: object) -> None:
        raise AssertionError("MXNet has read it")

    monkeypatch.setattr(nd, "load_frombuffer", read)
    (tmp_path / "w.params").write_bytes(content)
    with pytest.raises(WeightsMismatch, match=rf"w\.params is not a file of MXNet weights \({message}") as caught:
        weights.read(tmp_path / "w.params")
    assert len(str(caught.value)) <= 500


@pytest.mark.parametrize("kind", ["float32", "float64", "float16", "uint8", "int32", "int8", "int64", "bool"])
@pytest.mark.parametrize("shape", [(1,), (3, 2), (1, 2, 3, 4)])
def test_what_mxnet_saves_is_read(tmp_path: Path, kind: str, shape: tuple[int, ...]) -> None:
    saved = {"arg:a": np.ones(shape, kind), "aux:b": np.zeros(shape, kind)}
    nd.save(str(tmp_path / "w.params"), {n: nd.array(a, dtype=kind) for n, a in saved.items()})
    found = weights.read(tmp_path / "w.params")
    assert found.keys() == {"a", "b"}
    assert (found["a"] == 1).all() and found["a"].shape == shape


OLDER = {
    "first": struct.pack("<IIIiii", 2, 1, 3, 1, 0, 0) + np.arange(3, dtype=np.float32).tobytes(),
    "second": struct.pack("<Iiqiii", params_file.MARK_V1, 1, 3, 1, 0, 0) + np.arange(3, dtype=np.float32).tobytes(),
}


@pytest.mark.parametrize("content", OLDER.values(), ids=OLDER)
def test_files_of_older_versions_are_read(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "w.params").write_bytes(file_of(content))
    assert weights.read(tmp_path / "w.params")["w"].ravel().tolist() == [0, 1, 2]


def hostile_files() -> Iterator[bytes]:
    """A good file with each number of its headers replaced by each hostile one, and with single bytes changed."""
    good = file_of(array((2, 3), bytes(24)), array((4,), bytes(4), kind=5), names=(b"arg:w", b"aux:b"))
    for place in range(8, len(good) - 8, 4):
        for value in HUGE:
            yield good[:place] + struct.pack("<q", value) + good[place + 8 :]
    random = np.random.default_rng(0)
    for _ in range(300):
        content = bytearray(good)
        content[int(random.integers(8, len(good)))] = int(random.integers(0, 256))
        yield bytes(content)


def test_hostile_numbers_in_headers_are_read_or_refused(tmp_path: Path) -> None:
    counts: Counter[str] = Counter()
    for content in hostile_files():
        (tmp_path / "w.params").write_bytes(content)
        counts["read"] += done_or_refused(lambda: weights.read(tmp_path / "w.params"), content, counts)
    print(f"headers of MXNet's parameters: {dict(counts)}")
    assert counts["read"] and counts["refused"] > counts["calls"] // 2


def test_hostile_headers_take_no_memory(tmp_path: Path) -> None:
    contents = [content for content, _ in REFUSED.values()]
    paths = [tmp_path / f"{number}.params" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    made = subprocess.run(
        [sys.executable, "-c", READ_WITH_LITTLE_MEMORY, *map(str, paths)], capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr[-2000:]
    assert [line.split()[0] for line in made.stdout.splitlines()] == ["refused"] * len(paths)
