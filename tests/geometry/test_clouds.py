"""Every kind of cloud gives the same answers: where the rows lie is not seen by the solvers."""

from __future__ import annotations

import numpy as np
import pytest

import hullwise as hw
from clouds import Parts
from hullwise.errors import DataError, DataTypeError
from hullwise.geometry import hull_projection, scaled_view
from hullwise.geometry.pricing import price, rows_above, top_rows


def whole_numbers(seed=0, n=3000, d=5):
    rng = np.random.default_rng(seed)
    X = rng.integers(-4, 5, size=(n, d)).astype(np.float64)
    inside, edge, out = rng.integers(-2, 3, (20, d)), X[:20], rng.integers(-6, 7, (40, d))
    return X, np.concatenate([inside, edge, out]).astype(np.float64)


def in_torch(X, **options):
    torch = pytest.importorskip("torch")
    return hw.TorchRows(torch.tensor(X), **options)


KINDS = {
    "three parts": lambda X: Parts(X, [1, 350]),
    "many parts": lambda X: Parts(X, list(range(97, len(X), 97))),
    "torch": in_torch,
    "torch, bfloat16 first": lambda X: in_torch(X, propose="bfloat16"),
    "torch, float32": lambda X: in_torch(X.astype(np.float32)),
    "torch, int16": lambda X: in_torch(X.astype(np.int16)),
}


