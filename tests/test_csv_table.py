"""Tables as people write them: columns and delimiter are found and told; what could be meant in two ways is refused."""

from __future__ import annotations

import contextlib
import csv
import importlib
import io
import os
import sys
import unicodedata
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from damage import DAMAGES
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from monklite import Prototype
from monklite.data import column_names, csv_table, digests, label_column, table_columns, table_frames
from monklite.data.samples import Samples
from monklite.errors import DatasetError, InvalidType, InvalidValue, MissingPackage, MonkliteError, NotFound
from monklite.runs.workspace import Workspace
from monklite.spec import DELIMITERS, Table

FILES = ("a.png", "b.png", "sub/c.png", "sub/d.PNG")
CLASSES = ("cat", "dog", "cat", "dog")


def draw(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 3), (len(name), 9, 9)).save(folder / name)
    return folder


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return draw(tmp_path / "images", *FILES)


@pytest.fixture(scope="module")
def pets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw(tmp_path_factory.mktemp("pets"), *FILES)


def read(folder: Path, text: str | bytes, name: str = "t.csv", **more: object) -> Samples:
    path = folder.parent / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return csv_table.from_csv(Table(path=folder, csv=path, **{"label_delimiter": None, "reading": 2, **more}))


def labelled(samples: Samples) -> dict[str, str]:
    return {path: samples.task.text(label) for path, label in zip(samples.paths, samples.labels, strict=True)}


RIGHT = dict(zip(FILES, CLASSES, strict=True))


def lines(*columns: tuple[str, ...], delimiter: str = ",") -> str:
    return "".join(delimiter.join(row) + "\n" for row in zip(*columns, strict=True))


IMAGE, LABEL = ("image", *FILES), ("label", *CLASSES)


def is_installed(package: str) -> bool:
    try:
        importlib.import_module(package)
    # not installed, or not for this NumPy
    except ImportError:
        return False
    return True


# Columns


@pytest.mark.parametrize(
    ("columns", "path", "label"),
    [
        ((IMAGE, LABEL), "image", "label"),
        ((LABEL, IMAGE), "image", "label"),
        ((("", "0", "1", "2", "3"), IMAGE, LABEL), "image", "label"),
        ((("Unnamed: 0", "0", "1", "2", "3"), ("fname", *FILES), ("kind", *CLASSES)), "fname", "kind"),
        ((("id", "1", "2", "3", "4"), ("Image Path", *FILES), ("age", "5", "6", "5", "6"), ("dx", *CLASSES)), "Image Path", "dx"),
        ((("kind", *CLASSES), ("where", *FILES)), "where", "kind"),
        ((("where", *FILES), ("kind", *CLASSES), ("age", "1", "2", "1", "2")), "where", "kind"),
        ((("where", *FILES), ("id", "17", "18", "19", "20"), ("kind", *CLASSES)), "where", "kind"),
        ((("where", *FILES), ("target", "0", "1", "0", "1"), ("sex", "1", "1", "0", "0")), "where", "target"),
        ((IMAGE, ("mask", *reversed(FILES)), LABEL), "image", "label"),
    ],
)  # fmt: skip
def test_columns_are_found_and_told(images: Path, columns, path: str, label: str) -> None:
    samples = read(images, lines(*columns))
    expected = dict(zip(*(next(c[1:] for c in columns if c[0] == name) for name in (path, label)), strict=True))
    assert labelled(samples) == expected
    assert f"t.csv: files from column {path!r}, labels from column {label!r}, delimiter ','" in samples.remarks[0]


def test_an_index_column_that_is_the_name_of_files_is_not_the_path_column(tmp_path: Path) -> None:
    folder = draw(tmp_path / "d", *(f"{i}.png" for i in range(4)))
    samples = read(folder, ",image,label\n" + "".join(f"{i},{3 - i}.png,{'ab'[i % 2]}\n" for i in range(4)))
    assert labelled(samples) == {"0.png": "b", "1.png": "a", "2.png": "b", "3.png": "a"}
    assert "without the index column ''" in samples.remarks[0]


def test_rows_of_r_with_names_and_no_header_cell_above_them(images: Path) -> None:
    rows = "".join(f'"{i}","{file}","{kind}"\n' for i, (file, kind) in enumerate(RIGHT.items(), 1))
    assert labelled(read(images, f'"image","label"\n{rows}')) == RIGHT


