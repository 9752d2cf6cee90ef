"""The files of a bundle with which it predicts where monklite is not installed: program, requirements and `Dockerfile`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from ..installed import distribution_of
from .manifest import DOCKERFILE, PREDICT, REQUIREMENTS
from .program_file import program

PACKAGES = ("numpy", "Pillow", "onnxruntime", "pydantic")
PORT = 8000
# of nobody that a system has
USER = 10001
TEXT = """# A server of this bundle, without monklite and without a framework:
#     docker build -t classifier . && docker run -p 127.0.0.1:{port}:{port} classifier
#     curl --data-binary @picture.jpg http://127.0.0.1:{port}/v1/predict
FROM python:{python}-slim
WORKDIR /bundle
COPY {requirements} .
RUN pip install --no-cache-dir -r {requirements}
COPY . .
USER {user}
EXPOSE {port}
HEALTHCHECK --start-period=30s CMD ["python", "-c", \
"import urllib.request as r; r.urlopen('http://127.0.0.1:{port}/health', timeout=5)"]
CMD ["python", "{program}", "--serve", "{port}", "--host", "0.0.0.0"]
"""


def files() -> dict[str, bytes]:
    """The content of each file, by name. Raises as `program`."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    names = {"requirements": REQUIREMENTS, "program": PREDICT}
    dockerfile = TEXT.format(python=python, port=PORT, user=USER, **names)
    lines = "".join(f"{line}\n" for line in sorted(_pinned(set(), *PACKAGES), key=str.lower))
    return {PREDICT: program(), REQUIREMENTS: lines.encode(), DOCKERFILE: dockerfile.encode()}


def _pinned(seen: set[str], *packages: str) -> Iterator[str]:
    """The packages and those that they need, with the versions that are installed here, with which the bundle is certified."""
    # ONNX Runtime needs it
    from packaging.requirements import Requirement

    for package in packages:
        found = distribution_of(package)
        name = found.metadata["Name"]
        # the container has no graphics card: the form of ONNX Runtime for processors, in the same version
        if name.startswith("onnxruntime"):
            name = "onnxruntime"
        if name in seen:
            continue
        seen.add(name)
        yield f"{name}=={found.version}"
        needed = [Requirement(text) for text in found.requires or ()]
        here = [r.name for r in needed if r.marker is None or r.marker.evaluate({"extra": ""})]
        yield from _pinned(seen, *here)
