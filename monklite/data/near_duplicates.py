"""Near copies among pictures: the same picture saved again, resized, mirrored, cropped a little, or of another contrast.

Two stages, both on thumbnails. All pairs are compared by their lowest frequencies, weighted so that what a small crop changes
counts little and what all pictures have in common counts nothing; the few that are alike are registered on each other, and count
as near copies if their details agree where one is a part of the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .alignment import Registration, register, sampled

# cosine from which on a pair is registered, and likeness of details from which on it is one of near copies: of 62,000 pairs of
# chest X-rays of different patients the most alike has 0.87, and of planted near copies 99 % have at least 0.93
CANDIDATE, NEAR = 0.74, 0.93
# the nearest ones of each picture that are registered
MAX_CANDIDATES = 8
# shares of a side: of what is cut off at each edge, and how exactly edges are found
MAX_CUT, EDGE_TOLERANCE = 0.085, 0.012
# levels of 255: thumbnails with less contrast show nothing to compare
LEAST_CONTRAST = 2.0
# frequencies of each axis
FREQUENCIES = 8
# crops from which it is learned what a crop changes: of so many pictures, so many of each, at most so much of each edge
SAMPLED_PICTURES, CROPS, CROPPED = 500, 4, 0.05
# as a share of the mean variance, and in pictures
REGULARIZATION, PRIOR_PICTURES = 0.1, 50
# A chain of likenesses through so many pictures, and more than such a share of all, is of pictures of one kind, such as of a
# phantom; it is of copies if of so many pairs chosen at random such a share are near copies
LEAST_OF_A_KIND, SHARE_OF_A_KIND, CHOSEN_PAIRS, SHARE_OF_COPIES = 20, 0.5, 200, 0.9
# the share of their pairs that a copy is more alike than, which need not be more alike than this
USUAL, MOST_USUAL = 0.95, 0.985
# of the pairs that are compared at once, which stay in the processor's cache
ROWS, COLUMNS = 256, 2048


# by which a spectrum is multiplied if its picture is mirrored or upside down
_ODD = (-1.0) ** np.arange(FREQUENCIES, dtype=np.float32)
MIRRORED, DOWN = np.tile(_ODD, FREQUENCIES)[1:], np.repeat(_ODD, FREQUENCIES)[1:]
# the parts of unit vectors that mirroring keeps and that it turns round, float32 (n, about half the frequencies)
Vectors = tuple[np.ndarray, np.ndarray]


class NearCopies(NamedTuple):
    """Pairs of near copies.

    `first`, `second` int64 (n,): their rows. `likeness` float32 (n,): of their details, 0 to 1. `mirrored`, `upside_down`,
    `cropped` bool (n,): how one differs from the other.
    """

    first: np.ndarray
    second: np.ndarray
    likeness: np.ndarray
    mirrored: np.ndarray
    upside_down: np.ndarray
    cropped: np.ndarray

    def take(self, chosen: np.ndarray) -> NearCopies:
        return NearCopies(*(column[chosen] for column in self))


def find(thumbnails: np.ndarray, queries: np.ndarray | None = None) -> NearCopies:
    """The near copies among pictures, each pair once; `first` is one of the queries.

    Args:
        thumbnails: uint8 (n, side, side); those without contrast are compared with none. queries: rows that are compared with all
            others; None: all.
    """
    contrast = [part.std(axis=(1, 2)) for part in _parts(thumbnails)]
    shown = np.flatnonzero(np.concatenate([np.empty(0), *contrast]) >= LEAST_CONTRAST)
    asked = np.isin(shown, queries) if queries is not None else np.ones(len(shown), bool)
    pictures, rows = thumbnails[shown], np.flatnonzero(asked)
    parts = [_verified(pictures, pairs) for pairs in _candidates(pictures, rows)] if len(shown) > 1 else []
    none = [np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32), *[np.empty(0, bool)] * 3]
    found = NearCopies(*map(np.concatenate, zip(none, *parts, strict=True)))
    return found._replace(first=shown[found.first], second=shown[found.second])


def apart(found: NearCopies, thumbnails: np.ndarray) -> tuple[NearCopies, int]:
    """The near copies without those among pictures that are alike by their kind, and the number of these pictures.

    Where most pictures are alike, copies among them cannot be told from other ones; and beside them, only pairs that are more
    alike than nearly all of theirs are copies. Any number of copies of one picture are copies.

    Args:
        thumbnails: of all pictures, as for `find`.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    n = len(thumbnails)
    links = coo_matrix((np.ones(len(found.first)), (found.first, found.second)), shape=(n, n))
    group = connected_components(links, directed=False)[1]
    sizes = np.bincount(group, minlength=1)
    largest = int(sizes.argmax())
    if sizes[largest] < LEAST_OF_A_KIND or sizes[largest] <= SHARE_OF_A_KIND * n:
        return found, 0
    if _is_one_picture(thumbnails[group == largest]):
        return found, 0
    alike = group[found.first] == largest
    usual = min(float(np.quantile(found.likeness[alike], USUAL)), MOST_USUAL)
    return found.take(~alike & (found.likeness > usual)), int(sizes[largest])


