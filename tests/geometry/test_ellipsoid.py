"""The smallest enclosing ellipsoid: closed forms, certificates, degenerate rows, tampering."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from hullwise.errors import DataError
from hullwise.geometry import _ellipsoid_kernels as kernels
from hullwise.geometry.cloud import Cloud
from hullwise.geometry.ellipsoid import Ellipsoid, EllipsoidStatus, smallest_ellipsoid


def proof(E: Ellipsoid, X) -> None:
    """Containment and gap by plain linear algebra, for well-scaled rows of full rank."""
    X = np.asarray(X, dtype=float)
    d = X.shape[1]
    D = X - E.centre
    assert np.einsum("ij,jk,ik->i", D, E.shape, D).max() <= 1 + 1e-9
    u = np.zeros(len(X))
    u[E.support] = E.weights
    assert (E.weights > 0).all()
    assert u.sum() == pytest.approx(1, abs=1e-12)
    lifted = np.c_[X, np.ones(len(X))]
    moments = lifted.T @ (u[:, None] * lifted)
    kappa = np.einsum("ij,ji->i", lifted, np.linalg.solve(moments, lifted.T))
    assert kappa.max() / (d + 1) - 1 <= E.gap + 1e-9
    # any weights bound the volume from below: det(S) d^d <= det(S*) d^d = det(H*)^-1
    S = (X - u @ X).T @ (u[:, None] * (X - u @ X))
    excess = -0.5 * np.linalg.slogdet(E.shape)[1] - 0.5 * (np.linalg.slogdet(S)[1] + d * np.log(d))
    assert -1e-9 <= excess <= E.log_volume_gap + 1e-9
    assert E.log_volume_gap <= (d + 1) * E.gap / 2 + 1e-12


def accept(E: Ellipsoid, X, tolerance: float = 1e-6) -> None:
    assert E.status is EllipsoidStatus.OPTIMAL
    assert E.gap <= tolerance
    assert E.contains(X).all()
    assert E.verify(X)


def grid(*sides):
    return np.stack(np.meshgrid(*[np.asarray(s, float) for s in sides]), -1).reshape(-1, len(sides))


@pytest.fixture
def rng():
    return np.random.default_rng(7)


# --- closed forms -----------------------------------------------------------------------------


@pytest.mark.parametrize("d", [1, 2, 5, 30])
def test_simplex_has_equal_weights_and_its_own_covariance(rng, d):
    X = rng.normal(size=(d + 1, d))
    E = smallest_ellipsoid(X)
    accept(E, X, 1e-9)
    assert E.support.tolist() == list(range(d + 1))
    assert E.weights == pytest.approx(np.full(d + 1, 1 / (d + 1)), rel=1e-7)
    S = np.cov(X.T, bias=True).reshape(d, d)
    assert E.centre == pytest.approx(X.mean(axis=0))
    assert pytest.approx(np.eye(d), abs=1e-7) == E.shape @ S * d
    assert E.distance(X) == pytest.approx(np.ones(d + 1), rel=1e-8)


@pytest.mark.parametrize("d", [1, 2, 3, 9])
def test_cube_has_the_sphere_through_its_vertices(d):
    X = grid(*[[-1, 1]] * d)
    E = smallest_ellipsoid(np.r_[X, 0.5 * X])
    accept(E, np.r_[X, 0.5 * X], 1e-9)
    assert pytest.approx(np.eye(d) / d, abs=1e-9) == E.shape
    assert pytest.approx(np.zeros(d), abs=1e-9) == E.centre
    assert E.support.max() < 2**d


@pytest.mark.parametrize("d", [2, 6, 25])
def test_ends_of_the_axes_of_a_known_ellipsoid(rng, d):
    A, c = rng.normal(size=(d, d)) + 3 * np.eye(d), rng.normal(size=d) * 10
    inside = rng.normal(size=(300, d))
    inside *= rng.uniform(0, 0.999, size=(300, 1)) / np.linalg.norm(inside, axis=1, keepdims=True)
    X = np.r_[inside, np.eye(d), -np.eye(d)] @ A.T + c
    E = smallest_ellipsoid(X)
    accept(E, X)
    assert E.centre == pytest.approx(c, abs=1e-5)
    assert pytest.approx(np.eye(d), abs=1e-5) == A.T @ E.shape @ A
    assert E.support.min() >= 300
    Q = rng.normal(size=(50, d))
    assert E.distance(Q @ A.T + c) == pytest.approx(np.linalg.norm(Q, axis=1), rel=1e-5)


def test_one_feature_is_the_interval():
    E = smallest_ellipsoid([[4.0], [-2.0], [1.0], [4.0]])
    accept(E, [[4.0], [-2.0], [1.0], [4.0]])
    assert E.centre == pytest.approx([1])
    assert E.distance([[1], [4], [-2], [7]]) == pytest.approx([0, 1, 1, 2])


# --- certificates -----------------------------------------------------------------------------

FAMILIES = {
    "gaussian": lambda g: g.normal(size=(3000, 8)),
    "many rows": lambda g: g.normal(size=(30_000, 3)),
    "uniform": lambda g: g.uniform(size=(2000, 12)),
    "heavy tails": lambda g: g.standard_t(2, size=(3000, 10)),
    "cauchy": lambda g: g.standard_cauchy(size=(1500, 4)) / 100,
    "integer grid": lambda g: g.integers(-3, 4, size=(800, 4)),
    "binary": lambda g: g.integers(0, 2, size=(3000, 9)),
    "full grid": lambda g: grid(*[range(4)] * 4),
    "duplicates": lambda g: np.repeat(g.normal(size=(60, 5)), 20, axis=0),
    "sphere": lambda g: (lambda Y: Y / np.linalg.norm(Y, axis=1)[:, None])(g.normal(size=(900, 5))),
    "few rows": lambda g: g.normal(size=(13, 11)),
    "one outlier": lambda g: np.r_[g.normal(size=(500, 3)), [[1e4, 0, 0]]],
    "float32": lambda g: g.normal(size=(500, 6)).astype(np.float32),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_encloses_all_rows_and_proves_its_gap(rng, family):
    X = FAMILIES[family](rng)
    E = smallest_ellipsoid(X)
    accept(E, X)
    proof(E, X)
    assert (np.diff(E.support) > 0).all()
    on = E.distance(np.asarray(X)[E.support])
    assert on.min() > 1 - 1e-4


def test_small_integer_draws(rng):
    for _ in range(150):
        d = int(rng.integers(1, 4))
        X = rng.integers(-2, 3, size=(int(rng.integers(1, 12)), d))
        E = smallest_ellipsoid(X)
        accept(E, X)
        assert E.rank == np.linalg.matrix_rank(X - X.mean(axis=0))
        if E.rank == d:
            proof(E, X)


def test_affine_equivariance(rng):
    X, A, b = rng.standard_t(4, size=(2000, 6)), rng.normal(size=(6, 6)), rng.normal(size=6) * 5
    Q = rng.normal(size=(100, 6)) * 3
    one, two = smallest_ellipsoid(X), smallest_ellipsoid(X @ A + b)
    assert two.distance(Q @ A + b) == pytest.approx(one.distance(Q), rel=1e-6)


def test_order_and_repetition_of_rows_do_not_matter(rng):
    X, Q = rng.normal(size=(2000, 6)), rng.normal(size=(50, 6)) * 3
    order = rng.permutation(2000)
    one, two = smallest_ellipsoid(X), smallest_ellipsoid(X[order])
    many = smallest_ellipsoid(np.r_[X, X[::-1], X])
    assert set(order[two.support]) == set(one.support) == set(many.support)
    assert two.distance(Q) == pytest.approx(one.distance(Q), rel=1e-6)
    assert many.distance(Q) == pytest.approx(one.distance(Q), rel=1e-6)


def test_no_row_inside_changes_the_answer(rng):
    X = rng.normal(size=(3000, 5))
    E = smallest_ellipsoid(X)
    F = smallest_ellipsoid(X[E.support])
    assert F.distance(X).max() <= 1 + 1e-6
    assert F.log_volume_gap <= 1e-6


class SlowRows:
    """Rows that are read by blocks only, as from a disk."""

    def __init__(self, values):
        self.values, self.columns, self.dtype = values, None, values.dtype
        self.seekable = False
        self.n, self.d = values.shape
        self.widest = 0

    def block(self, start, stop):
        self.widest = max(self.widest, stop - start)
        return self.values[start:stop]

    def take(self, rows):
        self.widest = max(self.widest, len(rows))
        return self.values[rows].astype(np.float64)


def test_rows_are_read_in_blocks(rng):
    X = rng.normal(size=(120_000, 40)).astype(np.float32)
    rows = SlowRows(X)
    E = smallest_ellipsoid(Cloud(rows), tolerance=1e-4)
    assert rows.widest * 41 <= 1 << 23
    accept(E, X, 1e-4)


# --- the search -------------------------------------------------------------------------------


def test_deletion_bound_is_the_extremal_eigenvalue():
    for p in (2, 7, 101):
        for gap in (1e-8, 1e-3, 0.3, 5.0):
            t = kernels.deletion_bound(gap, p) / p
            s = (p * (1 + gap) - t) / (p - 1)
            assert 0 < t <= 1
            assert 1 / t + (p - 1) / s == pytest.approx(p, rel=1e-6)


@pytest.mark.parametrize("family", ["gaussian", "heavy tails", "integer grid", "one outlier"])
def test_deletion_never_removes_a_support_row(rng, family):
    X = np.unique(np.asarray(FAMILIES[family](rng), dtype=float)[:900], axis=0)
    support = smallest_ellipsoid(X, tolerance=1e-10).support
    Y = (X - X.mean(axis=0)) / X.std(axis=0)
    p, u, removed = Y.shape[1] + 1, np.full(len(Y), 1 / len(Y)), 0
    for _ in range(60):
        u = kernels.multiplicative(Y, u, 5)
        kappa = kernels.leverages(Y, u)[1]
        bound = kernels.deletion_bound(kappa.max() / p - 1, p)
        removed = max(removed, int((kappa < bound).sum()))
        assert (kappa[support] >= bound).all()
    assert removed > 0


def test_away_steps_and_interior_points_agree(rng):
    Y = rng.normal(size=(400, 4))
    start = np.full(400, 1 / 400)
    u, kappa = kernels.away_steps(Y, start, 1e-7, 20_000)
    assert kappa.max() / 5 - 1 <= 2e-7
    assert kappa[u > 0].min() >= 5 * (1 - 2e-7)
    v, other, steps = kernels.interior_point(Y, start, 1e-9, 60, lambda gap: None)
    assert other.max() / 5 - 1 <= 1e-9
    assert steps < 25
    assert v == pytest.approx(u, abs=1e-4)


def test_working_sets_too_large_for_newton_go_on_with_away_steps(rng):
    X = rng.normal(size=(2000, 6))
    full = smallest_ellipsoid(X)
    E = smallest_ellipsoid(X, working_rows=1, tolerance=1e-4)
    accept(E, X, 1e-4)
    proof(E, X)
    assert E.distance(X) == pytest.approx(full.distance(X), rel=1e-2)


def test_budget_gives_the_best_bounds_so_far(rng):
    X = rng.normal(size=(4000, 10))
    E = smallest_ellipsoid(X, max_iterations=1)
    assert E.status is EllipsoidStatus.BUDGET
    assert E.gap > 1e-6
    assert E.contains(X).all()
    assert E.verify(X)
    proof(E, X)


def test_progress_is_told_and_may_interrupt(rng):
    seen = []
    X = rng.normal(size=(500, 4))
    smallest_ellipsoid(X, progress=lambda *a: seen.append(a))
    assert seen
    assert all(0 <= done <= total and "gap" in text for done, total, text in seen)

    def stop(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        smallest_ellipsoid(X, progress=stop)


# --- degenerate rows --------------------------------------------------------------------------

FLATS = {
    "one row": (lambda g, X: X[:1], 0),
    "equal rows": (lambda g, X: np.repeat(X[:1], 9, axis=0), 0),
    "two rows": (lambda g, X: X[:2], 1),
    "fewer rows than features": (lambda g, X: X[:4], 3),
    "far fewer": (lambda g, X: g.normal(size=(20, 400)), 19),
    "constant column": (lambda g, X: np.c_[X, np.full(len(X), 3.7)], 5),
    "zero column": (lambda g, X: np.c_[X, np.zeros(len(X))], 5),
    "constant but for rounding": (lambda g, X: np.c_[X, 1 + 3e-16 * g.normal(size=len(X))], 5),
    "repeated column": (lambda g, X: X[:, [0, 1, 2, 3, 4, 0]], 5),
    "sum of columns": (lambda g, X: np.c_[X, X[:, 0] + X[:, 1]], 5),
    "sum far from zero": (lambda g, X: np.c_[X, X[:, 0] + X[:, 1]] + 1e8, 5),
    "sum, mixed units": (
        lambda g, X: np.c_[X, X[:, 0] - X[:, 1]] * [1e9, 1e9, 1e-9, 1, 1, 1e-12],
        5,
    ),
    "shares": (lambda g, X: g.dirichlet(np.ones(6), size=300), 5),
    "one-hot": (lambda g, X: np.eye(6)[g.integers(0, 6, size=300)], 5),
}


@pytest.mark.parametrize("case", FLATS)
def test_rows_on_a_flat(rng, case):
    make, rank = FLATS[case]
    X = make(rng, rng.normal(size=(600, 5)))
    E = smallest_ellipsoid(X)
    accept(E, X)
    assert E.rank == rank
    assert np.linalg.matrix_rank(E.root) == rank
    mean = X.mean(axis=0)
    assert np.isfinite(E.distance((X[:3] + mean) / 2)).all()
    width = np.maximum(np.ptp(X, axis=0), 1e-3 * np.abs(mean))
    off = X[:1] + 1e-3 * np.where(width > 0, width, 1) * rng.normal(size=X.shape[1])
    assert E.distance(off) == np.inf
    assert not E.contains(off).any()


def test_thin_but_full_rank_says_what_rounding_leaves(rng):
    X = rng.normal(size=(1000, 4))
    X = np.c_[X, X[:, 0] + X[:, 1] + 1e-9 * rng.normal(size=1000)]
    E = smallest_ellipsoid(X)
    assert E.rank == 5
    assert E.gap < 1e-3
    assert E.status is EllipsoidStatus.ROUNDING
    assert E.contains(X).all()
    assert E.verify(X)


@pytest.mark.filterwarnings("ignore:.*digits")
@pytest.mark.parametrize(
    "unit",
    [1e300, 1e-300, 1e-9, 5e-310, np.array([1e-12, 1e12, 1, 1e150, 1e-150])],
    ids=["1e300", "1e-300", "1e-9", "subnormal", "mixed"],
)
def test_any_unit(rng, unit):
    X, Q = rng.uniform(-1, 1, size=(700, 5)), rng.normal(size=(20, 5))
    E, F = smallest_ellipsoid(X), smallest_ellipsoid(X * unit)
    accept(F, X * unit)
    fuzz = 1e-6 if np.ndim(unit) or unit > 1e-305 else 1e-3
    assert F.distance(Q * unit) == pytest.approx(E.distance(Q), rel=fuzz)
    assert F.support.tolist() == E.support.tolist()


def test_largest_numbers(rng):
    X = rng.uniform(-1, 1, size=(300, 3)) * 2.2e307
    E = smallest_ellipsoid(X)
    accept(E, X)
    assert (E.distance([[2.2e307] * 3, [-2.2e307] * 3]) > 1).all()


@pytest.mark.filterwarnings("ignore:.*digits")
@pytest.mark.parametrize("offset", [1e8, -1e12])
def test_far_from_zero(rng, offset):
    X = rng.integers(-1000, 1000, size=(500, 3)).astype(float)
    E, F = smallest_ellipsoid(X), smallest_ellipsoid(X + offset)
    accept(F, X + offset)
    assert F.distance(X + offset) == pytest.approx(E.distance(X), rel=1e-6)


def test_far_queries_do_not_overflow(rng):
    E = smallest_ellipsoid(rng.normal(size=(100, 3)))
    far = E.distance([[1e300, 0, 0], [1e200, 1e200, 1e200], [1e-300, 0, 0]])
    assert (far[:2] > 1e190).all()
    assert np.isfinite(far).all()


# --- verify, and the object ---------------------------------------------------------------------


def tampered(E: Ellipsoid):
    one, k = E.support.copy(), len(E.weights)
    one[0] = np.setdiff1d(np.arange(200), one)[0]
    twice = E.support.copy()
    twice[0] = twice[1]
    skew = E.weights * np.linspace(0.5, 1.5, k)
    negative = np.r_[-0.1, E.weights[1:] * 1.1 / (1 - E.weights[0])]
    yield "too small", replace(E, root=E.root * (1 + 1e-9))
    yield "too large", replace(E, root=E.root * (1 - 1e-5))
    yield "moved", replace(E, offset=E.offset + 1e-6)
    yield "other weights", replace(E, weights=skew / skew.sum())
    yield "weights of sum 2", replace(E, weights=2 * E.weights)
    yield "negative weight", replace(E, weights=negative)
    yield "other row", replace(E, support=one)
    yield "row twice", replace(E, support=twice)
    yield "no such row", replace(E, support=E.support + 10_000)
    yield "fewer rows", replace(E, support=E.support[1:])
    yield "NaN", replace(E, root=E.root * np.nan)
    yield "other rank", replace(E, rank=E.rank - 1)
    yield "gap NaN", replace(E, gap=float("nan"))


def test_verify_refuses_every_tampering(rng):
    X = rng.normal(size=(400, 4))
    E = smallest_ellipsoid(X)
    assert E.verify(X)
    assert not [name for name, bad in tampered(E) if bad.verify(X)]
    assert not E.verify(np.r_[X, 3 * X[E.support[:1]]])
    assert not E.verify(X[:, :3])
    loose = smallest_ellipsoid(X, max_iterations=1)
    assert loose.verify(X)
    assert not replace(loose, gap=0.0, log_volume_gap=0.0).verify(X)
    assert not replace(loose, gap=loose.gap / 100).verify(X)


def test_verify_refuses_rows_off_the_flat(rng):
    X = np.c_[rng.normal(size=(100, 3)), np.ones(100)]
    E = smallest_ellipsoid(X)
    other = X.copy()
    other[5, 3] = 1 + 1e-6
    assert E.verify(X)
    assert not E.verify(other)


def test_one_line_repr_pickle_and_empty_query(rng):
    X = rng.normal(size=(100, 3))
    E = smallest_ellipsoid(X)
    assert repr(E).startswith("Ellipsoid(3 features, ")
    assert "\n" not in repr(E)
    again = pickle.loads(pickle.dumps(E))
    assert np.array_equal(again.distance(X), E.distance(X))
    assert E.distance(np.zeros((0, 3))).shape == (0,)
    assert E.contains(np.zeros((0, 3))).dtype == bool


def test_statuses_are_sentences():
    assert all(s.value.endswith(".") and " " in s.value for s in EllipsoidStatus)


def test_bad_arguments(rng):
    X = rng.normal(size=(20, 3))
    for tolerance in (0, 1, -1, float("nan")):
        with pytest.raises(DataError, match="tolerance"):
            smallest_ellipsoid(X, tolerance=tolerance)
    E = smallest_ellipsoid(X)
    with pytest.raises(DataError):
        E.distance([[1.0, 2.0]])
    with pytest.raises(DataError):
        E.distance([[1.0, 2.0, np.nan]])
    X[3, 1] = np.nan
    with pytest.raises(DataError):
        smallest_ellipsoid(X)
