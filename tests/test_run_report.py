"""The report of one run: what it says, that nothing from outside becomes markup, and that its script works."""

from __future__ import annotations

import json
import pickle
import re
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_state import FULL

from monklite import Prototype
from monklite.decisions import OperatingPoint
from monklite.facade.evaluated import Evaluated
from monklite.operating_point import at
from monklite.reports import judged_images, mixups, run_card, run_report
from monklite.runs import evaluations, history, predictions
from monklite.runs.file_names import EVALUATED, HISTORY
from monklite.runs.run import Run
from monklite.runs.state import RunState
from monklite.runs.workspace import Workspace
from monklite.statistics import at_thresholds, intervals
from monklite.statistics.evaluated import figures_of
from monklite.statistics.units import Units
from monklite.tasks import SingleLabel

HOSTILE = "<script>alert(1)</script>"
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture
def run(workspace: Path, tmp_path: Path) -> Run:
    """A run that was judged on eight images, two of them wrongly, with a hostile name of a class and of an image."""
    made = Workspace("workspace").claim("p", "e")
    classes = ("cat", HOSTILE)
    dataset = FULL.dataset.model_copy(
        update={"classes": classes, "label_type": "single", "train_images": 120, "val_images": 50}
    )
    made.update(asked=FULL.asked, resolved=FULL.resolved, dataset=dataset, model=FULL.model, status="done")
    made.update(results=FULL.results.model_copy(update={"only_prediction": ""}), notes=("a note",), tags=("mine",))
    history.write(made.logs / HISTORY, [history.EpochRow(1, 0.1, 1.0, 0.5, 0.9, 0.75, 2.0, 0.1, 10.0)])
    images, labels = tmp_path / "images", np.repeat([0, 1], 4)
    images.mkdir()
    names = [f"{i} &.png" for i in range(8)]
    for name in names[:7]:
        Image.new("RGB", (20, 30), (200, 10, 10)).save(images / name)
    logits = np.eye(2)[[0, 0, 0, 1, 1, 1, 1, 0]] * np.linspace(1, 3, 8)[:, None]
    task = SingleLabel(classes)
    folder = evaluations.folder(made, "test")
    digest = predictions.write(folder / EVALUATED, task, names, labels, logits)
    about = {"fingerprint": "f", "content": "c", "weights": "best_model", "made": "2026-11-20T08:15:00+00:00"}
    figures = figures_of(task, logits, labels, name="test", dataset_path=str(images), predictions=digest, **about)
    evaluations.write(made, figures)
    return made


def page_of(run: Run, warn: Callable[[str], None]) -> str:
    state = run.state()
    return run_report.page(run, state, run_report.current(run, state, warn), warn)


