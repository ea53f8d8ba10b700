"""The two drawings of the report as plain numbers: the distribution and the map."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from .._core.types import Floats, Ints
from .words import format_number, plain, rows, share, training

if TYPE_CHECKING:
    from ..geometry.location import Location

BANDS = ("core", "edge", "beyond", "far", "unknown")
BINS = 36
LEADING = 3
MOST_TRAINING = 2100


def finite_list(values: Floats, digits: int = 4) -> list[float | None]:
    """Rounded to `digits` significant digits; what is not finite becomes null."""
    return [float(f"{v:.{digits}g}") if np.isfinite(v) else None for v in values.tolist()]


def band_codes(location: Location) -> NDArray[np.int8]:
    codes = np.full(location.band.shape[0], BANDS.index("unknown"), dtype=np.int8)
    for code, name in enumerate(BANDS):
        codes[location.band == name] = code
    return codes


def relative_change(location: Location, residual: Floats) -> Floats:
    """|residual| as a share of each feature's training range, infinite where that is zero."""
    width = location.box_maximum - location.box_minimum
    size = np.abs(residual)
    # A constant column reached through convex weights is off by rounding alone.
    noise = 1e-12 * np.maximum(np.abs(location.box_minimum), np.abs(location.box_maximum))
    size = np.where((width == 0) & (size <= noise), 0.0, np.nan_to_num(size))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.where(size > 0, size / width, 0.0)


