"""MXNet's learner: network, loss and optimizer on one device."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...catalog.backends import load as load_path
from ...catalog.losses import LOSSES
from ...catalog.optimizers import OPTIMIZERS
from ...data.augment import Draws
from ...errors import OutOfMemory, TrainingFailed
from ...processors import cpu_count
from ...records import ModelRecord
from ...spec import Resolved
from ...tasks import Task
from .. import array_files, user_changes
from ..averaging import Averages
from ..base import FastForm, Frozen
from ..capabilities import check_capabilities
from ..heat_maps import HeatMaps
from ..layer_groups import Group, layer_groups
from ..mixed_loss import mixed_loss
from . import augment, device, halves, heat_maps, losses, network, saved_state, weights
from .arrays import NetworkArrays
from .framework import autograd, gluon, mx, nd
from .framework_errors import translated
from .frozen import FrozenPart


class Pending:
    """A number that the device may still be computing; `float()` waits for it."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __float__(self) -> float:
        with translated(self.array.context):
            return float(self.array.asscalar())


class GluonLearner:
    """See `backends.base.Learner`."""

    def __init__(self, spec: Resolved, task: Task, pretrained: bool) -> None:
        check_capabilities(spec)
        self.context = device.choose(spec.model.use_gpu)
        self.task, self.seed, self._steps = task, spec.seed, 0
        mx.random.seed(spec.seed)
        self.network, self.source = network.build(spec, len(task.classes), self.context, pretrained)
        self.heads = network.head_names(self.network, network.network_row(spec.model, "mxnet"))
        self._waiting, self._has_groups = network.Waiting.of(self.network, spec, self.heads), False
        # refuses groups of layers that the network lacks, before the head has had its epochs
        self._group_rates(spec)
        self._waiting.set_trained(False)
        self._show_blank(spec.data.input_size)
        # A first layer that normalizes the images (resnet*_v2) has nothing to train, so the backward pass, in which MXNet
        # updates batch statistics, would not reach it, and its statistics would stay at 0 and 1
        self._shapes = self._array_shapes()
        # the network cut above its frozen part, made before training
        self._cut: halves.Cut | None = None
        self._starts_with_batch_norm = isinstance(network.parameter_layers(self.network)[0][1], gluon.nn.BatchNorm)
        self.configure(spec)

    def configure(self, spec: Resolved) -> None:
        optimizer, loss = spec.training.optimizer, spec.training.loss
        self.averages = Averages(NetworkArrays(self.network), spec.training.ema_decay)
        row = OPTIMIZERS[optimizer.name]
        self.optimizer = load_path(row.path("mxnet"))(**row.keywords("mxnet", optimizer))
        self._trained = [p for p in self.network.collect_params().values() if p.grad_req != "null"]
        self._trainer = gluon.Trainer(self._trained, self.optimizer, kvstore=None)
        self._trainer._init_kvstore()
        self._group_rates(spec)
        self._rate, self._rate_factor = float(optimizer.params["learning_rate"]), 1.0
        self._clips = {name: optimizer.params.get(name, 0.0) for name in ("clipnorm", "clipvalue")}
        self.criterion = losses.criterion(loss, self.task, self.context)
        self._form = LOSSES[loss.name].form

    def _group_rates(self, spec: Resolved) -> None:
        """Give the parameters the rates of `layer_rates`; those that the user has set are kept where there are none."""
        layers = [(n, b) for n, b in network.parameter_layers(self.network) if network.trainable(b)]
        groups = layer_groups(spec, layers, self.heads)
        if not groups and self._has_groups:
            groups = [Group(1.0, [block for _, block in layers])]
        self._has_groups = bool(groups)
        for factor, blocks in groups:
            for parameter in (p for block in blocks for p in block._reg_params.values()):
                parameter.lr_mult = factor

    def train_base(self, spec: Resolved, trained: bool = True) -> list[str]:
        self.wait()
        notes = list(user_changes.rates_of_the_head([self._rate_factor]))
        # the next step starts from the trained weights, and not from their averages
        self.averages.swap_out()
        if self._waiting.are_trained != trained:
            self._waiting.set_trained(trained)
            network.hybridize(self.network)
            self._show_blank(spec.data.input_size)
        self._cut = None
        self.configure(spec)
        return notes

    def _show_blank(self, size: int) -> None:
        """A graph can be exported only after a hybridized network has seen images."""
        with autograd.predict_mode():
            self.network(nd.zeros((1, 3, size, size), ctx=self.context)).wait_to_read()

    def refresh(self, spec: Resolved) -> list[str]:
        trained = [p for p in self.network.collect_params().values() if p.grad_req != "null"]
        if {id(p) for p in trained} != {id(p) for p in self._trained}:
            self.configure(spec)
        self._cut = None
        if self._trainer.learning_rate != self._rate * self._rate_factor:
            self._rate_factor = self._trainer.learning_rate / self._rate
        notes = user_changes.replaced_layers(self._shapes, self._array_shapes())
        return [*notes, *user_changes.own_rates([self._rate_factor])]

    def has_replaced_layers(self) -> bool:
        return self._shapes != self._array_shapes()

    def _array_shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: tuple(p.shape) for name, p in self.network._collect_params_with_prefix().items()}

    def step(self, images: np.ndarray, labels: np.ndarray, draws: Draws) -> tuple[Pending, Pending]:
        with translated(self.context, f"{len(labels)} images of {draws.size} px in one step"):
            x, shown = self.inputs(images, draws), draws.label_shares(labels)
            if self._cut is None:
                return self.update([x], self.network, shown, watched=self._starts_with_batch_norm)
            with autograd.predict_mode():
                values = self._cut.values(x)
            return self.update(values, self._cut.upper, shown, watched=True)

    def update(
        self, values: list[Any], network: Any, labels: Sequence[tuple[float, np.ndarray]], watched: bool
    ) -> tuple[Pending, Pending]:
        """Update the weights once; `network` is given the `values`. `watched`: the backward pass reaches them.

        `labels`: see `Draws.label_shares`; correct is who predicts the first.
        """
        self.averages.before_step()
        targets = [(share, self._targets(part)) for share, part in labels]
        # MXNet's random state cannot be read, so every step has its own seed: a resumed run draws the same numbers
        mx.random.seed((self.seed * 1_000_003 + self._steps) % 2**31, ctx=self.context)
        self._steps += 1
        for value in values if watched else ():
            value.attach_grad()
        with autograd.record():
            logits = network(*values)
            loss = mixed_loss(lambda target: self._compare(logits, target), targets)
        loss.backward()
        self._clip()
        self._trainer.step(1)
        if self.averages.limit:
            self.wait()
            self.averages.after_step()
        return Pending(loss), Pending(self.task.correct(logits, targets[0][1]).sum())

    def _compare(self, logits: Any, y: Any) -> Any:
        return self.criterion(logits, y).mean()

    def _targets(self, labels: np.ndarray) -> Any:
        return nd.array(self.task.targets(labels, self._form), ctx=self.context)

    def _clip(self) -> None:
        if not any(self._clips.values()):
            return
        gradients = [p.grad() for p in self._trained]
        if self._clips["clipvalue"]:
            for gradient in gradients:
                nd.clip(gradient, -self._clips["clipvalue"], self._clips["clipvalue"], out=gradient)
        if self._clips["clipnorm"]:
            gluon.utils.clip_global_norm(gradients, self._clips["clipnorm"], check_isfinite=False)

    def logits(self, images: np.ndarray, draws: Draws) -> np.ndarray:
        self.wait()
        workload = f"{len(images)} images of {draws.size} px at once"
        with translated(self.context, workload, memory_error=OutOfMemory), autograd.predict_mode():
            self.averages.swap_in()
            return self.network(self.inputs(images, draws)).asnumpy().astype(np.float32)

    def heat_maps(self, images: np.ndarray, draws: Draws, targets: np.ndarray) -> HeatMaps:
        return heat_maps.heat_maps(self, images, draws, targets)

    def wait(self) -> None:
        """Wait for the last update: MXNet lets batch statistics be read before the backward pass has written them, so weights
        saved right after a step would hold the statistics of the step before."""
        with translated(self.context):
            nd.waitall()

    def loss(self, logits: np.ndarray, labels: np.ndarray) -> float:
        with translated(self.context):
            return float(self._compare(nd.array(logits, ctx=self.context), self._targets(labels)).asscalar())

    def augmented(self, images: np.ndarray, draws: Draws) -> np.ndarray:
        return augment.apply(self._to_device(images), draws).asnumpy().transpose(0, 2, 3, 1)

    def inputs(self, images: np.ndarray, draws: Draws) -> Any:
        return augment.normalize(augment.apply(self._to_device(images), draws), draws)

    def _to_device(self, images: np.ndarray) -> Any:
        array = nd.from_numpy(np.ascontiguousarray(images), zero_copy=images.flags.writeable)
        return array if self.context.device_type == "cpu" else array.as_in_context(self.context)

    def frozen(self, size: int) -> Frozen | None:
        # anew each time: the user may have replaced a layer
        with translated(self.context):
            self._cut = halves.cut(self.network, size)
        return None if self._cut is None else FrozenPart(self, self._cut)

    def fast_form(self, size: int, n_images: int, cache: Path, previous: FastForm | None = None) -> FastForm | None:
        # MXNet's own fusion (optimize_for) brought nothing: benchmarks/README.md
        return None

    def set_learning_rate(self, rate: float) -> None:
        self._rate = rate
        self._trainer.set_learning_rate(rate * self._rate_factor)

    def capture_weights(self) -> weights.Snapshot:
        self.wait()
        self._check_weights({n: p.data().asnumpy() for n, p in self.network.collect_params().items()})
        self.averages.swap_in()
        return weights.Snapshot(self.network)

    def load_weights(self, path: Path) -> None:
        weights.load_into(self.network, weights.read_snapshot(path), path)
        self.averages.reset()

    def capture(self, progress: Any) -> array_files.Snapshot:
        self.wait()
        return saved_state.capture(self, progress)

    @staticmethod
    def _check_weights(arrays: dict[str, np.ndarray]) -> None:
        """Refuse weights that are not finite: an update can spoil them before any loss shows it."""
        # the sum of two infinities is NaN, of which NumPy warns
        with np.errstate(all="ignore"):
            finite = all(np.isfinite(a.sum()) for a in arrays.values())
        if not finite:
            raise TrainingFailed(
                "the weights are not finite: take a smaller learning rate. The weights saved before are kept"
            )

    def load(self, path: Path) -> Any:
        progress = saved_state.load(self, path)
        self._cut = None
        return progress

    def describe(self) -> ModelRecord:
        layers = network.parameter_layers(self.network)
        parameters = {n: p for n, p in self.network.collect_params().items() if not network.is_statistic(n)}
        live = [p for p in parameters.values() if p.grad_req != "null"]
        trained = {id(p) for p in (*live, *self._waiting.parameters)}
        cpu = self.context.device_type == "cpu"
        return ModelRecord(
            parameters=sum(int(np.prod(p.shape)) for p in parameters.values()),
            trainable_parameters=sum(int(np.prod(p.shape)) for p in parameters.values() if id(p) in trained),
            layers=len(layers),
            trainable_layers=sum(
                network.trainable(layer) or any(id(p) in trained for p in layer._reg_params.values())
                for _, layer in layers
            ),
            weights=self.source,
            device=f"cpu ({os.environ.get('OMP_NUM_THREADS') or cpu_count()} threads)" if cpu else str(self.context),
            precision="float32",
            methods=("hybridized", *self.averages.methods()),
        )

    def memory(self) -> float | None:
        # MXNet does not count it; the run's results have the driver's count
        return None
