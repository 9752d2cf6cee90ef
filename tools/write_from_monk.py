"""Write `docs/from-monk.md`: every method of Monk v1, and what became of it.

    python tools/write_from_monk.py

`monk_v1_methods.csv` holds Monk's methods and their arguments, `from_monk_notes.csv` what changed in some of them; the rest
comes from the methods themselves. A test checks that the file is up to date.
"""

from __future__ import annotations

import csv
import inspect
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from monklite import Prototype

TOOLS = Path(__file__).parent
PAGE = TOOLS.parent / "docs" / "from-monk.md"
OUTCOMES = {"works": "works", "better": "works better", "replaced": "replaced", "missing": "not yet"}
PLURALS = {"works": "work", "better": "work better"}
BACKENDS = {"pytorch": "PyTorch", "mxnet": "MXNet", "both": "both"}
HEAD = (TOOLS / "from_monk_head.md").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Method:
    """A method of Monk. `backends`: `both`, `pytorch` or `mxnet`. `arguments`: as in its definition, without `self`."""

    section: str
    name: str
    backends: str
    arguments: str
    arguments_on_mxnet: str

    def signature(self, on_mxnet: bool = False) -> inspect.Signature:
        """Monk's signature, without `self`."""
        arguments = self.arguments_on_mxnet if on_mxnet and self.arguments_on_mxnet else self.arguments
        namespace: dict[str, object] = {}
        # our own file, which holds nothing but definitions
        exec(f"def method({arguments}): pass", namespace)  # noqa: S102
        return inspect.signature(namespace["method"])  # type: ignore[arg-type]


def methods() -> list[Method]:
    """Monk's methods, in the order of its own chapters."""
    with (TOOLS / "monk_v1_methods.csv").open(newline="", encoding="utf-8") as file:
        return [
            Method(r["section"], r["method"], r["backends"], r["arguments"], r["arguments_on_mxnet"])
            for r in csv.DictReader(file)
        ]


def notes() -> dict[str, tuple[str, str]]:
    """Method -> what became of it, and a note."""
    with (TOOLS / "from_monk_notes.csv").open(newline="", encoding="utf-8") as file:
        return {r["method"]: (r["outcome"], r["note"]) for r in csv.DictReader(file)}


def page() -> str:
    """The text of the page."""
    known = methods()
    counts = Counter(_outcome(m) for m in known)
    told = ", ".join(f"{counts[k]} {PLURALS.get(k, title)}" for k, title in OUTCOMES.items() if counts[k])
    sections = "\n".join(_section(title, list(group)) for title, group in groupby(known, lambda m: m.section))
    return f"{HEAD}\n## Every method\n\nOf Monk's {len(known)} methods {told}.\n\n{sections}"


def _section(title: str, group: list[Method]) -> str:
    lines = [f"### {title}", "", "| method | here | backends | what changed, and why |", "| --- | --- | --- | --- |"]
    return "\n".join([*lines, *(_line(method) for method in group), ""])


def _line(method: Method) -> str:
    note = " ".join(filter(None, (notes().get(method.name, ("", ""))[1], " ".join(_new_arguments(method)))))
    return (
        f"| `{method.name}` | {OUTCOMES[_outcome(method)]} | {_backends(method)} | {note.replace('|', chr(92) + '|')} |"
    )


def _outcome(method: Method) -> str:
    outcome = notes().get(method.name, ("", ""))[0]
    if outcome == "replaced":
        return outcome
    if not hasattr(Prototype, method.name):
        return "missing"
    return outcome or "works"


def _here(method: Method) -> str:
    """The backends that have it here, as the docstrings of the methods made from rows say."""
    found = re.search(r"^\s*Backends: (.*)\.$", getattr(Prototype, method.name).__doc__ or "", re.MULTILINE)
    names = found.group(1).split(", ") if found else ["pytorch", "mxnet"]
    return "both" if {"pytorch", "mxnet"} <= set(names) else names[0]


def _backends(method: Method) -> str:
    if not hasattr(Prototype, method.name):
        return ""
    here = BACKENDS[_here(method)]
    return here if _here(method) == method.backends else f"{here} (Monk: {BACKENDS[method.backends]})"


def _new_arguments(method: Method) -> Iterator[str]:
    """Yield the arguments that Monk's method did not have."""
    if method.name == "__init__" or not hasattr(Prototype, method.name):
        return
    known = {"self", *method.signature().parameters}
    new = [f"`{name}`" for name in inspect.signature(getattr(Prototype, method.name)).parameters if name not in known]
    if new:
        yield f"New: {', '.join(new)}."


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