class Elements(HTMLParser):
    """Every element that a page has, with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_report_says_how_good_it_is_and_how_sure_that_is(run: Run) -> None:
    left_out: list[str] = []
    page = page_of(run, left_out.append)
    low, high = intervals.wilson(6, 8)
    assert f"gets 75.0 % of 8 test images right (95 % interval {100 * low:.1f} to {100 * high:.1f})" in page
    # the seventh mistake has no file any more
    assert len(left_out) == 1 and "7 &.png" in left_out[0]
    elements = Elements(page).found
    assert [tag for tag, _ in elements].count("script") == 1
    sources = [attrs["src"] or "" for tag, attrs in elements if tag == "img"]
    assert len(sources) == 1 and sources[0].startswith("data:image/jpeg;base64,")
    opens = [attrs["data-opens"] for tag, attrs in elements if tag == "button" and "data-opens" in attrs]
    assert sorted(opens) == sorted(attrs["id"] for tag, attrs in elements if tag == "dialog")
    linked = [attrs[name] or "" for _, attrs in elements for name in ("src", "href", "xlink:href") if name in attrs]
    assert all(link.startswith(("#", "data:image/")) for link in linked), "the page needs no network"
    ids = [attrs["id"] for _, attrs in elements if attrs.get("id")]
    assert len(ids) == len(set(ids)), "names of parts are unique"


def test_a_cell_without_pictures_opens_nothing(run: Run, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "images")
    page = Elements(page_of(run, lambda text: None)).found
    assert [attrs for tag, attrs in page if tag == "dialog" or "data-opens" in attrs] == []


def test_of_very_many_classes_the_largest_mix_ups_are_listed(run: Run, tmp_path: Path) -> None:
    classes = (HOSTILE, *(f"class {i}" for i in range(70)))
    labels = np.r_[np.arange(71), np.repeat([0, 1, 2], [6, 9, 3])]
    predicted = np.r_[np.arange(71), np.repeat([1, 0, 5], [6, 9, 3])]
    names = [f"{i}.png" for i in range(len(labels))]
    Image.new("RGB", (20, 30)).save(tmp_path / "images" / names[71])
    task, folder = SingleLabel(classes), evaluations.folder(run, "large")
    digest = predictions.write(folder / EVALUATED, task, names, labels, logits := 3.0 * np.eye(71)[predicted])
    about = {"fingerprint": "f", "content": "c", "weights": "best_model", "made": "2026-11-21T08:15:00+00:00"}
    given = {"name": "large", "dataset_path": str(tmp_path / "images"), "predictions": digest, **about}
    figures = figures_of(task, logits, labels, **given)
    evaluations.write(run, figures)
    assert mixups.largest(figures) == [(classes[1], HOSTILE, 9), (HOSTILE, classes[1], 6), (classes[2], classes[5], 3)]
    page = page_of(run, lambda text: None)
    assert page.count('<table class="matrix">') == 1, "of the evaluation with two classes"
    assert "It is too large to be shown: 71 classes. The largest mix-ups are these." in page
    elements = Elements(page).found
    # one of the images has a file
    opens = [attrs["data-opens"] for _, attrs in elements if str(attrs.get("data-opens")).startswith("e0-")]
    assert opens == ["e0-cell0"]
    assert opens == [attrs["id"] for tag, attrs in elements if tag == "dialog" and str(attrs["id"]).startswith("e0-")]
    right = figures_of(task, 3.0 * np.eye(71)[labels], labels, **given)
    assert mixups.largest(right) == []


def test_the_thresholds_of_the_page_are_counts_of_the_predictions(run: Run) -> None:
    page = page_of(run, lambda text: None)
    assert "each image by itself" not in page
    rows = next(json.loads(attrs["data-rows"] or "") for _, attrs in Elements(page).found if "data-rows" in attrs)
    assert [row[0] for row in rows] == at_thresholds.THRESHOLDS.tolist()
    # everything above 0, as predicted above 0.5, nothing above 1
    assert (rows[0][1:5], rows[50][1:5], rows[100][1:5]) == ([4, 0, 0, 4], [3, 1, 3, 1], [0, 4, 4, 0])
    assert rows[50][5:8] == pytest.approx([0.75, *intervals.wilson(3, 4)])
    assert rows[100][11:14] == [None, None, None], "no image is predicted, so that there is no PPV"


def test_thresholds_agree_with_the_definition() -> None:
    rng = np.random.default_rng(0)
    scores, truth = rng.random(200).round(2), rng.random(200) < 0.3
    for threshold, *values in at_thresholds.table(scores, truth, Units.of(None, 200)):
        above = scores > threshold
        assert values[:4] == [
            (above & truth).sum(),
            (~above & truth).sum(),
            (~above & ~truth).sum(),
            (above & ~truth).sum(),
        ]


@pytest.mark.parametrize(("positive", "cutoff"), [(0, -8.0), (1, -8.0), (0, 8.5), (1, 30.5), (0, 40.0), (0, 0.25)])
def test_the_thresholds_begin_at_the_operating_point_itself(run: Run, positive: int, cutoff: float) -> None:
    """Also where it is nearer to 0 or 1 than two thresholds of the slider are to each other, or than written scores tell."""
    classes = ("cat", HOSTILE)
    point = OperatingPoint(epoch=1, num_images=9, chosen_by="cost", cutoffs={classes[positive]: cutoff})
    odds, labels = np.array([-9, -8.4, -1, 0, 1, 8, 31, 41.0]), np.array([0, 1, 0, 0, 1, 0, 1, 1])
    logits = np.zeros((8, 2))
    logits[:, positive] = odds
    task, folder = at(SingleLabel(classes), point), evaluations.folder(run, "test")
    digest = predictions.write(folder / EVALUATED, task, [f"{i} &.png" for i in range(8)], labels, logits)
    about = {"fingerprint": "f", "content": "c", "weights": "best_model", "made": "2026-11-20T08:15:00+00:00"}
    groups = ["a", "a", *["b"] * 6]
    figures = figures_of(task, logits, labels, groups, name="test", dataset_path="x", predictions=digest, **about)
    read = predictions.read(folder / EVALUATED, digest, classes)
    (found,) = judged_images.thresholds(figures, read)
    assert found.name == classes[positive]
    row, of_class = found.rows[found.at], figures.classes[classes[positive]].figures
    assert row[0] == figures.thresholds[found.name]
    above, truth = odds > cutoff, labels == positive
    assert row[1:5] == [(above & truth).sum(), (~above & truth).sum(), (~above & ~truth).sum(), (above & ~truth).sum()]
    shares = [of_class[name].value for name in ("sensitivity", "specificity", "ppv", "npv")]
    assert row[5::3] == pytest.approx(shares, nan_ok=True)
    assert [r[0] for r in found.rows] == sorted({*at_thresholds.THRESHOLDS.tolist(), row[0]})
    evaluations.write(run, figures)
    assert "The intervals here count each image by itself, not each group" in page_of(run, lambda text: None)
    grouped = predictions.write(folder / EVALUATED, task, [f"{i} &.png" for i in range(8)], labels, logits, groups)
    (by_group,) = judged_images.thresholds(figures, predictions.read(folder / EVALUATED, grouped, classes))
    ends = of_class["specificity"].low, of_class["specificity"].high
    assert by_group.rows[by_group.at][9:11] == pytest.approx(ends, nan_ok=True) != found.rows[found.at][9:11]
    evaluations.write(run, figures.model_copy(update={"predictions": grouped}))
    assert "count each image by itself" not in page_of(run, lambda text: None)


def test_a_run_that_was_never_judged_says_what_to_do(workspace: Path) -> None:
    ptf = Prototype("p", "new", verbose=0)
    page = Path(ptf.Report()).read_text(encoding="utf-8")
    assert "It was not judged on test images yet: Switch_Mode(eval_infer=True)" in page
    assert "This run has not been trained." in page


def test_the_card_and_the_guidelines_say_what_the_record_knows(run: Run, tmp_path: Path) -> None:
    found = evaluations.read_all(run, pytest.fail)
    said = run_card.said(run.state(), found)
    assert said["results"].startswith("accuracy 75.0 (")
    assert said["data"] == "120 training and 50 validation images of 2 classes"
    run_card.write_card(tmp_path / "card.md", run.state(), found)
    card = (tmp_path / "card.md").read_text(encoding="utf-8")
    assert "| cat | 4 | 75.0 (" in card and "For the author" in card
    assert run_card.said(RunState(project="p", experiment="e", version=1, created="2026-11-20T08:15:00+00:00"), []) == {
        "code": "a script that repeats the training is in this report"
    }


@pytest.mark.skipif(CHROMIUM is None, reason="there is no browser here")
def test_the_script_of_the_page_runs_in_a_browser(run: Run, tmp_path: Path) -> None:
    path = run_report.write(run, run.state(), evaluations.read_all(run, pytest.fail), lambda text: None)
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    told = subprocess.run(
        [str(CHROMIUM), *options, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", path.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    ).stdout  # fmt: skip
    assert re.search(r'data-at="5">75\.0 % \(', told), "the slider has filled in its figures"
    assert '<th scope="col"><button' in told, "tables can be sorted"


def test_what_evaluate_returns_is_a_tuple_that_a_notebook_shows_as_tables(run: Run) -> None:
    figures = evaluations.read(run, "test")
    made = Evaluated(75.0, {"cat": {"num_images": 4}}, figures)
    accuracy, classes = made
    assert (
        made == (75.0, {"cat": {"num_images": 4}}) and isinstance(made, tuple) and (accuracy, len(classes)) == (75.0, 1)
    )
    again = pickle.loads(pickle.dumps(made))
    assert (
        again == made
        and again.figures.model_dump_json() == figures.model_dump_json()
        and repr(again) == repr(tuple(made))
    )
    shown = again._repr_html_()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown and "<script" not in shown
    assert ">75.0<span" in shown and "true \\ predicted" in shown and "<td>3</td><td>1</td><td>4</td>" in shown


def test_long_tables_can_be_filtered(run: Run) -> None:
    assert 'data-filters="' not in page_of(run, lambda text: None)
    state = run.state()
    names = tuple(f"class {i}" for i in range(13))
    data = state.dataset.model_copy(update={"classes": names, "train_counts": (1,) * 13, "val_counts": (1,) * 13})
    page = run_report.page(run, state.model_copy(update={"dataset": data}), [], lambda text: None)
    assert 'data-filters="images"' in page and 'table id="images"' in page


def test_what_makes_figures_too_good_is_said(run: Run) -> None:
    found = evaluations.read(run, "test")
    evaluations.write(run, found.model_copy(update={"leaks": ("3 of 8 test images were used in training",)}))
    page = page_of(run, lambda text: None)
    assert "The figures of &#39;test&#39; are too good: 3 of 8 test images were used in training." in page


def test_evaluations_of_other_weights_are_left_out_and_that_is_said(run: Run) -> None:
    best = run.state().results.best_epoch
    found = evaluations.read(run, "test")
    evaluations.write(run, found.model_copy(update={"epoch": best}))
    assert [figures.name for figures in run_report.current(run, run.state(), pytest.fail)] == ["test"]
    evaluations.write(run, found.model_copy(update={"epoch": best - 1}))
    left_out: list[str] = []
    assert run_report.current(run, run.state(), left_out.append) == []
    assert left_out == [
        f"the evaluation 'test' is left out: it is of epoch {best - 1}, and the weights are of epoch {best} since "
        "the training went on. Evaluate() again"
    ]


def test_a_card_that_was_filled_in_stays(run: Run, tmp_path: Path) -> None:
    card, state = tmp_path / "model_card.md", run.state()
    assert run_card.write_card(card, state, []) == card
    assert run_card.write_card(card, state, evaluations.read_all(run, pytest.fail)) == card, "nobody has changed it"
    filled = card.read_text(encoding="utf-8").replace("For the author", "For hospitals")
    card.write_text(filled, encoding="utf-8")
    new = run_card.write_card(card, state, [])
    assert (new.name, card.read_text(encoding="utf-8")) == ("model_card-new.md", filled)


def test_pictures_of_errors_belong_to_their_predictions(run: Run) -> None:
    folder, digest = run.evaluations / "test", evaluations.read(run, "test").predictions
    for name in ("errors.png", "errors-2.png", "errors of mine.png"):
        (folder / name).write_bytes(b"")
    evaluations.drop_outdated_sheets(run, "test", digest)
    assert (folder / "errors.png").exists()
    evaluations.drop_outdated_sheets(run, "test", "other")
    assert sorted(p.name for p in folder.glob("*.png")) == ["errors of mine.png"]
