"""Settings at the ends of what is accepted, trained for one step: trained, or refused in words."""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from extreme_settings import Call, Extreme, more_settings, settings
from hostile_runs import sampled
from tiny_networks import build_tiny
from whole import WHOLE

from monklite import Prototype
from monklite.errors import MonkliteError
from monklite.records import EpochRow
from monklite.testing.datasets import draw_patterns
from monklite.training.engine import Handler, Loop, Stopped
from monklite.training.progress import Progress

MODELS = {"pytorch": "squeezenet1_1", "mxnet": "squeezenet1.1"}
# of the settings, in the quick suite; prime, so that both ends of parameters and all tables are met
STRIDE = 17
# of the settings of a tiny network, and of those the ones that are trained with all files and charts
TINY_STRIDE, FILES_STRIDE = 317, 40


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_patterns(tmp_path_factory.mktemp("images"), {"dots": 4, "rings": 4}, side=32)


class TwoEpochs(Handler):
    """Stops after two epochs, however many are asked for."""

    def epoch_end(self, loop: Loop, row: EpochRow) -> None:
        loop.stop = row.epoch >= 2


def train(ptf: Prototype, start: Path) -> None:
    """Two epochs of one step from the same weights, and all that would be written; without the files and charts of `Train`."""
    data, learner = ptf._experiment.refresh()
    training = ptf._experiment.resolved().training
    learner.load_weights(start)
    learner.refresh(ptf._experiment.resolved())
    rate = training.optimizer.params["learning_rate"]
    told: list[str] = []
    handlers = [TwoEpochs(), Progress(told.append, bar=False, lines=False)]
    loop = Loop(
        learner, data.train, data.val, training.epochs, rate, training.schedule, handlers, None, training.early_stopping
    )
    with contextlib.suppress(Stopped):
        loop.run()
    learner.capture({})
    learner.capture_weights()
    for row in loop.history:
        is_told = any(f"the validation loss of epoch {row.epoch} is" in text for text in told)
        assert math.isfinite(row.train_loss) and math.isfinite(row.val_loss) != is_told, "a loss that is not told"


def train_with_files(ptf: Prototype) -> None:
    """As a user trains."""
    if ptf._experiment.resolved().training.epochs > 2:
        ptf.update_num_epochs(2)
    ptf.Train()


def check(extremes: Iterable[Extreme], backend: str, images: Path, files_stride: int = 10**9) -> None:
    ptf = Prototype("p", "e", backend=backend, verbose=0)
    ptf.Default(images, model_name=MODELS[backend], use_pretrained=False, freeze_base_network=False, num_epochs=2)
    ptf.update_input_size(32)
    start = Path("start")
    ptf._experiment.refresh()[1].capture_weights().write(start)
    before, outcomes, raw = ptf._experiment.asked, {"trained": 0, "refused": 0}, []
    reasons: Counter[str] = Counter()
    for number, extreme in enumerate(extremes, 1):
        ptf._experiment.change({name: getattr(before, name) for name in ("seed", "training", "data", "model")})

        try:
            for call in extreme.calls:
                getattr(ptf, call.method)(**call.arguments)
            train(ptf, start)
            if number % files_stride == 0:
                train_with_files(ptf)
            outcomes["trained"] += 1
        except MonkliteError as error:
            outcomes["refused"] += 1
            reasons[str(error)[:70]] += 1
            if len(str(error)) > 500:
                raw.append(f"{extreme}: {len(str(error))} characters: {error}")
        except Exception as error:
            raw.append(f"{extreme}: {type(error).__name__}: {str(error)[:200]}")
    print(f"\n{backend}: {sum(outcomes.values()) + len(raw)} extreme settings, {outcomes}, {len(raw)} raw", flush=True)
    if WHOLE:
        print("\n".join([*(f"{n} {reason}" for reason, n in reasons.most_common()), *raw]), flush=True)
    assert not raw, "\n".join(raw)


def test_some_extreme_settings_train_or_are_refused_in_words(workspace: Path, images: Path, backend: str) -> None:
    check(list(settings(backend))[::STRIDE], backend, images)


@pytest.mark.slow
def test_more_extreme_settings_train_or_are_refused_in_words(workspace: Path, images: Path, backend: str) -> None:
    check(list(settings(backend))[5::27], backend, images)


def test_extreme_settings_of_a_tiny_network(
    workspace: Path, images: Path, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All ends, the values between them, and pairs: a sample, and all of them with `MONKLITE_TESTS=whole`."""
    build_tiny(monkeypatch, backend)
    every = (*settings(backend), *more_settings(backend))
    check(sampled(every, TINY_STRIDE), backend, images, FILES_STRIDE)


# failed with an error of torch's own or a warning of NumPy's, or ended with a validation loss of NaN and without a word
FELL = {
    "pytorch": [
        ("optimizer_adamax", {"learning_rate": 1e30, "beta1": 1 - 2**-53}),
        ("optimizer_adamax", {"learning_rate": 1e30, "clipnorm": 0}),
        ("optimizer_nesterov_sgd", {"learning_rate": 1e30, "momentum": 1 - 2**-53}),
        ("optimizer_adadelta", {"learning_rate": 5e29}),
        ("lr_cosine_decrease", {"min_lr": 1e30}),
        ("apply_random_resized_crop", {"input_size": 32, "ratio": [5e-324, 5e-324], "train": True}),
    ],
    "mxnet": [
        ("optimizer_rmsprop", {"learning_rate": 1e30, "epsilon": 1e30}),
        ("optimizer_adagrad", {"learning_rate": 1e30, "epsilon": 1e30}),
        ("lr_cosine_decrease", {"min_lr": 5e29}),
    ],
}


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_settings_that_fell(workspace: Path, images: Path, backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    build_tiny(monkeypatch, backend)
    check([Extreme((Call(method, arguments),)) for method, arguments in FELL[backend]], backend, images)
