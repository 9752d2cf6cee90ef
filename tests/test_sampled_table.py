"""`Dataset_Percent`: tables of a share of the images, in the experiment's folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_multi_label import drawn

from monklite import Prototype
from monklite.data.sampled_table import choose
from monklite.data.samples import Samples
from monklite.errors import InvalidType, InvalidValue, NotReady
from monklite.runs.workspace import Workspace
from monklite.testing.datasets import draw_patterns


def samples(labels: np.ndarray, n_classes: int) -> Samples:
    classes = [f"c{i}" for i in range(n_classes)]
    return Samples.from_files(Path("d"), classes, [f"{i}.png" for i in range(len(labels))], labels)


def test_each_class_keeps_its_share() -> None:
    whole = samples(np.repeat([0, 1, 2], [100, 50, 3]), 3)
    assert choose(whole, 0.1, 0, least=2).counts() == (10, 5, 2)
    assert choose(whole, 0.1, 0, least=1).counts() == (10, 5, 1)
    assert choose(whole, 1.0, 0, least=2).counts() == (100, 50, 3)
    assert choose(whole, 0.001, 0, least=1).counts() == (1, 1, 1)


def test_combinations_of_labels_keep_their_share_and_each_label_is_there() -> None:
    has = np.array([[1, 0, 0]] * 40 + [[0, 1, 0]] * 40 + [[1, 1, 0]] * 19 + [[0, 0, 1]], bool)
    chosen = choose(samples(has, 3), 0.1, 0, least=2)
    assert len(chosen) == 11
    assert chosen.counts() == (6, 6, 1)


def test_the_seed_alone_decides() -> None:
    whole = samples(np.repeat([0, 1], 50), 2)
    first, again, other = (choose(whole, 0.2, seed, 1).paths.tolist() for seed in (0, 0, 1))
    assert first == again != other


def test_folders(workspace: Path, patterns: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ptf = Prototype("p", "e")
    ptf.Dataset_Params(patterns)
    before = set(Path().iterdir())
    train, val = ptf.Dataset_Percent(25)
    said = capsys.readouterr().out
    assert (Path(train).parent, Path(train).name, val) == (
        ptf._experiment.run.logs, "sampled_dataset_train.csv", None,
    )  # fmt: skip
    assert "Sampled train images: 9 of 36, listed in" in said
    assert f"To use them: Dataset_Params(dataset_path={str(patterns)!r}, path_to_csv={train!r})" in said
    assert set(Path().iterdir()) == before
    assert pd.read_csv(train).label.value_counts().to_dict() == {"dots": 3, "rings": 3, "stripes": 3}
    ptf.Dataset_Params(patterns, train, split=0.6)
    ptf.Dataset()
    assert Workspace().find("p", "e").state().dataset.classes == ("dots", "rings", "stripes")


def test_a_table_that_is_there_is_kept(workspace: Path, patterns: Path) -> None:
    ptf = Prototype("p", "e", verbose=0)
    ptf.Dataset_Params(patterns)
    first, content = ptf.Dataset_Percent(25)[0], Path(ptf.Dataset_Percent(25)[0]).read_bytes()
    assert ptf.Dataset_Percent(25)[0] == first
    other = ptf.Dataset_Percent(50)[0]
    assert Path(other).name == "sampled_dataset_train_2.csv"
    assert Path(first).read_bytes() == content


def test_training_and_validation_of_several_labels(workspace: Path, tmp_path: Path, capsys) -> None:
    folder = tmp_path / "d"
    folder.mkdir()
    tables = [drawn(folder, name, 40, seed) for seed, name in enumerate(("train", "val"))]
    ptf = Prototype("p", "e")
    ptf.Dataset_Params([folder, folder], tables, label_delimiter="|")
    train, val = ptf.Dataset_Percent(20.0)
    assert "label_delimiter='|')" in capsys.readouterr().out
    assert (len(pd.read_csv(train)), len(pd.read_csv(val))) == (8, 8)
    ptf.Dataset_Params([folder, folder], [train, val], label_delimiter="|")
    ptf.Dataset()
    record = Workspace().find("p", "e").state().dataset
    assert (record.label_type, record.n_train, record.n_val) == ("multiple", 8, 8)


def test_one_column_per_class_stays_so(workspace: Path, patterns: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = sorted(path.relative_to(patterns).as_posix() for path in patterns.rglob("*.png"))
    # a class may be called like the column of files
    columns = {"image": [int(f < "rings") for f in files], "odd": [i % 2 for i in range(36)]}
    ptf = Prototype("p", "e")
    ptf.Dataset_Params(patterns, pd.DataFrame({"file": files, **columns}), label_column=["odd", "image"])
    table, _ = ptf.Dataset_Percent(50)
    assert "label_column=['odd', 'image'])" in capsys.readouterr().out
    sampled = pd.read_csv(table)
    assert sampled.columns.tolist() == ["images", "odd", "image"]
    assert sampled.odd.tolist() == [files.index(file) % 2 for file in sampled.images]
    ptf.Dataset_Params(patterns, table, label_column=["odd", "image"])
    ptf.Dataset()
    record = Workspace().find("p", "e").state().dataset
    assert (record.label_type, record.classes, record.n_train + record.n_val) == ("multiple", ("image", "odd"), 18)


def test_patients_stay_together_in_a_sample_too(workspace: Path, patterns: Path, capsys) -> None:
    files = sorted(path.relative_to(patterns).as_posix() for path in patterns.rglob("*.png"))
    frame = pd.DataFrame({"image": files, "patient": [i // 2 for i in range(36)], "label": [f[:4] for f in files]})
    ptf = Prototype("p", "e")
    ptf.Dataset_Params(patterns, frame)
    table, _ = ptf.Dataset_Percent(50)
    sampled = pd.read_csv(table)
    assert sampled.patient.tolist() == [files.index(file) // 2 for file in sampled.image]
    ptf.Dataset_Params(patterns, table, split=0.5)
    ptf.Dataset()
    assert "by column 'patient'" in capsys.readouterr().out


def test_wrong_calls(workspace: Path, patterns: Path) -> None:
    ptf = Prototype("p", "e", verbose=0)
    with pytest.raises(NotReady, match="no dataset yet"):
        ptf.Dataset_Percent(10)
    ptf.Dataset_Params(draw_patterns(workspace.parent / "d", {"a": 4, "b": 4}))
    for percent, error in ((0, InvalidValue), (101, InvalidValue), ("10", InvalidType), (True, InvalidType)):
        with pytest.raises(error, match="percent must be a number above 0 and at most 100"):
            ptf.Dataset_Percent(percent)
