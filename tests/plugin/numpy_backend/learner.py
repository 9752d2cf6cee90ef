"""See `monklite.backends.base.Learner`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from monklite.backends import array_files
from monklite.backends.averaging import Averages
from monklite.backends.capabilities import check_capabilities
from monklite.backends.freezing import layers_to_freeze
from monklite.backends.heat_maps import HeatMaps, grad_cam
from monklite.catalog import LOSSES, OPTIMIZERS
from monklite.catalog.backends import load
from monklite.catalog.models import find_model
from monklite.data.augment import Draws
from monklite.errors import DamagedFile, InvalidValue, PretrainedUnavailable, TrainingFailed, WeightsMismatch
from monklite.records import ModelRecord
from monklite.spec import Resolved
from monklite.tasks import Task

from . import augment
from .network import Linear, NetworkArrays, Parameters


class NumpyLearner:
    def __init__(self, spec: Resolved, task: Task, pretrained: bool) -> None:
        check_capabilities(spec)
        model = find_model(spec.model.name, "numpy")
        if spec.model.weights_path:
            raise InvalidValue("the numpy backend reads no weights of others: leave out model_path")
        if spec.model.pretrained and pretrained:
            raise PretrainedUnavailable(f"{model.name} has no pretrained weights: use_pretrained=False")
        self.task = task
        self.network = Linear(model.name, len(task.classes), spec.seed)
        for names in layers_to_freeze(spec.model, self.network.layers(), model.heads["numpy"]):
            self.network.frozen.update(names)
        self._random = np.random.default_rng(spec.seed + 1)
        self.configure(spec)

    def configure(self, spec: Resolved) -> None:
        optimizer, loss = spec.training.optimizer, spec.training.loss
        optimizer_row, loss_row = OPTIMIZERS[optimizer.name], LOSSES[loss.name]
        self.optimizer = load(optimizer_row.path("numpy"))(**optimizer_row.keywords("numpy", optimizer))
        self.criterion = load(loss_row.path("numpy"))(**loss_row.keywords("numpy", loss))
        self._form = loss_row.form
        self._clips = {name: optimizer.params.get(name, 0.0) for name in ("clipvalue", "clipnorm")}
        self.averages = Averages(NetworkArrays(self.network), spec.training.ema_decay)

    def refresh(self, spec: Resolved) -> tuple[str, ...]:
        """The optimizer works on whatever parameters the network has."""
        return ()

    def step(self, images: np.ndarray, labels: np.ndarray, draws: Draws) -> tuple[float, float]:
        self.averages.before_step()
        features = self._features(images, draws)
        targets = [(share, self.task.targets(part, self._form)) for share, part in draws.label_shares(labels)]
        if self.network.dropout:
            kept = self._random.random(features.shape) >= self.network.dropout
            features = features * kept / (1 - self.network.dropout)
        with np.errstate(all="ignore"):  # a rate that is too large is reported when the weights are kept
            logits = self.network.forward(features)
            parts = [(share, *self.criterion(logits, target)) for share, target in targets]
            loss, slope = (sum(part[0] * part[i] for part in parts) for i in (1, 2))
            gradients = self._clipped(self.network.gradients(features, slope))
            self.optimizer.step(self.network.parameters, gradients)
        self.averages.after_step()
        return loss, float(self.task.correct(logits, targets[0][1]).sum())

    def _clipped(self, gradients: Parameters) -> Parameters:
        if limit := self._clips["clipvalue"]:
            gradients = {name: gradient.clip(-limit, limit) for name, gradient in gradients.items()}
        if limit := self._clips["clipnorm"]:
            norm = float(np.sqrt(sum(np.square(gradient).sum() for gradient in gradients.values())))
            gradients = {name: gradient * min(1, limit / max(norm, 1e-12)) for name, gradient in gradients.items()}
        return gradients

    def _features(self, images: np.ndarray, draws: Draws) -> np.ndarray:
        return self.network.pooled(augment.normalize(augment.apply(images, draws), draws))

    def logits(self, images: np.ndarray, draws: Draws) -> np.ndarray:
        self.averages.swap_in()
        features = self._features(images, draws)
        # one image at a time, so that the sums of one do not depend on how many there are
        return np.concatenate([self.network.forward(row[None]) for row in features]).astype(np.float32)

    def heat_maps(self, images: np.ndarray, draws: Draws, targets: np.ndarray) -> HeatMaps:
        self.averages.swap_in()
        p, grid = self.network.parameters, (len(images), self.network.cells, self.network.cells, 3)
        slopes = (p["base.scale"][:, None] * p["head.weight"])[:, targets].T
        features = self._features(images, draws)
        return grad_cam(features.reshape(grid).transpose(0, 3, 1, 2), slopes.reshape(grid).transpose(0, 3, 1, 2))

    def loss(self, logits: np.ndarray, labels: np.ndarray) -> float:
        return self.criterion(logits, self.task.targets(labels, self._form))[0]

    def augmented(self, images: np.ndarray, draws: Draws) -> np.ndarray:
        return augment.apply(images, draws)

    def frozen(self, size: int) -> None:
        """Nothing is frozen."""

    def fast_form(self, size: int, n_images: int, cache: Path, previous: Any = None) -> None:
        """There is none."""

    def set_learning_rate(self, rate: float) -> None:
        self.optimizer.learning_rate = rate

    def capture(self, progress: Any) -> array_files.Snapshot:
        arrays = dict(zip(self.network.parameters, self.averages.trained, strict=True))
        _check_finite(arrays)
        saved = {f"model.{name}": array.copy() for name, array in arrays.items()}
        saved |= {f"optimizer.{name}": array.copy() for name, array in self.optimizer.memory.items()}
        saved |= {f"average.{i}": array.copy() for i, array in enumerate(self.averages.averages)}
        metadata = {"steps": self.optimizer.count, "averaged": self.averages.count}
        metadata |= {"random": self._random.bit_generator.state, "notes": progress}
        return array_files.Snapshot(saved, metadata)

    def load(self, path: Path) -> Any:
        arrays, metadata = array_files.read(path)
        try:
            self._put({name: arrays[f"model.{name}"] for name in self.network.parameters}, path)
            averages = [arrays[f"average.{i}"] for i in range(len(self.network.parameters)) if metadata["averaged"]]
            self.averages.restore(averages, metadata["averaged"])
            start = len("optimizer.")
            self.optimizer.memory = {n[start:]: a.copy() for n, a in arrays.items() if n.startswith("optimizer.")}
            self.optimizer.count = metadata["steps"]
            self._random.bit_generator.state = metadata["random"]
            return metadata["notes"]
        except (LookupError, ValueError, TypeError) as error:
            raise DamagedFile(f"{path} is not the state of this training ({error})") from None

    def capture_weights(self) -> array_files.Snapshot:
        self.averages.swap_in()
        _check_finite(self.network.parameters)
        return array_files.Snapshot({name: array.copy() for name, array in self.network.parameters.items()}, {})

    def load_weights(self, path: Path) -> None:
        self._put(array_files.read(path)[0], path)
        self.averages.reset()

    def _put(self, arrays: Parameters, path: Path) -> None:
        own = self.network.parameters
        if {n: a.shape for n, a in arrays.items()} != {n: a.shape for n, a in own.items()}:
            raise WeightsMismatch(f"the weights in {path} are of another network")
        for name, array in own.items():
            array[...] = arrays[name]

    def describe(self) -> ModelRecord:
        sizes = {name: array.size for name, array in self.network.parameters.items()}
        layers = self.network.layers()
        return ModelRecord(
            parameters=sum(sizes.values()),
            trainable_parameters=sum(size for name, size in sizes.items() if name not in self.network.frozen),
            layers=len(layers),
            trainable_layers=sum(not self.network.frozen.issuperset(names) for _, names in layers),
            weights="random",
            device="cpu",
            precision="float32",
            methods=tuple(self.averages.methods()),
        )

    def memory(self) -> float | None:
        return None


def _check_finite(arrays: Parameters) -> None:
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise TrainingFailed("the weights are not finite: take a smaller learning rate")
