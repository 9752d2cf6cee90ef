"""The figures of an evaluation against scikit-learn's, and where there is little or nothing to compute them from."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from sklearn import metrics as sk

from monklite.figures import MAX_POINTS, NO_INTERVAL, Estimate, Figures
from monklite.statistics import intervals, mean_of_shares
from monklite.statistics.evaluated import figures_of
from monklite.statistics.units import Units
from monklite.tasks import Task, task_of

ABOUT = {
    "name": "test", "made": "2026-11-20T08:15:00+00:00", "dataset_path": "", "fingerprint": "", "content": "",
    "predictions": "", "weights": "best_model",
}  # fmt: skip


@pytest.fixture(autouse=True)
def warnings_are_errors() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def names(n: int) -> tuple[str, ...]:
    return tuple(f"class {i}" for i in range(n))


def judged(logits: object, labels: object, kind: str = "single", groups: list[str] | None = None) -> Figures:
    values = np.array(logits, np.float32)
    return figures_of(task_of(kind, names(values.shape[1])), values, np.array(labels), groups, **ABOUT)


def everything(figures: Figures) -> dict[str, Estimate]:
    found = {f"{name}: {f}": e for name, c in figures.classes.items() for f, e in c.figures.items()}
    bins = {f"bin {i}": b.share for i, b in enumerate(figures.calibration)}
    return {**figures.overall, **found, **bins}


def check_intervals(figures: Figures) -> None:
    """Every figure with a value has an interval around it that is not a point."""
    for name, e in everything(figures).items():
        assert math.isnan(e.value) == math.isnan(e.low) == (e.method == NO_INTERVAL) == (e.count == 0), (name, e)
        if e.count:
            assert e.low <= e.value <= e.high and e.high - e.low > 1e-6, (name, e)
            assert e.low >= 0 and (e.high <= 1 or name in ("brier_score", "log_loss")), (name, e)


# few different logits, so that scores are tied
LOGITS = st.integers(-3, 3).map(lambda i: i / 2)
SINGLE = st.tuples(st.integers(2, 40), st.integers(2, 4)).flatmap(
    lambda size: st.tuples(
        arrays(np.float32, size, elements=LOGITS), arrays(np.int64, size[0], elements=st.integers(0, size[1] - 1))
    )
)
MULTIPLE = st.tuples(st.integers(2, 40), st.integers(1, 4)).flatmap(
    lambda size: st.tuples(arrays(np.float32, size, elements=LOGITS), arrays(np.bool_, size))
)


@given(SINGLE)
@settings(max_examples=12, deadline=None)
def test_figures_of_one_label_are_scikit_learns(case: tuple[np.ndarray, np.ndarray]) -> None:
    logits, labels = case
    task, figures = task_of("single", names(logits.shape[1])), judged(*case)
    scores, predicted = task.scores(logits), logits.argmax(axis=1)
    occurring = np.unique(labels)
    expected = {
        "accuracy": sk.accuracy_score(labels, predicted),
        "balanced_accuracy": sk.recall_score(labels, predicted, labels=occurring, average="macro", zero_division=0),
        "macro_f1": sk.f1_score(labels, predicted, labels=occurring, average="macro", zero_division=0),
        "log_loss": sk.log_loss(labels, scores, labels=np.arange(scores.shape[1])),
        "brier_score": sk.brier_score_loss(labels, scores, labels=np.arange(scores.shape[1])),
    }
    assert {name: figures.overall[name].value for name in expected} == pytest.approx(expected, abs=1e-9)
    assert (
        np.array(figures.confusion).tolist()
        == sk.confusion_matrix(labels, predicted, labels=np.arange(scores.shape[1])).tolist()
    )
    check_classes(figures, task, scores, labels[:, None] == np.arange(scores.shape[1]), predicted)
    check_intervals(figures)


@given(MULTIPLE)
@settings(max_examples=12, deadline=None)
def test_figures_of_several_labels_are_scikit_learns(case: tuple[np.ndarray, np.ndarray]) -> None:
    logits, labels = case
    task, figures = task_of("multiple", names(logits.shape[1])), judged(*case, "multiple")
    scores, predicted = task.scores(logits), task.predicted(logits)
    expected = task.test_figures(logits, labels)
    assert {name: figures.overall[name].value for name in expected} == pytest.approx(expected, nan_ok=True)
    flat = labels.ravel(), scores.ravel()
    assert figures.overall["brier_score"].value == pytest.approx(((flat[0] - flat[1]) ** 2).mean())
    assert figures.overall["log_loss"].value == pytest.approx(sk.log_loss(*flat, labels=[False, True]))
    assert figures.confusion == ()
    check_classes(figures, task, scores, labels, predicted)
    check_intervals(figures)


def check_classes(figures: Figures, task: Task, scores: np.ndarray, truth: np.ndarray, predicted: np.ndarray) -> None:
    answers = task.membership(predicted)
    for i, of_class in enumerate(figures.classes.values()):
        true, answer, found = truth[:, i], answers[:, i], of_class.figures
        assert (of_class.positives, of_class.negatives) == (true.sum(), (~true).sum())
        both = {
            "sensitivity": sk.recall_score(true, answer, zero_division=np.nan),
            "specificity": sk.recall_score(~true, ~answer, zero_division=np.nan),
            "ppv": sk.precision_score(true, answer, zero_division=np.nan),
            "npv": sk.precision_score(~true, ~answer, zero_division=np.nan),
            "f1": sk.f1_score(true, answer, zero_division=np.nan),
        }
        two_sided = 0 < true.sum() < len(true)
        both["auc"] = sk.roc_auc_score(true, scores[:, i]) if two_sided else np.nan
        both["average_precision"] = sk.average_precision_score(true, scores[:, i]) if two_sided else np.nan
        assert {name: e.value for name, e in found.items()} == pytest.approx(both, nan_ok=True)
        assert bool(of_class.roc.x) == bool(of_class.precision_recall.x) == two_sided


EXTREMES = {
    "all right": ([[9, 0], [9, 0], [0, 9]], [0, 0, 1]),
    "all wrong": ([[9, 0], [9, 0], [0, 9]], [1, 1, 0]),
    "one class": ([[1, 0], [0, 2], [3, 0]], [0, 0, 0]),
    "two images": ([[1, 0], [0, 1]], [0, 1]),
    "one image": ([[1, 0]], [0]),
    "all scores tied": ([[0, 0]] * 5, [0, 1, 0, 1, 1]),
    "an empty class": ([[1, 0, 0], [0, 1, 0], [1, 0, 0], [2, 0, 0]], [0, 1, 1, 0]),
    "certain and wrong": ([[500, 0], [500, 0]], [1, 1]),
}


@pytest.mark.parametrize("case", EXTREMES)
@pytest.mark.parametrize("by_group", [False, True])
def test_no_interval_collapses_and_nothing_is_made_up(case: str, by_group: bool) -> None:
    logits, labels = EXTREMES[case]
    figures = judged(logits, labels, groups=["a"] * len(labels) if by_group else None)
    check_intervals(figures)
    if case == "one class":
        assert math.isnan(figures.overall["macro_auc"].value)
        assert figures.classes["class 1"].figures["sensitivity"].count == 0
        assert figures.classes["class 0"].figures["sensitivity"].value == pytest.approx(2 / 3)
    if case == "all right":
        assert figures.overall["accuracy"].value == figures.overall["macro_auc"].value == 1
    if case == "certain and wrong":
        assert figures.overall["brier_score"].value == pytest.approx(1)


def test_the_unknown_precision_of_a_label_that_is_never_predicted_widens_that_of_all() -> None:
    """It counts as 0, as scikit-learn has it, and its interval is 0 to 1, not 0 to 0."""
    rng = np.random.default_rng(1)
    labels = rng.random((40, 2)) < 0.5
    logits = np.where(labels ^ (rng.random((40, 2)) < 0.2), 2.0, -2.0)
    logits[:, 1] = -1
    figures = judged(logits, labels, "multiple")
    own, mean = figures.classes["class 0"].figures["ppv"], figures.overall["macro_precision"]
    assert math.isnan(figures.classes["class 1"].figures["ppv"].value)
    assert mean.value == pytest.approx(own.value / 2)
    # MOVER: the distances of both, each by itself
    assert mean.low == pytest.approx(mean.value - (own.value - own.low) / 2)
    assert mean.high == pytest.approx(mean.value + math.hypot(own.high - own.value, 1) / 2)


@pytest.mark.parametrize("confidence", [0.97, 0.9999])
def test_right_answers_alone_do_not_say_that_no_wrong_one_is_to_be_expected(confidence: float) -> None:
    """Of 50 right answers up to 7 % of all may be wrong, and would lose what such sure answers lose."""
    odds = math.log(confidence / (1 - confidence))
    figures = judged([[odds, 0]] * 25 + [[0, odds]] * 25, [0] * 25 + [1] * 25).overall
    wrong = 1 - figures["accuracy"].low
    assert 0.07 < wrong < 0.072
    for name, lost in (("brier_score", confidence**2), ("log_loss", -math.log(1 - confidence))):
        assert figures[name].high == pytest.approx(figures[name].value + wrong * lost, rel=0.07), name
    # the share of right answers may be as low as that of the accuracy
    assert confidence - figures["accuracy"].low - 0.01 < figures["calibration_error"].high < 0.12


def test_the_ends_of_losses_hold_what_few_wrong_answers_lose() -> None:
    """3 of 100 images lose 0.9 and the others 0.01: as if the share of wrong ones were that of Jeffreys or Wilson."""
    odds = 2 * math.atanh(2 * math.sqrt(0.9) - 1)
    right = 2 * math.atanh(2 * math.sqrt(0.99**2) - 1)
    logits = [[odds, 0]] * 3 + [[right, 0]] * 97
    found = judged(logits, [1] * 3 + [0] * 97).overall["brier_score"]
    low, high = stats.beta.ppf(0.025, 3.5, 97.5), intervals.wilson(3, 100)[1]
    each = 0.9 - 0.0001
    assert found.value == pytest.approx(0.03 * 0.9 + 0.97 * 0.0001)
    assert found.low == pytest.approx(low * each, rel=0.05) and found.high == pytest.approx(high * each, rel=0.05)


@pytest.mark.parametrize("n_each", [1, 4, 20])
def test_the_mean_of_equal_classes_has_the_interval_of_all_their_images(n_each: int) -> None:
    """10 % of each class are right; the lower end is no nearer because most small classes have no right answer at all."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(40), n_each)
    right = rng.permutation(np.arange(len(labels)) < 0.1 * len(labels))
    logits = 3.0 * np.eye(40)[np.where(right, labels, (labels + rng.integers(1, 40, len(labels))) % 40)]
    figures = judged(logits, labels).overall
    both = [(figures[name].low, figures[name].high) for name in ("balanced_accuracy", "accuracy")]
    assert both[0] == pytest.approx(both[1], abs=0.1 / n_each)


