"""Methods made from the catalog's rows: optimizers, schedules, losses, transforms, updates and the `List_*` printers.

Each gets the row's parameters as its signature and docstring, so `help()`, notebooks and editors show them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from ..catalog import LOSSES, OPTIMIZERS, SCHEDULES, SETTINGS, TRANSFORMS, models
from ..catalog.rows import REQUIRED, Row
from ..catalog.settings import Setting
from ..catalog.transforms import TransformRow, append
from ..errors import NotReady
from ..rules import Flag, Number
from ..spec import SUBSETS
from . import console as show
from .base import Base
from .checks import api


class VocabularyMethods(Base):
    """Those that are not made from a row; `_install` adds the rest."""

    @api
    def update_learning_rate(self, learning_rate: float) -> None:
        """Another learning rate for the optimizer that is chosen, or that the recipe gives."""
        rate = Number(above=0)("learning_rate", learning_rate)
        chosen = self._experiment.resolved().training.optimizer
        self._change(
            {
                "training.optimizer": OPTIMIZERS[chosen.name].choose(
                    self._backend, {**chosen.params, "learning_rate": rate}
                )
            }
        )
        self._console.say(f"Update: Learning Rate - {rate}\n")

    @api
    def List_Models(self) -> list[str]:
        """Print and return the names of the models."""
        return self._list("Models", models.names(self._backend))

    def _list(self, title: str, names: list[str]) -> list[str]:
        self._console.say(f"{title}:")
        for i, name in enumerate(names, 1):
            self._console.say(f"    {i}. {name}")
        self._console.say()
        return names

    def _choose(self, field: str, title: str, row: Row, values: Mapping[str, Any]) -> None:
        chosen = row.choose(self._backend, values)
        self._change({field: chosen})
        show.choice(self._console, title, chosen)

    def _add_transform(self, row: TransformRow, values: Mapping[str, Any], subsets: Mapping[str, bool]) -> None:
        wanted = [s for s in SUBSETS if Flag()(s, subsets[s])]
        before, choice = self._experiment.asked.data.transforms, row.choose(self._backend, values)
        added, note = append(before, choice, wanted)
        self._change({"data.transforms": added})
        if note:
            self._console.say(f"Note: {note}\n")

    def _update(self, setting: Setting, value: Any) -> None:
        if self._opened.evaluating:
            raise NotReady("updates are for training: open the experiment with Prototype(project, experiment)")
        self._change({setting.path: value, **setting.also}, {setting.path: setting.argument})
        self._console.say(f"Update: {setting.label} - {value}\n")


def _chooser(field: str, title: str, row: Row) -> Callable[..., None]:
    def method(self: VocabularyMethods, **values: Any) -> None:
        self._choose(field, title, row, values)

    return method


def _transformer(row: TransformRow) -> Callable[..., None]:
    def method(self: VocabularyMethods, **values: Any) -> None:
        subsets = {s: values.pop(s, False) for s in SUBSETS}
        self._add_transform(row, values, subsets)

    return method


def _updater(setting: Setting) -> Callable[..., None]:
    def method(self: VocabularyMethods, **values: Any) -> None:
        self._update(setting, values[setting.argument])

    return method


def _lister(title: str, names: list[str]) -> Callable[..., list[str]]:
    def method(self: VocabularyMethods) -> list[str]:
        return self._list(title, names)

    return method


def _parameters(row: Row) -> dict[str, Any]:
    return {p.name: p.default for p in row.parameters}


def _doc(row: Row, extra: str = "") -> str:
    arguments = "".join(f"\n    {p.name}: {p.doc}; {p.rule}." for p in row.parameters) + extra
    return row.doc + (f"\n\nArgs:{arguments}\n" if arguments else "") + f"\nBackends: {', '.join(row.backends())}.\n"


def _install(name: str, method: Callable[..., Any], parameters: Mapping[str, Any], doc: str) -> None:
    """Give a made method its name, signature and docstring, and put it on the class."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    own = [inspect.Parameter("self", kind)]
    own += [
        inspect.Parameter(n, kind, default=inspect.Parameter.empty if value is REQUIRED else value)
        for n, value in parameters.items()
    ]
    signature = inspect.Signature(own)

    def called(self: VocabularyMethods, *args: Any, **kwargs: Any) -> Any:
        given = signature.bind(self, *args, **kwargs).arguments
        given.pop("self")
        return method(self, **given)

    called.__name__, called.__qualname__, called.__doc__ = name, f"prototype.{name}", doc
    called.__signature__ = signature  # type: ignore[attr-defined]
    setattr(VocabularyMethods, name, api(called))


def _install_all() -> None:
    tables: dict[str, tuple[str, str, Mapping[str, Row]]] = {
        "optimizer": ("training.optimizer", "Optimizer", OPTIMIZERS),
        "lr": ("training.schedule", "Learning rate scheduler", SCHEDULES),
        "loss": ("training.loss", "Loss", LOSSES),
    }
    for prefix, (path, title, rows) in tables.items():
        for row in rows.values():
            _install(f"{prefix}_{row.name}", _chooser(path, title, row), _parameters(row), _doc(row))
    subsets = "\n    train, val, test: for which images."
    for transform in TRANSFORMS.values():
        parameters = {**_parameters(transform), **dict.fromkeys(SUBSETS, False)}
        _install(f"apply_{transform.name}", _transformer(transform), parameters, _doc(transform, subsets))
    for setting in SETTINGS.values():
        doc = f"{setting.doc} Effective after `Reload()`, or with `Train()`."
        _install(f"update_{setting.name}", _updater(setting), {setting.argument: REQUIRED}, doc)
    listings: dict[str, Mapping[str, Row]] = {
        "Optimizers": OPTIMIZERS,
        "Schedulers": SCHEDULES,
        "Losses": LOSSES,
        "Transforms": TRANSFORMS,
    }
    for title, table in listings.items():
        _install(
            f"List_{title}", _lister(title, list(table)), {}, f"Print and return the names of the {title.lower()}."
        )


_install_all()
