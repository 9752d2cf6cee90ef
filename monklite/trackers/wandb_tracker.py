"""Weights & Biases: a run in files of the workspace, which `wandb sync` sends; online only if the user's environment says so."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..files import make_folder
from .tracked import FINISHED, FOLDER, Tracked

OFFLINE = "offline"


class WandbTracker:
    """See `Tracker`. The run is one of its own: one that the user has begun is not touched."""

    def __init__(self, run: Tracked, known: str) -> None:
        import wandb

        folder = run.root / FOLDER
        make_folder(folder)
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT") or run.project,
            group=run.experiment,
            name=f"{run.experiment}-{run.name}",
            notes=run.notes or None,
            tags=run.tags or None,
            config={**run.settings, **run.facts},
            id=known or None,
            resume="allow" if known else None,
            mode=os.environ.get("WANDB_MODE") or OFFLINE,  # type: ignore[arg-type]  # wandb checks it
            dir=os.environ.get("WANDB_DIR") or str(folder),
            reinit="create_new",
            settings=wandb.Settings(
                silent=True, console="off", disable_git=True, disable_code=True, x_disable_stats=True
            ),
        )
        self.id = str(self._run.id)
        self.where = str(Path(self._run.dir).parent if self._run.offline else self._run.url)
        # a name of letters, digits and these signs
        self._files = re.sub(r"[^\w.-]", "_", f"{run.project}-{run.experiment}-{run.name}", flags=re.ASCII)

    def epoch(self, number: int, figures: Mapping[str, float], moment: float) -> None:
        self._run.log({"epoch": number, **figures}, step=number, commit=True)

    def end(self, status: str, summary: Mapping[str, float], files: Sequence[Path]) -> None:
        import wandb

        self._run.summary.update({**summary, "status": status})
        kept = wandb.Artifact(self._files, type="run")
        for file in files:
            kept.add_file(str(file), name=file.name)
        self._run.log_artifact(kept)
        self._run.finish(exit_code=0 if status == FINISHED else 1)