def test_columns_can_be_given(images: Path) -> None:
    text = lines(IMAGE, LABEL, ("other", *reversed(FILES)), ("kind", "x", "x", "y", "y"))
    samples = read(images, text, path_column="other", label_column="KIND")
    assert labelled(samples) == {"a.png": "y", "b.png": "y", "sub/c.png": "x", "sub/d.PNG": "x"}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"label_column": "labels"}, r"label_column='labels': .* has no such column\. Did you mean 'label'\? Columns: 'image'"),
        ({"path_column": "x"}, r"path_column='x': .* has no such column"),
        ({"label_column": "image", "path_column": "image"}, r"label_column='image' is the column of the paths"),
    ],
)  # fmt: skip
def test_columns_that_are_not_there_are_named(images: Path, more: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        read(images, lines(IMAGE, LABEL), **more)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (lines(FILES, CLASSES), r"has no header: its first line names the file 'a\.png'\. Write a line .*image,label"),
        (lines(("a", "b", "sub/c"), CLASSES[:3]), "has no header: its first line names the file 'a'"),
        (lines(("gone.jpg", *FILES), ("cat", *CLASSES)), "has no header: its first line names the file 'gone.jpg'"),
        (lines(("x", *FILES), ("y2", *reversed(FILES)), LABEL), "names files of the folder in several columns: 'x', 'y2'.*path_"),
        (lines(IMAGE, ("p", "1.5", "2.5", "3.5", "4.5"), ("q", "10", "20", "30", "40")), "which column holds the classes"),
        (lines(IMAGE, ("0", "1.5", "2.5", "1.5", "2"), ("1", "7.5", "8.5", "7.5", "1.5")), "which column holds the classes"),
        (lines(IMAGE), "has one column; it needs two, image and class"),
        (lines(IMAGE, ("", *[""] * 4)), "has a column of files, 'image', and none with their classes"),
    ],
)  # fmt: skip
def test_tables_whose_columns_are_unclear_are_refused(images: Path, text: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        read(images, text)


@pytest.mark.parametrize("zero_one", [("0", "1"), ("False", "True"), ("no", "yes")])
def test_one_column_of_several_of_0_and_1_can_be_the_label(images: Path, zero_one: tuple[str, str]) -> None:
    no, yes = zero_one
    text = lines(IMAGE, ("cat", yes, no, yes, no), ("dog", no, yes, no, yes), ("wolf", no, no, no, yes))
    assert read(images, text, label_column="dog").classes == zero_one


def test_one_column_of_0_and_1_is_a_label(images: Path) -> None:
    assert read(images, lines(IMAGE, ("is_cat", "1", "0", "1", "0"))).classes == ("0", "1")


def test_two_columns_of_one_name_are_refused_unless_they_are_equal(images: Path) -> None:
    assert labelled(read(images, lines(IMAGE, LABEL, LABEL))) == RIGHT
    with pytest.raises(DatasetError, match="has 2 columns called 'label' with different cells: rename"):
        read(images, lines(IMAGE, LABEL, ("label", *reversed(CLASSES))))


def test_a_column_of_measurements_is_no_column_of_classes(tmp_path: Path) -> None:
    folder = draw(tmp_path / "d", *(f"{i}.png" for i in range(10)))
    text = "image,target\n" + "".join(f"{i}.png,{1.5 * i}\n" for i in range(10))
    with pytest.raises(
        DatasetError, match=r"every image has a class of its own, such as '0\.0' and '1\.5': column 'target'"
    ):
        read(folder, text)


# Delimiters, encodings, kinds of files


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_another_delimiter_is_found_and_told(images: Path, delimiter: str) -> None:
    samples = read(images, lines(IMAGE, LABEL, ("age", "1,5", "2,5", "3,0", "4"), delimiter=delimiter))
    assert labelled(samples) == RIGHT
    assert f"delimiter {delimiter!r} (not ',')" in samples.remarks[0]


def test_a_delimiter_that_stands_in_the_header_does_not_hide_the_right_one(images: Path) -> None:
    assert labelled(read(images, lines(("image", *FILES), ("age, years", *"1234"), LABEL, delimiter=";"))) == RIGHT


def test_quoted_delimiters_and_spaces(tmp_path: Path) -> None:
    folder = draw(tmp_path / "d", "a,1.png", "b;2.png")
    text = 'image , label\n"a,1.png","cat, small"\n b;2.png ,dog\n\n'
    assert labelled(read(folder, text)) == {"a,1.png": "cat, small", "b;2.png": "dog"}


def test_the_line_of_excel_that_states_the_delimiter(images: Path) -> None:
    samples = read(images, "sep=;\r\n" + lines(IMAGE, LABEL, delimiter=";"))
    assert labelled(samples) == RIGHT


def test_rows_longer_than_the_header_are_refused(images: Path) -> None:
    with pytest.raises(
        DatasetError,
        match=r"1 rows with more cells than the header .* \(2\), the first: b\.png,dog,wolf\. Put cells that "
        r"contain ',' in quotes, or separate several labels by another character \(label_delimiter=\)",
    ):
        read(images, "image,label\na.png,cat\nb.png,dog,wolf\n")
    with pytest.raises(
        DatasetError, match=r"1 rows with more cells .*: b\.png,dog,wolf,owl\. Put cells that contain ','"
    ):
        read(images, "image,label\na.png,cat\nb.png,dog,wolf,owl\n")


def test_empty_cells_at_the_end_of_rows_do_no_harm(images: Path) -> None:
    assert labelled(read(images, "image,label,,,\na.png,cat\nb.png,dog,,,,,,\n")) == {"a.png": "cat", "b.png": "dog"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_encodings_with_a_mark_are_read(images: Path, encoding: str) -> None:
    samples = read(images, lines(IMAGE, ("label", "Kätzchen", "犬", "Kätzchen", "犬")).encode(encoding))
    assert samples.classes == ("Kätzchen", "犬")


@pytest.mark.parametrize(
    ("encoding", "message"), [("cp1252", "CSV UTF-8"), ("utf-16-le", "UTF-16 without a mark.*CSV UTF-8")]
)
def test_other_encodings_are_refused_with_the_remedy(images: Path, encoding: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        read(images, lines(IMAGE, ("label", "Kätzchen", "dog", "Kätzchen", "dog")).encode(encoding))


def test_tsv(images: Path) -> None:
    assert labelled(read(images, lines(IMAGE, LABEL, delimiter="\t"), "t.tsv")) == RIGHT


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".xz", ".zip"])
def test_compressed_tables(images: Path, ending: str) -> None:
    path = images.parent / f"t.csv{ending}"
    pd.DataFrame({"label": CLASSES, "image": FILES}).to_csv(path, index=False, sep=";")
    assert labelled(csv_table.from_csv(Table(path=images, csv=path, reading=2))) == RIGHT


@pytest.mark.skipif(not is_installed("openpyxl"), reason="openpyxl is not installed")
def test_excel(images: Path) -> None:
    path = images.parent / "t.xlsx"
    with pd.ExcelWriter(path) as book:
        pd.DataFrame({"n": [1, 2, 3, 4], "image": FILES, "label": [1.0, 2.0, 1.0, 2.0]}).to_excel(
            book, sheet_name="one"
        )
        pd.DataFrame({"x": [1]}).to_excel(book, sheet_name="two")
    samples = csv_table.from_csv(Table(path=images, csv=path, reading=2))
    assert labelled(samples) == dict(zip(FILES, "1212", strict=True))
    assert "sheet 'one', the first of 2" in samples.remarks[0]


@pytest.mark.skipif(not is_installed("pyarrow"), reason="pyarrow is not installed")
def test_parquet(images: Path) -> None:
    path = images.parent / "t.parquet"
    pd.DataFrame({"label": [["cat"], ["cat", "dog"], [], ["dog"]]}, index=pd.Index(FILES, name="image")).to_parquet(
        path
    )
    samples = csv_table.from_csv(Table(path=images, csv=path, label_delimiter="|", reading=2))
    assert labelled(samples) == dict(zip(FILES, ("cat", "cat|dog", "", "dog"), strict=True))


@pytest.mark.parametrize(("content", "package"), [(b"PK\x03\x04", "openpyxl"), (b"PAR1", "pyarrow")])
def test_a_missing_package_is_named(images: Path, monkeypatch, content: bytes, package: str) -> None:
    for module in ("openpyxl", "pyarrow", "fastparquet"):
        monkeypatch.setitem(sys.modules, module, None)
    name = "t.xlsx" if package == "openpyxl" else "t.parquet"
    if package == "openpyxl":
        book = io.BytesIO()
        with zipfile.ZipFile(book, "w") as archive:
            archive.writestr("xl/workbook.xml", "<workbook/>")
            archive.writestr("[Content_Types].xml", "<Types/>")
        content = book.getvalue()
    with pytest.raises(MissingPackage, match=rf"{name} needs a package that is not installed: pip install {package}"):
        read(images, content, name)


@pytest.mark.parametrize("name", ["t.xlsx", "t.parquet"])
def test_a_text_table_with_another_ending_is_read(images: Path, name: str) -> None:
    assert labelled(read(images, lines(IMAGE, LABEL), name)) == RIGHT


# Paths


def test_names_without_ending_or_in_another_case_are_matched_and_told(images: Path) -> None:
    samples = read(images, "image,label\na,cat\nB,dog\nsub/c,cat\nsub\\d,dog\n")
    assert labelled(samples) == RIGHT
    assert samples.remarks[1] == (
        "4 names of t.csv are without ending or in another case and were matched with the only file of that name, such as 'a' "
        "with 'a.png'"
    )


def test_numbers_with_the_point_that_pandas_gave_them_are_names_too(tmp_path: Path) -> None:
    folder = draw(tmp_path / "d", "17.png", "18.png")
    assert labelled(read(folder, "id,label\n17.0,cat\n18.0,dog\n")) == {"17.png": "cat", "18.png": "dog"}


def test_messages_stay_short_however_long_the_cells_are(images: Path) -> None:
    with pytest.raises(NotFound) as caught:
        read(images, f"image,label\n{'x' * 300_000},cat\n")
    assert len(str(caught.value)) < 600


def test_names_are_spelled_as_the_folder_does_where_the_file_system_ignores_case(images: Path, monkeypatch) -> None:
    """As Windows and macOS do; elsewhere the same table gives the same names."""
    present, real = {str(images / name).lower() for name in FILES}, os.path.isfile
    monkeypatch.setattr(os.path, "isfile", lambda path: str(path).lower() in present or real(path))
    assert labelled(read(images, "image,label\nA.PNG,cat\nb.png,dog\nSUB/c.png,cat\nsub\\D.png,dog\n")) == RIGHT
    assert len(read(images, lines(IMAGE, LABEL) + "A.png,cat\n")) == 4


def test_a_name_that_could_be_several_files_is_refused(images: Path) -> None:
    draw(images, "a.jpg")
    with pytest.raises(
        DatasetError, match=r"names 1 files that could be several, the first: 'a' could be 'a\.jpg' or 'a\.png'"
    ):
        read(images, "image,label\na,cat\nb.png,dog\n")


def test_composed_and_decomposed_names_match(tmp_path: Path) -> None:
    folder = draw(tmp_path / "d", unicodedata.normalize("NFD", "é.png"), "b.png")
    samples = read(folder, f"image,label\n{unicodedata.normalize('NFC', 'é.png')},x\nb.png,y\n")
    assert digests.recall(samples, None).file_sizes.min() > 0


def test_absolute_paths_in_and_outside_the_folder(images: Path, tmp_path: Path) -> None:
    outside = draw(tmp_path / "elsewhere", "o.png") / "o.png"
    samples = read(
        images, f"image,label\n{images / 'a.png'},cat\n{images}/sub/../b.png,dog\n{outside},cat\n./sub//c.png,cat\n"
    )
    outside_path = outside.as_posix()
    assert labelled(samples) == {"a.png": "cat", "b.png": "dog", "sub/c.png": "cat", outside_path: "cat"}
    recalled = digests.recall(samples, None)
    row = samples.paths.tolist().index(outside_path)
    assert recalled.file_sizes[row] == outside.stat().st_size
    assert Path(samples.file_path(row)) == outside


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_absolute_paths_through_a_link_are_in_the_folder(images: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(images)
    samples = read(tmp_path / "link", f"image,label\n{images / 'a.png'},cat\n{tmp_path / 'link' / 'b.png'},dog\n")
    assert labelled(samples) == {"a.png": "cat", "b.png": "dog"}


def test_missing_files_are_named_with_their_column(images: Path) -> None:
    with pytest.raises(
        NotFound, match=r"names 2 files that are not in .*, the first: x\.png \(column 'file'; its paths must be"
    ):
        read(images, "n,file,label\n1,a.png,cat\n2,x.png,dog\n3,y.png,dog\n")


def test_an_empty_path_is_refused(images: Path) -> None:
    with pytest.raises(
        DatasetError, match=r"names no file in 1 rows of column 'image', the first: row 2 below the header"
    ):
        read(images, "image,label\na.png,cat\n,dog\n")


def test_the_same_row_twice_is_told_and_used_once(images: Path) -> None:
    samples = read(images, lines(IMAGE, LABEL) + "a.png,cat\n./a.png,cat\n")
    assert labelled(samples) == RIGHT
    assert len(samples) == 4
    assert samples.remarks[1] == "2 rows of t.csv name a file again, with the same label: used once"


def test_the_same_file_with_another_label_is_refused_with_both(images: Path) -> None:
    with pytest.raises(
        DatasetError,
        match=r"names 1 files more than once, with different labels, the first: a\.png \('cat' and 'dog'\)",
    ):
        read(images, lines(IMAGE, LABEL) + "a.png,dog\n")


# Labels


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("cat", "Cat"), ("big cat", "big  cat"), ("cat", "c\u200bat"), ("0", "0.0"), ("1", "1,0"), ("é", "e\u0301"),
        ("big cat", "big\u00a0cat"),
        ("cat", "\ufeffcat"), ("straße", "STRASSE"),
    ],
)  # fmt: skip
def test_names_that_are_nearly_the_same_are_refused(images: Path, first: str, second: str) -> None:
    with pytest.raises(
        DatasetError, match=r"names are nearly the same: .* and .*Write each class in one way"
    ) as caught:
        read(images, lines(IMAGE, ("label", first, second, f'"{first}"', "owl")).replace("1,0", '"1,0"'))
    assert all(ascii(name) in str(caught.value) for name in (first, second) if not name.isascii())


