"""Kernels of the projection: what their workspace held before, and how often each is compiled."""

from __future__ import annotations

import numpy as np
import pytest

import hullwise as hw
from hullwise.geometry import _score_blocks, wolfe


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


def test_each_kernel_of_locate_is_compiled_for_one_signature():
    """A second one would double the seconds that the first call on a machine takes."""
    rng = np.random.default_rng(0)
    for n, d, m in ((30, 3, 40), (30, 3, 1), (12, 8, 3), (2000, 2, 70)):
        X, Q = rng.normal(size=(n, d)), rng.normal(size=(m, d))
        for rows in (X, X.astype(np.float32), np.asfortranarray(X)):
            hw.locate(rows, Q, reference=5)
            hw.Cloud(rows).support(Q, h=1.0, k=2)
    for module in (wolfe, _score_blocks):
        for name, kernel in vars(module).items():
            if hasattr(kernel, "signatures"):
                assert len(kernel.signatures) <= 1, (name, kernel.signatures)
