"""Half-spaces as linear constraints of optimisers: every training row keeps them."""

import numpy as np
import pytest
from scipy.optimize import linprog, minimize

import hullwise as hw


def table(n=300, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.uniform(-2, 5, n)
    return {
        "a": a,
        "b": 3 * a + rng.uniform(0, 2, n),
        "k": 10 ** (a / 4 + rng.uniform(0, 0.5, n)),
        "kind": np.array(["x", "y"])[(rng.random(n) < 0.4).astype(int)],
    }


def variables(rows):
    return np.c_[rows["a"], rows["b"], np.log10(rows["k"])]


@pytest.fixture(scope="module")
def rules():
    return hw.Domain(log=["k"]).fit(table()).half_spaces(n_directions=100)


def test_every_training_row_keeps_them_and_others_do_not(rules):
    rows = table()
    for kind in "xy":
        linear = rules.linear(fixed={"kind": kind})
        assert linear.names == ("a", "b", "log10(k)")
        X = variables(rows)[rows["kind"] == kind]
        assert (linear.b + 1e-9 >= (X @ linear.A.T)).all()
        assert ((linear.lower - 1e-9 <= X) & (linear.upper + 1e-9 >= X)).all()
    Q = np.random.default_rng(1).uniform(linear.lower, linear.upper, (200, 3))
    outside = (linear.b + 1e-9 < Q @ linear.A.T).any(axis=1)
    located = rules.locate({"a": Q[:, 0], "b": Q[:, 1], "k": 10 ** Q[:, 2], "kind": ["y"] * 200})
    assert outside.sum() > 100
    assert (outside <= located.proved_outside).all()


def test_the_nearest_come_first(rules):
    near = {"a": 0.0, "b": 5.0, "k": 1.0}
    linear = rules.linear(near=near, n_half_spaces=5, fixed={"kind": "x"})
    every = rules.linear(fixed={"kind": "x"})
    x = np.array([0.0, 5.0, 0.0])
    slack = np.sort(every.b - every.A @ x)
    np.testing.assert_allclose(linear.b - linear.A @ x, slack[:5])
    assert slack[0] < 0


def test_scipy_finds_optima_within_them(rules):
    linear = rules.linear(fixed={"kind": "x"})
    cost = np.array([1.0, -0.2, 0.3])
    exact = linprog(cost, linear.A, linear.b, bounds=list(zip(linear.lower, linear.upper)))
    X = variables(table())
    best = minimize(
        lambda x: cost @ x,
        X.mean(axis=0),
        bounds=linear.to_bounds(),
        constraints=linear.to_scipy(),
        method="SLSQP",
    )
    assert best.fun == pytest.approx(exact.fun, abs=1e-6)
    rows = X[table()["kind"] == "x"]
    assert best.fun <= (rows @ cost).min() + 1e-9


def test_botorch_has_its_own_sign(rules):
    torch = pytest.importorskip("torch")
    linear = rules.linear(fixed={"kind": "y"})
    constraints = linear.to_botorch()
    x = torch.tensor(variables(table())[table()["kind"] == "y"])
    for indices, coefficients, end in constraints:
        assert (x[:, indices] @ coefficients >= end - 1e-9).all()
    assert len(constraints) == len(linear.b)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, "'kind' are no plain numbers"),
        ({"fixed": {"sort": 1}}, "no column is called 'sort'"),
        ({"fixed": {"kind": "z"}}, "level that was never seen"),
        ({"fixed": {"kind": "x"}, "near": {"a": 1}}, "near lacks 'b', 'k'"),
    ],
)
def test_what_is_refused(rules, options, text):
    with pytest.raises(hw.DataError, match=text):
        rules.linear(**options)
