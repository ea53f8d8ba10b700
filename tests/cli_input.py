"""Tables, and ways to run the command line on them, for its tests."""

import csv
import io
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import hullwise as hw
from hullwise.cli import main

SOURCE = str(Path(hw.__file__).parents[1])
COLUMNS = ["age", "dose", "weight"]


@pytest.fixture(scope="module")
def tables():
    """80 training rows with a target, 20 new ones: 19 like them and one far away."""
    rng = np.random.default_rng(1)
    X, Q = rng.normal(size=(80, 3)), rng.normal(size=(20, 3))
    Q[7] = [9.0, -9.0, 0.5]
    return X, rng.normal(size=80), Q


def write_csv(path, names, rows, sep=","):
    text = "\n".join([sep.join(names), *(sep.join(map(str, r)) for r in rows)]) + "\n"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.fixture
def files(tables, tmp_path):
    X, y, Q = tables
    train = write_csv(tmp_path / "train.csv", [*COLUMNS, "y"], np.c_[X, y].tolist())
    ids = [["id", *COLUMNS], [[f"p{i}", *q] for i, q in enumerate(Q.tolist())]]
    return train, write_csv(tmp_path / "new.csv", *ids)


def run(*args, code=0, stdin=None):
    result = CliRunner().invoke(main, [str(a) for a in args], input=stdin)
    assert result.exit_code == code, (result.exit_code, result.stdout, result.stderr)
    assert "Traceback" not in result.stderr
    return result


def read_rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def process(*args, **options):
    env = os.environ | {"PYTHONPATH": SOURCE, "PYTHONWARNINGS": "error"} | options.pop("env", {})
    return subprocess.Popen(
        [sys.executable, "-m", "hullwise", *map(str, args)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=env,
        **options,
    )


def save_network(path, W, b):
    """ReLU layers as an ONNX file in float64."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes, weights, at = [], [], "x"
    for i, (w, c) in enumerate(zip(W, b, strict=True)):
        weights += [numpy_helper.from_array(np.asarray(w, float), f"w{i}")]
        weights += [numpy_helper.from_array(np.asarray(c, float), f"b{i}")]
        out = "y" if i == len(W) - 1 else f"z{i}"
        nodes.append(helper.make_node("Gemm", [at, f"w{i}", f"b{i}"], [out], f"g{i}", transB=1))
        if out != "y":
            nodes.append(helper.make_node("Relu", [out], [f"a{i}"], f"r{i}"))
            at = f"a{i}"
    first = helper.make_tensor_value_info("x", TensorProto.DOUBLE, ["n", len(W[0][0])])
    last = helper.make_tensor_value_info("y", TensorProto.DOUBLE, ["n", len(W[-1])])
    graph = helper.make_graph(nodes, "net", [first], [last], weights)
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), str(path))
    return str(path)


def save_two_headed_network(path, seed=0):
    """Inputs x (3) and shift (2), outputs y (2, behind ReLUs) and z (1, behind a tanh)."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    W, b = network_weights([5, 6, 2], seed)
    arrays = {"w0": W[0].T, "b0": b[0], "w1": W[1].T, "b1": b[1], "w2": W[1][:1].T}
    weights = [numpy_helper.from_array(np.asarray(a, float), name) for name, a in arrays.items()]
    nodes = [
        helper.make_node("Concat", ["x", "shift"], ["xs"], "join", axis=1),
        helper.make_node("Gemm", ["xs", "w0", "b0"], ["h"], "first"),
        helper.make_node("Relu", ["h"], ["r"], "relu"),
        helper.make_node("Gemm", ["r", "w1", "b1"], ["y"], "logits"),
        helper.make_node("Tanh", ["h"], ["t"], "tanh"),
        helper.make_node("MatMul", ["t", "w2"], ["z"], "value"),
    ]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.DOUBLE, ["n", size])
        for name, size in (("x", 3), ("shift", 2))
    ]
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.DOUBLE, ["n", size])
        for name, size in (("y", 2), ("z", 1))
    ]
    graph = helper.make_graph(nodes, "net", inputs, outputs, weights)
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), str(path))
    return str(path)


def network_weights(sizes, seed=0):
    rng = np.random.default_rng(seed)
    W = [rng.normal(size=(o, i)) / np.sqrt(i / 2) for i, o in pairwise(sizes)]
    return W, [rng.normal(size=o) / 2 for o in sizes[1:]]