def _is_one_picture(pictures: np.ndarray) -> bool:
    """Whether nearly all pairs of these are near copies."""
    first, second = np.random.default_rng(0).integers(0, len(pictures), (2, CHOSEN_PAIRS))
    first, second = first[first != second], second[first != second]
    sides = np.zeros(len(first), bool), np.ones(len(first), bool)
    turns = [(mirrored, down) for mirrored in sides for down in sides]
    pairs = _Pairs(
        *(np.tile(rows, len(turns)) for rows in (first, second, first)), *map(np.concatenate, zip(*turns, strict=True))
    )
    copies = _verified(pictures, pairs)
    return len(set(zip(copies.first.tolist(), copies.second.tolist(), strict=True))) >= SHARE_OF_COPIES * len(
        set(zip(first.tolist(), second.tolist(), strict=True))
    )


def _parts(pictures: np.ndarray) -> Iterator[np.ndarray]:
    """Yield some pictures at a time as float32, which take four times the memory."""
    yield from (pictures[i : i + COLUMNS].astype(np.float32) for i in range(0, len(pictures), COLUMNS))


class _Pairs(NamedTuple):
    """Pairs that are alike at first sight: rows, cosine, and how the second must be turned to be like the first."""

    first: np.ndarray
    second: np.ndarray
    cosine: np.ndarray
    mirrored: np.ndarray
    upside_down: np.ndarray

    def nearest(self) -> _Pairs:
        """For each first row, those of the largest cosines, `MAX_CANDIDATES` at most."""
        order = np.lexsort((-self.cosine, self.first))
        rows = self.first[order]
        place = np.arange(len(rows)) - np.searchsorted(rows, rows)
        return _Pairs(*(column[order[place < MAX_CANDIDATES]] for column in self))


def _candidates(pictures: np.ndarray, queries: np.ndarray) -> Iterator[_Pairs]:
    """Yield the pairs that are alike by their lowest frequencies, row by row; of two queries, with the later one as second."""
    n, spectra = len(pictures), np.concatenate([_spectra(part) for part in _parts(pictures)])
    comparison = _Comparison(pictures, spectra)
    own, turned = comparison.vectors(spectra), comparison.vectors(spectra * DOWN)
    is_query = np.isin(np.arange(n), queries)
    for start in range(0, len(queries), ROWS):
        rows, found = queries[start : start + ROWS], []
        for columns in (np.arange(first, min(first + COLUMNS, n)) for first in range(0, n, COLUMNS)):
            # of queries, what is before them has been compared
            if columns[-1] >= rows[0] or not is_query[columns].all():
                done = is_query[columns] & (columns <= rows[:, None])
                found += [_alike(own, view, rows, columns, done, view is turned) for view in (own, turned)]
        yield _Pairs(*map(np.concatenate, zip(*found, strict=True))).nearest()


def _alike(
    own: Vectors, other: Vectors, rows: np.ndarray, columns: np.ndarray, done: np.ndarray, upside_down: bool
) -> _Pairs:
    """The pairs of these rows and columns whose cosine, as they are or mirrored, is at least `CANDIDATE`."""
    cosine = own[0][rows] @ other[0][columns].T
    opposite = own[1][rows] @ other[1][columns].T
    is_mirrored = opposite < 0
    cosine += np.abs(opposite, out=opposite)
    places = np.flatnonzero((cosine >= CANDIDATE) & ~done)
    i, j = np.divmod(places, len(columns))
    return _Pairs(rows[i], columns[j], cosine[i, j], is_mirrored[i, j], np.full(len(places), upside_down))


