"""How often passwords may be tried."""

from __future__ import annotations

import pytest

from monklite.apps import tries
from monklite.apps.tries import FORGOTTEN_AFTER, OF_ADDRESS, OF_ALL, Tries


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def fail(counted: Tries, address: str, times: int) -> None:
    for _ in range(times):
        counted.begin(address)


def test_waits_of_an_address_grow_and_end(clock):
    counted = Tries(clock)
    fail(counted, "10.0.0.1", OF_ADDRESS.free - 1)
    assert counted.wait("10.0.0.1") == 0
    waits = []
    for _ in range(13):
        counted.begin("10.0.0.1")
        waits.append(counted.wait("10.0.0.1"))
        clock.now += waits[-1]
        assert counted.wait("10.0.0.1") == 0, "after the wait"
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]
    assert counted.wait("10.0.0.2") == 0


def test_failures_are_forgotten_and_success_forgives_those_of_its_address(clock):
    counted = Tries(clock)
    fail(counted, "10.0.0.1", 9)
    assert counted.wait("10.0.0.1") == 16
    clock.now += FORGOTTEN_AFTER + 1
    counted.begin("10.0.0.1")
    assert counted.wait("10.0.0.1") == 0
    fail(counted, "10.0.0.1", 8)
    counted.succeeded("10.0.0.1")
    assert counted.wait("10.0.0.1") == 0


def test_guesses_from_many_addresses_wait_but_not_who_has_logged_in_before(clock):
    counted = Tries(clock)
    counted.begin("10.0.0.1")
    counted.succeeded("10.0.0.1")
    for i in range(OF_ALL.free + 9):
        counted.begin(f"10.1.0.{i}")
    assert counted.wait("10.9.9.9") == OF_ALL.longest
    assert counted.wait("10.0.0.1") == 0
    clock.now += OF_ALL.longest
    assert counted.wait("10.9.9.9") == 0


def test_addresses_of_one_network_are_one_and_their_number_is_bounded(clock, monkeypatch):
    monkeypatch.setattr(tries, "MOST_ADDRESSES", 3)
    counted = Tries(clock)
    for i in range(6):
        counted.begin(f"2001:db8:1:2::{i}")
    assert counted.wait("2001:db8:1:2:ffff::1") == 2
    assert counted.wait("2001:db8:1:3::1") == 0
    fail(counted, "::ffff:10.0.0.1", 5)
    assert counted.wait("10.0.0.1") == 1
    for name in ("no address", "10.0.0.2"):
        counted.begin(name)
    assert counted.wait("2001:db8:1:2::7") == 0, "the one that was seen first is dropped"
    assert counted.wait("10.0.0.1") == 1
