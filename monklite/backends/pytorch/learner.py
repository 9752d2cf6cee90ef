"""PyTorch's learner: network, loss and optimizer on one device."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ...catalog.backends import load as load_path
from ...catalog.losses import LOSSES
from ...catalog.optimizers import OPTIMIZERS
from ...data.augment import Draws
from ...errors import OutOfMemory, TrainingFailed
from ...records import ModelRecord
from ...spec import Resolved
from ...tasks import Task
from .. import user_changes
from ..array_files import Snapshot
from ..averaging import Averages
from ..base import FastForm, Frozen
from ..heat_maps import HeatMaps
from ..mixed_loss import mixed_loss
from . import augment, device, distributed, fast_form, halves, heat_maps, losses, network, training_state, weights
from .arrays import NetworkArrays
from .framework_errors import translated
from .frozen import FrozenPart
from .parameter_groups import parameter_groups

# in the pass that shows the shapes at the cut; a prime, so that no other dimension is taken for the batch
LAYOUT_IMAGES = 7
# weight of auxiliary losses: Szegedy et al. 2015; torchvision's reference training; for networks of the user as GoogLeNet
AUXILIARY_LOSS_WEIGHT = {"googlenet": 0.3, "inception": 0.4, "own": 0.3}


class TorchLearner:
    """See `backends.base.Learner`."""

    def __init__(self, spec: Resolved, task: Task, pretrained: bool) -> None:
        self.device = device.choose(spec.model.use_gpu)
        self.dtype = device.precision(spec.model.precision, self.device)
        device.limit_threads()
        self.task = task
        self.deterministic = spec.model.deterministic
        self._random_state = torch.Generator().manual_seed(spec.seed).get_state()
        self._cuda_state: torch.Tensor | None = None
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
            self._cuda_state = torch.Generator(self.device).manual_seed(spec.seed).get_state()
        with self._use_own_random_state():
            self.network, self.source = network.build(spec, len(task.classes), pretrained)
        self.world = distributed.world()
        if self.world.size > 1 and self.device.type == "cuda":
            self.network = nn.SyncBatchNorm.convert_sync_batchnorm(self.network)
        self.network.to(self.device, memory_format=torch.channels_last)
        self._compiled = spec.model.compile
        # the network wrapped for training, created in the first step
        self._wrapped_network: nn.Module | None = None
        # the network cut above its frozen part, made before training
        self._cut: halves.Cut | None = None
        self._shapes = self._array_shapes()
        row = network.network_row(spec.model, "pytorch")
        self.family, self.heads = row.family, network.head_names(self.network, row)
        self._waiting = network.waiting_parameters(self.network, spec, self.heads)
        # refuses groups of layers that the network lacks, before the head has had its epochs
        parameter_groups(self.network, spec, self.heads)
        network.set_trained(self._waiting, False)
        self.configure(spec)

    def configure(self, spec: Resolved) -> None:
        optimizer, loss = spec.training.optimizer, spec.training.loss
        self.averages = Averages(NetworkArrays(self.network), spec.training.ema_decay)
        groups = parameter_groups(self.network, spec, self.heads)
        row = OPTIMIZERS[optimizer.name]
        optimizer_class = load_path(row.path("pytorch"))
        fused = {"fused": True} if device.supports_fused(optimizer_class, self.device) else {}
        self.optimizer = optimizer_class(groups, **_with_tuples(row.keywords("pytorch", optimizer)), **fused)
        self._factors = _factors(groups)
        self.set_learning_rate(float(optimizer.params["learning_rate"]))
        self._clips = {name: optimizer.params.get(name, 0.0) for name in ("clipnorm", "clipvalue")}
        self.criterion = losses.criterion(loss, self.task, self.device)
        self._form = LOSSES[loss.name].form
        self._scaler = torch.amp.GradScaler(self.device.type, enabled=self.dtype == torch.float16)

    def refresh(self, spec: Resolved) -> list[str]:
        self.network.to(self.device, memory_format=torch.channels_last)
        optimized = {id(p) for group in self.optimizer.param_groups for p in group["params"]}
        if not optimized.issuperset(id(p) for p in self.network.parameters() if p.requires_grad):
            self.configure(spec)
            self._wrapped_network = None
        self._cut = None
        for group in self.optimizer.param_groups:
            if group["lr"] != self._rate * group.get("rate_factor", 1.0):
                group["rate_factor"] = group["lr"] / self._rate
        replaced = user_changes.replaced_layers(self._shapes, self._array_shapes())
        return [*replaced, *user_changes.own_rates(_factors(self.optimizer.param_groups), self._factors)]

    def train_base(self, spec: Resolved, trained: bool = True) -> list[str]:
        notes = list(user_changes.rates_of_the_head(_factors(self.optimizer.param_groups), self._factors))
        # the next step starts from the trained weights, and not from their averages
        self.averages.swap_out()
        network.set_trained(self._waiting, trained)
        self._wrapped_network = self._cut = None
        self.configure(spec)
        return notes

    def frozen(self, size: int) -> Frozen | None:
        # processes that train together, and compilation, need the whole network
        whole = self.world.size > 1 or self._compiled
        # anew each time: the user may have replaced a layer
        self._cut = None if whole else halves.cut(self.network)
        if self._cut is None:
            return None
        n = LAYOUT_IMAGES
        blank = torch.zeros(n, 3, size, size, device=self.device).contiguous(memory_format=torch.channels_last)
        layout = halves.Layout.of(self.lower(self._cut, blank), n)
        if layout is None:
            return None
        # the layers of the lower half stay so, and the user may call the network afterwards
        self.network.eval()
        return FrozenPart(self, self._cut, layout)

    def lower(self, cut: halves.Cut, x: torch.Tensor) -> Sequence[torch.Tensor]:
        cut.lower.eval()
        # tensors of inference mode could not be used in training
        with torch.no_grad(), self.autocast():
            return cut.lower(x)

    def fast_form(self, size: int, n_images: int, cache: Path, previous: FastForm | None = None) -> FastForm | None:
        return fast_form.make(self, size, n_images, cache, previous)

    def has_replaced_layers(self) -> bool:
        return self._shapes != self._array_shapes()

    def _array_shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: tuple(tensor.shape) for name, tensor in self.network.state_dict().items()}

    def step(self, images: np.ndarray, labels: np.ndarray, draws: Draws) -> tuple[torch.Tensor, torch.Tensor]:
        with translated(self.device, len(labels), draws.size), device.algorithms(self.device, self.deterministic):
            network.set_train_mode(self.network)
            return self.update(lambda: self._output(images, draws), draws.label_shares(labels))

    def _output(self, images: np.ndarray, draws: Draws) -> Any:
        """The output of the network in training."""
        x = self.inputs(images, draws)
        if self._cut is None:
            return self._training_network()(x)
        return self._cut.upper_train(*self.lower(self._cut, x))

    def update(
        self, output_of: Callable[[], Any], labels: Sequence[tuple[float, np.ndarray]]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Update the weights once; `output_of` computes the output of the network, whose layers are in training mode.

        `labels`: see `Draws.label_shares`; correct is who predicts the first.
        """
        self.averages.before_step()
        targets = [(share, self._targets(part)) for share, part in labels]
        y, n_images = targets[0][1], len(labels[0][1])
        self.optimizer.zero_grad(set_to_none=True)
        with self._use_own_random_state(), self.autocast():
            output = output_of()
        logits = output[0] if isinstance(output, tuple) else output
        loss = mixed_loss(lambda target: self._loss(output, target), targets)
        n_correct = self.task.correct(logits.detach(), y).sum()
        mean_loss, share = loss.detach(), 1.0
        if self.world.size > 1:
            # gradients are averaged over the processes, so each loss is weighted by its process's share of the images
            sums = distributed.totals(loss, n_correct, n_images)
            mean_loss, n_correct, share = sums[0] / sums[2], sums[1], n_images * self.world.size / sums[2]
        self._scaler.scale(loss * share).backward()
        self._clip()
        self._scaler.step(self.optimizer)
        self._scaler.update()
        self.averages.after_step()
        return mean_loss, n_correct

    def _training_network(self) -> nn.Module:
        if self._wrapped_network is None:
            wrapped = self.network if self.world.size == 1 else distributed.parallel(self.network, self.device)
            self._wrapped_network = torch.compile(wrapped) if self._compiled else wrapped
        return self._wrapped_network

    def _loss(self, output: Any, y: torch.Tensor) -> torch.Tensor:
        """The loss in float32, with that of the auxiliary heads of GoogLeNet and Inception."""
        main, *auxiliary = output if isinstance(output, tuple) else (output,)
        loss = self._compare(main, y)
        for logits in auxiliary:
            if logits is not None:
                loss = loss + AUXILIARY_LOSS_WEIGHT[self.family] * self._compare(logits, y)
        return loss

    def _compare(self, logits: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return self.criterion(logits.float(), y)

    def _targets(self, labels: np.ndarray) -> torch.Tensor:
        return augment.to_device(self.task.targets(labels, self._form), self.device)

    def _clip(self) -> None:
        if not any(self._clips.values()):
            return
        self._scaler.unscale_(self.optimizer)
        trained = [p for p in self.network.parameters() if p.grad is not None]
        if self._clips["clipvalue"]:
            nn.utils.clip_grad_value_(trained, self._clips["clipvalue"])
        if self._clips["clipnorm"]:
            nn.utils.clip_grad_norm_(trained, self._clips["clipnorm"])

    def logits(self, images: np.ndarray, draws: Draws) -> np.ndarray:
        self.averages.swap_in()
        self.network.eval()
        errors = translated(self.device, len(images), draws.size, refusal=OutOfMemory)
        algorithms = device.algorithms(self.device, self.deterministic)
        with errors, algorithms, torch.inference_mode(), self.autocast():
            return self.network(self.inputs(images, draws)).float().cpu().numpy()

    def heat_maps(self, images: np.ndarray, draws: Draws, targets: np.ndarray) -> HeatMaps:
        return heat_maps.heat_maps(self, images, draws, targets)

    def loss(self, logits: np.ndarray, labels: np.ndarray) -> float:
        with torch.inference_mode():
            return float(self._compare(torch.from_numpy(logits).to(self.device), self._targets(labels)))

    def augmented(self, images: np.ndarray, draws: Draws) -> np.ndarray:
        return augment.apply(self._to_device(images), draws).permute(0, 2, 3, 1).cpu().numpy()

    def inputs(self, images: np.ndarray, draws: Draws) -> torch.Tensor:
        # places and colours need float32, in whatever the network computes
        with torch.autocast(self.device.type, enabled=False):
            return augment.normalize(augment.apply(self._to_device(images), draws), draws)

    def _to_device(self, images: np.ndarray) -> torch.Tensor:
        return augment.to_device(images, self.device)

    def set_learning_rate(self, rate: float) -> None:
        self._rate = rate
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group.get("rate_factor", 1.0)

    def capture_weights(self) -> Snapshot:
        self._check_weights()
        self.averages.swap_in()
        return weights.snapshot(self.network.state_dict(), {"classes": self.task.classes})

    def load_weights(self, path: Path) -> None:
        weights.load_into(self.network, weights.read_snapshot(path)[0], path)
        # its lower half holds copies of weights
        self._cut = None
        self.averages.reset()
        # the user may call the network; a step switches back to training
        self.network.eval()

    def capture(self, progress: Any) -> Snapshot:
        self._check_weights()
        return training_state.capture(self, progress)

    def load(self, path: Path) -> Any:
        progress = training_state.load(self, path)
        self._cut = None
        return progress

    def _check_weights(self) -> None:
        """Refuse weights that are not finite: an update can spoil them before any loss shows it."""
        with torch.inference_mode():
            # frozen ones stay as they were loaded
            sums = torch.stack([p.float().sum() for p in self.network.parameters() if p.requires_grad])
        if not bool(torch.isfinite(sums).all()):
            raise TrainingFailed(
                "the weights are not finite: take a smaller learning rate. The weights saved before are kept"
            )

    def describe(self) -> ModelRecord:
        layers = network.parameter_layers(self.network)
        parameters = list(self.network.parameters())
        trained = {id(p) for p in (*self._waiting, *(p for p in parameters if p.requires_grad))}
        return ModelRecord(
            parameters=sum(p.numel() for p in parameters),
            trainable_parameters=sum(p.numel() for p in parameters if id(p) in trained),
            layers=len(layers),
            trainable_layers=sum(any(id(p) in trained for p in layer.parameters(recurse=False)) for _, layer in layers),
            weights=self.source,
            device=device.title(self.device),
            precision=str(self.dtype).removeprefix("torch."),
            methods=tuple(self._methods()),
        )

    def _methods(self) -> Iterator[str]:
        yield "channels last"
        if any(group.get("fused") for group in self.optimizer.param_groups):
            yield "fused optimizer"
        if self.dtype == torch.float32 and device.has_tf32(self.device):
            yield "TF32 convolutions"
        if self._compiled:
            yield "compiled"
        if self.deterministic:
            yield "deterministic"
        yield from self.averages.methods()

    def memory(self) -> float | None:
        return torch.cuda.max_memory_allocated(self.device) / 2**20 if self.device.type == "cuda" else None

    def autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype != torch.float32)

    @contextmanager
    def _use_own_random_state(self) -> Iterator[None]:
        """Draw dropout and first weights from the learner's own random state; the global one is left unchanged."""
        before = torch.get_rng_state()
        torch.set_rng_state(self._random_state)
        before_cuda = torch.cuda.get_rng_state(self.device) if self._cuda_state is not None else None
        if self._cuda_state is not None:
            torch.cuda.set_rng_state(self._cuda_state, self.device)
        try:
            yield
        finally:
            self._random_state = torch.get_rng_state()
            torch.set_rng_state(before)
            if before_cuda is not None:
                self._cuda_state = torch.cuda.get_rng_state(self.device)
                torch.cuda.set_rng_state(before_cuda, self.device)


def _factors(groups: Sequence[Mapping[str, Any]]) -> list[float]:
    """The rate of each group of an optimizer as a multiple of the schedule's."""
    return [group.get("rate_factor", 1.0) for group in groups]


def _with_tuples(keywords: dict[str, Any]) -> dict[str, Any]:
    """Join `betas.0` and `betas.1` into torch's `betas=(..., ...)`."""
    joined = {k: v for k, v in keywords.items() if "." not in k}
    for name in sorted(k for k in keywords if "." in k):
        base = name.split(".")[0]
        joined[base] = (*joined.get(base, ()), keywords[name])
    return joined
