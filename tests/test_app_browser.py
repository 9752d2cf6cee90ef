"""The pages as somebody without code uses them, in a real browser and against the real server."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from monklite.apps.no_code.jobs import Jobs
from monklite.testing.datasets import draw_patterns

webdriver = pytest.importorskip("selenium.webdriver")
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
OPTIONS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
PATIENCE = 120  # seconds


class Server:
    """`monklite app` as a process of its own; it may be begun again in the middle."""

    begun: ClassVar[list[Server]] = []

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.begun.append(self)
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", "monklite", "app", "--no-browser", "--port", str(port)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().split()[-1]
        self.root = self.address.split("/?")[0]

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(20) == 0


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Any]:
    if CHROMIUM is None or DRIVER is None:
        pytest.skip("there is no browser here")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for option in (*OPTIONS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(option)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    # of a phone, which is smaller than windows may be
    size = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    yield driver
    driver.quit()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    for server in Server.begun:
        server.process.kill()
        server.process.wait()
    for job in Jobs(tmp_path / "workspace" / ".app" / "jobs", tmp_path).all():
        job.stop()


def drop(browser: Any, box: Any, path: Path) -> None:
    place = {"x": box.rect["x"] + 20, "y": box.rect["y"] + 10}
    data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        browser.execute_cdp_cmd("Input.dispatchDragEvent", {"type": kind, **place, "data": data})


def wait_for(condition: Callable[[], Any]) -> Any:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            if found := condition():
                return found
        # the page is just being loaded anew
        except Exception as error:
            if "stale" not in str(error) and "no such element" not in str(error):
                raise
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.1)


@pytest.mark.slow
def test_from_two_folders_to_an_answer(browser: Any, folder: Path) -> None:
    one = lambda selector: browser.find_element("css selector", selector)  # noqa: E731
    text = lambda: one("main").text  # noqa: E731
    draw_patterns(folder / "mine", {"dots": 8, "rings": 8})
    server = Server(folder)
    port = int(server.root.split(":")[-1])
    browser.get(server.address)
    one("input[name=name]").send_keys("Patterns")
    one("main form button").click()
    # one folder is dropped, and one is chosen in the dialog of the browser
    drop(browser, one("form[data-part=train]"), folder / "mine" / "dots")
    wait_for(lambda: "8 pictures" in text())
    one("main summary").click()
    one("form[data-part=train] input[data-kind=folder]").send_keys(str(folder / "mine" / "rings"))
    wait_for(lambda: text().count("8 pictures") == 2)
    assert len(browser.find_elements("css selector", ".strip img")) == 12
    browser.find_element("link text", "Go on to the training").click()
    for summary in browser.find_elements("css selector", "main summary"):
        summary.click()
    for name, value in (("model", "squeezenet1_1"), ("epochs", "1"), ("size", "32")):
        field = one(f"input[name={name}]")
        field.clear()
        field.send_keys(value)
    one("input[name=pretrained]").click()
    browser.find_element("xpath", "//button[.='Start the training']").click()
    wait_for(lambda: "It is" in text() or "It waits" in text())
    # the server is begun anew in the middle, and so is the page: the training goes on
    server.stop()
    server = Server(folder, port)
    browser.refresh()
    wait_for(lambda: "It has finished" in text() and "How good it is" in text())
    assert "1 of 1 rounds" in text()
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
    browser.switch_to.frame(one("iframe.report"))
    assert wait_for(lambda: "Patterns/Training 1/v001" in one("h1").text)
    browser.switch_to.default_content()
    browser.find_element("link text", "Try it with a picture").click()
    one("form.drop input[type=file]").send_keys(str(folder / "mine" / "dots" / "dots-000.png"))
    wait_for(lambda: "1 of 1 answered" in text())
    assert one("ul.tried strong").text in ("dots", "rings")
    one("[data-heat]").click()
    wait_for(lambda: browser.execute_script("return document.querySelector('ul.tried img').naturalWidth") == 32)
    browser.find_element("css selector", "[data-correct]").send_keys("rings")
    wait_for(lambda: "added to the pictures of rings" in text())
    # while the server was away, the page asked in vain
    said = [entry for entry in browser.get_log("browser") if "ERR_CONNECTION_REFUSED" not in entry["message"]]
    assert said == []
    loaded = browser.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert all(name.startswith((server.root, "blob:", "data:")) for name in loaded)
    server.stop()
