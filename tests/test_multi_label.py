"""Images with several labels, from a table to a comparison, on both backends."""

from __future__ import annotations

import csv
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.metrics import accuracy_score, f1_score, precision_recall_fscore_support
from test_both_backends import BACKENDS, equal, weights
from test_prototype import _original_epoch_end, _stop_after_two

from monklite import Prototype, compare
from monklite.errors import DatasetError, InvalidType, InvalidValue
from monklite.runs import history
from monklite.runs.file_names import EVALUATED, HISTORY, SAMPLES
from monklite.runs.workspace import Workspace
from monklite.testing.contract import LABELS, easy_labels


def drawn(folder: Path, name: str, n: int, seed: int, separator: str = "|") -> Path:
    """A table of images that are light or not, red or not, striped or not; an eighth of them has no label at all."""
    images, labels = easy_labels(n, seed)
    rows = []
    for i, (pixels, has) in enumerate(zip(images, labels, strict=True)):
        path = f"{name}-{i}.png"
        Image.fromarray(pixels).save(folder / path)
        rows.append((path, separator.join(label for label, own in zip(LABELS, has, strict=True) if own)))
    with (folder / f"{name}.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file", "labels"), *rows])
    return folder / f"{name}.csv"


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("labels")
    drawn(folder, "train", 80, 0)
    drawn(folder, "test", 24, 1)
    return folder


def opened(backend: str, images: Path, experiment: str = "", epochs: int = 6, **params: object) -> Prototype:
    ptf = Prototype("p", experiment or backend, backend=backend, verbose=0)
    asked = {"split": 0.8, "input_size": 32, "batch_size": 8, "label_delimiter": "|", **params}
    ptf.Dataset_Params(images, images / "train.csv", **asked)
    ptf.Dataset()
    ptf.Model_Params("resnet18_v1", freeze_base_network=False, use_pretrained=False)
    ptf.Model()
    ptf.optimizer_adam(0.003)
    ptf.lr_fixed()
    ptf.loss_sigmoid_binary_crossentropy()
    ptf.Training_Params(num_epochs=epochs, seed=1)
    ptf.update_split_seed(1)
    return ptf


