"""How far targets are from their mean, and weights that move there where nothing is known."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array, diags_array

from .._core.types import Floats, Indices
from ..geometry.cloud import Cloud
from .duplicates import TrainingPlaces
from .minimax_fits import TargetClass

LEVEL_ROWS = 1000  # whose mean target answers where nothing is known
LEVEL_QUANTILE = 0.99
LARGEST_LEVEL = 1e6  # over the noise: a limit on the target where there is nearly none


def target_level(
    level: float | None, cloud: Cloud, places: TrainingPlaces, own: TargetClass
) -> tuple[float, Indices]:
    """How far targets may be from their mean, over their noise; and the rows of that mean.

    One number serves all targets, since they share the weights: the largest.
    """
    rows = cloud.sample(LEVEL_ROWS)
    if level is None:
        return np.inf, rows
    away = np.abs(places.targets - places.targets[rows].mean(axis=0))
    size = level * np.quantile(away, LEVEL_QUANTILE, axis=0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratios = np.where(own.noise > 0, size / own.noise, LARGEST_LEVEL)
    return float(np.clip(ratios.max(), 1.0, LARGEST_LEVEL)), rows


def move_to_level(W: csr_array, pull: Floats, level_rows: Indices) -> csr_array:
    """Weights of which the share `pull` (m,) is spread evenly over the rows of the level."""
    if not pull.any():
        return W
    moved, k = np.flatnonzero(pull), len(level_rows)
    shares = np.repeat(pull[moved] / k, k)
    ends = np.arange(len(moved) + 1) * k
    even = csr_array((shares, np.tile(level_rows, len(moved)), ends), (len(moved), W.shape[1]))
    place = csr_array(
        (np.ones(len(moved)), (moved, np.arange(len(moved)))), (len(pull), len(moved))
    )
    total = csr_array(diags_array(1 - pull) @ W + place @ even)
    total.sort_indices()
    return total
