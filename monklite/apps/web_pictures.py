"""Fetch a picture from an address on the web that a client names, without reaching what only this machine can reach."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any
from urllib.parse import SplitResult, urlsplit

from ..files import format_bytes
from .refusals import Refusal, too_many

# seconds for all of it but the look-up of the name, and for that as well
SECONDS, AT_MOST = 15.0, 20.0
# pictures that are fetched at once, and that may wait for it
AT_ONCE, WAITING = 4, 16
MOST_CHARACTERS = 2000
PORTS = {"http": 80, "https": 443}
# IPv6 addresses that carry one of IPv4 in their last bits (RFC 6052)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# the other IPv6 addresses are of no public network (RFC 4291), such as those of a site, fec0::/10
_UNICAST = ipaddress.ip_network("2000::/3")

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class Fetcher:
    """Fetches pictures in threads of its own. `most`: bytes of a picture; `may_ask`: see `fetch`."""

    def __init__(self, most: int, may_ask: Callable[[IPAddress], bool] | None = None) -> None:
        self._most, self._may_ask = most, may_ask or is_elsewhere
        self._pool = ThreadPoolExecutor(AT_ONCE, "monklite-fetching")
        self._pending = 0

    async def fetch(self, address: str) -> bytes:
        """As `fetch`. Raises Refusal also if too many are being fetched."""
        if self._pending >= AT_ONCE + WAITING:
            raise too_many(
                f"too many pictures are being fetched here: send it again in {SECONDS:.0f} s", round(SECONDS)
            )
        self._pending += 1
        found = asyncio.get_running_loop().run_in_executor(self._pool, fetch, address, self._most, self._may_ask)
        found.add_done_callback(self._ended)
        try:
            # a look-up that waits for a slow server cannot be ended; its thread stays counted until it ends
            return await asyncio.wait_for(asyncio.shield(found), AT_MOST)
        except asyncio.TimeoutError:
            raise _refused(f"it is not found and fetched in {AT_MOST:g} s") from None

    def _ended(self, found: asyncio.Future[bytes]) -> None:
        self._pending -= 1
        if not found.cancelled():
            # also of one that nobody waits for any more
            found.exception()

    def stop(self) -> None:
        self._pool.shutdown(wait=False)


def is_elsewhere(address: IPAddress) -> bool:
    """Whether an address is one of the public network, and not of this machine, which may answer itself more than others."""
    return is_public(address) and (getattr(address, "ipv4_mapped", None) or address) not in _own_addresses()


def _own_addresses() -> set[IPAddress]:
    import psutil

    rows = (row for rows in psutil.net_if_addrs().values() for row in rows)
    found = [row.address for row in rows if row.family in (socket.AF_INET, socket.AF_INET6)]
    return {ipaddress.ip_address(address.partition("%")[0]) for address in found}


def is_public(address: IPAddress) -> bool:
    """Whether an address is one of the public network: not private, of this machine, of this link, or reserved."""
    if isinstance(address, ipaddress.IPv6Address):
        inside = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if address in _NAT64:
            inside.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if not all(is_public(a) for a in inside if a is not None):
            return False
        # what stands before the address inside is not of the public network itself
        if address.ipv4_mapped is not None or address in _NAT64:
            return True
        if address not in _UNICAST:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def fetch(
    address: str, most: int, may_ask: Callable[[IPAddress], bool] = is_elsewhere, seconds: float = SECONDS
) -> bytes:
    """The content at an address.

    The name is looked up once, all that it leads to is checked, and what was checked is asked. Redirections are not followed.

    Args:
        most: bytes; more are not read. may_ask: whether an IP address may be asked.

    Raises:
        Refusal: not an address of the public web, or it does not give the content in time.
    """
    parts = _parts(address)
    port = parts.port or PORTS[parts.scheme]
    found = _looked_up(str(parts.hostname), port, may_ask)
    connection = _Connection(parts, found, port, seconds)
    # ends whatever waits then, also a server that sends a byte now and then
    timer = threading.Timer(seconds, connection.cut_off)
    timer.daemon = True
    timer.start()
    try:
        with closing(connection):
            return _content(connection, parts, most)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _refused(f"it does not answer in {seconds:g} s" if connection.is_cut_off else f"{error}") from None
    finally:
        timer.cancel()


def _parts(address: str) -> SplitResult:
    try:
        if len(address) > MOST_CHARACTERS or not address.isascii() or not address.isprintable() or " " in address:
            raise ValueError(f"it has other characters than an address has, or more than {MOST_CHARACTERS}")
        parts = urlsplit(address)
        if parts.scheme not in PORTS or not parts.hostname:
            raise ValueError("it does not begin with http:// or https:// and a name")
        if parts.username is not None or parts.port == 0:
            raise ValueError("it names a user, or port 0")
        return parts
    except ValueError as error:
        raise _refused(str(error)) from None


def _looked_up(host: str, port: int, may_ask: Callable[[IPAddress], bool]) -> str:
    """The first IP address that a name leads to; all of them must be allowed."""
    try:
        found = [str(row[4][0]) for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        raise _refused("there is no host of that name") from None
    # the part after % names a network card
    if not all(may_ask(ipaddress.ip_address(a.partition("%")[0])) for a in found):
        raise _refused("it leads into a private network or to this machine, where this server fetches nothing")
    return found[0]


class _Connection(http.client.HTTPConnection):
    """A connection to an IP address, for the name in an address. `is_cut_off`: it took too long."""

    def __init__(self, parts: SplitResult, ip: str, port: int, seconds: float) -> None:
        super().__init__(str(parts.hostname), port, timeout=seconds)
        # without it, the name of the host would be sent with the usual port of https behind it
        self.default_port = PORTS[parts.scheme]
        self._ip, self._is_tls, self.is_cut_off = ip, parts.scheme == "https", False
        self._open: socket.socket

    def connect(self) -> None:
        # kept here too: when an answer ends the connection, `sock` is None while its content is still read
        self.sock = self._open = socket.create_connection((self._ip, self.port), self.timeout)
        if self._is_tls:
            context = ssl.create_default_context()
            # the socket below is detached then
            tls = context.wrap_socket(self._open, server_hostname=self.host, do_handshake_on_connect=False)
            self.sock = self._open = tls
            tls.do_handshake()
        if self.is_cut_off:
            raise TimeoutError("it took too long")

    def cut_off(self) -> None:
        self.is_cut_off = True
        # closed by the other side, or not open yet
        with contextlib.suppress(OSError, AttributeError):
            self._open.shutdown(socket.SHUT_RDWR)


def _content(connection: _Connection, parts: SplitResult, most: int) -> bytes:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.request("GET", target, headers={"User-Agent": "monklite", "Accept": "image/*", "Connection": "close"})
    answer: Any = connection.getresponse()
    if answer.status != http.client.OK:
        raise ValueError(f"it answers with status {answer.status}; redirections are not followed")
    content: bytes = answer.read(most + 1)
    if len(content) > most:
        raise ValueError(f"it gives more than {format_bytes(most)}")
    if answer.length or connection.is_cut_off:
        raise ValueError("it stops before the end")
    return content


def _refused(reason: str) -> Refusal:
    return Refusal("BadRequestImageUrl", f"the picture cannot be fetched from this address: {reason}")
