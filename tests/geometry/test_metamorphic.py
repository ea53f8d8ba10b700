"""What must not change when the data is turned, moved, repeated, split or read differently."""

from __future__ import annotations

import numpy as np
import pytest

import hullwise as hw
from hullwise.geometry import _score_blocks, cloud, hull_projection, pricing, scaled_view

N, D, M = 150, 4, 60


@pytest.fixture(scope="module")
def table():
    """Rows and queries, many of them inside; dyadic, so that what follows is exact."""
    rng = np.random.default_rng(7)
    X = np.round(rng.normal(size=(N, D)) * 256) / 256
    mixtures = (X[rng.integers(0, N, (M // 2, 8))]).mean(axis=1)
    Q = np.vstack([mixtures, np.round(rng.normal(size=(M - M // 2, D)) * 384) / 256])
    return X, Q


@pytest.fixture(scope="module")
def answer(table):
    X, Q = table
    location = hw.locate(X, Q, metric=None, reference=N)
    assert {-1, 1} == set(location.verdict.tolist())
    assert len(set(location.band)) >= 3
    assert location.verify(X, exact=True).all()
    return location


def assert_same(found, answer, *, slack=0.0, bands=True, unit=1.0):
    """Equal verdicts; brackets of one number must overlap, up to what the transformation rounds."""
    np.testing.assert_array_equal(found.verdict, answer.verdict)
    assert (found.lower <= answer.upper + slack).all()
    assert (answer.lower <= found.upper + slack).all()
    outside = found.verdict == -1
    assert (found.upper - found.lower <= 1e-6 * found.upper)[outside].all()
    assert (found.upper <= 1e-11 * unit)[found.verdict == 1].all()
    if bands:
        np.testing.assert_array_equal(found.band, answer.band)
        np.testing.assert_allclose(found.hull_percentile, answer.hull_percentile, atol=1e-9)
        np.testing.assert_allclose(found.neighbour_percentile, answer.neighbour_percentile)


ROWS = np.random.default_rng(1).permutation(N)
COLUMNS = [2, 0, 3, 1]
TURN = np.linalg.qr(np.random.default_rng(2).normal(size=(D, D)))[0]
SHIFT = np.array([1024.0, -512.0, 0.5, 65536.0])
EXACT = {
    "rows-permuted": lambda X, Q: (X[ROWS], Q),
    "rows-reversed": lambda X, Q: (X[::-1], Q),
    "columns-permuted": lambda X, Q: (X[:, COLUMNS], Q[:, COLUMNS]),
    "mirrored": lambda X, Q: (-X, -Q),
    "translated": lambda X, Q: (X + SHIFT, Q + SHIFT),
    "float32": lambda X, Q: (X.astype(np.float32), Q),
    "queries-float32": lambda X, Q: (X, Q.astype(np.float32)),
}


@pytest.mark.parametrize("change", EXACT.values(), ids=EXACT.keys())
def test_exact_changes(table, answer, change):
    X, Q = change(*table)
    found = hw.locate(X, Q, metric=None, reference=N)
    assert_same(found, answer)
    assert found.verify(X, exact=True).all()


def test_rotated(table, answer):
    X, Q = table
    found = hw.locate(X @ TURN, Q @ TURN, metric=None, reference=N)
    assert_same(found, answer, slack=1e-13)
    np.testing.assert_allclose(found.residual, answer.residual @ TURN, atol=1e-5)
    np.testing.assert_allclose(found.nearest, answer.nearest @ TURN, atol=1e-5)


@pytest.mark.parametrize("power", [-900, -30, 1, 40, 900])
def test_scaled_by_a_power_of_two(table, answer, power):
    """The very same steps in another unit: equal to the last bit."""
    X, Q = (np.ldexp(A, power) for A in table)
    found = hw.locate(X, Q, metric=None, reference=N)
    assert_same(found, answer, slack=np.inf, unit=2.0**power)
    np.testing.assert_allclose(np.ldexp(found.upper, -power), answer.upper, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(np.ldexp(found.lower, -power), answer.lower, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(found.nearest_rows, answer.nearest_rows)
    np.testing.assert_allclose(
        np.ldexp(found.neighbour_distance, -power), answer.neighbour_distance, rtol=1e-12
    )
    assert found.verify(X, exact=True).all()


def test_duplicated_rows_change_no_hull(table, answer):
    X, Q = table
    found = hw.locate(np.vstack([X, X[:40], X]), Q, metric=None, reference=0)
    assert_same(found, answer, bands=False)


def test_an_inside_row_changes_no_hull(table, answer):
    X, Q = table
    inside = Q[answer.verdict == 1]
    found = hw.locate(np.vstack([inside, X]), Q, metric=None, reference=0)
    assert_same(found, answer, bands=False)


def test_rows_the_proofs_do_not_use_may_go(table, answer):
    """The hull of the support alone must answer as the hull of everything did."""
    X, Q = table
    for b in np.flatnonzero(answer.verdict == 1)[:10]:
        rows = answer.weights[[b]].indices
        found = hw.locate(X[rows], Q[[b]], membership_only=True)
        assert found.verdict[0] == 1


def test_affine_maps_keep_verdicts(table, answer):
    """Inside and outside need no metric: any unimodular map, exact here, keeps them."""
    shear = np.array([[1, 3, 0, 2], [0, 1, 5, 1], [0, 0, 1, 4], [0, 0, 0, 1.0]])
    units = 2.0 ** np.array([-20, 3, 0, 30])
    X, Q = ((A @ shear) * units for A in table)
    for membership_only in (False, True):
        found = hw.locate(X, Q, metric=None, reference=0, membership_only=membership_only)
        np.testing.assert_array_equal(found.verdict, answer.verdict)
        assert found.verify(X, exact=True).all()


@pytest.mark.parametrize("take", [1, 7])
def test_one_query_alone_or_in_a_batch(table, answer, take):
    X, Q = table
    for start in range(0, 28, take):
        at = slice(start, start + take)
        found = hw.locate(X, Q[at], metric=None, reference=N)
        np.testing.assert_array_equal(found.verdict, answer.verdict[at])
        np.testing.assert_array_equal(found.band, answer.band[at])
        assert (np.maximum(found.lower, answer.lower[at]) <= found.upper).all()
        np.testing.assert_allclose(found.upper, answer.upper[at], rtol=2e-6, atol=1e-12)


def test_membership_alone_agrees(table, answer):
    X, Q = table
    found = hw.locate(X, Q, metric=None, membership_only=True)
    np.testing.assert_array_equal(found.verdict, answer.verdict)
    assert (found.lower <= answer.upper).all()
    assert (answer.lower <= found.upper).all()
    assert found.verify(X, exact=True).all()


# ---- how the rows are read ----------------------------------------------------------------


@pytest.fixture(params=[(1024, 32, 512), (8, 4, 5), (64, 3, 512), (3, 2, 1)], ids=str)
def streamed(request, monkeypatch):
    """No cloud is small: rows come in blocks, and float32 prices them first."""
    block, groups, chunk = request.param
    monkeypatch.setattr(scaled_view, "MAX_NUMBERS_IN_MEMORY", 0)
    for module in (pricing, _score_blocks):
        monkeypatch.setattr(module, "BLOCK_ROWS", block)
    monkeypatch.setattr(pricing, "N_PROPOSALS", groups)
    monkeypatch.setattr(_score_blocks, "BLOCK_DIRECTIONS", chunk)
    monkeypatch.setattr(cloud, "BLOCK_ROWS", max(block // 4, 1))


STORED = {
    "float64": lambda X: X,
    "float32": lambda X: X.astype(np.float32),
    "fortran": np.asfortranarray,
    "strided": lambda X: np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3],
}


@pytest.mark.parametrize("stored", STORED.values(), ids=STORED.keys())
def test_blocks_and_float32_pricing(table, answer, streamed, stored):
    X, Q = table
    found = hw.locate(stored(X), Q, metric=None, reference=N)
    assert_same(found, answer)
    np.testing.assert_array_equal(found.nearest_rows, answer.nearest_rows)
    assert found.verify(X, exact=True).all()


def test_integers_in_blocks(streamed):
    rng = np.random.default_rng(3)
    X = rng.integers(0, 256, (90, 6)).astype(np.uint8)
    Q = np.vstack([X[:8] + 0.5, (X[:40].astype(float) + X[40:80]) / 2, X[:4], X[:4] - 300.0])
    found = hw.locate(X, Q, metric=None, reference=30)
    whole = hw.locate(X.astype(float), Q, metric=None, reference=30)
    assert_same(found, whole, unit=256)
    assert found.verify(X, exact=True).all()


@pytest.mark.parametrize("count", [1, 3])
def test_number_of_threads(table, answer, monkeypatch, count):
    X, Q = table
    for module in (pricing, _score_blocks, hull_projection):
        monkeypatch.setattr(module, "cpu_count", lambda: count)
    for keep in (scaled_view.MAX_NUMBERS_IN_MEMORY, 0):
        monkeypatch.setattr(scaled_view, "MAX_NUMBERS_IN_MEMORY", keep)
        assert_same(hw.locate(X, Q, metric=None, reference=N), answer)


def test_queries_in_several_batches(table, answer, monkeypatch):
    """More queries than fit in one batch, in any of the loops over batches."""
    X, Q = table
    many = np.tile(Q, (80, 1))
    found = hw.locate(X, many, membership_only=True)
    np.testing.assert_array_equal(found.verdict, np.tile(answer.verdict, 80))
    assert found.weights.shape == (len(many), N)
    assert found.verify(X).all()


# ---- metrics ------------------------------------------------------------------------------


def factors():
    rng = np.random.default_rng(4)
    full = rng.normal(size=(D, D))
    yield "diagonal", np.diag([4.0, 0.25, 1.0, 9.0]), np.array([16.0, 0.0625, 1.0, 81.0])
    yield "diagonal-with-zero", np.diag([2.0, 0.0, 1.0, 3.0]), np.array([4.0, 0.0, 1.0, 9.0])
    yield "matrix", full, full.T @ full
    yield "singular-matrix", full[:2], full[:2].T @ full[:2]
    yield "ill-conditioned", full * [1e-3, 1, 1, 1e3], None


@pytest.mark.parametrize(("L", "metric"), [pytest.param(*f[1:], id=f[0]) for f in factors()])
def test_metric_is_euclid_after_a_map(table, L, metric):
    X, Q = table
    metric = L.T @ L if metric is None else metric
    found = hw.locate(X, Q, metric=metric, reference=30, n_neighbors=3)
    kept = L[L.any(axis=1)]
    plain = hw.locate(X @ kept.T, Q @ kept.T, metric=None, reference=30, n_neighbors=3)
    size = np.abs(X @ L.T).max()
    np.testing.assert_allclose(found.upper, plain.upper, rtol=3e-6, atol=1e-9 * size)
    np.testing.assert_allclose(found.lower, plain.lower, rtol=3e-6, atol=1e-9 * size)
    np.testing.assert_allclose(found.reference, plain.reference, rtol=3e-6, atol=1e-9 * size)
    np.testing.assert_allclose(found.neighbour_distance, plain.neighbour_distance, rtol=1e-6)
    np.testing.assert_array_equal(found.nearest_rows, plain.nearest_rows)
    if not np.linalg.matrix_rank(L) < D:
        np.testing.assert_array_equal(
            found.verdict, hw.locate(X, Q, metric=None, reference=0).verdict
        )
    length = np.sqrt(np.einsum("bi,bi->b", found.direction @ L.T, found.direction @ L.T))
    np.testing.assert_allclose(length[found.verdict == -1], 1.0, rtol=1e-7)
    assert found.verify(X, exact=True).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("seen", [1, D])
def test_a_metric_on_rows_that_are_not_kept(table, monkeypatch, dtype, seen):
    """Passes take the directions through the matrix, not the rows: the same answers."""
    X, Q = table[0].astype(dtype), table[1]
    L = np.random.default_rng(4).normal(size=(seen, D))
    kept = hw.locate(X, Q, metric=L.T @ L, reference=N)
    monkeypatch.setattr(scaled_view, "MAX_NUMBERS_IN_MEMORY", 0)
    for at in (slice(None), slice(0, 1), slice(40, 41)):
        found = hw.locate(X, Q[at], metric=L.T @ L, reference=N)
        assert found.verify(X, exact=True).all()
        np.testing.assert_array_equal(found.verdict, kept.verdict[at])
        np.testing.assert_array_equal(found.nearest_rows, kept.nearest_rows[at])
        np.testing.assert_allclose(found.upper, kept.upper[at], rtol=1e-6, atol=1e-11)


@pytest.mark.parametrize("name", ["std", "range"])
def test_named_metrics(table, name):
    X, Q = table
    X, Q = X * [1.0, 1e-6, 1e5, 3.0], Q * [1.0, 1e-6, 1e5, 3.0]
    unit = X.std(axis=0) if name == "std" else np.ptp(X, axis=0)
    found = hw.locate(X, Q, metric=name, reference=0)
    plain = hw.locate(X / unit, Q / unit, metric=None, reference=0)
    np.testing.assert_array_equal(found.verdict, plain.verdict)
    np.testing.assert_allclose(found.upper, plain.upper, rtol=3e-6, atol=1e-11)
    assert found.verify(X, exact=True).all()
    assert {"std": "standard deviation", "range": "range"}[name] in found.metric_text


def test_a_constant_feature_keeps_its_units_under_std():
    X = np.array([[0.0, 5.0], [4.0, 5.0]])
    with pytest.warns(hw.DataWarning, match="flat"):
        found = hw.locate(X, [[2.0, 7.0]], metric="std", reference=0)
    assert found.upper[0] == pytest.approx(2.0)
