"""A user's own network, from a nested list to a trained run, on both backends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from test_both_backends import equal, weights
from test_prototype import _numbers, _original_epoch_end, _stop_after_two, state

from monklite import Prototype
from monklite.catalog import custom_networks
from monklite.catalog.initialisers import INITIALISERS
from monklite.catalog.stored import checked
from monklite.errors import InvalidType, InvalidValue, MonkliteError, NotReady, UnknownArgument, UnknownName
from monklite.runs.workspace import Workspace
from monklite.spec import ModelSpec, Spec

SIDE = 16
PLACED = {"model.name": "custom", "model.pretrained": False}


def layers(ptf: Prototype, units: int = 3) -> list[Any]:
    """A small network with everything: a residual block, branches, names, dropout."""
    return [
        ptf.convolution(output_channels=8, stride=2, uid="first"),
        ptf.batch_normalization(),
        ptf.leaky_relu(),
        ptf.resnet_v1_block(output_channels=8, stride=2),
        [[ptf.convolution(output_channels=4, kernel_size=1)], [ptf.identity()], ptf.concatenate()],
        ptf.global_average_pooling(),
        ptf.dropout(drop_probability=0.1),
        ptf.fully_connected(units=units),
    ]


def prepared(patterns: Path, backend: str, experiment: str = "e", epochs: int = 1, side: int = SIDE) -> Prototype:
    ptf = Prototype("p", experiment, backend=backend, verbose=0)
    ptf.Dataset_Params(dataset_path=patterns, split=0.67, input_size=side, batch_size=8)
    ptf.apply_random_horizontal_flip(train=True)
    ptf.apply_normalize(train=True, val=True, test=True)
    ptf.Dataset()
    ptf.Training_Params(num_epochs=epochs, display_progress=False)
    return ptf


def compiled(patterns: Path, backend: str, experiment: str = "e", epochs: int = 1) -> Prototype:
    ptf = prepared(patterns, backend, experiment, epochs)
    ptf.Compile_Network(layers(ptf), data_shape=(3, SIDE, SIDE), debug=False)
    return ptf


def spec(ptf: Prototype) -> ModelSpec:
    return ptf._experiment.asked.model


# The way of a network


@pytest.mark.renders
def test_a_network_is_compiled_drawn_and_trained_like_any_other(workspace: Path, patterns: Path, backend: str) -> None:
    ptf = prepared(patterns, backend)
    ptf.Compile_Network(layers(ptf), data_shape=(3, SIDE, SIDE))
    run = ptf._experiment.run
    with Image.open(run.logs / "graph.png") as drawing:
        assert drawing.width > 300 and drawing.height > 600
    assert not (workspace.parent / "graph.png").exists()
    assert ptf.List_Layers()[0] == "0_convolution2d"
    ptf.Train()
    now = state()
    assert (now.status, now.spec.model.name, now.spec.model.freeze_base) == ("done", "custom", False)
    assert now.spec.model.layers == spec(ptf).layers
    assert now.model is not None and now.model.weights == "random"
    ptf = Prototype("p", "e", eval_infer=True, backend=backend, verbose=0)
    ptf.Dataset_Params(dataset_path=patterns)
    ptf.Dataset()
    accuracy, _ = ptf.Evaluate()
    assert 0 <= accuracy <= 100
    assert set(ptf.Infer(img_name=patterns / "dots" / "dots-003.png")) >= {"predicted_class", "score"}


def test_a_resumed_network_equals_the_unbroken_one_and_a_copy_begins_with_its_weights(
    workspace: Path, patterns: Path, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    unbroken = compiled(patterns, backend, "unbroken", epochs=3)
    unbroken.update_ema_decay(0.9)
    unbroken.Train()
    broken = compiled(patterns, backend, "broken", epochs=3)
    broken.update_ema_decay(0.9)
    monkeypatch.setattr("monklite.training.recording.History.epoch_end", _stop_after_two(_original_epoch_end()))
    with pytest.raises(KeyboardInterrupt):
        broken.Train()
    monkeypatch.undo()
    monkeypatch.chdir(workspace.parent)
    resumed = Prototype("p", "broken", resume_train=True, backend=backend, verbose=0)
    with pytest.raises(NotReady, match="a resumed run keeps its model"):
        resumed.Compile_Network([resumed.fully_connected(units=3)], data_shape=(3, SIDE, SIDE))
    resumed.Train()
    assert equal(weights(unbroken), weights(resumed))
    assert _numbers("broken") == _numbers("unbroken")
    copied = Prototype("p", "copied", copy_from=["p", "unbroken"], backend=backend, verbose=0)
    copied.Reload()
    best = Prototype("p", "unbroken", eval_infer=True, backend=backend, verbose=0)
    assert equal(weights(copied), weights(best))
    # another network has no use for them
    copied.Compile_Network([copied.fully_connected(units=3)], data_shape=(3, SIDE, SIDE), debug=False)
    assert copied._experiment.learner is not None
    assert copied._experiment.learner.describe().layers == 1


def test_both_backends_build_one_network_with_the_same_first_weights(workspace: Path, patterns: Path) -> None:
    described, first = [], []
    for backend in ("pytorch", "mxnet"):
        ptf = compiled(patterns, backend, backend)
        described.append(ptf._experiment.learner.describe())
        first.append(list(weights(ptf).values())[0])
    ours, theirs = described
    assert (ours.parameters, ours.layers, ours.trainable_layers) == (
        theirs.parameters,
        theirs.layers,
        theirs.trainable_layers,
    )
    np.testing.assert_array_equal(*first)


def test_its_base_can_be_frozen(workspace: Path, patterns: Path, backend: str) -> None:
    ptf = compiled(patterns, backend, epochs=2)
    ptf.update_freeze_base_network(True)
    ptf.Reload()
    learner = ptf._experiment.learner
    assert learner is not None and learner.describe().trainable_layers == 1
    # what is frozen is computed once for each image
    assert learner.frozen(SIDE) is not None
    before = weights(ptf)
    ptf.Train()
    after = weights(ptf)
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert changed == {n for n in before if "7_fully_connected" in n}
    ptf.Freeze_Layers(2)


def test_it_has_a_faster_form_for_many_images(workspace: Path, patterns: Path, tmp_path: Path) -> None:
    ptf = compiled(patterns, "pytorch")
    form = ptf._experiment.learner.fast_form(SIDE, 1000, tmp_path)
    assert form is not None


@pytest.mark.parametrize("initializer", INITIALISERS)
def test_the_weights_begin_as_the_initializer_says(initializer: str) -> None:
    from monklite.backends.initial_weights import initial_weights

    wide, tall = (
        list(initial_weights(initializer, "pytorch", 0, [shape]))[0].reshape(shape[0], -1)
        for shape in ((64, 128, 3, 3), (256, 32))
    )
    expected = {
        "xavier": np.sqrt(2 / (9 * 192)),
        "msra": np.sqrt(2 / (9 * 128)),
        "normal": 0.01,
        "uniform": 0.07 / 3**0.5,
    }
    kind = next((k for k in expected if initializer.startswith(k)), None)
    if kind:
        assert wide.std() == pytest.approx(expected[kind], rel=0.02)
        assert (np.abs(wide).max() < 1.8 * wide.std()) == ("uniform" in initializer)
        return
    np.testing.assert_allclose(wide @ wide.T, 2 * np.eye(64), atol=1e-4)
    np.testing.assert_allclose(tall.T @ tall, 2 * np.eye(32), atol=1e-4)
    again = list(initial_weights(initializer, "mxnet", 0, [(64, 128, 3, 3)]))[0]
    np.testing.assert_array_equal(again.reshape(64, -1), wide)


# What is refused


def test_a_network_that_does_not_fit_the_dataset_is_refused_and_the_settings_stay(
    workspace: Path, patterns: Path, backend: str
) -> None:
    ptf = prepared(patterns, backend)
    before = ptf._experiment.asked
    with pytest.raises(
        InvalidValue,
        match=r"gives 10 values for each image, and the dataset has 3 classes: end it with fully_connected\(units=3\)",
    ):
        ptf.Compile_Network(layers(ptf, units=10), data_shape=(3, SIDE, SIDE))
    with pytest.raises(InvalidValue, match=r"gives 3 x 1 x 1 for each image: put flatten\(\) at its end"):
        ptf.Compile_Network([ptf.convolution(), ptf.global_max_pooling()], data_shape=(3, SIDE, SIDE))
    assert ptf._experiment.asked == before
    unprepared = Prototype("p", "early", backend=backend, verbose=0)
    with pytest.raises(NotReady, match=r"call Dataset\(\) before Model\(\)"):
        unprepared.Compile_Network(layers(unprepared), data_shape=(3, SIDE, SIDE))


NESTED: list[Any] = []
NESTED.append(NESTED)
RELU = {"name": "relu"}
WRONG: list[tuple[Any, type[MonkliteError], str]] = [
    (3, InvalidType, r"^network must be a list of layers, not 3 \(int\)"),
    ([], InvalidValue, r"^network is an empty list"),
    ([RELU, []], InvalidValue, r"^network\[1\] is an empty list"),
    ([RELU, 3], InvalidType, r"^network\[1\] must be a layer, such as relu\(\), or a list of layers, not 3"),
    (
        [[RELU, {"name": "relux"}]],
        UnknownName,
        r"^network\[0\]\[1\]: no layer is called 'relux'. Did you mean 'relu'\?",
    ),
    ([{"name": "relu", "params": {"slope": 1}}], UnknownArgument, r"^network\[0\]: relu has no argument 'slope'"),
    ([{"name": "relu", "params": 3}], InvalidType, r"^network\[0\]: params must be a dictionary, not 3"),
    (
        [{"name": "relu", "parms": {}}],
        UnknownArgument,
        r"^network\[0\]: a layer has no 'parms'. Did you mean 'params'\?",
    ),
    ([{"name": "add"}], InvalidValue, r"^network\[0\]: add\(\) merges branches, so it is the last element"),
    ([[RELU, {"name": "add"}, RELU]], InvalidValue, r"^network\[0\]\[1\]: add\(\) merges branches"),
    ([RELU], InvalidValue, r"^network has no layer that can be trained"),
    (NESTED, InvalidValue, r"is nested more than 32 lists deep"),
    ([{**RELU, "uid": "a"}, {**RELU, "uid": "a"}], InvalidValue, r"^network: two layers have the uid 'a'"),
]


@pytest.mark.parametrize(("network", "error", "message"), WRONG)
def test_a_wrong_list_is_refused_with_the_place_in_it(workspace: Path, backend: str, network, error, message) -> None:
    ptf = Prototype("p", "e", backend=backend, verbose=0)
    with pytest.raises(error, match=message):
        ptf.Compile_Network(network)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"data_shape": 224}, InvalidType, r"data_shape must be \(3, height, width\), not 224"),
        ({"data_shape": (1, 32, 32)}, InvalidValue, r"data_shape must be \(3, height, width\) with equal sides"),
        ({"data_shape": (3, 32, 64)}, InvalidValue, r"with equal sides, such as \(3, 224, 224\), not \(3, 32, 64\)"),
        ({"network_initializer": "xavier"}, UnknownName, r"no initializer is called 'xavier'. Did you mean 'xavier_"),
        ({"use_gpu": 1}, InvalidType, r"use_gpu must be True or False, not 1"),
    ],
)
def test_wrong_arguments_are_refused(workspace: Path, patterns: Path, arguments, error, message) -> None:
    ptf = Prototype("p", "e", verbose=0)
    with pytest.raises(error, match=message):
        ptf.Compile_Network(layers(ptf), **arguments)


def test_it_has_no_pretrained_weights_and_another_name_is_another_network(
    workspace: Path, patterns: Path, backend: str
) -> None:
    ptf = compiled(patterns, backend)
    with pytest.raises(InvalidValue, match="a network of your own has no pretrained weights"):
        ptf.update_use_pretrained(True)
    with pytest.raises(InvalidValue, match="put them into your own network"):
        ptf.append_linear(final_layer=True)
    ptf.update_model_name("resnet18")
    assert (spec(ptf).layers, spec(ptf).initializer) == ((), "")


# In the spec


def test_it_goes_to_json_and_back_and_is_checked_there(workspace: Path) -> None:
    ptf = Prototype("p", "e", verbose=0)
    nested = custom_networks.checked(layers(ptf), "pytorch")
    asked = Spec().replace({**PLACED, "model.layers": nested})
    again = Spec.model_validate_json(asked.model_dump_json())
    assert again == asked == checked(again)
    assert hasattr(again.model.layers[3][0][2], "params")
    wrong = asked.model_dump()
    wrong["model"]["layers"][0]["params"]["groups"] = -1
    with pytest.raises(InvalidValue, match="convolution2d: groups must be a whole number at least 1"):
        checked(Spec.model_validate(wrong))
    for layer, message in (([[]], "lists that are not empty"), ([{"name": "x", "y": 1}], "there is no setting")):
        with pytest.raises(MonkliteError, match=message):
            Spec().replace({"model.layers": layer})
    deep: Any = [RELU]
    for _ in range(40):
        deep = [deep]
    with pytest.raises(InvalidValue, match="at most 32 deep"):
        Spec().replace({"model.layers": deep})


def test_only_after_a_global_pooling_can_it_be_trained_on_images_of_other_sizes(workspace: Path) -> None:
    ptf = Prototype("p", "e", verbose=0)
    free = custom_networks.checked(layers(ptf), "pytorch")
    fixed = custom_networks.checked([ptf.convolution(), ptf.flatten(), ptf.fully_connected(units=3)], "pytorch")
    assert (custom_networks.is_of_one_size(free), custom_networks.is_of_one_size(fixed)) == (False, True)


# Its drawing


def test_a_design_is_drawn_without_being_built_and_says_what_is_wrong(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ptf = Prototype("p", "e", verbose=1)
    ptf.debug_custom_model_design([ptf.flatten(), ptf.convolution(uid="a $b$ c")])
    said = capsys.readouterr().out
    assert "for images of 224 px it cannot be built: network[1] (convolution2d): it is given 150528 values" in said
    assert f"Drawing: {ptf._experiment.run.logs / 'design.png'}" in said
    with Image.open(ptf._experiment.run.logs / "design.png") as drawing:
        assert drawing.height > 100
    assert ptf._experiment.asked.model.layers == ()


# Layers in place of a head


def test_layers_are_appended_in_place_of_the_head(workspace: Path, patterns: Path, backend: str) -> None:
    ptf = prepared(patterns, backend, side=32)
    ptf.Model_Params(model_name="resnet18", freeze_base_network=True, use_pretrained=False)
    ptf.append_linear(num_neurons=16)
    ptf.append_prelu()
    ptf.append_dropout(probability=0.2)
    with pytest.raises(
        InvalidValue, match=r"append_dropout is the last call before Model\(\): call it with final_layer=True"
    ):
        ptf.Model()
    ptf.append_linear(final_layer=True)
    with pytest.raises(
        InvalidValue, match=r"append_linear\(final_layer=True\) was the last layer: call reset_model\(\)"
    ):
        ptf.append_relu()
    ptf.Model()
    learner = ptf._experiment.learner
    assert learner is not None and learner.describe().trainable_layers == 3
    ptf.Train()
    assert state().spec.model.appended == spec(ptf).appended
    trained = weights(ptf)
    again = Prototype("p", "e", eval_infer=True, backend=backend, verbose=0)
    assert weights(again).keys() == trained.keys()
    ptf.reset_model()
    assert spec(ptf).appended == ()
    ptf.Model()
    assert ptf._experiment.learner.describe().trainable_layers == 1


def test_a_head_that_is_a_convolution_is_replaced_too(workspace: Path, patterns: Path, backend: str) -> None:
    ptf = prepared(patterns, backend, side=32)
    ptf.Model_Params(model_name="squeezenet1_1", freeze_base_network=True, use_pretrained=False)
    ptf.append_tanh()
    ptf.append_linear(final_layer=True)
    ptf.Model()
    ptf.Train()
    shapes = [array.shape for name, array in weights(ptf).items() if name.endswith("weight")]
    assert shapes[-1] == (3, 512)


def test_appended_layers_give_one_value_for_each_class(workspace: Path, patterns: Path, backend: str) -> None:
    ptf = prepared(patterns, backend, side=32)
    ptf.Model_Params(model_name="resnet18", use_pretrained=False)
    ptf.append_linear(num_neurons=7)
    ptf.append_relu(final_layer=True)
    with pytest.raises(
        InvalidValue, match="the last appended layer gives 7 values for each image, and the dataset has 3"
    ):
        ptf.Model()
    ptf.reset_model()
    ptf.append_relu(final_layer=True)
    with pytest.raises(
        InvalidValue, match=r"none of them gives one value for each class: append append_linear\(\) too"
    ):
        ptf.Model()


def test_quick_mode_keeps_what_was_appended(workspace: Path, patterns: Path) -> None:
    ptf = Prototype("p", "e", verbose=0)
    ptf.append_linear(final_layer=True)
    ptf.Default(patterns, model_name="squeezenet1_1", use_pretrained=False, num_epochs=1)
    assert [choice.name for choice in spec(ptf).appended] == ["linear"]


# The names


def test_layers_are_dictionaries_as_in_monk_and_blocks_are_lists_of_them(workspace: Path) -> None:
    ptf = Prototype("p", "e", verbose=0)
    assert ptf.softplus(uid="s") == {"uid": "s", "name": "softplus", "params": {"beta": 1, "threshold": 20}}
    convolution = ptf.convolution(output_channels=8)
    assert (convolution["name"], convolution["params"]["padding"]) == ("convolution2d", "in_eq_out")
    block = ptf.conv_bn_relu_block(output_channels=8)
    assert [layer["name"] for layer in block] == ["convolution2d", "batch_normalization", "relu"]
    block[2]["name"] = "tanh"
    assert ptf.conv_bn_relu_block()[2]["name"] == "relu"
    with pytest.raises(InvalidValue, match="convolution2d: kernel_size must be a whole number at least 1"):
        ptf.convolution(kernel_size=0)


def test_the_lists_tell_all_names(workspace: Path) -> None:
    ptf = Prototype("p", "e", verbose=0)
    # before there is a model whose layers these could be
    assert ptf.List_Layers() == ptf.List_Layers_Custom_Model()
    assert "convolution2d" in ptf.List_Layers_Custom_Model()
    assert ptf.List_Layers_Transfer_Learning() == ["linear", "dropout"]
    assert set(ptf.List_Activations()) == set(ptf.List_Activations_Custom_Model()) >= {"relu", "swish", "rrelu"}
    assert "leakyrelu" in ptf.List_Activations_Transfer_Learning()
    assert len(ptf.List_Blocks()) == 17
    assert Workspace().find("p", "e").state().status == "new"
