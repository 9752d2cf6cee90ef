"""The charts: what is drawn, at any count, and byte for byte the same when drawn again."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.text import Text
from PIL import Image

from monklite.durations import duration
from monklite.errors import StorageError
from monklite.reports import charts, point_chart

pytestmark = pytest.mark.renders

HOSTILE = [
    "<script>alert(1)</script>", "$x$", "cost $5", "a_b_{c}^2", "\\frac{a}{b}", "ünï", "%s %d", "x" * 300, "_baseline", "_",
    "肺炎", "التهاب الرئة v2", "ריאות 12", "🫁", "👩‍⚕️", "a\nb", "\x1b[31m", "\u202eevil", "", "  ", "\udcff",
]  # fmt: skip


def curves(n: int, epochs: int = 5) -> dict[str, list[float]]:
    return {f"experiment-{i}": [(e + 1) / (epochs + i) for e in range(epochs)] for i in range(n)}


def texts(figure: object) -> list[str]:
    return [t.get_text() for t in figure.findobj(Text) if t.get_text()]


def drawn(figure: object, path: Path) -> tuple[int, int]:
    charts.save(figure, path)
    with Image.open(path) as image:
        image.load()
        return image.size


def test_lines_shows_every_curve_over_epochs_from_1():
    axes = charts.lines("Loss", "loss", {"a": [1.0, 0.5], "b": [2.0]}).axes[0]
    assert [list(line.get_xdata()) for line in axes.lines] == [[1, 2], [1]]
    assert [list(line.get_ydata()) for line in axes.lines] == [[1.0, 0.5], [2.0]]
    assert [t.get_text() for t in axes.texts] == ["a", "b"]
    assert (axes.get_title(loc="left"), axes.get_xlabel(), axes.get_ylabel()) == ("Loss", "epoch", "loss")


def test_shares_are_drawn_in_percent():
    axes = charts.lines("Accuracy", "accuracy", {"a": [0.25, 0.5]}, percent=True).axes[0]
    assert list(axes.lines[0].get_ydata()) == [25.0, 50.0]
    assert axes.get_ylabel() == "accuracy (%)"


@pytest.mark.parametrize(
    ("shares", "low", "high"),
    [([0.50, 0.52], 46, 56), ([0.2, 0.8], 17, 83), ([1.0, 0.99], 90, 101), ([0.0], -1, 10)],
)
def test_an_axis_of_accuracy_has_at_least_ten_points_and_is_told(shares, low, high):
    figure = charts.lines("Accuracy", "accuracy", {"a": shares}, percent=True)
    begin, end = figure.axes[0].get_ylim()
    assert end - begin >= 10 - 1e-9
    assert begin <= 100 * min(shares) and end >= 100 * max(shares)
    assert (begin, end) == pytest.approx((low, high), abs=1)
    assert f"The axis goes from {max(0, begin):.0f} to {min(100, end):.0f} %." in texts(figure)


def test_two_charts_can_have_the_same_axis():
    limits = [charts.lines("A", "a", {"a": v}, True, limits=(40, 90)).axes[0].get_ylim() for v in ([0.5], [0.9])]
    assert limits == [(40, 90)] * 2


def test_equal_curves_are_all_seen_and_told():
    figure = charts.lines("Loss", "loss", {"a": [1.0, 0.5], "b": [1.0, 0.6], "c": [1.0, 0.5], "d": [], "e": []})
    a, b, c, *_ = figure.axes[0].lines
    assert a.get_linewidth() > c.get_linewidth() == b.get_linewidth()
    assert "Equal: a, c." in texts(figure)


def test_no_two_of_twenty_lines_look_alike():
    lines = charts.lines("Loss", "loss", curves(20)).axes[0].lines
    assert len({(line.get_color(), line.get_linestyle(), line.get_marker()) for line in lines}) == 20


def test_a_run_without_epochs_keeps_its_colour():
    with_it = charts.lines("Loss", "loss", {"a": [], "b": [1.0]}).axes[0].lines
    assert [line.get_color() for line in with_it] == list(charts.COLOURS[:2])


@pytest.mark.parametrize(("n", "at_ends"), [(1, True), (12, True), (13, False)])
def test_names_stand_beside_the_axes_at_the_ends_of_the_lines_or_in_a_legend(n, at_ends, tmp_path):
    figure = charts.lines("Loss", "loss", curves(n))
    width, height = drawn(figure, tmp_path / "x.png")
    axes = figure.axes[0]
    named = axes.texts if at_ends else axes.get_legend().get_texts()
    assert [t.get_text() for t in named] == list(curves(n))
    boxes = sorted((Text.get_window_extent(t) for t in named), key=lambda box: box.y0)
    assert all(axes.bbox.x1 < box.x0 and box.x1 <= width and box.y0 >= 0 and box.y1 <= height for box in boxes)
    assert all(below.y1 <= above.y0 + 2 for below, above in zip(boxes, boxes[1:], strict=False))


def test_the_names_are_in_the_order_and_the_colours_of_the_ends_of_the_lines():
    axes = charts.lines("Loss", "loss", {"high": [0.1, 0.9], "low": [0.9, 0.1], "none": []}).axes[0]
    high, low, none = axes.texts
    assert [t.get_color() for t in axes.texts] == [line.get_color() for line in axes.lines]
    assert high.xyann[1] > low.xyann[1] > none.xyann[1]
    assert none.get_text() == "none (no values)"


def test_bars_shows_every_value_with_its_number():
    figure = charts.bars("Time", "seconds", {"a": 1.25, "b": None, "c": 0.0}, number="{:.2f}")
    axes = figure.axes[0]
    assert [bar.get_width() for bar in axes.patches] == [1.25, 0.0, 0.0]
    assert [t.get_text() for t in axes.get_yticklabels()] == ["a", "b", "c"]
    assert {"1.25", "not measured", "0.00"} <= set(texts(figure))


def test_bars_can_have_intervals_and_numbers_in_words():
    figure = charts.bars("Accuracy", "%", {"a": 80.0, "b": None}, maximum=100, intervals={"a": (70.2, 88.1)})
    assert {"80.0 (70.2 to 88.1)", "not measured"} <= set(texts(figure))
    (interval,) = figure.axes[0].lines
    assert list(interval.get_xdata()) == [70.2, 88.1]
    assert "1 min 46 s" in texts(charts.bars("Time", "seconds", {"a": 106.03}, duration))


def test_bars_can_hold_narrow_bars():
    axes = charts.bars("Memory", "MiB", {"a": 10.0, "b": None}, inner={"a": 4.0, "b": None}).axes[0]
    assert [bar.get_width() for bar in axes.patches] == [10.0, 0.0, 4.0, 0.0]


def test_the_first_bar_is_on_top():
    low, high = charts.bars("Time", "seconds", {"a": 1.0, "b": 2.0}).axes[0].get_ylim()
    assert low > high


def test_an_axis_with_an_end_shows_it():
    axes = charts.bars("Accuracy", "%", {"a": 20.0}, maximum=100).axes[0]
    assert axes.get_xlim() == (0, pytest.approx(115))
    assert max(axes.get_xticks()) == 100


@pytest.mark.parametrize("values", [{}, {"a": None}, {"a": 0.0}])
def test_bars_without_a_length_are_drawn(values, tmp_path):
    assert min(drawn(charts.bars("Time", "s", values), tmp_path / "x.png")) > 100


def test_a_note_stands_below():
    assert "no GPU" in texts(charts.bars("Memory", "MiB", {"a": 1.0}, note="no GPU"))
    assert "no GPU" in texts(charts.lines("Loss", "loss", {"a": [1.0]}, note="no GPU"))


def test_a_long_note_is_not_cut_off(tmp_path):
    note = "Wide bar: what the driver counts for this process. " * 4
    for figure in (charts.bars("Memory", "MiB", {"a": 1.0}, note=note), charts.lines("Loss", "loss", {}, note=note)):
        width = drawn(figure, tmp_path / "x.png")[0]
        (text,) = [t for t in figure.texts if t.get_text().startswith("Wide bar")]
        assert text.get_window_extent().x1 <= width
        assert text.get_window_extent().y0 >= 0


@pytest.mark.parametrize("n", [0, 1, 20])
def test_any_number_of_runs_is_drawn_and_none_is_cut_off(n, tmp_path):
    figure = charts.lines("Loss", "loss", curves(n))
    size = drawn(figure, tmp_path / "lines.png")
    bars = charts.bars("Time", "seconds", {name: float(i) for i, name in enumerate(curves(n))})
    assert drawn(bars, tmp_path / "bars.png")[1] >= 15 * n
    if n > 1:
        legend = figure.axes[0].get_legend().get_window_extent()
        assert (legend.x0 >= 0, legend.y0 >= 0, legend.x1 <= size[0], legend.y1 <= size[1]) == (True,) * 4


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.filterwarnings("error")
def test_any_name_can_be_drawn(name, tmp_path):
    assert drawn(charts.lines("Loss", "loss", {name: [1.0, 0.5], "b": [1.0]}), tmp_path / "lines.png")[0] > 100
    assert drawn(charts.bars("Time", "seconds", {name: 1.0, "b": 2.0}), tmp_path / "bars.png")[0] > 100


def test_a_dollar_is_a_dollar_and_no_formula():
    named = charts.bars("Time", "seconds", {"$x_1$": 1.0}).axes[0].get_yticklabels()
    assert [(t.get_text(), t.get_parse_math()) for t in named] == [("$x_1$", False)]
    named = charts.lines("Loss", "loss", {"$x_1$": [1.0]}).axes[0].texts
    assert [(t.get_text(), t.get_parse_math()) for t in named] == [("$x_1$", False)]


def test_a_long_name_keeps_both_ends():
    (name,) = {t for t in texts(charts.bars("T", "s", {"lr-0.1" + "-" * 200 + "seed-7": 1.0})) if "lr" in t}
    assert name.startswith("lr-0.1")
    assert name.endswith("seed-7")
    assert len(name) <= 42


def test_the_same_numbers_give_the_same_bytes(tmp_path):
    for name in ("first.png", "second.png"):
        charts.save(charts.lines("Loss", "loss", curves(8)), tmp_path / name)
        charts.save(charts.bars("Time", "seconds", {"a": 1.0}), tmp_path / f"bars-{name}")
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "second.png").read_bytes()
    assert (tmp_path / "bars-first.png").read_bytes() == (tmp_path / "bars-second.png").read_bytes()


def test_other_numbers_give_other_bytes(tmp_path):
    charts.save(charts.lines("Loss", "loss", {"a": [1.0, 0.5]}), tmp_path / "first.png")
    charts.save(charts.lines("Loss", "loss", {"a": [1.0, 0.6]}), tmp_path / "second.png")
    assert (tmp_path / "first.png").read_bytes() != (tmp_path / "second.png").read_bytes()


def test_a_chart_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(StorageError, match=r"gone/x\.png could not be written: its folder has been removed"):
        charts.save(charts.lines("Loss", "loss", {}), tmp_path / "gone" / "x.png")


def test_drawing_leaves_pyplot_alone(tmp_path):
    import subprocess
    import sys

    script = "import sys; from monklite.reports import charts; charts.lines('a', 'b', {'c': [1.0]}); "
    script += "charts.bars('a', 'b', {'c': 1.0}); sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


# Points


def test_points_have_names_intervals_and_an_axis_from_0(tmp_path):
    places, intervals = {"a": (10.0, 80.0), "b": (20.0, 85.0)}, {"a": (75.0, 84.0)}
    figure = point_chart.draw("Title", "seconds", "accuracy (%)", places, intervals, "Top left is best.", [(5.0, 50.0)])
    axes = figure.axes[0]
    assert [t.get_text() for t in axes.texts] == ["a", "b"]
    assert [list(line.get_ydata()) for line in axes.lines if len(line.get_xdata()) == 2] == [[75.0, 84.0], [85.0, 85.0]]
    assert axes.get_xlim()[0] == 0 and axes.get_ylim()[0] < 50
    assert drawn(figure, tmp_path / "x.png")[0] > 100


def test_values_that_are_far_apart_are_on_a_logarithmic_axis():
    for far, scale in ((15.0, "linear"), (900.0, "log")):
        axes = point_chart.draw("T", "s", "%", {"a": (1.0, 80.0), "b": (far, 85.0)}, {}).axes[0]
        assert axes.get_xscale() == scale
    assert point_chart.draw("T", "s", "%", {"a": (0.0, 80.0), "b": (900.0, 85.0)}, {}).axes[0].get_xscale() == "linear"


# Many runs, and numbers that have no place on an axis


def grey(axes) -> list:
    return [line for lines in axes.collections for line in lines.get_segments()]


def test_lines_without_names_stand_in_grey_behind_the_others():
    axes = charts.lines("Loss", "loss", {"a": [1.0, 0.5]}, others=[[2.0, 1.0, 0.5], [], [3.0]]).axes[0]
    assert [line.tolist() for line in grey(axes)] == [[[1, 2], [2, 1], [3, 0.5]], [[1, 3]]]
    assert [t.get_text() for t in axes.texts] == ["a"]
    assert axes.collections[0].get_zorder() < axes.lines[0].get_zorder()
    assert axes.get_xlim()[1] > 3


def test_grey_lines_are_in_percent_too():
    axes = charts.lines("Accuracy", "accuracy", {"a": [0.5]}, percent=True, others=[[0.25, 0.75]]).axes[0]
    assert grey(axes)[0][:, 1].tolist() == [25, 75]


def test_one_run_that_diverged_hides_nothing():
    usual = [[1.0 + 0.001 * i, 0.5] for i in range(200)]
    low, high = charts.lines("Loss", "loss", {"a": [1.0, 0.4]}, others=[*usual, [1e12]]).axes[0].get_ylim()
    assert low < 0.4 and 1.19 < high < 1.5


@pytest.mark.parametrize("others", [[[float("nan")]], [[0.0, 0.0]], [[1.0], [1.0]]])
def test_grey_lines_of_any_values_are_drawn(others, tmp_path):
    for named in ({}, {"a": []}, {"a": [float("inf")]}, {"a": [1.0]}):
        assert drawn(charts.lines("Loss", "loss", named, others=others), tmp_path / "x.png")[0] > 100


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan"), 1e308, -1e308, 1e31])
@pytest.mark.filterwarnings("error")
def test_a_number_that_cannot_be_drawn_is_a_gap_and_no_bar(value, tmp_path):
    figure = charts.lines("Loss", "loss", {"a": [1.0, value, 0.5], "b": [value]})
    assert figure.axes[0].lines[0].get_ydata()[0] == 1.0
    assert drawn(figure, tmp_path / "lines.png")[0] > 100
    figure = charts.bars("Time", "s", {"a": value, "b": 1.0}, inner={"a": value, "b": 0.5})
    assert [bar.get_width() for bar in figure.axes[0].patches] == [0.0, 1.0, 0.0, 0.5]
    assert f"{value:.3g}" in texts(figure)
    assert drawn(figure, tmp_path / "bars.png")[0] > 100
