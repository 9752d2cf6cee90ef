"""The state of a run: the schema of `experiment-state.json`, with upgrades from older schemas."""

from __future__ import annotations

import json
import math
import re
from datetime import datetime, timezone
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ..catalog import stored
from ..decisions import OperatingPoint, Unsure, ValidationRecord
from ..errors import DamagedFile, InvalidValue, MonkliteError, UnknownArgument, cut, shown, suggestion
from ..record_rules import MAX_LABEL, MOMENT, NAME, NOTE, NUMBER_FROM_1, TAG, TEXT, ErrorText, Notes
from ..records import DatasetRecord, ModelRecord, Results, Testing
from ..rules import ListOf, OrNone
from ..settings_tree import Frozen, build
from ..spec import Resolved, Spec
from ..tasks import NO_LABEL, SEPARATOR, TASKS, Task
from .file_names import is_name
from .upgrades import UPGRADES

SCHEMA = 3
# the settings in a state: no giant number or text
NESTED = Notes(most=MAX_LABEL)
# characters of a message that say why a state is refused
MAX_REASON = 300
# characters that a terminal would interpret, and lone surrogates
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
Status = Literal["new", "running", "done", "failed", "interrupted"]


class RunState(Frozen):
    """Everything in `experiment-state.json`.

    `asked`: the settings as the user gave them; `resolved`: the settings that are used, None until the data are prepared.
    `origin`: project, experiment and version that the run was copied from. `tags`, `notes`: the user's own words about it.
    """

    schema_version: int = Field(default=SCHEMA, alias="schema")
    project: Annotated[str, TEXT]
    experiment: Annotated[str, TEXT]
    version: Annotated[int, NUMBER_FROM_1]
    status: Status = "new"
    created: Annotated[str, MOMENT]
    started: Annotated[str | None, OrNone(MOMENT)] = None
    ended: Annotated[str | None, OrNone(MOMENT)] = None
    error: Annotated[str | None, OrNone(ErrorText())] = None
    origin: tuple[Annotated[str, NAME], Annotated[str, NAME], Annotated[int, NUMBER_FROM_1]] | None = None
    asked: Spec = Spec()
    resolved: Resolved | None = None
    environment: Annotated[dict[str, Any], Notes()] = Field(default_factory=dict)
    dataset: DatasetRecord | None = None
    model: ModelRecord | None = None
    results: Results | None = None
    testing: Testing | None = None
    tags: Annotated[tuple[str, ...], ListOf(TAG)] = ()
    notes: Annotated[tuple[str, ...], ListOf(NOTE)] = ()
    validation: ValidationRecord | None = None
    operating_point: OperatingPoint | None = None
    unsure: Unsure | None = None

    @model_validator(mode="after")
    def _settings_can_be_stored(self) -> RunState:
        for name in ("asked", "resolved"):
            if (spec := getattr(self, name)) is not None:
                NESTED(name, spec.model_dump())
        return self

    @model_validator(mode="after")
    def _records_fit(self) -> RunState:
        if self.dataset is None:
            return self
        task, classes = TASKS[self.dataset.label_type], self.dataset.classes
        if self.operating_point is not None and (reason := self.operating_point.misfit(classes, task.exclusive)):
            raise InvalidValue(f"operating_point: {reason}")
        if self.unsure is not None and (reason := self.unsure.misfit(classes)):
            raise InvalidValue(f"unsure: {reason}")
        for name, record in (("results", self.results), ("testing", self.testing)):
            if record is not None and not _is_prediction(record.only_prediction, task, classes):
                raise InvalidValue(
                    f"{name}: only_prediction {shown(record.only_prediction)} is not of the run's classes"
                )
        if self.testing is not None:
            if self.testing.evaluation and not is_name(self.testing.evaluation):
                raise InvalidValue(f"testing: {shown(self.testing.evaluation)} is not the name of an evaluation")
            strange = [name for name in self.testing.classes if name not in classes]
            if strange:
                raise InvalidValue(f"testing: {shown(strange[0])} is not one of the run's classes")
            if self.testing.confusion and len(self.testing.confusion) != len(classes):
                raise InvalidValue(
                    f"testing: the confusion matrix has {len(self.testing.confusion)} rows for {len(classes)} classes"
                )
        return self

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
        return as_json(self.model_dump(by_alias=True), indent=2)


def _is_prediction(text: str, task: type[Task], classes: tuple[str, ...]) -> bool:
    """Whether a text can be the prediction of an image; `""`: none is recorded."""
    if not text or text in classes:
        return True
    return not task.exclusive and (text == NO_LABEL or {*text.split(SEPARATOR)} <= {*classes})


def as_json(values: Any, indent: int | None = None) -> str:
    """Valid JSON, also of infinite or NaN numbers, which become text, and folder names that are not valid Unicode."""
    text = json.dumps(_plain(values), indent=indent, ensure_ascii=False)
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
        reason = cut(str(error), MAX_REASON)
        raise DamagedFile(
            f"{where} is damaged and cannot be read ({reason}); the other versions are not affected"
        ) from None
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise DamagedFile(f"{where} is damaged: its schema is {shown(schema)}")
    if schema > SCHEMA:
        raise DamagedFile(
            f"{where} was written by a newer monklite (schema {shown(schema)}, known: {SCHEMA}); upgrade monklite"
        )
    try:
        for old_schema in range(schema, SCHEMA):
            values = UPGRADES[old_schema](values)
        return _with_checked_choices(build(RunState, values))
    except (
        MonkliteError,
        AttributeError,
        TypeError,
        ValueError,
        LookupError,
        ArithmeticError,
        RecursionError,
    ) as error:
        # a KeyError's text is the key alone
        reason = str(error) if isinstance(error, MonkliteError) else f"{type(error).__name__}: {error}"
        raise DamagedFile(f"{where} is damaged: {cut(reason, MAX_REASON)}") from None


def _with_checked_choices(state: RunState) -> RunState:
    resolved = stored.checked(state.resolved) if state.resolved else None
    return state.model_copy(update={"asked": stored.checked(state.asked), "resolved": resolved})
