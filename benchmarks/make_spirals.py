"""Make the bundled spirals: a table of three spiral arms and a small network trained on it.

Run from the repository's root: python benchmarks/make_spirals.py. Needs onnx. The table is drawn
from formulas, so neither file has any other source.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.neural_network import MLPClassifier

SAMPLES = Path(__file__).parents[1] / "src" / "hullwise" / "samples"
ARMS, EACH, NOISE = 3, 150, 0.05


def table() -> tuple[np.ndarray, np.ndarray]:
    """x, y of each row, rounded to what the file holds, and its arm."""
    rng = np.random.default_rng(7)
    arm = np.repeat(np.arange(ARMS), EACH)
    t = rng.uniform(0.12, 1.0, len(arm))
    angle = 2 * np.pi * arm / ARMS + 4.6 * t
    X = t[:, None] * np.c_[np.cos(angle), np.sin(angle)] + rng.normal(0, NOISE, (len(arm), 2))
    order = rng.permutation(len(arm))
    return np.round(X[order], 4), arm[order]


def network(mlp: Any, name: str) -> onnx.ModelProto:
    """The values of a scikit-learn MLP, a classifier's before the softmax, as ONNX."""
    nodes, weights, at = [], [], "point"
    last = len(mlp.coefs_) - 1
    for i, (W, b) in enumerate(zip(mlp.coefs_, mlp.intercepts_, strict=True)):
        weights.append(numpy_helper.from_array(W.astype(np.float32), f"weight{i}"))
        weights.append(numpy_helper.from_array(b.astype(np.float32), f"bias{i}"))
        out = "scores" if i == last else f"linear{i}"
        nodes.append(helper.make_node("Gemm", [at, f"weight{i}", f"bias{i}"], [out], f"linear{i}"))
        if i < last:
            at = f"relu{i}"
            nodes.append(helper.make_node("Relu", [out], [at], at))
    given = helper.make_tensor_value_info("point", TensorProto.FLOAT, ["rows", len(mlp.coefs_[0])])
    made = helper.make_tensor_value_info(
        "scores", TensorProto.FLOAT, ["rows", len(mlp.intercepts_[-1])]
    )
    graph = helper.make_graph(nodes, name, [given], [made], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def main() -> None:
    X, arm = table()
    lines = ["x,y,arm", *(f"{x:.4f},{y:.4f},{k}" for (x, y), k in zip(X, arm, strict=True))]
    (SAMPLES / "spirals.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    mlp = MLPClassifier((32, 32, 32), alpha=1e-3, max_iter=3000, random_state=2, tol=1e-5)
    mlp.fit(X, arm)
    (SAMPLES / "spirals.onnx").write_bytes(network(mlp, "spirals").SerializeToString())
    print(f"{len(X)} rows, {mlp.score(X, arm):.1%} right")


if __name__ == "__main__":
    main()
