"""The tables of the grid: which notion tracks the error, where, and what the task metric adds."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from .._tables import Row, Table
from .._types import Floats
from ._grid import Grid, Key, ReadingScores
from ._models import MODEL_TITLES
from ._notions import NOTIONS, PLAIN_READINGS, READINGS, title
from ._scores import Interval, interval
from ._sets import QUERY_SPLITS

RANKED_READINGS = tuple(r for r in READINGS if r not in ("clips", "clip_excess", "doubt"))
"""Readings that every set and model has: these are ranked against each other."""
INTERVAL_NOTE = "±: half of the 95 % t-interval over seeds."

ScoresByKey = Mapping[Key, ReadingScores]
Measure = Callable[[ReadingScores], Floats]


def rho(one: ReadingScores) -> Floats:
    return one.spearman


def area(one: ReadingScores) -> Floats:
    return one.auroc


def cell(value: float, digits: int = 2) -> float | None:
    """A number of a table, or None where there is none."""
    return round(float(value), digits) + 0.0 if np.isfinite(value) else None


def over(
    grid: Grid,
    scores: ScoresByKey,
    split: str,
    reading: str,
    measure: Measure,
    *,
    median: bool = False,
) -> dict[str, Floats]:
    """For each set its mean or median over the models, (seeds,)."""
    by_set = {}
    for name in grid.sources:
        lines = [
            measure(scores[name, split, model, reading])
            for model in grid.models
            if (name, split, model, reading) in scores
        ]
        if lines:
            by_set[name] = _without_warnings(
                np.nanmedian if median else np.nanmean, np.array(lines)
            )
    return by_set


def _without_warnings(reduce: Callable[..., Floats], values: Floats) -> Floats:
    """Over the first axis, of what is known; NaN where nothing is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # all NaN
        return np.asarray(reduce(values, axis=0))


def overall(grid: Grid, scores: ScoresByKey, split: str, reading: str, measure: Measure) -> Floats:
    """Mean over sets and models, for each seed; the sets are the same at every seed."""
    arrays = list(over(grid, scores, split, reading, measure).values())
    return (
        _without_warnings(np.nanmean, np.array(arrays)) if arrays else np.full(grid.seeds, np.nan)
    )


def kinds(grid: Grid) -> dict[str, list[str]]:
    """Names of the sets: made ones, measured numbers, classes; no empty kind."""
    by_kind: dict[str, list[str]] = {}
    for name, source in grid.sources.items():
        rows = grid.rows[name]
        measured = "classes" if rows is not None and rows.classes else "measured numbers"
        by_kind.setdefault("made sets" if source.has_known_directions else measured, []).append(
            name
        )
    return by_kind


def of_sets(
    grid: Grid, scores: ScoresByKey, split: str, reading: str, names: Sequence[str]
) -> Interval:
    """Mean Spearman over some sets and all models."""
    each = over(grid, scores, split, reading, rho)
    return interval(_without_warnings(np.nanmean, np.array([each[name] for name in names])))


def curves(
    grid: Grid, scores: ScoresByKey, split: str, reading: str, names: Sequence[str]
) -> list[Interval]:
    """Error against the reading's tenths, mean over sets of the median over models."""
    lines = []
    for name in names:
        own = [
            scores[name, split, model, reading].curve
            for model in grid.models
            if (name, split, model, reading) in scores
        ]
        if own:
            lines.append(_without_warnings(np.nanmedian, np.array(own)))
    each = (
        _without_warnings(np.nanmean, np.array(lines))
        if lines
        else np.full((grid.seeds, 1), np.nan)
    )
    return [interval(column) for column in each.T]


def ranking(grid: Grid, scores: ScoresByKey) -> Table:
    """Every reading that all sets and models have, the best in shifted queries first."""
    first = {split: _firsts(grid, scores, split) for split in QUERY_SPLITS}
    rows: list[tuple[float, Row]] = []
    for reading in RANKED_READINGS:
        cells: list[object] = [title(reading)]
        for split in QUERY_SPLITS:
            for measure in (rho, area):
                one = interval(overall(grid, scores, split, reading, measure))
                cells += [cell(one.mean), cell(one.half)]
            cells.append(first[split].get(reading, 0))
        one = interval(overall(grid, scores, QUERY_SPLITS[1], reading, rho))
        rows.append((-np.nan_to_num(one.mean, nan=-2.0), tuple(cells)))
    heads = ("Spearman", "± Spearman", "AUROC", "± AUROC", "first")
    return Table(
        "ranking",
        "Which notion tracks the error: mean over all sets and models",
        ("notion", *(f"{split} queries | {head}" for split in QUERY_SPLITS for head in heads)),
        tuple(row for _, row in sorted(rows, key=lambda pair: pair[0])),
        "Spearman with the absolute error; AUROC for the worst tenth of the errors. first: in how "
        "many of the pairs of a set and a model it has the largest Spearman, mean over seeds, of "
        f"{len(grid.sources) * len(grid.models)}. {INTERVAL_NOTE} Best in shifted queries first.",
    )


