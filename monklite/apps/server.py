"""The server: an application behind a gate, to which pages add their own routes and doors."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request

from .._version import __version__
from ..errors import StorageError
from . import custom_vision, own_routes
from .gate import Door, Gate, everybody
from .inference_queue import Busy, Queue
from .json_answers import JsonAnswer
from .kept_pictures import KeptPictures
from .keys import WithKey, of_this_machine
from .refusals import Refusal, as_response, too_many
from .secure_headers import SecureHeaders
from .served_model import ServedModel
from .settings import Settings
from .traffic import Traffic
from .web_pictures import Fetcher

OPENAPI = "/openapi.json"
_LOG = logging.getLogger("monklite")


def create(model: ServedModel, settings: Settings, doors: Sequence[Door] = ()) -> FastAPI:
    """The application, with monklite's own routes and Custom Vision's.

    Its `state` has `model`, `settings`, `queue`, `traffic` and `fetcher`. The pages that show the routes are left out, because
    they load their scripts from the network. Nothing leads to a route without a door.

    Args:
        doors: to further routes, which are added to the application afterwards.
    """
    settings = replace(
        settings,
        project_id=settings.project_id or custom_vision.project_id(model.project),
        published_name=settings.published_name or model.name,
    )
    keep = KeptPictures(settings.keep_in, model).keep if settings.keep_in else None
    queue, traffic = Queue(model, settings.queue, keep=keep), Traffic()
    fetcher = Fetcher(settings.most_bytes) if settings.allow_url else None

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        queue.start()
        yield
        queue.stop()
        if fetcher is not None:
            fetcher.stop()

    app = FastAPI(
        title="monklite", version=__version__, openapi_url=OPENAPI, docs_url=None, redoc_url=None, redirect_slashes=False,
        lifespan=running,
    )  # fmt: skip
    state = {"model": model, "settings": settings, "queue": queue, "traffic": traffic, "fetcher": fetcher}
    for name, value in state.items():
        setattr(app.state, name, value)
    app.include_router(own_routes.router)
    app.include_router(custom_vision.router)
    app.add_middleware(Gate, doors=[*_doors(settings), *doors], traffic=traffic, seconds=settings.seconds)
    app.add_middleware(SecureHeaders)
    _answer_errors(app)
    return app


def _doors(settings: Settings) -> list[Door]:
    admits = WithKey(settings.keys) if settings.keys or not settings.is_local else of_this_machine
    taking = [Door(prefix, admits, settings.most_bytes) for prefix in (own_routes.PREDICT, custom_vision.PREFIX)]
    telling = [Door(prefix, admits) for prefix in (own_routes.MODEL, own_routes.METRICS, OPENAPI)]
    return [*taking, *telling, Door(own_routes.HEALTH, everybody)]


def _answer_errors(app: FastAPI) -> None:
    """Answer what is refused with a code and a message; the gate does so for errors that nobody expected."""

    @app.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> JsonAnswer:
        return as_response(error)

    @app.exception_handler(Busy)
    async def busy(_: Request, error: Busy) -> JsonAnswer:
        return as_response(too_many(str(error), error.seconds))

    @app.exception_handler(StorageError)
    async def not_kept(_: Request, error: StorageError) -> JsonAnswer:
        _LOG.error("a picture could not be kept: %s", error)
        message = "the picture could not be kept, so it is not answered: tell who runs this server"
        return as_response(Refusal("ErrorPredictionStorage", message))
