"""The Ray cluster that trials run on: one that is there, or one of this machine's processors that is started for the search."""

from __future__ import annotations

import logging
import math
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ...catalog.rows import check_installed
from ...errors import InvalidValue, NotReady, cut
from ...processors import cpu_count
from ...training.progress import Say

ADDRESS = "RAY_ADDRESS"
# seconds
PATIENCE = 10.0
# seconds between looks at the head, and looks at which it may be silent
LOOK_EVERY, MOST_SILENT = 1.0, 2


@dataclass(frozen=True)
class Share:
    """What each trial gets of the cluster. `gpus`: None: one, if the cluster has any."""

    cpus: float = 1.0
    gpus: float | None = None


def require() -> None:
    """Refuse a search on a cluster without Ray. Raises MissingPackage."""
    check_installed("ray", "on='ray' trains on the machines of a Ray cluster")


@contextmanager
def connected(say: Say) -> Iterator[None]:
    """Be connected with a cluster: with the one that the program is connected with already, with that of `RAY_ADDRESS`, with one
    that runs on this machine, or else with one that is started for this search and ended with it.

    Raises:
        NotReady: there is none at `RAY_ADDRESS`, or it is of another version of Ray or Python.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # a thread that comes late starts no cluster
    os.environ.setdefault("RAY_ENABLE_AUTO_CONNECT", "0")
    import ray

    if ray.is_initialized():
        yield
        return
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR, "configure_logging": True}
    address = os.environ.get(ADDRESS)
    if address:
        _check_answers(address)
    try:
        try:
            ray.init(address=address or "auto", **quiet)
        except ConnectionError as error:
            if address:
                raise _no_cluster(address, str(error)) from error
            say("No Ray cluster runs here, so the processors of this machine are used\n")
            ray.init(num_cpus=cpu_count(), include_dashboard=False, _node_ip_address="127.0.0.1", **quiet)
    # of another version of Ray or Python
    except RuntimeError as error:
        raise NotReady(f"the Ray cluster cannot be used: {cut(str(error))}") from error
    try:
        yield
    # a farewell to a head that is gone would wait for it; so would Ray's own hook, which tells the head of errors
    except HeadLost:
        sys.excepthook = sys.__excepthook__
        raise
    except BaseException:
        ray.shutdown()
        raise
    ray.shutdown()


class HeadLost(NotReady):
    """The head of the cluster does not answer any more."""


class Head:
    """Looks from time to time whether the head of the cluster still answers; without it, Ray ends the program after a while."""

    def __init__(self) -> None:
        import ray

        self._address = str(ray.get_runtime_context().gcs_address)
        self._looked, self._silent = time.monotonic(), 0

    def check(self) -> None:
        """Raises HeadLost: it has not answered several times."""
        if time.monotonic() - self._looked < LOOK_EVERY:
            return
        self._looked = time.monotonic()
        self._silent = self._silent + 1 if _reason_of_silence(self._address) else 0
        if self._silent >= MOST_SILENT:
            raise HeadLost(
                f"the head of the Ray cluster at {self._address} does not answer any more. The trials that are finished stay: "
                "start a cluster again, and make the same call, which goes on. Ray may end this program now"
            )


def _check_answers(address: str) -> None:
    """Ray itself tries for minutes. Raises NotReady."""
    if reason := _reason_of_silence(address):
        raise _no_cluster(address, reason)


def _reason_of_silence(address: str) -> str:
    """Why nobody answers at `host:port`; "": somebody does, or it is an address of another kind."""
    host, colon, port = address.rpartition("//")[2].rpartition(":")
    if colon and port.isdigit():
        try:
            socket.create_connection((host.strip("[]"), int(port)), PATIENCE).close()
        except OSError as error:
            return error.strerror or str(error)
    return ""


def _no_cluster(address: str, reason: str) -> NotReady:
    return NotReady(
        f"no Ray cluster answers at {ADDRESS}={address} ({cut(reason)}): start one with 'ray start --head' there, and "
        "'ray start --address=...' on each further machine"
    )


def shares(wanted: Share) -> tuple[Share, int]:
    """What a trial gets, and how many are trained at once.

    Raises:
        InvalidValue: no machine of the cluster has so much.
    """
    import ray

    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    gpus = wanted.gpus
    if gpus is None:
        gpus = 1.0 if any(node.get("GPU", 0) for node in nodes) else 0.0
    fits = [_fits(node.get("CPU", 0), wanted.cpus, node.get("GPU", 0), gpus) for node in nodes]
    if not sum(fits):
        most = max((node.get("CPU", 0), node.get("GPU", 0)) for node in nodes)
        raise InvalidValue(
            f"no machine of the cluster has {wanted.cpus:g} processors and {gpus:g} GPUs for a trial: the largest has "
            f"{most[0]:g} and {most[1]:g}; give a smaller cpus_per_trial or gpus_per_trial"
        )
    return Share(wanted.cpus, gpus), sum(fits)


def _fits(cpus: float, of_cpus: float, gpus: float, of_gpus: float) -> int:
    by_gpu = math.floor(gpus / of_gpus) if of_gpus else math.inf
    return int(min(math.floor(cpus / of_cpus), by_gpu))
