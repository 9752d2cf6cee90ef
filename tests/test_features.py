"""What the frozen part of a network gives is computed once; the training is the same, and damage or a change is noticed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import nn

from monklite import Prototype
from monklite.catalog.backends import BUILT_IN
from monklite.data import cache_limit, feature_file
from monklite.data.feature_file import FeatureFile
from monklite.errors import OutOfMemory
from monklite.reports import cautions, comparison
from monklite.runs.file_names import EVALUATED
from monklite.runs.workspace import Workspace
from monklite.training import features as features_module

SEED = 2
MODELS = {"pytorch": "resnet18", "mxnet": "resnet18_v1"}
SUFFIX = cache_limit.FEATURES_SUFFIX


def experiment(folder: Path, patterns: Path, name: str, backend: str = "pytorch", **changes: Any) -> Any:
    """An experiment on a frozen network, ready to train."""
    ptf = Prototype("p", name, backend=backend, workspace=folder, verbose=0)
    ptf.update_seed(changes.get("seed", SEED))
    ptf.update_split_seed(SEED)
    ptf.Dataset_Params(
        dataset_path=patterns, split=0.67, input_size=32, batch_size=changes.get("batch_size", 6), num_processors=1
    )
    ptf.apply_random_horizontal_flip(train=True)
    if changes.get("crop"):
        ptf.apply_random_resized_crop(24, train=True)
    ptf.apply_normalize(train=True, val=True, test=True)
    ptf.Dataset()
    ptf.Model_Params(model_name=changes.get("model", "resnet18"), freeze_base_network=True, use_pretrained=False)
    ptf.Model()
    ptf.optimizer_adam(changes.get("rate", 0.01))
    ptf.Training_Params(num_epochs=changes.get("epochs", 3))
    return ptf


def history(folder: Path, name: str) -> list[tuple[float, ...]]:
    run = Workspace(folder).find("p", name)
    lines = (run.logs / "history.csv").read_text().splitlines()
    header = lines[0].split(",")
    kept = [i for i, column in enumerate(header) if "loss" in column or "accuracy" in column]
    return [tuple(float(line.split(",")[i]) for i in kept) for line in lines[1:]]


def weights(folder: Path, name: str) -> dict[str, bytes]:
    models = Workspace(folder).find("p", name).models
    return {f.name: f.read_bytes() for f in models.iterdir() if f.name.startswith("final")}


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The images whose values are computed, chunk by chunk."""
    counted: list[int] = []
    original = features_module.Features._run

    def run(self: Any, images: list[int], faces: list[int]) -> np.ndarray:
        counted.append(len(images))
        return original(self, images, faces)

    monkeypatch.setattr(features_module.Features, "_run", run)
    return counted


@pytest.mark.parametrize("backend", BUILT_IN)
def test_each_face_is_computed_once_and_a_second_training_computes_none(
    patterns: Path, tmp_path: Path, count, backend: str
) -> None:
    def train(name: str) -> None:
        experiment(tmp_path, patterns, name, backend, epochs=8, model=MODELS[backend]).Train()

    train("cold")
    # 24 training images with two faces each, 12 of validation with one
    assert sum(count) <= 24 * 2 + 12
    assert len(count) <= 4
    done = len(count)
    train("warm")
    assert len(count) == done
    assert history(tmp_path, "warm") == history(tmp_path, "cold")
    if backend == "pytorch":
        ptf = experiment(tmp_path, patterns, "third", epochs=1)
        ptf.Train()
        assert not any(layer.training for layer in ptf.model.modules())
    assert weights(tmp_path, "warm") == weights(tmp_path, "cold")


def test_another_order_and_batch_size_give_the_weights_of_an_empty_cache(patterns: Path, tmp_path: Path) -> None:
    experiment(tmp_path, patterns, "first").Train()
    experiment(tmp_path, patterns, "warm", seed=5, batch_size=9).Train()
    experiment(tmp_path / "empty", patterns, "cold", seed=5, batch_size=9).Train()
    # the networks' random first weights, and so the frozen part, depend on the seed
    assert weights(tmp_path, "warm") == weights(tmp_path / "empty", "cold")


@pytest.mark.parametrize("backend", BUILT_IN)
def test_it_is_the_training_that_computes_everything_each_time(
    patterns: Path, tmp_path: Path, monkeypatch, backend: str
) -> None:
    experiment(tmp_path, patterns, "stored", backend, model=MODELS[backend]).Train()
    monkeypatch.setattr(features_module, "MAX_WIDTH", 0)
    experiment(tmp_path, patterns, "computed", backend, model=MODELS[backend]).Train()
    assert np.allclose(history(tmp_path, "stored"), history(tmp_path, "computed"), atol=2e-3)


