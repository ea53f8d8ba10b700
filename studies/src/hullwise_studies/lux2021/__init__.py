"""Lux, Watson, Chang, Hong, Cameron: Interpolation of Sparse High-Dimensional Data, computed again.

Numerical Algorithms 2021. Four real-valued data sets and a function-valued one, ten folds, all
the interpolants, the two regressors that can be had; the test function cos |x| in 2 and 20
dimensions; how far apart rows are. Every published figure stands beside the one computed here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hullwise._core.types import Floats, Progress
from hullwise.errors import DataError

from .._runs import Results, Task, run_tasks
from .._study import folder
from .._tables import Finding, Table
from . import _analytic as analytic
from . import _cdf as cdf
from . import _differs as differs
from . import _real as real
from ._data import SETS, StudySet, in_folder, load_set, published_errors
from ._models import FULL_STEPS, METHODS, Method, known, network
from ._real import Held

__all__ = ["PARTS", "Study", "all_but", "run", "write_page"]

PARTS = (*SETS, "analytic")
"""What can be asked for: the data sets, and the analytic experiment with the data spacing."""

BY_PATIENT = ("svr", "delaunay", "shepmod", "lshep", "voronoi", "boxspline", "nearest", "median")


@dataclass(frozen=True, eq=False, repr=False)
class Study:
    """All that was computed.

    Attributes
    ----------
    tables : dict of str to Table
        Every table, by name; `Table.to_dict` and `Table.to_frame` give it as plain data.
    findings : tuple of Finding
        What differs from the paper and why, as far as it can be shown: `title`, `text`, and
        `table` or None.
    methods : dict of str to Method
        What ran, with its settings.
    parts : tuple of str
        Data sets that ran, and "analytic".
    full : bool
        Whether at the paper's own sizes.
    held : dict of str to Held
        Predictions and errors at every held-out row of the real-valued sets.
    distances : dict of str to dict
        Kolmogorov-Smirnov distances by kind of inputs and method, for the function-valued set.
    published : dict of str to dict
        The published errors at every row, where the folder held them.
    results : dict
        What every task returned, by its name.
    """

    tables: dict[str, Table]
    findings: tuple[Finding, ...]
    methods: dict[str, Method]
    parts: tuple[str, ...]
    full: bool
    held: dict[str, Held]
    distances: dict[str, dict[str, Floats]]
    published: dict[str, dict[str, Floats]]
    results: Results

    def __repr__(self) -> str:
        return (
            f"Study(lux2021: {', '.join(self.parts)}; {len(self.methods)} methods, "
            f"{len(self.tables)} tables)"
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
    Study(lux2021: forest_fires; 2 methods, ... tables)
    >>> row = study.tables["forest_fires_errors"].rows[1]
    >>> row[0], row[7], round(row[8], 3)  # the median: printed, and here
    ('SVR', 0.931, 0.931)
    """
    source = folder(data, "data")
    parts = _parts(sets, source)
    methods = _methods(without, full)
    loaded = {name: load_set(name, source) for name in SETS if name in parts}
    published = published_errors(source, loaded.values())
    tasks = _tasks(loaded, methods, full, "analytic" in parts)
    results = run_tasks(tasks, folder(cache, "cache"), progress)
    return _study(loaded, parts, methods, full, published, results)


def all_but(*slugs: str) -> tuple[str, ...]:
    """Every method but these: what `without` takes to run only them."""
    return tuple(slug for slug in METHODS if slug not in known(slugs))


def write_page(study: Study, path: str | os.PathLike[str], *, force: bool = False) -> Path:
    """Write the study as one HTML page that loads nothing else, of at most 1 MB.

    Parameters
    ----------
    study : Study
    path : path
        The file to write, whole or not at all.
    force : bool
        Whether a file that is already there is replaced.

    Returns
    -------
    Path

    Raises
    ------
    FileError
        The file exists and `force` is false, or it cannot be written.
    """
    from hullwise.io.atomic_write import whole_file

    from ._page import page

    with whole_file(path, force=force) as stream:
        stream.write(page(study).encode("utf-8"))
    return Path(path).expanduser()


def _parts(sets: Sequence[str] | None, source: Path | None) -> tuple[str, ...]:
    if sets is None:
        return (*in_folder(source), "analytic")
    for name in sets:
        if name not in PARTS:
            raise DataError(f"no part is called {name!r}: there are {', '.join(PARTS)}.")
    return tuple(name for name in PARTS if name in sets)


def _methods(without: Sequence[str], full: bool) -> dict[str, Method]:
    dropped = known(without)
    methods = {**METHODS, "mlp": network(FULL_STEPS)} if full else METHODS
    return {slug: m for slug, m in methods.items() if slug not in dropped}


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
            some = {s: m for s, m in methods.items() if s in BY_PATIENT}
            tasks += real.tasks_of(one, one.split_by_group(), some)
    tasks += differs.tasks_of(sets, tuple(methods))
    if with_analytic:
        tasks += analytic.tasks_of(methods, full)
    return tasks


def _study(
    sets: Mapping[str, StudySet],
    parts: tuple[str, ...],
    methods: dict[str, Method],
    full: bool,
    published: dict[str, dict[str, Floats]],
    results: Results,
) -> Study:
    held: dict[str, Held] = {}
    distances: dict[str, dict[str, Floats]] = {}
    made: list[Table] = []
    for name, one in sets.items():
        there = published.get(name, {})
        if name == "hpc":
            slugs = tuple(methods)
            distances = {k: cdf.distances(one, k, slugs, results) for k in cdf.INPUTS}
            made += [*cdf.tables_of(one, distances, there), cdf.time_table(one, slugs, results)]
        else:
            held[name] = real.held_out(one, one.split(), methods, results)
            made += real.tables_of(held[name], there)
    by_patient = None
    if "parkinsons" in sets:
        one = sets["parkinsons"]
        some = {s: m for s, m in methods.items() if s in BY_PATIENT}
        by_patient = real.held_out(one, one.split_by_group(), some, results)
    if held:
        made.append(real.averages(list(held.values()), published))
    if "analytic" in parts:
        made += analytic.tables_of(methods, full, results)
    found = tuple(differs.findings(sets, held, by_patient, distances, published, results))
    made += [f.table for f in found if f.table is not None]
    return Study(
        {t.name: t for t in made}, found, methods, parts, full, held, distances, published, results
    )
