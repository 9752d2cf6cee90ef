"""Pairs of runs with the same test: areas, seeds, settings that differ, pictures, and tests that a comparison makes itself."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score
from test_comparison import DATA, N_TEST, fill, fresh, judged, right, trained
from tiny_networks import build_tiny

from monklite import Prototype, compare
from monklite.catalog import OPTIMIZERS, resolve
from monklite.decisions import OperatingPoint
from monklite.errors import DamagedFile, InvalidType
from monklite.operating_point import at
from monklite.reports import (
    cautions,
    charts,
    comparison,
    explanations,
    mended,
    pairs,
    report,
    seeds,
    settings,
    table,
    wording,
)
from monklite.runs import predictions
from monklite.runs.file_names import PREDICTIONS, REPORT
from monklite.runs.run import Run
from monklite.runs.workspace import Workspace
from monklite.spec import Folders, Spec
from monklite.statistics import paired
from monklite.tasks import MultiLabel, SingleLabel, Task

pytestmark = pytest.mark.renders

CATS_AND_DOGS = SingleLabel(("cat", "dog"))
LABELS = np.arange(N_TEST) % 2
MODELS = {"pytorch": "squeezenet1_1", "mxnet": "resnet18_v1"}


@pytest.fixture
def runs(workspace: Path) -> Workspace:
    return Workspace(workspace)


def predicting(
    space: Workspace,
    name: str,
    logits: np.ndarray,
    task: Task = CATS_AND_DOGS,
    labels: np.ndarray = LABELS,
    groups: np.ndarray | None = None,
    **more: Any,
) -> Run:
    """A run with these logits (n, classes) for its test images, which may have groups."""
    run, correct = fresh(space, "p", name), task.correct(logits, labels)
    files = [f"{i:03d}.png" for i in range(len(labels))]
    digest = predictions.write(run.logs / PREDICTIONS, task, files, labels, logits, groups)
    testing = judged([bool(c) for c in correct]).model_copy(
        update={"predictions": digest, "classes": {}, "confusion": (), **more}
    )
    counts = (1,) * len(task.classes)
    data = DATA.model_copy(
        update={"classes": task.classes, "label_type": task.name, "train_counts": counts, "val_counts": counts}
    )
    fill(run)
    run.update(testing=testing, dataset=data)
    return run


def logits_of(skill: float, seed: int) -> np.ndarray:
    z = skill * (2 * LABELS - 1) + np.random.default_rng(seed).normal(size=N_TEST)
    return np.stack([-z, z], 1) / 2


# Areas under the ROC curve


def test_of_two_classes_the_areas_are_compared(runs):
    logits = {"a": logits_of(3, 1), "b": logits_of(0.2, 2)}
    entries = comparison.collect([predicting(runs, name, own) for name, own in logits.items()])
    (pair,) = pairs.pairs(entries)
    (area,) = pair.areas
    assert area.label == "dog"
    assert area.best == pytest.approx(roc_auc_score(LABELS, logits["a"][:, 1]), abs=1e-6)
    assert area.other == pytest.approx(roc_auc_score(LABELS, logits["b"][:, 1]), abs=1e-6)
    assert area.difference == pytest.approx(area.best - area.other)
    assert 0 < area.interval[0] < area.difference < area.interval[1] and area.p_value < 0.001
    assert (
        f"; AUC {area.best:.3f} against {area.other:.3f}, difference {area.difference:.3f}, 95 % "
        in wording.verdict(pair)
    )
    said = explanations.explanations([pair], [wording.verdict(pair)])
    assert said[0] == explanations.OFTEN + explanations.TESTS[0] and said[-1] == explanations.AREA
    # one pair is not adjusted, and told apart, so that no more images are needed
    assert len(said) == 3 and explanations.ADJUSTED not in said and explanations.NEEDED not in said


def test_of_three_classes_each_is_compared_with_the_others(runs):
    rng, task = np.random.default_rng(1), SingleLabel(("cat", "dog", "owl"))
    labels = np.arange(N_TEST) % 3
    noise = rng.normal(size=(2, N_TEST, 3))
    logits = 3 * np.eye(3)[labels] + noise * np.array([1, 8])[:, None, None]
    entries = comparison.collect(
        [predicting(runs, name, own, task, labels) for name, own in zip("ab", logits, strict=True)]
    )
    (pair,) = pairs.pairs(entries)
    assert [(area.label, area.n_tests) for area in pair.areas] == [("cat", 3), ("dog", 3), ("owl", 3)]
    for i, area in enumerate(pair.areas):
        scores = [task.scores(own)[:, i] for own in logits]
        assert area.best == pytest.approx(roc_auc_score(labels == i, scores[0]), abs=1e-6)
        assert area.other == pytest.approx(roc_auc_score(labels == i, scores[1]), abs=1e-6)
        assert (area.interval[0] > 0) == (area.p_value < 0.05)
    (sentence,) = [text for text in wording.verdicts(entries) if text.startswith("By the AUCs")]
    assert sentence.startswith("By the AUCs of 3 classes, each against the others, a against b: a is better for ")
    assert "both adjusted for 3 AUCs" in sentence


def test_of_several_labels_each_has_its_area_and_those_that_differ_are_named(runs):
    rng, task = np.random.default_rng(0), MultiLabel(("heart", "lung", "rare"))
    labels = rng.random((N_TEST, 3)) < (0.5, 0.4, 0.0)
    # the first is far better for the heart, and a little for the lung
    noise = rng.normal(size=(2, N_TEST, 3))
    logits = 4 * labels - 2 + noise * np.array([(1, 1, 1), (6, 1.2, 1)])[:, None]
    entries = comparison.collect(
        [predicting(runs, name, own, task, labels) for name, own in zip("ab", logits, strict=True)]
    )
    (pair,) = pairs.pairs(entries)
    # no image has the third label
    assert [area.label for area in pair.areas] == ["heart", "lung"]
    heart, lung = pair.areas
    # Holm: the smaller one of two is doubled
    assert heart.p_value < 0.05 < lung.p_value
    sentence = next(
        text for text in wording.verdicts(entries) if text.startswith("By the AUCs of 2 labels, a against b")
    )
    assert "a is better for heart (AUC 0.995 against" in sentence and "lung" not in sentence


def test_scores_that_cannot_be_read_cost_the_area_and_not_the_verdict(runs):
    made = [predicting(runs, name, logits_of(2, seed)) for seed, name in enumerate("ab")]
    table = made[0].logs / PREDICTIONS
    lines = table.read_text().splitlines()
    lines[2] = ",".join([*lines[2].split(",")[:5], "nan"])
    table.write_text("\n".join(lines) + "\n")
    digest = hashlib.sha256(table.read_bytes()).hexdigest()
    made[0].update(testing=made[0].state().testing.model_copy(update={"predictions": digest}))
    (pair,) = pairs.pairs(comparison.collect(made))
    assert pair.areas == () and pair.n_images == N_TEST
    # nor does it cost the areas of other pairs
    made.append(predicting(runs, "c", logits_of(1, 3)))
    found = {frozenset((p.best, p.other)): p.areas for p in pairs.pairs(comparison.collect(made))}
    assert {pair for pair, areas in found.items() if areas} == {frozenset("bc")}
    (area,) = found[frozenset("bc")]
    own = [roc_auc_score(LABELS, logits_of(*of)[:, 1]) for of in ((2, 1), (1, 3))]
    assert sorted((area.best, area.other)) == pytest.approx(sorted(own), abs=1e-6)


def test_areas_that_differ_without_varying_are_told_without_p(runs):
    right, constant = logits_of(9, 1), np.stack([np.zeros(N_TEST), np.full(N_TEST, -1.0)], 1)
    entries = comparison.collect([predicting(runs, name, own) for name, own in (("a", right), ("b", constant))])
    (pair,) = pairs.pairs(entries)
    sentence = wording.verdict(pair)
    assert sentence.endswith(
        "; AUC 1.000 against 0.500, difference 0.500, which does not vary on these images, so that there is no test of it"
    )
    (_, area) = (dict(zip(table.PAIR_COLUMNS, row, strict=True)) for row in table.pair_rows([pair]))
    assert (area["difference"], area["low"], area["p"]) == (50.0, "NA", "NA")


def test_of_several_labels_an_area_without_a_test_is_told(runs):
    labels = np.random.default_rng(0).random((N_TEST, 2)) < 0.5
    logits = 4.0 * labels - 2, np.stack([4.0 * labels[:, 0] - 2, np.ones(N_TEST)], 1)
    task = MultiLabel(("heart", "lung"))
    entries = comparison.collect(
        [predicting(runs, name, own, task, labels) for name, own in zip("ab", logits, strict=True)]
    )
    assert any(
        "a against b: none can be told apart; no test for lung (AUC 1.000 against 0.500, difference 0.500, which"
        in text
        for text in wording.verdicts(entries)
    )


def test_areas_that_differ_are_told_also_of_pairs_that_share_a_sentence(runs):
    """With more than three runs that accuracy does not tell apart: here all predict the second class for every image."""
    skills = {"a": 3, "b": 0, "c": 3, "d": 3, "e": 3}
    made = [predicting(runs, n, logits_of(s, i) + [-5, 5]) for i, (n, s) in enumerate(skills.items())]
    sentences = wording.verdicts(comparison.collect(made))
    assert "a cannot be told apart on 40 images from: b, c, d, e" in sentences
    told = [text for text in sentences if text.startswith("By the AUC of dog, ")]
    assert [text.partition(" (")[0] for text in told] == [
        "By the AUC of dog, a against b: a is better for dog",
        *(f"By the AUC of dog, b against {n}: {n} is better for dog" for n in "cde"),
    ]


def test_of_very_many_areas_that_differ_the_first_are_told(runs):
    made = [predicting(runs, f"{i}", logits_of(4 * (i < 8), i) + [-5, 5]) for i in range(9)]
    sentences = wording.verdicts(comparison.collect(made))
    assert "The AUCs of 2 more of these pairs can be told apart" in sentences


# The table of pairs


def test_every_pair_has_its_rows_in_the_table(runs):
    made = [predicting(runs, name, logits_of(skill, 1)) for name, skill in (("a", 3), ("b", 1), ("c", 0.1))]
    found = pairs.pairs(comparison.collect(made))
    rows = [dict(zip(table.PAIR_COLUMNS, row, strict=True)) for row in table.pair_rows(found)]
    assert len(rows) == 6
    assert [(r["best"], r["other"], r["figure"]) for r in rows[:2]] == [
        ("a", "b", "accuracy"),
        ("a", "b", "AUC of dog"),
    ]
    assert rows[0]["difference"] == pytest.approx(100 * found[0].difference[0], abs=0.01)
    assert float(rows[0]["p"]) == pytest.approx(found[0].p_value, rel=1e-3)
    assert (rows[1]["value of best"], rows[1]["images needed"]) == (round(100 * found[0].areas[0].best, 2), "NA")


# Seeds


def seeded(space: Workspace, seed: int, wrong: Sequence[int], **changes: Any) -> Run:
    spec = Spec().replace({"data.sources": (Folders(path="data"),), "seed": seed, **changes})
    n = len(wrong)
    return trained(space, best=0.8 + 0.01 * n, right=right(*wrong), asked=spec, resolved=resolve(spec))


def test_versions_that_differ_in_their_seed_only_have_a_spread(runs):
    made = [seeded(runs, 0, ()), seeded(runs, 1, (0, 1)), seeded(runs, 2, (3,))]
    # others: the same seed again, another setting, another experiment
    made += [seeded(runs, 2, (5,)), seeded(runs, 3, (1,), **{"data.batch_size": 5}), trained(runs, experiment="x")]
    validation, test = seeds.spreads(comparison.collect(made))
    assert (validation.name, validation.n, test.figure) == ("p/e", 3, "test accuracy")
    assert (validation.mean, validation.low, validation.high) == pytest.approx((0.81, 0.80, 0.82))
    assert test.deviation == pytest.approx(np.std([1.0, 0.95, 0.975], ddof=1))
    assert wording.verdicts(comparison.collect(made))[-1] == (
        "p/e, 3 versions that differ in their seed only: test accuracy 97.5 % on average, 95.0 to 100.0 %, standard deviation "
        "2.5 points. A smaller difference between two experiments can come from the seed alone"
    )


def test_runs_at_different_operating_points_are_not_compared(runs):
    """Also one by costs, which has no thresholds."""
    made = [predicting(runs, name, logits_of(2, seed)) for seed, name in enumerate("abc")]
    for run, point in zip(made, ("", "cost={'cat->dog': 5}", "cost={'cat->dog': 5}"), strict=True):
        run.update(testing=run.state().testing.model_copy(update={"operating_point": point}))
    entries = comparison.collect(made)
    (pair,) = pairs.pairs(entries)
    assert {pair.best, pair.other} == {"b", "c"}
    assert any(
        "not all with the same thresholds, operating point and views" in text for text in cautions.warnings(entries)
    )
    assert not any("not all with" in text for text in cautions.warnings(entries[1:]))


def test_at_operating_points_of_one_aim_runs_are_compared_with_their_sensitivities(runs):
    """Each with the threshold that was chosen for it."""
    made = []
    for name, skill, seed, cutoff in (("a", 3, 1, -1.0), ("b", 1, 2, -2.0)):
        point = OperatingPoint(epoch=1, num_images=9, chosen_by="sensitivity=0.9", cutoffs={"dog": cutoff})
        task = at(CATS_AND_DOGS, point)
        told = {"thresholds": task.thresholds, "operating_point": "sensitivity=0.9"}
        made.append(predicting(runs, name, logits_of(skill, seed), task, **told))
    entries = comparison.collect(made)
    (pair,) = pairs.pairs(entries)
    predicted = [logits_of(skill, seed)[:, 1] * 2 > cutoff for skill, seed, cutoff in ((3, 1, -1.0), (1, 2, -2.0))]
    sensitivity, specificity = pair.at_point
    assert sensitivity.figure == "sensitivity of dog" and sensitivity.n_images == N_TEST / 2
    assert [sensitivity.best, sensitivity.other] == [own[LABELS == 1].mean() for own in predicted]
    assert [specificity.best, specificity.other] == [(~own[LABELS == 0]).mean() for own in predicted]
    value, low, high = specificity.difference
    assert value == pytest.approx(specificity.best - specificity.other) and low < value < high
    assert any(
        text.startswith(
            "Both are judged at an operating point of their own, chosen on validation for sensitivity=0.9: "
        )
        and "; specificity of dog " in text
        for text in wording.verdicts(entries)
    )
    figures = [row[2] for row in table.pair_rows([pair])]
    assert figures == ["accuracy", "sensitivity of dog", "specificity of dog", "AUC of dog"]


# Patients


def test_runs_are_compared_by_patients_where_these_are_known(runs):
    """Ten patients with four images each, of which a run gets all right or all wrong."""
    patients = np.repeat(np.arange(10), 4).astype(str)
    logits = {"a": changed((), 0), "b": changed(np.flatnonzero(np.isin(patients, ["1", "4", "5"])), 4)}
    made = [predicting(runs, name, own, groups=patients) for name, own in logits.items()]
    entries = comparison.collect(made)
    (pair,) = pairs.pairs(entries)
    assert (pair.n_groups, pair.only_best, pair.only_other) == (10, 12, 0)
    # three patients can all be better by chance, which twelve images of as many patients can hardly be
    assert pair.p_value == pytest.approx(0.25) and not pair.is_significant
    value, low, high = pair.difference
    by_images = paired.difference(12, 0, 40)
    assert value == pytest.approx(by_images[0]) and low < by_images[1] and high > by_images[2]
    assert pair.images_needed > 40
    assert wording.verdict(pair).startswith("a and b cannot be told apart on 40 images of 10 groups; about ")
    assert explanations.explanations([pair], wording.verdicts(entries))[0].endswith("either sign (sign flips).")
    # known of one of them, they are those of the other one, too
    alone = predicting(runs, "c", logits["b"])
    (other,) = pairs.pairs(comparison.collect([alone, made[0]]))
    assert other.p_value == pair.p_value


def test_tests_at_different_operating_points_have_no_common_spread(runs):
    made = [seeded(runs, 0, ()), seeded(runs, 1, (0, 1))]
    # chosen for the same aim, each seed has its own threshold
    for run, threshold, same in zip(made, (0.2, 0.3), ("sensitivity=0.9",) * 2, strict=True):
        new = {"operating_point": same, "thresholds": {"cat": threshold}}
        run.update(testing=run.state().testing.model_copy(update=new))
    assert [spread.figure for spread in seeds.spreads(comparison.collect(made))][-1] == "test accuracy"
    made[1].update(testing=made[1].state().testing.model_copy(update={"operating_point": "", "thresholds": {}}))
    assert [spread.figure for spread in seeds.spreads(comparison.collect(made))] == ["validation accuracy"]


def test_one_version_has_no_spread(runs):
    assert seeds.spreads(comparison.collect([seeded(runs, 0, ()), trained(runs, experiment="x")])) == []


# Settings that differ


def test_only_the_settings_that_differ_are_shown(runs):
    sgd = OPTIMIZERS["sgd"].choose("pytorch", {"learning_rate": 0.25})
    folders = {"data.sources": (Folders(path="data"),)}
    specs = [
        Spec().replace(folders),
        Spec().replace({**folders, "model.name": "densenet121", "training.optimizer": sgd}),
        Spec().replace({**folders, "seed": 4}),
    ]
    made = [trained(runs, experiment=n, asked=s, resolved=resolve(s)) for n, s in zip("abc", specs, strict=True)]
    a, b, c = settings.differing(comparison.collect(made))
    assert set(a) == {"experiment", "seed", "model", "optimizer", "optimizer params"}
    assert (a["model"], b["model"], c["seed"]) == ("resnet18", "densenet121", "4")
    assert (b["optimizer"], b["optimizer params"].split(",")[0]) == ("sgd", "learning_rate=0.25")
    assert settings.differing(comparison.collect(made[:1])) == []
    slow = specs[1].replace({"training.optimizer": OPTIMIZERS["sgd"].choose("pytorch", {"learning_rate": 0.5})})
    made = [made[1], trained(runs, experiment="d", asked=slow, resolved=resolve(slow))]
    rates = [
        {"experiment": "b", "optimizer learning rate": "0.25"},
        {"experiment": "d", "optimizer learning rate": "0.5"},
    ]
    assert settings.differing(comparison.collect(made)) == rates


def test_runs_that_are_not_resolved_yet_are_compared_as_they_were_asked_for(runs):
    made = [trained(runs, experiment="a"), fresh(runs, "p", "b")]
    first, second = settings.differing(comparison.collect(made))
    assert (first["sources"], second["sources"]) == ("data", "-")


# Pictures


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for i in range(N_TEST):
        Image.new("RGB", (20 + i, 30), (5 * i, 90, 90)).save(folder / f"{i:03d}.png")
    return folder


def changed(wrong: Sequence[int], surest: int) -> np.ndarray:
    """Logits that are right but for some images, one of which with the highest score."""
    z = np.where(np.isin(np.arange(N_TEST), wrong), -1.0, 1.0)
    z[surest] *= 3
    z *= 2 * LABELS - 1
    return np.stack([-z, z], 1)


def test_the_images_that_only_one_of_two_gets_right_are_drawn_the_surest_mistake_first(runs, images, monkeypatch):
    drawn: dict[str, Any] = {}
    draw = charts.pictures
    monkeypatch.setattr(charts, "pictures", lambda title, *args: (drawn.update({title: args}), draw(title, *args))[1])
    wrong = {"a": ((3,), 3), "b": (range(4, 20), 11), "c": ((3, 7), 7)}
    made = [predicting(runs, n, changed(*of), dataset_path=str(images)) for n, of in wrong.items()]
    entries = comparison.collect(made)
    sheets = mended.draw(entries, pairs.pairs(entries))
    # the best run breaks nothing of the second one
    assert sheets.titles == {
        "mended.png": "a mends 1 image that c gets wrong",
        "mended_2.png": "a mends 16 images that b gets wrong (12 shown, the surest mistakes first)",
        "broken_2.png": "a breaks 1 image that b gets right",
    }
    assert list(drawn) == list(sheets.titles.values()) and sheets.contents.keys() == sheets.titles.keys()
    assert all(content.startswith(b"\x89PNG") for content in sheets.contents.values()) and not sheets.missing
    pictures, captions, _ = drawn[sheets.titles["mended_2.png"]]
    assert len(pictures) == 12 and pictures[0].shape == (mended.SIDE, mended.SIDE, 3)
    assert captions[0] == ["011.png", "is dog", "a: dog 0.88", "b: cat 1.00"]
    assert pictures[0][0, 0].tolist() == [55, 90, 90]
    assert sheets.contents.keys() <= {*mended.FILES}


def test_images_that_are_gone_are_told_and_end_nothing(runs, images, capsys):
    for name, wrong in (("a", ()), ("b", (4, 5, 6))):
        predicting(runs, name, changed(wrong, 4), dataset_path=str(images))
    (images / "004.png").unlink()
    (images / "005.png").write_bytes(b"damaged")
    made = compare(workspace=runs.root)
    made.Comparison("c")
    for name in "ab":
        made.Add_Experiment("p", name)
    folder = runs.comparison("c")
    folder.mkdir(parents=True)
    # of an earlier comparison of this name, and a file of the user
    for name in ("broken.png", "mine.png"):
        (folder / name).write_text("")
    made.Generate_Statistics()
    assert "Test images that cannot be shown: " in (told := capsys.readouterr().out)
    assert "004.png is not there (and 1 more)" in told
    assert (
        (folder / "mended.png").is_file() and (folder / "mine.png").is_file() and not (folder / "broken.png").exists()
    )
    page = (folder / REPORT).read_text()
    assert "a mends 3 images that b gets wrong (1 shown" in page
    assert explanations.OFTEN.split(",")[0] in page
    entries = comparison.collect([runs.find("p", name) for name in "ab"])
    (images / "006.png").unlink()
    sheets = mended.draw(entries, pairs.pairs(entries))
    assert len(sheets.missing) == 3 and not sheets.contents


# In a notebook


def test_a_notebook_shows_the_table_and_the_verdicts(runs):
    made = [trained(runs, experiment=name, right=right(*wrong)) for name, wrong in (("a", ()), ("b", range(12)))]
    entries = comparison.collect(made)
    page = report.fragment(entries, report.describe(entries))
    assert ">test acc % (95 %)</th>" in page and "a is better than b on 40 images" in page
    compared = compare(verbose=0, workspace=runs.root)
    compared.Comparison("c")
    compared.Add_Experiment("p", "a")
    assert compared._repr_html_() == "<p>Experiments added: 1. Generate_Statistics() compares them.</p>"


# Tests that a comparison makes itself


def test_statistics_test_the_runs_of_both_backends_first(runs, patterns, monkeypatch, capsys):
    for backend, model in MODELS.items():
        build_tiny(monkeypatch, backend)
        ptf = Prototype("p", backend, backend=backend, workspace=runs.root, verbose=0)
        ptf.Dataset_Params(dataset_path=patterns, split=0.67, input_size=32, batch_size=6, num_processors=1)
        ptf.apply_normalize(train=True, val=True, test=True)
        ptf.Dataset()
        ptf.Model_Params(model_name=model, freeze_base_network=False, use_pretrained=False)
        ptf.Model()
        ptf.Training_Params(num_epochs=1)
        ptf.optimizer_sgd(0.01)
        ptf.loss_softmax_crossentropy()
        ptf.Train()
    fresh(runs, "p", "untrained")
    made = compare(workspace=runs.root)
    made.Comparison("c")
    for name in (*MODELS, "untrained"):
        made.Add_Experiment("p", name)
    frame = made.Generate_Statistics(test=str(patterns))
    assert frame["num test images"].tolist()[:2] == [36, 36]
    told = capsys.readouterr().out
    assert "p/untrained/v001 could not be tested: " in told and "has not been trained yet" in told
    assert "on 36 images" in told
    assert "test acc" in made._repr_html_()
    states = [runs.find("p", name).state() for name in MODELS]
    assert [100 * s.testing.accuracy for s in states] == pytest.approx(frame["test acc"].tolist()[:2], abs=0.01)


def test_a_test_set_that_cannot_be_used_is_refused(runs):
    trained(runs)
    made = compare(verbose=0, workspace=runs.root)
    made.Comparison("c")
    made.Add_Experiment("p", "e")
    with pytest.raises(InvalidType, match="path_to_csv goes with test=, the folder of the test images"):
        made.Generate_Statistics(path_to_csv="t.csv")
    with pytest.raises(InvalidType, match="test must be"):
        made.Generate_Statistics(test=["a", "b"])
    # the weights of this run are none: of all that cannot be tested the first error is raised
    with pytest.raises(DamagedFile, match="final is damaged"):
        made.Generate_Statistics(test="images")
