"""A search on a Ray cluster of several processes: the same results, a lost worker, other disks, a lost head, Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from hostile_runs import ON_REQUEST

from monklite import Prototype
from monklite.catalog import rows
from monklite.errors import InvalidType, InvalidValue, MissingPackage, NotReady
from monklite.runs import history
from monklite.runs.file_names import HISTORY
from monklite.runs.workspace import Workspace
from monklite.sweeps.cluster import connection, images
from monklite.sweeps.searching.search import Pruning

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not rows.is_installed("ray") or os.name == "nt", reason="Ray is not installed"),
]
RATE = "training.optimizer.params.learning_rate"
SPACE = {RATE: (1e-4, 1e-1, "log"), "data.batch_size": [8, 16]}
STORE = "--object-store-memory=80000000"


class Cluster:
    """Nodes that are processes of this machine and listen on 127.0.0.1. `cpus`: of the first; the others have one each."""

    def __init__(self, place: Path, cpus: int) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self._place, self._files = place, tempfile.mkdtemp(prefix="r", dir="/tmp")
        self.nodes: list[subprocess.Popen[bytes]] = []
        port = self.address.rpartition(":")[2]
        self._start(
            "--head", f"--port={port}", f"--num-cpus={cpus}", "--include-dashboard=false", f"--temp-dir={self._files}"
        )

        end = time.monotonic() + 180
        # the others look for it once
        while time.monotonic() < end and not self._answers(int(port)):
            time.sleep(0.2)

    @staticmethod
    def _answers(port: int) -> bool:
        with socket.socket() as tried:
            return tried.connect_ex(("127.0.0.1", port)) == 0

    def add(self, n: int = 1) -> None:
        for _ in range(n):
            self._start(f"--address={self.address}", "--num-cpus=1")
            # two that start at the same moment on one machine take the same socket
            self.wait(sum(node.poll() is None for node in self.nodes))

    def _start(self, *words: str) -> None:
        command = [
            str(Path(sys.executable).with_name("ray")),
            "start",
            *words,
            "--node-ip-address=127.0.0.1",
            STORE,
            "--block",
        ]
        # the workers' folder is not that of the tests
        self.nodes.append(
            subprocess.Popen([*command, "--disable-usage-stats"] if "--head" in words else command, cwd=self._place,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        )  # fmt: skip

    def wait(self, nodes: int) -> None:
        """Wait until there are so many nodes."""
        import ray

        end = time.monotonic() + 180
        while time.monotonic() < end:
            try:
                ray.init(address=self.address, log_to_driver=False, logging_level="ERROR")
                while time.monotonic() < end:
                    if sum(node["Alive"] for node in ray.nodes()) >= nodes:
                        return
                    time.sleep(0.2)
            except (ConnectionError, RuntimeError):
                time.sleep(0.5)
            finally:
                ray.shutdown()
        raise TimeoutError("the cluster did not start")

    def kill(self, node: int) -> None:
        """End a node with all its processes at once, as a power failure does."""
        family = psutil.Process(self.nodes[node].pid)
        for process in [*family.children(recursive=True), family]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.nodes[node].wait()

    def close(self) -> None:
        for node, process in enumerate(self.nodes):
            if process.poll() is None:
                self.kill(node)


@pytest.fixture(scope="module", autouse=True)
def no_token() -> Iterator[None]:
    """A token that somebody has made for this machine is asked for by new clusters, and belongs to none of these."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")
        yield


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    # one node with two workers: each further node takes half a minute to start on a busy machine
    made = Cluster(tmp_path_factory.mktemp("node"), cpus=2)
    try:
        made.wait(1)
        yield made
    finally:
        made.close()


