"""The choice of a network and of rounds, by the number of pictures, the time that there is, and this machine: "choose for me".

python -m monklite.apps.no_code.choosing WORKSPACE PROJECT MINUTES RESULT
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ...durations import duration
from ...facade.console import Console
from ...facade.prototype import Prototype
from .choices import BACKEND, INPUT_SIZE, PATIENCE, SIZES, Choices, Size
from .own_files import write_json
from .places import Places
from .projects import Project
from .scripts import SPLIT

# with fewer pictures of all classes, a larger network learns them by heart: the largest size that is tried
LARGEST = ((300, "small"), (3000, "medium"))
# the more pictures, the fewer rounds it takes until nothing more is learnt: up to so many pictures, so many rounds
ROUNDS = ((500, 20), (5000, 12), (float("inf"), 6))
LEAST_ROUNDS = 3
# of the time that there is: the rest is for reading pictures, the report, and a machine that has other things to do
USED = 0.8
# the experiment in which it is measured; it is never trained
MEASURED = "choosing"

# seconds of a round: of a network, all layers or the head alone
SecondsOf = Callable[[Size, bool], float]


def choose(n_pictures: int, minutes: float, seconds_of: SecondsOf) -> tuple[Choices, list[str]]:
    """The choices, and the reasons for them in sentences."""
    wanted = next(rounds for most, rounds in ROUNDS if n_pictures <= most)
    largest = next((name for most, name in LARGEST if n_pictures < most), SIZES[-1].name)
    sizes = SIZES[: [size.name for size in SIZES].index(largest) + 1]
    reasons = [
        f"There are {n_pictures:,} pictures, for which a {largest} network is the largest that makes sense, and about {wanted} "
        "rounds."
    ]
    budget = 60 * USED * minutes
    for size in reversed(sizes):
        seconds = seconds_of(size, True)
        reasons.append(f"On this machine {size.model} takes about {duration(seconds)} for each round.")
        rounds = min(wanted, int(budget / seconds))
        if rounds >= LEAST_ROUNDS and (rounds == wanted or size is sizes[0]):
            reasons.append(_fits(size, rounds, rounds * seconds, minutes))
            return _choices(size, rounds, True), reasons
    size = sizes[0]
    seconds = seconds_of(size, False)
    rounds = max(LEAST_ROUNDS, min(wanted, int(budget / seconds)))
    reasons.append(
        f"To train all of its layers would take longer than {minutes:g} minutes, so only the last one is trained, which takes "
        f"about {duration(seconds)} for each round: {rounds} rounds"
        f"{', which may take longer than you said' if rounds * seconds > 60 * minutes else ''}."
    )
    return _choices(size, rounds, False), reasons


def _fits(size: Size, rounds: int, seconds: float, minutes: float) -> str:
    return f"So: {size.model} with {rounds} rounds, about {duration(seconds)} of the {minutes:g} minutes that you gave."


def _choices(size: Size, rounds: int, whole: bool) -> Choices:
    stopping = PATIENCE if rounds > PATIENCE else None
    return Choices(model=size.model, epochs=rounds, whole=whole, early_stopping=stopping, variations=("turn", "light"))


def measured(places: Places, project: Project) -> SecondsOf:
    """Measures some steps of each network on the project's own pictures, as a training would take them."""

    def seconds_of(size: Size, whole: bool) -> float:
        Console(1).say(f"measuring {size.model}")
        opened = Prototype(project.name, MEASURED, BACKEND, workspace=places.root, verbose=0)
        opened.Dataset_Params(dataset_path=str(project.images("train")), split=SPLIT, input_size=INPUT_SIZE)
        opened.Dataset()
        opened.Model_Params(model_name=size.model, freeze_base_network=not whole, use_pretrained=False)
        opened.Model()
        return opened.get_training_estimate()

    return seconds_of


def main(arguments: Sequence[str]) -> None:
    root, name, minutes, result = arguments
    places = Places(root)
    project = places.project(name)
    n_pictures = sum(project.counts("train").values())
    choices, reasons = choose(n_pictures, float(minutes), measured(places, project))
    found: dict[str, Any] = {"choices": choices.model_dump(), "reasons": reasons, "minutes": float(minutes)}
    write_json(Path(result), found)


if __name__ == "__main__":
    main(sys.argv[1:])
