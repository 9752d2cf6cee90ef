"""The pages of projects and their pictures."""

from __future__ import annotations

import tempfile
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from ...errors import InvalidValue, NotFound, find
from ...files import storing
from ...looking import exists
from ...regular_files import read_regular
from ..json_answers import JsonAnswer
from . import adding
from .adding import MAX_PICTURE, Added, Place
from .choices import VARIATIONS
from .jobs import INSPECTING, RUNNING, WAITING, Job
from .own_files import read_json
from .projects import PARTS, Project, checked_part, thumbnail
from .services import Services, page, services, to

router = APIRouter()
# pictures of a request, and of a class that are shown
MAX_FILES, N_SHOWN = 200, 6
# classes whose pictures are shown at once
N_CLASSES_SHOWN = 12
MODULE = "monklite.apps.no_code.inspecting"


@router.get("/")
def projects(request: Request) -> HTMLResponse:
    shown = services(request)
    known = [
        (project, project.counts("train"), len(shown.trainings.all(project))) for project in shown.places.projects()
    ]
    return page(request, "projects.html", projects=known, root=shown.places.root.name)


@router.post("/projects")
async def create(request: Request) -> RedirectResponse:
    form = await request.form()
    project = services(request).places.create(str(form.get("name", "")).strip())
    return to("p", project.name)


@router.get("/p/{name}")
def pictures(request: Request, name: str) -> HTMLResponse:
    shown = services(request)
    project = shown.places.project(name)
    counts = {part: project.counts(part) for part in PARTS}
    findings, outdated = _findings(project)
    return page(
        request,
        "pictures.html",
        project=project,
        counts=counts,
        pointed_at={part: project.pointed_at(part) for part in PARTS},
        n_shown=N_SHOWN,
        n_classes_shown=N_CLASSES_SHOWN,
        findings=findings,
        outdated=outdated,
        looking=_looking(shown, project),
        problem=_problem(shown, project, findings),
    )


def _findings(project: Project) -> tuple[dict[str, Any] | None, bool]:
    """The report on the pictures, and whether there are other pictures since."""
    if not exists(project.findings):
        return None, False
    findings = read_json(project.findings)
    return findings, findings["counts"] != {part: project.counts(part) for part in PARTS}


def _looking(shown: Services, project: Project) -> Job | None:
    """The look at the pictures that waits or is under way."""
    jobs = shown.jobs.of(project.name, INSPECTING)
    return next((job for job in jobs if job.status in (WAITING, RUNNING)), None)


def _problem(shown: Services, project: Project, findings: dict[str, Any] | None) -> str:
    """Why the last look at the pictures found nothing out."""
    jobs = shown.jobs.of(project.name, INSPECTING)
    if not jobs or (findings and findings["made"] >= jobs[0].about["made"]):
        return ""
    return jobs[0].problem()


@router.post("/p/{name}/pictures")
async def upload(request: Request, name: str) -> JsonAnswer:
    """Pictures, each with its path below the folder that was chosen as the name of its file."""
    project = services(request).places.project(name)
    async with request.form(max_files=MAX_FILES, max_fields=10) as form:
        part, class_name = str(form.get("part", "train")), str(form.get("class", "")).strip()
        files = [(f.filename or "", await _content(f)) for f in form.getlist("pictures") if isinstance(f, UploadFile)]
    added = await run_in_threadpool(_add, project, part, class_name, files)
    return JsonAnswer(added.as_dict())


async def _content(file: UploadFile) -> bytes:
    # one byte more, by which it is refused
    return await file.read(MAX_PICTURE + 1)


def _add(project: Project, part: str, class_name: str, files: list[tuple[str, bytes]]) -> Added:
    added = Added()
    for path, content in files:
        try:
            place = Place.of(path, part, class_name)
        except InvalidValue as error:
            added.refuse(path, str(error))
            continue
        if place is not None:
            adding.check_own(project, place.part)
            adding.add(project, place, content, added)
    return added


@router.post("/p/{name}/zip")
async def upload_zip(request: Request, name: str, part: str = "train") -> JsonAnswer:
    """A zip file as the body."""
    project = services(request).places.project(name)
    adding.check_own(project, checked_part(part))
    with tempfile.TemporaryFile(dir=project.folder) as file:
        async for chunk in request.stream():
            with storing(project.folder):
                await run_in_threadpool(file.write, chunk)
        size = file.tell()
        added = await run_in_threadpool(adding.add_archive, project, part, file, size)
    return JsonAnswer(added.as_dict())


@router.post("/p/{name}/folder")
async def point_at(request: Request, name: str) -> RedirectResponse:
    project, form = services(request).places.project(name), await request.form()
    await run_in_threadpool(project.point_at, str(form.get("part", "train")), str(form.get("folder", "")).strip())
    return to("p", name)


@router.post("/p/{name}/own")
async def take_over(request: Request, name: str) -> RedirectResponse:
    """Copy the pictures of a folder of this machine into the project."""
    project, form = services(request).places.project(name), await request.form()
    await run_in_threadpool(adding.take_over, project, str(form.get("part", "train")))
    return to("p", name)


@router.post("/p/{name}/look")
def look(request: Request, name: str) -> RedirectResponse:
    shown = services(request)
    project = shown.places.project(name)
    if _looking(shown, project) is None:
        shown.jobs.add(INSPECTING, project.name, ["-m", MODULE, str(shown.places.root), project.name])
    return to("p", name)


@router.get("/p/{name}/look.json")
def looking(request: Request, name: str) -> JsonAnswer:
    shown = services(request)
    job = _looking(shown, shown.places.project(name))
    lines = job.log().splitlines() if job else []
    return JsonAnswer({"status": job.status if job else "ended", "line": lines[-1] if lines else ""})


@router.get("/p/{name}/picture/{part}/{number}")
def picture(request: Request, name: str, part: str, number: int, of: str) -> Response:
    """A small picture of a class, by its number."""
    path = services(request).places.project(name).picture(part, of, number)
    return Response(thumbnail(path), media_type="image/jpeg", headers={"cache-control": "private, max-age=600"})


@router.get("/p/{name}/effect/{variation}")
def effect(request: Request, name: str, variation: str) -> Response:
    """The pictures of what a variation does."""
    project = services(request).places.project(name)
    known = find("variation", variation, {row.name: row for row in VARIATIONS})
    path = project.effects / f"{known.name}.png"
    if not exists(path):
        raise NotFound("the pictures of the variations are not drawn yet")
    return Response(read_regular(path, MAX_PICTURE), media_type="image/png")
