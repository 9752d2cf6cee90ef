"""The plain values that modules exchange: records of data, network, epochs, results and tests."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field, model_validator

from .decisions import PointFigures
from .errors import InvalidValue
from .record_rules import (
    COUNT,
    LABEL,
    LOSS,
    MAX_LABEL,
    MAX_PATH,
    MEASURE,
    NAME,
    NUMBER_FROM_1,
    SHARE,
    SHARE_OR_NAN,
    TEXT,
)
from .rules import ListOf, Number, OneOf, OrNone, Text
from .settings_tree import Frozen
from .tasks import FIGURE_TITLES, SINGLE, TASKS

# in `ModelRecord.methods`
KEPT_FEATURES = "frozen part computed once for each image"
REUSED_FEATURES = "frozen part known from an earlier training"
MEASURED_PRECISION = "precision by measurement"
ACCURACY = "accuracy"  # a figure of every task
# how far an accuracy may be from the quotient of its counts
TOLERANCE = 1e-6

Count = Annotated[int, COUNT]
NumberFrom1 = Annotated[int, NUMBER_FROM_1]
Share = Annotated[float, SHARE]
ShareOrNaN = Annotated[float, SHARE_OR_NAN]
Loss = Annotated[float, LOSS]
Measure = Annotated[float, MEASURE]
MeasureOrNone = Annotated[float | None, OrNone(MEASURE)]
CountOrNone = Annotated[int | None, OrNone(COUNT)]
Name = Annotated[str, NAME]
ShortText = Annotated[str, TEXT]
# all labels of an image as one text
LongText = Annotated[str, Text(0, 8 * MAX_LABEL)]
Counts = Annotated[tuple[int, ...], ListOf(COUNT)]


def _require(fits: bool, problem: str) -> None:
    if not fits:
        raise InvalidValue(problem)


class DatasetRecord(Frozen):
    """The images of a run.

    `train_counts`, `val_counts`: images per class. `train_images`, `val_images`: all images, None in records from before an
    image could have several labels. `fingerprint`: SHA-256 over every file's name, class and size;
    `content`: over name, class and digest of its bytes, `""` in older records.

    Odd files, as `health.counts` counts them: `unreadable` ones are left out, the others are used. `passed_over`: files that
    are not images. `levels`: by which images of more than 8 bits are scaled, (kind of values, black, white) for each kind; None
    in records from before, when each file was scaled by its own range. `groups`: the number of groups of the images, such as
    patients; None: not grouped.

    Near copies, as `Leaks.counts` counts them: `near_leaked`, `near_copies`, `near_conflicting`; `near_differences`: the number
    that differ in each way. `giveaways`: from what the class can be told without looking at what the images show, in words.
    """

    classes: Annotated[tuple[str, ...], ListOf(LABEL)]
    train_counts: Counts
    val_counts: Counts
    fingerprint: ShortText
    label_type: Annotated[str, OneOf(tuple(TASKS))] = SINGLE
    train_images: CountOrNone = None
    val_images: CountOrNone = None
    unreadable: Count = 0
    passed_over: Count = 0
    converted: Count = 0
    enlarged: Count = 0
    copies: Count = 0
    leaked: Count = 0
    conflicting: Count = 0
    levels: tuple[tuple[Name, Annotated[float, Number()], Annotated[float, Number()]], ...] | None = None
    groups: CountOrNone = None
    content: ShortText = ""
    near_leaked: Count = 0
    near_copies: Count = 0
    near_conflicting: Count = 0
    near_differences: dict[Name, Count] = Field(default_factory=dict)
    giveaways: Annotated[tuple[str, ...], ListOf(Text(0, 8 * MAX_LABEL))] = ()

    @model_validator(mode="after")
    def _counts_fit(self) -> DatasetRecord:
        n = len(self.classes)
        _require(n > 0, "classes: there must be at least one class")
        _require(len({*self.classes}) == n, "classes: a class is named twice")
        pairs = (("train", self.train_counts, self.train_images), ("val", self.val_counts, self.val_images))
        for subset, counts, images in pairs:
            _require(len(counts) == n, f"{subset}_counts: {len(counts)} counts for {n} classes")
            if images is not None and self.label_type == SINGLE:
                _require(images == sum(counts), f"{subset}_images: {images}, and its counts have {sum(counts)} images")
            # an image has each label at most once, and may have none
            elif images is not None:
                _require(images >= max(counts), f"{subset}_images: {images}, and a class has {max(counts)} images")
        return self

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

    parameters: Count
    trainable_parameters: Count
    layers: Count
    trainable_layers: Count
    weights: Annotated[str, Text(0, 4 * MAX_PATH)]
    device: ShortText
    precision: ShortText
    methods: Annotated[tuple[str, ...], ListOf(TEXT)] = ()

    @model_validator(mode="after")
    def _parts_fit(self) -> ModelRecord:
        for part in ("parameters", "layers"):
            trained, all_of_them = getattr(self, f"trainable_{part}"), getattr(self, part)
            _require(trained <= all_of_them, f"trainable_{part}: {trained} of {all_of_them}")
        return self

    @property
    def on_gpu(self) -> bool:
        return not self.device.startswith("cpu")


class Results(Frozen):
    """The results of training. Accuracies 0 to 1; memory in MiB, None if not measured.

    `figure`: the figure that decides which epoch is best. `best_val_figure`: its best value on validation, None in older
    records, where it is the accuracy. `batch_size`: at the end, smaller than the spec's if memory was short. `only_prediction`:
    what the best epoch predicts for every validation image, although their labels differ; `""`: it tells images apart.
    """

    epochs_completed: NumberFrom1
    train_accuracy: ShareOrNaN
    train_loss: Loss
    val_accuracy: ShareOrNaN
    val_loss: Loss
    best_val_accuracy: ShareOrNaN
    best_epoch: NumberFrom1
    train_seconds: Measure
    images_per_second: Measure
    gpu_process_mib: MeasureOrNone = None
    gpu_framework_mib: MeasureOrNone = None
    process_mib: MeasureOrNone = None
    batch_size: Annotated[int | None, OrNone(NUMBER_FROM_1)] = None
    figure: Annotated[str, OneOf(tuple(FIGURE_TITLES))] = ACCURACY
    best_val_figure: Annotated[float | None, OrNone(SHARE_OR_NAN)] = None
    only_prediction: LongText = ""

    @model_validator(mode="after")
    def _best_epoch_is_done(self) -> Results:
        best, done = self.best_epoch, self.epochs_completed
        _require(best <= done, f"best_epoch: epoch {best} is the best of {done} epochs")
        return self

    @property
    def best_figure(self) -> float:
        """The best value on validation of the deciding figure."""
        return self.best_val_accuracy if self.best_val_figure is None else self.best_val_figure


class ClassResult(Frozen):
    """One class of a test set.

    `num_images`: images of the class. `num_correct`: those predicted as the class. `num_false`: other images predicted as
    it; None in older records.
    """

    num_images: NumberFrom1
    num_correct: Count
    num_false: CountOrNone = None

    @model_validator(mode="after")
    def _counts_fit(self) -> ClassResult:
        _require(self.num_correct <= self.num_images, f"num_correct: {self.num_correct} of {self.num_images} images")
        return self

    @property
    def accuracy(self) -> float:
        """The share of its images that are predicted as this class (recall), 0 to 1."""
        return self.num_correct / self.num_images

    @property
    def num_predicted(self) -> int | None:
        """The number of all images that are predicted as this class; None in older records."""
        return None if self.num_false is None else self.num_correct + self.num_false

    @property
    def precision(self) -> float:
        """The share of the images predicted as this class that are of it, 0 to 1; NaN if there are none, or it is unknown."""
        return self.num_correct / self.num_predicted if self.num_predicted else math.nan

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall, 0 to 1; NaN in older records."""
        if self.num_predicted is None:
            return math.nan
        return 2 * self.num_correct / (self.num_images + self.num_predicted)


