"""Two readings of the same rows: out of the data, and out of the data in what matters to a task."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .._core.types import Floats
from .words import rows, share

if TYPE_CHECKING:
    from ..geometry.location import Location
    from ..geometry.metric import Metric


BANDS = ("core", "edge", "beyond", "far", "unknown")
OUT = ("beyond", "far")
LEAST = 0.01  # of the squared distance: features below it are left out
COMMON = 95  # percentile of the training rows that parts edge from beyond

MEANING = (
    "Plainly, every feature counts alike, each in its own spread. In what matters, a change counts "
    "as much as the task's metric says that the target depends on it. A row that is out plainly "
    "and not in what matters differs in features that hardly matter; one that is out in what "
    "matters asks about a region of which the training rows say little."
)


def cross(plain: Location, task: Location) -> NDArray[np.int64]:
    """(5, 5) rows by their plain band (down) and their band in what matters (across)."""
    table = np.zeros((len(BANDS), len(BANDS)), dtype=np.int64)
    codes = [[BANDS.index(str(band)) for band in one.band] for one in (plain, task)]
    np.add.at(table, (codes[0], codes[1]), 1)
    return table


def both_sentence(plain: Location, task: Location) -> str:
    """How many rows are out of the data, and how many of these in what matters.

    Examples
    --------
    >>> import hullwise as hw
    >>> X, Q = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [[0.5, 99.0], [99.0, 0.5]]
    >>> plain, task = hw.locate(X, Q), hw.locate(X, Q, metric=[1.0, 0.0])
    >>> print(both_sentence(plain, task).replace("\\u00a0", " "))
    2 of 2 rows (100 %) are beyond or far from the data; of these, 1 is beyond or far in what \
matters too, and 1 is not.
    """
    m = len(plain.band)
    out, matters = np.isin(plain.band, OUT), np.isin(task.band, OUT)
    found, too, new = int(out.sum()), int((out & matters).sum()), int((matters & ~out).sum())
    text = f"{found:,} of {rows(m)} ({share(found, m)}) {_are(found)} beyond or far from the data"
    if found:
        text += f"; of these, {too:,} {_are(too)} beyond or far in what matters too, "
        text += f"and {found - too:,} {_are(found - too)} not"
    if new:
        text += f"; {new:,} more {_are(new)} out in what matters alone"
    return text + "."


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def pushes(task: Location, metric: Metric, k: int = 5) -> list[list[tuple[str, float]]]:
    """For each row the features that push it out in a task's metric, (name, amount).

    v is the least change that the metric cannot tell from query - nearest point of the hull, in the
    features' own units: what does not matter may change much on that way, and is no part of it.
    Features are ranked by their part v_j (M v)_j of the squared distance; those with less than 1 %
    of it are left out.
    """
    out: list[list[tuple[str, float]]] = []
    away = -np.asarray(task.residual, dtype=np.float64)
    known = np.isfinite(away).all(axis=1) & (task.verdict != 1)
    away[known] = metric.preimage(metric.image(away[known]))
    part = np.zeros_like(away)
    part[known] = away[known] * metric.dual(away[known])
    total = part.sum(axis=1)
    for b in range(len(away)):
        order = np.argsort(-part[b], kind="stable")[:k]
        told = [j for j in order.tolist() if total[b] > 0 and part[b, j] >= LEAST * total[b]]
        out.append([(task.columns[j], float(away[b, j])) for j in told])
    return out


def yardstick(reading: Location) -> float:
    """The distance that 95 % of the left-out training rows keep within; NaN where none is known."""
    ordered = np.sort(reading.reference[np.isfinite(reading.reference)])
    if not len(ordered) or not ordered[-1] > 0:
        return float("nan")
    limit = float(ordered[min(len(ordered) - 1, int(len(ordered) * COMMON / 100))])
    return limit if limit > 0 else float(ordered[-1])


def in_yardsticks(reading: Location) -> Floats:
    """(m,) distances, 1 where the outermost 5 % of the training rows begin; inf off their flat.

    In the metric's own units where there are no training rows to compare with.
    """
    unit = yardstick(reading)
    distance = np.where(reading.verdict == 1, 0.0, reading.upper)
    return np.where(reading.off_flat, np.inf, distance / (1.0 if np.isnan(unit) else unit))
