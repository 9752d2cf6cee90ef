"""Who is logged in."""

from __future__ import annotations

from monklite.apps import sessions
from monklite.apps.sessions import LIFETIME, Sessions


def test_a_session_ends_by_itself_and_by_logging_out():
    now = [0.0]
    opened = Sessions(lambda: now[0])
    first, second = opened.open(), opened.open()
    assert opened.is_open(first) and opened.is_open(second)
    assert not opened.is_open("") and not opened.is_open(first[:-1])
    opened.close(first)
    opened.close("unknown")
    assert (opened.is_open(first), opened.is_open(second)) == (False, True)
    now[0] = LIFETIME
    assert not opened.is_open(second)


def test_their_number_is_bounded(monkeypatch):
    monkeypatch.setattr(sessions, "MOST_SESSIONS", 2)
    opened = Sessions()
    tokens = [opened.open() for _ in range(3)]
    assert [opened.is_open(token) for token in tokens] == [False, True, True]


def test_the_token_of_a_form_belongs_to_one_cookie_and_one_server():
    one, two = Sessions(), Sessions()
    token = one.form_token("cookie")
    assert one.is_form_token(token, "cookie")
    assert not one.is_form_token(token, "cookie2")
    assert not two.is_form_token(token, "cookie")
    assert not one.is_form_token(one.form_token(""), ""), "without a cookie there is none"
    assert not one.is_form_token("\udcff", "cookie")
