"""Settings at the ends of what is accepted, trained for one step: trained, or refused in words."""

from __future__ import annotations

from pathlib import Path

import pytest
from extremes import Extreme, settings

from monklite import Prototype
from monklite.errors import MonkliteError
from monklite.testing.datasets import draw_patterns
from monklite.training.engine import Loop

MODELS = {"pytorch": "squeezenet1_1", "mxnet": "squeezenet1.1"}
# of the settings, in the quick suite; prime, so that both ends of parameters and all tables are met
STRIDE = 17


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_patterns(tmp_path_factory.mktemp("images"), {"dots": 4, "rings": 4}, side=32)


def train(ptf: Prototype, start: Path) -> None:
    """Two epochs of one step from the same weights, and all that would be written; without the files and charts of `Train`."""
    data, learner = ptf._experiment.refresh()
    training = ptf._experiment.resolved().training
    learner.load_weights(start)
    learner.refresh(ptf._experiment.resolved())
    rate = training.optimizer.params["learning_rate"]
    Loop(learner, data.train, data.val, training.epochs, rate, training.schedule, handlers=[]).run()
    learner.capture({})
    learner.capture_weights()


def check(extremes: list[Extreme], backend: str, images: Path) -> None:
    ptf = Prototype("p", "e", backend=backend, verbose=0)
    ptf.Default(images, model_name=MODELS[backend], use_pretrained=False, freeze_base_network=False, num_epochs=2)
    ptf.update_input_size(32)
    start = Path("start")
    ptf._experiment.refresh()[1].capture_weights().write(start)
    before, outcomes, raw = ptf._experiment.asked, {"trained": 0, "refused": 0}, []
    for extreme in extremes:
        ptf._experiment.change({"training": before.training, "data": before.data})

        try:
            getattr(ptf, extreme.method)(**extreme.arguments)
            train(ptf, start)
            outcomes["trained"] += 1
        except MonkliteError as error:
            outcomes["refused"] += 1
            if len(str(error)) > 500:
                raw.append(f"{extreme}: {len(str(error))} characters: {error}")
        except Exception as error:
            raw.append(f"{extreme}: {type(error).__name__}: {str(error)[:200]}")
    print(f"\n{backend}: {len(extremes)} extreme settings, {outcomes}, {len(raw)} raw")
    assert not raw, "\n".join(raw)


def test_some_extreme_settings_train_or_are_refused_in_words(workspace: Path, images: Path, backend: str) -> None:
    check(list(settings(backend))[::STRIDE], backend, images)


@pytest.mark.slow
def test_more_extreme_settings_train_or_are_refused_in_words(workspace: Path, images: Path, backend: str) -> None:
    check(list(settings(backend))[5::9], backend, images)
