"""Hostile values in what comes with somebody else's run: in its state, its history and its saved training.

Each value in turn is replaced. What is taken must be listed, summed up, compared, opened, copied and resumed, or refused in
words: never an error of Python.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import pytest
from hostile_runs import (
    ON_REQUEST,
    compared,
    copy_into,
    done_or_refused,
    expensive_calls,
    fresh_copy,
    quick_calls,
    resumed,
    train_in,
)
from hostile_values import changed, shown, variants, with_other_arrays
from test_state import FULL

from monklite.backends import array_files
from monklite.runs import history, state
from monklite.runs.file_names import BEST, FINAL, HISTORY, RESUME, STATE
from monklite.runs.workspace import Workspace


@pytest.fixture(scope="module")
def trained(patterns: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_in(tmp_path_factory.mktemp("hostile"), patterns)


@pytest.fixture
def space(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.chdir(tmp_path)
    return copy_into(tmp_path, trained)


def attack(
    space: Workspace, trained: Path, values: dict, stride: int, expensive_stride: int, name: str
) -> Counter[str]:
    """Replace values of a state; every `stride`-th variant, and of the accepted ones every `expensive_stride`-th in full."""
    counts: Counter[str] = Counter()
    file = space.versions("p", "e")[0].folder / STATE
    for number, (way, hostile, variant) in enumerate(variants(values)):
        if number % stride:
            continue
        what = shown(way, hostile)
        try:
            text = json.dumps(variant)
        # Python does not write numbers of more than 4,300 digits, and 10**400 has fewer
        except ValueError as error:
            pytest.fail(f"{what}: {error}")
        counts["variants"] += 1
        if not done_or_refused(lambda text=text: state.parse(text, "state"), what, counts):
            continue
        counts["accepted"] += 1
        file.write_text(text)
        calls = quick_calls(space)
        is_sampled = counts["accepted"] % expensive_stride == 0
        if is_sampled:
            calls += expensive_calls(space)
        for title, call in calls:
            done_or_refused(call, f"{title}: {what}", counts)
        if is_sampled:
            fresh_copy(trained, space)
    print(f"{name}: {dict(counts)}")
    return counts


def trained_values(space: Workspace) -> dict:
    return json.loads((space.versions("p", "e")[0].folder / STATE).read_text())


def test_a_few_hostile_values_in_the_state_of_a_trained_run(space: Workspace, trained: Path) -> None:
    counts = attack(space, trained, trained_values(space), stride=11, expensive_stride=40, name="trained, sample")
    assert counts["accepted"] > 20


def test_hostile_values_in_a_state_with_every_field(space: Workspace, trained: Path) -> None:
    counts = attack(space, trained, json.loads(FULL.to_json()), stride=9, expensive_stride=10**9, name="full")
    assert counts["accepted"] > 20


@ON_REQUEST
def test_every_hostile_value_in_the_state_of_a_trained_run(space: Workspace, trained: Path) -> None:
    attack(space, trained, trained_values(space), stride=1, expensive_stride=16, name="trained, all")


def test_hostile_cells_in_a_history(space: Workspace) -> None:
    counts: Counter[str] = Counter()
    file = space.versions("p", "e")[0].logs / HISTORY
    rows = list(csv.reader(file.read_text().splitlines()))
    cells = (
        "",
        "x",
        "-1",
        "0",
        "1e400",
        "nan",
        "inf",
        "-inf",
        "1" * 400,
        "9" * 5_000,
        "x" * 1_000,
        "\x1b[31m",
        "1.5",
        "٣",
        "2",
    )
    for line in range(len(rows)):
        for column in range(len(rows[line])):
            for cell in cells:
                variant = changed(rows, (line, column), cell)
                file.write_text("\n".join(map(",".join, variant)) + "\n")
                what = f"line {line}, column {column} = {cell[:20]!r}"
                if done_or_refused(lambda: history.read(file), what, counts):
                    counts["accepted"] += 1
                    if counts["accepted"] % 25 == 0:
                        done_or_refused(lambda: compared(space), f"compare: {what}", counts)
    print(f"history: {dict(counts)}")


def saved_training(space: Workspace) -> tuple[Path, dict, dict]:
    file = space.versions("p", "e")[0].models / RESUME
    return file, *array_files.read(file)


def attack_saved(space: Workspace, trained: Path, stride: int, name: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    file, arrays, metadata = saved_training(space)
    for number, (way, hostile, variant) in enumerate(variants(metadata)):
        if number % stride:
            continue
        counts["variants"] += 1
        array_files.write(file, arrays, variant)
        counts["accepted"] += done_or_refused(resumed, f"resume: {shown(way, hostile)}", counts)
        fresh_copy(trained, space)
    print(f"{name}: {dict(counts)}")
    return counts


def test_a_few_hostile_values_in_a_saved_training(space: Workspace, trained: Path) -> None:
    attack_saved(space, trained, stride=89, name="saved training, sample")


@ON_REQUEST
def test_many_hostile_values_in_a_saved_training(space: Workspace, trained: Path) -> None:
    attack_saved(space, trained, stride=29, name="saved training")


@pytest.mark.parametrize("n_names", [1, pytest.param(3, marks=ON_REQUEST)])
def test_hostile_arrays_in_a_saved_training(space: Workspace, trained: Path, n_names: int) -> None:
    counts: Counter[str] = Counter()
    file, arrays, metadata = saved_training(space)
    names = ["random.cpu", *[n for n in arrays if n.startswith("optimizer.0.")], *list(arrays)[:2]]
    for name in names[:n_names]:
        for i, others in enumerate(with_other_arrays(arrays, name, arrays[name] * 0 - 1)):
            array_files.write(file, others, metadata)
            done_or_refused(resumed, f"{name} as number {i}", counts)
            fresh_copy(trained, space)
    print(f"arrays: {dict(counts)}")


def test_the_weights_of_the_run_are_those_that_are_attacked(space: Workspace) -> None:
    """What these tests carry out is possible at all with the run as it is."""
    run = space.versions("p", "e")[0]
    assert run.has_weights(BEST) and run.has_weights(FINAL) and run.has_saved_state()
    for title, call in (*quick_calls(space), *expensive_calls(space)):
        assert done_or_refused(call, title, Counter()), title
