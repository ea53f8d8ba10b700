"""Hostile ONNX files: made here from a seed, read within limits, ended in errors of our own.

``HULLWISE_FUZZ=20000 pytest tests/fuzz`` mutates so many files; the normal run a few hundred.
"""

import contextlib
import itertools
import os
import warnings

import numpy as np
import pytest

import hullwise as hw

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

MUTATIONS = int(os.environ.get("HULLWISE_FUZZ", "400"))
W = numpy_helper.from_array(np.ones((3, 2), np.float32), "W")
B = numpy_helper.from_array(np.ones(3, np.float32), "B")
node = helper.make_node


def model(nodes, tensors=(W, B), functions=()):
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 2])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "g", [x], [y], list(tensors))
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    return helper.make_model(graph, opset_imports=opsets, functions=list(functions), ir_version=8)


def whole(name, values):
    return numpy_helper.from_array(np.array(values, dtype=np.int64), name)


def gemm(bias="B"):
    return [node("Gemm", ["x", "W", bias], ["h"], transB=1), node("Relu", ["h"], ["y"])]


def doubled(name, axis, last):
    names = [f"{name}{i}" if i else name for i in range(40)]
    pairs = itertools.pairwise(names)
    return [
        *(node("Concat", [a, a], [b], axis=axis) for a, b in pairs),
        *last(names[-1]),
    ]


def calling_twice():
    own = [helper.make_opsetid("own", 1)]
    twice = [
        helper.make_function(
            *("own", f"F{i}", ["a"], ["b"]),
            [
                node(f"F{i + 1}", ["a"], ["t"], domain="own"),
                node(f"F{i + 1}", ["t"], ["b"], domain="own"),
            ],
            own,
        )
        for i in range(18)
    ]
    last = helper.make_function(
        *("own", "F18", ["a"], ["b"], [node("Relu", ["a"], ["b"])]),
        [helper.make_opsetid("", 17)],
    )
    return model([node("F0", ["x"], ["y"], domain="own")], [], [*twice, last])


def calling_itself():
    body = [node("F", ["a"], ["b"], domain="own")]
    function = helper.make_function("own", "F", ["a"], ["b"], body, [helper.make_opsetid("own", 1)])
    return model([node("F", ["x"], ["y"], domain="own")], [], [function])


def outside(location):
    tensor = TensorProto(name="W", data_type=1, dims=[3, 2], data_location=1)
    tensor.external_data.add(key="location", value=location)
    return model(gemm(), [tensor, B])


BIG = 2**40
HOSTILE = {
    "doubled constant": model(doubled("B", 0, lambda last: gemm(last))),
    "doubled input": model(doubled("x", 1, lambda last: [node("Relu", [last], ["y"])])),
    "functions that call twice": calling_twice(),
    "a function that calls itself": calling_itself(),
    "pad": model([node("Pad", ["x", "p"], ["y"])], [whole("p", [0, BIG, 0, BIG])]),
    "expand": model([node("Expand", ["x", "s"], ["y"])], [whole("s", [BIG, 1, 2])]),
    "tile": model([node("Tile", ["x", "r"], ["y"])], [whole("r", [1, BIG])]),
    "range": model(
        [node("Range", ["a", "b", "c"], ["r"]), node("Add", ["x", "r"], ["y"])],
        [whole("a", 0), whole("b", BIG), whole("c", 1)],
    ),
    "shape": model(
        [node("ConstantOfShape", ["s"], ["c"]), node("Add", ["x", "c"], ["y"])],
        [whole("s", [BIG, 2])],
    ),
    "one hot": model(
        [node("OneHot", ["a", "d", "v"], ["o"]), node("Add", ["x", "o"], ["y"])],
        [whole("a", [1]), whole("d", BIG), whole("v", [0, 1])],
    ),
    "pool": model(
        [
            node("Reshape", ["x", "s"], ["i"]),
            node("MaxPool", ["i"], ["y"], kernel_shape=[BIG], pads=[BIG - 1, BIG - 1]),
        ],
        [whole("s", [0, 1, 2])],
    ),
    "resize": model(
        [node("Resize", ["x", "", "s"], ["y"])],
        [numpy_helper.from_array(np.float32([1, 2**30]), "s")],
    ),
    "loop": model(
        [
            node(
                *("Loop", ["n", "t", "x"], ["y"]),
                body=helper.make_graph(
                    [node("Identity", ["c"], ["d"]), node("Relu", ["a"], ["b"])],
                    "l",
                    [
                        helper.make_tensor_value_info("i", TensorProto.INT64, []),
                        helper.make_tensor_value_info("c", TensorProto.BOOL, []),
                        helper.make_tensor_value_info("a", TensorProto.FLOAT, None),
                    ],
                    [
                        helper.make_tensor_value_info("d", TensorProto.BOOL, []),
                        helper.make_tensor_value_info("b", TensorProto.FLOAT, None),
                    ],
                ),
            )
        ],
        [whole("n", BIG), numpy_helper.from_array(np.array(True), "t")],
    ),
    "a zero byte in a path": outside("a\0b"),
    "a path outside": outside("../../etc/passwd"),
    "a long path": outside("a" * 5000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_end_in_an_error_of_our_own(tmp_path, name):
    path = tmp_path / "m.onnx"
    path.write_bytes(HOSTILE[name].SerializeToString())
    with pytest.raises(hw.HullwiseError):
        hw.model.read(path)


def test_mutated_files_are_read_or_end_in_an_error_of_our_own(tmp_path):
    rng = np.random.default_rng(0)
    seeds = [proto.SerializeToString() for proto in (*HOSTILE.values(), model(gemm()))]
    path = tmp_path / "m.onnx"
    for _ in range(MUTATIONS):
        data = bytearray(seeds[rng.integers(len(seeds))])
        for _ in range(rng.integers(1, 6)):
            place = rng.integers(len(data))
            kind = rng.integers(3)
            if kind == 0:
                data[place] = rng.integers(256)
            elif kind == 1:
                del data[place : place + rng.integers(1, 9)]
            else:
                data[place:place] = bytes(rng.integers(0, 256, rng.integers(1, 9), dtype=np.uint8))
        path.write_bytes(bytes(data))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with contextlib.suppress(hw.HullwiseError):
                hw.model.read(path)
