"""Messages about odd files, from the first call to the evaluation."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_prototype import expert, state

from monklite import Prototype
from monklite.errors import DatasetError, NotFound
from monklite.runs.file_names import HEALTH
from monklite.runs.workspace import Workspace
from monklite.testing.datasets import draw_noise, draw_patterns


@pytest.fixture
def images(patterns: Path, tmp_path: Path) -> Path:
    """A copy of the patterns that a test may spoil."""
    return Path(shutil.copytree(patterns, tmp_path / "images"))


def same(images: Path, one: str, other: str) -> None:
    shutil.copy(images / one, images / other)


def dataset(images: Path, **more: object) -> Prototype:
    ptf = Prototype("p", "e")
    ptf.Dataset_Params(dataset_path=images, input_size=32, **more)
    ptf.Dataset()
    return ptf


def test_every_kind_of_odd_file_is_told_counted_and_listed(workspace: Path, images: Path, capsys) -> None:
    (images / "dots" / "dots-000.png").write_bytes(b"")
    Image.new("CMYK", (40, 40), (9, 8, 7, 6)).save(images / "dots" / "dots-001.png", "JPEG")
    Image.fromarray(np.arange(400, dtype=np.uint8).reshape(20, 20)).save(images / "dots" / "dots-002.png")
    same(images, "rings/rings-000.png", "rings/rings-001.png")
    same(images, "rings/rings-002.png", "stripes/stripes-000.png")
    dataset(images)
    told = capsys.readouterr().out
    assert "    1 image cannot be read; left out\n" in told
    assert "    1 image of an unusual kind (more than 8 bits, CMYK, turned, transparent, animated), converted\n" in told
    assert "    1 image smaller than the input of the network, enlarged\n" in told
    assert "    1 image with the same content as another one\n" in told
    run = Workspace().find("p", "e")
    assert f"labels but one are wrong; all listed in {run.folder / HEALTH}" in told
    record = state().dataset
    assert (record.unreadable, record.converted, record.enlarged) == (1, 1, 1)
    assert record.conflicting == 2
    listed = (run.folder / HEALTH).read_text().splitlines()
    assert listed[0] == "subset,path,done,reason"
    assert "dots/dots-000.png,left out," in listed[1] and listed[1].endswith(
        "cannot be read: the file is empty (0 bytes)"
    )
    assert sum(",converted,colours for printing (CMYK): turned into RGB" in line for line in listed) == 1
    Prototype("p", "e", summary=True)
    assert "1 image cannot be read; left out" in capsys.readouterr().out


def test_a_sound_dataset_is_not_talked_about(workspace: Path, tmp_path: Path, capsys) -> None:
    dataset(draw_noise(tmp_path / "images", {"dots": 12, "rings": 12}))
    told = capsys.readouterr().out
    assert not [word for word in ("Warning", "Note", "left out", "health") if word in told]
    assert not (Workspace().find("p", "e").folder / HEALTH).exists()


def test_an_image_in_training_and_validation_is_a_warning(
    workspace: Path, images: Path, tmp_path: Path, capsys
) -> None:
    val = draw_patterns(tmp_path / "val", {"dots": 3, "rings": 3, "stripes": 3}, seed=1)
    shutil.copy(images / "dots" / "dots-004.png", val / "dots" / "another-name.png")
    ptf = Prototype("p", "e")
    ptf.Dataset_Params(dataset_path=[images, val], input_size=32)
    ptf.Dataset()
    assert (
        "    Warning: 1 image used for training and for validation: validation looks better than it is, listed in"
        in capsys.readouterr().out
    )
    assert state().dataset.leaked == 1


def test_test_images_that_were_trained_on_are_a_warning(workspace: Path, images: Path, tmp_path: Path, capsys) -> None:
    expert(images).Train()
    test = draw_patterns(tmp_path / "test", {"dots": 3, "rings": 3, "stripes": 3}, seed=1)
    (test / "rings" / "rings-001.png").write_bytes(b"")
    ptf = Prototype("p", "e", eval_infer=True)
    capsys.readouterr()
    ptf.Dataset_Params(dataset_path=test)
    ptf.Dataset()
    told = capsys.readouterr().out
    assert "Warning" not in told
    assert told.count("rings-001.png cannot be read: the file is empty") == 1
    shutil.copy(images / "dots" / "dots-004.png", test / "dots" / "another-name.png")
    ptf.Dataset()
    assert (
        "    Warning: 1 image of this test set used in training or validation: the accuracy looks better than it is\n"
        in capsys.readouterr().out
    )


def test_streaming_is_told_once_and_trains_the_same(workspace: Path, images: Path, monkeypatch, capsys) -> None:
    expert(images, epochs=2).Train()
    cached = state().results
    monkeypatch.setenv("MONKLITE_CACHE_GB", "0")
    shutil.rmtree(workspace / ".cache")
    expert(images, epochs=2).Train()
    streamed = state(version=2).results
    assert (streamed.train_loss, streamed.val_loss) == (cached.train_loss, cached.val_loss)
    assert (streamed.train_accuracy, streamed.best_epoch) == (cached.train_accuracy, cached.best_epoch)
    dataset(images)
    assert (
        capsys.readouterr().out.count("    Note: the images are decoded again in every epoch, which is slower: ") == 1
    )


def test_a_file_that_vanishes_during_training_is_named(workspace: Path, images: Path, monkeypatch) -> None:
    monkeypatch.setenv("MONKLITE_CACHE_GB", "0")
    ptf = expert(images, epochs=2)
    (images / "dots" / "dots-004.png").unlink()
    with pytest.raises(NotFound, match=r"dots-004\.png is not there"):
        ptf.Train()
    assert state().status == "failed"
    assert "dots-004.png" in state().error


def test_too_many_unreadable_images_are_an_error_with_reasons(workspace: Path, images: Path) -> None:
    for i in range(4):
        for name in ("dots", "rings"):
            (images / name / f"{name}-00{i}.png").write_bytes(b"" if i else b"no image")
    message = (
        r"8 of 36 images cannot be read, more than 20%; the first: .*dots-000\.png cannot be read: it is not an image in "
        r".*; .*dots-001\.png cannot be read: the file is empty .*; .*dots-002\.png .*\. Repair or remove them"
    )
    with pytest.raises(DatasetError, match=message):
        dataset(images)


def test_the_stored_size_is_a_setting(workspace: Path, images: Path) -> None:
    ptf = expert(images)
    ptf.reset_transforms()
    ptf.apply_random_resized_crop(32, train=True)
    ptf.update_stored_size(48)
    ptf.Reload()
    assert ptf._experiment.data.train.policy.stored_size == 48
    assert state().spec.data.stored_size == 48
    ptf.update_stored_size(None)
    ptf.Reload()
    assert ptf._experiment.data.train.policy.stored_size == 64
