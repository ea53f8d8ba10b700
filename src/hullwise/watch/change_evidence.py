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
            changed = changed_urns(self.gaps + self._total)
            self._starts.append(batch)
            self._totals.append(self._total.copy())
            self._changed.append(changed)
            self._constants.append(_log_beta(changed))
        self._total = self._total + counts
        since = self._total - np.array(self._totals)  # (S, K)
        urns = _log_beta(self.gaps + np.array(self._totals))
        exact = _log_beta(self.gaps + self._total) - urns
        changed = np.array(self._changed)  # (S, I, K)
        likely = _log_beta(changed + since[:, None]) - np.array(self._constants)
        ratio = logsumexp(likely, axis=1) - np.log(changed.shape[1]) - exact
        n = len(self._starts)
        terms = ratio - np.log(np.arange(1.0, n + 1) * np.arange(2.0, n + 2))
        self.start = self._starts[int(np.argmax(terms))]
        log_e = float(np.logaddexp(logsumexp(terms), -np.log(n + 1.0)))
        self.log_e.append(log_e)
        return log_e


def _log_beta(a: Floats) -> Floats:
    return np.asarray(gammaln(a).sum(axis=-1) - gammaln(a.sum(axis=-1)))
