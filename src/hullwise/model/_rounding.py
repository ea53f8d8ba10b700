"""What rounding may leave of a zero: tolerances, and a layer's sums of magnitudes."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from .affine_layers import Affine, Sum

RELATIVE_TOLERANCE = 1e-12  # of a wall's largest value: less is zero
SUM_ROUNDOFF = 2.0**-49  # of the magnitudes added up: what rounding may leave of a zero


def absolute(op: Affine) -> Affine:
    """The layer with every number in it made positive."""
    if isinstance(op, Sum):
        return Sum(tuple(abs(f) for f in op.factors))
    real = {
        f.name: np.abs(getattr(op, f.name))
        for f in fields(op)  # type: ignore[arg-type]
        if isinstance(getattr(op, f.name), np.ndarray) and getattr(op, f.name).dtype.kind == "f"
    }
    return replace(op, **real)  # type: ignore[type-var]
