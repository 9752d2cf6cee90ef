"""Compare a bundle with the network that it was made of, from the files of images to the answers of both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from ..data import decode, prepare
from ..data.cache import Tick
from ..data.depth import Levels
from ..errors import UnreadableImage
from ..inference import Predictor
from ..processors import cpu_count
from ..records import ACCURACY
from ..spec import Choice
from ..statistics import overall, paired
from ..statistics.judged import Judged
from ..tasks import ACTIVATIONS, Task
from .certificate import MARGIN_TOLERANCE, Comparison
from .manifest import Manifest
from .session import Answers, Session

# files that are decoded and computed at a time
BATCH = 32
Prefix = Sequence[Choice]


class Given(NamedTuple):
    """Known facts about images. `labels`: in the form of the task. `groups`: as of `RunImages`."""

    labels: np.ndarray
    groups: Sequence[str] | None = None


def decoded(contents: Sequence[bytes], side: int, prefix: Prefix, levels: Levels) -> np.ndarray:
    """Files as uint8 (n, side, side, 3).

    Raises:
        UnreadableImage: one of them cannot be read.
    """
    with ThreadPoolExecutor(cpu_count(), "monklite-decoding") as pool:
        found = list(pool.map(lambda content: decode.decode(content, side, prefix, levels=levels), contents))
    pixels = []
    for picture in found:
        if picture.pixels is None:
            raise UnreadableImage(f"an image cannot be read any more: {picture.problem}")
        pixels.append(picture.pixels)
    return np.stack(pixels)


def of_original(predictor: Predictor, contents: Sequence[bytes], embeddings: bool) -> Answers:
    """The answers of the network itself, in its framework. `embeddings`: also what its head is given."""
    policy = prepare.policy_for_testing(predictor.spec)
    pixels = decoded(contents, policy.stored_size, policy.prefix, predictor.levels)
    sizes = np.full((len(pixels), 2), policy.stored_size)
    draws = policy.draw(sizes, np.random.default_rng(predictor.spec.seed))
    logits = predictor.logits(pixels, draws)
    return Answers(logits, np.empty(0), predictor.embeddings(pixels, draws) if embeddings else None)


def of_bundle(manifest: Manifest, session: Session, contents: Sequence[bytes]) -> Answers:
    """The answers of a bundle."""
    levels = Levels.recorded(manifest.levels)
    return session.answers(decoded(contents, manifest.stored_size, manifest.prefix, levels))


def in_batches(
    networks: Sequence[Callable[[Sequence[bytes]], Answers]],
    contents: Iterable[bytes],
    total: int,
    tick: Tick | None = None,
) -> list[Answers]:
    """The answers of several networks for any number of files, in one pass over them.

    Args:
        total: the number of files, for `tick`, which is called with that of the files done and it.
    """
    found: list[list[Answers]] = [[] for _ in networks]
    iterator, done = iter(contents), 0
    while batch := list(islice(iterator, BATCH)):
        for parts, network in zip(found, networks, strict=True):
            parts.append(network(batch))
        done += len(batch)
        if tick:
            tick(done, total)
    return [_joined(parts) for parts in found]


def _joined(parts: Sequence[Answers]) -> Answers:
    logits, probabilities, embeddings = zip(*parts, strict=True)
    told = None if embeddings[0] is None else np.concatenate(embeddings)
    return Answers(np.concatenate(logits), np.concatenate(probabilities), told)


def compared(
    images: str, task: Task, temperature: float, original: Answers, bundle: Answers, given: Given | None = None
) -> Comparison:
    """The comparison of two networks' answers for the same images.

    Args:
        images: which, for the record. task: by which the images are predicted. temperature: of the scores. given: what is known
            of the images.
    """
    scores = ACTIVATIONS[task.activation](original.logits.astype(np.float64) / temperature)
    pair = [task.predicted(answers.logits).reshape(len(scores), -1) for answers in (original, bundle)]
    equal = (pair[0] == pair[1]).all(axis=1)
    limits = MARGIN_TOLERANCE * np.maximum(1.0, np.abs(original.logits).max(axis=1))
    return Comparison(
        images=images,
        n_images=len(scores),
        score_difference=_largest(scores - bundle.probabilities),
        logit_difference=_largest(original.logits - bundle.logits),
        embedding_difference=_embedding_difference(original, bundle),
        equal=int(equal.sum()),
        undecided=int((~equal & (task.margins(original.logits) <= limits)).sum()),
        **({} if given is None else _judged(task, original, bundle, given)),
    )


def _largest(differences: np.ndarray) -> float:
    return float(np.abs(differences).max())


def _embedding_difference(original: Answers, bundle: Answers) -> float | None:
    if original.embeddings is None or bundle.embeddings is None:
        return None
    return _largest(original.embeddings - bundle.embeddings) / max(_largest(original.embeddings), 1e-30)


def _judged(task: Task, original: Answers, bundle: Answers, given: Given) -> dict[str, Any]:
    """The fields of a comparison about images whose labels are known."""
    pair = [Judged.of(task, answers.logits, given.labels, given.groups) for answers in (original, bundle)]
    first, second = (judged.correct for judged in pair)
    only_original, only_bundle = int((first & ~second).sum()), int((second & ~first).sum())
    return {
        "accuracies": tuple(overall.FIGURES[ACCURACY](judged, []) for judged in pair),
        "only_original": only_original,
        "only_bundle": only_bundle,
        "p_value": float(paired.mcnemar(np.array([only_original]), np.array([only_bundle]))[0]),
        "loss": paired.difference(only_original, only_bundle, len(first)),
    }
