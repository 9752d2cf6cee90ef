"""The notebooks run from the first cell to the last as a user runs them, and their outputs are not kept in the repository."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
import torch
import torchvision
from nbclient import NotebookClient

from monklite.runs.workspace import Workspace

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))
# notebook -> the experiments of project "sample-project-1" that it trains, and the number of their epochs
TRAINED = {
    "monk_quick_mode": {"sample-experiment-1": 2, "sample-experiment-2": 2},
    "monk_expert_mode_csv": {"expert-mode": 3},
    "monk_custom_network": {"custom-network": 3},
    "monk_lessons_about_layers": {},
}
TIMEOUT = 600  # s, of one cell


@pytest.fixture(scope="module")
def torch_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """torch's cache of pretrained weights, with random ones in the place of ResNet18's."""
    home = tmp_path_factory.mktemp("torch")
    folder = home / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    weights = torchvision.models.ResNet18_Weights.DEFAULT
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        torch.save(torchvision.models.resnet18().state_dict(), folder / weights.url.rpartition("/")[2])
    return home


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_to_its_end(path: Path, tmp_path: Path, torch_home: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    environment = {**os.environ, "TORCH_HOME": str(torch_home), "PYTHONPATH": str(ROOT)}
    client = NotebookClient(notebook, timeout=TIMEOUT, resources={"metadata": {"path": str(tmp_path)}})
    client.execute(env=environment)
    for experiment, epochs in TRAINED[path.stem].items():
        state = Workspace(tmp_path / "workspace").find("sample-project-1", experiment).state()
        assert state.status == "done"
        assert state.results is not None
        assert state.results.epochs_completed == epochs
    beside = {entry.name for entry in tmp_path.iterdir()}
    assert beside <= {"workspace", "data", "images", "train.csv"}, "nothing is written outside the workspace"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    assert not any(cell.outputs or cell.execution_count for cell in code)
