"""Scripts without `if __name__ == "__main__":`, where new processes begin by running the script again (Windows, macOS)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import multiprocessing, sys
multiprocessing.set_start_method("spawn")  # as on Windows and macOS
print("the script runs")

import psutil
from monklite import Prototype

children = set()
def watch(method):
    def call(*words):
        children.update(psutil.Process().children(recursive=True))
        return method(*words)
    return call

images, workspace = sys.argv[1:]
ptf = Prototype("p", "e", workspace=workspace, verbose=0)
ptf.Default(images, model_name="squeezenet1_1", num_epochs=1, use_pretrained=False)
learner = ptf._experiment.learner
learner.step, learner.logits = watch(learner.step), watch(learner.logits)
ptf.Train()
ptf.Switch_Mode(eval_infer=True)
for found in ptf.Infer(img_dir=images + "/dots", stream=True):
    children.update(psutil.Process().children(recursive=True))
print("processes started:", len(children))
"""


@pytest.mark.slow
def test_training_and_prediction_start_no_process(patterns: Path, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    words = [sys.executable, tmp_path / "script.py", patterns, tmp_path / "workspace"]
    paths = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": paths})
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["the script runs", "processes started: 0"]
