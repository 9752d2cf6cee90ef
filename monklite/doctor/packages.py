"""The packages that monklite needs, and those of its extras, by what its own installation says."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from typing import TYPE_CHECKING

from .._version import __version__
from ..installed import version_of
from .finding import Finding

if TYPE_CHECKING:
    from packaging.requirements import Requirement

# what an extra adds, in a few words
ADDS = {
    "mxnet": "the MXNet backend",
    "gluoncv": "GluonCV's networks on MXNet",
    "export": "bundles: Export(), export-model, verify",
    "openvino": "OpenVINO as a second runtime of bundles",
    "ray": "Search on the machines of a Ray cluster",
    "mlflow": "runs in MLflow",
    "tensorboard": "runs in TensorBoard",
    "wandb": "runs in Weights & Biases",
    "dvclive": "runs in DVCLive",
    "tune": "Search: the best settings, by Optuna",
    "netron": "a page that draws a network",
    "timm": "the networks of timm",
    "heif": "HEIC images",
    "tables": "Excel and Parquet tables",
    "serve": "serve: REST and a page",
    "app": "app: pages without code",
}
# for those who develop monklite, and another name for `export`
NOT_SHOWN = ("dev", "onnx", "trackers")


def found() -> Iterator[Finding]:
    """Python, monklite, and each package that it needs or can use."""
    yield Finding("versions", "Python", f"{platform.python_version()} ({sys.executable})")
    yield Finding("versions", "monklite", __version__)
    requirements = _requirements()
    for requirement in requirements:
        if _applies(requirement, ""):
            yield _needed(requirement)
    for extra in sorted(metadata.metadata("monklite").get_all("Provides-Extra") or ()):
        if extra not in NOT_SHOWN:
            yield _extra(extra, [r for r in requirements if _applies(r, extra) and not _applies(r, "")])


def _requirements() -> list[Requirement]:
    from packaging.requirements import Requirement

    return [Requirement(text) for text in metadata.requires("monklite") or ()]


def _applies(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def _needed(requirement: Requirement) -> Finding:
    version = _installed(requirement)
    if version is None:
        return _error(requirement, "not installed")
    if not requirement.specifier.contains(version, prereleases=True):
        return _error(requirement, f"{version}, but it must be {requirement.specifier}")
    return Finding("versions", requirement.name, version)


def _error(requirement: Requirement, value: str) -> Finding:
    return Finding(
        "versions", requirement.name, value, "error", f'pip install "{requirement.name}{requirement.specifier}"'
    )


def _extra(extra: str, requirements: list[Requirement]) -> Finding:
    """Whether the packages of an extra are there; those of other extras that it names are looked at with them."""
    own = [r for r in requirements if r.name != "monklite"]
    missing = [r for r in own if (v := _installed(r)) is None or not r.specifier.contains(v, prereleases=True)]
    adds = ADDS.get(extra, "")
    if not own and not any(r.name == "monklite" for r in requirements):
        return Finding("extras", extra, f"not for this system or Python ({adds})", "note")
    if missing:
        names = ", ".join(f"{r.name}{r.specifier}" for r in missing)
        return Finding("extras", extra, f"missing: {names} (adds {adds})", "note", f'pip install "monklite[{extra}]"')
    versions = ", ".join(f"{r.name} {_installed(r)}" for r in own)
    return Finding("extras", extra, f"installed{': ' if versions else ''}{versions}")


def _installed(requirement: Requirement) -> str | None:
    try:
        return version_of(requirement.name)
    except metadata.PackageNotFoundError:
        return None
