"""Weighted sampling: rare classes are drawn as often as frequent ones, the same images for the same seed, also after a stop."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_batches import batches, labels
from test_features import experiment, history, stopped_at_batch, weights
from tiny_networks import build_tiny

from monklite import Prototype
from monklite.data.sampling import probabilities
from monklite.errors import InvalidType, NotReady
from monklite.runs.workspace import Workspace
from monklite.tasks import MultiLabel, SingleLabel
from monklite.testing.datasets import draw_patterns

TASK = SingleLabel(("a", "b", "c"))


def test_each_class_has_the_same_share_of_the_draws() -> None:
    own = np.repeat([0, 1, 2], [1, 9, 90])
    p = probabilities(TASK, own)
    assert np.bincount(own, p) == pytest.approx([1 / 3] * 3)
    assert len(np.unique(p[own == 2])) == 1


def test_an_image_of_several_labels_counts_by_its_rarest_one() -> None:
    """Images without a label are a class of their own."""
    has = np.array([[1, 0]] * 6 + [[1, 1]] * 2 + [[0, 0]] * 4, bool)
    p = probabilities(MultiLabel(("often", "rare")), has)
    assert p / p[0] == pytest.approx([1] * 6 + [4] * 2 + [2] * 4)
    assert p.sum() == pytest.approx(1)


def sampled(n_rare: int, n_often: int, **more: int) -> tuple:
    own = np.repeat([0, 1], [n_rare, n_often])
    p = probabilities(SingleLabel(("rare", "often")), own)
    return replace(batches(len(own), **more), probabilities=p), own


def test_an_epoch_has_as_many_images_as_there_are_half_of_each_class() -> None:
    made, own = sampled(10, 990)
    drawn = labels(made)
    assert len(drawn) == 1000
    # of 1,000 draws with probability 1/2: five standard deviations
    assert abs(int((own[drawn] == 0).sum()) - 500) < 80
    assert max(np.bincount(drawn)) > 20


def test_draws_depend_on_seed_and_epoch_alone_and_so_go_on_in_the_middle_of_an_epoch() -> None:
    made, _ = sampled(4, 26, seed=3)
    assert labels(made, 2) == labels(sampled(4, 26, seed=3)[0], 2)
    assert labels(made, 2) != labels(made, 1)
    assert labels(made, 2) != labels(sampled(4, 26, seed=4)[0], 2)
    assert labels(made, 2)[8:] == [int(k) for batch in made.epoch(2, 8) for k in batch.labels]
    assert [n for chosen, _ in made.drawn(2) for n in chosen] == labels(made, 2)


def test_several_processes_share_the_same_draws() -> None:
    made, _ = sampled(4, 28)
    parts = [list(replace(made, process=i, n_processes=2).epoch(1)) for i in range(2)]
    together = [k for a, b in zip(*parts, strict=True) for part in (a, b) for k in part.labels.tolist()]
    assert together == labels(made, 1)


@pytest.fixture
def unequal(tmp_path: Path) -> Path:
    return draw_patterns(tmp_path / "images", {"dots": 24, "rings": 6}, side=32)


def opened(folder: Path, images: Path, name: str, backend: str, weighted: bool = True, **more: object) -> Prototype:
    ptf = experiment(folder, images, name, backend, **more)
    ptf.update_weighted_sampling(weighted)
    return ptf


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch, backend: str) -> list[np.ndarray]:
    """The labels of the images of each training step, of a tiny network."""
    from monklite.backends.mxnet.learner import GluonLearner
    from monklite.backends.pytorch.learner import TorchLearner

    build_tiny(monkeypatch, backend)
    kind, steps = {"pytorch": TorchLearner, "mxnet": GluonLearner}[backend], []
    original = kind.step

    def step(self: Any, images: np.ndarray, labels: np.ndarray, draws: Any) -> Any:
        steps.append(np.array(labels))
        return original(self, images, labels, draws)

    monkeypatch.setattr(kind, "step", step)
    return steps


def test_training_sees_the_rare_class_as_often(tmp_path: Path, unequal: Path, backend: str, seen) -> None:
    def share(weighted: bool) -> float:
        seen.clear()
        model = {"pytorch": "squeezenet1_1", "mxnet": "squeezenet1.1"}[backend]
        ptf = opened(tmp_path, unequal, f"e{weighted}", backend, weighted, epochs=8, crop=True, model=model)
        ptf.update_freeze_base_network(False)
        ptf.Train()
        drawn = np.concatenate(seen)
        assert len(drawn) == 8 * ptf._experiment.data.train.n_images
        return float((drawn == 1).mean())

    assert share(False) == pytest.approx(0.2)
    assert 0.35 < share(True) < 0.65


def test_a_stopped_training_goes_on_to_the_same_weights(
    tmp_path: Path, unequal: Path, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    """With what the frozen part of the network gives kept, stopped within an epoch."""
    opened(tmp_path, unequal, "e", backend).Train()
    other = tmp_path / "other"
    with stopped_at_batch(6 + 2, monkeypatch):
        opened(other, unequal, "e", backend).Train()
    resumed = Prototype("p", "e", backend=backend, resume_train=True, workspace=other, verbose=0)
    with pytest.raises(NotReady, match="keeps its data.weighted_sampling"):
        resumed.update_weighted_sampling(False)
    resumed.Train()
    assert weights(other, "e") == weights(tmp_path, "e")
    assert history(other, "e") == history(tmp_path, "e")


def test_a_change_reads_no_image_again_and_is_kept_by_a_copy(tmp_path: Path, unequal: Path, capsys) -> None:
    ptf = experiment(tmp_path, unequal, "e", epochs=1)
    before = ptf._experiment.data.train.store
    ptf.update_weighted_sampling(True)
    ptf.Train()
    after = ptf._experiment.data.train
    assert after.store is before
    assert after.probabilities is not None and ptf._experiment.data.val.probabilities is None
    assert Workspace(tmp_path).find("p", "e").state().spec.data.weighted_sampling
    copy = Prototype("p", "copy", copy_from=["p", "e"], workspace=tmp_path, verbose=1)
    copy.Dataset()
    assert copy._experiment.data.train.probabilities is not None
    copy.Summary()
    assert "Weighted sampling: training images are drawn" in " ".join(capsys.readouterr().out.split())
    with pytest.raises(InvalidType, match="sample must be True or False, not 1"):
        copy.update_weighted_sampling(1)
