"""Damage to the bytes of a file, as a strategy of Hypothesis, for tests of readers."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

Damage = Callable[[bytes], bytes]
PLACES = st.floats(0, 1)  # as a share of the file
BYTES = st.binary(max_size=20)


def _at(content: bytes, place: float) -> int:
    return min(int(place * len(content)), max(len(content) - 1, 0))


def _flipped(place: float, bit: int) -> Damage:
    def flip(content: bytes) -> bytes:
        changed = bytearray(content)
        changed[_at(content, place)] ^= 1 << bit
        return bytes(changed)

    return flip


def _cut(place: float) -> Damage:
    return lambda content: content[: _at(content, place)]


def _inserted(place: float, more: bytes) -> Damage:
    return lambda content: content[: _at(content, place)] + more + content[_at(content, place) :]


def _replaced(place: float, more: bytes) -> Damage:
    return lambda content: content[: _at(content, place)] + more + content[_at(content, place) + len(more) :]


DAMAGES = st.one_of(
    st.builds(_flipped, PLACES, st.integers(0, 7)),
    st.builds(_cut, PLACES),
    st.builds(_inserted, PLACES, BYTES),
    st.builds(_replaced, PLACES, BYTES),
)
