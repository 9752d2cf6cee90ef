"""Tags and notes, by which runs are found again."""

from __future__ import annotations

from collections.abc import Sequence

from ..record_rules import NOTE, TAG
from ..rules import ListOf
from .base import Base
from .checks import api


class TagMethods(Base):
    """`Tag`, `Note`."""

    @api
    def Tag(self, tags: str | Sequence[str] = (), remove: str | Sequence[str] = ()) -> tuple[str, ...]:
        """Give the open version tags, or take them away: `Tag("baseline")`, `Tag(remove="baseline")`.

        `monklite list --tag baseline` finds the runs that have one.

        Args:
            tags: one, or several. remove: one or several that it has.

        Returns:
            All tags of the version, in the order in which they were given.

        Raises:
            InvalidType, InvalidValue: not a text of 1 to 100 characters.
        """
        run = self._opened.run
        return run.tag(_texts("tags", tags), _texts("remove", remove))

    @api
    def Note(self, text: str) -> None:
        """Add a note to the open version: what was tried and why. `Summary()` and reports show all notes.

        Raises:
            InvalidType, InvalidValue: not a text of 1 to 10,000 characters.
        """
        self._opened.run.note(NOTE("text", text))


def _texts(argument: str, value: str | Sequence[str]) -> tuple[str, ...]:
    return ListOf(TAG)(argument, (value,) if isinstance(value, str) else value)
