"""Dual numbers against finite differences, complex steps, and PyTorch."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from scipy import special

import hullwise as hw
from hullwise.train._dual_functions import DISCRETE_FUNCTIONS, FUNCTION_RULES
from hullwise.train._dual_ufuncs import BILINEAR_UFUNCS, DISCRETE_UFUNCS, PARTIALS, STEPWISE_UFUNCS

DualArray = hw.train.DualArray

RNG = np.random.default_rng(5)
POINT = RNG.uniform(0.1, 0.9, (3, 4))
OTHER = RNG.uniform(0.1, 0.9, (3, 4))
SQUARE = RNG.normal(size=(3, 3)) + 3 * np.eye(3)


def differences(function, point, tangent):
    """Central differences, extrapolated."""
    point, tangent = np.asarray(point, dtype=float), np.asarray(tangent)

    def central(h):
        up, down = function(point + h * tangent), function(point - h * tangent)
        return (np.asarray(up) - np.asarray(down)) / (2 * h)

    return (4 * central(5e-4) - central(1e-3)) / 3


def assert_derivative(function, point, rtol=1e-7):
    tangent = np.random.default_rng(1).normal(size=np.shape(point))
    value, derivative = hw.train.directional_derivative(function, point, tangent)
    np.testing.assert_allclose(value, function(np.asarray(point, dtype=float)), rtol=1e-13)
    expected = differences(function, point, tangent)
    np.testing.assert_allclose(derivative, expected, rtol=rtol, atol=1e-8)


@pytest.mark.parametrize("ufunc", PARTIALS, ids=lambda ufunc: ufunc.__name__)
def test_every_ufunc(ufunc):
    point = POINT + 1 if ufunc is np.arccosh else POINT
    if ufunc.nin == 1:
        assert_derivative(ufunc, point)
        return
    assert_derivative(lambda x: ufunc(x, OTHER), point)
    assert_derivative(lambda x: ufunc(OTHER, x), point)
    assert_derivative(lambda x: ufunc(x, np.sin(3 * x)), point)
    assert_derivative(lambda x: ufunc(x[:, :1], OTHER[0]), point)  # broadcast


@pytest.mark.parametrize(
    "ufunc",
    [u for u in PARTIALS if u.nin == 1 and u not in (np.absolute, np.fabs)],
    ids=lambda ufunc: ufunc.__name__,
)
def test_analytic_ufuncs_against_complex_steps(ufunc):
    point = POINT + 1 if ufunc is np.arccosh else POINT
    try:
        expected = ufunc(point + 1e-30j).imag / 1e-30
    except TypeError:
        pytest.skip("NumPy has this one for real numbers only")
    _, derivative = hw.train.directional_derivative(ufunc, point, np.ones_like(point))
    np.testing.assert_allclose(derivative, expected, rtol=1e-12)


FUNCTIONS = {
    np.sum: lambda x: np.sum(x * x) + np.sum(x, axis=1, keepdims=True) + x.sum(axis=(0, 1)),
    np.mean: lambda x: np.mean(x * x, axis=0) + x.mean(),
    np.cumsum: lambda x: np.cumsum(x * x, axis=1),
    np.diff: lambda x: np.diff(x * x),
    np.trace: lambda x: np.trace(x[:, :3] @ x[:, 1:]) + x.trace(),
    np.diag: lambda x: np.diag(x[0] ** 2),
    np.diagonal: lambda x: x.diagonal() ** 2,
    np.tril: lambda x: np.tril(x**2),
    np.triu: lambda x: np.triu(x**2),
    np.concatenate: lambda x: np.concatenate([x * x, OTHER, x], axis=1),
    np.stack: lambda x: np.stack([x[0] * x[1], OTHER[0], x[2]]),
    np.vstack: lambda x: np.vstack([x * x, OTHER]),
    np.hstack: lambda x: np.hstack([x * x, OTHER]),
    np.dstack: lambda x: np.dstack([x * x, OTHER]),
    np.column_stack: lambda x: np.column_stack([x[0] ** 2, OTHER[0]]),
    np.reshape: lambda x: np.reshape(x * x, (4, 3)) + x.reshape(4, 3) + x.reshape((4, -1)),
    np.ravel: lambda x: np.ravel(x * x) + x.ravel() + x.flatten(),
    np.transpose: lambda x: np.transpose(x * x) + x.T + x.transpose() + x.transpose(1, 0),
    np.squeeze: lambda x: np.squeeze(x[None] ** 2),
    np.expand_dims: lambda x: np.expand_dims(x * x, 1),
    np.broadcast_to: lambda x: np.broadcast_to(x[:1] ** 2, (5, 4)),
    np.moveaxis: lambda x: np.moveaxis(x * x, 0, 1),
    np.swapaxes: lambda x: x.swapaxes(0, 1) ** 2,
    np.rollaxis: lambda x: np.rollaxis(x * x, 1),
    np.roll: lambda x: np.roll(x * x, 1),
    np.flip: lambda x: np.flip(x * x),
    np.fliplr: lambda x: np.fliplr(x * x),
    np.flipud: lambda x: np.flipud(x * x),
    np.rot90: lambda x: np.rot90(x * x),
    np.tile: lambda x: np.tile(x * x, 2),
    np.repeat: lambda x: np.repeat(x * x, 2, axis=0),
    np.take: lambda x: np.take(x * x, [2, 0], axis=0) + x.take([0, 1], axis=0),
    np.take_along_axis: lambda x: np.take_along_axis(x * x, np.array([[1], [0], [2]]), axis=1),
    np.compress: lambda x: (
        np.compress([True, False, True], x * x, axis=0)
        if not isinstance(x, DualArray)
        else (x * x)[[0, 2]]
    ),
    np.delete: lambda x: np.delete(x * x, 1, axis=0),
    np.copy: lambda x: np.copy(x * x) + x.copy(),
    np.atleast_1d: lambda x: np.atleast_1d(x[0, 0] ** 2),
    np.atleast_2d: lambda x: np.atleast_2d(x[0] ** 2),
    np.real: lambda x: np.real(x * x),
    np.split: lambda x: np.split(x * x, 3)[1],
    np.array_split: lambda x: np.array_split(x * x, 2)[1],
    np.hsplit: lambda x: np.hsplit(x * x, 2)[1],
    np.vsplit: lambda x: np.vsplit(x * x, 3)[1],
    np.dot: lambda x: np.dot(x, x.T) + x.dot(OTHER.T),
    np.inner: lambda x: np.inner(x, x * OTHER),
    np.outer: lambda x: np.outer(x[0], x[1]),
    np.vdot: lambda x: np.vdot(x, x),
    np.tensordot: lambda x: np.tensordot(x, x * OTHER, axes=([1], [1])),
    np.kron: lambda x: np.kron(x, x * x),
    np.cross: lambda x: np.cross(x[0, :3], x[1, 1:]),
    np.convolve: lambda x: np.convolve(x[0], x[1] ** 2),
    np.max: lambda x: np.max(x * OTHER, axis=0) + x.max() + np.max(x, axis=(0, 1), keepdims=True),
    np.min: lambda x: np.min(x * OTHER, axis=1) + x.min(),
    np.amax: lambda x: np.amax(x * OTHER, axis=0),
    np.amin: lambda x: np.amin(x * OTHER, axis=0),
    np.einsum: lambda x: np.einsum("ij,kj,kl->il", x, OTHER, x),
    np.where: lambda x: np.where(x > 0.5, x * x, np.where(x > 0.3, 2.0, -x)),
    np.prod: lambda x: np.prod(x, axis=1) + x.prod() + np.prod(x, axis=0, keepdims=True)[0, 0],
    np.var: lambda x: np.var(x, axis=1, ddof=1) + x.var(),
    np.std: lambda x: np.std(x, axis=0) + x.std(),
    np.ptp: lambda x: np.ptp(x, axis=0),
    np.average: lambda x: np.average(x, axis=0, weights=x * OTHER) + np.average(x),
    np.clip: lambda x: np.clip(x * x, 0.1, 0.4) + x.clip(0.2, None) + np.clip(x, None, 0.5),
    np.sort: lambda x: np.sort(x * OTHER, axis=1) + np.sort(x, axis=None)[:4],
    np.linalg.norm: lambda x: (
        np.linalg.norm(x) + np.linalg.norm(x, axis=1) + np.linalg.norm(x[0], 2)
    ),
    np.linalg.solve: lambda x: (
        np.linalg.solve(SQUARE + x[:, :3], x[:, 3] ** 2) + np.linalg.solve(SQUARE, x[:, 0])
    ),
    np.linalg.inv: lambda x: np.linalg.inv(SQUARE + x[:, :3]),
    np.linalg.det: lambda x: np.linalg.det(SQUARE + x[:, :3]),
    np.linalg.slogdet: lambda x: np.linalg.slogdet(SQUARE + x[:, :3])[1],
    np.zeros_like: lambda x: np.zeros_like(x) + x,
    np.ones_like: lambda x: np.ones_like(x) * x,
    np.empty_like: lambda x: 0 * np.exp(np.empty_like(x) * 0) + x,
    np.full_like: lambda x: np.full_like(x, 3.0) * x,
}


def test_every_function_has_a_case():
    assert set(FUNCTIONS) == set(FUNCTION_RULES)


@pytest.mark.parametrize("function", FUNCTION_RULES, ids=lambda function: function.__name__)
def test_every_function(function):
    assert_derivative(FUNCTIONS[function], POINT)


def test_matrix_products():
    for function in (
        lambda x: x @ OTHER.T,
        lambda x: OTHER.T @ x,
        lambda x: x @ x.T,
        lambda x: x[0] @ x[1],
        lambda x: np.matmul(x[None], x.T),
    ):
        assert_derivative(function, POINT)
    assert np.matmul in BILINEAR_UFUNCS


def test_operators_indices_and_assignment():
    def function(x):
        y = np.zeros_like(x)
        y[0] = x[1] ** 2
        y[1, ::2] = 3 / x[2, ::2]
        y[2] = 1.0
        y[y > 0.9] *= 2.0
        y += x[::-1]
        y **= 2
        first, *rest = x
        return y + first * sum(rest) - (-x) ** 3 / (1 + abs(x)) + 2**x + x[..., None].sum(axis=2)

    assert_derivative(function, POINT)


def test_accumulating_ufuncs():
    assert_derivative(lambda x: np.add.reduce(x * x), POINT)
    assert_derivative(lambda x: np.maximum.reduce(x * x, axis=1), POINT)
    assert_derivative(lambda x: np.multiply.reduce(x, axis=None), POINT)


def test_powers_at_zero():
    for power, expected in ((2, 0.0), (1, 1.0), (0, 0.0), (3.0, 0.0)):
        assert (DualArray([0.0], [1.0]) ** power).tangent == expected
    assert (np.power(0.0, DualArray([2.0], [1.0]))).tangent == 0.0
    assert (DualArray([-2.0], [1.0]) ** 3).tangent == 12.0


def test_equal_numbers_share_the_derivative():
    x = DualArray([1.0, 1.0, 0.0], [1.0, 3.0, 9.0])
    assert np.max(x).tangent == 2.0
    assert np.maximum(x[0], x[1]).tangent == 2.0
    assert np.minimum(x[0], x[1]).tangent == 2.0
    assert abs(x[2]).tangent == 0.0


def test_products_with_zeros():
    assert np.prod(DualArray([0.0, 2.0, 3.0], [1.0, 0.0, 0.0])).tangent == 6.0


def test_answers_without_derivatives_are_plain():
    x = DualArray(POINT, OTHER)
    assert (x > 0.5).dtype == bool
    assert np.isfinite(x).all()
    assert np.argmax(x) == np.argmax(POINT) == x.argmax()
    assert np.shape(x) == x.shape == POINT.shape
    assert (np.ndim(x), x.ndim, x.size, len(x), x.dtype) == (2, 2, 12, 3, np.dtype(float))
    assert np.allclose(x, POINT)
    assert np.array_equal(x, POINT)
    assert bool(x[0, 0])
    for ufunc in DISCRETE_UFUNCS:
        assert ufunc(*[x] * ufunc.nin).dtype == bool
    assert np.count_nonzero in DISCRETE_FUNCTIONS


def test_float32_stays():
    x = DualArray(np.float32([1.0, 2.0]), np.float32([1.0, 0.0]))
    assert np.exp(x * 2).dtype == np.float32
    assert x.astype(float).dtype == float


@pytest.mark.parametrize(
    ("function", "match"),
    [
        (np.floor, r"numpy\.floor is constant between its steps"),
        (np.sign, r"numpy\.sign is constant"),
        (lambda x: x // 1, r"numpy\.floor_divide is constant"),
        (np.median, r"numpy\.median has no rule"),
        (np.fft.fft, r"numpy\.fft\.fft has no rule"),
        (np.linalg.eigvalsh, r"numpy\.linalg\.eigvalsh has no rule"),
        (np.nan_to_num, r"numpy\.nan_to_num has no rule"),
        (np.sinc, r"numpy\.sinc has no rule"),
        (lambda x: np.fmod(x, 1.0), r"numpy\.fmod has no rule"),
        (special.j0, "j0 has no rule"),
        (np.asarray, "leave out np.asarray"),
        (lambda x: np.array([x[0], x[1]]), "join with np.stack"),
        (lambda x: float(x[0, 0]), "no float"),
        (lambda x: math.exp(x[0, 0]), "in place of math"),
        (lambda x: OTHER.T.dot(x), "write A @ x"),
        (lambda x: x.astype(int), "int64 would lose"),
        (lambda x: np.add(x, 1, where=x > 0), r"numpy\.add with where"),
        (lambda x: np.add.accumulate(x), r"numpy\.add\.accumulate has no rule"),
        (lambda x: np.add.outer(x, x), r"numpy\.add\.outer has no rule"),
        (lambda x: np.sum(x, out=np.zeros(())), "with out= has no rule"),
        (lambda x: np.sum(x, initial=3.0), "with initial= has no rule"),
        (lambda x: np.max(x, where=x > 0, initial=0), "with initial="),
        (lambda x: np.linalg.norm(x, 1), "ord=1 has no rule"),
        (lambda x: np.einsum(x, [0, 1]), "subscripts as text"),
    ],
)
def test_what_has_no_rule_is_refused_by_name(function, match):
    with pytest.raises(hw.DataTypeError, match=match):
        function(DualArray(POINT, OTHER))


def test_a_plain_array_takes_no_dual_number():
    plain = np.zeros((3, 4))
    with pytest.raises(hw.DataTypeError, match=r"make a new array \(a = a \+ x, not a \+= x\)"):
        plain += DualArray(POINT, OTHER)
    x = DualArray(POINT[0], OTHER[0])
    with pytest.raises(hw.DataError, match="the result has shape"):
        x += POINT
    with pytest.raises(AttributeError, match="no attribute 'argpartition'"):
        x.argpartition(1)


def test_every_ufunc_of_numpy_has_a_rule_or_is_refused():
    x = DualArray(POINT, OTHER)
    ufuncs = {u for name in dir(np) if isinstance(u := getattr(np, name), np.ufunc)}
    for ufunc in ufuncs - set(PARTIALS) - BILINEAR_UFUNCS - DISCRETE_UFUNCS:
        with pytest.raises(hw.DataTypeError):
            ufunc(*[x] * ufunc.nin)
    assert ufuncs >= STEPWISE_UFUNCS


def test_every_function_of_numpy_has_a_rule_or_is_refused():
    """Nothing that is handed over to the class answers without a derivative in silence."""
    handled = set(FUNCTION_RULES) | set(DISCRETE_FUNCTIONS)
    x = DualArray(POINT, OTHER)
    for name in dir(np):
        function = getattr(np, name)
        if not hasattr(function, "_implementation") or function in handled:
            continue
        for args in ((x,), (x, x), (x, x, x), (x, 1)):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    result = function(*args)
            except (TypeError, AttributeError, ValueError):
                continue  # DataTypeError is one
            pytest.fail(f"numpy.{name} answers {result!r}")


def test_shapes_and_kinds():
    with pytest.raises(hw.DataError, match=r"tangent has shape \(3,\), value \(2,\)"):
        DualArray([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(hw.DataTypeError, match="value is of complex128"):
        DualArray([1j])
    with pytest.raises(hw.DataError, match="the shapes"):
        hw.train.directional_derivative(np.sum, POINT, POINT[0])
    with pytest.raises(hw.DataError, match="that does not depend"):
        hw.train.directional_derivative(lambda x: 3.0, POINT, POINT)
    assert repr(DualArray([1.0], [2.0])) == "DualArray([1.0], tangent=[2.0])"
    assert f"{DualArray(1.0, 2.0):.2f}" == "1.00"
    assert repr(DualArray(POINT)) == "DualArray(shape (3, 4))"


def network(p, X, Y, lib):
    """Cross-entropy of a network, in NumPy and in PyTorch."""
    hidden = lib.tanh(X @ p["W"] + p["b"])
    logits = hidden @ p["V"]
    if lib is np:
        top = np.max(logits, axis=1, keepdims=True)
        log_sum = np.log(np.sum(np.exp(logits - top), axis=1)) + top[:, 0]
    else:
        log_sum = lib.logsumexp(logits, dim=1)
    return (log_sum - logits[range(len(Y)), Y]).mean()


def test_a_network_against_pytorch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    p = {"W": rng.normal(size=(4, 6)), "b": rng.normal(size=6), "V": rng.normal(size=(6, 3))}
    Y = np.array([0, 2, 1])
    n = sum(a.size for a in p.values())
    estimate = hw.train.forward_gradient(
        lambda p: network(p, POINT, Y, np), p, n_tangents=n, directions="orthonormal"
    )
    tensors = {name: torch.tensor(a, requires_grad=True) for name, a in p.items()}
    network(tensors, torch.tensor(POINT), torch.tensor(Y), torch).backward()
    for name, tensor in tensors.items():
        np.testing.assert_allclose(estimate.gradient[name], tensor.grad.numpy(), atol=1e-12)
