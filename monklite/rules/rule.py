"""The base class of all rules."""

from __future__ import annotations

from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from ..errors import InvalidType, InvalidValue, shown


class Rule:
    """One rule. Subclasses define `check` (return the plain value or raise), `__str__` (what is allowed) and `annotation`.

    `annotation`: the Python type of the values that it accepts, as source text.
    """

    @property
    def annotation(self) -> str:
        raise TypeError(f"{type(self).__name__} must define annotation")

    def check(self, value: Any) -> Any:
        # not a pass: a subclass without `check` would accept everything
        raise TypeError(f"{type(self).__name__} must define check")

    def __call__(self, name: str, value: Any) -> Any:
        try:
            return self.check(value)
        except TypeError:
            raise InvalidType(f"{name} must be {self}, not {shown(value)} ({type(value).__name__})") from None
        except (ValueError, OverflowError) as error:
            raise InvalidValue(f"{name} must be {self}, not {shown(value)}{_reason(error)}") from None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let a rule be used in `Annotated[int, rule]` on a pydantic field."""

        def validate(value: Any, info: core_schema.ValidationInfo) -> Any:
            try:
                return self(info.field_name or "value", value)
            # pydantic collects ValueErrors only; `settings_tree` unwraps it again
            except InvalidType as error:
                raise ValueError(error) from error

        return core_schema.with_info_plain_validator_function(validate)


def _reason(error: Exception) -> str:
    text = str(error)
    return f".{text}" if text.startswith(" ") else f": {text}" if text else ""
