"""Choose, build and change the network."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from .. import backends
from ..catalog import own_networks
from ..catalog.layers import LAYERS
from ..catalog.models import in_the_table
from ..errors import InvalidType, NotFound, NotReady, shown
from ..looking import is_file
from ..rules import PathText
from ..spec import OwnNetwork
from ..working_folder import looked_from
from . import training_messages
from .base import Base
from .checks import api

WeightFile = str | os.PathLike[str] | list[Any] | tuple[Any, ...] | bool | None


class ModelMethods(Base):
    """`Model_Params`, `Model`, `Freeze_Layers`, and the updates of the model."""

    @api
    def Model_Params(
        self,
        model_name: str = "resnet18",
        freeze_base_network: bool = True,
        use_gpu: bool = True,
        use_pretrained: bool = True,
        model_path: WeightFile = False,
        model: Any = None,
    ) -> None:
        """Choose the network.

        Args:
            model_name: see `List_Models()`.
            freeze_base_network: train only the new head.
            use_gpu: use a GPU if there is one.
            use_pretrained: start from weights trained on ImageNet.
            model_path: start from your own weight file: a state dict (`torch.save`) or safetensors; with MXNet a file of
                parameters, or `[symbol.json, params]`.
            model: in place of `model_name`, a network of your own: a class or function that builds it for a number of classes
                (`torch.nn.Module`, `gluon.HybridBlock`), the place of one (`"nets:build"`, `"nets.py:build"`), or, with
                PyTorch, a network, which is copied. Its last layer with weights is its head, the rest its base. `use_pretrained`
                then says whether its weights are trained already, which decides on the recipe. A network in a file of yours is
                found again in another session; give any other again there: `Prototype(..., model=...)`.

        Raises:
            UnknownName: no such model; the message suggests similar names. NotFound: there is no file `model_path`.
        """
        name, source = model_name, OwnNetwork()
        if model is not None:
            # a file of the user may import MXNet, which the backend makes fit for newer releases of NumPy
            backends.load(self._backend)
            name, source = own_networks.given(model)
        self._change(
            {
                **in_the_table(name),
                "model.source": source,
                "model.freeze_layers": 0,
                "model.freeze_base": freeze_base_network,
                "model.use_gpu": use_gpu,
                "model.pretrained": use_pretrained,
                "model.weights_path": _weight_files(model_path),
            }
        )
        training_messages.model_params(self._console, self._experiment.requested)

    @api
    def Model(self) -> None:
        """Build the network with a new head for the classes of `Dataset()`; it is then available as `model`.

        Raises:
            PretrainedUnavailable: the weights cannot be downloaded; the message says which file to put where.
            WeightsMismatch: a file in `model_path` is of another network.
        """
        learner = self._experiment.build()
        training_messages.model_details(self._console, self._experiment.resolved(), learner.describe())

    @api
    def Freeze_Layers(self, num: int = 10) -> None:
        """Freeze the first `num` layers that have weights, and train the others."""
        learner = self._experiment.rebuild_with({"model.freeze_layers": num}, {"model.freeze_layers": "num"})
        self._console.block("Model params post freezing", {"Num trainable layers": learner.describe().trainable_layers})

    @api
    def update_model_name(self, model_name: str, force: bool = False) -> None:
        """Use another network; effective after `Reload()`. `force` is kept from Monk and has no effect."""
        self._change(in_the_table(model_name))
        self._console.say(f"Update: Model name - {model_name}\n")

    @api
    def update_model_path(self, model_path: WeightFile, force: bool = False) -> None:
        """Start from another weight file; effective after `Reload()`. `force` is kept from Monk and has no effect."""
        self._change({"model.weights_path": _weight_files(model_path)})
        self._console.say(f"Update: Model path - {model_path}\n")

    @api
    def List_Layers(self) -> list[str]:
        """Print and return the names of the open model's layers, in the order in which `Freeze_Layers` counts.

        Before there is a dataset and a model, those that a network of one's own can have, as Monk did.
        """
        try:
            names = backends.load(self._backend).layers(self._experiment.learner or self._experiment.build())
        except NotReady as error:
            self._console.say(f"No model is open ({error}). Layers for Compile_Network:")
            names = list(LAYERS)
        self._console.numbered(names)
        return names


def _weight_files(path: WeightFile) -> tuple[str, ...]:
    if path is None or path is False:
        return ()
    if path is True:
        raise InvalidType("model_path must be a weight file, not True")
    files = tuple(PathText()("model_path", file) for file in (path if isinstance(path, (list, tuple)) else [path]))
    for file in files:
        if not is_file(Path(file)):
            raise NotFound(f"model_path: there is no file {shown(file)} ({looked_from()})")
    return files
