"""What is known of a run: the schema of `experiment-state.json`, with upgrades from older ones."""

from __future__ import annotations

import json
import math
import re
from datetime import datetime, timezone
from typing import Any, Literal

from pydantic import Field, ValidationError

from ..errors import DamagedFile, MonkliteError
from ..records import DatasetRecord, ModelRecord, Results, Testing
from ..spec import Frozen, Resolved, Spec, build
from .upgrades import UPGRADES

SCHEMA = 2
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")  # characters that a terminal would obey
Status = Literal["new", "running", "done", "failed", "interrupted"]


class RunState(Frozen):
    """Everything in `experiment-state.json`.

    `asked`: the settings as the user gave them; `resolved`: what is computed with, None before data were prepared.
    """

    schema_version: int = Field(default=SCHEMA, alias="schema")
    project: str
    experiment: str
    version: int
    status: Status = "new"
    created: str
    started: str | None = None
    ended: str | None = None
    error: str | None = None
    origin: tuple[str, str, int] | None = None  # project, experiment, version that it was copied from
    asked: Spec = Spec()
    resolved: Resolved | None = None  # once data were prepared
    environment: dict[str, Any] = Field(default_factory=dict)
    dataset: DatasetRecord | None = None
    model: ModelRecord | None = None
    results: Results | None = None
    testing: Testing | None = None

    @property
    def spec(self) -> Spec | Resolved:
        """What is computed with; what was asked for as long as nothing is."""
        return self.resolved or self.asked

    def replace(self, **changes: Any) -> RunState:
        """A copy with other fields; every value is checked.

        Raises:
            UnknownArgument: there is no such field. InvalidValue, InvalidType: a value that breaks its rule.
        """
        values = {name: getattr(self, name) for name in type(self).model_fields if name != "schema_version"}
        return build(RunState, {**values, **changes})

    def to_json(self) -> str:
        """Valid JSON whatever is in it: a loss that became infinite, a folder whose name is no valid text."""
        text = json.dumps(_plain(self.model_dump(by_alias=True)), indent=2, ensure_ascii=False)
        return text.encode("utf-8", "backslashreplace").decode() + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    return value


def now() -> str:
    """The time as ISO 8601 in UTC, to the second."""
    return datetime.now(timezone.utc).replace(microsecond=0).isoformat()


def parse(text: str, where: str) -> RunState:
    """Read a state, upgrading an older schema.

    Raises:
        DamagedFile: not JSON, not a state, or of a schema newer than this version of monklite knows.
    """
    try:
        values = json.loads(text)
        schema = values["schema"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise DamagedFile(
            f"{where} is damaged and cannot be read ({error}); the other versions are not affected"
        ) from None
    if not isinstance(schema, int) or schema < 1:
        raise DamagedFile(f"{where} is damaged: its schema is {schema!r}")
    if schema > SCHEMA:
        raise DamagedFile(
            f"{where} was written by a newer monklite (schema {schema}, known: {SCHEMA}); upgrade monklite"
        )
    try:
        for older in range(schema, SCHEMA):
            values = UPGRADES[older](values)
        return build(RunState, values)
    except (MonkliteError, ValidationError, AttributeError, TypeError, ValueError, RecursionError) as error:
        raise DamagedFile(f"{where} is damaged: {error}") from None
