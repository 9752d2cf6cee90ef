"""Write `monklite/facade/row_methods.pyi`, which shows editors and type checkers the methods that are generated from rows.

    python tools/write_stubs.py

A test checks that the file is up to date.
"""

from __future__ import annotations

import inspect
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from monklite.facade.row_methods import RowMethods

STUB = Path(__file__).parents[1] / "monklite" / "facade" / "row_methods.pyi"
WIDTH = 105  # of a docstring's lines, so that they fit with their indent
HEAD = '''"""Written by tools/write_stubs.py: do not edit."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from .vocabulary import VocabularyMethods

class RowMethods(VocabularyMethods):
    """The methods generated from the catalog's rows."""

'''


def stub() -> str:
    """The text of the stub file, formatted as `ruff format` does."""
    text = HEAD + "\n".join(_method(name, method) for name, method in _methods())
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(STUB), "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def _methods() -> Iterator[tuple[str, Callable[..., Any]]]:
    yield from ((name, method) for name, method in vars(RowMethods).items() if not name.startswith("_"))


def _method(name: str, method: Callable[..., Any]) -> str:
    signature = inspect.signature(method)
    arguments = ", ".join(_argument(parameter) for parameter in signature.parameters.values())
    lines = [part for line in inspect.cleandoc(method.__doc__ or "").split("\n") for part in _wrapped(line)]
    doc = textwrap.indent("\n".join(lines) + ("\n" if len(lines) > 1 else ""), " " * 8).lstrip()
    end = " " * 8 if len(lines) > 1 else ""
    return f'    def {name}({arguments}) -> {signature.return_annotation}:\n        """{doc}{end}"""\n'


def _wrapped(line: str) -> list[str]:
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    return textwrap.wrap(line, WIDTH, subsequent_indent=indent if line.startswith(" ") else "") or [""]


def _argument(parameter: inspect.Parameter) -> str:
    annotation = "" if parameter.annotation is inspect.Parameter.empty else f": {parameter.annotation}"
    default = "" if parameter.default is inspect.Parameter.empty else f" = {parameter.default!r}"
    return f"{parameter.name}{annotation}{default}"


if __name__ == "__main__":
    STUB.write_text(stub(), encoding="utf-8")
