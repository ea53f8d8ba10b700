"""What differs from the paper, and why, as far as it can be shown; each with its own numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from .._runs import Results, Task, fingerprint
from .._tables import Finding, Table
from .._types import Array, Floats
from ._data import StudySet, unit_cube
from ._models import STUDY_METHODS
from ._notes import analytic, functions, network, without_table
from ._published import ERRORS, PAPER_METHODS, SHARES_AND_TIMES
from ._real import HeldOutErrors, equal, share_best
from ._results import Lux2021Results

PAPER_INTERPOLANTS = ("Delaunay", "ShepMod", "LSHEP", "Voronoi", "BoxSpline")
OUTSIDE_DISTANCE = 1e-9  # of the unit cube: farther than this from the average of its rows
Errors = Mapping[str, Mapping[str, Floats]]


def tasks_of(sets: Mapping[str, StudySet], slugs: tuple[str, ...]) -> list[Task]:
    """What is computed for this page alone: Delaunay on columns moved within their rounding."""
    if "parkinsons" not in sets or "delaunay" not in slugs:
        return []
    data = sets["parkinsons"]
    return [Task("parkinsons-rounding", fingerprint(data.X, data.y), _rounding_task(data))]


def _rounding_task(data: StudySet) -> Callable[[Results], dict[str, Array]]:
    def do(_: Results) -> dict[str, Array]:
        train, test = data.split().folds[0]
        moved = data.X.copy()
        rng = np.random.default_rng(0)
        for name in ("Jitter:DDP", "Shimmer:DDA"):  # given with five decimals
            moved[:, data.columns.index(name)] += rng.uniform(-5e-6, 5e-6, data.n)
        predictions = []
        for X in (data.X, moved):
            A, B = unit_cube(X[train], X[test])
            predictions.append(STUDY_METHODS["delaunay"].run(A, data.y[train], B)["prediction"])
        (A,) = unit_cube(data.X[train])
        values = np.linalg.svd(A - A.mean(axis=0), compute_uv=False)
        return {"as given": predictions[0], "moved": predictions[1], "singular values": values}

    return do


def findings(results: Lux2021Results) -> list[Finding]:
    """All that these runs can show."""
    held_out, published = results.held_out, results.published
    real = {name: data for name, data in results.sets.items() if name != "hpc"}
    candidates = [
        _sorted_shares(held_out, published),
        _box_order(held_out, results.distances, published),
        _answers(real),
        _patients(held_out.get("parkinsons"), results.by_patient),
        _outside(held_out),
        _collinear(results.sets.get("parkinsons"), results.tasks),
        _linear_shepard(held_out, published),
        network() if held_out else None,
        analytic(results.tasks),
        functions(results.sets, results.distances),
        *without_table(results.sets),
    ]
    return [finding for finding in candidates if finding is not None]


def _sorted_shares(held_out: Mapping[str, HeldOutErrors], published: Errors) -> Finding | None:
    text = (
        'The column "% best" compares sorted errors: the k-th smallest error of one method with '
        "the k-th smallest of the others, which need not belong to the same point. So it says at "
        "which quantile levels a method is lowest. Counted point by point the shares are other ones"
    )
    rows, sums = [], []
    for name, errors in published.items():
        at = held_out[name].data.printed if name in held_out else slice(None)
        of_rows = {m: errors[m][at] for m in PAPER_METHODS if m in errors}
        for method, (ordered, point) in share_best(of_rows).items():
            rows.append((name, method, SHARES_AND_TIMES[name][method][0], ordered, point))
        if name != "hpc":
            printed = sum(SHARES_AND_TIMES[name][m][0] for m in PAPER_INTERPOLANTS)
            sums.append((printed, _share_of(of_rows, PAPER_INTERPOLANTS)))
    if not rows:
        return Finding(
            'The column "% best"',
            text + " (tables above, for the methods computed here; with the published errors, "
            "which the folder of --data may hold, the paper's shares are counted again too).",
        )
    if sums:
        a, b = np.mean(sums, axis=0)
        text += (
            f"; the interpolants' shares add up to {a:.1f} % as printed and {b:.1f} % point by "
            f"point (a tie is shared), on average over {len(sums)} real-valued "
            f"set{'s' * (len(sums) > 1)}"
        )
    columns = ("set", "method", "printed", "published errors, sorted", "point by point")
    table = Table("differs_best", "Shares of the published errors, %", columns, tuple(rows))
    return Finding('The column "% best"', text + ".", table)


def _share_of(errors: Mapping[str, Floats], chosen_methods: tuple[str, ...]) -> float:
    """In percent, how often one of these methods is nearest; ties are shared."""
    E = np.array(list(errors.values()))
    best = E.min(axis=0) == E
    chosen = np.array([m in chosen_methods for m in errors])
    return float(100 * (best[chosen].sum(axis=0) / best.sum(axis=0)).mean())


def _box_order(
    held_out: Mapping[str, HeldOutErrors], distances: Errors, published: Errors
) -> Finding | None:
    slugs = ("boxspline-published", "boxspline", "boxspline-flat")
    rows = []
    for name, one in held_out.items():
        if not all(s in one.methods for s in slugs):
            continue
        at = one.data.printed
        medians = [float(np.median(one.errors[s][at])) for s in slugs]
        there = published.get(name, {}).get("BoxSpline")
        same = None
        if there is not None:
            here = one.errors[slugs[0]]
            same = 100 * float(equal(here[at], there[at], one.data.y).mean())
        rows.append((name, ERRORS[name]["BoxSpline"][2], *medians, same))
    ks = distances.get("raw", {})
    if all(s in ks for s in slugs):
        medians = [float(np.median(ks[s])) for s in slugs]
        rows.append(("hpc, other rows", ERRORS["hpc"]["BoxSpline"][2], *medians, None))
    if not rows:
        return None
    columns = (
        "set",
        "printed median",
        "as published",
        "matching order",
        "matching order, flat sides",
        "equal points as published, %",
    )
    text = (
        "The boxes are inserted from the centre outwards, which re-orders the training rows. The "
        "published predictions are obtained when box b carries the response of training row b all "
        "the same. With each box carrying the response of its own row the errors are those in the "
        "columns of matching order. In the published code the factor of a side that nothing bounds "
        "grows with the distance from the row; with the factor 1 they are those of flat sides."
    )
    table = Table("differs_boxes", "Box splines: median absolute error", columns, tuple(rows))
    return Finding("Responses of the box splines", text, table)


def _answers(sets: Mapping[str, StudySet]) -> Finding | None:
    rows = []
    for name, data in sets.items():
        guess = _least_squares(data)
        error = np.abs(guess - data.y)
        r2 = 1 - float(np.sum(error**2) / np.sum((data.y - data.y.mean()) ** 2))
        related = [abs(np.corrcoef(x, data.y)[0, 1]) if np.ptp(x) else 0.0 for x in data.X.T]
        j = int(np.argmax(related))
        count = int((data.X[:, j] == data.y).sum())
        cells = (data.columns[j], float(related[j]), count, data.n, r2, float(np.median(error)))
        rows.append((name, *cells))
    if not rows:
        return None
    columns = (
        "set",
        "column most correlated with the target",
        "correlation",
        "rows where they are equal",
        "rows",
        "R2 of least squares",
        "median error of least squares",
    )
    text = (
        "A plane is fitted to all rows of each set. In the rainfall set the column RISK_MM is the "
        "amount of rain of the next day, which is the target, in every row. The amounts of the "
        "credit card set are nearly linear in its 28 columns, the principal components of data "
        "that are not public. So the figures of these two sets say how well a method finds one "
        "column, or a plane."
    )
    return Finding(
        "Columns that hold the answer",
        text,
        Table("differs_answers", "What a plane through all rows explains", columns, tuple(rows)),
    )


def _least_squares(data: StudySet) -> Floats:
    (A,) = unit_cube(data.X)
    return STUDY_METHODS["linear"].run(A, data.y, A)["prediction"]


def _patients(rows: HeldOutErrors | None, patients: HeldOutErrors | None) -> Finding | None:
    if rows is None or patients is None:
        return None
    cells = []
    for slug, method in patients.methods.items():
        a, b = (float(h.errors[slug].mean()) for h in (rows, patients))
        c, d = (float(np.median(h.errors[slug])) for h in (rows, patients))
        cells.append((method.name, a, b, c, d))
    columns = (
        "method",
        "mean error | folds of rows",
        "mean error | folds of patients",
        "median error | folds of rows",
        "median error | folds of patients",
    )
    count = len(np.unique(rows.data.groups)) if rows.data.groups is not None else 0
    text = (
        f"The {rows.data.n:,} recordings are of {count} patients, and a patient's score changes "
        "slowly. Random folds put recordings of the same patient on both sides, so that the "
        "nearest row is often the same person's. With folds that keep each patient together the "
        "methods answer for people they have not met; the constant median is the yardstick."
    )
    table = Table("differs_patients", "Parkinson's: errors by kind of fold", columns, tuple(cells))
    return Finding("Folds that share patients", text, table)


def _outside(held_out: Mapping[str, HeldOutErrors]) -> Finding | None:
    rows = []
    for name, one in held_out.items():
        if "delaunay" in one.shift:
            at = one.data.printed
            out = one.shift["delaunay"][at] > OUTSIDE_DISTANCE
            far = one.shift["delaunay"][at]
            rows.append((name, len(out), 100 * float(out.mean()), float(np.median(far))))
    if not rows:
        return None
    columns = ("set", "held-out rows", "outside the hull, %", "median distance to the hull")
    text = (
        "Outside the hull of the training rows there is no Delaunay simplex; the paper and this "
        'study give the value at the nearest point of the hull. The row "Delaunay" is therefore '
        "mostly about such points, and the paper's bound for the inside does not cover them. "
        "Distances are in the unit cube."
    )
    table = Table("differs_outside", "Held-out rows outside the hull", columns, tuple(rows))
    return Finding("Queries outside the hull", text, table)


def _collinear(data: StudySet | None, results: Results) -> Finding | None:
    if data is None:
        return None
    column = {c: data.X[:, j] for j, c in enumerate(data.columns)}
    rows = [
        (f"{a} - 3 {b}", float(np.abs(column[a] - 3 * column[b]).max()), float(np.ptp(column[a])))
        for a, b in (("Jitter:DDP", "Jitter:RAP"), ("Shimmer:DDA", "Shimmer:APQ3"))
    ]
    text = (
        "In Parkinson's two columns are three times another one, up to the rounding of the file. "
        "In two directions the rows then differ by rounding alone, and which rows are neighbours "
        "there is decided by it."
    )
    result = results.get("parkinsons-rounding")
    if result is not None:
        values = result["singular values"]
        moved = np.abs(result["as given"] - result["moved"])
        text += (
            f" The training rows of the first fold, in the unit cube, have the singular values "
            f"{values[0]:.3g} (largest), {values[-3]:.3g}, {values[-2]:.3g} and {values[-1]:.3g} "
            f"(least). Moving the two columns at random by at most half a unit of their fifth "
            f"decimal changes {100 * float((moved > 0.01).mean()):.0f} % of the Delaunay "
            f"predictions of that fold by more than 0.01, the largest by {moved.max():.2g}."
        )
    columns = ("difference of columns", "largest", "range of the first column")
    table = Table("differs_collinear", "Columns that depend on each other", columns, tuple(rows))
    return Finding("Nearly collinear columns", text, table)


def _linear_shepard(held_out: Mapping[str, HeldOutErrors], published: Errors) -> Finding | None:
    rows = []
    for name, one in held_out.items():
        if "lshep" in one.methods:
            at = one.data.printed
            here = one.errors["lshep"]
            there = published.get(name, {}).get("LSHEP")
            same = None
            if there is not None:
                same = 100 * float(equal(here[at], there[at], one.data.y).mean())
            printed = ERRORS[name]["LSHEP"][2]
            rows.append((name, printed, float(np.median(here[at])), same))
    if not rows:
        return None
    columns = ("set", "printed median", "median here", "equal points, %")
    text = (
        "The published errors of LSHEP follow neither from the formula of the paper nor from the "
        "published Fortran package; why is not known. The figures here are those of the formula."
    )
    table = Table("differs_lshep", "Linear Shepard: median absolute error", columns, tuple(rows))
    return Finding("Linear Shepard", text, table)
