"""One patient that is written in several ways is one group, in the cells of a table and in the names of files."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_groups import draw, prepared, sides, write

from monklite.data import group_names
from monklite.data.samples import as_column


def one(*cells: str) -> bool:
    """Whether cells are of one group."""
    groups, _ = group_names.joined(group_names.of_cells(cells))
    return len(set(groups.tolist())) == 1


@pytest.mark.parametrize(
    "cells",
    [
        ("Jos\u00e9", "Jose\u0301", "Jos\u200be\u0301", "Jose\u200b\u0301"),
        ("P 0", "P\u00a00", "P  0", " P 0\t", "P\u200b 0", "P\u2009 0", "\ufeffP 0"),
        ("1", "1.0", "1,0", "1.00"),
        ("-1", "-1.0"),
        ("P\ufe0f3", "P3"),
    ],
)
def test_what_nobody_sees_is_no_difference_and_is_not_told(cells: tuple[str, ...]) -> None:
    groups, several = group_names.joined(group_names.of_cells(cells))
    assert len(set(groups.tolist())) == 1
    assert several == ()


@pytest.mark.parametrize(
    "cells",
    [
        ("P3", "p3", "P03", "p-003", "P_3", "P 3", "P\u20133", "\uff303"),
        ("0", "00", "0.0", "0,0", "000"),
        ("7", "007", "7.0"),
        ("STRASSE 1", "stra\u00dfe 1"),
        ("Smith John", "smith_john", "SMITH-JOHN"),
        ("12-03", "12-3", "12_3"),
    ],
)
def test_what_is_nearly_the_same_is_one_group_and_is_told(cells: tuple[str, ...]) -> None:
    for first in cells:
        groups, several = group_names.joined(group_names.of_cells([*cells, first]))
        assert set(groups.tolist()) == {several[0][0]}
        assert len(several) == 1


@pytest.mark.parametrize(
    "cells",
    [
        ("P3", "P4"),
        ("P10", "P1"),
        ("1", "-1"),
        ("1.05", "1.5"),
        ("1-11", "11-1"),
        ("1-11", "111"),
        ("A B", "AB"),
        ("site1/IM-1", "site2/IM-1"),
        ("1.0", "1.1"),
        ("0", ""),
    ],
)
def test_what_is_different_stays_different(cells: tuple[str, str]) -> None:
    assert not one(*cells)


@pytest.mark.parametrize(
    "cell", ["", "NA", " n/a ", "#N/A", "<NA>", "NaN", "None", "null", "Unknown", "?", "-", "\u00a0", "N\u200bA"]
)
def test_cells_that_say_that_it_is_not_known(cell: str) -> None:
    assert group_names.of_cells([cell, "P1"]).tolist() == ["", "P1"]


NAMES = st.lists(st.text(st.sampled_from("aA0 1-_.\u00a0\u0301\u00e9e\u200b"), max_size=5), min_size=1, max_size=8)


@given(names=NAMES, order=st.randoms(use_true_random=False))
def test_the_spelling_depends_on_no_order_and_is_one_of_those_given(names: list[str], order) -> None:
    groups, _ = group_names.joined(as_column(names))
    by_name = dict(zip(names, groups.tolist(), strict=True))
    mixed = order.sample(names, len(names))
    assert group_names.joined(as_column(mixed))[0].tolist() == [by_name[name] for name in mixed]
    assert set(groups.tolist()) <= {group_names.written(name) for name in names}
    assert group_names.joined(groups)[0].tolist() == groups.tolist()


def test_a_hundred_thousand_cells_take_well_under_a_second() -> None:
    cells = [f"P {i % 30805}.0" for i in range(112_120)]
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        groups, several = group_names.joined(group_names.of_cells(cells))
        seconds.append(time.perf_counter() - start)
    assert (len(np.unique(groups)), several) == (30805, ())
    # a quarter of it on a free processor
    assert min(seconds) < 1


def test_a_table_with_patients_in_many_spellings(workspace: Path, tmp_path: Path, capsys) -> None:
    spellings = [
        ["P3", "p3", "P03", "P-3"],
        ["Jos\u00e9", "Jose\u0301"],
        ["0", "00", "0.0", "0,0"],
        ["X 1", "X\u00a01"],
    ]
    cells = [names[i % len(names)] for names in spellings for i in range(8)]
    rows = [(f"{i:02d}.png", "ab"[i % 2], cell) for i, cell in enumerate(cells)]
    folder = draw(tmp_path / "d", *(name for name, _, _ in rows))
    prepared(folder, path_to_csv=write(tmp_path / "t.csv", "image", "label", "patient_id", rows=rows), split=0.5)
    said = capsys.readouterr().out
    assert "32 images of 4 groups by column 'patient_id' (such as 'P-3' from 00.png)" in said
    assert ", 2 groups are written in several ways, such as '0' and '00', and counted as one each: images of a" in said
    assert sorted(sides("e")) == ["0", "Jos\u00e9", "P-3", "X 1"]
    assert all(len(found) == 1 for found in sides("e").values())


@pytest.mark.parametrize(
    ("group", "several"), [(None, "1 group is"), (r"((?i:person)[-_]?\d+)_", "2 groups are")]
)  # fmt: skip
def test_files_with_patients_in_many_spellings(
    workspace: Path, tmp_path: Path, capsys, group: str | None, several: str
) -> None:
    starts = ["person0_", "Person-0_", "person_0_", "person00_", "person1_", "Person1_", "person2_", "person3_"]
    folder = draw(tmp_path / "d", *(f"{c}/{start}{c}{i}.png" for c in "ab" for start in starts for i in range(2)))
    prepared(folder, group=group, split=0.5)
    assert f", {several} written in several ways, such as" in capsys.readouterr().out
    assert len(sides("e")) == 4
    assert all(len(found) == 1 for found in sides("e").values())


def test_files_in_both_forms_of_unicode_and_with_unseen_characters(workspace: Path, tmp_path: Path) -> None:
    names = [
        "Ren\u00e9_1",
        "Rene\u0301_2",
        "Rene\u0301_3",
        "Zoe\u0308_1",
        "Zo\u00eb_2",
        "Zo\u200b\u00eb_3",
        "Al_1",
        "Al_2",
    ]
    folder = draw(tmp_path / "d", *(f"{c}/{name}{c}.png" for c in "ab" for name in names))
    for group in (r"(\w+)_", "(Ren\u00e9|Zo\u00eb|Al)_", "(Rene\u0301|Zoe\u0308|Al)_"):
        prepared(folder, f"e{len(group)}", group=group, split=0.5, verbose=0)
        assert sorted(sides(f"e{len(group)}")) == ["Al", "Ren\u00e9", "Zo\u00eb"]


def test_a_pattern_for_an_unseen_character_matches_it(workspace: Path, tmp_path: Path) -> None:
    folder = draw(tmp_path / "d", *(f"{c}/{p}\u200b{c}{i}.png" for c in "ab" for p in "wxyz" for i in range(2)))
    prepared(folder, group="(.)\u200b", split=0.5, verbose=0)
    assert sorted(sides("e")) == list("wxyz")
