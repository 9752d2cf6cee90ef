"""Runs -> one table, pairs and warnings; and `compare`, which needs no framework."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
import math
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from monklite import compare
from monklite.catalog import OPTIMIZERS, resolve
from monklite.errors import InvalidType, InvalidValue, MonkliteError, NotReady, UnknownArgument, UnknownName
from monklite.printable import printable
from monklite.records import ClassResult, DatasetRecord, EpochRow, ModelRecord, Results, Testing
from monklite.reports import cautions, chart_rows, comparison, comparison_charts, pairs, report, table, wording
from monklite.runs import history
from monklite.runs.file_names import COMPARISON_TABLE, FINAL, HISTORY, PAIRS_TABLE, PREDICTIONS, REPORT, STATE
from monklite.runs.predictions import Predictions
from monklite.runs.run import Run
from monklite.runs.workspace import Workspace
from monklite.spec import Folders, Spec, Table
from monklite.statistics import intervals, paired

MONK_COLUMNS = (
    "project, experiment, base_model, origin, best val acc, test acc, num test images, epochs, base lr, optimizer, "
    "lr scheduler, loss func, All layers trained, gpu used, max gpu usage, training time, train dataset type, "
    "num train images, num val images, shuffled dataset, train transforms, val transforms, test transforms"
)
DATA = DatasetRecord(classes=("cat", "dog"), train_counts=(70, 50), val_counts=(30, 20), fingerprint="a" * 64)
CPU = ModelRecord(
    parameters=11_177_538,
    trainable_parameters=1026,
    layers=62,
    trainable_layers=1,
    weights="IMAGENET1K_V1",
    device="cpu",
    precision="float32",
)
N_TEST = 40
WITHOUT_FRAMEWORKS = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "torchvision", "mxnet"):
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Blocked())
from monklite import compare

made = compare(workspace=sys.argv[1])
made.Comparison("blocked")
made.Add_Experiment("p", "a")
made.Add_Experiment("p", "b")
made.Generate_Statistics()
assert not {"torch", "torchvision", "mxnet"} & set(sys.modules)
"""


# Runs made by hand


def results(epochs: int = 3, best: float = 0.84, **changes: Any) -> Results:
    values = {
        "epochs_completed": epochs,
        "train_accuracy": 0.9,
        "train_loss": 0.3,
        "val_accuracy": best,
        "val_loss": 0.4,
        "best_val_accuracy": best,
        "best_epoch": epochs,
        "train_seconds": 12.345,
        "images_per_second": 29.1,
        "process_mib": 512.25,
    }
    return Results(**{**values, **changes})


def curve(epochs: int, end: float) -> list[EpochRow]:
    rows = [(e, end * e / epochs) for e in range(1, epochs + 1)]
    return [EpochRow(e, 0.001, 2 / (e + 1), share * 0.95, 2.2 / (e + 1), share, 4.0, 0.5, 29.0) for e, share in rows]


def judged(right: Sequence[bool], fingerprint: str = "t" * 64) -> Testing:
    n_right, n = sum(right), len(right)
    return Testing(
        dataset_path="test",
        fingerprint=fingerprint,
        weights="best_model",
        num_images=n,
        num_correct=n_right,
        accuracy=n_right / n,
        interval=intervals.wilson(n_right, n),
        majority_accuracy=0.55,
        classes={"cat": ClassResult(num_images=n, num_correct=n_right)},
        confusion=((n_right, n - n_right), (0, 0)),
    )


def fresh(space: Workspace, project: str = "p", experiment: str = "e") -> Run:
    run = space.claim(project, experiment)
    run.release()
    return run


def fill(run: Run, epochs: int = 3, best: float = 0.84, right: Sequence[bool] | None = None, **changes: Any) -> Run:
    """Give a run what training and testing would have written."""
    asked = Spec().replace({"data.sources": (Folders(path="data"),), "training.epochs": epochs})
    record = {
        "status": "done",
        "asked": asked,
        "resolved": resolve(asked),
        "dataset": DATA,
        "model": CPU,
        "results": results(epochs, best),
    }
    if right is not None:
        record["testing"] = judged(right)
        lines = [f"img{i:03d}.png,cat,{'cat' if ok else 'dog'}" for i, ok in enumerate(right)]
        (run.logs / PREDICTIONS).write_text("\n".join(["path,class,predicted", *lines]) + "\n")
    run.update(**{**record, **changes})
    history.write(run.logs / HISTORY, curve(epochs, best))
    (run.models / FINAL).write_text("weights")
    return run


def trained(space: Workspace, project: str = "p", experiment: str = "e", **changes: Any) -> Run:
    return fill(fresh(space, project, experiment), **changes)


def right(*wrong: int) -> list[bool]:
    return [i not in wrong for i in range(N_TEST)]


def row(run: Run) -> dict[str, Any]:
    return table.row(comparison.collect([run])[0])


