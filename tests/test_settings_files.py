"""Files of settings: what is written is read again, and what cannot be used is refused with file and line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from monklite import Prototype
from monklite.catalog.default_recipes import default_spec, default_transforms, quick_mode
from monklite.errors import MonkliteError, NotReady
from monklite.settings_files.reading import read
from monklite.settings_files.writing import as_yaml
from monklite.settings_files.yaml_values import parse
from monklite.spec import Folders, OwnNetwork, Spec, Table


def usual(backend: str = "pytorch", **changes: object) -> Spec:
    spec = default_spec(backend).replace(quick_mode(backend, "resnet18"))
    return spec.replace({name.replace("__", "."): value for name, value in changes.items()})


def written(folder: Path, text: str) -> str:
    path = folder / "run.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def expert(backend: str) -> Spec:
    """The settings of an experiment in expert mode, with everything that a file can say."""
    ptf = Prototype("p", "e", backend=backend, verbose=0)
    ptf.update_input_size(64)
    ptf.apply_random_rotation(30, train=True)
    ptf.apply_normalize(mean=[0.5, 0.5, 0.5], std=[0.2, 0.2, 0.2], train=True, val=True)
    ptf.update_model_name("densenet121")
    ptf.append_dropout(0.3)
    ptf.append_linear(final_layer=True)
    ptf.optimizer_nesterov_sgd(0.02, momentum=0.8)
    ptf.lr_multistep_decrease([2, 4])
    ptf.loss_softmax_crossentropy(weight=[1.0, 2.0])
    ptf.update_mixup(0.2)
    ptf.update_ema_decay(0.99)
    return ptf._experiment.asked


SPECS = {
    "quick mode": lambda: usual(data__sources=(Folders(path="chest/train"),)),
    "on MXNet": lambda: usual("mxnet", seed=7),
    "expert mode": lambda: expert("pytorch"),
    "expert mode on MXNet": lambda: expert("mxnet"),
    "two folders": lambda: usual(data__sources=(Folders(path="a"), Folders(path="b c: d"))),
    "a table": lambda: usual(
        data__sources=(Table(path="i", csv="t.csv", delimiter="\t", label_delimiter="|", reading=2),)
    ),
    "a table of an older version": lambda: usual(data__sources=(Table(path="i", csv="t.csv"),)),
    "columns of classes": lambda: usual(
        data__sources=(
            Table(path="i", csv="t.csv", label_columns=("no", "1e3", "Ödem"), label_delimiter=None, reading=2),
        )
    ),
    "texts that other readers take for something else": lambda: usual(
        data__group="no", training__intermediate_prefix="1e3", model__weights_path=("2026-01-02", "yes")
    ),
    "numbers as they come": lambda: usual(training__layer_rates=(1e-05, 1.0), training__ema_decay=0.9999999),
}


@pytest.mark.parametrize("name", SPECS)
def test_what_is_written_is_read_again(name: str, workspace: Path, tmp_path: Path) -> None:
    spec = SPECS[name]()
    text = as_yaml(spec, "on", "2026", ("a note",))
    again = read(written(tmp_path, text.replace("\n", "\r\n")))
    assert (again.project, again.experiment) == ("on", "2026")
    paths = ("data.sources", "model.weights_path")
    assert [p for p in again.asked.differences(spec) if p not in paths] == []
    # the paths of a file start from its folder
    moved = read(written(tmp_path, as_yaml(spec, "p", "e", folder=str(tmp_path)))).asked
    for ours, theirs in zip(moved.data.sources, spec.data.sources, strict=True):
        assert Path(ours.path) == Path(tmp_path / theirs.path)
        assert ours.model_copy(update={"path": ""}) != ours
        assert ours.model_dump(exclude={"path", "csv"}) == theirs.model_dump(exclude={"path", "csv"})


def test_what_is_left_out_is_as_quick_mode_sets_it(tmp_path: Path) -> None:
    text = "project: p\nexperiment: e\ndata:\n  sources: [chest/train]\nmodel: {name: densenet121}\ntraining: {epochs: 3}\n"
    asked = read(written(tmp_path, text)).asked
    quick = default_spec("pytorch").replace(quick_mode("pytorch", "densenet121"))
    assert asked == quick.replace(
        {"data.sources": (Folders(path=str(tmp_path / "chest/train")),), "training.epochs": 3}
    )


def test_a_table_is_read_as_tables_are_read_today(tmp_path: Path) -> None:
    asked = read(written(tmp_path, "data:\n  sources:\n    - path: images\n      csv: labels.csv\n")).asked
    source = asked.data.sources[0]
    assert isinstance(source, Table)
    assert (source.reading, source.label_delimiter, source.csv) == (2, None, str(tmp_path / "labels.csv"))


def test_a_choice_needs_only_what_is_not_usual(tmp_path: Path) -> None:
    text = "training:\n  optimizer:\n    name: sgd\n    params: {learning_rate: 1e-2}\n  schedule: cosine_decrease\n"
    training = read(written(tmp_path, text)).asked.training
    assert training.optimizer is not None and training.schedule is not None
    assert training.optimizer.params["learning_rate"] == 0.01 and "momentum" in training.optimizer.params
    assert training.schedule.params["warmup_epochs"] == 0


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("training.epochs=20", "training.epochs", 20),
        ("model.name=vgg16", "model.name", "vgg16"),
        ("training.layer_rates=[0.1, 1.0]", "training.layer_rates", (0.1, 1.0)),
        ("data.input_size=null", "data.input_size", None),
        ("data.group=", "data.group", "auto"),
        ("training.ema_decay=9e-1", "training.ema_decay", 0.9),
    ],
)
def test_a_setting_of_the_command_comes_before_that_of_the_file(tmp_path: Path, override, path, value) -> None:
    file = written(
        tmp_path, "data: {input_size: 64}\nmodel: {name: resnet50, freeze_base: false}\ntraining: {epochs: 3}\n"
    )
    assert read(file, (override,)).asked.get(path) == value


REFUSED = [
    ("seed: 1\nseed: 2", "run.yaml, line 2: 'seed' is given a second time, after line 1"),
    ("training:\n\tepochs: 1", "line 2: found character .* indent with spaces"),
    ("training:\n  epohcs: 3", "line 2: there is no setting 'training.epohcs'. Did you mean 'epochs'?"),
    ("projet: x", "line 1: there is no setting 'projet'. Did you mean 'project'?"),
    ("training:\n  epochs: many", "line 2: epochs must be a whole number at least 1, not 'many'"),
    ("training: 5", "line 1: training holds settings"),
    ("data:\n  sources: x", "line 2: data.sources must be a list"),
    ("data:\n  sources: [{csv: x}]", "data.sources: each is '- path: ...'"),
    ("x: &a 1\ny: *a", "line 1: anchors and aliases"),
    ("x: !!python/object/apply:os.system [ls]", "line 1: the tag .* is not read"),
    ("<<: {a: 1}", "line 1: a name must be a text"),
    ("? [a]\n: 1", "line 1: a name must be a text"),
    ("- a", "settings are written as 'name: value'"),
    ("a: [", "line 1: .*Check the indentation and the quotes"),
    ("note: a: b", "line 1: .* must stand in quotes"),
    ("{" * 5000, "more than 100 levels deep"),
    ("seed: 1\n---\nseed: 2", "line 2: a second document begins here"),
    ("seed: no", "line 1: seed must be a whole number .*, not 'no'"),
    ("seed: 010", "line 1: seed must be a whole number .*, not '010'"),
    ("seed: " + "9" * 5000, "line 1: seed must be a whole number"),
    ("model:\n  compile: on", "line 2: compile must be True or False, not 'on'"),
    ("training:\n  optimizer:\n    name: sgdd", "no optimizer is called 'sgdd'. Did you mean 'sgd'?"),
    ("training:\n  optimizer: {learning_rate: 0.1}", "line 2: training.optimizer: write 'name: ...'"),
    ("training:\n  optimizer: {name: sgd, learning_rate: 0.1}", "parameters such as 'learning_rate' stand below 'params:'"),
    ("training:\n  optimizer: {name: sgd, params: {learning_rate: '0.1'}}", "learning_rate must be a number above 0"),
    ("training:\n  optimizer: {name: sgd, params: {rate: 1}}", "sgd has no argument 'rate'"),
    ("training:\n  head_epochs: 20", "line 2: the head alone is trained in the first 20 epochs"),
    ("model:\n  name: resnet", "line 2: no pytorch model is called 'resnet'. Did you mean"),
    ("backend: torch", "line 1: no backend is called 'torch'. Did you mean 'pytorch'?"),
    ("backend: 5", "line 1: backend must be a text"),
    ("model: {source: {place: 'a.py:net'}}", "is not named in a file"),
    ("project: [a]", "project must be a text"),
    ('a: "\\UFFFFFFFF"', "an escape in a text"),
    ('a: "\\U00110000"', "an escape in a text"),
    ("data:\n  transforms:\n    train: []", "line 3: data.transforms needs train, val, test; val, test not given"),
    ("a: \x07", "character 4 cannot stand in YAML"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"), REFUSED, ids=[text[:20].encode("unicode_escape").decode() for text, _ in REFUSED]
)
def test_what_cannot_be_used_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(MonkliteError, match=message) as caught:
        read(written(tmp_path, text))
    assert "run.yaml" in str(caught.value) and len(str(caught.value)) < 700


def test_files_that_are_none_are_told(tmp_path: Path) -> None:
    with pytest.raises(MonkliteError, match="there is no file .*none.yaml.*'monklite config' writes one"):
        read(str(tmp_path / "none.yaml"))
    (tmp_path / "latin.yaml").write_bytes("project: Röntgen".encode("latin-1"))
    with pytest.raises(MonkliteError, match="byte 11 is not UTF-8"):
        read(str(tmp_path / "latin.yaml"))
    (tmp_path / "large.yaml").write_bytes(b"#" * (2**20 + 1))
    with pytest.raises(MonkliteError, match=r"large\.yaml"):
        read(str(tmp_path / "large.yaml"))
    with pytest.raises(MonkliteError):
        read(str(tmp_path))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.epochs", "must be NAME=VALUE"),
        ("=3", "must be NAME=VALUE"),
        ("training.epohcs=3", "--set training.epohcs: there is no setting 'training.epohcs'. Did you mean 'epochs'?"),
        ("training.epochs=x", "--set training.epochs: epochs must be a whole number"),
        ("training.epochs=[", "--set training.epochs, line 1"),
    ],
)
def test_a_wrong_setting_of_the_command_is_refused(tmp_path: Path, override: str, message: str) -> None:
    with pytest.raises(MonkliteError) as caught:
        read(written(tmp_path, "seed: 1\n"), (override,))
    assert message in str(caught.value)


def test_words_are_those_of_yaml_1_2() -> None:
    text = "a: no\nb: on\nc: 2026-01-02\nd: 1e-3\ne: 12:30\nf: ~\ng:\nh: true\ni: .inf\nj: 0x10\nk: 1_000\nl: -5\nm: 'true'\n"
    tree = parse(text, "f").tree
    assert tree == {
        "a": "no", "b": "on", "c": "2026-01-02", "d": 0.001, "e": "12:30", "f": None, "g": None, "h": True, "i": float("inf"),
        "j": "0x10", "k": "1_000", "l": -5, "m": "true",
    }  # fmt: skip


def test_a_network_of_ones_own_is_not_written() -> None:
    own = usual(model__source=OwnNetwork(place="net.py:Net", key="a" * 64), model__name="Net")
    with pytest.raises(NotReady, match="is your own code"):
        as_yaml(own, "p", "e")


def test_values_of_the_recipe_are_shown_and_stay_open() -> None:
    text = as_yaml(usual(), "p", "e")
    assert "  # input_size: 224\n" in text and "  #     learning_rate: 0.001\n" in text
    assert "  # transforms:\n  #   train:\n  #     - name: random_horizontal_flip\n" in text
    data = parse(text, "f").tree["data"]
    assert data.keys() >= {"split", "group"} and not data.keys() & {"input_size", "transforms"}


def test_another_network_has_its_own_normalization(tmp_path: Path) -> None:
    file = written(tmp_path, as_yaml(usual(), "p", "e"))
    other = read(file, ("model.name=efficientnet_v2_l",)).asked
    assert other.data.transforms == default_transforms("pytorch", "efficientnet_v2_l") != usual().data.transforms


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_the_folder_above_a_linked_folder_is_that_of_the_files(tmp_path: Path) -> None:
    (tmp_path / "real" / "settings").mkdir(parents=True)
    (tmp_path / "real" / "images").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real" / "settings")
    (tmp_path / "real" / "settings" / "run.yaml").write_text("data: {sources: [../images]}\n")
    source = read(str(tmp_path / "link" / "run.yaml")).asked.data.sources[0]
    assert Path(source.path).samefile(tmp_path / "real" / "images")
