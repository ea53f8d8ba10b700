"""Faults that a careful reader found once: each stays found."""

from __future__ import annotations

import os
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.spatial import cKDTree
from threadpoolctl import threadpool_info

import hullwise as hw
from hullwise._core.threads import single_threaded_blas
from hullwise.geometry import _certificates, scaled_view

quiet = pytest.mark.filterwarnings("ignore::hullwise.DataWarning")


def exact_functional(L, v):
    """M v with M = L' L, over the rationals."""
    rows = [[Fraction(float(a)) for a in row] for row in L]
    image = [sum(a * Fraction(float(b)) for a, b in zip(row, v)) for row in rows]
    return [sum(row[j] * y for row, y in zip(rows, image)) for j in range(len(v))]


def test_a_claim_that_rests_on_cancelling_terms_of_the_metric_is_refused():
    """M v vanishes in one feature up to rounding, and a row reaches very far along just that."""
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(40):
        A = rng.normal(size=(4, 4))
        corner = np.vstack([np.zeros(4), np.eye(4)])
        location = hw.locate(corner, [[2.0, 2, 2, 2]], metric=A.T @ A, reference=0, n_neighbors=1)
        L = location.metric.factor
        w = rng.normal(size=4)
        w[3] = 0
        v = np.linalg.solve(L.T @ L, w)
        v /= np.linalg.norm(L @ v)
        computed, exact = (v @ L.T) @ L, exact_functional(L, v)
        error = float(exact[3] - Fraction(float(computed[3])))
        if not error:
            continue
        big = 1e12 * np.sign(error)
        j = int(np.abs(w).argmax())
        lead = error * big
        X = np.zeros((3, 4))
        X[1, 3] = big
        X[2, j] = (computed[3] * big + lead / 2) / computed[j]
        q = np.zeros((1, 4))
        q[0, j] = (computed[3] * big + 0.75 * lead) / computed[j]
        ahead = float(sum(f * Fraction(float(a)) for f, a in zip(exact, X[1] - q[0])))
        if ahead <= 0:
            continue
        forged = replace(
            location,
            queries=q,
            hull=replace(
                location.hull,
                direction=v[None],
                lower=np.array([lead / 8]),
                upper=np.array([np.inf]),
                weights=csr_array((1, 3)),
            ),
            training=replace(location.training, n=3),
        )
        assert not forged.verify(X).any()
        assert not forged.verify(X, exact=True).any()
        refused += 1
    assert refused > 3


def test_a_subnormal_float32_column_does_not_spoil_the_float32_pass(monkeypatch):
    monkeypatch.setattr(scaled_view, "MAX_NUMBERS_IN_MEMORY", 0)
    X = np.random.default_rng(0).normal(size=(400, 3)).astype(np.float32)
    X[:, 0] *= np.float32(1e-30)
    X[:, 0] *= np.float32(1e-10)
    Q = np.vstack([X[:3] * np.float32(0.5), X[:3] * np.float32(9)])
    for membership_only in (False, True):
        found = hw.locate(X, Q, metric=None, reference=0, membership_only=membership_only)
        assert list(found.verdict) == [1, 1, 1, -1, -1, -1]
        assert found.verify(X, exact=True).all()


@quiet
@pytest.mark.parametrize("metric", [None, "std", "range"])
@pytest.mark.parametrize("columns", [[0], [0, 1, 2]])
def test_columns_of_1e_310_in_every_metric(metric, columns):
    X = np.random.default_rng(0).normal(size=(200, 3))
    X[:, columns] *= 1e-310
    found = hw.locate(X, np.vstack([X[:5] * 0.25, X[:5] * 16]), metric=metric, reference=0)
    assert (found.verdict[:5] == 1).all()
    assert (found.verdict[5:] == -1).all()
    assert found.verify(X, exact=True).all()


@pytest.mark.parametrize("spread", [1e-8, 1e-10, 1e-12])
def test_neighbours_in_a_tight_cluster_far_from_the_centre(spread):
    rng = np.random.default_rng(1)
    X = np.vstack([rng.normal(size=(50, 3)), 2.0 + spread * rng.normal(size=(400, 3))])
    found = hw.NeighbourLocator(metric=None, n_neighbors=5, reference=10).fit(X).neighbours(X[50:])
    expected, _ = cKDTree(X).query(X[50:], k=5)
    assert (found.rows[:, 0] == np.arange(50, 450)).all()
    np.testing.assert_allclose(found.distances, expected, rtol=1e-6, atol=1e-18)


