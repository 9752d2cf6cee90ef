"""The page on which pictures are tried on a trained network."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from ...errors import InvalidValue, NotReady
from ...runs.run import Run
from ..json_answers import JsonAnswer
from . import trying
from .adding import MAX_PICTURE
from .projects import Project, thumbnail
from .services import Services, page, services
from .trying import Tried

router = APIRouter()


@router.get("/p/{name}/try")
def form(request: Request, name: str, training: str = "") -> HTMLResponse:
    shown = services(request)
    project = shown.places.project(name)
    trained = [found.experiment for found in shown.trainings.all(project) if found.is_trained]
    return page(
        request,
        "try.html",
        project=project,
        trained=trained,
        training=training if training in trained else "",
        classes=list(project.counts("train")),
        own=not project.pointed_at("train"),
        tried=trying.listed(project),
    )


@router.post("/p/{name}/try")
async def ask(request: Request, name: str) -> JsonAnswer:
    shown = services(request)
    project = shown.places.project(name)
    async with request.form(max_files=1, max_fields=5) as given:
        file, training = given.get("picture"), str(given.get("training", ""))
        if not isinstance(file, UploadFile):
            raise InvalidValue("no picture was sent")
        content, file_name = await file.read(MAX_PICTURE + 1), file.filename or "picture"
    if len(content) > MAX_PICTURE:
        raise InvalidValue(f"a picture may have {MAX_PICTURE // 1_000_000} MB")
    tried = await run_in_threadpool(_ask, shown, project, training, file_name, content)
    return JsonAnswer(_as_json(tried))


def _ask(shown: Services, project: Project, training: str, name: str, content: bytes) -> Tried:
    return trying.ask(shown.models, project, _run(shown, project, training), name, content)


def _run(shown: Services, project: Project, training: str, version: int | None = None) -> Run:
    shown.trainings.find(project, training)
    return shown.places.workspace.find(project.name, training, version, trained=version is None)


def _as_json(tried: Tried) -> dict[str, object]:
    return {**tried.answer, "number": tried.number}


@router.get("/p/{name}/tried/{number}/picture")
def picture(request: Request, name: str, number: int) -> Response:
    tried = trying.find(services(request).places.project(name), number)
    return Response(
        thumbnail(tried.picture()), media_type="image/jpeg", headers={"cache-control": "private, max-age=600"}
    )


@router.get("/p/{name}/tried/{number}/heat")
def heat(request: Request, name: str, number: int, of: str) -> Response:
    """Where the network saw a class in a picture that was tried."""
    shown = services(request)
    project = shown.places.project(name)
    tried = trying.find(project, number)
    run = _run(shown, project, tried.answer["experiment"], tried.answer["version"])
    if not run.is_trained():
        raise NotReady("the network that answered is not there any more")
    return Response(trying.heat_map(shown.models, run, tried, of), media_type="image/png")


@router.post("/p/{name}/tried/{number}/correct")
async def correct(request: Request, name: str, number: int) -> JsonAnswer:
    project, given = services(request).places.project(name), await request.form()
    tried = await run_in_threadpool(trying.correct, project, number, str(given.get("class", "")))
    return JsonAnswer(_as_json(tried))
