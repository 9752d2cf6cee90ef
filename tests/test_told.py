"""What would otherwise happen in silence is told: when an experiment is opened, changed, trained and judged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from test_experiment import interrupted
from test_prototype import expert

from monklite import Prototype
from monklite.backends import user_changes
from monklite.backends.mxnet.framework import gluon, mx
from monklite.catalog import LOSSES, OPTIMIZERS, SCHEDULES, TRANSFORMS
from monklite.errors import NotReady
from monklite.runs.file_names import HISTORY
from monklite.runs.history import read
from monklite.runs.workspace import Workspace
from monklite.training.recording import Record

pytestmark = pytest.mark.above_backends

RATE = 0.001


def quick(images: Path, backend: str = "pytorch", epochs: int = 1, verbose: int = 1) -> Prototype:
    ptf = Prototype("p", "e", backend=backend, verbose=verbose)
    ptf.Default(images, model_name="squeezenet1_1", use_pretrained=False, freeze_base_network=False, num_epochs=epochs)
    ptf.update_input_size(40)
    ptf.update_learning_rate(RATE)
    ptf.Reload()
    return ptf


# Opening


def test_an_experiment_whose_training_was_interrupted_says_how_to_go_on(
    workspace: Path, patterns: Path, monkeypatch, capsys
) -> None:
    interrupted(patterns, monkeypatch, epochs=8)
    capsys.readouterr()
    Prototype("p", "e")
    assert (
        "Note: v001 is interrupted after 1 of 8 epochs, and stays as it is. Prototype('p', 'e', resume_train=True) goes on "
        "with it; this is v002, from the beginning"
    ) in capsys.readouterr().out


def test_an_experiment_that_is_trained_or_new_has_nothing_to_say(workspace: Path, patterns: Path, capsys) -> None:
    Prototype("p", "e")
    Prototype("p", "e")
    expert(patterns).Train()
    Prototype("p", "e")
    assert "stays as it is" not in capsys.readouterr().out


def test_a_damaged_version_does_not_keep_a_new_one_from_being_opened(workspace: Path, patterns: Path) -> None:
    expert(patterns).Train()
    run = Workspace().find("p", "e")
    (run.folder / "experiment-state.json").write_text("{")
    assert Prototype("p", "e", verbose=0)._opened.run.version == 2


def test_judging_an_interrupted_version_is_told(workspace: Path, patterns: Path, monkeypatch, capsys) -> None:
    interrupted(patterns, monkeypatch, epochs=8)
    capsys.readouterr()
    Prototype("p", "e", eval_infer=True)
    told = "v001 is interrupted after 1 of 8 epochs; its weights are those of the epochs so far"
    assert told in capsys.readouterr().out


# Changing


def test_values_that_a_later_call_changes_are_told(workspace: Path, patterns: Path, capsys) -> None:
    ptf = Prototype("p", "e")
    ptf.Default(patterns, model_name="resnet18", use_pretrained=False)
    capsys.readouterr()
    before = ptf._experiment.resolved().training.optimizer.params["learning_rate"]
    ptf.Freeze_Layers(16)
    after = ptf._experiment.resolved().training.optimizer.params["learning_rate"]
    assert before != after
    assert f"Note: the recipe for this also changes learning_rate {before} -> {after}" in capsys.readouterr().out
    ptf.update_learning_rate(0.02)
    ptf.update_num_epochs(3)
    assert "also changes" not in capsys.readouterr().out


def test_intermediate_weights_are_saved_on_request_only(workspace: Path, patterns: Path) -> None:
    ptf = quick(patterns, verbose=0)
    ptf.Train()
    models = Workspace().find("p", "e").models
    assert sorted(p.name for p in models.iterdir()) == ["best_model", "final", "resume_state"]


@pytest.mark.parametrize(
    ("title", "rows"),
    [("Optimizers", OPTIMIZERS), ("Schedulers", SCHEDULES), ("Losses", LOSSES), ("Transforms", TRANSFORMS)],
)
def test_lists_name_what_the_backend_has(workspace: Path, backend: str, title: str, rows) -> None:
    listed = getattr(Prototype("p", "e", backend=backend, verbose=0), f"List_{title}")()
    assert listed == [name for name, row in rows.items() if backend in row.backends()]
    assert 0 < len(listed) <= len(rows)


# Training


def replace_head(ptf: Prototype, backend: str) -> None:
    if backend == "pytorch":
        ptf.model.classifier[1] = torch.nn.Conv2d(512, 5, kernel_size=1)
    else:
        ptf.model.output = gluon.nn.HybridSequential()
        ptf.model.output.add(gluon.nn.Conv2D(5, 1), gluon.nn.GlobalAvgPool2D(), gluon.nn.Flatten())
        ptf.model.output.initialize()
        ptf.model(mx.nd.zeros((1, 3, 40, 40)))


def test_a_replaced_layer_is_told_before_it_is_trained(workspace: Path, patterns: Path, backend: str, capsys) -> None:
    ptf = quick(patterns, backend)
    replace_head(ptf, backend)
    capsys.readouterr()
    ptf.Train()
    printed = capsys.readouterr().out
    assert "Note: the network has been changed (" in printed
    assert printed.index("Note: the network has been changed") < printed.index("Training End")


def test_the_note_on_a_changed_network_names_the_first_difference() -> None:
    (note,) = user_changes.replaced_layers({"a": (2, 3), "b": (2,)}, {"a": (5, 3), "c": ()})
    assert note.startswith("the network has been changed (a: 2 x 3 -> 5 x 3, 3 of 2 arrays differ)")
    assert not [*user_changes.replaced_layers({"a": (2,)}, {"a": (2,)})]


def set_rate(ptf: Prototype, backend: str, factor: float) -> None:
    if backend == "pytorch":
        ptf.optimizer.param_groups[0]["lr"] = factor * RATE
    else:
        ptf.optimizer.lr = factor * RATE


def get_rate(ptf: Prototype, backend: str) -> float:
    return (
        ptf.optimizer.param_groups[0]["lr"] if backend == "pytorch" else ptf._experiment.learner._trainer.learning_rate
    )


def test_rates_that_the_user_set_follow_the_schedule(workspace: Path, patterns: Path, backend: str, capsys) -> None:
    ptf = quick(patterns, backend, epochs=3)
    ptf.lr_step_decrease(1, gamma=0.5)
    ptf.Reload()
    set_rate(ptf, backend, 0.1)
    ptf.Train()
    assert get_rate(ptf, backend) == pytest.approx(0.1 * RATE * 0.25)
    assert "the optimizer has learning rates of its own, which are kept: 0.1 times the rate of the schedule" in (
        capsys.readouterr().out
    )


def test_an_own_rate_is_resumed(workspace: Path, patterns: Path, backend: str, monkeypatch) -> None:
    original = Record.epoch_end

    def stop(self, loop, row):
        original(self, loop, row)
        raise KeyboardInterrupt

    losses = []
    for interrupt in (False, True):
        ptf = quick(patterns, backend, epochs=2, verbose=0)
        set_rate(ptf, backend, 0.1)
        with monkeypatch.context() as patch:
            if interrupt:
                patch.setattr(Record, "epoch_end", stop)
                with pytest.raises(KeyboardInterrupt):
                    ptf.Train()
                patch.undo()
                ptf = Prototype("p", "e", backend=backend, resume_train=True, verbose=0)
            ptf.Train()
        losses.append([row.train_loss for row in read(Workspace().find("p", "e").logs / HISTORY)])
    assert losses[0] == losses[1]
    assert len(losses[0]) == 2


def test_groups_of_the_user_are_kept_and_their_training_is_not_resumed(
    workspace: Path, patterns: Path, monkeypatch, capsys
) -> None:
    ptf = quick(patterns, epochs=1)
    group = ptf.optimizer.param_groups[0]
    head, group["params"] = group["params"][-2:], group["params"][:-2]
    ptf.optimizer.add_param_group({"params": head, "lr": 10 * RATE})
    ptf.Train()
    printed = capsys.readouterr().out
    assert "which are kept: 1, 10 times the rate of the schedule" in printed
    assert "this training cannot be resumed" in printed
    assert [g["lr"] for g in ptf.optimizer.param_groups] == pytest.approx([RATE, 10 * RATE])
    ptf = Prototype("p", "e", resume_train=True, verbose=0)
    ptf.update_num_epochs(2)
    with pytest.raises(NotReady, match=r"had 2 groups of the user, .* cannot be resumed\. Train a new version"):
        ptf.Train()


def test_usual_rates_are_not_mentioned(workspace: Path, patterns: Path, backend: str, capsys) -> None:
    quick(patterns, backend).Train()
    assert "rates of its own" not in capsys.readouterr().out


# Judging


def test_the_model_of_an_opened_run_gives_the_scores_of_infer(workspace: Path, patterns: Path, backend: str) -> None:
    quick(patterns, backend, verbose=0).Train()
    image = patterns / "dots" / "dots-000.png"
    for ptf in (Prototype("p", "e", backend=backend, eval_infer=True, verbose=0),):
        raw = ptf.Infer(img_name=image, return_raw=True)["raw"]
        pixels = np.asarray(Image.open(image).convert("RGB"), dtype=np.float32) / 255
        pixels = (pixels - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
        batch = pixels.transpose(2, 0, 1)[None].astype(np.float32)
        for _ in range(2):
            if backend == "pytorch":
                logits = ptf.model(torch.from_numpy(batch)).detach().numpy()[0]
            else:
                logits = ptf.model(mx.nd.array(batch)).asnumpy()[0]
            assert logits == pytest.approx(np.array(list(raw.values())), abs=1e-4)


def test_every_layer_of_a_network_that_begins_with_a_normalization_is_trained(workspace: Path, patterns: Path) -> None:
    ptf = Prototype("p", "e", backend="mxnet", verbose=0)
    ptf.Default(patterns, model_name="resnet18_v2", use_pretrained=False, freeze_base_network=False)
    record = ptf._experiment.learner.describe()
    assert record.trainable_layers == record.layers
    ptf.Freeze_Layers(3)
    record = ptf._experiment.learner.describe()
    assert record.trainable_layers == record.layers - 3


def test_a_network_that_predicts_one_class_only_is_told(workspace: Path, patterns: Path, capsys) -> None:
    ptf = quick(patterns, epochs=2)
    ptf.loss_softmax_crossentropy(weight={"dots": 1000.0, "rings": 0.001, "stripes": 0.001})
    capsys.readouterr()
    ptf.Train()
    warning = "Warning: every {} image is predicted as 'dots': the network does not tell them apart"
    assert warning.format("validation") in capsys.readouterr().out
    assert Workspace().find("p", "e").state().results.only_prediction == "dots"
    judge = Prototype("p", "e", eval_infer=True)
    judge.Dataset_Params(patterns)
    judge.Dataset()
    judge.Evaluate()
    assert warning.format("test") in capsys.readouterr().out
    assert Workspace().find("p", "e").state().testing.only_prediction == "dots"
