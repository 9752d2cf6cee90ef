"""Pages of comparisons."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse

from ...regular_files import read_regular
from . import comparisons
from .services import MAX_PAGE, page, report, services, to

router = APIRouter()


@router.post("/p/{name}/compare")
async def compare_them(request: Request, name: str) -> RedirectResponse:
    shown, given = services(request), await request.form()
    chosen = list(dict.fromkeys(value for value in given.getlist("training") if isinstance(value, str)))
    project = shown.places.project(name)
    for experiment in chosen:
        shown.trainings.find(project, experiment)
    made = await run_in_threadpool(comparisons.make, shown.places, project, chosen)
    return to("p", name, "comparison", str(made.number))


@router.get("/p/{name}/comparison/{number}")
def comparison(request: Request, name: str, number: int) -> HTMLResponse:
    project = services(request).places.project(name)
    return page(request, "comparison.html", project=project, comparison=comparisons.find(project, number))


@router.get("/p/{name}/comparison/{number}/report")
def comparison_report(request: Request, name: str, number: int) -> HTMLResponse:
    shown = services(request)
    path = comparisons.page_of(shown.places, shown.places.project(name), number)
    return report(read_regular(path, MAX_PAGE).decode("utf-8"))
