"""The tables of the grid: which notion tracks the error, where, and what the task metric adds."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from .._tables import Row, Table
from .._types import Floats
from ._grid import Grid, Key, Scores
from ._models import TITLES
from ._notions import NOTIONS, PLAIN, READINGS, title
from ._scores import Interval, interval
from ._sets import SPLITS

EVERYWHERE = tuple(r for r in READINGS if r not in ("clips", "clip_excess", "doubt"))
"""Readings that every set and model has: these are ranked against each other."""
HALF = "±: half of the 95 % t-interval over seeds."

Found = Mapping[Key, Scores]
Measure = Callable[[Scores], Floats]


def rho(one: Scores) -> Floats:
    return one.spearman


def area(one: Scores) -> Floats:
    return one.auroc


def cell(value: float, digits: int = 2) -> float | None:
    """A number of a table, or None where there is none."""
    return round(float(value), digits) + 0.0 if np.isfinite(value) else None


def over(
    grid: Grid, found: Found, split: str, reading: str, measure: Measure, *, median: bool = False
) -> dict[str, Floats]:
    """For each set its mean or median over the models, (seeds,)."""
    taken = {}
    for name in grid.sources:
        lines = [
            measure(found[name, split, model, reading])
            for model in grid.models
            if (name, split, model, reading) in found
        ]
        if lines:
            taken[name] = _known(np.nanmedian if median else np.nanmean, np.array(lines))
    return taken


def _known(reduce: Callable[..., Floats], values: Floats) -> Floats:
    """Over the first axis, of what is known; NaN where nothing is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # all NaN
        return np.asarray(reduce(values, axis=0))


def overall(grid: Grid, found: Found, split: str, reading: str, measure: Measure) -> Floats:
    """Mean over sets and models, for each seed; the sets are the same at every seed."""
    taken = list(over(grid, found, split, reading, measure).values())
    return _known(np.nanmean, np.array(taken)) if taken else np.full(grid.seeds, np.nan)


def kinds(grid: Grid) -> dict[str, list[str]]:
    """Names of the sets: made ones, measured numbers, classes; no empty kind."""
    found: dict[str, list[str]] = {}
    for name, source in grid.sources.items():
        rows = grid.rows[name]
        measured = "classes" if rows is not None and rows.classes else "measured numbers"
        found.setdefault("made sets" if source.known else measured, []).append(name)
    return found


def of_sets(grid: Grid, found: Found, split: str, reading: str, names: Sequence[str]) -> Interval:
    """Mean Spearman over some sets and all models."""
    each = over(grid, found, split, reading, rho)
    return interval(_known(np.nanmean, np.array([each[name] for name in names])))


def curves(
    grid: Grid, found: Found, split: str, reading: str, names: Sequence[str]
) -> list[Interval]:
    """Error against the reading's tenths, mean over sets of the median over models."""
    lines = []
    for name in names:
        own = [
            found[name, split, model, reading].curve
            for model in grid.models
            if (name, split, model, reading) in found
        ]
        if own:
            lines.append(_known(np.nanmedian, np.array(own)))
    each = _known(np.nanmean, np.array(lines)) if lines else np.full((grid.seeds, 1), np.nan)
    return [interval(column) for column in each.T]


def ranking(grid: Grid, found: Found) -> Table:
    """Every reading that all sets and models have, the best in shifted queries first."""
    first = {split: _firsts(grid, found, split) for split in SPLITS}
    rows: list[tuple[float, Row]] = []
    for reading in EVERYWHERE:
        cells: list[object] = [title(reading)]
        for split in SPLITS:
            for measure in (rho, area):
                one = interval(overall(grid, found, split, reading, measure))
                cells += [cell(one.mean), cell(one.half)]
            cells.append(first[split].get(reading, 0))
        one = interval(overall(grid, found, SPLITS[1], reading, rho))
        rows.append((-np.nan_to_num(one.mean, nan=-2.0), tuple(cells)))
    heads = ("Spearman", "± Spearman", "AUROC", "± AUROC", "first")
    return Table(
        "ranking",
        "Which notion tracks the error: mean over all sets and models",
        ("notion", *(f"{split} queries | {head}" for split in SPLITS for head in heads)),
        tuple(row for _, row in sorted(rows, key=lambda pair: pair[0])),
        "Spearman with the absolute error; AUROC for the worst tenth of the errors. first: in how "
        "many of the pairs of a set and a model it has the largest Spearman, mean over seeds, of "
        f"{len(grid.sources) * len(grid.models)}. {HALF} Best in shifted queries first.",
    )


