"""What is known of a run: the schema of `experiment-state.json`, with upgrades from older ones."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any, Literal

from pydantic import Field, ValidationError

from .errors import DamagedFile, MonkliteError
from .spec import Frozen, Spec, build

SCHEMA = 1
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")  # characters that a terminal would obey
Status = Literal["new", "running", "done", "failed", "interrupted"]
# One step each: UPGRADES[n] turns a state of schema n into one of schema n + 1.
UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}


class DatasetRecord(Frozen):
    """The images of a run. `fingerprint`: SHA-256 over every file's name, class and size.

    Odd ones, as `health.Report.counts` has them: `unreadable` are left out, the others are used; `passed_over` are no images.
    """

    classes: tuple[str, ...]
    train_counts: tuple[int, ...]
    val_counts: tuple[int, ...]
    fingerprint: str
    unreadable: int = 0
    passed_over: int = 0
    converted: int = 0
    enlarged: int = 0
    copies: int = 0
    leaked: int = 0
    conflicting: int = 0

    @property
    def n_train(self) -> int:
        return sum(self.train_counts)

    @property
    def n_val(self) -> int:
        return sum(self.val_counts)


class ModelRecord(Frozen):
    """The network as it was trained, or as built so far.

    `weights`: where its first weights came from. `methods`: what makes its computing faster, or repeatable, as chosen for
    the device, such as `channels last`, `fused optimizer`, `TF32 convolutions`, `compiled`.
    """

    parameters: int
    trainable_parameters: int
    layers: int
    trainable_layers: int
    weights: str
    device: str
    precision: str
    methods: tuple[str, ...] = ()


class Results(Frozen):
    """What training gave. Accuracies 0 to 1; memory in MiB, None where it was not measured."""

    epochs_completed: int
    train_accuracy: float
    train_loss: float
    val_accuracy: float
    val_loss: float
    best_val_accuracy: float
    best_epoch: int
    train_seconds: float
    images_per_second: float
    gpu_process_mib: float | None = None
    gpu_framework_mib: float | None = None
    process_mib: float | None = None
    batch_size: int | None = None  # at the end: smaller than the spec's where memory was short


class ClassResult(Frozen):
    """One class of a test set."""

    num_images: int
    num_correct: int


class Testing(Frozen):
    """One evaluation on a test set. `interval`: 95 % Wilson interval of the accuracy, 0 to 1."""

    dataset_path: str
    fingerprint: str
    weights: str
    num_images: int
    num_correct: int
    accuracy: float
    interval: tuple[float, float]
    majority_accuracy: float
    classes: dict[str, ClassResult]
    confusion: tuple[tuple[int, ...], ...]
    unreadable: int = 0


class RunState(Frozen):
    """Everything in `experiment-state.json`."""

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
    spec: Spec = Spec()
    environment: dict[str, Any] = Field(default_factory=dict)
    dataset: DatasetRecord | None = None
    model: ModelRecord | None = None
    results: Results | None = None
    testing: Testing | None = None

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
    while schema < SCHEMA:
        values = UPGRADES[schema](values)
        schema += 1
    try:
        return build(RunState, values)
    except (MonkliteError, ValidationError, RecursionError) as error:
        raise DamagedFile(f"{where} is damaged: {error}") from None
