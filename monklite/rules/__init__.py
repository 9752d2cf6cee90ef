"""Rules: objects that check one value and describe what they allow.

The same rule serves the spec's fields (pydantic), the parameters of catalog rows and the façade's arguments, so that a
value is refused with the same message everywhere. `rule(name, value)` returns the value in its plain Python type
(a NumPy integer becomes `int`, a `Path` becomes `str`) or raises `InvalidType` or `InvalidValue`.
"""

from .lists import ListOf, NumberOrList, PerClass
from .numbers import Number, Whole, Whole64
from .optional import AUTO, OrAuto, OrNone
from .rule import Rule
from .texts import FileStem, Flag, OneOf, PathText, Text

__all__ = [
    "AUTO", "FileStem", "Flag", "ListOf", "Number", "NumberOrList", "OneOf", "OrAuto", "OrNone", "PathText", "PerClass", "Rule",
    "Text", "Whole", "Whole64",
]  # fmt: skip
