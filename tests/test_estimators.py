"""The locators are well-behaved scikit-learn transformers."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import hullwise as hw

LOCATORS = [
    hw.HullLocator(reference=20),
    hw.EllipsoidLocator(),
    hw.BoxLocator(),
    hw.NeighbourLocator(reference=20),
]


@pytest.mark.filterwarnings("ignore::hullwise.DataWarning")
@parametrize_with_checks(LOCATORS)
def test_scikit_learn_checks(estimator, check):
    check(estimator)
