"""The table of initialisers: how the weights of a user's own network begin, equal on every backend for the same seed.

They are for the layers that weigh their inputs (convolutions, fully connected ones); biases begin at 0.
"""

from __future__ import annotations

from .backends import BUILT_IN, Cell
from .rows import BuiltRow, table

DEFAULT = "xavier_normal"


class InitialiserRow(BuiltRow):
    """An initialiser: a function from a random generator and a shape to an array."""

    table = "initialisers"


def _row(name: str, doc: str) -> InitialiserRow:
    cell = Cell(f"monklite.backends.initial_weights.{name}")
    return InitialiserRow(name, doc, (), dict.fromkeys(BUILT_IN, cell))


INITIALISERS: dict[str, InitialiserRow] = table(
    [
        _row("xavier_normal", "Normal, by the number of inputs and outputs (Glorot and Bengio 2010)."),
        _row("xavier_uniform", "Uniform, by the number of inputs and outputs (Glorot and Bengio 2010)."),
        _row("msra", "Normal, by the number of inputs (He et al. 2015)."),
        _row("normal", "Normal, with standard deviation 0.01."),
        _row("uniform", "Uniform, from -0.07 to 0.07."),
        _row("orthogonal_normal", "Orthogonal rows from normal numbers (Saxe et al. 2014)."),
        _row("orthogonal_uniform", "Orthogonal rows from uniform numbers."),
    ]
)