def labels(*runs: Run) -> list[str]:
    return [e.label for e in comparison.collect(runs)]


@pytest.fixture
def runs(workspace) -> Workspace:
    return Workspace(workspace)


@pytest.fixture
def comparing(runs) -> compare:
    made = compare(verbose=0, workspace=runs.root)
    made.Comparison("mine")
    return made


# The table


def test_monks_columns_come_first_in_monks_order(runs):
    assert ", ".join(list(row(trained(runs)))[:23]) == MONK_COLUMNS


def test_a_row_holds_the_runs_values(runs):
    found = row(trained(runs, "lungs", "frozen", right=right(0, 1), best=0.875))
    wanted = {
        "project": "lungs",
        "experiment": "frozen",
        "base_model": "resnet18",
        "origin": "New",
        "best val acc": 87.5,
        "test acc": 95.0,
        "num test images": N_TEST,
        "epochs": 3,
        "base lr": 1e-3,
        "optimizer": "adam",
        "lr scheduler": "cosine_decrease",
        "loss func": "softmax_crossentropy",
        "All layers trained": False,
        "gpu used": False,
        "max gpu usage": None,
        "training time": 12.35,
        "train dataset type": "train",
        "num train images": 120,
        "num val images": 50,
        "shuffled dataset": True,
        "train transforms": "resize",
        "version": 1,
        "status": "done",
        "input size": 224,
        "batch size": 16,
        "max process memory": 512.25,
        "test acc low": round(100 * intervals.wilson(38, 40)[0], 2),
        "test acc of largest class": 55.0,
    }
    assert {name: found[name] for name in wanted} == wanted


def test_gpu_memory_and_time_are_not_swapped(runs):
    on_gpu = results(train_seconds=100.0, gpu_process_mib=1500.0, gpu_framework_mib=800.0)
    found = row(trained(runs, results=on_gpu, model=CPU.model_copy(update={"device": "cuda:0 (NVIDIA T4)"})))
    assert (found["max gpu usage"], found["training time"], found["max gpu usage of framework"]) == (1500, 100, 800)
    assert found["gpu used"] is True


def test_without_the_drivers_count_the_frameworks_is_taken(runs):
    assert row(trained(runs, results=results(gpu_framework_mib=800.0)))["max gpu usage"] == 800.0


@pytest.mark.parametrize(("trainable", "all_trained"), [(62, True), (61, False), (1, False)])
def test_all_layers_trained_is_true_when_all_are(runs, trainable, all_trained):
    run = trained(runs, model=CPU.model_copy(update={"trainable_layers": trainable}))
    assert row(run)["All layers trained"] is all_trained


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"data.sources": (Folders(path="a"),)}, "train"),
        ({"data.sources": (Folders(path="a"), Folders(path="b"))}, "train-val"),
        ({"data.sources": (Table(path="a", csv="c"),)}, "csv_train"),
        ({"data.sources": (Table(path="a", csv="c"), Table(path="b", csv="d"))}, "csv_train-val"),
    ],
)
def test_the_type_of_the_dataset_is_monks_word(runs, changes, kind):
    assert row(trained(runs, resolved=resolve(Spec().replace(changes))))["train dataset type"] == kind


def test_the_origin_of_a_copy_is_named(runs):
    assert row(trained(runs, origin=("p", "first", 2)))["origin"] == "p/first/2"


def test_transforms_and_another_optimizer_are_written_out(runs):
    sgd = OPTIMIZERS["sgd"].choose("pytorch", {"learning_rate": 0.25})
    flip = [{"name": "random_horizontal_flip", "params": {"probability": 0.5}}, {"name": "resize"}]
    spec = Spec().replace({"training.optimizer": sgd, "data.transforms": {"train": flip}})
    found = row(trained(runs, resolved=resolve(spec)))
    assert (found["optimizer"], found["base lr"]) == ("sgd", 0.25)
    assert found["train transforms"] == "random_horizontal_flip(probability=0.5); resize()"


def test_an_untrained_run_has_na_where_training_would_have_written(runs):
    found = row(fresh(runs))
    assert (found["status"], found["epochs"]) == ("new", 0)
    for name in ("best val acc", "test acc", "base lr", "optimizer", "All layers trained", "training time", "device"):
        assert found[name] is None
        assert table.written(found)[name] == "NA"


# Names


def test_a_run_goes_by_the_shortest_name_that_tells_it_apart(runs):
    a, b, q = trained(runs, "p", "a"), trained(runs, "p", "b"), trained(runs, "q", "a")
    assert labels(a, b) == ["a", "b"]
    assert labels(a, b, q) == ["p/a", "b", "q/a"]
    assert labels(a, trained(runs, "p", "a"), b) == ["a v001", "a v002", "b"]


def test_a_copied_experiment_keeps_a_name_of_its_own(runs):
    a = trained(runs, "p", "a")
    shutil.copytree(a.folder.parent, runs.root / "p" / "b", symlinks=True)
    assert labels(a, runs.find("p", "b")) == ["a", "b"]


