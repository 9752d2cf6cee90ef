"""Progressive resizing: which size each epoch has, what is refused, and that a training with it is exact and told."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_features import history, weights

from monklite import Prototype
from monklite.backends.mxnet.learner import GluonLearner
from monklite.backends.pytorch.learner import TorchLearner
from monklite.catalog.backends import BUILT_IN
from monklite.catalog.image_sizes import MULTIPLE, SizeSchedule
from monklite.data.augment import Draws
from monklite.errors import DamagedFile, InvalidType, InvalidValue, MonkliteError, NotReady
from monklite.records import EpochRow
from monklite.runs import history as history_file
from monklite.runs.workspace import Workspace
from monklite.training.position import Position

MODELS = {"pytorch": "resnet18", "mxnet": "resnet18_v1"}
LEARNERS = {"pytorch": TorchLearner, "mxnet": GluonLearner}
SIZE = 96


def experiment(
    folder: Path, patterns: Path, name: str, backend: str = "pytorch", epochs: int = 4, **changes: Any
) -> Any:
    """An experiment that trains all layers, at 32 px first and 96 px last."""
    ptf = Prototype("p", name, backend=backend, workspace=folder, verbose=0)
    ptf.update_seed(2)
    ptf.Dataset_Params(dataset_path=patterns, split=0.67, input_size=SIZE, batch_size=8, num_processors=1)
    ptf.apply_random_horizontal_flip(train=True)
    if changes.get("crop"):
        ptf.apply_random_resized_crop(SIZE, train=True)
    ptf.apply_normalize(train=True, val=True, test=True)
    ptf.Dataset()
    ptf.Model_Params(model_name=MODELS[backend], freeze_base_network=False, use_pretrained=False)
    ptf.update_progressive_resizing(1 / 3, 0.25, 0.25)
    ptf.Model()
    ptf.optimizer_sgd(0.01)
    ptf.Training_Params(num_epochs=epochs)
    return ptf


def sizes(folder: Path, name: str) -> list[int | None]:
    """The size of each epoch in the history."""
    logs = Workspace(folder).find("p", name).logs
    return [row.train_size for row in history_file.read(logs / "history.csv")]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (SizeSchedule(128, 224, 10, 0.5, 0.2), [128] * 6 + [160, 192, 224, 224]),
        (SizeSchedule(128, 224, 1, 0.5, 0.2), [224]),
        (SizeSchedule(128, 224, 2, 0.5, 0.2), [128, 224]),
        # the last epoch has the full size in any case
        (SizeSchedule(128, 224, 3, 1.0, 0.0), [128, 128, 224]),
        (SizeSchedule(128, 224, 3, 0.0, 1.0), [224, 224, 224]),
        # a full size that is no multiple
        (SizeSchedule(160, 300, 5, 0.2, 0.2), [160, 160, 192, 256, 300]),
    ],
)
def test_the_size_of_each_epoch(schedule: SizeSchedule, expected: list[int]) -> None:
    assert [schedule.in_epoch(i) for i in range(schedule.epochs)] == expected


@given(st.integers(1, 8), st.integers(1, 400), st.integers(1, 60), st.floats(0, 1), st.floats(0, 1))
def test_sizes_only_grow_up_to_the_full_size(initial: int, more: int, epochs: int, delay: float, share: float) -> None:
    full = MULTIPLE * initial + more
    schedule = SizeSchedule(MULTIPLE * initial, full, epochs, delay, share * (1 - delay))
    found = [schedule.in_epoch(i) for i in range(epochs)]
    assert found == sorted(found)
    assert found[-1] == full
    assert all(MULTIPLE * initial <= size <= full and (size == full or size % MULTIPLE == 0) for size in found)


def test_smaller_draws_show_the_same_pictures() -> None:
    rng = np.random.default_rng(0)
    flips = rng.random((2, 6)) < 0.5
    draws = Draws(32, (0.0,) * 3, (1.0,) * 3, flip_x=flips[0], flip_y=flips[1])
    images = rng.integers(0, 256, (6, 32, 32, 3), np.uint8)
    learner = TorchLearner.__new__(TorchLearner)
    learner.device = __import__("torch").device("cpu")
    whole = learner.augmented(images, draws)
    # half the size: each pixel is the mean of four
    expected = whole.reshape(6, 16, 2, 16, 2, 3).mean(axis=(2, 4))
    assert np.allclose(learner.augmented(images, draws.resized(16, 6)), expected, atol=1e-3)
    none = Draws(32, (0.0,) * 3, (1.0,) * 3).resized(16, 6)
    assert np.allclose(learner.augmented(images, none), images.reshape(6, 16, 2, 16, 2, 3).mean(axis=(2, 4)), atol=1e-3)
    assert none.resized(8, 6).size == 8


@pytest.mark.parametrize("crop", [False, True])
@pytest.mark.parametrize("backend", BUILT_IN)
def test_training_images_grow_and_validation_images_do_not(
    patterns: Path, tmp_path: Path, monkeypatch, capsys, backend: str, crop: bool
) -> None:
    learner, seen = LEARNERS[backend], []
    step, logits = learner.step, learner.logits
    monkeypatch.setattr(learner, "step", lambda self, x, y, d: seen.append(("train", d.size)) or step(self, x, y, d))
    monkeypatch.setattr(learner, "logits", lambda self, x, d: seen.append(("val", d.size)) or logits(self, x, d))
    ptf = experiment(tmp_path, patterns, "e", backend, crop=crop)
    ptf._console.verbose = 1
    ptf.Train()
    assert list(dict.fromkeys(size for subset, size in seen if subset == "train")) == [32, 64, 96]
    assert {size for subset, size in seen if subset == "val"} == {SIZE}
    assert sizes(tmp_path, "e") == [32, 32, 64, 96]
    out = capsys.readouterr().out
    assert "training images are shown at 32 px first and grow to 96 px" in out
    assert re.search(r"Epoch 3/4    learning rate \S+    images of 64 px", out)
    state = Workspace(tmp_path).find("p", "e").state()
    assert "progressive resizing from 32 px" in state.model.methods
    assert state.spec.training.resizing.initial_scale == 1 / 3


@pytest.mark.parametrize("backend", BUILT_IN)
def test_a_stopped_training_goes_on_to_the_same_weights(
    patterns: Path, tmp_path: Path, monkeypatch, backend: str
) -> None:
    experiment(tmp_path, patterns, "e", backend, crop=True).Train()
    learner, other, asked = LEARNERS[backend], tmp_path / "other", []
    step = learner.step

    def stopped(self: Any, images: np.ndarray, labels: np.ndarray, draws: Draws) -> Any:
        asked.append(draws.size)
        # in the middle of the third epoch, the first with larger images
        if len(asked) == 2 * 3 + 2:
            raise KeyboardInterrupt
        return step(self, images, labels, draws)

    with monkeypatch.context() as patch:
        patch.setattr(learner, "step", stopped)
        with pytest.raises(KeyboardInterrupt):
            experiment(other, patterns, "e", backend, crop=True).Train()
    assert asked[-1] == 64
    resumed = Prototype("p", "e", backend=backend, resume_train=True, workspace=other, verbose=0)
    with pytest.raises(NotReady, match="keeps its training.resizing.initial_scale"):
        resumed.update_progressive_resizing(1)
    resumed.Train()
    assert weights(other, "e") == weights(tmp_path, "e")
    assert history(other, "e") == history(tmp_path, "e")
    assert sizes(other, "e") == [32, 32, 64, 96]


def test_an_extended_training_goes_on_with_the_sizes_of_more_epochs(patterns: Path, tmp_path: Path) -> None:
    experiment(tmp_path, patterns, "e", epochs=2).Train()
    assert sizes(tmp_path, "e") == [32, 96]
    resumed = Prototype("p", "e", resume_train=True, workspace=tmp_path, verbose=0)
    resumed.update_num_epochs(4)
    resumed.Train()
    assert sizes(tmp_path, "e") == [32, 96, 64, 96]


def test_a_layer_that_the_user_froze_is_computed_at_each_size(patterns: Path, tmp_path: Path) -> None:
    ptf = experiment(tmp_path, patterns, "e")
    for name, parameter in ptf.model.named_parameters():
        parameter.requires_grad_(name.startswith("fc"))
    ptf.Train()
    assert sizes(tmp_path, "e") == [32, 32, 64, 96]


def test_another_network_gets_the_sizes_that_it_takes(patterns: Path, tmp_path: Path) -> None:
    ptf = experiment(tmp_path, patterns, "e")
    ptf.Reload()
    assert ptf._experiment.data.train.sizes.initial == 32
    # needs at least 63 px
    ptf.update_model_name("alexnet")
    ptf.Reload()
    assert ptf._experiment.data.train.sizes.initial == 64


def test_without_it_all_epochs_have_the_input_size(patterns: Path, tmp_path: Path) -> None:
    ptf = experiment(tmp_path, patterns, "e", epochs=2)
    ptf.update_progressive_resizing(1)
    ptf.Train()
    assert sizes(tmp_path, "e") == [SIZE, SIZE]


def refused(tmp_path: Path, match: str, model: str = "resnet18", backend: str = "pytorch", **changes: Any) -> None:
    ptf = Prototype("p", "e", backend=backend, workspace=tmp_path, verbose=0)
    ptf.Model_Params(model_name=model, freeze_base_network=False, use_pretrained=False)
    scale, size = changes.pop("scale", 0.5), changes.pop("size", 224)
    ptf.update_input_size(size)
    with pytest.raises(InvalidValue, match=match):
        ptf.update_progressive_resizing(scale, **changes)
    # the settings are as they were
    assert ptf._experiment.asked.training.resizing.initial_scale == 1


@pytest.mark.parametrize(
    ("model", "backend"), [("vit_b_16", "pytorch"), ("maxvit_t", "pytorch"), ("vgg16", "mxnet"), ("alexnet", "mxnet")]
)
def test_a_network_of_one_size_is_refused(tmp_path: Path, model: str, backend: str) -> None:
    refused(tmp_path, f"{model} is built for images of one size on the {backend} backend", model, backend)


def test_sizes_that_a_network_does_not_take_are_refused(tmp_path: Path) -> None:
    # Inception's auxiliary head needs the full size
    refused(tmp_path, "inception_v3 needs at least 299 px", "inception_v3", size=299)
    refused(tmp_path, "there is none that is smaller than the input", size=32)
    refused(tmp_path, "there is none that is smaller than the input", size=224, scale=0.95)
    # the smallest that AlexNet takes
    ptf = Prototype("p", "small", workspace=tmp_path, verbose=0)
    ptf.Model_Params(model_name="alexnet", freeze_base_network=False)
    ptf.update_progressive_resizing(0.01)


def test_frozen_layers_and_it_are_refused_together(tmp_path: Path) -> None:
    ptf = Prototype("p", "e", workspace=tmp_path, verbose=0)
    with pytest.raises(InvalidValue, match="for networks whose layers are all trained.*freeze_base_network=False"):
        ptf.update_progressive_resizing()
    ptf.Model_Params(freeze_base_network=False, use_pretrained=False)
    ptf.update_progressive_resizing()
    for call, value in ((ptf.update_freeze_layers, 3), (ptf.update_freeze_base_network, True)):
        with pytest.raises(InvalidValue, match=r"update_progressive_resizing\(1\) turns it off"):
            call(value)


@pytest.mark.parametrize(
    ("values", "error", "match"),
    [
        ((0,), InvalidValue, "initial_scale must be a number above 0 and at most 1"),
        ((1.5,), InvalidValue, "initial_scale must be a number above 0 and at most 1"),
        (("0.5",), InvalidType, "initial_scale must be a number"),
        ((float("nan"),), MonkliteError, "initial_scale must be a number"),
        ((0.5, -0.1), InvalidValue, "delay_fraction must be a number at least 0 and at most 1"),
        ((0.5, 0.5, 2), InvalidValue, "finetune_fraction must be a number at least 0 and at most 1"),
        ((0.5, 0.7, 0.4), InvalidValue, "their sum must be at most 1"),
    ],
)
def test_wrong_values_are_refused(tmp_path: Path, values: tuple, error: type[Exception], match: str) -> None:
    ptf = Prototype("p", "e", workspace=tmp_path, verbose=0)
    ptf.Model_Params(freeze_base_network=False)
    with pytest.raises(error, match=match):
        ptf.update_progressive_resizing(*values)


ROW = EpochRow(1, 0.1, 0.5, 0.75, 0.25, 1.0, 3.5, 0.5, 20.0, train_size=128)


def test_histories_and_positions_hold_the_size_or_not(tmp_path: Path) -> None:
    file = tmp_path / "history.csv"
    older = EpochRow(1, 0.1, 0.5, 0.75, 0.25, 1.0, 3.5, 0.5, 20.0)
    # the second: an older training that was resumed
    for rows in ([older], [older, EpochRow(2, *[0.5] * 8, train_size=96)], [ROW]):
        history_file.write(file, rows)
        assert history_file.read(file) == rows
        position = Position(4, tuple(rows))
        assert Position.from_dict(position.to_dict(), "file") == position
    before = Position(4, (older,)).to_dict()
    del before["history"][0]["train_size"]
    assert Position.from_dict(before, "file").history == (older,)


@pytest.mark.parametrize("size", ["many", "-1", "0", "5000", "1.5", "nan"])
def test_a_damaged_size_is_told(tmp_path: Path, size: str) -> None:
    file = tmp_path / "history.csv"
    history_file.write(file, [ROW])
    file.write_text(file.read_text().replace(",128", f",{size}"))
    with pytest.raises(DamagedFile, match="row 1"):
        history_file.read(file)
