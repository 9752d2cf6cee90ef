"""Trainings that are handed out: `monklite serve --page` as a process of its own, found again on the disk."""

from __future__ import annotations

from ...errors import InvalidValue
from ...rules import Text, Whole
from .. import password_file
from .jobs import FOLDER, RUNNING, SERVING, Job, Jobs
from .places import Places
from .trainings import Training

PASSWORD = "password"
PORT = Whole(least=1, most=65535)
ABOUT = Text(0, 2000)
# by which other machines of the network can open it, and this machine alone
EVERYWHERE, HERE = "0.0.0.0", "127.0.0.1"


def begin(
    places: Places, jobs: Jobs, training: Training, password: str, port: int, about: str = "", network: bool = False
) -> Job:
    """Hand out the newest trained version of a training on a page with a password, of which only a hash is kept.

    Args:
        about: what it is for, for the page. network: whether other machines may open it.

    Raises:
        InvalidValue: nothing is trained, it is handed out under this port already, or the password is too short.
    """
    if training.run is None or not training.is_trained:
        raise InvalidValue(f"{training.experiment} has not learnt anything yet that could be handed out")
    PORT("port", port)
    if any(job.status == RUNNING and job.about["port"] == port for job in jobs.all() if job.kind == SERVING):
        raise InvalidValue(f"something is handed out under port {port} already: stop it, or take another number")
    job = jobs.add(
        SERVING,
        training.project.name,
        [
            *("-m", "monklite", "--workspace", str(places.root), "serve", "--page", "--password-file"),
            f"{FOLDER}{PASSWORD}",
            *("--port", str(port), "--host", EVERYWHERE if network else HERE),
            *("--about", ABOUT("about", about), "--version", training.run.folder.name),
            *("--", training.project.name, training.experiment),
        ],
        experiment=training.experiment,
        port=port,
        network=network,
    )
    try:
        password_file.write(job.folder / PASSWORD, password)
    except BaseException:
        # it will not begin
        job.stop()
        raise
    jobs.run(job)
    return job


def handed_out(jobs: Jobs, project: str, experiment: str) -> list[Job]:
    """The pages of a training that are running, the newest first, and the last one that is not."""
    found = jobs.of(project, SERVING, experiment=experiment)
    running = [job for job in found if job.status == RUNNING]
    return running or found[:1]