@pytest.mark.parametrize(("first", "second"), [("a", "A"), ("01", "1"), ("cat", "cats"), ("1.5", "1"), ("C", "C++")])
def test_names_that_differ_are_kept(images: Path, first: str, second: str) -> None:
    samples = read(images, lines(IMAGE, ("label", first, second, first, second)))
    assert samples.classes == tuple(sorted((first, second)))


def test_whole_numbers_lose_the_point_that_pandas_gave_them(images: Path) -> None:
    assert read(images, lines(IMAGE, ("label", "1.0", "0.0", "1.0", "10.0"))).classes == ("0", "1", "10")
    assert read(images, lines(IMAGE, ("label", "1.0", "0.5", "1.0", "10.0"))).classes == ("0.5", "1.0", "10.0")


def test_a_test_table_is_read_as_the_classes_are_named(images: Path) -> None:
    path = images.parent / "t.csv"
    path.write_text(lines(IMAGE, ("label", "1.0", "2.0", "1.0", "2.0")))
    table = Table(path=images, csv=path, reading=2, label_delimiter=None)
    assert csv_table.from_csv(table, False, ("0.5", "1.0", "2.0")).classes == ("1.0", "2.0")
    assert csv_table.from_csv(table, False, ("1", "2", "3")).classes == ("1", "2")


