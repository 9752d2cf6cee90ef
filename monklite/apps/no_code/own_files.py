"""The small files of the pages themselves: JSON, replaced whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ...errors import DamagedFile, NotFound
from ...files import write_bytes
from ...regular_files import MAX_JSON_BYTES, read_regular


def read_json(path: Path) -> dict[str, Any]:
    """The content of one of the pages' own files.

    Raises:
        NotFound: there is none. DamagedFile: it cannot be read.
    """
    try:
        values = json.loads(read_regular(path, MAX_JSON_BYTES))
    except FileNotFoundError:
        raise NotFound(f"{path} is not there") from None
    except (OSError, ValueError) as error:
        raise DamagedFile(f"{path} is damaged and cannot be read ({error})") from None
    if not isinstance(values, dict):
        raise DamagedFile(f"{path} is damaged: it holds no values")
    return values


def write_json(path: Path, values: dict[str, Any]) -> None:
    write_bytes(path, as_json(values))


def as_json(values: dict[str, Any]) -> bytes:
    """The content of a file that `read_json` reads."""
    # file names in the texts need not be valid UTF-8
    return json.dumps(values, indent=2, ensure_ascii=False).encode("utf-8", "surrogateescape")