class _Comparison:
    """How pictures are compared: by what is learned from a sample of them."""

    def __init__(self, pictures: np.ndarray, spectra: np.ndarray) -> None:
        mean = spectra.mean(axis=0) * len(spectra) / (len(spectra) + PRIOR_PICTURES)
        # the same for a picture and its mirror image
        self._mean = (mean + mean * MIRRORED) / 2
        self._weights = self._learned(pictures, spectra)

    def _learned(self, pictures: np.ndarray, spectra: np.ndarray) -> np.ndarray:
        """Makes what crops change of one size in all directions (within-class covariance normalization, Hatch 2006)."""
        rng = np.random.default_rng(0)
        rows = rng.permutation(len(pictures))[:SAMPLED_PICTURES].repeat(CROPS)
        cuts = rng.uniform(0, CROPPED, (2, 2, len(rows))).astype(np.float32)
        inside = ((np.arange(pictures.shape[1]) + 0.5) / pictures.shape[1]).astype(np.float32)
        x, y = (low[:, None] + (1 - low - high)[:, None] * inside - 0.5 for low, high in cuts)
        changes = _spectra(sampled(pictures[rows].astype(np.float32), x, y)) - spectra[rows]
        covariance = changes.T @ changes / len(changes)
        covariance = (covariance + covariance * np.outer(MIRRORED, MIRRORED)) / 2
        covariance += (REGULARIZATION * np.trace(covariance) / len(covariance) + 1e-9) * np.eye(len(covariance))
        values, directions = np.linalg.eigh(covariance)
        return (directions / np.sqrt(values) @ directions.T).astype(np.float32)

    def vectors(self, spectra: np.ndarray) -> Vectors:
        vectors = (spectra - self._mean) @ self._weights
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9
        return vectors[:, MIRRORED > 0], vectors[:, MIRRORED < 0]


def _spectra(pictures: np.ndarray) -> np.ndarray:
    """The lowest frequencies without the mean, of length 1: another brightness or contrast does not change them."""
    from scipy.fft import dctn

    low = dctn(pictures, axes=(1, 2), norm="ortho")[:, :FREQUENCIES, :FREQUENCIES].reshape(len(pictures), -1)[:, 1:]
    return low / (np.linalg.norm(low, axis=1, keepdims=True) + 1e-6)


def _verified(pictures: np.ndarray, pairs: _Pairs) -> NearCopies:
    """The pairs whose details agree, as they are or where one is a part of the other."""
    one, other = pictures[pairs.first].astype(np.float32), pictures[pairs.second].astype(np.float32)
    other[pairs.mirrored] = other[pairs.mirrored][:, :, ::-1]
    other[pairs.upside_down] = other[pairs.upside_down][:, ::-1]
    as_is = register(one, other, moving=False)
    likeness, cropped = as_is.likeness, np.zeros(len(one), bool)
    open_ = np.flatnonzero(likeness < NEAR)
    moved = register(one[open_], other[open_])
    parts = np.flatnonzero((moved.likeness >= NEAR) & _is_part(moved))
    likeness[open_[parts]], cropped[open_[parts]] = moved.likeness[parts], True
    turned = pairs.mirrored, pairs.upside_down
    return NearCopies(pairs.first, pairs.second, likeness, *turned, cropped).take(likeness >= NEAR)


def _is_part(moved: Registration) -> np.ndarray:
    """Whether on each axis one picture is a part of the other, cut off at the edges by little."""
    edges = moved.edges
    axes = [edges[:, [axis, axis + 2]] for axis in (0, 1)]
    nested = [(cut >= -EDGE_TOLERANCE).all(axis=1) | (cut <= EDGE_TOLERANCE).all(axis=1) for cut in axes]
    return nested[0] & nested[1] & (np.abs(edges) <= MAX_CUT).all(axis=1)
