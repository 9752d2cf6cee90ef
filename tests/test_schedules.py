"""The schedules, held against those of torch, and free of state."""

from __future__ import annotations

import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from monklite.catalog import SCHEDULES
from monklite.catalog.schedules import Moment, changes_within_epochs, learning_rate
from monklite.spec import Choice

EPOCHS = 20
BASE = 0.1
VALUES = {
    "step_decrease": {"step_size": 7, "gamma": 0.5},
    "multistep_decrease": {"milestones": (3, 4, 15)},
    "exponential_decrease": {"gamma": 0.9},
    "plateau_decrease": {"patience": 1, "factor": 0.5},
}
LOSSES = [1.0, 0.9, 0.95, 0.91, 0.92, 0.5, 0.6, 0.6, 0.6, 0.6]


def chosen(name: str, **values: object) -> Choice:
    return SCHEDULES[name].choose("pytorch", values)


def ours(choice: Choice, losses: list[float] | None = None, accuracies: list[float] | None = None) -> list[float]:
    losses, accuracies = losses or [], accuracies or []
    epochs = max(EPOCHS, len(losses), len(accuracies))
    return [learning_rate(choice, Moment(BASE, e, epochs, losses[:e], accuracies[:e])) for e in range(epochs)]


def theirs(kind: type, metrics: list[float] | None = None, **options: object) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=BASE)
    schedule, rates = kind(optimizer, **options), []
    for epoch in range(EPOCHS if metrics is None else len(metrics)):
        rates.append(optimizer.param_groups[0]["lr"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # the optimizer takes no steps here
            schedule.step(*[] if metrics is None else [metrics[epoch]])
    return rates


def near(rates: list[float]) -> object:
    return pytest.approx(rates, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("gamma", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("step_size", [1, 3, 7, 30])
def test_step_decrease_is_step_lr(step_size, gamma):
    expected = theirs(torch.optim.lr_scheduler.StepLR, step_size=step_size, gamma=gamma)
    assert ours(chosen("step_decrease", step_size=step_size, gamma=gamma)) == near(expected)


@pytest.mark.parametrize("milestones", [(1,), (3, 4, 15), (5, 19), (25,)])
def test_multistep_decrease_is_multi_step_lr(milestones):
    expected = theirs(torch.optim.lr_scheduler.MultiStepLR, milestones=milestones, gamma=0.3)
    assert ours(chosen("multistep_decrease", milestones=milestones, gamma=0.3)) == near(expected)


@pytest.mark.parametrize("gamma", [0.1, 0.97, 1.0])
def test_exponential_decrease_is_exponential_lr(gamma):
    expected = theirs(torch.optim.lr_scheduler.ExponentialLR, gamma=gamma)
    assert ours(chosen("exponential_decrease", gamma=gamma)) == near(expected)


@pytest.mark.parametrize("min_lr", [0.0, 0.01, 0.2])
def test_cosine_decrease_is_cosine_annealing_lr(min_lr):
    expected = theirs(torch.optim.lr_scheduler.CosineAnnealingLR, T_max=EPOCHS, eta_min=min_lr)
    assert ours(chosen("cosine_decrease", min_lr=min_lr)) == near(expected)


@settings(max_examples=200, deadline=None)
@given(
    values=st.lists(st.floats(0, 10) | st.sampled_from([0.5, 0.50004, 0.4999]), min_size=1, max_size=20),
    mode=st.sampled_from(["min", "max"]),
    factor=st.floats(0.05, 0.95),
    patience=st.integers(0, 4),
    threshold=st.sampled_from([0.0, 1e-4, 0.1, 0.5]),
    threshold_mode=st.sampled_from(["rel", "abs"]),
    cooldown=st.integers(0, 3),
    min_lr=st.sampled_from([0.0, 0.01, 0.2]),
    epsilon=st.sampled_from([1e-8, 0.02]),
)
def test_plateau_decrease_is_reduce_lr_on_plateau(values, epsilon, **options):
    expected = theirs(torch.optim.lr_scheduler.ReduceLROnPlateau, values, eps=epsilon, **options)
    watched = {"losses": values} if options["mode"] == "min" else {"accuracies": values}
    found = ours(chosen("plateau_decrease", epsilon=epsilon, **options), **watched)
    assert found[: len(expected)] == near(expected)


def stepwise(choice: Choice, epochs: int, steps: int) -> list[float]:
    """The rates of all steps."""
    moments = [Moment(BASE, e, epochs, steps_done=s, steps=steps) for e in range(epochs) for s in range(steps)]
    return [learning_rate(choice, moment) for moment in moments]


@pytest.mark.parametrize(("epochs", "steps"), [(20, 1), (5, 4), (2, 3), (1, 7)])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.9, 1.0])
def test_one_cycle_is_one_cycle_lr(epochs, steps, share):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    values = {"pct_start": share, "div_factor": 10.0, "final_div_factor": 100.0, "cycle_momentum": False}
    schedule, rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, BASE, epochs * steps, **values), []
    for _ in range(epochs * steps - 1):
        rates.append(optimizer.param_groups[0]["lr"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            schedule.step()
    rates.append(optimizer.param_groups[0]["lr"])
    choice = chosen("one_cycle", warmup_share=share, initial_division=10, final_division=100)
    assert stepwise(choice, epochs, steps) == near(rates)


@pytest.mark.parametrize(("share", "steps"), [(0.0, 5), (0.2, 5), (0.0, 1), (1.0, 1)])
def test_one_cycle_without_a_rise_begins_at_the_highest_rate(share, steps):
    """Where the rise has one step, torch divides by 0."""
    found = stepwise(chosen("one_cycle", warmup_share=share), 1, steps)
    assert found[0] == BASE
    assert found == sorted(found, reverse=True)
    assert steps == 1 or found[-1] == pytest.approx(BASE / 25 / 1e4)


def test_a_warm_up_rises_step_by_step_to_the_rate_and_the_cosine_follows():
    found = stepwise(chosen("cosine_decrease", warmup_epochs=2), 6, 4)
    assert found[:8] == near([BASE * (n + 1) / 8 for n in range(8)])
    assert found[8::4] == near(theirs(torch.optim.lr_scheduler.CosineAnnealingLR, T_max=4)[:4])
    assert found[8:12] == [found[8]] * 4


def test_a_warm_up_of_the_whole_training_only_rises():
    found = stepwise(chosen("cosine_decrease", warmup_epochs=9), 2, 3)
    assert found == sorted(found)
    assert found[-1] == pytest.approx(BASE * 6 / 27)


def test_only_some_schedules_change_within_an_epoch():
    changing = [name for name in SCHEDULES if changes_within_epochs(chosen(name, **VALUES.get(name, {})))]
    assert changing == ["one_cycle"]
    assert changes_within_epochs(chosen("cosine_decrease", warmup_epochs=1))
    # a stored choice from before warm-ups
    assert not changes_within_epochs(Choice(name="cosine_decrease", params={"min_lr": 0.0}))


def test_plateau_watches_the_loss_or_the_accuracy():
    falling, rising = [1 / (e + 1) for e in range(EPOCHS)], [e / EPOCHS for e in range(EPOCHS)]
    for mode in ("min", "max"):
        assert ours(chosen("plateau_decrease", mode=mode, patience=0), falling, rising) == [BASE] * EPOCHS
        assert ours(chosen("plateau_decrease", mode=mode, patience=0), rising, falling)[-1] < BASE


def test_a_fixed_rate_stays():
    assert ours(chosen("fixed")) == [BASE] * EPOCHS


@pytest.mark.parametrize("name", ["step_decrease", "multistep_decrease", "exponential_decrease"])
def test_last_epoch_shifts_the_schedule(name):
    later = ours(chosen(name, **VALUES[name], last_epoch=3))
    assert later[:-4] == near(ours(chosen(name, **VALUES[name]))[4:])


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_asked_in_any_order_gives_the_same(name):
    choice = chosen(name, **VALUES.get(name, {}))
    moments = [Moment(BASE, e, 10, LOSSES[:e], LOSSES[:e]) for e in range(10)]
    forward = [learning_rate(choice, m) for m in moments]
    backward = [learning_rate(choice, m) for m in reversed(moments)]
    assert forward == backward[::-1]
    assert (len(set(forward)) > 1) == (name != "fixed")
