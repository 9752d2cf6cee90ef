"""Monk's optimizers, schedules and losses with every argument that Monk's own signatures had."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import Any

import pytest

from monklite import Prototype
from monklite.errors import InvalidValue

# before the bar the arguments that Monk took by position, after it those by name, with Monk's defaults
MONK = """
optimizer_sgd: learning_rate | momentum=0, weight_decay=0, momentum_dampening_rate=0, clipnorm=0.0, clipvalue=0.0
optimizer_nesterov_sgd: learning_rate | weight_decay=0, momentum_dampening_rate=0, clipnorm=0.0, clipvalue=0.0
optimizer_rmsprop: learning_rate | decay_rate=0.99, epsilon=1e-08, weight_decay=0, clipnorm=0.0, clipvalue=0.0
optimizer_momentum_rmsprop: learning_rate | decay_rate=0.99, epsilon=1e-08, weight_decay=0, momentum=0.9
optimizer_adam: learning_rate | beta1=0.9, beta2=0.999, epsilon=1e-08, weight_decay=0, amsgrad=False, clipnorm=0.0, clipvalue=0.0
optimizer_adamax: learning_rate | beta1=0.9, beta2=0.999, epsilon=1e-08, weight_decay=0, clipnorm=0.0, clipvalue=0.0
optimizer_adamw: learning_rate | beta1=0.9, beta2=0.999, epsilon=1e-08, weight_decay=0, amsgrad=False
optimizer_adadelta: learning_rate | rho=0.9, epsilon=1e-06, weight_decay=0, clipnorm=0.0, clipvalue=0.0
optimizer_adagrad: learning_rate | learning_rate_decay=0, weight_decay=0, epsilon=1e-08, clipnorm=0.0, clipvalue=0.0
optimizer_nesterov_adam: learning_rate | beta1=0.9, beta2=0.999, epsilon=1e-08, weight_decay=0, amsgrad=False, \
momentum_decay=0.004, clipnorm=0.0, clipvalue=0.0
optimizer_signum: learning_rate | momentum=0, weight_decay=0
lr_fixed:
lr_step_decrease: step_size | gamma=0.1, last_epoch=-1
lr_multistep_decrease: milestones | gamma=0.1, last_epoch=-1
lr_exponential_decrease: gamma | last_epoch=-1
lr_plateau_decrease: | mode='min', factor=0.1, patience=10, verbose=False, threshold=0.0001, threshold_mode='rel', cooldown=0, \
min_lr=0, epsilon=1e-08
loss_l1: weight=None, batch_axis=0
loss_l2: weight=1.0, batch_axis=0
loss_softmax_crossentropy: weight=None, batch_axis=0, axis_to_sum_over=-1, label_as_categories=True, label_smoothing=False
loss_crossentropy: weight=None, batch_axis=0, axis_to_sum_over=-1, label_as_categories=True, label_smoothing=False
loss_sigmoid_binary_crossentropy: weight=None, batch_axis=0
loss_binary_crossentropy: weight=None, batch_axis=0
loss_kldiv: log_pre_applied=False, weight=None, batch_axis=0, axis_to_sum_over=-1
loss_poisson_nll: log_pre_applied=False, weight=None, batch_axis=0
loss_huber: weight=None, batch_axis=0, threshold_for_mean_estimator=1
loss_hinge: weight=None, batch_axis=0, margin=1
loss_squared_hinge: weight=None, batch_axis=0, margin=1
loss_multimargin: weight=None, batch_axis=0, margin=1
loss_squared_multimargin: weight=None, batch_axis=0, margin=1
loss_multilabel_margin: weight=None, batch_axis=0
loss_multilabel_softmargin: weight=None, batch_axis=0
"""
GIVEN = {"learning_rate": 0.01, "step_size": 3, "milestones": [2, 4], "gamma": 0.5}
METHODS = [tuple(part.strip() for part in line.split(":", 1)) for line in MONK.strip().splitlines()]


def parsed(text: str) -> tuple[list[str], dict[str, Any]]:
    """The names by position, and the defaults by name."""
    first, bar, rest = text.partition("|")
    by_position = [name.strip() for name in first.split(",") if name.strip()] if bar else []
    named = [part.split("=", 1) for part in (rest if bar else first).split(", ") if part.strip()]
    return by_position, {name.strip(): ast.literal_eval(value.strip()) for name, value in named}


@pytest.fixture
def opened(backend: str, tmp_path: Path) -> Prototype:
    return Prototype("p", "e", backend=backend, workspace=tmp_path, verbose=0)


@pytest.mark.parametrize(("method", "arguments"), METHODS)
def test_a_call_with_every_argument_of_monk_is_understood(opened: Prototype, method: str, arguments: str) -> None:
    by_position, by_name = parsed(arguments)
    getattr(opened, method)(*(GIVEN[name] for name in by_position), **by_name)
    getattr(opened, method)(**{name: GIVEN[name] for name in by_position}, **by_name)


@pytest.mark.parametrize(("method", "arguments"), METHODS)
def test_the_arguments_come_in_monks_order(method: str, arguments: str) -> None:
    by_position, by_name = parsed(arguments)
    parameters = [p for p in inspect.signature(getattr(Prototype, method)).parameters if p != "self"]
    if "nesterov_sgd" in method:
        by_name = {"momentum": 0, **by_name}
    assert parameters[: len(by_position) + len(by_name)] == [*by_position, *by_name]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: p.optimizer_nesterov_sgd(0.1, momentum_dampening_rate=0.5), r"no momentum_dampening_rate; leave it at 0\.0"),
        (lambda p: p.optimizer_nesterov_adam(0.1, amsgrad=True), r"no amsgrad; leave it at False"),
        (lambda p: p.loss_l2(weight=2.0), r"l2: weight must be 'balanced', or a dictionary .*, not 2\.0"),
        (lambda p: p.loss_hinge(batch_axis=1), r"hinge: batch_axis must be 0, not 1"),
        (lambda p: p.loss_focal(weight="balanced", positive_weight=[1, 2]), r"focal: weight='balanced' computes positive_weight"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_in_words(opened: Prototype, call: Any, message: str) -> None:
    with pytest.raises((InvalidValue, TypeError), match=message):
        call(opened)
