"""How far out the rows are, as the plain numbers of a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._core.types import Floats, Mask, Objects
from ..geometry.bands import BAND_NAMES
from ..geometry.verdict import Verdict
from .words import printable

if TYPE_CHECKING:
    from ..geometry.location import Location

HISTOGRAM_BINS = 36
FAR_CODE = BAND_NAMES.index("far")


def rounded_list(values: Floats, digits: int = 4) -> list[float | None]:
    """Rounded to `digits` significant digits; what is not finite becomes null."""
    return [float(f"{v:.{digits}g}") if np.isfinite(v) else None for v in values.tolist()]


def band_codes(location: Location) -> NDArray[np.int8]:
    """(m,) place of each row's band in `BAND_NAMES`."""
    codes = np.full(len(location), BAND_NAMES.index("unknown"), dtype=np.int8)
    for code, name in enumerate(BAND_NAMES):
        codes[location.band == name] = code
    return codes


def row_name(labels: Objects | None, row: int, limit: int = 60) -> str:
    """What a row is called."""
    return f"row {row}" if labels is None else printable(labels[row], limit)


def distribution(location: Location, codes: NDArray[np.int8]) -> dict[str, Any]:
    """Histogram of the outside rows by band and of the training rows on one axis; zeros apart.

    Far rows off the flat have a bar of their own past the end of the axis: their distance does
    not say how far they are.
    """
    distance, outside = location.distance, location.verdict == Verdict.OUTSIDE
    off = far_off_flat(location, codes)
    on_axis = distance[outside & ~off]
    reference = location.reference[np.isfinite(location.reference)]
    reference_out = reference[reference > 0]
    edges, log = _edges(np.concatenate([on_axis[on_axis > 0], reference_out]))
    end = float(edges[-1])
    if off.any():
        edges = np.append(edges, end * (end / edges[-3]) if log else 2 * end - edges[-3])
        distance = np.where(off, edges[-1], distance)
    bands, inside = range(len(BAND_NAMES)), location.verdict == Verdict.INSIDE
    return {
        "log": log,
        "edges": rounded_list(edges, 6),
        "queries": [_counts(distance[outside & (codes == b)], edges) for b in bands],
        "training": _counts(reference_out, edges),
        "inside": [int(np.sum(inside & (codes == b))) for b in bands],
        "undecided": int(np.sum(location.verdict == Verdict.UNDECIDED)),
        "trainingInside": len(reference) - len(reference_out),
        "trainingTotal": len(reference),
        "total": len(distance),
        "measure": "distance",
        "trainingText": f"{len(reference):,} training rows, each left out in turn",
        "offFlat": int(off.sum()),
        "segments": _segments(location, distance, codes, off, (end, float(edges[-1]))),
    }


def far_off_flat(location: Location, codes: NDArray[np.int8]) -> Mask:
    """(m,) rows that are far because they leave the flat that the training rows span."""
    outside = location.verdict == Verdict.OUTSIDE
    return np.asarray(location.off_flat & (codes == FAR_CODE) & outside)


def _counts(distance: Floats, edges: Floats) -> list[int]:
    counts: list[int] = np.histogram(np.clip(distance, edges[0], edges[-1]), edges)[0].tolist()
    return counts


def _edges(positive: Floats) -> tuple[Floats, bool]:
    if positive.size == 0:
        return np.linspace(0.0, 1.0, HISTOGRAM_BINS + 1), False
    high = float(positive.max())
    low, middle = (float(v) for v in np.quantile(positive, [0.005, 0.5]))
    # A linear axis would press half of the rows into its first eighth.
    if high > 8 * middle:
        low = max(low, high * 1e-12)
        return np.geomspace(low, high, HISTOGRAM_BINS + 1), True
    return np.linspace(0.0, high * 1.02, HISTOGRAM_BINS + 1), False


def _segments(
    location: Location,
    distance: Floats,
    codes: NDArray[np.int8],
    off: Mask,
    ends: tuple[float, float],
) -> list[tuple[str, float, float]]:
    """Where on the axis each band lies: (name, from, to); the axis ends at the last of `ends`."""
    if not location.reference.size:
        return []
    limits = location.band_limits or _observed_limits(distance[~off], codes[~off])
    if not any(np.isfinite(limits)):
        return []
    if off.any():
        # The bar of their own belongs to far, wherever the axis of distances ends.
        limits[2] = float(np.fmin(limits[2], ends[0]))
    names, marks = [BAND_NAMES[0]], [0.0]
    for name, limit in zip(BAND_NAMES[1:4], limits):
        if not np.isfinite(limit) or limit < marks[-1]:
            continue
        if limit == marks[-1]:
            names[-1] = name
        else:
            names.append(name)
            marks.append(float(limit))
    stops = [*marks[1:], max(ends[1], marks[-1])]
    return [(name, a, b) for name, a, b in zip(names, marks, stops) if b > a]


def _observed_limits(distance: Floats, codes: NDArray[np.int8]) -> list[float]:
    """The least distance of a row in each band, where the bands do not overlap."""
    limits = []
    for band in (1, 2, 3):
        below, here = distance[codes < band], distance[codes == band]
        apart = here.size > 0 and (below.size == 0 or float(below.max()) <= float(here.min()))
        limits.append(float(here.min()) if apart else np.nan)
    return limits
