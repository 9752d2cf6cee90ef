"""A Gluon network as an ONNX file.

MXNet 1.9.1 writes opset 13 at most, checks it as if it were the newest one, and reads a table that onnx 1.19 removed. While it
writes, onnx looks as it did then.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ...catalog.rows import check_installed
from ...errors import InvalidValue
from .embeddings import before_head
from .framework import mx
from .framework_errors import translated
from .halves import INPUT
from .learner import GluonLearner

# that MXNet writes, with the version of the file format of its time, and that the file is converted to
WRITTEN_OPSET, WRITTEN_FORMAT, OPSET = 13, 8, 18
TABLE = "onnx.mapping"
# numbers; a tensor of as many is written as bytes
MANY = 1000


def onnx(learner: GluonLearner, size: int, embeddings: bool = False) -> bytes:
    """See `backends.base.WritesOnnx`."""
    check_installed("onnx", "a network of the mxnet backend is written as ONNX")
    from onnx import version_converter

    learner.wait()
    learner.averages.swap_in()
    symbol = learner.network(mx.sym.var(INPUT))
    outputs = [symbol, *([_as_rows(before_head(learner, symbol), size)] if embeddings else [])]
    # what has no counterpart in ONNX raises errors of any kind
    try:
        with translated(learner.context):
            model = _written(learner, outputs, size)
        return version_converter.convert_version(model, OPSET).SerializeToString()
    except Exception as error:
        raise InvalidValue(
            f"the network cannot be written as ONNX for images of {size} px: MXNet's exporter refuses it ({error})"
        ) from None


def _as_rows(values: Any, size: int) -> Any:
    """Values as (n, d): a head that is a convolution is given the image before the pooling."""
    (shape,) = values.infer_shape(**{INPUT: (1, 3, size, size)})[1]
    return mx.sym.mean(values, axis=tuple(range(2, len(shape)))) if len(shape) > 2 else values


def _written(learner: GluonLearner, outputs: list[Any], size: int) -> Any:
    """The ONNX model of a graph with these outputs, of the opset that MXNet writes."""
    import onnx

    arrays = {name: parameter._reduce() for name, parameter in learner.network.collect_params().items()}
    shape = (1, 3, size, size)
    with tempfile.TemporaryDirectory(prefix="monklite-onnx-") as folder, _as_of_its_time():
        file = str(Path(folder, "network.onnx"))
        free = [("n", *shape[1:])]
        mx.onnx.export_model(
            mx.sym.Group(outputs), arrays, [shape], np.float32, file, dynamic=True, dynamic_input_shapes=free
        )
        model = onnx.load(file)
    model.ir_version = WRITTEN_FORMAT
    del model.opset_import[:]
    model.opset_import.append(onnx.helper.make_opsetid("", WRITTEN_OPSET))
    onnx.checker.check_model(model)
    _with_constant_weights(model.graph, [output.list_outputs()[0].removesuffix("_output") for output in outputs])
    return model


def _with_constant_weights(graph: Any, outputs: list[str]) -> None:
    """Take the weights out of the inputs, where they could be replaced, and sort the outputs, which MXNet sorts by name."""
    weights = {weight.name for weight in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    found = {value.name: value for value in graph.output}
    del graph.input[:], graph.output[:]
    graph.input.extend(inputs)
    graph.output.extend(found[name] for name in outputs)


@contextlib.contextmanager
def _as_of_its_time() -> Iterator[None]:
    """Let onnx look to MXNet as the version that it was written for."""
    import onnx.defs

    module: Any = onnx
    types = [t for t in onnx.TensorProto.DataType.values() if t in onnx.helper.get_all_tensor_dtypes()]
    table: Any = ModuleType(TABLE)
    table.TENSOR_TYPE_TO_NP_TYPE = {t: np.dtype(onnx.helper.tensor_dtype_to_np_dtype(t)) for t in types}
    # the first of several types that NumPy stores alike is the one of NumPy
    table.NP_TYPE_TO_TENSOR_TYPE = {d: t for t, d in reversed(table.TENSOR_TYPE_TO_NP_TYPE.items())}
    replaced: list[tuple[Any, str, Any]] = [
        (onnx.defs, "onnx_opset_version", lambda: WRITTEN_OPSET),
        (onnx.helper, "make_tensor", _quickly(onnx.helper.make_tensor, table.TENSOR_TYPE_TO_NP_TYPE)),
        # the model is checked when it says its opset
        (onnx.checker, "check_graph", lambda *_: None),
    ]
    before = [getattr(owner, name) for owner, name, _ in replaced]
    sys.modules[TABLE] = module.mapping = table
    try:
        for owner, name, value in replaced:
            setattr(owner, name, value)
        yield
    finally:
        for (owner, name, _), value in zip(replaced, before, strict=True):
            setattr(owner, name, value)
        del sys.modules[TABLE], module.mapping


def _quickly(make_tensor: Callable[..., Any], types: Mapping[int, np.dtype]) -> Callable[..., Any]:
    """onnx's function, which takes most of the time for weights that are given as lists: the same as bytes."""

    def made(name: str, data_type: int, dims: Any, vals: Any, raw: bool = False) -> Any:
        if raw or len(vals) < MANY:
            return make_tensor(name, data_type, dims, vals, raw)
        return make_tensor(name, data_type, dims, np.asarray(vals, types[data_type]).tobytes(), True)

    return made
