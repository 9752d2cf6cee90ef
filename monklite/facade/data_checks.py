"""Look for what makes accuracies look better than they are: leaks, shortcuts and wrong labels."""

from __future__ import annotations

from ..data import leaks
from ..data.leaks import DataCheck
from ..reports import charts
from ..rules import Whole
from ..runs.file_names import NEAR_DUPLICATES
from ..training import label_check
from ..training.label_check import SHEET, TABLE
from . import leak_messages as messages
from .base import Base
from .checks import api

MAX_SHOWN = 100


class DataCheckMethods(Base):
    """`Check_Data`, `Check_Labels`."""

    @api
    def Check_Data(self) -> DataCheck:
        """Look for what makes validation look better than it is, and print it with figures; call it after `Dataset()`.

        Near copies of images (saved again, resized, mirrored, cropped by some percent, of another contrast) within and across
        training and validation: all of them are in `near_duplicates.csv` in the run's folder. And from what the class can be told
        without looking at what the images show, by a small classifier in cross-validation: format, size, quality and colour mode
        of the files, brightness, borders, text in the corners; with all of these and with each alone.

        `Dataset()` looks for the same and prints what there is to know; among many images, for near copies only between training
        and validation.

        Returns:
            What is printed, and the whole lists.

        Raises:
            The errors of `Dataset`.
        """
        experiment = self._experiment
        data = experiment.current_data(self._console.ticker("    reading images"))
        known = leaks.look_for(data.samples, data.descriptions, thorough=True)
        leaks.write(experiment.run.folder / NEAR_DUPLICATES, data.samples, known.near)
        messages.checked(self._console, data.samples, known, experiment.run.folder)
        return DataCheck(tuple(leaks.as_rows(data.samples, known.near)), known.giveaways, known.properties)

    @api
    def Check_Labels(self, n: int = 16) -> list[dict[str, object]]:
        """List the training and validation images whose label is likely to be wrong, and draw the first ones.

        Confident learning (Northcutt et al. 2021): each image is predicted by a new head, in cross-validation, on the network as
        it was before this training, so that no prediction has seen the label that it judges; weights given as `weights_path` must
        not have seen it either. A label is listed if the image looks as much like another class as the images of that class
        usually do. They are to be looked at: rare but right images are among them.

        Args:
            n: the number of images to draw, at most 100.

        Returns:
            All of them, the most contradicted first: subset, path, label, suggested label, and the scores of both. They are in
            `label_check.csv` among the run's logs, and `label_check.png` shows the first ones.

        Raises:
            NotReady: no two classes have two images, or all are of one group. The errors of `Dataset` and `Model`.
        """
        count, experiment = Whole(least=1, most=MAX_SHOWN)("n", n), self._experiment
        experiment.check_alone("labels are checked")
        data, logs = experiment.current_data(self._console.ticker("    reading images")), experiment.run.logs
        found = label_check.doubts(experiment.resolved(), data, experiment.workspace.cache)
        label_check.write(logs / TABLE, data.samples, found)
        if found:
            images, texts = label_check.pictures(data, found[:count])
            charts.save(
                charts.pictures("Labels to look at: label, suggestion and its score", images, texts), logs / SHEET
            )
            self._console.picture(logs / SHEET)
        messages.doubts(self._console, data.samples, found, logs, experiment.resolved().model)
        return label_check.as_rows(data.samples, found)
