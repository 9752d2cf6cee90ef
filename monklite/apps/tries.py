"""How often passwords may be tried: waits that grow with the failures, of each address and of all together."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from math import ceil
from typing import TypeVar

T = TypeVar("T")

# without a failure for so many seconds, those before are forgotten
FORGOTTEN_AFTER = 3600.0
# that are remembered; of more, those that were seen last
MOST_ADDRESSES = 10_000
# of an IPv6 address, the part that belongs to one customer
NETWORK_BITS = 64


@dataclass(frozen=True)
class Limit:
    """`free`: failures without a wait; after each further one the wait doubles, from 1 s to `longest` s."""

    free: int
    longest: int

    def wait(self, failures: int) -> float:
        return 0.0 if failures < self.free else float(min(self.longest, 2 ** min(failures - self.free, 30)))


OF_ADDRESS, OF_ALL = Limit(5, 900), Limit(60, 10)


@dataclass
class _Failures:
    count: int = 0
    last: float = 0.0

    def add(self, now: float) -> None:
        self.count, self.last = self.counted(now) + 1, now

    def counted(self, now: float) -> int:
        return 0 if now - self.last > FORGOTTEN_AFTER else self.count


class Tries:
    """The failed tries of late. It belongs to one thread.

    The limit of all together is for guesses from many addresses. It does not hold for those from which somebody has logged in, so
    that nobody can lock out who uses the page.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._all = _Failures()
        self._by_address: OrderedDict[str, _Failures] = OrderedDict()
        self._known: OrderedDict[str, bool] = OrderedDict()

    def wait(self, address: str) -> int:
        """Whole seconds until this address may try again; 0: it may now."""
        now, place = self._clock(), _network(address)
        limits = [(OF_ADDRESS, self._by_address.get(place))]
        if place not in self._known:
            limits.append((OF_ALL, self._all))
        return max((_left(limit, failures, now) for limit, failures in limits if failures), default=0)

    def begin(self, address: str) -> None:
        """Count a try as a failure, before it is looked at: tries at the same time count as well."""
        now, place = self._clock(), _network(address)
        self._all.add(now)
        _touched(self._by_address, place, _Failures()).add(now)

    def succeeded(self, address: str) -> None:
        """The try that was begun last from this address was the password."""
        place = _network(address)
        self._by_address.pop(place, None)
        self._all.count = max(0, self._all.count - 1)
        _touched(self._known, place, True)


def _left(limit: Limit, failures: _Failures, now: float) -> int:
    return max(0, ceil(failures.last + limit.wait(failures.counted(now)) - now))


def _touched(table: OrderedDict[str, T], place: str, new: T) -> T:
    """The entry of a place, or a new one; it is the last to be dropped."""
    table.setdefault(place, new)
    table.move_to_end(place)
    if len(table) > MOST_ADDRESSES:
        table.popitem(last=False)
    return table[place]


def _network(address: str) -> str:
    """The address of an IPv4 client; of an IPv6 client its network, from which it can take any address."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or (int(parsed) >> NETWORK_BITS))
