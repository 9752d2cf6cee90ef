"""The server of the pages without code: it binds this machine only, and everything that it shows lies on the disk."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response

from ..._version import __version__
from ...errors import MonkliteError, NotFound
from ...reports.pages import source
from . import comparison_routes, picture_routes, publishing_routes, training_routes, trying_routes
from .jobs import Jobs
from .places import Places
from .safety import Guard, TooLarge, key_of
from .services import Services, environment, in_words, no_page, too_large, unexpected
from .trainings import Trainings
from .trying import Models

HOST = "127.0.0.1"
# the files of the package that pages load
STATIC = {
    "page.css": ("page.css", "text/css"),
    "app.css": ("no_code/app.css", "text/css"),
    "app.js": ("no_code/app.js", "text/javascript"),
}


def create(workspace: str | os.PathLike[str], port: int) -> FastAPI:
    """The application for a workspace. `port`: under which it will be asked."""
    places = Places(workspace)
    jobs = Jobs(places.jobs, places.working_folder)

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        jobs.start()
        yield

    app = FastAPI(
        title="monklite", version=__version__, docs_url=None, redoc_url=None, openapi_url=None, lifespan=running
    )
    app.state.services = Services(places, jobs, Trainings(places, jobs), Models(places.workspace))
    app.state.templates = environment()
    # stopped when the server is; the jobs that run go on
    app.state.queue = jobs
    for routes in (picture_routes, training_routes, comparison_routes, trying_routes, publishing_routes):
        app.include_router(routes.router)
    app.add_api_route("/static/{name}", _static)
    app.add_exception_handler(MonkliteError, in_words)
    app.add_exception_handler(TooLarge, too_large)
    for kind in (404, RequestValidationError):
        app.add_exception_handler(kind, no_page)
    app.add_exception_handler(Exception, unexpected)
    hosts = frozenset(f"{name}:{port}" for name in (HOST, "localhost", "[::1]"))
    app.add_middleware(Guard, secret=places.secret(), hosts=hosts)
    return app


def _static(request: Request, name: str) -> Response:
    if name not in STATIC:
        raise NotFound(f"there is no file {name}")
    path, kind = STATIC[name]
    return Response(source(path), media_type=kind, headers={"cache-control": "no-cache"})


def address(workspace: str | os.PathLike[str], port: int) -> str:
    """The address of the first page, with the key of this workspace."""
    return f"http://{HOST}:{port}/?key={key_of(Places(workspace).secret(), 'key')}"
