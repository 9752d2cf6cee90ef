"""Every method of Monk v1 can be called as Monk's own definition says, and the page about it is up to date."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

import pytest

from monklite import Prototype

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))
try:
    import write_from_monk
finally:
    sys.path.pop(0)

METHODS = write_from_monk.methods()
# Monk's layers and activations took names only, so that another argument may come before `uid`
BY_NAME_ONLY = {"Custom network: layers", "Custom network: activations"}


def test_all_of_monks_methods_are_listed_once() -> None:
    assert len({method.name for method in METHODS}) == len(METHODS) == 217


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_a_call_with_monks_arguments_fits(method: write_from_monk.Method) -> None:
    if write_from_monk.notes().get(method.name, ("", ""))[0] == "replaced":
        return
    here = list(inspect.signature(getattr(Prototype, method.name)).parameters)[1:]
    for on_mxnet in (False, True):
        monks = list(method.signature(on_mxnet).parameters)
        if method.name == "__init__":
            monks, here = ["verbose"], ["verbose", *here]
        found = [name for name in here if name in monks] if method.section in BY_NAME_ONLY else here[: len(monks)]
        assert found == monks, "the same names in the same order, so that calls by position mean the same"


def test_a_note_is_about_a_method_of_monk() -> None:
    assert set(write_from_monk.notes()) <= {method.name for method in METHODS}
    assert {outcome for outcome, _ in write_from_monk.notes().values()} <= set(write_from_monk.OUTCOMES)


def test_the_page_is_up_to_date() -> None:
    assert write_from_monk.PAGE.read_text(encoding="utf-8") == write_from_monk.page(), (
        "run python tools/write_from_monk.py"
    )
