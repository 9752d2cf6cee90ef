"""Look into a network: its kernels, what its layers make of an image, where it sees a class in it, and its graph."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .. import backends
from ..backends import Learner
from ..backends.base import LooksInside
from ..catalog.rows import install_command, is_installed
from ..data.depth import UNDECIDED, Levels
from ..errors import InvalidValue, MissingPackage, NotReady
from ..explaining import check_class, explained
from ..files import make_folder, write_bytes
from ..inference import network_input
from ..reports import charts, grids
from ..reports.heat_overlays import heat_note, heated
from ..reports.picture_sheets import Group, Picture, sheet
from ..rules import Flag, ListOf, OrNone, Whole
from ..runs.file_names import VISUALIZATION
from ..training.progress import in_notebook
from .base import Base
from .checks import api

# pictures that a notebook shows; all are in the folder
MAX_SHOWN = 8
MAX_PORT = 65535
# characters
MAX_NAME = 80


class LookingMethods(Base):
    """`Visualize_Kernels`, `Visualize_Feature_Maps`, `Show_Heat_Map`, `Visualize_With_Netron`."""

    @api
    def Visualize_Kernels(self, store_images_if_notebook: bool = False) -> None:
        """Draw the kernels of each convolution as a grid, into `visualization/kernels/<layer>.png` of the run's folder.

        Args:
            store_images_if_notebook: kept from Monk: the pictures are always stored, and a notebook shows the first ones too.

        Raises:
            NotReady: nothing is open. InvalidValue: the backend cannot show them, or the network has no convolutions.
        """
        Flag()("store_images_if_notebook", store_images_if_notebook)
        learner, backend = self._built()
        kernels = backend.kernels(learner)
        self._draw_grids("kernels", kernels, lambda name: grids.kernels(f"kernels of {name}", kernels[name]))

    @api
    def Visualize_Feature_Maps(self, image_path: Any, store_images_if_notebook: bool = False) -> None:
        """Draw the output of each convolution for an image, into `visualization/feature_maps/<image>/<layer>.png`.

        Args:
            image_path: an image, as in `Infer`; it comes to the network as a test image does.
            store_images_if_notebook: kept from Monk: the pictures are always stored, and a notebook shows the first ones too.

        Raises:
            NotReady: nothing is open. NotFound, UnreadableImage: there is no such image. InvalidValue: as `Visualize_Kernels`.
        """
        Flag()("store_images_if_notebook", store_images_if_notebook)
        learner, backend = self._built()
        images, draws = network_input(image_path, self._opened.spec, self._levels(), "image_path")
        maps = backend.feature_maps(learner, images, draws)
        folder = f"feature_maps/{image_stem(image_path)}"
        self._draw_grids(folder, maps, lambda name: grids.feature_maps(f"output of {name}", maps[name][0]))

    @api
    def Show_Heat_Map(self, img_name: Any, class_name: str | None = None) -> dict[str, Any]:
        """Draw where the network sees a class in an image (Grad-CAM), into `visualization/heat_maps/<image>-<class>.png`.

        Args:
            img_name: an image, as in `Infer`; it comes to the network as a test image does. class_name: the class, or label; by
                default the one with the highest score.

        Returns:
            `{"img_name", "class_name", "score", "heat_map", "file"}`. `heat_map`: float32 (rows, columns), 0 to 1, of the whole
            image; all 0 if nothing in it speaks for the class. `file`: the path of the picture.

        Raises:
            NotReady: nothing is open. NotFound, UnreadableImage: there is no such image. UnknownName: no such class.
        """
        learner = self._live()
        wanted = None if class_name is None else [check_class(class_name, learner.task.classes)]
        image = explained(learner, img_name, self._opened.spec, self._levels(), "img_name", wanted)
        (name,), heat, stem = image.classes, image.maps.values[0], image_stem(img_name)
        pictures = [
            Picture(image.picture, ["image"]),
            heated(image.picture, heat, [f"score {image.scores[name]:.2f}", name]),
        ]
        figure = sheet("Where the network sees the class", heat_note(image.maps.method), [Group(stem, pictures)])
        file = self._opened.run.folder / VISUALIZATION / "heat_maps" / f"{stem}-{_plain(name)}.png"
        make_folder(file.parent)
        charts.save(figure, file)
        self._console.block("Heat map", {"Class": name, "Score": f"{image.scores[name]:.4f}", "File": file})
        self._console.picture(file)
        return {"img_name": stem, "class_name": name, "score": image.scores[name], "heat_map": heat, "file": str(file)}

    @api
    def Visualize_With_Netron(
        self, data_shape: tuple[int, int, int] | list[int] | None = None, port: int | None = None
    ) -> None:
        """Write the network's graph (ONNX; with MXNet its own files) into `visualization/netron`, and show it with Netron.

        Args:
            data_shape: of an image: channels, height, width; by default that of the input. port: of the page, which this machine
                alone can open; by default a free one.

        Raises:
            MissingPackage: Netron, or what writes the file, is not installed. NotReady: nothing is open.
        """
        side = self._opened.spec.data.input_size
        given = OrNone(ListOf(Whole(least=1), length=3))("data_shape", data_shape)
        chosen = OrNone(Whole(least=1, most=MAX_PORT))("port", port)
        learner, backend = self._built()
        if given is not None and given[0] != 3:
            raise InvalidValue(f"data_shape is (channels, height, width), and images have 3 channels, not {given[0]}")
        folder = self._opened.run.folder / VISUALIZATION / "netron"
        make_folder(folder)
        file = backend.write_graph(learner, folder / "model", given or (3, side, side))
        self._console.block("Network", {"File": file})
        if not is_installed("netron"):
            raise MissingPackage(
                f"the graph is in {file}; to show it here, install Netron: {install_command('netron')}"
            )
        netron: Any = importlib.import_module("netron")
        try:
            host, found = netron.start(str(file), ("127.0.0.1", chosen), browse=not in_notebook(), verbosity=0)
        except OSError as error:
            raise InvalidValue(f"port {chosen} cannot be used ({error}): take another one, or none") from None
        self._console.say(f"    Netron shows it at http://{host}:{found}\n")

    def _built(self) -> tuple[Learner, LooksInside]:
        """The live network and its backend."""
        learner, backend = self._live(), backends.load(self._opened.spec.backend)
        if not isinstance(backend, LooksInside):
            raise InvalidValue(f"the {self._opened.spec.backend} backend cannot show the inside of its networks")
        return learner, backend

    def _live(self) -> Learner:
        """The live network, which is built if need be."""
        if not self._opened.evaluating and self._experiment.resuming:
            raise NotReady(
                f"the weights of {self._opened.run} are in its files until Train() goes on with them: to look into it, call "
                "Switch_Mode(eval_infer=True)"
            )
        return self._opened.learner or self._experiment.build()

    def _levels(self) -> Levels:
        """By which images of more than 8 bits are scaled."""
        dataset = self._opened.run.state().dataset
        return Levels.recorded(dataset.levels) if dataset else UNDECIDED

    def _draw_grids(self, place: str, layers: Iterable[str], figure_of: Any) -> None:
        names = list(layers)
        if not names:
            raise InvalidValue("the network has no convolutions over images, so there is nothing to draw")
        folder = self._opened.run.folder / VISUALIZATION / place
        make_folder(folder)
        tick = self._console.ticker("    drawing")
        for number, name in enumerate(names, 1):
            content = charts.as_png(figure_of(name))
            write_bytes(folder / f"{_plain(name)}.png", content)
            if number <= MAX_SHOWN:
                self._console.picture(content)
            if tick:
                tick(number, len(names))
        self._console.block("Visualization", {"Layers": len(names), "Folder": folder})


def image_stem(image: Any) -> str:
    """A name for the pictures of an image, after its file if it has one."""
    name = getattr(image, "name", None) if not isinstance(image, (str, os.PathLike)) else image
    return _plain(Path(name).stem) if isinstance(name, (str, os.PathLike)) else "image"


def _plain(name: str) -> str:
    """A name with plain characters only, for a file."""
    return re.sub(r"[^\w.-]+", "_", name)[:MAX_NAME].strip(".") or "image"
