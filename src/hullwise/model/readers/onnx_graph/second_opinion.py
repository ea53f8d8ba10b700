"""What onnxruntime makes of the file: the outputs of an implementation that is not ours.

The part of the graph that was read is run in float32 (whatever the file's own numbers are, since
few operators are implemented in others), and compared within what float32 can hold.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...._core.types import Floats
from ....errors import ModelError
from ...network import Network
from .control import CONTROL
from .graph import needed_nodes
from .tensors import BFLOAT16, DOUBLE, FLOAT, FLOAT16, tensor_array

SECOND_OPINION_TOLERANCE = 1e-4  # of the largest output: rounding of float32 in a usual network
ROUNDING_ALLOWANCE = 100  # times what rounding our own layers to float32 changes
LARGEST_MESSAGE = 2**30  # bytes: larger models are not run a second time
NEWEST_IR_VERSION = (
    10  # that every onnxruntime with these opsets takes; later ones add nothing here
)
OTHER_FLOATS = (FLOAT16, DOUBLE, BFLOAT16)


def require_agreement(
    net: Network, proto: Any, source: str, rows: list[dict[str, Any]], X: Floats, title: str
) -> None:
    """That onnxruntime, where it is installed and can run the model, gives what `net` gives.

    `rows` are inputs by name, batch by batch, of X (m, d).

    Raises
    ------
    ModelError
        If it gives something else.
    """
    truth = runtime_outputs(proto, source, rows)
    if truth is None:
        return
    truth = truth.reshape(-1, *truth.shape[1:])
    outputs = net(X)
    if truth.size < outputs.size or truth.size % outputs.shape[1]:
        raise ModelError(
            f"{title} gives {truth.size // max(len(X), 1)} outputs for each row in onnxruntime, as "
            f"read it gives {outputs.shape[1]}: what it does may depend on the number of rows. "
            f"Please report this model."
        )
    truth = truth.reshape(-1, outputs.shape[1])[: len(X)]
    if not np.isfinite(truth).all():
        return  # beyond float32
    scale = max(float(np.abs(truth).max(initial=0.0)), 1e-30)
    beyond = np.abs(outputs - truth) - net.approximation_errors()
    gap = float(beyond.max(initial=0.0)) / scale
    if gap <= SECOND_OPINION_TOLERANCE:
        return
    allowed = ROUNDING_ALLOWANCE * rounding_of_float32(net, X, outputs) / scale
    if gap > SECOND_OPINION_TOLERANCE + allowed:
        raise ModelError(
            f"{title}, as read, differs from itself in onnxruntime by {gap:.1e} of its largest "
            f"output on test inputs (at most {SECOND_OPINION_TOLERANCE:.0e} is rounding): it is "
            f"not analysed. Please report this model."
        )


def runtime_outputs(proto: Any, source: str, rows: list[dict[str, Any]]) -> Any:
    """The value `source` in onnxruntime; None where it is missing, or cannot run the model."""
    try:
        import onnxruntime
    except ImportError:
        return None
    if proto.ByteSize() > LARGEST_MESSAGE:
        return None
    try:
        data = part_in_float32(proto, source).SerializeToString()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = 1
        # its optimiser rounds: products with quantised weights become products of whole numbers
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        parts = [np.asarray(session.run([source], row)[0], dtype=np.float64) for row in rows]
    except Exception:  # its own errors have no common base: it has no opinion then
        return None
    if any(part.shape[:1] != parts[0].shape[:1] for part in parts):
        return None
    return np.concatenate([part.reshape(1, -1) for part in parts]).reshape(-1)


def part_in_float32(proto: Any, source: str) -> Any:
    """A copy of the model up to one value, with all real numbers in float32."""
    part = type(proto)()
    part.CopyFrom(proto)
    part.ir_version = min(part.ir_version, NEWEST_IR_VERSION)
    graph = part.graph
    nodes = needed_nodes(list(graph.node), {source})
    used = {name for node in nodes for name in node.input}
    nodes = [_copied(node) for node in nodes]
    tensors = [
        _copied(tensor) for tensor in graph.initializer if _is_used(tensor.name, used, nodes)
    ]
    del graph.node[:], graph.initializer[:], graph.value_info[:], graph.output[:]
    graph.node.extend(nodes)
    graph.initializer.extend(tensors)
    graph.output.add(name=source)
    graph.output[0].type.tensor_type.elem_type = FLOAT
    for one in graph.input:
        if one.type.tensor_type.elem_type in OTHER_FLOATS:
            one.type.tensor_type.elem_type = FLOAT
    for tensor in graph.initializer:
        _to_float32(tensor)
    for node in [*graph.node, *(node for f in part.functions for node in f.node)]:
        _node_to_float32(node)
    return part


def _copied(message: Any) -> Any:
    out = type(message)()
    out.CopyFrom(message)
    return out


def _is_used(name: str, used: set[str], nodes: list[Any]) -> bool:
    return name in used or any(node.op_type in CONTROL for node in nodes)


def _to_float32(tensor: Any) -> None:
    if tensor.data_type not in OTHER_FLOATS:
        return
    with np.errstate(over="ignore"):
        array = tensor_array(tensor, None, None).astype(np.float32)
    for field in ("float_data", "double_data", "int32_data"):
        tensor.ClearField(field)
    tensor.data_type, tensor.raw_data = FLOAT, array.tobytes()


def _node_to_float32(node: Any) -> None:
    for attribute in node.attribute:
        if attribute.name == "to" and node.op_type == "Cast" and attribute.i in OTHER_FLOATS:
            attribute.i = FLOAT
        if attribute.HasField("t"):
            _to_float32(attribute.t)
        if attribute.HasField("g"):
            for tensor in attribute.g.initializer:
                _to_float32(tensor)
            for inner in attribute.g.node:
                _node_to_float32(inner)


def rounding_of_float32(net: Network, X: Floats, outputs: Floats) -> float:
    """How far outputs move when every layer's are rounded to float32."""
    values: list[Any] = [_rounded(X.reshape(len(X), *net.input_shape))]
    for node in net.nodes[1:]:
        operands = [values[j] for j in node.inputs]
        op: Any = node.op
        if node.is_piecewise:
            flat = operands[0].reshape(len(X), 1, -1)
            out = op.push(flat, op.code(flat[:, 0]), True)[:, 0]
        else:
            out = op.linear(*operands)
            out = out if op.offset is None else out + op.offset
        values.append(_rounded(out.reshape(len(X), *node.shape)))
    return float(np.abs(values[-1].reshape(len(X), -1) - outputs).max(initial=0.0))


def _rounded(block: Any) -> Floats:
    with np.errstate(over="ignore"):
        return np.asarray(block, dtype=np.float32).astype(np.float64)