def leading_features(location: Location, k: int = LEADING) -> NDArray[np.int32]:
    """(m, k) signed features: j + 1 too low, -(j + 1) too high in feature j, 0 none.

    A feature counts when its share of the training range is at least a tenth of the row's largest.
    """
    m, d = location.queries.shape
    found = np.zeros((m, k), dtype=np.int32)
    if location.membership_only:
        return found
    outside = np.flatnonzero(location.verdict == -1)
    step = max(1, 2_000_000 // d)
    for start in range(0, len(outside), step):
        chosen = outside[start : start + step]
        residual = location.residual[chosen]
        ratio = relative_change(location, residual)
        line = np.arange(len(chosen))
        least = ratio.max(axis=1) / 10
        for place in range(min(k, d)):
            best = ratio.argmax(axis=1)
            value = ratio[line, best]
            sign = np.where(residual[line, best] < 0, -1, 1)
            found[chosen, place] = np.where((value > 0) & (value >= least), sign * (best + 1), 0)
            ratio[line, best] = -1.0
    return found


def distribution(location: Location, distance: Floats, codes: NDArray[np.int8]) -> dict[str, Any]:
    """Histogram of the outside rows by band and of the training rows on one axis; zeros apart.

    Far rows off the flat have a bar of their own past the end of the axis: their distance does
    not say how far they are.
    """
    outside = location.verdict == -1
    off = far_off_flat(location, codes)
    beyond = distance[outside & ~off]
    reference = location.reference[np.isfinite(location.reference)]
    reference_out = reference[reference > 0]
    edges, log = _edges(np.concatenate([beyond[beyond > 0], reference_out]))
    end = float(edges[-1])
    if off.any():
        edges = np.append(edges, end * (end / edges[-3]) if log else 2 * end - edges[-3])
        distance = np.where(off, edges[-1], distance)
    counts = [
        np.histogram(np.clip(distance[outside & (codes == b)], edges[0], edges[-1]), edges)[0]
        for b in range(len(BANDS))
    ]
    training = np.histogram(np.clip(reference_out, edges[0], edges[-1]), edges)[0]
    inside = [int(np.sum((location.verdict == 1) & (codes == b))) for b in range(len(BANDS))]
    return {
        "log": log,
        "edges": finite_list(edges, 6),
        "queries": [c.tolist() for c in counts],
        "training": training.tolist(),
        "inside": inside,
        "undecided": int(np.sum(location.verdict == 0)),
        "trainingInside": len(reference) - len(reference_out),
        "trainingTotal": len(reference),
        "total": len(distance),
        "offFlat": int(off.sum()),
        "segments": _segments(location, distance, codes, off, (end, float(edges[-1]))),
    }


def far_off_flat(location: Location, codes: NDArray[np.int8]) -> NDArray[np.bool_]:
    """(m,) rows that are far because they leave the flat that the training rows span."""
    return np.asarray(location.off_flat & (codes == BANDS.index("far")) & (location.verdict == -1))


def _edges(positive: Floats) -> tuple[Floats, bool]:
    if positive.size == 0:
        return np.linspace(0.0, 1.0, BINS + 1), False
    high = float(positive.max())
    low, middle = (float(v) for v in np.quantile(positive, [0.005, 0.5]))
    # A linear axis would press half of the rows into its first eighth.
    if high > 8 * middle:
        low = max(low, high * 1e-12)
        return np.geomspace(low, high, BINS + 1), True
    return np.linspace(0.0, high * 1.02, BINS + 1), False


def _segments(
    location: Location,
    distance: Floats,
    codes: NDArray[np.int8],
    off: NDArray[np.bool_],
    ends: tuple[float, float],
) -> list[tuple[str, float, float]]:
    """Where on the axis each band lies: (name, from, to); the axis ends at the last of `ends`."""
    if not location.reference.size:
        return []
    limits: list[float] = list(
        location.band_limits or _observed_limits(distance[~off], codes[~off])
    )
    if not any(np.isfinite(limits)):
        return []
    if off.any():
        # The bar of their own belongs to far, wherever the axis of distances ends.
        limits[2] = float(np.fmin(limits[2], ends[0]))
    names, marks = [BANDS[0]], [0.0]
    for name, limit in zip(BANDS[1:4], limits):
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


def project(location: Location, points: Floats) -> Floats:
    """(k, 2) coordinates on the map."""
    plane = location.plane
    assert plane is not None
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray((points - plane.centre) / plane.scale @ plane.axes.T, dtype=np.float64)


def outline(points: Floats) -> Floats:
    """Corners of the convex hull of points in the plane, counter-clockwise; one or two if flat."""
    if len(points) == 0:
        return points
    middle = points.mean(axis=0)
    width = float(np.abs(points - middle).max())
    if width == 0:
        return points[:1]
    unit = (points - middle) / width
    direction = np.linalg.svd(unit, full_matrices=False)[2]
    if float(np.ptp(unit @ direction[1])) > 1e-9:
        try:
            return np.asarray(points[ConvexHull(unit).vertices], dtype=np.float64)
        except QhullError:
            pass
    along = unit @ direction[0]
    return points[[int(along.argmin()), int(along.argmax())]]


def within(points: Floats, corners: Floats) -> NDArray[np.bool_]:
    """Whether each point lies in the polygon `outline` returned, up to 1e-9 of its width."""
    width = max(float(np.ptp(corners, axis=0).max()), np.finfo(float).tiny)
    with np.errstate(over="ignore"):
        points = (points - corners[0]) / width
    corners = (corners - corners[0]) / width
    slack = 1e-9
    if len(corners) == 1:
        return np.asarray(np.abs(points).max(axis=1) <= slack)
    inside = np.ones(len(points), dtype=bool)
    # Two corners are walked there and back: the half-planes then leave the line alone.
    for a, b in pairwise([*corners, corners[0]]):
        edge = b - a
        length = float(np.hypot(*edge))
        offset = points - a
        with np.errstate(over="ignore", invalid="ignore"):
            inside &= edge[0] * offset[:, 1] - edge[1] * offset[:, 0] >= -slack * length
        if len(corners) == 2:
            inside &= offset @ edge >= -slack * length
    return inside


def picture(
    location: Location,
    distance: Floats,
    codes: NDArray[np.int8],
    leading: NDArray[np.int32],
    limit: int,
) -> dict[str, Any] | None:
    """The map: sampled training rows, their outline, at most `limit` queries, what it hides."""
    if location.plane is None or limit == 0:
        return None
    seen = project(location, location.plane.sample)
    seen = seen[np.isfinite(seen).all(axis=1)][:MOST_TRAINING]
    if len(seen) == 0:
        return None
    corners = outline(seen)
    places, hidden = _place_queries(location, corners)
    chosen = _choose(codes, distance, np.flatnonzero(np.isfinite(places).all(axis=1)), limit)
    points = places[chosen]
    flat = _is_flat(seen, points)
    if flat:
        seen, points = _spread(seen), _spread(points)
    return {
        "training": [finite_list(seen[:, 0]), finite_list(seen[:, 1])],
        "outline": [finite_list(c, 6) for c in (_span(corners) if flat else corners)],
        "flat": flat,
        "x": finite_list(points[:, 0], 5),
        "y": finite_list(points[:, 1], 5),
        "views": _views(seen, points),
        "shares": _shares(location),
        "hides": _what_it_hides(location, hidden),
        "drawn": _what_is_drawn(location, codes, chosen, len(seen)),
        **_what_rows_say(location, codes, leading, chosen),
    }


def _place_queries(location: Location, corners: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """(m, 2) coordinates of every query, and which fall within the outline."""
    m, d = location.queries.shape
    places, hidden = np.empty((m, 2)), np.zeros(m, dtype=bool)
    step = max(1, 4_000_000 // d)
    for start in range(0, m, step):
        block = slice(start, start + step)
        places[block] = project(location, location.queries[block])
    drawable = np.isfinite(places).all(axis=1)
    hidden[drawable] = within(places[drawable], corners)
    return places, hidden


def _what_rows_say(
    location: Location, codes: NDArray[np.int8], leading: NDArray[np.int32], chosen: Ints
) -> dict[str, Any]:
    """What pointing at a row of the map shows; features by their place in a list of the used."""
    used, position = np.unique(np.abs(leading[chosen]), return_inverse=True)
    if used.size == 0 or used[0] != 0:
        # The sign tells too high from too low, so that place 0 must stay empty.
        used, position = np.r_[0, used], position + 1
    return {
        "band": codes[chosen].tolist(),
        "verdict": location.verdict[chosen].tolist(),
        "lower": finite_list(location.lower[chosen]),
        "upper": finite_list(location.upper[chosen]),
        "percentile": finite_list(location.hull_percentile[chosen]),
        "label": [row_name(location.labels, i, 40) for i in chosen.tolist()],
        "names": ["" if j == 0 else plain(location.columns[j - 1], 40) for j in used.tolist()],
        "push": (position.reshape(-1, LEADING) * np.sign(leading[chosen])).tolist(),
    }


def row_name(labels: NDArray[Any] | None, row: int, limit: int = 60) -> str:
    return f"row {row}" if labels is None else plain(labels[row], limit)


def _shares(location: Location) -> list[float]:
    if location.plane is None:
        return []
    return [float(v) for v in np.nan_to_num(location.plane.share).tolist()]


def _choose(codes: NDArray[np.int8], distance: Floats, drawable: Ints, limit: int) -> Ints:
    """Rows to draw, core first so that far rows end on top; far rows have the first claim."""
    far = drawable[codes[drawable] == BANDS.index("far")]
    other = drawable[codes[drawable] != BANDS.index("far")]
    kept_other = min(len(other), max(limit - len(far), limit // 5))
    rng = np.random.default_rng(0)
    far_kept = far[np.argsort(-distance[far], kind="stable")[:20]]
    rest = np.setdiff1d(far, far_kept)
    room = min(len(rest), limit - kept_other - len(far_kept))
    chosen = np.concatenate(
        [
            far_kept,
            rng.choice(rest, max(room, 0), replace=False),
            rng.choice(other, kept_other, replace=False),
        ]
    ).astype(np.intp)
    drawn_order = np.where(codes[chosen] == BANDS.index("unknown"), -1, codes[chosen])
    return chosen[np.lexsort((chosen, drawn_order))]


def _is_flat(training: Floats, points: Floats) -> bool:
    both = np.concatenate([training, points])
    width = np.ptp(both, axis=0)
    return bool(width[1] <= 1e-9 * width[0])


def _spread(points: Floats) -> Floats:
    """Points of a line apart from one another: the height means nothing, and the page says so."""
    height = (np.arange(len(points)) * 0.6180339887498949) % 1.0 - 0.5
    return np.column_stack([points[:, 0], height])


def _span(corners: Floats) -> Floats:
    """The stretch of a line that the training rows cover, as high as `_spread` makes them."""
    low, high = corners[:, 0].min(), corners[:, 0].max()
    return np.array([[low, -0.53], [high, -0.53], [high, 0.53], [low, 0.53]])


def _views(training: Floats, points: Floats) -> list[list[float]]:
    """Frames [x0, x1, y0, y1]: near the data, and all rows where that is much wider."""
    both = np.concatenate([training, points])
    wide = np.array([both.min(axis=0), both.max(axis=0)])
    least, most = training.min(axis=0), training.max(axis=0)
    reach = float((most - least).max())
    near = wide
    if reach > 0 and len(points):
        low, high = np.quantile(points, [0.05, 0.95], axis=0)
        near = np.array(
            [np.clip(low, least - reach / 2, least), np.clip(high, most, most + reach / 2)]
        )
        if np.all(wide[1] - wide[0] <= 1.5 * np.maximum(near[1] - near[0], reach / 3)):
            near = wide
    frames = [near] if near is wide else [near, wide]
    return [[float(f"{v:.6g}") for v in frame.T.ravel()] for frame in frames]


def _what_it_hides(location: Location, hidden: NDArray[np.bool_]) -> str:
    d = location.queries.shape[1]
    total = min(1.0, sum(_shares(location)))
    text = ""
    if location.plane is not None and d > 1:
        carried = f"{format_number(100 * total, 2)}\u00a0%"
        text = f"The two directions carry {carried} of the training rows’ variance"
        text += "; the rest cannot be seen here. " if d > 2 else ". "
    outside = location.verdict == -1
    count, unseen = int(outside.sum()), int((outside & hidden).sum())
    if d > 2:
        text += "A row drawn inside the outline may still be far outside the data. "
    if count == 0:
        return text + "None of your rows is proved outside the hull."
    return text + (
        f"Of the {rows(count)} outside the hull, {unseen:,} ({share(unseen, count)}) "
        f"{'is' if unseen == 1 else 'are'} drawn inside the outline."
    )


def _what_is_drawn(location: Location, codes: NDArray[np.int8], chosen: Ints, s: int) -> str:
    m = len(codes)
    text = f"Drawn: {s:,} of the {training(location.n_train)}, whose outline it is"
    if s >= location.n_train:
        text = f"Drawn: {'all ' if s > 1 else ''}{training(s)} and their outline"
    if len(chosen) == m:
        whole = "your row" if m == 1 else f"all {m:,} of your rows"
        return text + (f", and {whole}." if m else ".")
    far = codes == BANDS.index("far")
    kept = int(far[chosen].sum())
    return text + (
        f", and {len(chosen):,} of your {m:,}: {kept:,} of {int(far.sum()):,} far ones and "
        f"{len(chosen) - kept:,} of the {m - int(far.sum()):,} others, drawn at random."
    )
