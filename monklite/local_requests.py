"""Which HTTP requests come from programs of this machine; a server without keys answers no others.

A page of another host that a browser on this machine shows can send requests to this machine, and can read the answers if its
own name leads here. A proxy on this machine passes on requests of others.
"""

from __future__ import annotations

import ipaddress
from typing import Protocol
from urllib.parse import urlsplit

# headers that proxies add
OF_PROXIES = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


class Headers(Protocol):
    """The headers of a request, by their names in any case."""

    def get(self, name: str, default: str, /) -> str: ...


def is_local(host: str) -> bool:
    """Whether only this machine can reach a server that listens at a host."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def foreign(headers: Headers) -> str:
    """Why a request does not come from this machine, as the end of a sentence about its server; "": it does."""
    # every browser names the host
    places = [headers.get("host", "localhost"), *_without_scheme(headers.get("origin", ""))]
    for place in places:
        if not is_local(_name(place)):
            return f"it answers this machine alone, as localhost or 127.0.0.1, not {place!r}"
    passed_on = next((name for name in OF_PROXIES if headers.get(name, "")), "")
    if passed_on:
        return f"it answers this machine alone, and a proxy passed this request on, as its header {passed_on} says"
    return ""


def _without_scheme(origin: str) -> list[str]:
    return [origin.partition("://")[2]] if origin else []


def _name(place: str) -> str:
    try:
        return urlsplit(f"//{place}").hostname or ""
    except ValueError:
        return ""
