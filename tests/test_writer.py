"""The thread that writes files: order, replacement, bounds, errors, and that nothing is lost or left."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from monklite.errors import StorageError, TrainingFailed
from monklite.training import writer as writer_module
from monklite.training.writer import MAX_WAITING_JOBS, Writer


class Desk:
    """Jobs that note their name in `done`; the one called `stuck` begins, and waits until it is let go."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.begun, self.free = threading.Event(), threading.Event()

    def job(self, name: str) -> Callable[[], None]:
        return lambda: self.done.append(name)

    def stuck(self) -> None:
        self.begun.set()
        assert self.free.wait(30)
        self.done.append("stuck")

    def keep_busy(self, writer: Writer) -> None:
        writer.put("stuck", self.stuck)
        assert self.begun.wait(30)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name == "monklite-writer"]


def fails(message: str = "the disk is full") -> Callable[[], None]:
    def job() -> None:
        raise StorageError(message)

    return job


def test_jobs_are_done_in_order_by_one_other_thread(desk) -> None:
    where = set()
    with Writer() as writer:
        for i in range(50):
            writer.put(f"job {i}", lambda i=i: (desk.done.append(i), where.add(threading.current_thread().name)))
    assert desk.done == list(range(50))
    assert where == {"monklite-writer"}


def test_no_thread_is_there_before_or_after(desk) -> None:
    with Writer() as writer:
        assert threads() == []
        writer.put("a", desk.job("a"))
        assert threads() == ["monklite-writer"]
    assert threads() == []


def test_a_waiting_job_is_replaced_by_a_newer_one_of_its_name(desk) -> None:
    with Writer() as writer:
        desk.keep_busy(writer)
        for name in ("a 1", "b 1", "a 2"):
            writer.put(name[0], desk.job(name))
        desk.free.set()
    assert desk.done == ["stuck", "b 1", "a 2"]


def test_a_job_that_has_begun_is_not_replaced(desk) -> None:
    with Writer() as writer:
        desk.keep_busy(writer)
        writer.put("stuck", desk.job("again"))
        desk.free.set()
    assert desk.done == ["stuck", "again"]


def test_a_slow_disk_makes_the_asker_wait_rather_than_the_queue_grow(desk) -> None:
    with Writer() as writer:
        desk.keep_busy(writer)
        for i in range(MAX_WAITING_JOBS):
            writer.put(str(i), desk.job(str(i)))
        writer.put("0", desk.job("0 again"))  # takes no place of its own
        asker = threading.Thread(target=lambda: writer.put("more", desk.job("more")))
        asker.start()
        asker.join(0.2)
        assert asker.is_alive()
        desk.free.set()
        asker.join(30)
        assert not asker.is_alive()
    assert desk.done == ["stuck", "1", "2", "3", "0 again", "more"]


def test_flush_waits_for_what_was_asked_for(desk) -> None:
    with Writer() as writer:
        threading.Timer(0.1, desk.free.set).start()
        writer.put("stuck", desk.stuck)
        writer.put("a", desk.job("a"))
        writer.flush()
        assert desk.done == ["stuck", "a"]


def test_nothing_is_lost_on_leaving_also_after_an_error(desk) -> None:
    with pytest.raises(TrainingFailed, match="no number"), Writer() as writer:
        desk.keep_busy(writer)
        writer.put("a", desk.job("a"))
        threading.Timer(0.1, desk.free.set).start()
        raise TrainingFailed("no number")
    assert desk.done == ["stuck", "a"]


def test_an_error_is_raised_in_the_asker_and_ends_the_writing(desk) -> None:
    with pytest.raises(StorageError, match="the disk is full"), Writer() as writer:
        desk.keep_busy(writer)
        writer.put("bad", fails())
        writer.put("good", desk.job("good"))
        desk.free.set()
        with pytest.raises(StorageError, match="the disk is full"):
            writer.flush()
        writer.put("late", desk.job("late"))
    assert desk.done == ["stuck"]
    assert threads() == []


def test_an_error_wakes_an_asker_that_waits_for_a_place(desk) -> None:
    raised: list[BaseException] = []

    def ask() -> None:
        try:
            writer.put("more", desk.job("more"))
        except StorageError as error:
            raised.append(error)

    def stuck_then_fails() -> None:
        desk.stuck()
        fails()()

    with pytest.raises(StorageError, match="the disk is full"), Writer() as writer:
        writer.put("bad", stuck_then_fails)
        assert desk.begun.wait(30)
        for i in range(MAX_WAITING_JOBS):
            writer.put(str(i), desk.job(str(i)))
        asker = threading.Thread(target=ask)
        asker.start()
        desk.free.set()
        asker.join(30)
    assert len(raised) == 1
    assert desk.done == ["stuck"]


def test_the_last_jobs_error_is_raised_on_leaving() -> None:
    with pytest.raises(StorageError, match="the disk is full"), Writer() as writer:
        writer.put("bad", fails())


def test_of_two_errors_that_of_training_is_raised_and_the_other_told_with_it(desk) -> None:
    with pytest.raises(TrainingFailed, match="no number") as caught, Writer() as writer:
        desk.keep_busy(writer)
        writer.put("bad", fails())
        threading.Timer(0.1, desk.free.set).start()
        raise TrainingFailed("no number")
    assert caught.value.__notes__ == ["And the files could not be written: the disk is full"]


def test_an_error_of_writing_that_ended_the_training_is_told_once() -> None:
    with pytest.raises(StorageError, match="the disk is full") as caught, Writer() as writer:
        writer.put("bad", fails())
        writer.flush()
    assert not hasattr(caught.value, "__notes__")


def test_dropping_leaves_out_what_has_not_begun(desk) -> None:
    with pytest.raises(KeyboardInterrupt), Writer() as writer:
        desk.keep_busy(writer)
        writer.put("a", desk.job("a"))
        writer.drop()
        threading.Timer(0.1, desk.free.set).start()
        raise KeyboardInterrupt
    assert desk.done == ["stuck"]
    assert threads() == []


def test_a_closed_writer_says_so(desk) -> None:
    with Writer() as writer:
        pass
    with pytest.raises(RuntimeError, match="the writer is closed and cannot write history any more"):
        writer.put("history", desk.job("a"))


def test_the_writer_knows_no_file() -> None:
    assert not {"os", "pathlib", "Path"} & vars(writer_module).keys()
