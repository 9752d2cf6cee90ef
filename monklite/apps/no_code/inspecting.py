"""A look at the pictures of a project, as a process of its own: what is odd, what is there twice, and what would fool a network.

python -m monklite.apps.no_code.inspecting WORKSPACE PROJECT
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...catalog import resolve
from ...catalog.default_recipes import default_spec
from ...data.exploration import Exploration, explore
from ...errors import DatasetError
from ...facade.console import Console
from ...runs.state import now
from ...spec import SPLIT, Folders
from . import effects
from .choices import BACKEND
from .own_files import write_json
from .places import Places
from .projects import PARTS, Project

# how many times as many pictures the largest class may have as the smallest before it is worth a word
MUCH_IMBALANCE = 3.0
# with fewer pictures of a class hardly anything can be learnt
FEW = 20
MAX_LISTED = 100


def inspect(places: Places, project: Project) -> dict[str, Any]:
    """The stored report on the pictures.

    Raises:
        DatasetError, NotFound: they are not a dataset, as the message says.
    """
    counts = {part: project.counts(part) for part in PARTS}
    problem, parts = "", [part for part in PARTS if counts[part]]
    if len(parts) == len(PARTS) and (strange := sorted(set(counts["test"]) - set(counts["train"]))):
        problem = f"The pictures to test with have classes that are not learnt: {', '.join(strange)}."
        parts = ["train"]
    sources = tuple(Folders(path=str(project.images(part))) for part in parts)
    spec = resolve(default_spec(BACKEND).replace({"data.sources": sources}))
    try:
        found = explore(spec, places.workspace.cache, corrupt=True, tick=_progress())
    except DatasetError as error:
        if len(parts) < len(PARTS):
            raise
        problem = f"The pictures to test with were not looked at: {error}."
        spec = spec.replace({"data.sources": sources[:1]})
        found = explore(spec, places.workspace.cache, corrupt=True, tick=_progress())
    warnings = [problem] if problem else []
    return {
        "made": now(),
        "counts": counts,
        "warnings": [*warnings, *_warnings(found)],
        "facts": list(_facts(found)),
        "unreadable": dict(list(found.corrupt.items())[:MAX_LISTED]),
        "copies": [list(group[:MAX_LISTED]) for group in found.copies[:MAX_LISTED]],
        "near": [_named(row, len(parts) > 1) for row in found.near_copies[:MAX_LISTED]],
        "n_near": len(found.near_copies),
    }


def _warnings(found: Exploration) -> Iterator[str]:
    """Sentences about what makes a training worse, or look better than it is."""
    totals = found.totals
    if few := [f"{name} ({n})" for name, n in totals.items() if n < FEW]:
        yield f"Few pictures: {', '.join(few)}. Fifty of each class are a good beginning, hundreds are better."
    if found.imbalance >= MUCH_IMBALANCE:
        most, least = max(totals, key=totals.__getitem__), min(totals, key=totals.__getitem__)
        yield (
            f"{most} has {found.imbalance:.1f} times as many pictures as {least}: the share of right answers alone says little "
            "then; look at each class in the report."
        )
    if n := len(found.corrupt):
        yield f"{n} {'picture' if n == 1 else 'pictures'} cannot be read and will be left out; they are listed below."
    if n := sum(len(group) - 1 for group in found.copies):
        yield f"{n} {'picture is' if n == 1 else 'pictures are'} there more than once, with the same bytes."
    if leaked := [row for row in found.near_copies if row["subset"] != row["other_subset"]]:
        yield (
            f"{len(leaked)} of the pictures to test with are nearly the same as pictures to learn from, which makes the test "
            "look better than it is: take them out."
        )
    if wrong := [row for row in found.near_copies if row["class"] != row["other_class"]]:
        yield f"{len(wrong)} pairs of nearly the same picture are in two classes: one of the two is wrong."
    yield from (f"{giveaway[:1].upper()}{giveaway[1:].rstrip('.')}." for giveaway in found.giveaways)


def _facts(found: Exploration) -> Iterator[str]:
    if found.sizes:
        (small_w, small_h), (large_w, large_h) = found.sizes["smallest"], found.sizes["largest"]
        yield f"The smallest picture has {small_w} × {small_h} px, the largest {large_w} × {large_h} px."
    yield f"Formats: {', '.join(f'{n} {name}' for name, n in found.formats.items()) or 'none'}."
    if not found.near_copies:
        yield "No picture is nearly the same as another one."
    else:
        yield f"{len(found.near_copies)} pictures are nearly the same as another one (saved again, resized, cropped or mirrored)."
    if not found.giveaways:
        yield "Nothing but what the pictures show was found to tell the classes apart (size, format, brightness, borders)."


def _named(row: Mapping[str, str], has_test: bool) -> dict[str, str]:
    """A pair of near copies, whose subsets have the names that the pages use."""
    parts = dict(zip(SPLIT, PARTS, strict=True)) if has_test else {}
    subsets = {key: parts.get(row[key], "train") for key in ("subset", "other_subset")}
    return {**row, **subsets}


def _progress() -> Any:
    """Prints how far it is, a line for each tenth."""
    said = [0]

    def tick(done: int, total: int) -> None:
        if 10 * done // total > said[0]:
            said[0] = 10 * done // total
            Console(1).say(f"{done} of {total} pictures")

    return tick


def main(arguments: Sequence[str]) -> None:
    places = Places(arguments[0])
    project = places.project(arguments[1])
    write_json(project.findings, inspect(places, project))
    Console(1).say("drawing what variations do")
    effects.draw(project)


if __name__ == "__main__":
    main(sys.argv[1:])
