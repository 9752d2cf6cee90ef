"""MLflow: a run of the experiment that has the project's name, in a SQLite file of the workspace or on the user's server."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from ..errors import cut
from ..files import make_folder
from .tracked import FAILED, FINISHED, FOLDER, STOPPED, Tracked

STATUSES = {FINISHED: "FINISHED", STOPPED: "KILLED", FAILED: "FAILED"}
# characters of a value, and parameters in one call: limits of MLflow
MAX_VALUE, MAX_BATCH = 6000, 100
_STRANGE = re.compile(r"[^\w\-. :/]")


class MlflowTracker:
    """See `Tracker`. It uses MLflow's client, so a run that the user has begun is not touched."""

    def __init__(self, run: Tracked, known: str) -> None:
        # set before it is imported, because it reads them then
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        from mlflow import MlflowClient
        from mlflow.entities import Metric

        self._metric = Metric
        own = run.root / FOLDER / "mlflow.db"
        uri = os.environ.get("MLFLOW_TRACKING_URI")
        if not uri:
            make_folder(own.parent)
            uri = f"sqlite:///{own.absolute().as_posix()}"
        self.where = uri
        with _quiet():
            self._client = MlflowClient(tracking_uri=uri)
            self.id = known if known and self._goes_on(known) else self._begin(run)

    def epoch(self, number: int, figures: Mapping[str, float], moment: float) -> None:
        now = int(1000 * moment)
        metrics = [self._metric(_name(name), value, now, number) for name, value in figures.items()]
        self._client.log_batch(self.id, metrics=metrics)

    def end(self, status: str, summary: Mapping[str, float], files: Sequence[Path]) -> None:
        now = int(1000 * time.time())
        last = int(summary.get("epochs_completed", 0))
        metrics = [self._metric(_name(name), value, now, last) for name, value in summary.items()]
        self._client.log_batch(self.id, metrics=metrics)
        for file in files:
            self._client.log_artifact(self.id, str(file))
        self._client.set_terminated(self.id, STATUSES[status])

    def _goes_on(self, known: str) -> bool:
        """Open a run again; False if it was deleted, or is of another server."""
        from mlflow.exceptions import MlflowException

        try:
            found = self._client.get_run(known)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return False
            raise
        if found.info.lifecycle_stage != "active":
            return False
        self._client.update_run(known, status="RUNNING")
        return True

    def _begin(self, run: Tracked) -> str:
        tags = {
            "mlflow.runName": f"{run.experiment}/{run.name}",
            "mlflow.note.content": cut(run.notes, MAX_VALUE),
            "monklite.experiment": run.experiment,
            "monklite.version": run.name,
            "monklite.tags": ", ".join(run.tags),
            **{f"monklite.{name}": value for name, value in run.facts.items()},
        }
        # empty ones are refused by some servers
        kept = {key: value for key, value in tags.items() if value}
        made = self._client.create_run(self._experiment(run), start_time=int(1000 * run.began), tags=kept)
        for part in _parts(run.settings):
            self._client.log_batch(made.info.run_id, params=part)
        return str(made.info.run_id)

    def _experiment(self, run: Tracked) -> str:
        from mlflow.exceptions import MlflowException

        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or run.project
        found = self._client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        files = None
        if self.where.startswith("sqlite:"):
            # beside the database; MLflow would take the working folder
            files = (run.root / FOLDER / "mlflow-files").absolute().as_uri()
        try:
            return str(self._client.create_experiment(name, artifact_location=files))
        # another process has just made it
        except MlflowException:
            found = self._client.get_experiment_by_name(name)
            if found is None:
                raise
            return str(found.experiment_id)


def _parts(settings: Mapping[str, Any]) -> Iterator[list[Any]]:
    from mlflow.entities import Param

    values = iter(Param(_name(name), cut(str(value), MAX_VALUE)) for name, value in settings.items() if str(value))
    while part := list(islice(values, MAX_BATCH)):
        yield part


def _name(name: str) -> str:
    return _STRANGE.sub("_", name)[:250]


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the lines about the tables of a new database."""
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
