"""The spec: the settings as requested and as resolved, frozen values that go to JSON and back unchanged.

`Spec` holds the requested settings: `None` in a field means "by recipe". `catalog.resolve` turns it into a `Resolved`, in
which every field has a value. A run stores both: a copy starts from the requested settings, a resumed run uses the resolved
ones.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from .choices import Choice, Transforms, nested
from .errors import InvalidValue, shown
from .group_rule import GroupText
from .rules import AUTO, FileStem, Flag, ListOf, OneOf, OrAuto, OrNone, PathText, Text
from .setting_ranges import (
    BATCH_SIZE_RANGE,
    EARLY_STOPPING_RANGE,
    EMA_DECAY_RANGE,
    EPOCHS_RANGE,
    EPOCHS_SHARE_RANGE,
    FOLDS_RANGE,
    FREEZE_LAYERS_RANGE,
    HEAD_EPOCHS_RANGE,
    INITIAL_SCALE_RANGE,
    INPUT_SIZE_RANGE,
    MAX_LAYERS,
    MIXING_RANGE,
    RATE_FACTOR_RANGE,
    SEED_RANGE,
    SPLIT_RANGE,
    STORED_SIZE_RANGE,
    STORED_VIEWS_RANGE,
    WORKERS_RANGE,
)
from .settings_tree import Frozen, Settings

DELIMITERS = (",", ";", "\t", "|", "-", " ")
# "": one label per image
LABEL_DELIMITERS = ("", ",", ";", "|", "/", "+", " ", "\t")
PRECISIONS = ("auto", "float32", "bfloat16", "float16")
# Monk's names of the weights of the last epoch, of the best one, and of the saved training
WEIGHT_FILES = ("final", "best_model", "resume_state")
SPLIT = ("train", "val")  # the subsets of a training run
SUBSETS = (*SPLIT, "test")


class Folders(Frozen):
    """Images in one folder per class."""

    path: Annotated[str, PathText()]


class Table(Frozen):
    """Images listed with their labels in a table: CSV, Excel or Parquet.

    `path`: the folder that the paths in the table are relative to. `label_delimiter`: separates the labels in a cell; `""`: a
    cell is one label; None: it is too, and cells that look like several labels are refused. `path_column`, `label_column`: the
    names of the columns; None: they are found. `label_columns`: the names of the columns of 0 and 1 that are a class each; empty:
    the labels are in one column, unless one column per class is found, which is then stored here. `reading`: 1, the default for
    the runs of older versions, takes columns 1 and 2 and every label as it is written; 2 finds the columns and checks the labels.
    """

    path: Annotated[str, PathText()]
    csv: Annotated[str, PathText()]
    delimiter: Annotated[str, OneOf(DELIMITERS)] = ","
    label_delimiter: Annotated[str | None, OrNone(OneOf(LABEL_DELIMITERS))] = ""
    path_column: Annotated[str | None, OrNone(Text())] = None
    label_column: Annotated[str | None, OrNone(Text())] = None
    label_columns: Annotated[tuple[str, ...], ListOf(Text())] = ()
    reading: Literal[1, 2] = 1


Source = Table | Folders


class _Data(Frozen):
    """Settings of the data. `sources`: the training images, and optionally the validation images; a single source is split.

    `folds`, `fold`: the images are divided into so many parts, and part number `fold`, from 0, is for validation; 0 folds: they
    are split by `split`. `split_seed`: the same one gives the same split, whatever the seed of the training. `group`: images of
    a group, such as a patient, stay on one side of the split: a column of the table, or a pattern over the paths of the files,
    whose parentheses match the group; `""`: each image on its own; `"auto"`: a column or pattern is found where it is plain.
    `stored_views`: where training images are resampled at random, each has this many draws, which are the same in all epochs; 0:
    each epoch has draws of its own. `weighted_sampling`: the training images of an epoch are drawn with replacement, those of
    rare classes more often.
    """

    sources: Annotated[tuple[Source, ...], Field(max_length=2)] = ()
    split: Annotated[float, SPLIT_RANGE] = 0.9
    split_seed: Annotated[int, SEED_RANGE] = 0
    folds: Annotated[int, FOLDS_RANGE] = 0
    fold: Annotated[int, FOLDS_RANGE] = 0
    group: Annotated[str, GroupText()] = AUTO
    stored_size: Annotated[int | Literal["auto"], OrAuto(STORED_SIZE_RANGE)] = AUTO
    stored_views: Annotated[int, STORED_VIEWS_RANGE] = 0
    shuffle: Annotated[bool, Flag()] = True
    weighted_sampling: Annotated[bool, Flag()] = False
    transforms: Transforms = Transforms()

    @model_validator(mode="after")
    def _fold_is_one_of_them(self) -> _Data:
        if self.folds == 1 or self.fold >= max(self.folds, 1):
            raise InvalidValue(
                f"fold {self.fold} of {self.folds}: there must be at least 2 folds, numbered from 0 to one less than their number"
            )
        if self.folds and len(self.sources) > 1:
            raise InvalidValue(
                f"{self.folds} folds are made of one set of images, and a validation set was given too: give the "
                "training images alone"
            )
        return self


class DataSpec(_Data):
    """The images and how they become batches, as requested."""

    input_size: Annotated[int | None, OrNone(INPUT_SIZE_RANGE)] = None
    batch_size: Annotated[int | Literal["auto"] | None, OrNone(OrAuto(BATCH_SIZE_RANGE))] = None
    workers: Annotated[int | None, OrNone(WORKERS_RANGE)] = None


class ResolvedData(_Data):
    """The images and how they become batches, as resolved."""

    input_size: Annotated[int, INPUT_SIZE_RANGE]
    batch_size: Annotated[int, BATCH_SIZE_RANGE]
    workers: Annotated[int, WORKERS_RANGE]


class OwnNetwork(Frozen):
    """The source of a network that is the user's own.

    `place`: of the class or function that builds it, `module:name` or `file.py:name`; `""`: only the session that made it has
    it. `key`: SHA-256 of the file, or without a file a text that no other network has; `""`: the network is not the user's.
    """

    place: Annotated[str, Text(0, 4096)] = ""
    key: Annotated[str, Text(0, 64)] = ""


class ModelSpec(Frozen):
    """The network, the origin of its initial weights, and the layers that are trained.

    `layers`: of a network that the user put together, `Choice`s in nested tuples, see `catalog.custom_networks`; (): it is of
    another kind. `initializer`: how its weights begin. `source`: see `OwnNetwork`. `appended`: layers in place of the head of a
    network of the table. `weights_path`: the user's own weight files. `freeze_layers`: the number of first layers that are
    frozen; 0: as `freeze_base` says.
    """

    name: Annotated[str, Text()] = "resnet18"
    source: OwnNetwork = OwnNetwork()
    layers: tuple[Any, ...] = ()
    initializer: Annotated[str, Text(least=0)] = ""
    appended: Annotated[tuple[Choice, ...], Field(max_length=MAX_LAYERS)] = ()
    pretrained: Annotated[bool, Flag()] = True
    weights_path: Annotated[tuple[str, ...], ListOf(PathText())] = ()
    freeze_base: Annotated[bool, Flag()] = True
    freeze_layers: Annotated[int, FREEZE_LAYERS_RANGE] = 0
    use_gpu: Annotated[bool, Flag()] = True
    precision: Annotated[str, OneOf(PRECISIONS)] = "auto"
    compile: Annotated[bool, Flag()] = False
    deterministic: Annotated[bool, Flag()] = False

    @property
    def is_own(self) -> bool:
        """Whether the network is the user's own code."""
        return bool(self.source.key)

    @field_validator("layers", mode="before")
    @classmethod
    def _layers_are_choices(cls, layers: Any) -> tuple[Any, ...]:
        if not isinstance(layers, (list, tuple)):
            raise InvalidValue(f"layers must be a nested list of layers, not {shown(layers)}")
        return nested(layers, [0], 0)


