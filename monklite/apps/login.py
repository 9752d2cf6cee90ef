"""The login of the page that is handed out: its password, its cookie, and the forms that belong to it."""

from __future__ import annotations

import asyncio
import hashlib
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs

from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse, Response

from ..durations import duration
from .password_file import PasswordHash
from .refusals import Refusal, too_many
from .sessions import LIFETIME, Sessions, is_token, new_token
from .tries import Tries
from .uploads import body_of

# bytes of the form; tries that may wait for their turn
MOST_FORM, MOST_WAITING = 4096, 8
FORM_TOKEN, TOKEN_HEADER = "form_token", "x-form-token"
LOGIN = "login"


class Login:
    """Who may see the page.

    One try is computed at a time, by a thread of its own: it takes memory, and must not hold up the answers.

    Args:
        served: what the page is of. The cookies of two pages on one machine must not replace each other: browsers send them to
            every port.
    """

    def __init__(self, password: PasswordHash, served: str) -> None:
        self.password, self.sessions, self.tries = password, Sessions(), Tries()
        self.cookie = f"monklite-{hashlib.sha256(f'{served} {password}'.encode()).hexdigest()[:12]}"
        self._waiting = 0
        self._thread = ThreadPoolExecutor(1, "monklite-password")

    def is_open(self, connection: HTTPConnection) -> bool:
        return self.sessions.is_open(self._token(connection))

    def admits(self, connection: HTTPConnection) -> Response | None:
        """Admit who is logged in; a page of a browser is led to the login."""
        if self.is_open(connection):
            return None
        if wants_json(connection):
            raise Refusal("Unauthorized", "your login has ended: log in again")
        return RedirectResponse(LOGIN, 303)

    def form_token(self, connection: HTTPConnection) -> str:
        return self.sessions.form_token(self._token(connection))

    def check_form(self, request: Request, token: str) -> None:
        """Check that a form comes from this page, and not from one of another host.

        Raises:
            Refusal: it does not.
        """
        origin = request.headers.get("origin")
        if origin is not None and origin.partition("://")[2] != request.headers.get("host"):
            raise Refusal(
                "Forbidden",
                "the form comes from a page of another host. If a proxy stands before this server, it must pass on the header "
                "Host as it is",
            )
        if not self.sessions.is_form_token(token, self._token(request)):
            raise Refusal(
                "Forbidden", "the form is too old, or cookies are switched off: allow them, and load the page again"
            )

    async def log_in(self, request: Request) -> bool:
        """Try the password of a form; True: it is the right one.

        Raises:
            Refusal: the form does not come from this page, or it is too early for a further try.
        """
        address = request.client.host if request.client else ""
        if wait := self.tries.wait(address):
            raise _too_early(wait)
        fields = parse_qs((await body_of(request)).decode("utf-8", "replace"), keep_blank_values=True)
        self.check_form(request, fields.get(FORM_TOKEN, [""])[0])
        # others may have tried while this form came
        if self._waiting >= MOST_WAITING or (wait := self.tries.wait(address)):
            raise _too_early(max(wait, 1))
        self.tries.begin(address)
        is_right = await self._matches(fields.get("password", [""])[0])
        if is_right:
            self.tries.succeeded(address)
        return is_right

    async def _matches(self, given: str) -> bool:
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self.password.matches, given)
        finally:
            self._waiting -= 1

    def opened(self, request: Request, response: Response) -> Response:
        """The response with the cookie of a new session."""
        self.sessions.close(self._token(request))
        return self._with_cookie(request, response, self.sessions.open())

    def ready(self, request: Request, token: str, response: Response) -> Response:
        """The response with a cookie that the form of the login is bound to."""
        return self._with_cookie(request, response, token)

    def token_for_form(self, request: Request) -> str:
        """The token in the cookie that a request came with, or a new one."""
        return self._token(request) or new_token()

    def closed(self, request: Request, response: Response) -> Response:
        self.sessions.close(self._token(request))
        response.delete_cookie(self.cookie, httponly=True, samesite="lax")
        return response

    def _token(self, connection: HTTPConnection) -> str:
        given = connection.cookies.get(self.cookie, "")
        # what the server did not make is not sent back
        return given if is_token(given) else ""

    def _with_cookie(self, request: Request, response: Response, token: str) -> Response:
        # "strict" would ask those for the password again who follow a link in a mail; no form is sent with it by another host
        response.set_cookie(
            self.cookie,
            token,
            max_age=LIFETIME,
            httponly=True,
            samesite="lax",
            secure=request.scope["scheme"] == "https",
        )
        return response


def _too_early(seconds: int) -> Refusal:
    return too_many(f"Too many passwords were tried: wait {duration(seconds)}, and try again.", seconds)


def wants_json(connection: HTTPConnection) -> bool:
    """Whether the script of the page asks, and not the browser for a page to show."""
    return "application/json" in connection.headers.get("accept", "")