@pytest.mark.parametrize(
    ("cells", "separator"),
    [
        (("A", "B", "A|B", "A"), "|"), (("A|B", "B|C", "A|C", "A|C"), "|"), (("A", "B", '"A, B"', "A"), ","),
        (("A", "B", "A/B", "A"), "/"),
        (("A", "B", "A;B", "A"), ";"),
    ],
)  # fmt: skip
def test_cells_that_look_like_several_labels_are_refused(images: Path, cells: tuple[str, ...], separator: str) -> None:
    text = lines(IMAGE, ("label", *cells))
    with pytest.raises(
        DatasetError, match=rf"look like several labels.*Give label_delimiter='\{separator}'.*label_delimiter=''"
    ):
        read(images, text)
    assert any(separator in name for name in read(images, text, label_delimiter="").classes)
    if separator != ",":
        assert set(read(images, text, label_delimiter=separator).classes) <= set("ABC")


def test_names_that_contain_separators_are_classes(images: Path) -> None:
    cells = ("label", "hot dog", "dog", "AC/DC", "hot")
    assert read(images, lines(IMAGE, cells)).classes == ("AC/DC", "dog", "hot", "hot dog")


@pytest.mark.parametrize("label_delimiter", [None, "|"])
def test_lists_as_python_writes_them_are_refused(images: Path, label_delimiter: str | None) -> None:
    with pytest.raises(DatasetError, match=r"cells that are lists, such as .*label_delimiter='\|'"):
        read(
            images,
            lines(IMAGE, ("label", "['A']", "\"['A', 'B']\"", "['A']", "['B']")),
            label_delimiter=label_delimiter,
        )


