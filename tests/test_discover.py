"""Finding the images: class folders, CSV tables, and what is refused or passed over."""

from __future__ import annotations

import hashlib
import os
import shutil
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monklite import Prototype
from monklite.data import csv_table, digests, discover, image_folder
from monklite.data.samples import Samples
from monklite.errors import DatasetError, NotFound
from monklite.printable import printable
from monklite.spec import Table


def draw(folder: Path, *files: str) -> Path:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 3), (200, 10, 10)).save(folder / file)
    return folder


def write_table(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    (folder / "labels.csv").write_text(text, encoding=encoding)
    return folder / "labels.csv"


def from_table(folder: Path, table: Path, delimiter: str = ",", **more: object) -> Samples:
    return csv_table.from_csv(Table(path=folder, csv=table, delimiter=delimiter, **more))


def fingerprint(*tables: Samples) -> str:
    """With the sizes of the files as they are now."""
    return discover.fingerprint(*(digests.recall(samples, None) for samples in tables))


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    return draw(tmp_path / "pets", "dog/b.png", "cat/2.png", "cat/1.png", "dog/a.png", "dog/c.png")


def test_class_folders_become_classes_in_the_order_of_their_names(pets: Path) -> None:
    samples = discover.from_folders(pets)
    assert samples.classes == ("cat", "dog")
    assert tuple(samples.paths) == ("cat/1.png", "cat/2.png", "dog/a.png", "dog/b.png", "dog/c.png")
    assert samples.labels.tolist() == [0, 0, 1, 1, 1]
    assert (len(samples), samples.counts(), samples.strays) == (5, (2, 3), ())


def test_a_folder_can_be_given_as_text(pets: Path) -> None:
    assert discover.from_folders(str(pets)).paths.tolist() == discover.from_folders(pets).paths.tolist()


def test_nested_folders_count_to_their_class(pets: Path) -> None:
    draw(pets, "cat/site a/2024/x.png")
    samples = discover.from_folders(pets)
    assert samples.labels[samples.paths.tolist().index("cat/site a/2024/x.png")] == samples.classes.index("cat")


@pytest.mark.parametrize("name", ["x.JPG", "x.jpeg", "x.PNG", "x.bmp", "x.tif", "x.tiff", "x.webp", "x.gif"])
def test_endings_of_images_are_known_in_any_case(pets: Path, name: str) -> None:
    draw(pets, f"cat/{name}")
    assert f"cat/{name}" in discover.from_folders(pets).paths


@pytest.mark.parametrize("stray", [".DS_Store", "cat/.DS_Store", "dog/Thumbs.db", "cat/notes.txt", "labels.csv"])
def test_files_that_are_not_images_are_passed_over_and_told(pets: Path, stray: str) -> None:
    (pets / stray).write_text("no picture")
    samples = discover.from_folders(pets)
    assert samples.strays == (stray,)
    assert len(samples) == 5


@pytest.mark.parametrize("folder", [".ipynb_checkpoints", "cat/.ipynb_checkpoints", "__MACOSX", "dog/__pycache__"])
def test_hidden_folders_are_passed_over_and_told(pets: Path, folder: str) -> None:
    draw(pets, f"{folder}/1-checkpoint.png")
    samples = discover.from_folders(pets)
    assert samples.strays == (folder,)
    assert (samples.classes, len(samples)) == (("cat", "dog"), 5)


def test_a_hidden_image_is_passed_over(pets: Path) -> None:
    draw(pets, "cat/._1.png")
    assert discover.from_folders(pets).strays == ("cat/._1.png",)


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_to_nowhere_is_passed_over(pets: Path) -> None:
    (pets / "cat" / "moved.png").symlink_to(pets / "gone.png")
    assert discover.from_folders(pets).strays == ("cat/moved.png",)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes there")
def test_a_pipe_is_passed_over(pets: Path) -> None:
    os.mkfifo(pets / "cat" / "pipe.png")
    assert discover.from_folders(pets).strays == ("cat/pipe.png",)


def test_strays_are_told_in_one_line_by_kind() -> None:
    line = discover.describe_strays(("a/1.txt", "b/2.TXT", "Thumbs.db"))
    assert line == "3 entries passed over, not images: 2 x .txt, .db"


def test_one_stray_is_told_in_the_singular() -> None:
    assert discover.describe_strays((".DS_Store",)) == "1 entry passed over, not images: .DS_Store"


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"the dataset folder '.*nowhere' is not there \(looked from "):
        discover.from_folders(tmp_path / "nowhere")


