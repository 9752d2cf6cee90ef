"""The range of each numeric setting; `spec.py` has the fields that they apply to."""

from __future__ import annotations

from .rules import Number, Whole

SPLIT_RANGE = Number(above=0, below=1)
# in px
INPUT_SIZE_RANGE = Whole(least=1, most=4096)
STORED_SIZE_RANGE = Whole(least=1, most=8192)
BATCH_SIZE_RANGE = Whole(least=1)
WORKERS_RANGE = Whole(least=1)
FREEZE_LAYERS_RANGE = Whole(least=0)
EPOCHS_RANGE = Whole(least=1)
# 0: never
EARLY_STOPPING_RANGE = Whole(least=0)
# 0: no averages
EMA_DECAY_RANGE = Number(least=0, below=1)
SEED_RANGE = Whole(least=0, most=2**31 - 1)
