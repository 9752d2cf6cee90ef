"""Figures of a decision, and predictive values at another prevalence."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import precision_score, recall_score

from monklite.statistics import predictive_values


def test_they_agree_with_scikit_learn_and_with_bayes() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(200) < 0.3
    predicted = truth ^ (rng.random(200) < 0.2)
    found = predictive_values.figures(truth, predicted, prevalence=0.05)
    se, sp = recall_score(truth, predicted), recall_score(~truth, ~predicted)
    assert found["sensitivity"].value == pytest.approx(se)
    assert found["specificity"].value == pytest.approx(sp)
    assert found["ppv"].value == pytest.approx(precision_score(truth, predicted))
    assert found["npv"].value == pytest.approx(precision_score(~truth, ~predicted))
    assert found["ppv_at_prevalence"].value == pytest.approx(se * 0.05 / (se * 0.05 + (1 - sp) * 0.95))
    assert found["npv_at_prevalence"].value == pytest.approx(sp * 0.95 / (sp * 0.95 + (1 - se) * 0.05))
    assert [found[name].count for name in ("sensitivity", "ppv")] == [truth.sum(), predicted.sum()]
    own = predictive_values.figures(truth, predicted, prevalence=float(truth.mean()))
    assert own["ppv_at_prevalence"].value == pytest.approx(own["ppv"].value)


@pytest.mark.parametrize(("se", "sp", "prevalence"), [(0.9, 0.9, 0.1), (0.97, 0.8, 0.01), (0.6, 0.95, 0.4)])
def test_intervals_hold_the_truth_in_95_of_100_samples(se: float, sp: float, prevalence: float) -> None:
    rng, truth = np.random.default_rng(1), np.arange(200) < 60
    ppv = se * prevalence / (se * prevalence + (1 - sp) * (1 - prevalence))
    npv = sp * (1 - prevalence) / (sp * (1 - prevalence) + (1 - se) * prevalence)
    hits = []
    for _ in range(1500):
        predicted = np.where(truth, rng.random(200) < se, rng.random(200) > sp)
        found = predictive_values.figures(truth, predicted, prevalence)
        pairs = ((found["ppv_at_prevalence"], ppv), (found["npv_at_prevalence"], npv))
        hits.append([e.low <= true <= e.high for e, true in pairs])
        assert all(e.low <= e.value <= e.high for e, _ in pairs)
    # a few of 60 images make steps, on the side of more
    assert np.all(np.abs(np.mean(hits, axis=0) - 0.955) < 0.02)


def test_copies_of_an_image_count_once_where_they_are_of_one_patient() -> None:
    rng = np.random.default_rng(2)
    truth = rng.random(60) < 0.4
    predicted = truth ^ (rng.random(60) < 0.2)
    copies, patients = (np.repeat(truth, 4), np.repeat(predicted, 4)), np.repeat([f"p{i}" for i in range(60)], 4)
    once, naive = (predictive_values.figures(*of, 0.1) for of in ((truth, predicted), copies))
    grouped = predictive_values.figures(*copies, 0.1, patients)
    for name, one in once.items():
        assert grouped[name].value == pytest.approx(one.value)
        widths = [e[name].high - e[name].low for e in (once, grouped, naive)]
        # few patients widen it somewhat more
        assert widths[0] * 0.95 < widths[1] < widths[0] * 1.5 and widths[2] < 0.75 * widths[0], name
    alone = predictive_values.figures(truth, predicted, 0.1, [""] * 60)
    assert alone == once


@pytest.mark.parametrize("answers", [np.ones, np.zeros])
@pytest.mark.parametrize("truths", [np.ones, np.zeros, lambda n: np.arange(n) % 2])
def test_without_images_a_figure_is_unknown_and_intervals_do_not_collapse(truths, answers) -> None:
    truth, predicted = truths(10).astype(bool), answers(10).astype(bool)
    for estimate in predictive_values.figures(truth, predicted, 0.2).values():
        assert 0 <= estimate.low < estimate.high <= 1
        assert math.isnan(estimate.value) or estimate.low - 1e-12 <= estimate.value <= estimate.high + 1e-12
        assert math.isnan(estimate.value) == (estimate.count == 0) or estimate.method == "MOVER"
