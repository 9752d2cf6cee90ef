"""The state of a run: the schema of `experiment-state.json`, with upgrades from older schemas."""

from __future__ import annotations

import json
import math
import re
from datetime import datetime, timezone
from typing import Any, Literal

from pydantic import Field, ValidationError

from ..errors import DamagedFile, MonkliteError, UnknownArgument, suggestion
from ..records import DatasetRecord, ModelRecord, Results, Testing
from ..spec import Frozen, Resolved, Spec, build
from .upgrades import UPGRADES

SCHEMA = 3
# characters that a terminal would interpret, and lone surrogates
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
Status = Literal["new", "running", "done", "failed", "interrupted"]


class RunState(Frozen):
    """Everything in `experiment-state.json`.

    `asked`: the settings as the user gave them; `resolved`: the settings that are used, None until the data are prepared.
    `origin`: project, experiment and version that the run was copied from.
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
    origin: tuple[str, str, int] | None = None
    asked: Spec = Spec()
    resolved: Resolved | None = None
    environment: dict[str, Any] = Field(default_factory=dict)
    dataset: DatasetRecord | None = None
    model: ModelRecord | None = None
    results: Results | None = None
    testing: Testing | None = None

    @property
    def spec(self) -> Spec | Resolved:
        """The settings that are used; before they are resolved, those that the user gave."""
        return self.resolved or self.asked

    @property
    def progress(self) -> str:
        """How far the training got: `is done`, `is interrupted after 1 of 8 epochs`, `has not been trained`."""
        if self.status == "new":
            return "has not been trained"
        if self.status == "done":
            return "is done"
        completed = self.results.epochs_completed if self.results else 0
        return f"is {self.status} after {completed} of {self.asked.training.epochs} epochs"

    def replace(self, **changes: Any) -> RunState:
        """Return a copy with changed fields; every value is checked.

        Raises:
            UnknownArgument: there is no such field. InvalidValue, InvalidType: a value that breaks its rule.
        """
        fields = [name for name in type(self).model_fields if name != "schema_version"]
        for name in changes:
            if name not in fields:
                raise UnknownArgument(f"a run's state has no field {name!r}.{suggestion(name, fields)}")
        return build(RunState, {**{name: getattr(self, name) for name in fields}, **changes})

    def to_json(self) -> str:
        """Serialize to valid JSON, also with infinite or NaN losses and folder names that are not valid Unicode."""
        text = json.dumps(_plain(self.model_dump(by_alias=True)), indent=2, ensure_ascii=False)
        return text.encode("utf-8", "backslashreplace").decode() + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    return value


def now() -> str:
    """The current time as ISO 8601 in UTC, to the second."""
    return datetime.now(timezone.utc).replace(microsecond=0).isoformat()


def parse(text: str, where: str) -> RunState:
    """Read a state, upgrading an older schema.

    Raises:
        DamagedFile: not JSON, not a state, or of a newer schema than this version of monklite knows.
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
        for old_schema in range(schema, SCHEMA):
            values = UPGRADES[old_schema](values)
        return build(RunState, values)
    except (MonkliteError, ValidationError, AttributeError, TypeError, ValueError, RecursionError) as error:
        raise DamagedFile(f"{where} is damaged: {error}") from None