@pytest.mark.parametrize("backend", BUILT_IN)
def test_a_second_experiment_is_judged_with_the_values_of_the_first(
    patterns: Path, tmp_path: Path, count, backend: str
) -> None:
    def judged(name: str, folder: Path = tmp_path) -> dict[str, Any]:
        experiment(folder, patterns, name, backend, epochs=1, model=MODELS[backend]).Train()
        count.clear()
        judge = Prototype("p", name, backend=backend, eval_infer=True, workspace=folder, verbose=0)
        judge.Dataset_Params(dataset_path=patterns)
        judge.Dataset()
        judge.Evaluate()
        return Workspace(folder).find("p", name).state().testing.model_dump()

    first = judged("first")
    assert sum(count) == 36
    again = judged("second")
    assert count == []
    assert again == first


@contextmanager
def stopped_at_batch(number: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A training stops when it asks for the values of its batch `number`, from 1; validation counts too."""
    original, asked = features_module.Features.of, []

    def of(self: Any, batch: Any) -> np.ndarray:
        asked.append(len(batch))
        if len(asked) == number:
            raise KeyboardInterrupt
        return original(self, batch)

    with monkeypatch.context() as patch:
        patch.setattr(features_module.Features, "of", of)
        with pytest.raises(KeyboardInterrupt):
            yield


@pytest.mark.parametrize("backend", BUILT_IN)
def test_a_training_that_was_stopped_goes_on_to_the_same_weights(
    patterns: Path, tmp_path: Path, monkeypatch, backend: str
) -> None:
    experiment(tmp_path, patterns, "unbroken", backend, model=MODELS[backend], epochs=4).Train()
    other = tmp_path / "other"
    # in the middle of the third epoch
    with stopped_at_batch(2 * 6 + 2, monkeypatch):
        experiment(other, patterns, "unbroken", backend, model=MODELS[backend], epochs=4).Train()
    Prototype("p", "unbroken", backend=backend, resume_train=True, workspace=other, verbose=0).Train()
    assert weights(other, "unbroken") == weights(tmp_path, "unbroken")
    assert history(other, "unbroken") == history(tmp_path, "unbroken")
    assert (
        Workspace(other).find("p", "unbroken").state().model.methods[-1] == "frozen part computed once for each image"
    )


@pytest.mark.parametrize("backend", BUILT_IN)
def test_a_layer_replaced_between_two_evaluations_counts(patterns: Path, tmp_path: Path, backend: str) -> None:
    experiment(tmp_path, patterns, "e", backend, epochs=1, model=MODELS[backend]).Train()
    judge = Prototype("p", "e", backend=backend, eval_infer=True, workspace=tmp_path, verbose=0)
    judge.Dataset_Params(dataset_path=patterns)
    judge.Dataset()
    judge.Evaluate()
    table = Workspace(tmp_path).find("p", "e").evaluations / "test" / EVALUATED
    before = table.read_bytes()
    if backend == "pytorch":
        judge.model.layer4 = nn.Sequential(judge.model.layer4, nn.Hardtanh(0, 0.01))
    else:
        for parameter in judge.model.features[0].collect_params().values():
            parameter.set_data(parameter.data() * 0)
    judge.Evaluate()
    assert table.read_bytes() != before


def test_random_crops_are_computed_in_each_epoch_and_validation_once(patterns: Path, tmp_path: Path, count) -> None:
    experiment(tmp_path, patterns, "crops", crop=True, epochs=3).Train()
    assert count == [12]


def damaged(damage: str, file: Path) -> None:
    index = file.with_name(file.name.replace(SUFFIX, cache_limit.FEATURES_INDEX_SUFFIX))
    content = bytearray(file.read_bytes())
    if damage == "flipped":
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    elif damage == "cut":
        file.write_bytes(content[: len(content) // 2])
    elif damage == "removed":
        file.unlink()
    elif damage == "index":
        index.write_bytes(b"PK\x03\x04 broken")
    else:
        np.savez(index, present=np.ones(3, bool), sums=np.zeros(3, np.uint32))


def test_damaged_values_are_computed_again(patterns: Path, tmp_path: Path, count) -> None:
    experiment(tmp_path, patterns, "cold").Train()
    for damage in ("flipped", "cut", "removed", "index", "other index"):
        done, name = len(count), f"warm {damage}"
        files = list((tmp_path / ".cache").glob(f"*{SUFFIX}"))
        assert files, damage
        for file in files:
            damaged(damage, file)
        experiment(tmp_path, patterns, name).Train()
        assert len(count) > done, damage
        assert weights(tmp_path, name) == weights(tmp_path, "cold"), damage


def test_a_disk_that_fills_up_costs_time_only(patterns: Path, tmp_path: Path, monkeypatch) -> None:
    experiment(tmp_path / "a", patterns, "whole").Train()
    written = []
    original = FeatureFile.write

    def write(self: FeatureFile, slots: np.ndarray, values: np.ndarray) -> None:
        written.append(len(slots))
        if len(written) > 2:
            self.refusal = "the disk is full"
        original(self, slots, values)

    monkeypatch.setattr(FeatureFile, "write", write)
    experiment(tmp_path / "b", patterns, "full").Train()
    assert weights(tmp_path / "a", "whole") == weights(tmp_path / "b", "full")


def test_a_cache_without_room_computes_everything_each_time(patterns: Path, tmp_path: Path, monkeypatch, count) -> None:
    monkeypatch.setenv(cache_limit.LIMIT_VARIABLE, "0")
    experiment(tmp_path, patterns, "none").Train()
    assert count == []
    assert not list((tmp_path / ".cache").glob(f"*{SUFFIX}"))


def test_values_are_removed_with_the_cache(patterns: Path, tmp_path: Path) -> None:
    experiment(tmp_path, patterns, "cold").Train()
    assert cache_limit.size(tmp_path / ".cache") > 0
    assert list((tmp_path / ".cache").glob(f"*{SUFFIX}"))
    cache_limit.clear(tmp_path / ".cache")
    assert not list((tmp_path / ".cache").glob("*.features.*"))


def test_memory_that_is_too_small_takes_fewer_images_at_once(patterns: Path, tmp_path: Path, monkeypatch) -> None:
    from monklite.backends.pytorch.frozen import FrozenPart

    original, sizes = FrozenPart.features, []

    def limited(self: Any, images: np.ndarray, draws: Any) -> np.ndarray:
        sizes.append(len(images))
        if len(images) > 8:
            raise OutOfMemory("too small")
        return original(self, images, draws)

    monkeypatch.setattr(FrozenPart, "features", limited)
    experiment(tmp_path, patterns, "small", epochs=1).Train()
    assert set(sizes) == {32, 16, 8}


def test_layers_that_are_trained_again_are_computed_in_each_epoch(patterns: Path, tmp_path: Path, count) -> None:
    ptf = experiment(tmp_path, patterns, "unfrozen")
    for parameter in ptf.model.parameters():
        parameter.requires_grad_(True)
    ptf.Train()
    assert count == []


def test_a_replaced_layer_gives_other_values(patterns: Path, tmp_path: Path, count) -> None:
    experiment(tmp_path, patterns, "cold").Train()
    done = len(count)
    ptf = experiment(tmp_path, patterns, "other")
    with __import__("torch").no_grad():
        ptf.model.layer4[1].bn2.weight.add_(0.5)
    ptf.Train()
    assert len(count) > done
    assert history(tmp_path, "other") != history(tmp_path, "cold")


@pytest.mark.parametrize("model", ["squeezenet1_1", "shufflenet_v2_x0_5"])
def test_networks_of_other_kinds(patterns: Path, tmp_path: Path, model: str, count) -> None:
    experiment(tmp_path, patterns, "cold", model=model, epochs=2).Train()
    assert count
    done = len(count)
    experiment(tmp_path, patterns, "warm", model=model, epochs=2).Train()
    assert len(count) == done
    assert weights(tmp_path, "warm") == weights(tmp_path, "cold")


def test_a_file_keeps_values_in_any_order(tmp_path: Path) -> None:
    digests = np.array([b"a" * 16, b"b" * 16, b"c" * 16])
    file = FeatureFile(tmp_path, "key", digests, 5)
    values = np.arange(10, dtype=np.uint8).reshape(2, 5)
    file.write(np.array([2, 0]), values)
    found, there = file.read(np.array([0, 1, 2]))
    assert there.tolist() == [True, False, True]
    assert found[[2, 0]].tolist() == values.tolist()
    file.close()
    again = FeatureFile(tmp_path, "key", digests, 5)
    assert again.present.tolist() == [True, False, True]
    assert again.read(np.array([2]))[0].tolist() == [values[0].tolist()]
    again.close()
    other = FeatureFile(tmp_path, "other key", digests, 5)
    assert not other.present.any()
    other.close()
    assert feature_file.FEATURES_SUFFIX == SUFFIX


def test_a_comparison_says_which_times_are_not_those_of_a_training_alone(patterns: Path, tmp_path: Path) -> None:
    for name in ("first", "second"):
        experiment(tmp_path, patterns, name, epochs=1).Train()
    runs = [Workspace(tmp_path).find("p", name) for name in ("first", "second")]
    methods = [run.state().model.methods[-1] for run in runs]
    assert methods == ["frozen part computed once for each image", "frozen part known from an earlier training"]
    (sentence,) = [text for text in cautions.warnings(comparison.collect(runs)) if text.startswith("Training times")]
    assert sentence.startswith(
        "Training times: the frozen part of the network was known from an earlier training for second,"
    )
