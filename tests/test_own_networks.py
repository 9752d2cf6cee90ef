"""Networks of the user: trained, opened again where their file is as it was, and asked for in words where it is not."""

from __future__ import annotations

import functools
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import torch
from test_fine_tuning import rows
from torch import nn

from monklite import Prototype
from monklite.catalog import own_networks
from monklite.errors import InvalidType, InvalidValue, MonkliteError, NotFound, NotReady, UnknownName
from monklite.runs.workspace import Workspace

FILES = {
    "pytorch": """
        from torch import nn

        def build(n_classes):
            return nn.Sequential(
                nn.Conv2d(3, 4, 3, stride=4), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                nn.Dropout(0.1), nn.Linear(4, n_classes),
            )
        """,
    "mxnet": """
        from mxnet.gluon import nn

        def build(n_classes):
            net = nn.HybridSequential()
            net.add(
                nn.Conv2D(4, 3, strides=4), nn.BatchNorm(), nn.Activation("relu"), nn.GlobalAvgPool2D(), nn.Flatten(),
                nn.Dropout(0.1), nn.Dense(n_classes),
            )
            return net
        """,
}


@pytest.fixture(autouse=True)
def another_session(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # where it is remembered which files this user has given
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    forget(monkeypatch)


def forget(patch: pytest.MonkeyPatch) -> None:
    """What a new session does not know."""
    patch.setattr(own_networks, "_given", {})
    patch.setattr(own_networks, "_provided", {})
    patch.delitem(sys.modules, "nets", raising=False)


@pytest.fixture
def file(workspace: Path, backend: str) -> Path:
    path = workspace.parent / "nets.py"
    path.write_text(textwrap.dedent(FILES[backend]))
    return path


def experiment(patterns: Path, backend: str, model: Any, name: str = "e", **more: Any) -> Any:
    ptf = Prototype("p", name, backend=backend, verbose=0)
    ptf.Dataset_Params(dataset_path=patterns, split=0.67, input_size=32, batch_size=8, num_processors=1)
    ptf.apply_normalize(train=True, val=True, test=True)
    ptf.Dataset()
    ptf.Model_Params(model=model, **{"freeze_base_network": False, "use_pretrained": False, **more})
    ptf.Model()
    ptf.optimizer_adam(0.01)
    ptf.Training_Params(num_epochs=2)
    return ptf


def opened(backend: str, **mode: Any) -> Any:
    return Prototype("p", "e", backend=backend, verbose=0, **mode)


@pytest.mark.parametrize("form", ["nets:build", "nets.py:build"])
def test_a_network_in_a_file_is_trained_and_opened_again(
    workspace: Path, patterns: Path, monkeypatch, file: Path, backend: str, form: str
) -> None:
    monkeypatch.syspath_prepend(str(file.parent))
    experiment(patterns, backend, form).Train()
    state = Workspace().find("p", "e").state()
    assert (state.asked.model.name, state.asked.model.source.place) == ("own/build", form)
    assert state.model.weights == "those of the network itself"
    forget(monkeypatch)
    answer = opened(backend, eval_infer=True).Infer(img_name=patterns / "dots" / "dots-003.png")
    assert answer["predicted_class"] in ("dots", "rings", "stripes")
    resumed = opened(backend, resume_train=True)
    resumed.update_num_epochs(3)
    resumed.Train()
    assert len(rows(workspace)) == 3
    copied = Prototype("p", "copy", copy_from=["p", "e"], backend=backend, verbose=0)
    copied.Reload()
    assert Workspace().find("p", "copy").state().model.weights == "copied from p/e/v001"
    # a network of the table is chosen in its place
    copied.update_model_name("resnet18")
    assert not copied._experiment.asked.model.is_own


def test_a_file_that_has_changed_is_not_run(
    workspace: Path, patterns: Path, monkeypatch, file: Path, backend: str
) -> None:
    experiment(patterns, backend, "nets.py:build").Train()
    forget(monkeypatch)
    file.write_text("raise SystemExit('this must not run')\n" + file.read_text())
    with pytest.raises(NotReady, match=r"not the file that it was. Give it again: Prototype\(..., model=build\)"):
        opened(backend, eval_infer=True)
    file.unlink()
    with pytest.raises(NotReady, match="there is no file 'nets.py'. Give it again"):
        opened(backend, eval_infer=True)
    file.write_text(textwrap.dedent(FILES[backend]) + "\n# another remark\n")
    assert opened(backend, eval_infer=True, model="nets.py:build").model is not None


def test_another_process_opens_it(workspace: Path, patterns: Path, monkeypatch) -> None:
    (workspace.parent / "nets.py").write_text(textwrap.dedent(FILES["pytorch"]))
    experiment(patterns, "pytorch", "nets.py:build").Train()
    code = "from monklite import Prototype; print(Prototype('p', 'e', eval_infer=True, verbose=0).model)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=workspace.parent)
    assert "AdaptiveAvgPool2d" in done.stdout, done.stderr


class Net(nn.Module):
    """Batch normalization, and an additional result in training, as GoogLeNet has."""

    def __init__(self, n_classes: int, auxiliary: bool = False) -> None:
        super().__init__()
        self.base = nn.Sequential(nn.Conv2d(3, 4, 3, stride=4), nn.BatchNorm2d(4), nn.ReLU())
        self.head = nn.Linear(4, n_classes)
        self.auxiliary = auxiliary

    def forward(self, x: torch.Tensor) -> Any:
        found = self.head(self.base(x).mean((2, 3)))
        return (found, found) if self.auxiliary and self.training else found


def test_the_forms_of_a_network_and_what_is_stored(patterns: Path, workspace: Path) -> None:
    for given, place, has_source in (
        (Net, f"{__name__}:Net", True),
        (functools.partial(Net, auxiliary=True), "", False),
        (lambda n: Net(n), "", True),
        (Net(3), "", False),
        # of an installed package, which may change
        (torch.nn.Linear, "", True),
    ):
        name, source = own_networks.given(given)
        assert name.startswith("own/")
        assert source.place == place
        assert len(source.key) == (64 if has_source else 32)


def test_a_network_that_is_no_file_trains_and_is_given_again(patterns: Path, workspace: Path, monkeypatch) -> None:
    network = Net(3)
    before = {n: t.clone() for n, t in network.state_dict().items()}
    ptf = experiment(patterns, "pytorch", network)
    ptf.Train()
    # it is copied
    assert all(torch.equal(before[n], t) for n, t in network.state_dict().items())
    forget(monkeypatch)
    with pytest.raises(NotReady, match=r"no file has it. Give it again: Prototype\(..., model=Net\)"):
        opened("pytorch", eval_infer=True)
    # its settings can be read all the same
    opened("pytorch", summary=True)
    again = opened("pytorch", eval_infer=True, model=Net)
    assert torch.equal(again.model.head.weight, weights_of("e")["head.weight"])
    with pytest.raises(InvalidValue, match=r"a new one gets its network in Model_Params\(model=...\)"):
        Prototype("p", "other", verbose=0, model=Net)


def weights_of(name: str) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(next(Workspace().find("p", name).models.glob("best_model*")))


def test_the_base_is_all_but_the_last_layer(patterns: Path, workspace: Path) -> None:
    ptf = experiment(patterns, "pytorch", functools.partial(Net, auxiliary=True), freeze_base_network=True)
    assert [n for n, p in ptf.model.named_parameters() if p.requires_grad] == ["head.weight", "head.bias"]
    ptf.Fine_Tune(1, layer_decay=0.5)
    assert [len(g["params"]) for g in ptf.optimizer.param_groups] == [2, 2, 2]
    assert len(rows(workspace)) == 2


@pytest.mark.parametrize(
    ("model", "error", "match"),
    [
        ("nets", InvalidValue, "'nets' is no place of a network; write 'nets:build' or 'nets.py:build'"),
        ("no_such_module_here:build", NotFound, "there is no module 'no_such_module_here'"),
        ("missing.py:build", NotFound, "there is no file 'missing.py'"),
        (f"{__name__}:missing", NotFound, "there is no 'missing' in"),
        (3, InvalidType, "model must be a class or function of the number of classes"),
    ],
)
def test_what_is_no_network_is_refused(workspace: Path, model: Any, error: type[MonkliteError], match: str) -> None:
    ptf = Prototype("p", "e", verbose=0)
    with pytest.raises(error, match=match):
        ptf.Model_Params(model=model)
    assert not ptf._experiment.asked.model.is_own


@pytest.mark.parametrize(
    ("model", "error", "match"),
    [
        (Net(5), InvalidValue, r"one number for each of the 3 classes, \(2, 3\) for 2 images, not \(2, 5\)"),
        (lambda n: "net", InvalidType, "must be a torch.nn.Module, not 'net'"),
        (lambda n: nn.Flatten(), InvalidValue, "has no weights to train"),
        (lambda n: nn.Linear(7, n), InvalidValue, r"does not take images of 32 px, \(2, 3, 32, 32\)"),
    ],
)
def test_a_network_that_does_not_fit_is_refused(
    workspace: Path, patterns: Path, model: Any, error: type[MonkliteError], match: str
) -> None:
    with pytest.raises(error, match=match):
        experiment(patterns, "pytorch", model)


def test_a_gluon_network_itself_is_refused(workspace: Path, patterns: Path) -> None:
    from mxnet.gluon import nn as gluon_nn

    with pytest.raises(InvalidType, match="which the mxnet backend cannot copy: give the class or a function"):
        experiment(patterns, "mxnet", gluon_nn.Dense(3))


def test_the_name_alone_is_no_network(workspace: Path) -> None:
    with pytest.raises(UnknownName, match="no pytorch model is called 'own/Net'"):
        Prototype("p", "e", verbose=0).Model_Params(model_name="own/Net")


def test_a_state_of_others_runs_no_code_of_an_installed_package(workspace: Path, patterns: Path, monkeypatch) -> None:
    experiment(patterns, "pytorch", Net(3)).Train()
    forget(monkeypatch)
    run = Workspace().find("p", "e")
    run.acquire()
    state = run.state()
    for place in ("os:abort", "subprocess:getoutput", "torch.hub:load"):
        asked = state.asked.replace({"model.source": {"place": place, "key": "0" * 64}})
        run.update(asked=asked, resolved=state.resolved.replace({"model.source": asked.model.source}))
        with pytest.raises(NotReady, match="was not given here before, and opening a run runs no code of others"):
            opened("pytorch", eval_infer=True)


def test_a_file_of_others_is_not_run_even_if_it_is_the_one_of_the_run(
    workspace: Path, patterns: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = workspace.parent / "nets.py"
    file.write_text(textwrap.dedent(FILES["pytorch"]))
    experiment(patterns, "pytorch", "nets.py:build").Train()
    forget(monkeypatch)
    # another user, who was sent the folder
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another"))
    with pytest.raises(
        NotReady, match=r"runs no code of others. If it is yours: Prototype\(..., model='nets.py:build'\)"
    ):
        opened("pytorch", eval_infer=True)
    assert opened("pytorch", eval_infer=True, model="nets.py:build").model is not None


def test_a_file_that_was_changed_after_it_was_imported_is_refused(
    workspace: Path, patterns: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = workspace.parent / "nets.py"
    file.write_text(textwrap.dedent(FILES["pytorch"]))
    monkeypatch.syspath_prepend(str(file.parent))
    import nets

    assert own_networks.given(nets.build)[1].place == "nets:build"
    file.write_text(file.read_text().replace("Conv2d(3, 4, 3, stride=4)", "Conv2d(3, 4, 3, stride=2)"))
    with pytest.raises(InvalidValue, match="was changed after it was imported"):
        own_networks.given(nets.build)


def test_the_network_of_one_run_is_not_taken_for_another_of_that_name(
    workspace: Path, patterns: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace.parent / "nets.py").write_text(textwrap.dedent(FILES["pytorch"]))
    experiment(patterns, "pytorch", "nets.py:build").Train()

    def build(n_classes: int) -> nn.Module:
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, n_classes))

    experiment(patterns, "pytorch", build, "other").Train()
    forget(monkeypatch)
    other = Prototype("p", "other", eval_infer=True, model=build, verbose=0)
    assert len(list(other.model.parameters())) == 2
    assert len(list(opened("pytorch", eval_infer=True).model.parameters())) == 6


def test_the_same_script_again_knows_the_network_that_it_defines(workspace: Path, patterns: Path) -> None:
    def build(n_classes: int) -> nn.Module:
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, n_classes))

    assert own_networks.given(build) == own_networks.given(build)
    experiment(patterns, "pytorch", build).Train()
    again = Prototype("p", "e", resume_train="auto", verbose=0)
    again.Model_Params(model=build, freeze_base_network=False, use_pretrained=False)
    again.Train()
    assert len(rows(workspace)) == 2
