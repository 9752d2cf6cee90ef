"""Training by settings that are given whole, such as those of a file."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ..runs.run import Run
from ..spec import Spec
from .prototype import prototype


def train_by(
    asked: Spec,
    project: str,
    experiment: str,
    workspace: str | os.PathLike[str],
    resume_train: bool | str = False,
    trackers: Sequence[str] = (),
) -> Run:
    """Train an experiment with these settings; returns its run.

    Args:
        resume_train: as of `Prototype`. trackers: as of `update_trackers`; (): those of the environment.

    Raises:
        The errors of `Prototype`, `Default` and `Train`.
    """
    ptf = prototype(backend=asked.backend, workspace=workspace)
    ptf.Prototype(project, experiment, resume_train=resume_train)
    ptf._experiment.change({"seed": asked.seed, "data": asked.data, "model": asked.model, "training": asked.training})
    ptf.update_trackers(trackers or None)
    ptf.Reload()
    ptf.Train()
    return ptf._opened.run
