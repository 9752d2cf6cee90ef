"""The vocabulary as rows: one line per model, optimizer, loss, schedule, transform or setting.

No framework is imported here; a row names what it needs by dotted path, and `backends.load` imports it when it is built.
To add a word, add a row: the façade's methods, the `List_*` printers, the checks and the tests follow from it.
"""

from .losses import LOSSES
from .models import MODELS
from .optimizers import OPTIMIZERS
from .recipes import resolve
from .schedules import SCHEDULES
from .settings import SETTINGS
from .transforms import TRANSFORMS

__all__ = ["LOSSES", "MODELS", "OPTIMIZERS", "SCHEDULES", "SETTINGS", "TRANSFORMS", "resolve"]
