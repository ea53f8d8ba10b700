"""What a watch would notice, and after how many rows: simulated for its own reference and weights.

The probabilities of an urn's cells, given the reference, are Dirichlet with its gaps (spacings of
uniform order statistics). A change moves them: every score by so many standard deviations of a
normal, or a share of the rows beyond all of the reference. Counts are then multinomial, so that no
row need be made up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from .._core.results import Column, TableResult
from .._core.types import Floats, Objects
from .change_evidence import ChangeEvidence
from .watched_scores import WatchedScore

STANDARD_DEVIATIONS_MOVED = (0.25, 0.5, 1.0)
SHARES_FAR = (0.01, 0.05, 0.2)


@dataclass(frozen=True, eq=False, repr=False)
class WatchSensitivity(TableResult):
    """How many rows a watch would need to notice changes that begin with its first row.

    Attributes
    ----------
    name : (S,) object
        The score that changes alone: a column, or a distance.
    change : (S,) object
        In words.
    median_rows : (S,) float64
        Rows until the alarm, in half of the streams; infinite where fewer alarmed.
    share_alarmed : (S,) float64
        Of the streams, within `max_rows`.
    max_rows : int

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> domain = hw.Domain().fit(np.random.default_rng(0).normal(size=(400, 3)))
    >>> sees = hw.Monitor(domain).sensitivity(n_streams=10)
    >>> sees.to_frame()[["change", "median_rows"]].head(3)
                         change  median_rows
    0  every row moved by .25 sd          inf
    1   every row moved by .5 sd        ...
    2    every row moved by 1 sd        ...
    """

    name: Objects
    change: Objects
    median_rows: Floats
    share_alarmed: Floats
    max_rows: int

    def __repr__(self) -> str:
        n = int(np.isfinite(self.median_rows).sum())
        return f"WatchSensitivity({n} of {len(self)} changes noticed within {self.max_rows:,} rows)"

    def _columns(self) -> Mapping[str, Column]:
        return {
            "score": self.name,
            "change": self.change,
            "median_rows": self.median_rows,
            "share_alarmed": self.share_alarmed,
        }


def watch_sensitivity(
    scores: tuple[WatchedScore, ...],
    alarm: float,
    batch_rows: int,
    max_rows: int,
    n_streams: int,
    random_state: int,
) -> WatchSensitivity:
    """Simulate changes of one column and of one distance: those with the median weight."""
    rng = np.random.default_rng(random_state)
    table: list[tuple[str, str, float, float]] = []
    for kinds, is_far in ((("column",), False), (("hull", "neighbours"), True)):
        own = sorted((s for s in scores if s.score.kind in kinds), key=lambda s: s.weight)
        if not own:
            continue
        score = own[len(own) // 2]
        for amount in SHARES_FAR if is_far else STANDARD_DEVIATIONS_MOVED:
            text = (
                f"{100 * amount:g} % of rows beyond all"
                if is_far
                else f"every row moved by {amount:g} sd".replace("0.", ".")
            )
            at = [
                _rows_to_alarm(score, alarm, amount, is_far, batch_rows, max_rows, rng)
                for _ in range(n_streams)
            ]
            table.append((score.name, text, float(np.median(at)), float(np.isfinite(at).mean())))
    columns = list(zip(*table)) or [(), (), (), ()]
    return WatchSensitivity(
        np.array(columns[0], dtype=object),
        np.array(columns[1], dtype=object),
        np.array(columns[2], dtype=np.float64),
        np.array(columns[3], dtype=np.float64),
        max_rows,
    )


def _rows_to_alarm(
    score: WatchedScore,
    alarm: float,
    amount: float,
    is_far: bool,
    batch_rows: int,
    max_rows: int,
    rng: np.random.Generator,
) -> float:
    """Rows until one stream alarms; infinite where it does not within `max_rows`."""
    gaps = score.urn.gaps
    share = rng.dirichlet(gaps)
    if is_far:
        share = (1 - amount) * share + amount * (np.arange(len(share)) == len(share) - 1)
    else:
        ends = ndtr(ndtri(np.clip(np.cumsum(share[:-1]), 0, 1)) - amount)
        share = np.diff(np.concatenate([[0.0], ends, [1.0]]))
    share = np.maximum(share, 0.0)
    evidence = ChangeEvidence(gaps)
    for rows in range(batch_rows, max_rows + 1, batch_rows):
        counts = rng.multinomial(batch_rows, share / share.sum()).astype(np.float64)
        if evidence.update(counts) >= -np.log(alarm * score.weight):
            return float(rows)
    return float("inf")
