"""Networks of one's own, and layers in place of the head of a network of the table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..catalog import custom_networks
from ..catalog.initialisers import DEFAULT, INITIALISERS
from ..errors import InvalidType, InvalidValue, find, shown
from ..reports import network_drawing
from ..rules import Flag, ListOf
from ..runs.file_names import DESIGN, GRAPH
from ..setting_ranges import INPUT_SIZE_RANGE
from ..spec import OwnNetwork
from . import training_messages
from .base import Base
from .checks import api


class CustomNetworkMethods(Base):
    """`Compile_Network`, `debug_custom_model_design`, `reset_model`."""

    @api
    def Compile_Network(
        self,
        network: Sequence[Any],
        data_shape: Sequence[int] = (3, 224, 224),
        use_gpu: bool = True,
        network_initializer: str = DEFAULT,
        debug: bool = True,
    ) -> None:
        """Build a network of your own; call it after `Dataset()`, in place of `Model()`.

        Args:
            network: a list of layers (`convolution(...)`, `relu()`, see `List_Layers_Custom_Model()`) and lists. A list whose
                last element is `add()` or `concatenate()` has branches that run side by side; any other list, such as that of
                `resnet_v1_block(...)`, is a sequence. It ends with `fully_connected(units=number of classes)`.
            data_shape: channels (3), height and width of the images; it sets the input size, so the sides are equal.
            use_gpu: use a GPU if there is one.
            network_initializer: how the weights begin: xavier_normal, xavier_uniform, msra, normal, uniform, orthogonal_normal or
                orthogonal_uniform.
            debug: draw the network as `output/logs/graph.png` of the run.

        Raises:
            InvalidValue: a layer cannot take what it is given, or the network does not give one value for each class; the message
                names its place in the list. UnknownName: no such layer or initialiser. NotReady: `Dataset()` was not called.
        """
        size = _side(data_shape)
        layers = custom_networks.checked(network, self._backend)
        find("initializer", network_initializer, INITIALISERS)
        root = custom_networks.tree(layers, (3, size, size))
        changes = {
            "model.name": custom_networks.CUSTOM,
            "model.source": OwnNetwork(),
            "model.layers": layers,
            "model.initializer": network_initializer,
            "model.pretrained": False,
            "model.weights_path": (),
            "model.freeze_base": False,
            "model.freeze_layers": 0,
            "model.use_gpu": use_gpu,
            "data.input_size": size,
        }
        learner = self._experiment.rebuild_with(changes, {"model.use_gpu": "use_gpu"})
        training_messages.model_details(self._console, self._experiment.resolved(), learner.describe())
        if Flag()("debug", debug):
            self._draw_network(root, GRAPH)

    @api
    def debug_custom_model_design(self, network_list: Sequence[Any]) -> None:
        """Draw a list of layers as `output/logs/design.png` of the run, without building the network.

        Raises:
            InvalidValue, InvalidType, UnknownName: an element is wrong; the message names its place in the list.
        """
        layers = custom_networks.checked(network_list, self._backend)
        size = self._experiment.resolved().data.input_size
        try:
            root = custom_networks.tree(layers, (3, size, size))
        except InvalidValue as error:
            self._console.say(f"    Note: for images of {size} px it cannot be built: {error}\n")
            root = custom_networks.tree(layers, ())
        self._draw_network(root, DESIGN)

    def _draw_network(self, root: custom_networks.Node, name: str) -> None:
        run = self._experiment.run
        self._picture(network_drawing.draw(root, str(run)), run.logs / name, "Drawing")

    @api
    def reset_model(self) -> None:
        """Drop the layers that were appended; the network has its own head again with the next `Model()`."""
        self._change({"model.appended": ()})


def _side(data_shape: Sequence[int]) -> int:
    """The side of the images, px."""
    if isinstance(data_shape, (int, str)) or not isinstance(data_shape, Sequence):
        raise InvalidType(f"data_shape must be (3, height, width), not {shown(data_shape)}")
    shape = ListOf(INPUT_SIZE_RANGE)("data_shape", data_shape)
    if len(shape) != 3 or shape[0] != 3 or shape[1] != shape[2]:
        raise InvalidValue(
            f"data_shape must be (3, height, width) with equal sides, such as (3, 224, 224), not {shown(data_shape)}: images are "
            "squares of red, green and blue"
        )
    return shape[1]
