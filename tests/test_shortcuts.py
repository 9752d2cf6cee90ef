"""What the class can be told from without looking at what images show: found where it is, and hardly ever where it is not."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monklite.data import decode, description, discover, shortcuts
from monklite.data.description import TRAITS
from monklite.data.samples import DIGEST, Samples, as_column
from monklite.statistics import grouped_folds


def table(labels: np.ndarray, classes: tuple[str, ...] = ("a", "b")) -> Samples:
    paths = [f"{i}.png" for i in range(len(labels))]
    samples = Samples.from_files(Path("images"), classes, paths, labels)
    return dataclasses.replace(samples, digests=np.array([str(i).encode() for i in range(len(labels))], DIGEST))


def noise(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, len(TRAITS))).astype(np.float32)


def probe(labels: np.ndarray, traits: np.ndarray, **columns: np.ndarray) -> list[shortcuts.Giveaway]:
    samples = dataclasses.replace(table(labels), **columns)
    return shortcuts.probe(samples, traits, np.arange(len(labels)))


def test_a_property_that_tells_the_class_is_named() -> None:
    labels, traits = np.arange(60) % 2, noise(60, 0)
    traits[:, TRAITS.index("JPEG quality")] += 6 * labels
    (giveaway,) = probe(labels, traits)
    assert giveaway.is_telling and giveaway.is_of_files
    assert (giveaway.traits, giveaway.n_images, giveaway.chance) == (("JPEG quality",), 60, 0.5)
    assert giveaway.accuracy > 0.9
    assert str(giveaway).startswith(
        "the class can be told without looking at what the images show, above all from JPEG quality: "
    )


def test_two_properties_that_tell_it_together_are_named_with_a_hint_that_they_may_be_meant() -> None:
    labels, traits = np.arange(200) % 4, noise(200, 1)
    traits[:, TRAITS.index("brightness")] += 6 * (labels % 2)
    traits[:, TRAITS.index("contrast")] += 6 * (labels // 2)
    samples = table(labels, ("a", "b", "c", "d"))
    (giveaway,) = shortcuts.probe(samples, traits, np.arange(200))
    assert set(giveaway.traits) == {"brightness", "contrast"}
    assert giveaway.skill > 0.8
    assert str(giveaway).endswith("chance 25%). Unless the classes are about that, the network may learn that instead")


@pytest.mark.parametrize("n", [24, 120])
def test_where_nothing_tells_the_class_nothing_is_told(n: int) -> None:
    found = [probe(np.random.default_rng(seed).permutation(np.arange(n) % 2), noise(n, seed))[0] for seed in range(40)]
    assert sum(giveaway.is_telling for giveaway in found) <= 2
    assert np.mean([giveaway.accuracy for giveaway in found]) == pytest.approx(0.5, abs=0.06)


def test_a_group_is_not_told_by_its_own_images() -> None:
    """Patients have properties of their own: with images of each on both sides, their class would be told by them."""
    groups = np.arange(80) // 8
    labels, traits = groups % 2, noise(10, 3)[groups] + 0.01 * noise(80, 4)
    assert probe(labels, traits)[0].accuracy > 0.95
    grouped = probe(labels, traits, groups=as_column([f"patient {group}" for group in groups]))
    assert grouped[0].accuracy < 0.8
    # copies count once
    copies = probe(labels, traits, digests=np.array([str(group).encode() for group in groups], DIGEST))
    assert copies == []


@pytest.mark.parametrize("n_groups", [1, 2, 3, 4])
def test_few_groups_are_no_error(n_groups: int) -> None:
    groups = np.arange(60) % n_groups
    names = as_column([f"patient {group}" for group in groups])
    labels, traits = np.random.default_rng(0).permutation(np.arange(60) % 2), noise(60, 0)
    traits[:, TRAITS.index("JPEG quality")] += 6 * labels
    found = probe(labels, traits, groups=names)
    assert [giveaway.is_telling for giveaway in found] == [True] * (n_groups > 1)
    # of a class that one patient has, the others teach nothing
    assert probe(np.minimum(groups, 1), traits, groups=names) == []


def test_a_class_of_one_group_does_not_hide_the_others() -> None:
    labels, traits = np.arange(90) % 3, noise(90, 0)
    traits[:, TRAITS.index("JPEG quality")] += 6 * labels
    groups = as_column(["patient" if label == 2 else "" for label in labels])
    samples = dataclasses.replace(table(labels, ("a", "b", "c")), groups=groups)
    (giveaway,) = shortcuts.probe(samples, traits, np.arange(90))
    assert (giveaway.n_images, giveaway.is_telling) == (60, True)


def test_folds_are_dealt_once_for_all_properties(monkeypatch: pytest.MonkeyPatch) -> None:
    """2,000 images of 1,500 patients: with scikit-learn's grouped folds, 20 labels took more than a minute."""
    labels = np.random.default_rng(0).random((200, 3)) < 0.5
    samples = dataclasses.replace(table(labels, ("x", "y", "z")), groups=as_column([f"p{i % 150}" for i in range(200)]))
    dealt, deal = [], grouped_folds.deal
    monkeypatch.setattr(grouped_folds, "deal", lambda *args: dealt.append(len(args[0])) or deal(*args))
    assert len(shortcuts.one_by_one(samples, noise(200, 0), np.arange(200))) == len(TRAITS)
    assert dealt == [200] * 3