def test_intervals_of_means_hold_the_truth_on_both_sides() -> None:
    """50 classes with 4 images, of which a tenth is right; with MOVER the lower end was too high in 15 % of cases."""
    rng, wholes, units = np.random.default_rng(1), np.kron(np.eye(50), np.ones((4, 1))) > 0, Units.of(None, 200)
    ends = [mean_of_shares.estimate(wholes & (rng.random((200, 1)) < 0.1), wholes, units)[1:] for _ in range(200)]
    low, high = np.array(ends).T
    assert np.mean(low > 0.1) < 0.06 > np.mean(high < 0.1)


def test_one_class_with_one_image_does_not_widen_the_macro_auc() -> None:
    logits, labels = random_case(200, 5)
    labels[labels == 4] = 0
    labels[0] = 4
    alone, others = (judged(logits[rows], labels[rows]).overall["macro_auc"] for rows in (slice(None), labels < 4))
    assert alone.method == others.method == "DeLong"
    assert alone.high - alone.low < 4 * (others.high - others.low)


def random_case(n: int, n_classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, n_classes, n)
    return rng.normal(size=(n, n_classes)) + 1.5 * np.eye(n_classes)[labels], labels


def test_the_same_predictions_always_give_the_same_figures() -> None:
    case = random_case(50, 3)
    assert judged(*case).model_dump_json() == judged(*case).model_dump_json()


