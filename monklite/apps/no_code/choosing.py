"""The choice of a network and of how it learns, within a time on this machine: "choose for me". It is that of `Choose`.

python -m monklite.apps.no_code.choosing WORKSPACE PROJECT MINUTES RESULT
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...errors import PretrainedUnavailable
from ...facade.prototype import Prototype
from ...sweeps.choosing.result import Choice
from ...sweeps.choosing.setup import MIRRORED, NONE, TURNED
from .choices import BACKEND, Choices
from .own_files import write_json
from .places import Places
from .projects import Project
from .scripts import SPLIT

# the experiment whose looks and short trainings these are; it is never trained itself
MEASURED = "choosing"
VARIATIONS = {NONE: (), TURNED: ("turn", "light"), MIRRORED: ("turn", "light", "mirror")}


def choose(places: Places, project: Project, minutes: float) -> tuple[Choices, list[str]]:
    """The choices, and the reasons for them in sentences.

    Raises:
        MonkliteError: the pictures cannot be used, or no network can be trained.
    """
    opened = Prototype(project.name, MEASURED, BACKEND, workspace=places.root)
    opened.Dataset_Params(dataset_path=str(project.images("train")), split=SPLIT)
    # the form has no learning rate
    given: dict[str, Any] = {"time": f"{minutes:.6f}min", "train": False, "rates": ()}
    try:
        return _choices(choice := opened.Choose(**given)), [*choice.reasons]
    except PretrainedUnavailable as error:
        choice = opened.Choose(**given, use_pretrained=False)
        return _choices(choice), [f"The networks begin from random weights, and learn less: {error}", *choice.reasons]


def _choices(choice: Choice) -> Choices:
    setup = choice.setup
    return Choices(
        model=setup.network,
        epochs=choice.epochs,
        whole=setup.whole,
        pretrained=setup.pretrained,
        size=setup.size,
        variations=VARIATIONS[setup.varied],
        early_stopping=choice.early_stopping or None,
    )


def main(arguments: Sequence[str]) -> None:
    root, name, minutes, result = arguments
    places = Places(root)
    choices, reasons = choose(places, places.project(name), float(minutes))
    found: dict[str, Any] = {"choices": choices.model_dump(), "reasons": reasons, "minutes": float(minutes)}
    write_json(Path(result), found)


if __name__ == "__main__":
    main(sys.argv[1:])
