"""`Choose`: what is looked at and left out, the time, what goes on, ensembles, and what is said about luck."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_networks import build_tiny

from monklite import Ensemble, Prototype
from monklite.backends.mxnet import network as gluon_network
from monklite.backends.pytorch import network as torch_network
from monklite.catalog.candidates import CANDIDATES, Candidate, candidates
from monklite.catalog.model_table import MODELS
from monklite.durations import in_seconds
from monklite.errors import InvalidType, InvalidValue, PretrainedUnavailable, TrainingFailed, UnknownName
from monklite.figures import Estimate
from monklite.runs.workspace import Workspace
from monklite.statistics import loss_difference, selection_bias
from monklite.statistics.units import Units
from monklite.sweeps.choosing import choose as choosing
from monklite.sweeps.choosing import result
from monklite.sweeps.choosing.budget import Budget
from monklite.sweeps.choosing.setup import NONE, OWN, Setup
from monklite.sweeps.choosing.speed import Speed
from monklite.sweeps.choosing.tried import LOOK, Tried
from monklite.tasks import task_of

NETWORKS = {"pytorch": ["squeezenet1_1", "squeezenet1_0"], "mxnet": ["squeezenet1_1", "squeezenet1_0"]}
MISSING = "squeezenet1_0"


@pytest.fixture
def tiny(backend: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A backend whose networks are tiny, in looks, tries and trainings of one or two epochs."""
    build_tiny(monkeypatch, backend)
    for name in ("LOOK_EPOCHS", "TRY_EPOCHS"):
        monkeypatch.setattr(choosing, name, 1)
    monkeypatch.setattr(choosing, "HEAD_EPOCHS", 2)
    monkeypatch.setattr(choosing, "SIZES", ())
    monkeypatch.setattr(choosing, "EPOCHS", ((float("inf"), 2),))
    yield backend


def opened(backend: str, patterns: Path, name: str = "e") -> Any:
    ptf = Prototype("p", name, backend=backend, verbose=0)
    ptf.Dataset_Params(dataset_path=str(patterns), split=0.6, batch_size=8)
    return ptf


def with_weights_of_all_but_one(backend: str, patch: pytest.MonkeyPatch) -> None:
    """Pretrained weights are those of a tiny network, and one network has none."""
    if backend == "mxnet":

        def load(network: Any, row: Any, size: int) -> str:
            if row.name == MISSING:
                raise PretrainedUnavailable("the pretrained weights of squeezenet1_0 could not be downloaded")
            return "ImageNet (test)"

        patch.setattr(gluon_network, "_load_pretrained", load)
        return

    def pretrained(row: Any, size: int) -> Any:
        if row.name == MISSING:
            raise PretrainedUnavailable("the pretrained weights of squeezenet1_0 could not be downloaded")
        return torch_network._random(row, size)

    patch.setattr(torch_network, "_pretrained", pretrained)


def states(workspace: Path, experiment: str) -> list[Any]:
    return [run.state() for run in Workspace(workspace).versions("p", experiment)]


