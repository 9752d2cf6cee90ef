"""The two backends compute the same: scores, batches, augmented images, optimizer steps, losses, learning rates."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from monklite import backends, opening
from monklite.backends.mxnet import network as gluon_networks
from monklite.backends.mxnet.framework import autograd, gluon, mx, nd
from monklite.backends.mxnet.learner import GluonLearner
from monklite.backends.pytorch import network as torch_networks
from monklite.backends.pytorch.learner import TorchLearner
from monklite.catalog import LOSSES, OPTIMIZERS, SCHEDULES, TRANSFORMS, schedules
from monklite.catalog.backends import BUILT_IN
from monklite.catalog.default_recipes import default_transforms, resolve
from monklite.catalog.rows import Row
from monklite.catalog.schedules import Moment
from monklite.data.augment import Draws, policy
from monklite.runs.workspace import Workspace
from monklite.spec import Choice, Folders, Spec
from monklite.tasks import SingleLabel
from monklite.testing.contract import CLASSES, MEAN, STD

BACKENDS = tuple(BUILT_IN)

SCORES = 1e-3  # largest difference of two logits, as a share of the largest one
GREY = 1.0  # one grey level of 255
STEP = 1e-5  # distance of two end points, as a share of the way to them


def shared(table: dict[str, Row]) -> list[str]:
    """The words that both backends have."""
    return sorted(name for name, row in table.items() if row.backends() == list(BACKENDS))


def spec(backend: str, **changes: Any) -> Spec:
    values = {"model.pretrained": False, "model.freeze_base": False, "model.use_gpu": False}
    values |= {"model.precision": "float32", "data.input_size": 64}
    values |= {name.replace("__", "."): value for name, value in changes.items()}
    return resolve(Spec(backend=backend).replace(values))


def choice(table: dict[str, Row], backend: str, name: str, **values: Any) -> Choice:
    return table[name].choose(backend, values)


def learner(backend: str, **changes: Any) -> Any:
    return backends.load(backend).learner(spec(backend, **changes), SingleLabel(CLASSES))


# Scores


def copy_weights(source: TorchLearner, target: GluonLearner) -> None:
    """Both networks list their layers from the input on; so does each layer its weights and statistics."""
    theirs = [module for _, module in torch_networks.parameter_layers(source.network)]
    ours = [layer for _, layer in gluon_networks.parameter_layers(target.network)]
    for module, layer in zip(theirs, ours, strict=True):
        tensors = [t for n, t in module.state_dict().items() if n != "num_batches_tracked"]
        for tensor, parameter in zip(tensors, layer._reg_params.values(), strict=True):
            parameter.set_data(nd.array(tensor.numpy().reshape(parameter.shape)))


def drawn(name: str, size: int) -> TorchLearner:
    """A torch learner with weights and statistics that carry the images through to the scores."""
    made, generator = learner("pytorch", model__name=name, data__input_size=size), torch.Generator().manual_seed(3)
    for key, tensor in made.network.state_dict().items():
        if tensor.ndim > 1:
            tensor.normal_(0, (2 / tensor[0].numel()) ** 0.5, generator=generator)
        elif key.endswith(("bias", "running_mean")):
            tensor.normal_(0, 0.1, generator=generator)
        elif tensor.ndim:
            tensor.uniform_(0.5, 1.5, generator=generator)
    return made


# Not here: networks that the two libraries define differently. ResNet50 and deeper (torchvision strides in the 3x3
# convolution, Gluon's v1 in the first 1x1, which also has a bias) and MobileNetV2 (Gluon's head has no bias).
SAME_NETWORKS = [("squeezenet1_1", 64), ("squeezenet1_0", 64), ("resnet18", 64), ("resnet34", 64), ("densenet121", 64)]
SAME_NETWORKS += [pytest.param("alexnet", 224, marks=pytest.mark.slow), ("inception_v3", 96)]
SAME_NETWORKS += [pytest.param("vgg11_bn", 224, marks=pytest.mark.slow)]


@pytest.mark.parametrize(("name", "size"), SAME_NETWORKS)
def test_the_same_weights_give_the_same_scores(name: str, size: int) -> None:
    compare_scores(name, name, size)


@pytest.mark.skipif(importlib.util.find_spec("gluoncv") is None, reason="gluoncv is not installed")
@pytest.mark.parametrize(
    ("name", "on_mxnet"),
    [
        ("resnext50_32x4d", "resnext50_32x4d"),
        pytest.param("resnext101_64x4d", "resnext101_64x4d", marks=pytest.mark.slow),
        ("resnet50", "resnet50_v1b"),  # GluonCV has torchvision's form of it as a network of its own
    ],
)
def test_the_same_weights_give_the_same_scores_in_gluoncv(name: str, on_mxnet: str) -> None:
    compare_scores(name, on_mxnet, 64)


def compare_scores(name: str, on_mxnet: str, size: int) -> None:
    one, two = drawn(name, size), learner("mxnet", model__name=on_mxnet, data__input_size=size)
    copy_weights(one, two)
    images = np.random.default_rng(0).integers(0, 256, (4, size, size, 3), dtype=np.uint8)
    draws = Draws(size, MEAN, STD)
    ours, theirs = one.logits(images, draws), two.logits(images, draws)
    assert np.ptp(ours, axis=0).max() > 10 * SCORES * np.abs(ours).max()  # they tell images apart
    assert np.abs(ours - theirs).max() <= SCORES * np.abs(ours).max()


# Batches


def batches(patterns: Path, workspace: Path, backend: str) -> list[tuple[str, bytes, ...]]:
    """Everything that an experiment's first two epochs hand to the learner, as bytes."""
    experiment = opening.new(Workspace(workspace), "p", backend, backend, lambda text: None)
    chain = (choice(TRANSFORMS, backend, "random_resized_crop", input_size=32), *default_transforms(backend).train)
    changes = {
        "data.sources": (Folders(path=str(patterns)),),
        "data.split": 0.67,
        "data.batch_size": 5,
        "data.input_size": 32,
    }
    experiment.change({**changes, "data.transforms": {"train": chain, "val": default_transforms(backend).val}})
    data = experiment.prepare()
    found = []
    for subset, epoch in (("train", 0), ("train", 1), ("val", 0)):
        for batch in getattr(data, subset).epoch(epoch):
            arrays = (batch.images, batch.labels, batch.draws.matrix, batch.draws.flip_x)
            found.append((subset, repr(batch.draws.mean), *(b"" if a is None else a.tobytes() for a in arrays)))
    return found


