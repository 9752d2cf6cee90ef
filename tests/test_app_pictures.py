"""Projects of the pages and their pictures: where files go, what is refused, and that nothing is overwritten."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image

from monklite.apps.no_code import adding, effects, inspecting
from monklite.apps.no_code.adding import Added, Place
from monklite.apps.no_code.choices import VARIATIONS
from monklite.apps.no_code.places import Places
from monklite.apps.no_code.projects import Project, thumbnail
from monklite.errors import DamagedFile, DatasetError, InvalidValue, NotFound, UnknownName
from monklite.runs.workspace import Workspace
from monklite.testing.datasets import draw_patterns


def picture(shade: int = 0, size: tuple[int, int] = (12, 8)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (shade, 100, 100)).save(file, "PNG")
    return file.getvalue()


def archive(files: Mapping[str, bytes]) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return file


def add_archive(project: Project, file: io.BytesIO) -> Added:
    return adding.add_archive(project, "train", file, len(file.getvalue()))


@pytest.fixture
def project(workspace: Path) -> Project:
    return Places(workspace).create("X-rays")


@pytest.mark.parametrize(
    ("path", "class_name", "expected"),
    [
        ("cats/1.png", "", ("train", "cats", "1.png")),
        ("all/train/cats/1.png", "", ("train", "cats", "1.png")),
        ("all/test/cats/1.png", "", ("test", "cats", "1.png")),
        ("test/1.png", "", ("train", "test", "1.png")),
        ("1.png", "dogs", ("train", "dogs", "1.png")),
        ("all\\cats\\a:b?.png", "", ("train", "cats", "a_b_.png")),
        ("cats/con.png", "", ("train", "cats", "picture-con.png")),
        ("all/cats/patient 7/1.png", "", ("train", "cats", "patient 7/1.png")),
        ("train/Testing/cats/1.png", "", ("test", "cats", "1.png")),
        ("cats/.DS_Store", "", None),
        ("__MACOSX/cats/1.png", "", None),
    ],
)
def test_a_picture_goes_into_the_class_of_its_folder(
    path: str, class_name: str, expected: tuple[str, str, str] | None
) -> None:
    assert Place.of(path, "train", class_name) == (expected and Place(*expected))


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("../cats/1.png", "leads out of the folder"),
        ("/cats/1.png", "leads out of the folder"),
        ("1.png", "it is in no folder"),
        ("a/con/1.png", "Windows reserves it"),
        ("a/b\n/1.png", "cannot be the class name"),
    ],
)
def test_a_picture_of_no_class_is_refused_in_words(path: str, reason: str) -> None:
    with pytest.raises(InvalidValue, match=reason):
        Place.of(path, "train")


def test_nothing_is_overwritten_and_the_same_picture_is_added_once(project: Project) -> None:
    place, added = Place("train", "cats", "1.png"), Added()
    assert adding.add(project, place, picture(1), added) == project.images("train") / "cats" / "1.png"
    assert adding.add(project, place, picture(1), added) is None
    assert adding.add(project, place, picture(2), added) == project.images("train") / "cats" / "1-2.png"
    assert adding.add(project, place, picture(2), added) is None
    assert adding.add(project, place, b"<html>", added) is None
    assert added.as_dict() == {
        "added": 2,
        "known": 2,
        "refused": 1,
        "reasons": ["1.png: it is no picture in a format that is read"],
    }
    assert (project.images("train") / "cats" / "1.png").read_bytes() == picture(1)
    assert project.counts("train") == {"cats": 2}


def test_a_zip_file_is_unpacked_and_its_odd_files_are_told(project: Project) -> None:
    files = {"d/train/cats/1.png": picture(1), "d/train/dogs/1.png": picture(2), "d/test/cats/3.png": picture(3)}
    odd = {"d/train/cats/list.txt": b"text", "loose.png": picture(4), "__MACOSX/d/train/cats/1.png": b"x"}
    added = add_archive(project, archive({**files, **odd}))
    assert (project.counts("train"), project.counts("test")) == ({"cats": 1, "dogs": 1}, {"cats": 1})
    assert added.n_refused == 2
    assert "it is in no folder" in " ".join(added.refused)


def _with_link() -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        link = zipfile.ZipInfo("cats/1.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(link, "/etc/passwd")
    return file


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (_with_link(), "is a link or a device"),
        (archive({"cats/1.png": bytes(50_000_000)}), "would become 50.0 MB"),
        (io.BytesIO(b"PK\3\4 and no more"), "not a zip file"),
    ],
)
def test_a_hostile_zip_file_is_refused_whole(project: Project, file: io.BytesIO, reason: str) -> None:
    with pytest.raises(DamagedFile, match=reason):
        add_archive(project, file)
    assert project.counts("train") == {}


def test_a_path_that_leads_out_of_a_zip_file_is_refused(project: Project) -> None:
    added = add_archive(project, archive({"../../cats/1.png": picture(), "cats/2.png": picture()}))
    assert (added.n_refused, project.counts("train")) == (1, {"cats": 1})
    assert not list(project.folder.parent.parent.rglob("1.png"))


def test_a_folder_of_this_machine_is_used_where_it_is(project: Project, patterns: Path, tmp_path: Path) -> None:
    for path, error, reason in (
        ("pictures", InvalidValue, "must begin at the root"),
        (str(tmp_path / "none"), NotFound, "there is no folder"),
        (str(patterns / "dots"), DatasetError, "no folders with pictures"),
    ):
        with pytest.raises(error, match=reason):
            project.point_at("train", path)
    project.point_at("train", str(patterns))
    assert project.counts("train") == {"dots": 12, "rings": 12, "stripes": 12}
    with pytest.raises(InvalidValue, match="put further ones there yourself"):
        adding.check_own(project, "train")
    with pytest.raises(InvalidValue, match="has pictures already"):
        project.point_at("train", str(patterns))


def test_a_picture_is_asked_for_by_number_and_shown_small(project: Project, patterns: Path) -> None:
    project.point_at("train", str(patterns))
    small = Image.open(io.BytesIO(thumbnail(project.picture("train", "dots", 3), 20)))
    assert (small.size, small.format) == ((20, 20), "JPEG")
    assert Image.open(io.BytesIO(thumbnail(picture(size=(90, 30)), 30))).size == (30, 10)
    with pytest.raises(NotFound, match="no number 12"):
        project.picture("train", "dots", 12)
    for part, name in (("train", "../dots"), ("../train", "dots")):
        with pytest.raises(UnknownName):
            project.picture(part, name, 0)


def test_projects_have_names_of_folders_that_no_other_has(workspace: Path) -> None:
    places = Places(workspace)
    places.create("X-rays")
    for name, reason in (("x-RAYS", "already"), ("datasets", "pictures are kept"), ("a/b", "cannot be the project")):
        with pytest.raises(InvalidValue, match=reason):
            places.create(name)
    with pytest.raises(UnknownName, match="Did you mean 'X-rays'"):
        places.project("X-ray")
    # pictures are no runs
    assert list(Workspace(workspace).runs()) == []
    assert places.secret() == Places(workspace).secret()


def test_a_look_at_the_pictures_says_what_is_wrong_with_them(workspace: Path) -> None:
    places = Places(workspace)
    project = places.create("p")
    draw_patterns(project.images("train"), {"dots": 30, "rings": 9})
    draw_patterns(project.images("test"), {"dots": 3, "rings": 3}, seed=1)
    twin = (project.images("train") / "dots" / "dots-000.png").read_bytes()
    (project.images("train") / "rings" / "twin.png").write_bytes(twin)
    (project.images("train") / "dots" / "broken.png").write_bytes(picture()[:40])
    found = inspecting.inspect(places, project)
    said = " ".join(found["warnings"])
    assert found["counts"]["train"] == {"dots": 31, "rings": 10}
    for text in ("Few pictures: rings (", "1 picture cannot be read", "1 picture is there more than once"):
        assert text in said
    assert [path.endswith("broken.png") for path in found["unreadable"]] == [True]
    assert found["copies"] == [["dots/dots-000.png", "rings/twin.png"]]


def test_classes_that_are_only_tested_are_told(workspace: Path) -> None:
    places = Places(workspace)
    project = places.create("p")
    draw_patterns(project.images("train"), {"dots": 20, "rings": 20})
    draw_patterns(project.images("test"), {"dots": 3, "stripes": 3})
    assert "not learnt: stripes" in inspecting.inspect(places, project)["warnings"][0]


def test_the_pictures_of_a_variation_differ_from_the_picture_itself(workspace: Path, patterns: Path) -> None:
    project = Places(workspace).create("p")
    project.point_at("train", str(patterns))
    effects.draw(project)
    for variation in VARIATIONS:
        sheet = Image.open(project.effects / f"{variation.name}.png").convert("L")
        first, second = (
            sheet.crop((left, 0, left + effects.SIDE, effects.SIDE)) for left in (0, effects.SIDE + effects.GAP)
        )
        assert sheet.width == 4 * effects.SIDE + 3 * effects.GAP
        assert first.tobytes() != second.tobytes()
        assert second.getextrema() != (255, 255)