@pytest.fixture(scope="module")
def trained(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a workspace that has a trained experiment of each backend."""
    folder = tmp_path_factory.mktemp("multi")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name in BACKENDS:
            opened(name, images).Train()
    return folder


@pytest.fixture
def here(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(trained)
    return trained


def judge(backend: str, images: Path, **params: object) -> Prototype:
    ptf = Prototype("p", backend, backend=backend, eval_infer=True, verbose=0)
    ptf.Dataset_Params(images, images / "test.csv", **params)
    ptf.Dataset()
    return ptf


def truth(images: Path) -> dict[str, set[str]]:
    with (images / "test.csv").open(newline="") as file:
        return {row["file"]: set(filter(None, row["labels"].split("|"))) for row in csv.DictReader(file)}


def as_table(labels: list[set[str]]) -> np.ndarray:
    return np.array([[name in one for name in LABELS] for one in labels])


# Trained, judged, predicted, compared


def test_the_run_records_what_it_was_trained_on(here: Path, backend: str) -> None:
    state = Workspace().find("p", backend).state()
    record, results = state.dataset, state.results
    assert record is not None and results is not None
    assert (record.label_type, record.classes) == ("multiple", LABELS)
    assert (record.n_train, record.n_val) == (64, 16)
    assert [a + b for a, b in zip(record.train_counts, record.val_counts, strict=True)] == [40, 40, 40]
    assert results.figure == "f1"
    assert results.best_figure > 0.8


def test_the_split_keeps_images_with_several_and_with_no_label(here: Path, backend: str) -> None:
    table = pd.read_csv(Workspace().find("p", backend).folder / SAMPLES, dtype=str, keep_default_na=False)
    cells = [set(filter(None, label.split("|"))) for label in table["class"]]
    assert len(cells) == 80
    assert sum(not cell for cell in cells) == 10
    assert sum(len(cell) == 3 for cell in cells) == 10


def test_the_best_epoch_is_the_one_with_the_best_f1(here: Path, backend: str) -> None:
    run = Workspace().find("p", backend)
    rows, results = history.read(run.logs / HISTORY), run.state().results
    best = max(rows, key=lambda row: (row.val_figures["f1"], -row.val_loss))
    assert results is not None
    assert (results.best_figure, results.best_epoch) == (best.val_figures["f1"], best.epoch)
    assert results.best_val_accuracy == rows[results.best_epoch - 1].val_accuracy


def test_evaluation_agrees_with_scikit_learn(here: Path, images: Path, backend: str) -> None:
    accuracy, by_class = judge(backend, images).Evaluate()
    run = Workspace().find("p", backend)
    known, table = truth(images), pd.read_csv(run.evaluations / "test" / EVALUATED, dtype=str, keep_default_na=False)
    assert set(table["path"]) == set(known)
    ours = as_table([known[path] for path in table["path"]])
    answers = as_table([set(filter(None, cell.split("|"))) for cell in table["predicted"]])
    testing = run.state().testing
    assert testing is not None
    assert accuracy == pytest.approx(100 * accuracy_score(ours, answers))
    assert testing.figures["f1"] == pytest.approx(f1_score(ours, answers, average="micro"))
    assert testing.figures["f1"] > 0.8
    for k, name in enumerate(LABELS):
        right = int((ours[:, k] & answers[:, k]).sum())
        assert (by_class[name]["num_images"], by_class[name]["num_correct"]) == (int(ours[:, k].sum()), right)
        assert testing.classes[name].num_false == int((~ours[:, k] & answers[:, k]).sum())
        recall = 100 * right / int(ours[:, k].sum())
        assert by_class[name]["accuracy(%)"] == pytest.approx(recall)


def test_each_label_and_the_averages_agree_with_scikit_learn(here: Path, images: Path, backend: str) -> None:
    """At a threshold that makes mistakes of both kinds."""
    ptf = judge(backend, images)
    _, by_class = ptf.Evaluate({"light": 0.02, "red": 0.9, "striped": 0.999})
    run = Workspace().find("p", backend)
    known, table = truth(images), pd.read_csv(run.evaluations / "test" / EVALUATED, dtype=str, keep_default_na=False)
    ours = as_table([known[path] for path in table["path"]])
    answers = as_table([set(filter(None, cell.split("|"))) for cell in table["predicted"]])
    scores = table[[f"p({name})" for name in LABELS]].astype(float).to_numpy()
    assert (answers == (scores > np.array([0.02, 0.9, 0.999])))[np.abs(scores - [0.02, 0.9, 0.999]) > 1e-5].all()
    testing = run.state().testing
    assert testing is not None
    assert testing.thresholds == {"light": 0.02, "red": 0.9, "striped": 0.999}
    for average, prefix in (("micro", ""), ("macro", "macro_")):
        expected = precision_recall_fscore_support(ours, answers, average=average, zero_division=0)[:3]
        found = [testing.figures[f"{prefix}{name}"] for name in ("precision", "recall", "f1")]
        assert found == pytest.approx(expected)
    each = precision_recall_fscore_support(ours, answers, zero_division=np.nan)
    for k, name in enumerate(LABELS):
        figures = [by_class[name][f"{figure}(%)"] for figure in ("precision", "recall", "f1")]
        assert figures == pytest.approx([100 * column[k] for column in each[:3]], nan_ok=True)
        assert (by_class[name]["num_labels"], by_class[name]["num_predicted"]) == (each[3][k], answers[:, k].sum())
    ptf.Evaluate()
    assert run.state().testing.thresholds == {}


def test_thresholds_of_single_images_folders_and_streams(here: Path, images: Path, backend: str) -> None:
    ptf = Prototype("p", backend, backend=backend, eval_infer=True, verbose=0)
    few = [images / f"test-{i}.png" for i in range(4)]
    raw = [found["raw"] for found in ptf.Infer(few, return_raw=True)]
    scores = [{name: 1 / (1 + np.exp(-logit)) for name, logit in logits.items()} for logits in raw]
    for given, each in (
        (0.1, (0.1, 0.1, 0.1)), (np.float32(0.9), (0.9, 0.9, 0.9)), ({"red": 0.01}, (0.5, 0.01, 0.5)),
        ([0.2, 0.8, 1], (0.2, 0.8, 1.0)), (0, (0, 0, 0)), (1, (1, 1, 1)),
    ):  # fmt: skip
        expected = [[n for n, t in zip(LABELS, each, strict=True) if score[n] > t] for score in scores]
        assert [found["predicted_classes"] for found in ptf.Infer(few, img_thresh=given)] == expected
        stream = ptf.Infer(few, img_thresh=given, stream=True)
        # another threshold in between
        assert ptf.Infer(few[0], img_thresh=1)["predicted_classes"] == []
        assert [found["predicted_classes"] for found in stream] == expected
        assert ptf.Infer(few[0], False, False, given)["predicted_classes"] == expected[0]


@pytest.mark.parametrize(
    ("thresholds", "error", "message"),
    [
        (1.5, InvalidValue, "img_thresh must be a number at least 0 and at most 1, not 1.5"),
        ("0.5", InvalidType, "img_thresh must be a number"),
        (True, InvalidType, "img_thresh must be a number"),
        ([0.5, 0.5], InvalidValue, "img_thresh has 2 values for 3 labels.*'light', 'red', 'striped'"),
        ({"lihgt": 0.5}, InvalidValue, "no label is called 'lihgt'. Did you mean 'light'?"),
        ({"light": 2}, InvalidValue, "img_thresh must be a dictionary from each class name to its value"),
    ],
)
def test_wrong_thresholds_are_refused(here: Path, images: Path, thresholds, error, message: str) -> None:
    ptf = judge("pytorch", images)
    before = Workspace().find("p", "pytorch").state()
    for call in (
        ptf.Evaluate,
        lambda t: ptf.Infer(images, img_thresh=t),
        lambda t: ptf.Infer(images / "no.png", False, False, t),
    ):
        with pytest.raises(error, match=message):
            call(thresholds)
    assert Workspace().find("p", "pytorch").state() == before


def test_a_prediction_names_each_label_whose_score_is_above_one_half(here: Path, images: Path, backend: str) -> None:
    ptf = Prototype("p", backend, backend=backend, eval_infer=True, verbose=0)
    seen = []
    for i in range(8):
        found = ptf.Infer(img_name=images / f"test-{i}.png", return_raw=True)
        scores = 1 / (1 + np.exp(-np.asarray(list(found["raw"].values()))))
        expected = {name: score for name, score in zip(LABELS, scores, strict=True) if score > 0.5}
        assert found["predicted_classes"] == list(expected)
        assert found["scores"] == pytest.approx(list(expected.values()))
        seen.append(len(expected))
    assert min(seen) == 0
    assert max(seen) > 1


def test_a_folder_is_predicted_as_its_images_are(here: Path, images: Path, backend: str) -> None:
    ptf = Prototype("p", backend, backend=backend, eval_infer=True, verbose=0)
    one = ptf.Infer(img_name=images / "test-3.png")
    several = {found["img_name"]: found for found in ptf.Infer(img_dir=images)}
    assert len(several) == 104
    found = next(v for name, v in several.items() if Path(name).name == "test-3.png")
    assert found["predicted_classes"] == one["predicted_classes"]


def test_what_is_printed_names_the_labels(here: Path, images: Path, backend: str, capsys) -> None:
    ptf = judge(backend, images)
    ptf._console.verbose = 1
    ptf.Evaluate()
    ptf.Infer(img_name=images / "test-0.png")
    said = capsys.readouterr().out
    assert "f1:" in said and "macro_f1:" in said
    assert re.search(r"1\. red - [\d.]+ % \(\d+ of 12\), precision [\d.]+ % \(\d+ of \d+\), F1 [\d.]+ %", said)
    assert "Always the most frequent combination of labels: 12.50 %" in said
    assert "Predicted classes:" in said


def test_both_stand_in_one_comparison(here: Path, images: Path) -> None:
    for name in BACKENDS:
        judge(name, images).Evaluate()
    ctf = compare(verbose=0)
    ctf.Comparison("both")
    for name in BACKENDS:
        ctf.Add_Experiment("p", name)
    rows = ctf.Generate_Statistics()
    best = [Workspace().find("p", name).state().results.best_figure for name in BACKENDS]
    assert rows["best val F1"].tolist() == pytest.approx([100 * b for b in best], abs=0.006)
    assert "F1" in (here / "workspace" / "comparison" / "both" / "report.html").read_text(encoding="utf-8")


def test_training_and_validation_tables_and_another_dataset(workspace: Path, images: Path, backend: str) -> None:
    ptf = opened(backend, images, epochs=1)
    ptf.Dataset_Params(
        [images, images], [images / "train.csv", images / "test.csv"], input_size=32, batch_size=8, label_delimiter="|"
    )
    ptf.Dataset()
    ptf.Train()
    record = Workspace().find("p", backend).state().dataset
    assert (record.n_train, record.n_val, record.val_counts) == (80, 24, (12, 12, 12))
    ptf.update_dataset([images, images], 0.9, [images / "test.csv", images / "train.csv"], label_delimiter="|")
    ptf.Reload()
    record = Workspace().find("p", backend).state().dataset
    assert (record.n_train, record.n_val) == (24, 80)


def test_a_run_of_one_label_is_not_judged_by_a_table_of_several(workspace: Path, images: Path, tmp_path: Path) -> None:
    table = tmp_path / "one.csv"
    table.write_text("file,labels\n" + "".join(f"train-{i}.png,{'light' if i % 2 else 'red'}\n" for i in range(40)))
    ptf = Prototype("p", "one", verbose=0)
    ptf.Default(images, table, model_name="squeezenet1_1", use_pretrained=False, num_epochs=1)
    ptf.update_input_size(32)
    ptf.Train()
    judged = Prototype("p", "one", eval_infer=True, verbose=0)
    judged.Dataset_Params(images, images / "test.csv", label_delimiter="|")
    with pytest.raises(DatasetError, match="several labels per image, and the training images have one: leave out"):
        judged.Dataset()
    judged.Dataset_Params(images, table)
    judged.Dataset()
    judged.Evaluate(0.5)
    for call in (judged.Evaluate, lambda t: judged.Infer(images / "test-0.png", img_thresh=t)):
        with pytest.raises(InvalidValue, match=r"img_thresh=0.3: each image has exactly one label.* leave it at 0.5"):
            call(0.3)


def test_a_resumed_run_equals_the_unbroken_one(workspace: Path, images: Path, monkeypatch, backend: str) -> None:
    unbroken = opened(backend, images, "unbroken", epochs=4)
    unbroken.Train()
    broken = opened(backend, images, "broken", epochs=4)
    monkeypatch.setattr("monklite.training.recording.History.epoch_end", _stop_after_two(_original_epoch_end()))
    with pytest.raises(KeyboardInterrupt):
        broken.Train()
    monkeypatch.undo()
    monkeypatch.chdir(workspace.parent)
    resumed = Prototype("p", "broken", backend=backend, resume_train=True, verbose=0)
    resumed.Train()
    assert equal(weights(resumed), weights(unbroken))
    rows = [history.read(Workspace().find("p", name).logs / HISTORY) for name in ("unbroken", "broken")]
    assert [r.val_figures for r in rows[0]] == [r.val_figures for r in rows[1]]
    assert len(rows[0]) == 4


def test_quick_mode_takes_the_loss_of_several_labels(workspace: Path, images: Path, backend: str) -> None:
    ptf = Prototype("p", "quick", backend=backend, verbose=0)
    ptf.Default(
        images,
        images / "train.csv",
        model_name="resnet18_v1",
        use_pretrained=False,
        num_epochs=1,
        label_delimiter="|",
    )
    ptf.update_input_size(32)
    ptf.Train()
    state = Workspace().find("p", "quick").state()
    assert state.resolved.training.loss.name == "sigmoid_binary_crossentropy"
    assert state.status == "done"


# Test tables


def test_a_test_table_is_read_as_the_training_table_was(here: Path, images: Path, tmp_path: Path) -> None:
    """Unless another separator is given; then the answers are the same."""
    inherited, _ = judge("pytorch", images).Evaluate()
    other = tmp_path / "other.csv"
    other.write_text((images / "test.csv").read_text().replace("|", " "))
    ptf = Prototype("p", "pytorch", eval_infer=True, verbose=0)
    ptf.Dataset_Params(images, other, label_delimiter=" ")
    ptf.Dataset()
    assert ptf.Evaluate()[0] == inherited


def test_a_test_folder_is_refused(here: Path, patterns: Path, backend: str) -> None:
    ptf = Prototype("p", backend, backend=backend, eval_infer=True, verbose=0)
    ptf.Dataset_Params(patterns)
    with pytest.raises(DatasetError, match="several labels"):
        ptf.Dataset()


def test_a_test_table_whose_columns_are_separated_like_the_labels_is_refused(
    here: Path, images: Path, tmp_path: Path
) -> None:
    table = tmp_path / "pipes.csv"
    table.write_text("file|labels\ntest-3.png|light\n")
    ptf = Prototype("p", "pytorch", eval_infer=True, verbose=0)
    ptf.Dataset_Params(images, table, delimiter="|")
    with pytest.raises(
        InvalidValue, match=r"separates its columns by '\|', which separates the labels.*label_delimiter="
    ):
        ptf.Dataset()


def test_a_run_is_not_resumed_with_labels_of_another_kind(
    workspace: Path, images: Path, tmp_path: Path, backend
) -> None:
    """Without label_delimiter every combination is a class of its own."""
    opened(backend, images, "e", epochs=1).Train()
    run = Workspace().find("p", "e")
    before = {file.name: file.read_bytes() for file in run.models.iterdir()}
    ptf = Prototype("p", "e", backend=backend, resume_train=True, verbose=0)
    ptf.update_num_epochs(2)
    table = tmp_path / "full.csv"
    table.write_text("file,labels\n" + "".join(f"train-{i}.png,{'light' if i % 2 else 'red'}\n" for i in range(80)))
    ptf.update_dataset(images, 0.8, path_to_csv=table)
    with pytest.raises(DatasetError, match=r"the labels of the images of p/e/v001 have changed.*label_delimiter="):
        ptf.Train()
    assert {file.name: file.read_bytes() for file in run.models.iterdir()} == before


def test_images_added_since_are_told_and_left_out_of_a_copy(
    workspace: Path, images: Path, tmp_path: Path, capsys
) -> None:
    table = tmp_path / "growing.csv"
    lines = (images / "train.csv").read_text().splitlines(keepends=True)
    table.write_text("".join(lines[:61]))
    ptf = Prototype("p", "e", verbose=0)
    ptf.Default(
        images, table, model_name="squeezenet1_1", use_pretrained=False, freeze_base_network=False, num_epochs=1,
        label_delimiter="|",
    )  # fmt: skip
    ptf.update_input_size(32)
    ptf.Train()
    table.write_text("".join(lines))
    copy = Prototype("p", "copy", copy_from=["p", "e"])
    copy.Reload()
    assert "20 images are not in the recorded split, which is used again: they are left out" in capsys.readouterr().out
    table.write_text("".join(lines[:61]) + "train-70.png,new\n")
    with pytest.raises(DatasetError, match="'new' has no training image in the recorded split"):
        Prototype("p", "other", copy_from=["p", "e"], verbose=0).Reload()


def test_an_unknown_label_of_a_test_table_is_named(here: Path, images: Path, tmp_path: Path) -> None:
    table = tmp_path / "odd.csv"
    table.write_text("file,labels\ntest-0.png,light|gren\n")
    ptf = Prototype("p", "pytorch", eval_infer=True, verbose=0)
    ptf.Dataset_Params(images, table)
    with pytest.raises(DatasetError, match="gren"):
        ptf.Dataset()


# Wrong calls


def test_softmax_is_refused_for_several_labels(workspace: Path, images: Path, backend: str) -> None:
    ptf = opened(backend, images)
    ptf.loss_softmax_crossentropy()
    with pytest.raises(InvalidValue, match=r"one class per image: take loss_sigmoid_binary_crossentropy\(\)"):
        ptf.Train()
    assert Workspace().find("p", backend).state().status == "new"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p, d: p.Dataset_Params(d, label_delimiter="|"), "label_delimiter goes with a table"),
        (lambda p, d: p.Dataset_Params(d, d / "train.csv", ";", label_delimiter=";"), "must differ from delimiter"),
        (lambda p, d: p.Dataset_Params(d, d / "train.csv", label_delimiter="ab"), "label_delimiter must be one of"),
    ],
)
def test_wrong_separators_are_refused(workspace: Path, images: Path, call, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        call(Prototype("p", "e", verbose=0), images)


def test_one_label_of_all_images_can_be_trained(workspace: Path, images: Path, tmp_path: Path, backend: str) -> None:
    """Yes or no: a single label is a task where an image may have none."""
    table = tmp_path / "one.csv"
    rows = [("file", "labels"), *((f"train-{i}.png", "light" if i & 1 else "") for i in range(40))]
    with table.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    ptf = Prototype("p", "one", backend=backend, verbose=0)
    ptf.Default(
        images, table, model_name="resnet18_v1", use_pretrained=False, freeze_base_network=False, num_epochs=1,
        label_delimiter="|",
    )  # fmt: skip
    ptf.update_input_size(32)
    ptf.Train()
    state = Workspace().find("p", "one").state()
    assert (state.dataset.classes, state.status) == (("light",), "done")


def test_thresholds_and_unsure_predictions_of_several_labels(
    trained: Path, images: Path, tmp_path: Path, monkeypatch, backend: str
) -> None:
    shutil.copytree(trained / "workspace", tmp_path / "workspace", symlinks=True)
    monkeypatch.chdir(tmp_path)
    ptf, paths = judge(backend, images), [images / f"test-{i}.png" for i in range(24)]
    usual = ptf.Infer(paths)
    ptf.Set_Operating_Point(false_negative_cost=1, false_positive_cost=30)
    point = Workspace().find("p", backend).state().operating_point
    assert point.cutoffs.keys() == point.figures.keys() == {*LABELS}
    found = ptf.Infer(paths, return_raw=True)
    for answer in found:
        assert answer["predicted_classes"] == [n for n in LABELS if answer["raw"][n] > point.cutoffs[n]]
    assert not any(answer["predicted_classes"] for answer in ptf.Infer(paths, img_thresh=1))
    ptf.Evaluate()
    testing = Workspace().find("p", backend).state().testing
    assert testing.thresholds.keys() == testing.point_figures.keys() == {*LABELS}
    assert testing.operating_point == "false_negative_cost=1.0, false_positive_cost=30.0"
    ptf.Evaluate({"light": 0.3})
    assert Workspace().find("p", backend).state().testing.point_figures == {}
    ptf.Set_Operating_Point(None)
    ptf.Set_Unsure(coverage=0.8, confidence=0.9)
    least = dict(zip(LABELS, Workspace().find("p", backend).state().unsure.possible_from, strict=True))
    for before, answer in zip(usual, ptf.Infer(paths, return_raw=True), strict=True):
        assert {name: answer[name] for name in before} == before
        predicted, raw = answer["predicted_classes"], answer["raw"]
        # too few validation images for a temperature
        assert answer["calibrated_scores"] is None
        possible = [n for n in LABELS if n in predicted or raw[n] >= least[n]]
        assert answer["possible_classes"] == possible
        is_doubtful = any(abs(raw[n]) < np.log(9) for n in LABELS)
        assert bool(answer["unsure"]) == (possible != predicted or is_doubtful)
        assert ("the uncalibrated score of" in (answer["unsure"] or "")) == is_doubtful