class ProgressiveResizing(Frozen):
    """Training images are small first, and grow to the input size.

    `initial_scale`: their size at first, as a share of the input size; 1: they always have the input size. `delay_fraction`: the
    share of the epochs before they grow. `finetune_fraction`: the share of the last epochs, which have the input size.
    """

    initial_scale: Annotated[float, INITIAL_SCALE_RANGE] = 1.0
    delay_fraction: Annotated[float, EPOCHS_SHARE_RANGE] = 0.5
    finetune_fraction: Annotated[float, EPOCHS_SHARE_RANGE] = 0.2

    @model_validator(mode="after")
    def _shares_fit(self) -> ProgressiveResizing:
        if self.delay_fraction + self.finetune_fraction > 1:
            raise InvalidValue(
                f"delay_fraction and finetune_fraction are shares of the same epochs, so their sum must be at most 1, not "
                f"{self.delay_fraction:g} + {self.finetune_fraction:g}"
            )
        return self


class _Training(Frozen):
    """Settings of training and of the weights that are kept.

    `early_stopping`: training ends after this many consecutive epochs without improvement on validation; 0: never.
    `ema_decay`: moving averages of the weights, with this decay per step, are evaluated and kept; 0: the weights themselves.
    `resizing`: of the training images, epoch by epoch. `mixup`, `cutmix`: alpha of the beta distribution of the shares with which
    the images of a batch are mixed; 0: they are not. `head_epochs`: the first epochs, in which the head alone is trained.
    `layer_rates`: the learning rates of groups of trained layers, from the first layers to the head, as multiples of the
    optimizer's; (): all have the same.
    """

    epochs: Annotated[int, EPOCHS_RANGE] = 10
    early_stopping: Annotated[int, EARLY_STOPPING_RANGE] = 0
    ema_decay: Annotated[float, EMA_DECAY_RANGE] = 0.0
    resizing: ProgressiveResizing = ProgressiveResizing()
    mixup: Annotated[float, MIXING_RANGE] = 0.0
    cutmix: Annotated[float, MIXING_RANGE] = 0.0
    head_epochs: Annotated[int, HEAD_EPOCHS_RANGE] = 0
    layer_rates: Annotated[tuple[float, ...], ListOf(RATE_FACTOR_RANGE)] = ()
    save_intermediate_models: Annotated[bool, Flag()] = False
    intermediate_prefix: Annotated[str, FileStem(reserved=WEIGHT_FILES)] = "intermediate_model_"

    @model_validator(mode="after")
    def _base_is_trained(self) -> _Training:
        if self.head_epochs >= self.epochs:
            raise InvalidValue(
                f"the head alone is trained in the first {self.head_epochs} epochs (head_epochs), so there must be more than "
                f"{self.head_epochs} epochs in all, not {self.epochs}"
            )
        return self


class TrainingSpec(_Training):
    """How the network is trained, as requested."""

    optimizer: Choice | None = None
    schedule: Choice | None = None
    loss: Choice | None = None


class ResolvedTraining(_Training):
    """How the network is trained, as resolved."""

    optimizer: Choice
    schedule: Choice
    loss: Choice


class Spec(Settings):
    """All settings of a run, as requested; None: by recipe."""

    backend: Annotated[str, Text()] = "pytorch"
    seed: Annotated[int, SEED_RANGE] = 0
    data: DataSpec = DataSpec()
    model: ModelSpec = ModelSpec()
    training: TrainingSpec = TrainingSpec()


class Resolved(Settings):
    """All settings of a run, as resolved."""

    backend: Annotated[str, Text()]
    seed: Annotated[int, SEED_RANGE]
    data: ResolvedData
    model: ModelSpec
    training: ResolvedTraining
