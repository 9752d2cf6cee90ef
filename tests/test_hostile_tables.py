"""Tables that come with somebody else's run: the split of its images and the predictions of its test, of every damage.

Whatever they hold, the run is listed, summed up, compared, opened, tested, copied, resumed and passed on, or that is refused in
words. A damaged split is never trained on in silence, and a damaged prediction never counted.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hostile_runs import (
    ON_REQUEST,
    cli,
    compared,
    copied,
    copy_into,
    done_or_refused,
    evaluated,
    expensive_calls,
    fresh_copy,
    quick_calls,
    resumed,
    train_in,
)

from monklite.data import dataset_csv
from monklite.reports import known_tests
from monklite.runs import packing, unpacking
from monklite.runs.file_names import EVALUATED, SAMPLES, STATE
from monklite.runs.run import Run
from monklite.runs.workspace import Workspace

CELLS = (
    "", " ", "x", "-1", "0", "1", "1e400", "9" * 5_000, "x" * 200_000, "../../x.png", "/etc/passwd", "C:\\x.png",
    "a\0b", "\x1b[31m", "=1+1", "'=1", "\r", "\n", '"', ",", "val", "train", "test", "f" * 32, "F" * 32, "0" * 32,
)  # fmt: skip
MANY = 1_000_000


@pytest.fixture(scope="module")
def trained(patterns: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_in(tmp_path_factory.mktemp("tables"), patterns)


@pytest.fixture
def space(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.chdir(tmp_path)
    return copy_into(tmp_path, trained)


@pytest.fixture
def run(space: Workspace) -> Run:
    return space.versions("p", "e")[0]


def rows_of(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(), newline="")))


def as_bytes(rows: list[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def changed_cells(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Each hostile cell in each column of the header, the first and the last row."""
    rows = rows_of(content)
    for line in (0, 1, len(rows) - 1):
        # behind them are scores, one column like the other
        for column in range(min(len(rows[line]), 5)):
            for cell in CELLS:
                variant = [list(row) for row in rows]
                variant[line][column] = cell
                yield f"line {line}, column {column} = {cell[:12]!r}", as_bytes(variant)


