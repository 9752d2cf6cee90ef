"""Bad input and bad luck: one clear error each, and the run stays intact and readable."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import threading
from pathlib import Path

import pytest
from test_prototype import expert, state

from monklite import Prototype, compare, files
from monklite.data import cache_limit
from monklite.data.cache_limit import IMAGES_SUFFIX, INDEX_SUFFIX
from monklite.errors import (
    DamagedFile,
    DatasetError,
    MonkliteError,
    NotFound,
    PretrainedUnavailable,
    StorageError,
    TrainingFailed,
    UnreadableImage,
    WeightsMismatch,
)
from monklite.runs.file_names import HEALTH, HISTORY
from monklite.runs.history import read
from monklite.runs.packing import pack
from monklite.runs.prune import carry_out, plan
from monklite.runs.unpacking import unpack
from monklite.runs.workspace import Workspace


@pytest.fixture
def images(patterns: Path, tmp_path: Path) -> Path:
    """A copy of the patterns that a test may spoil."""
    return Path(shutil.copytree(patterns, tmp_path / "images"))


def missing(folder: Path) -> None:
    shutil.rmtree(folder)


def emptied(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def one_class(folder: Path) -> None:
    shutil.rmtree(folder / "dots")
    shutil.rmtree(folder / "rings")


def empty_class(folder: Path) -> None:
    (folder / "nothing").mkdir()


def too_few(folder: Path) -> None:
    for file in sorted((folder / "dots").iterdir())[1:]:
        file.unlink()


def parts_of_a_dataset(folder: Path) -> None:
    for name in ("train", "test"):
        shutil.copytree(folder / "dots", folder / name / "dots")
    for name in ("dots", "rings", "stripes"):
        shutil.rmtree(folder / name)


def all_unreadable(folder: Path) -> None:
    for file in (folder / "dots").iterdir():
        file.write_bytes(b"")


@pytest.mark.parametrize(
    ("spoil", "kind", "message"),
    [
        (missing, NotFound, r"the dataset folder '.*images' is not there"),
        (emptied, DatasetError, r"has no class folders: put the images of each class into a folder"),
        (one_class, DatasetError, r"has only one class, 'stripes'"),
        (empty_class, DatasetError, r"no images in class 'nothing'"),
        (too_few, DatasetError, r"class 'dots' has 1 readable image: a split needs at least 2"),
        (parts_of_a_dataset, DatasetError, r"parts of a dataset, not classes: give dataset_path='.*train'"),
        (
            all_unreadable,
            DatasetError,
            r"none of the 12 images of class 'dots' can be read; the first: .*the file is empty",
        ),
    ],
)
def test_unusable_folders(workspace: Path, images: Path, spoil, kind, message: str) -> None:
    spoil(images)
    ptf = Prototype("p", "e", verbose=0)
    with pytest.raises(kind, match=message):
        ptf.Default(dataset_path=images, model_name="resnet18", use_pretrained=False)
    assert state().status == "new"


def test_an_unreadable_image_is_left_out_told_and_listed(workspace: Path, images: Path, capsys) -> None:
    (images / "dots" / "dots-004.png").write_bytes((images / "dots" / "dots-004.png").read_bytes()[:300])
    ptf = Prototype("p", "e")
    ptf.Dataset_Params(dataset_path=images, input_size=32)
    ptf.Dataset()
    assert "1 image cannot be read; left out, listed in" in capsys.readouterr().out
    listed = (Workspace().find("p", "e").folder / HEALTH).read_text()
    assert "dots/dots-004.png" in listed and "truncated" in listed
    assert state().dataset.unreadable == 1


def test_stray_files_are_passed_over_and_told(workspace: Path, images: Path, capsys) -> None:
    for name in (".DS_Store", "Thumbs.db", "notes.txt", "dots/.DS_Store"):
        (images / name).write_text("x")
    (images / "dots" / ".ipynb_checkpoints").mkdir()
    ptf = Prototype("p", "e")
    ptf.Dataset_Params(dataset_path=images, input_size=32)
    ptf.Dataset()
    assert "5 entries passed over, not images" in capsys.readouterr().out
    assert state().dataset.classes == ("dots", "rings", "stripes")


def test_a_class_of_the_test_set_that_was_not_trained(workspace: Path, images: Path) -> None:
    expert(images).Train()
    (images / "dots").rename(images / "spots")
    ptf = Prototype("p", "e", eval_infer=True, verbose=0)
    ptf.Dataset_Params(dataset_path=images)
    with pytest.raises(
        DatasetError, match=r"has class 'spots', which the training images do not have. Classes known: 'dots'"
    ):
        ptf.Dataset()


def test_images_to_predict(workspace: Path, images: Path, tmp_path: Path, capsys) -> None:
    expert(images).Train()
    ptf = Prototype("p", "e", eval_infer=True)
    with pytest.raises(NotFound, match=r"there is no image file at 'none.png'"):
        ptf.Infer(img_name="none.png")
    (images / "dots" / "dots-000.png").write_text("no image")
    with pytest.raises(UnreadableImage, match=r"it is not an image in any of the formats JPEG, PNG"):
        ptf.Infer(img_name=images / "dots" / "dots-000.png")
    assert len(ptf.Infer(img_dir=images / "dots")) == 11
    assert "left out" in capsys.readouterr().out
    with pytest.raises(NotFound, match=r"there is no folder at"):
        ptf.Infer(img_dir=tmp_path / "none")
    assert len(ptf.Infer(img_dir=images)) == 35
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match=r"holds no images"):
        ptf.Infer(img_dir=tmp_path / "empty")


def test_no_network_for_pretrained_weights(workspace: Path, images: Path, monkeypatch, tmp_path: Path) -> None:
    def refuse(*args, **kwargs):
        raise OSError("no network here")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "empty"))
    monkeypatch.setattr("torch.hub.urlopen", refuse)
    ptf = Prototype("p", "e", verbose=0)
    with pytest.raises(PretrainedUnavailable, match=r"put it at .*resnet18-f37072fd.pth, or .* use_pretrained=False"):
        ptf.Default(dataset_path=images, model_name="resnet18")
    ptf.Default(dataset_path=images, model_name="resnet18", use_pretrained=False, num_epochs=1)
    assert state().model.weights == "random"


def test_a_weight_file_that_does_not_fit(workspace: Path, images: Path) -> None:
    ptf = expert(images)
    ptf.Train()
    ptf.Model_Params(
        model_name="resnet18", use_pretrained=False, model_path=Workspace().find("p", "e").models / "final"
    )
    with pytest.raises(WeightsMismatch, match=r"final does not fit this network: conv1.weight is missing"):
        ptf.Reload()


class DiskFull:
    """Lets some files be written, then reports a full disk."""

    def __init__(self, files_left: int) -> None:
        self.left = files_left

    def __call__(self, path: Path) -> None:
        self.left -= path.is_file()
        if self.left < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("files_left", [1, 3, 5, 8])
def test_a_full_disk_while_saving(workspace: Path, images: Path, monkeypatch, files_left: int) -> None:
    ptf = expert(images, epochs=3)
    monkeypatch.setattr(files, "_flush_file", DiskFull(files_left))
    with pytest.raises(StorageError, match=r"the disk is full; free some space. What was saved before is untouched"):
        ptf.Train()
    del ptf
    monkeypatch.undo()
    monkeypatch.chdir(workspace.parent)
    now, run = state(), Workspace().find("p", "e")
    assert now.status in ("failed", "interrupted", "new")
    assert len(read(run.logs / HISTORY)) <= 3
    assert not [p for p in run.folder.rglob("*monklite-tmp*") if p.is_file()]
    compare(verbose=0).Comparison("after")
    if run.is_trained() and (run.models / "resume_state").exists():
        Prototype("p", "e", resume_train=True, verbose=0).Train()
        assert state().status == "done"


def test_a_weight_file_too_large_for_the_disk(workspace: Path, images: Path) -> None:
    """The operating system refuses the write in the middle; the file of the epoch before stays."""
    ptf = expert(images)
    ptf.Train()
    best = Workspace().find("p", "e").models / "best_model"
    before, limits = best.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(StorageError, match=r"best_model could not be written"):
            ptf._experiment.learner.capture_weights().write(best)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert best.read_bytes() == before
    assert {p.name for p in best.parent.iterdir()} == {"best_model", "final", "resume_state"}


def test_a_diverging_training_keeps_the_good_epochs(workspace: Path, images: Path) -> None:
    ptf = expert(images, epochs=3)
    ptf.optimizer_sgd(1e30, momentum=0.9)
    with pytest.raises(
        TrainingFailed, match=r"the training loss became .* in step \d of epoch \d at learning rate 1e\+30"
    ):
        ptf.Train()
    assert state().status == "failed"
    assert "TrainingFailed" in state().error


@pytest.mark.parametrize("backend", ["pytorch", "mxnet"])
def test_the_weights_that_the_state_names_are_there_after_a_late_failure(
    workspace: Path, images: Path, monkeypatch, backend: str
) -> None:
    """The rate grows without measure in the third epoch; nothing was saved since the first but the best weights."""
    monkeypatch.setattr("monklite.training.checkpoints.MAX_SAVING_SHARE", 1e-12)
    monkeypatch.setattr(
        "monklite.catalog.schedules.learning_rate", lambda choice, at: 1e-4 if at.epoch < 2 else float("1e30")
    )
    ptf = expert(images, epochs=5, backend=backend)
    ptf.update_save_intermediate_models(True)
    with pytest.raises(TrainingFailed):
        ptf.Train()
    run = Workspace().find("p", "e")
    best = run.state().results.best_epoch
    suffix = "" if backend == "pytorch" else f"-{best - 1:04d}.params"
    name = f"intermediate_model_{best - 1}" if backend == "pytorch" else f"intermediate_model_{suffix}"
    kept = run.models / ("best_model" if backend == "pytorch" else "best_model-0000.params")
    assert best <= 2
    assert kept.read_bytes() == (run.models / name).read_bytes()
    assert Prototype("p", "e", eval_infer=True, verbose=0).Infer(img_dir=images / "dots")


def test_a_damaged_training_state_is_told_with_what_can_be_done(workspace: Path, images: Path) -> None:
    expert(images).Train()
    file = Workspace().find("p", "e").models / "resume_state"
    content = bytearray(file.read_bytes())
    content[-5] ^= 1
    file.write_bytes(content)
    ptf = Prototype("p", "e", resume_train=True, verbose=0)
    ptf.update_num_epochs(2)
    with pytest.raises(DamagedFile, match=r"checksum does not fit.*best weights .*copy_from=\['p', 'e', 1\]"):
        ptf.Train()
    assert Prototype("p", "e", eval_infer=True, verbose=0).Infer(img_name=images / "dots" / "dots-000.png")


def test_a_failed_run_can_be_compared_and_trained_anew(workspace: Path, images: Path) -> None:
    ptf = expert(images, epochs=3)
    ptf.optimizer_sgd(1e30)
    with pytest.raises(MonkliteError):
        ptf.Train()
    ptf.optimizer_adam(0.001)
    ptf.Train()
    assert state(version=2).status == "done"
    ctf = compare(verbose=0)
    ctf.Comparison("both")
    ctf.Add_Experiment("p", "e", 1)
    ctf.Add_Experiment("p", "e", 2)
    assert list(ctf.Generate_Statistics()["status"]) == ["failed", "done"]


def test_a_run_that_is_being_trained_is_not_resumed_by_another(workspace: Path, images: Path) -> None:
    expert(images).Train()
    run = Workspace().find("p", "e")
    run.update(status="running")
    assert run.acquire()
    run.is_training = True
    with pytest.raises(MonkliteError, match=r"p/e/v001 is being trained right now"):
        Prototype("p", "e", resume_train=True, verbose=0)


def test_a_moved_workspace_still_opens(workspace: Path, images: Path, monkeypatch) -> None:
    expert(images).Train()
    moved = workspace.parent / "elsewhere" / "kept"
    moved.parent.mkdir()
    shutil.move(workspace, moved)
    shutil.rmtree(images / "rings")
    ptf = Prototype("p", "e", eval_infer=True, workspace=moved, verbose=0)
    assert ptf.Infer(img_name=images / "dots" / "dots-000.png")["predicted_class"] in ("dots", "rings", "stripes")
    assert (moved / "p" / "e" / "output" / "models" / "final").exists()


def test_an_imported_run_infers_compares_and_goes_on_where_its_images_are_not(
    workspace: Path, images: Path, monkeypatch
) -> None:
    expert(images).Train()
    pack(Workspace().find("p", "e"), "run.zip", resume_state=True)
    kept = images / "dots" / "dots-000.png"
    expected = Prototype("p", "e", eval_infer=True, verbose=0).Infer(img_name=kept)
    shutil.move(kept, workspace.parent)
    shutil.rmtree(images)
    shutil.rmtree(workspace)
    there = Workspace(workspace.parent / "another machine")
    unpack("run.zip", there, "q")
    predicted = Prototype("q", "e", eval_infer=True, verbose=0, workspace=there.root).Infer(img_name=kept.name)
    assert predicted["score"] == pytest.approx(expected["score"], rel=1e-6)
    ctf = compare(verbose=0, workspace=there.root)
    ctf.Comparison("c")
    ctf.Add_Experiment("q", "e")
    assert list(ctf.Generate_Statistics()["status"]) == ["done"]


def test_the_cache_may_be_cleared_while_a_run_is_trained(workspace: Path, images: Path) -> None:
    """A cache in use stays, others are removed."""
    ptf, stop, cleared = expert(images, epochs=4), threading.Event(), []
    for ending in (IMAGES_SUFFIX, INDEX_SUFFIX):
        (Workspace().cache / f"{'a' * 32}{ending}").write_bytes(bytes(500))

    def clear() -> None:
        while not stop.is_set():
            cleared.append(cache_limit.clear(Workspace().cache))

    clearing = threading.Thread(target=clear)
    clearing.start()
    try:
        ptf.Train()
    finally:
        stop.set()
        clearing.join()
    assert sum(cleared) == 1000
    assert state().status == "done"
    expert(images, epochs=4).Train()  # decoded again
    assert state(version=2).results.train_loss == pytest.approx(state(version=1).results.train_loss, rel=1e-4)


def test_pruning_frees_what_training_left_and_the_run_still_infers(workspace: Path, images: Path) -> None:
    ptf = expert(images, epochs=3)
    ptf.Training_Params(num_epochs=3, save_intermediate_models=True)
    ptf.Train()
    items = plan(Workspace(), resume_state=True)
    assert {item.kind for item in items} == {"intermediate weights", "state for resuming"}
    assert carry_out(Workspace(), items) == sum(item.size for item in items) > 0
    models = Workspace().find("p", "e").models
    assert {p.name for p in models.iterdir()} == {"best_model", "final"}
    assert Prototype("p", "e", eval_infer=True, verbose=0).Infer(img_name=images / "dots" / "dots-000.png")
    with pytest.raises(
        MonkliteError, match=r"p/e/v001 cannot be trained further: its state for resuming is not there \(it was pruned"
    ):
        Prototype("p", "e", resume_train=True, verbose=0)