# Runs of older versions


def test_a_table_of_an_older_run_is_read_as_it_was(images: Path) -> None:
    text = "a,b,label\n" + lines(FILES, ("1.0", "2.0", "1.0", "A"), ("x", "y", "x", "y"))
    samples = read(images, text, reading=1, label_delimiter="")
    assert labelled(samples) == dict(zip(FILES, ("1.0", "2.0", "1.0", "A"), strict=True))
    odd = "image,label\n" + lines(("x.png", *FILES[1:]), ("A", "a", "A|a", "b,c")).replace("x.png", "./a.png")
    assert sorted(read(images, odd, reading=1, label_delimiter="").classes) == ["A", "A|a", "a", "b"]


def test_a_stored_table_of_an_older_run_loads_with_the_older_reading() -> None:
    table = Table.model_validate({"path": "d", "csv": "t.csv", "delimiter": ",", "label_delimiter": ""})
    assert (table.reading, table.path_column, table.label_column) == (1, None, None)


# DataFrames


def test_a_frame_is_written_once_and_read_again(images: Path, tmp_path: Path) -> None:
    frame = pd.DataFrame({"label": [1.0, 2.0, 1.0, None], "image": FILES})
    path = Path(table_frames.write(frame, tmp_path / "w", None))
    assert path.parent == tmp_path / "w" / ".tables"
    before = path.stat().st_mtime_ns
    assert table_frames.write(frame.copy(), tmp_path / "w", None) == str(path)
    assert path.stat().st_mtime_ns == before
    assert table_frames.write(frame.fillna(2.0), tmp_path / "w", None) != str(path)
    assert pd.read_csv(path, dtype=str, keep_default_na=False).label.tolist() == ["1.0", "2.0", "1.0", ""]


