"""The page that is handed out: who has its password drops pictures on it and gets their classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, RedirectResponse, Response

from ..errors import UnknownName, UnreadableImage
from ..figures import PPV, SENSITIVITY, SPECIFICITY
from ..inference import Predictor
from ..reports import heat_overlays, pages, run_report
from .answers import as_dict
from .gate import Door, everybody
from .inference_queue import Busy
from .json_answers import JsonAnswer
from .login import FORM_TOKEN, LOGIN, MOST_FORM, TOKEN_HEADER, Login, wants_json
from .password_file import PasswordHash
from .refusals import Refusal, too_many
from .served_model import ServedModel
from .settings import Settings
from .uploads import Upload, body_of, pictures_of

PREFIX = "/page/"
# the script sends pictures in requests of so many, so many requests at a time, and tries a request so often that fails
TOGETHER, AT_ONCE, TRIES = 16, 3, 3
CAUTION = (
    "This is not a medical device. Its answers may be wrong and are not a diagnosis: do not base a decision about a person's "
    "health on them."
)
# files of the page -> their parts beside the templates, and their type
FILES = {
    "page.css": (("page.css", "served.css"), "text/css"),
    "page.js": (("page.js", "served.js"), "text/javascript"),
    "icon.svg": (("icon.svg",), "image/svg+xml"),
}


@dataclass(frozen=True)
class Words:
    """The author's words on the page. `about`: what the model is for. `caution`: what it is not to be used for."""

    about: str = ""
    caution: str = CAUTION