def test_images_of_one_patient_count_for_less() -> None:
    logits, labels = random_case(60, 2)
    copies = np.repeat(logits, 5, axis=0), np.repeat(labels, 5)
    patients = [f"patient {i // 5}" for i in range(300)]
    alone, together, naive = judged(logits, labels), judged(*copies, groups=patients), judged(*copies)
    assert (alone.n_groups, together.n_groups, naive.n_groups) == (None, 60, None)
    for name, one in everything(alone).items():
        five, wrong = everything(together)[name], everything(naive)[name]
        assert five.value == pytest.approx(one.value, nan_ok=True)
        if one.count > 20:
            width = one.high - one.low
            # an image that is there five times says no more than once
            assert 0.9 * width < five.high - five.low < 1.5 * width, name
            assert wrong.high - wrong.low < 0.75 * width, name


def test_groups_of_one_image_each_change_nothing() -> None:
    case = random_case(40, 3)
    alone, groups = judged(*case), judged(*case, groups=[f"p{i}" for i in range(30)] + [""] * 10)
    assert groups.n_groups == 40
    assert everything(groups) == everything(alone)


def test_a_group_for_each_image_is_needed() -> None:
    with pytest.raises(ValueError, match="2 groups for 3 images"):
        judged(*EXTREMES["all right"], groups=["a", "b"])


def test_curves_keep_their_shape_in_few_points() -> None:
    logits, labels = random_case(3000, 2)
    curve = judged(logits, labels).classes["class 1"].roc
    scores = task_of("single", names(2)).scores(logits.astype(np.float32))[:, 1]
    x, y, _ = sk.roc_curve(labels == 1, scores)
    assert len(curve.x) <= MAX_POINTS and (curve.x[0], curve.y[0], curve.x[-1], curve.y[-1]) == (0, 0, 1, 1)
    assert sk.auc(curve.x, curve.y) == pytest.approx(sk.auc(x, y), abs=1e-4)
    assert list(curve.thresholds) == sorted(curve.thresholds, reverse=True)


def test_calibration_bins_hold_every_score_once() -> None:
    figures = judged([[0, 0], [0, 5], [5, 0], [0, 0.9]], [0, 1, 1, 1])
    shares = [(b.low, b.share.count, b.share.value) for b in figures.calibration if b.share.count]
    assert shares == [(0.5, 1, 1.0), (0.7, 1, 1.0), (0.9, 2, 0.5)]
    each = [0.5 - 1, 1 / (1 + math.exp(-0.9)) - 1, 2 * (1 / (1 + math.exp(-5)) - 0.5)]
    assert figures.overall["calibration_error"].value == pytest.approx(sum(map(abs, each)) / 4)