def damaged(content: bytes) -> Iterator[tuple[str, bytes]]:
    """The table as a whole: cut, encoded otherwise, with rows and columns that are missing, doubled or too many."""
    rows, text = rows_of(content), content.decode()
    lines = text.splitlines(keepends=True)
    for share in range(10):
        yield f"cut after {share} tenths", content[: len(content) * share // 10]
    yield "cut at a line's end", "".join(lines[: len(lines) // 2]).encode()
    yield "without its last row", "".join(lines[:-1]).encode()
    yield "without its header", "".join(lines[1:]).encode()
    yield "its header alone", lines[0].encode()
    yield "its rows twice", "".join([*lines, *lines[1:]]).encode()
    yield "a row twice", "".join([*lines, lines[1]]).encode()
    yield "a row in place of another", "".join([*lines[:-1], lines[-2]]).encode()
    yield "a row in the other subset", (text + lines[1].replace("train", "val", 1)).encode()
    yield "in another order", "".join([lines[0], *reversed(lines[1:])]).encode()
    for column in range(len(rows[0])):
        yield f"without column {column}", as_bytes([row[:column] + row[column + 1 :] for row in rows])
        yield f"column {column} twice", as_bytes([[*row, row[column]] for row in rows])
        yield f"column {column} in a row is missing", as_bytes([*rows[:-1], rows[-1][:column]])
    for encoding in ("utf-16", "utf-32", "utf-8-sig", "utf-7"):
        yield f"as {encoding}", text.encode(encoding)
    yield "with a letter that is not UTF-8", content.replace(b"png", b"p\xffg", 1)
    yield "NUL", bytes(1000)
    yield "with NULs", content.replace(b"png", b"p\0g", 1)
    yield "noise", np.random.default_rng(0).bytes(5000)
    yield "a quote that does not end", content.replace(b"\n", b'\n"', 1)
    yield "lines that end otherwise", text.replace("\n", "\r\n").encode()
    yield "old lines", text.replace("\n", "\r").encode()
    yield "other commas", text.replace(",", ";").encode()
    yield "a million columns", (lines[0].rstrip() + "," * MANY + "\n" + "".join(lines[1:])).encode()
    yield "a row of a million columns", (text.rstrip() + "," * MANY + "\n").encode()
    yield "only commas", b"," * MANY
    yield "empty lines", content + b"\n" * MANY


def with_other_digests(content: bytes) -> bytes:
    rows = rows_of(content)
    return as_bytes([rows[0], *([*row[:3], f"{number:032x}", *row[4:]] for number, row in enumerate(rows[1:], 1))])


def passed_on(space: Workspace, run: Run) -> None:
    """Pack the run and unpack it elsewhere."""
    file = space.root.parent / "run.zip"
    file.unlink(missing_ok=True)
    try:
        packing.pack(run, file)
        unpacking.unpack(file, space, "imported")
    finally:
        shutil.rmtree(space.root / "imported", ignore_errors=True)


def attack(
    space: Workspace, trained: Path, name: str, variants: Iterator[tuple[str, bytes]], stride: int, title: str
) -> Counter[str]:
    """Replace a table; with every `stride`-th variant, everything is tried that can be done with the run."""
    counts: Counter[str] = Counter()
    run = space.versions("p", "e")[0]
    for number, (what, content) in enumerate(variants):
        if number % stride:
            continue
        counts["variants"] += 1
        (run.folder / name).write_bytes(content)
        calls: list[tuple[str, Callable[[], Any]]] = [("pass on", lambda: passed_on(space, run))]
        for call_title, call in (*calls, *quick_calls(space), *expensive_calls(space)):
            counts["done"] += done_or_refused(call, f"{call_title}: {what}", counts)
        fresh_copy(trained, space)
    print(f"{title}: {dict(counts)}")
    return counts


def split_reader(content: bytes, run: Run, counts: Counter[str], what: str) -> None:
    """Read a split as resuming, copying and evaluating do."""
    (run.folder / SAMPLES).write_bytes(content)
    record = run.state().dataset
    for read in (dataset_csv.read, dataset_csv.read_digests):
        counts["accepted"] += done_or_refused(lambda r=read: r(run.folder / SAMPLES, record), what, counts)


def test_every_cell_and_damage_of_a_split_is_read_or_refused(run: Run) -> None:
    counts: Counter[str] = Counter()
    whole = (run.folder / SAMPLES).read_bytes()
    for what, content in (*changed_cells(whole), *damaged(whole)):
        counts["variants"] += 1
        split_reader(content, run, counts, what)
    print(f"splits that are read: {dict(counts)}")
    assert counts["accepted"] and counts["refused"] > counts["variants"] // 3


def test_a_run_with_a_damaged_split_is_used_or_refused(space: Workspace, trained: Path, run: Run) -> None:
    whole = (run.folder / SAMPLES).read_bytes()
    attack(space, trained, SAMPLES, damaged(whole), 9, "runs with damaged splits, sample")


@ON_REQUEST
def test_a_run_with_any_damage_in_its_split_is_used_or_refused(space: Workspace, trained: Path, run: Run) -> None:
    whole = (run.folder / SAMPLES).read_bytes()
    attack(space, trained, SAMPLES, damaged(whole), 1, "runs with damaged splits")
    attack(space, trained, SAMPLES, changed_cells(whole), 59, "runs with hostile cells in their split")


LOST = {
    "a row is missing": lambda rows: rows[:-1],
    "a row is there twice": lambda rows: [*rows[:-1], rows[-2]],
    "a row has gone to the other subset": lambda rows: [*rows[:-1], ["train", *rows[-1][1:]]],
    "a row more, which is in both subsets": lambda rows: [*rows, ["train", *rows[-1][1:]]],
}


@pytest.mark.parametrize("change", LOST.values(), ids=LOST)
@pytest.mark.parametrize("call", [copied, resumed])
def test_a_split_that_is_not_that_of_the_run_is_not_trained_on(run: Run, change, call) -> None:
    file = run.folder / SAMPLES
    file.write_bytes(as_bytes(change(rows_of(file.read_bytes()))))
    counts: Counter[str] = Counter()
    assert not done_or_refused(call, "split", counts)


def test_images_of_other_digests_are_not_trained_further(run: Run) -> None:
    file = run.folder / SAMPLES
    file.write_bytes(with_other_digests(file.read_bytes()))
    counts: Counter[str] = Counter()
    assert not done_or_refused(resumed, "resume", counts)
    assert done_or_refused(evaluated, "evaluate", counts) and done_or_refused(copied, "copy", counts)


def test_test_images_of_a_damaged_split_are_told_to_be_unknown(run: Run, capsys) -> None:
    from monklite import Prototype

    file = run.folder / SAMPLES
    file.write_bytes(file.read_bytes()[:-60])
    ptf = Prototype("p", "e", version=1, eval_infer=True)
    ptf.Dataset_Params(dataset_path="images")
    ptf.Dataset()
    told = capsys.readouterr().out
    assert "it is unknown whether test images were trained on: " in told and "is damaged" in told


# Predictions


def without_digest(run: Run) -> None:
    """As an older monklite recorded a test, whose table may be any."""
    file = run.folder / STATE
    state = json.loads(file.read_text())
    state["testing"]["predictions"] = ""
    file.write_text(json.dumps(state))


def counted_answers(run: Run) -> np.ndarray | None:
    state = run.state()
    found = known_tests.read_predictions(run, state.testing, state.dataset)
    return None if found is None else found.correct


def is_counted(run: Run) -> bool:
    return counted_answers(run) is not None


def test_every_cell_and_damage_of_predictions_is_counted_or_left_out(space: Workspace, run: Run) -> None:
    counts: Counter[str] = Counter()
    counted: set[str] = set()
    whole = (run.evaluations / "test" / EVALUATED).read_bytes()
    right = counted_answers(run)
    assert right is not None
    without_digest(run)
    for what, content in (*changed_cells(whole), *damaged(whole)):
        counts["variants"] += 1
        (run.evaluations / "test" / EVALUATED).write_bytes(content)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found: list[np.ndarray | None] = []
            assert done_or_refused(lambda f=found: f.append(counted_answers(run)), what, counts)
        if found[0] is not None:
            counts["counted"] += 1
            counted.add(what)
            # the names of images may have changed, but never how many of them are right
            assert (len(found[0]), found[0].sum()) == (len(right), right.sum()), what
        if counts["variants"] % 50 == 0:
            done_or_refused(lambda: compared(space), f"compare: {what}", counts)
            done_or_refused(lambda: cli(space, "summary", "p", "e"), f"summary: {what}", counts)
    print(f"predictions: {dict(counts)}")
    assert not counted & {"a row twice", "a row in place of another", "its rows twice", "without its last row"}
    assert counted >= {"in another order", "lines that end otherwise", "column 4 twice"}


def test_predictions_of_another_digest_are_never_counted(run: Run) -> None:
    whole = (run.evaluations / "test" / EVALUATED).read_bytes()
    assert is_counted(run)
    for what, content in damaged(whole):
        (run.evaluations / "test" / EVALUATED).write_bytes(content)
        assert content == whole or not is_counted(run), what


def test_predictions_for_an_image_that_is_named_twice_are_not_counted(run: Run) -> None:
    without_digest(run)
    rows = rows_of((run.evaluations / "test" / EVALUATED).read_bytes())
    assert is_counted(run)
    rows[1][0] = rows[2][0]
    (run.evaluations / "test" / EVALUATED).write_bytes(as_bytes(rows))
    assert not is_counted(run)


def test_a_run_with_damaged_predictions_is_used(space: Workspace, trained: Path, run: Run) -> None:
    without_digest(run)
    whole = (run.evaluations / "test" / EVALUATED).read_bytes()
    attack(
        space,
        trained,
        f"output/evaluation/test/{EVALUATED}",
        damaged(whole),
        25,
        "runs with damaged predictions, sample",
    )
