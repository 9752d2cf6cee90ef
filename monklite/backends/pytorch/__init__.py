"""PyTorch with torchvision's networks: its description. Importing `.backend` imports the framework."""

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
    fine_tunes=True,
    distributes=True,
    collections={"timm": "monklite.backends.pytorch.timm_networks.row"},
)
