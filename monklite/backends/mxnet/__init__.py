"""MXNet 1.9.1 with the networks of Gluon and GluonCV: its description. Importing `.backend` imports the framework."""

from importlib import metadata

from ...catalog.backends import Description


def _unusable() -> str:
    numpy = metadata.version("numpy")
    return f"MXNet 1.9.1 cannot work with NumPy {numpy}" if int(numpy.split(".")[0]) >= 2 else ""


# MXNet's automatic mixed precision changes the library for the whole process, so only float32 is offered.
# Networks are always compiled (hybridized), so `compiles` is not an option.
DESCRIPTION = Description(
    name="mxnet",
    title="Mxnet",
    packages=("mxnet",),
    install='pip install "monklite[mxnet]", on Linux x86-64 with Python 3.10 to 3.12 and NumPy 1.26',
    backend="monklite.backends.mxnet.backend.BACKEND",
    precisions=("auto", "float32"),
    numbered_endings=r"-symbol\.json|-\d{4,}\.params(\.sha256)?",
    fine_tunes=True,
    unusable=_unusable,
)
