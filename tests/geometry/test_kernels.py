"""Kernels of the projection: their workspace, their signatures, and a pass for few directions."""

from __future__ import annotations

import subprocess
import sys
from unittest import mock

import numpy as np
import pytest

import hullwise as hw
from hullwise.geometry import pricing, wolfe
from hullwise.geometry.scaled_view import ScaledView
from hullwise.geometry.scaling import identity_frame


def nearest(rng, n, d, room):
    """Nearest points of hulls of n rows seen from 20 queries, in a given workspace."""
    pool, Zq = rng.normal(size=(3 * n, d)), rng.normal(size=(20, d))
    rows = np.stack([rng.permutation(3 * n)[:n] for _ in Zq])
    rows[::3, -1] = -1
    weight, warm = np.zeros((20, n)), np.zeros(20, np.intp)
    P, U = np.zeros((20, d)), np.zeros((20, d))
    floor = np.full(20, 1e-15)
    wolfe.nearest_batch(room, pool, rows, rows.copy(), weight, warm, Zq, 1e-13, floor, P, U)
    return rows, weight, warm, P, U


@pytest.mark.parametrize(("n", "d"), [(3, 2), (9, 4), (5, 12), (40, 8)])
def test_contents_of_a_workspace_do_not_matter(n, d):
    fresh, used = wolfe.workspace(n, d), wolfe.workspace(n, d)
    for array in fresh:
        array.fill(0)
    for array in used:
        array.fill(3 if array.dtype.kind == "i" else np.nan)
    results = [nearest(np.random.default_rng([n, d]), n, d, room) for room in (fresh, used)]
    for first, second in zip(*results):
        np.testing.assert_array_equal(first, second)


LOCATE_KERNELS = """
import numpy as np
import hullwise as hw
from hullwise.geometry import _few_directions, _row_tiles, _score_blocks, wolfe
rng = np.random.default_rng(0)
for n, d, m in ((30, 3, 40), (30, 3, 1), (12, 8, 3), (2000, 2, 70), (20000, 4, 70)):
    X, Q = rng.normal(size=(n, d)), rng.normal(size=(m, d))
    for rows in (X, X.astype(np.float32), np.asfortranarray(X)):
        hw.locate(rows, Q, reference=5)
        hw.Cloud(rows).support(Q, h=1.0, k=2)
kernels = 0
for module in (wolfe, _score_blocks, _few_directions, _row_tiles):
    for name, kernel in vars(module).items():
        if hasattr(kernel, "signatures"):
            kernels += 1
            assert len(kernel.signatures) <= 1, (name, kernel.signatures)
assert kernels > 5, kernels
"""


