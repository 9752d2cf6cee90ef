"""Near copies among thumbnails: every kind is found, and different pictures are not."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from monklite.data import decode, description, discover, near_duplicates
from monklite.data.description import THUMBNAIL_SIDE
from monklite.testing.datasets import draw_chest_xrays, draw_noise, soft_noise

N = 60


def thumbnail(picture: Image.Image) -> np.ndarray:
    header = (0.0,) * 8
    return description.describe(header, decode.resize(picture.convert("RGB"), 96)).thumbnail


def saved(picture: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image.open(file)


def cropped(picture: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    width, height = picture.size
    return picture.crop(
        (round(left * width), round(top * height), round((1 - right) * width), round((1 - bottom) * height))
    )


KINDS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "resized": lambda p: p.resize((75, 90)),
    "recompressed": lambda p: saved(p, 30),
    "mirrored": lambda p: p.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "upside down": lambda p: p.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    "cropped at all edges": lambda p: cropped(p, 0.025, 0.025, 0.025, 0.025),
    "cropped at one edge": lambda p: cropped(p, 0.05, 0, 0, 0),
    "brighter": lambda p: ImageEnhance.Brightness(p).enhance(1.2),
    "of less contrast": lambda p: ImageEnhance.Contrast(p).enhance(0.6),
    "several": lambda p: saved(cropped(p.transpose(Image.Transpose.FLIP_LEFT_RIGHT), 0.03, 0.02, 0.02, 0.03), 50),
}


@pytest.fixture(scope="module")
def pictures() -> list[Image.Image]:
    rng = np.random.default_rng(0)
    return [Image.fromarray(soft_noise(rng, 128)) for _ in range(N)]


@pytest.mark.parametrize("kind", KINDS)
def test_near_copies_of_every_kind_are_found_and_nothing_else(pictures: list[Image.Image], kind: str) -> None:
    copies = [KINDS[kind](picture) for picture in pictures[: N // 2]]
    found = near_duplicates.find(np.stack([thumbnail(p) for p in (*pictures, *copies)]))
    pairs = set(zip(found.first.tolist(), found.second.tolist(), strict=True))
    planted = {(i, N + i) for i in range(N // 2)}
    assert pairs <= planted
    assert len(pairs) >= 0.95 * len(planted)
    assert np.mean(found.mirrored) == (kind in ("mirrored", "several"))
    assert np.mean(found.upside_down) == (kind == "upside down")


def test_a_few_pictures_and_pictures_without_contrast_are_compared_too() -> None:
    rng = np.random.default_rng(1)
    one = thumbnail(Image.fromarray(soft_noise(rng, 96)))
    plain = np.full((THUMBNAIL_SIDE, THUMBNAIL_SIDE), 7, np.uint8)
    assert len(near_duplicates.find(np.stack([one])).first) == len(near_duplicates.find(one[None][:0]).first) == 0
    found = near_duplicates.find(np.stack([plain, one, plain, one]))
    assert (found.first.tolist(), found.second.tolist(), found.likeness.round(3).tolist()) == ([1], [3], [1.0])


@pytest.mark.parametrize("n", [near_duplicates.ROWS, near_duplicates.ROWS + 1, near_duplicates.COLUMNS + 1])
def test_the_last_pictures_of_any_number_are_compared(n: int) -> None:
    rng = np.random.default_rng(0)
    thumbnails = rng.integers(0, 256, (n, THUMBNAIL_SIDE, THUMBNAIL_SIDE), np.uint8)
    thumbnails[-1] = thumbnails[n // 2]
    found = near_duplicates.find(thumbnails)
    assert (found.first.tolist(), found.second.tolist()) == ([n // 2], [n - 1])
    assert near_duplicates.find(thumbnails, np.array([n - 1])).first.tolist() == [n - 1]


def test_only_what_is_asked_for_is_compared_with_all_others(pictures: list[Image.Image]) -> None:
    thumbnails = np.stack([thumbnail(p) for p in (*pictures[:5], *pictures[:5], pictures[0])])
    found = near_duplicates.find(thumbnails, np.array([6, 10]))
    assert sorted(zip(found.first.tolist(), found.second.tolist(), strict=True)) == [(6, 1), (10, 0), (10, 5)]


def test_many_copies_of_one_picture_take_no_longer(pictures: list[Image.Image]) -> None:
    thumbnails = np.stack([thumbnail(pictures[0])] * 600)
    found = near_duplicates.find(thumbnails)
    assert len(found.first) <= 600 * near_duplicates.MAX_CANDIDATES
    assert len(np.unique(np.concatenate([found.first, found.second]))) == 600


def test_real_x_rays_look_alike_and_are_told_apart(cxr) -> None:
    samples = discover.from_folders(cxr / "cxr-512" / "test")
    decoded = [decode.load(samples.file_path(row), 96)[0] for row in range(len(samples))]
    found = near_duplicates.find(np.stack([thumbnail(Image.fromarray(pixels)) for pixels in decoded]))
    assert len(found.first) == 0


def test_soft_noise_is_the_same_for_the_same_seed(tmp_path) -> None:
    folder = draw_noise(tmp_path, {"a": 2}, side=16)
    first = [np.asarray(Image.open(path)) for path in sorted(folder.rglob("*.png"))]
    assert (first[0] != first[1]).any()
    assert (first[0] == soft_noise(np.random.default_rng(0), 16)).all()


def test_pictures_that_are_alike_by_their_kind_are_no_copies(tmp_path: Path, pictures: list[Image.Image]) -> None:
    """Drawn chests differ in little but noise and position; a network that tells them apart has not seen copies."""
    folder = draw_chest_xrays(tmp_path, n_train=60, n_test=2) / "train"
    chests = np.stack([thumbnail(Image.open(path)) for path in sorted(folder.rglob("*.jpeg"))])
    alike = near_duplicates.find(chests)
    assert len(alike.first) > 30
    found, n_alike = near_duplicates.apart(alike, chests)
    assert n_alike > 30 and len(found.first) <= 3
    # and copies of others are told beside them
    several = np.concatenate([chests, *[np.stack([thumbnail(p), thumbnail(saved(p, 40))]) for p in pictures[:5]]])
    found, _ = near_duplicates.apart(near_duplicates.find(several), several)
    assert {(60 + 2 * i, 61 + 2 * i) for i in range(5)} <= set(
        zip(found.first.tolist(), found.second.tolist(), strict=True)
    )


def test_a_dozen_copies_of_each_picture_are_copies(pictures: list[Image.Image]) -> None:
    copies = np.stack([thumbnail(saved(p, quality)) for p in pictures[:10] for quality in range(30, 90, 5)])
    alike = near_duplicates.find(copies)
    found, n_alike = near_duplicates.apart(alike, copies)
    assert n_alike == 0 and len(found.first) == len(alike.first) > 100


def augmented(picture: Image.Image, i: int, rng: np.random.Generator) -> Image.Image:
    """As people augment before they split: a crop, a mirror image, another brightness, saved again."""
    width, height = picture.size
    left, top = rng.uniform(0, 0.04, 2)
    box = (left * width, top * height, (0.96 + left) * width, (0.96 + top) * height)
    part = picture.crop(tuple(map(int, box)))
    part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if i % 2 else part
    return saved(ImageEnhance.Brightness(part).enhance(rng.uniform(0.8, 1.2)), int(rng.integers(60, 95)))


def test_pictures_that_were_augmented_before_they_were_split_are_copies(pictures: list[Image.Image]) -> None:
    rng = np.random.default_rng(0)
    copies = np.stack([thumbnail(augmented(p, i, rng)) for p in pictures[:4] for i in range(30)])
    found, n_alike = near_duplicates.apart(near_duplicates.find(copies), copies)
    assert n_alike == 0
    assert len(np.unique(np.concatenate([found.first, found.second]))) > 0.95 * len(copies)
    assert (found.first // 30 == found.second // 30).all()


def test_many_copies_of_one_picture_hide_no_others(pictures: list[Image.Image]) -> None:
    pairs = [
        thumbnail(p) for picture in pictures[1:4] for p in (picture, augmented(picture, 0, np.random.default_rng(1)))
    ]
    copies = np.stack([*[thumbnail(saved(pictures[0], 60 + i)) for i in range(30)], *pairs])
    found, n_alike = near_duplicates.apart(near_duplicates.find(copies), copies)
    assert n_alike == 0
    told = set(zip(found.first.tolist(), found.second.tolist(), strict=True))
    assert {(30, 31), (32, 33), (34, 35)} <= told and set(range(30)) <= {row for pair in told for row in pair}
