"""The range of each numeric setting; `spec.py` has the fields that they apply to."""

from __future__ import annotations

from typing import Final

from .rules import Number, Whole

# Of counts: C's int, in which the frameworks and the operating system count. No training comes near it
MAX_COUNT: Final = 2**31 - 1
# Of factors of the gradient and the weights: the frameworks compute in float32, whose largest number is 3.4e38; the difference
# is left to their products. Beyond it they raise errors of their own, and up to it the result is refused if it is not finite
MAX_FACTOR: Final = 1e30
AT_LEAST_0, AT_LEAST_1 = Whole(least=0, limit=MAX_COUNT), Whole(least=1, limit=MAX_COUNT)
NOT_NEGATIVE, POSITIVE = Number(least=0, limit=MAX_FACTOR), Number(above=0, limit=MAX_FACTOR)

SPLIT_RANGE = Number(above=0, below=1)
# of cross-validation; 0: none, the images are split by a share
FOLDS_RANGE = Whole(least=0, most=1000)
# in px
INPUT_SIZE_RANGE = Whole(least=1, most=4096)
STORED_SIZE_RANGE = Whole(least=1, most=8192)
# 0: none are fixed. Each view of a subset has a file of its own, and a process may open about a thousand
STORED_VIEWS_RANGE = Whole(least=0, most=64)
# of test-time augmentation; 0: the image alone
TEST_VIEWS_RANGE = Whole(least=0, most=64)
BATCH_SIZE_RANGE = AT_LEAST_1
WORKERS_RANGE = AT_LEAST_1
FREEZE_LAYERS_RANGE = AT_LEAST_0
EPOCHS_RANGE = AT_LEAST_1
# 0: never
EARLY_STOPPING_RANGE = AT_LEAST_0
# 0: no averages
EMA_DECAY_RANGE = Number(least=0, below=1)
# 0: all layers are trained from the first epoch on
HEAD_EPOCHS_RANGE = AT_LEAST_0
# multiples of the learning rate
RATE_FACTOR_RANGE = POSITIVE
# of the input size; 1: always the whole of it
INITIAL_SCALE_RANGE = Number(above=0, most=1)
# alpha of a beta distribution; the largest make every share a half. 0: no mixing
MIXING_RANGE = Number(least=0, most=100)
EPOCHS_SHARE_RANGE = Number(least=0, most=1)
# of what is promised for a share of the images; with 1 nothing could be excluded
COVERAGE_RANGE = Number(above=0, below=1)
PREVALENCE_RANGE = Number(above=0, below=1)
# of wrong predictions, in any unit
COST_RANGE = Number(least=0, most=1e9)
SEED_RANGE = Whole(least=0, most=2**31 - 1)
# of a user's own network: lists in lists, and layers
MAX_NESTED_LAYERS: Final = 32
MAX_LAYERS: Final = 5000
