"""The option of commands that compute with a bundle: in which runtime."""

from __future__ import annotations

import click

from ..errors import InvalidValue

runtime_option = click.option(
    "--runtime", metavar="NAME", help="What computes the network of a bundle: onnxruntime (the usual one) or openvino."
)


def check_is_bundle(runtime: str | None) -> None:
    """Raises InvalidValue: a runtime was given for a run."""
    if runtime is not None:
        raise InvalidValue(
            f"--runtime {runtime} is of a bundle, and a run is computed by its framework: leave it out, or export the run"
        )
