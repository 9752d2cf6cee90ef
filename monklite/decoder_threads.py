"""The number of threads that decode images.

monklite's own parallel work is done in threads, never in processes: a script needs no `if __name__ == "__main__":`, not even
on Windows and macOS.
"""

from __future__ import annotations

from .processors import cpu_count

# about 1/20 of decoding holds Python's lock, so more threads would only wait for it
MAX_DECODERS = 32


def decoders(requested: int | None = None) -> int:
    """The number of decoder threads: one per processor unless another number is requested, never more than processors."""
    return min(cpu_count(), requested or MAX_DECODERS)
