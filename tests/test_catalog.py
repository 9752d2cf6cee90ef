"""The vocabulary: every row obeys its own rules and builds on every backend that it names."""

from __future__ import annotations

import importlib.util
import inspect
import math
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
import torch
import torchvision
from pydantic import BaseModel
from torch.overrides import TorchFunctionMode

from monklite.backends.pytorch.learner import _with_tuples
from monklite.catalog import LOSSES, MODELS, OPTIMIZERS, SCHEDULES, SETTINGS, TRANSFORMS, resolve
from monklite.catalog import default_recipes as recipes_module
from monklite.catalog.backends import BUILT_IN, Cell, describe, load
from monklite.catalog.default_recipes import RECIPES, default_transforms, recipe, situation
from monklite.catalog.models import find_model, names
from monklite.catalog.optimizers import OptimizerRow
from monklite.catalog.rows import INSTALL_COMMANDS, REQUIRED, BuiltRow, Parameter, Row, table
from monklite.catalog.schedules import Moment, learning_rate
from monklite.decoder_threads import decoders
from monklite.errors import InvalidType, InvalidValue, MissingPackage, UnknownArgument, UnknownName
from monklite.processors import cpu_count
from monklite.rules import Number, Whole
from monklite.spec import Choice, ModelSpec, Resolved, ResolvedData, ResolvedTraining, Spec

