"""Small drawings for the tests of the page: networks on rows of one, two or three classes."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

import hullwise as hw
from hullwise.play.data_sets import draw_data_set
from hullwise.play.drawing import Drawing, draw


def random_network(n_inputs: int, n_outputs: int = 1, seed: int = 0) -> hw.model.Network:
    """A network n_inputs-8-6-n_outputs of random weights that changes sign near the origin."""
    rng = np.random.default_rng([seed, n_inputs, n_outputs])
    sizes = [n_inputs, 8, 6, n_outputs]
    weights = [rng.normal(size=(b, a)) for a, b in itertools.pairwise(sizes)]
    biases = [rng.normal(size=len(W)) / 2 for W in weights]
    biases[-1] -= hw.model.from_arrays(weights, biases)(np.zeros((1, n_inputs)))[0]
    biases[-1] += 0.05 * rng.normal(size=n_outputs)
    return hw.model.from_arrays(weights, biases)


def plane_drawing(
    name: str = "spirals", inputs: tuple[str, ...] = ("x", "y"), half: float = 1.3, seed: int = 0
) -> Drawing:
    """A random network on one of the page's data sets."""
    data = draw_data_set(name, 60, 0.03, seed)
    net = random_network(len(inputs), data.n_outputs, seed)
    centre = np.array([0.1, -0.05])
    curved = hw.model.CurvedInputs(inputs)
    return draw(data, net, curved, centre, np.array([half, 0.9 * half]), 8)


def table_drawing(d: int = 4, seed: int = 0, half: float = 1.0) -> Drawing:
    """A random network of d columns on a plane through them."""
    rng = np.random.default_rng([seed, d])
    axes = np.linalg.qr(rng.normal(size=(d, 2)))[0].T
    X = rng.normal(size=(60, d))
    plain = draw_data_set("xor", 60, 0.0, seed)
    origin = 0.1 * rng.normal(size=d)
    data = replace(plain, X=X, new_X=X[::-1] + 0.3, origin=origin, axes=axes)
    net = random_network(d, 1, seed)
    return draw(
        data, net, hw.model.CurvedInputs(["x", "y"]), np.array([0.2, 0.1]), np.full(2, half)
    )
