"""The catalog: tables with one row per model, optimizer, loss, schedule, transform or setting.

No framework is imported here; a row names classes by dotted path, and `backends.load` imports them when they are used.
To add an optimizer, for example, add a row: the façade's methods, the `List_*` printers, the checks and the tests follow.
"""

from .activations import ACTIVATIONS
from .analyses import ANALYSES
from .appended import APPENDED
from .blocks import BLOCKS
from .default_recipes import resolve
from .layers import LAYERS
from .losses import LOSSES
from .model_table import MODELS
from .optimizers import OPTIMIZERS
from .schedules import SCHEDULES
from .transforms import TRANSFORMS
from .update_methods import SETTINGS

__all__ = [
    "ACTIVATIONS",
    "ANALYSES",
    "APPENDED",
    "BLOCKS",
    "LAYERS",
    "LOSSES",
    "MODELS",
    "OPTIMIZERS",
    "SCHEDULES",
    "SETTINGS",
    "TRANSFORMS",
    "resolve",
]
