"""Calls with values that no argument expects: done, or refused in words; found by trying all of them."""

from __future__ import annotations

import contextlib
import inspect
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hostile import RIGHT, values

from monklite import Prototype, compare
from monklite.catalog import APPENDED, BLOCKS
from monklite.catalog.activations import ALL_LAYERS
from monklite.catalog.backends import BUILT_IN
from monklite.catalog.layers import ALIASES
from monklite.errors import MonkliteError, PretrainedUnavailable
from monklite.facade.prototype import prototype
from monklite.sweeps import sweep
from monklite.testing.datasets import draw_patterns

MAX_LENGTH = 500  # characters of a message
# they train, draw or time every layer, or read the images of a test set: called with no arguments only
LONG = ("Train", "Evaluate", "Estimate_Train_Time", "get_training_estimate", "Fine_Tune", "Find_Learning_Rate")
LONG += ("Visualize_Kernels", "Visualize_Feature_Maps", "Visualize_With_Netron")
# they train several networks: every sixth value, and what is right ends before the first training
SWEEPS = ("Search", "Choose", "Cross_Validate", "Check_Labels")
# they read at once the folder that is named: "/" would take minutes
READING = ("Default", "Infer")


@pytest.fixture(autouse=True)
def stopped_before_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep whose arguments are right is stopped, as by Ctrl-C, when its first training would begin."""

    def stop(*args: object, **more: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sweep, "_run_all", stop)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_patterns(tmp_path_factory.mktemp("images"), {"dots": 4, "rings": 4})


@pytest.fixture(autouse=True)
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is downloaded, nor found in a cache: weights that a call asks for are not to be had."""
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        # nobody listens there
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    for variable in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    for variable in ("MXNET_HOME", "TORCH_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / variable))


# layers, activations, blocks and what is appended have one method each, all made by the same few lines: a fifth of them
MADE_ALIKE = sorted([*ALL_LAYERS, *ALIASES, *BLOCKS, *(f"append_{name}" for name in APPENDED)])
LEFT_OUT = set(MADE_ALIKE) - set(MADE_ALIKE[::5])


def public_methods(kind: type) -> list[str]:
    names = sorted(name for name in dir(kind) if name[0] != "_" and callable(getattr(kind, name)))
    return [name for name in names if name not in LEFT_OUT]


def methods_for(backend: str) -> list[str]:
    """Every second method; the other backend has the others."""
    return public_methods(prototype)[list(BUILT_IN).index(backend) :: 2]


def calls(method: Callable[..., Any], images: Path) -> Iterator[dict[str, Any]]:
    """The arguments of right calls with one of them replaced, and of calls with an unknown one or without any."""
    parameters = [p for p in inspect.signature(method).parameters if p != "self"]
    right: dict[str, Any] = {
        n: RIGHT[n] for n, p in inspect.signature(method).parameters.items() if n in RIGHT and p.default is p.empty
    }
    if method.__name__ in ("Default", "Dataset_Params", "update_dataset"):
        right["dataset_path"] = images
    if method.__name__ == "Default":
        right |= {"use_pretrained": False, "model_name": "squeezenet1_1"}
    if method.__name__.startswith("apply_"):
        right["train"] = True
    if "value" in parameters:
        right["value"] = 0.5 if method.__name__ == "update_trainval_split" else True
    yield {}
    yield {"no_such_argument": 1}
    for name in parameters:
        for value in values():
            if not (method.__name__ in READING and isinstance(value, Path) and value == Path("/")):
                yield {**right, name: value}


class Attempts:
    """Calls, and what became of each."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.raw: list[str] = []

    def attempt(self, label: str, call: Callable[[], Any]) -> None:
        try:
            result = call()
            # a generator refuses when its turn comes
            if inspect.isgenerator(result):
                list(result)
            self.counts["done"] += 1
        # of a right call, see `stopped_before_training`
        except KeyboardInterrupt:
            self.counts["done"] += 1
        except MonkliteError as error:
            self.counts["refused"] += 1
            if len(str(error)) > MAX_LENGTH:
                self.raw.append(f"{label}: {len(str(error))} characters: {str(error)[:200]}")
        except Exception as error:
            self.raw.append(f"{label}: {type(error).__name__}: {str(error)[:200]}")

    def check(self, least: int) -> None:
        print(f"\n{sum(self.counts.values())} calls: {dict(self.counts)}, {len(self.raw)} raw")
        assert not self.raw, "\n".join(self.raw)
        assert sum(self.counts.values()) >= least


def label(name: str, arguments: dict[str, Any]) -> str:
    shown = []
    for key, value in arguments.items():
        text = "?"
        with contextlib.suppress(Exception):
            text = repr(value)[:40]
        shown.append(f"{key}={text}")
    return f"{name}({', '.join(shown)})"


def prepared(images: Path, backend: str) -> prototype:
    ptf = Prototype("p", "prepared", backend=backend, verbose=0)
    ptf.Default(
        images,
        model_name="squeezenet1_1" if backend == "pytorch" else "squeezenet1.1",
        use_pretrained=False,
        num_epochs=1,
    )
    ptf.update_input_size(32)
    ptf.Reload()
    return ptf


def test_wrong_calls_of_an_open_experiment_are_explained(workspace: Path, images: Path, backend: str) -> None:
    ptf, attempts = prepared(images, backend), Attempts()
    opened = ptf._opened._experiment
    before = dict(vars(opened))
    for name in methods_for(backend):
        if name in LONG:
            continue
        for arguments in itertools.islice(calls(getattr(prototype, name), images), 0, None, 6 if name in SWEEPS else 1):
            attempts.attempt(label(name, arguments), lambda n=name, a=arguments: getattr(ptf, n)(**a))
            # every call begins with the same experiment
            vars(opened).update(before)
            ptf._opened._experiment, ptf._opened._evaluation, ptf._opened.evaluating = opened, None, False
    attempts.check(2300)


def test_wrong_calls_before_an_experiment_is_open_are_explained(workspace: Path, images: Path, backend: str) -> None:
    attempts = Attempts()
    for name in methods_for(backend):
        # where nothing is open most calls end at the same place: a third of the values, in turn
        tried = [{}] if name in LONG else itertools.islice(calls(getattr(prototype, name), images), 0, None, 3)
        for arguments in tried:
            ptf = prototype(verbose=0, backend=backend)
            attempts.attempt(label(name, arguments), lambda n=name, a=arguments, p=ptf: getattr(p, n)(**a))
    attempts.check(1300)


def test_wrong_calls_of_the_classes_and_of_comparisons_are_explained(workspace: Path, images: Path) -> None:
    attempts = Attempts()
    for kind in (prototype, Prototype, compare):
        for arguments in calls(kind, images):
            attempts.attempt(label(kind.__name__, arguments), lambda k=kind, a=arguments: k(**{"verbose": 0, **a}))
    for name in public_methods(compare):
        for arguments in calls(getattr(compare, name), images):
            attempts.attempt(label(name, arguments), lambda n=name, a=arguments: getattr(compare(verbose=0), n)(**a))
    attempts.check(500)


def test_weights_that_cannot_be_downloaded_are_explained_in_few_words(
    workspace: Path, images: Path, backend: str
) -> None:
    ptf = Prototype("p", "pretrained", backend=backend, verbose=0)
    name = "squeezenet1_1" if backend == "pytorch" else "squeezenet1.1"
    with pytest.raises(
        PretrainedUnavailable, match=r"could not be downloaded .*put .* at .*use_pretrained=False"
    ) as caught:
        ptf.Default(images, model_name=name, use_pretrained=True, num_epochs=1)
    assert len(str(caught.value)) <= MAX_LENGTH