@pytest.mark.parametrize(
    ("frame", "columns"),
    [
        (pd.DataFrame({"image": FILES, "label": CLASSES}, index=[7, 3, 1, 2]), ["image", "label"]),
        (pd.DataFrame({"label": CLASSES}, index=pd.Index(FILES, name="image")), ["image", "label"]),
        (pd.DataFrame({"label": CLASSES}, index=list(FILES)), ["index", "label"]),
        (pd.DataFrame({0: FILES, 1: CLASSES}), ["0", "1"]),
    ],
)
def test_the_index_of_a_frame_is_a_column_if_it_holds_names(images: Path, tmp_path: Path, frame, columns) -> None:
    path = table_frames.write(frame, tmp_path, None)
    assert pd.read_csv(path, dtype=str).columns.tolist() == columns
    assert labelled(csv_table.from_csv(Table(path=images, csv=path, reading=2))) == RIGHT


@settings(deadline=None, max_examples=100)
@given(
    labels=st.lists(
        st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=8), min_size=4, max_size=4
    )
)
def test_any_text_of_a_frame_comes_back(pets: Path, labels: list[str]) -> None:
    frame = pd.DataFrame({"image": FILES, "label": labels})
    path = table_frames.write(frame, pets.parent / "w", None)
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    assert table.label.tolist() == labels


def test_frames_that_cannot_be_stored_are_refused(tmp_path: Path) -> None:
    two_levels = pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")]))
    with pytest.raises(InvalidValue, match="columns of one level"):
        table_frames.write(two_levels, tmp_path, None)
    with pytest.raises(InvalidValue, match="not valid Unicode"):
        table_frames.write(pd.DataFrame({"image": ["\udc80.png"]}, dtype=object), tmp_path, None)


