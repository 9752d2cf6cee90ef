"""A resumed or repeated training must not depend on these: where it stopped, the optimizer, workers, the cache, the process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from children import PATIENCE, SEED
from kills import timeless
from test_both_backends import equal, weights
from test_prototype import expert, state
from tiny_networks import build_tiny
from whole import WHOLE

from monklite import Prototype
from monklite.catalog import OPTIMIZERS
from monklite.catalog.backends import BUILT_IN
from monklite.runs import history
from monklite.runs.file_names import HISTORY
from monklite.runs.workspace import Workspace
from monklite.training import engine

BACKENDS = tuple(BUILT_IN)

STOPS = (2, 7)  # an epoch has three steps and two batches of validation: within the first one, then judging the second
RATE = 0.002


def optimizer(name: str, **values: float) -> Callable[[Prototype], None]:
    return lambda ptf: getattr(ptf, f"optimizer_{name}")(RATE, **values)


def plateau(ptf: Prototype) -> None:
    """The rate falls after every epoch: none is better by that much."""
    ptf.lr_plateau_decrease(factor=0.5, patience=0, threshold=0.99)


def one_cycle(ptf: Prototype) -> None:
    """The rate differs in every step, and the first gradient enters the momentum in another way than the others."""
    ptf.optimizer_sgd(RATE, momentum=0.9, momentum_dampening_rate=0.5)
    ptf.lr_one_cycle(warmup_share=0.5)


def warm_up(ptf: Prototype) -> None:
    """It does so in the first two epochs, of AdamW, whose state the largest moments belong to."""
    ptf.optimizer_adamw(RATE, amsgrad=True)
    ptf.lr_cosine_decrease(warmup_epochs=2)


def crops(ptf: Prototype) -> None:
    ptf.apply_random_resized_crop(32, scale=(0.3, 1.0), train=True)


def batch_statistics(ptf: Prototype) -> None:
    ptf.update_model_name("resnet18")


def averages(ptf: Prototype) -> None:
    batch_statistics(ptf)
    ptf.update_ema_decay(0.9)


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept and restored does not depend on the network: those of this process are tiny, with all kinds of state."""
    for backend in BACKENDS:
        build_tiny(monkeypatch, backend)


SETUPS = {name: optimizer(name) for name in OPTIMIZERS}
SETUPS |= {"momentum": optimizer("sgd", momentum=0.9), "weight decay": optimizer("adam", weight_decay=0.01)}
SETUPS |= {"clipnorm": optimizer("sgd", clipnorm=0.1), "clipvalue": optimizer("adam", clipvalue=1e-3)}
SETUPS |= {
    "plateau": plateau,
    "one cycle": one_cycle,
    "warm-up": warm_up,
    "crops": crops,
    "statistics": batch_statistics,
    "averages": averages,
}
# the state of an optimizer is kept by its backend, in one way for all: each optimizer on one of the two, in turn
CASES = [
    (b, s) for i, s in enumerate(SETUPS) for b in (BACKENDS if s not in OPTIMIZERS or WHOLE else BACKENDS[i % 2 :: 2])
]


def set_up(patterns: Path, experiment: str, backend: str, setup: str, epochs: int = 3) -> Prototype:
    ptf = expert(patterns, experiment=experiment, epochs=epochs, backend=backend)
    ptf.update_seed(SEED)
    SETUPS[setup](ptf)
    return ptf


def stopped(ptf: Prototype, after: int) -> None:
    """Train, and be asked to stop after so many batches."""
    batch_done, count = engine.Loop._batch_done, []

    def counted(loop: engine.Loop) -> None:
        count.append(1)
        loop.stop = len(count) == after
        batch_done(loop)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(engine.Loop, "_batch_done", counted)
        ptf.Train()


def rows(experiment: str) -> list[dict[str, float]]:
    return timeless(history.read(Workspace().find("p", experiment).logs / HISTORY))


