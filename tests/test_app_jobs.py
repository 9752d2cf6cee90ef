"""The queue of jobs on the disk: one after the other, stopped, and found again by another server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from monklite.apps.no_code.jobs import ENDED, INSPECTING, RUNNING, TRAINING, WAITING, Job, Jobs

PATIENCE = 20  # seconds
SLEEPS = ["-c", "import time; print('begun', flush=True); time.sleep(60)"]


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.05)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "jobs"
    for job in Jobs(tmp_path / "jobs", tmp_path).all():
        job.stop()


@pytest.fixture
def jobs(folder: Path, tmp_path: Path) -> Iterator[Jobs]:
    made = Jobs(folder, tmp_path)
    made.start()
    yield made
    made.stop()


def status(jobs: Jobs, job: Job) -> str:
    return next(known for known in jobs.all() if known.number == job.number).status


def test_jobs_run_one_after_the_other_in_the_working_folder(jobs: Jobs, tmp_path: Path) -> None:
    write = "import pathlib, sys, time; time.sleep(0.3); pathlib.Path('order').open('a').write(sys.argv[1])"
    made = [jobs.add(TRAINING, "p", ["-c", write, name]) for name in "abc"]
    wait_for(lambda: all(job.status == ENDED for job in made))
    assert (tmp_path / "order").read_text() == "abc"


def test_a_job_that_is_stopped_lets_the_next_one_begin(jobs: Jobs) -> None:
    first, second = jobs.add(TRAINING, "p", SLEEPS, experiment="e"), jobs.add(INSPECTING, "p", ["-c", "print(1)"])
    wait_for(lambda: "begun" in first.log() and first.status == RUNNING)
    # a second tab that asks for it once more does not begin it twice
    first.again()
    assert (first.status, second.status) == (RUNNING, WAITING)
    first.stop()
    wait_for(lambda: second.status == ENDED)
    assert (first.status, first.problem(), second.log()) == (ENDED, "", "1\n")
    assert [job.number for job in jobs.of("p", TRAINING, experiment="e")] == [first.number]
    assert jobs.of("p", TRAINING, experiment="other") == jobs.of("q", TRAINING) == []


def test_a_job_outlives_the_server_and_the_next_one_finds_it(folder: Path, tmp_path: Path) -> None:
    first = Jobs(folder, tmp_path)
    first.start()
    job, waiting = first.add(TRAINING, "p", SLEEPS), first.add(TRAINING, "p", ["-c", "print(2)"])
    wait_for(lambda: "begun" in job.log())
    first.stop()
    second = Jobs(folder, tmp_path)
    assert (status(second, job), status(second, waiting)) == (RUNNING, WAITING)
    second.start()
    job.stop()
    # the first server is the parent of the process, and asks for its end in real life by ending itself
    first._children[0].wait()
    wait_for(lambda: waiting.status == ENDED)
    second.stop()


def test_a_job_that_waits_can_be_taken_out_and_put_in_again(folder: Path, tmp_path: Path) -> None:
    jobs = Jobs(folder, tmp_path)
    job = jobs.add(TRAINING, "p", ["-c", "raise ValueError('no colours: bring some')"])
    job.stop()
    assert job.status == ENDED
    job.again()
    assert job.status == WAITING
    jobs.start()
    wait_for(lambda: job.status == ENDED)
    jobs.stop()
    assert job.problem() == "no colours: bring some"


def test_of_two_servers_one_starts_jobs(jobs: Jobs, folder: Path, tmp_path: Path) -> None:
    other = Jobs(folder, tmp_path)
    other.start()
    made = [jobs.add(TRAINING, "p", ["-c", "print('once')"]) for _ in range(2)]
    wait_for(lambda: all(job.status == ENDED for job in made))
    other.stop()
    assert [job.log() for job in made] == ["once\n"] * 2


def test_a_damaged_job_is_no_reason_to_start_no_other(jobs: Jobs, folder: Path) -> None:
    (folder / "0001").mkdir(parents=True)
    (folder / "0001" / "job.json").write_text("")
    job = jobs.add(TRAINING, "p", ["-c", "pass"])
    wait_for(lambda: job.status == ENDED)


def test_a_job_that_was_taken_out_at_that_moment_does_not_start(folder: Path, tmp_path: Path) -> None:
    jobs = Jobs(folder, tmp_path)
    job = jobs.add(TRAINING, "p", ["-c", "pass"])
    job.stop()
    # a server has seen it waiting just before
    jobs.run(job)
    assert job.status == ENDED and not job.log()
    assert not jobs._children
