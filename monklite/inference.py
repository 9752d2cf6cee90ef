"""Images -> predictions, with the best weights of a trained run: single files, folders, or as many as come."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence, Sized
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from . import backends
from .backends import Learner
from .catalog import LOSSES, resolve
from .data import decode, discover, prepare
from .data.augment import Draws, Policy
from .data.cache import Tick
from .data.prefetch import in_order
from .errors import NotFound, NotReady, OutOfMemory, UnreadableImage
from .processors import cpu_count
from .runs.file_names import BEST, FINAL
from .runs.run import Run
from .tasks import task_of

LeftOut = Callable[[str, str], None]  # name of a file, why it cannot be read


@dataclass(frozen=True)
class Prediction:
    """One image: its name, what is answered, as the task says it, and scores and logits of all classes."""

    name: str
    answer: Mapping[str, Any]
    scores: np.ndarray
    logits: np.ndarray


def weights_of(run: Run) -> Path:
    """The weights to infer with: the best on validation, else the last; without the ending that a backend adds."""
    return run.models / (BEST if run.has_weights(BEST) else FINAL)


class Predictor:
    """A trained run, opened to predict with its best weights; training is not touched by it."""

    def __init__(self, run: Run) -> None:
        state = run.state()
        if not run.is_trained() or state.dataset is None or state.resolved is None:
            raise NotReady(f"{run} has not been trained yet: call Train() first")
        self.run = run
        # in full precision: bfloat16 has 8 bits for a logit, so that near ties would go to the first class by rounding
        self.spec = resolve(state.asked, state.resolved).replace({"model.precision": "float32"})
        loss = LOSSES[self.spec.training.loss.name]
        self.task = task_of(state.dataset.label_type, state.dataset.classes, loss.activation)
        self.weights = weights_of(run)
        self.learner: Learner = backends.load(self.spec.backend).learner(self.spec, self.task, pretrained=False)
        self.learner.load_weights(self.weights)
        self._at_once = sys.maxsize  # images that the memory takes, as far as is known

    def logits(self, images: np.ndarray, draws: Draws) -> np.ndarray:
        """The learner's logits; where the memory is too small for so many images, of half as many at a time from then on."""
        parts: list[np.ndarray] = []
        first = 0
        while first < len(images):
            some = slice(first, first + self._at_once)
            try:
                parts.append(self.learner.logits(images[some], draws.take(some)))
                first += len(parts[-1])
            except OutOfMemory:
                self._at_once = min(self._at_once, len(images) - first) // 2
                if not self._at_once:
                    raise
        return np.concatenate(parts)

    def predict(self, path: str | Path) -> Prediction:
        """Predict one image file.

        Raises:
            NotFound, UnreadableImage: see the message.
        """
        if not Path(path).is_file():
            raise NotFound(f"there is no image file at {str(path)!r} (looked from {Path.cwd()})")
        policy = prepare.policy_for_testing(self.spec)
        return self._read_out([_decode(path, str(path), policy)], policy)[0]

    def predict_folder(self, folder: str | Path, tick: Tick | None = None) -> tuple[list[Prediction], dict[str, str]]:
        """Predict every image of a folder, in the order of their names.

        Returns:
            The predictions, and the files that cannot be read with the reason.

        Raises:
            NotFound: no such folder. DatasetError: no images in it.
        """
        problems: dict[str, str] = {}
        return list(self.stream(folder, problems.__setitem__, tick)), problems

    def stream(
        self, source: str | Path | Iterable[str | Path], left_out: LeftOut, tick: Tick | None = None
    ) -> Generator[Prediction, None, None]:
        """Predict images one after the other, however many there are; images are decoded ahead of the model, in threads.

        Args:
            source: a folder, whose images are taken in the order of their names, or the paths of images, also from a
                generator. A prediction bears the file's name in the folder, or its path as given.
            left_out: told the name of each file that cannot be read, or is gone, and the reason.
            tick: told how many images of how many are done, where `source` says how many there are.

        Returns:
            A generator; closing it ends its threads.

        Raises:
            NotFound: no such folder. DatasetError: no images in it.
        """
        if isinstance(source, (str, Path)):
            names = discover.in_folder(source)
            return self._stream(((Path(source, name), name) for name in names), len(names), left_out, tick)
        total = len(source) if isinstance(source, Sized) else None
        return self._stream(((path, str(path)) for path in source), total, left_out, tick)

    def _stream(
        self, files: Iterable[tuple[str | Path, str]], total: int | None, left_out: LeftOut, tick: Tick | None
    ) -> Generator[Prediction, None, None]:
        policy, threads = prepare.policy_for_testing(self.spec), min(self.spec.data.workers, cpu_count())
        done = 0
        with (
            ThreadPoolExecutor(threads, "monklite-decoding") as pool,
            closing(in_order(pool, lambda file: _attempt(*file, policy), files, threads)) as decoded,
        ):
            while batch := list(islice(decoded, self.spec.data.batch_size)):
                for name, problem in (one for one in batch if not isinstance(one, _Decoded)):
                    left_out(name, problem)
                found = self._read_out([one for one in batch if isinstance(one, _Decoded)], policy)
                done += len(batch)
                if tick and total is not None:
                    tick(done, total)
                yield from found

    def _read_out(self, images: Sequence[_Decoded], policy: Policy) -> list[Prediction]:
        if not images:
            return []
        sizes = np.array([image.size for image in images])
        draws = policy.draw(sizes, np.random.default_rng(self.spec.seed))
        logits = self.logits(np.stack([image.pixels for image in images]), draws)
        scores, answers = self.task.scores(logits), self.task.predicted(logits)
        return [
            Prediction(image.name, self.task.as_dict(line, answer), line, row)
            for image, line, answer, row in zip(images, scores, answers, logits, strict=True)
        ]


class _Decoded(NamedTuple):
    name: str
    pixels: np.ndarray
    size: decode.Size


def _decode(file: str | Path, name: str, policy: Policy) -> _Decoded:
    return _Decoded(name, *decode.load(file, policy.stored_size, policy.prefix))


def _attempt(file: str | Path, name: str, policy: Policy) -> _Decoded | tuple[str, str]:
    """The image, or its name and why it cannot be read."""
    try:
        return _decode(file, name, policy)
    except (UnreadableImage, NotFound) as error:
        return name, str(error)
