"""The order of classes: numbers as numbers in new runs, and the recorded order in runs that go on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from test_prototype import expert, state

from monklite import Prototype
from monklite.data import prepare
from monklite.data.class_order import in_order
from monklite.testing.datasets import draw_patterns

BY_TEXT, BY_NUMBER = ("0", "1", "10", "2"), ("0", "1", "2", "10")


def as_earlier_versions(classes: Sequence[str], recorded: Sequence[str] = ()) -> tuple[str, ...]:
    return tuple(sorted(classes))


@pytest.fixture
def numbered(tmp_path: Path) -> Path:
    """Four classes called 0, 1, 2 and 10, each of its own kind of pattern."""
    drawn = draw_patterns(tmp_path / "drawn", {"dots": 6, "rings": 6, "stripes": 6, "checks": 6})
    for name, number in zip(("dots", "rings", "stripes", "checks"), BY_NUMBER, strict=True):
        (drawn / name).rename(drawn / number)
    return drawn


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        (("10", "2", "1"), ("1", "2", "10")),
        (("-1", "0.5", "0.25", "+1"), ("-1", "0.25", "0.5", "+1")),
        (("1", "01", "10"), ("01", "1", "10")),
        (("b", "10", "a", "9"), ("9", "10", "a", "b")),
        (("class 10", "class 2"), ("class 10", "class 2")),
        (("nan", "inf", "1e3", "²"), ("1e3", "inf", "nan", "²")),
        (("9" * 400, "1" * 400), ("1" * 400, "9" * 400)),
    ],
)
def test_numbers_come_first_by_value_and_other_names_as_text(
    classes: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert in_order(classes) == expected


@given(st.sets(st.integers(-(10**6), 10**6)))
def test_whole_numbers_are_in_their_order(numbers: set[int]) -> None:
    assert in_order([str(n) for n in numbers]) == tuple(str(n) for n in sorted(numbers))


@given(st.sets(st.text()))
def test_any_names_have_one_order_and_the_recorded_one_is_kept(names: set[str]) -> None:
    ordered = in_order(sorted(names))
    assert in_order(sorted(names, reverse=True)) == ordered
    assert in_order(list(names), ordered[::-1]) == ordered[::-1]


def test_the_order_of_other_classes_is_not_taken() -> None:
    assert in_order(("2", "10"), ("10", "2", "3")) == ("2", "10")


def test_a_new_run_has_numeric_classes_in_the_order_of_numbers(workspace: Path, numbered: Path) -> None:
    ptf = expert(numbered, epochs=1)
    assert state().dataset.classes == BY_NUMBER
    ptf.Train()
    result = Prototype("p", "e", eval_infer=True, verbose=0)
    result.Dataset_Params(dataset_path=numbered)
    result.Dataset()
    _, by_class = result.Evaluate()
    assert tuple(by_class) == BY_NUMBER


def test_the_order_of_classes_does_not_change_the_split(workspace: Path, numbered: Path, monkeypatch) -> None:
    expert(numbered)
    with monkeypatch.context() as patch:
        patch.setattr(prepare, "in_order", as_earlier_versions)
        expert(numbered, experiment="old")
    assert state("old").dataset.classes == BY_TEXT
    assert state("old").dataset.fingerprint == state("e").dataset.fingerprint


def test_a_run_of_an_earlier_version_resumes_with_identical_weights(
    workspace: Path, numbered: Path, monkeypatch
) -> None:
    from monklite.training.recording import Record

    original = Record.epoch_end

    def stop(self, loop, row):
        original(self, loop, row)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(prepare, "in_order", as_earlier_versions)
        expert(numbered, experiment="whole", epochs=2).Train()
        interrupted = expert(numbered, experiment="cut", epochs=2)
        patch.setattr(Record, "epoch_end", stop)
        with pytest.raises(KeyboardInterrupt):
            interrupted.Train()
    Prototype("p", "cut", resume_train=True, verbose=0).Train()
    assert state("cut").dataset.classes == BY_TEXT
    whole, resumed = (Prototype("p", name, eval_infer=True, verbose=0).model.state_dict() for name in ("whole", "cut"))
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)


def test_a_copy_keeps_the_order_that_the_weights_have(workspace: Path, numbered: Path, monkeypatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(prepare, "in_order", as_earlier_versions)
        expert(numbered, experiment="old", epochs=1).Train()
    ptf = Prototype("p", "copy", copy_from=["p", "old"], verbose=0)
    ptf.Reload()
    assert state("copy").dataset.classes == BY_TEXT
    assert state("copy").model.weights == "copied from p/old/v001"


def test_a_run_of_an_earlier_version_is_evaluated_by_name(workspace: Path, numbered: Path, monkeypatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(prepare, "in_order", as_earlier_versions)
        expert(numbered, experiment="old", epochs=1).Train()
    ptf = Prototype("p", "old", eval_infer=True, verbose=0)
    ptf.Dataset_Params(dataset_path=numbered)
    ptf.Dataset()
    samples = ptf._evaluation.prepare().evaluated
    assert samples.classes == BY_TEXT
    assert all(BY_TEXT[label] == path.split("/")[0] for path, label in zip(samples.paths, samples.labels, strict=True))