def test_a_run_without_history_keeps_its_place_in_the_curves(runs):
    entries = comparison.collect([fresh(runs, "p", "a"), trained(runs, "p", "b", epochs=2, best=0.8)])
    rows = chart_rows.chart_rows(entries)
    assert [(row.label, row.curves["val_accuracy"]) for row in rows] == [("a", []), ("b", [0.4, 0.8])]


def test_the_bar_of_a_test_has_the_interval_that_the_test_itself_has(runs):
    """It is wider than Wilson's where several images are of one patient."""
    by_patient = judged(right(1, 2)).model_copy(update={"interval": (0.61, 0.99)})
    (row,) = chart_rows.chart_rows(comparison.collect([trained(runs, right=right(1, 2), testing=by_patient)]))
    assert (row.test.value, row.test.low, row.test.high, row.test.count) == (0.95, 0.61, 0.99, N_TEST)


# Pairs


def test_two_runs_that_differ_much_are_told_apart(runs):
    a, b = trained(runs, experiment="a", right=right()), trained(runs, experiment="b", right=right(*range(12)))
    (pair,) = pairs.pairs(comparison.collect([b, a]))
    assert (pair.best, pair.other, pair.only_best, pair.only_other) == ("a", "b", 12, 0)
    assert (pair.accuracies, pair.p_value) == ((1.0, 0.7), pytest.approx(2 / 2**12))
    assert wording.verdict(pair) == (
        "a is better than b on 40 images: 100.0 % against 70.0 %, difference 30.0 points, 95 % interval 18.1 to 45.4, p < 0.001 "
        "(12 images only a gets right, 0 only b)"
    )
    assert pair.images_needed is None


def test_two_runs_that_differ_little_are_not(runs):
    made = [trained(runs, experiment="a", right=right(0)), trained(runs, experiment="b", right=right(1, 2))]
    (pair,) = pairs.pairs(comparison.collect(made))
    assert (pair.only_best, pair.only_other, pair.p_value) == (2, 1, 1.0)
    assert wording.verdict(pair) == (
        "a and b cannot be told apart on 40 images; about 940 would be needed: 97.5 % against 95.0 %, difference 2.5 points, "
        "95 % interval -8.7 to 14.5, p = 1 (2 images only a gets right, 1 only b)"
    )
    equal = [trained(runs, experiment="c", right=right(0)), trained(runs, experiment="d", right=right(1))]
    (pair,) = pairs.pairs(comparison.collect(equal))
    assert "on 40 images: 97.5 % against 97.5 %, difference 0.0 points" in wording.verdict(pair)


def test_more_images_are_needed_than_there_are_where_few_differ(runs):
    made = [trained(runs, experiment="a", right=right()), trained(runs, experiment="b", right=right(*range(5)))]
    (pair,) = pairs.pairs(comparison.collect(made))
    # 5 of 5: the exact test has p = 0.06
    assert not pair.is_significant and pair.images_needed > N_TEST
    many = ["about 2,900", "about 41", "more than 10,000,000"]
    assert [wording._needed(n) for n in (2873, 41, 12_345_678)] == many


def test_p_values_are_adjusted_for_the_number_of_pairs(runs):
    wrong = {"a": 0, "b": 12, "c": 8, "d": 6}
    made = [trained(runs, experiment=name, right=right(*range(n))) for name, n in wrong.items()]
    found = {(pair.best, pair.other): pair for pair in pairs.pairs(comparison.collect(made))}
    alone = {("a", "b"): 12, ("a", "c"): 8, ("a", "d"): 6, ("d", "b"): 6, ("c", "b"): 4, ("d", "c"): 2}
    holm = {("a", "b"): 6, ("a", "c"): 5, ("a", "d"): 4, ("d", "b"): 3, ("c", "b"): 2, ("d", "c"): 1}
    # those that are not told apart all have the level at which Holm's method stops
    assert {names: pair.level for names, pair in found.items()} == {n: 0.05 / max(4, holm[n]) for n in holm}
    raised = {names: min(1, n * 2 / 2 ** alone[names]) for names, n in holm.items()}
    # not below that of the pair before
    raised["d", "b"] = raised["a", "d"]
    raised["d", "c"] = 0.5
    assert {names: pair.p_value for names, pair in found.items()} == pytest.approx(raised)
    assert list(found)[:3] == [("a", "d"), ("a", "c"), ("a", "b")]


def test_many_runs_that_cannot_be_told_apart_share_one_line(runs):
    made = [trained(runs, experiment=f"e{i}", right=right(i)) for i in range(6)]
    *_, equal, others = wording.verdicts(comparison.collect(made))
    assert equal == "e0 cannot be told apart on 40 images from: e1, e2, e3, e4, e5"
    assert others == "Of the 10 pairs of the other runs, none can be told apart. All are in pairs.csv"


