"""Units without some rows, and of the others: against brute force, at every scale."""

import numpy as np
import pytest

import hullwise as hw
from hullwise.geometry import units
from hullwise.geometry.hull import reference_distances
from hullwise.geometry.neighbours import reference_gaps
from hullwise.geometry.units import unit_ratios, unit_roots, units_of_others, units_without

KINDS = ("std", "range")


def tables():
    rng = np.random.default_rng(0)
    heavy = np.exp(3 * rng.normal(size=(30, 4)))
    flags = (rng.random((30, 4)) < [0.03, 0.1, 0.5, 0.0]).astype(float)
    outlier = rng.normal(size=(30, 4))
    outlier[7] = [1e12, -1e150, 1e300, 0]
    ties = rng.integers(0, 3, (30, 4)).astype(float)
    offset = rng.normal(size=(30, 4)) + 1e9
    return {"heavy": heavy, "flags": flags, "outlier": outlier, "ties": ties, "offset": offset}


def brute_force(X, kind, without):
    rest = np.delete(X, without, axis=0)
    half = rest.max(axis=0) / 2 - rest.min(axis=0) / 2
    if kind == "range":
        return half
    scale = np.where(half > 0, half, 1.0)
    middle = np.median(rest, axis=0)
    spread = ((rest / 2 - middle / 2) / scale).std(axis=0) * 2 * scale
    return np.where(half > 0, spread, 0.0)


@pytest.mark.parametrize("name", tables())
@pytest.mark.parametrize("kind", KINDS)
def test_units_of_the_others(name, kind):
    X = tables()[name]
    expected = [brute_force(X, kind, [i]) for i in range(len(X))]
    own = units_of_others(X, kind, np.arange(len(X)))
    np.testing.assert_allclose(own, expected, rtol=1e-8)
    assert ((own == 0) == (np.array(expected) == 0)).all()


@pytest.mark.parametrize("name", tables())
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", [[7], [0, 7, 29], list(range(0, 30, 2))])
def test_units_without_some_rows(name, kind, rows, monkeypatch):
    monkeypatch.setattr(units, "BLOCK_ROWS", 8)
    X = tables()[name]
    found = units_without(hw.Cloud(X), kind, np.array(rows))
    np.testing.assert_allclose(found, brute_force(X, kind, rows), rtol=1e-8)


@pytest.mark.parametrize("k", [-1000, -300, 300, 1000])
def test_units_scale_with_the_data(k):
    X = np.random.default_rng(0).normal(size=(40, 3))
    for kind in KINDS:
        expected = np.ldexp(units_of_others(X, kind, np.arange(40)), k)
        own = units_of_others(np.ldexp(X, k), kind, np.arange(40))
        np.testing.assert_array_equal(own, expected)


@pytest.mark.filterwarnings("ignore:the .* training rows span a flat")
@pytest.mark.parametrize("shape", [(12, 3), (25, 6), (8, 20), (6, 40)])
@pytest.mark.parametrize("kind", KINDS)
def test_rows_left_out_are_measured_in_units_of_the_others(shape, kind):
    """As a cloud of the others would measure each of them."""
    X = np.exp(2 * np.random.default_rng(1).normal(size=shape))
    cloud, rows = hw.Cloud(X), np.arange(len(X))
    metric = cloud.metric(kind)
    own = units_of_others(X, kind, rows)
    scale = unit_ratios(own, metric.root, kind)
    distances = reference_distances(cloud, metric, rows, scale=scale)
    gaps = reference_gaps(cloud, metric, 2, rows, scale)
    for i in rows:
        others = hw.Cloud(np.delete(X, i, axis=0))
        fixed = np.square(unit_roots(kind, own[i]))
        loc = hw.locate(others, X[i : i + 1], metric=fixed, n_neighbors=2, reference=0)
        np.testing.assert_allclose(distances[i], loc.upper[0], rtol=2e-6, atol=1e-12)
        np.testing.assert_allclose(gaps[i], loc.neighbour_distance[0], rtol=1e-12)
