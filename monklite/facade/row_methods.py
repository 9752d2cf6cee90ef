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
from ..catalog.appended import AppendRow
from ..catalog.blocks import BlockRow
from ..catalog.layers import ALIASES, LayerRow
from ..catalog.rows import REQUIRED, Row
from ..catalog.studies import STUDIES, Study
from ..catalog.transforms import TransformRow
from ..catalog.update_methods import Setting
from ..spec import SUBSETS, Spec, rule_of
from .analysis import KEEP_ALL, AnalysisMethods
from .checks import api
from .studies import StudyMethods

POSITIONAL_OR_KEYWORD = inspect.Parameter.POSITIONAL_OR_KEYWORD
CHOICES: tuple[tuple[str, str, str, Mapping[str, Row]], ...] = (
    # prefix of the method, field of the spec, title of the message, rows
    ("optimizer", "training.optimizer", "Optimizer", OPTIMIZERS),
    ("lr", "training.schedule", "Learning rate scheduler", SCHEDULES),
    ("loss", "training.loss", "Loss", LOSSES),
)
LISTS: Mapping[str, Mapping[str, Row]] = {
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


def _make_choose_method(field: str, title: str, row: Row) -> Callable[..., None]:
    def method(self: RowMethods, **values: Any) -> None:
        self._choose(field, title, row, values)

    return method


def _make_apply_method(row: TransformRow) -> Callable[..., None]:
    def method(self: RowMethods, **values: Any) -> None:
        subsets = {s: values.pop(s, False) for s in SUBSETS}
        self._add_transform(row, values, subsets)

    return method


def _make_layer_method(row: LayerRow) -> Callable[..., dict[str, Any]]:
    def method(self: RowMethods, **values: Any) -> dict[str, Any]:
        return self._layer(row, values)

    return method


def _make_block_method(row: BlockRow) -> Callable[..., list[Any]]:
    def method(self: RowMethods, **values: Any) -> list[Any]:
        return self._block(row, values)

    return method


def _make_append_method(row: AppendRow) -> Callable[..., None]:
    def method(self: RowMethods, **values: Any) -> None:
        self._append(row, values)

    return method


def _make_update_method(setting: Setting) -> Callable[..., None]:
    def method(self: RowMethods, **values: Any) -> None:
        self._update(setting, values[setting.argument])

    return method


def _make_list_method(title: str, rows: Mapping[str, Row]) -> Callable[..., list[str]]:
    def method(self: RowMethods) -> list[str]:
        return self._list(title, [name for name, row in rows.items() if row.is_available(self._backend)])

    return method


def _make_study_method(row: Study) -> Callable[..., None]:
    def method(self: RowMethods, img_name: Any, **values: Any) -> None:
        self._study(row, img_name, values)

    return method


def _make_analyse_method(row: AnalysisRow) -> Callable[..., Any]:
    def method(self: RowMethods, **values: Any) -> Any:
        given = values.pop(row.argument)
        return self._analyse(row, values=given, **{"num_epochs": 2, "state": KEEP_ALL, **values})

    return method


def _analyse_parameters(row: AnalysisRow) -> list[inspect.Parameter]:
    return [
        _parameter("analysis_name", REQUIRED, "str"),
        _parameter(row.argument, REQUIRED, f"Sequence[{row.rule.annotation}]"),
        _parameter("percent_data", REQUIRED, "float"),
        _parameter("num_epochs", 2, "int"),
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


def _parameter(name: str, default: Any, annotation: str) -> inspect.Parameter:
    required = default is REQUIRED
    return inspect.Parameter(
        name,
        POSITIONAL_OR_KEYWORD,
        default=inspect.Parameter.empty if required else default,
        annotation=annotation,
    )


def _parameters(row: Row) -> list[inspect.Parameter]:
    return [_parameter(p.name, p.default, p.rule.annotation) for p in row.parameters]


def _doc(row: Row, extra: str = "") -> str:
    arguments = "".join(f"\n    {p.name}: {p.doc}; {p.rule}." for p in row.parameters) + extra
    return row.doc + (f"\n\nArgs:{arguments}\n" if arguments else "") + f"\nBackends: {', '.join(row.backends())}.\n"


def _install(
    name: str, method: Callable[..., Any], parameters: list[inspect.Parameter], doc: str, returns: str = "None"
) -> None:
    """Give a method its name, signature and docstring, and put it on the class."""
    with_self = [inspect.Parameter("self", POSITIONAL_OR_KEYWORD), *parameters]
    signature = inspect.Signature(with_self, return_annotation=returns)

    def called(self: RowMethods, *args: Any, **kwargs: Any) -> Any:
        arguments = signature.bind(self, *args, **kwargs).arguments
        arguments.pop("self")
        return method(self, **arguments)

    called.__name__, called.__qualname__, called.__doc__ = name, f"prototype.{name}", doc
    called.__signature__ = signature  # type: ignore[attr-defined]
    setattr(RowMethods, name, api(called))


def _install_all() -> None:
    for prefix, field, title, rows in CHOICES:
        for row in rows.values():
            _install(f"{prefix}_{row.name}", _make_choose_method(field, title, row), _parameters(row), _doc(row))
    subsets = [_parameter(subset, False, "bool") for subset in SUBSETS]
    for transform in TRANSFORMS.values():
        parameters = [*_parameters(transform), *subsets]
        doc = _doc(transform, "\n    train, val, test: for which images.")
        _install(f"apply_{transform.name}", _make_apply_method(transform), parameters, doc)
    _install_layers()
    for setting in SETTINGS.values():
        doc = f"{setting.doc} Effective after `Reload()`, or with `Train()`."
        value = _parameter(setting.argument, REQUIRED, _annotation(setting))
        _install(f"update_{setting.name}", _make_update_method(setting), [value], doc)
    for analysis in ANALYSES.values():
        doc = analysis.doc + ANALYSE_ARGUMENTS.format(argument=analysis.argument, rule=analysis.rule)
        method = _make_analyse_method(analysis)
        _install(f"Analyse_{analysis.name}", method, _analyse_parameters(analysis), doc, "dict[str, dict[str, float]]")
    for study in STUDIES.values():
        parameters = [_parameter("img_name", REQUIRED, "Any"), *_parameters(study)]
        doc = _doc(study, "\n    img_name: an image, as in `Infer`. The picture goes into `visualization/studies`.")
        _install(f"study_{study.name}", _make_study_method(study), parameters, doc)
    for title, rows in LISTS.items():
        doc = f"Print and return the names of the {title.lower().replace('_', ' ')} that the backend has."
        _install(f"List_{title}", _make_list_method(title.replace("_", " "), rows), [], doc, "list[str]")


def _install_layers() -> None:
    """The layers, activations and blocks of a user's own network, and what is appended to one of the table."""
    aliases = {alias: LAYERS[name] for alias, name in ALIASES.items()}
    for name, layer in {**LAYERS, **aliases, **ACTIVATIONS}.items():
        _install(name, _make_layer_method(layer), _parameters(layer), _doc(layer), "dict[str, Any]")
    for block in BLOCKS.values():
        _install(block.name, _make_block_method(block), _parameters(block), _doc(block), "list[Any]")
    for appended in APPENDED.values():
        doc = f"In place of the head of the network: {appended.doc}"
        parameters = _parameters(appended)
        _install(f"append_{appended.name}", _make_append_method(appended), parameters, _doc(replace(appended, doc=doc)))


def _annotation(setting: Setting) -> str:
    rule = rule_of(Spec, setting.path)
    return rule.annotation if rule else "Any"


_install_all()
