"""The routes of Custom Vision's prediction API, so that its clients change the host only.

They are those of version 3.1. Older addresses name version 3.0, whose classification is the same, or write `Prediction`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid4, uuid5

from fastapi import APIRouter, Request

from .answers import Unread
from .json_answers import JsonAnswer
from .own_routes import BODY
from .refusals import Refusal
from .uploads import Upload, body_of, pictures_of

PREFIX = "/customvision/"
VERSIONS = ("v3.0", "v3.1")
# bytes of JSON that names an address; much more of it would take many times its size in memory
MOST_JSON = 16 << 10
# what the identities of projects, and in these of tags and iterations, are made from
NAMESPACE = uuid5(NAMESPACE_OID, "monklite")
_ADDRESS = "{version}/{prediction}/{project}/classify/iterations/{name}"

router = APIRouter(prefix=f"{PREFIX}{_ADDRESS}")


def project_id(project: str) -> str:
    """The identity of a project, from its name."""
    return str(uuid5(NAMESPACE, project))


@router.post("/image", openapi_extra=BODY)
@router.post("/image/nostore", openapi_extra=BODY)
async def image(request: Request) -> JsonAnswer:
    """Classify the picture in the request."""
    _check_address(request)
    return await _classified(request, await pictures_of(request))


@router.post("/url")
@router.post("/url/nostore")
async def url(request: Request) -> JsonAnswer:
    """Classify the picture at the address that the request names, as `{"url": "https://..."}`."""
    _check_address(request)
    fetcher = request.app.state.fetcher
    if fetcher is None:
        raise Refusal(
            "BadRequestImageUrl", "this server fetches nothing unasked: send the picture itself, to .../image"
        )
    address = _address_in(await body_of(request))
    return await _classified(request, [Upload(address, await fetcher.fetch(address))])


def _check_address(request: Request) -> None:
    given, settings = request.path_params, request.app.state.settings
    if given["version"] not in VERSIONS or given["prediction"].lower() != "prediction":
        raise Refusal("NotFound", "there is nothing at this address")
    if given["project"].lower() != settings.project_id.lower():
        raise Refusal("NotFoundProject", "no project has this ID here; /v1/model says which one is served")
    if given["name"] != settings.published_name:
        raise Refusal("NotFoundIteration", "no iteration is published by this name; /v1/model says which one is served")


def _address_in(body: bytes) -> str:
    try:
        if len(body) > MOST_JSON:
            raise ValueError
        values = {key.lower(): value for key, value in json.loads(body).items()}
        if isinstance(values["url"], str):
            return values["url"]
    except (ValueError, AttributeError, KeyError, RecursionError):
        pass
    raise Refusal("BadRequestImageUrl", 'the address is sent as JSON: {"url": "https://..."}')


async def _classified(request: Request, uploads: Sequence[Upload]) -> JsonAnswer:
    state = request.app.state
    if len(uploads) != 1:
        raise Refusal("BadRequestImageExceededCount", f"one picture is classified here, and {len(uploads)} were sent")
    keep = not request.scope["path"].endswith("/nostore")
    (answer,) = await state.queue.submit([uploads[0].content], [uploads[0].name], keep)
    if isinstance(answer, Unread):
        raise Refusal(answer.code, answer.problem)
    project, name = UUID(state.settings.project_id), state.settings.published_name
    return JsonAnswer(
        {
            "id": str(uuid4()),
            "project": str(project),
            "iteration": str(uuid5(project, f"iteration {name}")),
            "created": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
            "predictions": _predictions(project, state.model.classes, answer.scores.tolist()),
        }
    )


def _predictions(project: UUID, classes: Sequence[str], scores: Sequence[float]) -> list[dict[str, Any]]:
    found = [
        {"probability": score, "tagId": str(uuid5(project, f"tag {name}")), "tagName": name, "tagType": "Regular"}
        for name, score in zip(classes, scores, strict=True)
    ]
    return sorted(found, key=lambda prediction: -prediction["probability"])