@pytest.fixture
def many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for i in range(12):
        Image.new("RGB", (32, 32), (20 * i, 9, 9)).save(draw(tmp_path / "d") / f"{i}.png") if i else draw(
            tmp_path / "d", "0.png"
        )
    return tmp_path / "d"


def frame_of(n: int = 12) -> pd.DataFrame:
    return pd.DataFrame({"label": ["cat", "dog"] * (n // 2), "image": [f"{i}.png" for i in range(n)]})


def test_a_frame_goes_wherever_a_table_goes_and_a_copy_reads_it_again(many: Path, capsys) -> None:
    ptf = Prototype("p", "e")
    ptf.Dataset_Params(many, frame_of(), split=0.7, input_size=32, batch_size=4)
    ptf.Dataset()
    assert "labels from column 'label', delimiter ','" in capsys.readouterr().out
    state = Workspace().find("p", "e").state()
    (source,) = state.asked.data.sources
    assert (Path(source.csv).parent, source.reading) == (Path("workspace/.tables").absolute(), 2)
    assert state.dataset.classes == ("cat", "dog")
    ptf.update_dataset(many, path_to_csv=frame_of(10))
    ptf.Dataset()
    assert Workspace().find("p", "e").state().dataset.n_train + Workspace().find("p", "e").state().dataset.n_val == 10
    ptf.Dataset_Params([many, many], [frame_of(), frame_of(4)], input_size=32, batch_size=4)
    ptf.Dataset()
    assert Workspace().find("p", "e").state().dataset.n_val == 4
    assert [p for p in Workspace().root.iterdir() if not p.name.startswith(".")] == [Path("workspace/p").absolute()]


def test_a_run_trained_from_a_frame_is_evaluated_and_resumed(many: Path) -> None:
    ptf = Prototype("p", "e", verbose=0)
    ptf.Dataset_Params(many, frame_of(), split=0.7, input_size=64, batch_size=4)
    ptf.Dataset()
    ptf.Model_Params(model_name="squeezenet1_1", freeze_base_network=True, use_pretrained=False)
    ptf.Model()
    ptf.optimizer_sgd(0.001)
    ptf.loss_softmax_crossentropy()
    ptf.Training_Params(num_epochs=1)
    ptf.Train()
    again = Prototype("p", "e", resume_train=True, verbose=0)
    again.update_num_epochs(2)
    again.Train()
    assert Workspace().find("p", "e").state().results.epochs_completed == 2
    test = Prototype("p", "e", eval_infer=True, verbose=0)
    test.Dataset_Params(dataset_path=many, path_to_csv=frame_of(6), label_column="label", path_column="image")
    test.Dataset()
    test.Evaluate()
    assert Workspace().find("p", "e").state().testing.num_images == 6


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda p: p.Dataset_Params(frame_of()), InvalidType, r"dataset_path must be the folder .*path_to_csv="),
        (
            lambda p: p.Dataset_Params("d", label_column="x"),
            InvalidValue,
            "label_column goes with a table: give path_to_csv=",
        ),
        (lambda p: p.Dataset_Params("d", "t.csv", label_column=1.5), InvalidType, "label_column must be a string"),
        (
            lambda p: p.Dataset_Params("d", [frame_of()]),
            InvalidValue,
            r"path_to_csv as a list must be \[train, val\], not 1",
        ),
        (lambda p: p.Dataset_Params("d", 3), InvalidType, "path_to_csv must be a path"),
    ],
)
def test_wrong_arguments_are_refused(tmp_path: Path, monkeypatch, call, error, message: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message) as caught:
        call(Prototype("p", "e", verbose=0))
    assert len(str(caught.value)) < 300


# Any table


NAMES = st.sampled_from(["image", "Image", "file", "filename", "path", "img_path", "id_code"])
LABELS = st.sampled_from(["label", "Class", "category", "diagnosis", "target", "finding_labels"])
WORDS = st.text(st.characters(categories=("L",), max_codepoint=0x17F), min_size=2, max_size=8)


