"""The printed messages of `EDA` and `Dataset_Percent`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..data.exploration import WHOLE, Exploration
from ..spec import Source, Table
from .console import Console
from .leak_messages import PAIR
from .messages import MAX_CLASSES_SHOWN, MAX_FILES_SHOWN, odd_files

# from which on it is worth a word how many more images the largest class has
MUCH_IMBALANCE = 3.0


def exploration(console: Console, found: Exploration, missing: bool, corrupt: bool) -> None:
    """Print an exploration. `missing`, `corrupt`: whether such files were asked for."""
    console.say("EDA: Class imbalance")
    totals = found.totals
    for i, (name, counts) in enumerate(list(found.counts.items())[:MAX_CLASSES_SHOWN], 1):
        parts = ", ".join(f"{subset} {n}" for subset, n in counts.items())
        console.say(f"    {i}. Class: {name}, Number: {totals[name]}{'' if WHOLE in counts else f' ({parts})'}")
    if len(totals) > MAX_CLASSES_SHOWN:
        console.say(f"    ... and {len(totals) - MAX_CLASSES_SHOWN} more classes, in the value that EDA() returns")
    if found.unlabelled:
        console.say(f"    Without a label: {found.unlabelled} of {found.n_images} images")
    if found.imbalance >= MUCH_IMBALANCE:
        console.say(
            f"    The largest class has {found.imbalance:.1f} times as many images as the smallest: accuracy alone says little, "
            "and update_weighted_sampling(True) shows rare classes more often"
        )
    console.say()
    sizes = {name: f"{width} x {height} px" for name, (width, height) in found.sizes.items()}
    console.block("EDA: Images", {"Number": found.n_images, **_titled(sizes), **_kinds(found)})
    odd_files(console, {**found.odd, "unreadable": 0 if corrupt else found.odd["unreadable"]}, (), None)
    if missing:
        _listed(console, "EDA: Check Missing", found.missing)
    if corrupt:
        _listed(console, "EDA: Check Corrupt", found.corrupt.values())
        _listed(console, "EDA: Near copies", (PAIR.format(**row) for row in found.near_copies))
        for giveaway in found.giveaways:
            console.say(f"    Note: {giveaway}\n")


def _titled(sizes: Mapping[str, str]) -> dict[str, str]:
    return {f"{name.capitalize()} image": size for name, size in sizes.items()}


def _kinds(found: Exploration) -> dict[str, str]:
    kinds = {"Formats": found.formats, "Colours": found.modes}
    return {title: ", ".join(f"{kind} {n}" for kind, n in counts.items()) or "none" for title, counts in kinds.items()}


def _listed(console: Console, title: str, files: Iterable[str]) -> None:
    listed = list(files)
    console.say(title)
    for file in listed[:MAX_FILES_SHOWN]:
        console.say(f"    {file}")
    if len(listed) > MAX_FILES_SHOWN:
        console.say(f"    ... and {len(listed) - MAX_FILES_SHOWN} more, in the value that EDA() returns")
    console.say("    none\n" if not listed else f"    {len(listed)} in all\n")


def sampled(console: Console, subset: str, path: Path, n_chosen: int, n_images: int) -> None:
    console.say(f"Sampled {subset} images: {n_chosen} of {n_images}, listed in {path}")


def how_to_use(console: Console, sources: Sequence[Source], sampled: Sequence[Table]) -> None:
    """Print the call that uses sampled tables."""
    folders, listed, table = [source.path for source in sources], [source.csv for source in sampled], sampled[0]
    arguments = [
        f"dataset_path={(folders[0] if len(folders) == 1 else folders)!r}",
        f"path_to_csv={(listed[0] if len(listed) == 1 else listed)!r}",
    ]
    settled = sources[0].label_delimiter == "" if isinstance(sources[0], Table) else False
    if table.label_columns:
        arguments.append(f"label_column={list(table.label_columns)!r}")
    elif table.label_delimiter or settled:
        arguments.append(f"label_delimiter={table.label_delimiter!r}")
    console.say(f"    To use them: Dataset_Params({', '.join(arguments)})\n")
