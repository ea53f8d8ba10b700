"""A graph of ONNX operators, written node by node: constants, names, types."""

from __future__ import annotations

from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import MissingDependencyError
from ..io.atomic_write import whole_file

EXPORT_OPSET = 15
EXPORT_ML_OPSET = 2
EXPORT_IR_VERSION = 8


def import_onnx() -> Any:
    """The onnx package, or one clear sentence."""
    try:
        import onnx
    except ImportError:
        raise MissingDependencyError(
            "writing ONNX needs the package onnx, which comes with: pip install 'hullwise[onnx]'"
        ) from None
    return onnx


class OnnxBuilder:
    """Nodes in the order in which they are written; every method returns the name of a value."""

    def __init__(self, dtype: type[np.floating[Any]]) -> None:
        self.onnx = import_onnx()
        self.dtype = dtype
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.inputs: dict[str, Any] = {}

    def _name(self) -> str:
        return f"hullwise/{len(self.nodes) + len(self.constants)}"

    def type_of(self, dtype: Any) -> int:
        """ONNX's number of a NumPy type."""
        return int(self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def read(self, column: str, is_text: bool) -> str:
        """An input (N, 1) called like a column."""
        kind = self.onnx.TensorProto.STRING if is_text else self.type_of(self.dtype)
        self.inputs[column] = self.onnx.helper.make_tensor_value_info(column, kind, ["N", 1])
        return column

    def constant(self, value: ArrayLike, dtype: Any = None) -> str:
        """A constant, in the graph's precision unless told."""
        array = np.asarray(value, dtype=dtype or self.dtype)
        name = self._name()
        self.constants.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def node(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """One operator."""
        name = self._name()
        make = self.onnx.helper.make_node
        self.nodes.append(make(operator, list(inputs), [name], domain=domain, **attributes))
        return name

    def number(self, mask: str) -> str:
        """Booleans or whole numbers as numbers."""
        return self.node("Cast", mask, to=self.type_of(self.dtype))

    def concat(self, *values: str) -> str:
        """Columns side by side."""
        return values[0] if len(values) == 1 else self.node("Concat", *values, axis=1)

    def row_sum(self, value: str) -> str:
        """(N, k) to (N, 1)."""
        return self.node("ReduceSum", value, self.constant([1], np.int64), keepdims=1)

    def any(self, mask: str) -> str:
        """(N, k) booleans to (N, 1)."""
        return self.node("Greater", self.row_sum(self.number(mask)), self.constant(0.5))

    def write(
        self,
        path: str | PathLike[str],
        outputs: dict[str, tuple[str, Any]],
        metadata: dict[str, str],
        *,
        force: bool,
    ) -> None:
        """The model, with values as its outputs: name to (value, NumPy type)."""
        helper = self.onnx.helper
        infos = []
        for name, (value, dtype) in outputs.items():
            self.nodes.append(helper.make_node("Identity", [value], [name]))
            infos.append(helper.make_tensor_value_info(name, self.type_of(dtype), ["N", 1]))
        graph = helper.make_graph(
            self.nodes, "half-spaces", list(self.inputs.values()), infos, self.constants
        )
        opsets = [("", EXPORT_OPSET), ("ai.onnx.ml", EXPORT_ML_OPSET)]
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid(*opset) for opset in opsets],
            ir_version=EXPORT_IR_VERSION,
            producer_name="hullwise",
        )
        helper.set_model_props(model, metadata)
        self.onnx.checker.check_model(model)
        with whole_file(path, force=force) as stream:
            stream.write(model.SerializeToString())
