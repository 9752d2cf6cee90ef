"""The stubs that show editors and type checkers the methods that are made from rows."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from monklite import Prototype
from monklite.catalog import OPTIMIZERS
from monklite.facade.row_methods import RowMethods

ROOT = Path(__file__).parents[1]


def test_the_stub_file_is_what_the_rows_give() -> None:
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        import write_stubs
    finally:
        sys.path.pop(0)
    assert write_stubs.STUB.read_text(encoding="utf-8") == write_stubs.stub(), "run python tools/write_stubs.py"


def test_every_method_made_from_a_row_is_in_it() -> None:
    text = (ROOT / "monklite" / "facade" / "row_methods.pyi").read_text(encoding="utf-8")
    names = [name for name in vars(RowMethods) if not name.startswith("_")]
    assert {f"optimizer_{name}" for name in OPTIMIZERS} < set(names)
    assert [name for name in names if f"    def {name}(" not in text] == []


def test_a_made_method_tells_its_types() -> None:
    parameters = inspect.signature(Prototype.optimizer_adam).parameters
    assert (parameters["learning_rate"].annotation, parameters["amsgrad"].annotation) == ("float", "bool")


SCRIPT = """\
from monklite import Prototype, compare

ptf = Prototype("p", "e", backend="pytorch")
ptf.Default(dataset_path="images", model_name="resnet50", num_epochs=5)
ptf.optimizer_sgd(0.1, momentum=0.9)
ptf.lr_multistep_decrease([3, 5])
ptf.loss_softmax_crossentropy(weight=[1, 2.5], label_smoothing=True)
ptf.apply_random_rotation(10, train=True)
ptf.update_batch_size("auto")
names: list[str] = ptf.List_Optimizers()
ptf.Train()
ctf = compare()
ctf.Comparison("c")
table = ctf.Generate_Statistics()
"""
WRONG = {
    'ptf.optimizer_sgd("0.1")': 'Argument 1 to "optimizer_sgd" of "RowMethods" has incompatible type "str"; expected "float"',
    "ptf.optimizer_sdg(0.1)": '"Prototype" has no attribute "optimizer_sdg"',
    'ptf.update_precision("half")': 'Argument 1 to "update_precision" of "RowMethods" has incompatible type',
    'ptf.Training_Params(num_epochs="5")': 'Argument "num_epochs" to "Training_Params"',
}


@pytest.mark.slow
def test_a_type_checker_finds_what_is_wrong_in_a_script_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT + "\n".join(WRONG) + "\n")
    (tmp_path / "mypy.ini").write_text("[mypy]\nmypy_path = " + str(ROOT) + "\nfollow_imports = silent\n")
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", "cache", "script.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    errors = [line for line in done.stdout.splitlines() if ": error:" in line]
    first = SCRIPT.count("\n") + 1
    assert len(errors) == len(WRONG), done.stdout + done.stderr
    for number, (line, message) in enumerate(zip(errors, WRONG.values(), strict=True), first):
        assert line.startswith(f"script.py:{number}: ")
        assert message in line
