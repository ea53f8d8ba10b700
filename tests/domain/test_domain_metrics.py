"""Metrics with directions in a domain: learnt, given, in gaps, and in a file."""

from fractions import Fraction
from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

import hullwise as hw
from hullwise.domain.coordinate_metric import CoordinateMetric, indicator_basis
from hullwise.errors import DataError
from hullwise.geometry.metric import parse_metric

pytestmark = pytest.mark.filterwarnings("ignore::hullwise.errors.DataWarning")


def numbers(n, seed=0, gaps=0.0):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.normal(size=(n, 4)), columns=list("abcd"))
    table["y"] = table["a"] * table["b"] + 0.1 * rng.normal(size=n)
    for name in "ac":
        table.loc[rng.random(n) < gaps, name] = np.nan
    return table


def among(M, places):
    M = np.asarray(M, dtype=np.float64)
    metric = CoordinateMetric(parse_metric(M, np.ones(len(M)), np.ones(len(M))))
    return metric.among(np.asarray(places))


def matrix_of(metric):
    return metric.factor.T @ metric.factor


# ---- what is left of a metric in gaps ------------------------------------------------------------


def least_exactly(M, own, lacking, v):
    """min over f of (v, f)' M (v, f), by elimination in rational arithmetic."""
    S = [[Fraction(M[i][j]) for j in (*lacking, *own)] for i in (*lacking, *own)]
    n = len(S)
    for k in range(len(lacking)):
        if S[k][k] == 0:  # positive semidefinite: the whole row is 0, and f_k changes nothing
            assert all(entry == 0 for entry in S[k])
            continue
        for i in range(k + 1, n):
            ratio = S[i][k] / S[k][k]
            S[i] = [a - ratio * b for a, b in zip(S[i], S[k])]
    rest = range(len(lacking), n)
    return sum(S[i][j] * v[i - len(lacking)] * v[j - len(lacking)] for i in rest for j in rest)


@pytest.mark.parametrize("rank", [2, 3, 5])
@pytest.mark.parametrize("n_lacking", [1, 2, 3])
def test_the_least_over_fillings_is_that_of_exact_arithmetic(rank, n_lacking):
    """Singular blocks too: with rank 2 the block of three lacking columns has no inverse."""
    rng = np.random.default_rng(rank * 10 + n_lacking)
    L = rng.integers(-3, 4, size=(rank, 5))
    M = (L.T @ L).tolist()
    lacking, own = list(range(n_lacking)), list(range(n_lacking, 5))
    metric = among(M, own)
    block = np.array(M)[np.ix_(own, own)]
    is_larger = False
    for v in rng.integers(-4, 5, size=(20, len(own))):
        least = float(least_exactly(M, own, lacking, [int(x) for x in v]))
        own_length = 0.0 if metric is None else float(v @ matrix_of(metric) @ v)
        assert own_length == pytest.approx(least, rel=1e-9, abs=1e-9 * float(v @ block @ v))
        is_larger |= float(v @ block @ v) > least * (1 + 1e-6) + 1e-6
    assert is_larger  # the block itself would be a false bound


def test_no_filling_on_a_grid_comes_nearer():
    rng = np.random.default_rng(3)
    L = rng.integers(-2, 3, size=(3, 4))
    M = L.T @ L
    metric = among(M, [2, 3])
    grid = [Fraction(i, 3) for i in range(-15, 16)]
    for v in rng.integers(-3, 4, size=(5, 2)):
        least = min(
            sum(w[i] * int(M[i, j]) * w[j] for i in range(4) for j in range(4))
            for f in product(grid, grid)
            for w in [(*f, int(v[0]), int(v[1]))]
        )
        assert float(v @ matrix_of(metric) @ v) <= float(least) + 1e-9


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_units_of_very_different_sizes(scale):
    rng = np.random.default_rng(0)
    L = rng.normal(size=(4, 4)) * [1, scale, 1 / scale, 1]
    M = L.T @ L
    inverse = np.linalg.inv(M / np.outer(*[np.sqrt(np.diag(M))] * 2))
    expected = np.linalg.inv(inverse[1:, 1:]) * np.outer(*[np.sqrt(np.diag(M))[1:]] * 2)
    np.testing.assert_allclose(matrix_of(among(M, [1, 2, 3])), expected, rtol=1e-7)


def test_a_metric_of_one_direction_says_nothing_of_a_row_that_lacks_part_of_it():
    assert among(np.ones((3, 3)), [0, 1]) is None
    assert among(np.diag([1.0, 1.0, 0.0]), [0, 1]).rank == 2


