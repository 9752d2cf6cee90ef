"""The precision that `"auto"` takes, on processors whose units and speeds are known."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from test_experiment import interrupted
from test_prototype import expert, state

from monklite import Prototype, backends
from monklite.backends.base import Candidates
from monklite.backends.pytorch import device
from monklite.catalog import resolve
from monklite.errors import InvalidValue, OutOfMemory
from monklite.records import MEASURED_PRECISION
from monklite.runs.file_names import STATE
from monklite.runs.workspace import Workspace
from monklite.spec import Spec
from monklite.tasks import SingleLabel
from monklite.training import measured_steps, precision
from monklite.training.measured_steps import MeasuredSteps

NONE: tuple[str, ...] = ()
VECTORS = ("_is_avx512_bf16_supported",)
TILES = (*VECTORS, "_is_amx_tile_supported")
CPU = torch.device("cpu")
TASK = SingleLabel(("a", "b", "c"))
MEMORY = Path("workspace/.cache") / measured_steps.NAME


@pytest.fixture
def processor(monkeypatch: pytest.MonkeyPatch) -> Callable[[tuple[str, ...]], None]:
    """Pretend that the processor has only these instructions for bfloat16."""

    def having(instructions: tuple[str, ...]) -> None:
        monkeypatch.setattr(device, "_cpu_has", lambda name: name in instructions)

    having(NONE)
    return having


@pytest.fixture
def taking(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Pretend that a step takes so many seconds; gives the list of the precisions of all steps."""
    steps: list[str] = []

    def seconds(float32: float, bfloat16: float) -> list[str]:
        known = {"float32": float32, "bfloat16": bfloat16}

        def timed_step(learner, n_images, image_size):
            def step() -> float:
                steps.append(learner.describe().precision)
                return known[steps[-1]]

            return step

        monkeypatch.setattr(precision, "timed_step", timed_step)
        return steps

    return seconds


def taken(experiment: str = "e") -> str:
    """The precision of the settings, which is that of the network."""
    recorded = state(experiment)
    assert recorded.asked.model.precision == "auto"
    assert recorded.resolved is not None and recorded.model is not None
    assert recorded.resolved.model.precision == recorded.model.precision
    return recorded.model.precision


def measured(experiment: str = "e") -> bool:
    return MEASURED_PRECISION in state(experiment).model.methods


def spec(**changes: object):
    values = {"model.name": "squeezenet1_1", "model.pretrained": False, "model.use_gpu": False, "data.input_size": 32}
    return resolve(Spec().replace(values | {name.replace("__", "."): value for name, value in changes.items()}))


# By rule


@pytest.mark.parametrize(
    ("instructions", "expected"),
    [(NONE, ("float32",)), (VECTORS, ("float32", "bfloat16")), (TILES, ("bfloat16", "float32"))],
)
def test_only_with_units_for_bfloat16_there_is_a_choice(processor, instructions, expected) -> None:
    processor(instructions)
    assert device.candidates(CPU) == expected
    assert device.precision("auto", CPU) == getattr(torch, expected[0])
    assert backends.load("pytorch").candidates(spec()).precisions == expected


@pytest.mark.parametrize(("major", "expected"), [(9, "bfloat16"), (8, "bfloat16"), (7, "float16"), (6, "float32")])
def test_gpus_take_what_their_tensor_cores_have(monkeypatch: pytest.MonkeyPatch, major: int, expected: str) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (major, 0))
    assert device.candidates(torch.device("cuda:0")) == (expected,)