class Testing(Frozen):
    """One evaluation on a test set. `interval`: 95 % interval of the accuracy (Wilson), 0 to 1.

    An image with several labels is correct if exactly its labels are predicted. `majority_accuracy`: the accuracy of always
    predicting the most frequent class, or combination of labels. `confusion`: rows are true classes, columns predicted ones;
    empty if images may have several labels. `figures`: the other figures of the task, by name. `thresholds`: of the score of each
    label, above which it is predicted; empty: 0.5 for all, or an image has one label. `only_prediction`: as in `Results`, for the
    test images. `fingerprint`, `content`: as in `DatasetRecord`. `predictions`: SHA-256 of the table of predictions, `""` in
    older records. `views`: of each image beside itself, over which its scores were averaged. `evaluation`: the name of its folder
    in `output/evaluation`; `""` in older records, which have no folder. `operating_point`: by what the point was chosen at which
    they were predicted, see `OperatingPoint`; `""`: at none. `point_figures`: at that point. `leaks`: why the figures
    are too good, such as test images that were trained on.
    """

    dataset_path: Annotated[str, Text(0, MAX_PATH)]
    fingerprint: ShortText
    weights: ShortText
    num_images: NumberFrom1
    num_correct: Count
    accuracy: Share
    interval: Annotated[tuple[float, float], ListOf(SHARE, length=2, ordered=True)]
    majority_accuracy: Share
    classes: dict[Annotated[str, LABEL], ClassResult]
    confusion: tuple[Counts, ...]
    unreadable: Count = 0
    figures: dict[Name, ShareOrNaN] = Field(default_factory=dict)
    thresholds: dict[Annotated[str, LABEL], Share] = Field(default_factory=dict)
    only_prediction: LongText = ""
    content: ShortText = ""
    predictions: ShortText = ""
    views: Count = 0
    evaluation: ShortText = ""
    leaks: Annotated[tuple[str, ...], ListOf(Text(0, MAX_LABEL))] = ()
    operating_point: ShortText = ""
    point_figures: PointFigures = Field(default_factory=dict)

    @model_validator(mode="after")
    def _counts_fit(self) -> Testing:
        n, correct = self.num_images, self.num_correct
        _require(correct <= n, f"num_correct: {correct} of {n} images")
        _require(
            abs(self.accuracy - correct / n) < TOLERANCE, f"accuracy: {self.accuracy}, with {correct} of {n} images"
        )
        for result in self.classes.values():
            _require(result.num_images <= n, f"classes: a class has {result.num_images} of {n} images")
        _require(
            all(len(row) == len(self.confusion) for row in self.confusion),
            "confusion: it has not one column for each row",
        )
        counted = sum(map(sum, self.confusion))
        _require(not self.confusion or counted == n, f"confusion: it counts {counted} of {n} images")
        return self


@dataclass(frozen=True)
class EpochRow:
    """One row of the history. Accuracies 0 to 1; `epoch` counts from 1; times in seconds.

    `data_wait`: time that the loop spent waiting for images. `images_per_second`: training and validation together.
    `val_figures`: other figures of the task on validation, by name. `train_size`: the side of the training images, px; None in
    older histories.
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
    train_size: int | None = None

    def figure(self, name: str) -> float:
        """A figure of the task on validation."""
        return self.val_accuracy if name == ACCURACY else self.val_figures[name]