@pytest.mark.parametrize("n_groups", [2, 7, 1500])
def test_folds_keep_groups_together_and_classes_in_each(n_groups: int) -> None:
    rng = np.random.default_rng(0)
    groups = np.r_[np.arange(n_groups), rng.integers(0, n_groups, 500)]
    labels = (rng.random(len(groups)) < 0.2).astype(np.int64)
    folds = grouped_folds.deal(labels, groups)
    assert all(len(np.unique(folds[groups == group])) == 1 for group in range(n_groups))
    sizes = np.bincount(folds)
    assert len(sizes) == min(grouped_folds.FOLDS, n_groups)
    if n_groups == 1500:
        rare = np.bincount(folds, labels)
        assert sizes.max() - sizes.min() < 0.1 * sizes.mean() and rare.max() - rare.min() < 0.1 * rare.mean()
    # without groups, as evenly as can be
    alone = grouped_folds.deal(labels, np.arange(len(labels)))
    assert np.ptp(np.bincount(alone, labels)) <= 1 >= np.ptp(np.bincount(alone))


def test_classes_with_few_images_are_left_out() -> None:
    assert probe(np.array([0] * 30 + [1] * 5), noise(35, 0)) == []
    labels = np.array([0] * 30 + [1] * 30 + [2] * 5)
    (giveaway,) = shortcuts.probe(table(labels, ("a", "b", "c")), noise(65, 0), np.arange(65))
    assert (giveaway.n_images, giveaway.chance) == (60, 0.5)


def test_many_images_are_sampled() -> None:
    labels, traits = np.repeat([0, 1], [7000, 1000]), noise(8000, 0)
    traits[:, TRAITS.index("image width")] += 5 * labels
    (giveaway,) = probe(labels, traits)
    assert giveaway.n_images == pytest.approx(shortcuts.MAX_IMAGES, abs=2)
    assert giveaway.accuracy > 0.9


