"""Methods generated from the catalog's rows: `optimizer_*`, `lr_*`, `loss_*`, `apply_*`, `append_*`, `update_*`, `study_*`,
`Analyse_*` and `List_*`, and the layers, activations and blocks of a user's own network.

Signature and docstring come from the row; `help()` and notebooks show them. Editors and type checkers read
`row_methods.pyi`, which `python tools/write_stubs.py` generates from the same methods.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..catalog import (
    ACTIVATIONS,
    ANALYSES,
    APPENDED,
    BLOCKS,
    LAYERS,
    LOSSES,
    OPTIMIZERS,
    SCHEDULES,
    SETTINGS,
    TRANSFORMS,
)
from ..catalog.analyses import AnalysisRow
from ..catalog.layers import ALIASES
from ..catalog.rows import REQUIRED, Row
from ..catalog.studies import STUDIES
from ..catalog.update_methods import Setting
from ..settings_tree import rule_of
from ..spec import SUBSETS, Spec
from .analysis import DEFAULT_EPOCHS, KEEP_ALL, AnalysisMethods
from .checks import api
from .studies import StudyMethods

POSITIONAL_OR_KEYWORD = inspect.Parameter.POSITIONAL_OR_KEYWORD
CHOICES: tuple[tuple[str, str, str, Mapping[str, Row]], ...] = (
    # prefix of the method, field of the spec, title of the message, rows
    ("optimizer", "training.optimizer", "Optimizer", OPTIMIZERS),
    ("lr", "training.schedule", "Learning rate scheduler", SCHEDULES),
    ("loss", "training.loss", "Loss", LOSSES),
)
LISTED: Mapping[str, Mapping[str, Row]] = {
    "Optimizers": OPTIMIZERS,
    "Schedulers": SCHEDULES,
    "Losses": LOSSES,
    "Transforms": TRANSFORMS,
    "Layers_Custom_Model": LAYERS,
    "Activations": ACTIVATIONS,
    "Activations_Custom_Model": ACTIVATIONS,
    "Blocks": BLOCKS,
    "Layers_Transfer_Learning": {name: row for name, row in APPENDED.items() if row.layer.name in LAYERS},
    "Activations_Transfer_Learning": {name: row for name, row in APPENDED.items() if row.layer.name in ACTIVATIONS},
}


class RowMethods(AnalysisMethods, StudyMethods):
    """One method per row; `_install_all` adds them."""


def _analyse_parameters(row: AnalysisRow) -> list[inspect.Parameter]:
    return [
        _parameter("analysis_name", REQUIRED, "str"),
        _parameter(row.argument, REQUIRED, f"Sequence[{row.rule.annotation}]"),
        _parameter("percent_data", REQUIRED, "float"),
        _parameter("num_epochs", DEFAULT_EPOCHS, "int"),
        _parameter("state", KEEP_ALL, "str"),
    ]


ANALYSE_ARGUMENTS = """

Each is trained as an experiment of its own, in the project `analysis_name`, with the settings of the open experiment. A call that
is repeated, for example after it was stopped, trains only what is not finished.

Args:
    analysis_name: name of the project of these experiments; their comparison is `Comparison_<analysis_name>`.
    {argument}: the values; each is {rule}.
    percent_data: share of the images of each class that is used, in %.
    num_epochs: passes over the training images.
    state: `keep_all`, or `keep_none` to remove the experiments after they are compared.

Returns:
    For each experiment the figures of its last epoch: `training_accuracy`, `validation_accuracy` (0 to 1), `training_loss`,
    `validation_loss` and `training_time` (seconds of all epochs); NaN for one whose training failed.
