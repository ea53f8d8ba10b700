"""Float32 passes over tiles of rows: what they list, and that no query depends on the others."""

from __future__ import annotations

import numpy as np
import pytest

import hullwise as hw
from hullwise.geometry import neighbours, pricing
from hullwise.geometry._row_tiles import RowTiles
from hullwise.geometry.scaled_view import TILED_ROWS, ScaledView


def whole_rows(n, d):
    """Whole numbers, whose scores are exact in float32."""
    rng = np.random.default_rng([n, d])
    return np.round(rng.normal(size=(n, d)) * 3), np.round(rng.normal(size=(11, d)) * 3)


@pytest.mark.parametrize(("n", "d"), [(1, 1), (130, 3), (512, 4), (700, 9), (5000, 20)])
def test_what_is_kept_of_the_scores(n, d):
    Z, U = whole_rows(n, d)
    tiles, S = RowTiles.of(Z), U @ Z.T
    winners, scores = tiles.best_of_groups(U, 7)
    np.testing.assert_array_equal(scores.max(axis=1), S.max(axis=1))
    np.testing.assert_array_equal(np.take_along_axis(S, winners, 1), scores)
    k = min(n, 6)
    values, rows = tiles.top(U, k)
    minus = S - (Z**2).sum(axis=1)
    np.testing.assert_array_equal(values, -np.sort(-minus, axis=1)[:, :k])
    np.testing.assert_array_equal(np.take_along_axis(minus, rows, 1), values)
    level = np.quantile(S, 0.98, axis=1)
    listed, count = tiles.at_least(U, level, 20)
    for b in range(len(U)):
        above = np.flatnonzero(S[b] >= level[b])
        assert count[b] == min(len(above), 21)
        if len(above) <= 20:
            np.testing.assert_array_equal(np.sort(listed[b, : count[b]]), above)


def test_a_score_does_not_depend_on_the_other_directions():
    rng = np.random.default_rng(0)
    Z, U = rng.normal(size=(3000, 7)), rng.normal(size=(13, 7))
    tiles = RowTiles.of(Z)
    level = np.quantile(U @ Z.T, 0.99, axis=1)
    for part in (slice(0, 1), slice(3, 9), slice(12, 13)):
        for ask in (lambda at: tiles.best_of_groups(U[at], 32), lambda at: tiles.top(U[at], 5)):
            for whole, own in zip(ask(slice(None)), ask(part)):
                np.testing.assert_array_equal(whole[part], own)
        for whole, own in zip(
            tiles.at_least(U, level, 64), tiles.at_least(U[part], level[part], 64)
        ):
            np.testing.assert_array_equal(whole[part], own)


@pytest.mark.parametrize("shift", [0.0, 1e3])
def test_a_pass_above_a_level_misses_no_row(shift):
    rng = np.random.default_rng(1)
    Z, U = rng.normal(size=(TILED_ROWS, 6)) + shift, rng.normal(size=(40, 6))
    view = hw.Cloud(Z).columnwise_view
    S = U @ view.scaled_rows.T
    level = np.sort(S, axis=1)[:, -9]
    priced, is_long = pricing.price_above(view, U, level)
    assert not is_long.any()
    np.testing.assert_allclose(priced.best, S.max(axis=1), rtol=1e-13)
    for b in range(len(U)):
        assert set(np.argsort(-S[b])[:9]) <= set(priced.winners[b])
    _, is_long = pricing.price_above(view, U, np.sort(S, axis=1)[:, -200])
    assert is_long.all()


def test_neighbours_by_tiles_are_those_by_differences(monkeypatch):
    """Equal rows, equal distances, queries far out: the same rows and the same bits."""
    rng = np.random.default_rng(2)
    X = np.concatenate([rng.normal(size=(TILED_ROWS, 5)), np.round(rng.normal(size=(2000, 5)))])
    X = np.concatenate([X, X[:300]])
    Q = np.concatenate([X[:200], X[-200:] * 1.01, np.round(X[:100]), 1e6 * X[:50]])
    cloud = hw.Cloud(X)
    metric = hw.locate(cloud, Q[:1], reference=0).metric
    new = neighbours.nearest_rows(cloud, Q, metric, 5, np.arange(len(Q)))
    monkeypatch.setattr(ScaledView, "is_tiled", False)
    old = neighbours.nearest_rows(cloud, Q, metric, 5, np.arange(len(Q)))
    np.testing.assert_array_equal(new.rows, old.rows)
    np.testing.assert_array_equal(new.distances, old.distances)
