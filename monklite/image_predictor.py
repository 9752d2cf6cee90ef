"""Predictions for images of any kind: single ones, folders, or streams of any length; the same for a run and for a bundle."""

from __future__ import annotations

import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence, Sized
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from .data.decoded_input import DecodedInput, Decoding, Unread, one_image
from .data.image_folder import images_in_folder
from .data.image_input import ImageInput, image_input, images_in
from .data.prefetch import in_order
from .errors import OutOfMemory
from .looking import is_folder
from .processors import cpu_count
from .tasks import THRESHOLD, Task, Thresholds

if TYPE_CHECKING:
    from .certainty import Certainty
    from .data.cache import Tick
    from .decisions import OperatingPoint

# called with the name of a file and the reason why it cannot be read
LeftOut = Callable[[str, str], None]
T = TypeVar("T")


@dataclass(frozen=True)
class Prediction:
    """The prediction for one image.

    `answer`: the predicted classes and their scores, as the task words them, and what `Certainty` adds. `scores`: float
    (classes,), 0 to 1; `logits`: float32 (classes,), both in the order of the task's classes.
    """

    name: str
    answer: Mapping[str, Any]
    scores: np.ndarray
    logits: np.ndarray


class Asked(NamedTuple):
    """How a prediction is to be made.

    `task`: that of the run, with the thresholds that turn scores into labels. `n_views`: of each image beside itself, over which
    scores are averaged.
    """

    task: Task
    n_views: int = 0


class Outputs(NamedTuple):
    """The outputs of a network for some images. `logits`: float32 (n, classes). `embeddings`: computes what its head is given."""

    logits: np.ndarray
    embeddings: Callable[[], np.ndarray]


Answered = Prediction | Unread


