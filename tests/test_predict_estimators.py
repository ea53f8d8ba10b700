"""Every interpolant as a scikit-learn regressor, and what they all share."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

import hullwise as hw

CONVEX = [
    hw.DelaunayRegressor,
    hw.VoronoiRegressor,
    hw.BoxSplineRegressor,
    hw.MaxBoxRegressor,
    hw.ShepardRegressor,
    hw.InverseDistanceRegressor,
    hw.NearestRegressor,
]
ALL = [*CONVEX, hw.LinearShepardRegressor]
EXACT = [kind for kind in ALL if kind is not hw.NearestRegressor]


@parametrize_with_checks([kind() for kind in ALL])
def test_scikit_learn_checks(estimator, check):
    check(estimator)
