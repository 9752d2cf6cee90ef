"""The learning-rate range test: what it suggests, what it writes, and that it leaves everything as it was."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_features import weights
from test_fine_tuning import arrays, experiment
from test_fine_tuning import rows as history
from tiny_networks import build_tiny

from monklite import Prototype
from monklite.errors import InvalidType, InvalidValue, NotReady, TrainingFailed
from monklite.training import rate_test
from monklite.training.rate_test import RateTest, growing


def test_the_suggestion_is_where_the_loss_falls_fastest() -> None:
    rates = growing(1e-6, 1.0, 121)
    # a slope in the middle of 0.001, then an explosion
    losses = [2 - 1.5 / (1 + np.exp(-3 * (np.log10(r) + 3))) + (r > 0.1) * 50 * (r - 0.1) for r in rates]
    found = RateTest(tuple(rates), tuple(losses))
    assert found.suggestion == pytest.approx(1e-3, rel=0.2)
    noise = np.random.default_rng(0).normal(0, 0.05, len(rates))
    noisy = RateTest(tuple(rates), tuple(np.array(losses) + noise))
    assert noisy.suggestion == pytest.approx(1e-3, rel=1.0)


def test_a_loss_that_does_not_fall_suggests_nothing(tmp_path: Path) -> None:
    found = RateTest(tuple(growing(1e-3, 1, 20)), tuple(1 + 0.1 * i for i in range(20)))
    assert found.suggestion is None
    with pytest.raises(TrainingFailed, match="the loss fell at none of the 20 rates .* Take a smaller lowest rate"):
        rate_test.suggested(found, tmp_path)
    assert RateTest((0.1,), (1.0,)).suggestion is None


def everything(ptf: Any, backend: str) -> dict[str, Any]:
    """Weights, optimizer, random state and rate of the live learner."""
    learner = ptf._experiment.learner
    found: dict[str, Any] = {"averages": learner.averages.count, **arrays(learner, backend)}
    if backend == "pytorch":
        found["random"] = learner._random_state.numpy().copy()
        for i, state in learner.optimizer.state_dict()["state"].items():
            found |= {f"{i} {n}": np.array(v) for n, v in state.items() if v is not None}
        found["rates"] = [(g["lr"], g.get("rate_factor")) for g in learner.optimizer.param_groups]
    else:
        found["steps"] = (learner._steps, learner.optimizer.num_update, dict(learner.optimizer._index_update_count))
        states = learner._trainer._updaters[0].states
        found |= {f"{i}": states[i].asnumpy() for i in states if states[i] is not None}
        found["rates"] = learner._trainer.learning_rate
    return found


@pytest.mark.parametrize("frozen", [False, True])
def test_it_leaves_the_learner_as_it_was(
    monkeypatch, patterns: Path, tmp_path: Path, backend: str, frozen: bool
) -> None:
    build_tiny(monkeypatch, backend)

    def made(name: str) -> Any:
        ptf = experiment(tmp_path, patterns, backend, name, epochs=2, ema_decay=0.5)
        if frozen:
            ptf.update_layer_rates(decay=1)
            ptf.update_freeze_base_network(True)
        ptf.Reload()
        return ptf

    made("plain").Train()
    ptf = made("tried")
    before = everything(ptf, backend)
    rate = ptf.Find_Learning_Rate(1e-4, 10, 40)
    after = everything(ptf, backend)
    assert before.keys() == after.keys()
    assert [n for n in before if not np.array_equal(before[n], after[n])] == []
    assert 1e-4 <= rate <= 10
    ptf.Train()
    assert weights(tmp_path, "tried") == weights(tmp_path, "plain")
    logs = ptf._experiment.run.logs
    assert (logs / "learning_rates.png").read_bytes().startswith(b"\x89PNG")
    with (logs / "learning_rates.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["learning_rate", "loss", "smoothed_loss"]
    assert float(rows[0]["learning_rate"]) == pytest.approx(1e-4)
    assert len(rows) <= 40
    assert [(r.train_loss, r.val_loss) for r in history(tmp_path, "tried")] == [
        (r.train_loss, r.val_loss) for r in history(tmp_path, "plain")
    ]


def test_it_leaves_a_trained_state_as_it_was_too(monkeypatch, patterns: Path, tmp_path: Path, backend: str) -> None:
    """With momentum, averages and random numbers of steps before."""
    build_tiny(monkeypatch, backend)
    ptf = experiment(tmp_path, patterns, backend, epochs=2, ema_decay=0.5)
    ptf.Reload()
    learner, data = ptf._experiment.learner, ptf._experiment.data
    for batch in data.train.epoch(0):
        learner.step(batch.images, batch.labels, batch.draws)
    learner.averages.swap_out()
    before = everything(ptf, backend)
    with rate_test.unchanged(learner, 0.05):
        learner.set_learning_rate(1e30)
        for batch in data.train.epoch(1):
            learner.step(batch.images, batch.labels, batch.draws)
        assert any(not np.array_equal(a, before[n]) for n, a in everything(ptf, backend).items())
    after = everything(ptf, backend)
    assert [n for n in before if not np.array_equal(before[n], after[n])] == []


def test_it_ends_where_the_loss_explodes(monkeypatch, patterns: Path, tmp_path: Path, capsys) -> None:
    build_tiny(monkeypatch, "pytorch")
    ptf = experiment(tmp_path, patterns, "pytorch")
    ptf._console.verbose = 1
    capsys.readouterr()
    rate = ptf.Find_Learning_Rate(1e-3, 1e12, 100)
    said = capsys.readouterr().out
    assert f"update_learning_rate({rate:g}) takes it" in said
    rows = (ptf._experiment.run.logs / "learning_rates.csv").read_text().splitlines()
    assert 10 < len(rows) < 95


def test_what_is_refused(monkeypatch, patterns: Path, tmp_path: Path) -> None:
    build_tiny(monkeypatch, "pytorch")
    ptf = experiment(tmp_path, patterns, "pytorch", epochs=1)
    for values, error, match in (
        ((0,), InvalidValue, "lowest must be a number above 0"),
        ((1e-3, "10"), InvalidType, "highest must be a number"),
        ((1e-3, 1e-3), InvalidValue, r"highest must be more than lowest \(0.001\), not 0.001"),
        ((1e-3, 1, 5), InvalidValue, "steps must be a whole number at least 10"),
    ):
        with pytest.raises(error, match=match):
            ptf.Find_Learning_Rate(*values)
    ptf.Train()
    resumed = Prototype("p", "e", resume_train=True, workspace=tmp_path, verbose=0)
    with pytest.raises(NotReady, match="a resumed run goes on with its learning rate"):
        resumed.Find_Learning_Rate()
