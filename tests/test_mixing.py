"""MixUp and CutMix: what is mixed with what share, the loss of it, and that a training with it is exact, told and refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_features import MODELS, history, weights
from test_features import experiment as frozen_experiment
from test_fixed_views import batches
from test_progressive_resizing import LEARNERS
from tiny_networks import build_tiny

from monklite import Prototype, backends
from monklite.catalog import resolve
from monklite.data.augment import Draws
from monklite.data.mixing import Mixed, Mixing
from monklite.errors import InvalidType, InvalidValue, NotReady
from monklite.records import KEPT_FEATURES
from monklite.runs.workspace import Workspace
from monklite.spec import Spec
from monklite.tasks import MultiLabel, SingleLabel
from monklite.testing.contract import CLASSES, MEAN, SIDE, STD, easy

PARTNERS = np.array([2, 0, 3, 1])
HALF = (0.0, 0.0, 0.5, 1.0)


def learner(backend: str, **changes: Any) -> Any:
    values = {"model.pretrained": False, "model.freeze_base": False, "model.use_gpu": False, "data.input_size": SIDE}
    values |= {"model.name": MODELS[backend], "model.precision": "float32", **changes}
    return backends.load(backend).learner(resolve(Spec(backend=backend).replace(values)), SingleLabel(CLASSES))


def draws(**changes: Any) -> Draws:
    return Draws(SIDE, MEAN, STD, **changes)


def test_images_are_blended_or_cut_on_both_backends(backend: str) -> None:
    made, images = learner(backend), easy(4)[0]
    pixels = images.astype(np.float32)
    blended = made.augmented(images, draws(mixed=Mixed(PARTNERS, 0.75)))
    assert np.abs(blended - (0.75 * pixels + 0.25 * pixels[PARTNERS])).max() < 1e-3
    cut = made.augmented(images, draws(mixed=Mixed(PARTNERS, 0.5, HALF)))
    pixels[:, :, : SIDE // 2] = images[PARTNERS][:, :, : SIDE // 2]
    assert np.array_equal(cut, pixels)


@pytest.mark.parametrize("box", [None, (0.0, 0.0, 0.5, 0.5)])
def test_the_loss_is_that_of_both_labels_by_their_shares(backend: str, box: tuple | None) -> None:
    """A step with almost no rate, so that the network is the same in all of them."""
    made, (images, labels) = learner(backend), easy(4)
    # whose mixtures are whole numbers
    images = images // 4 * 4
    made.set_learning_rate(1e-12)
    mixed = Mixed(PARTNERS, 0.75, box)
    shown = np.rint(made.augmented(images, draws(mixed=mixed))).astype(np.uint8)
    losses = [made.step(shown, y, draws()) for y in (labels, labels[PARTNERS])]
    own, other = (float(loss) for loss, _ in losses)
    loss, correct = made.step(images, labels, draws(mixed=mixed))
    assert float(loss) == pytest.approx(0.75 * own + 0.25 * other, rel=1e-4)
    assert float(correct) == float(losses[0][1])
    # the partner has the larger share
    _, correct = made.step(images, labels, draws(mixed=replace(mixed, share=0.25, box=box and (0.0, 0.0, 1.0, 0.75))))
    assert float(correct) in range(5)
    assert own != pytest.approx(other, rel=0.05)


def test_the_label_with_the_larger_share_comes_first() -> None:
    labels = np.array([0, 1, 2, 0])
    assert [s for s, _ in draws().label_shares(labels)] == [1.0]
    (first, a), (second, b) = draws(mixed=Mixed(PARTNERS, 0.3)).label_shares(labels)
    assert (first, second) == (0.7, 0.3)
    assert a.tolist() == labels[PARTNERS].tolist() and b.tolist() == labels.tolist()
    # by the pixels that are cut out, at each size
    mixed = Mixed(PARTNERS, 0.9, (0.0, 0.0, 0.3, 1.0))
    assert mixed.share_at(10) == pytest.approx(0.7)
    assert mixed.share_at(2) == pytest.approx(0.5)
    assert draws(mixed=mixed).resized(2, 4).label_shares(labels)[0][0] == pytest.approx(0.5)


def test_shares_have_their_distribution_and_boxes_their_area() -> None:
    rng = np.random.default_rng(0)
    shares = np.array([Mixing(mixup=0.2).draw(4, rng).share for _ in range(2000)])
    # variance of a beta distribution
    assert shares.mean() == pytest.approx(0.5, abs=0.03)
    assert shares.var() == pytest.approx(1 / (4 * (2 * 0.2 + 1)), rel=0.05)
    for _ in range(200):
        mixed = Mixing(cutmix=1.0).draw(4, rng)
        left, top, right, bottom = mixed.box or ()
        assert 0 <= left <= right <= 1 and 0 <= top <= bottom <= 1
        assert (right - left) * (bottom - top) <= 1 - mixed.share + 1e-9
    kinds = [Mixing(0.2, 1.0).draw(4, rng).box is None for _ in range(400)]
    assert 160 < sum(kinds) < 240
    assert not Mixing() and Mixing(0.1) and Mixing(cutmix=0.1)
    extreme = [Mixing(mixup=5e-324).draw(4, rng).share for _ in range(100)]
    assert set(extreme) == {0.0, 1.0}


def test_batches_draw_the_same_mixtures_again_and_other_draws_stay() -> None:
    plain, mixing = batches(), replace(batches(), mixing=Mixing(0.4, 1.0))
    whole = [d for _, d in mixing.drawn(2)]
    again = [d for _, d in mixing.drawn(2, 8)]
    assert [(d.mixed.share, d.mixed.partners.tolist()) for d in whole[2:]] == [
        (d.mixed.share, d.mixed.partners.tolist()) for d in again
    ]
    assert len({d.mixed.share for d in whole}) == len(whole)
    for (_, before), after in zip(plain.drawn(2), whole, strict=True):
        assert np.array_equal(before.matrix, after.matrix)
        assert sorted(after.mixed.partners) == list(range(4))
    assert mixing.faces == () and plain.faces == (0, 1, 2)


def test_processes_that_share_a_batch_mix_their_own_images() -> None:
    mixing = replace(batches(batch_size=10), mixing=Mixing(0.4), reading=False)
    for process in (0, 1):
        part = next(replace(mixing, process=process, n_processes=2).epoch(0))
        assert sorted(part.draws.mixed.partners) == list(range(5))


def test_labels_of_several_kinds_are_mixed_too() -> None:
    task, labels = MultiLabel(("a", "b")), np.array([[True, False], [False, True], [True, True], [False, False]])
    shares = draws(mixed=Mixed(PARTNERS, 0.6)).label_shares(labels)
    assert task.targets(shares[1][1], "one_hot").tolist() == labels[PARTNERS].astype(float).tolist()


def experiment(folder: Path, patterns: Path, name: str, backend: str = "pytorch", epochs: int = 2) -> Any:
    """An experiment with every kind of transform and both ways of mixing."""
    ptf = Prototype("p", name, backend=backend, workspace=folder, verbose=0)
    ptf.Dataset_Params(dataset_path=patterns, split=0.67, input_size=32, batch_size=8, num_processors=1)
    ptf.apply_random_affine(10, translate=(0.1, 0.1), scale=(0.9, 1.1), shear=5, train=True)
    ptf.apply_random_perspective(train=True)
    ptf.apply_color_jitter(0.2, 0.2, 0.2, 0.1, train=True)
    ptf.apply_random_blur(train=True)
    ptf.apply_grayscale(train=True, val=True)
    ptf.apply_normalize(train=True, val=True, test=True)
    ptf.apply_random_erasing(train=True)
    ptf.Dataset()
    ptf.Model_Params(model_name=MODELS[backend], freeze_base_network=False, use_pretrained=False)
    ptf.update_mixup(0.4)
    ptf.update_cutmix(1)
    ptf.Model()
    ptf.optimizer_sgd(0.01)
    ptf.Training_Params(num_epochs=epochs)
    return ptf


def test_a_stopped_training_goes_on_to_the_same_weights(
    patterns: Path, tmp_path: Path, monkeypatch, backend: str
) -> None:
    build_tiny(monkeypatch, backend)
    experiment(tmp_path, patterns, "e", backend).Train()
    other, asked, step = tmp_path / "other", [], LEARNERS[backend].step

    def stopped(self: Any, images: np.ndarray, labels: np.ndarray, draws: Draws) -> Any:
        asked.append(draws.mixed)
        # in the middle of the second epoch
        if len(asked) == 3 + 2:
            raise KeyboardInterrupt
        return step(self, images, labels, draws)

    with monkeypatch.context() as patch:
        patch.setattr(LEARNERS[backend], "step", stopped)
        with pytest.raises(KeyboardInterrupt):
            experiment(other, patterns, "e", backend).Train()
    assert None not in asked
    resumed = Prototype("p", "e", backend=backend, resume_train=True, workspace=other, verbose=0)
    with pytest.raises(NotReady, match="keeps its training.mixup"):
        resumed.update_mixup(0.1)
    resumed.Train()
    assert weights(other, "e") == weights(tmp_path, "e")
    assert history(other, "e") == history(tmp_path, "e")


def test_nothing_is_kept_of_mixed_images_and_a_note_says_so(patterns: Path, tmp_path: Path, capsys) -> None:
    ptf = frozen_experiment(tmp_path, patterns, "e", epochs=1)
    ptf._console.verbose = 1
    ptf.update_mixup(0.2)
    ptf.Train()
    out = capsys.readouterr().out
    assert "Update: MixUp - 0.2" in out
    assert (
        "MixUp (alpha 0.2): training images are mixed with each other, so a frozen part of the network is computed"
        in out
    )
    methods = Workspace(tmp_path).find("p", "e").state().model.methods
    assert "MixUp (alpha 0.2)" in methods
    # those of validation are
    assert KEPT_FEATURES in methods
    ptf.update_mixup(0)
    ptf.Reload()
    assert not ptf._experiment.data.train.mixing


@pytest.mark.parametrize(("value", "error"), [(-0.1, InvalidValue), (101, InvalidValue), ("0.2", InvalidType)])
def test_wrong_values_are_refused(tmp_path: Path, value: object, error: type[Exception]) -> None:
    ptf = Prototype("p", "e", workspace=tmp_path, verbose=0)
    for update in (ptf.update_mixup, ptf.update_cutmix):
        with pytest.raises(error, match="alpha must be a number at least 0 and at most 100"):
            update(value)
