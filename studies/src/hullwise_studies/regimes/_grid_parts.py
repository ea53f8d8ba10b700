"""The grid in charts and in words, all computed from its scores."""

from __future__ import annotations

import numpy as np

from hullwise.report.charts import Series, line_chart

from .._study import Chart, Part
from .._tables import Finding
from . import _ranking as ranking
from ._grid import CellCounts, Grid
from ._models import MODEL_TITLES
from ._notions import NOTIONS, title
from ._ranking import RANKED_READINGS, ScoresByKey, area, rho
from ._scores import CURVE_BINS, Interval, interval
from ._sets import QUERY_SPLITS

CURVE_READINGS = (
    *("hull.plain", "hull.task", "neighbours.plain", "neighbours.task"),
    *("spread.task", "ensemble"),
)
SET_CURVE_READINGS = ("hull.plain", "hull.task", "neighbours.task", "ensemble")
WEAK_SPEARMAN = 0.2  # a Spearman below which a reading hardly tells


def parts(grid: Grid, scores: ScoresByKey) -> list[Part]:
    """Ranking, sets, models, the task metric's share, and where the truth is known."""
    measures = (rho, area)
    parts = [
        Part(
            "Which notion tracks the error",
            "Each notion reads how far out a query is; a good one reads high where the model is "
            "wrong. Plain distances are in standard deviations of the training rows, those in the "
            "task metric in the metric that the model itself has of its task. The curves show the "
            "error, in mean errors, of the queries sorted by the notion and cut into tenths.",
            tuple(
                _curves(grid, scores, split, tuple(grid.sources), CURVE_READINGS)
                for split in QUERY_SPLITS
            ),
            (ranking.ranking(grid, scores), ranking.kinds_table(grid, scores)),
        ),
        Part(
            "What the task metric adds",
            "The same queries, models and seeds, in the task metric and without it.",
            (),
            (ranking.paired_table(grid, scores),),
        ),
        Part(
            "Set by set",
            "Random queries come from where the training rows come from; half of the shifted ones "
            "come from elsewhere.",
            tuple(
                _curves(grid, scores, QUERY_SPLITS[1], (name,), SET_CURVE_READINGS)
                for name in grid.sources
            ),
            tuple(ranking.sets_table(grid, scores, s, m) for s in QUERY_SPLITS for m in measures),
        ),
        Part(
            "Model by model",
            "The same scores, averaged over the sets.",
            (),
            tuple(ranking.models_table(grid, scores, split) for split in QUERY_SPLITS),
        ),
    ]
    known_table = ranking.known_table(grid, scores)
    if known_table is not None:
        text = "In made sets it is known which inputs or directions the target uses."
        parts.append(Part("Harmful and harmless", text, (), (known_table,)))
    return parts


def _curves(
    grid: Grid, scores: ScoresByKey, split: str, names: tuple[str, ...], readings: tuple[str, ...]
) -> Chart:
    """Error against distance; a band for each line."""
    series = []
    for reading in readings:
        each = ranking.curves(grid, scores, split, reading, names)
        x = [float(10 * k + 5) for k in range(CURVE_BINS)]
        y, low, high = ([getattr(one, w) for one in each] for w in ("mean", "low", "high"))
        above = [max(v, 0.0) for v in low]  # no error is below 0
        series.append(Series(title(reading), x, y, above, high))
    about = "all sets" if len(names) > 1 else names[0]
    svg = line_chart(
        series,
        label=f"Error by tenths of each notion, {about}, {split} queries",
        x_label="queries from the lowest reading up, percent",
        y_label="median error, in mean errors",
        height=320 if len(names) > 1 else 240,
    )
    return Chart(svg, f"{about}, {split} queries: median over models; bands: 95 % over seeds.")


def findings(
    grid: Grid, scores: ScoresByKey, missing: CellCounts, plain_metrics: CellCounts
) -> list[Finding]:
    """What stands out in the grid."""
    findings = [_winners(grid, scores), _metric(grid, scores), _peer(grid, scores)]
    findings += [one for one in (_weak(grid, scores), _wrong(grid, scores)) if one is not None]
    if missing or plain_metrics:
        findings.append(_missing(grid, missing, plain_metrics))
    return findings


def _mean(grid: Grid, scores: ScoresByKey, split: str, reading: str) -> Interval:
    return interval(ranking.overall(grid, scores, split, reading, rho))


def _with(one: Interval, sign: bool = False) -> str:
    reach = f" ± {one.half:.2f}" if np.isfinite(one.half) else ""
    return (f"{one.mean:+.2f}" if sign else f"{one.mean:.2f}") + reach


def _winners(grid: Grid, scores: ScoresByKey) -> Finding:
    sentences = []
    for split in QUERY_SPLITS:
        means = {r: _mean(grid, scores, split, r) for r in RANKED_READINGS}
        order = sorted(RANKED_READINGS, key=lambda r: -means[r].mean)
        best = ", ".join(f"{title(r)} ({_with(means[r])})" for r in order[:3])
        sentences.append(
            f"{split} queries: {best}; last {title(order[-1])} ({_with(means[order[-1]])})"
        )
    text = (
        "Mean Spearman with the error over all sets and models, the three best and the last. "
        f"{'. '.join(t[0].upper() + t[1:] for t in sentences)}. The best by kind of set: "
        f"{'; '.join(_by_kind(grid, scores))}. The intervals are over seeds: with other sets the "
        "order may be another."
    )
    return Finding("Which notion wins", text)


