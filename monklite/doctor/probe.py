"""Import a backend and print its versions and its device as JSON: in a process of its own, which may fail in any way.

python -m monklite.doctor.probe BACKEND
"""

from __future__ import annotations

import json
import sys

from .. import backends
from ..backends.base import SeveralPrecisions
from ..catalog.default_recipes import default_spec, resolve


def main(name: str) -> None:
    backend = backends.load(name)
    found = {"versions": backend.versions(), "device": "", "precisions": []}
    if isinstance(backend, SeveralPrecisions):
        candidates = backend.candidates(resolve(default_spec(name)))
        found |= {"device": candidates.device, "precisions": list(candidates.precisions)}
    # behind whatever an import has printed
    sys.stdout.write(f"\n{json.dumps(found)}\n")


if __name__ == "__main__":
    main(sys.argv[1])
