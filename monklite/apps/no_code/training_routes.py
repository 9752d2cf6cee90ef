"""The pages of trainings: what to learn with, how it goes, and how good it became."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool

from ...errors import InvalidValue, NotFound
from ...looking import exists
from ...regular_files import read_regular
from ...rules import Number
from ...runs.packing import pack
from ..json_answers import JsonAnswer
from . import choices, comparisons, publishing
from .choices import PATIENCE, SIZES, VARIATIONS, Choices
from .jobs import CHOOSING, EXPORTING, FOLDER, RUNNING, WAITING, Job
from .own_files import read_json
from .projects import Project
from .services import MAX_PAGE, Services, page, report, services, to
from .trainings import TITLES, Training

router = APIRouter()
CHOICE, BUNDLE = "choice.json", "bundle.zip"
MODULE = "monklite.apps.no_code.choosing"
MINUTES = Number(least=0.1, most=10_000)


def _found(request: Request, name: str, experiment: str) -> tuple[Services, Project, Training]:
    shown = services(request)
    project = shown.places.project(name)
    return shown, project, shown.trainings.find(project, experiment)


@router.get("/p/{name}/trainings")
def trainings(request: Request, name: str) -> HTMLResponse:
    shown = services(request)
    project = shown.places.project(name)
    return page(
        request,
        "trainings.html",
        project=project,
        trainings=shown.trainings.all(project),
        titles=TITLES,
        comparisons=comparisons.listed(project),
    )


@router.get("/p/{name}/train")
def form(request: Request, name: str, choice: int | None = None) -> HTMLResponse:
    """The form for a training, filled in as was chosen by a job."""
    shown = services(request)
    project = shown.places.project(name)
    chosen = read_json(_choosing(shown, project, choice).folder / CHOICE) if choice is not None else None
    values = Choices(**chosen["choices"]) if chosen else Choices(variations=("turn", "light"))
    return page(
        request,
        "train.html",
        project=project,
        classes=project.counts("train"),
        sizes=SIZES,
        variations=VARIATIONS,
        drawn={row.name for row in VARIATIONS if exists(project.effects / f"{row.name}.png")},
        free=shown.trainings.free_name(project),
        values=values,
        patience=PATIENCE,
        other="" if values.model in {size.model for size in SIZES} else values.model,
        reasons=chosen["reasons"] if chosen else [],
    )


@router.post("/p/{name}/train")
async def begin(request: Request, name: str) -> RedirectResponse:
    shown, given = services(request), await request.form()
    project = shown.places.project(name)
    chosen = choices.from_form({k: v for k, v in given.items() if isinstance(v, str)}, _texts(given.getlist("vary")))
    experiment = str(given.get("name", "")).strip() or shown.trainings.free_name(project)
    await run_in_threadpool(shown.trainings.begin, project, experiment, chosen)
    return to("p", name, "t", experiment)


def _texts(values: Any) -> list[str]:
    return [value for value in values if isinstance(value, str)]


@router.post("/p/{name}/choose")
async def choose(request: Request, name: str) -> RedirectResponse:
    shown, given = services(request), await request.form()
    project = shown.places.project(name)
    text = str(given.get("minutes", "30"))
    try:
        minutes = MINUTES("minutes", float(text))
    except ValueError:
        raise InvalidValue(f"the minutes must be a number such as 30, not {text[:40]!r}") from None
    if not project.counts("train"):
        raise InvalidValue("there are no pictures yet by which anything could be chosen")
    arguments = ["-m", MODULE, str(shown.places.root), project.name, str(minutes), f"{FOLDER}{CHOICE}"]
    job = shown.jobs.add(CHOOSING, project.name, arguments)
    return to("p", name, "choosing", job.number)


def _choosing(shown: Services, project: Project, number: int) -> Job:
    jobs = [job for job in shown.jobs.of(project.name, CHOOSING) if job.number == number]
    if not jobs:
        raise NotFound(f"nothing was chosen under the number {number}")
    return jobs[0]


@router.get("/p/{name}/choosing/{number}", response_model=None)
def choosing(request: Request, name: str, number: int) -> HTMLResponse | RedirectResponse:
    shown = services(request)
    project = shown.places.project(name)
    job = _choosing(shown, project, number)
    if exists(job.folder / CHOICE):
        return RedirectResponse(f"{to('p', name, 'train').headers['location']}?choice={number}", 303)
    return page(request, "choosing.html", project=project, job=job)


@router.post("/p/{name}/choosing/{number}/again")
def choose_again(request: Request, name: str, number: int) -> RedirectResponse:
    """Go on with a choice that was stopped: what was tried is not tried again."""
    shown = services(request)
    _choosing(shown, shown.places.project(name), number).again()
    return to("p", name, "choosing", number)


@router.post("/p/{name}/choosing/{number}/stop")
def choose_no_more(request: Request, name: str, number: int) -> RedirectResponse:
    shown = services(request)
    _choosing(shown, shown.places.project(name), number).stop()
    return to("p", name, "choosing", number)


@router.get("/p/{name}/choosing/{number}/state.json")
def choosing_state(request: Request, name: str, number: int) -> JsonAnswer:
    shown = services(request)
    return JsonAnswer(_state(_choosing(shown, shown.places.project(name), number)))


@router.get("/p/{name}/t/{experiment}")
def training(request: Request, name: str, experiment: str) -> HTMLResponse:
    shown, project, found = _found(request, name, experiment)
    return page(
        request,
        "training.html",
        project=project,
        training=found,
        state=found.as_json(),
        script=_script(found),
        bundle=(made := next(iter(shown.jobs.of(name, EXPORTING, experiment=experiment)), None)),
        has_bundle=made is not None and exists(made.folder / BUNDLE),
        published=publishing.handed_out(shown.jobs, name, experiment),
        folder=shown.places.said(found.run.folder) if found.run else "",
    )


def _script(found: Training) -> str:
    if found.job is None:
        return ""
    return read_regular(found.job.script).decode("utf-8")


@router.get("/p/{name}/t/{experiment}/state.json")
def state(request: Request, name: str, experiment: str) -> JsonAnswer:
    return JsonAnswer(_found(request, name, experiment)[2].as_json())


@router.post("/p/{name}/t/{experiment}/stop")
def stop(request: Request, name: str, experiment: str) -> RedirectResponse:
    _job(request, name, experiment).stop()
    return to("p", name, "t", experiment)


@router.post("/p/{name}/t/{experiment}/again")
def again(request: Request, name: str, experiment: str) -> RedirectResponse:
    _job(request, name, experiment).again()
    return to("p", name, "t", experiment)


def _job(request: Request, name: str, experiment: str) -> Job:
    job = _found(request, name, experiment)[2].job
    if job is None:
        raise InvalidValue(f"{experiment} was not begun in these pages: go on with it where it was begun")
    return job


@router.get("/p/{name}/t/{experiment}/script.py")
def script(request: Request, name: str, experiment: str) -> PlainTextResponse:
    text = _script(_found(request, name, experiment)[2])
    return PlainTextResponse(text, headers={"content-disposition": 'attachment; filename="training.py"'})


@router.get("/p/{name}/t/{experiment}/report")
def shown_report(request: Request, name: str, experiment: str) -> HTMLResponse:
    path = _found(request, name, experiment)[2].report
    if path is None:
        raise NotFound(f"{experiment} has no report yet")
    return report(read_regular(path, MAX_PAGE).decode("utf-8"))


@router.get("/p/{name}/t/{experiment}/export")
def export(request: Request, name: str, experiment: str) -> FileResponse:
    """The whole run as one file, for another machine: `monklite import` reads it."""
    found = _found(request, name, experiment)[2]
    if found.run is None:
        raise NotFound(f"{experiment} has nothing to be kept yet")
    folder = tempfile.TemporaryDirectory(prefix="monklite-")
    path = Path(folder.name) / "run.zip"
    try:
        pack(found.run, path)
    except BaseException:
        folder.cleanup()
        raise
    file_name = f"{name} {experiment} {found.run.folder.name}.zip"
    return FileResponse(path, filename=file_name, background=BackgroundTask(folder.cleanup))


@router.post("/p/{name}/t/{experiment}/bundle")
def make_bundle(request: Request, name: str, experiment: str) -> RedirectResponse:
    """A bundle of the newest trained version, for machines without a framework; a job, for it is compared with the network."""
    shown, project, found = _found(request, name, experiment)
    if found.run is None or not found.is_trained:
        raise NotFound(f"{experiment} has learnt nothing yet")
    known = shown.jobs.of(name, EXPORTING, experiment=experiment)
    if not known or known[0].status not in (WAITING, RUNNING):
        root, version = str(shown.places.root), found.run.folder.name
        arguments = ["-m", "monklite", "--workspace", root, "export-model", "--version", version]
        arguments += ["--", project.name, experiment, f"{FOLDER}{BUNDLE}"]
        shown.jobs.add(EXPORTING, project.name, arguments, experiment=experiment, version=version)
    return to("p", name, "t", experiment)


def _bundle(request: Request, name: str, experiment: str) -> Job:
    shown, project, _ = _found(request, name, experiment)
    jobs = shown.jobs.of(project.name, EXPORTING, experiment=experiment)
    if not jobs:
        raise NotFound(f"no bundle of {experiment} was made")
    return jobs[0]


@router.get("/p/{name}/t/{experiment}/bundle.json")
def bundle_state(request: Request, name: str, experiment: str) -> JsonAnswer:
    return JsonAnswer(_state(_bundle(request, name, experiment)))


@router.get("/p/{name}/t/{experiment}/bundle.zip")
def bundle(request: Request, name: str, experiment: str) -> FileResponse:
    job = _bundle(request, name, experiment)
    if not exists(job.folder / BUNDLE):
        raise NotFound(f"the bundle of {experiment} is not there: {job.problem() or 'it is being made'}")
    return FileResponse(job.folder / BUNDLE, filename=f"{name} {experiment} {job.about['version']} bundle.zip")


def _state(job: Job) -> dict[str, str]:
    """The state of a job as a page shows it while it waits and runs."""
    lines = [line for line in job.log().splitlines() if line.strip()]
    return {"status": job.status, "line": lines[-1].strip() if lines else ""}
