"""Studies of what a convolution or a pooling does to an image; `row_methods.py` generates one method per row from this."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..catalog.studies import Study
from ..data.depth import UNDECIDED
from ..files import make_folder, write_bytes
from ..inference import network_input
from ..reports import charts, grids, studies
from ..runs.file_names import VISUALIZATION
from ..spec import Resolved, Transforms
from .base import Base
from .looking_inside import image_stem


class StudyMethods(Base):
    """The implementation of the methods `study_*`."""

    def _study(self, row: Study, values: Mapping[str, Any]) -> None:
        image = values["img_name"]
        chosen = row.choose(self._backend, {name: value for name, value in values.items() if name != "img_name"})
        spec: Resolved = self._opened.spec.replace({"data.transforms": Transforms()})
        pixels, draws = network_input(image, spec, UNDECIDED, "img_name")
        results = studies.results(pixels[0], {**row.fixed, **chosen.params}, row.pools)
        kind = "pooling" if row.pools else "convolution with random weights"
        title = f"{kind}: {', '.join(f'{name} {value}' for name, value in chosen.params.items())}"
        content = charts.as_png(grids.beside(title, row.doc, pixels[0], results))
        folder = self._opened.run.folder / VISUALIZATION / "studies"
        make_folder(folder)
        file = folder / f"{row.name}-{'-'.join(map(str, chosen.params.values()))}-{image_stem(image)}.png"
        write_bytes(file, content)
        self._console.picture(content)
        self._console.block("Study", {"Picture": file})
