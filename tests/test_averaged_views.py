"""Test-time augmentation: which pictures of an image are judged, and that its scores are their mean on both backends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from test_features import experiment
from tiny_networks import build_tiny

from monklite import Prototype
from monklite.averaged_views import averaged, views
from monklite.data.augment import Draws
from monklite.errors import InvalidType, InvalidValue
from monklite.runs.workspace import Workspace
from monklite.tasks import MultiLabel, SingleLabel

# `tiny_networks` builds a head of the first one's name
MODELS = {"pytorch": "squeezenet1_1", "mxnet": "resnet18_v1"}
N = 3
PLAIN = Draws(8, (0.0,) * 3, (1.0,) * 3)
MATRIX = np.array([[[0.5, 0, 0.1], [0, 0.5, 0]]] * N, np.float32)


def test_the_first_views_are_the_image_and_its_mirror_image() -> None:
    own, mirrored, *parts = views(PLAIN, N, 4)
    assert own is PLAIN
    assert mirrored.flip_x.tolist() == [True] * N and mirrored.matrix is None
    assert len(parts) == 3
    assert all(part.matrix.shape == (N, 2, 3) and part.matrix.dtype == np.float32 for part in parts)
    # the same part of each image, another one in each view, in each call the same
    assert all((part.matrix == part.matrix[0]).all() for part in parts)
    assert len({part.matrix.tobytes() for part in parts}) == 3
    again = list(views(PLAIN, N, 4))
    assert [p.matrix.tobytes() for p in again[2:]] == [p.matrix.tobytes() for p in parts]
    for part in parts:
        corners = part.matrix[0] @ np.array([(-1, 1), (-1, 1), (1, 1)])
        assert np.abs(corners).max() <= 1 + 1e-6
        assert 0.6 <= abs(np.linalg.det(part.matrix[0][:, :2])) <= 1


def test_resampled_images_are_mirrored_in_their_matrix() -> None:
    draws = Draws(8, (0.0,) * 3, (1.0,) * 3, matrix=MATRIX)
    _, mirrored = views(draws, N, 1)
    assert mirrored.matrix[0].tolist() == (MATRIX[0] @ np.diag((-1, 1, 1))).astype(np.float32).tolist()
    flipped = Draws(8, (0.0,) * 3, (1.0,) * 3, flip_x=np.array([True, False, True]))
    assert next(v for v in list(views(flipped, N, 1))[1:]).flip_x.tolist() == [False, True, False]


@pytest.mark.parametrize("task", [SingleLabel(("a", "b", "c")), MultiLabel(("a", "b", "c"))], ids=lambda t: t.name)
def test_scores_are_the_mean_of_those_of_the_views(task) -> None:
    rng = np.random.default_rng(0)
    logits = {number: rng.normal(0, 3, (N, 3)).astype(np.float32) for number in range(4)}
    asked: list[Draws] = []

    def logits_of(draws: Draws) -> np.ndarray:
        asked.append(draws)
        return logits[len(asked) - 1]

    found = averaged(logits_of, PLAIN, N, 3, task)
    assert len(asked) == 4 and found.dtype == np.float32
    wanted = np.mean([task.scores(given) for given in logits.values()], axis=0)
    assert task.scores(found) == pytest.approx(wanted, abs=1e-6)
    asked.clear()
    assert averaged(logits_of, PLAIN, N, 0, task) is logits[0]
    # scores of exactly 0 and 1
    logits[0][:] = logits[1][:] = (1e5, -1e5, -1e5)
    asked.clear()
    assert np.isfinite(averaged(logits_of, PLAIN, N, 1, task)).all()


def test_infer_and_evaluate_average_over_views(
    patterns: Path, tmp_path: Path, monkeypatch, capsys, backend: str
) -> None:
    build_tiny(monkeypatch, backend)
    experiment(tmp_path, patterns, "e", backend, epochs=1, model=MODELS[backend]).Train()
    judge = Prototype("p", "e", backend=backend, eval_infer=True, workspace=tmp_path, verbose=1)
    image = str(patterns / "dots" / "dots-000.png")
    one, mirrored = (
        np.array(list(judge.Infer(img_name=i, return_raw=True)["raw"].values())) for i in (image, flipped(image))
    )
    both = judge.Infer(img_name=image, return_raw=True, tta=1)
    task = judge._evaluation.predictor.task
    mean = task.scores(np.stack([one, mirrored])).mean(axis=0)
    assert both["score"] == pytest.approx(mean.max(), abs=1e-5)
    assert judge.Infer(img_name=image, tta=3) == judge.Infer(img_name=image, tta=3)
    listed = judge.Infer(img_name=[image, image], tta=3)
    assert listed[0]["score"] == pytest.approx(judge.Infer(img_name=image, tta=3)["score"], abs=1e-5)
    assert list(judge.Infer(img_dir=str(patterns / "dots"), stream=True, tta=1))[0]["score"] == pytest.approx(
        both["score"], abs=1e-5
    )
    judge.Dataset_Params(dataset_path=patterns)
    judge.Dataset()
    judge.Evaluate(tta=2)
    assert "scores averaged over:    each image and 2 views of it" in capsys.readouterr().out
    assert Workspace(tmp_path).find("p", "e").state().testing.views == 2
    judge.Evaluate()
    assert Workspace(tmp_path).find("p", "e").state().testing.views == 0


def flipped(path: str) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.open(path).convert("RGB"))[:, ::-1]


@pytest.mark.parametrize(
    ("value", "error"), [(-1, InvalidValue), (65, InvalidValue), (1.5, InvalidType), (True, InvalidType)]
)
def test_wrong_numbers_are_refused(
    patterns: Path, tmp_path: Path, monkeypatch, value: object, error: type[Exception]
) -> None:
    build_tiny(monkeypatch, "pytorch")
    experiment(tmp_path, patterns, "e", epochs=1, model=MODELS["pytorch"]).Train()
    judge = Prototype("p", "e", eval_infer=True, workspace=tmp_path, verbose=0)
    for call in (judge.Evaluate, lambda tta: judge.Infer(img_name="x.png", tta=tta)):
        with pytest.raises(error, match="tta must be a whole number at least 0 and at most 64"):
            call(tta=value)
