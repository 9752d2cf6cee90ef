"""Trainings in processes of their own, which can be broken off.

The children are forked from a server that has imported the frameworks and computed nothing, so one costs no import; on Linux
that is also how a process is made that shares nothing with the tests' own threads.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

PRELOADED = ["children", "monklite.backends.pytorch", "monklite.backends.mxnet", "pandas", "psutil"]
PRELOADED += [
    "pynvml",
    "matplotlib.figure",
    "matplotlib.backends.backend_agg",
    "monklite.facade.prototype",
    "sklearn.tree",
    "sklearn.model_selection",
]
SEED = 2  # with it the small network learns on both backends; with others all its last units may be dead from the start
PATIENCE = 120.0  # seconds that a child may be silent before a test gives up


@dataclass(frozen=True)
class Plan:
    """The work of a child. It works in `folder`, where its workspace is.

    `resume`: go on instead of beginning. `flush`: seconds that the disk takes longer to flush a file. `pause`: a place in
    `PAUSES` at which it tells "paused" and waits for a word. `often`: save at every chance instead of seldom. `act`: a
    function of a module, done instead of training.
    """

    folder: Path
    images: Path
    backend: str
    epochs: int = 3
    resume: bool = False
    flush: float = 0.0
    pause: str = ""
    often: bool = True
    act: Callable[[Plan], object] | None = None

    def prototype(self) -> Any:
        """The experiment p/e, ready to train."""
        from monklite import Prototype

        ptf = Prototype("p", "e", backend=self.backend, resume_train=self.resume)
        if self.resume:
            return ptf
        ptf.update_seed(SEED)
        ptf.update_split_seed(SEED)
        ptf.Dataset_Params(dataset_path=self.images, split=0.67, input_size=32, batch_size=6, num_processors=1)
        ptf.apply_random_horizontal_flip(train=True)
        ptf.apply_normalize(train=True, val=True, test=True)
        ptf.Dataset()
        ptf.Model_Params(model_name="squeezenet1_1", freeze_base_network=False, use_pretrained=False)
        ptf.Model()
        ptf.optimizer_adam(0.0005)
        ptf.lr_cosine_decrease()
        ptf.Training_Params(num_epochs=self.epochs, save_intermediate_models=True)
        return ptf


class Child:
    """A process that carries out a plan. `words`: what it has told, each with the time and more."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.words: dict[str, list[Any]] = {}
        self._ours, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("forkserver")
        self.process = context.Process(target=_carry_out, args=(plan, theirs), daemon=True)
        with _few_threads():
            self.process.start()
        theirs.close()

    def wait_for(self, word: str) -> None:
        while word not in self.words:
            assert self._ours.poll(PATIENCE), f"the child said {list(self.words)} and then nothing"
            said, *more = self._ours.recv()
            self.words[said] = more

    def go_on(self) -> None:
        self._ours.send("go on")

    def signal(self, number: int) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, number)

    def end(self) -> int:
        """Wait for the end; the exit status, negative after a signal."""
        self.process.join(PATIENCE)
        assert self.process.exitcode is not None, "the child does not end"
        with contextlib.suppress(EOFError, OSError):  # its last words
            while self._ours.poll(0):
                said, *more = self._ours.recv()
                self.words[said] = more
        self._ours.close()
        return self.process.exitcode

    def seconds(self, first: str, last: str) -> float:
        return self.words[last][0] - self.words[first][0]

    @property
    def error(self) -> str:
        """`Kind: message` of the error that it ended with, or nothing."""
        return self.words["error"][1] if "error" in self.words else ""

    @property
    def said(self) -> str:
        """The text that it printed."""
        return (self.plan.folder / "said.txt").read_text()


def run(plan: Plan) -> Child:
    """Carry out a plan to its end, undisturbed."""
    child = Child(plan)
    status = child.end()
    assert status == 0, f"{child.error}\n{child.said}"
    return child


@contextlib.contextmanager
def _few_threads() -> Iterator[None]:
    """For the server, which is started with the first child: two children on two cores must not wait for each other."""
    multiprocessing.set_forkserver_preload(PRELOADED)
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        yield
    finally:
        del os.environ["OMP_NUM_THREADS"]
        os.environ |= {} if before is None else {"OMP_NUM_THREADS": before}


def _carry_out(plan: Plan, told: Any) -> None:
    """In the child."""
    os.chdir(plan.folder)

    def tell(word: str, *more: str) -> None:
        told.send((word, time.monotonic(), *more))

    def pause() -> None:
        tell("paused")
        told.recv()

    with Path("said.txt").open("a") as said, contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        _prepare(plan, pause)
        tell("here")
        try:
            job = partial(plan.act, plan) if plan.act else plan.prototype().Train
            tell("begun")
            job()
        except BaseException as error:
            tell("error", f"{type(error).__name__}: {error}")
            traceback.print_exc()
            raise SystemExit(error.code if isinstance(error, SystemExit) else 1) from None
        tell("done")


def _prepare(plan: Plan, pause: Callable[[], object]) -> None:
    from monklite import files
    from monklite.training import checkpoints

    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    if plan.often:
        checkpoints.SAVE_EVERY, checkpoints.MAX_SAVING_SHARE = 0.0, 1e9
    if plan.backend == "pytorch":
        import torch

        torch.set_num_threads(1)
    flush = files._flush_file

    def slow_flush(path: Path) -> None:
        time.sleep(plan.flush)
        flush(path)

    files._flush_file = slow_flush
    if plan.pause:
        PAUSES[plan.pause](pause)


def _pause_in_training(pause: Callable[[], object]) -> None:
    _pause_after_batch(2, pause)


def _pause_in_validation(pause: Callable[[], object]) -> None:
    _pause_after_batch(5, pause)


def _pause_after_batch(wanted: int, pause: Callable[[], object]) -> None:
    """In the second epoch, of four steps and two batches of validation."""
    from monklite.training import engine

    batch_done = engine.Loop._batch_done

    def paused(self: Any) -> None:
        if self.epoch == 1 and self.done == wanted - 1:
            pause()
        batch_done(self)

    engine.Loop._batch_done = paused  # type: ignore[method-assign]


def _pause_in_writing(pause: Callable[[], object]) -> None:
    """While the last weights are written, which a thread does."""
    from monklite.training import writer

    put = writer.Writer.put

    def paused(self: Any, name: str, job: Any) -> None:
        put(self, name, (lambda: (pause(), job())) if name == "final" else job)

    writer.Writer.put = paused  # type: ignore[method-assign]


PAUSES = {"training": _pause_in_training, "validation": _pause_in_validation, "final writing": _pause_in_writing}


def resumed(plan: Plan) -> Plan:
    """The plan to go on, on a quick disk and without a pause."""
    return replace(plan, resume=True, flush=0.0, pause="")