def test_a_file_in_place_of_the_folder_is_refused(pets: Path) -> None:
    with pytest.raises(NotFound, match=r"1\.png' is a file; dataset_path must be a folder"):
        discover.from_folders(pets / "cat" / "1.png")


def test_a_folder_without_class_folders_is_refused(tmp_path: Path) -> None:
    draw(tmp_path, "1.png", "2.png")
    with pytest.raises(DatasetError, match="has no class folders: put the images of each class into a folder"):
        discover.from_folders(tmp_path)


def test_one_class_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="has only one class, 'cat': a classifier needs two or more"):
        discover.from_folders(draw(tmp_path, "cat/1.png"))


def test_a_class_without_images_is_named(pets: Path) -> None:
    (pets / "bird").mkdir()
    with pytest.raises(
        DatasetError, match=r"no images in class 'bird' \(files ending in \.avif .*\); add some or remove"
    ):
        discover.from_folders(pets)


def test_all_classes_without_images_are_named(pets: Path) -> None:
    for name in ("bird", "ant"):
        (pets / name).mkdir()
    with pytest.raises(DatasetError, match="no images in classes 'ant', 'bird'"):
        discover.from_folders(pets)


@pytest.mark.parametrize("parts", [("train", "test", "val"), ("Train", "Validation"), ("train", "test", "infer")])
def test_a_folder_of_subsets_is_refused_with_the_folder_that_was_meant(tmp_path: Path, parts: tuple[str, ...]) -> None:
    draw(tmp_path, *(f"{part}/{pet}/1.png" for part in parts for pet in ("cat", "dog")))
    with pytest.raises(DatasetError, match=r"(?i)parts of a dataset, not classes: give dataset_path='.*train'"):
        discover.from_folders(tmp_path)


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    assert discover.from_folders(draw(tmp_path, "bus/1.png", "train/1.png")).classes == ("bus", "train")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", " "])
def test_a_table_gives_paths_and_classes(pets: Path, delimiter: str) -> None:
    rows = (("image", "label"), ("dog/a.png", "dog"), ("cat/1.png", "cat"), ("dog/b.png", "dog"))
    table = write_table(pets, "\n".join(delimiter.join(row) for row in rows))
    samples = from_table(pets, table, delimiter)
    assert samples.classes == ("cat", "dog")
    assert tuple(samples.paths) == ("cat/1.png", "dog/a.png", "dog/b.png")
    assert samples.labels.tolist() == [0, 1, 1]


@pytest.mark.parametrize("classes", [("01", "1"), ("0.10", "2"), ("NA", "null"), ("False", "True")])
def test_classes_of_a_table_stay_text(pets: Path, classes: tuple[str, str]) -> None:
    table = write_table(pets, f"image,label\ncat/1.png,{classes[0]}\ndog/a.png,{classes[1]}\n")
    assert from_table(pets, table).classes == classes


def test_more_columns_and_a_byte_order_mark_do_no_harm(pets: Path) -> None:
    table = write_table(pets, "image,label,age\ncat/1.png,cat,3\ndog/a.png,dog,4\n", "utf-8-sig")
    assert from_table(pets, table).paths.tolist() == ["cat/1.png", "dog/a.png"]


def test_a_delimiter_at_the_end_of_each_row_does_no_harm(pets: Path) -> None:
    table = write_table(pets, "image,label\ncat/1.png,cat,\ndog/a.png,dog,\n")
    assert from_table(pets, table).paths.tolist() == ["cat/1.png", "dog/a.png"]


def test_backslashes_in_a_table_are_separators(pets: Path) -> None:
    table = write_table(pets, "image,label\ncat\\1.png,cat\ndog\\a.png,dog\n")
    assert from_table(pets, table).paths.tolist() == ["cat/1.png", "dog/a.png"]


def test_a_missing_table_is_named(pets: Path) -> None:
    with pytest.raises(NotFound, match=r"none\.csv is not there: path_to_csv must name a CSV file"):
        from_table(pets, pets / "none.csv")


