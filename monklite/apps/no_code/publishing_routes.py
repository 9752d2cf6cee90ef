"""Handing a training out, and taking it back."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from ...errors import NotFound
from ...printable import printable
from . import publishing
from .choices import whole_number
from .jobs import SERVING
from .services import services, to

router = APIRouter()


@router.post("/p/{name}/t/{experiment}/publish")
async def publish(request: Request, name: str, experiment: str) -> RedirectResponse:
    shown, given = services(request), await request.form()
    training = shown.trainings.find(shown.places.project(name), experiment)
    password, about = str(given.get("password", "")), printable(str(given.get("about", "")).strip())
    port, network = whole_number("the port", given.get("port", "8700")), "network" in given
    begin = publishing.begin
    await run_in_threadpool(begin, shown.places, shown.jobs, training, password, port, about, network)
    return to("p", name, "t", experiment)


@router.post("/p/{name}/t/{experiment}/published/{number}/stop")
def stop(request: Request, name: str, experiment: str, number: int) -> RedirectResponse:
    shown = services(request)
    jobs = [job for job in shown.jobs.of(name, SERVING, experiment=experiment) if job.number == number]
    if not jobs:
        raise NotFound(f"nothing is handed out under the number {number}")
    jobs[0].stop()
    return to("p", name, "t", experiment)
