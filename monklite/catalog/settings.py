"""Settings, one row each: the spec's field that a Monk `update_*` method changes, and how it is printed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Setting:
    """`update_<name>(argument)` sets the spec's field at `path`; `label` is what the message calls it."""

    name: str
    argument: str
    path: str
    label: str
    doc: str
    also: Mapping[str, Any] = field(default_factory=dict)  # other fields that would contradict it, and what they become


SETTINGS = {
    s.name: s
    for s in (
        Setting("input_size", "input_size", "data.input_size", "Input size", "Side of the square images, px."),
        Setting(
            "batch_size",
            "batch_size",
            "data.batch_size",
            "Batch size",
            "Images in one step; 'auto' finds what is fast here.",
        ),
        Setting(
            "stored_size",
            "stored_size",
            "data.stored_size",
            "Stored size",
            "Side of the decoded images that crops and turns are taken from, px; 'auto': twice the input size.",
        ),
        Setting("shuffle_data", "shuffle", "data.shuffle", "Shuffle data", "Whether the training order is shuffled."),
        Setting("num_processors", "num_processors", "data.workers", "Processors", "Threads that decode images."),
        Setting("trainval_split", "value", "data.split", "Train-val split", "Share of the images used for training."),
        Setting("use_gpu", "gpu", "model.use_gpu", "Use GPU", "Whether a GPU is used where there is one."),
        Setting("use_pretrained", "pretrained", "model.pretrained", "Use pretrained", "Start from pretrained weights."),
        Setting(
            "freeze_base_network",
            "freeze",
            "model.freeze_base",
            "Freeze base network",
            "Train only the new head.",
            {"model.freeze_layers": 0},
        ),
        Setting(
            "freeze_layers", "num_freeze", "model.freeze_layers", "Freeze layers", "First layers that stay as they are."
        ),
        Setting("precision", "precision", "model.precision", "Precision", "auto, float32, bfloat16 or float16."),
        Setting(
            "compile",
            "compile",
            "model.compile",
            "Compile",
            "Compile the network (pytorch): minutes at first, then faster steps; pays in long trainings.",
        ),
        Setting(
            "deterministic",
            "deterministic",
            "model.deterministic",
            "Deterministic",
            "On a GPU, only algorithms that give the same bits each time (slower); a CPU always does.",
        ),
        Setting("num_epochs", "num_epochs", "training.epochs", "Num epochs", "Passes over the training images."),
        Setting(
            "early_stopping",
            "patience",
            "training.early_stopping",
            "Early stopping",
            "Stop after so many epochs in a row without a better one on validation; 0: never.",
        ),
        Setting(
            "ema_decay",
            "decay",
            "training.ema_decay",
            "Moving average of weights",
            "Judge and keep an average of the weights over the steps (EMA), such as 0.999; 0: the weights themselves. "
            "Validation, what follows it (best weights, early stopping, plateaus) and the weight files go by it.",
        ),
        Setting("seed", "seed", "seed", "Seed", "Decides split, order, augmentation and first weights."),
    )
}
