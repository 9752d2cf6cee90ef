"""Several processes of one training (torchrun, on CPUs): the same result as one process, one run, files written once."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file
from test_multi_label import drawn

from monklite.runs.file_names import FINAL, HISTORY, LOGITS, VALIDATION
from monklite.runs.history import read
from monklite.runs.run import Run
from monklite.runs.workspace import Workspace

SCRIPT = """
import os
import sys
import torch
from monklite import Prototype

folder, name, epochs, model, decay = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], float(sys.argv[5])
if epochs < 0:
    ptf = Prototype("p", name, resume_train=True)
    ptf.update_num_epochs(-epochs)
    ptf.Train()
    sys.exit()
ptf = Prototype("p", name)
table = f"{folder}/train.csv"
labels = {"path_to_csv": table, "label_delimiter": "|"} if os.path.exists(table) else {}
ptf.Dataset_Params(folder, split=2 / 3, input_size=32, batch_size=8, **labels)
ptf.apply_random_horizontal_flip(train=True)
ptf.apply_normalize(train=True, val=True, test=True)
ptf.Dataset()
ptf.Model_Params(model, freeze_base_network=False, use_pretrained=False)
ptf.Model()
ptf.optimizer_sgd(0.01)
ptf.lr_fixed()
if labels:
    ptf.loss_sigmoid_binary_crossentropy()
ptf.Training_Params(num_epochs=epochs, ema_decay=decay)
for module in ptf.model.modules():
    if isinstance(module, torch.nn.Dropout):
        module.p = 0.0  # its masks are drawn in each process
ptf.Train()
"""

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="torchrun's processes")]


def start(
    processes: int,
    here: Path,
    patterns: Path,
    name: str,
    epochs: int = 2,
    model: str = "squeezenet1_1",
    decay: float = 0,
    place: tuple[str, ...] = ("--standalone",),
) -> subprocess.Popen[str]:
    """`processes`: that torchrun starts. `place`: what it is told about the machines."""
    (here / "script.py").write_text(SCRIPT)
    launch = ["-m", "torch.distributed.run", *place, f"--nproc-per-node={processes}"]
    if processes == 1 and place == ("--standalone",):
        launch = []
    command = [sys.executable, *launch, "script.py", str(patterns), name, str(epochs), model, str(decay)]
    package = str(Path(__file__).parents[1])
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": package}
    return subprocess.Popen(
        command, cwd=here, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def trained(processes: int, here: Path, patterns: Path, name: str, **more: Any) -> tuple[Run, str]:
    process = start(processes, here, patterns, name, **more)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return Workspace(here / "workspace").find("p", name), out


def trained_by_two_agents(here: Path, patterns: Path, name: str) -> Run:
    """One training over two machines, of which each has its own torchrun; here, both are this one."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    place = ("--nnodes=2", "--rdzv-backend=c10d", f"--rdzv-endpoint={address}", f"--rdzv-id={name}")
    agents = [start(1, here, patterns, name, place=place) for _ in range(2)]
    for agent in agents:
        _, err = agent.communicate(timeout=300)
        assert agent.returncode == 0, err
    return Workspace(here / "workspace").find("p", name)


def test_two_processes_train_what_one_trains(tmp_path: Path, patterns: Path) -> None:
    one, _ = trained(1, tmp_path, patterns, "one")
    two, out = trained(2, tmp_path, patterns, "two")
    assert [r.folder.name for r in Workspace(tmp_path / "workspace").versions("p", "two")] == ["v001"]
    assert out.count("Training Start") == 1
    ours, theirs = load_file(one.models / FINAL), load_file(two.models / FINAL)
    assert all(np.allclose(ours[n], theirs[n], atol=1e-5) for n in ours)
    for a, b in zip(read(one.logs / HISTORY), read(two.logs / HISTORY), strict=True):
        assert (a.train_accuracy, a.val_accuracy) == (b.train_accuracy, b.val_accuracy)
        assert (a.train_loss, a.val_loss) == (pytest.approx(b.train_loss, 1e-4), pytest.approx(b.val_loss, 1e-4))
    assert two.state().status == "done"
    # of the validation images in their order, whichever process has looked at them
    kept = [load_file(run.evaluations / VALIDATION / LOGITS) for run in (one, two)]
    assert one.state().validation.epoch == two.state().validation.epoch
    assert np.array_equal(kept[0]["labels"], kept[1]["labels"])
    assert np.allclose(kept[0]["logits"], kept[1]["logits"], atol=1e-4)


def test_two_machines_train_several_labels_as_one_does(tmp_path: Path) -> None:
    drawn(tmp_path, "train", 60, 0)
    one, _ = trained(1, tmp_path, tmp_path, "one")
    two = trained_by_two_agents(tmp_path, tmp_path, "two")
    assert [r.folder.name for r in Workspace(tmp_path / "workspace").versions("p", "two")] == ["v001"]
    assert one.state().dataset.label_type == "multiple"
    ours, theirs = load_file(one.models / FINAL), load_file(two.models / FINAL)
    assert all(np.allclose(ours[n], theirs[n], atol=1e-5) for n in ours)
    for a, b in zip(read(one.logs / HISTORY), read(two.logs / HISTORY), strict=True):
        assert (a.train_accuracy, a.val_accuracy, a.val_figures) == (b.train_accuracy, b.val_accuracy, b.val_figures)
        assert (a.train_loss, a.val_loss) == (pytest.approx(b.train_loss, 1e-4), pytest.approx(b.val_loss, 1e-4))


def test_each_waits_for_the_others(tmp_path: Path) -> None:
    script = tmp_path / "wait.py"
    script.write_text(
        "import pathlib, time\n"
        "from monklite import backends\n"
        "world = backends.world('pytorch')\n"
        "if world.rank == 1:\n"
        "    time.sleep(1)\n"
        "    pathlib.Path('came').touch()\n"
        "world.wait()\n"
        "assert pathlib.Path('came').exists()\n"
    )
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "wait.py"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_several_processes_go_on_exactly_also_with_averaged_statistics(tmp_path: Path, patterns: Path) -> None:
    how = {"model": "resnet18", "decay": 0.9}
    unbroken, _ = trained(2, tmp_path, patterns, "unbroken", epochs=2, **how)
    trained(2, tmp_path, patterns, "broken", epochs=1, **how)
    broken, _ = trained(2, tmp_path, patterns, "broken", epochs=-2)
    ours, theirs = load_file(broken.models / FINAL), load_file(unbroken.models / FINAL)
    assert all(np.array_equal(ours[n], theirs[n]) for n in ours)
    assert [row.val_loss for row in read(broken.logs / HISTORY)] == [
        row.val_loss for row in read(unbroken.logs / HISTORY)
    ]


def test_several_processes_stop_together_and_go_on(tmp_path: Path, patterns: Path) -> None:
    process = start(2, tmp_path, patterns, "long", epochs=100_000)
    history = tmp_path / "workspace" / "p" / "long" / "v001" / "output" / "logs" / HISTORY
    for _ in range(600):
        time.sleep(0.2)
        if history.exists() or process.poll() is not None:
            break
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    run = Workspace(tmp_path / "workspace").find("p", "long")
    assert run.state().status == "interrupted", err
    assert "everything is saved. To resume: Prototype('p', 'long', resume_train=True)" in out
    assert run.has_saved_state()
    done = len(read(history))
    again = start(2, tmp_path, patterns, "long", epochs=-done - 1)
    _, err = again.communicate(timeout=120)
    assert again.returncode == 0, err
    assert (run.state().status, len(read(history))) == ("done", done + 1)
