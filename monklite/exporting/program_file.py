"""`predict.pyz`: one file that predicts from a bundle, made of the very modules of this package that it needs."""

from __future__ import annotations

import ast
import io
import stat
import sys
import zipfile
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import resolve_name
from pathlib import Path

from ..catalog.transforms import TRANSFORMS
from ..errors import ExportFailed
from ..regular_files import read_regular

ENTRY = "monklite.standalone.main"
# what is installed where it runs, beside Python's own modules
INSTALLED = frozenset(("numpy", "PIL", "onnxruntime", "pydantic", "pydantic_core"))
START = f"import sys\n\nfrom {ENTRY} import main\n\nsys.exit(main())\n"
PACKAGE = Path(__file__).parents[1]


@cache
def program() -> bytes:
    """The content of the file; the same for every bundle of this version of monklite.

    Raises:
        ExportFailed: one of its modules imports something that is not installed where it runs.
    """
    names = _closure([ENTRY, *sorted({row.decode.rpartition(".")[0] for row in TRANSFORMS.values() if row.decode})])
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, "__main__.py", START.encode())
        for name in sorted(names):
            path = _path(name)
            _add(archive, path.relative_to(PACKAGE.parent).as_posix(), read_regular(path))
    return file.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    # the default date (1980) and fixed attributes, so that the bytes depend on the content only
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (stat.S_IFREG | 0o644) << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(info, content)


def _closure(entries: list[str]) -> set[str]:
    """The names of all modules that the entries import, however indirectly, and of the packages that they are in."""
    found: set[str] = set()
    waiting = list(entries)
    while waiting:
        name = waiting.pop()
        parents = [name.rsplit(".", i)[0] for i in range(name.count(".") + 1)]
        for module in set(parents) - found:
            found.add(module)
            waiting += _imports(module)
    return found


def _imports(module: str) -> list[str]:
    """The modules of this package that a module imports, also in its functions.

    Raises:
        ExportFailed: it imports something that is not installed where the program runs.
    """
    path = _path(module)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    body, ours = ast.parse(read_regular(path)).body, []
    for name in _names(body, package, in_functions=True):
        if name.partition(".")[0] == PACKAGE.name:
            ours += [found for found in (name, name.rpartition(".")[0]) if _exists(found)][:1]
    for name in _names(body, package, in_functions=False):
        if name.partition(".")[0] not in sys.stdlib_module_names | INSTALLED | {PACKAGE.name}:
            raise ExportFailed(f"{module} imports {name}, which is not installed where a bundle is used")
    return ours


def _names(nodes: Iterable[ast.AST], package: str, in_functions: bool) -> Iterator[str]:
    """The full names that are imported, but for type checkers."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package)
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif not (_is_for_type_checkers(node) or (isinstance(node, ast.FunctionDef) and not in_functions)):
            yield from _names(ast.iter_child_nodes(node), package, in_functions)


def _is_for_type_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _path(module: str) -> Path:
    base = PACKAGE.parent.joinpath(*module.split("."))
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")


def _exists(module: str) -> bool:
    return _path(module).is_file()
