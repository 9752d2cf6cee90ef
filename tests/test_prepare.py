"""From a spec to batches: one folder or two, unreadable images, recorded splits, real X-rays."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monklite.catalog.default_recipes import default_transforms, resolve
from monklite.catalog.transforms import TRANSFORMS
from monklite.data import dataset_csv, discover, health
from monklite.data.prepare import TrainingData, for_testing, for_training, policy_for_testing
from monklite.errors import DatasetError, NotReady
from monklite.spec import SPLIT, Folders, Resolved, Spec, Table, Transforms
from monklite.testing.datasets import draw_patterns


def make_spec(train_path=None, val_path=None, train_csv=None, delimiter=",", **data: object) -> Resolved:
    """A resolved spec; paths become sources."""
    train = train_csv and Table(path=train_path, csv=train_csv, delimiter=delimiter)
    sources = [train or (train_path and Folders(path=train_path)), val_path and Folders(path=val_path)]
    values = {
        "sources": tuple(filter(None, sources)),
        "input_size": 16,
        "batch_size": 4,
        "workers": 2,
        "split": 0.75,
        "transforms": default_transforms("pytorch"),
    }
    return resolve(Spec().replace({f"data.{name}": value for name, value in {**values, **data}.items()}))


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return draw_patterns(tmp_path / "train", {"cat": 8, "dog": 12}, side=20)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def classes_by_name(made: TrainingData, name: str) -> list[str]:
    """The class that each image of a subset has by its file's name, in the order of the batches' rows."""
    return [path.rsplit("/", 1)[1].split("-")[0] for path in paths(made, name)]


def paths(made: TrainingData, subset: str) -> list[str]:
    """The images of a subset, in the order of the table."""
    return made.samples.paths[made.samples.rows_of(subset)].tolist()


def test_one_folder_is_split_by_class(images: Path, cache: Path) -> None:
    made = for_training(make_spec(train_path=images), cache)
    assert made.record.classes == ("cat", "dog")
    assert (made.record.train_counts, made.record.val_counts) == ((6, 9), (2, 3))
    assert not set(paths(made, "train")) & set(paths(made, "val"))


@pytest.mark.parametrize("subset", ["train", "val"])
def test_batches_hold_the_images_of_their_subset(images: Path, cache: Path, subset: str) -> None:
    made = for_training(make_spec(train_path=images, shuffle=False), cache)
    got = np.concatenate([b.images for b in getattr(made, subset).epoch()])
    everything = discover.from_folders(images).paths.tolist()
    rows = [everything.index(p) for p in paths(made, subset)]
    assert (got == made.train.store.read(np.array(rows))).all()
    assert getattr(made, subset).labels.tolist() == made.samples.labels[made.samples.rows_of(subset)].tolist()


def test_only_training_images_are_shuffled(images: Path, cache: Path) -> None:
    made = for_training(make_spec(train_path=images), cache)
    assert (made.train.shuffle, made.val.shuffle) == (True, False)


def test_only_training_images_are_augmented(images: Path, cache: Path) -> None:
    spec = make_spec(train_path=images)
    made = for_training(spec, cache)
    assert [s.name for s in made.train.policy.steps] == ["random_horizontal_flip"]
    assert (made.val.policy.steps, policy_for_testing(spec).steps) == ((), ())
    assert made.val.policy.mean == made.train.policy.mean == (0.485, 0.456, 0.406)


def test_test_images_go_their_own_way_or_that_of_validation() -> None:
    small, large = (TRANSFORMS["resize"].choose("pytorch", {"input_size": size}) for size in (16, 32))
    assert policy_for_testing(make_spec(transforms=Transforms(val=(small,)))).prefix == (small,)
    assert policy_for_testing(make_spec(transforms=Transforms(val=(small,), test=(large,)))).prefix == (large,)


def test_subsets_that_decode_alike_share_their_store(images: Path, cache: Path) -> None:
    made = for_training(make_spec(train_path=images), cache)
    assert made.train.store is made.val.store


def test_subsets_that_decode_differently_have_their_own(images: Path, cache: Path) -> None:
    crop = TRANSFORMS["random_resized_crop"].choose("pytorch", {"input_size": 16})
    made = for_training(make_spec(train_path=images, transforms=Transforms(train=(crop,))), cache)
    train, val = next(made.train.epoch()), next(made.val.epoch())
    assert (train.images.shape, val.images.shape) == ((4, 32, 32, 3), (5, 16, 16, 3))


def test_the_split_seed_decides_the_split(images: Path, cache: Path) -> None:
    spec = make_spec(train_path=images)
    first, again, other = (for_training(spec.replace({"data.split_seed": seed}), cache) for seed in (1, 1, 2))
    assert paths(first, "val") == paths(again, "val")
    assert paths(first, "val") != paths(other, "val")
    assert first.record.fingerprint == again.record.fingerprint != other.record.fingerprint


def test_without_a_dataset_it_is_told_how_to_give_one(cache: Path) -> None:
    with pytest.raises(
        NotReady, match=r"no dataset yet: give a folder of class folders, Dataset_Params\(dataset_path="
    ):
        for_training(make_spec(), cache)


def test_a_validation_folder_is_used_whole(images: Path, tmp_path: Path, cache: Path) -> None:
    val = draw_patterns(tmp_path / "val", {"cat": 3, "dog": 2}, side=20, seed=1)
    made = for_training(make_spec(train_path=images, val_path=val), cache)
    assert (made.record.train_counts, made.record.val_counts) == ((8, 12), (3, 2))


def test_classes_of_validation_go_by_name_not_by_position(tmp_path: Path, cache: Path) -> None:
    train = draw_patterns(tmp_path / "train", {"ant": 3, "bee": 3, "cat": 3}, side=20)
    val = draw_patterns(tmp_path / "val", {"cat": 2, "bee": 2}, side=20)
    made = for_training(make_spec(train_path=train, val_path=val), cache)
    assert made.samples.labels[made.samples.rows_of("val")].tolist() == [1, 1, 2, 2]
    assert [made.record.classes[k] for k in made.val.labels] == classes_by_name(made, "val")
    assert made.record.val_counts == (0, 2, 2)


def test_a_class_that_only_validation_has_is_refused(images: Path, tmp_path: Path, cache: Path) -> None:
    val = draw_patterns(tmp_path / "val", {"cat": 2, "wolf": 2}, side=20)
    with pytest.raises(
        DatasetError, match=r"the validation set .*val has class 'wolf', which the training images do not"
    ):
        for_training(make_spec(train_path=images, val_path=val), cache)


def test_tables_may_name_the_images(images: Path, tmp_path: Path, cache: Path) -> None:
    rows = [
        f"{p.relative_to(images).as_posix()};{'odd' if i % 2 else 'even'}" for i, p in enumerate(images.rglob("*.png"))
    ]
    (tmp_path / "labels.csv").write_text("\n".join(["image;label", *rows]))
    made = for_training(make_spec(train_path=images, train_csv=tmp_path / "labels.csv", delimiter=";"), cache)
    assert (made.record.classes, made.record.n_train + made.record.n_val) == (("even", "odd"), 20)


def test_an_unreadable_image_is_left_out_counted_and_told(images: Path, cache: Path) -> None:
    (images / "dog" / "dog-005.png").write_bytes(b"")
    (images / "dog" / "notes.txt").write_text("stray")
    made = for_training(make_spec(train_path=images), cache)
    assert (made.record.unreadable, made.record.passed_over, made.samples.strays) == (1, 1, ("dog/notes.txt",))
    assert "the file is empty" in health.unreadable(made.samples)["dog/dog-005.png"]
    assert made.train.n_images + made.val.n_images == 19
    assert "dog/dog-005.png" not in {*paths(made, "train"), *paths(made, "val")}


def test_rows_after_an_unreadable_image_keep_their_own_pixels(images: Path, cache: Path) -> None:
    whole = for_training(make_spec(train_path=images, shuffle=False), cache)
    pixels = dict(zip(discover.from_folders(images).paths, whole.train.store.read(np.arange(20)), strict=True))
    (images / "cat" / "cat-000.png").write_bytes(b"")
    made = for_training(make_spec(train_path=images, shuffle=False), cache)
    got = np.concatenate([b.images for b in made.val.epoch()])
    assert (got == np.stack([pixels[p] for p in paths(made, "val")])).all()


def test_unreadable_images_of_validation_are_counted_too(images: Path, tmp_path: Path, cache: Path) -> None:
    val = draw_patterns(tmp_path / "val", {"cat": 6, "dog": 6}, side=20)
    for broken in (images / "cat" / "cat-001.png", val / "dog" / "dog-002.png"):
        broken.write_text("no picture")
    made = for_training(make_spec(train_path=images, val_path=val), cache)
    assert made.record.unreadable == 2
    left_out = [(f.subset, f.path) for f in health.findings(made.samples) if f.done == health.LEFT_OUT]
    assert left_out == [("train", "cat/cat-001.png"), ("val", "dog/dog-002.png")]
    assert (made.train.n_images, made.val.n_images) == (19, 11)


def test_a_recorded_split_is_used_again(images: Path, tmp_path: Path, cache: Path) -> None:
    spec, recorded = make_spec(train_path=images), tmp_path / "split.csv"
    first = for_training(spec, cache, recorded)
    dataset_csv.write(recorded, first.samples)
    shutil.copy(images / "cat" / "cat-000.png", images / "cat" / "cat-000-copy.png")
    again = for_training(spec.replace({"seed": 99, "data.split": 0.5}), cache, recorded)
    assert [paths(again, subset) for subset in SPLIT] == [paths(first, subset) for subset in SPLIT]
    assert again.record == first.record


def test_an_image_missing_from_a_recorded_split_is_named(images: Path, tmp_path: Path, cache: Path) -> None:
    spec, recorded = make_spec(train_path=images), tmp_path / "split.csv"
    dataset_csv.write(recorded, for_training(spec, cache).samples)
    (images / "cat" / "cat-003.png").unlink()
    with pytest.raises(
        DatasetError, match=r"1 (train|val) images of this run are no longer \(readable\) in .*cat-003\.png"
    ):
        for_training(spec, cache, recorded)


def test_progress_is_told_over_all_images(images: Path, cache: Path) -> None:
    told: list[tuple[int, int]] = []
    for_training(make_spec(train_path=images), cache, tick=lambda done, total: told.append((done, total)))
    assert told == [(k, 20) for k in range(1, 21)]


def test_test_images_come_in_order_with_the_classes_of_training(tmp_path: Path, cache: Path) -> None:
    where = draw_patterns(tmp_path / "test", {"bee": 3, "cat": 2}, side=20)
    made = for_testing(make_spec(), ("cat", "ant", "bee"), Folders(path=str(where)), cache)
    assert made.samples.paths[0] == "bee/bee-000.png"
    assert [int(k) for b in made.batches.epoch() for k in b.labels] == [2, 2, 2, 0, 0]
    assert made.fingerprint == discover.fingerprint(made.evaluated)


def test_a_class_that_only_the_test_set_has_is_refused(images: Path, cache: Path) -> None:
    with pytest.raises(
        DatasetError, match=r"the test set .*train has class 'dog', which the training images do not have"
    ):
        for_testing(make_spec(), ("ant", "cat"), Folders(path=str(images)), cache)


def test_unreadable_test_images_are_left_out(images: Path, cache: Path) -> None:
    (images / "cat" / "cat-002.png").write_bytes(b"")
    made = for_testing(make_spec(), ("cat", "dog"), Folders(path=str(images)), cache)
    assert (list(health.unreadable(made.samples)), made.batches.n_images) == (["cat/cat-002.png"], 19)


def test_a_test_table_may_name_the_images(images: Path, tmp_path: Path, cache: Path) -> None:
    (tmp_path / "t.csv").write_text("image|label\ndog/dog-000.png|dog\ncat/cat-000.png|cat\n")
    where = Table(path=str(images), csv=str(tmp_path / "t.csv"), delimiter="|")
    assert for_testing(make_spec(), ("cat", "dog"), where, cache).evaluated.counts() == (1, 1)


def same(images: Path, one: str, *others: str) -> None:
    for other in others:
        shutil.copy(images / one, images / other)


@pytest.mark.parametrize("seed", range(6))
def test_copies_of_an_image_are_not_split(images: Path, cache: Path, seed: int) -> None:
    same(images, "cat/cat-000.png", "cat/cat-003.png", "cat/cat-005.png")
    same(images, "dog/dog-001.png", "dog/dog-010.png")
    made = for_training(make_spec(train_path=images).replace({"seed": seed}), cache)
    assert (made.record.copies, made.record.leaked, made.record.conflicting) == (3, 0, 0)
    assert made.record.n_train + made.record.n_val == 20


def test_images_under_two_classes_are_counted_and_kept(images: Path, cache: Path) -> None:
    same(images, "cat/cat-000.png", "dog/dog-003.png")
    made = for_training(make_spec(train_path=images), cache)
    assert (made.record.conflicting, made.record.n_train + made.record.n_val) == (2, 20)


def test_validation_images_that_are_trained_on_are_counted_and_kept(images: Path, tmp_path: Path, cache: Path) -> None:
    val = draw_patterns(tmp_path / "val", {"cat": 3, "dog": 2}, side=20, seed=1)
    shutil.copy(images / "dog" / "dog-002.png", val / "dog" / "other-name.png")
    made = for_training(make_spec(train_path=images, val_path=val), cache)
    assert (made.record.leaked, made.record.val_counts) == (1, (3, 3))
    assert list(health.findings(made.samples)) == [
        ("val", "dog/other-name.png", "note", "the same image is trained on as dog/dog-002.png")
    ]


def test_what_is_converted_is_counted_and_listed_in_its_subset(images: Path, cache: Path) -> None:
    deep = np.random.default_rng(0).integers(0, 2**16, (20, 20), dtype=np.uint16)
    Image.fromarray(deep).save(images / "cat" / "cat-000.png")
    Image.fromarray(deep[:5].astype(np.uint8)).save(images / "dog" / "dog-000.png")
    made = for_training(make_spec(train_path=images), cache)
    assert (made.record.converted, made.record.enlarged) == (1, 1)
    found = {f.path: f for f in health.findings(made.samples)}
    assert {path: f.done for path, f in found.items()} == {"cat/cat-000.png": "converted", "dog/dog-000.png": "note"}
    assert all(f.path in paths(made, f.subset) for f in found.values())


def test_why_images_are_streamed_is_told_once(images: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = make_spec(train_path=images)
    assert for_training(spec, cache).remarks == ()
    monkeypatch.setenv("MONKLITE_CACHE_GB", "0")
    crop = TRANSFORMS["random_resized_crop"].choose("pytorch", {"input_size": 16})
    streamed = for_training(spec.replace({"data.transforms": Transforms(train=(crop,)), "data.input_size": 12}), cache)
    assert [r.split(":")[0] for r in streamed.remarks] == [
        "the images are decoded again in every epoch, which is slower"
    ]
    assert "MONKLITE_CACHE_GB" in streamed.remarks[0]


@pytest.mark.parametrize("crops", [True, False])
def test_streamed_batches_are_those_of_the_cache(
    images: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, crops: bool
) -> None:
    crop = TRANSFORMS["random_resized_crop"].choose("pytorch", {"input_size": 16})
    spec = make_spec(train_path=images, **({"transforms": Transforms(train=(crop,))} if crops else {}))
    kept = for_training(spec, cache)
    monkeypatch.setenv("MONKLITE_CACHE_GB", "0")
    streamed = for_training(spec, cache.with_name("other"))
    assert (kept.remarks, len(streamed.remarks)) == ((), 1)
    for epoch in range(2):
        for a, b in zip(kept.train.epoch(epoch), streamed.train.epoch(epoch), strict=True):
            assert (a.images == b.images).all() and (a.labels == b.labels).all()
            assert np.array_equal(a.draws.matrix, b.draws.matrix) if crops else (a.draws.flip_x == b.draws.flip_x).all()


def test_the_stored_size_can_be_chosen_where_pixels_are_resampled(images: Path, cache: Path) -> None:
    crop = TRANSFORMS["random_resized_crop"].choose("pytorch", {"input_size": 16})
    spec = make_spec(train_path=images, transforms=Transforms(train=(crop,)), stored_size=40)
    made = for_training(spec, cache)
    assert (made.train.policy.stored_size, made.val.policy.stored_size) == (40, 16)
    assert next(made.train.epoch()).images.shape[1:] == (40, 40, 3)
    test = spec.replace({"data.transforms": Transforms(train=(crop,), test=(crop,))})
    assert (policy_for_testing(spec).stored_size, policy_for_testing(test).stored_size) == (16, 40)


def test_test_images_that_were_trained_on_are_counted(images: Path, tmp_path: Path, cache: Path) -> None:
    spec, recorded = make_spec(train_path=images), tmp_path / "dataset.csv"
    made = for_training(spec, cache)
    dataset_csv.write(recorded, made.samples)
    test = draw_patterns(tmp_path / "test", {"cat": 3, "dog": 2}, side=20, seed=1)
    where = Folders(path=str(test))
    assert for_testing(spec, ("cat", "dog"), where, cache, recorded=recorded).n_seen == 0
    for k, subset in enumerate(("train", "val")):
        shutil.copy(images / paths(made, subset)[0], test / "dog" / f"renamed-{k}.png")
    found = for_testing(spec, ("cat", "dog"), where, cache, recorded=recorded)
    assert (found.n_seen, found.batches.n_images, found.remarks) == (2, 7, ())
    assert for_testing(spec, ("cat", "dog"), where, cache).n_seen == 0


def test_a_damaged_record_does_not_keep_a_test_set_from_being_judged(images: Path, tmp_path: Path, cache: Path) -> None:
    (tmp_path / "dataset.csv").write_text("nonsense")
    made = for_testing(make_spec(), ("cat", "dog"), Folders(path=str(images)), cache, recorded=tmp_path / "dataset.csv")
    assert made.batches.n_images == 20
    assert made.remarks[0].startswith("it is unknown whether test images were trained on: ")
    assert "dataset.csv is damaged" in made.remarks[0]


def test_copies_in_a_test_set_are_counted(images: Path, cache: Path) -> None:
    same(images, "cat/cat-000.png", "cat/cat-003.png", "dog/dog-000.png")
    made = for_testing(make_spec(), ("cat", "dog"), Folders(path=str(images)), cache)
    assert {kind: n for kind, n in health.counts(made.samples).items() if n} == {"copies": 1, "conflicting": 3}


@pytest.mark.parametrize(("folder", "size"), [("cxr-original", 224), ("cxr-512/train", 96)])
def test_real_xrays_are_all_read(cxr: Path, cache: Path, folder: str, size: int) -> None:
    made = for_training(make_spec(train_path=cxr / folder, input_size=size), cache)
    n_files = sum(1 for p in (cxr / folder).rglob("*.*") if p.is_file())
    assert made.record.classes == ("Covid-19", "No_findings", "Pneumonia")
    assert (made.record.n_train + made.record.n_val, made.record.unreadable, made.samples.strays) == (n_files, 0, ())
    pixels = np.concatenate([b.images for s in (made.train, made.val) for b in s.epoch()])
    assert pixels.shape == (n_files, size, size, 3)
    assert (pixels.reshape(n_files, -1).std(axis=1) > 15).all()
    assert (made.train.store.sizes.min(axis=1) > 100).all()
