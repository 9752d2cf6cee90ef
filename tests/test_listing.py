"""Listing folders: links in circles, system folders, folders that may not be read, and drives that stop for a moment."""

from __future__ import annotations

import errno
import inspect
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_discover import draw

from monklite import transient
from monklite.data import discover, listing
from monklite.errors import DatasetError, NotFound, StorageError

needs_links = pytest.mark.skipif(os.name == "nt", reason="links need rights there")


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    return draw(tmp_path / "pets", "cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png")


def paths_of(root: Path) -> list[str]:
    return discover.from_folders(root).paths.tolist()


PETS = ["cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png"]


@needs_links
@pytest.mark.parametrize("link", ["cat/loop.png", "cat/loop", "loop"])
def test_a_link_to_itself_is_passed_over(pets: Path, link: str) -> None:
    (pets / link).symlink_to(Path(link).name)
    samples = discover.from_folders(pets)
    assert (samples.paths.tolist(), samples.strays) == (PETS, (link,))


@needs_links
def test_a_link_through_a_file_is_passed_over(pets: Path) -> None:
    (pets / "cat" / "odd.png").symlink_to(pets / "dog" / "1.png" / "below.png")
    assert discover.from_folders(pets).strays == ("cat/odd.png",)


@needs_links
@pytest.mark.parametrize("target", [".", "cat", "cat/deep", ".."])
def test_a_link_back_to_any_folder_above_is_passed_over(pets: Path, target: str) -> None:
    draw(pets, "cat/deep/3.png")
    (pets / "cat" / "deep" / "back").symlink_to(pets / target)
    samples = discover.from_folders(pets)
    assert samples.paths.tolist() == sorted([*PETS, "cat/deep/3.png"])
    assert samples.strays == ("cat/deep/back",)


@needs_links
def test_a_link_at_the_root_that_leads_back_is_no_class(pets: Path, tmp_path: Path) -> None:
    (tmp_path / "via").symlink_to(pets)
    (pets / "self").symlink_to(pets)
    for root in (pets, tmp_path / "via"):
        samples = discover.from_folders(root)
        assert (samples.classes, samples.paths.tolist(), samples.strays) == (("cat", "dog"), PETS, ("self",))


@needs_links
def test_a_class_that_is_a_link_to_a_folder_with_a_link_to_itself(pets: Path, tmp_path: Path) -> None:
    (pets / "cat").rename(tmp_path / "store")
    (pets / "cat").symlink_to(tmp_path / "store")
    (tmp_path / "store" / "cat").symlink_to(tmp_path / "store")
    samples = discover.from_folders(pets)
    assert (samples.paths.tolist(), samples.strays) == (PETS, ("cat/cat",))


@needs_links
def test_two_folders_that_link_to_each_other_are_each_read_once(pets: Path) -> None:
    (pets / "cat" / "dogs").symlink_to(pets / "dog")
    (pets / "dog" / "cats").symlink_to(pets / "cat")
    samples = discover.from_folders(pets)
    assert samples.paths.tolist() == sorted(
        [*PETS, "cat/dogs/1.png", "cat/dogs/2.png", "dog/cats/1.png", "dog/cats/2.png"]
    )
    assert sorted(samples.strays) == ["cat/dogs/cats", "dog/cats/dogs"]


@needs_links
def test_a_link_to_a_folder_elsewhere_is_followed(pets: Path, tmp_path: Path) -> None:
    draw(tmp_path / "more", "3.png")
    (pets / "cat" / "more").symlink_to(tmp_path / "more")
    assert "cat/more/3.png" in paths_of(pets)


@needs_links
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(-2, 5)), max_size=6))
def test_links_between_any_folders_end(tmp_path_factory: pytest.TempPathFactory, links: list[tuple[int, int]]) -> None:
    root = draw(tmp_path_factory.mktemp("any") / "root", "cat/1.png", "cat/a/b/2.png", "dog/1.png", "dog/c/3.png")
    folders = [root / name for name in ("cat", "cat/a", "cat/a/b", "dog", "dog/c", ".")]
    for i, (inside, target) in enumerate(links):
        (folders[inside] / f"link{i}").symlink_to([*folders, root.parent.parent, root.parent][target])
    walked = listing.walk(str(root), "root", frozenset())
    for folder in walked.images:
        real = [os.path.realpath(root.parent / part) for part in _prefixes(folder)]
        assert len(set(real)) == len(real)
    own = {"root/cat", "root/cat/a/b", "root/dog", "root/dog/c"}
    assert own <= set(walked.images)


def _prefixes(folder: str) -> list[str]:
    parts = folder.split("/")
    return ["/".join(parts[: i + 1]) for i in range(len(parts))]


def test_files_cost_no_system_call_of_their_own(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a system call for a file")

    for name in ("stat", "lstat", "open", "readlink"):
        monkeypatch.setattr(os, name, refuse)
    assert sorted(listing.list_folder(f"{pets}/cat").images) == ["1.png", "2.png"]


@pytest.mark.skipif(os.name == "nt", reason="paths are shorter there")
def test_folders_can_be_nested_deeper_than_calls(tmp_path: Path) -> None:
    root = draw(tmp_path / "r", f"cat/{'d/' * 200}1.png", "dog/1.png")
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 150)
    try:
        assert len(discover.from_folders(root)) == 2
    finally:
        sys.setrecursionlimit(limit)


