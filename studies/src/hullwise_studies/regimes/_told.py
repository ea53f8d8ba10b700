"""The grid in charts and in words, all computed from its scores."""

from __future__ import annotations

import numpy as np

from hullwise.report.charts import Series, line_chart

from .._study import Chart, Part
from .._tables import Finding
from . import _ranking as ranking
from ._grid import Counts, Grid
from ._models import TITLES
from ._notions import NOTIONS, title
from ._ranking import EVERYWHERE, Found, area, rho
from ._scores import BINS, Interval, interval
from ._sets import SPLITS

DRAWN = (
    *("hull.plain", "hull.task", "neighbours.plain", "neighbours.task"),
    *("spread.task", "ensemble"),
)
EACH = ("hull.plain", "hull.task", "neighbours.task", "ensemble")
WEAK = 0.2  # a Spearman below which a reading hardly tells


def parts(grid: Grid, found: Found) -> list[Part]:
    """Ranking, sets, models, the task metric's share, and where the truth is known."""
    measures = (rho, area)
    made = [
        Part(
            "Which notion tracks the error",
            "Each notion reads how far out a query is; a good one reads high where the model is "
            "wrong. Plain distances are in standard deviations of the training rows, those in the "
            "task metric in the metric that the model itself has of its task. The curves show the "
            "error, in mean errors, of the queries sorted by the notion and cut into tenths.",
            tuple(_curves(grid, found, split, tuple(grid.sources), DRAWN) for split in SPLITS),
            (ranking.ranking(grid, found), ranking.kinds_table(grid, found)),
        ),
        Part(
            "What the task metric adds",
            "The same queries, models and seeds, in the task metric and without it.",
            (),
            (ranking.paired(grid, found),),
        ),
        Part(
            "Set by set",
            "Random queries come from where the training rows come from; half of the shifted ones "
            "come from elsewhere.",
            tuple(_curves(grid, found, SPLITS[1], (name,), EACH) for name in grid.sources),
            tuple(ranking.sets_table(grid, found, s, m) for s in SPLITS for m in measures),
        ),
        Part(
            "Model by model",
            "The same scores, averaged over the sets.",
            (),
            tuple(ranking.models_table(grid, found, split) for split in SPLITS),
        ),
    ]
    known = ranking.known_table(grid, found)
    if known is not None:
        text = "In made sets it is known which inputs or directions the target uses."
        made.append(Part("Harmful and harmless", text, (), (known,)))
    return made


def _curves(
    grid: Grid, found: Found, split: str, names: tuple[str, ...], readings: tuple[str, ...]
) -> Chart:
    """Error against distance; a band for each line."""
    series = []
    for reading in readings:
        each = ranking.curves(grid, found, split, reading, names)
        x = [float(10 * k + 5) for k in range(BINS)]
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


def findings(grid: Grid, found: Found, missing: Counts, plain: Counts) -> list[Finding]:
    """What stands out in the grid."""
    said = [_winners(grid, found), _metric(grid, found), _peer(grid, found)]
    said += [one for one in (_weak(grid, found), _wrong(grid, found)) if one is not None]
    if missing or plain:
        said.append(_missing(grid, missing, plain))
    return said


def _mean(grid: Grid, found: Found, split: str, reading: str) -> Interval:
    return interval(ranking.overall(grid, found, split, reading, rho))


def _with(one: Interval, sign: bool = False) -> str:
    reach = f" ± {one.half:.2f}" if np.isfinite(one.half) else ""
    return (f"{one.mean:+.2f}" if sign else f"{one.mean:.2f}") + reach


def _winners(grid: Grid, found: Found) -> Finding:
    told = []
    for split in SPLITS:
        means = {r: _mean(grid, found, split, r) for r in EVERYWHERE}
        order = sorted(EVERYWHERE, key=lambda r: -means[r].mean)
        best = ", ".join(f"{title(r)} ({_with(means[r])})" for r in order[:3])
        told.append(f"{split} queries: {best}; last {title(order[-1])} ({_with(means[order[-1]])})")
    text = (
        "Mean Spearman with the error over all sets and models, the three best and the last. "
        f"{'. '.join(t[0].upper() + t[1:] for t in told)}. The best by kind of set: "
        f"{'; '.join(_by_kind(grid, found))}. The intervals are over seeds: with other sets the "
        "order may be another."
    )
    return Finding("Which notion wins", text)