def test_the_same_spec_gives_the_same_batches_byte_for_byte(patterns: Path, tmp_path: Path) -> None:
    ours, theirs = (batches(patterns, tmp_path / name, name) for name in BACKENDS)
    assert ours == theirs
    assert len({batch[2] for batch in ours}) == len(ours) == 13  # no two batches hold the same images


# Augmented images


@pytest.fixture(scope="module")
def learners() -> list[Any]:
    return [learner("pytorch", model__name="squeezenet1_1"), learner("mxnet", model__name="squeezenet1_1")]


CHAINS = {
    "flips": [("random_horizontal_flip", {}), ("random_vertical_flip", {})],
    "crop": [("random_crop", {"input_size": 48})],
    "resized crop": [("random_resized_crop", {"input_size": 32})],
    "rotation": [("random_rotation", {"degrees": 180})],
    "resized crop, flip, rotation": [
        ("random_resized_crop", {"input_size": 32}),
        ("random_horizontal_flip", {}),
        ("random_rotation", {"degrees": 30}),
    ],
    "crop, resized": [("random_crop", {"input_size": 20}), ("resize", {"input_size": 32})],
    "affine": [
        ("random_affine", {"degrees": 90, "translate": (0.2, 0.1), "scale": (0.5, 2), "shear": (-20, 20, -9, 9)})
    ],
    "perspective": [("random_perspective", {"distortion_scale": 0.6}), ("random_horizontal_flip", {})],
    "trivial augment": [("trivial_augment", {})],
    "jitter": [("color_jitter", {"brightness": 0.5, "contrast": 0.5, "saturation": 0.5, "hue": 0.3})],
    "all colours": [
        ("random_horizontal_flip", {}),
        ("random_lighting", {"alpha": 0.5}),
        ("random_gamma", {"gamma": (0.4, 2.5)}),
        ("random_blur", {}),
        ("random_autocontrast", {}),
        ("color_jitter", {"contrast": 0.9}),
        ("random_erasing", {}),
    ],
}


