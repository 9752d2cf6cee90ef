"""Every loss on both backends: value and gradient against the formula written out in NumPy, and against PyTorch's own classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812 (torch's own name)

from monklite.backends import losses
from monklite.backends.mxnet import losses as mxnet_losses
from monklite.backends.mxnet.framework import autograd, mx, nd
from monklite.backends.pytorch import losses as torch_losses
from monklite.catalog import LOSSES
from monklite.errors import InvalidValue
from monklite.spec import Choice
from monklite.tasks import MultiLabel, SingleLabel, Task, task_of

CLASSES = ("a", "b", "c", "d")
N = 7
RNG = np.random.default_rng(0)
LOGITS = RNG.normal(0, 1.5, (N, len(CLASSES))).astype(np.float32)
ONE_LABEL = RNG.integers(0, len(CLASSES), N)
# one image with none and one with all
SEVERAL = np.concatenate([RNG.random((N - 2, len(CLASSES))) < 0.5, np.zeros((1, 4), bool), np.ones((1, 4), bool)])
WEIGHTS, POSITIVES = (2.0, 0.5, 1.0, 3.0), (1.5, 1.0, 4.0, 0.25)


def chosen(name: str, **values: Any) -> Choice:
    return LOSSES[name].choose("pytorch", values)


def task(kind: str, name: str) -> Task:
    return task_of(kind, CLASSES, LOSSES[name].activation)


def labels_of(kind: str) -> np.ndarray:
    return ONE_LABEL if kind == "single" else SEVERAL


def by_torch(choice: Choice, of: Task, logits: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """The loss and its gradient with respect to the logits."""
    x = torch.from_numpy(logits.copy()).requires_grad_()
    loss = torch_losses.criterion(choice, of, torch.device("cpu"))(
        x, torch.from_numpy(of.targets(labels, LOSSES[choice.name].form))
    )
    loss.backward()
    assert x.grad is not None
    return float(loss.detach()), x.grad.numpy()


def by_mxnet(choice: Choice, of: Task, logits: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    x = nd.array(logits)
    x.attach_grad()
    criterion = mxnet_losses.criterion(choice, of, mx.cpu())
    with autograd.record():
        loss = criterion(x, nd.array(of.targets(labels, LOSSES[choice.name].form))).mean()
    loss.backward()
    return float(loss.asscalar()), x.grad.asnumpy()


# The formulas, in NumPy, of one image: x and y (classes,), y of 0 and 1


def softmax(x: np.ndarray) -> np.ndarray:
    return np.exp(x) / np.exp(x).sum()


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def binary(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return -np.log(np.where(y == 1, sigmoid(x), 1 - sigmoid(x)))


def smooth(difference: np.ndarray, threshold: float) -> np.ndarray:
    size = np.abs(difference)
    return np.where(size < threshold, size**2 / (2 * threshold), size - threshold / 2)


def against_others(x: np.ndarray, y: np.ndarray, margin: float, power: int) -> float:
    k = int(y.argmax())
    return sum(max(0.0, margin - x[k] + x[j]) ** power for j in range(len(x)) if j != k) / len(x)


def pairs(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Per label of the image, its pairs with labels that the image has not."""
    return np.array([y[i] * sum(max(0.0, 1 - x[i] + x[j]) for j in range(len(x)) if not y[j]) for i in range(len(x))])


def log_score(x: np.ndarray, y: np.ndarray) -> float:
    return float(-np.log(softmax(x)[y.argmax()]))


def focal(x: np.ndarray, y: np.ndarray, gamma: float) -> float:
    return (1 - softmax(x)[y.argmax()]) ** gamma * log_score(x, y)


def focal_decisions(x: np.ndarray, y: np.ndarray, gamma: float) -> np.ndarray:
    right = np.where(y == 1, sigmoid(x), 1 - sigmoid(x))
    return -((1 - right) ** gamma) * np.log(right)


def rates(x: np.ndarray, y: np.ndarray, log_pre_applied: bool) -> float:
    rate = np.exp(x) if log_pre_applied else softmax(x)
    return float((rate - y * np.log(rate)).mean())


