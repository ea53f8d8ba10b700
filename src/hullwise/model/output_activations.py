"""What a model applies to its outputs behind its last affine piece, and the readers leave out.

A softmax, a sigmoid or an exponential at the end is not piecewise affine, but it is increasing:
regions and the largest output are those of what enters it. Values and gradients are not, so a
network names what was left out and can apply it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from scipy import special

from .._core.types import Floats
from ..errors import ModelError
from .affine_layers import Shape

Elementwise = Callable[[Floats, float], Floats]
SELU_SCALE, SELU_ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717

LARGEST_EXPONENT = 709.0  # its exponential is finite: slopes stay so


def _elu(y: Floats, a: float) -> Floats:
    return np.where(y > 0, y, a * np.expm1(np.minimum(y, 0)))


def _elu_slope(y: Floats, a: float) -> Floats:
    return np.where(y > 0, 1.0, a * np.exp(np.minimum(y, 0)))


# kind: (function, its slope), both of y and of the parameter that some kinds have
ELEMENTWISE: dict[str, tuple[Elementwise, Elementwise]] = {
    "sigmoid": (lambda y, a: special.expit(y), lambda y, a: special.expit(y) * special.expit(-y)),
    "logsigmoid": (lambda y, a: special.log_expit(y), lambda y, a: special.expit(-y)),
    "tanh": (lambda y, a: np.tanh(y), lambda y, a: 1 / np.cosh(np.clip(y, -400, 400)) ** 2),
    "exp": (lambda y, a: np.exp(y), lambda y, a: np.exp(np.minimum(y, LARGEST_EXPONENT))),
    "softplus": (lambda y, a: np.logaddexp(0, a * y) / a, lambda y, a: special.expit(a * y)),
    "softsign": (lambda y, a: y / (1 + np.abs(y)), lambda y, a: 1 / (1 + np.abs(y)) ** 2),
    "elu": (_elu, _elu_slope),
    "celu": (lambda y, a: a * _elu(y / a, 1.0), lambda y, a: _elu_slope(y / a, 1.0)),
    "selu": (
        lambda y, a: SELU_SCALE * _elu(y, SELU_ALPHA),
        lambda y, a: SELU_SCALE * _elu_slope(y, SELU_ALPHA),
    ),
    "arctan": (lambda y, a: np.arctan(y), lambda y, a: 1 / (1 + y**2)),
    "erf": (lambda y, a: special.erf(y), lambda y, a: 2 / np.sqrt(np.pi) * np.exp(-(y**2))),
    "sinh": (
        lambda y, a: np.sinh(y),
        lambda y, a: np.cosh(np.clip(y, -LARGEST_EXPONENT, LARGEST_EXPONENT)),
    ),
    "arcsinh": (lambda y, a: np.arcsinh(y), lambda y, a: 1 / np.hypot(1, y)),
}
ACROSS = ("softmax", "log_softmax")  # kinds that mix the outputs of one row


@dataclass(frozen=True)
class OutputActivation:
    """A function behind a network's outputs: increasing in each, or a softmax over some.

    Attributes
    ----------
    kind : str
        One of `ELEMENTWISE` or `ACROSS`.
    layer : str
        Its name in the model that was read; empty where it has none.
    parameter : float
        alpha of elu and celu, beta of softplus.
    shape : tuple of int, optional
        For a softmax, the shape of one row's outputs where it is applied; None: they are flat.
    axis : int
        For a softmax, the axis of `shape` (without the batch) that sums to one.

    Raises
    ------
    ModelError
        If the kind is not known or the parameter is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> import hullwise as hw
    >>> softmax = hw.model.OutputActivation("softmax", "head.2")
    >>> str(softmax)
    "softmax ('head.2')"
    >>> softmax(np.log([[1.0, 3.0]]))
    array([[0.25, 0.75]])
    """

    kind: str
    layer: str = ""
    parameter: float = 1.0
    shape: Shape | None = None
    axis: int = -1

    def __post_init__(self) -> None:
        if not isinstance(self.kind, str) or self.kind not in (*ELEMENTWISE, *ACROSS):
            kinds = ", ".join([*ACROSS, *ELEMENTWISE])
            raise ModelError(f"{self.kind!r} is no output activation; there are {kinds}")
        number = isinstance(self.parameter, Real) and not isinstance(self.parameter, bool)
        if not number or not 0 < self.parameter < np.inf:
            raise ModelError(f"the parameter of {self.kind} is {self.parameter!r}, not positive")

    def _shaped(self, Y: Floats) -> tuple[Floats, int]:
        """Outputs (m, n) in the shape that a softmax sees, and its axis there."""
        shape = (Y.shape[-1],) if self.shape is None else self.shape
        from_end = self.axis - len(shape) if self.axis >= 0 else self.axis
        return Y.reshape(*Y.shape[:-1], *shape), from_end

    def __call__(self, Y: Floats) -> Floats:
        """The model's outputs (m, n) from the network's (m, n)."""
        if self.kind in ELEMENTWISE:
            with np.errstate(over="ignore"):
                return np.asarray(ELEMENTWISE[self.kind][0](Y, self.parameter))
        shaped, axis = self._shaped(Y)
        apply = special.softmax if self.kind == "softmax" else special.log_softmax
        return np.asarray(apply(shaped, axis=axis)).reshape(Y.shape)

    def pull(self, Y: Floats, seeds: Floats) -> Floats:
        """Weights (m, T, n) of the outputs behind it as weights of those before it, at Y (m, n).

        The adjoint of its derivative: ``seeds = identity`` gives the Jacobian.
        """
        if self.kind in ELEMENTWISE:
            with np.errstate(over="ignore"):
                return np.asarray(seeds * ELEMENTWISE[self.kind][1](Y, self.parameter)[:, None])
        shaped, axis = self._shaped(Y)
        p = special.softmax(shaped, axis=axis)[:, None]
        g, _ = self._shaped(seeds)
        if self.kind == "softmax":
            out = p * (g - (p * g).sum(axis=axis, keepdims=True))
        else:
            out = g - p * g.sum(axis=axis, keepdims=True)
        return np.asarray(out).reshape(seeds.shape)

    def __str__(self) -> str:
        return self.kind + (f" ({self.layer!r})" if self.layer else "")


def applied(activations: tuple[OutputActivation, ...], Y: Floats) -> Floats:
    """All of them in order on outputs Y (m, n)."""
    for activation in activations:
        Y = activation(Y)
    return Y


def pulled(activations: tuple[OutputActivation, ...], Y: Floats, seeds: Floats) -> Floats:
    """Weights (m, T, n) of the last one's outputs as weights of what enters the first, at Y."""
    inputs: list[Any] = [Y]
    for activation in activations[:-1]:
        inputs.append(activation(inputs[-1]))
    for activation, y in zip(reversed(activations), reversed(inputs), strict=False):
        seeds = activation.pull(y, seeds)
    return seeds
