"""The leading directions of a metric: what cannot be scaled is refused by name."""

from __future__ import annotations

import numpy as np
import pytest

import hullwise as hw


@pytest.mark.parametrize(
    ("M", "spread", "share", "says"),
    [
        (np.eye(2), [1.0, 0.0], 0.9, r"spread\[1\] is 0: units are positive"),
        (np.eye(2), [1.0, np.inf], 0.9, r"spread\[1\] is inf"),
        (np.eye(2), [1.0], 0.9, r"spread has shape \(1,\): expected \(2,\)"),
        (np.zeros((2, 2)), [1.0, 1.0], 0.9, "sees no direction"),
        (np.ones(2), [1.0, 1.0], 0.9, "square matrix"),
        (np.eye(2), [1.0, 1.0], 0.0, "share=0"),
        (np.eye(2), [1.0, 1.0], 1.5, "share=1.5"),
    ],
)
def test_refusals(M, spread, share, says):
    with pytest.raises(hw.DataError, match=says):
        hw.metrics.leading_metric(M, np.array(spread), share)


def test_all_of_a_metric_with_directions_that_it_does_not_see():
    metric = hw.metrics.leading_metric(np.diag([1.0, 0.0]), np.ones(2), 1.0)
    assert metric.rank == 1
    assert np.isfinite(metric.factor).all()