def _by_kind(grid: Grid, scores: ScoresByKey) -> list[str]:
    sentences = []
    for kind, names in ranking.kinds(grid).items():
        for split in QUERY_SPLITS:
            means = {r: ranking.of_sets(grid, scores, split, r, names) for r in RANKED_READINGS}
            best = max(RANKED_READINGS, key=lambda r: np.nan_to_num(means[r].mean, nan=-2.0))
            sentences.append(f"{kind}, {split} queries {title(best)} ({_with(means[best])})")
    return sentences


def _metric(grid: Grid, scores: ScoresByKey) -> Finding:
    sentences = []
    for kind, names in ranking.kinds(grid).items():
        for split in QUERY_SPLITS:
            gains = ranking.gains(grid, scores, split, "hull")
            each = [g for (name, _), g in gains.items() if name in names]
            better, worse = sum(g.low > 0 for g in each), sum(g.high < 0 for g in each)
            middle = [np.mean([g.mean for (one, _), g in gains.items() if one == n]) for n in names]
            sentences.append(
                f"{kind}, {split} queries: better in {better} and worse in {worse} of {len(each)} "
                f"pairs, mean gain {_with(interval(np.array(middle)), sign=True)}"
            )
    text = (
        "Hull distance in the task metric against the plain one, Spearman with the error, for each "
        "pair of a set and a model, paired by seed (better, worse: the 95 % interval leaves out 0; "
        f"±: over sets). {'; '.join(sentences)}."
    )
    return Finding("What the task metric adds to the hull distance", text)


def _peer(grid: Grid, scores: ScoresByKey) -> Finding:
    sentences = []
    for kind, names in ranking.kinds(grid).items():
        for split in QUERY_SPLITS:
            peer = ranking.over(grid, scores, split, "ensemble", rho)
            hull = ranking.over(grid, scores, split, "hull.task", rho)
            each = np.mean([hull[name] - peer[name] for name in names], axis=0)
            sentences.append(f"{kind}, {split} queries: {_with(interval(each), sign=True)}")
    text = (
        "Spearman of the hull distance in the task metric less that of the ensemble variance, mean "
        f"over sets and models: {'; '.join(sentences)}. The ensemble is five more models to fit; "
        "of "
        "class shares near 0 or 1 it varies little, and there the error is small too."
    )
    return Finding("Against the usual peer, an ensemble", text)


def _weak(grid: Grid, scores: ScoresByKey) -> Finding | None:
    sentences = []
    for split in QUERY_SPLITS:
        for name in grid.sources:
            means = {
                r: float(np.nanmean(ranking.over(grid, scores, split, r, rho, median=True)[name]))
                for r in RANKED_READINGS
            }
            best = max(means, key=lambda r: np.nan_to_num(means[r], nan=-2.0))
            if means[best] < WEAK_SPEARMAN:
                sentences.append(
                    f"{name}, {split} queries (best: {title(best)}, {means[best]:.2f})"
                )
    if not sentences:
        return None
    text = f"No notion reaches a median Spearman of {WEAK_SPEARMAN:g} on: {'; '.join(sentences)}."
    return Finding("Where no notion tells much", text)


def _wrong(grid: Grid, scores: ScoresByKey) -> Finding | None:
    sentences = []
    for split in QUERY_SPLITS:
        for reading in ("hull.plain", "hull.task", "neighbours.plain", "neighbours.task"):
            names = [
                name
                for name, each in ranking.over(
                    grid, scores, split, reading, rho, median=True
                ).items()
                if interval(each).high < 0
            ]
            if names:
                sentences.append(f"{title(reading)}, {split} queries: {', '.join(names)}")
    if not sentences:
        return None
    text = (
        "Sets on which a distance is the wrong way round, farther queries having the smaller "
        f"errors (the 95 % interval of the median over models is below 0). {'; '.join(sentences)}."
    )
    return Finding("Where distance misleads", text)


def _missing(grid: Grid, missing: CellCounts, plain_metrics: CellCounts) -> Finding:
    draws = grid.seeds * len(QUERY_SPLITS)

    def named(counts: CellCounts) -> str:
        return "; ".join(f"{n}, {MODEL_TITLES[m]} ({k} of {draws})" for (n, m), k in counts.items())

    sentences = []
    if missing:
        sentences.append(
            "The model changes nowhere, or local fits find no direction beyond noise, and plain "
            f"readings stand in the place of those in the task metric: {named(missing)}."
        )
    if plain_metrics:
        sentences.append(
            "The metric learnt is the plain one, since cross-validation keeps no step of it: "
            f"{named(plain_metrics)}."
        )
    return Finding("Where there is no task metric", " ".join(sentences))


def about(grid: Grid) -> list[tuple[str, str]]:
    """Sets, models and notions in words."""
    terms = [(f"Set {name}", source.text) for name, source in grid.sources.items()]
    terms += [(f"Notion: {notion.title}", notion.text) for notion in NOTIONS.values()]
    return terms
