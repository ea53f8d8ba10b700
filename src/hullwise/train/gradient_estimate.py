"""Gradients without backpropagation: derivatives in random directions, by forward differentiation.

After A. G. Baydin, B. A. Pearlmutter, D. Syme, F. Wood, P. Torr (2022), Gradients without
Backpropagation.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._core.results import RecordResult
from .._core.types import Floats
from .._core.wording import type_of
from ..errors import DataTypeError
from ._direction_theory import check_perturb

__all__ = ["ForwardGradient", "forward_gradient"]


@dataclass(frozen=True, eq=False, repr=False)
class ForwardGradient(RecordResult):
    """An unbiased estimate of a gradient, and how far off it is; made by `forward_gradient`.

    Attributes
    ----------
    gradient : tree of arrays or tensors
        Shaped like the parameters; of a module a dictionary by the parameters' names.
    value : float
        Of the function at the parameters.
    derivatives : ndarray (K,)
        Along each of the K tangents; (K, rows) where the loss is one for each row.
    squared_norm : float
        An estimate, without bias, of |grad|^2; it may be negative where activations are perturbed.
    variance : float
        An estimate, without bias, of E|gradient - grad|^2. Both are NaN where activations are
        perturbed along one tangent, which says nothing of its own spread.
    n_parameters : int
        Numbers in the gradient.
    n_perturbed : int
        Numbers in a tangent; of one row's, where the loss is one for each row.
    directions, perturb : str

    Examples
    --------
    >>> torch = __import__("pytest").importorskip("torch")
    >>> import hullwise as hw
    >>> hw.train.forward_gradient(lambda x: (x**2).sum(), torch.ones(100))
    ForwardGradient(value 100; 100 parameters, 1 rademacher tangent:
        |grad| about 24, off by 2.4e+02)
    """

    gradient: Any
    value: float
    derivatives: Floats
    squared_norm: float
    variance: float
    n_parameters: int
    n_perturbed: int
    directions: str
    perturb: str

    @property
    def norm(self) -> float:
        """An estimate of |grad|: the root of `squared_norm`."""
        return float(np.sqrt(np.maximum(self.squared_norm, 0.0)))

    @property
    def error(self) -> float:
        """An estimate of the root of E|gradient - grad|^2: the root of `variance`."""
        return float(np.sqrt(np.maximum(self.variance, 0.0)))

    @property
    def _size(self) -> str:
        if np.isnan(self.variance):
            return "how far off takes two tangents to say"
        return f"|grad| about {self.norm:.2g}, off by {self.error:.2g}"

    def __repr__(self) -> str:
        K = len(self.derivatives)
        return (
            f"ForwardGradient(value {self.value:.6g}; {self.n_parameters:,} "
            f"parameter{'s' * (self.n_parameters != 1)}, {K} {self.directions} "
            f"tangent{'s' * (K != 1)}: {self._size})"
        )


def forward_gradient(
    function: Callable[[Any], Any],
    parameters: Any,
    *,
    n_tangents: int = 1,
    directions: str = "rademacher",
    perturb: str = "weights",
    random_state: Any = 0,
) -> ForwardGradient:
    """Estimate a gradient from derivatives in random directions, without a backward pass.

    Parameters
    ----------
    function : callable
        Takes the parameters and returns one number; of a module, takes the module and returns its
        loss: ``lambda net: cross_entropy(net(X), y)``.
    parameters : torch.nn.Module, tensor, or tree of tensors
        Where the gradient is taken: of a module its parameters that require gradients, or
        dictionaries, lists and tuples of tensors.
    n_tangents : int, default=1
        K, the number of random directions: one forward pass each, and their estimates averaged.
    directions : {"rademacher", "gaussian", "orthonormal"}
        Independent signs, independent normals, or K directions at right angles.
    perturb : {"weights", "activations"}
        Of a module: move the weights, or what each layer with weights returns.
    random_state : int, torch.Generator or numpy.random.Generator, default=0
        A number draws the same tangents in every call: in a loop pass a generator.

    Returns
    -------
    ForwardGradient

    Raises
    ------
    DataError
        The function does not return one finite number, does not depend on the parameters, changes
        them, uses them outside of the layers that are perturbed, or differs from pass to pass; a
        parameter is not of floating point; there are no tangents, or more orthonormal ones than
        numbers.
    DataTypeError
        A parameter is of another kind.
    ModelError
        An operation has no forward derivative, or a layer's output cannot be perturbed.

    Notes
    -----
    For a tangent v with E vv' = I the estimate (grad'v) v has the mean grad. Its variance
    E|estimate - grad|^2 over K tangents, for n numbers, is |grad|^2 times (n - 1) / K for signs,
    (n + 1) / K for normals, and n / K - 1 for orthonormal directions, where K = n gives the
    gradient itself. (grad'v)^2 has the mean |grad|^2: from its average both are estimated.

    With `perturb="activations"` tangents move the outputs of layers (Ren et al. 2023); an output's
    gradient is estimated, and the layer's own derivative takes it to its weights. Then n is the
    number of outputs, which is less than that of weights; a function that returns a loss for each
    row, (rows,), gets a derivative for each, and n is the number of one row's outputs: the gradient
    is that of the mean. Rows must not meet then. The variance of the weights' gradient is estimated
    from its spread over the tangents.

    Every pass draws the random numbers of the first (dropout drops the same units in all of them)
    and normalisation moves its running means once.

    Cost: K passes that carry a tangent beside each number, n numbers for the tangent and n for the
    sum; orthonormal directions n K numbers and O(n K^2) more.

    Source: Baydin, Pearlmutter, Syme, Wood & Torr (2022), Gradients without Backpropagation; Ren,
    Kornblith, Liao & Hinton (2023), Scaling Forward Gradient with Local Losses.

    Examples
    --------
    >>> torch = __import__("pytest").importorskip("torch")
    >>> import hullwise as hw
    >>> x = torch.arange(1.0, 5.0)
    >>> exact = hw.train.forward_gradient(
    ...     lambda x: (x**2).sum(), x, n_tangents=4, directions="orthonormal")
    >>> [round(float(g), 4) for g in exact.gradient]
    [2.0, 4.0, 6.0, 8.0]
    """
    check_perturb(perturb)
    if _is_torch(parameters):
        from ._torch_forward_gradient import torch_forward_gradient

        return torch_forward_gradient(
            function, parameters, n_tangents, directions, perturb, random_state
        )
    if perturb != "weights":
        raise DataTypeError(
            "perturb='activations' needs a torch.nn.Module, whose layers have outputs to perturb; "
            f"parameters is {type_of(parameters)}."
        )
    from ._numpy_forward_gradient import numpy_forward_gradient

    return numpy_forward_gradient(function, parameters, n_tangents, directions, random_state)


def _is_torch(parameters: Any) -> bool:
    """Whether there is a module or a tensor among them; torch is not imported to see that."""
    from ._trees import leaves_of

    torch = sys.modules.get("torch")
    if torch is None:
        return False
    kinds = (torch.Tensor, torch.nn.Module)
    return any(isinstance(leaf, kinds) for _, leaf in leaves_of(parameters))
