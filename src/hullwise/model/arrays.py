"""A network from plain arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._core.wording import type_of
from ..errors import ModelError
from ._piecewise_layers import pieces
from .affine_layers import Linear
from .builder import Builder
from .network import Network

ACTIVATIONS: dict[str, tuple[list[float], list[float]]] = {
    "relu": ([0.0], [0.0, 1.0]),
    "leaky_relu": ([0.0], [0.01, 1.0]),
    "abs": ([0.0], [-1.0, 1.0]),
}


def from_arrays(
    weights: Sequence[Any], biases: Sequence[Any] | None = None, *, activation: str = "relu"
) -> Network:
    """A fully connected network from weights W_l (out, in) and biases b_l (out).

    Parameters
    ----------
    weights : sequence of array (out, in)
        One per affine layer, the first acting on the input.
    biases : sequence of array (out,), optional
        None: all zero.
    activation : {"relu", "leaky_relu", "abs"}
        The units after every affine layer but the last.

    Returns
    -------
    Network

    Raises
    ------
    ModelError
        If shapes do not fit together or a number is NaN or infinite.

    Examples
    --------
    >>> import hullwise as hw
    >>> hw.model.from_arrays([[[1.0, 2.0]], [[1.0]]])
    Network(2 inputs, 1 output, 1 unit in 1 layer, from arrays)
    """
    if not isinstance(activation, str) or activation not in ACTIVATIONS:
        raise ModelError(f"activation is {activation!r}, not one of {', '.join(ACTIVATIONS)}")
    if not _is_sequence(weights) or not (biases is None or _is_sequence(biases)):
        raise ModelError(
            "weights and biases are sequences of arrays, one for each affine layer; "
            f"these are {type(weights).__name__} and {type(biases).__name__}"
        )
    if not len(weights):
        raise ModelError("weights is empty; give one array (out, in) per affine layer")
    if biases is not None and len(biases) != len(weights):
        raise ModelError(f"{len(weights)} weights but {len(biases)} biases: one of each per layer")
    arrays = [_matrix(W, i) for i, W in enumerate(weights)]
    build, last = Builder(arrays[0].shape[1:]), 0
    for i, W in enumerate(arrays):
        b = None if biases is None else _numbers(biases[i], f"bias {i}").reshape(-1)
        if b is not None and len(b) != len(W):
            raise ModelError(f"bias {i} has {len(b)} entries for {len(W)} rows of weight {i}")
        last = build.add(f"linear{i}", Linear(W, b), last)
        if i + 1 < len(arrays):
            units = pieces(activation, len(W), *ACTIVATIONS[activation])
            last = build.add(f"{activation}{i}", units, last)
    return build.network()


def _is_sequence(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim > 0
    return isinstance(value, Sequence) and not isinstance(value, str)


def _numbers(value: Any, name: str) -> Any:
    try:
        return np.array(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ModelError(f"{name} is no array of numbers, but {type_of(value)}") from None


def _matrix(W: Any, i: int) -> Any:
    array = _numbers(W, f"weight {i}")
    if array.ndim != 2 or not array.size:
        raise ModelError(f"weight {i} has shape {array.shape}, not (out, in)")
    return array
