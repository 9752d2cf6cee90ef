"""Child processes: forked ones cannot use a framework that their parent has used, and are told so at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from monklite.testing.datasets import draw_patterns

REPOSITORY = Path(__file__).parents[1]
SCRIPT = """
import multiprocessing, sys
from monklite import Prototype

def opened(name):
    ptf = Prototype("p", name, backend={backend!r}, verbose=0)
    ptf.Default("images", model_name={model!r}, use_pretrained=False, num_epochs=1)
    ptf.update_input_size(32)
    return ptf

def attempt(work, answers):
    try:
        work()
        answers.put("done")
    except Exception as error:
        answers.put(f"{{type(error).__name__}}: {{error}}")

def in_child(kind, work):
    context = multiprocessing.get_context(kind)
    answers = context.Queue()
    child = context.Process(target=attempt, args=(work, answers))
    child.start()
    print(kind, answers.get(timeout=150))
    child.join()

def train():
    opened("child").Train()

if __name__ == "__main__":
    if "early" in sys.argv:
        in_child("fork", train)
    else:
        parent = opened("parent")
        in_child("fork", parent.Train)
        in_child("fork", train)
        parent.Train()
        in_child("fork", lambda: parent.Infer("images/dots/dots-000.png"))
        in_child("spawn", train)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on Windows")
@pytest.mark.parametrize("when", ["late", "early"])
def test_a_forked_child_trains_or_is_told_to_be_spawned(tmp_path: Path, backend: str, when: str) -> None:
    draw_patterns(tmp_path / "images", {"dots": 4, "rings": 4}, side=32)
    model = "squeezenet1_1" if backend == "pytorch" else "squeezenet1.1"
    (tmp_path / "script.py").write_text(SCRIPT.format(backend=backend, model=model))
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, "script.py", when], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    if when == "early":
        assert lines == ["fork done"]
        return
    assert len(lines) == 4 and lines[3] == "spawn done"
    for line in lines[:3]:
        assert (
            line.startswith("fork NotReady: this process was forked from one that had used the") and "'spawn'" in line
        )