def test_without_a_choice_nothing_is_measured_or_said(
    workspace: Path, patterns: Path, processor, taking, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = taking(9.0, 1.0)
    expert(patterns, verbose=1)
    assert (taken(), measured(), steps) == ("float32", False, [])
    assert "precision='auto'" not in capsys.readouterr().out
    assert not MEMORY.exists()


def test_mxnet_has_one_precision(workspace: Path, patterns: Path, taking) -> None:
    pytest.importorskip("monklite.backends.mxnet.backend")
    steps = taking(9.0, 1.0)
    expert(patterns, backend="mxnet")
    assert (taken(), measured(), steps) == ("float32", False, [])


def test_a_backend_that_does_not_list_its_candidates_decides_on_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(precision.backends, "load", lambda name: object())
    assert precision.choose(spec(), TASK, tmp_path).precision == "auto"


def test_deterministic_runs_do_not_depend_on_a_clock(workspace: Path, patterns: Path, processor, taking) -> None:
    processor(TILES)
    steps = taking(1.0, 2.0)
    ptf = expert(patterns)
    ptf.update_deterministic(True)
    steps.clear()
    ptf.Reload()
    assert (taken(), measured(), steps) == ("bfloat16", False, [])


def test_several_processes_take_the_rule_of_their_leader(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, processor, taking
) -> None:
    class Second:
        rank, size = 1, 2

        def lead(self, work):
            processor(TILES)
            return work()

    monkeypatch.setattr(precision.backends, "world", lambda name: Second())
    steps = taking(1.0, 2.0)
    assert precision.choose(spec(), TASK, tmp_path) == precision.Chosen("bfloat16")
    assert steps == []


# By measurement


@pytest.mark.parametrize(
    ("instructions", "float32", "bfloat16", "expected"),
    [
        (TILES, 1.0, 1.3, "float32"),
        (TILES, 1.0, 1.05, "bfloat16"),
        (TILES, 1.0, 0.4, "bfloat16"),
        (VECTORS, 1.3, 1.0, "bfloat16"),
        (VECTORS, 1.05, 1.0, "float32"),
        (VECTORS, 1.0, 1.48, "float32"),
    ],
)
def test_only_what_is_clearly_faster_replaces_the_rule(
    tmp_path: Path, processor, taking, instructions, float32: float, bfloat16: float, expected: str
) -> None:
    processor(instructions)
    taking(float32, bfloat16)
    found = precision.choose(spec(), TASK, tmp_path)
    assert (found.precision, found.measured) == (expected, True)


def test_the_faster_one_is_taken_told_and_recorded(
    workspace: Path, patterns: Path, processor, taking, capsys: pytest.CaptureFixture[str]
) -> None:
    processor(TILES)
    taking(1.0, 1.25)
    ptf = expert(patterns, verbose=1)
    note = "Note: precision='auto' took float32: a step of this network takes 0.80 times as long as in bfloat16 on this device"
    assert note in capsys.readouterr().out
    assert (taken(), measured()) == ("float32", True)
    ptf.Train()
    assert (taken(), measured()) == ("float32", True)


def test_every_precision_has_its_turn_after_one_step_that_warms_up(tmp_path: Path, processor, taking) -> None:
    processor(TILES)
    steps = taking(0.1, 0.1)
    precision.choose(spec(), TASK, tmp_path)
    assert steps == ["bfloat16", "float32"] * 4
    steps.clear()
    taking(0.6, 0.6)
    precision.choose(spec(data__input_size=64), TASK, tmp_path)
    assert steps == ["bfloat16", "float32"] * 3


def test_what_cannot_be_measured_stays_by_rule(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, processor) -> None:
    def fails(*arguments):
        raise OutOfMemory("the memory is too small")

    processor(TILES)
    monkeypatch.setattr(precision, "timed_step", fails)
    found = precision.choose(spec(), TASK, tmp_path)
    assert found == precision.Chosen("bfloat16", "its steps could not be timed: the memory is too small")
    assert not (tmp_path / measured_steps.NAME).exists()


def test_the_real_trial_changes_nothing_of_the_run(workspace: Path, patterns: Path, processor) -> None:
    """bfloat16 is emulated where these tests run, so it is slower, and the run is the same as without a choice."""
    processor(VECTORS)
    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    ptf = expert(patterns, experiment="found")
    assert torch.equal(torch.rand(2), expected)
    entries = json.loads(MEMORY.read_text())
    (seconds,) = entries.values()
    assert list(seconds) == ["float32", "bfloat16"]
    assert all(0 < value < 60 for value in seconds.values())
    ptf.Train()
    given = expert(patterns, experiment="given")
    given.update_precision(taken("found"))
    given.Train()
    one, two = (workspace / "p" / name / "v001/output/models/final" for name in ("found", "given"))
    assert one.read_bytes() == two.read_bytes()


def test_the_clock_waits_for_the_step() -> None:
    learner = backends.load("pytorch").learner(spec(), TASK, pretrained=False)
    begin = time.perf_counter()
    seconds = precision.timed_step(learner, 2, 32)()
    assert 0 < seconds <= time.perf_counter() - begin


# Remembered


def test_a_second_experiment_takes_the_same_without_measuring(
    workspace: Path, patterns: Path, processor, taking, capsys: pytest.CaptureFixture[str]
) -> None:
    processor(TILES)
    taking(1.0, 2.0)
    expert(patterns, experiment="first").Train()
    steps = taking(2.0, 1.0)
    steps.clear()
    expert(patterns, experiment="second", verbose=1).Train()
    assert steps == []
    assert "as long as in bfloat16 on this device, as measured before" in capsys.readouterr().out
    assert taken("first") == taken("second") == "float32"
    assert measured("second")
    one, two = (workspace / "p" / name / "v001/output/models/final" for name in ("first", "second"))
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        {"model__name": "squeezenet1_0"},
        {"model__freeze_base": False},
        {"model__freeze_layers": 3},
        {"data__input_size": 40},
    ],
)
def test_another_network_layers_or_size_is_measured_anew(tmp_path: Path, processor, taking, change) -> None:
    processor(TILES)
    taking(1.0, 2.0)
    assert precision.choose(spec(), TASK, tmp_path).precision == "float32"
    taking(2.0, 1.0)
    assert precision.choose(spec(**change), TASK, tmp_path).precision == "bfloat16"
    assert precision.choose(spec(), TASK, tmp_path).precision == "float32"


