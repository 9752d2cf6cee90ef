"""Look at a dataset before training, and make a small part of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..catalog.analyses import PERCENT
from ..data import exploration, sampled_table
from ..data.exploration import Exploration
from ..reports import charts, class_chart
from ..rules import Flag
from ..runs.file_names import CLASSES_CHART
from ..spec import Table
from . import exploration_messages as messages
from .base import Base
from .checks import api

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class ExplorationMethods(Base):
    """`EDA`, `Dataset_Percent`."""

    @api
    def EDA(
        self,
        show_img: bool = False,
        save_img: bool = False,
        check_missing: bool = False,
        check_corrupt: bool = False,
    ) -> Exploration:
        """Read every file of `Dataset_Params` once, and print what the dataset is like: classes, sizes, formats, copies.

        Args:
            show_img: show a bar chart of the images per class, in a notebook; elsewhere it is saved.
            save_img: save this chart as `classes_per_image.png` in the run's `output/logs`.
            check_missing: list the files that a table names and that are not there; without it they are refused.
            check_corrupt: decode every picture as training does, and list those that cannot be read; and look for near copies and
                for what gives the classes away, as `Dataset` does.

        Returns:
            What is printed, and the whole lists, as an object: `counts`, `sizes`, `missing`, `corrupt`, `copies` and others.

        Raises:
            NotReady: no dataset is given. NotFound, DatasetError: the dataset cannot be used; the message says why.
        """
        flags = {
            "show_img": show_img,
            "save_img": save_img,
            "check_missing": check_missing,
            "check_corrupt": check_corrupt,
        }
        for name, value in flags.items():
            Flag()(name, value)
        spec, tick = self._experiment.requested_resolved(), self._console.ticker("    reading images")
        found = exploration.explore(spec, self._root, check_missing, check_corrupt, tick)
        messages.exploration(self._console, found, check_missing, check_corrupt)
        if show_img or save_img:
            self._show_classes(class_chart.images_per_class(found.totals, found.unlabelled), show_img, save_img)
        return found

    def _show_classes(self, figure: Figure, show: bool, save: bool) -> None:
        """Show a chart in a notebook, and save it if asked for or if there is no notebook."""
        if save or not (show and self._console.picture(charts.as_png(figure))):
            self._picture(figure, self._experiment.run.logs / CLASSES_CHART, "Chart", show)

    @api
    def Dataset_Percent(self, percent: float) -> tuple[str, str | None]:
        """Write tables of a share of the images, for trying things out; the images that are used stay the same.

        Args:
            percent: of the images of each class, or combination of labels, above 0 and up to 100, chosen at random by the split
                seed; at least one of each class, and two if they are still to be split.

        Returns:
            The paths of the tables of training and validation images, `sampled_dataset_train.csv` and `sampled_dataset_val.csv`
            in the run's `output/logs`; None for validation if the training images are split. An older table of other images is
            kept, and the new one gets a number.

        Raises:
            NotReady: no dataset is given. InvalidType, InvalidValue: not a percentage. NotFound, DatasetError: as of `Dataset`.
        """
        sources = self._sampled_sources(percent)
        paths = [source.csv for source in sources]
        messages.how_to_use(self._console, self._experiment.requested.data.sources, sources)
        return paths[0], paths[1] if len(paths) > 1 else None

    def _sampled_sources(self, percent: float) -> list[Table]:
        """Write the tables of `Dataset_Percent`, and return them as sources of images."""
        share = PERCENT("percent", percent) / 100
        sources = []
        for sampled in sampled_table.write_sources(
            self._experiment.requested, self._root, share, self._experiment.run.logs
        ):
            path = Path(sampled.table.csv)
            messages.sampled(self._console, sampled.subset, path, sampled.chosen, sampled.total)
            sources.append(sampled.table)
        return sources

    @property
    def _root(self) -> Path:
        """The folder of the workspace."""
        return self._opened.workspace.root