@pytest.mark.parametrize(("backend", "setup"), CASES)
def test_a_training_stopped_within_its_epochs_ends_the_same(workspace, patterns, backend: str, setup: str) -> None:
    unbroken = set_up(patterns, "unbroken", backend, setup)
    unbroken.Train()
    stopped(set_up(patterns, "broken", backend, setup), STOPS[0])
    stopped(Prototype("p", "broken", resume_train=True, backend=backend, verbose=0), STOPS[1])
    resumed = Prototype("p", "broken", resume_train=True, backend=backend, verbose=0)
    resumed.Train()
    assert equal(weights(unbroken), weights(resumed))
    assert rows("unbroken") == rows("broken")
    best, again = state("unbroken").results, state("broken").results
    assert (best.best_epoch, best.best_val_accuracy) == (again.best_epoch, again.best_val_accuracy)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_plateau_case_does_decrease_the_rate(workspace, patterns, backend: str) -> None:
    set_up(patterns, "e", backend, "plateau").Train()
    rates = [row["learning_rate"] for row in rows("e")]
    assert rates[0] > rates[-1]


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_setup_gives_other_weights(workspace, patterns, backend: str) -> None:
    """Otherwise the cases would test the same thing many times."""
    few = ["adam", "averages", "clipvalue", "crops", "plateau"]
    found = []
    for setup in few:
        ptf = set_up(patterns, setup, backend, setup)
        ptf.Train()
        found.append(weights(ptf))
    assert not any(equal(a, b) for i, a in enumerate(found) for b in found[:i])


# Other processes, other workers, other caches

REPEAT = """
import sys, json, hashlib, numpy as np
from monklite import Prototype
backend, images, workspace, experiment, workers, seed = sys.argv[1:]
ptf = Prototype("p", experiment, backend=backend, workspace=workspace, verbose=0)
ptf.update_seed(int(seed))
ptf.Dataset_Params(dataset_path=images, split=0.67, input_size=32, batch_size=6, num_processors=int(workers))
ptf.apply_random_resized_crop(32, train=True)
ptf.apply_random_horizontal_flip(train=True)
ptf.apply_normalize(train=True, val=True, test=True)
ptf.Dataset()
ptf.Model_Params(model_name="squeezenet1_1", freeze_base_network=False, use_pretrained=False)
ptf.Model()
ptf.optimizer_adam(0.001)
ptf.Training_Params(num_epochs=2, save_intermediate_models=False)
ptf.Train()
models = ptf._experiment.run.models
sums = {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(models.iterdir()) if f.name != "resume_state"}
print(json.dumps([sums, type(ptf._experiment.data.train.store).__name__]))
"""
CIRCUMSTANCES = [("cold", "1", "no"), ("cold", "3", "no"), ("streaming", "2", "yes")]


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_the_same_seed_gives_the_same_files_three_times(patterns: Path, tmp_path: Path, backend: str) -> None:
    """Three processes that share nothing, and a fourth with the cache of the first."""
    cases = [*CIRCUMSTANCES, ("cold", "2", "no")]
    spaces = [tmp_path / str(i) for i in range(3)] + [tmp_path / "0"]
    found = [
        trained_in_a_process(backend, patterns, space, f"e{i}", workers, streaming, str(i))
        for i, (space, (_, workers, streaming)) in enumerate(zip(spaces, cases, strict=True))
    ]
    assert [store for _, store in found] == ["CachedStore", "CachedStore", "StreamingStore", "CachedStore"]
    assert len({json.dumps(sums) for sums, _ in found}) == 1
    assert len(list((tmp_path / "0" / ".cache").glob("*.index.npz"))) == 2  # training and validation, decoded once


def trained_in_a_process(backend: str, images: Path, workspace: Path, *words: str) -> tuple[dict[str, str], str]:
    experiment, workers, streaming, seed = words
    done = subprocess.run(
        [sys.executable, "-c", REPEAT, backend, str(images), str(workspace), experiment, workers, str(SEED)],
        capture_output=True, text=True, timeout=PATIENCE, check=False,
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[1])}
        | ({"MONKLITE_CACHE_GB": "0"} if streaming == "yes" else {}),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
