"""Many tries of a password at the same time."""

from __future__ import annotations

import asyncio

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from monklite.apps import password_file
from monklite.apps.login import MOST_WAITING, Login
from monklite.apps.password_file import PasswordHash


@pytest.fixture
def login(monkeypatch):
    monkeypatch.setattr(password_file, "COST", 1024)
    return Login(PasswordHash.of("tall green ladder"), "p/e-v001")


def request_of(login, address, password):
    """The form of a browser at an address."""
    body = f"form_token={login.sessions.form_token('c')}&password={password}".encode()
    headers = [(b"cookie", f"{login.cookie}=c".encode()), (b"host", b"x")]

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
