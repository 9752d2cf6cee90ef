"""The table of settings: the field of the spec that each Monk `update_*` method changes, and its printed label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Setting:
    """`update_<name>(argument)` sets the spec's field at `path`.

    `label`: the setting's name in messages. `also`: other fields that would contradict it, and their new values.
    """

    name: str
    argument: str
    path: str
    label: str
    doc: str
    also: Mapping[str, Any] = field(default_factory=dict)


# fmt: off
SETTINGS = {s.name: s for s in (
    Setting("input_size", "input_size", "data.input_size", "Input size", "Side of the square images, px."),
    Setting("batch_size", "batch_size", "data.batch_size", "Batch size",
            "Images per step; 'auto' measures which size is fast on this machine."),
    Setting("stored_size", "stored_size", "data.stored_size", "Stored size",
            "Side of the decoded images from which crops and rotations are taken, px; 'auto': twice the input size."),
    Setting("stored_views", "views", "data.stored_views", "Stored views",
            "With random crops, rotations and other resampling, show each training image in this many fixed variants, "
            "drawn once; 0: in a new variant in each epoch. The output of a frozen part of the network is computed once "
            "per variant and kept. It can cost accuracy. Images that are only mirrored have at most four variants, "
            "which are always kept."),
    Setting("shuffle_data", "shuffle", "data.shuffle", "Shuffle data", "Whether the training order is shuffled."),
    Setting("weighted_sampling", "sample", "data.weighted_sampling", "Weighted sampling",
            "Draw the training images of an epoch with replacement, as many as there are, so that each class has the "
            "same share of them on average. An image of several labels counts by its rarest one. Validation and test "
            "images are not drawn. Do not use class weights in the loss as well: they correct the same imbalance."),
    Setting("num_processors", "num_processors", "data.workers", "Processors", "Threads that decode images."),
    Setting("trainval_split", "value", "data.split", "Train-val split", "Share of the images used for training."),
    Setting("use_gpu", "gpu", "model.use_gpu", "Use GPU", "Whether to use a GPU if there is one."),
    Setting("use_pretrained", "pretrained", "model.pretrained", "Use pretrained", "Start from pretrained weights."),
    Setting("freeze_base_network", "freeze", "model.freeze_base", "Freeze base network", "Train only the new head.",
            {"model.freeze_layers": 0}),
    Setting("freeze_layers", "num_freeze", "model.freeze_layers", "Freeze layers",
            "Number of first layers that are not trained; 0: as freeze_base_network says."),
    Setting("precision", "precision", "model.precision", "Precision",
            "auto, float32, bfloat16 or float16. auto: the one in which this network is fastest on this machine; it is "
            "kept when the run is resumed or copied."),
    Setting("compile", "compile", "model.compile", "Compile",
            "Compile the network (pytorch): takes minutes, then steps are faster; worthwhile for long training."),
    Setting("deterministic", "deterministic", "model.deterministic", "Deterministic",
            "On a GPU, use only algorithms with identical results in each run (slower); on a CPU they always are."),
    Setting("num_epochs", "num_epochs", "training.epochs", "Num epochs", "Passes over the training images."),
    Setting("early_stopping", "patience", "training.early_stopping", "Early stopping",
            "Stop after this many epochs in a row without an improvement on validation; 0: never."),
    Setting("ema_decay", "decay", "training.ema_decay", "Moving average of weights",
            "Decay of a moving average (EMA) of the weights over the steps, such as 0.999; 0: no average. "
            "Validation, all that depends on it (best weights, early stopping, plateaus) and the weight files use "
            "the average."),
    Setting("mixup", "alpha", "training.mixup", "MixUp",
            "Blend each training image, and its labels, with another one of the batch (Zhang et al. 2018); alpha of "
            "the beta distribution of the shares, such as 0.2; 0: not. With `cutmix` too, each batch is mixed in one "
            "of both ways."),
    Setting("cutmix", "alpha", "training.cutmix", "CutMix",
            "Paste a box of another image of the batch into each training image, and mix the labels by area (Yun et "
            "al. 2019); alpha of the beta distribution of the shares, such as 1; 0: not."),
    Setting("head_epochs", "epochs", "training.head_epochs", "Epochs of the head alone",
            "In the first epochs only the new head is trained, then all layers that are not frozen; 0: all from the "
            "first on."),
    Setting("seed", "seed", "seed", "Seed", "Determines order, augmentation and first weights, but not the split."),
    Setting("split_seed", "seed", "data.split_seed", "Split seed",
            "Determines which images are for training and which for validation."),
    Setting("group", "group", "data.group", "Group",
            "Keeps images of a group, such as a patient, on one side of the split: a column of the table, or a "
            "pattern over file names such as '(person[0-9]+)_'; '': each image on its own; None: found where it is "
            "plain."),
)}
# fmt: on
