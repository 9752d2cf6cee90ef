"""Rules by which screen readers and keyboards can use the pages without code."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("httpx")
from test_app_pages import client

from monklite.testing.datasets import draw_patterns


class Rules(HTMLParser):
    """The tags of a page, and what breaks a rule in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.count: dict[str, int] = {}
        self.broken: list[str] = []
        self.in_label = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.count[tag] = self.count.get(tag, 0) + 1
        self.in_label += tag == "label"
        named = self.in_label or given.get("aria-label") or given.get("type") == "hidden"
        if (
            (tag in ("input", "select", "progress") and not named)
            or (tag == "img" and "alt" not in given)
            or (tag == "th" and "scope" not in given)
            or (tag == "html" and not given.get("lang"))
            or (int(given.get("tabindex") or 0) > 0)
        ):
            self.broken.append(self.get_starttag_text() or tag)

    def handle_endtag(self, tag: str) -> None:
        self.in_label -= tag == "label"


def test_every_page_has_one_title_and_names_for_what_can_be_used(workspace: Path) -> None:
    pages = client(workspace)
    pages.post("/projects", data={"name": "p"})
    draw_patterns(workspace / "datasets/p/pictures", {"dots": 2, "rings": 2})
    begun = pages.post("/p/p/train", data={"epochs": "1", "name": "T"})
    assert begun.url.path == "/p/p/t/T"
    for path in ("/", "/p/p", "/p/p/train", "/p/p/trainings", "/p/p/t/T", "/p/p/try", "/p/none"):
        found = Rules(pages.get(path).text)
        assert found.broken == [], path
        assert (found.count["h1"], found.count["main"], found.count["title"]) == (1, 1, 1), path


def test_a_form_of_a_second_tab_begins_nothing_twice(workspace: Path) -> None:
    pages = client(workspace)
    pages.post("/projects", data={"name": "p"})
    draw_patterns(workspace / "datasets/p/pictures", {"dots": 2, "rings": 2})
    pages.post("/p/p/train", data={"epochs": "1", "name": "T"})
    again = pages.post("/p/p/train", data={"epochs": "1", "name": "t"})
    assert (again.status_code, "already" in again.text) == (400, True)
