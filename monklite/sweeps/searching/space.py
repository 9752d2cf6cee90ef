"""The space of a search: the settings that vary, with their ranges or choices."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...catalog import image_sizes, resolve, stored
from ...catalog.candidates import CANDIDATES, candidates
from ...catalog.models import find_model, network_row
from ...choices import Choice
from ...errors import InvalidType, InvalidValue, MonkliteError, find, shown
from ...experiment import Experiment
from ...spec import Spec
from .varied import VARIATION, VARIATIONS, transforms

if TYPE_CHECKING:
    from optuna.trial import BaseTrial

LOG = "log"
# a multiple of the learning rate of the network's recipe, so that networks can be compared
RATE = "learning_rate_factor"
LEARNING_RATE = "training.optimizer.params.learning_rate"
# the choices of rows whose parameters can be searched over though the recipe chooses the row
ROWS = tuple(stored.TRAINING)
# networks of similar cost
NEAR = 2.5
MOST_NETWORKS = 4
SIZE_STEP = 32
MOST_CHOICES = 100


@dataclass(frozen=True)
class Dimension:
    """A setting that varies.

    `path`: dotted, or `RATE` or `VARIATION`. `choices`: its values; (): it is a number from `low` to `high`, on a logarithmic
    scale if `log`, whole if `whole`.
    """

    path: str
    choices: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    whole: bool = False

    def suggest(self, trial: BaseTrial) -> Any:
        """The value of a trial."""
        if self.choices:
            # Optuna stores texts and numbers only
            texts = [_text(choice) for choice in self.choices]
            return self.choices[texts.index(trial.suggest_categorical(self.path, texts))]
        if self.whole:
            return trial.suggest_int(self.path, int(self.low), int(self.high), log=self.log)
        return trial.suggest_float(self.path, self.low, self.high, log=self.log)

    def ends(self) -> tuple[Any, ...]:
        """The values that are tried out before anything is trained."""
        if self.choices:
            return self.choices
        return (int(self.low), int(self.high)) if self.whole else (self.low, self.high)

    def __str__(self) -> str:
        if self.choices:
            return f"{self.path}: {', '.join(map(_text, self.choices))}"
        return f"{self.path}: {self.low:g} to {self.high:g}{', logarithmic' if self.log else ''}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def of_user(space: Any) -> tuple[Dimension, ...]:
    """The space that a user gives: path -> a list of choices, or `(low, high)` or `(low, high, "log")`.

    Raises:
        InvalidType, InvalidValue: it is none.
    """
    if not isinstance(space, Mapping) or not space:
        raise InvalidType(
            "space must be a dictionary such as {'training.optimizer.params.learning_rate': (1e-4, 1e-1, 'log'), "
            f"'model.name': ['resnet18', 'densenet121']}}, not {shown(space)}"
        )
    return tuple(_dimension(path, given) for path, given in space.items())


def _dimension(path: Any, given: Any) -> Dimension:
    if not isinstance(path, str):
        raise InvalidType(f"space: a setting is named by a text such as 'model.name', not {shown(path)}")
    if isinstance(given, list):
        return Dimension(path, choices=_choices(path, given))
    if not isinstance(given, tuple) or len(given) not in (2, 3):
        raise InvalidType(
            f"space: {path} must be a list of choices, (low, high) or (low, high, 'log'), not {shown(given)}"
        )
    low, high, *scale = given
    for value in (low, high):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise InvalidType(f"space: the ends of {path} must be numbers, not {shown(value)}; choices are a list")
    if scale not in ([], [LOG]):
        raise InvalidValue(f"space: the third value of {path} can only be 'log', not {shown(scale[0])}")
    if low >= high:
        raise InvalidValue(f"space: {path} must go from a smaller to a larger number, not from {low:g} to {high:g}")
    if scale and low <= 0:
        raise InvalidValue(f"space: {path} is logarithmic, so it must begin above 0, not at {low:g}")
    return Dimension(path, (), low, high, bool(scale), isinstance(low, int) and isinstance(high, int))


def _choices(path: str, given: list[Any]) -> tuple[Any, ...]:
    texts = []
    for value in given:
        if not isinstance(value, (str, int, float, bool, list, tuple, type(None))):
            raise InvalidType(
                f"space: choices of {path} must be texts, numbers, True, False or None, not {shown(value)}"
            )
        texts.append(_text(value))
    if len({*texts}) < len(texts) or not 2 <= len(texts) <= MOST_CHOICES:
        raise InvalidValue(
            f"space: {path} needs at least two different choices, and at most {MOST_CHOICES}, not {shown(given)}"
        )
    return tuple(given)


def usual(base: Experiment) -> tuple[Dimension, ...]:
    """The space for those who give none: rate, weight decay, network, size, augmentation, freezing and label smoothing."""
    asked, resolved = base.requested, resolve(base.requested)
    found = [Dimension(RATE, (), 0.1, 10.0, log=True)]
    if "weight_decay" in resolved.training.optimizer.params:
        found.append(Dimension("training.optimizer.params.weight_decay", (), 1e-6, 1e-2, log=True))
    if "label_smoothing" in resolved.training.loss.params:
        found.append(Dimension("training.loss.params.label_smoothing", (), 0.0, 0.2))
    # other networks have other layers
    if not (
        asked.model.is_own or asked.model.layers or asked.model.appended or asked.model.weights_path or base.origin
    ):
        found.extend(_of_networks(asked))
    # of a network of the user's own no normalization is known
    if not (asked.model.is_own or asked.model.layers):
        found.append(Dimension(VARIATION, tuple(VARIATIONS)))
    if not asked.model.freeze_layers and not asked.training.head_epochs:
        found.append(Dimension("model.freeze_base", (True, False)))
    return tuple(found)


def _of_networks(asked: Spec) -> list[Dimension]:
    own = find_model(asked.model.name, asked.backend).name
    costs = {candidate.name: candidate.cost for candidate in CANDIDATES}
    cost = costs.get(own)
    near = [
        c.name
        for c in sorted(candidates(asked.backend), key=lambda c: abs(math.log(c.cost / (cost or 1.0))))
        if cost and 1 / NEAR <= c.cost / cost <= NEAR and c.name != own
    ]
    found = [Dimension("model.name", (own, *near[: MOST_NETWORKS - 1]))] if near else []
    size = resolve(asked).data.input_size
    least = find_model(own, asked.backend).min_size
    sizes = sorted({max(SIZE_STEP, SIZE_STEP * round(size * share / SIZE_STEP)) for share in (0.75, 1, 1.25)} | {size})
    fitting = [px for px in sizes if px >= least]
    if len(fitting) > 1 and asked.backend not in network_row(asked.model, asked.backend).fixed_size:
        found.append(Dimension("data.input_size", tuple(fitting)))
    return found


def changes(base: Experiment, values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a trial, by dotted path. `values`: by the path of the dimension.

    Raises:
        MonkliteError: there is no such setting, or its value cannot be used.
    """
    plain = {p: v for p, v in values.items() if not p.startswith(_of_rows()) and p not in (RATE, VARIATION)}
    asked = base.requested.replace(plain)
    if VARIATION in values:
        plain["data.transforms"] = transforms(asked, values[VARIATION])
    # the recipe of the trial's own network fills in what the space does not name
    resolved = resolve(base.requested.replace(plain))
    for row in ROWS:
        prefix = f"training.{row}.params."
        params = {p.removeprefix(prefix): v for p, v in values.items() if p.startswith(prefix)}
        choice: Choice = getattr(resolved.training, row)
        if row == "optimizer" and RATE in values:
            params["learning_rate"] = choice.params["learning_rate"] * values[RATE]
        if params:
            kind, rows = stored.TRAINING[row]
            plain[f"training.{row}"] = find(kind, choice.name, rows).choose(asked.backend, {**choice.params, **params})
    return plain


def _of_rows() -> tuple[str, ...]:
    return tuple(f"training.{row}.params." for row in ROWS)


def check(base: Experiment, dimensions: Sequence[Dimension], common: Mapping[str, Any]) -> None:
    """Try out the ends and choices of each setting, before anything is trained.

    Raises:
        MonkliteError: one cannot be used; the message names it.
    """
    names = {dimension.path for dimension in dimensions}
    if {RATE, LEARNING_RATE} <= names:
        raise InvalidValue(f"space: give {RATE} or {LEARNING_RATE}, not both")
    for dimension in dimensions:
        for value in dimension.ends():
            try:
                image_sizes.check_smallest(resolve(base.checked({**common, **changes(base, {dimension.path: value})})))
            except MonkliteError as error:
                raise type(error)(f"space: {dimension.path}: {error}") from None
