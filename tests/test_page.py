"""The page that is handed out, on a server of its own: asked over HTTP, and used by a person in a real browser."""

from __future__ import annotations

import csv
import http.client
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from serving import Server, served, tiny_run

from monklite import Prototype
from monklite.apps import password_file
from monklite.apps.secure_headers import HEADERS
from monklite.apps.tries import OF_ADDRESS
from monklite.data.image_folder import images_in_folder

PASSWORD = "tall green ladder"
HOSTILE = "<img src=x onerror=alert(1)>.png"
ABOUT = "Patterns <b>for</b> tests"
CHROMIUM, DRIVER = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, patterns: Path) -> Path:
    """A folder with a password file, and a workspace that holds the trained and evaluated run `p/e`."""
    folder = tmp_path_factory.mktemp("page")
    opened = tiny_run(folder, patterns)
    opened.Switch_Mode(eval_infer=True)
    opened.Dataset_Params(patterns)
    opened.Dataset()
    opened.Evaluate()
    # everything is unsure then
    opened.Set_Unsure(coverage=None, confidence=1.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(password_file, "COST", 1024)
        password_file.write(folder / "password", PASSWORD)
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    """The page alone, behind a proxy on this machine, which so can say that its clients have other addresses."""
    options = ("--page", "--password-file", "password", "--about", ABOUT, "--proxy", "127.0.0.1")
    with served(folder, "p", "e", *options, key=None) as server:
        yield server


@pytest.fixture(scope="module")
def picture(patterns: Path) -> bytes:
    return Path(patterns, images_in_folder(patterns)[0]).read_bytes()


class Visitor:
    """A browser without a script: it keeps its cookie. `said`: headers that it sends along."""

    def __init__(self, server: Server, address: str, **said: str) -> None:
        self.server, self.cookie = server, ""
        self.said = {"X-Forwarded-For": address, **said}

    def ask(self, path: str, body: bytes | None = None, **headers: str) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        given = {k.replace("_", "-"): v for k, v in {**self.said, "Cookie": self.cookie, **headers}.items() if v}
        connection.request("GET" if body is None else "POST", path, body, given)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if cookie := answer.headers["Set-Cookie"]:
            self.cookie = cookie.partition(";")[0]
        return answer.status, answer.headers, content

    def token(self, path: str) -> str:
        found = re.search(rb'name="form_token" value="(\w+)"', self.ask(path)[2])
        assert found
        return found[1].decode()

    def log_in(self, password: str = PASSWORD, token: str | None = None, **headers: str) -> Any:
        token = self.token("/page/login") if token is None else token
        return self.ask("/page/login", f"form_token={token}&password={password.replace(' ', '+')}".encode(), **headers)


def parts(*given: tuple[str, str, bytes]) -> tuple[bytes, dict[str, str]]:
    """The body of a form with these fields, names of files and contents, and its type."""
    lines = b""
    for field, name, content in given:
        of_file = f'; filename="{name}"' if name else ""
        lines += f'--b\r\nContent-Disposition: form-data; name="{field}"{of_file}\r\n\r\n'.encode() + content + b"\r\n"
    return lines + b"--b--\r\n", {"Content_Type": "multipart/form-data; boundary=b"}


@pytest.fixture(scope="module")
def visitor(server: Server) -> Visitor:
    """Somebody who is logged in."""
    somebody = Visitor(server, "10.0.0.1")
    assert somebody.log_in()[0] == 303
    return somebody


def test_without_the_password_there_is_nothing_but_the_login(server: Server) -> None:
    stranger = Visitor(server, "10.0.1.1")
    assert [stranger.ask(path)[1]["Location"] for path in ("/", "/page", "/page/")] == ["page/", "page/", "login"]
    for path in ("/page/predict", "/page/heat-map", "/page/logout"):
        status, headers, _ = stranger.ask(path, b"x")
        assert (status, headers["Location"]) == (303, "login")
    for path in ("/v1/model", "/openapi.json", "/metrics"):
        assert stranger.ask(path)[0] == 401, "programs need a key"
    status, _, text = stranger.ask("/page/predict", b"x", Accept="application/json")
    assert (status, json.loads(text)["message"]) == (401, "your login has ended: log in again")
    # it is answered before its body comes
    head = b"POST /page/predict HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\nContent-Length: 1000000\r\n\r\n"
    assert server.send(head) == 401
    page = stranger.ask("/page/login")[2].decode()
    assert ABOUT[:8] not in page and "dots" not in page, "nothing is told of the model"
    assert stranger.ask("/page/static/../../pw")[0] == stranger.ask("/page/static/served.html")[0] == 404


def test_every_answer_keeps_browsers_to_this_host(server: Server) -> None:
    stranger = Visitor(server, "10.0.1.2")
    for path in ("/", "/page/login", "/page/static/page.js", "/page/static/page.css", "/page/static/icon.svg", "/no"):
        headers = stranger.ask(path)[1]
        assert {name: headers[name] for name in HEADERS} == HEADERS, path
    page = stranger.ask("/page/login")[2]
    assert not re.search(rb"<script(?![^>]+src=)|<style|style=| on\w+=|https?:", page)


def test_the_cookie_of_a_login_is_for_this_site_alone_and_new(server: Server) -> None:
    somebody = Visitor(server, "10.0.2.1")
    somebody.ask("/page/login")
    before = somebody.cookie
    _, headers, _ = somebody.log_in()
    attributes = set(headers["Set-Cookie"].lower().split("; ")[1:])
    assert attributes == {"httponly", "max-age=43200", "path=/", "samesite=lax"}
    assert somebody.cookie != before
    assert somebody.ask("/page/")[0] == 200
    assert somebody.ask("/page/login")[1]["Location"] == "./"
    secure = Visitor(server, "10.0.2.2", X_Forwarded_Proto="https")
    assert "; secure" in secure.log_in()[1]["Set-Cookie"].lower()


def test_wrong_passwords_are_slowed_down_for_their_address_alone(server: Server) -> None:
    guesser = Visitor(server, "10.0.3.1")
    token = guesser.token("/page/login")
    answers = [guesser.log_in(f"guess {i}", token) for i in range(OF_ADDRESS.free)]
    assert {status for status, _, _ in answers} == {403}
    assert b"This is not the password." in answers[0][2]
    status, headers, text = guesser.log_in(PASSWORD, token)
    assert (status, headers["Retry-After"]) == (429, "1")
    assert b"Too many passwords were tried: wait 1.0 s, and try again." in text
    assert Visitor(server, "10.0.3.2").log_in()[0] == 303


def test_forms_of_other_pages_are_refused(server: Server, visitor: Visitor, picture: bytes) -> None:
    other = Visitor(server, "10.0.4.1")
    foreign = other.token("/page/login")
    for token, headers in (
        ("", {}),
        ("0" * 64, {}),
        (visitor.token("/page/"), {}),
        (foreign, {"Origin": "http://evil"}),
    ):
        assert other.log_in(PASSWORD, token, **headers)[0] == 403
    assert other.log_in(PASSWORD, foreign, Origin="null")[0] == 403
    other.cookie, cookie = "", other.cookie
    assert other.log_in(PASSWORD, foreign)[0] == 403, "cookies are off"
    other.cookie = cookie
    assert other.log_in(PASSWORD, foreign, Origin=server.address)[0] == 303, "none of these was a try"
    body, kind = parts(("pictures", "a.png", picture))
    token = visitor.token("/page/")
    json_too = {**kind, "Accept": "application/json"}
    assert visitor.ask("/page/predict", body, **json_too)[0] == 403
    assert visitor.ask("/page/predict", body, **json_too, X_Form_Token=foreign)[0] == 403
    assert visitor.ask("/page/predict", body, **json_too, X_Form_Token=token, Origin="http://evil")[0] == 403
    assert visitor.ask("/page/predict", body, **json_too, X_Form_Token=token, Origin=server.address)[0] == 200
    assert visitor.ask("/page/logout", f"form_token={foreign}".encode())[0] == 403
    cut = f"POST /page/logout HTTP/1.1\r\nHost: x\r\nCookie: {visitor.cookie}\r\nContent-Length: 100\r\n\r\nform_token="
    assert server.send(cut.encode(), is_cut=True) == 0
    assert visitor.ask("/page/")[0] == 200 and "Traceback" not in server.errors.read_text()


def test_pictures_are_answered_as_infer_does(folder: Path, visitor: Visitor, picture: bytes) -> None:
    opened = Prototype("p", "e", backend="pytorch", eval_infer=True, workspace=folder / "workspace", verbose=0)
    expected = opened.Infer(img_name=picture)
    body, kind = parts(("pictures", HOSTILE, picture), ("pictures", "note.txt", b"no picture"))
    token = visitor.token("/page/")
    status, _, text = visitor.ask("/page/predict", body, Accept="application/json", X_Form_Token=token, **kind)
    good, bad = json.loads(text)["answers"]
    assert (status, good["name"], good["predicted"]) == (200, HOSTILE, [expected["predicted_class"]])
    assert good["scores"][good["predicted"][0]] == pytest.approx(expected["score"], abs=1e-5)
    assert good["unsure"].startswith("the uncalibrated score is ")
    assert "it is not an image in any of the formats JPEG" in bad["problem"]
    # an empty file is answered too: the script gives each picture the answer of its place
    body, kind = parts(("pictures", "empty.png", b""), ("pictures", "good.png", picture))
    status, _, text = visitor.ask("/page/predict", body, Accept="application/json", X_Form_Token=token, **kind)
    empty, good = json.loads(text)["answers"]
    assert (status, empty["name"], good["name"]) == (200, "empty.png", "good.png")
    assert empty["problem"] and good["predicted"] == [expected["predicted_class"]]


def test_without_a_script_a_form_is_answered_with_a_page_in_which_names_are_text(
    visitor: Visitor, picture: bytes
) -> None:
    token = ("form_token", "", visitor.token("/page/").encode())
    body, kind = parts(token, ("pictures", HOSTILE, picture), ("pictures", "note.txt", b"no picture"))
    status, _, text = visitor.ask("/page/predict", body, **kind)
    page = text.decode()
    assert status == 200 and "&lt;img src=x onerror=alert(1)&gt;.png" in page and HOSTILE not in page
    assert "<b>unsure</b> the uncalibrated score is" in page and "it is not an image in any of the formats" in page
    body, kind = parts(token, ("pictures", "", b""))
    status, _, text = visitor.ask("/page/predict", body, **kind)
    assert status == 400 and b"choose a picture first" in text


def test_what_the_model_is_for_and_how_good_it_is_stands_beside(visitor: Visitor, folder: Path) -> None:
    page = visitor.ask("/page/")[2].decode()
    assert "Patterns &lt;b&gt;for&lt;/b&gt; tests" in page and "This is not a medical device." in page
    assert re.search(r"It gets \d+\.\d % of 36 test images right \(95 % interval \d+\.\d to \d+\.\d\)\.", page)
    assert "These figures are too good: " in page, "the test images were used in training"
    assert str(folder) not in page and 'class="range"' in page


def test_where_a_class_is_seen_is_a_picture(visitor: Visitor, picture: bytes) -> None:
    token = visitor.token("/page/")

    def heat_map(content: bytes, name: str) -> tuple[int, bytes]:
        body, kind = parts(("pictures", "a.png", content), ("class_name", "", name.encode()))
        status, _, text = visitor.ask("/page/heat-map", body, Accept="application/json", X_Form_Token=token, **kind)
        return status, text

    status, png = heat_map(picture, "rings")
    assert (status, png[:8]) == (200, b"\x89PNG\r\n\x1a\n")
    status, text = heat_map(picture, "wings")
    assert status == 400 and "no class is called 'wings'. Did you mean 'rings'?" in json.loads(text)["message"]
    assert heat_map(b"no picture", "rings")[0] == 400


def test_logging_out_ends_the_login(server: Server) -> None:
    somebody = Visitor(server, "10.0.5.1")
    somebody.log_in()
    cookie = somebody.cookie
    status, headers, _ = somebody.ask("/page/logout", f"form_token={somebody.token('/page/')}".encode())
    assert (status, headers["Location"]) == (303, "login")
    assert somebody.cookie.endswith("=") or somebody.cookie.endswith('""')
    somebody.cookie = cookie
    assert somebody.ask("/page/")[1]["Location"] == "login"


@pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="there is no browser here")
def test_a_person_uses_the_page(server: Server, patterns: Path, tmp_path: Path) -> None:
    pytest.importorskip("selenium")
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.wait import WebDriverWait

    def find(selector: str) -> Any:
        return driver.find_element(By.CSS_SELECTOR, selector)

    def until(condition: Any) -> None:
        WebDriverWait(driver, 60, 0.05).until(lambda _: condition())

    def log_in(password: str) -> None:
        find("#password").send_keys(f"{password}\n")

    def drop(path: Path) -> None:
        place = find("#drop").rect
        point = {"x": place["x"] + 20, "y": place["y"] + 20}
        data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            driver.execute_cdp_cmd("Input.dispatchDragEvent", {"type": kind, **point, "data": data})

    images = [patterns / name for name in images_in_folder(patterns)[::8]]
    formula, note = tmp_path / "dropped" / "inner" / "=1+1.png", tmp_path / "dropped" / "note.txt"
    formula.parent.mkdir(parents=True)
    formula.write_bytes(images[0].read_bytes())
    note.write_text("no picture")
    driver = browser(tmp_path)
    try:
        driver.get(server.address)
        log_in("wrong")
        until(lambda: "This is not the password." in find("main").text)
        driver.get_log("browser")
        log_in(PASSWORD)
        until(lambda: driver.find_elements(By.ID, "files"))
        drop(tmp_path / "dropped")
        until(lambda: find("#status").text == "1 of 1 answered; 1 file that is no picture was left out")
        assert find(".answers th.name").text == "dropped/inner/=1+1.png"
        find("#clear").click()
        find("#files").send_keys("\n".join(map(str, [*images, formula, note])))
        until(lambda: find("#status").text == "6 of 7 answered; 1 failed")
        rows = [row.text for row in driver.find_elements(By.CSS_SELECTOR, ".answers tbody tr")]
        assert [path.name in row for path, row in zip([*images, formula, note], rows, strict=True)] == [True] * 7
        assert all(" %" in row and "unsure" in row for row in rows[:6])
        assert "it is not an image in any of the formats" in rows[6]
        assert "6 of them unsure" in find("#counts").text
        find(".more button").click()
        find("#details-scores button").click()
        until(lambda: find("#details-status").text.startswith("Where the network sees "))
        assert find("#details-heat").is_displayed()
        find("#details form button").click()
        find("#save").click()
        until(lambda: (tmp_path / "predictions.csv").exists())
        with (tmp_path / "predictions.csv").open(encoding="utf-8-sig", newline="") as file:
            saved = list(csv.DictReader(file))
        assert [row["image"] for row in saved] == [*(path.name for path in images), "'=1+1.png", "note.txt"]
        assert all(row["predicted"] in ("dots", "rings", "stripes") for row in saved[:6])
        assert sum(float(saved[0][f"p({name})"]) for name in ("dots", "rings", "stripes")) == pytest.approx(1)
        assert (saved[6]["predicted"], "it is not an image" in saved[6]["problem"]) == ("", True)
        driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
        )
        assert driver.execute_script("return document.documentElement.scrollWidth") == 390
        driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        find("header button").click()
        until(lambda: driver.find_elements(By.ID, "password"))
        assert [entry["message"] for entry in driver.get_log("browser") if entry["level"] == "SEVERE"] == []
        assert {host for host in map(_host, driver.get_log("performance")) if host} == {server.address}
    finally:
        driver.quit()


def browser(folder: Path) -> Any:
    """A browser without a window, which writes what it downloads into a folder."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for name in (
        "headless=new", "no-sandbox", "disable-gpu", "disable-background-networking", "no-first-run",
        f"user-data-dir={folder / 'profile'}", "window-size=1200,900",
    ):  # fmt: skip
        options.add_argument(f"--{name}")
    options.add_experimental_option("prefs", {"download.default_directory": str(folder)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options, webdriver.ChromeService(str(DRIVER)))


def _host(entry: dict[str, Any]) -> str:
    """The host that a page asked, with its scheme; "": it asked none."""
    message = json.loads(entry["message"])["message"]
    if message["method"] != "Network.requestWillBeSent":
        return ""
    url: str = message["params"]["request"]["url"]
    return "/".join(url.split("/")[:3]) if url.startswith("http") else ""
