"""The settings of a script that is run again until its training is done (`resume_train="auto"`), against those of the run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import NotReady, cut, shown
from ..runs.run import Run
from ..spec import Spec
from .resume_hints import copy_call
from .resuming import is_changeable


@dataclass(frozen=True)
class ScriptSettings:
    """The settings that a script has made so far.

    `asked`: the settings as a new experiment would have them after the same calls. `given`: the dotted paths that were set.
    """

    asked: Spec
    given: frozenset[str] = frozenset()

    def after(self, asked: Spec, changes: Iterable[str]) -> ScriptSettings:
        """The settings after one more call. `asked`: with its changes. `changes`: the dotted paths that it set."""
        return ScriptSettings(asked, self.given | frozenset(changes))

    def changes(self, run: Run, own: Spec) -> Mapping[str, Any]:
        """The settings of the script that differ from the run's `own`, by dotted path: those that a resumed run may change.

        Raises:
            NotReady: another one differs, which the weights of the run depend on.
        """
        differing = [path for path in self.asked.differences(own) if self._is_given(path)]
        refused = [path for path in differing if not is_changeable(path)]
        if refused:
            path = refused[0]
            raise NotReady(
                f"{run} was begun with {path} {_shown(own, path)}, and this script has {_shown(self.asked, path)}: "
                "resume_train='auto' is for the script that began it. Take the setting back, give the experiment another "
                f"name, or copy it: {copy_call(run)}"
            )
        return {path: self.asked.get(path) for path in differing}

    def kept(self, own: Spec) -> Iterator[str]:
        """Yield a note if the run has settings that the script does not mention, and that a new experiment would not have."""
        paths = [path for path in self.asked.differences(own) if not self._is_given(path)]
        # a notebook may set nothing at all
        if self.given and paths:
            listed = ", ".join(f"{path} {_shown(own, path)}" for path in paths)
            yield f"this script does not set {cut(listed)}, with which the run was begun and goes on"

    def _is_given(self, path: str) -> bool:
        return any(f"{path}.".startswith(f"{given}.") or f"{given}.".startswith(f"{path}.") for given in self.given)


def _shown(spec: Spec, path: str) -> str:
    value = spec.get(path)
    return "by recipe" if value is None else shown(value) if isinstance(value, (str, tuple)) else cut(str(value))
