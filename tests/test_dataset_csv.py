"""The record of which image is in which subset."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_split import table

from monklite.data import dataset_csv, split
from monklite.data.samples import DIGEST, NO_SUBSET, Samples
from monklite.errors import DamagedFile, DatasetError
from monklite.spec import SPLIT


def divided(samples: Samples, **rows: np.ndarray) -> Samples:
    """The table with these rows in the subsets of these names."""
    subsets = np.full(len(samples), NO_SUBSET, np.int8)
    for subset, mine in rows.items():
        subsets[mine] = SPLIT.index(subset)
    return replace(samples, subsets=subsets)


def rows_as_recorded(samples: Samples, wanted: set[str], subset: str) -> np.ndarray:
    return dataset_csv.rows_as_recorded(samples, range(len(samples)), wanted, subset)


def digests(n: int) -> np.ndarray:
    return np.frombuffer(np.random.default_rng(0).bytes(16 * n), "S16").copy()


def test_digests_read_back_in_whatever_bytes(tmp_path: Path) -> None:
    samples = table(3, 3)
    marks = digests(6)
    marks[0], marks[1] = b"ends in zero\0\0", b""
    parts = {"train": np.array([0, 1, 2, 4]), "val": np.array([3, 5])}
    dataset_csv.write(tmp_path / "s.csv", divided(replace(samples, digests=marks), **parts))
    assert dataset_csv.read_digests(tmp_path / "s.csv").tolist() == marks[[0, 1, 2, 4, 3, 5]].tolist()
    assert dataset_csv.read(tmp_path / "s.csv")["val"] == set(samples.take(parts["val"]).paths)


def test_an_older_record_has_no_digests(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("subset,class,path\nval,c0,c0/000.png\nval,c1,c1/000.png\n")
    assert dataset_csv.read(tmp_path / "s.csv") == {"val": {"c0/000.png", "c1/000.png"}}
    assert dataset_csv.read_digests(tmp_path / "s.csv").tolist() == []


@pytest.mark.parametrize("digest", ["xyz", "00", "g" * 32, "0" * 33])
def test_a_damaged_digest_is_told(tmp_path: Path, digest: str) -> None:
    (tmp_path / "s.csv").write_text(f"subset,class,path,digest\ntrain,a,a/1.png,{digest}\n")
    with pytest.raises(DamagedFile, match=r"s\.csv is damaged .*line 2"):
        dataset_csv.read_digests(tmp_path / "s.csv")


def test_a_written_split_reads_back(tmp_path: Path) -> None:
    samples = table(6, 8)
    train, val = split.stratified(samples, 0.5, 3)
    dataset_csv.write(tmp_path / "split.csv", divided(samples, train=train, val=val))
    recorded = dataset_csv.read(tmp_path / "split.csv")
    assert rows_as_recorded(samples, recorded["train"], "train").tolist() == train.tolist()
    assert rows_as_recorded(samples, recorded["val"], "val").tolist() == val.tolist()


def test_odd_names_read_back(tmp_path: Path) -> None:
    paths = ('a,b/"x".png', "a,b/é ü.png", "a,b/line\nbreak.png")
    samples = Samples.from_files(Path("images"), ("a,b",), paths, np.zeros(3, np.int64))
    dataset_csv.write(tmp_path / "split.csv", divided(samples, train=np.arange(3)))
    assert dataset_csv.read(tmp_path / "split.csv") == {"train": set(paths)}


def test_the_record_is_a_plain_table(tmp_path: Path) -> None:
    samples = replace(table(1, 1), digests=np.array([b"0123456789abcdef", b""], DIGEST))
    dataset_csv.write(tmp_path / "split.csv", divided(samples, val=np.arange(2)))
    assert (tmp_path / "split.csv").read_text() == (
        f"subset,class,path,digest\nval,c0,c0/000.png,30313233343536373839616263646566\nval,c1,c1/000.png,{'0' * 32}\n"
    )


def test_several_labels_of_an_image_stand_in_one_cell(tmp_path: Path) -> None:
    samples = Samples.from_files(tmp_path, ("a", "b"), ("1.png", "2.png"), np.array([[True, True], [False, False]]))
    dataset_csv.write(tmp_path / "split.csv", divided(samples, train=np.arange(2)))
    with (tmp_path / "split.csv").open() as file:
        assert [row["class"] for row in csv.DictReader(file)] == ["a|b", ""]
    assert dataset_csv.read(tmp_path / "split.csv") == {"train": {"1.png", "2.png"}}


def test_images_added_later_stay_out_of_a_recorded_split() -> None:
    wanted = set(table(2, 2).paths)
    rows = rows_as_recorded(table(3, 3), wanted, "train")
    assert {table(3, 3).paths[r] for r in rows} == wanted


def test_a_vanished_image_is_named() -> None:
    wanted = {*table(2, 2).paths, "c0/gone.png"}
    with pytest.raises(
        DatasetError, match=r"1 val images of this run are no longer \(readable\) in images, the first: c0/gone\.png"
    ):
        rows_as_recorded(table(2, 2), wanted, "val")


@pytest.mark.parametrize(
    "content", [b"", b"a,b\n1,2\n", b"subset,class\ntrain,cat\n", b"subset,class,path\n\xff\xfe\n"]
)
def test_a_damaged_record_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "split.csv").write_bytes(content)
    with pytest.raises(DamagedFile, match=r"split\.csv is damaged .*: the split of this run is lost"):
        dataset_csv.read(tmp_path / "split.csv")


def test_odd_file_names_are_recorded_and_found_again(tmp_path: Path) -> None:
    odd = Samples.from_files(tmp_path, ("a", "b"), ("a/\udcff,\n.png", "b/é 1.png"), np.array([0, 1]))
    dataset_csv.write(tmp_path / "dataset.csv", divided(odd, train=np.arange(2)))
    assert dataset_csv.read(tmp_path / "dataset.csv") == {"train": set(odd.paths)}


def test_images_with_other_bytes_are_named(tmp_path: Path) -> None:
    samples = divided(replace(table(2, 2), digests=np.array([b"a", b"b", b"c", b""], DIGEST)), train=np.arange(4))
    dataset_csv.write(tmp_path / "s.csv", samples)
    assert dataset_csv.changed(tmp_path / "s.csv", samples) == []
    now = replace(samples, digests=np.array([b"a", b"x", b"", b"y"], DIGEST))
    assert dataset_csv.changed(tmp_path / "s.csv", now) == ["c0/001.png"]  # what could not be read tells nothing