def test_that_the_best_was_chosen_on_the_test_images_is_said_unless_all_are_equal(runs):
    made = [trained(runs, experiment=name, right=right(*wrong)) for name, wrong in (("a", [1]), ("b", [2]))]
    assert not [text for text in wording.verdicts(comparison.collect(made)) if "somewhat lower" in text]
    made.append(trained(runs, experiment="c", right=right(3, 4)))
    assert wording.verdicts(comparison.collect(made))[-1] == (
        "a, b are the best of 3 runs on these test images, so their accuracy on new images is likely to be somewhat lower"
    )
    assert wording.verdicts(comparison.collect(made[1:]))[-1] == (
        "b is the best of 2 runs on these test images, so its accuracy on new images is likely to be somewhat lower"
    )


@pytest.mark.parametrize("n_images", [12, 60, 800])
def test_sentence_interval_and_p_never_contradict_each_other(n_images):
    rng = np.random.default_rng(n_images)
    for _ in range(60):
        unequal = rng.integers(0, min(n_images, 40) + 1)
        only_best = int(rng.integers((unequal + 1) // 2, unequal + 1))
        n_tests = int(rng.choice([1, 3, 190]))
        alone = float(paired.mcnemar(np.array([only_best]), np.array([unequal - only_best]))[0])
        pair = pairs.Pair(
            "a", "b", n_images, n_images - int(unequal) + only_best, only_best, int(unequal) - only_best,
            min(1.0, n_tests * alone), 0.05 / n_tests, n_tests,
        )  # fmt: skip
        value, low, high = pair.difference
        assert low <= value <= high and (low >= 0 if pair.is_significant else low <= 0 <= high)
        text = wording.verdict(pair)
        ((start, p),) = re.findall(r"95 % interval (above 0|\S+) to .*?, p [=<] ([0-9.]+)", text)
        tells_apart = " is better than " in text
        assert tells_apart == (float(p) < 0.05) == (start == "above 0" or float(start) > 0)
        assert ("both adjusted for" in text) == (n_tests > 1)


def test_the_intervals_of_several_pairs_are_wider_than_of_one(runs):
    made = [trained(runs, experiment=n, right=right(*range(k))) for n, k in (("a", 0), ("b", 6), ("c", 7))]
    (alone,) = pairs.pairs(comparison.collect(made[:2]))
    first = next(p for p in pairs.pairs(comparison.collect(made)) if (p.best, p.other) == ("a", "b"))
    # p = 0.031 of one pair, 0.063 of three
    assert alone.is_significant and alone.difference[1] > 0
    assert not first.is_significant and first.difference[1] <= 0 and first.difference[2] > alone.difference[2]


@pytest.mark.parametrize(("subset", "names"), [("test", ("testing",)), ("validation", ("results",))])
def test_a_network_that_gives_one_answer_is_told(runs, subset, names):
    run = trained(runs, right=right())
    for name in names:
        run.update(**{name: getattr(run.state(), name).model_copy(update={"only_prediction": "cat"})})
    sentence = f"e: every {subset} image is predicted as 'cat': the network does not tell them apart."
    assert sentence in cautions.warnings(comparison.collect([run]))
    assert not any("predicted" in text for text in cautions.warnings(comparison.collect([trained(runs)])))


def test_the_images_are_matched_by_name_not_by_order(runs):
    a, b = trained(runs, experiment="a", right=right(3)), trained(runs, experiment="b", right=right(3))
    head, *lines = (b.logs / PREDICTIONS).read_text().splitlines()
    (b.logs / PREDICTIONS).write_text("\n".join([head, *reversed(lines)]) + "\n")
    (pair,) = pairs.pairs(comparison.collect([a, b]))
    assert (pair.only_best, pair.only_other) == (0, 0)


def test_a_class_called_na_is_a_class(runs):
    a, b = trained(runs, experiment="a", right=right()), trained(runs, experiment="b", right=right(3))
    for run in (a, b):
        text = (run.logs / PREDICTIONS).read_text()
        (run.logs / PREDICTIONS).write_text(text.replace("cat", "NA"))
    (pair,) = pairs.pairs(comparison.collect([a, b]))
    assert (pair.only_best, pair.only_other) == (1, 0)


def test_only_runs_tested_on_the_same_images_make_pairs(runs):
    a = trained(runs, experiment="a", right=right())
    other = judged(right(1), fingerprint="other")
    made = [a, trained(runs, experiment="b", right=right(1), testing=other), trained(runs, experiment="c"), fresh(runs)]
    assert pairs.pairs(comparison.collect(made)) == []
    assert pairs.pairs(comparison.collect([a])) == []


def test_a_run_that_was_tested_on_other_images_leaves_the_verdicts_of_the_others(runs):
    easy = trained(runs, experiment="easy", right=right(), testing=judged(right(), fingerprint="other"))
    made = [
        easy,
        *(trained(runs, experiment=name, right=right(*range(n))) for name, n in (("a", 1), ("b", 9), ("c", 2))),
    ]
    found = pairs.pairs(comparison.collect(made))
    assert [(pair.best, pair.other) for pair in found] == [("a", "c"), ("a", "b"), ("c", "b")]
    alone = pairs.pairs(comparison.collect(made[1:]))
    assert [pair.p_value for pair in found] == [pair.p_value for pair in alone]
    assert sum("a is the best of 3 runs" in text for text in wording.verdicts(comparison.collect(made))) == 1


# Warnings


def test_runs_on_the_same_images_need_no_warning(runs):
    made = [trained(runs, experiment=name, right=right(), best=best) for name, best in (("a", 0.84), ("b", 0.6))]
    assert cautions.warnings(comparison.collect(made)) == []


def test_other_images_are_warned_of(runs):
    other = DATA.model_copy(update={"fingerprint": "b" * 64})
    a = trained(runs, experiment="a", right=right())
    b = trained(runs, experiment="b", dataset=other, right=right(), testing=judged(right(), "other"))
    assert cautions.warnings(comparison.collect([a, b])) == [
        "The runs were not trained and validated on the same images, so their validation accuracies cannot be compared.",
        "The runs were not tested on the same images, so their test accuracies cannot be compared: a on 40 images "
        "(test); b on 40 images (test), of which 40 have the name and class of one of a.",
    ]


def test_runs_that_were_tested_in_other_ways_are_not_compared_and_that_is_told(runs):
    views = judged(right()).model_copy(update={"views": 4})
    entries = comparison.collect(
        [trained(runs, experiment="a", right=right(1)), trained(runs, experiment="b", right=right(), testing=views)]
    )
    assert pairs.pairs(entries) == []
    (sentence,) = (text for text in cautions.warnings(entries) if "not all with" in text)
    assert sentence.endswith("only those with the same are compared: a, b.")


def test_too_few_validation_images_are_warned_of(runs):
    accuracies = {"a": 0.84, "b": 0.80, "c": 0.6}
    made = [trained(runs, experiment=name, right=right(), best=best) for name, best in accuracies.items()]
    assert cautions.warnings(comparison.collect(made)) == [
        "50 validation images are too few to tell the best runs apart: a has 84.0 %, 95 % interval 71.5 to 91.7 %, which "
        "includes: b."
    ]
    many = DATA.model_copy(update={"val_counts": (3000, 2000)})
    for run in made:
        run.update(dataset=many)
    assert cautions.warnings(comparison.collect(made)) == []


def test_where_nothing_was_tested_it_is_told_what_to_do(runs):
    tested, not_tested = trained(runs, experiment="a", right=right()), trained(runs, experiment="b", best=0.5)
    assert cautions.warnings(comparison.collect([not_tested])) == [cautions.NO_TEST]
    assert cautions.warnings(comparison.collect([tested, not_tested])) == ["Not tested: b."]


def test_bars_of_validation_count_patients(runs):
    (entry,) = comparison.collect([trained(runs, best=0.8)])
    by_image = chart_rows.validation(entry)
    assert (by_image.low, by_image.high) == intervals.wilson(40, 50)
    # five patients with ten images each, of which all are right but those of one
    correct, texts = np.arange(50) < 40, tuple(map(str, range(50)))
    patients = tuple(str(i // 10) for i in range(50))
    read = Predictions(texts, texts, texts, correct, np.ones(50), {}, patients)
    by_patient = chart_rows.validation(dataclasses.replace(entry, validated=read))
    assert by_patient.value == by_image.value and by_patient.count == 50
    assert by_patient.low < by_image.low - 0.1 and by_patient.high > by_image.high


def test_images_of_patients_are_told_to_count_one_by_one(runs):
    grouped = DATA.model_copy(update={"groups": 30})
    made = [trained(runs, experiment=n, right=right(), dataset=grouped, best=b) for n, b in (("a", 0.9), ("b", 0.4))]
    (sentence,) = cautions.warnings(comparison.collect(made))
    assert sentence.startswith(
        "The training images belong to groups, such as patients, and no groups of the test images"
    )


def test_test_sets_of_equal_names_and_sizes_are_told_apart_by_content(runs):
    made = [
        trained(
            runs,
            experiment=name,
            right=right(*wrong),
            testing=judged(right(*wrong)).model_copy(update={"content": content}),
        )
        for name, wrong, content in (("a", (), "1" * 64), ("b", range(12), "2" * 64))
    ]
    entries = comparison.collect(made)
    assert pairs.pairs(entries) == []
    assert any(text.startswith("The runs were not tested on the same images") for text in cautions.warnings(entries))


def test_a_record_from_before_contents_were_known_is_compared_by_sizes(runs):
    new = judged(right()).model_copy(update={"content": "1" * 64})
    entries = comparison.collect(
        [trained(runs, experiment="a", right=right(1)), trained(runs, experiment="b", right=right(), testing=new)]
    )
    assert len(pairs.pairs(entries)) == 1
    assert not any("the same images" in text for text in cautions.warnings(entries))


def test_predictions_of_another_test_are_not_used_and_told(runs):
    run = trained(runs, experiment="a", right=right(1))
    digest = hashlib.sha256((run.logs / PREDICTIONS).read_bytes()).hexdigest()
    run.update(testing=run.state().testing.model_copy(update={"predictions": digest}))
    (entry,) = comparison.collect([run])
    assert entry.predictions is not None
    # the same number of images and of right answers, but others
    text = (run.logs / PREDICTIONS).read_text().replace("img001.png,cat,dog", "img001.png,cat,cat")
    (run.logs / PREDICTIONS).write_text(text.replace("img002.png,cat,cat", "img002.png,cat,dog"))
    (entry,) = comparison.collect([run])
    assert entry.predictions is None
    assert cautions.warnings([entry])[-1] == (
        "The predictions of the test images are missing, or are not those of the test: a. Evaluate() writes them again."
    )


def test_runs_that_did_not_finish_are_warned_of(runs):
    interrupted = trained(runs, experiment="a", status="running", results=results(2))
    failed = trained(runs, experiment="b", status="failed", results=None)
    found = cautions.warnings(comparison.collect([interrupted, failed, fresh(runs, "p", "c")]))
    assert found == [
        cautions.NO_TEST,
        "a is interrupted after 2 of 3 epochs.",
        "b is failed after 0 of 3 epochs.",
        "c has not been trained.",
    ]


# compare


def test_compare_writes_charts_table_and_report_and_returns_the_table(runs, comparing):
    for name in "ab":
        trained(runs, experiment=name, right=right(0))
        comparing.Add_Experiment("p", name)
    returned = comparing.Generate_Statistics()
    written = {p.name for p in (runs.root / "comparison" / "mine").iterdir()}
    assert written == {*comparison_charts.CHARTS, COMPARISON_TABLE, PAIRS_TABLE, REPORT}
    assert list(returned["experiment"]) == ["a", "b"]


def test_the_table_on_disk_is_the_one_returned(runs, comparing):
    trained(runs)
    comparing.Add_Experiment("p", "e")
    table = comparing.Generate_Statistics()
    with (runs.root / "comparison" / "mine" / "comparison.csv").open(newline="") as file:
        (found,) = csv.DictReader(file)
    assert found == {name: "NA" if pd.isna(value) else str(value) for name, value in table.iloc[0].items()}


def test_runs_without_a_value_have_nan_and_every_column_can_be_sorted(runs, comparing):
    trained(runs, experiment="tested")
    fresh(runs, experiment="new")
    comparing.Add_Experiment("p", "tested")
    comparing.Add_Experiment("p", "new")
    frame = comparing.Generate_Statistics()
    assert math.isnan(frame["best val acc"][1])
    assert frame["best val acc"].dtype == float
    for column in frame:
        assert len(frame.sort_values(column)) == 2


def test_the_newest_trained_version_is_taken_unless_one_is_named(runs, comparing):
    trained(runs)
    trained(runs)
    fresh(runs)
    comparing.Add_Experiment("p", "e")
    comparing.Add_Experiment("p", "e", version=1)
    comparing.Add_Experiment("p", "e", version="v003")
    assert list(comparing.Generate_Statistics()["version"]) == [2, 1, 3]


def test_the_same_run_is_refused_twice(runs, comparing):
    trained(runs)
    comparing.Add_Experiment("p", "e")
    with pytest.raises(InvalidValue, match=r"^p/e/v001 is in the comparison already$"):
        comparing.Add_Experiment("p", "e", version=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("q", "e"), r"no project in .* is called 'q'\. Known: p$"),
        (("p", "ee"), r"no experiment of project 'p' is called 'ee'\. Did you mean 'e'\? Known: e$"),
        (("p", "e", 2), r"no version of p/e is called 2\. Known: v001$"),
    ],
)
def test_an_unknown_experiment_is_refused(runs, comparing, arguments, message):
    trained(runs)
    with pytest.raises(UnknownName, match=message):
        comparing.Add_Experiment(*arguments)


def test_statistics_need_a_name_and_an_experiment(runs):
    made = compare(verbose=0)
    for prepare in (lambda: None, lambda: made.Comparison("mine")):
        prepare()
        with pytest.raises(
            NotReady, match=r"start with Comparison\('name'\) and Add_Experiment\('project', 'experiment'\)"
        ):
            made.Generate_Statistics()


def test_a_new_comparison_begins_empty(runs, comparing):
    trained(runs)
    comparing.Add_Experiment("p", "e")
    comparing.Comparison("second")
    with pytest.raises(NotReady, match="start with"):
        comparing.Generate_Statistics()


@pytest.mark.parametrize("name", ["", "..", "a/b", ".x"])
def test_a_comparison_needs_a_safe_name(comparing, name):
    with pytest.raises(InvalidValue, match="cannot be the comparison name"):
        comparing.Comparison(name)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: c.Add_Experiment("p", zzz="e"), r"has no argument 'zzz'\. It is called as Add_Experiment"),
        (lambda c: c.Add_Experiment("p", "e", versio=1), r"has no argument 'versio'\. Did you mean 'version'\?"),
        (lambda c: c.Add_Experiment("p"), r"missing a required argument: 'experiment_name'"),
        (lambda c: c.Comparison("a", "b"), r"Comparison\(\) takes at most 1 arguments, not 2"),
    ],
)
def test_a_wrong_argument_is_explained(comparing, call, message):
    with pytest.raises(UnknownArgument, match=message):
        call(comparing)


