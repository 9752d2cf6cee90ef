"""TensorBoard: a folder of events for each run, with its settings for the page HPARAMS."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..files import make_folder
from .tracked import FINISHED, Tracked


class TensorboardTracker:
    """See `Tracker`. It writes events with TensorBoard's own writer, which needs no framework."""

    def __init__(self, run: Tracked, known: str) -> None:
        from tensorboard.plugins.hparams import metadata
        from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionStartInfo
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        folder = run.folder("tensorboard")
        if base := os.environ.get("TENSORBOARD_LOGGING_DIR"):
            folder = Path(base, run.project, run.experiment, run.name)
        make_folder(folder)
        self.id = self.where = str(folder)
        self._writer = EventFileWriter(self.where)
        if known != self.id:
            start = SessionStartInfo(start_time_secs=run.began)
            for name, value in run.settings.items():
                _set(start.hparams[name], value)
            self._add_session(metadata.SESSION_START_INFO_TAG, HParamsPluginData(session_start_info=start), run.began)
            self._writer.flush()

    def epoch(self, number: int, figures: Mapping[str, float], moment: float) -> None:
        self._scalars(figures, number, moment)
        self._writer.flush()

    def end(self, status: str, summary: Mapping[str, float], files: Sequence[Path]) -> None:
        from tensorboard.plugins.hparams import api_pb2, metadata
        from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo

        now, last = time.time(), int(summary.get("epochs_completed", 0))
        self._scalars({f"summary/{name}": value for name, value in summary.items()}, last, now)
        # the first end counts there, and a training that was stopped or failed may be resumed
        if status == FINISHED:
            end = SessionEndInfo(status=api_pb2.Status.STATUS_SUCCESS, end_time_secs=now)
            self._add_session(metadata.SESSION_END_INFO_TAG, HParamsPluginData(session_end_info=end), now)
        self._writer.close()

    def _scalars(self, figures: Mapping[str, float], step: int, moment: float) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary

        values = [Summary.Value(tag=name, simple_value=value) for name, value in figures.items()]
        self._add(Summary(value=values), step, moment)

    def _add_session(self, tag: str, content: Any, moment: float) -> None:
        """The beginning or the end, as the page HPARAMS reads it; TensorBoard's own function for it needs TensorFlow."""
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.plugins.hparams import metadata

        about = metadata.create_summary_metadata(content)
        self._add(Summary(value=[Summary.Value(tag=tag, metadata=about, tensor=metadata.NULL_TENSOR)]), 0, moment)

    def _add(self, summary: Any, step: int, moment: float) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        self._writer.add_event(Event(wall_time=moment, step=step, summary=summary))


def _set(field: Any, value: str | int | float | bool) -> None:
    if isinstance(value, bool):
        field.bool_value = value
    elif isinstance(value, str):
        field.string_value = value
    else:
        field.number_value = value
