"""A backend of another package, found through its entry point: the contract, and the main job, without a change of monklite."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from test_multi_label import drawn

from monklite import Prototype, backends, compare
from monklite.catalog import backends as catalog_backends
from monklite.catalog import models, resolve
from monklite.errors import InvalidValue, MissingPackage, PretrainedUnavailable, UnknownName
from monklite.runs import history, prune
from monklite.runs.file_names import HISTORY
from monklite.runs.workspace import Workspace
from monklite.tasks import SingleLabel
from monklite.testing.contract import LearnerContract
from monklite.training import precision

PLUGIN = str(Path(__file__).parent / "plugin")
REPOSITORY = str(Path(__file__).parents[1])


@pytest.fixture(scope="module", autouse=True)
def installed() -> Iterator[None]:
    """The package of the backend can be imported, and is forgotten again afterwards."""

    def forget() -> None:
        for cached in (catalog_backends._entry_points, catalog_backends.plugins, models._rows_by_name):
            cached.cache_clear()

    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(PLUGIN)
        forget()
        yield
    forget()


class TestNumpy(LearnerContract):
    model, dropout_model, other_model, first_layers = "linear", "linear_dropout", "linear_fine", 1

    @property
    def backend(self):
        return backends.load("numpy")

    def arrays(self, learner) -> dict[str, np.ndarray]:
        return {name: array.copy() for name, array in learner.network.parameters.items()}


def opened(patterns: Path, experiment: str, epochs: int = 4, **mode: object) -> Prototype:
    ptf = Prototype("p", experiment, backend="numpy", verbose=0, **mode)
    if not mode:
        ptf.Default(
            patterns, model_name="linear", use_pretrained=False, freeze_base_network=False, num_epochs=epochs
        )  # fmt: skip
        ptf.update_input_size(40)
        ptf.optimizer_sgd(0.01)
        ptf.lr_fixed()
    return ptf


def test_the_main_job(workspace: Path, patterns: Path) -> None:
    opened(patterns, "a").Train()
    judge = opened(patterns, "a", eval_infer=True)
    judge.Dataset_Params(patterns)
    judge.Dataset()
    accuracy, by_class = judge.Evaluate()
    assert accuracy > 60
    assert set(by_class) == {"dots", "rings", "stripes"}
    found = judge.Infer(img_name=patterns / "dots" / "dots-003.png", return_raw=True)
    powers = np.exp(list(found["raw"].values()))
    assert found["score"] == pytest.approx(powers.max() / powers.sum(), rel=1e-4)


def test_it_stands_in_a_comparison_with_the_others(workspace: Path, patterns: Path) -> None:
    opened(patterns, "ours").Train()
    ptf = Prototype("p", "theirs", verbose=0)
    ptf.Default(patterns, model_name="resnet18", use_pretrained=False, num_epochs=1)
    ptf.update_input_size(32)
    ptf.Train()
    ctf = compare(verbose=0)
    ctf.Comparison("both")
    ctf.Add_Experiment("p", "ours")
    ctf.Add_Experiment("p", "theirs")
    rows = ctf.Generate_Statistics()
    assert rows["backend"].tolist() == ["numpy", "pytorch"]
    assert rows["best val acc"].notna().all()


def test_a_resumed_run_equals_the_unbroken_one(workspace: Path, patterns: Path) -> None:
    opened(patterns, "unbroken", epochs=4).Train()
    opened(patterns, "extended", epochs=2).Train()
    ptf = opened(patterns, "extended", resume_train=True)
    ptf.update_num_epochs(4)
    ptf.Train()
    ours, theirs = (history.read(Workspace().find("p", name).logs / HISTORY) for name in ("unbroken", "extended"))
    assert len(ours) == len(theirs) == 4
    assert [r.train_loss for r in ours] == [r.train_loss for r in theirs]


def test_what_it_cannot_show_is_told(workspace: Path, patterns: Path) -> None:
    ptf = opened(patterns, "e")
    with pytest.raises(InvalidValue, match="the numpy backend cannot show the inside of its networks"):
        ptf.Visualize_Kernels()


def test_several_labels(workspace: Path, tmp_path: Path) -> None:
    drawn(tmp_path, "train", 80, 0)
    drawn(tmp_path, "test", 24, 1)
    ptf = Prototype("p", "labels", backend="numpy", verbose=0)
    ptf.Default(
        tmp_path,
        tmp_path / "train.csv",
        model_name="linear",
        use_pretrained=False,
        freeze_base_network=False,
        num_epochs=10,
        label_delimiter="|",
    )
    ptf.update_input_size(32)
    ptf.Train()
    judge = Prototype("p", "labels", backend="numpy", eval_infer=True, verbose=0)
    judge.Dataset_Params(tmp_path, tmp_path / "test.csv")
    judge.Dataset()
    judge.Evaluate()
    assert Workspace().find("p", "labels").state().testing.figures["f1"] > 0.7


def test_expert_mode_begins_with_a_network_that_it_has(workspace: Path, patterns: Path) -> None:
    ptf = Prototype("p", "expert", backend="numpy", verbose=0)
    ptf.Dataset_Params(patterns, split=0.7, input_size=40, batch_size=8)
    ptf.Dataset()
    ptf.Model_Params("linear_fine", freeze_base_network=False, use_pretrained=False)
    ptf.Model()
    ptf.Training_Params(num_epochs=1)
    ptf.Train()
    assert Workspace().find("p", "expert").state().model.parameters == 2 * 3072 + 3 * 3072 + 3


def test_its_weights_are_known_as_weights(workspace: Path, patterns: Path) -> None:
    ptf = opened(patterns, "a", epochs=2)
    ptf.update_save_intermediate_models(True)
    ptf.Train()
    items = prune.plan(Workspace())
    assert [path.name for item in items for path in item.paths] == ["intermediate_model_0", "intermediate_model_1"]


def test_what_it_lacks_is_refused_in_the_words_of_the_others(workspace: Path, patterns: Path) -> None:
    ptf = Prototype("p", "e", backend="numpy", verbose=0)
    assert ptf.List_Models() == ["linear", "linear_dropout", "linear_fine"]
    with pytest.raises(InvalidValue, match="the numpy backend has no 'rmsprop'; use backend='pytorch'"):
        ptf.optimizer_rmsprop(0.01)
    with pytest.raises(InvalidValue, match="the numpy backend has no precision 'bfloat16'"):
        ptf.update_precision("bfloat16")
    assert precision.choose(resolve(ptf._experiment.asked), SingleLabel(("a", "b")), workspace).precision == "float32"
    with pytest.raises(InvalidValue, match="the numpy backend has no model 'resnet18'; use backend='pytorch'"):
        ptf.Default(patterns, model_name="resnet18")
    with pytest.raises(PretrainedUnavailable, match="use_pretrained=False"):
        ptf.Default(patterns, model_name="linear")
    with pytest.raises(UnknownName, match="Did you mean 'numpy'"):
        Prototype("p", "e", backend="nunpy", verbose=0)


def test_a_backend_that_cannot_be_loaded_is_named_and_harms_no_other(tmp_path: Path) -> None:
    """In a process of its own: descriptions are read while the methods of `Prototype` are made."""
    info = tmp_path / "broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[monklite.backends]\nbroken = gone:DESCRIPTION\nodd = os:sep\n")
    script = (
        "from monklite import Prototype\n"
        "from monklite.errors import MissingPackage\n"
        "Prototype('p', 'e', verbose=0).optimizer_sgd(0.1)\n"
        "for name in ('broken', 'odd'):\n"
        "    try:\n"
        "        Prototype('p', 'e', backend=name, verbose=0)\n"
        "    except MissingPackage as error:\n"
        "        print(error)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), REPOSITORY])}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "backend 'broken' cannot be loaded from gone:DESCRIPTION (No module named 'gone')",
        "backend 'odd' cannot be used: os:sep is not a Description of that name",
    ]
    assert done.stderr.count("cannot be loaded from gone:DESCRIPTION") == 1


def test_a_network_of_a_known_name_gets_one_more_backend(monkeypatch) -> None:
    row = models.ModelRow("resnet18", "resnet", {"numpy": catalog_backends.Cell("linear")}, {"numpy": ("head",)})
    monkeypatch.setattr(sys.modules["numpy_backend"], "MODELS", (row,))
    models._rows_by_name.cache_clear()
    found = models.find_model("resnet18", "numpy")
    assert found.backends() == ["pytorch", "mxnet", "numpy"]
    assert found.heads["pytorch"] == ("fc",)
    assert models.find_model("resnet18_v1", "mxnet") == found
    models._rows_by_name.cache_clear()


def test_an_optional_package_of_it_is_installed_by_its_own_name(monkeypatch) -> None:
    row = models.ModelRow("deep", "x", {"numpy": catalog_backends.Cell("deep", package="not_here")})
    monkeypatch.setattr(sys.modules["numpy_backend"], "MODELS", (row,))
    models._rows_by_name.cache_clear()
    with pytest.raises(MissingPackage, match="needs not_here: pip install not_here"):
        models.find_model("deep", "numpy")
    models._rows_by_name.cache_clear()


def test_another_process_finds_it_by_its_entry_point_alone(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([PLUGIN, REPOSITORY])}
    command = [sys.executable, "-m", "monklite", "models", "--backend", "numpy"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "linear_dropout" in done.stdout
