"""Who the pages answer, what they load, and that nothing strange that is sent to them does harm."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from test_app_pages import JSON, ORIGIN, PORT, client

pytest.importorskip("httpx")
from starlette.testclient import TestClient

from monklite.apps.no_code import (
    picture_routes,
    publishing_routes,
    safety,
    server,
    training_routes,
    trying_routes,
)


@pytest.fixture
def pages(workspace: Path) -> TestClient:
    return client(workspace)


def test_only_who_has_the_key_is_answered_and_only_under_the_own_address(workspace: Path) -> None:
    app = server.create(workspace, PORT)
    stranger = TestClient(app, base_url=ORIGIN, follow_redirects=False)
    assert (stranger.get("/").status_code, stranger.get("/?key=x").status_code) == (403, 403)
    assert safety.HELLO in stranger.get("/").text
    # another name for this address, such as one of a page elsewhere
    key = server.address(workspace, PORT).split("key=")[1]
    for host in ("evil.example", f"evil.example:{PORT}", "127.0.0.1", "127.0.0.1:1"):
        assert stranger.get(f"/?key={key}", headers={"host": host}).status_code == 421
    let_in = stranger.get(f"/?key={key}")
    assert (let_in.status_code, let_in.headers["location"]) == (303, "/")
    assert all(word in let_in.headers["set-cookie"] for word in ("HttpOnly", "SameSite=Strict"))
    assert stranger.get("/").status_code == 200
    # a server that is begun anew knows whoever was let in
    again = TestClient(server.create(workspace, PORT), base_url=ORIGIN, cookies=dict(stranger.cookies))
    assert again.get("/").status_code == 200


def test_another_page_can_change_nothing(pages: TestClient) -> None:
    for origin in ("http://evil.example", "null", f"http://localhost:{PORT}", ""):
        answer = pages.post("/projects", data={"name": "x"}, headers={"origin": origin})
        assert (answer.status_code, answer.text) == (403, "This was sent by another page.")
    assert "no pictures yet" not in pages.get("/").text


def test_pages_load_nothing_from_elsewhere_and_names_are_no_markup(pages: TestClient) -> None:
    pages.post("/projects", data={"name": "a (b)"})
    for path in ("/", "/p/a (b)", "/p/a (b)/train", "/p/a (b)/trainings", "/p/a (b)/try", "/p/none"):
        answer = pages.get(path)
        assert answer.headers["content-security-policy"] == safety.POLICY
        assert "unsafe" not in safety.POLICY
        assert not re.search(r'(src|href|action)="(https?:)?//|<script>|<style|style="| on\w+="', answer.text)
    answer = pages.get("/p/<script>alert(1)")
    assert (answer.status_code, "<script>alert" in answer.text) == (400, False)
    assert "no project is called" in pages.get("/p/none").text
    for path in ("/none", "/p/a (b)/picture/train/x?of=y"):
        assert (pages.get(path).status_code, "no such page" in pages.get(path).text) == (404, True)


def test_an_error_that_nobody_foresaw_has_the_headers_of_all_answers(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = server.create(workspace, PORT)
    monkeypatch.setattr(type(app.state.services.places), "projects", lambda self: 1 / 0)
    pages = TestClient(app, base_url=ORIGIN, raise_server_exceptions=False)
    answer = pages.get(server.address(workspace, PORT).split(str(PORT), 1)[1])
    assert answer.status_code == 500 and "ZeroDivisionError" in answer.json()["problem"]
    assert answer.headers["content-security-policy"] == safety.POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_too_much_at_once_is_refused(pages: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    pages.post("/projects", data={"name": "p"})
    monkeypatch.setattr(safety, "MAX_BODY", 1000)
    answer = pages.post("/p/p/pictures", files=[("pictures", ("a/1.png", bytes(5000)))], headers=JSON)
    assert (answer.status_code, answer.json()["problem"][:9]) == (413, "That is m")


STRANGE = ("..", "%2e%2e", "%00", "con", "-1", "9" * 30, "%ff%fe", "x" * 300, "<b>")


def test_strange_addresses_and_bodies_are_answered_in_words(workspace: Path) -> None:
    known = client(workspace)
    known.post("/projects", data={"name": "p"})
    # an error that nobody foresaw would be an answer of status 500
    pages = TestClient(known.app, base_url=ORIGIN, cookies=dict(known.cookies), raise_server_exceptions=False)
    modules = (picture_routes, training_routes, trying_routes, publishing_routes)
    paths = [route.path for module in modules for route in module.router.routes if "{" in route.path]
    assert len(paths) > 20
    before = sorted(path for path in workspace.rglob("*") if path.name != ".lock")
    for path in paths:
        for i, value in enumerate(STRANGE):
            filled = path.replace("{name}", value if i % 2 else "p")
            filled = re.sub(r"{\w+}", value, filled)
            for how in ({}, {"params": {"of": value, "choice": value, "part": value, "training": value}}):
                assert pages.get(filled, **how).status_code < 500, (filled, how)
            for body in (b"", b"\0" * 100, b"--x\r\nbroken"):
                headers = {"origin": ORIGIN, "content-type": "multipart/form-data; boundary=x"}
                answer = pages.post(filled, content=body, headers=headers)
                assert answer.status_code < 500, (filled, body, answer.text)
    after = sorted(path for path in workspace.rglob("*") if path.name != ".lock")
    # what is asked for of a project that there is, such as a look at its pictures, is put into the queue
    assert [path for path in after if path not in before and ".app/jobs" not in path.as_posix()] == []
