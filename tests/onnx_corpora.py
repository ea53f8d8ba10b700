"""The node and model tests that the onnx package ships, as models of one input with its answers."""

import pathlib
import warnings
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16)

RECORDED_OTHERWISE = {  # from fractional sizes; PyTorch and onnxruntime take whole ones
    "test_resize_downsample_scales_linear_align_corners",
    "test_resize_downsample_scales_cubic_align_corners",
}


@dataclass(frozen=True)
class Example:
    """A model of one input and one output, rows for it, and the recorded answers."""

    name: str
    model: onnx.ModelProto
    x: np.ndarray
    y: np.ndarray
    rtol: float

    @property
    def operators(self):
        """(name, opset) of every node."""
        opsets = {o.domain: o.version for o in self.model.opset_import}
        return [(n.op_type, opsets.get(n.domain, 1)) for n in self.model.graph.node]


def examples():
    """Every test with an input and outputs of real numbers, an example for each output.

    The other inputs are made constants, with their recorded values.
    """
    for case in _cases():
        model, inputs, outputs, rtol = case[1:]
        made = _with_constants(model, inputs)
        if made is None:
            continue
        one, x = made
        for value, y in zip(model.graph.output, outputs, strict=False):
            if _is_real(value) and isinstance(y, np.ndarray | np.generic):
                part = onnx.ModelProto()
                part.CopyFrom(one)
                del part.graph.output[:]
                part.graph.output.append(value)
                yield Example(case[0], part, x, y, rtol)


def _cases():
    """(name, model, inputs, outputs, tolerance)."""
    from onnx.backend.test.loader import load_model_tests

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy's, about the examples themselves
        for kind in ("node", "simple", "pytorch-converted", "pytorch-operator"):
            for case in sorted(load_model_tests(kind=kind), key=lambda case: case.name):
                if case.model is not None and case.data_sets:
                    inputs, outputs = case.data_sets[0]
                    yield case.name, case.model, inputs, outputs, case.rtol
                elif case.model_dir is not None:
                    folder = pathlib.Path(case.model_dir)
                    data = folder / "test_data_set_0"
                    model = onnx.load(folder / "model.onnx")
                    inputs, outputs = _arrays(data, "input"), _arrays(data, "output")
                    yield case.name, model, inputs, outputs, case.rtol


def _arrays(folder, kind):
    arrays = []
    while (path := folder / f"{kind}_{len(arrays)}.pb").exists():
        tensor = TensorProto()
        try:
            tensor.ParseFromString(path.read_bytes())
            arrays.append(numpy_helper.to_array(tensor))
        except Exception:  # a sequence, or an optional value
            arrays.append(None)
    return arrays


def _is_real(value):
    return value.type.HasField("tensor_type") and value.type.tensor_type.elem_type in FLOATS


def _with_constants(model, inputs):
    """The model with all inputs but its first real one made constant, and that one's value."""
    stored = {tensor.name for tensor in model.graph.initializer}
    named = [value for value in model.graph.input if value.name not in stored]
    named = named if len(named) == len(inputs) else list(model.graph.input)
    arrays = [np.asarray(x) if isinstance(x, np.generic) else x for x in inputs]
    pairs = list(zip(named, arrays, strict=False))
    real = [(v, x) for v, x in pairs if _is_real(v) and isinstance(x, np.ndarray)]
    if not real or any(not isinstance(x, np.ndarray) for _, x in pairs):
        return None
    data, x = real[0]
    one = onnx.ModelProto()
    one.CopyFrom(model)
    del one.graph.input[:]
    one.graph.input.append(data)
    for value, array in pairs:
        if value.name != data.name and value.name not in stored:
            one.graph.initializer.append(numpy_helper.from_array(array, value.name))
    return one, x


def light_models():
    """The networks without weights that the package ships: (name, path, shape, output)."""
    folder = pathlib.Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
    for path in sorted(folder.glob("*.onnx")):
        answer = TensorProto()
        answer.ParseFromString(path.with_name(f"{path.stem}_output_0.pb").read_bytes())
        yield path, numpy_helper.to_array(answer)


def single_node(kind, opset, shape, arrays=None, *, domain="", out="y", **attributes):
    """A model of one operator, its other inputs constants."""
    arrays = {name: np.asarray(array) for name, array in (arrays or {}).items()}
    node = helper.make_node(kind, ["x", *arrays], [out], domain=domain, **attributes)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    y = helper.make_tensor_value_info(out, TensorProto.FLOAT, None)
    tensors = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    graph = helper.make_graph([node], "g", [x], [y], tensors)
    opsets = [helper.make_opsetid("", opset)]
    if domain:
        opsets.append(helper.make_opsetid(domain, 1))
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)