def test_the_bracket_holds_for_every_filling():
    """The distance of a row with a gap is the least of an independent optimiser over fillings."""
    table = numbers(30)[list("abcd")]
    A = np.random.default_rng(1).normal(size=(4, 4))
    M = A.T @ A
    domain = hw.Domain(metric=M).fit(table)
    X, V = table.to_numpy(), np.linalg.cholesky(M).T
    for seed, gaps in enumerate([[0], [1, 3], [2]]):
        query = 3 * np.random.default_rng(seed).normal(size=4)
        row = {name: None if j in gaps else query[j] for j, name in enumerate("abcd")}
        loc = domain.locate_one(row)

        def square(z, gaps=gaps, query=query):
            q = query.copy()
            q[gaps] = z[30:]
            return np.sum((V @ (q - z[:30] @ X)) ** 2)

        least = minimize(
            square,
            np.concatenate([np.full(30, 1 / 30), X.mean(axis=0)[gaps]]),
            bounds=[(0, 1)] * 30 + [(None, None)] * len(gaps),
            constraints={"type": "eq", "fun": lambda z: z[:30].sum() - 1},
            options={"maxiter": 500, "ftol": 1e-12},
        )
        least = np.sqrt(least.fun)
        assert loc.lower[0] <= least * (1 + 1e-9)
        assert least <= loc.upper[0] * 1.001 + 1e-6
        own = [j for j in range(4) if j not in gaps]
        complete = hw.locate(table.iloc[:, own], query[None, own], metric=M[np.ix_(own, own)])
        assert complete.upper[0] >= loc.lower[0]


def test_proofs_in_gaps_hold():
    table = numbers(300, gaps=0.15)
    A = np.random.default_rng(1).normal(size=(4, 4))
    loc = hw.Domain(metric=A.T @ A).fit(table, target="y").locate(3 * numbers(40, 5, gaps=0.3))
    assert len(loc.parts) > 1
    for part in loc.parts:
        assert part.location.verify(part.pattern.cloud, exact=True).all()
    assert loc.verify(table).all()


@pytest.mark.parametrize("exact", [False, True])
def test_proofs_in_a_learnt_metric_are_checked_from_the_table(exact):
    """Inside means in all that the metric sees; a row of which it sees nothing claims nothing."""
    table = numbers(500, gaps=0.1)
    loc = (
        hw.Domain(metric="agop", reference=100)
        .fit(table, target="y")
        .locate(2 * numbers(40, 5, gaps=0.3))
    )
    assert {"unknown"} < set(loc.band)
    assert loc.verify(table, exact=exact).all()


# ---- learnt metrics ------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", ["agop", "curvature", "rfm"])
def test_what_matters_is_learnt_from_the_target(metric):
    domain = hw.Domain(metric=metric, reference=100).fit(numbers(300), target="y")
    row = {"a": 0.0, "b": 0.0, "c": 0.0, "d": 0.0}
    matters, does_not = domain.locate_one({**row, "a": 9.0}), domain.locate_one({**row, "d": 9.0})
    assert matters.band[0] == "far"
    assert does_not.lower[0] < 0.2 * matters.lower[0]
    assert {name for name, _ in matters.pushed_out_by()[0]} <= {"a", "b"}
    assert any(note.startswith("metric: ") for note in domain.fitted_.notes)


def test_nothing_is_learnt_from_rows_that_are_left_out():
    """Their targets may be anything."""
    table = numbers(500)
    domain = hw.Domain(metric="agop", reference=100).fit(table, target="y")
    pool = domain.fitted_.every_row.pool
    changed = table.copy()
    changed.loc[pool, "y"] = 1e6
    other = hw.Domain(metric="agop", reference=100).fit(changed, target="y")
    one, two = (d.fitted_.directions.metric.factor for d in (domain, other))
    np.testing.assert_array_equal(one, two)


def test_classes_are_targets_too():
    table = numbers(400).assign(y=lambda t: np.where(t["a"] > 0, "yes", "no"))
    domain = hw.Domain(metric="agop", reference=100).fit(table, target="y")
    metric = domain.fitted_.directions.metric
    assert abs(metric.factor[0, 0]) > 5 * abs(metric.factor[0, 3])


def test_rows_with_gaps_and_honest_rows_in_a_learnt_metric():
    domain = hw.Domain(metric="agop", reference=200).fit(numbers(900, gaps=0.1), target="y")
    loc = domain.locate(numbers(300, seed=9, gaps=0.1))
    located = loc.band != "unknown"
    assert np.isin(loc.band[located], ("beyond", "far")).mean() < 0.1
    lacking = np.flatnonzero(~located)
    assert all("a" in loc.located_without(i) for i in lacking)
    assert all("say nothing of the columns" in loc.status[i] for i in lacking)


