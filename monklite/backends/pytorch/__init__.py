"""PyTorch, with torchvision's networks. What it says of itself; the framework is imported with `.backend`."""

from ...catalog.backends import Description
from ...spec import PRECISIONS

DESCRIPTION = Description(
    name="pytorch",
    title="Pytorch",
    packages=("torch", "torchvision"),
    install="pip install torch torchvision",
    backend="monklite.backends.pytorch.backend.BACKEND",
    precisions=PRECISIONS,
    compiles=True,
    distributes=True,
)