@pytest.mark.parametrize("changed", ["cpu_name", "title", "torch.__version__"])
def test_another_device_or_version_is_measured_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, processor, taking, changed: str
) -> None:
    processor(TILES)
    taking(1.0, 2.0)
    assert precision.choose(spec(), TASK, tmp_path).precision == "float32"
    *owner, name = changed.split(".")
    value = "9.9" if owner else lambda *arguments: "another"
    monkeypatch.setattr(torch if owner else device, name, value)
    taking(2.0, 1.0)
    assert precision.choose(spec(), TASK, tmp_path).precision == "bfloat16"


DAMAGED = (
    b"",
    b"[]",
    b"{",
    b"\xff\xfe\x00",
    b"[" * 100_000,
    b"1" * 5000,
    b'{"KEY": 1}',
    b'{"KEY": {"bfloat16": 1.0}}',
    b'{"KEY": {"bfloat16": 1.0, "float32": -1.0}}',
    b'{"KEY": {"bfloat16": 1.0, "float32": NaN}}',
    b'{"KEY": {"bfloat16": 1.0, "float32": 1e999}}',
    b'{"KEY": {"bfloat16": true, "float32": "1"}}',
    b" " * measured_steps.MAX_BYTES + b"{}",
)


@pytest.mark.parametrize("content", DAMAGED, ids=lambda content: content[:40].decode("latin-1") + str(len(content)))
def test_damaged_or_foreign_figures_are_none_and_replaced(tmp_path: Path, processor, taking, content: bytes) -> None:
    processor(TILES)
    taking(1.0, 2.0)
    precision.choose(spec(), TASK, tmp_path)
    file = tmp_path / measured_steps.NAME
    (key,) = json.loads(file.read_text())
    file.write_bytes(content.replace(b"KEY", key.encode()))
    steps = taking(2.0, 1.0)
    steps.clear()
    assert precision.choose(spec(), TASK, tmp_path).precision == "bfloat16"
    assert steps
    assert json.loads(file.read_text()) == {key: {"bfloat16": 1.0, "float32": 2.0}}


def test_without_a_folder_it_is_measured_each_time(tmp_path: Path, processor, taking) -> None:
    processor(TILES)
    (tmp_path / "file").write_text("in the way")
    steps = taking(1.0, 2.0)
    for _ in range(2):
        steps.clear()
        assert precision.choose(spec(), TASK, tmp_path / "file").precision == "float32"
        assert steps


