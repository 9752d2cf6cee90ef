"""The two tasks against scikit-learn and against each other."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from sklearn.metrics import accuracy_score, f1_score, precision_recall_fscore_support

from monklite.errors import InvalidValue
from monklite.runs import predictions
from monklite.spec import Folders, Table
from monklite.tasks import MULTIPLE, SINGLE, TASKS, MultiLabel, SingleLabel, label_type, sigmoid, softmax, task_of

CLASSES = ("cat", "dog", "owl")
ROW = np.array([2.0, -1.0, 0.5])  # logits of one image


@pytest.fixture
def logits() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)


@pytest.fixture
def labels() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 3, 200)


@pytest.fixture
def several() -> np.ndarray:
    return np.random.default_rng(2).random((200, 3)) < 0.4


def test_a_label_that_contains_the_separator_is_refused() -> None:
    """The labels `a` and `b` together would be the same text."""
    with pytest.raises(InvalidValue, match=r"the label 'a\|b' contains '\|'.*rename it"):
        MultiLabel(("a", "b", "a|b"))
    assert SingleLabel(("a", "b", "a|b")).text(2) == "a|b"


def test_whether_a_prediction_is_correct_is_written_and_read(tmp_path) -> None:
    task = MultiLabel(("a", "b"))
    labels, logits = np.array([[1, 1], [0, 0]], bool), np.array([[-1, 1.0], [-1, -1]])
    predictions.write(tmp_path / "p.csv", task, ["x.png", "y.png"], labels, logits)
    table = predictions.read(tmp_path / "p.csv")
    assert table is not None
    assert table.correct.tolist() == task.correct(logits, labels).tolist() == [False, True]


def test_tables_of_predictions_of_older_versions_are_read(tmp_path) -> None:
    (tmp_path / "p.csv").write_text("path,class,predicted,p(cat)\nb.png,cat,dog,0.1\na.png,cat,cat,0.9\n")
    table = predictions.read(tmp_path / "p.csv")
    assert table is not None
    assert table.correct.tolist() == [True, False]


def test_figures_of_a_test_set_against_scikit_learn(several: np.ndarray, logits: np.ndarray) -> None:
    logits[:, 2] = -9
    task = MultiLabel(CLASSES)
    figures = task.test_figures(logits, several)
    assert figures.items() >= task.figures(logits, several).items()
    for average, prefix in (("micro", ""), ("macro", "macro_")):
        expected = precision_recall_fscore_support(several, logits > 0, average=average, zero_division=0)[:3]
        assert [figures[f"{prefix}{name}"] for name in ("precision", "recall", "f1")] == pytest.approx(expected)


def test_averages_are_of_the_labels_that_occur() -> None:
    has, logits = np.array([[1, 0, 0], [1, 1, 0]], bool), np.array([[1, 1, 1], [1, 1, -1.0]])
    figures = MultiLabel(CLASSES).test_figures(logits, has)
    assert figures["macro_recall"] == 1.0
    assert figures["macro_precision"] == pytest.approx((1 + 1 / 2) / 2)
    assert figures["precision"] == pytest.approx(3 / 5)
    nothing = MultiLabel(CLASSES).test_figures(-np.ones((2, 3)), np.zeros((2, 3), bool))
    assert nothing.pop("accuracy") == 1.0
    assert all(math.isnan(value) for value in nothing.values())


@pytest.mark.parametrize("given", [0.3, {"cat": 0.3, "dog": 0.3, "owl": 0.3}, (0.3, 0.3, 0.3)])
def test_a_label_is_predicted_above_its_threshold(several: np.ndarray, logits: np.ndarray, given) -> None:
    task = MultiLabel(CLASSES).with_thresholds(given)
    predicted = sigmoid(logits) > 0.3
    assert (task.predicted(logits) == predicted).all()
    assert task.correct(logits, several).tolist() == (predicted == several).all(axis=1).tolist()
    assert task.margins(logits) == pytest.approx(np.abs(logits - math.log(0.3 / 0.7)).min(axis=1), abs=1e-6)
    assert task.thresholds == dict.fromkeys(CLASSES, 0.3)


def test_the_usual_threshold_is_exact(logits: np.ndarray) -> None:
    task = MultiLabel(CLASSES).with_thresholds([0.5, 0.5, 0.2])
    assert task.cutoffs[:2].tolist() == [0, 0]
    assert (MultiLabel(CLASSES).with_thresholds(0.5).cutoffs, MultiLabel(CLASSES).with_thresholds(0.5).thresholds) == (
        0,
        {},
    )
    assert not MultiLabel(CLASSES).predicted(np.zeros((1, 3))).any()
    ends = MultiLabel(CLASSES).with_thresholds([0, 1, 0.5]).predicted(np.array([[-50.0, 50.0, 1.0]]))
    assert ends.tolist() == [[True, False, True]]


def test_one_label_has_no_threshold() -> None:
    task = SingleLabel(CLASSES)
    assert task.with_thresholds(0.5) is task
    with pytest.raises(InvalidValue, match="img_thresh=0.4: each image has exactly one label"):
        task.with_thresholds(0.4)


# Scores


def test_softmax_sums_to_one_and_keeps_ratios() -> None:
    got = softmax(np.log(np.array([[1, 2, 5], [3, 3, 6]], np.float64)))
    assert got == pytest.approx(np.array([[1 / 8, 2 / 8, 5 / 8], [1 / 4, 1 / 4, 1 / 2]]))


def test_sigmoid_is_the_inverse_of_the_log_odds() -> None:
    p = np.array([[0.01, 0.5, 0.999]])
    assert sigmoid(np.log(p / (1 - p))) == pytest.approx(p)


@pytest.mark.filterwarnings("error")
def test_huge_logits_do_not_overflow() -> None:
    huge = np.array([[1e4, 0.0], [-1e4, 0.0]], np.float32)
    assert softmax(huge).tolist() == [[1, 0], [0, 1]]
    assert sigmoid(huge).tolist() == [[1, 0.5], [0, 0.5]]


def test_scores_are_those_of_the_loss() -> None:
    assert SingleLabel(CLASSES).scores(ROW[None]) == pytest.approx(softmax(ROW[None]))
    assert SingleLabel(CLASSES, "sigmoid").scores(ROW[None]) == pytest.approx(sigmoid(ROW[None]))
    assert MultiLabel(CLASSES).scores(ROW[None]) == pytest.approx(sigmoid(ROW[None]))


# Figures


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_accuracy_is_scikit_learns(logits, labels, activation) -> None:
    assert SingleLabel(CLASSES, activation).figures(logits, labels) == {
        "accuracy": accuracy_score(labels, logits.argmax(1))
    }


def test_figures_of_several_labels_are_scikit_learns(logits, several) -> None:
    figures = MultiLabel(CLASSES).figures(logits, several)
    assert figures["accuracy"] == accuracy_score(several, logits > 0)
    assert figures["f1"] == pytest.approx(f1_score(several, logits > 0, average="micro"))


@given(truth=arrays(bool, (7, 3)), answers=arrays(bool, (7, 3)))
def test_f1_is_scikit_learns_for_any_answers(truth, answers) -> None:
    found = MultiLabel(CLASSES).figures(np.where(answers, 1.0, -1.0), truth)["f1"]
    expected = f1_score(truth, answers, average="micro", zero_division=np.nan)
    assert found == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("task", "labels"),
    [(SingleLabel(CLASSES), np.zeros(0, np.int64)), (MultiLabel(CLASSES), np.zeros((0, 3), bool))],
)
def test_figures_of_nothing_are_nan(task, labels) -> None:
    assert all(math.isnan(value) for value in task.figures(np.zeros((0, 3), np.float32), labels).values())


@pytest.mark.parametrize("task", [SingleLabel(CLASSES), MultiLabel(CLASSES)])
def test_the_figure_that_decides_is_one_of_the_figures(task) -> None:
    figures = task.figures(ROW[None], task.example_labels(1, np.random.default_rng(0)))
    assert task.deciding_figure in figures
    assert "accuracy" in figures


# Answers


def test_an_image_with_several_labels_is_right_if_all_are_and_no_other() -> None:
    task = MultiLabel(CLASSES)
    logits = np.array([[1, 1, -1]] * 4 + [[-1, -1, -1]], np.float32)
    truth = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 1], [0, 0, 1], [0, 0, 0]], bool)
    assert task.correct(logits, task.targets(truth, "one_hot")).tolist() == [True, False, False, False, True]


def test_right_is_asked_of_targets_in_either_form(logits, labels) -> None:
    task = SingleLabel(CLASSES)
    by_index, one_hot = (task.correct(logits, task.targets(labels, form)) for form in ("index", "one_hot"))
    assert by_index.tolist() == one_hot.tolist() == (logits.argmax(1) == labels).tolist()


def test_targets_have_the_type_that_a_loss_needs(labels, several) -> None:
    assert SingleLabel(CLASSES).targets(labels, "index").dtype == np.int64
    assert SingleLabel(CLASSES).targets(labels, "one_hot").dtype == np.float32
    assert MultiLabel(CLASSES).targets(several, "one_hot").dtype == np.float32


def test_a_prediction_reads_as_users_expect() -> None:
    single, several = SingleLabel(CLASSES, "sigmoid"), MultiLabel(CLASSES)
    scores = sigmoid(ROW)
    (answer,) = single.predicted(ROW[None])
    assert single.as_dict(scores, answer) == {"predicted_class": "cat", "score": pytest.approx(scores[0])}
    (answer,) = several.predicted(ROW[None])
    assert several.as_dict(scores, answer) == {
        "predicted_classes": ["cat", "owl"],
        "scores": pytest.approx([scores[0], scores[2]]),
    }
    assert several.as_dict(scores, np.zeros(3, bool)) == {"predicted_classes": [], "scores": []}
    assert (single.text(1), several.text(np.array([1, 0, 1], bool)), several.text(np.zeros(3, bool))) == (
        "dog",
        "cat|owl",
        "",
    )


# Labels


def test_labels_are_counted_by_class(labels, several) -> None:
    assert SingleLabel(CLASSES).counts(labels) == tuple((labels == i).sum() for i in range(3))
    assert MultiLabel(CLASSES).counts(several) == tuple(several[:, i].sum() for i in range(3))


def test_a_class_that_no_image_has_is_counted_as_none() -> None:
    assert SingleLabel(CLASSES).counts(np.array([0, 0, 1])) == (2, 1, 0)


@pytest.mark.parametrize("kind", TASKS)
def test_images_are_alike_if_their_labels_are(kind, labels, several) -> None:
    task = task_of(kind, CLASSES)
    given = labels if kind == SINGLE else several
    groups = task.strata(given)
    texts = [task.text(label) for label in given]
    assert groups.shape == (len(given),)
    assert len(set(zip(groups.tolist(), texts, strict=True))) == len(set(groups.tolist())) == len(set(texts))


@pytest.mark.parametrize("kind", TASKS)
def test_membership_and_names_agree(kind, labels, several) -> None:
    task = task_of(kind, CLASSES)
    given = labels if kind == SINGLE else several
    for label, has in zip(given, task.membership(given), strict=True):
        assert task.names(label) == tuple(name for name, h in zip(CLASSES, has, strict=True) if h)


# Which task


def test_a_delimiter_means_several_labels() -> None:
    table = Table(path="a", csv="c")
    assert label_type((Folders(path="a"),)) == label_type((table,)) == SINGLE
    assert label_type((table.model_copy(update={"label_delimiter": "|"}),)) == MULTIPLE


def test_a_loss_that_cannot_train_the_task_is_refused() -> None:
    assert task_of(SINGLE, CLASSES, "sigmoid").activation == "sigmoid"
    with pytest.raises(
        InvalidValue,
        match=r"several labels cannot be trained with a loss of softmax .*loss_sigmoid_binary_crossentropy",
    ):
        task_of(MULTIPLE, CLASSES, "softmax")


@pytest.mark.parametrize(
    ("logits", "labels", "expected"),
    [
        ([[2, 1], [3, 1]], [0, 1], "a"),
        ([[2, 1], [1, 3]], [0, 1], ""),
        # of one class, or without images, one answer is right
        ([[2, 1], [3, 1]], [0, 0], ""),
        (np.zeros((0, 2)), [], ""),
    ],
)
def test_the_only_prediction_of_different_images(logits: object, labels: list[int], expected: str) -> None:
    task = SingleLabel(("a", "b"))
    assert task.only_prediction(np.array(logits, dtype=np.float32), np.array(labels, dtype=np.int64)) == expected


@pytest.mark.parametrize(
    ("logits", "expected"),
    [([[1, -1], [2, -1]], "a"), ([[1, 1], [2, 1]], "a|b"), ([[-1, -1], [-1, -1]], "no label"), ([[1, 1], [2, -1]], "")],
)
def test_the_only_prediction_of_several_labels(logits: object, expected: str) -> None:
    labels = np.array([[True, False], [True, True]])
    assert MultiLabel(("a", "b")).only_prediction(np.array(logits, dtype=np.float32), labels) == expected
