"""`model.onnx` of a bundle: a network between the preparation of its pictures and the calibration of its scores."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..catalog.backends import load
from ..catalog.transforms import TRANSFORMS
from ..data.augment import Policy
from ..errors import InvalidValue
from ..spec import Choice
from ..tasks import Task
from . import onnx_steps
from .graph import Graph, value
from .manifest import EMBEDDINGS, LOGITS, PICTURES, PROBABILITIES

# the operator of each activation, with its attributes
ACTIVATIONS: dict[str, tuple[str, dict[str, int]]] = {"softmax": ("Softmax", {"axis": -1}), "sigmoid": ("Sigmoid", {})}
# of the file format; ONNX Runtime has read it since 1.18
FORMAT = 10


def split_prefix(policy: Policy) -> tuple[tuple[Choice, ...], tuple[Choice, ...]]:
    """The steps for a picture at full resolution, and those for its pixels once it has its size.

    Raises:
        InvalidValue: something that cannot be written as ONNX is done with it.
    """
    steps = (*policy.prefix, *policy.steps)
    strange = [step for step in steps if not TRANSFORMS[step.name].onnx] or list(policy.steps)
    if strange:
        raise InvalidValue(
            f"apply_{strange[0].name} prepares the test images of this run, and cannot be written into an ONNX file: nothing is "
            "left out of it silently. Take it out of the test chain in a copy of the run, and train that"
        )
    pixels = tuple(step for step in policy.prefix if TRANSFORMS[step.name].kind == "pixels")
    return tuple(step for step in policy.prefix if step not in pixels), pixels


def assembled(network: bytes, policy: Policy, task: Task, temperature: float, n_embeddings: int = 0) -> bytes:
    """The whole file.

    Args:
        network: as of `backends.base.WritesOnnx`. temperature: by which the logits are divided for the scores. n_embeddings:
            values that its head is given, if it tells them.

    Raises:
        InvalidValue: as `split_prefix`.
    """
    import onnx

    model = onnx.load_from_string(network)
    before, after = Graph(), Graph()
    # no two nodes have the same name
    after._count = before._count
    prepared = normalized(before, squeezed(before, PICTURES, policy), policy)
    inner = model.graph
    before.add("Identity", prepared, output=inner.input[0].name)
    outputs = {
        name: after.add("Identity", value.name, output=name)
        for name, value in zip((LOGITS, EMBEDDINGS), inner.output, strict=False)
    }
    operator, how = ACTIVATIONS[task.activation]
    divided = after.add("Div", outputs[LOGITS], after.constant(temperature, np.float32))
    after.add(operator, divided, output=PROBABILITIES, **how)
    nodes, constants = (
        [*before.nodes, *inner.node, *after.nodes],
        [*inner.initializer, *before.constants, *after.constants],
    )
    widths = {LOGITS: len(task.classes), PROBABILITIES: len(task.classes), EMBEDDINGS: n_embeddings}
    values = [value(name, np.float32, ["n", widths[name]]) for name in (LOGITS, PROBABILITIES, *list(outputs)[1:])]
    return _model([value(PICTURES, np.uint8, ["n", "height", "width", 3])], nodes, values, constants, model, task)


def _model(
    inputs: Sequence[Any],
    nodes: Sequence[Any],
    outputs: Sequence[Any],
    constants: Sequence[Any],
    network: Any,
    task: Task,
) -> bytes:
    from onnx import checker, helper

    graph = helper.make_graph(nodes, "bundle", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=network.opset_import, functions=network.functions, ir_version=FORMAT)
    model.producer_name = "monklite"
    helper.set_model_props(model, {"classes": json.dumps(task.classes)})
    checker.check_model(model)
    return model.SerializeToString()


def squeezed(graph: Graph, pictures: str, policy: Policy) -> str:
    """Pictures uint8 (n, height, width, 3) as uint8 (n, 3, side, side), as `data.decode.decode` makes them of a file."""
    upright = graph.add("Transpose", pictures, perm=[0, 3, 1, 2])
    prefix, pixels = split_prefix(policy)
    squeezed = _stored(graph, upright, prefix, policy.stored_size)
    for step in pixels:
        squeezed = _step(graph, squeezed, policy.stored_size, step)
    return squeezed


def _stored(graph: Graph, pictures: str, prefix: Sequence[Choice], side: int) -> str:
    if not prefix:
        return onnx_steps.resize(graph, pictures, side, side)
    sides = graph.shape(pictures, 2, 4)
    equal = graph.cast(graph.add("Equal", sides, graph.constant([side, side])), np.int32)
    is_stored = graph.cast(graph.add("ReduceMin", equal, keepdims=0), np.bool_)
    unchanged, cropped = Graph(graph), Graph(graph)
    whole = pictures
    for step in prefix:
        whole = _step(cropped, whole, side, step)
    branches = {
        "then_branch": unchanged.branch([unchanged.add("Identity", pictures)]),
        "else_branch": cropped.branch([onnx_steps.resize(cropped, whole, side, side)]),
    }
    return graph.add("If", is_stored, **branches)


def _step(graph: Graph, pictures: str, side: int, step: Choice) -> str:
    row = TRANSFORMS[step.name]
    return load(row.onnx)(graph, pictures, side, **row.values(step))


def normalized(graph: Graph, pixels: str, policy: Policy) -> str:
    """Pixels uint8 (n, 3, side, side) as the network takes them, float32."""
    mean, std = (graph.constant(np.array(v).reshape(1, 3, 1, 1) * 255, np.float32) for v in (policy.mean, policy.std))
    return graph.add("Div", graph.add("Sub", graph.cast(pixels, np.float32), mean), std)


def resizing(policy: Policy) -> bytes:
    """The resizing alone, to compare its pixels: pictures to uint8 (n, 3, side, side), before their pixels are changed."""
    from onnx import helper

    graph = Graph()
    side = policy.stored_size
    upright = graph.add("Transpose", PICTURES, perm=[0, 3, 1, 2])
    output = _stored(graph, upright, split_prefix(policy)[0], side)
    inputs = [value(PICTURES, np.uint8, ["n", "height", "width", 3])]
    outputs = [value(output, np.uint8, ["n", 3, side, side])]
    model = helper.make_graph(graph.nodes, "resizing", inputs, outputs, graph.constants)
    return helper.make_model(model, opset_imports=[helper.make_opsetid("", 18)], ir_version=FORMAT).SerializeToString()
