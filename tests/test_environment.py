"""The record of a training's environment: versions, and the commit, for which no program is started."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from monklite.training import environment
from monklite.training.environment import git_commit

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
COMMIT = "0123456789abcdef" * 2 + "01234567"


def git(folder: Path, *arguments: str) -> str:
    names = {f"GIT_{who}_{what}": "x@y.z" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True, env={**os.environ, **names}
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    (folder / "below").mkdir(parents=True)
    git(folder, "init", "-q", "-b", "feature/a-b.1")
    (folder / "x").write_text("1")
    git(folder, "add", "x")
    git(folder, "commit", "-q", "-m", "x")
    return folder


@needs_git
def test_the_commit_of_a_checkout_is_found_from_any_folder_in_it(checkout: Path) -> None:
    commit = git(checkout, "rev-parse", "HEAD")
    assert git_commit(checkout) == git_commit(checkout / "below") == {"commit": commit}


@needs_git
@pytest.mark.parametrize("command", [("pack-refs", "--all"), ("checkout", "-q", "--detach"), ("gc", "-q")])
def test_packed_and_detached_references_are_read(checkout: Path, command: tuple[str, ...]) -> None:
    git(checkout, *command)
    assert git_commit(checkout) == {"commit": git(checkout, "rev-parse", "HEAD")}


@needs_git
def test_a_worktree_is_a_checkout(checkout: Path, tmp_path: Path) -> None:
    git(checkout, "worktree", "add", "-q", "-b", "other", str(tmp_path / "tree"))
    (tmp_path / "tree" / "x").write_text("2")
    git(tmp_path / "tree", "commit", "-q", "-a", "-m", "2")
    found = git_commit(tmp_path / "tree")
    assert found == {"commit": git(tmp_path / "tree", "rev-parse", "HEAD")} != git_commit(checkout)


@needs_git
def test_commands_of_the_checkout_are_not_run(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "evil.sh"
    script.write_text(f"#!/bin/sh\ntouch {tmp_path / 'ran'}\n")
    script.chmod(0o755)
    for name in ("core.fsmonitor", "core.pager", "filter.x.clean", "core.sshCommand", "diff.external", "core.editor"):
        git(checkout, "config", name, str(script))
    (checkout / ".gitattributes").write_text("* filter=x\n")
    monkeypatch.chdir(checkout)
    assert environment.describe({})["git"] == {"commit": git_commit(checkout)["commit"]}
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("head", "files"),
    [
        ("", {}),
        ("no commit", {}),
        ("ref: ../../secret", {"../secret": COMMIT}),
        ("ref: refs/heads/../../../secret", {"../secret": COMMIT}),
        ("ref: refs/heads/none", {}),
        ("ref: refs/heads/a", {"refs/heads/a": "no commit"}),
        ("ref: refs/heads/a", {"refs/heads/a": COMMIT + "\n" + "x" * 5000}),
        ("ref: refs/heads/a", {"packed-refs": f"{COMMIT} refs/heads/ab\n# {COMMIT}\n\n"}),
        (b"\xff\xfe\x00", {}),
    ],
)
def test_what_is_not_gits_is_no_commit(tmp_path: Path, head: str | bytes, files: dict[str, str]) -> None:
    for name, text in {"HEAD": head, **files}.items():
        path = tmp_path / "x" / ".git" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert git_commit(tmp_path / "x") is None


def test_a_working_directory_that_is_gone_has_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert git_commit() is None
