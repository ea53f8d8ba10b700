"""Lux, Watson, Chang, Hong, Cameron: Interpolation of Sparse High-Dimensional Data, computed again.

Numerical Algorithms 2021. Four real-valued data sets and a function-valued one, ten folds, all
the interpolants, the two regressors that can be had; the test function cos |x| in 2 and 20
dimensions; how far apart rows are. Every published figure stands beside the one computed here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from hullwise.errors import DataError

from .._page import write_page
from .._runs import Results, Task, existing_folder, run_tasks
from .._study import Study
from .._types import Floats, Progress
from . import _analytic as analytic
from . import _cdf as cdf
from . import _differs as differs
from . import _real as real
from ._data import STUDY_SETS, StudySet, in_folder, load_set, published_errors
from ._models import FULL_MLP_STEPS, STUDY_METHODS, Method, checked_slugs, network
from ._parts import parts_of
from ._results import Lux2021Results

__all__ = ["PARTS", "Lux2021Results", "Study", "all_but", "run", "write_page"]

PARTS = {name: source.title for name, source in STUDY_SETS.items()} | {
    "analytic": "The function cos |x| in 2 and 20 dimensions, and the data spacing"
}
"""What can be computed, and what it is: the data sets, and the analytic experiment."""

METHODS_BY_PATIENT = (
    "svr",
    "delaunay",
    "shepmod",
    "lshep",
    "voronoi",
    "boxspline",
    "nearest",
    "median",
)


def run(
    data: str | os.PathLike[str] | None = None,
    *,
    sets: Sequence[str] | None = None,
    without: Sequence[str] = (),
    full: bool = False,
    cache: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Study:
    """Compute the study.

    Parameters
    ----------
    data : path, optional
        A folder with the sets that may not be passed on: rainfall_sydney.csv.gz,
        credit_card.csv.gz and hpc_io_random_writers.csv.gz (features first, target last), and
        paper_abs_errors.npz, the published error of every point. Without it the bundled sets run.
    sets : sequence of str, optional
        Of `PARTS`: "forest_fires", "parkinsons", "rainfall", "credit_card", "hpc", "analytic".
        All that can be read unless told.
    without : sequence of str
        Methods to leave out, such as "mlp", the slowest.
    full : bool
        The paper's sizes: 100,000 steps of the MLP (minutes for each fold) and up to 8,192 rows in
        the analytic experiment. Otherwise 2,000 steps and up to 512 rows.
    cache : path, optional
        A folder that keeps the answer of each fold and method; a study that was stopped, or is
        asked for more, goes on from there.
    progress : callable, optional
        Called with (tasks done, tasks in all, name of the next).

    Returns
    -------
    Study
        Its `results` are `Lux2021Results`.

    Raises
    ------
    DataError
        An unknown set or method, or a set that is not bundled without `data`.
    FileError
        A folder or file that is not there or cannot be read.

    Notes
    -----
    The folds and the scaling are the paper's: a shuffle by Python's generator with seed 0, cut in
    ten; each feature scaled to [0, 1] on the training rows. MARS is left out: its package,
    py-earth, is unmaintained. Times depend on the machine; all else is the same on every run.

    Examples
    --------
    >>> from hullwise_studies import lux2021
    >>> study = lux2021.run(sets=["forest_fires"], without=lux2021.all_but("svr", "median"))
    >>> study
    Study(lux2021: 2 parts, ... tables)
    >>> row = study.tables["forest_fires_errors"].rows[1]
    >>> row[0], row[7], round(row[8], 3)  # the median: printed, and here
    ('SVR', 0.931, 0.931)
    """
    source = existing_folder(data, "data")
    parts = _parts(sets, source)
    methods = _methods(without, full)
    loaded = {name: load_set(name, source) for name in STUDY_SETS if name in parts}
    published = published_errors(source, loaded.values())
    tasks = _tasks(loaded, methods, full, "analytic" in parts)
    results = run_tasks(tasks, existing_folder(cache, "cache"), progress)
    return study_of(_results(loaded, parts, methods, full, published, results))


def all_but(*slugs: str) -> tuple[str, ...]:
    """Every method but these: what `without` takes to run only them."""
    return tuple(slug for slug in STUDY_METHODS if slug not in checked_slugs(slugs))


def _parts(sets: Sequence[str] | None, source: Path | None) -> tuple[str, ...]:
    if sets is None:
        return (*in_folder(source), "analytic")
    for name in sets:
        if name not in PARTS:
            raise DataError(f"no part is called {name!r}: there are {', '.join(PARTS)}.")
    return tuple(name for name in PARTS if name in sets)


def _methods(without: Sequence[str], full: bool) -> dict[str, Method]:
    dropped = checked_slugs(without)
    methods = {**STUDY_METHODS, "mlp": network(FULL_MLP_STEPS)} if full else STUDY_METHODS
    return {slug: m for slug, m in methods.items() if slug not in dropped}


def _by_patient(methods: Mapping[str, Method]) -> dict[str, Method]:
    return {slug: m for slug, m in methods.items() if slug in METHODS_BY_PATIENT}


def _tasks(
    sets: Mapping[str, StudySet], methods: Mapping[str, Method], full: bool, with_analytic: bool
) -> list[Task]:
    tasks: list[Task] = []
    for name, one in sets.items():
        if name == "hpc":
            tasks += cdf.tasks_of(one, tuple(methods))
        else:
            tasks += real.tasks_of(one, one.split(), methods)
        if name == "parkinsons":
            tasks += real.tasks_of(one, one.split_by_group(), _by_patient(methods))
    tasks += differs.tasks_of(sets, tuple(methods))
    if with_analytic:
        tasks += analytic.tasks_of(methods, full)
    return tasks


def _results(
    sets: Mapping[str, StudySet],
    parts: tuple[str, ...],
    methods: dict[str, Method],
    full: bool,
    published: dict[str, dict[str, Floats]],
    tasks: Results,
) -> Lux2021Results:
    held_out, by_patient, distances = {}, None, {}
    for name, one in sets.items():
        if name == "hpc":
            slugs = tuple(methods)
            distances = {k: cdf.distances(one, k, slugs, tasks) for k in cdf.INPUT_KINDS}
        else:
            held_out[name] = real.held_out_of(one, one.split(), methods, tasks)
        if name == "parkinsons":
            chosen = _by_patient(methods)
            by_patient = real.held_out_of(one, one.split_by_group(), chosen, tasks)
    return Lux2021Results(
        sets, parts, methods, full, held_out, by_patient, distances, published, tasks
    )


def study_of(results: Lux2021Results) -> Study:
    """The results in charts, tables and words."""
    return Study(
        "lux2021",
        "Interpolation of sparse high-dimensional data, computed again",
        "Lux, Watson, Chang, Hong, Cameron (Numerical Algorithms 2021): published figures, the "
        f"same figures computed here, and their difference. {_scope(results)}",
        parts_of(results),
        tuple(differs.findings(results)),
        tuple((method.name, method.settings) for method in results.methods.values()),
        tuple(_notes(results)),
        "What differs from the paper, and why",
        results,
    )


def _scope(results: Lux2021Results) -> str:
    titles = {name: source.title for name, source in STUDY_SETS.items()}
    ran = [titles.get(part, "the function cos |x|") for part in results.parts]
    missing = [title for name, title in titles.items() if name not in results.parts]
    form = "At the paper's sizes" if results.full else "In the short form"
    return f"{form}, on {', '.join(ran)}." + f" Not run: {', '.join(missing)}." * bool(missing)


def _notes(results: Lux2021Results) -> list[str]:
    notes = [
        "Ten folds: a shuffle of the row numbers by Python's generator with seed 0, cut in ten. "
        "Features are scaled to [0, 1] on the training rows of each fold. Rows that repeat in "
        "every feature with another target are averaged by the interpolants."
    ]
    if results.left_out:
        notes.append(f"Left out on this run: {', '.join(results.left_out)}.")
    if not results.full:
        notes.append(
            "Short form: 2,000 of the paper's 100,000 steps of the MLP, 512 of its 8,192 rows in "
            "the analytic experiment. --full runs all."
        )
    notes.append(
        "Forest fires: Cortez and Morais 2007, UCI, doi 10.24432/C5D88D. Parkinson's: Tsanas and "
        "Little 2009, UCI, doi 10.24432/C5ZS3N. Both CC BY 4.0."
    )
    return notes