@settings(deadline=None, max_examples=150)
@given(
    path=NAMES,
    label=LABELS,
    names=st.lists(WORDS, min_size=2, max_size=2),
    order=st.permutations(range(4)),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    ending=st.sampled_from(["\n", "\r\n"]),
    spelling=st.sampled_from(
        [str, str.upper, lambda name: name.rpartition(".")[0], lambda name: name.replace("/", "\\")]
    ),
)
def test_the_right_column_is_found_however_the_table_is_written(
    pets: Path, path, label, names, order, delimiter, encoding, quoting, ending, spelling
) -> None:
    assume(len({unicodedata.normalize("NFC", name.casefold()) for name in names}) == 2)
    cells = [names[0], names[1], names[1], names[0]]
    columns = [
        ("", "0", "1", "2", "3"),
        (path, *map(spelling, FILES)),
        (label, *cells),
        ("age", "1,5", "2;5", "3", "4"),
    ]
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=ending).writerows(
        zip(*(columns[i] for i in order), strict=True)
    )
    samples = read(pets, text.getvalue().encode(encoding), "any.csv")
    assert labelled(samples) == dict(zip(FILES, cells, strict=True))
    assert f"files from column {path!r}, labels from column {label!r}, delimiter {delimiter!r}" in samples.remarks[0]


CELLS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=6) | st.sampled_from(
    [
        *FILES,
        "a",
        "image",
        "label",
        "class",
        "",
        "0",
        "1",
        "1.0",
        "A|B",
        "A",
        "B",
        "['A']",
        "../a.png",
        "/",
        "C:\\",
        "x" * 300,
    ]
)


def read_or_refused(folder: Path, content: str | bytes, **more: object) -> Samples | None:
    try:
        samples = read(folder, content, "fuzz.csv", **more)
    except MonkliteError as error:
        assert len(str(error)) < 2000
        return None
    assert all((folder / path).is_file() for path in samples.paths)
    assert len(set(samples.paths)) == len(samples)
    return samples


@settings(deadline=None, max_examples=300)
@given(
    rows=st.lists(st.lists(CELLS, max_size=5), max_size=6),
    delimiter=st.sampled_from(DELIMITERS),
    given_delimiter=st.sampled_from(DELIMITERS),
    label_delimiter=st.sampled_from([None, "", "|"]),
    label_column=st.sampled_from([None, "label", "0"]),
)
def test_any_table_is_read_or_refused_in_words(
    pets: Path, rows, delimiter, given_delimiter, label_delimiter, label_column
) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(rows)
    more = {"label_delimiter": label_delimiter, "label_column": label_column}
    read_or_refused(pets, text.getvalue(), delimiter=given_delimiter, **more)


@settings(deadline=None, max_examples=200)
@given(damage=DAMAGES, encoding=st.sampled_from(["utf-8", "utf-16"]))
def test_a_damaged_table_is_read_or_refused_in_words(pets: Path, damage, encoding: str) -> None:
    read_or_refused(pets, damage(lines(IMAGE, LABEL).encode(encoding)))


KINDS = [
    "zip",
    "gz",
    *(kind for kind, package in (("xlsx", "openpyxl"), ("parquet", "pyarrow")) if is_installed(package)),
]


@settings(deadline=None, max_examples=100)
@given(damage=DAMAGES, kind=st.sampled_from(KINDS))
def test_a_damaged_file_of_another_kind_is_read_or_refused_in_words(pets: Path, damage, kind: str) -> None:
    path, frame = pets.parent / f"whole.{kind}", pd.DataFrame({"image": FILES, "label": CLASSES})
    writers = {"xlsx": frame.to_excel, "parquet": frame.to_parquet}
    if not path.exists():
        writers.get(kind, frame.to_csv)(path, index=False)
    broken = pets.parent / f"broken.{kind}"
    broken.write_bytes(damage(path.read_bytes()))
    with contextlib.suppress(MonkliteError):
        csv_table.from_csv(Table(path=pets, csv=broken, reading=2, label_delimiter=None))


def test_the_names_of_columns_are_in_the_form_in_which_they_are_compared() -> None:
    names = (*table_columns.PATH_NAMES, *label_column.LABEL_NAMES, *table_columns.INDEX_NAMES)
    assert [name for name in names if name != column_names.plain(name)] == []
    assert len(set(names)) == len(names)
