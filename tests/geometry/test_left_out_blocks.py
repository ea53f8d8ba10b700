"""Whole blocks of rows left out: against hulls that never had them."""

import numpy as np
import pytest

import hullwise as hw
from hullwise.geometry.bands import Reference, band_limits, bands, percentile
from hullwise.geometry.exclusion import BlockExclusion
from hullwise.geometry.left_out import leave_blocks_out, metric_for, off_flat_of_other_blocks
from hullwise.geometry.units import units_of_other_blocks

pytestmark = pytest.mark.filterwarnings("ignore::hullwise.errors.DataWarning")


def table(n=240, d=4, groups=12, seed=0):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, groups, n)
    return rng.normal(size=(n, d)) + 2 * rng.normal(size=(groups, d))[codes], codes


@pytest.mark.parametrize("later", [False, True])
def test_distances_are_those_to_the_hull_of_the_rows_outside_the_block(later):
    X, codes = table()
    cloud = hw.Cloud(X)
    rows = np.flatnonzero(codes >= 3)[::7]
    metric = metric_for(cloud, "std", rows[:0])
    own = np.random.default_rng(1).uniform(0.5, 2, (12, 4))[codes[rows]]
    exclude = BlockExclusion(codes, codes[rows], later)
    reference = leave_blocks_out(cloud, metric, 3, rows, exclude, own_units=own)
    for place, row in enumerate(rows):
        others = codes < codes[row] if later else codes != codes[row]
        weights = np.square(metric.root * own[place])
        loc = hw.locate(X[others], X[row][None], metric=weights, n_neighbors=3, reference=0)
        distance = 0.0 if loc.verdict[0] == 1 else loc.upper[0]
        np.testing.assert_allclose(reference.hull[place], distance, rtol=1e-5, atol=1e-9)
        np.testing.assert_allclose(reference.gaps[place], loc.neighbour_distance[0], rtol=1e-9)
    assert (reference.groups is None) == later
    assert not reference.off.any()


def test_a_block_that_alone_leaves_the_flat_is_off_it():
    X, codes = table()
    X[:, 3] = np.where(codes == 5, X[:, 3], 1.0)
    rows = np.arange(0, len(X), 3)
    off = off_flat_of_other_blocks(hw.Cloud(X), rows, BlockExclusion(codes, codes[rows]))
    np.testing.assert_array_equal(off, codes[rows] == 5)


def test_units_of_other_blocks():
    X, codes = table()
    for kind, unit in (("std", np.std), ("range", lambda x: np.ptp(x) / 2)):
        units = units_of_other_blocks(X[:, 0], kind, codes)
        np.testing.assert_allclose(units, [unit(X[codes != g, 0]) for g in range(12)])
        units = units_of_other_blocks(X[:, 0], kind, codes, earlier=True)
        assert units[0] == 0
        np.testing.assert_allclose(units[1:], [unit(X[codes < g, 0]) for g in range(1, 12)])


def reference_of(hull, groups):
    none = np.zeros(len(hull), dtype=bool)
    metric = hw.Cloud([[0.0], [1.0]]).metric(None)
    return Reference(np.arange(len(hull)), hull, none, hull, metric, 1, groups=groups)


def test_each_group_counts_alike():
    hull, groups = np.array([1.0, 1.0, 1.0, 1.0, 3.0]), np.array([0, 0, 0, 0, 1])
    reference = reference_of(hull, groups)
    np.testing.assert_allclose(reference.weights, [1 / 12] * 4 + [1 / 3])
    share = percentile(np.array([0.5, 2.0, 4.0]), hull, reference.weights)
    np.testing.assert_allclose(share, [0, 100 / 3, 200 / 3])
    assert "2 groups left out whole" in repr(reference)


@pytest.mark.parametrize(("n_groups", "has_beyond"), [(18, False), (19, False), (40, True)])
def test_few_groups_have_no_beyond(n_groups, has_beyond):
    hull = np.arange(2.0 * n_groups)
    weights = reference_of(hull, np.repeat(np.arange(n_groups), 2)).weights
    distance = np.arange(0, 2.0 * n_groups + 1, 0.5)
    names = bands(distance, distance, hull, weights)
    assert ("beyond" in names) == has_beyond
    assert (names == "far").sum() == (distance > hull.max()).sum()
    limits = band_limits(distance, names, hull, weights)
    assert limits is not None
    assert (np.searchsorted(limits, distance) >= 2).sum() == np.isin(names, ("beyond", "far")).sum()