def test_of_very_many_classes_the_largest_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a thousand classes, all of them took half a minute, unasked."""
    monkeypatch.setattr(shortcuts, "MAX_CLASSES", 3)
    labels = np.repeat(np.arange(5), [8, 20, 6, 30, 10])
    (giveaway,) = shortcuts.probe(table(labels, ("a", "b", "c", "d", "e")), noise(74, 0), np.arange(74))
    assert (giveaway.n_images, giveaway.chance) == (60, 1 / 3)


def test_of_several_labels_each_is_tried() -> None:
    labels, traits = np.random.default_rng(0).random((80, 3)) < 0.5, noise(80, 0)
    traits[:, TRAITS.index("image height")] += 8 * labels[:, 1]
    found = shortcuts.probe(table(labels, ("x", "y", "z")), traits, np.arange(80))
    assert [giveaway.label for giveaway in found][0] == "y"
    assert [giveaway.is_telling for giveaway in found] == [True, False, False]
    assert str(found[0]).startswith("whether an image has the label 'y' can be told without looking at what")


def encoded(pixels: np.ndarray, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, **options)  # type: ignore[arg-type]
    return file.getvalue()


def traits_of(content: bytes) -> dict[str, float]:
    decoded = decode.decode(content, 100, described=True)
    assert decoded.description is not None
    return dict(zip(TRAITS, decoded.description.traits.tolist(), strict=True))


def test_the_properties_are_those_of_the_file_and_its_picture() -> None:
    pixels = np.full((50, 100), 100, np.uint8)
    pixels[:, :10] = 0
    pixels[:8, 80:96:4] = 255
    png = traits_of(content := encoded(pixels, format="PNG"))
    assert (png["image width"], png["image height"], png["shape (width to height)"]) == (100, 50, 2)
    assert (png["bit depth"], png["JPEG quality"]) == (8, 0)
    assert png["file size per pixel"] == pytest.approx(len(content) / 5000)
    assert png["brightness of the left border"] == 0
    assert png["brightness of the bottom border"] == pytest.approx(90, abs=1)
    corners = [
        png[f"sharp edges (such as text) in the {place} corner"] for place in ("top left", "top right", "bottom right")
    ]
    assert corners[1] > 3 * corners[0] > 0 == corners[2]
    rgb = np.stack([pixels] * 3, axis=2)
    for quality in (30, 75, 95):
        jpeg = traits_of(encoded(rgb, format="JPEG", quality=quality))
        assert jpeg["JPEG quality"] == pytest.approx(quality, abs=2)
    assert (jpeg["colour mode"], jpeg["file format"]) != (png["colour mode"], png["file format"])
    assert traits_of(encoded(pixels.astype(np.uint16) * 200, format="PNG"))["bit depth"] == 16


def test_what_was_not_asked_for_is_not_described() -> None:
    assert decode.decode(encoded(np.zeros((9, 9), np.uint8), format="PNG"), 8).description is None


def test_the_whole_picture_is_described_also_where_a_part_is_trained_on() -> None:
    from monklite.spec import Choice

    pixels = np.random.default_rng(0).integers(0, 255, (90, 90), np.uint8)
    content = encoded(pixels, format="PNG")
    crop = (Choice(name="center_crop", params={"input_size": 30}),)
    whole, part = (decode.decode(content, 64, prefix, described=True).description for prefix in ((), crop))
    assert whole is not None and part is not None
    assert (whole.thumbnail == part.thumbnail).all() and (whole.traits == part.traits).all()


def test_real_x_rays_from_several_sources_give_their_class_away(cxr) -> None:
    samples = discover.from_folders(cxr / "cxr-original")
    contents = [Path(samples.file_path(row)).read_bytes() for row in range(len(samples))]
    described = [decode.decode(content, 64, described=True).description for content in contents]
    samples = dataclasses.replace(samples, digests=np.array([str(i).encode() for i in range(len(samples))], DIGEST))
    traits = np.array([known.traits for known in described if known is not None])
    (giveaway,) = shortcuts.probe(samples, traits, np.arange(len(samples)))
    assert giveaway.is_telling and giveaway.is_of_files
    shuffled = [np.random.default_rng(seed).permutation(samples.labels) for seed in range(20)]
    told = [
        shortcuts.probe(dataclasses.replace(samples, labels=order), traits, np.arange(len(traits)))[0]
        for order in shuffled
    ]
    assert sum(giveaway.is_telling for giveaway in told) <= 1
    assert description.TRAITS[: len(description.FILE_TRAITS)] == description.FILE_TRAITS
