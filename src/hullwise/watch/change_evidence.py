"""The evidence that scores changed at some batch: a likelihood ratio against an urn's exact law.

E_t = sum over starts j of w_j mean_i DM(n_t - n_j; a_ij) / DM(n_t - n_j; c + n_j) + the rest of the
weights, where DM(n; a) = B(a + n) / B(a) is the Dirichlet-multinomial probability of the scores in
their order, c + n_j the urn before batch j and a_ij what the urn would be if the scores changed
there in way i. Each term is the ratio of a law that is fixed when batch j begins to the exact law
of exchangeable scores, so E is a nonnegative martingale that begins at 1, and the probability that
it ever reaches 1 / alpha is at most alpha (Ville 1939).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.special import gammaln, logsumexp

from .._core.types import Floats

# Ways to change: P(rank <= u) becomes u^tilt, below 1 farther out, above 1 nearer.
TILTS = (0.5, 0.7, 0.85, 1.18, 1.43)
SHARES_MOVED_FAR = (0.003, 0.01, 0.03, 0.1)  # of all rows, into the last cell
FREE_CONCENTRATIONS = (1.0, 8.0, 64.0)  # any change: Dirichlet around the present, per cell
LEAST_SHARE_OF_CELL = 1e-12
BATCHES_COMPUTED_AGAIN = 4  # of those whose evidence is read where it was kept
KEPT_EVIDENCE_AGREEMENT = 1e-6  # relative: gammaln differs by machine in its last digits
STARTS_OF_AN_OCTAVE = 64  # after twice as many batches every second one is a start, and so on


def changed_urns(urn: Floats) -> Floats:
    """(I, K) what an urn (K,) would be after each of the changes that are looked for."""
    total = urn.sum()
    share = urn / total
    tail = np.concatenate([np.cumsum(share[::-1])[::-1], [0.0]])  # of this cell and those beyond
    tail[0] = 1.0
    tilted = [np.maximum(tail[:-1] ** e - tail[1:] ** e, LEAST_SHARE_OF_CELL) for e in TILTS]
    far = np.arange(len(share)) == len(share) - 1
    moved = [(1 - f) * share + f * far for f in SHARES_MOVED_FAR]
    free = [share * concentration * len(share) for concentration in FREE_CONCENTRATIONS]
    # What the shares were before is known from as many scores as there were, and no better.
    return np.array([*(total * shares for shares in (*tilted, *moved)), *free])


def is_start(batch: int) -> bool:
    """Whether a change is looked for that begins with this batch: all early, then ever fewer."""
    step = 1
    while batch >= 2 * STARTS_OF_AN_OCTAVE * step:
        step *= 2
    return batch % step == 0


@dataclass
class ChangeEvidence:
    """Evidence of a change in one urn's counts, batch by batch.

    Attributes
    ----------
    log_e : list of float
        log E after each batch.
    start : int
        The batch that the change began with, as far as that can be told: the start with the
        largest term. -1 before the first batch.
    """

    gaps: Floats
    log_e: list[float] = field(default_factory=list)
    start: int = -1
    _total: Floats = field(init=False)
    _starts: list[int] = field(default_factory=list)
    _totals: list[Floats] = field(default_factory=list)
    _changed: list[Floats] = field(default_factory=list)
    _constants: list[Floats] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._total = np.zeros(len(self.gaps))

    @classmethod
    def restored(cls, gaps: Floats, counts: Floats, log_e: Floats) -> ChangeEvidence:
        """The evidence of batches that were counted before, from its kept values.

        Parameters
        ----------
        gaps : (K,) float64
        counts : (t, K) float64
        log_e : (t,) float64
            What `update` returned for each batch.

        Raises
        ------
        ValueError
            A kept value is not that of the counts: those of the last batch and of a few others are
            computed again. O(starts K) for each of these, and not for every batch.
        """
        evidence, n = cls(gaps), len(counts)
        totals = np.vstack([np.zeros((1, len(gaps))), np.cumsum(counts, axis=0)])
        starts = [batch for batch in range(n) if is_start(batch)]
        for batch in starts:
            evidence._begin(batch, totals[batch])
        evidence._total = totals[-1]
        evidence.log_e = log_e.tolist()
        again = np.random.default_rng(n).integers(0, n, size=BATCHES_COMPUTED_AGAIN)
        for batch in {*again.tolist(), n - 1}:
            value, start = evidence._at(
                totals[batch + 1], int(np.searchsorted(starts, batch, "right"))
            )
            if not abs(value - log_e[batch]) <= KEPT_EVIDENCE_AGREEMENT * (1 + abs(value)):
                raise ValueError(
                    f"log E {log_e[batch]:.6g} after batch {batch + 1}, not {value:.6g}"
                )
            if batch == n - 1:
                evidence.start = start
        return evidence

    @property
    def n_counted(self) -> int:
        """Scores counted so far."""
        return int(self._total.sum())

    @property
    def largest_log_e(self) -> float:
        """log of the largest E so far, which is at least 1."""
        return max(0.0, max(self.log_e, default=0.0))

    @property
    def p_value(self) -> float:
        """A p-value that holds at any time: one over the largest E so far."""
        return float(np.exp(-self.largest_log_e))

    def update(self, counts: Floats) -> float:
        """Count one more batch (K,); log E after it. O(starts K)."""
        batch = len(self.log_e)
        if is_start(batch):
            self._begin(batch, self._total.copy())
        self._total = self._total + counts
        log_e, self.start = self._at(self._total, len(self._starts))
        self.log_e.append(log_e)
        return log_e

    def _begin(self, batch: int, total: Floats) -> None:
        """A start: scores may have changed before this batch, when so many had been counted."""
        changed = changed_urns(self.gaps + total)
        self._starts.append(batch)
        self._totals.append(total)
        self._changed.append(changed)
        self._constants.append(_log_beta(changed))

    def _at(self, total: Floats, n: int) -> tuple[float, int]:
        """log E where so many scores were counted (K,), with the first n starts; the best start."""
        before = np.array(self._totals[:n])  # (S, K)
        exact = _log_beta(self.gaps + total) - _log_beta(self.gaps + before)
        changed = np.array(self._changed[:n])  # (S, I, K)
        likely = _log_beta(changed + (total - before)[:, None]) - np.array(self._constants[:n])
        ratio = logsumexp(likely, axis=1) - np.log(changed.shape[1]) - exact
        terms = ratio - np.log(np.arange(1.0, n + 1) * np.arange(2.0, n + 2))
        log_e = float(np.logaddexp(logsumexp(terms), -np.log(n + 1.0)))
        return log_e, self._starts[int(np.argmax(terms))]


def _log_beta(a: Floats) -> Floats:
    return np.asarray(gammaln(a).sum(axis=-1) - gammaln(a.sum(axis=-1)))
