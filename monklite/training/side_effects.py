"""The values of the recipe that a change of other settings changes too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..spec import Resolved


def side_effects(before: Resolved, after: Resolved, changed: Iterable[str]) -> Iterator[str]:
    """Yield a note on the settings that differ although the user did not change them.

    Args:
        changed: the dotted paths that the user changed.
    """
    given = tuple(changed)
    listed = []
    for path in before.differences(after):
        if not any(path == field or path.startswith(f"{field}.") or field.startswith(f"{path}.") for field in given):
            listed.append(f"{path.rpartition('.')[2]} {before.get(path)} -> {after.get(path)}")
    if listed:
        yield f"the recipe for this also changes {', '.join(listed)}"
