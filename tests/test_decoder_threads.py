"""How many threads decode images."""

from __future__ import annotations

import pytest

from monklite import decoder_threads
from monklite.decoder_threads import decoders


@pytest.mark.parametrize(("n", "threads"), [(1, 1), (2, 2), (16, 16), (64, 32)])
def test_one_thread_decodes_for_each_processor_as_long_as_python_can_feed_them(monkeypatch, n, threads) -> None:
    monkeypatch.setattr(decoder_threads, "cpu_count", lambda: n)
    assert decoders() == threads


@pytest.mark.parametrize(("n", "requested", "threads"), [(4, 2, 2), (4, 8, 4), (64, 50, 50), (64, 500, 64)])
def test_a_requested_number_is_kept_up_to_that_of_the_processors(monkeypatch, n, requested, threads) -> None:
    monkeypatch.setattr(decoder_threads, "cpu_count", lambda: n)
    assert decoders(requested) == threads
