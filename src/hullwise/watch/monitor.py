"""A watch over batches of new rows: an alarm that may be looked at as often as one likes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from itertools import takewhile
from typing import Any

import numpy as np

from .._core.foreign import own_errors
from .._core.options import check_fraction, check_int
from .._core.types import Floats
from .._core.wording import type_of
from ..domain.domain import Domain
from ..domain.domain_location import DomainLocation
from ..domain.fitted_table import FittedTable
from ..domain.table_digest import digest_of
from ..errors import DataError, FileError
from .batch_counts import BatchCounts
from .change_evidence import ChangeEvidence
from .history import StoredBatch, WatchHistory
from .sensitivity import WatchSensitivity, watch_sensitivity
from .watch_result import WatchResult
from .watched_rows import located_rows, new_group_names
from .watched_scores import SHARES_OF_ALARM, watched_scores


class Monitor:
    """An alarm over batches of new rows, for as long as one likes.

    If the new rows are exchangeable with the training rows, the probability that this watch *ever*
    alarms is at most `alarm`, however often one looks, whatever the sizes of the batches and even
    if these depend on earlier ones. An alarm does not say that the change does harm, and no alarm
    does not say that nothing has changed.

    Parameters
    ----------
    domain : Domain
        Fitted. Where it leaves whole groups out, a group counts once, by the mean distance of its
        rows.
    alarm : float, default=0.001
        Probability of a false alarm, ever.
    watch : sequence of {"hull", "neighbours", "columns"}
        Distances see rows far out and are nearly blind to small shifts of one column, columns the
        reverse. The first two share half of `alarm`, the columns and the gaps the rest.
    holdout : table, optional
        Rows like the training rows that are not among them, for the distances to be compared with.
        Then all is exact; else distances are compared with those of training rows left out in turn,
        of which no excess of false alarms was seen.
    history : str, optional
        The address of a database, such as ``sqlite:///watch.db``, in which the counts of all
        batches are kept: the watch then begins with those that are there. Several processes may
        add batches; one that is killed leaves a whole batch or none. Needs SQLAlchemy
        (`hullwise[sql]`).
    random_state : int, default=0
        Breaks ties. A batch is counted alike wherever it is counted.

    Raises
    ------
    DataError
        The domain is not fitted, compares blocks of time, or nothing can be watched.

    Notes
    -----
    Scores are counted between order statistics of reference scores; the counts of exchangeable
    rows have a known law although the reference is finite (see `Urn`), and E is a likelihood ratio
    against it (see `ChangeEvidence`). The watch alarms once the largest of weight times E reaches
    1 / alarm, which is allowed by a union bound and by no average: each E is a martingale in the
    history of its own score only. Locating a batch costs what `Domain.locate` does; counting it
    O(m K) a score, and the evidence O(K) for each of at most 64 log2(batches) starts.

    Examples
    --------
    >>> import numpy as np, hullwise as hw
    >>> rng = np.random.default_rng(0)
    >>> watch = hw.Monitor(hw.Domain().fit(rng.normal(size=(500, 4))))
    >>> for _ in range(5):
    ...     result = watch.update(rng.normal(size=(100, 4)))
    >>> result
    WatchResult(batch 5, 500 rows: no alarm at 0.001, p = 1)
    >>> for _ in range(3):
    ...     result = watch.update(rng.normal(size=(100, 4)) + [0, 0, 1, 0])
    >>> watch.alarmed, result.columns_with_change(), result.since
    (True, ['x2'], 5)
    """

    def __init__(
        self,
        domain: Domain,
        alarm: float = 0.001,
        *,
        watch: Sequence[str] = ("hull", "neighbours", "columns"),
        holdout: Any = None,
        history: str | None = None,
        random_state: int = 0,
    ) -> None:
        self.domain = domain
        self.alarm = check_fraction("alarm", alarm, ends=False)
        self.watch = _checked_parts(watch)
        self.random_state = check_int("random_state", random_state, 0)
        fitted = _checked_fitted(domain)
        holdout_rows, self.holdout_digest = None, ""
        if holdout is not None:
            table = domain.read_table(holdout)
            holdout_rows = located_rows(domain.locate(table))
            self.holdout_digest = digest_of(table)
        rng = np.random.default_rng(self.random_state)
        self.scores = watched_scores(fitted, self.watch, holdout_rows, rng)
        self.evidence = tuple(ChangeEvidence(one.urn.gaps) for one in self.scores)
        self.batches: list[BatchCounts] = []
        self.log_statistics: list[float] = []
        self.first_alarm: int | None = None
        self.last_location: DomainLocation | None = (
            None  # of the batch counted last, by this object
        )
        self._n_kept = 0  # batches whose evidence the history has
        self.history = None if history is None else WatchHistory(history, self.digest)
        self.catch_up()

    def __repr__(self) -> str:
        state = "no alarm" if not self.alarmed else f"alarmed after batch {self.first_alarm}"
        return f"Monitor({len(self.scores)} scores, {len(self.batches)} batches: {state})"

    @property
    def alarmed(self) -> bool:
        """Whether the watch has alarmed; it stays so until a new one begins."""
        return self.first_alarm is not None

    @cached_property
    def digest(self) -> str:
        """Of everything that counts depend on: kept counts are of no other watch.

        Of the training table's cells and not of distances, whose last digits differ by machine.
        """
        fitted = self.domain.fitted_
        content = {
            "table": fitted.digest,
            "columns": list(fitted.coordinates.names),
            "metric": fitted.metric_text,
            "neighbours": fitted.n_neighbors,
            "reference": fitted.reference,
            "holdout": self.holdout_digest,
            "scores": [one.definition() for one in self.scores],
            "seed": self.random_state,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @own_errors("watching rows")
    def update(self, batch: Any, *, name: str = "") -> WatchResult:
        """Locate and count one more batch.

        Parameters
        ----------
        batch : path, data frame, pyarrow.Table, array, list of dictionaries or dictionary of lists
        name : str, optional
            What it is called.

        Returns
        -------
        WatchResult
            What the watch says after it.

        Raises
        ------
        DataError
            The batch was counted before, or one of its groups was: nothing of it is counted then.
        """
        counted = self.count(batch, name=name)
        if self.history is None:
            return self.add(counted)
        log_e = np.array([one.log_e for one in self.evidence])
        unkept = range(self._n_kept, len(self.batches))
        kept = {place + 1: log_e[:, place].tolist() for place in unkept}
        self.history.append(counted, self.batches, kept)
        self._n_kept = len(self.batches)
        return self.catch_up()

    def catch_up(self) -> WatchResult:
        """Add the batches that the history has beyond those of this monitor."""
        if self.history is None:
            return self.result()
        stored = self.history.batches(after=len(self.batches))
        for number, one in enumerate(stored, start=len(self.batches) + 1):
            self._refuse_other_scores(one.counts, number)
        n_restored = 0 if self.batches else self._restore(stored)
        for one in stored[n_restored:]:
            self._add(one.counts)
        return self.result()

    def _restore(self, stored: list[StoredBatch]) -> int:
        """Begin with the batches whose evidence was kept, up to the first without; their number."""
        kept = list(takewhile(lambda log_e: log_e is not None, (one.log_e for one in stored)))
        self._n_kept = len(kept)
        if not kept:
            return 0
        assert self.history is not None
        self.batches = [one.counts for one in stored[: self._n_kept]]
        try:
            values = np.array(kept, dtype=np.float64).reshape(self._n_kept, len(self.scores))
            self.evidence = tuple(
                ChangeEvidence.restored(
                    score.urn.gaps, np.array([b.counts[k] for b in self.batches], float), log_e
                )
                for k, (score, log_e) in enumerate(zip(self.scores, values.T))
            )
        except ValueError as error:
            raise FileError(
                self.history.shown_url, f"holds evidence that is not that of its counts ({error})"
            ) from None
        for row in values:
            self._note_statistic(row)
        return self._n_kept

    def count(self, batch: Any, *, name: str = "") -> BatchCounts:
        """Locate and count a batch without adding it: what is kept of it."""
        table = self.domain.read_table(batch)
        self.last_location = location = self.domain.locate(table)
        rows = located_rows(location)
        blocks = self.domain.fitted_.blocks
        if blocks is not None and rows.group is None:
            raise DataError(
                f"{table.source} lacks the column {blocks.column!r}, which says which rows belong "
                "together: groups are counted, not rows."
            )
        digest = digest_of(table)
        rng = np.random.default_rng([self.random_state, int(digest[:15], 16)])
        counts = tuple(one.urn.count(one.score.of(rows, rng), rng) for one in self.scores)
        bands = {str(b): int(n) for b, n in zip(*np.unique(location.band, return_counts=True))}
        return BatchCounts(
            digest,
            name or table.source,
            len(location),
            bands.get("unknown", 0),
            bands,
            counts,
            tuple(_group_digests(location)),
        )

    def add(self, batch: BatchCounts) -> WatchResult:
        """Add the counts of a batch that `count` made, here or elsewhere."""
        batch.refuse_repeated(self.batches)
        self._add(batch)
        return self.result()

    def _add(self, batch: BatchCounts) -> None:
        for counts, evidence in zip(batch.counts, self.evidence, strict=True):
            evidence.update(counts.astype(np.float64))
        self.batches.append(batch)
        self._note_statistic(np.array([evidence.log_e[-1] for evidence in self.evidence]))

    def _note_statistic(self, log_e: Floats) -> None:
        """The largest weight times E after one more batch, and whether it is an alarm."""
        weights = np.array([one.weight for one in self.scores])
        self.log_statistics.append(float(max(log_e + np.log(weights))))
        if self.first_alarm is None and self.log_statistics[-1] >= -np.log(self.alarm):
            self.first_alarm = len(self.log_statistics)

    def _refuse_other_scores(self, batch: BatchCounts, number: int) -> None:
        expected = [len(one.urn.gaps) for one in self.scores]
        if [len(counts) for counts in batch.counts] != expected:
            assert self.history is not None
            raise FileError(
                self.history.shown_url,
                f"holds counts of batch {number} that are of other scores than this watch's",
            )

    def sensitivity(
        self, *, batch_rows: int = 100, max_rows: int = 3000, n_streams: int = 25
    ) -> WatchSensitivity:
        """What this watch would notice, and after how many rows, by simulation.

        Changes that begin with the first row, of one column or one distance alone: the hardest
        case, as nothing but the reference is known of before.

        Parameters
        ----------
        batch_rows, max_rows : int
            Rows (or groups, where they are counted) of a batch, and of a stream.
        n_streams : int
            About a tenth of a second each.

        Examples
        --------
        >>> import numpy as np, hullwise as hw
        >>> domain = hw.Domain().fit(np.random.default_rng(0).normal(size=(400, 3)))
        >>> hw.Monitor(domain).sensitivity(n_streams=10)
        WatchSensitivity(... of 6 changes noticed within 3,000 rows)
        """
        return watch_sensitivity(
            self.scores,
            self.alarm,
            check_int("batch_rows", batch_rows, 1),
            check_int("max_rows", max_rows, 1),
            check_int("n_streams", n_streams, 1),
            self.random_state,
        )

    def result(self) -> WatchResult:
        """What the watch says now."""
        return WatchResult.of(self)


def _checked_parts(watch: Sequence[str]) -> tuple[str, ...]:
    parts = (watch,) if isinstance(watch, str) else tuple(watch)
    unknown = [part for part in parts if part not in SHARES_OF_ALARM]
    if unknown or not parts or len({*parts}) < len(parts):
        raise DataError(
            f"watch={watch!r}: expected some of {', '.join(map(repr, SHARES_OF_ALARM))}, each once."
        )
    return tuple(part for part in SHARES_OF_ALARM if part in parts)


def _checked_fitted(domain: Domain) -> FittedTable:
    if not isinstance(domain, Domain) or not hasattr(domain, "fitted_"):
        what = repr(domain) if isinstance(domain, Domain) else f"{type_of(domain)}"
        raise DataError(f"domain is {what}: expected a fitted Domain.")
    fitted = domain.fitted_
    if fitted.blocks is not None and fitted.blocks.forward:
        raise DataError(
            "this domain compares each block of time with earlier ones, so that its training rows "
            "are not taken to be exchangeable: fit it without time= to watch new rows."
        )
    return fitted


def _group_digests(location: DomainLocation) -> list[str]:
    names = new_group_names(location)
    return [hashlib.sha256(name.encode()).hexdigest()[:16] for name in names]