@pytest.mark.parametrize("name", CHAINS)
@pytest.mark.parametrize("size", [32, 33])
def test_augmented_images_differ_by_less_than_a_grey_level(learners: list[Any], name: str, size: int) -> None:
    how = policy([choice(TRANSFORMS, "mxnet", n, **values) for n, values in CHAINS[name]], size)
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (64, how.stored_size, how.stored_size, 3), dtype=np.uint8)
    draws = how.draw(rng.integers(40, 200, (64, 2)), rng)
    ours, theirs = (one.augmented(images, draws) for one in learners)
    assert ours.shape == theirs.shape == (64, size, size, 3)
    assert np.abs(ours - theirs).max() <= GREY
    assert ours.std() > 10  # noise that was not blurred away


def test_hardly_a_resampled_value_falls_on_different_sides_of_a_jump(learners: list[Any]) -> None:
    """Posterize and solarize jump, so a value that is not a whole level may be on the other side on the other backend."""
    chain = (("random_resized_crop", {"input_size": 48}), ("trivial_augment", {}))
    how = policy([choice(TRANSFORMS, "mxnet", n, **values) for n, values in chain], 48)
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (128, how.stored_size, how.stored_size, 3), dtype=np.uint8)
    draws = how.draw(rng.integers(40, 200, (128, 2)), rng)
    ours, theirs = (one.augmented(images, draws) for one in learners)
    beyond = np.abs(ours - theirs) > GREY
    curves = next(step.rows for step in draws.colours if step.kind == "curve")
    assert beyond[curves].mean() < 1e-3
    assert not np.delete(beyond, curves, axis=0).any()


@pytest.mark.parametrize("name", CHAINS)
@pytest.mark.parametrize("size", [16, 21, 31])
def test_smaller_images_of_a_training_that_grows_differ_by_less_than_a_grey_level(
    learners: list[Any], name: str, size: int
) -> None:
    how = policy([choice(TRANSFORMS, "mxnet", n, **values) for n, values in CHAINS[name]], 32)
    rng = np.random.default_rng(3)
    images = rng.integers(0, 256, (64, how.stored_size, how.stored_size, 3), dtype=np.uint8)
    draws = how.draw(rng.integers(40, 200, (64, 2)), rng).resized(size, len(images))
    ours, theirs = (one.augmented(images, draws) for one in learners)
    assert ours.shape == theirs.shape == (64, size, size, 3)
    assert np.abs(ours - theirs).max() <= GREY


@pytest.mark.parametrize("name", CHAINS)
def test_the_networks_are_given_the_same_numbers(learners: list[Any], name: str) -> None:
    how = policy([choice(TRANSFORMS, "mxnet", n, **v) for n, v in CHAINS[name]], 32)
    rng = np.random.default_rng(2)
    images = rng.integers(0, 256, (16, how.stored_size, how.stored_size, 3), dtype=np.uint8)
    draws = Draws(**{**vars(how.draw(np.full((16, 2), 64), rng)), "mean": MEAN, "std": STD})
    ours, theirs = (one.inputs(images, draws) for one in learners)
    assert np.allclose(ours.numpy(), theirs.asnumpy(), atol=GREY / 255 / min(STD))


# Optimizers


WEIGHTS = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
BIAS = np.random.default_rng(1).normal(size=3).astype(np.float32)

START = np.concatenate([WEIGHTS.ravel(), BIAS])


def bare_torch(chosen: Choice) -> TorchLearner:
    """A learner of one linear layer: all that an optimizer needs."""
    made = TorchLearner.__new__(TorchLearner)
    made.network, made.device, made.dtype = torch.nn.Linear(5, 3), torch.device("cpu"), torch.float32
    made.task, made.heads = SingleLabel(("a", "b", "c")), ()
    made.network.load_state_dict({"weight": torch.from_numpy(WEIGHTS.copy()), "bias": torch.from_numpy(BIAS.copy())})
    made.configure(spec("pytorch", training__optimizer=chosen))
    return made


