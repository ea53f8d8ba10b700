"""Paths through a latent space that the user's encoder and decoder give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._core.types import Floats
from .._core.wording import type_of
from ..errors import DataError
from ._geodesics import straight_path
from ._torch_gradients import TorchGradients, is_torch

RowFunction = Callable[[Floats], Any]


def latent_path(ends: Floats, steps: int, encoder: Any, decoder: Any) -> tuple[Floats, Floats]:
    """The decoded points (t, d) of the segment between two encoded ends, and its points (t, q)."""
    encode, decode = _encoder_and_decoder(encoder, decoder)
    z = _checked_rows(encode(ends), 2, None, "encoder")
    latent = straight_path(z[0], z[1], steps)
    return _checked_rows(decode(latent), len(latent), ends.shape[1], "decoder"), latent


def _encoder_and_decoder(encoder: Any, decoder: Any) -> tuple[RowFunction, RowFunction]:
    if encoder is None:
        raise DataError(
            "kind='latent' needs an encoder: a function of rows (m, d) to (m, q), or an object "
            "with transform and inverse_transform, such as a fitted PCA"
        )
    decoder = encoder if decoder is None else decoder
    return _row_function(encoder, "transform", "encoder"), _row_function(
        decoder, "inverse_transform", "decoder"
    )


def _row_function(coder: Any, method: str, name: str) -> RowFunction:
    function = getattr(coder, method, None)
    if function is not None:
        return function  # type: ignore[no-any-return]
    if is_torch(coder):
        return TorchGradients(coder).function()
    if callable(coder) and not hasattr(coder, "transform"):
        return coder  # type: ignore[no-any-return]
    raise DataError(
        f"the {name} is {type_of(coder)}: it has no {method} and cannot be called. Give "
        f"{name}= a function of rows, or an object with {method}"
    )


def _checked_rows(values: Any, m: int, d: int | None, name: str) -> Floats:
    out = np.asarray(values, dtype=np.float64)
    if out.ndim != 2 or len(out) != m or (d is not None and out.shape[1] != d):
        expected = f"({m}, {'q' if d is None else d})"
        raise DataError(f"the {name} gives shape {out.shape}; expected {expected}")
    bad = ~np.isfinite(out).all(axis=1)
    if bad.any():
        raise DataError(
            f"the {name} gives NaN or infinity at {int(bad.sum())} of {m} points, first at number "
            f"{int(np.argmax(bad))} of the path (counted from 0)"
        )
    return out
