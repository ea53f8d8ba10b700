"""What a trained network is measured by: its answers, its latent hull, its partition."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

import hullwise as hw
from hullwise.errors import DataWarning

from .._types import Array, Floats
from ._draws import TrainingDraw, shifted_images

COMPLEXITY_ROWS = 200  # test rows around which units are counted
TRAINING_PLANES = 8  # through three training rows each
LATENT_REFERENCE = 150  # training rows left out in turn in the latent space


@dataclass(frozen=True)
class Measure:
    """What is measured: its title, its group, and whether less is better (None: neither)."""

    title: str
    group: str
    text: str
    less_is_better: bool | None = None


NETWORK_MEASURES = {
    "error": Measure(
        "error", "answers", "share of wrong classes, or root mean square in deviations", True
    ),
    "loss": Measure("log loss", "answers", "cross-entropy of test rows (classes only)", True),
    "shifted": Measure(
        "error, shifted", "answers", "error on test images moved by a pixel (images only)", True
    ),
    "outside": Measure(
        "outside", "hull", "share of test rows outside the hull of training rows, latent space"
    ),
    "beyond": Measure(
        "beyond",
        "hull",
        "share of test rows farther from it than 95 % of left-out training rows",
    ),
    "distance": Measure(
        "distance", "hull", "median distance to it, in deviations of the latent training rows"
    ),
    "regions": Measure(
        "regions", "partition", "regions that hold training rows, for each training row"
    ),
    "shared": Measure("shared", "partition", "share of test rows in a region with training rows"),
    "complexity": Measure(
        "complexity", "partition", "units that change within half the spacing of rows"
    ),
    "wall": Measure("wall", "partition", "median distance to the nearest wall, in spacings"),
    "pieces": Measure(
        "pieces", "partition", "regions of the plane through three training rows, mean of eight"
    ),
}
"""All measures by name, in the order of the tables."""


def measures_of(network: Any, draw: TrainingDraw) -> dict[str, Array]:
    """One number for each of `NETWORK_MEASURES`; NaN where it does not apply."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # dead units make flat columns: no news here
        net = hw.model.read(network)
        numbers = {
            **_answers(net, draw),
            **latent_measures(net, draw),
            **partition_measures(net, draw),
        }
    return {name: np.array(float(numbers[name])) for name in NETWORK_MEASURES}


def _answers(net: Any, draw: TrainingDraw) -> dict[str, float]:
    error, loss = _error(net, draw, draw.test_X)
    shifted = np.nan
    if draw.side:
        moves = [(0, 1), (0, -1), (1, 0), (-1, 0)]
        shifted = float(
            np.mean(
                [
                    _error(net, draw, shifted_images(draw.test_X, draw.side, *move))[0]
                    for move in moves
                ]
            )
        )
    return {"error": error, "loss": loss, "shifted": shifted}


def _error(net: Any, draw: TrainingDraw, Q: Floats) -> tuple[float, float]:
    """Error, and the cross-entropy of classes."""
    outputs = net(Q)
    if not draw.n_classes:
        return float(np.sqrt(np.mean((outputs[:, 0] - draw.test_y) ** 2))), np.nan
    wrong = float((outputs.argmax(axis=1) != draw.test_y).mean())
    logits = outputs - outputs.max(axis=1, keepdims=True)
    own = logits[np.arange(len(Q)), draw.test_y]
    return wrong, float((np.log(np.exp(logits).sum(axis=1)) - own).mean())


def latent_measures(net: Any, draw: TrainingDraw) -> dict[str, float]:
    """Where test rows stand against the hull of training rows in the last hidden layer."""
    inner = net.upto(net.layers[-1].name)
    Z, latents = inner(draw.X), inner(draw.test_X)
    alive = Z.std(axis=0) > 0
    if not alive.any():
        return {"outside": np.nan, "beyond": np.nan, "distance": np.nan}
    located = hw.locate(Z[:, alive], latents[:, alive], reference=LATENT_REFERENCE)
    return {
        "outside": float((located.verdict == hw.Verdict.OUTSIDE).mean()),
        "beyond": float(np.isin(located.band, ("beyond", "far")).mean()),
        "distance": float(np.median(located.upper)),
    }


def partition_measures(net: Any, draw: TrainingDraw) -> dict[str, float]:
    """Regions with rows, units and walls around test rows, regions of planes through rows."""
    occupancy = hw.model.region_occupancy(net, draw.X, draw.test_X, X_off=draw.test_X[:1])
    assert occupancy.test is not None
    some = draw.test_X[:COMPLEXITY_ROWS]
    complexity = hw.model.local_complexity(net, some, draw.unit / 2)
    walls = hw.dissect(net, some).boundary_distance
    return {
        "regions": occupancy.train.n_regions / len(draw.X),
        "shared": occupancy.test.training_share,
        "complexity": float(complexity.counts.sum(axis=1).mean()),
        "wall": float(np.median(walls)) / draw.unit,
        "pieces": regions_of_planes(net, draw.X),
    }


def regions_of_planes(net: Any, X: Floats) -> float:
    """Regions of the plane through three rows, around them; the mean of several seeded planes."""
    rng = np.random.default_rng(0)
    corners = [X[rng.choice(len(X), 3, replace=False)] for _ in range(TRAINING_PLANES)]
    return float(np.mean([net.slice_through(*three).n_regions for three in corners]))