def test_each_kernel_of_locate_is_compiled_for_one_signature():
    """A second one would double the seconds that the first call on a machine takes.

    In a process of its own: other rooms share kernels with this one, for types of their own.
    """
    run = subprocess.run([sys.executable, "-c", LOCATE_KERNELS], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def batch_pricing(view, U, exclude=None):
    """The same pass as products of blocks, as for many directions."""
    with mock.patch.object(pricing, "suits_kernel", return_value=False):
        return pricing.price(view, U, exclude)


@pytest.mark.parametrize(("n", "d"), [(1, 1), (63, 3), (64, 2), (1000, 10), (40_000, 4)])
@pytest.mark.parametrize("whole", [True, False])
def test_a_few_directions_are_priced_like_many(n, d, whole):
    """Whole numbers have exact scores, so that ties must go to the same rows."""
    rng = np.random.default_rng([n, d])
    X = rng.normal(size=(n, d)) * 3
    view = hw.Cloud(np.round(X) if whole else X).view(identity_frame(d))
    U = rng.normal(size=(5, d)) * 3
    U = np.round(U) if whole else U
    exclude = None if n == 1 else pricing.price(view, U).row
    for hidden in (None, exclude):
        few, many = pricing.price(view, U, hidden), batch_pricing(view, U, hidden)
        np.testing.assert_allclose(few.best, many.best, rtol=1e-13, atol=1e-13)
        np.testing.assert_array_equal(few.row, many.row)
        if view.looks_at_longest_first and hidden is None:  # other groups, and not all of them
            seen = many.scores > -np.inf
            scores = np.einsum("bd,bgd->bg", U, view.scaled_rows[many.winners])
            np.testing.assert_allclose(many.scores[seen], scores[seen], rtol=1e-13, atol=1e-13)
            continue
        np.testing.assert_array_equal(few.winners, many.winners)
        if whole:
            np.testing.assert_array_equal(few.scores, many.scores)


def clouds_of_many_rows():
    """Standard normal, far from the origin, on a sphere (no row is shorter), whole numbers."""
    rng = np.random.default_rng(0)
    normal = rng.normal(size=(20_000, 6))
    yield normal
    yield normal + 40
    yield normal / np.linalg.norm(normal, axis=1)[:, None]
    yield np.round(normal * 2)


@pytest.mark.parametrize("X", [*clouds_of_many_rows()], ids=["normal", "far", "sphere", "whole"])
def test_a_pass_by_length_sees_the_best_row(X):
    view = hw.Cloud(X).view(identity_frame(6))
    assert view.looks_at_longest_first
    U = np.random.default_rng(1).normal(size=(300, 6))
    U[::7] = np.round(U[::7])
    priced = pricing.price(view, U)
    S = U @ X.T
    np.testing.assert_allclose(priced.best, S.max(axis=1), rtol=1e-13)
    exact = np.arange(0, 300, 7) if (np.round(X) == X).all() else np.arange(300)
    np.testing.assert_array_equal(priced.row[exact], S.argmax(axis=1)[exact])


@pytest.mark.parametrize("X", [*clouds_of_many_rows()], ids=["normal", "far", "sphere", "whole"])
def test_many_rows_are_located_as_by_passes_over_all_of_them(X, monkeypatch):
    Q = X[:200] * 1.1
    new = hw.locate(X, Q, reference=0)
    monkeypatch.setattr(ScaledView, "looks_at_longest_first", False)
    old = hw.locate(X, Q, reference=0)
    np.testing.assert_array_equal(new.verdict, old.verdict)
    np.testing.assert_array_equal(new.nearest_rows, old.nearest_rows)
    np.testing.assert_allclose(new.upper, old.upper, rtol=1e-6, atol=1e-12)
    assert new.verify(X).all()


@pytest.mark.parametrize("h", [0.0, 1.0, -0.5])
def test_best_rows_of_a_few_directions_are_those_of_many(h):
    rng = np.random.default_rng(0)
    view = hw.Cloud(np.round(rng.normal(size=(3000, 3)) * 2)).view(identity_frame(3))
    U = np.round(rng.normal(size=(7, 3)) * 2)
    few = pricing.top_rows(view, U, h, 12)
    with mock.patch.object(pricing, "suits_kernel", return_value=False):
        many = pricing.top_rows(view, U, h, 12)
    np.testing.assert_array_equal(few[0], many[0])
    np.testing.assert_array_equal(few[1], many[1])


def test_one_query_is_located_as_among_many():
    rng = np.random.default_rng(1)
    X, Q = rng.normal(size=(700, 6)), rng.normal(size=(40, 6)) * 1.3
    cloud = hw.Cloud(X)
    many = hw.locate(cloud, Q, reference=50)
    for b in range(len(Q)):
        one = hw.locate(cloud, Q[b : b + 1], reference=50)
        assert (one.verdict[0], one.band[0]) == (many.verdict[b], many.band[b])
        assert one.upper[0] == pytest.approx(many.upper[b], rel=2e-6, abs=1e-12)
        np.testing.assert_array_equal(one.nearest_rows[0], many.nearest_rows[b])
        assert one.verify(X).all()


@pytest.mark.parametrize(("d", "seed"), [(8, 8), (16, 9), (24, 2)])
def test_membership_among_many_rows_leaves_nothing_open(d, seed):
    """The way from the centre says nothing of the support that the longest rows have given."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(6, d))
    X = np.maximum(rng.normal(size=(20_000, 6)) @ factors + 0.3 * rng.normal(size=(20_000, d)), 0)
    Q = np.maximum(rng.normal(size=(200, 6)) @ factors, 0)
    Q[:100] = np.maximum(0.9 * X[:100] + 0.05 * rng.normal(size=(100, d)), 0)
    location = hw.locate(X, Q, membership_only=True)
    assert (location.verdict != 0).all()
    assert location.verify(X).all()
