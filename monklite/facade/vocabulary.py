"""Choose from the catalog, change settings, list names; `row_methods.py` generates one method per row from these."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from ..catalog import OPTIMIZERS, models
from ..catalog.appended import AppendRow
from ..catalog.appended import append as append_layer
from ..catalog.blocks import BlockRow
from ..catalog.layers import LayerRow
from ..catalog.optimizers import LEARNING_RATE
from ..catalog.rows import Row
from ..catalog.transforms import TransformRow, append
from ..catalog.update_methods import Setting
from ..errors import NotReady
from ..rules import Flag
from ..spec import SUBSETS
from . import messages
from .base import Base
from .checks import api


class VocabularyMethods(Base):
    """`update_learning_rate`, `List_Models`, and the implementation of the generated methods."""

    @api
    def update_learning_rate(self, learning_rate: float) -> None:
        """Change the learning rate of the optimizer that was chosen or that the recipe gives."""
        rate = LEARNING_RATE.rule("learning_rate", learning_rate)
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
        self._console.numbered(names)
        self._console.say()
        return names

    def _choose(self, field: str, title: str, row: Row, values: Mapping[str, Any]) -> None:
        chosen = row.choose(self._backend, values)
        self._change({field: chosen})
        messages.choice(self._console, title, chosen)

    def _add_transform(self, row: TransformRow, values: Mapping[str, Any], subsets: Mapping[str, bool]) -> None:
        selected = [s for s in SUBSETS if Flag()(s, subsets[s])]
        chains, choice = self._experiment.asked.data.transforms, row.choose(self._backend, values)
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
        appended, chosen = self._experiment.asked.model.appended, row.choose(self._backend, values)
        self._change({"model.appended": append_layer(appended, chosen)})
        messages.choice(self._console, "Appended layer", chosen)

    def _update(self, setting: Setting, value: Any) -> None:
        if self._opened.evaluating:
            raise NotReady("updates are for training: open the experiment with Prototype(project, experiment)")
        self._change({setting.path: value, **setting.also}, {setting.path: setting.argument})
        self._console.say(f"Update: {setting.label} - {value}\n")
