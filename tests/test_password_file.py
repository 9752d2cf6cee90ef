"""The file of a page's password."""

from __future__ import annotations

import os
import stat

import pytest
from click.testing import CliRunner

from monklite.apps import password_file
from monklite.apps.password_file import PasswordHash
from monklite.cli import main
from monklite.errors import InvalidValue, NotFound, StorageError


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    monkeypatch.setattr(password_file, "COST", 16)


def test_a_password_is_written_as_a_hash_and_matches_itself_alone(tmp_path):
    path = tmp_path / "password"
    password_file.write(path, "tall gr\u00fcn ladder")
    assert "ladder" not in path.read_text()
    if os.name != "nt":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    found = password_file.read(path)
    # as another keyboard writes the same letter
    assert found.matches("tall gru\u0308n ladder")
    for wrong in ("", "tall grun ladder", "tall gr\u00fcn ladder ", "x" * 5000, "\udcff"):
        assert not found.matches(wrong)


def test_a_file_that_is_there_stays(tmp_path):
    path = tmp_path / "password"
    path.write_text("of mine")
    with pytest.raises(InvalidValue, match="is there already: choose another name, or remove it yourself"):
        password_file.write(path, "tall green ladder")
    assert path.read_text() == "of mine"
    with pytest.raises(StorageError, match="could not be written: its folder has been removed"):
        password_file.write(tmp_path / "none" / "password", "tall green ladder")


def test_a_password_that_is_too_short_is_refused_without_showing_it(tmp_path):
    with pytest.raises(InvalidValue, match="the password has 6 characters; it must be a text of at least 8") as caught:
        password_file.write(tmp_path / "password", "secret")
    assert "secret" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_hash_is_refused_with_the_remedy(tmp_path):
    path = tmp_path / "password"
    with pytest.raises(NotFound, match=r"there is no password file at .*: write one with `monklite password"):
        password_file.read(path)
    good = str(PasswordHash.of("tall green ladder"))
    scheme, _, rest = good.partition("$")
    cost, _, others = rest.partition("$")
    for text in (
        "tall green ladder", "", "\xff", good[:-8], f"md5${rest}", f"{scheme}$15${others}", f"{scheme}${2**40}${others}",
        f"{scheme}${2**20}${others}", f"{scheme}$-{cost}${others}", good.replace("=", "!"), f"{good}$1",
    ):  # fmt: skip
        path.write_text(text, encoding="latin-1")
        with pytest.raises(InvalidValue, match="must hold a hash and never the password itself") as caught:
            password_file.read(path)
        assert "tall" not in str(caught.value)


def test_the_command_reads_a_line_and_refuses_to_overwrite(tmp_path):
    path = str(tmp_path / "password")
    done = CliRunner().invoke(main, ["password", path], input="tall green ladder\nmore\n")
    assert (done.exit_code, "the password itself is nowhere" in done.output) == (0, True)
    assert password_file.read(tmp_path / "password").matches("tall green ladder")
    again = CliRunner().invoke(main, ["password", path], input="another one\n")
    assert (again.exit_code, "is there already" in again.output) == (1, True)
    short = CliRunner().invoke(main, ["password", path + "2"], input="\n")
    assert (short.exit_code, "the password has 0 characters" in short.output) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--page"], "--page needs --password-file FILE: write that file with `monklite password FILE`"),
        (["--about", "x"], "--about is for the page: add --page"),
        (["--password-file", "x"], "--password-file is for the page: add --page"),
        (["--page", "--password-file", "x", "--proxy", "*"], "--proxy is '*'; it must be the address of the proxy"),
        (["--host", "0.0.0.0"], "or serve a page alone, which has a password, with --page"),
    ],
)
def test_options_of_the_page_that_do_not_fit_are_refused(arguments, message):
    done = CliRunner().invoke(main, ["serve", "p", "e", *arguments], env={"MONKLITE_KEYS": ""})
    assert (done.exit_code, message in done.output) == (1, True), done.output