@pytest.mark.parametrize(
    "name",
    [
        "@eaDir",
        "@EADIR",
        "lost+found",
        "#recycle",
        "#Recycle",
        "System Volume Information",
        "$RECYCLE.BIN",
        "$recycle.bin",
    ],
)
@pytest.mark.parametrize("where", ["", "cat/"])
def test_system_folders_are_passed_over_in_any_case(pets: Path, name: str, where: str) -> None:
    draw(pets, f"{where}{name}/thumbnail.png")
    samples = discover.from_folders(pets)
    assert (samples.classes, samples.paths.tolist(), samples.strays) == (("cat", "dog"), PETS, (f"{where}{name}",))


def test_a_system_folder_that_an_earlier_run_used_is_used_again(pets: Path) -> None:
    draw(pets, "cat/@eaDir/thumbnail.png")
    assert "cat/@eaDir/thumbnail.png" in discover.from_folders(pets, kept={"cat", "dog", "@eaDir"}).paths


def refusing(folder: Path, error: OSError, times: int = 10**6) -> Callable[..., object]:
    """`os.scandir` that raises an error for a folder, a number of times."""
    real, left = os.scandir, [times]

    def scandir(path: str) -> object:
        if path == str(folder) and left[0]:
            left[0] -= 1
            raise error
        return real(path)

    return scandir


@pytest.mark.parametrize("where", [".", "cat", "cat/inside"])
def test_a_folder_that_may_not_be_read_is_named_with_the_remedy(pets: Path, monkeypatch, where: str) -> None:
    draw(pets, "cat/inside/3.png")
    monkeypatch.setattr(
        os,
        "scandir",
        refusing(pets if where == "." else pets / where, PermissionError(errno.EACCES, "Permission denied")),
    )
    with pytest.raises(
        DatasetError, match=r"(?s)may not be read by this user \(Permission denied\): allow it \(`chmod"
    ) as e:
        discover.from_folders(pets)
    assert str((pets / where).name) in str(e.value)


def test_a_dataset_below_a_folder_that_may_not_be_read_is_named(pets: Path, monkeypatch) -> None:
    def refuse(self: Path, **_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(DatasetError, match="pets' may not be read by this user"):
        discover.from_folders(pets)


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN, errno.EMFILE])
def test_trouble_that_passes_is_waited_for(pets: Path, monkeypatch, number: int) -> None:
    monkeypatch.setattr(transient, "PAUSES", (0, 0))
    monkeypatch.setattr(os, "scandir", refusing(pets / "cat", OSError(number, os.strerror(number)), times=2))
    assert paths_of(pets) == PETS


def test_trouble_that_stays_is_told(pets: Path, monkeypatch) -> None:
    monkeypatch.setattr(transient, "PAUSES", (0, 0))
    monkeypatch.setattr(os, "scandir", refusing(pets / "cat", OSError(errno.EIO, "Input/output error")))
    with pytest.raises(StorageError, match=r"cat cannot be listed now \(Input/output error\)"):
        discover.from_folders(pets)


@pytest.mark.parametrize(
    ("error", "expected", "message"),
    [
        (
            FileNotFoundError(errno.ENOENT, "No such file"),
            NotFound,
            "has gone while the dataset was read: run it again",
        ),
        (OSError(errno.ENAMETOOLONG, "File name too long"), StorageError, r"cannot be listed \(File name too long\)"),
    ],
)
def test_any_other_error_is_told_in_words(pets: Path, monkeypatch, error, expected, message: str) -> None:
    monkeypatch.setattr(os, "scandir", refusing(pets / "cat", error))
    with pytest.raises(expected, match=message):
        discover.from_folders(pets)


def test_a_listing_that_breaks_off_is_not_counted_twice(pets: Path, monkeypatch) -> None:
    real, broken = os.scandir, [True]

    class Breaking:
        def __init__(self, folder: str) -> None:
            with real(folder) as entries:
                self.entries, self.folder = list(entries), folder

        def __enter__(self):
            yield self.entries[0]
            if broken.pop() if broken else False:
                raise OSError(errno.EIO, "Input/output error")
            yield from self.entries[1:]

        def __exit__(self, *error: object) -> None:
            pass

    monkeypatch.setattr(transient, "PAUSES", (0,))
    monkeypatch.setattr(os, "scandir", Breaking)
    assert paths_of(pets) == PETS


@needs_links
def test_a_link_into_a_folder_that_may_not_be_searched_is_told(pets: Path, monkeypatch) -> None:
    class Entry:
        name, path = "closed.png", "closed.png"

        def is_dir(self) -> bool:
            raise PermissionError(errno.EACCES, "Permission denied")

        def is_symlink(self) -> bool:
            return True

    class Folder(list):
        def __enter__(self):
            return self

        def __exit__(self, *error: object) -> None:
            pass

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", lambda path: Folder([Entry()]))
        with pytest.raises(DatasetError, match="may not be read by this user"):
            listing.list_folder("x")


@pytest.mark.parametrize("root", ["a\0b", "x" * 5000])
def test_a_folder_that_cannot_exist_is_not_there(root: str) -> None:
    with pytest.raises(NotFound, match="is not there") as error:
        discover.from_folders(root)
    assert len(str(error.value)) < 3000


@needs_links
def test_a_root_that_is_a_broken_link_is_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(NotFound, match="loop' is a link that leads nowhere"):
        discover.from_folders(tmp_path / "loop")
