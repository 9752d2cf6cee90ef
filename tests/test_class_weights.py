"""Class weights by name and by position: told, checked, and put into the order of the classes."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from monklite import Prototype
from monklite.catalog.class_weights import balanced, class_weights, positional_weights
from monklite.catalog.losses import LOSSES
from monklite.errors import InvalidType, InvalidValue, NotReady
from monklite.records import DatasetRecord
from monklite.rules import Number, PerClass
from monklite.runs.workspace import Workspace
from monklite.spec import Choice

CLASSES = ("2", "10", "cat")


def loss(weight: object) -> Choice:
    return LOSSES["softmax_crossentropy"].choose("pytorch", {"weight": weight})


def test_weights_come_in_the_order_of_the_classes() -> None:
    by_name = loss({"cat": 3, "10": 2, "2": 1})
    assert class_weights(by_name, CLASSES) == (1.0, 2.0, 3.0)
    assert class_weights(by_name, ("cat", "2", "10")) == (3.0, 1.0, 2.0)
    assert class_weights(loss([1, 2, 3]), CLASSES) == (1.0, 2.0, 3.0)
    assert class_weights(loss(None), CLASSES) is None


def test_weights_are_stored_by_name() -> None:
    by_name = loss({"cat": 3, "10": 2, "2": 1})
    assert by_name.params["weight"] == {"cat": 3.0, "10": 2.0, "2": 1.0}
    assert Choice.model_validate_json(by_name.model_dump_json()) == by_name


def test_only_positions_need_to_be_told() -> None:
    assert positional_weights(loss([1, 2.5, 3]), CLASSES) == "'2': 1, '10': 2.5, 'cat': 3"
    assert positional_weights(loss({"cat": 3, "10": 2, "2": 1}), CLASSES) == ""
    assert positional_weights(loss(None), CLASSES) == ""


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (
            {"2": 1, "10": 1, "cta": 1},
            r"a weight for 'cta', which is not a class\. Did you mean 'cat'\? The classes are '2', ",
        ),
        (
            {"2": 1},
            r"no weight for '10', 'cat': give one per class, 1\.0 for no change\. The classes are '2', '10', 'cat'",
        ),
        ({}, r"no weight for '2', '10', 'cat'"),
        ([1, 2], r"the loss has 2 class weights, and there are 3 classes: give one per class"),
    ],
)
def test_weights_that_do_not_fit_the_classes_are_refused(weight: object, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        class_weights(loss(weight), CLASSES)


@pytest.mark.parametrize(
    ("weight", "kind", "message"),
    [
        (
            {"cat": -1},
            InvalidValue,
            r"weight must be 'balanced', or a dictionary from each class name to its value, or a list of values, each",
        ),
        ({"cat": "1"}, InvalidType, r"not {'cat': '1'} \(dict\)"),
        ({3: 1.0}, InvalidValue, r"class names are text, such as '3'"),
    ],
)
def test_wrong_values_are_refused_at_once(weight: object, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        loss(weight)


def opened(patterns: Path, folder: Path) -> Prototype:
    ptf = Prototype("p", "e", workspace=folder)
    ptf.Dataset_Params(dataset_path=patterns, split=0.67, input_size=32, batch_size=4, num_processors=2)
    ptf.Dataset()
    ptf.Model_Params(model_name="squeezenet1_1", freeze_base_network=False, use_pretrained=False)
    return ptf


def test_an_experiment_stores_names_and_trains_with_their_factors(patterns: Path, tmp_path: Path, capsys) -> None:
    ptf = opened(patterns, tmp_path)
    with pytest.raises(InvalidValue, match=r"a weight for 'dot', which is not a class\. Did you mean 'dots'\?"):
        ptf.loss_softmax_crossentropy(weight={"dot": 1, "rings": 2, "stripes": 3})
    ptf.loss_softmax_crossentropy(weight={"stripes": 3, "dots": 1, "rings": 2})
    ptf.Model()
    assert ptf.criterion.weight.tolist() == [1, 2, 3]
    assert "by position" not in capsys.readouterr().out
    ptf.Training_Params(num_epochs=1, save_intermediate_models=False)
    ptf.Train()
    stored = Workspace(tmp_path).find("p", "e").state().resolved.training.loss
    assert stored.params["weight"] == {"stripes": 3.0, "dots": 1.0, "rings": 2.0}
    judge = Prototype("p", "e", eval_infer=True, workspace=tmp_path, verbose=0)
    assert judge.Infer(img_name=patterns / "dots" / "dots-000.png")["predicted_class"] in ("dots", "rings", "stripes")


def test_the_order_of_weights_by_position_is_told_once(patterns: Path, tmp_path: Path, capsys) -> None:
    ptf = opened(patterns, tmp_path)
    ptf.loss_softmax_crossentropy(weight=[1, 2, 3])
    ptf.Model()
    ptf.Model()
    note = "Note: class weights by position fall on these classes: 'dots': 1, 'rings': 2, 'stripes': 3"
    assert capsys.readouterr().out.count(note) == 1
    ptf.loss_softmax_crossentropy(weight=[3, 2, 1])
    ptf.Train()
    assert "'dots': 3, 'rings': 2, 'stripes': 1" in capsys.readouterr().out


def test_names_are_checked_against_the_dataset_that_is_chosen_last(patterns: Path, tmp_path: Path) -> None:
    ptf = opened(patterns, tmp_path)
    ptf.Dataset_Params(dataset_path=tmp_path / "others", split=0.67)
    ptf.loss_softmax_crossentropy(weight={"cat": 1, "dog": 2})


def record(counts: tuple[int, ...], kind: str = "single", images: int | None = None) -> DatasetRecord:
    return DatasetRecord(
        classes=CLASSES, train_counts=counts, val_counts=counts, fingerprint="f", label_type=kind,
        train_images=images or sum(counts), val_images=images or sum(counts),
    )  # fmt: skip


def test_balanced_weights_are_inverse_frequencies_of_classes() -> None:
    found = balanced(loss("balanced"), record((10, 20, 60)))
    assert found.params["weight"] == {"2": 3.0, "10": 1.5, "cat": 0.5}
    assert balanced(loss([1, 2, 3]), record((10, 20, 60))) == loss([1, 2, 3])


def test_a_class_without_images_counts_as_if_it_had_one() -> None:
    assert balanced(loss("balanced"), record((0, 20, 40))).params["weight"]["2"] == 20.0


@pytest.mark.parametrize("name", ["sigmoid_binary_crossentropy", "focal"])
def test_balanced_weights_of_decisions_are_negatives_for_each_positive(name: str) -> None:
    choice = LOSSES[name].choose("pytorch", {"weight": "balanced"})
    found = balanced(choice, record((10, 20, 40), "multiple", 40))
    assert found.params["positive_weight"] == {"2": 3.0, "10": 1.0, "cat": 1 / 40}
    assert found.params["weight"] is None


def test_balanced_weights_are_computed_recorded_and_resumed(
    patterns: Path, tmp_path: Path, capsys, backend: str
) -> None:
    images = tmp_path / "images"
    for name, count in (("dots", 12), ("rings", 6)):
        for file in sorted((patterns / name).iterdir())[:count]:
            (images / name).mkdir(parents=True, exist_ok=True)
            shutil.copy(file, images / name)
    ptf = Prototype("p", "e", workspace=tmp_path / "w", backend=backend)
    ptf.Dataset_Params(dataset_path=images, split=0.5, input_size=32, batch_size=4, num_processors=1)
    ptf.loss_softmax_crossentropy(weight="balanced")
    ptf.Dataset()
    ptf.Model_Params(model_name="squeezenet1_1", freeze_base_network=False, use_pretrained=False)
    ptf.Model()
    ptf.Training_Params(num_epochs=1)
    ptf.Train()
    assert "Note: weight='balanced' took 'dots': 0.75, 'rings': 1.5" in capsys.readouterr().out
    run = Workspace(tmp_path / "w").find("p", "e")
    assert run.state().asked.training.loss.params["weight"] == "balanced"
    assert run.state().resolved.training.loss.params["weight"] == {"dots": 0.75, "rings": 1.5}
    resumed = Prototype("p", "e", workspace=tmp_path / "w", backend=backend, resume_train=True, verbose=0)
    resumed.update_num_epochs(2)
    resumed.Train()
    factors = np.asarray(
        resumed.criterion.weight.tolist() if backend == "pytorch" else resumed.criterion.weight.asnumpy()
    )
    assert factors.ravel().tolist() == [0.75, 1.5]
    judge = Prototype("p", "e", workspace=tmp_path / "w", backend=backend, eval_infer=True, verbose=0)
    assert judge.Infer(img_name=images / "dots" / "dots-000.png")["predicted_class"] in ("dots", "rings")


def test_a_resumed_run_does_not_take_balanced_weights_in_place_of_its_own(patterns: Path, tmp_path: Path) -> None:
    ptf = opened(patterns, tmp_path)
    ptf.loss_softmax_crossentropy(weight=[1, 2, 3])
    ptf.Training_Params(num_epochs=1)
    ptf.Train()
    resumed = Prototype("p", "e", workspace=tmp_path, resume_train=True, verbose=0)
    with pytest.raises(NotReady, match=r"a resumed run keeps its training\.loss"):
        resumed.loss_softmax_crossentropy(weight="balanced")


def test_a_loss_that_does_not_fit_can_be_replaced_although_it_is_balanced(patterns: Path, tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    names = [f"{f.parent.name}/{f.name}" for f in sorted(patterns.glob("*/*"))]
    table.write_text("file,labels\n" + "\n".join(f"{n},{'a b' if i % 2 else 'a'}" for i, n in enumerate(names)))
    ptf = Prototype("p", "e", workspace=tmp_path / "w", verbose=0)
    ptf.loss_softmax_crossentropy(weight="balanced")
    ptf.Dataset_Params(dataset_path=patterns, path_to_csv=table, label_delimiter=" ", split=0.5, input_size=32)
    ptf.Dataset()
    ptf.Model_Params(model_name="squeezenet1_1", use_pretrained=False)
    with pytest.raises(
        InvalidValue, match=r"images with several labels cannot be trained with a loss of softmax scores"
    ):
        ptf.Model()
    ptf.loss_focal(weight="balanced")
    ptf.Model()
    assert ptf.criterion.positive_weight.tolist() == pytest.approx([1 / 18, 1.0])


def test_weights_of_a_series_go_by_its_index() -> None:
    rule = PerClass(Number(least=0), positive=True)
    counts = pd.Series(["pneumonia"] * 20 + ["normal"] * 6).value_counts()
    assert rule("weight", 26 / counts) == {"pneumonia": pytest.approx(1.3), "normal": pytest.approx(26 / 6)}
    assert rule("weight", pd.Series([1.0, 2.0])) == (1.0, 2.0)
    # sorted by how often they occur
    assert rule("weight", pd.Series([1, 1, 1, 0]).value_counts()) == {"1": 3, "0": 1}


@pytest.mark.parametrize("weights", [{1.0, 2.0}, frozenset((1.0, 2.0)), [0, 0], {"a": 0, "b": 0.0}])
def test_weights_without_an_order_or_without_any_weight_are_refused(weights: object) -> None:
    with pytest.raises((InvalidType, InvalidValue)):
        PerClass(Number(least=0), positive=True)("weight", weights)