def test_files_that_a_table_names_must_be_there(pets: Path) -> None:
    table = write_table(pets, "image,label\ncat/1.png,cat\ncat/9.png,cat\ndog/9.png,dog\n")
    with pytest.raises(NotFound, match=r"names 2 files that are not in .*, the first: cat/9\.png"):
        from_table(pets, table)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        # used to be refused as one column: the delimiter is found now, and then there is a single class
        ("image;label\ncat/1.png;cat\n", "has only one class, 'cat'"),
        (
            "image\ncat/1.png\n",
            r"has one column; it needs two, image and class, separated by one of ',' .*\(see delimit",
        ),
        ("image,label\ncat/1.png,cat\ncat/2.png,cat\n", "has only one class, 'cat'"),
        ("image,label\n", "the table names no images"),
        ("", "cannot be read as a table separated by ',' in UTF-8: No columns"),
        ('image,label\n"cat/1.png,cat\n', "cannot be read as a table .*EOF inside string"),
        ("image,label\ncat/1.png,cat\ndog/a.png,\n", r"gives no class for 1 files, the first: dog/a\.png"),
        ("image,label\ncat/1.png,cat\ndog/a.png,dog\ncat/1.png,dog\n", r"names 1 files more than once, .*: cat/1\.png"),
    ],
)
def test_tables_that_cannot_be_used_are_refused(pets: Path, text: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        from_table(pets, write_table(pets, text))


def test_a_table_in_another_encoding_is_refused(pets: Path) -> None:
    table = write_table(pets, "image,label\ncat/1.png,café\ndog/a.png,dog\n", "latin-1")
    with pytest.raises(DatasetError, match="in UTF-8: 'utf-8' codec can't decode"):
        from_table(pets, table)


def test_take_keeps_the_given_order(pets: Path) -> None:
    taken = discover.from_folders(pets).take(np.array([4, 0]))
    assert (taken.paths.tolist(), taken.labels.tolist()) == (["dog/c.png", "cat/1.png"], [1, 0])


def test_relabel_goes_by_name_not_by_position(pets: Path) -> None:
    relabelled = discover.from_folders(pets).relabel(("dog", "bird", "cat"), "the test set")
    assert relabelled.labels.tolist() == [2, 2, 0, 0, 0]
    assert relabelled.counts() == (3, 0, 2)


def test_relabel_refuses_a_class_that_training_did_not_have(pets: Path) -> None:
    samples = discover.from_folders(pets)
    with pytest.raises(DatasetError, match=r"the test set has class 'dog', which .* Classes known: 'bird', 'cat'\."):
        samples.relabel(("bird", "cat"), "the test set")


def test_the_fingerprint_does_not_depend_on_the_location(pets: Path, tmp_path: Path) -> None:
    shutil.copytree(pets, tmp_path / "elsewhere")
    there = discover.from_folders(tmp_path / "elsewhere")
    assert fingerprint(there) == fingerprint(discover.from_folders(pets))


@pytest.mark.parametrize(
    "change",
    [
        lambda pets: (pets / "cat/1.png").rename(pets / "cat/7.png"),
        lambda pets: (pets / "dog").rename(pets / "wolf"),
        lambda pets: (pets / "cat/1.png").write_bytes((pets / "cat/1.png").read_bytes() + b"\0"),
        lambda pets: (pets / "cat/1.png").unlink(),
    ],
    ids=["name", "class", "size", "one fewer"],
)
def test_the_fingerprint_changes_with(pets: Path, change: Callable[[Path], object]) -> None:
    before = fingerprint(discover.from_folders(pets))
    change(pets)
    assert fingerprint(discover.from_folders(pets)) != before


def test_the_fingerprint_by_content_tells_images_of_one_size_apart(pets: Path) -> None:
    def prints() -> tuple[str, str]:
        samples = replace(
            samples_of(pets), digests=np.array([hashlib.md5(p.read_bytes()).digest() for p in files()], "S16")
        )
        return discover.fingerprint(samples), discover.fingerprint(samples, by_content=True)

    def samples_of(folder: Path) -> Samples:
        return digests.recall(discover.from_folders(folder), None)

    def files() -> list[Path]:
        return [Path(samples_of(pets).file_path(i)) for i in range(len(samples_of(pets)))]

    before, size = prints(), (pets / "cat/1.png").stat().st_size
    assert prints() == before
    (pets / "cat/1.png").write_bytes(bytes(size))
    after = prints()
    assert after[0] == before[0]
    assert after[1] != before[1]


def test_the_fingerprint_changes_with_the_class_that_a_table_gives(pets: Path) -> None:
    prints = set()
    for first, second in (("x", "y"), ("y", "x"), ("x", "y")):
        table = write_table(pets, f"image,label\ncat/1.png,{first}\ndog/a.png,{second}\n")
        prints.add(fingerprint(from_table(pets, table)))
    assert len(prints) == 2


def test_the_fingerprint_does_not_depend_on_the_order(pets: Path) -> None:
    samples = discover.from_folders(pets)
    assert fingerprint(samples.take(np.array([4, 0, 3, 1, 2]))) == fingerprint(samples)


def test_the_fingerprint_tells_the_subsets_apart(pets: Path) -> None:
    samples = discover.from_folders(pets)
    parts = [samples.take(np.arange(0, k)) for k in (2, 3)], [samples.take(np.arange(k, 5)) for k in (2, 3)]
    assert fingerprint(parts[0][0], parts[1][0]) != fingerprint(parts[0][1], parts[1][1])


def test_the_order_does_not_depend_on_the_file_system(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected, real = discover.from_folders(pets), os.scandir

    class Backwards:
        def __init__(self, folder: Path) -> None:
            with real(folder) as entries:
                self.entries = sorted(entries, key=lambda e: e.name, reverse=True)

        def __enter__(self) -> list[os.DirEntry[str]]:
            return self.entries

        def __exit__(self, *error: object) -> None:
            pass

    monkeypatch.setattr(os, "scandir", Backwards)
    found = discover.from_folders(pets)
    assert (found.classes, found.paths.tolist()) == (expected.classes, expected.paths.tolist())
    assert found.labels.tolist() == expected.labels.tolist()


def test_the_workspace_is_no_class_wherever_it_lies(pets: Path) -> None:
    draw(pets, "workspace/p/1.png")
    assert discover.from_folders(pets, exclude=pets / "workspace").classes == ("cat", "dog")
    assert discover.from_folders(pets, exclude=pets / "cat" / ".." / "workspace").classes == ("cat", "dog")
    assert discover.from_folders(pets).classes == ("cat", "dog", "workspace")


def test_many_files_take_little_memory(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for i in range(2_000):
            (tmp_path / name / f"patient-{i:07d}.jpeg").touch()
    discover.from_folders(tmp_path)
    tracemalloc.start()
    samples = discover.from_folders(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(samples) == 4_000
    assert peak / len(samples) < 200  # bytes a file: its name and little more


def test_images_in_a_folder_and_below_are_listed_by_name(pets: Path) -> None:
    draw(pets, "dog/below/1.png", "dog/.hidden.png", "dog/Z.JPG")
    (pets / "dog" / "notes.txt").write_text("no picture")
    # folders inside it too, since `Infer` predicts them
    assert image_folder.images_in_folder(pets / "dog") == ["Z.JPG", "a.png", "b.png", "below/1.png", "c.png"]


COMPOSED, DECOMPOSED = "caf\u00e9", "cafe\u0301"


def has_composed_and_decomposed_names(folder: Path) -> bool:
    """Whether the file system can hold both; that of macOS cannot."""
    (folder / COMPOSED).mkdir()
    return not (folder / DECOMPOSED).exists()


def test_class_folders_that_look_the_same_are_refused(tmp_path: Path) -> None:
    if not has_composed_and_decomposed_names(tmp_path):
        pytest.skip("this file system takes them for one name")
    draw(tmp_path, f"{COMPOSED}/1.png", f"{DECOMPOSED}/2.png", "bar/1.png")
    message = r"names are nearly the same: .*cafe\\u0301.*caf\\xe9.* in one folder"
    with pytest.raises(DatasetError, match=message):
        discover.from_folders(tmp_path)
    # an earlier version trained on both; such a run can still be resumed
    kept = {COMPOSED, DECOMPOSED, "bar"}
    assert len(discover.from_folders(tmp_path, kept=kept).classes) == 3


def test_a_test_set_whose_names_are_decomposed_matches(tmp_path: Path) -> None:
    samples = discover.from_folders(draw(tmp_path, f"{DECOMPOSED}/1.png", "bar/1.png"))
    relabelled = samples.relabel((COMPOSED, "bar"), "the test set")
    assert relabelled.classes == (COMPOSED, "bar")
    by_class = {Path(path).parts[0]: label for path, label in zip(samples.paths, relabelled.labels, strict=True)}
    assert by_class["bar"] == 1
    assert sorted(by_class.values()) == [0, 1]


def test_an_exact_name_goes_before_one_that_looks_the_same(tmp_path: Path) -> None:
    samples = Samples.from_files(tmp_path, (DECOMPOSED, COMPOSED), ["1.png", "2.png"], np.array([0, 1]))
    assert samples.relabel((COMPOSED, DECOMPOSED), "the test set").labels.tolist() == [1, 0]
    assert samples.relabel((COMPOSED,), "the test set").labels.tolist() == [0, 0]


def test_several_labels_that_look_the_same_are_joined(tmp_path: Path) -> None:
    labels = np.array([[True, False], [False, True], [False, False]])
    samples = Samples.from_files(tmp_path, (DECOMPOSED, COMPOSED), ["1.png", "2.png", "3.png"], labels)
    assert samples.relabel((COMPOSED,), "the test set").labels.tolist() == [[True], [True], [False]]


posix = pytest.mark.skipif(os.name == "nt", reason="no such names there")


@posix
def test_names_with_backslashes_in_place_of_folders_are_explained(tmp_path: Path) -> None:
    draw(tmp_path, *(f"train\\{pet}\\{i}.png" for pet in ("cat", "dog") for i in range(3)))
    with pytest.raises(
        DatasetError, match=r"names with backslashes, such as 'train.*png': an archive .*again with `unzip`"
    ):
        discover.from_folders(tmp_path)


@posix
@pytest.mark.parametrize(
    "files", [("a\\x\\1.png", "b/1.png"), ("b/1.png", "train\\1.png"), ("b/1.png", "a\\b/note.txt")]
)
def test_backslashes_are_explained_where_classes_or_images_are_missing(tmp_path: Path, files: tuple[str, ...]) -> None:
    draw(tmp_path, *(file for file in files if file.endswith(".png")))
    for file in files:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    with pytest.raises(DatasetError, match="names with backslashes"):
        discover.from_folders(tmp_path)


@posix
def test_backslashes_in_a_sound_dataset_are_told_and_do_no_harm(pets: Path) -> None:
    samples = discover.from_folders(draw(pets, "cat\\1.png", "cat/x\\y.png"))
    assert len(samples) == 6
    assert "names with backslashes, such as 'cat/x\\\\y.png'" in samples.remarks[0]


@posix
@pytest.mark.parametrize("name", ["a\x1b[2Jb", "a\nb", "a\rb", "a\u202eb"])
def test_control_characters_are_escaped_in_messages(tmp_path: Path, name: str) -> None:
    draw(tmp_path, "dog/1.png")
    (tmp_path / name).mkdir()
    with pytest.raises(DatasetError, match="no images in class") as error:
        discover.from_folders(tmp_path)
    assert name not in str(error.value)
    assert repr(name) in str(error.value)


@posix
def test_control_characters_are_escaped_in_the_lines_about_strays() -> None:
    assert discover.describe_strays(("a.\x1b[31mx",)) == "1 entry passed over, not images: .\\x1b[31mx"


def test_names_stay_as_they_are_if_a_terminal_can_show_them() -> None:
    for name in ("caf\u00e9", "\u05d0\u05d1", "\U0001f468\u200d\U0001f469", "x" * 300):
        assert printable(name) == name
    assert printable("a\tb\udcff") == "a\\tb\\udcff"


@posix
def test_a_class_with_control_characters_can_be_trained_and_is_printed_on_one_line(workspace: Path, capsys) -> None:
    draw(workspace.parent / "d", *(f"{pet}/{i}.png" for pet in ("a\n\x1b[2Jb", "dog") for i in range(4)))
    ptf = Prototype("p", "e")
    ptf.Dataset_Params(dataset_path="d", split=0.5, input_size=32)
    ptf.Dataset()
    printed = capsys.readouterr().out
    assert "    a\\n\\x1b[2Jb  train      2   val      2\n" in printed
    assert "\x1b" not in printed


def test_the_fingerprint_of_several_labels_does_not_depend_on_the_order_of_classes(tmp_path: Path) -> None:
    labels = np.array([[True, True], [False, True]])
    samples = Samples.from_files(tmp_path, ("10", "2"), ["1.png", "2.png"], labels)
    assert discover.fingerprint(samples.relabel(("2", "10"), "here")) == discover.fingerprint(samples)
