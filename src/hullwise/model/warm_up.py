"""A small run of what networks are asked, for their kernels."""

from __future__ import annotations

import numpy as np

from .arrays import from_arrays
from .complexes.build import cell_complex
from .dissect import dissect
from .properties.verify_property import verify_property


def compile_networks() -> None:
    """Dissect, walk through, slice, divide and prove something of a network of a few units."""
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=(4, 2)), rng.normal(size=(3, 4)), rng.normal(size=(1, 3))]
    network = from_arrays(weights, [np.ones(4), np.ones(3), np.zeros(1)])
    box = ([-1.0, -1.0], [1.0, 1.0])
    X = rng.normal(size=(3, 2))
    dissection = dissect(network, X)
    _ = dissection.decision_distance, dissection.facets
    network.along(X[0], X[1])
    network.slice(np.zeros(2), np.eye(2)).decision_boundary()
    network.regions(box)
    network.to_tree(box)
    verify_property(network, 1.0, "y0 <= 1e9 and y0 >= -1e9")
    _ = cell_complex(network).boundary().betti_numbers
