"""The modules that `import monklite` loads, in an interpreter of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

import monklite

HEAVY = {"torch", "torchvision", "mxnet", "pandas", "matplotlib", "PIL", "pydantic"}


def loaded(statement: str) -> set[str]:
    script = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_monklite_loads_nothing_heavy():
    modules = loaded("import monklite")
    assert "monklite" in modules
    assert modules & HEAVY == set()


@pytest.mark.parametrize(
    "statement",
    [
        "from monklite import compare",
        "from monklite import Prototype",
        "from monklite.compare_prototype import compare",
        "from monklite.pytorch_prototype import prototype",
    ],
)
def test_no_framework_is_loaded_before_it_is_used(statement):
    assert loaded(statement) & {"torch", "torchvision", "mxnet", "matplotlib.pyplot"} == set()


def test_the_names_of_the_package_are_shown_and_are_what_they_say():
    assert {"Prototype", "compare", "__version__"} <= set(dir(monklite))
    assert monklite.compare.__module__ == "monklite.facade.compare"
    assert monklite.Prototype.__module__ == "monklite.facade.prototype"


def test_monks_import_paths_give_the_same_classes():
    from monklite.compare_prototype import compare
    from monklite.facade.prototype import prototype
    from monklite.pytorch_prototype import prototype as monks

    assert compare is monklite.compare
    assert monks is prototype


def test_an_unknown_attribute_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"^module 'monklite' has no attribute 'Protoype'$"):
        _ = monklite.Protoype


def test_an_unknown_name_cannot_be_imported():
    with pytest.raises(ImportError, match="cannot import name 'Protoype'"):
        exec("from monklite import Protoype")
