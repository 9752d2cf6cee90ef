"""Names in charts: each is shown, as itself or as what its characters are."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import font_manager
from PIL import Image

from monklite.reports import chart_text, charts

pytestmark = pytest.mark.renders

# what DejaVu Sans, the font that matplotlib brings, does not have
LUNGS, KOAT = "肺炎", "ไทย"


def ends(*names: str) -> list[str]:
    figure = charts.lines("Loss", "loss", {name: [1.0, 0.5] for name in names})
    return [text.get_text() for text in figure.axes[0].texts]


def legend(*names: str) -> list[str]:
    more = [f"more-{i}" for i in range(charts.MAX_AT_ENDS)]
    figure = charts.lines("Loss", "loss", {name: [1.0, 0.5] for name in (*names, *more)})
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()][: len(names)]


def tick_labels(*names: str) -> list[str]:
    figure = charts.bars("Time", "seconds", dict.fromkeys(names, 1.0))
    figure.savefig(io.BytesIO())
    return [text.get_text() for text in figure.axes[0].get_yticklabels()]


@pytest.fixture
def only_dejavu(monkeypatch: pytest.MonkeyPatch) -> None:
    """No other font is installed."""
    entries = [e for e in font_manager.fontManager.ttflist if e.name.startswith("DejaVu Sans")]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", entries)
    chart_text._fonts.cache_clear()
    yield
    chart_text._fonts.cache_clear()


@pytest.mark.parametrize(
    "name", ["_baseline", "_", "__init__", "$x$", "cost $5", "\\$a\\$", "التهاب", "ריאות", "é", "😀"]
)
@pytest.mark.parametrize("shown", [ends, legend, tick_labels])
def test_a_name_whose_characters_have_a_font_is_shown_as_it_is(shown, name, only_dejavu):
    assert shown(name, "b") == [name, "b"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (f"{LUNGS}-a", "[U+80BA][U+708E]-a"),
        ("🫁", "[lungs]"),
        (KOAT, "[U+0E44][U+0E17][U+0E22]"),
        ("a\nb", "a[U+000A]b"),
        ("\x1b[31m", "[U+001B][31m"),
        ("\u202eevil", "[U+202E]evil"),
        ("\udcff", "[U+DCFF]"),
        ("", "''"),
        ("  ", "'  '"),
    ],
)
@pytest.mark.parametrize("shown", [ends, legend, tick_labels])
def test_other_characters_are_shown_by_number_or_name(shown, name, text, only_dejavu):
    assert shown(name, "b") == [text, "b"]


def test_a_note_below_the_chart_explains_the_numbers(only_dejavu):
    note = "Characters that no installed font has are shown by number or name."
    for names, notes in (({LUNGS}, [note]), ({"a"}, [])):
        for figure in (
            charts.lines("L", "l", {n: [1.0] for n in names}),
            charts.bars("T", "s", dict.fromkeys(names, 1.0)),
        ):
            assert [t.get_text() for t in figure.texts if t.get_text()] == notes


def test_an_installed_font_that_has_the_characters_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # a font of another family, which has what the first lacks
    source = font_manager.findfont("DejaVu Sans")
    path = shutil.copy(source, tmp_path / "other.ttf")
    other = SimpleNamespace(style="normal", weight=400, name="Other Sans", fname=str(path))
    boxes = SimpleNamespace(style="normal", weight=400, name="Last Resort High-Efficiency", fname=str(path))
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [boxes, other, *font_manager.fontManager.ttflist])
    usual = chart_text._characters(source)
    has = {source: usual, str(path): usual | {*LUNGS}}
    monkeypatch.setattr(chart_text, "_characters", lambda path: has.get(path, frozenset()))
    chart_text._fonts.cache_clear()
    labels = chart_text.labels([LUNGS, KOAT])
    chart_text._fonts.cache_clear()
    assert labels.texts == [LUNGS, "[U+0E44][U+0E17][U+0E22]"]
    assert labels.style["fontfamily"] == ["sans-serif", "Other Sans"]


def test_a_file_that_is_no_font_is_passed_over(tmp_path: Path):
    (tmp_path / "x.ttf").write_bytes(b"no font")
    assert chart_text._characters(str(tmp_path / "x.ttf")) == frozenset()
    assert chart_text._characters(str(tmp_path / "gone.ttf")) == frozenset()


def test_long_names_that_differ_in_the_middle_stay_apart():
    names = ["exp-" + "a" * 90 + rate + "b" * 110 for rate in ("lr0.1", "lr0.2", "lr0.3")]
    texts = chart_text.labels(names).texts
    assert [("lr0." + str(i) in text, len(text) <= 42) for i, text in enumerate(texts, 1)] == [(True, True)] * 3


def test_long_names_that_differ_in_several_places_are_shown_whole():
    names = ["q" * 100 + a + "z" * 60 + b + "w" * 80 for a, b in (("1", "2"), ("2", "1"), ("2", "2"))]
    labels = chart_text.labels(names)
    assert [text.replace("\n", "") for text in labels.texts] == names
    assert labels.n_lines == 18
    # they stand beside the curves, in a figure that is high enough for them
    assert charts.lines("L", "l", {name: [1.0] for name in names}).get_size_inches()[1] > 4.2


@given(st.lists(st.text(max_size=60), unique=True, min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_different_names_have_different_texts(names: list[str]):
    labels = chart_text.labels(names)
    assert all(text.strip() for text in labels.texts)
    assert len(set(labels.texts)) == len(names)


@pytest.mark.parametrize("setting", [{"text.usetex": True}, {"font.family": "monospace", "figure.facecolor": "black"}])
def test_a_chart_does_not_depend_on_the_settings_of_a_notebook(tmp_path: Path, setting: dict):
    def draw(name: str) -> np.ndarray:
        charts.save(charts.lines("Loss", "loss", {"a_1": [1.0, 0.5]}), tmp_path / name)
        return np.asarray(Image.open(tmp_path / name))

    usual = draw("usual.png")
    with matplotlib.rc_context(setting):
        assert np.array_equal(draw("set.png"), usual)
        for key, value in setting.items():
            assert matplotlib.rcParams[key] in (value, [value])