@pytest.fixture(autouse=True)
def large(monkeypatch):
    """Every cloud counts as one too large to keep."""
    monkeypatch.setattr(scaled_view, "MAX_NUMBERS_IN_MEMORY", 0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("metric", [None, "std", "matrix"])
def test_verdicts_of_whole_numbers_are_equal(kind, metric):
    X, Q = whole_numbers()
    A = np.random.default_rng(1).integers(-2, 3, (5, 5)).astype(float)
    M = A @ A.T + np.eye(5) if metric == "matrix" else metric
    there = hw.locate(X, Q, metric=M, reference=50)
    here = hw.locate(hw.Cloud(KINDS[kind](X)), Q, metric=M, reference=50)
    np.testing.assert_array_equal(here.verdict, there.verdict)
    np.testing.assert_array_equal(here.band, there.band)
    np.testing.assert_array_equal(here.nearest_rows, there.nearest_rows)
    np.testing.assert_allclose(here.upper, there.upper, rtol=1e-6, atol=1e-12)
    assert here.verify(X, exact=True).all()
    assert {-1, 1} <= set(here.verdict.tolist())


@pytest.mark.parametrize("cuts", [[1], [64, 65], [1000, 2000], list(range(97, 3000, 97))])
def test_every_bit_is_the_same_however_rows_are_parted(cuts):
    rng = np.random.default_rng(2)
    X, Q = rng.normal(size=(3000, 6)), 1.5 * rng.normal(size=(50, 6))
    there, here = (
        hw.locate(X, Q, metric=None, reference=40),
        hw.locate(hw.Cloud(Parts(X, cuts)), Q, metric=None, reference=40),
    )
    for name in ("verdict", "lower", "upper", "direction", "nearest", "nearest_rows", "band"):
        np.testing.assert_array_equal(getattr(here, name), getattr(there, name), err_msg=name)
    np.testing.assert_array_equal(here.weights.toarray(), there.weights.toarray())
    np.testing.assert_allclose(here.mahalanobis, there.mahalanobis, rtol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_each_pass_by_itself_with_ties(kind):
    X, _ = whole_numbers(3, n=500, d=3)  # 9^3 places: most scores are shared by several rows
    whole, parted = hw.Cloud(X), hw.Cloud(KINDS[kind](X))
    views = [cloud.view_in(cloud.metric(None)) for cloud in (whole, parted)]
    U = np.concatenate([np.eye(3), -np.eye(3), [[1.0, 1.0, 0.0]]])
    for k in (1, 7):
        one, other = (top_rows(view, U, 0.25, k) for view in views)
        np.testing.assert_array_equal(one[1], other[1])
        np.testing.assert_allclose(one[0], other[0], rtol=1e-12, atol=1e-12)
    exclude = np.array([0, 5, 17, 30, 44, 120, 499])
    one, other = (price(view, U, exclude) for view in views)
    np.testing.assert_array_equal(one.row, other.row)
    np.testing.assert_array_equal(one.winners, other.winners)
    level = top_rows(views[0], U, 0.0, 40)[0][:, -1]
    above = [rows_above(view, U, level - 1e-9) for view in views]
    for a, b in zip(*above):
        np.testing.assert_array_equal(a, b)


def test_parts_are_asked_and_blocks_are_not():
    X, Q = whole_numbers()
    parts = Parts(X, [1500])
    cloud = hw.Cloud(parts)

    def refused(start, stop):
        raise AssertionError("rows were fetched instead of asked")

    parts.block = refused
    before = parts.asked
    hw.locate(cloud, Q, metric=None, reference=20)
    assert parts.asked > before


def test_a_bad_value_in_a_later_part_is_named_by_its_row():
    X, _ = whole_numbers()
    X[2222, 3] = np.nan
    with pytest.raises(DataError, match=r"2222"):
        hw.Cloud(Parts(X, [1000, 2000]))


def test_coarse_proposals_settle_what_they_can_prove():
    torch = pytest.importorskip("torch")
    X = np.random.default_rng(4).normal(size=(2000, 8))
    coarse = hw.TorchRows(torch.tensor(X), propose="bfloat16")
    view = hw.Cloud(coarse).view_in(hw.Cloud(X).metric(None))
    U = view.float32_directions(np.random.default_rng(5).normal(size=(200, 8)))
    exact = (U @ view.frame.map(X).T).max(axis=1)
    found = price(view, U, single=True)
    error = view.rounding_bound(U, True)
    assert (np.abs(found.best - exact) <= error).all()
    assert np.abs(found.best - exact).max() > 1e-4  # it is coarse indeed


def test_products_are_as_precise_as_their_type_whatever_a_program_allows():
    torch = pytest.importorskip("torch")
    matmul, seen = torch.backends.cuda.matmul, []

    class Watched(hw.TorchRows):
        @property
        def propose(self):
            reduced = matmul.allow_bf16_reduced_precision_reduction
            seen.append((torch.get_float32_matmul_precision(), reduced))
            return "float32"

        @propose.setter
        def propose(self, value):
            pass

    X, Q = whole_numbers()
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        found = hw.locate(hw.Cloud(Watched(torch.tensor(X))), Q, membership_only=True)
        assert torch.get_float32_matmul_precision() == "medium"  # it is the program's again
    finally:
        torch.set_float32_matmul_precision(before)
    assert set(seen) == {("highest", False)}
    assert found.verify(X, exact=True).all()


def test_tensors_are_rows_of_a_cloud():
    torch = pytest.importorskip("torch")
    X, Q = whole_numbers(n=200)
    kept = torch.tensor(X, requires_grad=True)
    cloud = hw.Cloud(kept)
    assert repr(cloud.rows) == "TorchRows(200 x 5 float64 on cpu)"
    with torch.no_grad():
        kept += 100  # the cloud holds a copy
    np.testing.assert_array_equal(
        hw.locate(cloud, Q, metric=None).verdict, hw.locate(X, Q, metric=None).verdict
    )
    brain = hw.Cloud(torch.tensor(X, dtype=torch.bfloat16))  # whole numbers: exact
    np.testing.assert_array_equal(
        hw.locate(brain, Q, metric=None).verdict, hw.locate(X, Q, metric=None).verdict
    )


def test_what_is_no_tensor_of_rows_is_refused():
    torch = pytest.importorskip("torch")
    with pytest.raises(DataTypeError, match="complex64"):
        hw.TorchRows(torch.ones(2, 2, dtype=torch.complex64))
    with pytest.raises(DataError, match="2D"):
        hw.TorchRows(torch.ones(3))
    with pytest.raises(DataError, match="propose"):
        hw.TorchRows(torch.ones(2, 2), propose="int4")
    with pytest.raises(DataTypeError, match="expected a torch tensor"):
        hw.TorchRows(np.ones((2, 2)))
    with pytest.raises(DataError, match="row 1"):
        hw.Cloud(torch.tensor([[1.0], [float("nan")]]))


@pytest.mark.parametrize("membership_only", [False, True])
@pytest.mark.parametrize("whole", [True, False])
def test_a_sample_searched_first_changes_no_verdict(monkeypatch, membership_only, whole):
    X, Q = whole_numbers(6)
    if not whole:
        X, Q = X + np.random.default_rng(7).normal(size=X.shape), 0.8 * Q
    options = {"metric": None, "membership_only": membership_only, "reference": 60}
    plain = hw.locate(X, Q, **options)
    monkeypatch.setattr(hull_projection, "SAMPLE_FIRST_NUMBERS", 0)
    monkeypatch.setattr(hull_projection, "SAMPLE_ROWS", 320)
    found = hw.locate(X, Q, **options)
    np.testing.assert_array_equal(found.verdict, plain.verdict)
    assert found.verify(X, exact=True).all()
    parted = hw.locate(hw.Cloud(Parts(X, [7, 1234])), Q, **options)
    np.testing.assert_array_equal(parted.lower, found.lower)
    np.testing.assert_array_equal(parted.upper, found.upper)
    if not membership_only:
        np.testing.assert_allclose(found.upper, plain.upper, rtol=1e-6, atol=1e-12)
        np.testing.assert_allclose(found.reference, plain.reference, rtol=1e-5, atol=1e-12)


def test_what_the_sample_holds_needs_no_pass(monkeypatch):
    X = np.random.default_rng(8).normal(size=(3000, 4))
    monkeypatch.setattr(hull_projection, "SAMPLE_FIRST_NUMBERS", 0)
    monkeypatch.setattr(hull_projection, "SAMPLE_ROWS", 512)
    view, part_only = hw.Cloud(X).columnwise_view, price

    def counted(which, *rest, **options):
        assert which.n == 512, "a pass over all rows was made"
        return part_only(which, *rest, **options)

    monkeypatch.setattr(hull_projection, "price", counted)
    found = hull_projection.project(view, view.frame.map(0.2 * X[:30]), membership=True)
    assert (found.termination == hull_projection.Termination.TOUCHING).all()
