"""Groups and segments of training rows in the file of a domain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._core.types import Array, Indices
from ..io.archive import pack_texts, unpack_texts
from ..io.mixed_column import ColumnKind
from ..table.columns import SegmentColumn
from ..table.coordinates import Coordinates
from .row_blocks import RowBlocks
from .row_segments import RowSegments

if TYPE_CHECKING:
    from .fitted_table import FittedTable


def block_arrays(fitted: FittedTable) -> dict[str, Array]:
    """What of groups and segments is an array."""
    arrays: dict[str, Array] = {}
    if fitted.segments is not None:
        arrays["segments.codes"] = fitted.segments.codes
    if fitted.blocks is not None:
        arrays["blocks.codes"] = fitted.blocks.codes
        names = pack_texts(fitted.blocks.names)
        arrays |= {f"blocks.names.{name}": part for name, part in names.items()}
    return arrays


def block_header(fitted: FittedTable) -> dict[str, Any]:
    """What of groups and segments is in the header."""
    return {
        "blocks": None if fitted.blocks is None else fitted.blocks.to_json(),
        "segments": None if fitted.segments is None else fitted.segments.to_json(),
    }


def restored_blocks(
    stored: dict[str, Any] | None, arrays: dict[str, Any], n: int
) -> RowBlocks | None:
    """The groups, or blocks of time; ValueError where they are not those of n rows."""
    if stored is None:
        return None
    packed = {part: arrays[f"blocks.names.{part}"] for part in ("bytes", "starts")}
    if packed["starts"].ndim != 1 or len(packed["starts"]) < 2:
        raise ValueError(f"names of {packed['starts'].shape} blocks")
    names = unpack_texts(packed)
    codes = _codes(arrays["blocks.codes"], n, len(names))
    kind = ColumnKind(stored["kind"])
    return RowBlocks(str(stored["column"]), codes, names, kind, stored["forward"] is True)


def restored_segments(
    stored: dict[str, Any] | None, coordinates: Coordinates, arrays: dict[str, Any], n: int
) -> RowSegments | None:
    """The segments of the training rows; ValueError where they are not those of the columns."""
    columns = [c for c in coordinates.columns if isinstance(c, SegmentColumn)]
    if stored is None and not columns:
        return None
    if stored is None or len(columns) != 1 or len(stored["of_level"]) != len(columns[0].levels):
        raise ValueError("segments that are not those of its columns")
    codes = _codes(arrays["segments.codes"], n, len(stored["of_level"]))
    return RowSegments.from_json(stored, codes)


def _codes(stored: Any, n: int, n_names: int) -> Indices:
    codes = np.asarray(stored)
    fits = codes.dtype == np.intp and codes.shape == (n,)
    if not fits or not 0 <= codes.min() <= codes.max() < n_names:
        raise ValueError(f"numbers of {codes.dtype} {codes.shape}, for {n} rows of {n_names} names")
    return codes
