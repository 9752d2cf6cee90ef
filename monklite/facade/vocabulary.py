"""Choose from the catalog, change settings, list names; `row_methods.py` generates one method per row from these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..catalog import models
from ..catalog.analyses import with_learning_rate
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
        self._change(with_learning_rate(self._experiment.requested_resolved(), rate))
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
        chains, choice = self._experiment.requested.data.transforms, row.choose(self._backend, values)
        chains, note = append(chains, choice, selected)
        self._change({"data.transforms": chains})
        if note:
            self._console.say(f"Note: {note}\n")

    def _update(self, setting: Setting, value: Any) -> None:
        if self._opened.evaluating:
            raise NotReady("updates are for training: open the experiment with Prototype(project, experiment)")
        self._change({setting.path: value, **setting.also}, {setting.path: setting.argument})
        self._console.say(f"Update: {setting.label} - {value}\n")
