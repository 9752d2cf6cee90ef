"""Building ONNX graphs: nodes and constants, one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

# of the names of nodes, which no network uses
PREFIX = "monklite"


class Graph:
    """Nodes and constants of an ONNX graph; values are known by their names.

    `inside`: the graph whose branch this is; they share the constants.
    """

    def __init__(self, inside: Graph | None = None) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = inside.constants if inside else []
        self._count: list[int] = inside._count if inside else [0]

    def add(self, operator: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Add a node; returns the name of its output. `output`: that name, if it matters."""
        from onnx import helper

        name = output or self.name(operator)
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def constant(self, value: Any, dtype: Any = np.int64) -> str:
        """Add an array that does not change; returns its name."""
        from onnx import numpy_helper

        name = self.name("constant")
        self.constants.append(numpy_helper.from_array(np.array(value, dtype), name))
        return name

    def cast(self, value: str, to: Any) -> str:
        """Convert a value to a type of NumPy."""
        from onnx import helper

        return self.add("Cast", value, to=helper.np_dtype_to_tensor_dtype(np.dtype(to)))

    def shape(self, value: str, start: int, end: int) -> str:
        """Some of the sides of a value, int64 (end - start,)."""
        return self.add("Shape", value, start=start, end=end)

    def name(self, kind: str) -> str:
        """A name that nothing else has."""
        self._count[0] += 1
        return f"{PREFIX}_{kind.lower()}_{self._count[0]}"

    def branch(
        self, outputs: Sequence[str], inputs: Mapping[str, tuple[Any, Sequence[int] | None]] | None = None
    ) -> Any:
        """The nodes as a branch of another graph. `inputs`: type and shape of each; a shape of None: any."""
        from onnx import helper

        given = [value(name, *of) for name, of in (inputs or {}).items()]
        return helper.make_graph(
            self.nodes, self.name("branch"), given, [helper.make_empty_tensor_value_info(name) for name in outputs]
        )


def value(name: str, dtype: Any, shape: Sequence[int | str] | None) -> Any:
    """The description of an input or output. `dtype`: of NumPy. `shape`: texts stand for sides of any length."""
    from onnx import helper

    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)
