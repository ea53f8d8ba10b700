"""What the readers share at their ends: refusals in the same words, comparison with the model."""

from __future__ import annotations

import math
from enum import Enum, unique
from typing import Any, NoReturn

import numpy as np

from ..._core.types import Floats
from ...errors import Hint, ModelError
from ..affine_layers import Shape
from ..network import Network

READABLE_LAYERS = (
    "linear and convolutional layers, batch norm at rest, average pooling, moves of entries, sums, "
    "products with constants, ReLU and its kin, absolute value, clips, max pooling, maximum and "
    "minimum, sorting, choices whose branches meet"
)
EXPANSION_ADVICE = (
    "Of a torch module hullwise.dissect(module, X, radius=...) has value and Jacobian at points, "
    "with a proved remainder on a ball"
)
FORWARD_TOLERANCE = 1e-9  # of the largest output: our forward pass against the model's, in float64


@unique
class Refusal(Enum):
    """Why a layer is refused: no exact reading of it exists, or nobody has written it."""

    CURVED = "it is not piecewise affine"
    JUMPS = (
        "it is piecewise affine but not continuous, and networks that jump are not implemented "
        "(regions, slices and distances here are those of continuous functions); masks and signs "
        "are read where what is made of them meets, as in where(x > 0, x, 0)"
    )
    UNREAD = (
        "reading it is not implemented; write it with other layers, or as a module that torch "
        "exports to ONNX in terms of them"
    )


def refuse(
    name: str,
    kind: str,
    why: Refusal = Refusal.UNREAD,
    *,
    part: bool = True,
    hint: Hint | None = None,
) -> NoReturn:
    """Say what a layer is, which of the refusals it is, and (where it can be) what to do."""
    jumps = ", which jumps" * (why is Refusal.JUMPS and "which jumps" not in kind)
    known = "" if why is Refusal.JUMPS else f". Read are {READABLE_LAYERS}"
    advice = f"{EXPANSION_ADVICE}. " if why is Refusal.CURVED else ""
    error = ModelError(
        f"layer {name!r} is a {kind}{jumps}: {why.value}{known}. {advice}"
        f"For where queries stand in the data no network is needed: hullwise.locate"
    )
    if hint is not None:
        error = error.with_hint(hint)
    raise error.with_hint(Hint.READ_PART, f'"{name}"') if part else error


def require_same_outputs(
    net: Network, X: Floats, expected: Any, title: str, tolerance: float = FORWARD_TOLERANCE
) -> None:
    """That our forward pass gives what the model itself gives; never analyse a wrong copy.

    Raises
    ------
    ModelError
        If shapes or numbers differ, or the model gives NaN.
    """
    truth = np.asarray(expected, dtype=np.float64).reshape(len(X), -1)
    outputs = net(X)
    if not np.isfinite(truth).all():
        raise ModelError(f"{title} gives NaN or infinity on ordinary inputs")
    if outputs.shape != truth.shape:
        raise ModelError(
            f"{title} gives {truth.shape[1]} outputs, as read it gives {outputs.shape[1]}: please "
            f"report this model"
        )
    scale = max(float(np.abs(truth).max(initial=0.0)), 1e-300)
    beyond = np.abs(outputs - truth) - net.approximation_errors()
    gap = float(beyond.max(initial=0.0)) / scale
    if gap > tolerance:
        raise ModelError(
            f"{title}, as read, differs from itself by {gap:.1e} of its largest output on test "
            f"inputs (at most {tolerance:.0e} is rounding): it is not analysed. Please report this "
            f"model."
        )


def row_shape(value: Any) -> Shape:
    """The shape of one row, from a number or a sequence of them."""
    return (int(value),) if np.ndim(value) == 0 else tuple(int(s) for s in value)


def probe_rows(shape: Shape, m: int = 8) -> Floats:
    """Test inputs (m, d): zero, small, ordinary and large."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(m, math.prod(shape))) * np.geomspace(0.01, 30, m)[:, None]
    X[0] = 0
    return X