def bare_gluon(chosen: Choice) -> GluonLearner:
    made = GluonLearner.__new__(GluonLearner)
    made.network, made.context = gluon.nn.Dense(3, in_units=5), mx.cpu()
    made.task, made.heads, made._has_groups = SingleLabel(("a", "b", "c")), (), False
    made.network.initialize()
    made.network.weight.set_data(nd.array(WEIGHTS))
    made.network.bias.set_data(nd.array(BIAS))
    made.configure(spec("mxnet", training__optimizer=chosen))
    return made


def step_torch(made: TorchLearner, gradients: Sequence[np.ndarray]) -> None:
    made.optimizer.zero_grad()
    sum((p * torch.from_numpy(g)).sum() for p, g in zip(made.network.parameters(), gradients, strict=True)).backward()
    made._clip()
    made.optimizer.step()


def step_gluon(made: GluonLearner, gradients: Sequence[np.ndarray]) -> None:
    with autograd.record():
        parts = [(p.data() * nd.array(g)).sum() for p, g in zip(made._trained, gradients, strict=True)]
        total = parts[0] + parts[1]
    total.backward()
    made._clip()
    made._trainer.step(1)


def weights_of(made: Any) -> np.ndarray:
    """Weight and bias in one row."""
    if isinstance(made, TorchLearner):
        return np.concatenate([p.detach().numpy().ravel() for p in made.network.parameters()]).copy()
    return np.concatenate([p.data().asnumpy().ravel() for p in made._trained])


def gradients(steps: int) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(2)
    return [(rng.normal(size=(3, 5)).astype(np.float32), rng.normal(size=3).astype(np.float32)) for _ in range(steps)]


def pair(name: str, **values: float) -> tuple[TorchLearner, GluonLearner]:
    values = {"learning_rate": 0.05, **values}
    one = bare_torch(choice(OPTIMIZERS, "pytorch", name, **values))
    return one, bare_gluon(choice(OPTIMIZERS, "mxnet", name, **values))


def both(name: str, steps: int, **values: float) -> tuple[np.ndarray, np.ndarray]:
    """The weights after some steps from the same point, by PyTorch and by MXNet."""
    one, two = pair(name, **values)
    for given in gradients(steps):
        step_torch(one, given)
        step_gluon(two, given)
    return weights_of(one), weights_of(two)