class ImagePredictor(ABC):
    """A trained network that predicts images.

    `usual_task`: its task. `task`: the same at the operating point, if there is one, `point`. `certainty`: says which predictions
    are unsure, where it was asked for. `epoch`: whose weights they are; None: it is unknown.
    `decoding`: of pictures. `batch_size`: images that are predicted at once; `workers`: threads that decode.
    """

    usual_task: Task
    task: Task
    point: OperatingPoint | None
    certainty: Certainty | None
    epoch: int | None
    decoding: Decoding
    batch_size: int
    workers: int

    def __init__(self) -> None:
        # images that fit into memory at once, as far as is known
        self._max_images = sys.maxsize

    @abstractmethod
    def outputs(self, pixels: np.ndarray, sizes: np.ndarray, asked: Asked) -> Outputs:
        """The outputs of the network for decoded images.

        Args:
            pixels: uint8 (n, stored size, stored size, 3). sizes: of the whole images, (n, 2) width and height px.

        Raises:
            OutOfMemory: memory is too small for one image.
        """

    def asked(self, thresholds: Thresholds, n_views: int) -> Asked:
        """How predictions are to be made.

        Raises:
            InvalidType, InvalidValue: thresholds that do not fit, or views that this network cannot show.
        """
        return Asked(self.task.with_thresholds(thresholds), n_views)

    # no abstract method: there may be nothing to do
    def speed_up(self, n_images: int) -> None:  # noqa: B027
        """Get ready to predict so many images; 0: it is not known how many."""

    def predict(
        self,
        image: Any,
        argument: str = "image",
        allow_url: bool = False,
        thresholds: Thresholds = THRESHOLD,
        n_views: int = 0,
    ) -> Prediction:
        """Predict one image, of any kind that `image_input` takes. `argument`: what errors call it; `thresholds`, `n_views`: see
        `stream`.

        Raises:
            NotFound: no such file. UnreadableImage: it cannot be read as an image. InvalidType, InvalidValue: not an image.
        """
        asked = self.asked(thresholds, n_views)
        decoded = self.decoding.decoded(one_image(image, argument, allow_url, self.decoding.levels))
        self.speed_up(1)
        return self._predicted([decoded], asked)[0]

    def predict_folder(self, folder: str | Path, tick: Tick | None = None) -> tuple[list[Prediction], dict[str, str]]:
        """Predict every image of a folder and of the folders in it, sorted by name.

        Returns:
            The predictions, and for each file that cannot be read its name and the reason.

        Raises:
            NotFound: no such folder. DatasetError: no images in it.
        """
        problems: dict[str, str] = {}
        return list(self.stream(folder, problems.__setitem__, tick)), problems

    def of_paths(self, paths: Sequence[str], left_out: LeftOut) -> Iterator[Prediction]:
        """Predict files and folders, in the order in which they are given; a folder's images have its name before theirs.

        Raises:
            DatasetError: a folder without images.
        """
        for of_folder, group in groupby(paths, lambda path: is_folder(Path(path))):
            if not of_folder:
                yield from self.stream(list(group), left_out, argument="images")
                continue
            for folder in group:
                for prediction in self.stream(folder, left_out):
                    yield replace(prediction, name=str(Path(folder, prediction.name)))

    def stream(
        self,
        source: Any,
        left_out: LeftOut,
        tick: Tick | None = None,
        argument: str = "source",
        allow_url: bool = False,
        thresholds: Thresholds = THRESHOLD,
        n_views: int = 0,
    ) -> Generator[Prediction, None, None]:
        """Predict any number of images, one after the other; threads decode images in advance.

        Args:
            source: a folder, whose images (also those in folders inside it) are predicted sorted by name, or images of any kind
                in a list, a generator or an array (see `image_input`). A prediction has the name of the file in the folder,
                the path as it was given, or `image 0` after its place in `source`.
            left_out: called for each image that is missing or cannot be read.
            tick: called with the number of images done and the total, if `source` has a length.
            argument: what errors call `source`. allow_url: also fetch images from addresses on the web.
            thresholds: of the scores of labels, see `Task.with_thresholds`. n_views: of each image beside itself, over which
                scores are averaged; 1: its mirror image; more: parts of it too.

        Returns:
            A generator; closing it stops its threads.

        Raises:
            NotFound: no such folder. DatasetError: no images in it. InvalidType, InvalidValue: something that is not an image,
            when its turn comes.
        """
        asked, levels = self.asked(thresholds, n_views), self.decoding.levels
        if isinstance(source, (str, os.PathLike)):
            names = images_in_folder(source)
            files = (ImageInput(name, str(Path(source, name))) for name in names)
            return self._stream(files, len(names), left_out, tick, asked)
        images = images_in(source, argument, allow_url, levels)
        if images is None:
            image = image_input(source, argument, allow_url=allow_url, levels=levels)
            return self._stream([image], 1, left_out, tick, asked)
        return self._stream(images, len(source) if isinstance(source, Sized) else None, left_out, tick, asked)

    def _stream(
        self, images: Iterable[ImageInput], total: int | None, left_out: LeftOut, tick: Tick | None, asked: Asked
    ) -> Generator[Prediction, None, None]:
        threads = min(self.workers, cpu_count())
        # of a generator the length is not known
        self.speed_up(total or 0)
        done = 0
        with (
            ThreadPoolExecutor(threads, "monklite-decoding") as pool,
            closing(self._batches(pool, threads, images, asked)) as batches,
        ):
            for batch in batches:
                for unread in (item for item in batch if isinstance(item, Unread)):
                    left_out(*unread)
                done += len(batch)
                if tick and total is not None:
                    tick(done, total)
                yield from (item for item in batch if isinstance(item, Prediction))

    def _batches(
        self, pool: Executor, threads: int, images: Iterable[ImageInput], asked: Asked
    ) -> Generator[list[Answered], None, None]:
        """Yield what is answered to the images, in batches; threads decode, and this one computes."""
        with closing(in_order(pool, self.decoding.tried, images, threads)) as decoded:
            while batch := list(islice(decoded, self.batch_size)):
                yield self._answered(batch, asked)

    def _answered(self, batch: Sequence[DecodedInput | Unread], asked: Asked) -> list[Answered]:
        predictions = iter(self._predicted([item for item in batch if isinstance(item, DecodedInput)], asked))
        return [item if isinstance(item, Unread) else next(predictions) for item in batch]

    def _predicted(self, images: Sequence[DecodedInput], asked: Asked) -> list[Prediction]:
        if not images:
            return []
        pixels, sizes = np.stack([image.pixels for image in images]), np.array([image.size for image in images])
        task, outputs = asked.task, self.outputs(pixels, sizes, asked)
        scores, labels = task.scores(outputs.logits), task.predicted(outputs.logits)
        answers = [task.as_dict(*pair) for pair in zip(scores, labels, strict=True)]
        if self.certainty is not None:
            sure = self.certainty.answers(task, outputs.logits, labels, outputs.embeddings)
            answers = [{**answer, **more} for answer, more in zip(answers, sure, strict=True)]
        rows = zip(images, answers, scores, outputs.logits, strict=True)
        return [Prediction(image.name, *of_image) for image, *of_image in rows]

    def _in_chunks(self, n_images: int, compute: Callable[[slice], T]) -> Iterator[T]:
        """Yield what is computed of some images after the others; if memory is too small, of half as many from then on."""
        first = 0
        while first < n_images:
            chunk = slice(first, first + self._max_images)
            try:
                computed = compute(chunk)
            except OutOfMemory:
                self._max_images = min(self._max_images, n_images - first) // 2
                if not self._max_images:
                    raise
            else:
                first = chunk.stop
                yield computed