def _firsts(grid: Grid, found: Found, split: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in grid.sources:
        for model in grid.models:
            means = {r: interval(found[name, split, model, r].spearman).mean for r in EVERYWHERE}
            best = max(means, key=lambda r: np.nan_to_num(means[r], nan=-2.0))
            counts[best] = counts.get(best, 0) + 1
    return counts


def kinds_table(grid: Grid, found: Found) -> Table:
    """Notions x kinds of sets."""
    groups = kinds(grid)
    rows = []
    for reading in EVERYWHERE:
        cells: list[object] = [title(reading)]
        for names in groups.values():
            for split in SPLITS:
                one = of_sets(grid, found, split, reading, names)
                cells += [cell(one.mean), cell(one.half)]
        rows.append(tuple(cells))
    heads = [h for split in SPLITS for h in (split, f"± {split}")]
    return Table(
        "kinds",
        "Spearman with the error by kind of set",
        ("notion", *(f"{kind} | {head}" for kind in groups for head in heads)),
        tuple(rows),
        f"Mean over sets and models. {HALF}",
    )


def sets_table(grid: Grid, found: Found, split: str, measure: Measure) -> Table:
    """Sets x notions, median over models."""
    what = "Spearman" if measure is rho else "AUROC of the worst tenth"
    columns = [f"{NOTIONS[name].title} | {kind}" for name, kind in map(_parts, EVERYWHERE)]
    rows = []
    for name in grid.sources:
        each = [
            interval(over(grid, found, split, r, measure, median=True)[name]) for r in EVERYWHERE
        ]
        halves = [one.half for one in each if np.isfinite(one.half)]
        rows.append((name, *(cell(one.mean) for one in each), cell(max(halves, default=np.nan))))
    return Table(
        f"sets_{split}_{'spearman' if measure is rho else 'auroc'}",
        f"{what}, {split} queries: sets and notions",
        ("set", *columns, "largest ±"),
        tuple(rows),
        f"Median over {len(grid.models)} models, mean over seeds. largest ±: of the row's numbers, "
        "half of the 95 % t-interval over seeds.",
    )


def _parts(reading: str) -> tuple[str, str]:
    name, _, kind = reading.partition(".")
    return name, kind or "of the model"


def models_table(grid: Grid, found: Found, split: str) -> Table:
    """Notions x models, mean over sets."""
    rows = []
    for reading in READINGS:
        cells: list[object] = [title(reading)]
        for model in grid.models:
            own = [
                found[key].spearman
                for key in ((name, split, model, reading) for name in grid.sources)
                if key in found
            ]
            one = interval(_known(np.nanmean, np.array(own))) if own else interval(np.zeros(0))
            cells += [cell(one.mean), cell(one.half)]
        if any(v is not None for v in cells[1:]):
            rows.append(tuple(cells))
    columns = [f"{TITLES[m]} | {head}" for m in grid.models for head in ("Spearman", "±")]
    return Table(
        f"models_{split}",
        f"Spearman, {split} queries: notions and models",
        ("notion", *columns),
        tuple(rows),
        f"Mean over sets (clips: of the MLP; doubt: over sets with classes). {HALF} Where the "
        "class is right, the error, 1 minus its share, is the doubt itself: it leads there by its "
        "definition and is left out of the ranking.",
    )


def gains(grid: Grid, found: Found, split: str, name: str) -> dict[tuple[str, str], Interval]:
    """Spearman in the task metric less the plain one, paired by seed, for each set and model."""
    return {
        (one, model): interval(
            found[one, split, model, f"{name}.task"].spearman
            - found[one, split, model, f"{name}.plain"].spearman
        )
        for one in grid.sources
        for model in grid.models
    }


def mean_gain(grid: Grid, found: Found, split: str, name: str) -> Interval:
    """The same, mean over sets and models for each seed."""
    task = overall(grid, found, split, f"{name}.task", rho)
    return interval(task - overall(grid, found, split, f"{name}.plain", rho))


def paired(grid: Grid, found: Found) -> Table:
    """What the task metric adds to each notion."""
    rows = []
    for name in (reading.partition(".")[0] for reading in PLAIN):
        cells: list[object] = [NOTIONS[name].title]
        for split in SPLITS:
            one = mean_gain(grid, found, split, name)
            each = gains(grid, found, split, name).values()
            better, worse = sum(g.low > 0 for g in each), sum(g.high < 0 for g in each)
            cells += [cell(one.mean, 3), cell(one.low, 3), cell(one.high, 3), better, worse]
            cells.append(len(each) - better - worse)
        rows.append(tuple(cells))
    heads = ("gain", "low", "high", "better", "worse", "open")
    return Table(
        "paired",
        "Spearman in the task metric less the plain one",
        ("notion", *(f"{split} queries | {head}" for split in SPLITS for head in heads)),
        tuple(rows),
        "gain: mean over sets and models, with its 95 % t-interval over seeds. better, worse, "
        "open: pairs of a set and a model whose own interval lies above 0, below 0, or holds 0.",
    )


def known_table(grid: Grid, found: Found) -> Table | None:
    """Harmful against harmless shift, where the directions that matter are known."""
    names = [name for name, source in grid.sources.items() if source.known]
    rows = []
    for name in names:
        for notion in (reading.partition(".")[0] for reading in PLAIN):
            first = found[name, SPLITS[1], grid.models[0], f"{notion}.plain"]
            each = [interval(first.harmful)]
            each += [
                interval(found[name, SPLITS[1], m, f"{notion}.task"].harmful) for m in grid.models
            ]
            cells = [cell(v) for one in each for v in (one.mean, one.half)]
            rows.append((name, NOTIONS[notion].title, *cells))
    heads = ("plain", *(f"metric of {TITLES[m]}" for m in grid.models))
    if not rows:
        return None
    return Table(
        "known",
        "Harmful against harmless shift, where the directions that matter are known",
        ("set", "notion", *(f"{head} | {what}" for head in heads for what in ("AUROC", "±"))),
        tuple(rows),
        "Shifted queries: half leave the data in what the target uses, half in as much else. "
        f"{HALF}",
        keys=2,
    )


def everything(grid: Grid, found: Found) -> Table:
    """Every score of every cell, with its interval: for `the `results` of the study."""
    rows = []
    for (name, split, model, reading), one in found.items():
        notion, kind = _parts(reading)
        cells: list[object] = []
        for values in (one.spearman, one.auroc, one.harmful):
            i = interval(values)
            cells += [cell(i.mean, 4), cell(i.low, 4), cell(i.high, 4)]
        rows.append((name, split, model, notion, kind, *cells))
    heads = [f"{m} {w}" for m in ("spearman", "auroc", "harmful") for w in ("mean", "low", "high")]
    return Table(
        "scores",
        "Every score",
        ("set", "split", "model", "notion", "metric", *heads),
        tuple(rows),
        "auroc: of the worst tenth of errors; harmful: AUROC of harmful against harmless shift.",
        keys=5,
    )
