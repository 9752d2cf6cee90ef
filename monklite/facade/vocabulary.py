"""Choose from the catalog, change settings, list names; `row_methods.py` generates one method per row from these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from ..catalog import fine_tuning, models
from ..catalog.analyses import with_learning_rate
from ..catalog.appended import AppendRow
from ..catalog.appended import append as append_layer
from ..catalog.blocks import BlockRow
from ..catalog.layers import LayerRow
from ..catalog.optimizers import LEARNING_RATE
from ..catalog.rows import Row
from ..catalog.transforms import TransformRow, append
from ..catalog.update_methods import Setting
from ..errors import InvalidValue, NotReady
from ..rules import Flag, ListOf
from ..spec import SUBSETS
from . import training_messages
from .base import Base
from .checks import api


class VocabularyMethods(Base):
    """`update_learning_rate`, `update_layer_rates`, `List_Models`, and the implementation of the generated methods."""

    @api
    def update_learning_rate(self, learning_rate: float) -> None:
        """Change the learning rate of the optimizer that was chosen or that the recipe gives."""
        rate = LEARNING_RATE.rule("learning_rate", learning_rate)
        self._change(self._with_rate(rate))
        self._console.say(f"Update: Learning Rate - {rate}\n")

    @api
    def update_layer_rates(
        self, rates: Sequence[float] | None = None, decay: float | None = None, groups: int = 3
    ) -> None:
        """Train the first layers at smaller rates than the head; effective with `Train()`.

        Args:
            rates: the learning rate of each group of layers, the first layers first, the head last, such as `[1e-5, 1e-4, 1e-3]`;
                the last one becomes that of the optimizer, and the others stay in proportion to it.
            decay: instead of `rates`: each of the `groups` has this multiple of the rate of the next one, and the head that of
                the optimizer; 1: all layers have one rate, as without this call.
            groups: the number of groups, with the head.

        The layers before the head that are trained are divided into groups of equal numbers, in their order (`List_Layers()`).

        Raises:
            InvalidValue: only the head is trained, or the network has fewer layers than groups.
        """
        if (rates is None) == (decay is None):
            raise InvalidValue("give either rates or decay: update_layer_rates([1e-5, 1e-4, 1e-3]) or (decay=0.3)")
        if decay is not None:
            factors, changes = fine_tuning.falling(decay, groups), {}
        else:
            checked = ListOf(LEARNING_RATE.rule)("rates", rates)
            if not checked:
                raise InvalidValue("rates must have the rate of the head at least; decay=1 gives all layers one rate")
            factors, changes = fine_tuning.relative(checked), self._with_rate(checked[-1])
        self._change({"training.layer_rates": factors, **changes})
        self._console.say(f"Update: Rates of layers - {', '.join(f'{f:g}' for f in factors) or 'one'}\n")

    def _with_rate(self, rate: float) -> dict[str, Any]:
        """The optimizer that was chosen or that the recipe gives, with another learning rate, as a change of settings."""
        return with_learning_rate(self._experiment.requested_resolved(), rate)

    @api
    def List_Models(self) -> list[str]:
        """Print and return the names of the models."""
        return self._list("Models", models.names(self._backend))

    def _list_rows(self, title: str, rows: Mapping[str, Row], values: Mapping[str, Any]) -> list[str]:
        return self._list(title, [name for name, row in rows.items() if row.is_available(self._backend)])

    def _list(self, title: str, names: list[str]) -> list[str]:
        self._console.say(f"{title}:")
        self._console.numbered(names)
        self._console.say()
        return names

    def _choose(self, field: str, title: str, row: Row, values: Mapping[str, Any]) -> None:
        chosen = row.choose(self._backend, values)
        self._change({field: chosen})
        training_messages.choice(self._console, title, chosen)

    def _add_transform(self, row: TransformRow, values: Mapping[str, Any]) -> None:
        selected = [s for s in SUBSETS if Flag()(s, values.get(s, False))]
        params = {name: value for name, value in values.items() if name not in SUBSETS}
        chains, choice = self._experiment.requested.data.transforms, row.choose(self._backend, params)
        chains, note = append(chains, choice, selected)
        self._change({"data.transforms": chains})
        if note:
            self._console.say(f"Note: {note}\n")

    def _layer(self, row: LayerRow, values: Mapping[str, Any]) -> dict[str, Any]:
        params = dict(row.choose(self._backend, values).params)
        return {"uid": params.pop("uid"), "name": row.name, "params": params}

    def _block(self, row: BlockRow, values: Mapping[str, Any]) -> list[Any]:
        # a copy: the user may change what is in the list
        return deepcopy(row.layers(**row.choose(self._backend, values).params))

    def _append(self, row: AppendRow, values: Mapping[str, Any]) -> None:
        appended, chosen = self._experiment.requested.model.appended, row.choose(self._backend, values)
        self._change({"model.appended": append_layer(appended, chosen)})
        training_messages.choice(self._console, "Appended layer", chosen)

    def _update(self, setting: Setting, values: Mapping[str, Any]) -> None:
        value = values[setting.argument]
        if self._opened.evaluating:
            raise NotReady("updates are for training: open the experiment with Prototype(project, experiment)")
        self._change({setting.path: value, **setting.also}, {setting.path: setting.argument})
        self._console.say(f"Update: {setting.label} - {value}\n")
