"""Refusals of a server, in the words of Custom Vision's errors, a code and a message, which all routes use."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from starlette.exceptions import HTTPException

from ..errors import cut
from ..printable import printable
from .json_answers import JsonAnswer

# code -> status; the codes that begin with BadRequest, NotFound and Error are Custom Vision's own
STATUS = {
    "BadRequest": 400,
    "BadRequestImageDimensions": 400,
    "BadRequestImageExceededCount": 400,
    "BadRequestImageFormat": 400,
    "BadRequestImageStream": 400,
    "BadRequestImageUrl": 400,
    "Unauthorized": 401,
    "Forbidden": 403,
    "NotFound": 404,
    "NotFoundIteration": 404,
    "NotFoundProject": 404,
    "BadRequestNotSupported": 405,
    "RequestTimeout": 408,
    "BadRequestImageSizeBytes": 413,
    "UnsupportedMediaType": 415,
    "TooManyRequests": 429,
    "ErrorPrediction": 500,
    "ErrorPredictionStorage": 507,
}
# of the refusals of the library that finds the routes
_BY_STATUS = {404: "NotFound", 405: "BadRequestNotSupported"}
MOST_CHARACTERS = 500


class Refusal(HTTPException):
    """A request that is refused. `code`: one of `STATUS`; `detail`: why, and what to do."""

    def __init__(self, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(STATUS[code], cut(printable(message), MOST_CHARACTERS), headers)
        self.code = code


def too_many(message: str, seconds: int) -> Refusal:
    return Refusal("TooManyRequests", message, {"Retry-After": str(seconds)})


def as_response(error: HTTPException) -> JsonAnswer:
    """The answer to a request that is refused."""
    status = error.status_code
    code = error.code if isinstance(error, Refusal) else _BY_STATUS.get(status, HTTPStatus(status).phrase)
    return JsonAnswer({"code": code, "message": error.detail}, status, error.headers)