"""


def _analyse_doc(row: AnalysisRow) -> str:
    return row.doc + ANALYSE_ARGUMENTS.format(argument=row.argument, rule=row.rule)


def _parameter(name: str, default: Any, annotation: str) -> inspect.Parameter:
    value = inspect.Parameter.empty if default is REQUIRED else default
    return inspect.Parameter(name, POSITIONAL_OR_KEYWORD, default=value, annotation=annotation)


def _parameters(row: Row) -> list[inspect.Parameter]:
    return [_parameter(p.name, p.default, p.rule.annotation) for p in row.parameters]


def _doc(row: Row, extra: str = "") -> str:
    arguments = "".join(f"\n    {p.name}: {p.doc}; {p.rule}." for p in row.parameters) + extra
    return row.doc + (f"\n\nArgs:{arguments}\n" if arguments else "") + f"\nBackends: {', '.join(row.backends())}.\n"


def _install(
    name: str,
    parameters: list[inspect.Parameter],
    doc: str,
    returns: str,
    implementation: Callable[..., Any],
    *row: Any,
) -> None:
    """Put a method on the class, with its name, signature and docstring.

    `implementation` is called with the experiment, `row` and the arguments that were given, by name.
    """
    with_self = [inspect.Parameter("self", POSITIONAL_OR_KEYWORD), *parameters]
    signature = inspect.Signature(with_self, return_annotation=returns)

    def called(*args: Any, **kwargs: Any) -> Any:
        arguments = signature.bind(*args, **kwargs).arguments
        return implementation(arguments.pop("self"), *row, arguments)

    called.__name__, called.__qualname__, called.__doc__ = name, f"prototype.{name}", doc
    called.__signature__ = signature  # type: ignore[attr-defined]
    setattr(RowMethods, name, api(called))


def _install_all() -> None:
    own = RowMethods
    for prefix, field, title, rows in CHOICES:
        for row in rows.values():
            _install(f"{prefix}_{row.name}", _parameters(row), _doc(row), "None", own._choose, field, title, row)
    subsets = [_parameter(subset, False, "bool") for subset in SUBSETS]
    for transform in TRANSFORMS.values():
        doc = _doc(transform, "\n    train, val, test: for which images.")
        parameters = [*_parameters(transform), *subsets]
        _install(f"apply_{transform.name}", parameters, doc, "None", own._add_transform, transform)
    _install_layers()
    for setting in SETTINGS.values():
        doc = f"{setting.doc} Effective after `Reload()`, or with `Train()`."
        value = _parameter(setting.argument, REQUIRED, _annotation(setting))
        _install(f"update_{setting.name}", [value], doc, "None", own._update, setting)
    for analysis in ANALYSES.values():
        doc, parameters = _analyse_doc(analysis), _analyse_parameters(analysis)
        returns = "dict[str, dict[str, float]]"
        _install(f"Analyse_{analysis.name}", parameters, doc, returns, own._analyse, analysis)
    for study in STUDIES.values():
        parameters = [_parameter("img_name", REQUIRED, "Any"), *_parameters(study)]
        doc = _doc(study, "\n    img_name: an image, as in `Infer`. The picture goes into `visualization/studies`.")
        _install(f"study_{study.name}", parameters, doc, "None", own._study, study)
    for name, rows in LISTED.items():
        title = name.replace("_", " ")
        doc = f"Print and return the names of the {title.lower()} that the backend has."
        _install(f"List_{name}", [], doc, "list[str]", own._list_rows, title, rows)


def _install_layers() -> None:
    """The layers, activations and blocks of a user's own network, and what is appended to one of the table."""
    own = RowMethods
    aliases = {alias: LAYERS[name] for alias, name in ALIASES.items()}
    for name, layer in {**LAYERS, **aliases, **ACTIVATIONS}.items():
        _install(name, _parameters(layer), _doc(layer), "dict[str, Any]", own._layer, layer)
    for block in BLOCKS.values():
        _install(block.name, _parameters(block), _doc(block), "list[Any]", own._block, block)
    for appended in APPENDED.values():
        doc = _doc(replace(appended, doc=f"In place of the head of the network: {appended.doc}"))
        _install(f"append_{appended.name}", _parameters(appended), doc, "None", own._append, appended)


def _annotation(setting: Setting) -> str:
    rule = rule_of(Spec, setting.path)
    return rule.annotation if rule else "Any"


_install_all()
