"""A comparison on disk: which files, what is in them, and that names are data in all of them."""

from __future__ import annotations

import base64
import csv
import hashlib
import html
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image
from test_comparison import CPU, DATA, curve, fresh, judged, results, right, trained

from monklite.errors import StorageError
from monklite.reports import charts, comparison, comparison_charts, report, table
from monklite.runs import history
from monklite.runs.file_names import COMPARISON_TABLE, HISTORY, REPORT
from monklite.runs.run import Run
from monklite.runs.state import RunState
from monklite.runs.workspace import Workspace
from monklite.statistics import intervals

CHARTS = list(comparison_charts.CHARTS)
# of runs without a test
UNTESTED = [name for name in CHARTS if name != comparison_charts.TEST_ACCURACIES]
HOSTILE = ["<script>alert(1)<", "<img src=x onerror=alert(1)>", "$x$", "$", "a_b^c", "&amp;", '"quoted"', "long-" * 40]


class Page(HTMLParser):
    """The content of a page as a browser finds it: the tags, the texts and the pictures."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.sources: list[str] = []
        self.alts: list[str] = []
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href", "xlink:href")]
        # a chart is told to those who do not see it by its label, and a picture by its text
        self.alts += [value for name, value in attrs if name == "alt" or (tag, name) == ("figure", "aria-label")]

    def handle_data(self, data):
        if data.strip():
            self.texts.append(data.strip())


def own_script_alone(page: Page) -> None:
    """The page has one script, which is monklite's own, and browsers run no other one."""
    assert page.tags.count("script") == 1
    script = page.source[page.source.index("<script>") + len("<script>") : page.source.index("</script>")]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page.source


@pytest.fixture
def runs(tmp_path) -> Workspace:
    return Workspace(tmp_path / "workspace")


@pytest.fixture
def shown(monkeypatch) -> dict[str, dict]:
    """The values of each bar chart, by title; the charts are drawn all the same."""
    calls, draw = {}, charts.bars

    def bars(title, x_label, values, *args, **kwargs):
        calls[title] = {"axis": x_label, "values": values, "number": args[0] if args else None, **kwargs}
        return draw(title, x_label, values, *args, **kwargs)

    monkeypatch.setattr(charts, "bars", bars)
    return calls


def by_hand(folder: Path) -> Run:
    """A run in a folder of any name, such as a workspace from elsewhere could hold."""
    run = Run(folder)
    run.logs.mkdir(parents=True)
    run.write(
        RunState(
            project="p",
            experiment="e",
            version=1,
            created="2026-11-20T08:15:00+00:00",
            status="done",
            results=results(),
        )
    )
    history.write(run.logs / HISTORY, curve(3, 0.8))
    return run


def written(folder: Path, *runs: Run) -> Path:
    entries = comparison.collect(runs)
    report.write(folder, entries, report.describe(entries))
    return folder


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / COMPARISON_TABLE).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


