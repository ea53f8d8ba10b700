"""The paper's experiments with a known function: cos |x| on the unit cube, and how rows spread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations_with_replacement, islice, product
from math import ceil

import numpy as np

from .._runs import Results, Task, fingerprint
from .._tables import Table, beside
from .._types import Array, Floats
from ._models import FULL_MLP_STEPS, Method, in_a_thread
from ._published import ANALYTIC, SPACING

ANALYTIC_DIMENSIONS, NOISES, ANALYTIC_QUERIES = (2, 20), (0.0, 0.1), 1000
MEDIAN_DIGITS = ".4e"  # of the published medians
SPACING_LENGTHS = ("nearest row", "longest edge", "smallest singular value")
DESIGNS = {"fekete": "well-spaced rows", "random": "random rows"}


def sizes(full: bool) -> tuple[int, ...]:
    """Numbers of rows: 2 * 4^i up to i = 6 in the paper, up to 4 unless asked for all."""
    return tuple(2 * 4**i for i in range(1, 7 if full else 5))


def function(X: Floats) -> Floats:
    """cos |x| of each row."""
    return np.asarray(np.cos(np.linalg.norm(X, axis=1)))


def fekete_points(n: int, d: int) -> Floats:
    """Approximate Fekete points of the unit cube, (n, d): a well-spaced design.

    Of the Chebyshev grid with ceil(n^(1/d)) points an axis, at least 3, or of 2n random points of
    it where it has more, those n are kept that QR with column pivoting takes first from the
    transposed Vandermonde matrix of the first n polynomials by degree (Bos, De Marchi, Sommariva,
    Vianello 2010). The polynomials are products of Chebyshev's, which span the same space as
    monomials and do not run out of digits at high degree. O(n^3).
    """
    from scipy.linalg import qr

    per_axis = max(3, ceil(round(n ** (1 / d), 9)))
    nodes = (np.cos((2 * np.arange(1, per_axis + 1) - 1) / (2 * per_axis) * np.pi) + 1) / 2
    if per_axis**d > 2 * n:
        points = _random_grid_points(nodes, d, 2 * n)
    else:
        points = np.array(list(product(nodes, repeat=d)))
    powers = _degrees(n, d)
    values = np.cos(np.arange(powers.max() + 1) * np.arccos(2 * points[:, :, None] - 1))
    V = np.ones((n, len(points)), order="F")  # as LAPACK takes it: no copy
    for axis in range(d):
        V *= values[:, axis, powers[:, axis]].T
    pivots = in_a_thread(lambda: qr(V, mode="r", pivoting=True, overwrite_a=True)[1])
    return np.ascontiguousarray(points[pivots[:n]])


def _random_grid_points(nodes: Floats, d: int, count: int) -> Floats:
    """Different random points of the grid."""
    rng = np.random.default_rng(0)
    chosen = np.zeros((0, d), dtype=np.intp)
    while len(chosen) < count:
        chosen = np.concatenate([chosen, rng.integers(len(nodes), size=(count, d))])
        chosen = chosen[np.sort(np.unique(chosen, axis=0, return_index=True)[1])]
    return np.asarray(nodes[chosen[:count]])


def _degrees(n: int, d: int) -> Array:
    """Exponents of the first n polynomials in d variables, by total degree, (n, d)."""

    def all_of_them() -> object:
        total = 0
        while True:
            for group in combinations_with_replacement(range(d), total):
                yield np.bincount(np.array(group, dtype=np.intp), minlength=d)
            total += 1

    return np.array(list(islice(all_of_them(), n)))  # type: ignore[call-overload]


def latin_hypercube(n: int, d: int) -> Floats:
    """One point in each of n slices of every axis, at random."""
    rng = np.random.default_rng(0)
    order = np.array([rng.permutation(n) for _ in range(d)]).T
    return np.asarray((order + rng.random((n, d))) / n)


def queries(d: int) -> Floats:
    """The paper's evaluation points: NumPy's older generator, seed 0."""
    return np.asarray(np.random.RandomState(0).random_sample((ANALYTIC_QUERIES, d)))


def noisy(values: Floats, noise: float) -> Floats:
    """Values times 1 plus noise that is uniform in [-noise, noise]."""
    drawn = np.random.RandomState(0).random_sample(len(values))
    return values * (1 + noise * (2 * drawn - 1))


def tasks_of(methods: Mapping[str, Method], full: bool) -> list[Task]:
    """The rows first, then one task for each dimension, noise, size and method, and the spacing."""
    tasks: list[Task] = []
    for d, n in product(ANALYTIC_DIMENSIONS, sizes(full)):
        slugs = [s for s in ("delaunay", "mlp") if s in methods and (s == "mlp" or n >= d + 1)]
        for design in DESIGNS if "delaunay" in slugs else ["fekete"] * bool(slugs):
            name = _rows_name(d, n, design)
            tasks.append(Task(name, fingerprint("rows"), _design_task(d, n, design)))
        for slug, noise in product(slugs, NOISES):
            key = fingerprint("cos", slug, methods[slug].settings)
            name = f"analytic-{d}d-{n}-{noise:g}-{slug}"
            tasks.append(Task(name, key, _error_task(methods[slug], d, n, noise)))
        for design in DESIGNS if "delaunay" in slugs else ():
            name = f"spacing-{d}d-{n}-{design}"
            tasks.append(Task(name, fingerprint("spacing"), _spacing_task(d, n, design)))
    return tasks


def _rows_name(d: int, n: int, design: str) -> str:
    return f"rows-{d}d-{n}-{design}"


def _design_task(d: int, n: int, design: str) -> Callable[[Results], dict[str, Array]]:
    make = fekete_points if design == "fekete" else latin_hypercube
    return lambda _: {"rows": make(n, d)}


def _error_task(
    method: Method, d: int, n: int, noise: float
) -> Callable[[Results], dict[str, Array]]:
    def do(results: Results) -> dict[str, Array]:
        X, Q = results[_rows_name(d, n, "fekete")]["rows"], queries(d)
        answer = method.run(X, noisy(function(X), noise), Q)
        return {"error": np.abs(answer["prediction"] - function(Q))}

    return do


def _spacing_task(d: int, n: int, design: str) -> Callable[[Results], dict[str, Array]]:
    def do(results: Results) -> dict[str, Array]:
        import hullwise as hw

        X, Q = results[_rows_name(d, n, design)]["rows"], queries(d)
        reg = hw.DelaunayRegressor(metric=None).fit(X, function(X))
        W = reg.weights(Q)
        shape = hw.simplex_shape(W, X, Q, metric=None)
        return {
            "error": np.abs(W @ function(X) - function(Q)),
            "nearest row": shape.nearest,
            "longest edge": shape.longest_edge,
            "smallest singular value": shape.smallest_singular_value,
            "outside": np.linalg.norm(W @ X - Q, axis=1) > 1e-9,
        }

    return do


def tables_of(methods: Mapping[str, Method], full: bool, results: Results) -> list[Table]:
    """Medians by number of rows: of the errors, and of what the data spacing is."""
    return [_error_table(methods, full, results), _spacing_table(full, results)]


def _error_table(methods: Mapping[str, Method], full: bool, results: Results) -> Table:
    rows = []
    for d, noise, n in product(ANALYTIC_DIMENSIONS, NOISES, sizes(full)):
        cells: list[object] = [d, f"{100 * noise:g} %", n]
        for slug, row in (("delaunay", "Delaunay"), ("mlp", "MLP")):
            result = results.get(f"analytic-{d}d-{n}-{noise:g}-{slug}")
            here = None if result is None else float(np.median(result["error"]))
            cells += beside((ANALYTIC[d, noise, row].get(n),), (here,), printed=MEDIAN_DIGITS)
        rows.append(tuple(cells))
    names = ("Delaunay", methods["mlp"].name if "mlp" in methods else "MLP")
    parts = [f"{name} | {part}" for name in names for part in ("paper", "here", "difference")]
    steps = "" if full else f" The paper's network takes {FULL_MLP_STEPS:,} steps."
    return Table(
        "analytic",
        "cos |x|: median absolute error at 1,000 random points",
        ("dimension", "noise", "rows", *parts),
        tuple(rows),
        "The paper shows figures only; its numbers are medians of the figures' data. Queries "
        "and noise are drawn by its generator and seed, the rows are well spaced in its way."
        + steps,
    )


def _spacing_table(full: bool, results: Results) -> Table:
    rows = []
    for d, n in product(ANALYTIC_DIMENSIONS, sizes(full)):
        if f"spacing-{d}d-{n}-fekete" not in results:
            continue
        pair = {k: results[f"spacing-{d}d-{n}-{k}"] for k in DESIGNS}
        cells: list[object] = [d, n]
        for length in SPACING_LENGTHS:
            here, other = (float(np.nanmedian(pair[k][length])) for k in DESIGNS)
            cells += [*beside((SPACING[d, length].get(n),), (here,), printed=MEDIAN_DIGITS), other]
        cells += [100 * float(pair[k]["outside"].mean()) for k in DESIGNS]
        rows.append(tuple(cells))
    parts = [
        f"{a} | {b}"
        for a in SPACING_LENGTHS
        for b in ("paper", "here", "difference", "random rows")
    ]
    return Table(
        "spacing",
        "Data spacing: medians over the Delaunay simplices of 1,000 random points",
        ("dimension", "rows", *parts, "outside, % | well spaced", "outside, % | random rows"),
        tuple(rows),
        "Random rows are a Latin hypercube; outside is the share of points outside the hull. For "
        "those the simplex here has the rows with a weight only, a face of the hull; the paper's "
        "has d + 1 corners, some of them with weight 0, so its singular values are smaller.",
        keys=2,
    )
