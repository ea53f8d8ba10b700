"""What a watch says after a batch: whether it alarms, since when, and what carries the change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core.results import Column, TableResult
from .._core.types import Floats, Indices, Objects
from .._core.wording import counted
from .batch_counts import BatchCounts

if TYPE_CHECKING:
    from .monitor import Monitor


@dataclass(frozen=True, eq=False, repr=False)
class WatchResult(TableResult):
    """The state of a watch after a batch, a row for each score that is watched.

    Attributes
    ----------
    batch : int
        How many batches were counted.
    n_rows, n_not_located : int
        Rows of all batches, and those of them that could not be located.
    alarm : float
        The probability of a false alarm, ever.
    alarmed : bool
    first_alarm : int or None
        The batch after which the watch first alarmed.
    since : int or None
        How many batches came before the change, as far as can be told, by the score with the most
        evidence; None where no batch was counted.
    name, kind : (S,) object
    weight : (S,) float64
        Part of `alarm` that each score has.
    n_reference, n_counted : (S,) int
        Reference scores, and scores of new rows, or of groups.
    log_evidence : (S,) float64
        log E after this batch.
    p_values : (S,) float64
        Of each score by itself, valid at any time: one over the largest E so far.
    start : (S,) int
        Batches before the change that fits best.
    log_statistics : (batches,) float64
        log of the largest weight times E after each batch; the watch alarms at -log(alarm).
    batches : tuple of BatchCounts
        What is kept of each batch.

    Examples
    --------
    >>> import hullwise as hw
    >>> rows = [{"a": i * i % 101, "b": i % 7} for i in range(101)]
    >>> watch = hw.Monitor(hw.Domain().fit(rows))
    >>> result = watch.update([{"a": 100 + i, "b": i % 7} for i in range(60)])
    >>> result.alarmed, result.columns_with_change()
    (True, ['a'])
    >>> result.to_frame()[["name", "counted", "since_batch"]]
                     name  counted  since_batch
    0       hull distance       60            0
    1  neighbour distance       60            0
    2                   a       60            0
    3                   b       60            0
    4                gaps       60            0
    """

    batch: int
    n_rows: int
    n_not_located: int
    alarm: float
    alarmed: bool
    first_alarm: int | None
    since: int | None
    name: Objects
    kind: Objects
    weight: Floats
    n_reference: Indices
    n_counted: Indices
    log_evidence: Floats
    p_values: Floats
    start: Indices
    log_statistics: Floats
    batches: tuple[BatchCounts, ...]

    @classmethod
    def of(cls, monitor: Monitor) -> WatchResult:
        """What a monitor says now."""
        scores, evidence = monitor.scores, monitor.evidence
        p_values = np.array([one.p_value for one in evidence])
        weight = np.array([one.weight for one in scores])
        start = np.array([one.start for one in evidence])
        leading = int(np.argmin(p_values / weight))
        return cls(
            len(monitor.batches),
            sum(batch.n_rows for batch in monitor.batches),
            sum(batch.n_not_located for batch in monitor.batches),
            monitor.alarm,
            monitor.alarmed,
            monitor.first_alarm,
            int(start[leading]) if monitor.batches else None,
            np.array([one.name for one in scores], dtype=object),
            np.array([one.score.kind for one in scores], dtype=object),
            weight,
            np.array([one.urn.n_reference for one in scores]),
            np.array([one.n_counted for one in evidence]),
            np.array([one.log_e[-1] if one.log_e else 0.0 for one in evidence]),
            p_values,
            start,
            np.array(monitor.log_statistics),
            tuple(monitor.batches),
        )

    @property
    def p_value(self) -> float:
        """A p-value of all scores together, valid at any time: at most `alarm` once it alarms."""
        return float(min(1.0, (self.p_values / self.weight).min()))

    @property
    def adjusted_p_values(self) -> Floats:
        """(S,) Holm's p-values: those up to a level are of scores that changed, all at once.

        With probability 1 - level none of them is wrong, at any time and under any dependence.
        """
        order = np.argsort(self.p_values, kind="stable")
        factors = np.arange(len(order), 0, -1)
        adjusted = np.empty(len(order))
        adjusted[order] = np.maximum.accumulate(np.minimum(1.0, factors * self.p_values[order]))
        return adjusted

    def columns_with_change(self, level: float | None = None) -> list[str]:
        """The columns that changed, by Holm's p-values up to `level` (that of the alarm)."""
        changed = self.adjusted_p_values <= (self.alarm if level is None else level)
        return [str(name) for name in self.name[changed & (self.kind == "column")]]

    @property
    def extent_text(self) -> str:
        """How much was watched: "5 batches, 500 rows"."""
        return f"{self.batch:,} batch{'es' * (self.batch != 1)}, {counted(self.n_rows, 'row')}"

    @property
    def sentence(self) -> str:
        """What the watch says, in words that claim no more than is proved."""
        if not self.batch:
            return "No batch was counted yet."
        level = f"{self.alarm:g}"
        if not self.alarmed:
            return (
                f"No alarm after {self.extent_text} (p = {self.p_value:.2g}). If the new rows are "
                "exchangeable with the training rows, "
                f"the probability that this watch ever alarms is at most {level}. No alarm does "
                "not say that nothing has changed."
            )
        leading = int(np.argmin(self.p_values / self.weight))
        columns = self.columns_with_change()
        since = f"after batch {self.since:,}" if self.since else "from the first batch on"
        where = f" Columns that changed: {', '.join(columns)}." if columns else ""
        return (
            f"ALARM after batch {self.first_alarm:,}: the new rows are not exchangeable with the "
            f"training rows (p = {self.p_value:.2g}; a false alarm, ever, has probability at most "
            f"{level}). Most evidence: {self.name[leading]}, as if changed {since}.{where} "
            "An alarm does not say that the change does harm."
        )

    def __repr__(self) -> str:
        what = "ALARM" if self.alarmed else "no alarm"
        return (
            f"WatchResult(batch {self.batch}, {counted(self.n_rows, 'row')}: {what} at "
            f"{self.alarm:g}, p = {self.p_value:.2g})"
        )

    def _columns(self) -> Mapping[str, Column]:
        return {
            "name": self.name,
            "kind": self.kind,
            "weight": self.weight,
            "reference": self.n_reference,
            "counted": self.n_counted,
            "log_evidence": self.log_evidence,
            "p_value": self.p_values,
            "adjusted_p_value": self.adjusted_p_values,
            "since_batch": self.start,
        }

    def plot(self, ax: Any = None) -> Any:
        """Draw the evidence of each score; needs matplotlib."""
        from ..report.watch_pictures import draw_watch_result

        return draw_watch_result(self, ax)
