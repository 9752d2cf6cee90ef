"""Settings whose change makes the data, the batches or the network of an experiment stale."""

from __future__ import annotations

from ..spec import Resolved, Spec

DATA_FIELDS = ("data.sources", "data.split", "data.input_size", "data.stored_size", "data.transforms", "seed")
BATCH_FIELDS = ("data.batch_size", "data.shuffle", "data.workers")
NETWORK_FIELDS = ("model", "data.input_size", "seed", "backend")
SPLIT_FIELDS = ("data.sources", "data.split", "seed")


def is_stale(used: Spec | Resolved | None, current: Resolved, fields: tuple[str, ...]) -> bool:
    """Whether something made with the spec `used` (None: not made yet) differs in these fields from the current spec."""
    return used is None or any(used.get(field) != current.get(field) for field in fields)