BACKENDS = tuple(BUILT_IN)
TABLES = {"losses": LOSSES, "optimizers": OPTIMIZERS, "schedules": SCHEDULES, "transforms": TRANSFORMS}
ROWS = [pytest.param(row, id=f"{kind}-{name}") for kind, rows in TABLES.items() for name, row in rows.items()]
PARAMETERS = [
    pytest.param(row, p, id=f"{row.name}-{p.name}")
    for rows in TABLES.values()
    for row in rows.values()
    for p in row.parameters
]
NEEDED = {"learning_rate": 0.01, "step_size": 2, "milestones": (1, 3), "gamma": 0.5, "input_size": 32, "degrees": 10.0}
BREAKING = {
    "momentum_decay": (-0.1, 1.0, "a"),
    "decay_rate": (-0.1, 1.0, None),
    "learning_rate_decay": (-1.0, "a"),
    "rho": (-0.1, 1.0, True),
    "learning_rate": [0, -1, math.nan, "0.1", None, True],
    "momentum": [-0.1, 1, "0.9"],
    "momentum_dampening_rate": [-0.1, 1],
    "weight_decay": [-1e-9, math.inf],
    "clipnorm": [-1, None],
    "clipvalue": [-1, None],
    "beta1": [-0.1, 1, True],
    "beta2": [-0.1, 1, True],
    "epsilon": [-1e-9, "1e-8"],
    "amsgrad": [1, None, "True"],
    "weight": [[-1.0], 3, "1", "balance", {0: 1.0}],
    "batch_axis": [-1, 1, 0.0, False],
    "axis_to_sum_over": [0, 2, -2, -1.0, "1"],
    "label_as_categories": [1, "False"],
    "label_smoothing": [-0.1, 1, "yes", None],
    "step_size": [0, 1.5, None],
    "gamma": [0, 1.1],
    "focal gamma": [-0.1, "2"],
    "positive_weight": [[-1.0], 3, "balanced", [0.0, 0.0]],
    "margin": [0, -1, "1"],
    "threshold_for_mean_estimator": [0, -1, None],
    "log_pre_applied": [1, "no"],
    "warmup_epochs": [-1, 0.5],
    "warmup_share": [-0.1, 1.1],
    "initial_division": [0, 0.5],
    "final_division": [0, "a"],
    "last_epoch": [-2, 0.5],
    "milestones": [[0], [2, 2], [3, 1], 5, [1.5]],
    "min_lr": [-1e-9, None],
    "mode": ["mn", None],
    "factor": [0, 1],
    "patience": [-1, 1.5],
    "verbose": [1, "no"],
    "threshold": [-1],
    "threshold_mode": ["relative", 3],
    "cooldown": [-1, 2.5],
    "input_size": [0, 4097, 32.0, "32"],
    "probability": [-0.1, 1.1, True],
    "scale": [(0, 1), (0.1, 1.1), (0.5,), 0.5],
    "ratio": [(0, 1), (1, 2, 3), "12"],
    "degrees": [-1, 181, "10", (5, -5), (0, 200)],
    "random_affine scale": [(0, 1), (0.5,), 0.5, (2, 1)],
    "translate": [0.1, (0.1,), (0, 1.1)],
    "shear": [-1, 90, (1, 2, 3), "5"],
    "distortion_scale": [-0.1, 1.1],
    "brightness": [-0.1, 101, (1, 0.5), "1"],
    "contrast": [-0.1, 101, (-1, 0.5)],
    "saturation": [-0.1, 101, (1, 2, 3)],
    "hue": [-0.1, 0.6, (-0.6, 0)],
    "alpha": [-1, 101, None],
    "sigma": [0, (0, 1), (2, 1)],
    "random_gamma gamma": [1, (0, 1), (2, 1)],
    "num_output_channels": [1, 3.0, None],
    "clip_limit": [0.5, None],
    "grid": [0, 65, 2.5],
    "mean": [(0.5, 0.5), (0, 0, 1.1), 0.5],
    "std": [(0.5, 0.5), (0, 1, 1), 0.5],
}
MONK_PYTORCH = """
alexnet vgg11 vgg11_bn vgg13 vgg13_bn vgg16 vgg16_bn vgg19 vgg19_bn densenet121 densenet161 densenet169 densenet201
googlenet inception_v3 resnet18 resnet34 resnet50 resnet101 resnet152 resnext50_32x4d resnext101_32x8d
shufflenet_v2_x0_5 shufflenet_v2_x1_0 shufflenet_v2_x1_5 shufflenet_v2_x2_0 wide_resnet101_2 wide_resnet50_2
mnasnet0_5 mnasnet0_75 mnasnet1_0 mnasnet1_3 mobilenet_v2 squeezenet1_0 squeezenet1_1
"""
MONK_MXNET = """
alexnet darknet53 densenet121 densenet161 densenet169 densenet201 inceptionv3 mobilenet1.0 mobilenet0.75 mobilenet0.25
mobilenet0.5 resnet18_v1 resnet34_v1 resnet50_v1 resnet101_v1 resnet152_v1 resnext50_32x4d resnext101_32x4d
resnext101_64x4d se_resnext50_32x4d se_resnext101_32x4d se_resnext101_64x4d senet_154 vgg11 vgg13 vgg16 vgg19 vgg11_bn
vgg13_bn vgg16_bn vgg19_bn resnet18_v2 resnet34_v2 resnet50_v2 resnet101_v2 resnet152_v2 mobilenetv2_1.0 mobilenetv2_0.75
mobilenetv2_0.5 mobilenetv2_0.25 squeezenet1.0 squeezenet1.1 mobilenetv3_large mobilenetv3_small resnet18_v1b resnet34_v1b
resnet50_v1b resnet50_v1b_gn resnet101_v1b resnet152_v1b resnet50_v1c resnet101_v1c resnet152_v1c resnet50_v1d
resnet101_v1d resnet152_v1d resnet18_v1b_0.89 resnet50_v1d_0.86 resnet50_v1d_0.48 resnet50_v1d_0.37 resnet50_v1d_0.11
resnet101_v1d_0.76 resnet101_v1d_0.73 xception
"""  # without resnet18_v1d and resnet34_v1d, which GluonCV never had
PYTORCH_MODELS = [pytest.param(m, id=m.name) for m in MODELS.values() if "pytorch" in m.cells]
MXNET = [m for m in MODELS.values() if "mxnet" in m.cells]
MXNET_MODELS = [pytest.param(m, id=m.name) for m in MXNET if not m.cells["mxnet"].package]
GLUONCV_MODELS = [m for m in MXNET if m.cells["mxnet"].package == "gluoncv"]


@pytest.fixture(scope="module")
def mxnet():
    """MXNet 1.9.1 reads `numpy.bool` while it is imported, which NumPy 1.26 no longer has."""
    added = "bool" not in vars(np)
    if added:
        np.bool = bool
    try:
        module = pytest.importorskip("mxnet", reason="mxnet is not installed", exc_type=ImportError)
    finally:
        if added:
            del np.bool
    return module


def needed(row: Row) -> dict[str, object]:
    return {p.name: NEEDED[p.name] for p in row.parameters if p.default is REQUIRED}


