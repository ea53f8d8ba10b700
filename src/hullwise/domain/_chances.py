"""How probable it is that honest rows are out as often as these."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import betabinom, nbinom

from ..geometry.bands import BANDS, BEYOND
from .pattern_location import PatternLocation


def chance_by_distance(parts: Sequence[PatternLocation]) -> float:
    """That so many rows are beyond or far, each part against its own rows left out; NaN without.

    NaN too where whole groups were left out: rows of one group are not drawn one by one. Rows
    with rare gaps are compared with the same rows left out, and so are counted together.
    """
    counts: dict[tuple[str, int], tuple[int, int, int]] = {}
    for number, part in enumerate(parts):
        pattern = part.pattern
        if pattern.reference.groups is not None:
            return float("nan")
        key = ("rare", pattern.segment) if pattern.rare else ("part", number)
        _, m, out = counts.get(key, (0, 0, 0))
        out += int(np.isin(part.location.band, BANDS[2:]).sum())
        counts[key] = len(pattern.reference), m + len(part.rows), out
    law, n_out = np.ones(1), 0
    for r, m, out in counts.values():
        c = 1 + int(np.floor(r * BEYOND / 100))
        if r < 1 or c > r:
            continue
        n_out += out
        law = np.convolve(law, betabinom.pmf(np.arange(m + 1), m, r - c + 1, c))
    return float(law[n_out:].sum()) if len(law) > 1 else float("nan")


def chance_by_name(n_unseen: int, m: int, unseen_rate: float, n: int) -> float:
    """That so many of m rows hold a level never seen in n training rows.

    The rate is itself an estimate, from a = rate (n + 1) - 1 training rows that are alone with a
    level. Of a + k rows with levels of their own each is new with probability m / (n + 1 + m), so
    that the count is negative binomial. Poisson, as of a known rate, would be too sure of itself.
    """
    if not m:
        return float("nan")
    if not n_unseen:
        return 1.0
    shape = unseen_rate * (n + 1)
    return float(nbinom.sf(n_unseen - 1, shape, (n + 1) / (n + 1 + m))) if shape > 0 else 0.0
