"""Which notion of interpolation tracks the error: sets x models x notions, with intervals.

Balestriero, Pesenti and LeCun (Learning in High Dimension Always Amounts to Extrapolation, 2021)
ask for a notion of interpolation that goes with generalisation. Here each is measured against the
error of five models, plainly and in the metric that the model has of its task; and the beside about
that metric are answered by measurement too.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from numbers import Integral

from hullwise.errors import DataError

from .._discovery import discovered
from .._page import write_page
from .._runs import Results, existing_folder, run_tasks
from .._study import Part, Study
from .._tables import Finding
from .._types import Progress
from . import _grid_parts, _ranking
from ._grid import (
    FULL_SIZE,
    SHORT_SIZE,
    Grid,
    GridPart,
    Key,
    ReadingScores,
    plain_metric,
    scores_of,
    without_metric,
)
from ._models import ENSEMBLE_MEMBERS, GRID_MODELS
from ._sets import SHORT_FORM_SOURCES, SOURCES, sources

__all__ = ["MODEL_NAMES", "PARTS", "run", "write_page"]

_GRID_PARTS: dict[str, GridPart] = {
    part.name: part
    for part in sorted(discovered(__name__, "STUDY_PARTS"), key=lambda part: part.order)
}
PARTS = {name: source.text for name, source in SOURCES.items()} | {
    name: part.text for name, part in _GRID_PARTS.items()
}
"""What can be computed, and what it is: the sets, and the parts beside them."""
MODEL_NAMES = tuple(GRID_MODELS)
GRID_SEEDS, EXTRA_PART_SEEDS = 5, 3  # in the short form


def run(
    data: str | os.PathLike[str] | None = None,
    *,
    sets: Sequence[str] | None = None,
    models: Sequence[str] | None = None,
    seeds: int | None = None,
    full: bool = False,
    cache: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Study:
    """Compute the study.

    Parameters
    ----------
    data : path, optional
        A folder of .csv files, each one more set, called by its file's name: a header, numbers,
        the last column the target.
    sets : sequence of str, optional
        Of `PARTS` and the folder's files. Unless told all, in the short form without "digits".
    models : sequence of str, optional
        Of `MODEL_NAMES`: "rfm", "boosting", "mlp", "knn", "kernel_ridge". All unless told.
    seeds : int, optional
        How many draws of rows and queries, each with its own models: 5, or 10 with `full`. The
        short form takes at most 3 for "noise", "manifold" and "local".
    full : bool
        Up to 2,000 training rows and 500 queries in place of 500 and 200, "digits", and "noise" up
        to 6,400 rows in place of 1,600. Hours.
    cache : path, optional
        A folder that keeps the answer of each set, model and seed; a study that was stopped, or is
        asked for more, goes on from there.
    progress : callable, optional
        Called with (tasks done, tasks in all, name of the next).

    Returns
    -------
    Study
        Its `results` are every score as one long table, a line for each set, split, model and
        notion, with means and intervals over seeds; None where no set ran.

    Raises
    ------
    DataError
        An unknown set or model, fewer than 1 seed, or a table that cannot be used.
    FileError
        A folder that is not there, or that holds no .csv file.

    Notes
    -----
    The same on every run with the same versions. Cost: a model and an ensemble of five more for
    each set, split and seed, 0.1 to 1.5 s each in the short form, which takes five to six minutes
    on two cores.

    Sources: R. Balestriero, J. Pesenti, Y. LeCun, *Learning in high dimension always amounts to
    extrapolation*, 2021; ensembles as uncertainty, B. Lakshminarayanan, A. Pritzel, C. Blundell,
    *Simple and scalable predictive uncertainty estimation using deep ensembles*, NeurIPS 2017.

    Examples
    --------
    >>> from hullwise_studies import regimes
    >>> study = regimes.run(sets=["friedman10"], models=["kernel_ridge"], seeds=1)
    >>> study
    Study(regimes: 5 parts, 10 tables)
    >>> known = study.tables["known"].to_frame()
    >>> hull = known[known["notion"] == "hull"].iloc[0]
    >>> float(hull["plain | AUROC"]) < 0.6 < 0.8 < float(hull["metric of kernel ridge | AUROC"])
    True
    """
    n_seeds = GRID_SEEDS * (2 if full else 1) if seeds is None else _checked_seeds(seeds)
    available = sources(data, _GRID_PARTS)
    names = _part_names(available, sets, full)
    model_names = _checked_models(models)
    chosen_sources = {name: available[name] for name in available if name in names}
    rows = {name: None if s.read is None else s.read() for name, s in chosen_sources.items()}
    size = FULL_SIZE if full else SHORT_SIZE
    grid = Grid(chosen_sources, rows, model_names, n_seeds, size)
    extra_grid = Grid(
        {}, {}, model_names, n_seeds if full else min(n_seeds, EXTRA_PART_SEEDS), size
    )
    extra_parts = [part for name, part in _GRID_PARTS.items() if name in names]
    tasks = [*grid.tasks(), *(task for part in extra_parts for task in part.tasks(extra_grid))]
    results = run_tasks(tasks, existing_folder(cache, "cache"), progress)
    return _study(grid, extra_grid, extra_parts, results, full)


def _part_names(there: Iterable[str], sets: Sequence[str] | None, full: bool) -> set[str]:
    """What is computed."""
    everything = (*there, *_GRID_PARTS)
    if sets is None:
        return {
            name for name in everything if full or name in SHORT_FORM_SOURCES or name not in SOURCES
        }
    for name in sets:
        if name not in everything:
            raise DataError(f"no part is called {name!r}: there are {', '.join(everything)}.")
    if not sets:
        raise DataError("sets is empty: name at least one, or leave it out for all.")
    return set(sets)


def _checked_seeds(seeds: int) -> int:
    if isinstance(seeds, bool) or not isinstance(seeds, Integral) or seeds < 1:
        raise DataError(f"seeds={seeds!r}: expected a whole number of at least 1.")
    return int(seeds)


def _checked_models(models: Sequence[str] | None) -> tuple[str, ...]:
    for name in models or ():
        if name not in GRID_MODELS:
            raise DataError(f"no model is called {name!r}: there are {', '.join(GRID_MODELS)}.")
    if models is not None and not models:
        raise DataError("models is empty: name at least one, or leave it out for all.")
    return tuple(name for name in GRID_MODELS if models is None or name in models)


def _study(
    grid: Grid, extra_grid: Grid, extra_parts: Sequence[GridPart], results: Results, full: bool
) -> Study:
    parts: list[Part] = []
    findings: list[Finding] = []
    scores_by_key: dict[Key, ReadingScores] = {}
    if grid.sources:
        scores_by_key = scores_of(grid, results)
        parts += _grid_parts.parts(grid, scores_by_key)
        findings += _grid_parts.findings(
            grid, scores_by_key, without_metric(grid, results), plain_metric(grid, results)
        )
    for grid_part in extra_parts:
        part, its_findings = grid_part.part(extra_grid, results)
        parts.append(part)
        findings += its_findings
    about = [
        (
            "Seeds",
            f"{grid.seeds}; of the parts on useless inputs, flats and local metrics "
            f"{extra_grid.seeds}",
        ),
        (
            "Sizes",
            f"up to {grid.size.rows:,} training rows and {grid.size.queries:,} queries, at "
            f"most a quarter of the table; {'full' if full else 'short'} form",
        ),
        (
            "Error",
            "of numbers |y - prediction| in standard deviations of the training target, of "
            "classes 1 minus the share of the true one",
        ),
        (
            "Ensemble",
            f"{ENSEMBLE_MEMBERS} models on bootstrap samples, each with a seed of its own",
        ),
        *_grid_parts.about(grid),
        *((f"Model {name}", GRID_MODELS[name]) for name in grid.models),
    ]
    scores = _ranking.score_table(grid, scores_by_key) if scores_by_key else None
    return Study(
        "regimes",
        "Which notion of interpolation tracks the error",
        REGIMES_LEAD,
        tuple(parts),
        tuple(findings),
        tuple(about),
        results=scores,
    )


REGIMES_LEAD = (
    "Balestriero, Pesenti and LeCun ask for a notion of interpolation that goes with "
    "generalisation. Each notion here is measured against the errors of models, plainly and in the "
    "metric that the model has of its task."
)
