"""Settings at the ends of what is accepted, as calls of the façade: each parameter alone, in pairs, and beside other settings."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from extremes import ends, inner

from monklite.catalog import LOSSES, OPTIMIZERS, SCHEDULES, SETTINGS, TRANSFORMS
from monklite.catalog.rows import REQUIRED, Parameter, Row
from monklite.rules import Rule
from monklite.settings_tree import rule_of
from monklite.spec import Spec

REQUIRED_VALUES = {
    "learning_rate": 0.01, "step_size": 1, "milestones": [1], "gamma": 0.5, "degrees": 10, "input_size": 32,
}  # fmt: skip
KINDS: tuple[tuple[str, Mapping[str, Row]], ...] = (
    ("optimizer", OPTIMIZERS), ("lr", SCHEDULES), ("loss", LOSSES), ("apply", TRANSFORMS),
)  # fmt: skip
# they download, compile for minutes, or take a text that other tests attack
LEFT_OUT = ("use_pretrained", "compile", "group")
# values of settings that are tried with the ends of each optimizer and of each other
COMPANIONS = {
    "batch_size": (1, 3, 2**31 - 1), "ema_decay": (5e-324, 1 - 2**-53), "precision": ("bfloat16", "float16"),
    "freeze_base_network": (True,), "freeze_layers": (1, 2**31 - 1), "deterministic": (True,), "seed": (2**31 - 1,),
    "input_size": (21, 47), "stored_size": (1, 500), "num_epochs": (1, 2**31 - 1), "early_stopping": (1, 2**31 - 1),
    "shuffle_data": (False,), "num_processors": (1, 2**31 - 1), "trainval_split": (0.01, 0.99),
}  # fmt: skip


@dataclass(frozen=True)
class Call:
    """A method of the façade and its arguments."""

    method: str
    arguments: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.method}({', '.join(f'{name}={value!r}' for name, value in self.arguments.items())})"


@dataclass(frozen=True)
class Extreme:
    """Calls of the façade, some of whose arguments are extreme."""

    calls: tuple[Call, ...]

    def __str__(self) -> str:
        return ", ".join(map(str, self.calls))


def settings(backend: str) -> Iterator[Extreme]:
    """Every parameter of each optimizer, schedule, loss and transform of a backend, at each end."""
    for prefix, row, parameters in _rows(backend):
        for parameter in parameters:
            for value in ends(parameter.rule):
                yield Extreme((_call(prefix, row, {parameter.name: value}),))


def more_settings(backend: str) -> Iterator[Extreme]:
    """The values between the ends, pairs of parameters at their ends, settings of the data and the training, and mixtures."""
    for prefix, row, parameters in _rows(backend):
        for parameter in parameters:
            for value in inner(parameter.rule):
                yield Extreme((_call(prefix, row, {parameter.name: value}),))
        for first, second in itertools.combinations(parameters, 2):
            for values in itertools.product(_outer(first.rule), _outer(second.rule)):
                yield Extreme((_call(prefix, row, {first.name: values[0], second.name: values[1]}),))
    yield from _of_settings()
    yield from _of_optimizers(backend)
    yield from _of_transforms(backend)


def _rows(backend: str) -> Iterator[tuple[str, Row, list[Parameter]]]:
    """Every row of a backend with the prefix of its method, and the parameters that the backend has."""
    for prefix, rows in KINDS:
        for row in rows.values():
            if row.is_available(backend):
                yield prefix, row, [p for p in row.parameters if row.supports(backend, p)]


def _call(prefix: str, row: Row, values: Mapping[str, Any]) -> Call:
    right: dict[str, Any] = {p.name: REQUIRED_VALUES[p.name] for p in row.parameters if p.default is REQUIRED}
    if prefix == "apply":
        right |= {"train": True, "val": not getattr(row, "random", False)}
    return Call(f"{prefix}_{row.name}", {**right, **values})


def _outer(rule: Rule) -> list[Any]:
    """The first and the last of the values at the ends, for pairs."""
    values = ends(rule)
    return [values[0], values[-1]]


def _of_settings() -> Iterator[Extreme]:
    """Each setting of the data, the network and the training at its ends and between them, and pairs of settings."""
    for name, setting in SETTINGS.items():
        rule = rule_of(Spec, setting.path)
        if name not in LEFT_OUT and rule is not None:
            for value in (*ends(rule), *inner(rule)):
                yield Extreme((_update(name, value),))
    for first, second in itertools.combinations(COMPANIONS, 2):
        for values in itertools.product(COMPANIONS[first], COMPANIONS[second]):
            yield Extreme((_update(first, values[0]), _update(second, values[1])))


def _update(name: str, value: Any) -> Call:
    return Call(f"update_{name}", {SETTINGS[name].argument: value})


def _of_optimizers(backend: str) -> Iterator[Extreme]:
    """The largest and the smallest learning rate of each optimizer, with other settings."""
    for row in OPTIMIZERS.values():
        if row.is_available(backend):
            for name in ("ema_decay", "precision", "batch_size", "freeze_base_network"):
                for rate, value in itertools.product((1e-30, 1.0, 1e30), COMPANIONS[name]):
                    yield Extreme((_call("optimizer", row, {"learning_rate": rate}), _update(name, value)))


def _of_transforms(backend: str) -> Iterator[Extreme]:
    """Two transforms after each other, each at one of its ends."""
    pairs = itertools.permutations([(row, ps) for prefix, row, ps in _rows(backend) if prefix == "apply"], 2)
    for number, ((first, firsts), (second, seconds)) in enumerate(pairs):
        choose: Callable[[list[Any]], Any] = lambda values, n=number: values[n % len(values)]  # noqa: E731
        yield Extreme(
            tuple(
                _call("apply", row, {p.name: choose(ends(p.rule)) for p in parameters[:1] if ends(p.rule)})
                for row, parameters in ((first, firsts), (second, seconds))
            )
        )
