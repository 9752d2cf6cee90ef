"""Show images as they are trained."""

from __future__ import annotations

from ..reports import charts
from ..rules import Flag, OneOf, Whole
from ..spec import SPLIT
from ..training.samples import samples
from .base import Base
from .checks import api

MAX_SAMPLES = 100


class SamplesMethods(Base):
    """`Show_Samples`."""

    @api
    def Show_Samples(self, n: int = 16, augmented: bool = True, subset: str = "train") -> str:
        """Draw some images with their labels into one picture, shown in a notebook; call it after `Dataset()`.

        Args:
            n: the number of images, at most 100. subset: `train` or `val`.
            augmented: as the network is given them in the first epoch, with random transforms, crops and mixing, before
                normalization; this needs the network, which is built if it has not been. False: as they were decoded.

        Returns:
            The path of the picture, `samples-train.png` or `samples-val.png` among the run's logs.
        """
        count, name = Whole(least=1, most=MAX_SAMPLES)("n", n), OneOf(SPLIT)("subset", subset)
        experiment, with_draws = self._experiment, Flag()("augmented", augmented)
        data = experiment.current_data(self._console.ticker("    reading images"))
        learner = (experiment.learner or experiment.build()) if with_draws else None
        batches = data.train if name == "train" else data.val
        images, texts = samples(batches, data.samples.task, count, learner)
        title = f"{'training' if name == 'train' else 'validation'} images as {'given to the network' if learner else 'decoded'}"
        path = experiment.run.logs / f"samples-{name}.png"
        self._picture(charts.pictures(title.capitalize(), images, texts), path, "Samples")
        return str(path)
