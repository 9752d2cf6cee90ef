"""monklite's own routes: predict, what the model is, whether the server lives, and what it counts."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse

from ..answer_forms import without_nan
from .answers import Unread, as_dict
from .json_answers import JsonAnswer
from .refusals import Refusal
from .uploads import FORM, pictures_of

PREDICT, MODEL, HEALTH, METRICS = "/v1/predict", "/v1/model", "/health", "/metrics"
_BYTES = {"schema": {"type": "string", "format": "binary"}}
_FILES = {"schema": {"type": "object", "additionalProperties": {"type": "string", "format": "binary"}}}
# how a request looks, for the description of the routes in JSON
BODY = {
    "requestBody": {"required": True, "content": {"image/*": _BYTES, "application/octet-stream": _BYTES, FORM: _FILES}}
}

router = APIRouter()


@router.post(PREDICT, openapi_extra=BODY)
async def predict(request: Request) -> JsonAnswer:
    """Predict one picture, which is the body, or several, which are the parts of a form.

    Where some of several cannot be read, their answers say why; where none can be read, the request is refused.
    """
    queue, model = request.app.state.queue, request.app.state.model
    uploads = await pictures_of(request)
    answers = await queue.submit([u.content for u in uploads], [u.name for u in uploads])
    unread = [answer for answer in answers if isinstance(answer, Unread)]
    if len(unread) == len(answers):
        raise Refusal(unread[0].code, unread[0].problem)
    found = [as_dict(u.name, answer, model.classes) for u, answer in zip(uploads, answers, strict=True)]
    return JsonAnswer({"model": model.name, "answers": found})


@router.get(MODEL)
async def describe(request: Request) -> JsonAnswer:
    """The model, what it is for, and how good it is; `project_id` is for Custom Vision's routes."""
    model, settings = request.app.state.model, request.app.state.settings
    names = {"project_id": settings.project_id, "published_name": settings.published_name}
    return JsonAnswer(without_nan({**model.describe(), **names}))


@router.get(HEALTH)
async def health() -> JsonAnswer:
    """Whether the server lives."""
    return JsonAnswer({"status": "ok"})


@router.get(METRICS)
async def metrics(request: Request) -> PlainTextResponse:
    """The counts of the server, as Prometheus reads them."""
    state = request.app.state
    lines = state.traffic.lines(state.queue.waiting, state.queue.answered, state.queue.unread)
    return PlainTextResponse("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4")