class Cells(HTMLParser):
    """The cells of the table of results: text and the number that they are sorted by, of each row by the title of the column."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.titles: list[str] = []
        self.rows: list[list[tuple[str, str | None]]] = []
        self.at, self.inside = "", False
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.inside = dict(attrs).get("id") == "overview"
        self.at = tag if self.inside else ""
        if self.at == "tr" and self.titles:
            self.rows.append([])
        # the first cell of a row is its head
        if self.at == "td" or (self.at == "th" and dict(attrs)["scope"] == "row"):
            self.at = "td"
            self.rows[-1].append(("", dict(attrs).get("data-value")))

    def handle_data(self, data):
        if self.at == "th":
            self.titles.append(data)
        if self.at == "td":
            self.rows[-1][-1] = (self.rows[-1][-1][0] + data, self.rows[-1][-1][1])

    def handle_endtag(self, tag):
        self.at = ""

    def column(self, title: str) -> list[tuple[str, str | None]]:
        return [row[self.titles.index(title)] for row in self.rows]


def test_texts_with_units_are_sorted_by_their_numbers(runs, tmp_path):
    a = trained(runs, experiment="a", results=results(train_seconds=106.0), testing=judged(right(0, 1, 2, 3)))
    b = trained(runs, experiment="b", results=results(train_seconds=46.0, gpu_process_mib=1500.0))
    new = fresh(runs, experiment="new")
    page = Cells(written(tmp_path / "c", a, b, new) / REPORT)
    by_name = {row[0][0]: i for i, row in enumerate(page.rows)}
    places = [by_name[name] for name in ("a", "b", "new")]

    def column(title: str) -> list[tuple[str, str | None]]:
        return [page.column(title)[place] for place in places]

    assert column("training time") == [("1 min 46 s", "106.0"), ("46 s", "46.0"), ("-", None)]
    assert column("peak MiB") == [("512 RAM", "512.25"), ("1500 GPU", "1500.0"), ("-", None)]
    assert column("parameters") == [("11.2 M", "11177538"), ("11.2 M", "11177538"), ("-", None)]
    assert column("test acc % (95 %)")[0] == ("90.0 (77 to 96)", "0.9")
    assert column("test acc % (95 %)")[1:] == [("not tested", None)] * 2


@pytest.mark.parametrize("n", [2, 60])
def test_every_file_is_written_for_any_number_of_runs(runs, tmp_path, n):
    made = [trained(runs, experiment=f"experiment-{i}", best=0.5 + i / 200) for i in range(n)]
    folder = written(tmp_path / "c", *made)
    assert sorted(p.name for p in folder.iterdir()) == sorted([*UNTESTED, COMPARISON_TABLE, REPORT])
    for name in UNTESTED:
        with Image.open(folder / name) as image:
            image.verify()
    assert [row["experiment"] for row in rows_of(folder)] == [f"experiment-{i}" for i in range(n)]


def test_untrained_and_unfinished_runs_are_part_of_it(runs, tmp_path):
    unfinished = trained(runs, experiment="b", status="running", results=results(1), epochs=3)
    folder = written(tmp_path / "c", fresh(runs, "p", "a"), unfinished, trained(runs, experiment="c"))
    assert [row["status"] for row in rows_of(folder)] == ["new", "interrupted", "done"]
    assert [row["best val acc"] for row in rows_of(folder)] == ["NA", "84.0", "84.0"]
    texts = Page(folder / REPORT).texts
    assert "a has not been trained." in texts
    assert "b is interrupted after 1 of 3 epochs." in texts


def test_only_untrained_runs_make_a_report_too(runs, tmp_path):
    folder = written(tmp_path / "c", fresh(runs, "p", "a"), fresh(runs, "p", "b"))
    assert [row["training time"] for row in rows_of(folder)] == ["NA", "NA"]


def test_the_page_holds_everything_and_fetches_nothing(runs, tmp_path):
    page = Page(written(tmp_path / "c", trained(runs), trained(runs)) / REPORT)
    assert page.tags.count("svg") == len(page.alts) == len(UNTESTED)
    assert "Training time" in page.alts and "Validation accuracy, 50 images" in page.alts
    assert all(source.startswith(("#", "data:image/png;base64,")) for source in page.sources)
    assert not {"link", "iframe"} & set(page.tags)
    own_script_alone(page)
    assert "default-src 'none'" in page.source


def test_the_page_tells_the_verdicts_the_warnings_and_every_setting(runs, tmp_path):
    a = trained(runs, experiment="a", right=right())
    b = trained(runs, experiment="b", right=right(*range(12)), dataset=DATA.model_copy(update={"fingerprint": "b"}))
    texts = Page(written(tmp_path / "c", a, b) / REPORT).texts
    assert "What the test images say" in texts
    assert any(text.startswith("a is better than b on 40 images: 100.0 % against 70.0 %") for text in texts)
    assert any(text.startswith("The runs were not trained and validated on the same images") for text in texts)
    assert "All layers trained" in texts


def test_without_tests_the_page_asks_no_question(runs, tmp_path):
    assert "What the test images say" not in Page(written(tmp_path / "c", trained(runs)) / REPORT).texts


def test_a_name_is_never_markup(tmp_path):
    runs = [by_hand(tmp_path / "p" / name / "v001") for name in HOSTILE]
    page = Page(written(tmp_path / "c", *runs) / REPORT)
    assert set(HOSTILE) <= set(page.texts)
    assert page.tags.count("svg") == len(UNTESTED)
    own_script_alone(page)
    assert [row["experiment"] for row in rows_of(tmp_path / "c")] == HOSTILE


def test_a_model_a_device_and_an_error_are_never_markup(runs, tmp_path):
    hostile = "<script>alert(1)</script>"
    run = trained(runs, model=CPU.model_copy(update={"device": hostile, "weights": hostile}), error=hostile)
    page = Page(written(tmp_path / "c", run) / REPORT)
    assert hostile not in page.source
    assert html.escape(hostile) in page.source


def test_the_name_of_the_comparison_is_its_title(runs, tmp_path):
    assert Page(written(tmp_path / "a&b", trained(runs)) / REPORT).texts[0] == "a&b: comparison"


def test_charts_and_table_of_the_same_runs_are_the_same_bytes(runs, tmp_path):
    made = [trained(runs, experiment=name, right=right(1)) for name in "ab"]
    first, second = written(tmp_path / "1" / "c", *made), written(tmp_path / "2" / "c", *made)
    for name in (*CHARTS, COMPARISON_TABLE):
        assert (first / name).read_bytes() == (second / name).read_bytes()
    pages = [re.sub(r", 20[\d:T+-]+", "", Page(f / REPORT).source) for f in (first, second)]
    assert pages[0] == pages[1]


def test_a_second_report_replaces_the_first(runs, tmp_path):
    written(tmp_path / "c", trained(runs), trained(runs))
    written(tmp_path / "c", trained(runs, experiment="other"))
    assert [row["experiment"] for row in rows_of(tmp_path / "c")] == ["other"]
    # accuracy against time and memory needs two runs; what the first had and the second has not is gone
    assert {p.name for p in (tmp_path / "c").iterdir()} == {
        *UNTESTED[:5],
        *UNTESTED[6:7],
        UNTESTED[8],
        COMPARISON_TABLE,
        REPORT,
    }


def test_a_file_in_the_place_of_the_folder_is_told(runs, tmp_path):
    (tmp_path / "c").write_text("mine")
    with pytest.raises(StorageError, match="c could not be written"):
        written(tmp_path / "c", trained(runs))


# Which memory and which time


def test_without_a_gpu_the_chart_shows_main_memory_and_says_so(runs, tmp_path, shown):
    written(tmp_path / "c", trained(runs))
    chart = shown["Peak memory of the process (no GPU used)"]
    assert (chart["axis"], chart["values"]) == ("main memory (MiB)", {"e": 512.25})


def test_with_a_gpu_the_chart_shows_the_drivers_count_and_the_frameworks_inside(runs, tmp_path, shown):
    on_gpu = results(gpu_process_mib=1500.0, gpu_framework_mib=800.0)
    written(tmp_path / "c", trained(runs, experiment="a", results=on_gpu), trained(runs, experiment="b"))
    chart = shown["Peak GPU memory"]
    assert chart["axis"] == "GPU memory of the process (MiB)"
    assert (chart["values"], chart["inner"]) == ({"a": 1500.0, "b": None}, {"a": 800.0, "b": None})


def test_where_the_driver_tells_nothing_the_frameworks_count_is_shown(runs, tmp_path, shown):
    written(tmp_path / "c", trained(runs, results=results(gpu_framework_mib=800.0)))
    chart = shown["Peak GPU memory"]
    assert (chart["axis"], chart["values"]) == ("GPU memory in tensors (MiB)", {"e": 800.0})


@pytest.mark.parametrize(("seconds", "axis", "length"), [(599.0, "seconds", 599.0), (1200.0, "minutes", 20.0)])
def test_long_times_are_shown_in_minutes(runs, tmp_path, shown, seconds, axis, length):
    written(tmp_path / "c", trained(runs, results=results(train_seconds=seconds)))
    assert (shown["Training time"]["axis"], shown["Training time"]["values"]) == (axis, {"e": length})
    assert shown["Training time"]["number"](length) == {599.0: "9 min 59 s", 1200.0: "20 min 00 s"}[seconds]


def test_the_best_accuracy_is_shown_in_percent(runs, tmp_path, shown):
    written(tmp_path / "c", trained(runs, experiment="a", best=0.875), fresh(runs, "p", "b"))
    chart = shown["Best validation accuracy, 50 images"]
    assert chart["values"] == {"a": 87.5, "b": None}
    assert chart["intervals"]["a"] == pytest.approx([100 * end for end in intervals.wilson(44, 50)])


def test_bars_are_sorted_the_best_first(runs, tmp_path, shown):
    values = {"a": (0.7, 20.0), "b": (0.9, 30.0), "c": (0.8, 10.0)}
    made = [trained(runs, experiment=n, results=results(best=v, train_seconds=s)) for n, (v, s) in values.items()]
    written(tmp_path / "c", *made, fresh(runs, "p", "d"))
    assert list(shown["Best validation accuracy, 50 images"]["values"]) == ["b", "c", "a", "d"]
    assert list(shown["Training time"]["values"]) == ["c", "a", "b", "d"]


def test_test_accuracies_are_a_chart_that_says_whether_the_images_are_the_same(runs, tmp_path, shown):
    a, b = (trained(runs, experiment=n, right=right(*wrong)) for n, wrong in (("a", (0, 1)), ("b", ())))
    written(tmp_path / "c", a, b)
    chart = shown["Test accuracy, 40 images"]
    assert chart["values"] == {"b": 100.0, "a": 95.0}
    assert "Not all" not in chart["note"]
    b.update(testing=judged(right(), "other"))
    written(tmp_path / "c", a, b)
    assert shown["Test accuracy, 40 images"]["note"].startswith("Not all were tested on the same images")


def test_training_and_validation_accuracy_have_the_same_axis(runs, tmp_path, monkeypatch):
    figures, draw = {}, charts.lines
    monkeypatch.setattr(charts, "lines", lambda title, *a: figures.setdefault(title, draw(title, *a)))
    written(tmp_path / "c", trained(runs))
    axes = [figures[f"{kind} images"].axes[0] for kind in ("Training accuracy, 120", "Validation accuracy, 50")]
    assert axes[0].get_ylim() == axes[1].get_ylim()


# The table for the screen


def test_the_overview_shows_accuracy_with_its_interval_and_memory_with_its_kind(runs):
    on_gpu = trained(runs, experiment="a", results=results(gpu_process_mib=1500.4), testing=judged(right(0, 1)))
    a, b, c = table.overview(comparison.collect([on_gpu, trained(runs, experiment="b"), fresh(runs, "p", "c")]))
    assert [o["experiment"] for o in (a, b, c)] == ["a", "b", "c"]
    assert [o["peak MiB"] for o in (a, b, c)] == ["1500 GPU", "512 RAM", "-"]
    assert [o["training time"] for o in (a, b, c)] == ["12 s", "12 s", "-"]
    # the lower end is 83.496 %: rounded once it is 83, rounded to 83.50 first it would be 84
    assert [o["test acc % (95 %)"] for o in (a, b, c)] == ["95.0 (83 to 99)", "not tested", "not tested"]
    assert [o["parameters"] for o in (a, b, c)] == ["11.2 M", "11.2 M", "-"]


# Many runs, and runs of strangers


def test_of_many_runs_the_best_are_named_and_the_others_grey(runs, tmp_path, monkeypatch):
    asked, draw = {}, charts.lines
    monkeypatch.setattr(charts, "lines", lambda title, *a: (asked.update({title: a}), draw(title, *a))[1])
    many = [by_hand(tmp_path / "w" / "p" / f"e{i:02d}" / "v001") for i in range(40)]
    for i, run in enumerate(many):
        run.update(results=results(best=0.5 + 0.01 * (i * 7 % 40)))
    folder = written(tmp_path / "out", *many)
    _, named, percent, note, others, _ = asked["Validation accuracy"]
    best = sorted(range(40), key=lambda i: -(i * 7 % 40))
    assert list(named) == [f"e{i:02d}" for i in best[:8]]
    assert (percent, len(others), note) == (True, 32, "The 8 best on validation of 40 runs; the others in grey.")
    assert len(rows_of(folder)) == 40


def test_of_many_runs_the_bars_show_the_best_in_their_order(tmp_path, shown):
    many = [by_hand(tmp_path / "w" / "p" / f"e{i:02d}" / "v001") for i in range(31)]
    for i, run in enumerate(many):
        run.update(results=results(best=0.5 + 0.01 * i))
    written(tmp_path / "out", *many)
    expected = [f"e{i:02d}" for i in range(30, 0, -1)]
    titles = ["Best validation accuracy", "Training time", "Peak memory of the process (no GPU used)"]
    assert [list(shown[t]["values"]) for t in titles] == [expected] * 3
    assert shown["Training time"]["values"].keys() == {*expected}


def test_thirty_runs_are_all_named(tmp_path, shown):
    written(tmp_path / "out", *[by_hand(tmp_path / "w" / "p" / f"e{i:02d}" / "v001") for i in range(30)])
    assert len(shown["Training time"]["values"]) == 30


def test_what_is_left_out_is_on_the_page_as_text(runs, tmp_path):
    entries = comparison.collect([trained(runs)])
    left_out = ["p/<script>alert(1)</script> is left out: \x1b[31mdamaged"]
    report.write(tmp_path / "out", entries, report.describe(entries, left_out))
    page = Page(tmp_path / "out" / REPORT)
    own_script_alone(page)
    assert "p/<script>alert(1)</script> is left out: \\x1b[31mdamaged" in page.texts


def test_texts_of_a_strangers_run_are_texts_in_every_file(runs, tmp_path):
    run = trained(runs)
    hostile = "</td><script>alert(1)</script>\x1b[2J\ud800\x00"
    asked = run.state().asked.replace({"model.name": hostile})
    model = CPU.model_copy(update={"device": hostile, "weights": hostile})
    run.update(asked=asked, resolved=None, model=model, error=hostile, origin=(hostile, hostile, 1))
    folder = written(tmp_path / "out", run)
    page = Page(folder / REPORT)
    own_script_alone(page)
    assert rows_of(folder)[0]["base_model"] == "</td><script>alert(1)</script>\\x1b[2J\\ud800\\x00"
    assert "\x1b" not in page.source + (folder / COMPARISON_TABLE).read_text()
