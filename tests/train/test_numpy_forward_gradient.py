"""Forward gradients of plain NumPy functions."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import hullwise as hw
from hullwise.train._direction_theory import relative_variance


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def test_the_gradient_of_rosenbrock():
    from scipy.optimize import rosen_der

    x = np.array([1.3, 0.7, 0.8, 1.9, 1.2])
    estimate = hw.train.forward_gradient(rosenbrock, x, n_tangents=5, directions="orthonormal")
    np.testing.assert_allclose(estimate.gradient, rosen_der(x), rtol=1e-10)
    assert estimate.value == pytest.approx(rosenbrock(x))


@pytest.mark.parametrize("directions", ["rademacher", "gaussian", "orthonormal"])
@pytest.mark.parametrize("n_tangents", [1, 3])
def test_mean_and_variance_are_those_of_theory(directions, n_tangents):
    x = np.linspace(-1, 2, 10)
    exact = np.exp(x)
    rng = np.random.default_rng(3)
    estimates = [
        hw.train.forward_gradient(
            lambda x: np.exp(x).sum(),
            x,
            n_tangents=n_tangents,
            directions=directions,
            random_state=rng,
        )
        for _ in range(3000)
    ]
    errors = np.array([((e.gradient - exact) ** 2).sum() for e in estimates])
    theory = relative_variance(directions, 10, n_tangents) * (exact**2).sum()
    for values, expected in (
        (errors, theory),
        ([e.variance for e in estimates], theory),
        ([e.squared_norm for e in estimates], (exact**2).sum()),
    ):
        standard_error = np.std(values, ddof=1) / len(estimates) ** 0.5
        assert abs(np.mean(values) - expected) < 4 * standard_error
    bias = ((np.mean([e.gradient for e in estimates], axis=0) - exact) ** 2).sum()
    assert bias < 4 * theory / len(estimates)


def test_descent_along_forward_gradients():
    rng, x = np.random.default_rng(0), np.zeros(2)
    for _ in range(5000):
        x = x - 5e-4 * hw.train.forward_gradient(rosenbrock, x, random_state=rng).gradient
    assert rosenbrock(x) < 0.05 * rosenbrock(np.zeros(2))


def test_trees_and_numbers():
    estimate = hw.train.forward_gradient(
        lambda p: p["a"] * p["b"][0].sum() + 0 * p["b"][1],
        {"a": 2.0, "b": (np.ones(3), np.float64(1.0))},
        n_tangents=5,
        directions="orthonormal",
    )
    assert estimate.gradient["a"] == pytest.approx(3)
    np.testing.assert_allclose(estimate.gradient["b"][0], 2 * np.ones(3))


def test_the_place_is_not_changed():
    x = np.ones(3)

    def function(x):
        x *= 2
        return (x**2).sum()

    estimate = hw.train.forward_gradient(function, x, n_tangents=3, directions="orthonormal")
    np.testing.assert_allclose(estimate.gradient, 8 * np.ones(3))
    assert (x == 1).all()


def test_filling_a_plain_array_is_refused():
    def function(x):
        out = np.zeros(2)
        out[0] = x[0]
        return out.sum()

    with pytest.raises(hw.DataTypeError, match="fill np"):
        hw.train.forward_gradient(function, np.ones(3))


@pytest.mark.parametrize(
    ("function", "x", "error", "match"),
    [
        (lambda x: x, np.ones(3), hw.DataError, r"returns shape \(3,\): expected one number"),
        (lambda x: 1.0, np.ones(3), hw.DataError, "returns a float that does not depend"),
        (lambda x: x.value.sum(), np.ones(3), hw.DataError, "does not depend"),
        (lambda x: np.log(x - 1).sum(), np.ones(3), hw.DataError, "the function is -inf"),
        (np.median, np.ones(3), hw.DataTypeError, r"numpy\.median has no rule"),
        (np.sum, np.arange(3), hw.DataError, "parameters is of int64"),
        (np.sum, np.array(["a"]), hw.DataTypeError, "parameters is an ndarray: expected"),
        (np.sum, np.array([1.0, np.nan]), hw.DataError, "parameters has numbers that are not"),
        (np.sum, [], hw.DataError, "parameters holds no number"),
        (np.sum, None, hw.DataTypeError, "parameters is a NoneType"),
    ],
)
def test_what_has_no_gradient(function, x, error, match):
    with np.errstate(all="ignore"), pytest.raises(error, match=match):
        hw.train.forward_gradient(function, x)


def test_functions_that_differ_from_pass_to_pass():
    rng = np.random.default_rng(0)
    with pytest.raises(hw.DataError, match="it must be one function"):
        hw.train.forward_gradient(lambda x: x.sum() * rng.uniform(), np.ones(3), n_tangents=2)


def test_options():
    for options, match in (
        ({"n_tangents": 0}, "n_tangents=0"),
        ({"n_tangents": 4, "directions": "orthonormal"}, "only 3 directions"),
        ({"directions": "x"}, "directions='x'"),
        ({"random_state": "a"}, "random_state='a'"),
    ):
        with pytest.raises(hw.DataError, match=match):
            hw.train.forward_gradient(np.sum, np.ones(3), **options)
    with pytest.raises(hw.DataTypeError, match=r"needs a torch\.nn\.Module"):
        hw.train.forward_gradient(np.sum, np.ones(3), perturb="activations")


def test_torch_is_not_needed():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import numpy as np, hullwise as hw\n"
        "print(hw.train.forward_gradient(lambda x: (x * x).sum(), np.ones(4)).value)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "4.0"
