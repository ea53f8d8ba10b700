"""Draw the picture of the page about complexes.

Run from the root of the repository: ``python docs/complexes.py``. Writes docs/images/ring.png.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.neural_network import MLPRegressor

import hullwise as hw

IMAGES = Path(__file__).parent / "images"


def main() -> None:
    X = np.random.default_rng(0).uniform(-1, 1, (5000, 3))
    ring = np.hypot(np.linalg.norm(X[:, :2], axis=1) - 0.6, X[:, 2]) - 0.25
    model = MLPRegressor(
        hidden_layer_sizes=(14, 14), solver="lbfgs", alpha=1e-5, max_iter=3000, random_state=1
    )
    net = hw.model.read(model.fit(X, ring))
    c = hw.model.cell_complex(net, 1.0)
    boundary = c.boundary()
    print(c, boundary, boundary.betti_numbers, c.verify())
    ax = boundary.plot(azimuth=-60, elevation=32)
    ax.figure.savefig(IMAGES / "ring.png", dpi=110, bbox_inches="tight")


if __name__ == "__main__":
    main()
