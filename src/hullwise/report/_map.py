"""The map of the data as the plain numbers of a figure, and what it hides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._core.types import Floats, Indices, Mask
from ..geometry.plane_outline import in_outline, outline
from ..geometry.principal_plane import PrincipalPlane
from ..geometry.verdict import Verdict
from ._figures import FAR_CODE, rounded_list, row_name
from .words import format_number, is_or_are, rows, share, training

if TYPE_CHECKING:
    from ..geometry.location import Location

MAP_TRAINING_ROWS = 2100
MAP_BLOCK = 4_000_000  # numbers of queries projected at once
GOLDEN_RATIO = 0.6180339887498949


def map_figure(
    location: Location,
    codes: NDArray[np.int8],
    leading: NDArray[np.int32],
    names: Mapping[str, str],
    limit: int,
) -> dict[str, Any] | None:
    """The map: sampled training rows, their outline, at most `limit` queries, what it hides."""
    plane = location.plane
    if plane is None or limit == 0:
        return None
    sample = plane.project(plane.sample)
    sample = sample[np.isfinite(sample).all(axis=1)][:MAP_TRAINING_ROWS]
    if len(sample) == 0:
        return None
    corners = outline(sample)
    places, hidden = _place_queries(location, plane, corners)
    drawable = np.flatnonzero(np.isfinite(places).all(axis=1))
    chosen = choose_rows(codes, location.distance, drawable, limit)
    points, n_sample = places[chosen], len(sample)
    is_line = _is_line(sample, points)
    if is_line:
        sample, points = _scatter_on_line(sample), _scatter_on_line(points)
    return {
        "training": [rounded_list(sample[:, 0]), rounded_list(sample[:, 1])],
        "outline": [rounded_list(c, 6) for c in (_line_frame(corners) if is_line else corners)],
        "flat": is_line,
        "x": rounded_list(points[:, 0], 5),
        "y": rounded_list(points[:, 1], 5),
        "views": _views(sample, points),
        "shares": _shares(plane),
        "hides": _hidden_sentence(location, plane, hidden),
        "drawn": _drawn_sentence(location, codes, chosen, n_sample),
        **_row_details(location, codes, leading, chosen, names),
    }


def _place_queries(
    location: Location, plane: PrincipalPlane, corners: Floats
) -> tuple[Floats, Mask]:
    """(m, 2) coordinates of every query, and which fall within the outline."""
    m, d = location.queries.shape
    places, hidden = np.empty((m, 2)), np.zeros(m, dtype=bool)
    step = max(1, MAP_BLOCK // d)
    for start in range(0, m, step):
        block = slice(start, start + step)
        places[block] = plane.project(location.queries[block])
    drawable = np.isfinite(places).all(axis=1)
    hidden[drawable] = in_outline(places[drawable], corners)
    return places, hidden


def _row_details(
    location: Location,
    codes: NDArray[np.int8],
    leading: NDArray[np.int32],
    chosen: Indices,
    names: Mapping[str, str],
) -> dict[str, Any]:
    """What pointing at a row of the map shows; features by their place in a list of the used."""
    used, position = np.unique(np.abs(leading[chosen]), return_inverse=True)
    if used.size == 0 or used[0] != 0:
        # The sign tells too high from too low, so that place 0 must stay empty.
        used, position = np.r_[0, used], position + 1
    return {
        "band": codes[chosen].tolist(),
        "verdict": location.verdict[chosen].tolist(),
        "lower": rounded_list(location.lower[chosen]),
        "upper": rounded_list(location.upper[chosen]),
        "percentile": rounded_list(location.hull_percentile[chosen]),
        "label": [row_name(location.labels, i, 40) for i in chosen.tolist()],
        "names": ["" if j == 0 else names[location.columns[j - 1]] for j in used.tolist()],
        "push": (position.reshape(-1, leading.shape[1]) * np.sign(leading[chosen])).tolist(),
    }


def _shares(plane: PrincipalPlane) -> list[float]:
    return [float(v) for v in np.nan_to_num(plane.share).tolist()]


def choose_rows(
    codes: NDArray[np.int8], distance: Floats, drawable: Indices, limit: int
) -> Indices:
    """Rows to draw, core first so that far rows end on top; far rows have the first claim."""
    far = drawable[codes[drawable] == FAR_CODE]
    other = drawable[codes[drawable] != FAR_CODE]
    n_other = min(len(other), max(limit - len(far), limit // 5))
    rng = np.random.default_rng(0)
    farthest = far[np.argsort(-distance[far], kind="stable")[:20]]
    rest = np.setdiff1d(far, farthest)
    n_rest = max(0, min(len(rest), limit - n_other - len(farthest)))
    parts = [
        farthest,
        rng.choice(rest, n_rest, replace=False),
        rng.choice(other, n_other, replace=False),
    ]
    chosen = np.concatenate(parts).astype(np.intp)
    order = np.where(codes[chosen] > FAR_CODE, -1, codes[chosen])
    return chosen[np.lexsort((chosen, order))]


def _is_line(sample: Floats, points: Floats) -> bool:
    width = np.ptp(np.concatenate([sample, points]), axis=0)
    return bool(width[1] <= 1e-9 * width[0])


def _scatter_on_line(points: Floats) -> Floats:
    """Points of a line apart from one another: the height means nothing, and the page says so."""
    height = (np.arange(len(points)) * GOLDEN_RATIO) % 1.0 - 0.5
    return np.column_stack([points[:, 0], height])


def _line_frame(corners: Floats) -> Floats:
    """The stretch of a line that the training rows cover, as high as they are scattered."""
    low, high = corners[:, 0].min(), corners[:, 0].max()
    return np.array([[low, -0.53], [high, -0.53], [high, 0.53], [low, 0.53]])


def _views(sample: Floats, points: Floats) -> list[list[float]]:
    """Frames [x0, x1, y0, y1]: near the data, and all rows where that is much wider."""
    both = np.concatenate([sample, points])
    wide = np.array([both.min(axis=0), both.max(axis=0)])
    least, most = sample.min(axis=0), sample.max(axis=0)
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


def _hidden_sentence(location: Location, plane: PrincipalPlane, hidden: Mask) -> str:
    d = len(location.columns)
    text = ""
    if d > 1:
        variance = f"{format_number(100 * min(1.0, sum(_shares(plane))), 2)}\u00a0%"
        text = f"The two directions carry {variance} of the training rows’ variance"
        text += "; the rest cannot be seen here. " if d > 2 else ". "
    if d > 2:
        text += "A row drawn inside the outline may still be far outside the data. "
    outside = location.verdict == Verdict.OUTSIDE
    count, unseen = int(outside.sum()), int((outside & hidden).sum())
    if count == 0:
        return text + "None of your rows is proved outside the hull."
    return text + (
        f"Of the {rows(count)} outside the hull, {unseen:,} ({share(unseen, count)}) "
        f"{is_or_are(unseen)} drawn inside the outline."
    )


def _drawn_sentence(
    location: Location, codes: NDArray[np.int8], chosen: Indices, n_sample: int
) -> str:
    m = len(codes)
    text = f"Drawn: {n_sample:,} of the {training(location.n_train)}, whose outline it is"
    if n_sample >= location.n_train:
        text = f"Drawn: {'all ' if n_sample > 1 else ''}{training(n_sample)} and their outline"
    if len(chosen) == m:
        whole = "your row" if m == 1 else f"all {m:,} of your rows"
        return text + (f", and {whole}." if m else ".")
    far = codes == FAR_CODE
    n_far = int(far[chosen].sum())
    return text + (
        f", and {len(chosen):,} of your {m:,}: {n_far:,} of {int(far.sum()):,} far ones and "
        f"{len(chosen) - n_far:,} of the {m - int(far.sum()):,} others, drawn at random."
    )
