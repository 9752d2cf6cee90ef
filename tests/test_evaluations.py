"""Evaluations on disk: their folders, names and figures, and what happens to other evaluations."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
from test_comparison import fill, fresh
from test_evaluated import ABOUT, random_case
from test_state import FULL
from tiny_networks import build_tiny

from monklite import Prototype
from monklite.errors import DamagedFile, InvalidType, InvalidValue, NotFound
from monklite.figures import Figures
from monklite.files import TEMPORARY
from monklite.reports import evaluation_charts, known_tests
from monklite.runs import evaluations, prune
from monklite.runs.file_names import EVALUATED, FIGURES, PREDICTIONS, STATE
from monklite.runs.packing import pack
from monklite.runs.run import Run
from monklite.runs.unpacking import unpack
from monklite.runs.workspace import Workspace
from monklite.statistics.evaluated import figures_of
from monklite.tasks import task_of
from monklite.testing.datasets import draw_patterns

pytestmark = pytest.mark.renders

CHARTS = ["calibration.png", "confusion.png", "precision_recall.png", "roc.png"]


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace")


@pytest.fixture
def run(space: Workspace) -> Run:
    return fill(fresh(space))


def figures(content: str = "a", name: str = "test", n_classes: int = 2, kind: str = "single") -> Figures:
    logits, labels = random_case(60, n_classes)
    truth = labels if kind == "single" else labels[:, None] == np.arange(n_classes)
    classes = tuple(f"class {i} with a rather long name $x$ _ {i}" for i in range(n_classes))
    about = {**ABOUT, "content": content, "name": name}
    return figures_of(task_of(kind, classes), logits.astype(np.float32), truth, **about)


def stored(run: Run, content: str = "a", name: str = "test") -> Figures:
    found = figures(content, name)
    evaluations.folder(run, name)
    evaluations.write(run, found)
    return found


def test_figures_are_read_as_they_were_written(run: Run) -> None:
    written = stored(run)
    # compared as text, because NaN does not equal NaN
    assert evaluations.read(run, "test").model_dump_json() == written.model_dump_json()
    (run.evaluations / "test").rename(run.evaluations / "first")
    assert evaluations.names(run) == ["first"]
    assert evaluations.read(run, "first").name == "first"


def test_the_first_free_name_is_taken_and_equal_images_keep_theirs(run: Run) -> None:
    assert evaluations.choose(run, "a") == "test"
    stored(run, "a")
    assert evaluations.choose(run, "b") == "test-2"
    stored(run, "b", "test-2")
    stored(run, "c", "external")
    assert [evaluations.choose(run, content) for content in "abcd"] == ["test", "test-2", "test-3", "test-3"]
    assert evaluations.choose(run, "c", "external") == "external"
    assert evaluations.choose(run, "c", "External") == "external"
    with pytest.raises(InvalidValue, match=r"the evaluation 'external' of .* is of other images, .* give another name"):
        evaluations.choose(run, "a", "external")


def test_a_damaged_evaluation_is_told_and_never_replaced(run: Run) -> None:
    stored(run, "a"), stored(run, "b", "good")
    path = run.evaluations / "test" / FIGURES
    whole = path.read_text()
    for content in (whole[:-30], "[]", "{}", whole.replace('"Wilson"', '"guess"', 1), "\0", whole.replace("1", "[", 9)):
        path.write_text(content)
        with pytest.raises(DamagedFile, match="is damaged and cannot be read"):
            evaluations.read(run, "test")
    told: list[str] = []
    assert [f.name for f in evaluations.read_all(run, told.append)] == ["good"]
    assert len(told) == 1 and "the evaluation 'test' is left out" in told[0]
    assert evaluations.choose(run, "a") == "test-2"
    path.write_text(json.dumps({**json.loads(whole), "version": 2}))
    with pytest.raises(DamagedFile, match="written by a newer monklite"):
        evaluations.read(run, "test")
    with pytest.raises(NotFound, match="has no evaluation 'other'. Evaluations: good, test"):
        evaluations.read(run, "other")


def test_an_empty_folder_or_a_link_is_no_evaluation(run: Run, tmp_path: Path) -> None:
    evaluations.folder(run, "test")
    (run.evaluations / "elsewhere").symlink_to(tmp_path)
    assert evaluations.names(run) == []
    assert evaluations.choose(run, "a") == "test"


def test_evaluations_are_exported_imported_and_cleaned(run: Run, space: Workspace, tmp_path: Path) -> None:
    stored(run)
    folder = run.evaluations / "test"
    evaluation_charts.write(figures(), folder)
    (folder / EVALUATED).write_text("path,class,predicted,correct\n")
    (folder / "notes.docx").write_text("mine")
    left_out = pack(run, tmp_path / "run.zip")
    assert "output/evaluation/test/notes.docx" in left_out
    other = unpack(tmp_path / "run.zip", space, "imported")
    assert [p.name for p in sorted((other.evaluations / "test").iterdir())] == sorted([*CHARTS, EVALUATED, FIGURES])
    assert evaluations.read(other, "test").content == "a"
    leftover = folder / f".{FIGURES}.1-2{TEMPORARY}"
    leftover.write_text("half")
    os.utime(leftover, (0, 0))
    assert [i.paths for i in prune.plan(space) if i.kind == prune.LEFTOVER] == [(leftover,)]
    run.remove_leftovers()
    assert not leftover.exists() and (folder / FIGURES).exists()


@pytest.mark.parametrize("name", ["../../logs", "a/b", "..", "con"])
def test_a_state_cannot_name_a_folder_outside(run: Run, name: str) -> None:
    run.write(FULL)
    state = json.loads((run.folder / STATE).read_text())
    state["testing"]["evaluation"] = name
    (run.folder / STATE).write_text(json.dumps(state))
    with pytest.raises(DamagedFile, match="is not the name of an evaluation"):
        run.state()


def test_older_runs_have_their_predictions_among_the_logs(run: Run) -> None:
    run.write(FULL.replace(testing=FULL.testing.model_copy(update={"evaluation": ""})))
    test = run.state().testing
    assert test is not None and evaluations.predictions_file(run, test) == run.logs / PREDICTIONS


@pytest.mark.parametrize(("n_classes", "kind"), [(2, "single"), (13, "single"), (35, "single"), (3, "multiple")])
def test_charts_are_drawn_for_any_number_of_classes(n_classes: int, kind: str) -> None:
    found = figures(n_classes=n_classes, kind=kind)
    n_known = sum(bool(c.roc.x) for c in found.classes.values())
    n_lines = n_known if n_known <= 8 else 7
    for chart, n_others in ((evaluation_charts.roc, 1), (evaluation_charts.precision_recall, 0)):
        axes = chart(found).axes[0]
        # the classes, or the worst of them and the mean
        assert len(axes.lines) == n_lines + n_others
        assert len(axes.get_legend().get_texts()) == n_lines
    axes = evaluation_charts.calibration(found).axes[0]
    assert len(axes.get_lines()[1].get_xdata()) == sum(b.share.count > 0 for b in found.calibration)
    if kind == "single":
        axes = evaluation_charts.confusion(found).axes[0]
        n_written = {2: 4, 13: sum(count > 0 for row in found.confusion for count in row), 35: 0}[n_classes]
        assert len(axes.texts) == n_written
        assert len(axes.get_yticklabels()) == n_classes or n_classes > 30


def test_several_labels_have_no_confusion_matrix(tmp_path: Path) -> None:
    evaluation_charts.write(figures(n_classes=3, kind="multiple"), tmp_path)
    assert [p.name for p in sorted(tmp_path.iterdir())] == [name for name in CHARTS if name != "confusion.png"]


def test_charts_of_one_class_alone_have_no_curves(tmp_path: Path) -> None:
    found = figures_of(task_of("single", ("a", "b")), np.eye(2, dtype=np.float32), np.array([0, 0]), **ABOUT)
    evaluation_charts.write(found, tmp_path)
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["calibration.png", "confusion.png"]


MODELS = {"pytorch": "squeezenet1_1", "mxnet": "squeezenet1.1"}


def judge(folder: Path, backend: str, images: Path) -> Prototype:
    ptf = Prototype("p", "e", backend=backend, eval_infer=True, workspace=folder, verbose=1)
    ptf.Dataset_Params(dataset_path=str(images))
    ptf.Dataset()
    return ptf


def named(folder: Path) -> Path:
    """The images with names of patients, as in chest X-rays: three of each."""
    for i, path in enumerate(sorted(folder.glob("*/*"))):
        path.rename(path.with_name(f"person{i // 3}_view_{i % 3}.png"))
    return folder


def test_evaluate_writes_everything_about_each_set_of_images(
    patterns: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], backend: str
) -> None:
    build_tiny(monkeypatch, backend)
    ptf = Prototype("p", "e", backend=backend, workspace=tmp_path / "space", verbose=0)
    ptf.Dataset_Params(dataset_path=str(patterns), split=0.67, input_size=32, batch_size=8, num_processors=1)
    ptf.Dataset()
    ptf.Model_Params(model_name=MODELS[backend], freeze_base_network=False, use_pretrained=False)
    ptf.Model()
    ptf.Training_Params(num_epochs=1, display_progress=False, save_intermediate_models=False)
    ptf.Train()
    run = Workspace(tmp_path / "space").find("p", "e")
    accuracy, by_class = judge(tmp_path / "space", backend, patterns).Evaluate()
    test, found = run.state().testing, evaluations.read(run, "test")
    assert test is not None and test.evaluation == "test"
    assert [p.name for p in sorted((run.evaluations / "test").iterdir())] == sorted([*CHARTS, EVALUATED, FIGURES])
    assert (found.n_images, found.n_groups, found.weights, found.content) == (36, None, "best_model", test.content)
    assert 100 * found.overall["accuracy"].value == pytest.approx(accuracy)
    assert test.interval == (found.overall["accuracy"].low, found.overall["accuracy"].high)
    recall = {name: 100 * c.figures["sensitivity"].value for name, c in found.classes.items()}
    assert recall == pytest.approx({name: c["accuracy(%)"] for name, c in by_class.items()})
    table = evaluations.predictions_file(run, test)
    assert hashlib.sha256(table.read_bytes()).hexdigest() == found.predictions == test.predictions
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    logits = np.array([[math.log(float(row[f"p({name})"])) for name in found.classes] for row in rows], np.float32)
    labels = np.array([list(found.classes).index(row["class"]) for row in rows])
    again = figures_of(task_of("single", tuple(found.classes)), logits, labels, **ABOUT)
    assert again.overall["macro_auc"].value == pytest.approx(found.overall["macro_auc"].value, abs=0.02)
    assert again.confusion == found.confusion

    first = run.state().testing
    others = named(draw_patterns(tmp_path / "others", {"dots": 6, "rings": 6, "stripes": 6}, seed=9))
    other = judge(tmp_path / "space", backend, others)
    assert "18 test images of 6 groups by file name" in capsys.readouterr().out
    other.Evaluate()
    told = capsys.readouterr().out
    assert "the evaluation 'test' is of other images and stays, so this one is called 'test-2'" in told
    assert "(with its 95 % interval, by 6 groups of images)" in told and "sensitivity %" in told
    assert evaluations.read(run, "test") is not None and evaluations.read(run, "test-2").n_groups == 6
    other.Evaluate(name="external")
    assert evaluations.names(run) == ["external", "test", "test-2", "validation"]
    state = run.state().testing
    assert state is not None and state.evaluation == "external"
    (older,) = (t for t in known_tests.known(run, run.state(), pytest.fail) if t.name == "test")
    answers = known_tests.answers(run, run.state(), older)
    assert answers is not None and answers.testing == first, "made from its figures and predictions"
    with pytest.raises(InvalidValue, match="the evaluation 'test' of p/e/v001 is of other images"):
        other.Evaluate(name="test")
    with pytest.raises(InvalidValue, match="'a/b' cannot be the evaluation name"):
        other.Evaluate(name="a/b")
    with pytest.raises(InvalidType, match="the evaluation name must be a string, not 3"):
        other.Evaluate(name=3)  # type: ignore[arg-type]
    assert run.state().testing == state

    capsys.readouterr()
    longer = Prototype("p", "e", backend=backend, workspace=tmp_path / "space", resume_train=True)
    longer.update_num_epochs(2)
    longer.Train()
    assert (
        "Note: the test so far is of the weights so far; call Evaluate() again after the training"
        in capsys.readouterr().out
    )
    assert run.state().testing is None and "external" in evaluations.names(run), "its figures stay"