def _by_kind(grid: Grid, found: Found) -> list[str]:
    told = []
    for kind, names in ranking.kinds(grid).items():
        for split in SPLITS:
            means = {r: ranking.of_sets(grid, found, split, r, names) for r in EVERYWHERE}
            best = max(EVERYWHERE, key=lambda r: np.nan_to_num(means[r].mean, nan=-2.0))
            told.append(f"{kind}, {split} queries {title(best)} ({_with(means[best])})")
    return told


def _metric(grid: Grid, found: Found) -> Finding:
    told = []
    for kind, names in ranking.kinds(grid).items():
        for split in SPLITS:
            gains = ranking.gains(grid, found, split, "hull")
            each = [g for (name, _), g in gains.items() if name in names]
            better, worse = sum(g.low > 0 for g in each), sum(g.high < 0 for g in each)
            middle = [np.mean([g.mean for (one, _), g in gains.items() if one == n]) for n in names]
            told.append(
                f"{kind}, {split} queries: better in {better} and worse in {worse} of {len(each)} "
                f"pairs, mean gain {_with(interval(np.array(middle)), sign=True)}"
            )
    text = (
        "Hull distance in the task metric against the plain one, Spearman with the error, for each "
        "pair of a set and a model, paired by seed (better, worse: the 95 % interval leaves out 0; "
        f"±: over sets). {'; '.join(told)}."
    )
    return Finding("What the task metric adds to the hull distance", text)


def _peer(grid: Grid, found: Found) -> Finding:
    told = []
    for kind, names in ranking.kinds(grid).items():
        for split in SPLITS:
            peer = ranking.over(grid, found, split, "ensemble", rho)
            hull = ranking.over(grid, found, split, "hull.task", rho)
            each = np.mean([hull[name] - peer[name] for name in names], axis=0)
            told.append(f"{kind}, {split} queries: {_with(interval(each), sign=True)}")
    text = (
        "Spearman of the hull distance in the task metric less that of the ensemble variance, mean "
        f"over sets and models: {'; '.join(told)}. The ensemble is five more models to fit; of "
        "class shares near 0 or 1 it varies little, and there the error is small too."
    )
    return Finding("Against the usual peer, an ensemble", text)


def _weak(grid: Grid, found: Found) -> Finding | None:
    told = []
    for split in SPLITS:
        for name in grid.sources:
            means = {
                r: float(np.nanmean(ranking.over(grid, found, split, r, rho, median=True)[name]))
                for r in EVERYWHERE
            }
            best = max(means, key=lambda r: np.nan_to_num(means[r], nan=-2.0))
            if means[best] < WEAK:
                told.append(f"{name}, {split} queries (best: {title(best)}, {means[best]:.2f})")
    if not told:
        return None
    text = f"No notion reaches a median Spearman of {WEAK:g} on: {'; '.join(told)}."
    return Finding("Where no notion tells much", text)


def _wrong(grid: Grid, found: Found) -> Finding | None:
    told = []
    for split in SPLITS:
        for reading in ("hull.plain", "hull.task", "neighbours.plain", "neighbours.task"):
            names = [
                name
                for name, each in ranking.over(
                    grid, found, split, reading, rho, median=True
                ).items()
                if interval(each).high < 0
            ]
            if names:
                told.append(f"{title(reading)}, {split} queries: {', '.join(names)}")
    if not told:
        return None
    text = (
        "Sets on which a distance is the wrong way round, farther queries having the smaller "
        f"errors (the 95 % interval of the median over models is below 0). {'; '.join(told)}."
    )
    return Finding("Where distance misleads", text)


def _missing(grid: Grid, missing: Counts, plain: Counts) -> Finding:
    draws = grid.seeds * len(SPLITS)

    def named(counts: Counts) -> str:
        return "; ".join(f"{n}, {TITLES[m]} ({k} of {draws})" for (n, m), k in counts.items())

    told = []
    if missing:
        told.append(
            "The model changes nowhere, or local fits find no direction beyond noise, and plain "
            f"readings stand in the place of those in the task metric: {named(missing)}."
        )
    if plain:
        told.append(
            "The metric learnt is the plain one, since cross-validation keeps no step of it: "
            f"{named(plain)}."
        )
    return Finding("Where there is no task metric", " ".join(told))


def about(grid: Grid) -> list[tuple[str, str]]:
    """Sets, models and notions in words."""
    told = [(f"Set {name}", source.text) for name, source in grid.sources.items()]
    told += [(f"Notion: {notion.title}", notion.text) for notion in NOTIONS.values()]
    return told
