"""Tables with one column per class, from reading to an evaluation; wrong cells and missing columns are named."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from test_csv_table import FILES, IMAGE, images, is_installed, labelled, lines, read
from tiny_networks import build_tiny

from monklite import Prototype
from monklite.errors import DatasetError, InvalidType, InvalidValue, MonkliteError
from monklite.runs.workspace import Workspace
from monklite.testing.contract import LABELS, easy_labels

pytestmark = pytest.mark.above_backends

__all__ = ["images"]

CAT, DOG, OWL = ("cat", "1", "0", "1", "0"), ("dog", "0", "1", "1", "0"), ("owl", "0", "0", "1", "1")
HAS = dict(zip(FILES, ("cat", "dog", "cat|dog|owl", "owl"), strict=True))


# Reading


@pytest.mark.parametrize(("no", "yes"), [("0", "1"), ("0.0", "1.0"), ("False", "TRUE"), ("0.00", "1.0")])
def test_plain_columns_are_found_and_told(images: Path, no: str, yes: str) -> None:
    columns = [(name, *(yes if cell == "1" else no for cell in cells)) for name, *cells in (OWL, CAT, DOG)]
    samples = read(images, lines(IMAGE, *columns))
    assert labelled(samples) == HAS
    assert (samples.classes, samples.label_columns) == (("cat", "dog", "owl"), ("owl", "cat", "dog"))
    assert "one column per class, so that an image may have several labels: 'owl', 'cat', 'dog'" in samples.remarks[0]
    assert "exactly one of them" not in samples.remarks[0]


def test_where_each_image_has_one_label_the_other_way_is_told(images: Path) -> None:
    first, second = ("cat", "1", "0", "1", "0"), ("dog", "0", "1", "0", "1")
    assert (
        "exactly one of them: to train one class per image, give a column with its name"
        in (read(images, lines(IMAGE, first, second)).remarks[0])
    )


def test_columns_of_groups_and_row_numbers_are_not_classes(images: Path) -> None:
    numbers, patients = ("", "0", "1", "2", "3"), ("patient_id", "1", "1", "0", "0")
    samples = read(images, lines(numbers, patients, IMAGE, CAT, DOG))
    assert samples.classes == ("cat", "dog")


def test_columns_can_be_given_beside_others(images: Path) -> None:
    age, sex = ("age", "40", "40", "71", "9"), ("sex", "1", "0", "1", "0")
    text = lines(IMAGE, age, sex, CAT, DOG, OWL)
    samples = read(images, text, label_columns=("cat", "DOG", "owl"))
    assert (samples.classes, samples.label_columns) == (("DOG", "cat", "owl"), ("cat", "DOG", "owl"))
    assert labelled(samples)["sub/c.png"] == "DOG|cat|owl"
    assert read(images, text, label_columns=("owl",)).classes == ("owl",)
    with pytest.raises(DatasetError, match=r"'sex', 'cat', 'dog', 'owl'; which of them are classes .* beside 'age'"):
        read(images, text)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ((CAT, DOG, ("sex", "1", "0", "1", "0")), "one column per class: 'cat', 'dog', 'sex'; which of them"),
        ((CAT, ("dog", "yes", "no", "yes", "no")), "what their cells mean, cannot be told.*label_column="),
        ((CAT, ("dog", "1", "-1", "0", "0")), "must be 1 or 0"),
        ((CAT, ("dog", "1", "", "", "0")), "must be 1 or 0"),
    ],
)
def test_what_is_not_plain_is_refused_with_words(images: Path, columns, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        read(images, lines(IMAGE, *columns))


@pytest.mark.parametrize("wrong", ["2", "", "yes", "-1", "nan", "0.5", "01"])
def test_a_wrong_cell_is_named_with_its_row(images: Path, wrong: str) -> None:
    text = lines(IMAGE, CAT, ("dog", "0", "1", wrong, wrong))
    with pytest.raises(
        DatasetError,
        match=rf"column 'dog' holds '{wrong}' in row 3 below the header, and 1 more such cells: a column per class has 1",
    ):
        read(images, text, label_columns=("cat", "dog"))


def test_columns_that_are_not_there_or_not_classes_are_named(images: Path) -> None:
    text = lines(IMAGE, CAT, DOG)
    for given, message in (
        (
            ("cat", "dgo", "emu"),
            r"lacks the columns 'dgo', 'emu'\. Did you mean 'dog'\? Columns: 'image', 'cat', 'dog'",
        ),
        (("cat", "image"), "label_column='image' is the column of the paths"),
        (("cat", "CAT"), "names a column of .* twice: 'cat', 'CAT'"),
    ):
        with pytest.raises(InvalidValue, match=message):
            read(images, text, label_columns=given, path_column="image")
    with pytest.raises(DatasetError, match="label_delimiter='' says that an image has one label"):
        read(images, text, label_delimiter="")
    with pytest.raises(DatasetError, match="no images in class 'dog'"):
        read(images, lines(IMAGE, CAT, ("dog", "0", "0", "0", "0")))


def test_a_file_with_two_sets_of_labels_is_refused(images: Path) -> None:
    text = lines(("image", *FILES, FILES[0]), (*CAT, "1"), (*DOG, "1"))
    with pytest.raises(DatasetError, match=r"different labels, the first: a\.png \('cat' and 'cat\|dog'\)\. Keep one"):
        read(images, text)
    text = lines(("image", *FILES, FILES[0]), (*CAT, "1"), (*DOG, "0"))
    assert "1 rows of t.csv name a file again" in read(images, text).remarks[1]


@pytest.mark.parametrize("ending", ["xlsx", "parquet"])
def test_other_files(images: Path, ending: str) -> None:
    if not is_installed({"xlsx": "openpyxl", "parquet": "pyarrow"}[ending]):
        pytest.skip("the package is not here")
    frame = pd.DataFrame({"image": FILES, "cat": [True, False, True, False], "dog": [0.0, 1.0, 1.0, 0.0]})
    path = images.parent / f"t.{ending}"
    (frame.to_excel if ending == "xlsx" else frame.to_parquet)(path, index=False)
    samples = read(images, path.read_bytes(), f"t.{ending}")
    assert labelled(samples) == dict(zip(FILES, ("cat", "dog", "cat|dog", ""), strict=True))


# Training and evaluation


def drawn(folder: Path, name: str, n: int, seed: int, columns: tuple[str, ...] = LABELS) -> Path:
    """A table with a column for each of three labels."""
    pictures, labels = easy_labels(n, seed)
    for i, pixels in enumerate(pictures):
        Image.fromarray(pixels).save(folder / f"{name}-{i}.png")
    rows = [(f"{name}-{i}.png", *map(int, has)) for i, has in enumerate(labels)]
    with (folder / f"{name}.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file", *columns), *rows])
    return folder / f"{name}.csv"


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tables")
    for name, n, seed in (("train", 40, 0), ("val", 16, 1), ("test", 16, 2)):
        drawn(folder, name, n, seed)
    return folder


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if "backend" in request.fixturenames:
        build_tiny(monkeypatch, request.getfixturevalue("backend"))


def trained(tables: Path, backend: str, paths: object, csvs: object, **more: object) -> Prototype:
    ptf = Prototype("p", "e", backend=backend, verbose=0)
    ptf.Default(
        paths, csvs, model_name="squeezenet1_1" if backend == "pytorch" else "squeezenet1.1", use_pretrained=False,
        freeze_base_network=False, num_epochs=1, **more,
    )  # fmt: skip
    ptf.update_input_size(32)
    ptf.Train()
    return ptf


def test_a_table_is_trained_with_evaluated_and_resumed(workspace: Path, tables: Path, backend: str) -> None:
    trained(tables, backend, tables, tables / "train.csv")
    state = Workspace().find("p", "e").state()
    assert (state.dataset.label_type, state.dataset.classes) == ("multiple", LABELS)
    assert state.resolved.training.loss.name == "sigmoid_binary_crossentropy"
    assert state.asked.data.sources[0].label_columns == LABELS
    resumed = Prototype("p", "e", backend=backend, resume_train=True, verbose=0)
    resumed.update_num_epochs(2)
    resumed.Train()
    test = Prototype("p", "e", backend=backend, eval_infer=True, verbose=0)
    test.Dataset_Params(tables, tables / "test.csv")
    test.Dataset()
    _, by_class = test.Evaluate()
    assert {name: figures["num_labels"] for name, figures in by_class.items()} == dict.fromkeys(LABELS, 8)


def test_training_and_validation_tables(workspace: Path, tables: Path, backend: str) -> None:
    """The validation table is read by the columns of training, whatever order and columns it has."""
    frame = pd.read_csv(tables / "val.csv")
    frame = frame[["file", *reversed(LABELS)]].assign(age=40)
    columns = {"label_column": list(LABELS)}
    trained(tables, backend, [tables, tables], [tables / "train.csv", frame], **columns)
    record = Workspace().find("p", "e").state().dataset
    assert (record.n_train, record.n_val) == (40, 16)
    assert (record.train_counts, record.val_counts) == ((20, 20, 20), (8, 8, 8))
    ptf = Prototype("p", "found", backend=backend, verbose=0)
    ptf.Dataset_Params([tables, tables], [tables / "train.csv", frame])
    ptf.Dataset()
    assert Workspace().find("p", "found").state().dataset.val_counts == (8, 8, 8)


def judge(tables: Path, table: object, **more: object) -> Prototype:
    test = Prototype("p", "e", eval_infer=True, verbose=0)
    test.Dataset_Params(tables, table, **more)
    test.Dataset()
    return test


@pytest.mark.parametrize("backend", ["pytorch"])
def test_test_tables(workspace: Path, tables: Path, backend: str) -> None:
    trained(tables, backend, tables, tables / "train.csv", label_column=np.array(LABELS))
    frame = pd.read_csv(tables / "test.csv")
    judge(tables, frame.assign(age=40)).Evaluate()
    expected = Workspace().find("p", "e").state().testing.classes
    cells = ["|".join(name for name in LABELS if row[name]) for _, row in frame.iterrows()]
    joined = pd.DataFrame({"file": frame.file, "label": cells})
    judge(tables, joined, label_delimiter="|").Evaluate()
    assert Workspace().find("p", "e").state().testing.classes == expected
    with pytest.raises(InvalidValue, match=r"label_column: .* lacks the column 'red'\. .*Columns: 'file', 'light'"):
        judge(tables, frame.drop(columns="red"))
    with pytest.raises(DatasetError, match="lacks the column 'red' of the training images"):
        judge(tables, frame, label_column=["light", "striped"])
    with pytest.raises(DatasetError, match=r"have several labels: give a table .*label_column=\[\.\.\.\]"):
        judge(tables, frame, label_column="red")


@pytest.mark.parametrize("backend", ["pytorch"])
def test_a_run_of_one_label_is_not_judged_by_columns(workspace: Path, tables: Path, backend: str) -> None:
    trained(tables, backend, tables, tables / "train.csv", label_column="red")
    frame = pd.read_csv(tables / "test.csv")
    with pytest.raises(DatasetError, match="the training images have one: name the column that holds the class"):
        judge(tables, frame)
    assert judge(tables, frame, label_column="red").Evaluate()[1].keys() == {"0", "1"}


def test_what_is_told_before_and_after_reading(workspace: Path, tables: Path, capsys) -> None:
    ptf = Prototype("p", "e")
    ptf.Dataset_Params(tables, tables / "train.csv")
    assert "Label Type: single, unless Dataset() finds one column per class" in " ".join(
        capsys.readouterr().out.split()
    )
    ptf.Dataset()
    assert "one column per class, so that an image may have several labels: 'light', 'red', 'striped'" in (
        capsys.readouterr().out
    )
    ptf.Dataset_Params(tables, tables / "train.csv", label_column=LABELS)
    assert "Label Type: multiple Dataset Params" in " ".join(capsys.readouterr().out.split())
    # the table of one label that follows is one of one label again
    ptf.update_dataset(tables, path_to_csv=tables / "train.csv", label_column="red")
    ptf.Dataset()
    assert Workspace().find("p", "e").state().dataset.label_type == "single"
    assert ptf._experiment.resolved().training.loss.name == "softmax_crossentropy"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"label_column": ["a"]}, InvalidValue, "label_column goes with a table: give path_to_csv="),
        ({"path_to_csv": "t.csv", "label_column": []}, InvalidValue, "a list without names"),
        ({"path_to_csv": "t.csv", "label_column": ["a", 1.5]}, InvalidType, "label_column must be a string"),
        ({"path_to_csv": "t.csv", "label_column": {"a"}}, InvalidType, "label_column must be a string"),
        ({"path_to_csv": "t.csv", "label_column": ["a"], "label_delimiter": "|"}, InvalidValue, "not with a list of columns"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_refused(workspace: Path, arguments, error: type[MonkliteError], message: str) -> None:
    with pytest.raises(error, match=message):
        Prototype("p", "e", verbose=0).Dataset_Params("d", **arguments)


# Cells that are lists


def test_cells_that_are_lists_are_labels(workspace: Path, images: Path) -> None:
    lists = [["cat"], ("dog",), np.array(["cat", "dog"]), []]
    ptf = Prototype("p", "e", verbose=0)
    ptf.Dataset_Params([images, images], [pd.DataFrame({"image": FILES, "tags": lists})] * 2)
    ptf.Dataset()
    found = ptf._experiment.data.samples
    assert labelled(found) == dict(zip(FILES, ("cat", "dog", "cat|dog", ""), strict=True))
    assert ptf._experiment.asked.data.sources[0].label_delimiter == "|"


@pytest.mark.parametrize(
    ("frame", "column", "found"),
    [
        ({"x": [["a|b"], ["c"]]}, None, ("x", ",")),
        ({"x": [["a", "b"], None]}, "x", ("x", "|")),
        ({"label": ["a", "b"], "words": [["a"], ["b"]]}, None, None),
        ({"kind": ["a", "b"], "box": [[1, 2], [3, 4]]}, None, None),
        ({"label": [[1, 0], [0, 1]]}, None, None),
        ({"label": [[3], [0, 1]]}, None, ("label", "|")),
        ({"x": [["a"], ["b"]], "w": [["a"], ["b"]]}, None, None),
        ({"x": [["a,;|/+ \t"], ["b"]]}, None, None),
        ({"x": ["a", "b"]}, None, None),
    ],
)
def test_lists_of_labels_are_told_from_other_lists(frame, column, found) -> None:
    from monklite.data import label_lists

    assert label_lists.find(pd.DataFrame({"image": ["a.png", "b.png"], **frame}), column) == found