@pytest.mark.parametrize(("verbose", "error"), [("yes", InvalidType), (-1, InvalidValue), (1.5, InvalidType)])
def test_verbose_is_a_whole_number(verbose, error):
    with pytest.raises(error, match="verbose must be a whole number at least 0"):
        compare(verbose=verbose)


def test_what_is_printed_names_runs_verdicts_warnings_and_the_report(runs, capsys):
    trained(runs, experiment="a", right=right())
    trained(runs, experiment="b", right=right(*range(12)), status="failed")
    made = compare(workspace=runs.root)
    made.Comparison("mine")
    made.Add_Experiment("p", "a")
    made.Add_Experiment("p", "b")
    made.Generate_Statistics()
    printed = capsys.readouterr().out
    for text in (
        "Comparison: - mine",
        "a is better than b on 40 images: 100.0 % against 70.0 %",
        "p: how often two equally good networks",
        "b is failed after 3 of 3",
        "100.0 (91 to 100)",
        "512 RAM",
    ):
        assert text in printed
    assert f"Generated: {runs.root / 'comparison' / 'mine' / 'report.html'}" in printed


def test_verbose_0_prints_nothing(runs, comparing, capsys):
    trained(runs)
    comparing.Add_Experiment("p", "e")
    comparing.Generate_Statistics()
    assert capsys.readouterr() == ("", "")


