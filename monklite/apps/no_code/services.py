"""Services that the routes share, and their answers: pages, and errors in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment
from markupsafe import Markup

from ...errors import NotFound, UnknownName
from ...printable import printable
from ...regular_files import MAX_JSON_BYTES
from ...reports import pages
from ..json_answers import JsonAnswer
from .jobs import Jobs
from .places import Places
from .safety import REPORT_POLICY, SAFE_HEADERS
from .trainings import Trainings
from .trying import Models

# of the pages that monklite writes, bytes
MAX_PAGE = 20 * MAX_JSON_BYTES


@dataclass(frozen=True)
class Services:
    """The objects that the routes work with."""

    places: Places
    jobs: Jobs
    trainings: Trainings
    models: Models


def services(request: Request) -> Services:
    found: Services = request.app.state.services
    return found


def environment() -> Environment:
    made = pages.environment()
    made.filters["part"] = lambda text: quote(text, safe="")
    made.filters["lines"] = lambda text: Markup("\n").join(printable(line) for line in text.splitlines())
    made.filters["percent"] = lambda share: f"{100 * share:.1f} %"
    return made


def page(request: Request, template: str, status: int = 200, **content: Any) -> HTMLResponse:
    text = request.app.state.templates.get_template(f"no_code/{template}").render(**content)
    return HTMLResponse(text, status)


def to(*parts: str | int) -> RedirectResponse:
    """Go on to another page, given by the parts of its path."""
    return RedirectResponse("/" + "/".join(quote(str(part), safe="") for part in parts), 303)


def report(text: str) -> HTMLResponse:
    """One of the self-contained pages that monklite writes, shown within a page."""
    return HTMLResponse(
        text, headers={"content-security-policy": REPORT_POLICY, "cross-origin-resource-policy": "same-origin"}
    )


def in_words(request: Request, error: Exception) -> Response:
    """An error as a page, or for the script of a page."""
    status = 404 if isinstance(error, (NotFound, UnknownName)) else 400
    if "application/json" in request.headers.get("accept", ""):
        return JsonAnswer({"problem": str(error)}, status)
    return page(request, "problem.html", status, problem=str(error))


def no_page(request: Request, error: Exception) -> Response:
    """An address that is none of these pages."""
    return in_words(request, NotFound("there is no such page: begin at the first one"))


def too_large(request: Request, error: Exception) -> Response:
    return JsonAnswer({"problem": "That is more than can be sent at once: send fewer or smaller files."}, 413)


def unexpected(request: Request, error: Exception) -> Response:
    """An error that nobody foresaw; it is in the output of the server with its place.

    It is answered outside of the guard, which gives all other answers their headers.
    """
    text = (
        f"Something went wrong that should not have ({type(error).__name__}); the window of `monklite app` says where."
    )
    return JsonAnswer({"problem": text}, 500, SAFE_HEADERS)
