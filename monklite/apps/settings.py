"""How a server answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .gate import SECONDS
from .inference_queue import WAITING

# of a request, with all its pictures
MOST_BYTES = 64 << 20


@dataclass(frozen=True)
class Settings:
    """How a server answers.

    `keys`: one of which a request must have; none: programs of this machine are answered, if `is_local`, the server listening
    to this machine alone. `queue`: pictures that may wait. `allow_url`: pictures are fetched from addresses that clients name.
    `keep_in`: the workspace in which pictures are kept; None: they are not. `project_id`, `published_name`: in the addresses of
    Custom Vision's routes; "": made from the names of the model. `most_bytes`: of a request. `seconds`: in which it has to come.
    """

    keys: tuple[bytes, ...] = ()
    is_local: bool = True
    queue: int = WAITING
    allow_url: bool = False
    keep_in: Path | None = None
    project_id: str = ""
    published_name: str = ""
    most_bytes: int = MOST_BYTES
    seconds: float = SECONDS