@pytest.fixture
def joined(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    monkeypatch.setenv(connection.ADDRESS, cluster.address)
    return cluster


def opened(
    patterns: Path, workspace: Path | str = "workspace", name: str = "e", epochs: int = 2, verbose: int = 0
) -> Any:
    ptf = Prototype("p", name, workspace=workspace, verbose=verbose)
    ptf.Dataset_Params(patterns, split=0.7, input_size=32, batch_size=16)
    ptf.Model_Params("squeezenet1_1", freeze_base_network=True, use_pretrained=False)
    ptf.Training_Params(num_epochs=epochs)
    return ptf


def figures(workspace: Path, name: str) -> dict[str, list[tuple[float, ...]]]:
    """What each trial gave in each epoch, by its settings."""
    found = {}
    for run in Workspace(workspace).versions("p", name):
        state, rows_of_run = run.state(), history.read(run.logs / HISTORY)
        key = f"{state.asked.training.optimizer.params['learning_rate']} {state.asked.data.batch_size}"
        found[key] = [(row.train_loss, row.val_loss, row.val_accuracy) for row in rows_of_run]
    return found


def of_trials(found: Any) -> list[tuple[int, str, float, dict[str, Any]]]:
    return sorted((t.number, t.state, t.value, dict(t.values)) for t in found.trials)


def test_a_cluster_gives_what_one_process_gives_and_repeats_nothing(
    joined: Cluster, workspace: Path, patterns: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = opened(patterns, name="one").Search(trials=3, space=SPACE, prune=False)
    found = opened(patterns).Search(trials=3, space=SPACE, prune=False, on="ray")
    assert of_trials(found) == of_trials(alone)
    # other threads add in another order
    for key, rows_of_trial in figures(workspace, "one-search").items():
        for row, other in zip(rows_of_trial, figures(workspace, "e-search")[key], strict=True):
            assert other == pytest.approx(row, abs=1e-5)
    made = sorted(run.folder.name for run in Workspace().versions("p", "e-search"))
    again = opened(patterns).Search(trials=3, space=SPACE, prune=False, on="ray")
    assert sorted(run.folder.name for run in Workspace().versions("p", "e-search")) == made and len(made) == 3
    assert of_trials(again) == of_trials(found)
    assert not list(workspace.glob(".cluster-*"))


def test_a_loser_is_ended_early_on_its_worker(
    joined: Cluster, workspace: Path, patterns: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_behind(pruning: Pruning) -> bool:
        pruning.pruned = pruning.pruned or pruning.trial.number == 1
        return pruning.pruned

    # how the study decides is tested without a cluster
    monkeypatch.setattr(Pruning, "_is_behind", is_behind)
    found = opened(patterns, epochs=4).Search(trials=3, space=SPACE, on="ray")
    assert {t.number: t.state for t in found.trials} == {0: "trained", 1: "pruned", 2: "trained"}
    for trial in found.trials:
        run = Workspace().find("p", "e-search", trial.run)
        assert len(history.read(run.logs / HISTORY)) == (1 if trial.number == 1 else 4)
        assert ("pruned" in run.state().tags) == (trial.number == 1)


@pytest.mark.parametrize("what", ["worker", pytest.param("node", marks=ON_REQUEST)])
def test_the_trial_of_a_lost_worker_goes_on_elsewhere(
    what: str, joined: Cluster, workspace: Path, patterns: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if what == "node":
        joined.add()
    killed: list[int] = []

    def kill_once() -> None:
        """Wait until a trial has trained an epoch, then end it."""
        end = time.monotonic() + 100
        while time.monotonic() < end and not killed:
            # the first one is the driver's
            for node, process in list(enumerate(joined.nodes))[1 if what == "node" else 0 :]:
                if process.poll() is not None or not has_epochs(workspace):
                    continue
                for child in psutil.Process(process.pid).children(recursive=True):
                    if child.name().startswith("ray::train") and not killed:
                        killed.append(node)
                        joined.kill(node) if what == "node" else child.kill()
            time.sleep(0.05)

    thread = threading.Thread(target=kill_once)
    thread.start()
    found = opened(patterns, epochs=25, verbose=1).Search(trials=3, space=SPACE, prune=False, on="ray")
    thread.join()
    assert killed, "nothing was killed"
    assert "was lost: it goes on elsewhere" in capsys.readouterr().out
    assert [t.state for t in found.trials] == ["trained"] * 3
    done = [run for run in Workspace().versions("p", "e-search") if run.state().status == "done"]
    assert len(done) == 3 and all(len(history.read(run.logs / HISTORY)) == 25 for run in done)


def has_epochs(workspace: Path) -> bool:
    return any(file.stat().st_size > 200 for file in workspace.glob("p/e-search/v*/output/logs/history.csv"))


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="needs Linux")
@pytest.mark.parametrize("there", [pytest.param(True, marks=ON_REQUEST), False])
def test_what_a_worker_cannot_reach_is_sent(
    there: bool, joined: Cluster, workspace: Path, patterns: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path that leads each process to a folder of its own is one that the workers do not have."""
    own = Path("/proc/self/cwd")
    (workspace.parent / "images").symlink_to(patterns)
    given = patterns if there else own / "images"
    ptf = opened(given, workspace=own / "workspace")
    found = ptf.Search(trials=2, space=SPACE, prune=False, on="ray")
    assert [t.state for t in found.trials] == ["trained"] * 2
    for run in Workspace(workspace).versions("p", "e-search"):
        state = run.state()
        assert state.status == "done" and [s.path for s in state.asked.data.sources] == [str(given)]
        assert state.resolved is not None and [s.path for s in state.resolved.data.sources] == [str(given)]
    # what came back is whole, and open
    ptf.Dataset_Params(dataset_path=patterns)
    ptf.Dataset()
    assert 0 <= ptf.Evaluate()[0] <= 100


def test_images_that_cannot_be_sent_are_told(
    joined: Cluster, workspace: Path, patterns: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(images, "MOST", 100)
    from monklite.spec import Folders, Table

    with pytest.raises(InvalidValue, match="more than 100 bytes|too much to send"):
        images.packed((Folders(path=str(patterns)),))
    with pytest.raises(InvalidValue, match="images of a table are not sent"):
        images.packed((Table(path=str(patterns), csv="x.csv"),))


def test_a_trial_that_no_machine_can_train_is_refused(joined: Cluster, workspace: Path, patterns: Path) -> None:
    with pytest.raises(InvalidValue, match="no machine of the cluster has 64 processors and 0 GPUs for a trial"):
        opened(patterns).Search(trials=1, space=SPACE, on="ray", cpus_per_trial=64)
    with pytest.raises(InvalidValue, match="no machine of the cluster has 1 processors and 1 GPUs"):
        opened(patterns).Search(trials=1, space=SPACE, on="ray", gpus_per_trial=1)


def test_wrong_clusters_are_told(workspace: Path, patterns: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ptf = opened(patterns)
    for given, error, message in (
        ({"on": "dask"}, InvalidValue, "on must be"),
        ({"on": 5}, InvalidType, "on must be"),
        ({"on": "ray", "cpus_per_trial": 0}, InvalidValue, "cpus_per_trial must be"),
        ({"on": "ray", "gpus_per_trial": -1}, InvalidValue, "gpus_per_trial must be"),
    ):
        with pytest.raises(error, match=message):
            ptf.Search(trials=1, space=SPACE, **given)
    monkeypatch.setenv(connection.ADDRESS, "127.0.0.1:9")
    with pytest.raises(NotReady, match="no Ray cluster answers at RAY_ADDRESS=127.0.0.1:9 .*ray start --head"):
        ptf.Search(trials=1, space=SPACE, on="ray")
    monkeypatch.setattr(rows, "is_installed", lambda package: package != "ray")
    with pytest.raises(MissingPackage, match=r'Ray cluster, which needs ray: pip install "monklite\[ray\]"'):
        ptf.Search(trials=1, space=SPACE, on="ray")


DRIVER = """
import sys
from monklite import Prototype
ptf = Prototype("p", "e", verbose=1)
ptf.Dataset_Params(sys.argv[1], split=0.7, input_size=32, batch_size=16)
ptf.Model_Params("squeezenet1_1", freeze_base_network=True, use_pretrained=False)
ptf.Training_Params(num_epochs=int(sys.argv[2]))
space = {"training.optimizer.params.learning_rate": (1e-4, 1e-1, "log"), "data.batch_size": [8, 16]}
ptf.Search(trials=int(sys.argv[3]), space=space, prune=False, on="ray")
"""


def test_a_stopped_driver_saves_and_goes_on(joined: Cluster, workspace: Path, patterns: Path) -> None:
    words = [sys.executable, "-c", DRIVER, str(patterns), "60", "2"]
    driver = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        end = time.monotonic() + 100
        while not has_epochs(workspace) and time.monotonic() < end and driver.poll() is None:
            time.sleep(0.1)
        driver.send_signal(signal.SIGINT)
        output, _ = driver.communicate(timeout=150)
    finally:
        driver.kill()
    assert driver.returncode not in (0, -9), output
    runs = Workspace().versions("p", "e-search")
    assert runs and all(run.state().status == "interrupted" for run in runs), output
    before = {run.folder.name: len(history.read(run.logs / HISTORY)) for run in runs}
    found = opened(patterns, epochs=60).Search(trials=2, space=SPACE, prune=False)
    assert [t.state for t in found.trials if t.state == "trained"] == ["trained"] * 2
    # resumed, not repeated, but for one of which nothing was saved yet
    done = {run.folder.name for run in Workspace().versions("p", "e-search") if run.state().status == "done"}
    assert len(done) == 2 and {name for name, epochs in before.items() if epochs} <= done


def test_what_is_done_stays_when_the_head_is_lost(
    workspace: Path, patterns: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    own = Cluster(tmp_path_factory.mktemp("node"), cpus=1)
    try:
        own.wait(1)
        words = [sys.executable, "-c", DRIVER, str(patterns), "12", "4"]
        environment = {**os.environ, connection.ADDRESS: own.address}
        driver = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
        try:
            end = time.monotonic() + 100

            def done() -> list[str]:
                runs = Workspace().versions("p", "e-search")
                return [
                    r.folder.name
                    for r in runs
                    if (r.folder / "experiment-state.json").exists() and r.state().status == "done"
                ]

            while not done() and time.monotonic() < end and driver.poll() is None:
                time.sleep(0.1)
            kept = done()
            # that of the whole cluster; without the process of its own machine, Ray ends the driver in words of its own
            for process in psutil.Process(own.nodes[0].pid).children(recursive=True):
                if process.name().startswith("gcs_server"):
                    process.kill()
            output, _ = driver.communicate(timeout=150)
        finally:
            driver.kill()
    finally:
        own.close()
    assert kept and driver.returncode == 1, output
    assert "does not answer any more. The trials that are finished stay" in output
    # the same call without the cluster trains the others only
    found = opened(patterns, epochs=12).Search(trials=4, space=SPACE, prune=False)
    assert [t.state for t in found.trials].count("trained") == 4
    assert {*kept} <= {t.run for t in found.trials}