class Page:
    """The page of a model: its doors and its routes."""

    def __init__(self, model: ServedModel, password: PasswordHash, words: Words, settings: Settings) -> None:
        self.model, self.settings, self.words = model, settings, words
        self.login = Login(password, f"{model.project}/{model.name}")
        self._templates = pages.environment()
        self._content = {
            "model": model,
            "words": words,
            "figures": model.about.figures,
            "quality": _quality(model),
            "kept": settings.keep_in is not None,
            "explains": isinstance(model.predictor, Predictor),
            "colours": heat_overlays.heat_note(),
            "limits": {"bytes": settings.most_bytes, "together": TOGETHER, "at_once": AT_ONCE, "tries": TRIES},
        }

    def doors(self) -> list[Door]:
        most, admits = self.settings.most_bytes, self.login.admits
        return [
            Door("/", _to_the_page),
            Door(PREFIX, everybody),
            Door(f"{PREFIX}{LOGIN}", everybody, MOST_FORM),
            Door(f"{PREFIX}logout", admits, MOST_FORM),
            Door(f"{PREFIX}predict", admits, most),
            Door(f"{PREFIX}heat-map", admits, most),
        ]

    def add_to(self, app: FastAPI) -> None:
        """Add the page to the application of a server that was made with its doors."""
        router = APIRouter(prefix=PREFIX.rstrip("/"), include_in_schema=False)
        router.add_api_route("/", self.index)
        router.add_api_route(f"/{LOGIN}", self.login_form)
        router.add_api_route(f"/{LOGIN}", self.log_in, methods=["POST"])
        router.add_api_route("/logout", self.log_out, methods=["POST"])
        router.add_api_route("/predict", self.predict, methods=["POST"])
        router.add_api_route("/heat-map", self.heat_map, methods=["POST"])
        router.add_api_route("/static/{name}", self.file)
        app.include_router(router)

    async def index(self, request: Request) -> Response:
        """The page itself."""
        return self.login.admits(request) or self._page(request)

    async def login_form(self, request: Request) -> Response:
        return RedirectResponse("./", 303) if self.login.is_open(request) else self._login(request)

    async def log_in(self, request: Request) -> Response:
        """Open a session for who has the password."""
        try:
            is_right = await self.login.log_in(request)
        except Refusal as refusal:
            return self._login(request, refusal.detail, refusal)
        if not is_right:
            return self._login(request, "This is not the password.", Refusal("Forbidden", ""))
        return self.login.opened(request, RedirectResponse("./", 303))

    async def log_out(self, request: Request) -> Response:
        form = (await body_of(request)).decode("latin-1")
        self.login.check_form(request, form.removeprefix(f"{FORM_TOKEN}="))
        return self.login.closed(request, RedirectResponse(LOGIN, 303))

    async def predict(self, request: Request) -> Response:
        """The answers for some pictures: as JSON for the script, or as a page where there is none."""
        try:
            answers = await self._answers(request)
        except (Refusal, Busy) as error:
            if wants_json(request):
                raise
            refusal = error if isinstance(error, Refusal) else too_many(str(error), error.seconds)
            return _refused(self._page(request, problem=refusal.detail), refusal)
        return JsonAnswer({"answers": answers}) if wants_json(request) else self._page(request, answers=answers)

    async def heat_map(self, request: Request) -> Response:
        """A PNG that shows where the network sees a class in a picture."""
        parts = await self._parts(request)
        pictures, names = _of(parts, "pictures"), _of(parts, "class_name")
        if not pictures or not names:
            raise Refusal("BadRequest", "a picture and the name of a class are needed")
        queue = request.app.state.queue
        try:
            found = await queue.heat_map(pictures[0].content, names[0].content.decode("utf-8", "replace"))
        except UnreadableImage as error:
            raise Refusal("BadRequestImageFormat", str(error)) from None
        except UnknownName as error:
            raise Refusal("BadRequest", str(error)) from None
        if found is None:
            raise Refusal("NotFound", "this model cannot show where it sees a class")
        return Response(found, media_type="image/png")

    async def file(self, name: str) -> Response:
        """A file that the page needs, beside the templates."""
        if name not in FILES:
            raise Refusal("NotFound", "there is nothing at this address")
        parts, kind = FILES[name]
        return Response("\n".join(map(pages.source, parts)), media_type=kind)

    async def _answers(self, request: Request) -> list[dict[str, Any]]:
        pictures = _of(await self._parts(request), "pictures")
        # a form without a choice has one empty file; a script gives each picture the answer of its place
        if not wants_json(request):
            pictures = [picture for picture in pictures if picture.content]
        if not pictures:
            raise Refusal("BadRequestImageStream", "choose a picture first")
        names = [picture.name for picture in pictures]
        answers = await request.app.state.queue.submit([picture.content for picture in pictures], names)
        return [as_dict(name, answer, self.model.classes) for name, answer in zip(names, answers, strict=True)]

    async def _parts(self, request: Request) -> list[Upload]:
        """The parts of a form of this page."""
        if header := request.headers.get(TOKEN_HEADER):
            self.login.check_form(request, header)
            return await pictures_of(request)
        parts = await pictures_of(request)
        tokens = _of(parts, FORM_TOKEN)
        self.login.check_form(request, tokens[0].content.decode("utf-8", "replace") if tokens else "")
        return parts

    def _page(self, request: Request, problem: str = "", answers: Sequence[dict[str, Any]] = ()) -> Response:
        return self._rendered("served.html", self.login.form_token(request), problem=problem, answers=answers)

    def _login(self, request: Request, problem: str = "", refusal: Refusal | None = None) -> Response:
        token = self.login.token_for_form(request)
        response = self._rendered("login.html", self.login.sessions.form_token(token), problem=problem)
        return self.login.ready(request, token, _refused(response, refusal) if refusal else response)

    def _rendered(self, template: str, form_token: str, **content: Any) -> Response:
        text = self._templates.get_template(template).render(form_token=form_token, **self._content, **content)
        return HTMLResponse(text.encode("utf-8", "replace"))


def _to_the_page(connection: HTTPConnection) -> Response | None:
    """Lead from the address of the server alone to the page; nothing else is there."""
    if connection.scope["path"] not in ("/", PREFIX.rstrip("/")):
        raise Refusal("NotFound", "there is nothing at this address")
    return RedirectResponse(PREFIX.lstrip("/"), 303)


def _refused(response: Response, refusal: Refusal) -> Response:
    """A page with the status and the headers of a refusal."""
    response.status_code = refusal.status_code
    response.headers.update(refusal.headers or {})
    return response


def _of(parts: Sequence[Upload], field: str) -> list[Upload]:
    return [part for part in parts if part.field == field]


def _quality(model: ServedModel) -> dict[str, Any] | None:
    """How good the model is, as the page shows it; None: it was not evaluated."""
    figures = model.about.figures
    if figures is None:
        return None
    return {
        "summary": run_report.share_right(figures),
        "classes": run_report.class_rows(figures, (SENSITIVITY, SPECIFICITY, PPV)),
        "glossary": dict(list(run_report.GLOSSARY.items())[:3]),
    }