def _firsts(grid: Grid, scores: ScoresByKey, split: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in grid.sources:
        for model in grid.models:
            means = {
                r: interval(scores[name, split, model, r].spearman).mean for r in RANKED_READINGS
            }
            best = max(means, key=lambda r: np.nan_to_num(means[r], nan=-2.0))
            counts[best] = counts.get(best, 0) + 1
    return counts


def kinds_table(grid: Grid, scores: ScoresByKey) -> Table:
    """Notions x kinds of sets."""
    groups = kinds(grid)
    rows = []
    for reading in RANKED_READINGS:
        cells: list[object] = [title(reading)]
        for names in groups.values():
            for split in QUERY_SPLITS:
                one = of_sets(grid, scores, split, reading, names)
                cells += [cell(one.mean), cell(one.half)]
        rows.append(tuple(cells))
    heads = [h for split in QUERY_SPLITS for h in (split, f"± {split}")]
    return Table(
        "kinds",
        "Spearman with the error by kind of set",
        ("notion", *(f"{kind} | {head}" for kind in groups for head in heads)),
        tuple(rows),
        f"Mean over sets and models. {INTERVAL_NOTE}",
    )


def sets_table(grid: Grid, scores: ScoresByKey, split: str, measure: Measure) -> Table:
    """Sets x notions, median over models."""
    what = "Spearman" if measure is rho else "AUROC of the worst tenth"
    columns = [f"{NOTIONS[name].title} | {kind}" for name, kind in map(_parts, RANKED_READINGS)]
    rows = []
    for name in grid.sources:
        each = [
            interval(over(grid, scores, split, r, measure, median=True)[name])
            for r in RANKED_READINGS
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


def models_table(grid: Grid, scores: ScoresByKey, split: str) -> Table:
    """Notions x models, mean over sets."""
    rows = []
    for reading in READINGS:
        cells: list[object] = [title(reading)]
        for model in grid.models:
            own = [
                scores[key].spearman
                for key in ((name, split, model, reading) for name in grid.sources)
                if key in scores
            ]
            one = (
                interval(_without_warnings(np.nanmean, np.array(own)))
                if own
                else interval(np.zeros(0))
            )
            cells += [cell(one.mean), cell(one.half)]
        if any(v is not None for v in cells[1:]):
            rows.append(tuple(cells))
    columns = [f"{MODEL_TITLES[m]} | {head}" for m in grid.models for head in ("Spearman", "±")]
    return Table(
        f"models_{split}",
        f"Spearman, {split} queries: notions and models",
        ("notion", *columns),
        tuple(rows),
        f"Mean over sets (clips: of the MLP; doubt: over sets with classes). {INTERVAL_NOTE} "
        "Where the "
        "class is right, the error, 1 minus its share, is the doubt itself: it leads there by its "
        "definition and is left out of the ranking.",
    )


def gains(
    grid: Grid, scores: ScoresByKey, split: str, name: str
) -> dict[tuple[str, str], Interval]:
    """Spearman in the task metric less the plain one, paired by seed, for each set and model."""
    return {
        (one, model): interval(
            scores[one, split, model, f"{name}.task"].spearman
            - scores[one, split, model, f"{name}.plain"].spearman
        )
        for one in grid.sources
        for model in grid.models
    }


def mean_gain(grid: Grid, scores: ScoresByKey, split: str, name: str) -> Interval:
    """The same, mean over sets and models for each seed."""
    task = overall(grid, scores, split, f"{name}.task", rho)
    return interval(task - overall(grid, scores, split, f"{name}.plain", rho))


def paired_table(grid: Grid, scores: ScoresByKey) -> Table:
    """What the task metric adds to each notion."""
    rows = []
    for name in (reading.partition(".")[0] for reading in PLAIN_READINGS):
        cells: list[object] = [NOTIONS[name].title]
        for split in QUERY_SPLITS:
            one = mean_gain(grid, scores, split, name)
            each = gains(grid, scores, split, name).values()
            better, worse = sum(g.low > 0 for g in each), sum(g.high < 0 for g in each)
            cells += [cell(one.mean, 3), cell(one.low, 3), cell(one.high, 3), better, worse]
            cells.append(len(each) - better - worse)
        rows.append(tuple(cells))
    heads = ("gain", "low", "high", "better", "worse", "open")
    return Table(
        "paired",
        "Spearman in the task metric less the plain one",
        ("notion", *(f"{split} queries | {head}" for split in QUERY_SPLITS for head in heads)),
        tuple(rows),
        "gain: mean over sets and models, with its 95 % t-interval over seeds. better, worse, "
        "open: pairs of a set and a model whose own interval lies above 0, below 0, or holds 0.",
    )


def known_table(grid: Grid, scores: ScoresByKey) -> Table | None:
    """Harmful against harmless shift, where the directions that matter are known."""
    names = [name for name, source in grid.sources.items() if source.has_known_directions]
    rows = []
    for name in names:
        for notion in (reading.partition(".")[0] for reading in PLAIN_READINGS):
            first = scores[name, QUERY_SPLITS[1], grid.models[0], f"{notion}.plain"]
            each = [interval(first.harmful)]
            each += [
                interval(scores[name, QUERY_SPLITS[1], m, f"{notion}.task"].harmful)
                for m in grid.models
            ]
            cells = [cell(v) for one in each for v in (one.mean, one.half)]
            rows.append((name, NOTIONS[notion].title, *cells))
    heads = ("plain", *(f"metric of {MODEL_TITLES[m]}" for m in grid.models))
    if not rows:
        return None
    return Table(
        "known",
        "Harmful against harmless shift, where the directions that matter are known",
        ("set", "notion", *(f"{head} | {what}" for head in heads for what in ("AUROC", "±"))),
        tuple(rows),
        "Shifted queries: half leave the data in what the target uses, half in as much else. "
        f"{INTERVAL_NOTE}",
        keys=2,
    )


def score_table(grid: Grid, scores: ScoresByKey) -> Table:
    """Every score of every cell, with its interval: for `the `results` of the study."""
    rows = []
    for (name, split, model, reading), one in scores.items():
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
