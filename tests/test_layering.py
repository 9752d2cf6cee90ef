"""Imports point down, and only `backends` knows a framework: every file is parsed, nothing is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from importlib.util import resolve_name
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "monklite"
FRAMEWORKS = {"torch", "torchvision", "mxnet"}
LAYERS = (
    ("archive_errors", "errors", "_version", "printable", "durations", "free_memory", "local_requests", "stopping"),
    ("transient", "working_folder", "regular_files"),
    ("rules", "files", "installed", "looking", "processes", "processors"),
    ("locks", "retrying_file"),
    ("csv_files", "decoder_threads", "group_rule", "record_rules", "setting_ranges"),
    ("settings_tree",),
    ("choices",),
    ("spec",),
    ("tasks",),
    ("records", "figures", "decisions", "operating_point", "mean_scores"),
    ("catalog", "statistics"),
    ("data", "runs", "settings_files"),
    ("backends", "reports", "trackers"),
    ("training", "doctor"),
    ("inference", "image_predictor", "averaged_views", "certainty", "answer_forms"),
    ("experiment_setup",),
    ("experiment", "evaluation", "choosing_point", "choosing_unsure", "explaining", "validated"),
    ("worst_errors",),
    ("opening_modes",),
    ("opening",),
    ("exporting",),
    ("sweeps",),
    ("facade", "testing", "pytorch_prototype", "compare_prototype", "gluon_prototype", "__init__"),
    ("apps",),
    ("cli", "standalone", "__main__"),
)
SIBLINGS = [{"catalog", "statistics"}, {"data", "runs"}, {"backends", "reports"}]  # neither may know the other
LEVEL = {module: level for level, modules in enumerate(LAYERS) for module in modules}
MODULES = {".".join(p.relative_to(PACKAGE).with_suffix("").parts): p for p in sorted(PACKAGE.rglob("*.py"))}


def imports(path: Path, package: str) -> Iterator[str]:
    """The full names of what a file imports, at any depth; a name taken from a package counts as a module of it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def package_of(module: str) -> str:
    return ".".join(["monklite", *module.split(".")[:-1]])


def part(name: str) -> str:
    """The part of monklite that a full name belongs to; a name that is no module is one of `__init__`."""
    found = (name.split(".") + ["__init__"])[1]
    return found if found in LEVEL or (PACKAGE / found).is_dir() or (PACKAGE / f"{found}.py").exists() else "__init__"


def broken_order(module: str, path: Path) -> list[str]:
    mine = part(f"monklite.{module}")
    ours = [name for name in imports(path, package_of(module)) if name.split(".")[0] == "monklite"]
    return [f"{path} imports {name}" for name in ours if mine != "testing" and not may_import(mine, part(name))]


def may_import(mine: str, other: str) -> bool:
    return LEVEL[other] <= LEVEL[mine] and {mine, other} not in SIBLINGS


def frameworks(module: str, path: Path) -> list[str]:
    if part(f"monklite.{module}") in ("backends", "testing"):
        return []
    return [f"{path} imports {n}" for n in imports(path, package_of(module)) if n.split(".")[0] in FRAMEWORKS]


def wildcards(module: str, path: Path) -> list[str]:
    return [f"{path} imports {n}" for n in imports(path, package_of(module)) if n.endswith(".*")]


def circle(modules: dict[str, Path]) -> list[str]:
    """Parts that import each other in a circle, which the layers alone would allow between parts of one layer."""
    order: TopologicalSorter[str] = TopologicalSorter()
    for module, path in modules.items():
        mine = part(f"monklite.{module}")
        names = (n for n in imports(path, package_of(module)) if n.split(".")[0] == "monklite")
        order.add(mine, *({part(n) for n in names} - {mine}))
    try:
        order.prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_no_parts_import_each_other_in_a_circle(tmp_path):
    assert circle(MODULES) == []
    files = {"experiment": "from .evaluation import Evaluation", "evaluation": "from .experiment import Experiment"}
    for module, line in files.items():
        (tmp_path / f"{module}.py").write_text(line)
    found = circle({module: tmp_path / f"{module}.py" for module in files})
    assert set(found) == set(files)


def test_every_part_has_a_layer():
    assert sorted({part(f"monklite.{module}") for module in MODULES} - set(LEVEL)) == []


@pytest.mark.parametrize("check", [broken_order, frameworks, wildcards])
@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down_frameworks_stay_in_backends_and_nothing_is_imported_by_star(module, check):
    assert check(module, MODULES[module]) == []


@pytest.mark.parametrize(
    ("check", "module", "line", "name"),
    [
        (broken_order, "catalog.models", "from ..runs.workspace import Run", "monklite.runs.workspace.Run"),
        (broken_order, "errors", "from . import rules", "monklite.rules"),
        (
            broken_order,
            "data.split",
            "def f():\n    from ..reports.report import write",
            "monklite.reports.report.write",
        ),
        (broken_order, "training.engine", "import monklite.facade.compare", "monklite.facade.compare"),
        (broken_order, "data.cache", "from .. import Prototype", "monklite.Prototype"),
        (broken_order, "data.cache", "from ..runs.run import Run", "monklite.runs.run.Run"),
        (broken_order, "reports.comparison", "from .. import backends", "monklite.backends"),
        (frameworks, "training.engine", "def f():\n    import torch.nn", "torch.nn"),
        (frameworks, "facade.model", "from torchvision import models", "torchvision.models"),
        (frameworks, "data.cache", "if True:\n    import mxnet as mx", "mxnet"),
        (wildcards, "facade.model", "from ..errors import *", "monklite.errors.*"),
    ],
)
def test_a_file_that_breaks_the_rules_is_named_with_its_import(tmp_path, check, module, line, name):
    path = tmp_path / "broken.py"
    path.write_text(line)
    assert check(module, path) == [f"{path} imports {name}"]


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("catalog.models", "from .rows import table"),
        ("data.augment", "from ..catalog.transforms import TRANSFORMS"),
        ("runs.history", "from ..files import write_text"),
        ("testing.contract", "from ..facade.prototype import Prototype"),
        ("reports.charts", "import numpy, os.path"),
    ],
)
def test_a_file_that_keeps_the_rules_is_not_named(tmp_path, module, line):
    path = tmp_path / "fine.py"
    path.write_text(line)
    assert broken_order(module, path) + frameworks(module, path) + wildcards(module, path) == []
