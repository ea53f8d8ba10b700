"""Directions in which rows outside the hull are proved outside, chosen from many by what they gain.

Probes are training rows moved out of the data in several ways. Each is located, and the direction
that separates it becomes a candidate. A direction is kept for what it proves of *other* probes than
its own, the one that proves most first (greedily; the sum of the best shares is submodular, so that
is within 1 - 1/e of the best choice: Nemhauser, Wolsey and Fisher 1978).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._core.memory import check_memory
from .._core.types import Floats, Indices, Mask, Progress
from ..geometry.hull import locate_in_hull
from ..geometry.verdict import Verdict
from ._rule_features import RuleFeatures
from .fitted_table import FittedTable
from .gap_patterns import FEWEST_ALIKE, RARE_PATTERNS, GapPattern

PROBES_PER_DIRECTION = 4
MOVED_OUT = (1.15, 1.5, 2.5)  # times their distance from the mean
PUSHED_OUT = (0.5, 4.0)  # units of the metric
LEAST_WEIGHT = 1e-6  # of a direction's length: a column with less is left out of it
LEAST_GAIN = 1e-3  # of one probe: a direction that proves less of others is not kept
VERDICT_SHARE = 0.5  # what it is worth to prove a row outside, and the distance the rest


@dataclass(frozen=True, eq=False)
class DirectionChoice:
    """Weights of features (k, F) that bound distances by themselves, and what each one gained.

    `gain` (k,) is what each adds to those before it, in probes: a half for a probe proved outside,
    and the other half in the share of its distance that is proved.
    """

    weights: Floats
    gain: Floats
    n_probes: int


def choose_directions(
    table: FittedTable,
    features: RuleFeatures,
    n_directions: int,
    progress: Progress | None = None,
) -> DirectionChoice:
    """At most `n_directions` directions, for the patterns of gaps that training rows have.

    O(4 n_directions n D) for each pass that locates the probes, and O(n_directions^2 n F).
    """
    check_memory(24 * (PROBES_PER_DIRECTION * n_directions) ** 2, f"{n_directions:,} directions")
    probes, distances, weights = [], [], []
    for number, (pattern, share) in enumerate(frequent_patterns(table, progress)):
        n_probes = int(np.ceil(PROBES_PER_DIRECTION * n_directions * share))
        Q = _probes(table, pattern, n_probes, np.random.default_rng(number))
        located = locate_in_hull(pattern.cloud, Q, pattern.reference.metric, progress=progress)
        outside = np.flatnonzero(located.verdict == Verdict.OUTSIDE)
        functionals = np.zeros((len(outside), len(features.root)))
        functionals[:, pattern.coordinates] = pattern.reference.metric.dual(
            located.direction[outside]
        )
        full = np.full((len(outside), len(features.root)), np.nan)
        full[:, pattern.coordinates] = Q[outside]
        probes.append(full)
        distances.append(located.lower[outside])
        weights.append(features.weights(functionals))
    W = normalized(features, np.vstack([np.zeros((0, len(features.owner))), *weights]))
    offsets = training_maxima(features, table.values, W)
    proved = _proved_shares(features, np.vstack(probes), np.concatenate(distances), W, offsets)
    order, gain = _pick(proved, n_directions)
    return DirectionChoice(W[order], gain, len(proved))


def frequent_patterns(
    table: FittedTable, progress: Progress | None = None
) -> list[tuple[GapPattern, float]]:
    """The patterns of gaps that are frequent among training rows, and their shares of the rows."""
    filled, counts = np.unique(table.filled, axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:RARE_PATTERNS]
    patterns = [(table.pattern(filled[k], progress), int(counts[k])) for k in order]
    enough = [(p, c) for p, c in patterns if p is not None and c >= min(FEWEST_ALIKE, len(table))]
    enough = enough or [(p, c) for p, c in patterns if p is not None]
    total = sum(count for _, count in enough)
    return [(pattern, count / total) for pattern, count in enough]


def _probes(table: FittedTable, pattern: GapPattern, n: int, random: np.random.Generator) -> Floats:
    """Training rows of a pattern moved out, a quarter in each of four ways."""
    values = pattern.cloud.take(np.arange(pattern.cloud.n))
    owner = table.coordinates.owner[pattern.coordinates]
    root = pattern.reference.metric.root
    Q = values[random.integers(len(values), size=n)]
    other = values[random.integers(len(values), size=n)]
    way = np.arange(n) % 4
    moved = random.choice(MOVED_OUT, n)[:, None]
    one = owner == random.choice(np.unique(owner), n)[:, None]
    half = random.random((n, len(table.coordinates.columns)))[:, owner] < 0.5
    size = random.uniform(*PUSHED_OUT, n) * random.choice([-1.0, 1.0], n)
    mean = values.mean(axis=0)
    ways = [
        mean + moved * (Q - mean),
        np.where(one, other, Q),
        np.where(half, other, Q),
        Q + np.where(one, size[:, None] / root, 0.0),
    ]
    return np.ascontiguousarray(np.choose(way[:, None], ways))


def normalized(features: RuleFeatures, weights: Floats) -> Floats:
    """Weights as float32 numbers, of length just under 1 in the metric, without traces of columns.

    <w, f> then bounds differences from below by the distance itself, in both precisions.
    """
    length = np.linalg.norm(features.metric_weights(weights), axis=1, keepdims=True)
    weights = weights / np.where(length > 0, length, 1.0)
    in_metric = features.metric_weights(weights)
    for j in range(len(features.columns)):
        at = features.features_of(j)
        trace = np.linalg.norm(in_metric[:, at], axis=1) < LEAST_WEIGHT
        weights[trace, at] = 0.0
    weights = (weights * (1 - 2.0**-20)).astype(np.float32).astype(np.float64)
    length = np.linalg.norm(features.metric_weights(weights), axis=1)
    keep = (length > 0.5) & (length <= 1 - 2.0**-22)
    return np.unique(weights[keep], axis=0)


def training_maxima(features: RuleFeatures, values: Floats, weights: Floats) -> Floats:
    """(k,) the largest <w, f> of the training rows that have the columns of w; -inf without."""
    best = np.full(len(weights), -np.inf)
    uses = features.uses(weights).astype(np.float64)
    for start in range(0, len(values), 4096):
        sums = _sums(features, values[start : start + 4096], weights, uses)
        best = np.maximum(best, sums.max(axis=0, initial=-np.inf))
    return best


def _sums(features: RuleFeatures, values: Floats, weights: Floats, uses: Floats) -> Floats:
    """(m, k) the sums <w, f> of rows given as coordinates, -inf where a gap has a weight."""
    F = features.features(values)
    usable = features.usable(F)
    F = np.where(usable[:, features.owner], F, 0.0)
    lacking = (~usable).astype(np.float64) @ uses.T > 0
    return np.where(lacking, -np.inf, F @ weights.T)


def _proved_shares(
    features: RuleFeatures, probes: Floats, distances: Floats, weights: Floats, offsets: Floats
) -> Floats:
    """(m, k) what each direction proves of each probe, 0 to 1; nothing where it proves it all.

    A direction proves all of the probe that it was made for, and is not to be kept for that.
    """
    uses = features.uses(weights).astype(np.float64)
    lower = _sums(features, probes, weights, uses) - offsets
    share = np.clip(lower / distances[:, None], 0.0, 1.0)
    share[share > 1 - 1e-4] = 0.0
    return np.where(share > 0, VERDICT_SHARE + (1 - VERDICT_SHARE) * share, 0.0)


def _pick(share: Floats, n: int) -> tuple[Indices, Floats]:
    """The directions that gain most in turn, and their gains; each gain is looked up lazily."""
    covered = np.zeros(len(share))
    bound: Floats = share.sum(axis=0)
    order: list[int] = []
    gains: list[float] = []
    is_open: Mask = np.ones(share.shape[1], dtype=bool)
    while len(order) < n and is_open.any():
        k = int(np.argmax(np.where(is_open, bound, -1.0)))
        gain = float(np.maximum(share[:, k] - covered, 0.0).sum())
        bound[k] = gain
        if gain < np.where(is_open, bound, -1.0).max():
            continue
        if gain < LEAST_GAIN:
            break
        is_open[k] = False
        covered = np.maximum(covered, share[:, k])
        order.append(k)
        gains.append(gain)
    return np.array(order, dtype=np.intp), np.array(gains)
