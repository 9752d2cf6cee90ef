"""Counts of what a server does, in the form that Prometheus reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from starlette.types import Message, Send

# seconds from the first byte of a request to its answer
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Traffic:
    """The requests of a server. `in_hand`: bytes that were read of requests that are not answered yet."""

    def __init__(self) -> None:
        self.by_status: Counter[int] = Counter()
        self.in_hand = 0
        self._buckets: Counter[float] = Counter()
        self._seconds, self._answered = 0.0, 0

    def counting(self, send: Send) -> Send:
        """`send`, which also counts the status of the answer."""

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.by_status[message["status"]] += 1
            await send(message)

        return counted

    def took(self, seconds: float) -> None:
        self._seconds, self._answered = self._seconds + seconds, self._answered + 1
        self._buckets.update(limit for limit in BUCKETS if seconds <= limit)

    def lines(self, waiting: int, answered: int, unread: int) -> Iterator[str]:
        """The text that Prometheus reads. `waiting`: pictures in the queue; `answered`, `unread`: since the start."""
        yield from _head("monklite_requests_total", "counter", "Requests by the status of their answer.")
        yield from (f'monklite_requests_total{{code="{code}"}} {n}' for code, n in sorted(self.by_status.items()))
        yield from _head(
            "monklite_pictures_total", "counter", "Pictures that were answered, and that could not be read."
        )
        yield f'monklite_pictures_total{{result="answered"}} {answered}'
        yield f'monklite_pictures_total{{result="unread"}} {unread}'
        yield from _head("monklite_queue_pictures", "gauge", "Pictures that wait for the network.")
        yield f"monklite_queue_pictures {waiting}"
        yield from _head("monklite_in_hand_bytes", "gauge", "Bytes of requests that are not answered yet.")
        yield f"monklite_in_hand_bytes {self.in_hand}"
        yield from _head("monklite_request_seconds", "histogram", "Seconds from a request to its answer.")
        yield from (f'monklite_request_seconds_bucket{{le="{limit}"}} {self._buckets[limit]}' for limit in BUCKETS)
        yield f'monklite_request_seconds_bucket{{le="+Inf"}} {self._answered}'
        yield f"monklite_request_seconds_sum {self._seconds:.6f}"
        yield f"monklite_request_seconds_count {self._answered}"


def _head(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"
