"""The printed messages about near copies of images, classes that can be told without looking at them, and labels in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..data import leaks
from ..data.leaks import CONFLICTING, COPIES, LEAKED, Leaks
from ..data.samples import Samples
from ..data.shortcuts import Giveaway
from ..records import DatasetRecord
from ..runs.file_names import NEAR_DUPLICATES
from ..spec import SPLIT, ModelSpec
from ..training.label_check import SHEET, TABLE, Doubt
from .console import Console

# labels that can be told, and pairs, properties and labels in doubt that are shown
MAX_GIVEAWAYS, MAX_PAIRS, MAX_PROPERTIES, MAX_DOUBTS = 3, 5, 8, 10
PAIR = "{path} ({subset}) and {other_path} ({other_subset}), similarity {similarity}: {difference}"
# count -> its description, for one image and for several
TEXTS = {
    LEAKED: (
        "Warning: {n} image of validation is a near copy of a training image: validation looks better than it is",
        "Warning: {n} images of validation are near copies of training images: validation looks better than it is",
    ),
    COPIES: (
        "{n} image is a near copy of another one of its subset",
        "{n} images are near copies of others of their subset",
    ),
    CONFLICTING: (
        "Warning: {n} image has a near copy in another class: one of the two labels may be wrong",
        "Warning: {n} images have a near copy in another class: one of the two labels may be wrong",
    ),
}


def recorded(console: Console, record: DatasetRecord, table: Path) -> None:
    """Print what was found among the images of a run, unless it is nothing. `table`: the file that lists the near copies."""
    counts = {kind: getattr(record, kind) for kind in TEXTS}
    lines = [TEXTS[kind][n > 1].format(n=n) for kind, n in counts.items() if n]
    if lines:
        lines[-1] += f" (near copies: {leaks.listed(record.near_differences)}; listed in {table})"
    lines += [f"Note: {giveaway}" for giveaway in record.giveaways[:MAX_GIVEAWAYS]]
    if len(record.giveaways) > MAX_GIVEAWAYS:
        lines.append(f"... and so can {len(record.giveaways) - MAX_GIVEAWAYS} more labels: see Check_Data()")
    for line in lines:
        console.say(f"    {line}")
    if lines:
        console.say()


def checked(console: Console, samples: Samples, known: Leaks, folder: Path) -> None:
    """Print all that was found, with figures. `folder`: of the run."""
    console.say("Data check: Near copies")
    lines = [PAIR.format(**row) for row in leaks.as_rows(samples, known.near[:MAX_PAIRS])]
    none = f"none beside {known.n_alike:,} images that are all alike, see the note" if known.n_alike else "none"
    for line in lines or [none]:
        console.say(f"    {line}")
    if len(known.near) > MAX_PAIRS:
        console.say(f"    ... and {len(known.near) - MAX_PAIRS} more, in {folder / NEAR_DUPLICATES}")
    console.say()
    console.say("Data check: What the class can be told from without looking at what the images show")
    for giveaway in (*known.giveaways[:MAX_GIVEAWAYS], *known.properties[:MAX_PROPERTIES]):
        console.say(f"    {_figures(giveaway, giveaway in known.properties)}")
    if not known.giveaways:
        console.say("    not tried: fewer than two classes have enough images, of two groups at least")
    console.say()
    if known.remark:
        console.say(f"    Note: {known.remark}\n")


def _figures(giveaway: Giveaway, alone: bool) -> str:
    label = f"label {giveaway.label!r}: " if giveaway.label else ""
    what = f"{giveaway.traits[0]} alone" if alone else f"properties together, above all {', '.join(giveaway.traits)}"
    by_chance = f"p = {giveaway.p_value:.3f}" if giveaway.p_value > 0.001 else "p <= 0.001"
    return f"{label}{what}: {giveaway.accuracy:.1%} (chance {giveaway.chance:.1%}, {by_chance})"


def doubts(console: Console, samples: Samples, found: Sequence[Doubt], logs: Path, model: ModelSpec) -> None:
    """Print which labels are contradicted. `logs`: the folder of the table and the pictures."""
    n_images = sum(len(samples.rows_of(subset)) for subset in SPLIT)
    console.say("Label check: Labels that the prediction without them contradicts")
    for doubt in found[:MAX_DOUBTS]:
        scores = f"{doubt.label_score:.0%} against {doubt.suggested_score:.0%}"
        console.say(f"    {samples.paths[doubt.row]}: {doubt.label} or {doubt.suggested}? ({scores})")
    console.say(f"    {len(found)} of {n_images} images, listed in {logs / TABLE}")
    if found:
        console.say(f"    Pictures: {logs / SHEET}")
    if not (model.pretrained or model.weights_path or model.is_own):
        console.say(
            "    Note: the network has random weights, which tell images apart badly: use_pretrained=True judges better"
        )
    console.say()