def test_a_learner_is_asked_without_the_rows_left_out():
    table = numbers(300)
    X = table[list("abcd")].to_numpy()
    learner = hw.metrics.MetricLearner.from_targets(X, table["y"].to_numpy())
    domain = hw.Domain(metric=learner, reference=100).fit(table, target="y")
    pool = domain.fitted_.every_row.pool
    np.testing.assert_allclose(
        matrix_of(domain.fitted_.directions.metric), learner.without(pool), rtol=1e-6, atol=1e-12
    )
    with pytest.raises(DataError, match="learnt from 300 rows, the domain has 200"):
        hw.Domain(metric=learner).fit(table[:200], target="y")


# ---- given metrics -------------------------------------------------------------------------------


def test_weights_and_a_matrix_are_the_same_metric():
    table, new = numbers(100)[list("abcd")], 2 * numbers(20, 1, gaps=0.3)
    weights = np.array([1.0, 2.0, 0.5, 3.0])
    one = hw.Domain(metric=weights).fit(table).locate(new)
    two = hw.Domain(metric=np.diag(weights)).fit(table).locate(new)
    np.testing.assert_allclose(one.upper, two.upper, rtol=1e-5, atol=1e-9)
    np.testing.assert_array_equal(one.band, two.band)


def test_one_weight_for_each_level():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(size=99), "job": rng.choice(list("abc"), 99)})
    plainly = hw.Domain(metric=None).fit(table)
    basis = indicator_basis(plainly.fitted_.coordinates)
    assert basis.shape == (4, 3)
    new = table.assign(x=3.0)
    by_level = hw.Domain(metric=np.ones(4)).fit(table).locate(new)
    np.testing.assert_allclose(by_level.upper, plainly.locate(new).upper, rtol=1e-5, atol=1e-9)


def test_a_domain_with_directions_in_a_file(tmp_path):
    table, new = numbers(300, gaps=0.1), 2 * numbers(30, 1, gaps=0.2)
    for metric in ("agop", np.diag([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 2.0, 0.0, 1.0])):
        domain = hw.Domain(metric=metric, reference=50).fit(table, target="y")
        before = domain.locate(new)
        path = tmp_path / "seen.hull"
        domain.save(path, force=True)
        loaded = hw.load(path)
        np.testing.assert_array_equal(loaded.locate(new).upper, before.upper)
        assert str(loaded) == str(domain)
        assert loaded.fitted_.metric_text == domain.fitted_.metric_text


@pytest.mark.parametrize(
    ("metric", "target", "says"),
    [
        ("agop", None, "is learnt from a target"),
        ("furlong", "y", "expected 'std', 'range' or None"),
        (np.eye(3), "y", r"expected \(4,\) or \(4, 4\), the coordinates a, b, c, d"),
        (np.ones(3), "y", r"metric has shape \(3,\)"),
        (-np.eye(4), "y", "positive semidefinite"),
        ("agop", "constant", "the same in every row"),
    ],
)
def test_metrics_that_cannot_be(metric, target, says):
    table = numbers(100).assign(constant=1.0)
    with pytest.raises(DataError, match=says):
        hw.Domain(metric=metric, drop=["constant"] if target == "y" else []).fit(
            table, target=target
        )


def test_too_few_complete_rows_to_learn_from():
    table = numbers(100)
    table.loc[3:, "a"] = np.nan
    with pytest.raises(DataError, match="only 3 training rows have all columns"):
        hw.Domain(metric="agop").fit(table, target="y")


@pytest.mark.parametrize("metric", ["std", "matrix"])
@pytest.mark.parametrize("mechanism", ["another column", "the column itself"])
def test_honest_rows_whose_gaps_depend_on_what_they_hold(metric, mechanism):
    """As many are out as rows without gaps, in patterns of gaps of 20 to 40 training rows too."""
    out = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        X = 0.7 * rng.normal(size=(2200, 1)) + 0.7 * rng.normal(size=(2200, 6))
        causes = X[:, [1, 3, 5]] if mechanism == "another column" else X[:, [0, 2, 4]]
        causes = causes + 0.3 * rng.normal(size=causes.shape)
        has_gap = causes > np.quantile(causes, 0.85, axis=0)
        X[:, [0, 2, 4]] = np.where(has_gap, np.nan, X[:, [0, 2, 4]])
        A = np.random.default_rng(seed).normal(size=(6, 6))
        table = pd.DataFrame(X, columns=list("abcdef"))
        domain = hw.Domain(metric="std" if metric == "std" else A.T @ A, reference=300)
        loc = domain.fit(table[:1200]).locate(table[1200:])
        assert all(part.pattern.alike for part in loc.parts if len(part.rows) > 25)
        out.append(np.isin(loc.band, ("beyond", "far"))[has_gap[1200:].any(axis=1)].mean())
    assert np.mean(out) < 0.08  # 0.1 and more with all rows that have the columns
