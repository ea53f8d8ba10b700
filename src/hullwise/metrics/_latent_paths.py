"""Paths through a latent space that the user's encoder and decoder give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._core.types import Floats
from ..errors import DataError
from ._geodesics import straight
from ._path_lengths import is_torch, torch_function

Map = Callable[[Floats], Any]


def latent_path(ends: Floats, steps: int, encoder: Any, decoder: Any) -> tuple[Floats, Floats]:
    """The decoded points (t, d) of the segment between two encoded ends, and its points (t, q)."""
    encode, decode = _maps(encoder, decoder)
    z = _table(encode(ends), 2, None, "encoder")
    latent = straight(z[0], z[1], steps)
    return _table(decode(latent), len(latent), ends.shape[1], "decoder"), latent


def _maps(encoder: Any, decoder: Any) -> tuple[Map, Map]:
    if encoder is None:
        raise DataError(
            "kind='latent' needs an encoder: a function of rows (m, d) to (m, q), or an object "
            "with transform and inverse_transform, such as a fitted PCA"
        )
    decoder = encoder if decoder is None else decoder
    return _map(encoder, "transform", "encoder"), _map(decoder, "inverse_transform", "decoder")


def _map(thing: Any, method: str, name: str) -> Map:
    found = getattr(thing, method, None)
    if found is not None:
        return found  # type: ignore[no-any-return]
    if is_torch(thing):
        return torch_function(thing)
    if callable(thing) and not hasattr(thing, "transform"):
        return thing  # type: ignore[no-any-return]
    raise DataError(
        f"the {name} is a {type(thing).__name__}: it has no {method} and cannot be called. Give "
        f"{name}= a function of rows, or an object with {method}"
    )


def _table(values: Any, m: int, d: int | None, name: str) -> Floats:
    out = np.asarray(values, dtype=np.float64)
    if out.ndim != 2 or len(out) != m or (d is not None and out.shape[1] != d):
        wanted = f"({m}, {'q' if d is None else d})"
        raise DataError(f"the {name} gives shape {out.shape}; expected {wanted}")
    bad = ~np.isfinite(out).all(axis=1)
    if bad.any():
        raise DataError(
            f"the {name} gives NaN or infinity at {int(bad.sum())} of {m} points, first at number "
            f"{int(np.argmax(bad))} of the path (counted from 0)"
        )
    return out