def test_the_oldest_figures_are_forgotten(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(measured_steps, "MAX_ENTRIES", 2)
    steps = MeasuredSteps(tmp_path)
    for key in ("a", "b", "c"):
        steps.add(key, {"float32": 1.0})
    assert [bool(steps.find(key, ["float32"])) for key in ("a", "b", "c")] == [False, True, True]


def test_a_process_waits_for_another_that_measures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(measured_steps, "MAX_WAIT", 0.1)
    one, two = MeasuredSteps(tmp_path), MeasuredSteps(tmp_path)
    begin = time.monotonic()
    with one.alone(), two.alone():
        assert time.monotonic() - begin >= 0.1
    with two.alone():
        pass


# Kept


def test_a_resumed_run_keeps_its_precision(
    workspace: Path, patterns: Path, processor, taking, monkeypatch: pytest.MonkeyPatch
) -> None:
    processor(TILES)
    taking(1.0, 2.0)
    interrupted(patterns, monkeypatch)
    MEMORY.unlink()
    steps = taking(2.0, 1.0)
    steps.clear()
    ptf = Prototype("p", "e", resume_train=True, verbose=0)
    ptf.Train()
    assert (taken(), measured(), steps) == ("float32", True, [])


def test_on_another_machine_too_and_it_is_told_that_it_is_slow_there(
    workspace: Path, patterns: Path, processor, taking, monkeypatch, capsys: pytest.CaptureFixture[str]
) -> None:
    processor(TILES)
    taking(2.0, 1.0)
    interrupted(patterns, monkeypatch, epochs=2)
    processor(NONE)
    Prototype("p", "e", resume_train=True).Train()
    assert taken() == "bfloat16"
    assert (
        "the training of p/e/v001 began in bfloat16 on another device and goes on in it, although this device is slow in "
        "it. To train in float32, copy it: Prototype(..., copy_from=['p', 'e', 1])"
    ) in capsys.readouterr().out


def test_where_a_device_cannot_compute_in_it_a_resumed_run_is_refused(
    workspace: Path, patterns: Path, processor, taking, monkeypatch: pytest.MonkeyPatch
) -> None:
    processor(TILES)
    taking(2.0, 1.0)
    interrupted(patterns, monkeypatch, epochs=2)
    monkeypatch.setattr(device, "_computes_in", lambda dtype, device: False)
    ptf = Prototype("p", "e", resume_train=True, verbose=0)
    with pytest.raises(
        InvalidValue, match=r"cannot compute in bfloat16.*resume it on a device that has it, or copy it"
    ):
        ptf.Train()


def test_torchs_own_check_is_asked() -> None:
    assert device._computes_in(torch.bfloat16, CPU)
    # torch warns, and computes in float32 then
    assert not device._computes_in(torch.float64, CPU)


def test_a_run_of_an_earlier_version_resumes_with_the_precision_in_its_record(
    workspace: Path, patterns: Path, processor, taking, monkeypatch: pytest.MonkeyPatch
) -> None:
    processor(TILES)
    taking(2.0, 1.0)
    interrupted(patterns, monkeypatch, epochs=2)
    # as it was written when the resolved settings said `auto`
    file = Workspace().find("p", "e").folder / STATE
    values = json.loads(file.read_text())
    values["resolved"]["model"]["precision"] = "auto"
    values["model"]["methods"].remove(MEASURED_PRECISION)
    file.write_text(json.dumps(values))
    processor(NONE)
    Prototype("p", "e", resume_train=True, verbose=0).Train()
    assert (taken(), measured()) == ("bfloat16", False)


def test_an_unknown_precision_in_a_record_is_not_used(workspace: Path, patterns: Path) -> None:
    expert(patterns)
    old = state()
    old = old.replace(
        resolved=old.resolved.replace({"model.precision": "auto"}),
        model=old.model.model_copy(update={"precision": "int4"}),
    )
    assert precision.recorded(old) == old.resolved


def test_an_extended_run_keeps_its_precision(workspace: Path, patterns: Path, processor, taking) -> None:
    processor(TILES)
    taking(1.0, 2.0)
    expert(patterns).Train()
    MEMORY.unlink()
    steps = taking(2.0, 1.0)
    steps.clear()
    ptf = Prototype("p", "e", resume_train=True, verbose=0)
    ptf.update_num_epochs(2)
    ptf.Train()
    assert (taken(), measured(), steps) == ("float32", True, [])
    # a new version in the same session is measured like any other
    ptf.Train()
    assert (state().version, taken(), len(steps)) == (2, "bfloat16", 6)


def test_a_copy_computes_as_its_origin(
    workspace: Path, patterns: Path, processor, taking, capsys: pytest.CaptureFixture[str]
) -> None:
    processor(TILES)
    taking(1.0, 2.0)
    expert(patterns).Train()
    MEMORY.unlink()
    steps = taking(2.0, 1.0)
    steps.clear()
    ptf = Prototype("p", "copy", copy_from=["p", "e"])
    ptf.Reload()
    assert (taken("copy"), measured("copy"), steps) == ("float32", True, [])
    assert "precision='auto' took float32: as in p/e/v001, which is copied" in capsys.readouterr().out
    ptf.update_model_name("squeezenet1_0")
    ptf.Reload()
    assert (taken("copy"), bool(steps)) == ("bfloat16", True)


def test_a_copy_of_a_run_of_an_earlier_version_is_measured(workspace: Path, patterns: Path, processor, taking) -> None:
    processor(TILES)
    taking(2.0, 1.0)
    ptf = expert(patterns)
    origin = state()
    old = origin.replace(resolved=origin.resolved.replace({"model.precision": "auto"}))
    MEMORY.unlink()
    taking(1.0, 2.0)
    current = resolve(ptf._experiment.asked)
    assert precision.choose(current, TASK, workspace / ".cache", origin).precision == "bfloat16"
    assert precision.choose(current, TASK, workspace / ".cache", old).precision == "float32"


def test_a_copy_on_a_device_that_is_slow_in_it_chooses_anew(workspace: Path, patterns: Path, processor, taking) -> None:
    processor(TILES)
    taking(2.0, 1.0)
    ptf = expert(patterns)
    assert taken() == "bfloat16"
    ptf.Train()
    processor(NONE)
    Prototype("p", "copy", copy_from=["p", "e"], verbose=0).Reload()
    assert (taken("copy"), measured("copy")) == ("float32", False)


def test_a_change_of_the_network_chooses_anew_and_other_changes_do_not(
    workspace: Path, patterns: Path, processor, taking
) -> None:
    processor(TILES)
    taking(1.0, 2.0)
    ptf = expert(patterns)
    steps = taking(2.0, 1.0)
    steps.clear()
    ptf.optimizer_sgd(0.01)
    ptf.update_batch_size(4)
    ptf.Reload()
    assert (taken(), steps) == ("float32", [])
    ptf.update_model_name("squeezenet1_0")
    ptf.Reload()
    assert (taken(), bool(steps)) == ("bfloat16", True)


def test_a_given_precision_is_not_measured(workspace: Path, patterns: Path, processor, taking) -> None:
    processor(TILES)
    taking(1.0, 2.0)
    ptf = expert(patterns)
    steps = taking(2.0, 1.0)
    steps.clear()
    ptf.update_precision("bfloat16")
    ptf.Reload()
    assert (state().asked.model.precision, state().model.precision) == ("bfloat16", "bfloat16")
    assert (measured(), steps) == (False, [])


def test_predictions_are_in_float32(workspace: Path, patterns: Path, processor, taking) -> None:
    processor(TILES)
    taking(2.0, 1.0)
    expert(patterns).Train()
    ptf = Prototype("p", "e", eval_infer=True, verbose=0)
    assert ptf._evaluation.predictor.learner.dtype == torch.float32


def test_candidates_are_plain() -> None:
    found = backends.load("pytorch").candidates(spec())
    assert isinstance(found, Candidates)
    assert f"torch {torch.__version__}" in found.device
    assert "threads" in found.device
