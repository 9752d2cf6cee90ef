"""The plain values that modules exchange: records of data, network, epochs, results and tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import Field

from .spec import Frozen
from .tasks import SINGLE

ACCURACY = "accuracy"  # a figure of every task


class DatasetRecord(Frozen):
    """The images of a run.

    `train_counts`, `val_counts`: images per class. `train_images`, `val_images`: all images, None in records from before an
    image could have several labels. `fingerprint`: SHA-256 over every file's name, class and size;
    `content`: over name, class and digest of its bytes, `""` in older records.

    Odd files, as `health.counts` counts them: `unreadable` ones are left out, the others are used. `passed_over`: files that
    are not images. `levels`: by which images of more than 8 bits are scaled, (kind of values, black, white) for each kind; None
    in records from before, when each file was scaled by its own range. `groups`: the number of groups of the images, such as
    patients; None: not grouped.
    """

    classes: tuple[str, ...]
    train_counts: tuple[int, ...]
    val_counts: tuple[int, ...]
    fingerprint: str
    label_type: str = SINGLE
    train_images: int | None = None
    val_images: int | None = None
    unreadable: int = 0
    passed_over: int = 0
    converted: int = 0
    enlarged: int = 0
    copies: int = 0
    leaked: int = 0
    conflicting: int = 0
    levels: tuple[tuple[str, float, float], ...] | None = None
    groups: int | None = None
    content: str = ""

    @property
    def n_train(self) -> int:
        return sum(self.train_counts) if self.train_images is None else self.train_images

    @property
    def n_val(self) -> int:
        return sum(self.val_counts) if self.val_images is None else self.val_images


class ModelRecord(Frozen):
    """The network as it was trained, or as it is before training.

    `weights`: the origin of its initial weights. `methods`: the methods chosen for the device that make it faster or
    repeatable, such as `channels last`, `fused optimizer`, `TF32 convolutions`, `compiled`.
    """

    parameters: int
    trainable_parameters: int
    layers: int
    trainable_layers: int
    weights: str
    device: str
    precision: str
    methods: tuple[str, ...] = ()

    @property
    def on_gpu(self) -> bool:
        return not self.device.startswith("cpu")


class Results(Frozen):
    """The results of training. Accuracies 0 to 1; memory in MiB, None if not measured.

    `figure`: the figure that decides which epoch is best. `best_val_figure`: its best value on validation, None in older
    records, where it is the accuracy. `batch_size`: at the end, smaller than the spec's if memory was short. `only_prediction`:
    what the best epoch predicts for every validation image, although their labels differ; `""`: it tells images apart.
    """

    epochs_completed: int
    train_accuracy: float
    train_loss: float
    val_accuracy: float
    val_loss: float
    best_val_accuracy: float
    best_epoch: int
    train_seconds: float
    images_per_second: float
    gpu_process_mib: float | None = None
    gpu_framework_mib: float | None = None
    process_mib: float | None = None
    batch_size: int | None = None
    figure: str = ACCURACY
    best_val_figure: float | None = None
    only_prediction: str = ""

    @property
    def best_figure(self) -> float:
        """The best value on validation of the deciding figure."""
        return self.best_val_accuracy if self.best_val_figure is None else self.best_val_figure


class ClassResult(Frozen):
    """One class of a test set.

    `num_images`: images of the class. `num_correct`: those predicted as the class. `num_false`: other images predicted as
    it; None in older records.
    """

    num_images: int
    num_correct: int
    num_false: int | None = None

    @property
    def accuracy(self) -> float:
        """The share of its images that are predicted as this class (recall), 0 to 1."""
        return self.num_correct / self.num_images


class Testing(Frozen):
    """One evaluation on a test set. `interval`: 95 % Wilson interval of the accuracy, 0 to 1.

    An image with several labels is correct if exactly its labels are predicted. `majority_accuracy`: the accuracy of always
    predicting the most frequent class, or combination of labels. `confusion`: rows are true classes, columns predicted ones;
    empty if images may have several labels. `figures`: the other figures of the task, by name. `only_prediction`: as in
    `Results`, for the test images. `fingerprint`, `content`: as in `DatasetRecord`. `predictions`: SHA-256 of the table of
    predictions, `""` in older records.
    """

    dataset_path: str
    fingerprint: str
    weights: str
    num_images: int
    num_correct: int
    accuracy: float
    interval: tuple[float, float]
    majority_accuracy: float
    classes: dict[str, ClassResult]
    confusion: tuple[tuple[int, ...], ...]
    unreadable: int = 0
    figures: dict[str, float] = Field(default_factory=dict)
    only_prediction: str = ""
    content: str = ""
    predictions: str = ""


@dataclass(frozen=True)
class EpochRow:
    """One row of the history. Accuracies 0 to 1; `epoch` counts from 1; times in seconds.

    `data_wait`: time that the loop spent waiting for images. `images_per_second`: training and validation together.
    `val_figures`: other figures of the task on validation, by name.
    """

    epoch: int
    learning_rate: float
    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    seconds: float
    data_wait: float
    images_per_second: float
    val_figures: Mapping[str, float] = field(default_factory=dict)

    def figure(self, name: str) -> float:
        """A figure of the task on validation."""
        return self.val_accuracy if name == ACCURACY else self.val_figures[name]
