"""The column of labels is never a property of the image or the patient; columns of classes and parts of a dataset are refused."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from test_csv_table import FILES, IMAGE, LABEL, draw, images, labelled, lines, read

from monklite.errors import DatasetError

__all__ = ["images"]

DISEASE = ("pathology", "flu", "none", "flu", "none")
PROPERTIES = {
    "sex": ("sex", "F", "M", "M", "F"),
    "age": ("age", "40", "40", "71", "71"),
    "view": ("View Position", "AP", "PA", "AP", "PA"),
    "site": ("site", "1", "1", "2", "2"),
    "date": ("Study Date", "2020", "2020", "2021", "2021"),
}


@pytest.mark.parametrize("names", [["sex"], ["sex", "age"], ["view", "date"], list(PROPERTIES)])
def test_a_property_is_not_taken_for_the_class(images: Path, names: list[str]) -> None:
    samples = read(images, lines(IMAGE, *(PROPERTIES[name] for name in names), DISEASE))
    assert samples.classes == ("flu", "none")
    assert "labels from column 'pathology'" in samples.remarks[0]


def test_a_property_can_be_the_class_if_the_user_says_so_or_there_is_nothing_else(images: Path) -> None:
    assert read(images, lines(IMAGE, PROPERTIES["sex"])).classes == ("F", "M")
    table = lines(IMAGE, PROPERTIES["sex"], DISEASE)
    assert read(images, table, label_column="sex").classes == ("F", "M")
    with pytest.raises(DatasetError, match=r"which column holds the classes\? .*'sex', 'age'"):
        read(images, lines(IMAGE, PROPERTIES["sex"], PROPERTIES["age"]))


CELLS = {
    "decimal commas": (";", "1,0", "0,0", True),
    "two decimals": (",", "1.00", "0.00", True),
    "capitals": (",", "True", "FALSE", True),
    "words": (",", "yes", "no", False),
    "crosses": (",", "x", "", False),
}


@pytest.mark.parametrize("kind", CELLS)
def test_one_column_per_class_is_noticed_however_it_is_written(images: Path, kind: str) -> None:
    delimiter, yes, no, is_plain = CELLS[kind]
    cat = ("cat", *(yes if name == "cat" else no for name in LABEL[1:]))
    dog = ("dog", *(no if name == "cat" else yes for name in LABEL[1:]))
    text = lines(IMAGE, cat, dog, delimiter=delimiter)
    if is_plain:
        assert read(images, text).label_columns == ("cat", "dog")
    else:
        with pytest.raises(DatasetError, match="one column per class: 'cat', 'dog'.*must be 1 or 0"):
            read(images, text)


def test_a_class_that_is_called_like_a_column_of_labels_is_one_of_them(images: Path) -> None:
    columns = [("tag", "1", "0", "1", "0"), ("dog", "0", "1", "1", "0"), ("cat", "1", "1", "0", "0")]
    assert read(images, lines(IMAGE, *columns)).label_columns == ("tag", "dog", "cat")
    # exactly one of them for each image
    columns = [("target", "1", "0", "0", "0"), ("dog", "0", "1", "1", "0"), ("cat", "0", "0", "0", "1")]
    assert read(images, lines(IMAGE, *columns)).label_columns == ("target", "dog", "cat")


def test_labels_of_0_and_1_beside_another_such_column_are_labels(images: Path) -> None:
    samples = read(images, lines(IMAGE, ("label", "0", "1", "1", "0"), ("smoker", "1", "1", "0", "0")))
    assert samples.classes == ("0", "1")
    columns = [("label", "0", "1", "1", "0"), ("smoker", "1", "1", "0", "0"), ("diabetic", "0", "1", "0", "0")]
    assert read(images, lines(IMAGE, *columns)).classes == ("0", "1")


def test_cells_with_lists_of_0_and_1_are_refused(images: Path) -> None:
    cells = ("label", '"[1, 0]"', '"[0, 1]"', '"[1, 0]"', '"[0, 1]"')
    with pytest.raises(DatasetError, match=r"cells that are lists, such as '\[0, 1\]'"):
        read(images, lines(IMAGE, cells))
    assert read(images, lines(IMAGE, ("label", '"[20, 30]"', '"[30, 40]"', '"[20, 30]"', '"[30, 40]"'))).classes == (
        "[20, 30]",
        "[30, 40]",
    )


@pytest.mark.parametrize("name", ["split", "Subset", "partition"])
def test_rows_of_several_parts_of_a_dataset_are_not_mixed(images: Path, name: str) -> None:
    split = (name, "train", "valid", "test", "train")
    message = (
        rf"column '{name}' says which rows are for 'test', 'train', 'valid', and all of them would be mixed\. Give a"
    )
    with pytest.raises(DatasetError, match=message):
        read(images, lines(IMAGE, LABEL, split))
    assert len(read(images, lines(IMAGE, LABEL, (name, *["train"] * 4)))) == 4
    assert len(read(images, lines(IMAGE, LABEL, (name, "1", "2", "3", "1")))) == 4


def test_the_column_of_labels_may_be_called_split(images: Path) -> None:
    assert read(images, lines(IMAGE, ("split", "train", "test", "train", "test"))).classes == ("test", "train")


@pytest.mark.parametrize("title", ["My dataset\n", "My dataset,,\n", "My dataset,\n\nmade,by hand\n"])
def test_a_title_above_the_header_is_said(images: Path, title: str) -> None:
    with pytest.raises(
        DatasetError, match=r"its header seems to be line \d, 'image, label': remove the lines above it"
    ):
        read(images, title + lines(IMAGE, LABEL))


def test_lines_of_text_above_the_header_are_said(images: Path) -> None:
    with pytest.raises(DatasetError, match="its header seems to be line 3, 'image, label': remove the lines above it"):
        read(images, "# made by me\n# by hand, yesterday\n" + lines(IMAGE, LABEL))
    with pytest.raises(DatasetError, match=r"header has columns \(1\).* Remove lines above the header"):
        read(images, "# made by me\n" + lines(IMAGE, LABEL, ("a", *LABEL[1:])))


def test_rows_that_an_open_quote_joins_are_refused(images: Path) -> None:
    text = 'image,label,note\na.png,cat,"6 inch\nb.png,dog,\nsub/c.png,cat,7" wide\nsub/d.PNG,dog,\n'
    with pytest.raises(DatasetError, match="a cell of column 'note' holds whole rows"):
        read(images, text)
    text = 'image,label,note\na.png,cat,"two\nlines, and more"\nb.png,dog,\nsub/c.png,cat,\nsub/d.PNG,dog,\n'
    assert len(read(images, text)) == 4


def test_a_file_named_twice_has_one_label_however_it_is_written(images: Path) -> None:
    samples = read(images, lines((*IMAGE, "a.png"), ("label", "1.0", "2.0", "1.0", "2.0", "1.0")))
    assert labelled(samples)["a.png"] == "1"
    table = lines((*IMAGE, "a.png"), ("label", "cat|dog", "dog", "cat", "dog", "dog|cat"))
    assert labelled(read(images, table, label_delimiter="|"))["a.png"] == "cat|dog"


def test_an_excel_file_of_one_column_is_not_told_about_delimiters(tmp_path: Path) -> None:
    folder = draw(tmp_path / "images", *FILES)
    with pd.ExcelWriter(tmp_path / "t.xlsx") as book:
        pd.DataFrame({"notes": ["read the second sheet"]}).to_excel(book, sheet_name="notes", index=False)
        pd.DataFrame({"image": FILES, "label": LABEL[1:]}).to_excel(book, sheet_name="data", index=False)
    with pytest.raises(DatasetError) as error:
        read(folder, (tmp_path / "t.xlsx").read_bytes(), "t.xlsx")
    assert str(error.value).endswith(
        "t.xlsx (sheet 'notes', the first of 2) has one column; it needs two, image and class"
    )


@pytest.mark.parametrize(("a", "b"), [("cat", "ｃat"), ("Crohn's", "Crohn’s"), ("T-1", "T–1"), ("1", "1.0")])
def test_names_that_look_alike_are_refused(images: Path, a: str, b: str) -> None:
    with pytest.raises(DatasetError, match="classes whose names are nearly the same"):
        read(images, lines(IMAGE, ("label", a, b, a, b)))
