"""The table of analyses: Monk's `Analyse_*`, each of which trains an experiment for every value of one setting."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidType, InvalidValue, find, shown
from ..rules import Flag, Number, Rule, Text
from ..setting_ranges import BATCH_SIZE_RANGE, FREEZE_LAYERS_RANGE, INPUT_SIZE_RANGE, SPLIT_RANGE
from ..spec import Resolved
from .models import in_the_table
from .optimizers import LEARNING_RATE, OPTIMIZERS

Changes = dict[str, Any]


@dataclass(frozen=True)
class AnalysisRow:
    """One analysis: `Analyse_<name>(analysis_name, <argument>, ...)`.

    `title`: its printed name. `rule`: of one value. `changes`: the settings that a value stands for, by dotted path, given the
    settings of the open experiment. `experiment`: the name of the experiment of a value.
    """

    name: str
    argument: str
    title: str
    doc: str
    rule: Rule
    changes: Callable[[Resolved, Any], Changes]
    experiment: Callable[[Any], str]

    def values(self, given: object) -> tuple[Any, ...]:
        """The checked values.

        Raises:
            InvalidType, InvalidValue: no list, an empty one, a value that breaks its rule, or one that is there twice.
        """
        if isinstance(given, (str, Mapping)) or not isinstance(given, Sequence) or not given:
            raise InvalidType(f"{self.argument} must be a list of values, not {shown(given)}: each is {self.rule}")
        values = tuple(self.rule(f"{self.argument}[{i}]", value) for i, value in enumerate(given))
        names = [self.experiment(value) for value in values]
        twice = [value for i, value in enumerate(values) if names[i] in names[:i]]
        if twice:
            raise InvalidValue(f"{self.argument} has {shown(twice[0])} twice")
        return values


@dataclass(frozen=True)
class Together(Rule):
    """Several values of different kinds in a list, such as `["resnet18", True, False]`."""

    parts: tuple[tuple[str, Rule], ...]

    @property
    def annotation(self) -> str:
        return "Sequence[object]"

    def check(self, value: object) -> tuple[Any, ...]:
        if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != len(self.parts):
            raise TypeError("another form")
        return tuple(rule(name, part) for (name, rule), part in zip(self.parts, value, strict=True))

    def __str__(self) -> str:
        return f"[{', '.join(name for name, _ in self.parts)}]"


def with_learning_rate(spec: Resolved, rate: float) -> Changes:
    """The settings that give the optimizer of a spec another learning rate."""
    chosen = spec.training.optimizer
    values = {**chosen.params, LEARNING_RATE.name: rate}
    return {"training.optimizer": OPTIMIZERS[chosen.name].choose(spec.backend, values)}


def _with_optimizer(spec: Resolved, name: str, rate: float | None = None) -> Changes:
    """The settings for an optimizer with its defaults, and the rate of the present one unless another is given."""
    row = find("optimizer", name.removeprefix("optimizer_"), OPTIMIZERS)
    present = spec.training.optimizer.params[LEARNING_RATE.name]
    return {"training.optimizer": row.choose(spec.backend, {LEARNING_RATE.name: present if rate is None else rate})}


def _set(path: str) -> Callable[[Resolved, Any], Changes]:
    return lambda spec, value: {path: value}


def _with_model(spec: Resolved, value: tuple[str, bool, bool]) -> Changes:
    name, freeze, pretrained = value
    frozen = {"model.freeze_base": freeze, "model.freeze_layers": 0}
    return {**in_the_table(name), **frozen, "model.pretrained": pretrained, "model.weights_path": ()}


def _named(form: str) -> Callable[[Any], str]:
    return lambda value: _safe(form.format(value))


def _name_of_model(value: tuple[str, bool, bool]) -> str:
    name, freeze, pretrained = value
    return _safe(
        f"Model_{name}_({'freeze_base' if freeze else 'unfreeze_base'})_({'pretrained' if pretrained else 'uninitialized'})"
    )


def _safe(name: str) -> str:
    """A name that a folder can have: names of networks may hold a slash."""
    return re.sub(r"[^\w\-.@+=,() ]", "_", name)


class Anything(Rule):
    """A value that is checked where it is used."""

    @property
    def annotation(self) -> str:
        return "Any"

    def check(self, value: Any) -> Any:
        return value

    def __str__(self) -> str:
        return "a value of the setting"


def of_setting(path: str, changes: Callable[[Any], Changes]) -> AnalysisRow:
    """The analysis of any setting. `changes`: the settings that a value stands for."""
    short = path.rpartition(".")[2]
    return AnalysisRow(
        "",
        "values",
        path,
        "",
        Anything(),
        lambda spec, value: changes(value),
        lambda value: _safe(f"{short}_{value}"[:90]),
    )


MODEL_PARTS = (("name", Text()), ("freeze", Flag()), ("pretrained", Flag()))
OPTIMIZER_WITH_RATE = (("name", Text()), ("learning rate", LEARNING_RATE.rule))

# fmt: off
ANALYSES = {row.name: row for row in (
    AnalysisRow("Learning_Rates", "lr_list", "Learning rate", "Compare learning rates of the optimizer.",
                LEARNING_RATE.rule, with_learning_rate, _named("Learning_Rate_{}")),
    AnalysisRow("Input_Sizes", "inp_size_list", "Input size", "Compare sizes of the images, px.", INPUT_SIZE_RANGE,
                _set("data.input_size"), _named("Input_Size_{}")),
    AnalysisRow("Batch_Sizes", "batch_size_list", "Batch size", "Compare numbers of images per step.", BATCH_SIZE_RANGE,
                _set("data.batch_size"), _named("Batch_Size_{}")),
    AnalysisRow("Models", "model_list", "Model",
                "Compare networks: each value is `[name, freeze the base, pretrained]`. Optimizer and learning rate "
                "are those of the recipe for each, unless they were chosen.", Together(MODEL_PARTS), _with_model,
                _name_of_model),
    AnalysisRow("Optimizers", "optimizer_list", "Optimizer",
                "Compare optimizers by name, with their defaults and the present learning rate.", Text(),
                _with_optimizer, _named("Optimizer_{}")),
    AnalysisRow("Optimizers_With_LR", "optimizer_list", "Optimizer",
                "Compare optimizers, each with a learning rate: each value is `[name, learning rate]`.",
                Together(OPTIMIZER_WITH_RATE), lambda spec, value: _with_optimizer(spec, *value),
                lambda value: _safe(f"Optimizer_{value[0]}_LR_{value[1]}")),
    AnalysisRow("Trainval_Splits", "split_list", "Trainval split",
                "Compare shares of the images that are used for training. The validation images differ, and so their "
                "accuracies cannot be compared as those of the other analyses can.", SPLIT_RANGE, _set("data.split"),
                _named("Trainval_split{}")),
    AnalysisRow("Freeze_Layers", "num_list", "Freeze layers",
                "Compare numbers of first layers that are not trained; with 0, all are trained.", FREEZE_LAYERS_RANGE,
                lambda spec, value: {"model.freeze_layers": value, "model.freeze_base": False},
                _named("Freeze_Layers_{}")),
)}
# fmt: on
PERCENT = Number(above=0, most=100)
