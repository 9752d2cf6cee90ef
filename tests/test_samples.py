"""Show_Samples: images with their labels, as they are trained or decoded, in one picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tiny_networks import build_tiny

from monklite import Prototype
from monklite.errors import InvalidType, InvalidValue, NotReady
from monklite.reports import charts
from monklite.training.samples import samples

pytestmark = pytest.mark.renders


@pytest.fixture
def ptf(patterns: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: str) -> Any:
    build_tiny(monkeypatch, backend)
    made = Prototype("p", "e", backend=backend, workspace=tmp_path, verbose=0)
    made.Dataset_Params(dataset_path=patterns, split=0.67, input_size=32, batch_size=6, num_processors=1)
    made.apply_random_horizontal_flip(1.0, train=True)
    made.apply_normalize(train=True, val=True, test=True)
    model = {"pytorch": "resnet18", "mxnet": "resnet18_v1"}[backend]
    made.Model_Params(model_name=model, freeze_base_network=False, use_pretrained=False)
    return made


def test_a_picture_is_drawn_into_the_logs_of_the_run(ptf: Any) -> None:
    ptf.Dataset()
    sizes = []
    for subset, n, augmented in (("train", 4, True), ("val", 7, True), ("train", 9, False)):
        path = Path(ptf.Show_Samples(n, augmented, subset))
        assert path == ptf._experiment.run.logs / f"samples-{subset}.png"
        with Image.open(path) as picture:
            sizes.append(picture.size)
            assert len(picture.convert("RGB").getcolors(1 << 20)) > 100
    assert sizes[0][1] < sizes[1][1]


def test_images_are_as_trained_or_as_decoded(ptf: Any) -> None:
    ptf.Dataset()
    data, task = ptf._experiment.data, ptf._experiment.data.samples.task
    learner = ptf._experiment.build()
    trained, texts = samples(data.train, task, 10, learner)
    decoded, same_texts = samples(data.train, task, 10)
    assert len(trained) == len(texts) == 10 and texts == same_texts
    for one, other in zip(trained, decoded, strict=True):
        assert np.array_equal(one[:, ::-1], other)
    batch = next(data.train.epoch())
    assert texts[:6] == [task.text(label) for label in batch.labels]
    # validation images are sorted, and shown from all over
    assert len(set(samples(data.val, task, 8)[1])) == 3


def test_mixed_images_have_both_labels(ptf: Any) -> None:
    ptf.update_cutmix(1)
    ptf.Dataset()
    _, texts = samples(ptf._experiment.data.train, ptf._experiment.data.samples.task, 24, ptf._experiment.build())
    mixed = [text for text in texts if "%" in text]
    assert mixed and all(text.count("%") == 2 for text in mixed)
    for text in mixed:
        first, second = (int(part.split()[1].rstrip("%")) for part in text.split(", "))
        assert first >= second and first + second == pytest.approx(100, abs=1)


def test_what_is_wrong_is_said(ptf: Any) -> None:
    with pytest.raises(InvalidValue, match="n must be a whole number at least 1 and at most 100"):
        ptf.Show_Samples(0)
    with pytest.raises(InvalidType, match="augmented must be True or False"):
        ptf.Show_Samples(augmented="yes")
    with pytest.raises(InvalidValue, match="subset must be one of 'train', 'val'"):
        ptf.Show_Samples(subset="test")
    empty = Prototype("p", "empty", workspace=ptf._opened.workspace.root, verbose=0)
    with pytest.raises(NotReady, match="no dataset yet"):
        empty.Show_Samples()


def test_any_name_is_drawn() -> None:
    images = [np.full((8, 8, 3), 90, np.uint8)] * 4
    names = [
        "$x_1$",
        "a very long name of a class that nobody would write, " * 3,
        "\u4e2d\u6587",
        "no label",
    ]
    figure, again = (charts.pictures("Title", images, names) for _ in range(2))
    assert charts.as_png(figure) == charts.as_png(again)
    assert figure.axes[0].get_title() == "$x_1$"
