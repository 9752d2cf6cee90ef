"""The console: prints lines, blocks of rows and progress, in Monk's layout."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..printable import printable
from ..regular_files import read_regular
from ..training import progress


class Console:
    """Prints unless `verbose` is 0."""

    def __init__(self, verbose: int) -> None:
        self.verbose = verbose

    def say(self, text: str = "") -> None:
        """Print one line, and empty lines for line ends before and after it.

        Everything from outside that it may hold is made printable, line ends too, so that no name looks like another line.
        """
        line = text.strip("\n")
        before, _, after = text.partition(line) if line else ("", "", text)
        self._print(before + printable(line) + after)

    def table(self, rows: Sequence[Mapping[str, Any]], gap: str = "\n", **layout: Any) -> None:
        """Print a table of rows with the same keys, between `gap`; `layout`: options of `tabulate`."""
        from tabulate import tabulate

        cells = [[printable(v) if isinstance(v, str) else v for v in row.values()] for row in rows]
        titles = list(rows[0]) if rows else []
        self._print(f"{gap}{tabulate(cells, titles, disable_numparse=True, **layout)}{gap}")

    def _print(self, text: str) -> None:
        if not self.verbose:
            return
        try:
            print(text, flush=True)  # noqa: T201 (the one place that prints)
        # a terminal or file that cannot show a name
        except UnicodeEncodeError:
            encoding = sys.stdout.encoding or "ascii"
            print(text.encode(encoding, "replace").decode(encoding), flush=True)  # noqa: T201

    def block(self, title: str, rows: Mapping[str, Any] | None = None) -> None:
        """Print a title and indented rows, aligned, then an empty line."""
        self.say(title)
        width = max((len(key) for key in rows or {}), default=0) + 1
        for key, value in (rows or {}).items():
            self.say(f"    {key + ':':{width}} {value}")
        self.say()

    def numbered(self, names: Iterable[str]) -> None:
        """Print one name per line, with its number from 1."""
        for i, name in enumerate(names, 1):
            self.say(f"    {i}. {name}")

    def picture(self, source: bytes | Path) -> bool:
        """Show a PNG, its bytes or its file, below the cell, in a notebook; returns whether it was shown."""
        if not (self.verbose and progress.in_notebook()):
            return False
        content = read_regular(source) if isinstance(source, Path) else source
        shell = importlib.import_module("IPython.display")
        shell.display(shell.Image(data=content))
        return True

    def ticker(self, title: str) -> Callable[[int, int], None] | None:
        """A progress display to be called with the numbers of done and of all images; None if nothing is printed."""
        return _Ticker(title, self.say) if self.verbose else None


class _Ticker:
    """A progress bar in a terminal or notebook; elsewhere an occasional line."""

    def __init__(self, title: str, say: Callable[[str], None]) -> None:
        self.title, self.say = title, say
        self.bar: Any = None
        self.last_line_at = 0.0

    def __call__(self, done: int, total: int) -> None:
        if done == 1 or self.last_line_at == 0.0:
            self.bar, self.last_line_at = progress.bar(total, self.title), time.monotonic()
        if self.bar is not None:
            self.bar.update(done - self.bar.n)
            if done == total:
                self.bar.close()
        elif time.monotonic() - self.last_line_at > progress.LINE_EVERY:
            self.last_line_at = time.monotonic()
            self.say(f"{self.title} {done} of {total}")
