"""Does the error go with the distance? One of four words, and what it rests on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._core.types import Floats, Indices, Mask

SMALL_CORRELATION = 0.1  # rank correlations below it count as nothing
SMALL_RATIO = 1.5  # so does a farthest tenth that errs less than so many times as much
FARTHEST_SHARE = 0.1
PERMUTATIONS = 999
FEWEST_GROUPS_TO_FALL = 100  # with fewer, "falls" is said too often where nothing is


@dataclass(frozen=True)
class ErrorVerdict:
    """Whether a model's error goes with a distance.

    Attributes
    ----------
    word : str
        "yes", "falls", "nothing" or "cannot tell".
    correlation : float
        Spearman's rank correlation of distance and error.
    correlation_limits : (float, float)
    ratio : float
        Mean error of the farthest tenth of the rows over that of the rest; NaN where one is 0.
    ratio_limits : (float, float)
    n_rows, n_groups : int
        `n_groups` is 0 where rows are taken as independent.
    rows_needed : int
        About how many rows (or groups) could tell, where these cannot; 0 otherwise.
    level : float
    """

    word: str
    correlation: float
    correlation_limits: tuple[float, float]
    ratio: float
    ratio_limits: tuple[float, float]
    n_rows: int
    n_groups: int
    rows_needed: int
    level: float

    @property
    def sentence(self) -> str:
        """The verdict in a sentence."""
        low, high = self.correlation_limits
        rho = f"rank correlation {self.correlation:.2f} ({low:.2f} to {high:.2f})"
        times = f"the farthest tenth errs {_times(self.ratio)} as much as the rest"
        ratio = f"{times} ({_number(self.ratio_limits[0])} to {_number(self.ratio_limits[1])})"
        if self.word == "yes":
            return f"The error grows with the distance: {rho}; {ratio}."
        if self.word == "falls":
            return f"Rows farther out are predicted better here: {rho}; {ratio}."
        if self.word == "nothing":
            return (
                "In this table distance says nothing about this model's error: rank correlation "
                f"below {SMALL_CORRELATION:g}, and the farthest tenth errs less than "
                f"{SMALL_RATIO:g} times as much as the rest ({100 * self.level:.0f} %)."
            )
        units = f"{self.n_groups:,} groups" if self.n_groups else f"{self.n_rows:,} rows"
        more = f" About {self.rows_needed:,} would." if self.rows_needed else ""
        return f"These {units} cannot tell: {rho}; {ratio}.{more}"


def judge_errors(
    distance: Floats,
    error: Floats,
    group: Indices | None = None,
    *,
    level: float = 0.95,
    n_tested: int = 1,
    random_state: int = 0,
) -> ErrorVerdict:
    """Judge whether errors (n,) go with distances (n,), from two effects.

    Each misses what the other sees: Spearman's rank correlation looks at all rows, the ratio of the
    farthest tenth's mean error to the rest's at a few bad rows far out.

    ===========  ================================================================================
    yes          one of the two is surely above 0 (above 1), each at (1 - level) / 2
    falls        the same downwards; with groups, from 100 groups on
    nothing      surely the correlation is below .1 *and* the ratio below 1.5, each at 1 - level
    cannot tell  else
    ===========  ================================================================================

    Parameters
    ----------
    group : (n,) int, optional
        Rows that were drawn together: influences are added up within each, and t quantiles have
        G - 1 degrees of freedom. Without groups "yes" and "falls" need a permutation p-value too,
        which makes their level exact.
    n_tested : int
        Notions of distance judged on the same rows: "yes" and "falls" are corrected for as many.

    Notes
    -----
    Standard errors are those of the influence functions (Fisher's z for the correlation, the
    logarithm of the ratio). Simulated: "yes" or "falls" in 0 to 7 of 100 tables
    where error and distance are independent, "nothing" in 1 and 8 where the correlation is .1
    (benchmarks/reliability_rates.py). O(n log n + 999 n).
    """
    from scipy.stats import t

    n = len(distance)
    codes = np.arange(n) if group is None else group
    n_groups = int(codes.max(initial=0)) + 1
    effects = _Effects.of(distance, error, codes)
    miss = (1 - level) / n_tested
    two = float(t.ppf(1 - miss / 4, max(n_groups - 1, 1)))
    one = float(t.ppf(level, max(n_groups - 1, 1)))
    correlation = effects.correlation_limits(two)
    ratio = effects.ratio_limits(two)
    by_rank = by_tail_up = by_tail_down = True
    if group is None:
        p = _permutation_p_values(distance, error, effects.is_far, random_state)
        by_rank = p[0] <= miss / 2
        by_tail_up, by_tail_down = (value <= miss / 4 for value in p[1:])
    may_fall = group is None or n_groups >= FEWEST_GROUPS_TO_FALL
    if (correlation[0] > 0 and by_rank) or (ratio[0] > 1 and by_tail_up):
        word = "yes"
    elif may_fall and ((correlation[1] < 0 and by_rank) or (ratio[1] < 1 and by_tail_down)):
        word = "falls"
    elif effects.correlation_limits(one)[1] < SMALL_CORRELATION and (
        effects.ratio_limits(one)[1] < SMALL_RATIO
    ):
        word = "nothing"
    else:
        word = "cannot tell"
    needed = effects.rows_needed(one, n_groups) if word == "cannot tell" else 0
    return ErrorVerdict(
        word,
        effects.correlation,
        correlation,
        float(np.exp(effects.log_ratio)),
        ratio,
        n,
        0 if group is None else n_groups,
        needed,
        level,
    )


@dataclass(frozen=True, eq=False)
class _Effects:
    """The two effects with their standard errors, on scales where they are about normal."""

    correlation: float
    z_error: float
    log_ratio: float
    log_ratio_error: float
    is_far: Mask

    @classmethod
    def of(cls, distance: Floats, error: Floats, group: Indices) -> _Effects:
        is_far = farthest_tenth(distance)
        correlation, z_error = rank_correlation(distance, error, group)
        log_ratio, log_ratio_error = _log_ratio(is_far, error, group)
        return cls(correlation, z_error, log_ratio, log_ratio_error, is_far)

    def correlation_limits(self, quantile: float) -> tuple[float, float]:
        if not np.isfinite(self.z_error):
            return -1.0, 1.0
        z = np.arctanh(np.clip(self.correlation, -0.999999, 0.999999))
        low, high = np.tanh([z - quantile * self.z_error, z + quantile * self.z_error])
        return float(low), float(high)

    def ratio_limits(self, quantile: float) -> tuple[float, float]:
        if not np.isfinite(self.log_ratio_error):
            return 0.0, np.inf
        half = quantile * self.log_ratio_error
        low, high = np.exp(np.clip([self.log_ratio - half, self.log_ratio + half], -700, 700))
        return float(low), float(high)

    def rows_needed(self, quantile: float, n: int) -> int:
        """About how many rows would narrow both intervals to half the way to the margins."""
        if not (np.isfinite(self.z_error) and np.isfinite(self.log_ratio_error)):
            return 0
        margins = np.arctanh(SMALL_CORRELATION) / 2, np.log(SMALL_RATIO) / 2
        factors = [
            (quantile * error / margin) ** 2
            for error, margin in zip((self.z_error, self.log_ratio_error), margins)
        ]
        needed = n * max(*factors, 1.0)
        digits = 10 ** max(int(np.floor(np.log10(needed))) - 1, 0)
        return int(np.ceil(needed / digits) * digits) if needed > n else 0


def farthest_tenth(distance: Floats) -> Mask:
    """(n,) the rows farther out than nine tenths of all; none where too many tie."""
    return np.asarray(distance > np.quantile(distance, 1 - FARTHEST_SHARE, method="inverted_cdf"))


def rank_correlation(distance: Floats, error: Floats, group: Indices) -> tuple[float, float]:
    """Spearman's rho, and its standard error on Fisher's scale from influences summed by group."""
    from scipy.stats import rankdata

    n, n_groups = len(distance), int(group.max(initial=0)) + 1
    ranks = [rankdata(values) for values in (distance, error)]
    spreads = [float(rank.std()) for rank in ranks]
    if min(spreads) == 0:
        return 0.0, np.inf
    x, y = ((rank - rank.mean()) / spread for rank, spread in zip(ranks, spreads))
    rho = float((x * y).mean())
    # A row moves rho by itself, and through the ranks of all others.
    influence = x * y - rho * (x**2 + y**2) / 2
    for own, other, spread in ((ranks[0], y, spreads[0]), (ranks[1], x, spreads[1])):
        above = _mean_at_or_above(own, other)
        influence = influence + n / spread * (above - above.mean())
    by_group = np.bincount(group, influence - influence.mean(), minlength=n_groups)
    variance = float((by_group**2).sum()) * n_groups / max(n_groups - 1, 1)
    return rho, float(np.sqrt(variance) / n / max(1 - rho**2, 1e-9))


def _mean_at_or_above(x: Floats, y: Floats) -> Floats:
    """(n,) sum of y over rows whose x is larger, over n; ties count half."""
    order = np.argsort(x, kind="stable")
    _, first, size = np.unique(x[order], return_index=True, return_counts=True)
    block = np.add.reduceat(y[order], first)
    after = block[::-1].cumsum()[::-1] - block / 2
    out = np.empty(len(x))
    out[order] = np.repeat(after, size) / len(x)
    return out


def _log_ratio(is_far: Mask, error: Floats, group: Indices) -> tuple[float, float]:
    """log(mean error of the far rows / mean error of the others), and its standard error."""
    if not is_far.any() or error[is_far].sum() == 0 or error[~is_far].sum() == 0:
        return float("nan"), np.inf
    scaled = error / error.max()
    far, rest = float(scaled[is_far].mean()), float(scaled[~is_far].mean())
    influence = np.where(
        is_far, (scaled - far) / far / is_far.mean(), -(scaled - rest) / rest / (~is_far).mean()
    )
    n_groups = int(group.max()) + 1
    by_group = np.bincount(group, influence / len(error), minlength=n_groups)
    variance = float((by_group**2).sum()) * n_groups / max(n_groups - 1, 1)
    return float(np.log(far / rest)), float(np.sqrt(variance))


def _permutation_p_values(
    distance: Floats, error: Floats, is_far: Mask, random_state: int
) -> tuple[float, float, float]:
    """Of the correlation (two-sided), and of the far rows' sum of errors upwards and downwards."""
    from scipy.stats import rankdata

    rng = np.random.default_rng(random_state)
    x, y = (rankdata(values) - (len(distance) + 1) / 2 for values in (distance, error))
    scaled = error / (float(error.max(initial=0.0)) or 1.0)
    observed, far_sum = abs(float(x @ y)), float(scaled[is_far].sum())
    slack = 1e-9 * max(observed, 1.0), 1e-12 * max(far_sum, 1.0)
    counts = np.ones(3)
    for _ in range(PERMUTATIONS):
        order = rng.permutation(len(distance))
        total = float(scaled[order][is_far].sum())
        counts += (
            abs(float(x @ y[order])) >= observed - slack[0],
            total >= far_sum - slack[1],
            total <= far_sum + slack[1],
        )
    rank, up, down = (counts / (PERMUTATIONS + 1)).tolist()
    return rank, up, down


def _times(ratio: float) -> str:
    return "an unknown number of times" if np.isnan(ratio) else f"{ratio:.1f} times"


def _number(value: float) -> str:
    return "any number" if np.isinf(value) else f"{value:.1f}"