def test_comparing_needs_no_framework(runs, tmp_path):
    for name in "ab":
        trained(runs, experiment=name, right=right(0))
    command = [sys.executable, "-c", WITHOUT_FRAMEWORKS, str(runs.root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert (Path(runs.root) / "comparison" / "blocked" / "report.html").is_file()


def test_the_state_of_a_compared_run_is_not_touched(runs, comparing):
    run = trained(runs)
    before = {p: p.read_bytes() for p in run.folder.rglob("*") if p.is_file()}
    comparing.Add_Experiment("p", "e")
    comparing.Generate_Statistics()
    assert {p: p.read_bytes() for p in run.folder.rglob("*") if p.is_file()} == before


# Damaged runs among good ones, and many


def test_runs_that_cannot_be_read_are_told_and_left_out(runs):
    good, told = trained(runs, "p", "good"), []
    for name, file in (("state", STATE), ("history", f"output/logs/{HISTORY}")):
        (trained(runs, "p", name).folder / file).write_text("{")
    (runs.root / "p" / "empty" / "v001").mkdir(parents=True)
    found = list(runs.runs())
    entries = comparison.collect(found, warn=told.append)
    assert [e.run.folder for e in entries] == [good.folder]
    assert [t.split(" is left out: ")[0] for t in told] == ["p/empty/v001", "p/history/v001", "p/state/v001"]
    assert len(comparison.collect(found, warn=told.append, details=False)) == 2
    with pytest.raises(MonkliteError, match="is missing: this is not a run of monklite"):
        comparison.collect(found)


def test_a_comparison_goes_on_without_damaged_runs_and_says_which(runs, capsys):
    trained(runs, "p", "good")
    (trained(runs, "p", "bad").folder / STATE).write_text("{")
    ctf = compare(workspace=runs.root)
    ctf.Comparison("c")
    ctf.Add_Experiment("p", "good")
    ctf.Add_Experiment("p", "bad")
    assert list(ctf.Generate_Statistics()["experiment"]) == ["good"]
    assert "    p/bad/v001 is left out: " in capsys.readouterr().out
    assert "p/bad/v001 is left out" in (runs.comparison("c") / REPORT).read_text()
    (runs.find("p", "good").folder / STATE).write_text("{")
    with pytest.raises(
        NotReady, match=r"none of the 2 runs can be read; the first: p/good/v001 is left out: .*damaged"
    ):
        ctf.Generate_Statistics()


def test_the_best_come_first_and_those_without_a_result_last(runs):
    for name, best in (("a", 0.5), ("b", 0.9), ("c", 0.7)):
        trained(runs, "p", name, best=best)
    fresh(runs, "p", "d")
    trained(runs, "p", "aa", best=float("nan"))
    entries = comparison.collect(list(runs.runs()))
    assert [e.label for e in comparison.ranked(entries)] == ["b", "c", "a", "aa", "d"]


def test_an_optimizer_without_a_rate_has_none_in_the_table(runs):
    run = trained(runs)
    optimizer = run.state().resolved.training.optimizer.model_copy(update={"params": {}})
    run.update(resolved=run.state().resolved.replace({"training.optimizer": optimizer}))
    assert row(run)["base lr"] is None


def test_of_many_unfinished_runs_the_first_are_named(runs):
    for i in range(25):
        fresh(runs, "p", f"e{i:02d}")
    fill(fresh(runs, "p", "x")).update(status="failed")
    found = cautions.warnings(comparison.collect(list(runs.runs())))
    names = ", ".join(f"e{i:02d}" for i in range(20))
    assert found == [cautions.NO_TEST, "1 run is failed: x.", f"25 runs are new: {names} and 5 more."]


def test_of_many_runs_that_did_worse_the_first_are_named(runs):
    fill(fresh(runs, "p", "best"), right=[True] * 40)
    for i in range(22):
        fill(fresh(runs, "p", f"e{i:02d}"), right=[False] * 40)
    for i in range(5):
        fill(fresh(runs, "p", f"x{i}"), right=[True] * 40)
    found = wording.verdicts(comparison.collect(list(runs.runs())))
    assert found[1].startswith("best is better on 40 images than 22 runs: e00, e01,")
    assert found[1].endswith("e19 and 2 more")
    assert found[2] == "best cannot be told apart on 40 images from: x0, x1, x2, x3, x4"
    assert found[3].startswith(
        "Of the 351 pairs of the other runs, 110 can be told apart: x0 is better than e00 (p < 0.001); "
    )
    assert found[3].endswith(" and 90 more. All are in pairs.csv")


@pytest.mark.parametrize("found", ["a\x1b[0m", "\u202ex", "\ud800", "a\nb", "\x7f"])
def test_characters_that_control_a_terminal_are_escaped(found):
    assert printable(found).isprintable()
    assert printable("肺 (v2)\u3000👩\u200d⚕️") == "肺 (v2)\u3000👩\u200d⚕️"


def damaged(good: bytes, dice: random.Random) -> bytes:
    """Bytes as a bad disk, a bad program or a stranger could leave them."""
    data = bytearray(good)
    for _ in range(dice.randrange(1, 4)):
        place = dice.randrange(len(data))
        kind = dice.randrange(5)
        if kind == 0:
            data[place] = dice.randrange(256)
        elif kind == 1:
            del data[place:]
        elif kind == 2:
            del data[place : place + dice.randrange(1, 40)]
        elif kind == 3:
            data[place:place] = dice.choice(
                [b"-", b"9" * 400, b"null", b"[" * 3000, b"\0", b"1e999", b'"', b"\xff", b","]
            )
        else:
            data += data[place:]
        if not data:
            return b""
    return bytes(data)


@pytest.mark.slow
def test_whatever_the_bytes_are_only_our_errors_come_out_and_the_others_are_listed(runs):
    """Also of states that are whole, but hold values that no training gives."""
    good, victim, dice = trained(runs, "p", "good"), trained(runs, "p", "victim"), random.Random(3)
    files = [victim.folder / STATE, victim.logs / HISTORY]
    whole = [file.read_bytes() for file in files]
    left_out = 0
    for i in range(400):
        told, which = [], i % 2
        files[which].write_bytes(strange(whole[0], dice) if i % 4 == 0 else damaged(whole[which], dice))
        entries = comparison.collect([victim, good], warn=told.append)
        assert [e.run.folder for e in entries][-1:] == [good.folder] and len(entries) + len(told) == 2
        table.overview(entries), cautions.warnings(entries), wording.verdicts(entries)
        left_out += len(told)
        if i % 100 == 0:
            report.write(runs.comparison("c"), entries, report.describe(entries))
        files[which].write_bytes(whole[which])
    assert 100 < left_out < 400


STRANGE = [
    None,
    True,
    -1,
    10**30,
    1e308,
    -1e308,
    "Infinity",
    "NaN",
    "",
    [],
    {},
    "x" * 5000,
    "\x1b[2J",
    "\ud800",
    [[]],
    {"a": 1},
]


def strange(text: bytes, dice: random.Random) -> bytes:
    """A state with one value replaced by one of a kind that it may not have."""
    tree = json.loads(text)
    branch, key = dice.choice(list(leaves(tree)))
    branch[key] = dice.choice(STRANGE)
    return json.dumps(tree).encode()


def leaves(tree: Any):
    for key, value in list(tree.items() if isinstance(tree, dict) else enumerate(tree)):
        yield tree, key
        if isinstance(value, (dict, list)):
            yield from leaves(value)