def signs(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.where(y == 1, x, -x)


# one label: the loss of an image; its class's factor weighs it. one decision per class: the loss of each
IMAGES: Mapping[str, Callable[..., float]] = {
    "softmax_crossentropy": log_score,
    "crossentropy": log_score,
    "kldiv": lambda x, y, log_pre_applied=False: log_score(x, y),
    "focal": focal,
    "poisson_nll": rates,
    "l1": lambda x, y: np.abs(softmax(x) - y).mean(),
    "l2": lambda x, y: ((softmax(x) - y) ** 2).mean(),
    "huber": lambda x, y, threshold_for_mean_estimator: smooth(softmax(x) - y, threshold_for_mean_estimator).mean(),
    "multimargin": lambda x, y, margin: against_others(x, y, margin, 1),
    "squared_multimargin": lambda x, y, margin: against_others(x, y, margin, 2),
}
DECISIONS: Mapping[str, Callable[..., np.ndarray]] = {
    "sigmoid_binary_crossentropy": binary,
    "binary_crossentropy": binary,
    "multilabel_softmargin": binary,
    "focal": focal_decisions,
    "l1": lambda x, y: np.abs(sigmoid(x) - y),
    "l2": lambda x, y: (sigmoid(x) - y) ** 2,
    "huber": lambda x, y, threshold_for_mean_estimator: smooth(sigmoid(x) - y, threshold_for_mean_estimator),
    "hinge": lambda x, y, margin: np.maximum(0, margin - signs(x, y)),
    "squared_hinge": lambda x, y, margin: np.maximum(0, margin - signs(x, y)) ** 2,
    "multilabel_margin": pairs,
}
PARAMETERS = {
    "focal": {"gamma": 2.0},
    "poisson_nll": {"log_pre_applied": False},
    "huber": {"threshold_for_mean_estimator": 1.0},
    **dict.fromkeys(("hinge", "squared_hinge", "multimargin", "squared_multimargin"), {"margin": 1.0}),
}
OTHERS = [
    ("focal", {"gamma": 0.5}),
    ("focal", {"gamma": 0.0}),
    ("poisson_nll", {"log_pre_applied": True}),
    ("kldiv", {"log_pre_applied": True}),
    ("huber", {"threshold_for_mean_estimator": 0.3}),
    ("hinge", {"margin": 0.4}),
    ("squared_hinge", {"margin": 2.0}),
    ("multimargin", {"margin": 2.5}),
    ("squared_multimargin", {"margin": 0.7}),
]


def written_out(
    name: str, of: Task, x: np.ndarray, labels: np.ndarray, factors: Mapping[str, Any], **values: Any
) -> float:
    targets = of.targets(labels, "one_hot")
    weight, positive = (np.array(factors.get(n, (1.0,) * len(CLASSES))) for n in ("weight", "positive_weight"))
    factor = weight * np.where(targets == 1, positive, 1)
    if of.activation == "sigmoid":
        rows = [f * DECISIONS[name](row, y, **values) for f, row, y in zip(factor, x, targets, strict=True)]
        return float(np.mean(rows))
    per_image = np.array([IMAGES[name](row, y, **values) for row, y in zip(x, targets, strict=True)])
    own = factor[np.arange(len(x)), targets.argmax(axis=1)]
    return float((own * per_image).sum() / own.sum())


def gradient(function: Callable[[np.ndarray], float], x: np.ndarray, step: float = 1e-6) -> np.ndarray:
    found = np.zeros_like(x)
    for at in np.ndindex(*x.shape):
        low, high = x.copy(), x.copy()
        low[at], high[at] = low[at] - step, high[at] + step
        found[at] = (function(high) - function(low)) / (2 * step)
    return found


def kinds(name: str) -> list[str]:
    return [k for k, names in (("single", {**IMAGES, **DECISIONS}), ("multiple", DECISIONS)) if name in names]


def fitting(name: str, kind: str) -> list[dict[str, Any]]:
    has = {p.name for p in LOSSES[name].parameters}
    sets: list[dict[str, Any]] = [{}, {"weight": WEIGHTS}, {"positive_weight": POSITIVES}]
    return [s for s in [*sets, {**sets[1], **sets[2]}] if set(s) <= has and (kind == "multiple" or len(s) < 2)]


CASES = [
    *((n, k, f, PARAMETERS.get(n, {})) for n in LOSSES for k in kinds(n) for f in fitting(n, k)),
    *((n, k, {}, values) for n, values in OTHERS for k in kinds(n)),
]


def test_every_loss_is_written_out_here() -> None:
    assert set(LOSSES) == {*IMAGES, *DECISIONS}


@pytest.mark.parametrize(("name", "kind", "factors", "values"), CASES)
def test_value_and_gradient_are_those_of_the_formula_on_both_backends(name, kind, factors, values) -> None:
    of, labels = task(kind, name), labels_of(kind)
    x = LOGITS.astype(np.float64)

    def formula(logits: np.ndarray) -> float:
        return written_out(name, of, logits, labels, factors, **values)

    expected, slope = formula(x), gradient(formula, x)
    for found, found_slope in (
        by_torch(chosen(name, **factors, **values), of, LOGITS, labels),
        by_mxnet(chosen(name, **factors, **values), of, LOGITS, labels),
    ):
        assert found == pytest.approx(expected, rel=1e-5, abs=1e-6)
        assert np.allclose(found_slope, slope, rtol=1e-5, atol=1e-5)


def one_hot(labels: np.ndarray) -> torch.Tensor:
    return F.one_hot(torch.from_numpy(labels), len(CLASSES)).float()


X, Y, SETS = torch.from_numpy(LOGITS), torch.from_numpy(ONE_LABEL), torch.from_numpy(SEVERAL.astype(np.float32))
W = torch.tensor(WEIGHTS)
# torch's targets of this loss: the numbers of the labels, then -1
LISTED = torch.tensor([[*np.flatnonzero(row), *[-1] * (4 - row.sum())] for row in SEVERAL])
THEIRS = [
    ("l1", {}, "single", lambda: F.l1_loss(X.softmax(1), one_hot(ONE_LABEL))),
    ("l2", {}, "multiple", lambda: F.mse_loss(X.sigmoid(), SETS)),
    ("huber", {"threshold_for_mean_estimator": 0.3}, "single",
     lambda: F.smooth_l1_loss(X.softmax(1), one_hot(ONE_LABEL), beta=0.3)),
    ("crossentropy", {"weight": WEIGHTS}, "single", lambda: F.nll_loss(X.log_softmax(1), Y, weight=W)),
    ("softmax_crossentropy", {"weight": WEIGHTS, "label_smoothing": 0.2}, "single",
     lambda: F.cross_entropy(X, Y, W, label_smoothing=0.2)),
    ("softmax_crossentropy", {"label_smoothing": True}, "single", lambda: F.cross_entropy(X, Y, label_smoothing=0.1)),
    ("softmax_crossentropy", {"label_as_categories": False, "weight": WEIGHTS}, "single", lambda: F.cross_entropy(X, Y, W)),
    ("binary_crossentropy", {}, "multiple", lambda: F.binary_cross_entropy(X.sigmoid(), SETS)),
    ("sigmoid_binary_crossentropy", {"weight": WEIGHTS, "positive_weight": POSITIVES}, "multiple",
     lambda: F.binary_cross_entropy_with_logits(X, SETS, W, pos_weight=torch.tensor(POSITIVES))),
    ("kldiv", {}, "single", lambda: F.kl_div(X.log_softmax(1), one_hot(ONE_LABEL), reduction="batchmean")),
    ("poisson_nll", {}, "single", lambda: F.poisson_nll_loss(X.softmax(1), one_hot(ONE_LABEL), log_input=False)),
    ("poisson_nll", {"log_pre_applied": True}, "single", lambda: F.poisson_nll_loss(X, one_hot(ONE_LABEL))),
    ("multimargin", {"margin": 0.8}, "single", lambda: F.multi_margin_loss(X, Y, margin=0.8)),
    ("squared_multimargin", {}, "single", lambda: F.multi_margin_loss(X, Y, p=2)),
    ("multilabel_margin", {}, "multiple", lambda: F.multilabel_margin_loss(X, LISTED)),
    ("multilabel_softmargin", {"weight": WEIGHTS}, "multiple", lambda: F.multilabel_soft_margin_loss(X, SETS, W)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "values", "kind", "theirs"), THEIRS)
def test_a_loss_that_torch_has_too_is_torchs(name, values, kind, theirs) -> None:
    choice, of = chosen(name, **values), task(kind, name)
    for found, _ in (by_torch(choice, of, LOGITS, labels_of(kind)), by_mxnet(choice, of, LOGITS, labels_of(kind))):
        assert found == pytest.approx(float(theirs()), rel=1e-5)


def test_label_smoothing_has_the_same_gradient_on_both_backends() -> None:
    choice, of = chosen("crossentropy", label_smoothing=0.3, weight=WEIGHTS), SingleLabel(CLASSES)
    (_, ours), (_, theirs) = (by(choice, of, LOGITS, ONE_LABEL) for by in (by_torch, by_mxnet))
    assert np.allclose(ours, theirs, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["sigmoid_binary_crossentropy", "focal"])
def test_logits_of_exactly_zero_have_the_right_gradient(name: str) -> None:
    """The usual formula with `abs` and `relu` gives 0 - label there, in place of 1/2 - label."""
    zeros, labels = np.zeros((1, 4), np.float32), np.array([[True, False, True, False]])
    choice = chosen(name, **({"gamma": 0.0} if name == "focal" else {}))
    for by in (by_torch, by_mxnet):
        assert by(choice, MultiLabel(CLASSES), zeros, labels)[1].tolist() == [[-0.125, 0.125, -0.125, 0.125]]


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("scale", [60.0, 1e4])
def test_large_logits_give_finite_losses_and_gradients(name: str, scale: float) -> None:
    logits = (scale * np.sign(LOGITS)).astype(np.float32)
    values = {"gamma": 0.5} if name == "focal" else {}
    for kind in kinds(name):
        for by in (by_torch, by_mxnet):
            loss, slope = by(chosen(name, **values), task(kind, name), logits, labels_of(kind))
            assert np.isfinite(loss) and np.isfinite(slope).all()


@pytest.mark.parametrize("name", sorted(n for n in LOSSES if kinds(n) == ["single"]))
def test_a_loss_for_one_label_is_refused_where_images_have_several(name: str) -> None:
    with pytest.raises(
        InvalidValue, match=r"images with several labels cannot be trained with a loss of softmax scores"
    ):
        task("multiple", name)


def test_scores_are_those_of_the_task_where_a_loss_trains_both() -> None:
    assert (task("single", "focal").activation, task("multiple", "focal").activation) == ("softmax", "sigmoid")
    assert (task("single", "hinge").activation, task("multiple", "hinge").activation) == ("sigmoid", "sigmoid")


def test_a_factor_for_a_class_that_there_is_not_is_refused() -> None:
    choice = chosen("focal", positive_weight={"a": 1, "b": 1, "c": 1, "e": 1})
    with pytest.raises(InvalidValue, match=r"a weight for 'e', which is not a class"):
        torch_losses.criterion(choice, SingleLabel(CLASSES), torch.device("cpu"))


@pytest.mark.parametrize("by", [by_torch, by_mxnet])
@pytest.mark.parametrize("at_once", [1, 3, 7])
def test_many_images_are_compared_in_parts(
    monkeypatch: pytest.MonkeyPatch, by: Callable[..., Any], at_once: int
) -> None:
    choice = chosen("multilabel_margin")
    loss, gradient = by(choice, task("multiple", choice.name), LOGITS, SEVERAL)
    monkeypatch.setattr(losses, "MAX_PAIRS", at_once * len(CLASSES) ** 2)
    calls: list[int] = []
    whole = losses.Formula._mean
    monkeypatch.setattr(losses.Formula, "_mean", lambda self, x, y: calls.append(len(x)) or whole(self, x, y))
    in_parts, its = by(choice, task("multiple", choice.name), LOGITS, SEVERAL)
    assert sum(calls) == N and max(calls) == at_once
    assert in_parts == pytest.approx(loss, rel=1e-5)
    assert np.allclose(its, gradient, atol=1e-6)
