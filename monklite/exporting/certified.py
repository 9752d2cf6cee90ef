"""A bundle that is used only where its certificate holds: with the runtime, and in int8 on the processor, that it was made with.

Elsewhere the drawn pictures in the bundle are compared first, which takes about a second.
"""

from __future__ import annotations

import os

from ..errors import InvalidValue
from ..processors import cpu_name
from .bundle_predictor import BundlePredictor
from .certificate import Certificate
from .manifest import CERTIFICATE, INT8
from .runtimes import USUAL, Runtime, runtime_of


def predictor_of(path: str | os.PathLike[str], runtime: str | None = None) -> BundlePredictor:
    """The predictor of a bundle in a runtime, one of `RUNTIMES`; None: the usual one.

    Raises:
        InvalidValue: it does not agree with its network in this runtime on this machine. Others as `BundlePredictor`.
    """
    using = USUAL if runtime is None else runtime_of(runtime)
    predictor = BundlePredictor(path, using)
    certificate = predictor.bundle.record(CERTIFICATE, Certificate)
    if not _holds(certificate, using):
        _check(predictor, using)
    return predictor


def _holds(certificate: Certificate, runtime: Runtime) -> bool:
    # sums of 8-bit products saturate on some processors
    is_of_machine = certificate.form != INT8 or certificate.processor == cpu_name()
    return runtime.made(certificate.runtime) and is_of_machine


def _check(predictor: BundlePredictor, runtime: Runtime) -> None:
    # needs the statistics, which take a while to import
    from .verifying import drawn_again

    if problems := drawn_again(predictor.bundle, predictor.session, runtime).problems():
        raise InvalidValue(
            f"{predictor.bundle.path} is not used: in {runtime.about} on this machine it does not agree with the network that it "
            f"was made of: {'; '.join(problems)}. Take another runtime, or export the run again on this machine"
        )
