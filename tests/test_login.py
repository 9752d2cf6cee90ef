"""Many tries of a password at the same time."""

from __future__ import annotations

import asyncio

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from monklite.apps import password_file
from monklite.apps.login import MOST_WAITING, Login
from monklite.apps.password_file import PasswordHash
from monklite.apps.sessions import is_token, new_token

TOKEN = new_token()


@pytest.fixture
def login(monkeypatch):
    monkeypatch.setattr(password_file, "COST", 1024)
    return Login(PasswordHash.of("tall green ladder"), "p/e-v001")


def request_of(login, address, password):
    """The form of a browser at an address."""
    body = f"form_token={login.sessions.form_token(TOKEN)}&password={password}".encode()
    headers = [(b"cookie", f"{login.cookie}={TOKEN}".encode()), (b"host", b"x")]

    async def receive():
        return {"type": "http.request", "body": body}

    return Request({"type": "http", "method": "POST", "headers": headers, "client": (address, 1)}, receive)


def test_of_many_tries_at_once_only_a_few_wait_for_their_turn(login):
    async def tried(address):
        try:
            return await login.log_in(request_of(login, address, "wrong"))
        except HTTPException as refusal:
            return refusal.status_code, refusal.headers

    async def together():
        return await asyncio.gather(*(tried(f"10.0.{i}.1") for i in range(20)))

    answers = asyncio.run(together())
    assert answers == [False] * MOST_WAITING + [(429, {"Retry-After": "1"})] * (20 - MOST_WAITING)
    # those that were refused were no tries
    assert asyncio.run(login.log_in(request_of(login, "10.0.19.1", "tall+green+ladder")))


def test_tries_at_once_from_one_address_are_counted_before_they_are_computed(login):
    async def tried():
        try:
            return await login.log_in(request_of(login, "10.0.0.1", "wrong"))
        except HTTPException as refusal:
            return refusal.status_code

    async def together():
        return await asyncio.gather(*(tried() for _ in range(7)))

    assert asyncio.run(together()) == [False] * 5 + [429] * 2


def test_pages_of_two_models_have_cookies_of_their_own(login):
    assert Login(login.password, "p/e-v002").cookie != login.cookie
    assert Login(login.password, "p/e-v001").cookie == login.cookie


@pytest.mark.parametrize(
    "value",
    ['"a\\015\\012X: y"', '"a\\073 Domain=x"', "x" * 44, "\xe9" * 43, "", TOKEN[:-1] + "."],
    # the last one is drawn anew in each process
    ids=["lines", "domain", "long", "no ASCII", "empty", "no token"],
)
def test_a_cookie_that_the_server_did_not_make_is_not_sent_back(login, value):
    headers = [(b"cookie", f"{login.cookie}={value}".encode("latin-1")), (b"host", b"[x")]
    request = Request({"type": "http", "method": "GET", "scheme": "https", "headers": headers})
    token = login.token_for_form(request)
    assert is_token(token) and token != TOKEN
    set_cookie = login.ready(request, token, Response()).headers["set-cookie"]
    assert set_cookie.startswith(f"{login.cookie}={token}; ") and set_cookie.endswith("; Secure")