@pytest.mark.slow
def test_networks_are_looked_at_tried_and_the_best_is_trained(
    tiny: str, patterns: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_weights_of_all_but_one(tiny, monkeypatch)
    monkeypatch.setattr(choosing, "SIZES", (0.58,))
    ptf = opened(tiny, patterns)
    choice = ptf.Choose("10min", networks=NETWORKS[tiny], test=str(patterns), rates=(3.0,))
    stages = [row["stage"] for row in choice.table]
    # squeezenet1_0 is left out; another size of the other one; one network tried in four ways
    assert stages == ["look"] * 3 + ["try"] * 4 + ["chosen"]
    left_out = [tried for tried in choice.tried if tried.run is None]
    assert [tried.setup.network for tried in left_out] == [MISSING]
    assert "could not be downloaded" in left_out[0].reason and left_out[0].figure is None
    assert any(MISSING in reason and "could not be downloaded" in reason for reason in choice.reasons)
    looks = states(workspace, "e-looks")
    assert [state.status for state in looks] == ["done"] * 2
    assert all(state.asked.model.freeze_base and state.asked.model.pretrained for state in looks)
    assert [state.asked.model.freeze_base for state in states(workspace, "e-tries")] == [False] * 4
    assert sorted(state.asked.data.input_size for state in looks) == [128, 224]
    (chosen,) = states(workspace, "e-chosen")
    assert choice.run is not None and choice.run.folder.parent.name == "e-chosen"
    assert chosen.asked.training.epochs == choice.epochs == 2
    # every other one says why it was not taken
    assert all(
        row["why not"] for row, tried in zip(choice.table, choice.tried, strict=True) if tried.setup != choice.setup
    )
    # the chosen run is open, and was evaluated
    assert ptf.Infer(img_name=str(next((patterns / "dots").iterdir())))["predicted_class"] in (
        "dots",
        "rings",
        "stripes",
    )
    assert chosen.testing is not None and chosen.testing.num_images == 36
    html = choice._repr_html_()
    assert "What was tried" in html and "squeezenet1_1" in html and choice.seconds < 600

    again = opened(tiny, patterns).Choose("10min", networks=NETWORKS[tiny], rates=(3.0,))
    done = [[s.status for s in states(workspace, f"e-{name}")].count("done") for name in ("looks", "tries", "chosen")]
    assert done == [2, 4, 1]
    assert again.run is not None and again.run.folder == choice.run.folder and again.seconds > choice.seconds


def test_without_any_weights_nothing_is_trained_and_the_error_says_where_they_belong(
    tiny: str, patterns: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_weights_of_all_but_one(tiny, monkeypatch)
    with pytest.raises(PretrainedUnavailable, match="none of the 1 networks .* could not be downloaded"):
        opened(tiny, patterns).Choose("10min", networks=[MISSING])
    assert [state.status for state in states(workspace, "e-looks")] == ["new"]


@pytest.mark.parametrize("backend", ["mxnet"])
def test_stopped_it_goes_on_without_repeating_what_was_done(
    tiny: str, patterns: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from monklite.training.engine import Loop

    given: dict[str, Any] = {"networks": NETWORKS[tiny], "use_pretrained": False, "rates": ()}
    usual, begun = Loop.run, []

    def run(loop: Loop) -> None:
        begun.append(loop)
        if len(begun) == 3:
            raise KeyboardInterrupt
        usual(loop)

    monkeypatch.setattr(Loop, "run", run)
    with pytest.raises(KeyboardInterrupt):
        opened(tiny, patterns).Choose("10min", **given)
    assert [state.status for state in states(workspace, "e-looks")] == ["done", "done"]
    assert [state.status for state in states(workspace, "e-tries")] == ["interrupted"]
    (file,) = (workspace / "p" / "e-looks").glob("choosing-*.json")
    spent = json.loads(file.read_text())["spent"]
    assert spent > 0
    choice = opened(tiny, patterns).Choose("10min", train=False, **given)
    assert [state.status for state in states(workspace, "e-looks")] == ["done", "done"]
    # two networks, then two ways to vary the images; the one that was stopped was resumed, or begun anew
    assert [state.status for state in states(workspace, "e-tries")].count("done") == 4
    assert choice.run is None and choice.seconds > spent and choice.epochs == 2
    assert "To be trained" in " ".join(choice.reasons) and not states(workspace, "e-chosen")


@pytest.mark.parametrize("backend", ["mxnet"])
def test_with_no_time_the_cheapest_is_looked_at_and_is_the_result(tiny: str, patterns: Path, workspace: Path) -> None:
    choice = opened(tiny, patterns).Choose("0.01s", networks=NETWORKS[tiny], use_pretrained=False)
    assert [tried.run is not None for tried in choice.tried] == [True, *[False] * (len(choice.tried) - 1)]
    assert choice.run is not None and choice.run.folder.parent.name == "e-looks"
    assert "no time" in " ".join(choice.reasons) and "would take about" in choice.table[1]["why not"]


@pytest.mark.parametrize("backend", ["pytorch"])
def test_a_training_that_time_cut_short_is_trained_whole_where_there_is_more(
    tiny: str, patterns: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {"networks": NETWORKS[tiny][:1], "use_pretrained": False, "rates": ()}
    monkeypatch.setattr(choosing, "TRY_EPOCHS", 2)
    # an epoch takes longer than what is left
    with monkeypatch.context() as patch:
        patch.setattr(Budget, "left", lambda budget, share=1.0: 0.0)
        opened(tiny, patterns).Choose("10min", train=False, **given)
        (state,) = states(workspace, "e-looks")
        assert state.tags == ("ended early for 600 s",) and state.results.epochs_completed == 1
        opened(tiny, patterns).Choose("10min", train=False, **given)
        assert len(states(workspace, "e-looks")) == 1
    opened(tiny, patterns).Choose("11min", train=False, **given)
    assert [state.results.epochs_completed for state in states(workspace, "e-looks")] == [1, 2]
    opened(tiny, patterns).Choose("11min", train=False, **given)
    assert len(states(workspace, "e-looks")) == 2


@pytest.mark.parametrize("backend", ["pytorch"])
def test_many_images_are_looked_at_as_a_share(
    tiny: str, patterns: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, "_share", lambda *_: 0.5)
    choice = opened(tiny, patterns).Choose("10min", networks=NETWORKS[tiny][:1], use_pretrained=False, rates=())
    looks, (chosen,) = states(workspace, "e-looks"), states(workspace, "e-chosen")
    assert {state.dataset.train_images + state.dataset.val_images for state in looks} == {18}
    assert chosen.dataset.train_images + chosen.dataset.val_images == 36
    assert "at 50% of the images" in choice.reasons[0]


@pytest.mark.parametrize("backend", ["pytorch"])
def test_the_users_augmentation_stays(tiny: str, patterns: Path, workspace: Path) -> None:
    ptf = opened(tiny, patterns)
    ptf.apply_random_vertical_flip(train=True)
    choice = ptf.Choose("10min", networks=NETWORKS[tiny][:1], use_pretrained=False, rates=())
    assert {tried.setup.varied for tried in choice.tried if tried.stage != LOOK} <= {NONE, OWN}
    (tried,) = states(workspace, "e-tries")
    assert [row.name for row in tried.asked.data.transforms.train] == ["random_vertical_flip", "normalize"]


@pytest.mark.parametrize("backend", ["pytorch"])
def test_an_ensemble_predicts_by_the_mean_of_its_members(tiny: str, patterns: Path, workspace: Path) -> None:
    opened(tiny, patterns).Choose("10min", networks=NETWORKS[tiny], use_pretrained=False, train=False, rates=())
    places = [["p", "e-looks", 1], ("p", "e-looks", 2)]
    ensemble, images = Ensemble(places, verbose=0), sorted((patterns / "dots").iterdir())[:3]
    single = []
    for place in places:
        ptf = Prototype(*place[:2], backend=tiny, eval_infer=True, version=place[2], verbose=0)
        single.append(ptf.Infer(img_name=str(images[0]), return_raw=True)["raw"])
    powers = [np.exp(np.array([*raw.values()])) for raw in single]
    mean = np.mean([power / power.sum() for power in powers], axis=0)
    answer = ensemble.Infer(img_name=str(images[0]))
    assert isinstance(answer, dict) and answer["score"] == pytest.approx(mean.max(), abs=1e-5)
    assert answer["predicted_class"] == [*single[0]][int(mean.argmax())]
    several = ensemble.Infer(img_name=[str(image) for image in images])
    assert [one["img_name"] for one in several] == [str(image) for image in images]
    evaluated = ensemble.Evaluate(str(patterns))
    right = sum(
        one["predicted_class"] == name
        for name in ("dots", "rings", "stripes")
        for one in ensemble.Infer(img_dir=str(patterns / name))
    )
    assert evaluated[0] == pytest.approx(100 * right / 36)


def test_wrong_arguments_are_refused(patterns: Path, workspace: Path) -> None:
    ptf = opened("pytorch", patterns)
    for value, error in ((30, InvalidType), ("soon", InvalidValue), ("0min", InvalidValue), ("", InvalidValue)):
        with pytest.raises(error, match="time must be a time with its unit, such as '30min'"):
            ptf.Choose(value)
    with pytest.raises(UnknownName, match="resnet99"):
        ptf.Choose(networks=["resnet99"])
    with pytest.raises(InvalidValue, match="networks"):
        ptf.Choose(networks=[])
    with pytest.raises(InvalidValue, match="two runs or more"):
        Ensemble([["p", "e"]])
    with pytest.raises(InvalidType, match=r"a run is \[project, experiment\]"):
        Ensemble(["p", "e"])


def test_times_have_units() -> None:
    assert [in_seconds("time", text) for text in ("90s", "30min", " 1h 30min ", "0.5h")] == [90, 1800, 5400, 1800]


def test_candidates_are_in_the_table_cheapest_first() -> None:
    assert [c.name for c in CANDIDATES if c.name not in MODELS] == []
    assert [c.cost for c in CANDIDATES] == sorted(c.cost for c in CANDIDATES)
    assert len(candidates("pytorch")) > 15 and len(candidates("mxnet")) > 10
    assert [c.name for c in candidates("pytorch", ["resnet50", "vgg11", "resnet18"])] == [
        "resnet18",
        "vgg11",
        "resnet50",
    ]


def test_times_are_expected_from_those_that_were_taken() -> None:
    speed = Speed("pytorch", 100)
    small, large = (Setup(Candidate(n, c), 224, False) for n, c in (("resnet18", 1.0), ("resnet50", 3.0)))
    speed.measured(small, 10.0)
    assert speed.look(large, 1.0) == pytest.approx(30) and speed.look(small, 0.5) == pytest.approx(5)
    # the median of what was seen replaces the measurement, and the start of a training is added
    speed.done(Tried(LOOK, small, epochs=8, seconds=20, n_images=100), wall=24)
    assert speed.look(large, 1.0) == pytest.approx(4 + 60)
    whole = Setup(Candidate("resnet18", 1.0), 448, True)
    assert speed.epoch(whole, 1.0) == pytest.approx(3 * 20 * 4)
    speed.done(Tried("try", whole, epochs=2, seconds=100, n_images=50), wall=0)
    assert speed.training(whole, 3) == pytest.approx(4 + 3 * 100)


def test_the_best_of_many_that_guess_is_corrected_to_a_guess() -> None:
    rng = np.random.default_rng(0)
    right = rng.random((60, 40)) < 0.5
    best = right.mean(axis=0).max()
    value = selection_bias.corrected(right.astype(float), np.ones(right.shape), Units.of(None, 60)).value
    assert best > 0.6 and abs(value - 0.5) < 0.07
    one = right[:, :1].astype(float)
    assert selection_bias.corrected(one, np.ones(one.shape), Units.of(None, 60)).value == pytest.approx(
        one.mean(), abs=0.02
    )


def test_the_corrected_figure_is_nearly_unbiased_and_its_interval_holds_the_truth() -> None:
    rng, errors, naive, held = np.random.default_rng(3), [], [], 0
    for _ in range(40):
        truth = np.clip(rng.normal(0.7, 0.02, 20), 0, 1)
        right = (rng.random((80, 20)) < truth).astype(float)
        best = int(right.mean(axis=0).argmax())
        found = selection_bias.corrected(right, np.ones(right.shape), Units.of(None, 80))
        errors.append(found.value - truth[best])
        naive.append(right[:, best].mean() - truth[best])
        held += found.low <= truth[best] <= found.high
    assert abs(np.mean(errors)) < 0.02 < 0.06 < np.mean(naive)
    assert held >= 37


def test_the_interval_of_a_gain_is_students_over_the_groups() -> None:
    from scipy import stats

    values = np.random.default_rng(1).normal(0.1, 0.3, 50)
    low, high = loss_difference.interval(values, Units.of(None, 50), 0.05)
    expected = stats.t.interval(0.95, 49, values.mean(), stats.sem(values))
    assert (low, high) == pytest.approx(expected)
    grouped = loss_difference.interval(np.repeat(values[:10], 5), Units.of([f"p{i // 5}" for i in range(50)], 50), 0.05)
    alone = loss_difference.interval(values[:10], Units.of(None, 10), 0.05)
    assert grouped == pytest.approx(alone)
    task = task_of("single", ("a", "b"))
    losses = loss_difference.log_losses(task, np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 0]))
    assert losses == pytest.approx(-np.log([0.9, 0.2]))


def test_a_table_says_why_each_was_not_taken() -> None:
    def tried(name: str, value: float, loss: float = 1.0) -> Tried:
        figure = Estimate(value=value, low=value - 0.1, high=value + 0.1, count=50, method="Wilson")
        setup = Setup(Candidate(name, 1.0), 224, False)
        return Tried(LOOK, setup, None, 8, 1.0, 100, "accuracy", figure, loss)

    best = tried("resnet50", 0.9, 0.5)
    rows = result.with_reasons([best, tried("resnet18", 0.85), tried("resnet34", 0.6), tried("vgg11", 0.9)], best)
    assert rows[0].reason == ""
    assert rows[1].reason.startswith("5.0 points below resnet50") and "less than the interval" in rows[1].reason
    assert rows[2].reason.startswith("30.0 points below resnet50") and "less than" not in rows[2].reason
    assert rows[3].reason == "as good as resnet50, with a higher loss"


@pytest.mark.parametrize("backend", ["pytorch"])
def test_what_cannot_be_trained_at_all_is_told(
    tiny: str, patterns: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from monklite.training.engine import Loop

    def fails(loop: Loop) -> None:
        raise TrainingFailed("the training loss became nan")

    monkeypatch.setattr(Loop, "run", fails)
    with pytest.raises(TrainingFailed, match="no network could be looked at: the training loss became nan"):
        opened(tiny, patterns).Choose("10min", networks=NETWORKS[tiny], use_pretrained=False)


def test_an_ensemble_pays_only_beyond_the_interval() -> None:
    from monklite.sweeps.choosing import ensembles
    from monklite.validated import Validated

    task, rng = task_of("single", ("a", "b", "c")), np.random.default_rng(0)
    labels = rng.integers(0, 3, 200)
    signal = 2.0 * np.eye(3)[labels]

    def predicted(noise: float) -> Validated:
        return Validated(task, (signal + rng.normal(0, noise, (200, 3))).astype(np.float32), labels, None)

    members = (Tried(LOOK, Setup(Candidate("a", 1.0), 224, False)),) * 2
    noisy = [predicted(2.0), predicted(2.0)]
    judged = ensembles._judged(members, noisy[0], noisy, 0.05)
    assert judged.pays and 0 < judged.low < judged.high and judged.gain > 0
    # the same once more adds nothing
    same = ensembles._judged(members, noisy[0], [noisy[0], noisy[0]], 0.05)
    assert not same.pays and same.gain == 0
    worse = ensembles._judged(members, noisy[0], [noisy[0], predicted(20.0)], 0.05)
    assert not worse.pays


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["pytorch"])
def test_images_with_several_labels_are_chosen_for_by_f1(tiny: str, patterns: Path, workspace: Path) -> None:
    images = sorted(path.relative_to(patterns).as_posix() for path in patterns.glob("*/*"))
    rows = [f"{image},{'dots|odd' if i % 2 else image.split('/')[0]}" for i, image in enumerate(images)]
    table = workspace.parent / "labels.csv"
    table.write_text("\n".join(["image,label", *rows]), encoding="utf-8")
    ptf = Prototype("p", "e", backend=tiny, verbose=0)
    ptf.Dataset_Params(dataset_path=str(patterns), path_to_csv=str(table), label_delimiter="|", split=0.6, batch_size=8)
    choice = ptf.Choose("10min", networks=NETWORKS[tiny], use_pretrained=False, rates=())
    assert choice.figure_name == "f1" and "F1, 95 % interval" in choice.table[0]
    assert choice.run is not None and np.isfinite(choice.corrected.value)
    assert choice.reasons[-1].startswith("The best of") and "without the luck of that choice" in choice.reasons[-1]
    assert any("ensemble" in reason or "The mean of the scores" in reason for reason in choice.reasons)
