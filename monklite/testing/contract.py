"""The contract of a backend as a test class. A backend's tests inherit it, and say which backend and how to read weights:

class TestMyBackend(LearnerContract):
    backend = MY_BACKEND

    def arrays(self, learner):
        return {name: array of the weight or statistic, ...}
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from ..backends.base import Backend, GivesEmbeddings, Learner, WritesOnnx
from ..catalog import LOSSES, OPTIMIZERS, resolve
from ..data import curves
from ..data.augment import Draws
from ..data.colours import LUMA, Colours, ColourStep
from ..data.mixing import Mixed
from ..errors import DamagedFile, MonkliteError, TrainingFailed, WeightsMismatch
from ..exporting.onnx_session import loaded
from ..spec import Resolved, Spec
from ..tasks import MultiLabel, SingleLabel

SIDE, CLASSES, LABELS = 32, ("dark", "light", "red"), ("light", "red", "striped")
MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)


def plain(size: int = SIDE, **more: Any) -> Draws:
    """Draws that leave the images as they are."""
    return Draws(size, MEAN, STD, **more)


def easy(n: int = 12, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (n, 32, 32, 3) whose class is their colour, and labels."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n, dtype=np.int64) % len(CLASSES)
    colours = np.array([(60, 60, 60), (200, 200, 200), (200, 60, 60)])[labels]
    noise = rng.normal(0, 20, (n, SIDE, SIDE, 3))
    return np.clip(colours[:, None, None] + noise, 0, 255).astype(np.uint8), labels


def easy_labels(n: int = 12, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (n, 32, 32, 3) that are light or not, red or not, striped or not, and these labels, bool (n, 3)."""
    rng = np.random.default_rng(seed)
    labels = np.array([[i & 1, i & 2, i & 4] for i in range(n)], dtype=bool)
    light, red, striped = labels.T[:, :, None, None, None]
    stripes = np.where(np.arange(SIDE) // 2 % 2, 40, -40)[None, None, :, None]
    pixels = 70 + 90 * light + 60 * red * np.array([1, -0.5, -0.5]) + striped * stripes
    return np.clip(pixels + rng.normal(0, 10, (n, SIDE, SIDE, 3)), 0, 255).astype(np.uint8), labels


class LearnerContract:
    """Tests that every learner must pass. Override `model` and those after it with networks that the backend has."""

    backend: Backend
    model = "resnet18"
    dropout_model = "alexnet"  # draws random numbers in every training step
    other_model = "resnet34"  # its weights have other names or shapes than those of `model`
    first_layers = 4  # to freeze: fewer than `model` has

    def arrays(self, learner: Any) -> dict[str, np.ndarray]:
        """Weights and batch statistics by name, as copies."""
        raise AssertionError("say how to read the weights of this backend's learner")

    def spec(self, **changes: Any) -> Resolved:
        """A resolved spec; keywords with `__` for the dots of the path."""
        values = {
            "model.name": self.model,
            "model.pretrained": False,
            "model.freeze_base": False,
            "data.input_size": SIDE,
        }
        values |= {"model.precision": "float32", "training.optimizer": self.sgd(), "model.use_gpu": False}
        values |= {name.replace("__", "."): value for name, value in changes.items()}
        return resolve(Spec(backend=self.backend.name).replace(values))

    def sgd(self, **values: float) -> Any:
        return OPTIMIZERS["sgd"].choose(self.backend.name, {"learning_rate": 0.02, "momentum": 0.9, **values})

    def learner(self, **changes: Any) -> Learner:
        return self.backend.learner(self.spec(**changes), SingleLabel(CLASSES))

    def labeller(self, **changes: Any) -> Learner:
        """A learner for images with several labels."""
        return self.backend.learner(self.spec(training__loss=self.sigmoid(), **changes), MultiLabel(LABELS))

    def sigmoid(self) -> Any:
        return LOSSES["sigmoid_binary_crossentropy"].choose(self.backend.name, {})

    @staticmethod
    def train(learner: Learner, steps: int, first: int = 0) -> list[float]:
        """The losses of a few steps, each on its own images."""
        losses = []
        draw = easy if learner.task.name == SingleLabel.name else easy_labels
        for i in range(first, first + steps):
            images, labels = draw(seed=i)
            losses.append(float(learner.step(images, labels, plain())[0]))
        return losses

    def test_versions_name_the_framework(self) -> None:
        assert all(isinstance(v, str) and v for v in self.backend.versions().values())

    def test_the_loss_falls_on_easy_data(self) -> None:
        learner = self.learner()
        losses = self.train(learner, 50)  # batch statistics need some steps to settle
        images, labels = easy(seed=99)
        assert np.mean(losses[-3:]) < 0.5 * losses[0]
        assert (learner.logits(images, plain()).argmax(axis=1) == labels).mean() > 0.9

    def test_several_labels_of_an_image_are_learned(self) -> None:
        learner = self.labeller()
        losses = self.train(learner, 60)
        images, labels = easy_labels(16, seed=99)
        logits = learner.logits(images, plain())
        assert logits.shape == labels.shape
        assert np.mean(losses[-3:]) < 0.5 * losses[0]
        assert learner.task.figures(logits, labels)["f1"] > 0.9

    def test_several_labels_resume_from_a_saved_state(self, tmp_path: Path) -> None:
        unbroken, resumed = self.labeller(), self.labeller(seed=5)
        self.train(unbroken, 2)
        unbroken.capture(3).write(tmp_path / "state")
        assert resumed.load(tmp_path / "state") == 3
        assert self.train(unbroken, 2, 2) == self.train(resumed, 2, 2)

    def test_a_step_counts_the_images_whose_labels_are_all_right(self) -> None:
        """An image cannot be right with its labels and with the opposite of them."""
        learner = self.labeller(training__optimizer=self.sgd(learning_rate=1e-9))
        images, labels = easy_labels(12)
        counted = float(learner.step(images, labels, plain())[1])
        assert counted in range(len(labels) + 1)
        wrong = ~labels
        assert counted + float(learner.step(images, wrong, plain())[1]) <= len(labels)

    def test_the_loss_of_several_labels_is_binary_cross_entropy(self) -> None:
        logits = np.array([[2.0, -1.0, 0.5], [0.0, 1.0, -3.0]], np.float32)
        labels = np.array([[True, False, True], [False, False, False]])
        assert math.isclose(self.labeller().loss(logits, labels), self.binary(logits, labels), rel_tol=1e-5)

    def test_one_class_per_image_can_be_trained_with_one_decision_per_class(self) -> None:
        logits, labels = np.array([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]], np.float32), np.array([0, 2])
        learner = self.learner(training__loss=self.sigmoid())
        assert math.isclose(
            learner.loss(logits, labels), self.binary(logits, labels[:, None] == np.arange(3)), rel_tol=1e-5
        )
        images, classes = easy()
        assert float(learner.step(images, classes, plain())[1]) in range(len(classes) + 1)

    @staticmethod
    def binary(logits: np.ndarray, labels: np.ndarray) -> float:
        """Mean binary cross-entropy of sigmoid scores, written out."""
        scores = 1 / (1 + np.exp(-logits.astype(np.float64)))
        return float(np.mean(-np.log(np.where(labels, scores, 1 - scores))))

    def test_a_step_returns_the_loss_and_the_number_of_correct_predictions(self) -> None:
        images, labels = easy()
        loss, correct = self.learner().step(images, labels, plain())
        assert math.isfinite(float(loss))
        assert float(correct) in range(len(labels) + 1)

    def test_logits_are_float32_with_one_row_per_image(self) -> None:
        scores = self.learner().logits(easy(5)[0], plain())
        assert scores.shape == (5, len(CLASSES))
        assert scores.dtype == np.float32
        assert np.isfinite(scores).all()

    def test_scores_of_an_image_do_not_depend_on_its_neighbours(self) -> None:
        learner = self.learner()
        self.train(learner, 3)
        images, _ = easy(6)
        together = learner.logits(images, plain())
        assert np.allclose(learner.logits(images[:2], plain()), together[:2], atol=1e-4)

    def test_embeddings_are_what_the_head_is_given(self) -> None:
        """Training the head alone changes the logits and leaves them, and images of one class are nearer to each other."""
        if not isinstance(self.backend, GivesEmbeddings):
            return
        learner, (images, labels) = self.learner(model__freeze_base=True), easy(6)
        before, logits = self.backend.embeddings(learner, images, plain()), learner.logits(images, plain())
        assert before.shape[0] == 6 and before.ndim == 2 and before.dtype == np.float32
        self.train(learner, 2)
        assert np.allclose(self.backend.embeddings(learner, images, plain()), before, rtol=1e-4, atol=1e-5)
        assert not np.allclose(learner.logits(images, plain()), logits, atol=1e-4)
        assert np.allclose(self.backend.embeddings(learner, images[:2], plain()), before[:2], rtol=1e-3, atol=1e-4)
        apart = np.linalg.norm(before[:, None] - before[None], axis=2)
        assert apart[labels[:, None] != labels].min() > apart[labels[:, None] == labels].max()

    def test_a_network_as_onnx_answers_as_it_does(self) -> None:
        """Any number of images, after some training; nothing is changed by writing it."""
        if not isinstance(self.backend, WritesOnnx):
            return
        learner, images = self.learner(), easy(5)[0]
        self.train(learner, 2)
        session = loaded(self.backend.onnx(learner, SIDE, isinstance(self.backend, GivesEmbeddings)))
        name, before = session.get_inputs()[0].name, self.arrays(learner)
        pixels = ((images / np.float32(255) - MEAN[0]) / STD[0]).astype(np.float32).transpose(0, 3, 1, 2)
        logits, *embeddings = session.run(None, {name: pixels})
        assert np.allclose(logits, learner.logits(images, plain()), rtol=1e-3, atol=1e-4)
        assert np.allclose(session.run(None, {name: pixels[:1]})[0], logits[:1], rtol=1e-3, atol=1e-4)
        if isinstance(self.backend, GivesEmbeddings):
            expected = self.backend.embeddings(learner, images, plain())
            assert np.allclose(embeddings[0], expected, rtol=1e-3, atol=1e-4)
        assert all(np.array_equal(before[n], a) for n, a in self.arrays(learner).items())

    def test_scores_change_nothing(self) -> None:
        learner = self.learner()
        before = self.arrays(learner)
        learner.logits(easy()[0], plain())
        assert all(np.array_equal(before[n], a) for n, a in self.arrays(learner).items())

    def test_heat_maps_are_of_the_image_and_the_class(self) -> None:
        """Where all layers but the head are frozen too; each from 0 to 1, and whatever images are beside it."""
        learner = self.learner(model__freeze_base=True)
        images, classes = easy(6)
        found = learner.heat_maps(images, plain(), classes)
        maps = found.values
        assert found.method
        assert maps.dtype == np.float32
        assert maps.ndim == 3 and len(maps) == 6 and maps[0].size > 1
        assert all(largest in (0, 1) for largest in maps.max(axis=(1, 2)).tolist()) and maps.min() >= 0 and maps.any()
        assert np.allclose(learner.heat_maps(images[:2], plain(), classes[:2]).values, maps[:2], atol=1e-4)
        assert not np.allclose(learner.heat_maps(images, plain(), (classes + 1) % 3).values, maps, atol=1e-4)

    def test_heat_maps_change_nothing(self) -> None:
        """Neither weights nor statistics, nor what is learned afterwards."""
        learner, other = self.learner(), self.learner()
        images, classes = easy(3)
        before = self.arrays(learner)
        learner.heat_maps(images, plain(), classes)
        assert all(np.array_equal(before[n], a) for n, a in self.arrays(learner).items())
        assert self.train(learner, 1) == self.train(other, 1)

    def test_a_saved_learner_goes_on_as_if_never_stopped(self, tmp_path: Path) -> None:
        """Weights, momentum and random state: one of them forgotten changes the losses that follow."""
        spec = {
            "model__name": self.dropout_model,
            "data__input_size": 64,
            "training__optimizer": self.sgd(learning_rate=0.01),
        }
        unbroken = self.learner(**spec)
        self._steps(unbroken, 3)
        unbroken.capture(7).write(tmp_path / "state")
        resumed = self.learner(**spec, seed=5)
        assert resumed.load(tmp_path / "state") == 7
        assert self._steps(unbroken, 3) == self._steps(resumed, 3)
        ours, theirs = self.arrays(unbroken), self.arrays(resumed)
        assert all(np.array_equal(ours[n], theirs[n]) for n in ours)

    @staticmethod
    def _steps(learner: Learner, count: int) -> list[float]:
        images, labels = easy()
        enlarged = images.repeat(2, axis=1).repeat(2, axis=2)
        return [float(learner.step(enlarged, labels, plain(64))[0]) for _ in range(count)]

    def test_averaged_weights_are_what_answers_and_is_kept(self, tmp_path: Path) -> None:
        """Weights and statistics, against the average written out; the training itself is that without averages."""
        learner, ordinary = self.learner(training__ema_decay=0.5), self.learner()
        images, _ = easy(4)
        expected: dict[str, np.ndarray] = {}
        for i in range(9):
            assert self.train(learner, 1, i) == self.train(ordinary, 1, i)
            own = min(0.5, (1 + i) / (10 + i)) if i else 0.0
            expected = {n: self.blended(expected.get(n, a), a, own) for n, a in self.arrays(ordinary).items()}
            learner.logits(images, plain())  # the averages stand in the network meanwhile, and the step takes them out
        learner.capture_weights().write(tmp_path / "weights")
        judge = self.learner(seed=5, training__ema_decay=0.5)
        self.train(judge, 2)  # what is read replaces averages too
        judge.load_weights(tmp_path / "weights")
        for name, array in self.arrays(judge).items():
            assert np.allclose(array, expected[name], rtol=1e-4, atol=1e-6), name
        assert np.array_equal(learner.logits(images, plain()), judge.logits(images, plain()))
        assert not np.allclose(learner.logits(images, plain()), ordinary.logits(images, plain()), atol=1e-4)
        assert self.train(learner, 2, 9) == self.train(ordinary, 2, 9)

    @staticmethod
    def blended(average: np.ndarray, array: np.ndarray, own: float) -> np.ndarray:
        """Counters and the like have no average."""
        return own * average + (1 - own) * array if array.dtype.kind == "f" else array

    def test_averages_are_saved_too(self, tmp_path: Path) -> None:
        unbroken, resumed = self.learner(training__ema_decay=0.9), self.learner(training__ema_decay=0.9, seed=5)
        self.train(unbroken, 3)
        self.train(resumed, 2)
        unbroken.capture(3).write(tmp_path / "state")
        resumed.load(tmp_path / "state")
        images, _ = easy(4)
        for first in (3, 4):
            assert np.array_equal(unbroken.logits(images, plain()), resumed.logits(images, plain()))
            unbroken.capture(first).write(tmp_path / "again")  # the trained weights, though it has just been judged
            resumed.load(tmp_path / "again")
            assert self.train(unbroken, 1, first) == self.train(resumed, 1, first)

    def test_batch_statistics_are_saved_too(self, tmp_path: Path) -> None:
        learner, other = self.learner(), self.learner(seed=5)
        self.train(learner, 3)
        learner.capture(1).write(tmp_path / "state")
        other.load(tmp_path / "state")
        images, _ = easy(4)
        assert np.array_equal(learner.logits(images, plain()), other.logits(images, plain()))

    def test_weights_give_the_same_answers_when_read_back(self, tmp_path: Path) -> None:
        learner, other = self.learner(), self.learner(seed=5)
        self.train(learner, 3)
        learner.capture_weights().write(tmp_path / "weights")
        other.load_weights(tmp_path / "weights")
        images, _ = easy(4)
        assert np.array_equal(learner.logits(images, plain()), other.logits(images, plain()))

    def test_a_snapshot_is_of_its_moment(self, tmp_path: Path) -> None:
        """Training goes on while it is written; the second file of it is the same again."""
        learner, other = self.learner(), self.learner(seed=5)
        self.train(learner, 1)
        before, snapshot = self.arrays(learner), learner.capture_weights()
        self.train(learner, 2)
        for name, number in (("best", None), ("many", 3), ("final", None)):
            snapshot.write(tmp_path / name, number)
        for name in ("best", "final"):
            other.load_weights(tmp_path / name)
            assert all(np.array_equal(before[n], a) for n, a in self.arrays(other).items())

    def test_weights_that_are_not_finite_are_not_saved(self) -> None:
        learner = self.learner(training__optimizer=self.sgd(learning_rate=1e30))
        self.train(learner, 3)
        self.refuses(TrainingFailed, lambda: learner.capture(0))
        self.refuses(TrainingFailed, learner.capture_weights)

    def test_weights_of_another_network_are_refused(self, tmp_path: Path) -> None:
        self.learner().capture_weights().write(tmp_path / "weights")
        other = self.learner(model__name=self.other_model)
        self.refuses(WeightsMismatch, lambda: other.load_weights(tmp_path / "weights"))

    def test_damaged_weights_are_refused(self, tmp_path: Path) -> None:
        learner = self.learner()
        learner.capture_weights().write(tmp_path / "weights")
        for file in tmp_path.glob("weights*"):
            content = file.read_bytes()
            file.write_bytes(content[: len(content) // 2])
        self.refuses(DamagedFile, lambda: learner.load_weights(tmp_path / "weights"))

    @staticmethod
    def refuses(kind: type[MonkliteError], action: Any) -> None:
        try:
            action()
        except kind as error:
            assert "weights" in str(error)
        else:
            raise AssertionError(f"{kind.__name__} was not raised")

    def test_a_frozen_base_does_not_move(self) -> None:
        learner = self.learner(model__freeze_base=True)
        before = self.arrays(learner)
        self.train(learner, 3)
        moved = [n for n, a in self.arrays(learner).items() if not np.array_equal(before[n], a)]
        assert 1 <= len(moved) <= 2, moved  # weight and bias of the head
        assert learner.describe().trainable_layers == 1

    def test_frozen_layers_are_the_first_ones(self) -> None:
        learner = self.learner(model__freeze_layers=self.first_layers)
        described = learner.describe()
        assert described.layers - described.trainable_layers == self.first_layers
        assert len(self.backend.layers(learner)) == described.layers

    def test_the_same_seed_gives_the_same_run(self) -> None:
        one, two, other = self.learner(), self.learner(), self.learner(seed=1)
        first, second, third = self.arrays(one), self.arrays(two), self.arrays(other)
        assert all(np.array_equal(first[n], second[n]) for n in first)
        assert any(not np.array_equal(first[n], third[n]) for n in first)
        assert self.train(one, 3) == self.train(two, 3)

    def test_the_learning_rate_is_obeyed(self) -> None:
        learner = self.learner()
        learner.set_learning_rate(0.0)
        trained = [n for n in self.arrays(learner) if "running" not in n and "num_batches" not in n]
        before = self.arrays(learner)
        self.train(learner, 2)
        assert all(np.array_equal(before[n], self.arrays(learner)[n]) for n in trained)

    def test_another_optimizer_keeps_the_weights(self) -> None:
        learner = self.learner()
        self.train(learner, 2)
        before = self.arrays(learner)
        adam = OPTIMIZERS["adam"].choose(self.backend.name, {"learning_rate": 0.001})
        learner.configure(self.spec(training__optimizer=adam))
        assert all(np.array_equal(before[n], a) for n, a in self.arrays(learner).items())

    def test_the_loss_is_cross_entropy(self) -> None:
        scores = np.array([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]], np.float32)
        labels = np.array([0, 2])
        expected = np.mean([np.log(np.exp(row).sum()) - row[k] for row, k in zip(scores, labels, strict=True)])
        assert math.isclose(self.learner().loss(scores, labels), expected, rel_tol=1e-5)

    def test_images_without_draws_stay_as_they_are(self) -> None:
        images, _ = easy(3)
        assert np.array_equal(self.learner().augmented(images, plain()), images.astype(np.float32))

    def test_flips_are_exact(self) -> None:
        images, _ = easy(3)
        flip = np.array([True, False, True])
        flipped = self.learner().augmented(images, plain(flip_x=flip, flip_y=~flip))
        assert np.array_equal(flipped[0], images[0, :, ::-1])
        assert np.array_equal(flipped[1], images[1, ::-1])

    def test_a_matrix_resamples_between_pixels(self) -> None:
        """The middle quarter of each image, enlarged twice, against bilinear interpolation written out."""
        images, _ = easy(2)
        matrix = np.array([[[0.5, 0, 0], [0, 0.5, 0]]] * 2, np.float32)
        found = self.learner().augmented(images, plain(matrix=matrix))
        at = (np.arange(SIDE) + 0.5) / 2 + SIDE / 4 - 0.5
        low, share = np.floor(at).astype(int), at - np.floor(at)
        rows = images[:, low] * (1 - share)[None, :, None, None] + images[:, low + 1] * share[None, :, None, None]
        expected = rows[:, :, low] * (1 - share)[None, None, :, None] + rows[:, :, low + 1] * share[None, None, :, None]
        assert np.abs(found - expected).max() <= 1

    def test_colours_are_changed_as_told(self) -> None:
        """Each kind of step, one after the other, for images that it is and is not meant for."""
        images, _ = easy(4)
        strength = np.array([0.0, 0.0, 1.0, 1.0])
        colours = Colours(4, SIDE).brightness(1 - 0.5 * strength).contrast(1 - 0.3 * strength)
        found = self.learner().augmented(images, plain(colours=colours.steps))
        grey = (images @ LUMA).mean(axis=(1, 2))[:, None, None, None]
        darker = 0.7 * 0.5 * images + 0.3 * 0.5 * grey
        assert np.abs(found[:2] - images[:2]).max() <= 1e-3
        assert np.abs(found[2:] - darker[2:]).max() <= 1e-2
        box = np.array([(0.0, 0.0, 0.5, 0.5)]) * strength[:, None]
        steps = (
            Colours(4, SIDE).then_curve(curves.gamma(1 + strength)).then("autocontrast", strength).then("erase", box)
        )
        found = self.learner().augmented(images, plain(colours=steps.steps))
        square = images[2:].astype(float) ** 2
        low, high = square.min(axis=(1, 2), keepdims=True), square.max(axis=(1, 2), keepdims=True)
        expected = 255 * (square - low) / (high - low)
        expected[:, : SIDE // 2, : SIDE // 2] = 255 * np.array(MEAN)
        assert np.abs(found[:2] - images[:2]).max() <= 1e-3
        assert np.abs(found[2:] - expected).max() <= 1e-2

    def test_hues_turn_and_blurs_blur(self) -> None:
        images, _ = easy(3)
        turned = self.learner().augmented(images, plain(colours=Colours(3, SIDE).then("hue", np.full(3, 1 / 3)).steps))
        # a third of the circle: red becomes green, green blue, and blue red
        assert np.abs(turned - images[..., [2, 0, 1]]).max() <= 1e-2
        sigma = np.array([0.0, 0.05, 0.05])
        blurred = self.learner().augmented(images, plain(colours=Colours(3, SIDE).then("blur", sigma).steps))
        assert np.abs(blurred[0] - images[0]).max() <= 1e-3
        assert blurred[1].std(axis=(0, 1)).max() < 0.5 * images[1].std(axis=(0, 1)).min()
        assert np.abs(blurred[1].mean(axis=(0, 1)) - images[1].mean(axis=(0, 1))).max() < 3

    def test_equalized_and_sharpened_as_pillow_does(self) -> None:
        images, _ = easy(3)
        chosen, pictures = np.array([0.0, 1.0, 1.0]), [Image.fromarray(image) for image in images]
        for step, expected in (
            (ColourStep("equalize", chosen), [ImageOps.equalize(p) for p in pictures]),
            (ColourStep("sharpness", 1 + chosen / 2), [ImageEnhance.Sharpness(p).enhance(1.5) for p in pictures]),
        ):
            found = self.learner().augmented(images, plain(colours=(step,)))
            assert np.array_equal(found[0], images[0])
            assert np.abs(found[1:] - np.stack([np.asarray(p) for p in expected[1:]])).max() <= 1, step.kind

    def test_a_matrix_may_be_projective(self) -> None:
        """The rows are narrower the farther down, and what lies outside is black."""
        images = np.full((1, SIDE, SIDE, 3), 200, np.uint8)
        matrix = np.array([[[1, 0, 0], [0, 1, 0], [0, -0.5, 1]]], np.float32)
        found = self.learner().augmented(images, plain(matrix=matrix))[0, :, :, 0]
        centres = (2 * np.arange(SIDE) + 1) / SIDE - 1
        inside = np.abs(centres[None, :] / (1 - 0.5 * centres[:, None])) <= 1
        inside &= np.abs(centres / (1 - 0.5 * centres))[:, None] <= 1
        assert np.array_equal(found > 100, inside)

    def test_mixed_images_have_the_loss_of_both_labels(self) -> None:
        """With almost no learning rate, so that the network is the same in each step."""
        learner = self.learner()
        learner.set_learning_rate(1e-12)
        images, labels = easy(4)
        # whose mixtures are whole numbers
        images = images // 4 * 4
        mixed = Mixed(np.array([1, 2, 3, 0]), 0.75)
        shown = np.rint(learner.augmented(images, plain(mixed=mixed))).astype(np.uint8)
        assert np.array_equal(shown, 0.75 * images + 0.25 * images[mixed.partners])
        losses = [float(learner.step(shown, y, plain())[0]) for y in (labels, labels[mixed.partners])]
        found = float(learner.step(images, labels, plain(mixed=mixed))[0])
        assert math.isclose(found, 0.75 * losses[0] + 0.25 * losses[1], rel_tol=1e-4)
        assert not math.isclose(losses[0], losses[1], rel_tol=0.02)
