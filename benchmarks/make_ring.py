"""Make the bundled network of three inputs: its zero set is a torus of flat faces.

    python benchmarks/make_ring.py

Writes src/hullwise/samples/ring.onnx: 3-14-14-1 ReLU layers, scikit-learn's MLPRegressor trained on
the distance from a ring.
"""

from __future__ import annotations

import numpy as np
from make_spirals import SAMPLES, network
from sklearn.neural_network import MLPRegressor


def main() -> None:
    X = np.random.default_rng(0).uniform(-1, 1, (5000, 3))
    distance = np.hypot(np.linalg.norm(X[:, :2], axis=1) - 0.6, X[:, 2]) - 0.25
    model = MLPRegressor(
        hidden_layer_sizes=(14, 14), solver="lbfgs", alpha=1e-5, max_iter=3000, random_state=1
    )
    model.fit(X, distance)
    (SAMPLES / "ring.onnx").write_bytes(network(model, "ring").SerializeToString())
    print(f"R^2 {model.score(X, distance):.3f}")


if __name__ == "__main__":
    main()
