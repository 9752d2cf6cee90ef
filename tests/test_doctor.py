"""What `monklite doctor` finds, also where something is broken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from click.testing import CliRunner

from monklite.cli import main
from monklite.doctor import devices, disks, packages


def looked(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "monklite", *words]
    return subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **variables}, check=False, timeout=300
    )


def test_a_machine_where_all_works(workspace: Path) -> None:
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == 0, result.output
    assert "all that is needed works" in result.output and "file locks" in result.output
    assert metadata.version("torch") in result.output and "backend mxnet" in result.output
    assert not workspace.exists()


def test_a_framework_that_cannot_be_imported_is_named(workspace: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    (broken / "torch").mkdir(parents=True)
    (broken / "torch" / "__init__.py").write_text("raise OSError('libcudart.so.12: cannot open shared object file')\n")
    path = os.pathsep.join([str(broken), *filter(None, [os.environ.get("PYTHONPATH"), str(Path(__file__).parents[1])])])
    result = looked("doctor", "--json", PYTHONPATH=path)
    assert result.returncode == 1, result.stderr
    findings = {finding["title"]: finding for finding in json.loads(result.stdout)}
    assert findings["backend pytorch"]["level"] == "error"
    assert "libcudart.so.12" in findings["backend pytorch"]["value"]
    assert findings["backend mxnet"]["level"] == "ok"


def test_a_framework_whose_import_hangs_is_named(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "PATIENCE", 0.01)
    found = devices._backend("pytorch", False)
    assert found.level == "error" and "takes more than 0.01 s" in found.value and found.remedy


def test_an_old_or_missing_package_is_told_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"click": "1.0", "onnx": None}
    real = metadata.version

    def version(name: str) -> str:
        if name not in versions:
            return real(name)
        if versions[name] is None:
            raise metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(packages.metadata, "version", version)
    found = {finding.title: finding for finding in packages.found()}
    assert found["click"].level == "error" and found["click"].remedy == 'pip install "click>=8.1"'
    assert found["export"].level == "note" and "missing: onnx" in found["export"].value
    assert found["export"].remedy == 'pip install "monklite[export]"'
    assert found["numpy"].level == "ok"


def test_every_extra_says_what_it_adds() -> None:
    extras = set(metadata.metadata("monklite").get_all("Provides-Extra")) - set(packages.NOT_SHOWN)
    assert extras == set(packages.ADDS)


def test_a_limit_of_the_cache_that_is_none_is_told(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONKLITE_CACHE_GB", "much")
    found = {finding.title: finding for finding in disks.found(str(workspace))}
    assert found["decoded images"].level == "error" and "MONKLITE_CACHE_GB" in found["decoded images"].remedy


def test_no_space_and_no_locks_are_told(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disks.cache_limit, "free_bytes", lambda folder: 10**9)
    monkeypatch.setattr(disks.locks, "are_supported", lambda folder: False)
    found = {finding.title: finding for finding in disks.found(str(workspace))}
    assert found["workspace"].level == found["file locks"].level == "note"
    assert "prune" in found["workspace"].remedy and "another drive" in found["file locks"].remedy
