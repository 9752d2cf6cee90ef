"""Studies of what a convolution or a pooling does to an image; `row_methods.py` generates one method per row from this."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..catalog.studies import Study
from ..data.depth import UNDECIDED
from ..inference import network_input
from ..reports import charts, studies
from ..runs.file_names import VISUALIZATION
from ..spec import Resolved, Transforms
from .base import Base
from .looking_inside import image_stem

# of a picture, inches
STUDY_SIDE = 3.0


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
        pictures = {"image": pixels[0], **{f"result {i}": result for i, result in enumerate(results, 1)}}
        names = [f"{name}, {picture.shape[1]} x {picture.shape[0]}" for name, picture in pictures.items()]
        figure = charts.pictures(title, list(pictures.values()), names, STUDY_SIDE, row.doc)
        file = f"{row.name}-{'-'.join(map(str, chosen.params.values()))}-{image_stem(image)}.png"
        self._picture(figure, self._opened.run.folder / VISUALIZATION / "studies" / file, "Study")
