"""The script of a run asks for what the run was asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from test_state import FULL

from monklite import Prototype
from monklite.catalog.backends import BUILT_IN
from monklite.facade.prototype import prototype
from monklite.reports.script import script
from monklite.runs.file_names import FINAL
from monklite.runs.state import RunState
from monklite.spec import Spec


def quick(ptf: Any, images: Path) -> None:
    ptf.Default(
        images, model_name="squeezenet1_1" if ptf._backend == "pytorch" else "squeezenet1.1", use_pretrained=False
    )


def expert(ptf: Any, images: Path) -> None:
    ptf.Dataset_Params([images, images], input_size=40, batch_size=4, shuffle_data=False, group="")
    ptf.apply_random_horizontal_flip(train=True)
    ptf.apply_color_jitter(0.1, 0.2, train=True)
    ptf.apply_normalize(mean=[0.4, 0.5, 0.6], std=[0.2, 0.2, 0.2], train=True, val=True)
    ptf.apply_normalize(test=True)
    ptf.Model_Params("resnet18_v1", freeze_base_network=False, use_gpu=False, use_pretrained=False)
    ptf.append_dropout(0.3)
    ptf.append_linear(final_layer=True)
    ptf.update_stored_size(64)
    ptf.update_mixup(0.2)
    ptf.update_split_seed(4)
    ptf.update_group("")
    ptf.update_progressive_resizing(0.6)
    ptf.optimizer_adam(0.01, weight_decay=0.1)
    ptf.lr_multistep_decrease([1, 3], gamma=0.3)
    ptf.loss_softmax_crossentropy(label_smoothing=0.1, weight=[1.0, 2.0, 3.0])
    ptf.update_layer_rates([0.002, 0.005, 0.01])
    ptf.Training_Params(7, save_intermediate_models=True, seed=3, precision="float32", early_stopping=2, ema_decay=0.9)


def of_labels_in_a_table(ptf: Any, images: Path) -> None:
    table = images.parent / "labels.csv"
    pd.DataFrame({"file": ["dots/a.png"], "x": [0], "y": [1]}).to_csv(table, sep=";")
    ptf.Dataset_Params(images, path_to_csv=str(table), delimiter=";", path_column="file", label_column=["x", "y"])
    ptf.update_weighted_sampling(True)


def own_network(ptf: Any, images: Path) -> None:
    ptf.Dataset_Params(images, input_size=32)
    ptf.Dataset()
    branches = [[ptf.convolution(output_channels=4, uid="first")], [ptf.identity()], ptf.concatenate()]
    layers = [branches, ptf.relu(), ptf.global_average_pooling(), ptf.flatten(), ptf.fully_connected(units=3)]
    ptf.Compile_Network(layers, data_shape=(3, 32, 32), network_initializer="msra", debug=False)


def fine_tuned(ptf: Any, images: Path) -> None:
    quick(ptf, images)
    ptf.update_freeze_base_network(False)
    ptf.update_head_epochs(2)
    # a third of it is no exact number
    ptf.update_layer_rates(decay=0.37, groups=4)


@pytest.mark.parametrize("backend", BUILT_IN)
@pytest.mark.parametrize(
    "set_up", [quick, expert, fine_tuned, of_labels_in_a_table, own_network], ids=lambda f: f.__name__
)
def test_the_script_gives_the_same_settings(
    workspace: Path, patterns: Path, monkeypatch: pytest.MonkeyPatch, backend: str, set_up: Callable[[Any, Path], None]
) -> None:
    ptf = Prototype("p", "e", backend=backend, verbose=0)
    set_up(ptf, patterns)
    asked = ptf._experiment.asked
    trained: list[Spec] = []
    monkeypatch.setattr(prototype, "Train", lambda self: trained.append(self._experiment.asked))
    text = script(ptf._experiment.run.state().replace(asked=asked, resolved=None))
    exec(compile(text, "script", "exec"), {})
    assert trained[0].differences(asked) == [], text


def test_the_script_of_a_copy_sets_back_what_the_run_before_it_had(
    workspace: Path, patterns: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Prototype("p", "source", verbose=0)
    expert(source, patterns)
    run = source._experiment.run
    (run.models / FINAL).write_text("weights")
    run.update(asked=source._experiment.asked, status="done")
    ptf = Prototype("p", "copy", pseudo_copy_from=["p", "source", 1], verbose=0)
    quick(ptf, patterns)
    ptf.update_stored_size("auto")
    ptf.update_mixup(0.0)
    ptf.update_split_seed(0)
    ptf.update_progressive_resizing(1.0)
    ptf.update_save_intermediate_models(False)
    ptf.update_layer_rates(decay=1)
    ptf.optimizer_adam(0.02)
    ptf.lr_fixed()
    ptf.loss_softmax_crossentropy()
    asked = ptf._experiment.asked
    trained: list[Spec] = []
    monkeypatch.setattr(prototype, "Train", lambda self: trained.append(self._experiment.asked))
    # trained with weights of its own
    text = script(ptf._experiment.run.state().replace(asked=asked, model=FULL.model))
    assert "pseudo_copy_from=" in text
    exec(compile(text, "script", "exec"), {})
    assert trained[0].differences(asked) == [], text


def test_a_script_says_where_its_relative_paths_start() -> None:
    text = script(RunState(project="p", experiment="e", version=1, created="2026-11-20T08:15:00+00:00"))
    assert "# relative paths, and the workspace, start from the folder in which the run was trained" in text


def test_multiples_that_are_no_falling_series_are_a_comment() -> None:
    spec = Spec().replace({"training.layer_rates": (0.1, 0.5, 1.0)})
    text = script(RunState(project="p", experiment="e", version=1, created="2026-11-20T08:15:00+00:00", asked=spec))
    assert "# the layers had these multiples of the learning rate: (0.1, 0.5, 1.0)" in text


def test_what_a_script_cannot_say_is_a_comment() -> None:
    spec = Spec().replace(
        {"model.source": {"place": "", "key": "k"}, "model.name": "mine", "data.folds": 5, "data.fold": 1}
    )
    text = script(RunState(project="p", experiment="e", version=1, created="2026-11-20T08:15:00+00:00", asked=spec))
    assert "# the network was given in the session and is in no file" in text
    assert "# the run is fold 2 of these\nptf.Cross_Validate(k=5, seeds=[0])" in text
    copied = RunState(
        project="p", experiment="e", version=2, created="2026-11-20T08:15:00+00:00", origin=("p", "first", 1)
    )
    text = script(copied)
    assert "copy_from=['p', 'first', 1]" in text
    # which no call takes back
    assert "# the optimizer was that of the recipe" in text