def chosen(row: Row, backend: str) -> tuple[Choice, dict[str, object]]:
    choice = row.choose(backend, needed(row))
    return choice, row.keywords(backend, choice) if isinstance(row, BuiltRow) else {}


class OnMeta(TorchFunctionMode):
    """Parameters are made on the meta device, which holds no numbers: any network is built in no time."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        made = {**(kwargs or {}), **({"device": "meta"} if function is torch.empty else {})}
        return function(*args, **made)


# Rows


@pytest.mark.parametrize("row", ROWS)
def test_every_row_says_what_it_is_and_has_a_backend(row):
    assert row.doc.endswith(".")
    assert row.backends()
    assert all(p.doc for p in row.parameters)


@pytest.mark.parametrize(("row", "parameter"), PARAMETERS)
def test_every_default_obeys_its_own_rule(row, parameter):
    value = NEEDED[parameter.name] if parameter.default is REQUIRED else parameter.default
    found = parameter.rule(parameter.name, value)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(("row", "parameter"), PARAMETERS)
def test_every_rule_refuses_values_made_to_break_it(row, parameter):
    values = dict(needed(row))
    for broken in BREAKING.get(f"{row.name} {parameter.name}", BREAKING.get(parameter.name, ())):
        values[parameter.name] = broken
        with pytest.raises((InvalidType, InvalidValue), match=f"^{row.name}: {parameter.name} must be "):
            row.choose(row.backends()[0], values)


@pytest.mark.parametrize("row", ROWS)
def test_every_choice_survives_json(row):
    for backend in row.backends():
        choice, _ = chosen(row, backend)
        assert Choice.model_validate_json(choice.model_dump_json()) == choice


@pytest.mark.parametrize("row", [r for r in OPTIMIZERS.values() if r.cell("pytorch")], ids=lambda r: r.name)
def test_every_optimizer_makes_a_step_with_torch(row):
    layer = torch.nn.Linear(2, 1)
    before = layer.weight.detach().clone()
    optimizer = load(row.path("pytorch"))(layer.parameters(), **_with_tuples(chosen(row, "pytorch")[1]))
    layer(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    assert optimizer.param_groups[0]["lr"] == NEEDED["learning_rate"]
    assert not torch.equal(layer.weight, before)


def test_each_parameter_of_an_optimizer_reaches_torch_under_its_own_name():
    values = {"learning_rate": 0.1, "beta1": 0.5, "beta2": 0.6, "epsilon": 0.01, "weight_decay": 0.2, "amsgrad": True}
    choice = OPTIMIZERS["adam"].choose("pytorch", values)
    made = load("torch.optim.Adam")([torch.zeros(1)], **_with_tuples(OPTIMIZERS["adam"].keywords("pytorch", choice)))
    wanted = {"lr": 0.1, "betas": (0.5, 0.6), "eps": 0.01, "weight_decay": 0.2, "amsgrad": True}
    assert {k: made.param_groups[0][k] for k in wanted} == wanted


def test_nesterov_sgd_is_nesterov_on_torch():
    keywords = chosen(OPTIMIZERS["nesterov_sgd"], "pytorch")[1]
    assert (keywords["nesterov"], keywords["momentum"]) == (True, 0.9)


@pytest.mark.parametrize(("given", "amount"), [(True, 0.1), (False, 0.0), (0.3, 0.3)])
def test_label_smoothing_is_a_switch_or_an_amount(given, amount):
    choice = LOSSES["softmax_crossentropy"].choose("pytorch", {"label_smoothing": given})
    assert LOSSES["softmax_crossentropy"].keywords("pytorch", choice)["label_smoothing"] == amount


@pytest.mark.parametrize("row", TRANSFORMS.values(), ids=TRANSFORMS)
def test_every_transform_resolves(row):
    assert row.random == row.name.startswith(("random_", "color_jitter", "trivial_augment"))
    assert bool(row.compose) == (row.kind in ("geometry", "colours", "both"))
    assert row.random or row.kind == "normalize" or callable(load(row.decode))
    assert bool(row.flip) == row.name.endswith("_flip")


@pytest.mark.parametrize("row", [r for r in TRANSFORMS.values() if r.kind != "normalize"], ids=lambda r: r.name)
def test_the_functions_of_a_transform_take_the_parameters_of_its_row(row):
    parameters = [p.name for p in row.parameters]
    given = {"geometry": ["frame"], "colours": ["colours"], "both": ["frame", "colours"]}
    if row.compose:
        assert list(inspect.signature(load(row.compose)).parameters) == [*given[row.kind], "rng", *parameters]
    if row.decode:
        first = "pixels" if row.kind == "pixels" else "image"
        assert list(inspect.signature(load(row.decode)).parameters) == [first, *parameters]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("row", SCHEDULES.values(), ids=SCHEDULES)
def test_every_schedule_gives_a_rate(row, backend):
    rate = learning_rate(chosen(row, backend)[0], Moment(0.1, 2, 5, [1.0, 0.9], [0.5, 0.6]))
    assert type(rate) is float
    assert 0 < rate <= 0.1


# MXNet


def test_the_name_that_mxnet_needs_for_its_import_is_gone_again(mxnet):
    assert vars(np).get("bool", np.bool_) is np.bool_


@pytest.mark.parametrize("row", [p for p in ROWS if isinstance(p.values[0], BuiltRow) and p.values[0].cell("mxnet")])
def test_every_mxnet_path_resolves(mxnet, row):
    assert callable(load(row.path("mxnet")))


@pytest.mark.parametrize("row", [r for r in OPTIMIZERS.values() if r.cell("mxnet")], ids=lambda row: row.name)
def test_every_optimizer_is_made_by_mxnet(mxnet, row):
    made = load(row.path("mxnet"))(**chosen(row, "mxnet")[1])
    assert made.learning_rate == NEEDED["learning_rate"]


@pytest.mark.parametrize("model", MXNET_MODELS)
def test_every_mxnet_network_is_built_and_has_an_output(mxnet, model):
    network = mxnet.gluon.model_zoo.vision.get_model(model.cells["mxnet"].path)
    assert hasattr(network, *model.heads["mxnet"])


# Arguments


@pytest.mark.parametrize(
    ("row", "values", "message"),
    [
        (
            "sgd",
            {"learning_rate": 0.1, "momentm": 0.9},
            r"^sgd has no argument 'momentm'\. Did you mean 'momentum'\? Known:",
        ),
        ("sgd", {"learning_rate": 0.1, "zzz": 1}, r"^sgd has no argument 'zzz'\. Known: learning_rate, momentum, "),
        ("sgd", {}, r"^sgd needs learning_rate \(a number above 0\)$"),
    ],
)
def test_a_wrong_argument_is_explained(row, values, message):
    with pytest.raises(UnknownArgument, match=message):
        OPTIMIZERS[row].choose("pytorch", values)


def test_a_row_without_parameters_says_that_it_knows_none():
    with pytest.raises(UnknownArgument, match=r"^fixed has no argument 'gamma'\. Known: \(none\)$"):
        SCHEDULES["fixed"].choose("pytorch", {"gamma": 0.1})


def test_a_parameter_that_the_backend_lacks_may_only_keep_its_default():
    rate = Parameter("rate", 0.0, Number(), "how fast", {"pytorch": "lr", "mxnet": None})
    row = OptimizerRow("r", "A row.", (rate,), {"pytorch": "a.b", "mxnet": "a.c"})
    with pytest.raises(
        InvalidValue, match=r"^r: the mxnet backend has no rate; leave it at 0\.0, or use backend='pytorch'$"
    ):
        row.choose("mxnet", {"rate": 0.5})
    assert row.choose("mxnet", {"rate": 0}).params["rate"] == 0
    assert row.keywords("pytorch", row.choose("pytorch", {"rate": 0.5})) == {"lr": 0.5}


def test_a_row_that_only_the_other_backend_has_says_which():
    with pytest.raises(InvalidValue, match=r"^the mxnet backend has no 'r'; use backend='pytorch'$"):
        OptimizerRow("r", "A row.", (), {"pytorch": "a.b"}).choose("mxnet", {})


def test_a_parameter_that_no_other_backend_has_names_none():
    nowhere = Parameter("p", 0, Whole(), "nothing", {"pytorch": None, "mxnet": None})
    row = OptimizerRow("r", "A row.", (nowhere,), {"pytorch": "a.b", "mxnet": "a.c"})
    with pytest.raises(InvalidValue, match=r"^r: the mxnet backend has no p; leave it at 0$"):
        row.choose("mxnet", {"p": 1})


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("axis", [-1, 1])
def test_both_names_of_the_axis_of_the_classes_mean_the_same(backend, axis):
    assert LOSSES["softmax_crossentropy"].choose(backend, {"axis_to_sum_over": axis}).params["axis_to_sum_over"] == -1


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("name", "axis", "wanted"), [("batch_axis", 1, "0"), ("axis_to_sum_over", 0, "-1 or 1")])
def test_another_axis_of_the_scores_is_refused(backend, name, axis, wanted):
    message = f"^softmax_crossentropy: {name} must be {wanted}, not {axis}: scores have a row per image and a column per class$"
    with pytest.raises(InvalidValue, match=message):
        LOSSES["softmax_crossentropy"].choose(backend, {name: axis})


def test_what_monklite_does_itself_is_not_passed_on():
    choice = OPTIMIZERS["sgd"].choose("pytorch", {"learning_rate": 0.1, "clipnorm": 1.0})
    assert choice.params["clipnorm"] == 1.0
    assert "clipnorm" not in OPTIMIZERS["sgd"].keywords("pytorch", choice)


def test_a_keyword_is_the_parameters_own_name_unless_the_cell_says_otherwise():
    rate = Parameter("rate", 0.1, Number(), "how fast", {"pytorch": "lr", "mxnet": None})
    size = Parameter("size", 1, Whole(), "how large")
    row = OptimizerRow("r", "A row.", (rate, size), {"pytorch": Cell("a.b", {"size": "n"}), "mxnet": "a.c"})
    keywords = {(b, p.name): row.keyword(b, p) for b in BACKENDS for p in row.parameters}
    assert keywords == {
        ("pytorch", "rate"): "lr",
        ("pytorch", "size"): "n",
        ("mxnet", "rate"): None,
        ("mxnet", "size"): "size",
    }


def test_two_rows_of_one_name_are_a_mistake():
    with pytest.raises(ValueError, match="two rows are called 'sgd'"):
        table([OPTIMIZERS["sgd"], OPTIMIZERS["sgd"]])


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_every_setting_names_a_field_of_the_spec(setting):
    value = Spec().get(setting.path)
    assert Spec().replace({setting.path: value}) == Spec()


# Models


def test_every_torchvision_classifier_has_a_row():
    known = torchvision.models.list_models(module=torchvision.models)
    assert sorted(known) == sorted(m.cells["pytorch"].path for m in MODELS.values() if "pytorch" in m.cells)


def test_every_network_of_monk_is_there_under_its_name():
    known = MONK_PYTORCH.split()
    assert len(known) == 35
    assert [find_model(name, "pytorch").cells["pytorch"].path for name in known] == known


@pytest.fixture(params=[True, False], ids=["with gluoncv", "without gluoncv"])
def gluoncv_installed(request, monkeypatch) -> bool:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object() if request.param else None)
    return request.param


def test_every_mxnet_network_of_monk_is_there_under_its_name(gluoncv_installed):
    known = [n for n in MONK_MXNET.split() if gluoncv_installed or n not in {m.name for m in GLUONCV_MODELS}]
    assert len(known) == (64 if gluoncv_installed else 34)
    assert [find_model(name, "mxnet").cells["mxnet"].path for name in known] == known


def test_networks_of_gluoncv_are_listed_where_it_is_installed(gluoncv_installed):
    listed = {m.name for m in GLUONCV_MODELS} & set(names("mxnet"))
    assert len(listed) == (30 if gluoncv_installed else 0)
    assert "resnext50_32x4d" in names("pytorch")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("xception", r'^xception of the mxnet backend needs gluoncv: pip install "monklite\[gluoncv\]"$'),
        ("resnext50_32x4d", r"^resnext50_32x4d of the mxnet backend needs gluoncv: .*, or use backend='pytorch'$"),
    ],
)
def test_without_gluoncv_its_networks_say_what_to_install(monkeypatch, name, message):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingPackage, match=message):
        find_model(name, "mxnet")


def test_every_optional_package_of_networks_says_how_it_is_installed():
    packages = {cell.package for m in MODELS.values() for cell in m.cells.values()} - {""}
    collections = {package for name in BACKENDS for package in describe(name).collections}
    # the others are of a format of images, of a search, of trackers, and of what is done with a trained network
    others = {"pillow_heif", "onnx", "onnxscript", "onnxruntime", "openvino", "netron", "optuna"}
    others |= {"fastapi", "uvicorn", "python_multipart", "ray", "mlflow", "tensorboard", "wandb", "dvclive"}
    assert packages | collections == set(INSTALL_COMMANDS) - others


@pytest.mark.parametrize("model", PYTORCH_MODELS)
def test_input_size_and_normalization_are_those_of_the_default_weights(model):
    wanted = torchvision.models.get_model_weights(model.cells["pytorch"].path).DEFAULT.transforms()
    own = model.normalization
    assert ([model.input_size], [*own.mean], [*own.std]) == (wanted.crop_size, [*wanted.mean], [*wanted.std])


@pytest.mark.parametrize("model", PYTORCH_MODELS)
@pytest.mark.filterwarnings("ignore:The default weight initialization:FutureWarning")
def test_the_head_stands_where_the_row_says_and_gives_the_classes(model):
    with OnMeta():
        network = torchvision.models.get_model(model.cells["pytorch"].path, weights=None)
    heads = [network.get_submodule(place) for place in model.heads["pytorch"]]
    assert [getattr(h, "out_features", None) or h.out_channels for h in heads] == [1000] * len(heads)


@pytest.mark.parametrize("model", PYTORCH_MODELS)
def test_the_min_size_is_not_above_the_input_size(model):
    assert 1 <= model.min_size <= model.input_size


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("alias", "name"), [(a, m.name) for m in MODELS.values() for a in m.aliases])
def test_an_alias_means_the_same_network_on_either_backend(alias, name, backend):
    assert find_model(alias, backend) is find_model(name, backend) is MODELS[name]


def test_no_alias_is_the_name_of_another_network():
    aliases = [a for m in MODELS.values() for a in m.aliases]
    assert "resnet50_v1" in aliases
    assert len(aliases) == len(set(aliases))
    assert not set(aliases) & set(MODELS)


@pytest.mark.parametrize(
    ("name", "backend", "other", "nearest"),
    [("resnet50_v2", "pytorch", "mxnet", "resnet50, "), ("vit_b_16", "mxnet", "pytorch", "")],
)
def test_a_network_that_only_the_other_backend_has_says_which(name, backend, other, nearest):
    with pytest.raises(
        InvalidValue,
        match=f"^the {backend} backend has no model '{name}'; use backend='{other}', or a similar model: .*{nearest}",
    ):
        find_model(name, backend)


def test_an_unknown_model_names_the_nearest():
    with pytest.raises(
        UnknownName, match=r"^no pytorch model is called 'resnet5O'\. Did you mean 'resnet50'\? Known: alex"
    ):
        find_model("resnet5O", "pytorch")


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_names_of_a_backend_can_all_be_found_there(backend):
    found = names(backend)
    assert found == sorted(found)
    assert [find_model(name, backend).name for name in found] == found


# Recipes


def spec_of(model: str, situation: str, backend: str = "pytorch") -> Spec:
    values = {
        "head": (True, True, 0), "head first": (False, True, 1), "finetune": (False, True, 0), "scratch": (False, False, 0),
    }[situation]  # fmt: skip
    names = ("model.freeze_base", "model.pretrained", "training.head_epochs")
    return Spec().replace({"backend": backend, "model.name": model, **dict(zip(names, values, strict=True))})


@pytest.mark.parametrize("situation_name", ["head", "head first", "finetune", "scratch"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_every_network_finds_a_recipe_in_every_situation(backend, situation_name):
    for name in names(backend):
        asked = spec_of(name, situation_name, backend)
        assert recipe(asked).situation == situation_name
        assert resolve(asked).training.optimizer.params["learning_rate"] == recipe(asked).learning_rate


def test_own_weights_are_finetuned_too():
    spec = spec_of("resnet18", "scratch")
    assert situation(spec) == "scratch"
    assert situation(spec.replace({"model.weights_path": ["w.pth"]})) == "finetune"


@pytest.mark.parametrize(("model", "size"), [("resnet18", 224), ("inception_v3", 299), ("efficientnet_b3", 300)])
def test_resolve_fills_everything_in(model, size):
    spec = resolve(Spec().replace({"model.name": model}))
    assert (spec.data.input_size, spec.data.batch_size, spec.data.workers) == (size, 16, decoders())
    chosen_names = [spec.get(f"training.{part}").name for part in ("optimizer", "schedule", "loss")]
    assert chosen_names == ["adam", "cosine_decrease", "softmax_crossentropy"]


def test_resolve_leaves_what_the_user_set():
    sgd = OPTIMIZERS["sgd"].choose("pytorch", {"learning_rate": 0.3})
    changes = {"data.input_size": 64, "data.batch_size": 3, "data.workers": 1, "training.optimizer": sgd}
    resolved = resolve(Spec().replace(changes))
    assert {path: resolved.get(path) for path in changes} == changes


def test_resolving_twice_gives_the_same():
    assert resolve(Spec()) == resolve(Spec())


def test_what_is_resolved_has_a_value_everywhere():
    """Parameters of a choice are those of its framework, some of which take None."""

    def values(model):
        for name in type(model).model_fields:
            value = getattr(model, name)
            yield from values(value) if isinstance(value, BaseModel) and not isinstance(value, Choice) else [value]

    for changes in ({}, {"data.batch_size": "auto"}, {"data.sources": [{"path": "d", "csv": "t"}]}):
        assert None not in list(values(resolve(Spec().replace(changes))))
    fields = [(m, n) for m in (Resolved, ResolvedData, ModelSpec, ResolvedTraining) for n in m.model_fields]
    assert [n for m, n in fields if type(None) in get_args(m.model_fields[n].annotation)] == []


def test_what_a_run_computed_with_stands_although_the_recipe_is_another_now(monkeypatch):
    asked = Spec().replace({"data.input_size": 64})
    stored = resolve(asked).replace({"data.batch_size": 7, "training.optimizer.params.learning_rate": 0.5})
    again = resolve(asked.replace({"training.epochs": 3}), stored)
    assert (again.data.input_size, again.data.batch_size, again.training.epochs) == (64, 7, 3)
    assert again.training.optimizer.params["learning_rate"] == 0.5


def test_the_number_of_processors_is_this_machines_whatever_was_asked_for(monkeypatch):
    many = resolve(Spec()).replace({"data.workers": 512})
    assert resolve(Spec(), many).data.workers == decoders()
    assert resolve(Spec().replace({"data.workers": 512})).data.workers == cpu_count()
    assert resolve(Spec().replace({"data.workers": 1})).data.workers == 1


def test_images_with_several_labels_are_trained_with_a_loss_that_allows_them():
    several = {"data.sources": [{"path": "d", "csv": "t", "label_delimiter": "|"}]}
    assert resolve(Spec().replace(several)).training.loss.name == "sigmoid_binary_crossentropy"


def test_default_normalizes_as_the_pretrained_weights_of_the_network_want_it():
    assert default_transforms("pytorch", "efficientnet_v2_l").val[0].params["mean"] == (0.5, 0.5, 0.5)
    assert default_transforms("pytorch", "resnet18").val[0].params["mean"] == (0.485, 0.456, 0.406)


def test_where_a_backend_has_not_the_optimizer_of_the_recipe_adam_takes_its_place(monkeypatch):
    monkeypatch.setattr(recipes_module, "RECIPES", tuple(r for r in RECIPES if r.optimizer == "adamw")[-1:])
    monkeypatch.setattr(recipes_module, "recipe", lambda spec: recipes_module.RECIPES[0])
    lacking = replace(OPTIMIZERS["adamw"], cells={"pytorch": "torch.optim.AdamW"})
    monkeypatch.setitem(OPTIMIZERS, "adamw", lacking)
    assert resolve(spec_of("resnet18", "scratch", "mxnet")).training.optimizer.name == "adam"
    assert resolve(spec_of("resnet18", "scratch", "pytorch")).training.optimizer.name == "adamw"


@pytest.mark.parametrize("row", RECIPES, ids=lambda r: f"{r.situation}-{'-'.join(r.families) or 'any'}")
def test_every_recipe_is_used_and_says_why_and_where_from(row):
    used = {recipe(spec_of(name, row.situation)) for name in names("pytorch")}
    assert row in used
    assert row.reason
    assert row.source


def test_a_recipe_names_only_families_that_exist():
    assert {family for r in RECIPES for family in r.families} <= {m.family for m in MODELS.values()}


@pytest.mark.parametrize("backend", BACKENDS)
def test_validation_and_test_images_are_never_augmented_by_default(backend):
    chains = default_transforms(backend)
    assert [c.name for c in chains.train] == ["random_horizontal_flip", "normalize"]
    assert [c.name for c in (*chains.val, *chains.test)] == ["normalize", "normalize"]
