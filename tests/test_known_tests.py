"""Which of its tests each run of a comparison shows, and on which other ones pairs of runs are compared."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_comparison import DATA, fill, fresh, judged

from monklite import compare
from monklite.cli import main
from monklite.errors import NotFound
from monklite.reports import cautions, comparison, known_tests, pairs, table, wording
from monklite.runs import evaluations, predictions
from monklite.runs.file_names import COMPARISON_TABLE, EVALUATED, PAIRS_TABLE
from monklite.runs.run import Run
from monklite.runs.workspace import Workspace
from monklite.statistics.evaluated import figures_of
from monklite.tasks import MultiLabel, SingleLabel, Task

CLASSES = SingleLabel(("cat", "dog"))
N = 40


@pytest.fixture
def space(workspace: Path) -> Workspace:
    return Workspace(workspace)


def run_of(space: Workspace, name: str, task: Task = CLASSES) -> Run:
    counts = (1,) * len(task.classes)
    data = DATA.model_copy(
        update={"classes": task.classes, "label_type": task.name, "train_counts": counts, "val_counts": counts}
    )
    return fill(fresh(space, "p", name), dataset=data)


def test_on(run: Run, content: str, n_wrong: int, minute: int, name: str = "test", task: Task = CLASSES) -> None:
    """Test a run on images that are known by `content`; the last test is that of its state."""
    rng, classes = np.random.default_rng(sum(map(ord, content))), len(task.classes)
    labels = rng.integers(0, classes, N) if task.exclusive else rng.random((N, classes)) < 0.4
    logits = np.where(np.eye(classes, dtype=bool)[labels] if task.exclusive else labels, 2.0, -2.0)
    logits += rng.normal(size=logits.shape) / 4
    logits[:n_wrong] *= -1
    files = [f"{content}{i:02d}.png" for i in range(N)]
    digest = predictions.write(evaluations.folder(run, name) / EVALUATED, task, files, labels, logits)
    figures = figures_of(
        task,
        logits,
        labels,
        name=name,
        made=f"2026-11-20T08:{minute:02d}:00+00:00",
        dataset_path=f"/images/{content}",
        fingerprint=content,
        content=content,
        predictions=digest,
        weights="best_model",
    )
    evaluations.write(run, figures)
    correct = task.correct(logits, labels)
    changes: dict[str, Any] = {
        "evaluation": name,
        "predictions": digest,
        "content": content,
        "fingerprint": content,
        "confusion": (),
    }
    changes |= {"dataset_path": figures.dataset_path, "classes": {}, "confusion": ()}
    run.update(testing=judged([bool(c) for c in correct]).model_copy(update=changes))


test_on.__test__ = False  # type: ignore[attr-defined]


def test_the_test_that_most_runs_share_is_shown_and_not_the_newest(space: Workspace) -> None:
    a, b = run_of(space, "a"), run_of(space, "b")
    for run, n_wrong in ((a, 2), (b, 14)):
        test_on(run, "x", n_wrong, 1)
    # judged once more on other images, under a name of its own
    test_on(a, "y", 9, 2, "external")
    entries = comparison.collect([a, b])
    assert [entry.testing and (entry.testing.evaluation, entry.testing.num_correct) for entry in entries] == [
        ("test", 38),
        ("test", 26),
    ]
    (pair,) = pairs.pairs(entries)
    assert (pair.best, pair.only_best, pair.only_other, pair.is_significant) == ("a", 12, 0, True)
    assert not [text for text in cautions.warnings(entries) if "not tested on the same images" in text]
    assert wording.verdicts(entries)[0].endswith("of the 40 test images (test: /images/x).")
    # the newest of those that equally many share
    test_on(b, "y", 9, 3, "other name")
    assert {entry.testing.content for entry in comparison.collect([a, b]) if entry.testing} == {"y"}
    assert [
        e.testing.content for e in comparison.collect([a, b], None, True, lambda t: t.name == "test") if e.testing
    ] == [
        "x",
        "x",
    ]


def test_pairs_that_share_other_images_are_compared_on_those(space: Workspace) -> None:
    a, b, c, d = (run_of(space, name) for name in "abcd")
    for minute, (run, content, n_wrong, name) in enumerate(
        [(a, "x", 1, "test"), (b, "x", 2, "test"), (d, "x", 3, "test"), (c, "y", 12, "test"), (a, "y", 0, "more")]
    ):
        test_on(run, content, n_wrong, minute, name)
    entries = comparison.collect([a, b, c, d])
    assert [entry.testing and entry.testing.content for entry in entries] == ["x", "x", "y", "x"]
    found = pairs.pairs(entries)
    assert [(p.best, p.other, p.test) for p in found] == [
        ("a", "b", "test"),
        ("a", "d", "test"),
        ("b", "d", "test"),
        ("a", "c", "more"),
    ]
    assert {p.n_tests for p in found} == {4}
    sentences = wording.verdicts(entries, found)
    assert any(text.startswith("On more: a is better than c on 40 images: 100.0 %") for text in sentences)
    (told,) = [text for text in cautions.warnings(entries) if "not tested on the same images" in text]
    assert "c on 40 images (test: /images/y)" in told and told.endswith("are compared on them.")


def test_figures_of_other_images_are_named_where_they_stand_side_by_side(space: Workspace, capsys) -> None:
    a, b = run_of(space, "a"), run_of(space, "b")
    test_on(a, "x", 2, 1)
    test_on(b, "y", 3, 2)
    named = [row["test set"] for row in table.overview(comparison.collect([a, b]))]
    assert named == ["test: /images/x", "test: /images/y"], "both are called test"
    assert main(["--workspace", str(space.root), "list"], standalone_mode=False) is None
    assert "test: /images/y" in capsys.readouterr().out
    made = compare(workspace=space.root, verbose=0)
    made.Comparison("c")
    made.Add_Experiment("p", "a")
    made.Add_Experiment("p", "b")
    made.Generate_Statistics()
    with (space.comparison("c") / COMPARISON_TABLE).open(newline="") as file:
        assert [row["test set"] for row in csv.DictReader(file)] == named
    test_on(b, "x", 12, 3, "mine")
    made.Generate_Statistics()
    assert "test set" not in table.overview(comparison.collect([a, b]))[0], "they share one"
    with (space.comparison("c") / PAIRS_TABLE).open(newline="") as file:
        assert {row["test set"] for row in csv.DictReader(file)} == {"test"}
    made.Generate_Statistics(evaluation="mine")
    with pytest.raises(NotFound, match=r"no experiment has an evaluation 'yours'\. Evaluations: mine, test"):
        made.Generate_Statistics(evaluation="yours")


@pytest.mark.parametrize("task", [SingleLabel(("cat", "dog", "owl")), MultiLabel(("heart", "lung"))])
def test_the_record_of_an_older_test_is_made_from_its_figures(space: Workspace, task: Task) -> None:
    run = run_of(space, "a", task)
    test_on(run, "x", 7, 1, task=task)
    first = run.state().testing
    test_on(run, "y", 1, 2, "external", task)
    newest, older = known_tests.known(run, run.state(), pytest.fail)
    assert (newest.name, older.name) == ("external", "test")
    found = known_tests.answers(run, run.state(), older)
    assert found is not None and found.predictions is not None and first is not None
    same = (
        "num_correct",
        "num_images",
        "accuracy",
        "predictions",
        "evaluation",
        "content",
        "dataset_path",
        "thresholds",
    )
    assert all(getattr(found.testing, name) == getattr(first, name) for name in same)
    total = sum(own.num_images for own in found.testing.classes.values())
    assert (
        total == N
        if task.exclusive
        else total == sum(len(text.split("|")) for text in found.predictions.labels if text)
    )
    assert bool(found.testing.figures) != task.exclusive
    # of another network, since the training went on
    run.update(testing=None)
    assert known_tests.known(run, run.state(), pytest.fail) == []


def test_an_evaluation_that_cannot_be_read_is_told(space: Workspace) -> None:
    run = run_of(space, "a")
    test_on(run, "x", 1, 1)
    test_on(run, "y", 1, 2, "external")
    (run.evaluations / "test" / "figures.json").write_text("{")
    told: list[str] = []
    (entry,) = comparison.collect([run], told.append)
    assert entry.testing is not None and entry.testing.evaluation == "external"
    assert len(told) == 1 and told[0].startswith("p/a/v001: the evaluation 'test' is left out: ")
