"""The study of a search: Optuna's record of its trials, in a file that several processes share."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...catalog.rows import check_installed
from ...errors import InvalidValue, StorageError, cut, shown
from ...locks import Lock
from .space import Dimension

if TYPE_CHECKING:
    import optuna

FILE, LOCK = "study.db", ".study.lock"
# the metric of which less is better
LOSS = "loss"
# seconds between signs of life of a trial, and those after which a silent one is taken up by another process
BEAT, SILENCE = 5, 20
# seconds that a process waits for another one that writes
PATIENCE = 60
SPACE, PROBLEM, RUN = "monklite: space", "monklite: problem", "monklite: run"
# trials before the sampler uses what it has learnt
STARTUP = 5


def require() -> None:
    """Refuse a search without Optuna. Raises MissingPackage."""
    check_installed("optuna", "Search finds settings with Optuna")


def opened(
    folder: Path,
    name: str,
    dimensions: Sequence[Dimension],
    seed: int,
    metric: str,
    prune: bool,
    settings: Sequence[str],
) -> optuna.Study:
    """The study in a folder, new or as other calls and processes have left it.

    Args:
        settings: what else all trials have in common, in words.

    Raises:
        InvalidValue: it is of another space or metric, or of other settings or images. StorageError: the file cannot be used.
    """
    import optuna

    # of two processes that begin at once, one makes the file
    with Lock(folder / LOCK), quiet(), _in_words(folder / FILE):
        storage = optuna.storages.RDBStorage(
            f"sqlite:///{(folder / FILE).absolute().as_posix()}",
            engine_kwargs={"connect_args": {"timeout": PATIENCE}},
            heartbeat_interval=BEAT,
            grace_period=SILENCE,
            heartbeat_stale_trial_callback=optuna.storages.RetryHeartbeatStaleTrialCallback(),
        )
        study = optuna.create_study(
            storage=storage,
            study_name=name,
            load_if_exists=True,
            direction="minimize" if metric == LOSS else "maximize",
            sampler=sampler(seed, 0),
            # asynchronous successive halving: no process waits for others
            pruner=optuna.pruners.SuccessiveHalvingPruner() if prune else optuna.pruners.NopPruner(),
        )
        described = [*(str(dimension) for dimension in dimensions), f"metric: {metric}", *settings]
        known = study.user_attrs.get(SPACE)
        if known is None:
            study.set_user_attr(SPACE, json.dumps(described))
            return study
    if json.loads(known) != described:
        other = next((d for d in described if d not in json.loads(known)), "another order")
        raise InvalidValue(
            f"the search {shown(name)} is of another space, metric, setting or image already ({cut(other)} is new): give this "
            "one another name= so that its trials are kept apart"
        )
    return study


def sampler(seed: int, number: int) -> optuna.samplers.BaseSampler:
    """The sampler of a trial by its number: the same for a repeated call, another for each of several processes."""
    import numpy as np
    import optuna

    own = int(np.random.SeedSequence((seed, number)).generate_state(1)[0])
    with quiet():
        # trials that are being trained count as bad ones, so that processes do not try the same
        return optuna.samplers.TPESampler(seed=own, n_startup_trials=STARTUP, constant_liar=True)


@contextmanager
def _in_words(file: Path) -> Iterator[None]:
    import sqlalchemy.exc
    from optuna.exceptions import StorageInternalError

    try:
        yield
    except (sqlalchemy.exc.SQLAlchemyError, StorageInternalError, OSError) as error:
        raise StorageError(
            f"{file} cannot be used: {cut(str(error.__cause__ or error))}. On a network share, which may refuse locks, put the "
            "workspace on a drive of this machine"
        ) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Without Optuna's own lines: monklite tells what each trial gave."""
    import optuna

    level = optuna.logging.get_verbosity()
    # it tells failed trials with their place in the program, also those that are no failures here
    optuna.logging.set_verbosity(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        try:
            yield
        finally:
            optuna.logging.set_verbosity(level)


def is_over(trial: optuna.trial.FrozenTrial) -> bool:
    """Whether a trial is one of those that were asked for: trained, pruned, or failed by itself; not one that was killed."""
    from optuna.trial import TrialState

    return trial.state in (TrialState.COMPLETE, TrialState.PRUNED) or PROBLEM in trial.user_attrs


def surplus(study: optuna.Study, number: int, n_trials: int) -> bool:
    """Whether a trial that has just begun is one too many, because other processes have begun the last ones."""
    from optuna.trial import TrialState

    before = (t for t in study.get_trials(deepcopy=False) if t.number < number)
    return sum(is_over(t) or t.state == TrialState.RUNNING for t in before) >= n_trials


def take_up_killed(study: optuna.Study) -> None:
    """Queue the trials of processes that were killed again."""
    from optuna.storages import fail_stale_trials

    with quiet():
        fail_stale_trials(study)


def quiet_optimize(study: optuna.Study, objective: Any, catch: tuple[type[Exception], ...]) -> None:
    """One trial, with its signs of life."""
    with quiet():
        study.optimize(objective, n_trials=1, catch=catch, callbacks=())
