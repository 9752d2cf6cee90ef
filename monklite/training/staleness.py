"""Settings whose change makes the data, the batches or the network of an experiment stale."""

from __future__ import annotations

from ..spec import Resolved, Spec

SPLIT_FIELDS = ("data.sources", "data.split", "data.split_seed", "data.folds", "data.fold", "data.group")
DATA_FIELDS = (*SPLIT_FIELDS, "data.input_size", "data.stored_size", "data.transforms")
# those from the epochs on decide the sizes of progressive resizing
BATCH_FIELDS = (
    "data.batch_size", "data.shuffle", "data.weighted_sampling", "data.workers", "data.stored_views", "seed", "training.epochs",
    "training.resizing", "training.mixup", "training.cutmix", "model.name", "model.layers", "backend",
)  # fmt: skip
NETWORK_FIELDS = ("model", "data.input_size", "seed", "backend", "training.head_epochs")


def is_stale(used: Spec | Resolved | None, current: Resolved, fields: tuple[str, ...]) -> bool:
    """Whether something made with the spec `used` (None: not made yet) differs in these fields from the current spec."""
    return used is None or any(used.get(field) != current.get(field) for field in fields)