def test_every_training_row_of_a_dense_cluster_on_a_facet_is_inside():
    rng = np.random.default_rng(2)
    facet = np.full(4, 0.25) + 1e-15 * rng.normal(size=(500, 4))
    X = np.vstack([np.zeros(4), np.eye(4), facet])
    found = hw.locate(X, X[5:105], metric=None, reference=0)
    assert (found.verdict == 1).all()
    assert found.verify(X, exact=True).all()


@pytest.mark.parametrize("d", [3, 5, 10])
def test_queries_on_segments_through_the_middle_are_mostly_proven_inside(d):
    A = np.random.default_rng(d).normal(size=(15 * d, d))
    X, Q = np.vstack([A, -A]), A / 3
    found = hw.locate(X, Q, metric=None, reference=0)
    assert (found.lower == 0).all()
    assert (found.verdict == 1).mean() > 0.9
    assert found.verify(X, exact=True).all()


def test_one_singular_simplex_does_not_spoil_its_block(monkeypatch):
    A = np.random.default_rng(0).normal(size=(5, 3, 3))
    A[2] = 0.0
    inverse = _certificates._inverses(A)
    assert np.isnan(inverse[2]).all()
    for i in (0, 1, 3, 4):
        np.testing.assert_allclose(inverse[i] @ A[i], np.eye(3), atol=1e-9)


def test_numbers_whose_differences_overflow_are_refused_by_name():
    with pytest.raises(hw.DataError, match=r"X holds values up to 1.7e\+308"):
        hw.locate([[-1.7e308], [-1.6e308]], [[0.0]], metric=None)
    with pytest.raises(hw.DataError, match="Q holds values beyond"):
        hw.locate([[-1.0], [1.0]], [[1.7e308]], metric=None)


@quiet
def test_tiny_weights_of_a_metric_and_float32_queries():
    X = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    found = hw.locate(X, X * 3, metric=[1e-90, 1e-90], membership_only=True)
    assert found.verify(X).all()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_child_forked_inside_a_pass_has_its_threads_back():
    def threads():
        return max(i["num_threads"] for i in threadpool_info() if i["user_api"] == "blas")

    before = threads()
    with single_threaded_blas():
        child = os.fork()
        if child == 0:
            code = 1
            try:
                with single_threaded_blas():
                    inside = threads()
                code = 0 if inside == 1 and threads() == before else 2
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert threads() == before


def test_a_reference_goes_with_its_metric():
    X = np.random.default_rng(0).normal(size=(60, 2))
    locator = hw.HullLocator(metric=None, reference=20).fit(X)
    with pytest.raises(hw.DataError, match="measured with n_neighbors=5"):
        hw.locate(X, X[:2], metric="std", reference=locator.reference_)
    again = hw.locate(X, X[:2], metric=None, reference=locator.reference_)
    assert len(again.reference) == 20


def test_verify_refuses_columns_in_another_order():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 2)), columns=["a", "b"])
    found = hw.locate(frame, frame[:3] * 2, metric=None)
    assert found.verify(frame).all()
    with pytest.raises(hw.DataError, match="another order"):
        found.verify(frame[["b", "a"]])


def test_a_budget_holds_while_thin_faces_are_looked_at(monkeypatch):
    asked = []
    monkeypatch.setattr(
        _certificates, "interior_simplices", lambda *a: asked.append(a) or pytest.fail("too late")
    )
    X = np.random.default_rng(0).normal(size=(200, 6))
    Q = 0.3 * X[:20] + 0.7 * X[20:40]
    found = hw.locate(X, Q, metric=None, reference=0, max_seconds=0.0)
    assert not asked
    assert found.verify(X).all()


def test_equal_rows_keep_their_order_across_blocks():
    row = np.random.default_rng(0).normal(size=7)
    X = np.tile(row, (1029, 1))
    G = np.random.default_rng(1).normal(size=(20, 7))
    cloud = hw.Cloud(X)
    assert (cloud.support(G, k=5).rows == np.arange(5)).all()


def test_a_named_metric_keeps_its_view():
    cloud = hw.Cloud(np.random.default_rng(0).normal(size=(50, 3)))
    for name in (None, "std", "range"):
        assert cloud.view_in(cloud.metric(name)) is cloud.view_in(cloud.metric(name))


def test_what_another_thread_has_pushed_out_meanwhile_is_still_returned():
    class Forgetful(dict):
        def __setitem__(self, name, value):
            """As if another thread had evicted it at once."""

    cloud = hw.Cloud(np.arange(3.0)[:, None])
    cloud._cache.values = Forgetful()
    assert cloud.cached("view", lambda: "made") == "made"
