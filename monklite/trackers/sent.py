"""What of a run each tracker has already, kept in the run's folder, so that nothing is written twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from pydantic import Field

from ..files import write_text
from ..record_rules import COUNT, MAX_TEXT
from ..regular_files import MAX_JSON_BYTES, read_regular
from ..rules import Text
from ..settings_tree import Frozen

# hidden: not part of an exported run, which other people's trackers do not know
FILE = ".trackers.json"


class Sent(Frozen):
    """What a tracker has of a run.

    `id`: by which the tracker finds it, `where`: it is, for people. `epochs`: that it has. `status`: of the end; "": not ended.
    """

    id: Annotated[str, Text(0, MAX_TEXT)] = ""
    where: Annotated[str, Text(0, MAX_TEXT)] = ""
    epochs: Annotated[int, COUNT] = 0
    status: Annotated[str, Text(0, MAX_TEXT)] = ""


class _Record(Frozen):
    trackers: dict[str, Sent] = Field(default_factory=dict)


def read(folder: Path) -> dict[str, Sent]:
    """By the name of the tracker. A file that is missing, damaged or not from here holds nothing."""
    try:
        return dict(_Record(**json.loads(read_regular(folder / FILE, MAX_JSON_BYTES))).trackers)
    # ValueError: also of what pydantic refuses
    except (OSError, ValueError, TypeError, RecursionError):
        return {}


def write(folder: Path, name: str, sent: Sent) -> None:
    """Keep what one tracker has. Raises StorageError."""
    record = _Record(trackers={**read(folder), name: sent})
    write_text(folder / FILE, json.dumps(record.model_dump(), indent=1))
