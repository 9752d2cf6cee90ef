"""The networks of timm, where it is installed; and what is said where it is not."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from monklite import Prototype
from monklite.catalog import models
from monklite.errors import InvalidValue, MissingPackage, PretrainedUnavailable, UnknownName
from monklite.runs.workspace import Workspace
from monklite.spec import ModelSpec

with_timm = pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="timm is not installed")
SMALL = "timm/test_resnet.r160_in1k"


def test_a_missing_package_is_named_with_its_extra(workspace: Path, monkeypatch) -> None:
    monkeypatch.setattr(models, "is_installed", lambda package: False)
    with pytest.raises(MissingPackage, match=r'timm/resnet18 needs timm: pip install "monklite\[timm\]"'):
        Prototype("p", "e", verbose=0).Model_Params(model_name="timm/resnet18")


def test_only_one_backend_has_them(workspace: Path) -> None:
    with pytest.raises(InvalidValue, match="the mxnet backend has no networks of timm; use backend='pytorch'"):
        Prototype("p", "e", backend="mxnet", verbose=0).Model_Params(model_name="timm/resnet18")
    with pytest.raises(UnknownName, match="no pytorch model is called 'tim/resnet18'"):
        Prototype("p", "e", verbose=0).Model_Params(model_name="tim/resnet18")


@with_timm
def test_size_normalization_and_head_are_those_of_timm() -> None:
    found = models.network_row(ModelSpec(name="timm/vit_tiny_patch16_224"), "pytorch")
    assert (found.input_size, found.heads["pytorch"], found.fixed_size) == (224, ("head",), ("pytorch",))
    assert found.normalization.mean == (0.5, 0.5, 0.5)
    with pytest.raises(UnknownName, match="Did you mean 'resnet18"):
        models.network_row(ModelSpec(name="timm/resnet_18"), "pytorch")


@with_timm
def test_a_network_of_timm_is_trained_and_opened_again(workspace: Path, patterns: Path) -> None:
    ptf = Prototype("p", "e", verbose=0)
    ptf.Default(patterns, model_name=SMALL, use_pretrained=False, num_epochs=1)
    assert ptf._experiment.resolved().data.input_size == 160
    assert [n for n, p in ptf.model.named_parameters() if p.requires_grad] == ["fc.weight", "fc.bias"]
    ptf.update_input_size(64)
    ptf.Fine_Tune(1)
    assert Workspace().find("p", "e").state().results.epochs_completed == 2
    opened = Prototype("p", "e", eval_infer=True, verbose=0)
    assert opened.Infer(img_name=patterns / "dots" / "dots-003.png")["predicted_class"] in ("dots", "rings", "stripes")


@with_timm
def test_weights_that_cannot_be_fetched_are_explained(workspace: Path, patterns: Path, monkeypatch) -> None:
    import timm

    create = timm.create_model

    def offline(name: str, pretrained: bool = False, **options: object) -> object:
        if pretrained:
            raise OSError("no route to the hub")
        return create(name, **options)

    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(PretrainedUnavailable, match="no route to the hub.*use_pretrained=False"):
        Prototype("p", "e", verbose=0).Default(patterns, model_name=SMALL)
