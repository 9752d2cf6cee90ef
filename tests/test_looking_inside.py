"""Kernels, feature maps, graphs and studies: what is drawn is what the network computes, and it lies in the run's folder."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from test_both_backends import equal, weights
from test_prototype import expert
from tiny_networks import CHANNELS, build_tiny

from monklite import Prototype, backends
from monklite.catalog.studies import STUDIES
from monklite.data.depth import UNDECIDED
from monklite.errors import InvalidValue, MissingPackage, NotFound, NotReady
from monklite.facade import looking_inside
from monklite.inference import network_input
from monklite.reports import grids, studies

pytestmark = pytest.mark.renders

IMAGE = "dots/dots-000.png"


@pytest.fixture(scope="module", params=["pytorch", "mxnet"])
def trained(
    request: pytest.FixtureRequest, patterns: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prototype]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("trained"))
        with pytest.MonkeyPatch.context() as tiny:
            build_tiny(tiny, request.param)
            ptf = expert(patterns, backend=request.param)
            ptf.Train()
        yield ptf


def folder(ptf: Prototype) -> Path:
    return ptf._opened.run.folder / "visualization"


def first_layer(ptf: Prototype) -> tuple[np.ndarray, np.ndarray]:
    """Weights and bias of the only convolution."""
    arrays = weights(ptf)
    return (
        next(a for n, a in arrays.items() if a.ndim == 4),
        next(a for n, a in arrays.items() if n in ("features.0.bias", "net_conv0_bias")),
    )


def test_the_kernels_are_those_of_the_network(trained: Prototype) -> None:
    kernels = backends.load(trained._backend).kernels(trained._opened.learner)
    assert list(kernels) == ["features.0"]
    assert np.array_equal(kernels["features.0"], first_layer(trained)[0])
    trained.Visualize_Kernels()
    with Image.open(folder(trained) / "kernels" / "features.0.png") as picture:
        assert picture.format == "PNG" and min(picture.size) > 100


def test_the_feature_maps_are_those_of_the_image_as_it_is_evaluated(trained: Prototype, patterns: Path) -> None:
    before = weights(trained)
    learner, spec = trained._opened.learner, trained._opened.spec
    images, draws = network_input(patterns / IMAGE, spec, UNDECIDED, "image_path")
    maps = backends.load(trained._backend).feature_maps(learner, images, draws)
    kernel, bias = first_layer(trained)
    pixels = images[0].transpose(2, 0, 1) / 255
    pixels = (pixels - np.reshape(draws.mean, (3, 1, 1))) / np.reshape(draws.std, (3, 1, 1))
    settings = {**studies.USUAL, "stride": 4}
    expected = studies.convolution(pixels, kernel, settings) + bias[:, None, None]
    assert maps["features.0"].shape == (1, CHANNELS, 8, 8)
    assert np.allclose(maps["features.0"][0], expected, atol=1e-4)
    assert equal(before, weights(trained))
    trained.Visualize_Feature_Maps(patterns / IMAGE, store_images_if_notebook=True)
    assert (folder(trained) / "feature_maps" / "dots-000" / "features.0.png").is_file()


def test_an_evaluated_run_can_be_looked_into(
    trained: Prototype, patterns: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_tiny(monkeypatch, trained._backend)
    judge = Prototype("p", "e", backend=trained._backend, eval_infer=True, verbose=0)
    judge.Visualize_Kernels()
    judge.Visualize_Feature_Maps(np.zeros((50, 60, 3), np.uint8))
    assert (folder(judge) / "feature_maps" / "image" / "features.0.png").is_file()


def test_a_real_networks_layers_all_have_maps(workspace: Path, patterns: Path, backend: str) -> None:
    ptf = expert(patterns, backend=backend)
    own, learner = backends.load(backend), ptf._opened.learner
    images, draws = network_input(patterns / IMAGE, ptf._opened.spec, UNDECIDED, "image_path")
    maps, kernels = own.feature_maps(learner, images, draws), own.kernels(learner)
    assert maps.keys() == kernels.keys() and len(maps) == 26
    assert all(maps[name].shape[1] == kernels[name].shape[0] for name in maps)
    # before ReLU, which PyTorch's network applies in place
    assert all((values < 0).any() for values in maps.values())
    last = list(maps)[-1]
    # the last convolution is the head, whose mean over the image (after ReLU) is the logits
    assert np.allclose(np.maximum(maps[last], 0).mean((2, 3)), learner.logits(images, draws), atol=1e-4)


def test_the_graph_is_written_and_shown_on_this_machine_alone(
    trained: Prototype, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    if trained._backend == "pytorch":
        pytest.importorskip("onnxscript")
    calls: list[tuple[Any, ...]] = []

    def start(file: str, address: tuple[str, Any], browse: bool, verbosity: int) -> tuple[str, int]:
        calls.append((file, address, browse, verbosity))
        return "127.0.0.1", address[1] or 8080

    monkeypatch.setitem(sys.modules, "netron", SimpleNamespace(start=start, __spec__=True))
    monkeypatch.setattr(looking_inside, "is_installed", lambda name: True)
    trained._console.verbose = 1
    trained.Visualize_With_Netron(data_shape=(3, 32, 32), port=8123)
    trained._console.verbose = 0
    name = {"pytorch": "model.onnx", "mxnet": "model-symbol.json"}[trained._backend]
    file = folder(trained) / "netron" / name
    assert file.stat().st_size > 100
    assert calls == [(str(file), ("127.0.0.1", 8123), True, 0)]
    assert "http://127.0.0.1:8123" in capsys.readouterr().out


@pytest.mark.skipif(importlib.util.find_spec("netron") is not None, reason="Netron is installed")
def test_without_netron_the_file_is_there_and_the_extra_is_named(trained: Prototype) -> None:
    if trained._backend == "pytorch":
        pytest.skip("to write its file takes seconds, and what follows is the same")
    with pytest.raises(MissingPackage, match=r'the graph is in .*visualization/netron/model.*"monklite\[netron\]"'):
        trained.Visualize_With_Netron()


def test_wrong_calls_are_explained(trained: Prototype, patterns: Path) -> None:
    with pytest.raises(InvalidValue, match="images have 3 channels, not 1"):
        trained.Visualize_With_Netron(data_shape=(1, 28, 28))
    with pytest.raises(NotFound, match="there is no image file at 'none.png'"):
        trained.Visualize_Feature_Maps("none.png")
    with pytest.raises(NotReady, match="no experiment is open"):
        type(trained).__mro__[1](verbose=0).Visualize_Kernels()


def test_a_resumed_run_is_looked_into_in_evaluation_mode(trained: Prototype, monkeypatch: pytest.MonkeyPatch) -> None:
    build_tiny(monkeypatch, trained._backend)
    ptf = Prototype("p", "e", backend=trained._backend, resume_train=True, verbose=0)
    with pytest.raises(
        NotReady, match=r"the weights of p/e/v001 are in its files .*call Switch_Mode\(eval_infer=True\)"
    ):
        ptf.Visualize_Kernels()
    ptf.Switch_Mode(eval_infer=True)
    kernels = backends.load(trained._backend).kernels(ptf._opened.learner)
    assert np.array_equal(kernels["features.0"], first_layer(trained)[0])
    ptf.Visualize_Kernels()


def test_a_network_without_convolutions_is_told(trained: Prototype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(backends.load(trained._backend)), "kernels", staticmethod(lambda learner: {}))
    with pytest.raises(InvalidValue, match="the network has no convolutions over images"):
        trained.Visualize_Kernels()


# Pictures


def test_a_mosaic_has_each_tile_at_its_place() -> None:
    tiles = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)
    drawn = grids.mosaic(tiles)
    assert drawn.shape == (2 * 5 - 1, 3 * 6 - 1)
    assert np.array_equal(drawn[5:9, 6:11], tiles[1, 1])
    assert np.isnan(drawn[4]).all() and np.isnan(drawn[:, 5]).all()


def note(figure: Any) -> str:
    return figure.texts[1].get_text()


def test_large_layers_are_drawn_in_part_and_it_is_said() -> None:
    figure = grids.kernels("k", np.ones((512, 256, 1, 1)))
    assert "columns: the first 32 of 512 filters, rows: the first 16 of 256 input channels; 1 x 1" in note(figure)
    figure = grids.feature_maps("m", np.zeros((100, 3, 3)))
    assert "the first 64 of 100 channels of 3 x 3" in note(figure)


# Studies


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"num_filters": 4, "stride": 3},
        {"kernel_size": 4, "padding": 2},
        {"dilation": 3, "padding": 1},
        {"groups": 3, "num_filters": 6},
    ],
)
def test_convolutions_are_those_of_a_framework(settings: dict[str, int]) -> None:
    given = {**studies.USUAL, **settings}
    rng = np.random.default_rng(1)
    pixels = rng.random((3, 20, 24), np.float32)
    filters = rng.random((given["num_filters"], 3 // given["groups"], *[given["kernel_size"]] * 2), np.float32)
    expected = torch.nn.functional.conv2d(
        torch.from_numpy(pixels[None]),
        torch.from_numpy(filters),
        stride=given["stride"],
        padding=given["padding"],
        dilation=given["dilation"],
        groups=given["groups"],
    )
    assert np.allclose(studies.convolution(pixels, filters, given), expected[0].numpy(), atol=1e-4)


@pytest.mark.parametrize(("kind", "module"), [("max", torch.nn.MaxPool2d), ("avg", torch.nn.AvgPool2d)])
def test_poolings_are_those_of_a_framework(kind: str, module: Any) -> None:
    image = np.random.default_rng(1).integers(0, 256, (20, 24, 3), np.uint8)
    found = studies.results(image, {"type": kind, "kernel_size": 4, "stride": 2, "padding": 1}, pools=True)[0]
    expected = module(4, 2, 1)(torch.from_numpy(image.transpose(2, 0, 1)[None] / 255))
    assert np.allclose(found.transpose(2, 0, 1), expected[0].numpy(), atol=1e-6)


def test_every_study_draws_a_picture_into_the_runs_folder(workspace: Path, patterns: Path) -> None:
    ptf = Prototype("p", "e", verbose=0)
    ptf.update_input_size(48)
    for name, row in STUDIES.items():
        getattr(ptf, f"study_{name}")(patterns / IMAGE)
        values = "-".join(str(p.default) for p in row.parameters)
        assert (folder(ptf) / "studies" / f"{name}-{values}-dots-000.png").is_file()
    assert not (workspace.parent / "tmp").exists()


def test_settings_that_do_not_fit_are_explained(workspace: Path, patterns: Path) -> None:
    ptf = Prototype("p", "e", verbose=0)
    with pytest.raises(InvalidValue, match="groups must divide the 3 channels of an image, and 2 does not"):
        ptf.study_convolution_grouping(patterns / IMAGE, groups=2)
    ptf.update_input_size(32)
    with pytest.raises(InvalidValue, match="a window of 41 px does not fit into an image of 32 px"):
        ptf.study_convolution_dilation(patterns / IMAGE, factor=20)
    with pytest.raises(InvalidValue, match=r"pooling_type: type must be one of 'max', 'avg', not 'min'"):
        ptf.study_pooling_type(patterns / IMAGE, type="min")