def apart(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The distance of two end points, as a share of the way to them."""
    return float(np.linalg.norm(ours - theirs) / np.linalg.norm(ours - START))


# What the two libraries define differently; each is held by a test of its own below.
#   adam: MXNet adds epsilon to the root of the second moment before that is corrected for its start at zero (Kingma and
#     Ba 2015, the shorter form at the end of section 2), PyTorch afterwards (their algorithm 1).
#   sgd, nesterov_sgd and momentum_rmsprop with momentum: MXNet keeps the learning rate in the momentum, PyTorch multiplies by it
#     afterwards; the two differ for some steps after the rate has changed.
#   nesterov_sgd with weight decay: MXNet's momentum takes the decay of the weight as it is after the step.
#   adagrad with weight decay: MXNet keeps the decay out of the sum of squares (as AdamW does), PyTorch puts it in.
#   rmsprop and momentum_rmsprop: MXNet adds epsilon under the root, PyTorch to the root.
#   nesterov_adam: MXNet advances its momentum schedule once a parameter instead of once a step, so that only the first
#     parameter of the first step is treated as in the paper.
DIFFERENT = {("nesterov_sgd", "weight_decay"), ("adagrad", "weight_decay")}
DIFFERENT_ALTOGETHER = {"rmsprop", "momentum_rmsprop", "nesterov_adam"}
SETTINGS = [
    {},
    {"weight_decay": 0.1},
    {"momentum": 0.6},
    {"beta1": 0.5, "beta2": 0.9},
    {"clipnorm": 2.0},
    {"clipvalue": 0.2},
    {"amsgrad": True, "beta2": 0.5},
    {"momentum": 0.6, "momentum_dampening_rate": 0.3},
    {"learning_rate_decay": 0.2},
]
CASES = [
    pytest.param(name, values, id=f"{name} {' '.join(values)}".strip())
    for name in shared(OPTIMIZERS)
    for values in SETTINGS
    if set(values) <= {p.name for p in OPTIMIZERS[name].parameters if OPTIMIZERS[name].supports("mxnet", p)}
    and (name, *values) not in DIFFERENT
    and name not in DIFFERENT_ALTOGETHER
]


@pytest.mark.parametrize("steps", [1, 10])
@pytest.mark.parametrize(("name", "values"), CASES)
def test_an_optimizer_takes_the_same_steps(name: str, values: dict[str, float], steps: int) -> None:
    ours, theirs = both(name, steps, **values)
    assert apart(ours, theirs) <= STEP


def test_epsilon_of_adam_is_added_before_the_correction_on_mxnet() -> None:
    corrected = 1e-3 / (1 - 0.999) ** 0.5
    ours, theirs = both("adam", 1, epsilon=1e-3)
    assert apart(ours, theirs) > 0.01
    assert apart(both("adam", 1, epsilon=corrected)[0], theirs) <= STEP
    assert apart(*both("adam", 10)) <= STEP  # the default is too small to matter


def test_weight_decay_of_adagrad_stays_out_of_the_sum_on_mxnet() -> None:
    ours, theirs = both("adagrad", 1, weight_decay=0.1)
    assert apart(ours, theirs) > STEP
    assert apart(both("adagrad", 1)[0] - 0.05 * 0.1 * START, theirs) <= STEP


def test_epsilon_of_rmsprop_is_under_the_root_on_mxnet() -> None:
    assert apart(*both("rmsprop", 10)) <= 1e-4  # the default is too small to matter much
    ours, theirs = both("rmsprop", 1, epsilon=1e-2)
    given = np.concatenate([g.ravel() for g in gradients(1)[0]])
    expected = START - 0.05 * given / np.sqrt(0.01 * given**2 + 1e-2)
    assert apart(ours, theirs) > 0.01
    assert apart(expected, theirs) <= STEP


@pytest.mark.parametrize("name", shared(OPTIMIZERS))
def test_a_weight_without_a_gradient_stays_a_number_on_both_backends(name: str) -> None:
    one, two = pair(name)
    for weight, bias in gradients(3):
        weight[0] = 0
        step_torch(one, (weight, bias))
        step_gluon(two, (weight, bias))
    for made in (one, two):
        assert np.isfinite(weights_of(made)).all()
        assert np.array_equal(weights_of(made)[:5], START[:5])


def test_epsilon_of_adamax_is_the_same_on_both_backends() -> None:
    ours, theirs = both("adamax", 5, epsilon=0.1)
    assert apart(ours, theirs) <= STEP
    assert apart(ours, both("adamax", 5)[0]) > 0.01


def graves(weight: np.ndarray, steps: list[np.ndarray], rate: float, decay: float, momentum: float, epsilon: float):
    """Equations 38 to 45 of Graves 2013, with epsilon under the root."""
    square, mean, moved = np.zeros_like(weight), np.zeros_like(weight), np.zeros_like(weight)
    for gradient in steps:
        square = decay * square + (1 - decay) * gradient**2
        mean = decay * mean + (1 - decay) * gradient
        moved = momentum * moved - rate * gradient / np.sqrt(square - mean**2 + epsilon)
        weight = weight + moved
    return weight


def test_momentum_rmsprop_is_that_of_graves_on_both_backends() -> None:
    flat = [np.concatenate([w.ravel(), b]) for w, b in gradients(10)]
    ours, theirs = both("momentum_rmsprop", 10)
    assert apart(graves(START, flat, 0.05, 0.99, 0.9, 1e-8), theirs) <= STEP
    assert apart(ours, theirs) <= 10 * STEP  # the default epsilon is too small to matter much
    ours, theirs = both("momentum_rmsprop", 10, epsilon=1e-2, momentum=0.5, decay_rate=0.8)
    assert apart(graves(START, flat, 0.05, 0.8, 0.5, 1e-2), theirs) <= STEP
    assert apart(ours, theirs) > 0.01
    assert apart(*both("momentum_rmsprop", 10, epsilon=1e-20, weight_decay=0.1, clipvalue=0.2)) <= STEP


def test_nesterov_adam_agrees_on_the_first_parameter_of_the_first_step_only() -> None:
    ours, theirs = both("nesterov_adam", 1)
    n_weights = gradients(1)[0][0].size
    assert np.allclose(ours[:n_weights], theirs[:n_weights], rtol=0, atol=1e-6)
    assert apart(ours, theirs) > 0.01


@pytest.mark.parametrize(
    ("name", "values"), [("sgd", {}), ("nesterov_sgd", {}), ("momentum_rmsprop", {"epsilon": 1e-20})]
)
def test_momentum_keeps_the_old_rate_on_mxnet(name: str, values: dict[str, float]) -> None:
    one, two = pair(name, momentum=0.9, **values)
    for number, given in enumerate(gradients(4)):
        if number == 2:
            one.set_learning_rate(0.005)
            two.set_learning_rate(0.005)
            for state in one.optimizer.state.values():
                state["momentum_buffer"] *= 0.05 / 0.005  # PyTorch made to do the same
        step_torch(one, given)
        step_gluon(two, given)
    assert apart(weights_of(one), weights_of(two)) <= STEP


def nesterov_of_mxnet(weight: np.ndarray, steps: list[np.ndarray], rate: float, momentum: float, decay: float):
    kept = np.zeros_like(weight)
    for gradient in steps:
        kept = momentum * kept
        weight = weight - kept + (momentum + 1) * (kept - rate * (gradient + decay * weight))
        kept = kept - rate * (gradient + decay * weight)
    return weight


def test_nesterov_momentum_takes_the_decay_of_the_new_weight_on_mxnet() -> None:
    ours, theirs = both("nesterov_sgd", 5, weight_decay=0.1)
    flat = [np.concatenate([w.ravel(), b]) for w, b in gradients(5)]
    expected = nesterov_of_mxnet(START, flat, 0.05, 0.9, 0.1)
    assert apart(expected, theirs) <= STEP
    assert STEP < apart(ours, theirs) < 0.01


# Losses


def losses(name: str, scores: np.ndarray, labels: np.ndarray, **values: Any) -> list[float]:
    found = []
    for backend, bare in (("pytorch", bare_torch), ("mxnet", bare_gluon)):
        made = bare(choice(OPTIMIZERS, backend, "sgd", learning_rate=0.1))
        made.task = SingleLabel(CLASSES)
        made.configure(spec(backend, training__loss=choice(LOSSES, backend, name, **values)))
        found.append(made.loss(scores, labels))
    return found


@pytest.mark.parametrize("scale", [0.1, 1, 50])
@pytest.mark.parametrize("name", shared(LOSSES))
def test_a_loss_is_the_same_number(name: str, scale: float) -> None:
    rng = np.random.default_rng(0)
    scores, labels = (scale * rng.normal(size=(40, 3))).astype(np.float32), rng.integers(0, 3, 40)
    ours, theirs = losses(name, scores, labels)
    assert ours == pytest.approx(theirs, rel=1e-5)


# Learning rates


NEEDED = {"step_size": 2, "milestones": [2, 4], "gamma": 0.5}


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_a_schedule_gives_the_same_rates(name: str) -> None:
    needed = {k: v for k, v in NEEDED.items() if k in {p.name for p in SCHEDULES[name].parameters}}
    moments = [Moment(0.1, epoch, 6, [1.0] * epoch, [0.5] * epoch) for epoch in range(6)]
    ours, theirs = (
        [schedules.learning_rate(choice(SCHEDULES, backend, name, **needed), m) for m in moments]
        for backend in BACKENDS
    )
    assert ours == theirs
    assert SCHEDULES[name].backends() == list(BACKENDS)
