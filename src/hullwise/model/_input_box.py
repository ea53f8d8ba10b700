"""Boxes of the input space as users give them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.types import Floats
from ..errors import DataError
from .network import Network


def input_box(net: Network, box: Any) -> tuple[Floats, Floats]:
    """Lower and upper ends (d,) of a box given as a half width, a pair, or None."""
    if box is None:
        return np.full(net.n_inputs, -np.inf), np.full(net.n_inputs, np.inf)
    return box_ends(box, net.n_inputs)


def box_ends(box: Any, d: int, *, may_be_flat: bool = False) -> tuple[Floats, Floats]:
    """Lower and upper ends (d,) of a bounded box given as a half width or a pair.

    Where it `may_be_flat` the ends of an input may be equal.
    """
    try:
        if np.ndim(box) == 0 and not isinstance(box, bool):
            half = float(box)
            lower, upper = np.full(d, -half), np.full(d, half)
        else:
            lower, upper = (np.broadcast_to(np.asarray(e, float).reshape(-1), (d,)) for e in box)
    except (TypeError, ValueError, OverflowError):
        raise DataError(
            f"box={box!r}: expected a half width, or a pair (lower, upper) of numbers or of {d} "
            f"numbers each."
        ) from None
    in_order = lower <= upper if may_be_flat else lower < upper
    if not (np.isfinite(lower).all() and np.isfinite(upper).all() and in_order.all()):
        raise DataError(
            f"box={box!r}: expected finite ends, the lower below the upper in every input."
        )
    return lower.copy(), upper.copy()
