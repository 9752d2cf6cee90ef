"""Monk's dictionary, read from the run's own records."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from test_prototype import expert, state
from tiny_networks import build_tiny

from monklite import Prototype
from monklite.errors import InvalidType, NotReady
from monklite.facade.system_dict import ENTRIES, SystemDict
from monklite.pytorch_prototype import prototype
from monklite.runs.workspace import Workspace


@pytest.fixture(scope="module")
def trained(patterns: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prototype]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("trained"))
        build_tiny(patch, "pytorch")
        ptf = expert(patterns, epochs=2)
        ptf.Train()
        ptf.Switch_Mode(eval_infer=True)
        ptf.Dataset_Params(patterns)
        ptf.Dataset()
        ptf.Evaluate()
        ptf.Switch_Mode(train=True)
        yield ptf


def test_it_says_what_the_records_say(trained: Prototype) -> None:
    view, now = trained.system_dict, state()
    assert view["dataset"]["params"]["classes"] == ["dots", "rings", "stripes"]
    assert view["dataset"]["params"]["num_classes"] == 3
    assert view["dataset"]["params"]["data_shape"] == (3, 32, 32)
    assert view["dataset"]["params"]["num_train_images"] + view["dataset"]["params"]["num_val_images"] == 36
    assert view["dataset"]["dataset_type"] == "train"
    assert view["dataset"]["transforms"]["train"][0] == {"random_horizontal_flip": {"probability": 0.5}}
    assert view["model"]["params"]["model_name"] == "squeezenet1_1"
    assert view["hyper-parameters"]["optimizer"]["name"] == "adam"
    assert view["hyper-parameters"]["learning_rate"] == 0.0005
    assert view["training"]["outputs"]["best_val_acc"] == now.results.best_val_accuracy
    assert view["training"]["outputs"]["best_val_acc_epoch_num"] == now.results.best_epoch - 1
    assert view["testing"]["percentage_accuracy"] == 100 * now.testing.accuracy
    assert view["testing"]["class_accuracy"]["dots"]["num_images"] == 12
    assert view["model_dir"] == f"{Workspace().find('p', 'e').models}/"


def test_the_live_objects_are_the_frameworks_own(trained: Prototype) -> None:
    local = trained.system_dict["local"]
    assert (local["model"], local["criterion"], local["optimizer"]) == (
        trained.model,
        trained.criterion,
        trained.optimizer,
    )


def test_every_entry_can_be_read_before_anything_is_known_and_after_all_is(workspace: Path, trained: Prototype) -> None:
    new = Prototype("p", "new", verbose=0)
    for path in ENTRIES:
        for ptf in (new, trained):
            value = ptf.system_dict
            for key in path.split("."):
                value = value[key]
            assert not isinstance(value, SystemDict) and value is not None or path.endswith("train_val_split")
    assert new.system_dict["training"]["outputs"]["best_val_acc"] is False
    assert new.system_dict["local"]["model"] is False


def test_it_reads_like_a_dictionary(trained: Prototype) -> None:
    view = trained.system_dict
    assert list(view["training"]) == ["status", "settings", "outputs"]
    assert "testing" in view and "tests" not in view
    assert view.get("tests", 5) == 5
    assert len(view["local"]) == 3
    assert "'best_val_acc': " in repr(view["training"])


def test_settings_that_have_changed_are_shown(workspace: Path, patterns: Path) -> None:
    ptf = expert(patterns)
    ptf.update_batch_size(4)
    assert ptf.system_dict["dataset"]["params"]["batch_size"] == 4


def test_what_is_wrong_is_explained(trained: Prototype) -> None:
    with pytest.raises(
        KeyError, match=r"^system_dict has no entry 'clases' in 'dataset.params'. Did you mean 'classes'\?"
    ):
        trained.system_dict["dataset"]["params"]["clases"]
    with pytest.raises(InvalidType, match=r"only shows 'dataset.params.batch_size': change it with Dataset_Params"):
        trained.system_dict["dataset"]["params"]["batch_size"] = 4
    with pytest.raises(InvalidType, match="'model': it cannot be deleted"):
        del trained.system_dict["model"]
    with pytest.raises(NotReady, match="no experiment is open"):
        prototype(verbose=0).system_dict["model"]["status"]
