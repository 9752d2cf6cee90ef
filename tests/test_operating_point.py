"""Tasks at an operating point: what they predict, and that their margins are no larger than they may be."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from monklite.choosing_point import Goal, chosen, too_few
from monklite.decisions import OperatingPoint, Unsure
from monklite.errors import InvalidType, InvalidValue
from monklite.facade import decision_messages
from monklite.facade.console import Console
from monklite.operating_point import at
from monklite.tasks import MultiLabel, SingleLabel, Task, sigmoid, softmax
from monklite.training.validation_predictions import Judged

TWO, THREE = ("no", "yes"), ("a", "b", "c")
COSTS = ((0.0, 1.0, 5.0), (2.0, 0.0, 1.0), (9.0, 1.0, 0.0))
RECORD = {"epoch": 3, "num_images": 60, "chosen_by": "sensitivity=0.95"}


def points() -> list[tuple[Task, OperatingPoint]]:
    cutoffs = {"cutoffs": {"yes": -1.25}}
    return [
        (SingleLabel(TWO), OperatingPoint(**RECORD, **cutoffs)),
        (SingleLabel(TWO, "sigmoid"), OperatingPoint(**RECORD, **cutoffs)),
        (SingleLabel(THREE), OperatingPoint(**RECORD, cutoffs={"b": -2.5})),
        (SingleLabel(THREE), OperatingPoint(**RECORD, costs=COSTS, temperature=1.7)),
        (SingleLabel(THREE, "sigmoid"), OperatingPoint(**RECORD, costs=COSTS)),
        (MultiLabel(THREE), OperatingPoint(**RECORD, cutoffs={"a": -1.0, "c": 2.0})),
    ]


def logits_of(task: Task, n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 3, (n, len(task.classes))).astype(np.float32)


@pytest.mark.parametrize(
    ("task", "point"), points(), ids=["two", "two sigmoid", "one of three", "costs", "costs sigmoid", "labels"]
)
def test_a_smaller_change_than_the_margin_changes_no_prediction(task: Task, point: OperatingPoint) -> None:
    """The difference of two logits changes by at most twice the change of each."""
    at_point, logits = at(task, point), logits_of(task, 300).astype(np.float64)
    margins, predicted = at_point.margins(logits), at_point.predicted(logits)
    assert (margins >= 0).all() and np.median(margins) > 0.05
    rng = np.random.default_rng(1)
    for _ in range(50):
        change = rng.choice([-1, 1], logits.shape) * 0.4999 * margins[:, None]
        assert (at_point.predicted(logits + change) == predicted).all()
    assert (at_point.correct(logits, predicted)).all()


def test_two_classes_are_told_apart_by_the_score_of_the_positive_one() -> None:
    task, point = points()[0]
    logits = logits_of(task, 100)
    found = at(task, point)
    (threshold,) = found.thresholds.values()
    assert threshold == pytest.approx(sigmoid(np.array(-1.25)))
    assert (found.predicted(logits) == (softmax(logits.astype(float))[:, 1] > threshold)).all()
    assert (found.predicted(logits) != task.predicted(logits)).any()
    assert found.with_thresholds(0.5) is found
    with pytest.raises(InvalidValue, match="each image has exactly one label"):
        found.with_thresholds(0.3)


def test_the_least_expected_cost_is_predicted() -> None:
    task, point = points()[3]
    logits = logits_of(task, 100)
    expected = softmax(logits.astype(float) / 1.7) @ np.array(COSTS)
    assert (at(task, point).predicted(logits) == expected.argmin(axis=1)).all()


def test_labels_have_their_own_thresholds_unless_others_are_asked_for() -> None:
    task, point = points()[5]
    logits = logits_of(task, 100)
    found = at(task, point)
    assert (found.predicted(logits) == (logits > [-1.0, 0.0, 2.0])).all()
    assert found.with_thresholds(0.5) is found
    assert (found.with_thresholds(0.9).predicted(logits) == (logits > np.log(9))).all()
    assert at(task, None) is task


# Goals


def validation(task: Task, n: int = 60) -> Judged:
    logits = logits_of(task, n)
    rng = np.random.default_rng(5)
    if not task.exclusive:
        return Judged(logits, rng.random(logits.shape) < sigmoid(logits))
    return Judged(logits, (logits + rng.normal(0, 3, logits.shape)).argmax(axis=1))


@pytest.mark.parametrize(
    ("goal", "error", "message"),
    [
        ({}, InvalidValue, "give one of sensitivity=, .* none is given"),
        ({"sensitivity": 0.9, "specificity": 0.9}, InvalidValue, "not sensitivity and specificity"),
        ({"sensitivity": 1.5}, InvalidValue, "sensitivity must be a number above 0 and at most 1 or None, not 1.5"),
        ({"sensitivity": "high"}, InvalidType, "sensitivity must be a number"),
        ({"sensitivity": 0.9, "prevalence": 0}, InvalidValue, "prevalence must be a number above 0 and below 1"),
        ({"false_negative_cost": 3}, InvalidValue, "go together: give both"),
        ({"false_negative_cost": 0, "false_positive_cost": 0}, InvalidValue, "a cost must be more than 0"),
        (
            {"sensitivity": 0.9, "positive": "yse"},
            InvalidValue,
            "'yse' is not a class. Did you mean 'yes'.*'no', 'yes'",
        ),
        ({"cost": 5}, InvalidType, "cost must be a dictionary from 'true class->predicted class'"),
        ({"cost": {"no->yse": 2}}, InvalidValue, "'no->yse' is not .* Did you mean 'no->yes'"),
        ({"cost": {"no->yes": -1}}, InvalidValue, r"cost\['no->yes'\] must be a number at least 0"),
        ({"cost": {"no->yes": 0, "yes->no": 0}}, InvalidValue, "a cost must be more than 0"),
    ],
)
def test_wrong_goals_are_refused(goal: dict, error: type[Exception], message: str) -> None:
    task = SingleLabel(TWO)
    with pytest.raises(error, match=message):
        chosen(Goal(**goal), task, 1, validation(task))


def test_one_of_three_classes_is_told_apart_from_the_others() -> None:
    task, point = points()[2]
    logits = logits_of(task, 200)
    found, above = at(task, point), softmax(logits.astype(float))[:, 1] > sigmoid(np.array(-2.5))
    assert (found.predicted(logits)[above] == 1).all() and (logits.argmax(axis=1)[above] != 1).any()
    assert (found.predicted(logits)[~above] == np.where(logits[:, 0] > logits[:, 2], 0, 2)[~above]).all()
    assert found.thresholds == {"b": pytest.approx(sigmoid(np.array(-2.5)))}
    judged = validation(task)
    goal = Goal(sensitivity=0.95, positive="b", prevalence=0.1)
    point = chosen(goal, task, 1, judged)
    is_b, predicted = judged.labels == 1, at(task, point).predicted(judged.logits) == 1
    own = point.figures["b"]
    assert point.figures.keys() == point.cutoffs.keys() == {"b"} and point.misfit(THREE, True) == ""
    assert own["sensitivity"].value == predicted[is_b].mean() >= 0.95 > predicted[is_b].mean() - 1 / is_b.sum()
    assert own["specificity"].value == (~predicted)[~is_b].mean()
    false_alarms = 9 * predicted[~is_b].mean()
    assert own["ppv_at_prevalence"].value == pytest.approx(
        predicted[is_b].mean() / (predicted[is_b].mean() + false_alarms)
    )
    # as it is stored with the run
    assert OperatingPoint.model_validate_json(point.model_dump_json()) == point
    by_cost = chosen(Goal(false_negative_cost=50, false_positive_cost=1, positive="b"), task, 1, judged)
    assert by_cost.cutoffs["b"] < 0 and not by_cost.costs


@pytest.mark.parametrize(
    ("goal", "message"),
    [
        (
            {"sensitivity": 0.9},
            "with 3 classes sensitivity=0.9 is that of one of them, .* name it, positive='b'; or weigh",
        ),
        (
            {"cost": {"a->b": 2}, "positive": "a"},
            "cost= weighs all of them alike, so that none is positive: leave positive=",
        ),
    ],
)
def test_three_classes_take_costs_or_one_positive_class(goal: dict, message: str) -> None:
    task = SingleLabel(THREE)
    with pytest.raises(InvalidValue, match=message):
        chosen(Goal(**goal), task, 1, validation(task))
    point = chosen(Goal(cost={"a->b": 20}), task, 1, validation(task))
    assert point.costs == ((0, 20, 1), (1, 0, 1), (1, 1, 0))
    assert 1 < point.temperature < 4
    assert point.figures.keys() == {*THREE}


@pytest.mark.parametrize(
    ("n", "is_right", "refusal"),
    [
        (60, False, ""),
        (19, False, "19 validation images are too few, at least 20 are needed"),
        (60, True, "no validation image is predicted wrongly, so nothing says how sure is too sure"),
    ],
)
def test_a_temperature_that_cannot_be_found_for_costs_is_told(n: int, is_right: bool, refusal: str, capsys) -> None:
    task, goal = SingleLabel(THREE), Goal(cost={"a->b": 20})
    judged = validation(task, n)
    if is_right:
        judged = judged._replace(labels=judged.logits.argmax(axis=1))
    point = chosen(goal, task, 1, judged)
    assert point.refusal == refusal and (point.temperature == 1) == bool(refusal)
    chains = SimpleNamespace(val=(), test=())
    predictor = SimpleNamespace(task=task, spec=SimpleNamespace(data=SimpleNamespace(transforms=chains)))
    decision_messages.operating_point(Console(1), predictor, goal, point)
    said = capsys.readouterr().out
    assert ("because no temperature could be fitted: " in said) == bool(refusal) and refusal in said
    assert "\\n" not in said


def test_scores_without_a_temperature_are_not_called_calibrated() -> None:
    record = {"epoch": 1, "num_images": 9, "confidence": 0.8}
    with_one = decision_messages.rules(Unsure(**record, temperature=1.5), TWO)
    without = decision_messages.rules(Unsure(**record, refusal="9 are too few"), TWO)
    assert with_one["Confidence"] == "unsure below the calibrated score 0.8"
    assert without["Confidence"] == "unsure below the uncalibrated score 0.8"
    assert without["Temperature"] == "none, scores are uncalibrated: 9 are too few"


def test_goals_with_different_costs_have_different_texts_however_many_they_are() -> None:
    names = [f"class {i}" for i in range(8)]
    costs = {f"{a}->{b}": 2 for a in names for b in names if a != b}
    texts = [str(Goal(cost={**costs, "class 3->class 4": cost})) for cost in (2, 3)]
    assert texts[0] != texts[1] and max(map(len, texts)) <= 900 and texts[0].startswith("cost={'class 0->class 1': 2")
    assert str(Goal(cost={"a->b": 5, "b->a": 0.5})) == "cost={'a->b': 5, 'b->a': 0.5}"


def test_several_labels_take_no_costs_of_pairs_and_the_prevalence_of_one() -> None:
    task = MultiLabel(THREE)
    with pytest.raises(
        InvalidValue, match="cost= is of one class per image: for several labels give false_negative_cost"
    ):
        chosen(Goal(cost={"a->b": 2}), task, 1, validation(task))
    with pytest.raises(InvalidValue, match="prevalence= is that of one label: name it, positive='label'"):
        chosen(Goal(sensitivity=0.9, prevalence=0.1), task, 1, validation(task))
    one = chosen(Goal(sensitivity=0.9, prevalence=0.1, positive="b"), task, 1, validation(task))
    assert one.cutoffs.keys() == one.figures.keys() == {"b"}
    assert "ppv_at_prevalence" in one.figures["b"]
    every = chosen(Goal(false_negative_cost=5, false_positive_cost=1), task, 1, validation(task))
    assert every.cutoffs.keys() == {*THREE}
    assert min(figures["sensitivity"].value for figures in every.figures.values()) > 0.9


@pytest.mark.parametrize(("label", "which"), [(1, "all"), (0, "none")])
def test_a_class_without_images_on_one_side_has_no_threshold(label: int, which: str) -> None:
    judged = Judged(logits_of(SingleLabel(TWO), 9), np.full(9, label))
    with pytest.raises(InvalidValue, match=f"'yes': {which} of the 9 validation images belong to it"):
        chosen(Goal(sensitivity=0.9), SingleLabel(TWO), 1, judged)


def test_few_images_are_counted_where_a_target_means_all_of_them() -> None:
    labels = np.array([1] * 3 + [0] * 40)
    judged = Judged(logits_of(SingleLabel(TWO), 43), labels)
    goal = Goal(sensitivity=0.95)
    point = chosen(goal, SingleLabel(TWO), 1, judged)
    assert point.figures["yes"]["sensitivity"].value == 1
    assert point.figures["yes"]["sensitivity"].low == pytest.approx(0.4385, abs=1e-4)
    assert too_few(goal, point) == {"yes": 3}
    goal = Goal(specificity=0.95)
    assert too_few(goal, chosen(goal, SingleLabel(TWO), 1, judged)) == {}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "either cutoffs or costs"),
        ({"cutoffs": {"yes": 1.0}, "costs": ((0, 1), (1, 0))}, "either cutoffs or costs"),
        ({"costs": ((0, 1),)}, "not one column for each row"),
        ({"costs": ((0, 0), (0, 0))}, "all are 0"),
    ],
)
def test_a_record_that_fits_no_task_is_refused(values: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        OperatingPoint(**RECORD, **values)


def test_records_that_do_not_fit_the_classes_are_known() -> None:
    two, costs, labels = (points()[i][1] for i in (0, 3, 5))
    assert (two.misfit(TWO, True), costs.misfit(THREE, True), labels.misfit(THREE, False)) == ("", "", "")
    assert two.misfit(THREE, True) == "'yes' is not one of the run's classes"
    assert costs.misfit(TWO, True) == "3 rows of costs for 2 classes"
    assert costs.misfit(THREE, False) == "3 rows of costs for 3 classes"
    assert labels.misfit(THREE, True) == "2 cutoffs for 3 classes of which an image has one"
    figures = two.model_copy(update={"figures": {"no": {}}})
    assert figures.misfit(TWO, True) == "it has figures of classes without a cutoff"
    unsure = Unsure(epoch=1, num_images=9, coverage=0.9, possible_from=(1.0, 1.0))
    assert unsure.misfit(TWO) == ""
    assert unsure.misfit(THREE) == "2 thresholds for 3 classes"
    assert Unsure(epoch=1, num_images=9, possible_from=(1.0,)).misfit(TWO) == "1 thresholds for 0 classes"
